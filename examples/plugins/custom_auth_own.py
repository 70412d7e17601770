"""custom-auth in Gateline's own style: who may come in is asked of a service of yours.

A request brings its key in `X-API-Key`; the key is posted to the auth service, which answers with who it is:

    POST /check                       {"api_key": "..."}
    200                               {"consumer_id": "ann", "plan": "gold"}

Without a key the client gets 401 `Missing API Key`; 503 when the auth service cannot be asked or does not know what to
say; 403 when it refuses. The upstream gets `X-Consumer-ID` and `X-Consumer-Plan`, whatever the client sent under these
names.

The hook is a coroutine, so nobody waits for it but its own request, and connections to the auth service are kept.
`custom-auth.py` beside it is the same plugin as Kong's Python plugin server takes it.

    plugin_folders = /etc/gateline/plugins          # this file in it
    curl -X POST localhost:8001/plugins -d name=custom-auth-own -d config.auth_url=http://auth.internal/check
"""

from typing import Annotated

from gateline.pdk import Exchange, HttpError, Plugin, PluginConfig, Response
from gateline.pdk.fields import GreaterThan, StartsWithAny

_MISSING = Response(401, message="Missing API Key")
_UNAVAILABLE = Response(503, message="Authentication service unavailable")
_REFUSED = Response(403, message="Invalid API Key")


class Config(PluginConfig):
    """Where the auth service is, and how long to wait for it."""

    auth_url: Annotated[str, StartsWithAny(("http://", "https://"), "expected an http or https URL")]
    timeout: Annotated[float, GreaterThan(0)] = 2.0


class CustomAuth(Plugin[Config], name="custom-auth-own", priority=1000, version="1.0.0"):
    """Asks the auth service for every request."""

    async def access(self, exchange: Exchange) -> Response | None:
        """Let the request through, or not."""
        key = exchange.request.header("X-API-Key")
        if not key:
            return _MISSING
        config = self.config
        try:
            reply = await self.node.http.request(
                "POST", config.auth_url, json={"api_key": key}, timeout=config.timeout, limit=65536
            )
            if reply.status in (401, 403, 404):
                return _REFUSED
            known = reply.json() if reply.status == 200 else None
        except (HttpError, ValueError):
            return _UNAVAILABLE
        if not isinstance(known, dict):
            return _UNAVAILABLE
        exchange.service_request.set_header("X-Consumer-ID", str(known.get("consumer_id", "")))
        exchange.service_request.set_header("X-Consumer-Plan", str(known.get("plan", "")))
        return None
