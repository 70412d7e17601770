"""`kong.request`: the client's request."""

import json
from typing import Any

from gateline.pdk.kong.exceptions import Failure, PDKException
from gateline.pdk.kong.surface import Group, function
from gateline.pdk.kong.values import HeaderTable, arguments_of, dashed, form_of, header_table, limited

__all__ = ["Request", "body_table"]

_REQUEST = ("rewrite", "access", "response", "header_filter", "body_filter", "log", "admin_api")
_BODY = ("rewrite", "access", "response", "admin_api")

TOO_LARGE = "request body did not fit into client body buffer, consider raising 'plugin_body_limit'"
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
JSON = "application/json"


class Request(Group):
    """`kong.request`."""

    __slots__ = ()

    @function(_REQUEST)
    def get_scheme(self) -> str:
        return str(self._x.request.scheme)

    @function(_REQUEST)
    def get_host(self) -> str:
        return str(self._x.request.host)

    @function((*_REQUEST, "certificate"), fails=True)
    def get_port(self) -> int:
        if self.phase == "certificate":
            raise Failure("the port is not known in the certificate phase")
        return int(self._x.request.port)

    @function(_REQUEST)
    def get_forwarded_scheme(self) -> str:
        return str(self._x.request.forwarded_scheme)

    @function(_REQUEST)
    def get_forwarded_host(self) -> str:
        return str(self._x.request.forwarded_host)

    @function(_REQUEST)
    def get_forwarded_port(self) -> int:
        return int(self._x.request.forwarded_port)

    @function(_REQUEST)
    def get_forwarded_path(self) -> str:
        return str(self._x.request.forwarded_path)

    @function(_REQUEST)
    def get_forwarded_prefix(self) -> str | None:
        prefix: str | None = self._x.request.forwarded_prefix
        return prefix

    @function(_REQUEST)
    def get_http_version(self) -> float:
        return float(self._x.request.http_version)

    @function(_REQUEST)
    def get_method(self) -> str:
        return str(self._x.request.method)

    @function(_REQUEST)
    def get_path(self) -> str:
        return str(self._x.request.path)

    @function(_REQUEST)
    def get_raw_path(self) -> str:
        return str(self._x.request.raw_path)

    @function(_REQUEST)
    def get_path_with_query(self) -> str:
        return str(self._x.request.path_with_query)

    @function(_REQUEST)
    def get_raw_query(self) -> str:
        return str(self._x.request.query)

    @function(_REQUEST)
    def get_query_arg(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise PDKException("query argument name must be a string")
        value = arguments_of(self._x.request.query).get(name)
        return value[0] if isinstance(value, list) else value

    @function(_REQUEST)
    def get_query(self, max_args: Any = None) -> dict[str, Any]:
        return arguments_of(self._x.request.query, limited(max_args, "max_args"))

    @function(_REQUEST)
    def get_header(self, name: Any) -> str | None:
        value: str | None = self._x.request.header(dashed(name))
        return value

    @function(_REQUEST)
    def get_headers(self, max_headers: Any = None) -> HeaderTable:
        return header_table(self._x.request.headers(), limited(max_headers, "max_headers"))

    @function(_BODY, fails=True)
    def get_raw_body(self) -> bytes:
        body: bytes | None = self._x.request.body
        if body is None:
            raise Failure(TOO_LARGE)
        return body

    @function(_BODY, fails=True)
    def get_body(self, mimetype: Any = None, max_args: Any = None) -> Any:
        request = self._x.request
        content_type = mimetype or request.header("content-type")
        if not content_type:
            raise Failure("missing content type")
        body = request.body
        if body is None:
            raise Failure(TOO_LARGE)
        if MULTIPART in content_type:
            fields = request.form()
            if fields is None:
                raise Failure("the body is no multipart form")
            return form_of(fields)
        return body_table(body, content_type, limited(max_args, "max_args"))

    @function(_REQUEST)
    def get_uri_captures(self) -> dict[str, Any]:
        unnamed, named = self._x.request.uri_captures
        return {"unnamed": list(unnamed), "named": dict(named)}

    @function(_REQUEST)
    def get_start_time(self) -> int:
        return int(self._x.request.start_time * 1000)


def body_table(body: bytes, content_type: str, limit: int) -> Any:
    """A body by its type. Raises Failure."""
    media = content_type.partition(";")[0].strip().lower()
    if media == FORM:
        return arguments_of(body.decode("utf-8", "replace"), limit)
    if media == JSON or media.endswith("+json"):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            raise Failure("invalid json body") from None
    raise Failure(f"unsupported content type '{content_type}'")
