"""custom-auth, written for Kong's Python plugin server: who may come in is asked of a service of yours.

The same file runs in Kong and here. A request brings its key in `X-API-Key`; the key is posted to the auth service,
which answers with who it is:

    POST /check                       {"api_key": "..."}
    200                               {"consumer_id": "ann", "plan": "gold"}

Without a key the client gets 401 `Missing API Key`; 503 when the auth service cannot be asked or does not know what to
say; 403 when it refuses. The upstream gets `X-Consumer-ID` and `X-Consumer-Plan`, whatever the client sent under these
names.

It waits for another server with a library that blocks, so its hook runs in a thread here: other requests go on.
`custom_auth_own.py` beside it is the same plugin in Gateline's own style.

    plugin_folders = /etc/gateline/plugins          # this file in it
    curl -X POST localhost:8001/plugins -d name=custom-auth -d config.auth_url=http://auth.internal/check
"""

import http.client
import json
from urllib.parse import urlsplit

import kong_pdk.pdk.kong as kong

Schema = (
    {"auth_url": {"type": "string", "required": True, "match": "^https?://"}},
    {"timeout": {"type": "number", "default": 2, "gt": 0}},
)

version = "1.0.0"
priority = 1000


class UnavailableError(Exception):
    """The auth service cannot say who it is."""


class Plugin:
    """One for each configuration, for as long as that is in force."""

    def __init__(self, config):
        self.config = config

    def access(self, kong: kong.kong):
        """Let the request through, or not: an exit ends the hook."""
        key, _ = kong.request.get_header("X-API-Key")
        if not key:
            kong.response.exit(401, {"message": "Missing API Key"})
        try:
            known = self.ask(key)
        except UnavailableError as error:
            kong.log.err("the auth service cannot be asked: ", error)
            kong.response.exit(503, {"message": "Authentication service unavailable"})
        if known is None:
            kong.response.exit(403, {"message": "Invalid API Key"})
        kong.service.request.set_header("X-Consumer-ID", str(known.get("consumer_id", "")))
        kong.service.request.set_header("X-Consumer-Plan", str(known.get("plan", "")))

    def ask(self, key):
        """What the auth service knows of a key, None when it refuses."""
        url = urlsplit(self.config["auth_url"])
        secure = url.scheme == "https"
        connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        connection = connect(url.netloc, timeout=self.config.get("timeout", 2))
        try:
            body = json.dumps({"api_key": key})
            connection.request("POST", url.path or "/", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read(65536)
        except (OSError, http.client.HTTPException) as error:
            raise UnavailableError(error) from error
        finally:
            connection.close()
        if response.status in (401, 403, 404):
            return None
        try:
            known = json.loads(content) if response.status == 200 else None
        except ValueError as error:
            raise UnavailableError(error) from error
        if not isinstance(known, dict):
            raise UnavailableError(f"it answered {response.status}")
        return known


if __name__ == "__main__":
    from kong_pdk.cli import start_dedicated_server

    start_dedicated_server("custom-auth", Plugin, version, priority, Schema)
