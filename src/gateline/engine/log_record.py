"""An exchange as a log record, in the layout of Kong's (`kong.log.serialize`)."""

import time
from time import monotonic
from typing import TYPE_CHECKING, Any

from gateline.pdk.pairs import grouped

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange

__all__ = ["log_record"]

_REDACTED = frozenset({"authorization", "proxy-authorization"})
_SOURCES = {"service": "upstream", "exit": "exit", "error": "error", "": "kong"}


def log_record(exchange: "Exchange") -> dict[str, Any]:
    """The record; times in milliseconds."""
    run = exchange.run
    now = monotonic()
    total = now - exchange.received
    waited = exchange.upstream_latency
    route = exchange.route
    service = route.service if route is not None else None
    consumer = exchange.consumer
    record: dict[str, Any] = {
        "request": _request(exchange),
        "response": {
            "status": exchange.status,
            "size": exchange.response_bytes,
            "headers": _headers(exchange.response.headers()) if run is not None else {},
        },
        "latencies": {
            "request": int(total * 1000),
            "proxy": int(waited * 1000) if waited >= 0 else -1,
            "kong": int(max(total - max(waited, 0.0), 0.0) * 1000),
            "receive": int(max(total - (exchange.sent - exchange.received) - max(waited, 0.0), 0.0) * 1000)
            if exchange.sent
            else 0,
        },
        "tries": _tries(exchange),
        "client_ip": exchange.client_ip,
        "started_at": int((time.time() - total) * 1000),
        "source": _SOURCES[run.source if run is not None else ""],
        "upstream_uri": exchange.service_request.path if exchange.upstream_path else "",
        "workspace": "default",
        "workspace_name": "default",
    }
    if run is not None and run.service_head is not None:
        record["upstream_status"] = str(run.service_head.status)
    if route is not None:
        record["route"] = route.entity.to_wire()
    if service is not None:
        record["service"] = service.entity.to_wire()
    if consumer is not None:
        record["consumer"] = {
            "id": consumer.id,
            "username": consumer.username,
            "custom_id": consumer.custom_id,
            "tags": list(consumer.tags) or None,
        }
    if exchange.credential is not None:
        record["authenticated_entity"] = {"id": exchange.credential.id}
    if run is not None and run.log_fields:
        for name, value in run.log_fields.items():
            _put(record, name, value)
    return record


def _request(exchange: "Exchange") -> dict[str, Any]:
    request = exchange.request
    headers = _headers(request.headers())
    for name in _REDACTED & headers.keys():
        headers[name] = "REDACTED"
    authority = exchange.head.authority.decode("latin-1")
    default = 443 if exchange.tls else 80
    place = authority if ":" in authority or exchange.port == default else f"{authority}:{exchange.port}"
    record: dict[str, Any] = {
        "id": request.id,
        "method": exchange.method.decode("latin-1"),
        "uri": request.path_with_query,
        "url": f"{request.scheme}://{place}{request.path_with_query}",
        "size": exchange.head.size + exchange.body_bytes,
        "querystring": grouped(request.query_args()),
        "headers": headers,
    }
    if exchange.tls:
        record["tls"] = {"client_verify": "NONE"}
    return record


def _tries(exchange: "Exchange") -> list[dict[str, Any]]:
    """Every try in turn: those that failed say how."""
    since = time.time() - monotonic()
    tries = []
    for one in exchange.failures or ():
        state = {"state": "next" if one.sane else "failed", "code": one.code}
        tries.append({**_try(one.ip, one.port, one.began + since), **state})
    if exchange.began:  # the last one was answered, or nobody waited for it
        place = exchange.target.pool.target
        tries.append(_try(exchange.upstream_ip or place.host, place.port, exchange.began + since))
    return tries


def _try(ip: str, port: int, began: float) -> dict[str, Any]:
    return {"ip": ip, "port": port, "balancer_latency": 0, "balancer_start": int(began * 1000)}


def _headers(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    return grouped((name.lower(), value) for name, value in pairs)


def _put(record: dict[str, Any], name: str, value: Any) -> None:
    """Set a field, or take it out; dots lead into records, which are made where there are none."""
    *way, last = name.split(".")
    for part in way:
        inside = record.get(part)
        if not isinstance(inside, dict):
            inside = record[part] = {}
        record = inside
    if value is None:
        record.pop(last, None)
    else:
        record[last] = value
