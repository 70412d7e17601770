"""`kong.service`: where the request goes, how it goes there, and what came back."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from gateline.pdk.kong.exceptions import Failure, PDKException
from gateline.pdk.kong.request import FORM, JSON, MULTIPART, body_table
from gateline.pdk.kong.surface import Group, function
from gateline.pdk.kong.values import (
    HeaderTable,
    as_int,
    as_text,
    dashed,
    header_table,
    header_value,
    header_values,
    limited,
    query_text,
)

__all__ = ["Service"]

_WRITE = ("rewrite", "access")
_ROUTED = ("access",)
_READ = ("response", "header_filter", "body_filter", "log")
_MS = 2**31 - 2
_NO_CHANGE = "how the certificate of a service is verified is configured at the service, not changed for a request"


class ServiceRequest(Group):
    """`kong.service.request`."""

    __slots__ = ()

    @function(("access", "rewrite", "preread", "response", "header_filter", "balancer"))
    def enable_buffering(self) -> None:
        """A plugin with a `response` hook gets the body whole without being asked."""

    @function(_ROUTED)
    def set_scheme(self, scheme: Any) -> None:
        if as_text(scheme, "scheme") not in ("http", "https"):
            raise PDKException(f"invalid scheme: {scheme}")
        self._x.service_request.set_scheme(scheme)

    @function(("access", "preread", "balancer"))
    def enable_tls(self) -> bool:
        self._x.service_request.set_scheme("https")
        return True

    @function(("access", "preread", "balancer"))
    def disable_tls(self) -> bool:
        self._x.service_request.set_scheme("http")
        return True

    @function(_ROUTED)
    def set_path(self, path: Any) -> None:
        if not as_text(path, "path").startswith("/"):
            raise PDKException("path must start with /")
        self._x.service_request.set_path(path)

    @function(_WRITE)
    def set_raw_query(self, query: Any) -> None:
        self._x.service_request.set_query(as_text(query, "query"))

    @function(_WRITE)
    def set_query(self, args: Any) -> None:
        self._x.service_request.set_query(query_text(args))

    @function(_WRITE)
    def set_method(self, method: Any) -> None:
        name = as_text(method, "method")
        if not (name.isascii() and name.isalpha()):
            raise PDKException(f"invalid method: {method}")
        self._x.service_request.set_method(name.upper())

    @function((*_WRITE, "balancer"))
    def set_header(self, header: Any, value: Any) -> None:
        name = as_text(header, "header")
        if value.__class__ is str:
            self._x.service_request.set_header(name, value)
        elif isinstance(value, list | tuple):
            self._x.service_request.set_headers({name: [header_value(one, name) for one in value]})
        else:
            self._x.service_request.set_header(name, header_value(value, name))

    @function(_WRITE)
    def add_header(self, header: Any, value: Any) -> None:
        name = as_text(header, "header")
        for one in value if isinstance(value, list | tuple) else (value,):
            self._x.service_request.add_header(name, header_value(one, name))

    @function(_WRITE)
    def clear_header(self, header: Any) -> None:
        self._x.service_request.remove_header(as_text(header, "header"))

    @function(_WRITE)
    def set_headers(self, headers: Any) -> None:
        self._x.service_request.set_headers(header_values(headers))

    @function(_WRITE)
    def set_raw_body(self, body: Any) -> None:
        self._x.service_request.set_body(body if isinstance(body, bytes) else as_text(body, "body").encode())

    @function(_WRITE, fails=True)
    def set_body(self, args: Any, mimetype: Any = None) -> bool:
        if not isinstance(args, Mapping | list | tuple):
            raise PDKException("args must be a table")
        wanted = mimetype or self._x.request.header("content-type")
        if not wanted:
            raise Failure("content type was neither explicitly given as an argument or received as a header")
        media = str(wanted).partition(";")[0].strip().lower()
        if media == FORM:
            self._x.service_request.set_body(query_text(args).encode(), FORM)
        elif media == JSON:
            self._x.service_request.set_body(json.dumps(args).encode(), JSON)
        elif media == MULTIPART:
            boundary = secrets.token_hex(16)
            body = _multipart(args, boundary)
            self._x.service_request.set_body(body, f"{MULTIPART}; boundary={boundary}")
        else:
            raise Failure(f"unsupported content type {wanted}")
        return True


class ServiceResponse(Group):
    """`kong.service.response`."""

    __slots__ = ()

    @function(_READ)
    def get_status(self) -> int | None:
        return self._x.service_response.status if self._there() else None

    @function(_READ)
    def get_header(self, name: Any) -> str | None:
        name = dashed(name)
        return self._x.service_response.header(name) if self._there() else None

    @function(_READ)
    def get_headers(self, max_headers: Any = None) -> HeaderTable | None:
        limit = limited(max_headers, "max_headers")
        return header_table(self._x.service_response.headers(), limit) if self._there() else None

    @function(_READ, fails=True)
    def get_raw_body(self) -> bytes:
        body: bytes | None = self._x.service_response.body if self._there() else None
        if body is None:
            raise Failure("service body is only available in the response phase")
        return body

    @function(_READ, fails=True)
    def get_body(self, mimetype: Any = None, max_args: Any = None) -> Any:
        body = self._x.service_response.body if self._there() else None
        if body is None:
            raise Failure("service body is only available in the response phase")
        content_type = mimetype or self._x.service_response.header("content-type")
        if not content_type:
            raise Failure("missing content type")
        return body_table(body, content_type, limited(max_args, "max_args"))

    def _there(self) -> bool:
        return bool(self._x.response.source == "service")


class Service(Group):
    """`kong.service`."""

    __slots__ = ()

    groups = {"request": ServiceRequest, "response": ServiceResponse}  # noqa: RUF012 - a constant of the base's kind

    @function(_ROUTED, fails=True)
    def set_upstream(self, host: Any) -> bool:
        name = as_text(host, "host")
        try:
            self._x.service_request.set_upstream(name)
        except ValueError:
            raise Failure(f"could not find an Upstream named '{name}'") from None
        return True

    @function(_ROUTED)
    def set_target(self, host: Any, port: Any) -> None:
        self._x.service_request.set_target(as_text(host, "host"), as_int(port, "port", 0, 65535))

    @function(_ROUTED)
    def set_retries(self, retries: Any) -> None:
        self._x.service_request.set_retries(as_int(retries, "retries", 0, 32767))

    @function(_ROUTED)
    def set_timeouts(self, connect_timeout: Any, write_timeout: Any, read_timeout: Any) -> None:
        self._x.service_request.set_timeouts(
            connect=as_int(connect_timeout, "connect_timeout", 1, _MS) / 1000,
            write=as_int(write_timeout, "write_timeout", 1, _MS) / 1000,
            read=as_int(read_timeout, "read_timeout", 1, _MS) / 1000,
        )

    @function((*_WRITE, "balancer", "preread"), fails=True)
    def set_tls_verify(self, on: Any) -> bool:
        if not isinstance(on, bool):
            raise PDKException("argument must be a boolean")
        raise Failure(_NO_CHANGE)

    @function((*_WRITE, "balancer", "preread"), fails=True)
    def set_tls_verify_depth(self, depth: Any) -> bool:
        if isinstance(depth, bool) or not isinstance(depth, int | float):
            raise PDKException("argument must be a number")
        raise Failure(_NO_CHANGE)


def _multipart(args: Any, boundary: str) -> bytes:
    if not isinstance(args, Mapping):
        raise PDKException("args must be a table")
    parts = []
    for name in sorted(args, key=str):
        field = str(name).replace("\\", "\\\\").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        for one in args[name] if isinstance(args[name], list | tuple) else (args[name],):
            value = one if isinstance(one, bytes) else header_value(one, field).encode()
            parts.append(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'.encode() + value + b"\r\n"
            )
    return b"".join(parts) + f"--{boundary}--\r\n".encode()
