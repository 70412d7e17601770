"""Answers requests itself, so that the service is not asked.

For an API that is switched off or not there yet, for consumers that are locked out, and, with `echo`, to see what
arrives at the gateway. With `trigger`, only requests that have a header or an argument in the query of that name are
answered.

Without `message` and `body` the status says what is answered: 401 `Unauthorized`, 404 `Not found`, 405
`Method not allowed`, 500 `An unexpected error occurred`, 502 `Bad Gateway`, 503 `Service unavailable`; with any other
status the answer has no body. A `message` is answered as JSON, `{"message": ...}`; a `body` as it is, with
`content_type`.

With `echo` the answer tells the request (`request`), the node (`kong`), the route (`matched_route`) and the service
(`matched_service`). A body that is longer than the setting `plugin_body_limit` is left out.
"""

import os
import socket
from collections.abc import Mapping
from typing import Annotated, Any

from gateline.pdk import Exchange, Plugin, PluginConfig, Response
from gateline.pdk.fields import Between, Custom, Field, HeaderName
from gateline.pdk.pairs import grouped

__all__ = ["Config", "RequestTermination"]

_MESSAGES = {
    401: "Unauthorized",
    404: "Not found",
    405: "Method not allowed",
    500: "An unexpected error occurred",
    502: "Bad Gateway",
    503: "Service unavailable",
}


class Config(PluginConfig):
    """The answer, and when it is given."""

    status_code: Annotated[int, Between(100, 599), Field(description="The status of the answer.")] = 503
    message: Annotated[
        str | None, Field(description="The message of the answer; not together with `body` or `content_type`.")
    ] = None
    content_type: Annotated[str | None, Field(description="What `body` is. Needs `body`.")] = None
    body: Annotated[str | None, Field(description="The body of the answer.")] = None
    echo: Annotated[bool, Field(description="Answer with what is known of the request; not together with `body`.")] = (
        False
    )
    trigger: Annotated[
        HeaderName | None,
        Field(description="Answer only requests with a header or an argument in the query of this name."),
    ] = None


def _problem(values: Mapping[str, Any]) -> Mapping[str, str] | None:
    config = values["config"]
    own_body = config.content_type or config.body
    if config.message and own_body:
        return {"config": "message cannot be used with content_type or body"}
    if config.content_type and not config.body:
        return {"config": "content_type requires a body"}
    if config.echo and own_body:
        return {"config": "echo cannot be used with content_type and body"}
    return None


class RequestTermination(Plugin[Config], name="request-termination", checks=(Custom(("config",), _problem),)):
    """Answers in place of the service."""

    large_body = "pass"

    def __init__(self, config: Config) -> None:
        self._trigger = config.trigger
        self._echo = config.echo
        self._status = config.status_code
        self._message = config.message or _MESSAGES.get(config.status_code)
        if config.body is not None:
            headers = {"Content-Type": config.content_type} if config.content_type else None
            self._answer = Response(config.status_code, config.body, headers)
        else:
            self._answer = Response(config.status_code, message=self._message)

    def reads_request(self, exchange: Exchange) -> bool:
        """Its body is part of an echo."""
        return self._echo and self._triggered(exchange)

    def access(self, exchange: Exchange) -> Response | None:
        """Answer, where it is wanted."""
        if not self._triggered(exchange):
            return None
        return Response(self._status, self._told(exchange)) if self._echo else self._answer

    def _triggered(self, exchange: Exchange) -> bool:
        trigger = self._trigger
        if trigger is None:
            return True
        request = exchange.request
        if request.header(trigger) is not None:
            return True
        return bool(request.query) and any(name == trigger for name, _ in request.query_args())

    def _told(self, exchange: Exchange) -> dict[str, Any]:
        """What is known of the request, in Kong's layout."""
        request, route, service = exchange.request, exchange.route, exchange.service
        raw = request.body
        indexed, named = request.uri_captures
        told = {
            "message": self._message,
            "kong": {"node_id": self.node.id, "worker_pid": os.getpid(), "hostname": socket.gethostname()},
            "request": {
                "scheme": request.scheme,
                "host": request.host,
                "port": request.port,
                "headers": grouped((name.lower(), value) for name, value in request.headers()),
                "query": grouped(request.query_args()),
                "body": _body(exchange),
                "raw_body": None if raw is None else raw.decode("utf-8", "replace"),
                "method": request.method,
                "path": request.path,
                "uri_captures": {"unnamed": list(indexed[1:]), "named": dict(named)},
            },
            "matched_route": route and route.entity.to_wire(),
            "matched_service": service and service.entity.to_wire(),
        }
        return {name: value for name, value in told.items() if value is not None}


def _body(exchange: Exchange) -> Any:
    """The body's fields, or its data where it is JSON; None where it is neither."""
    request = exchange.request
    if not request.body:
        return None
    if "json" in (request.header("Content-Type") or "").lower():
        try:
            return request.json()
        except ValueError:
            return None
    form = request.form()
    return None if form is None else grouped(form)
