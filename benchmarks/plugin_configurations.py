"""Configurations with plugins: the measured route with some plugins on it, and a consumer with the key that is sent."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks.processes import Address
from benchmarks.proxies.gateline import Configuration, one_route

KEY = "speed-key-0123456789abcdef012345"
KEY_HEADER = {"apikey": KEY}
TOKEN_SECRET = "speed-secret-0123456789abcdef012345"

Plugins = Mapping[str, dict[str, Any]]


def _token() -> str:
    """A token as identity providers make them: HS256, a dozen claims, for a day."""
    now = int(time.time())
    claims = {
        "iss": KEY,
        "sub": "auth0|5f7c8ec7c33c6c004bbafe82",
        "aud": ["https://api.example.com", "https://example.com/userinfo"],
        "iat": now,
        "nbf": now,
        "exp": now + 86400,
        "azp": "my_client_id",
        "scope": "openid profile email read:orders",
        "email": "ann@example.com",
        "name": "Ann Example",
    }
    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims)]
    signed = b".".join(urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = urlsafe_b64encode(hmac.digest(TOKEN_SECRET.encode(), signed, "sha256")).rstrip(b"=")
    return (signed + b"." + signature).decode()


TOKEN_HEADER = {"Authorization": f"Bearer {_token()}"}

CORRELATION: Plugins = {"correlation-id": {"echo_downstream": True}}
KEY_AUTH: Plugins = {"key-auth": {}}
JWT: Plugins = {"jwt": {"claims_to_verify": ["exp", "nbf"]}}
THREE_HEADERS: Plugins = {"request-transformer": {"add": {"headers": ["x-team:checkout", "x-tier:gold", "x-hop:1"]}}}
CACHE: Plugins = {"proxy-cache": {"strategy": "memory"}}
PROMETHEUS: Plugins = {
    "prometheus": {
        "status_code_metrics": True,
        "latency_metrics": True,
        "bandwidth_metrics": True,
        "upstream_health_metrics": True,
        "per_consumer": True,
    }
}
"""Every group."""

MINUTE_LIMIT: Plugins = {"rate-limiting": {"minute": 100_000_000}}

EACH: dict[str, Plugins] = {
    "bot-detection": {"bot-detection": {"deny": ["evil"]}},
    "correlation-id": CORRELATION,
    "cors": {"cors": {"origins": ["https://shop.example.com"], "credentials": True}},
    "ip-restriction": {"ip-restriction": {"allow": ["127.0.0.0/8", "10.0.0.0/8"]}},
    "key-auth": KEY_AUTH,
    "acl": {**KEY_AUTH, "acl": {"allow": ["staff"]}},
    "request-size-limiting": {"request-size-limiting": {"allowed_payload_size": 8}},
    "request-transformer": THREE_HEADERS,
    "response-transformer": {"response-transformer": {"add": {"headers": ["x-team:checkout"]}}},
}
"""Each bundled plugin that lets a request pass, as it is usually configured."""

_IDLE_SOURCE = """
from gateline.pdk import Exchange, Plugin, PluginConfig


class Idle(Plugin[PluginConfig], name="{name}", priority={number}):
    def access(self, exchange: Exchange) -> None:
        pass
"""
IDLE_FILES = {f"idle-{number}": _IDLE_SOURCE.format(name=f"idle-{number}", number=number) for number in range(1, 16)}
"""Fifteen plugins that are asked about every request and have nothing to do with it."""


def with_global_plugins(names: Iterable[str]) -> Callable[[Address], Configuration]:
    """What configures the measured route, and these plugins for everything."""

    def configure(upstream: Address) -> Configuration:
        return {**one_route(upstream), "plugins": [{"name": name} for name in names]}

    return configure


def with_plugins(plugins: Plugins) -> Callable[[Address], Configuration]:
    """What configures the measured route with these plugins."""

    def configure(upstream: Address) -> Configuration:
        configuration = one_route(upstream)
        (service,) = configuration["services"]
        service["routes"][0]["plugins"] = [{"name": name, "config": config} for name, config in plugins.items()]
        consumer = {
            "username": "ann",
            "keyauth_credentials": [{"key": KEY}],
            "jwt_secrets": [{"key": KEY, "secret": TOKEN_SECRET}],
            "acls": [{"group": "staff"}],
        }
        return {**configuration, "consumers": [consumer]} if {"key-auth", "jwt"} & plugins.keys() else configuration

    return configure
