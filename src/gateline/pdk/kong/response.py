"""`kong.response`: what the client gets."""

from collections.abc import Mapping
from typing import Any

from gateline.pdk.answers import ErrorResponse, Response
from gateline.pdk.kong.exceptions import Exit, Failure, PDKException
from gateline.pdk.kong.surface import Group, function
from gateline.pdk.kong.values import HeaderTable, as_text, dashed, header_table, header_value, header_values, limited

__all__ = ["ClientResponse"]

_READ = ("header_filter", "response", "body_filter", "log", "admin_api")
_WRITE = ("rewrite", "access", "header_filter", "response", "admin_api")
_END = ("preread", "rewrite", "access", "response", "admin_api", "header_filter")


class ClientResponse(Group):
    """`kong.response`."""

    __slots__ = ()

    @function(_READ)
    def get_status(self) -> int | None:
        return self._x.response.status or None

    @function(_READ)
    def get_header(self, name: Any) -> str | None:
        value: str | None = self._x.response.header(dashed(name))
        return value

    @function(_READ)
    def get_headers(self, max_headers: Any = None) -> HeaderTable:
        return header_table(self._x.response.headers(), limited(max_headers, "max_headers"))

    @function(_READ)
    def get_source(self) -> str:
        return self._x.response.source or "error"

    @function(("response", "body_filter"), fails=True)
    def get_raw_body(self) -> bytes:
        body: bytes | None = self._x.response.body
        if body is None:
            raise Failure("the body is not there")
        return body

    @function(("response", "body_filter"))
    def set_raw_body(self, body: Any) -> None:
        self._x.response.set_body(body if isinstance(body, bytes) else as_text(body, "body").encode())

    @function(_WRITE)
    def set_status(self, status: Any) -> None:
        self._x.response.set_status(_status(status, 100))

    @function(_WRITE)
    def set_header(self, name: Any, value: Any) -> None:
        name = _dashed(name)
        if value.__class__ is str:
            self._x.response.set_header(name, value)
        elif isinstance(value, list | tuple):
            self._x.response.set_headers({name: [header_value(one, name) for one in value]})
        else:
            self._x.response.set_header(name, header_value(value, name))

    @function(_WRITE)
    def add_header(self, name: Any, value: Any) -> None:
        name = _dashed(name)
        for one in value if isinstance(value, list | tuple) else (value,):
            self._x.response.add_header(name, header_value(one, name))

    @function(_WRITE)
    def clear_header(self, name: Any) -> None:
        self._x.response.remove_header(_dashed(name))

    @function(_WRITE)
    def set_headers(self, headers: Any) -> None:
        self._x.response.set_headers({_dashed(name): value for name, value in header_values(headers).items()})

    @function(_END, ends=True)
    def exit(self, status: Any = None, body: Any = None, headers: Any = None) -> None:
        status = _status(status, 100)
        if body is not None and not isinstance(body, str | bytes | Mapping | list | tuple):
            raise PDKException("body must be a nil, string or table")
        given = None if headers is None else header_values(headers)
        raise Exit(Response(status, list(body) if isinstance(body, tuple) else body, given))

    @function(_END, ends=True)
    def error(self, status: Any = None, message: Any = None, headers: Any = None) -> None:
        status = _status(status, 400)
        if message is not None and not isinstance(message, str):
            raise PDKException("message must be a nil or string")
        raise Exit(ErrorResponse(status, message, None if headers is None else header_values(headers)))


def _dashed(name: Any) -> str:
    text = as_text(name, "header")
    return text.replace("_", "-") if "_" in text else text


def _status(status: Any, low: int) -> int:
    if isinstance(status, bool) or not isinstance(status, int | float):
        raise PDKException("code must be a number")
    if status != int(status) or not low <= status <= 599:
        raise PDKException(f"code must be a number between {low} and 599")
    return int(status)
