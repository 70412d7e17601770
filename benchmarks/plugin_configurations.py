"""Configurations with plugins: the measured route with some plugins on it, and a consumer with the key that is sent."""

import hmac
import json
import time
from base64 import b64encode, urlsafe_b64encode
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

_DATE = "Thu, 26 Nov 2026 20:00:00 GMT"


def _signed() -> str:
    """What hmac-auth wants: a signature over two headers."""
    text = f"x-date: {_DATE}\napikey: {KEY}"
    value = b64encode(hmac.digest(TOKEN_SECRET.encode(), text.encode(), "sha256")).decode()
    return f'hmac username="{KEY}", algorithm="hmac-sha256", headers="x-date apikey", signature="{value}"'


CREDENTIALS: dict[str, dict[str, str]] = {
    "key-auth": KEY_HEADER,
    "basic-auth": {"Proxy-Authorization": f"Basic {b64encode(f'{KEY}:{TOKEN_SECRET}'.encode()).decode()}"},
    "hmac-auth": {**KEY_HEADER, "x-date": _DATE, "Authorization": _signed()},
    "jwt": {"x-token": TOKEN_HEADER["Authorization"]},
    "oauth2": {"x-access-token": f"Bearer {KEY}"},
}
"""What each of `AUTHENTICATION` wants to have; they do not get in each other's way."""

CORRELATION: Plugins = {"correlation-id": {"echo_downstream": True}}
KEY_AUTH: Plugins = {"key-auth": {}}
JWT: Plugins = {"jwt": {"claims_to_verify": ["exp", "nbf"]}}
THREE_HEADERS: Plugins = {"request-transformer": {"add": {"headers": ["x-team:checkout", "x-tier:gold", "x-hop:1"]}}}
CACHE: Plugins = {"proxy-cache": {"strategy": "memory"}}
AUTHENTICATION: dict[str, Plugins] = {
    "key-auth": KEY_AUTH,
    "basic-auth": {"basic-auth": {}},
    "hmac-auth": {"hmac-auth": {"clock_skew": 1e9}},
    "jwt": {"jwt": {"claims_to_verify": ["exp", "nbf"], "header_names": ["x-token"]}},
    "oauth2": {
        "oauth2": {
            "enable_client_credentials": True,
            "global_credentials": True,
            "auth_header_name": "x-access-token",
            "provision_key": KEY,
        }
    },
}
"""Each plugin that finds out who sends a request by itself. The date that is signed is an old one."""

WIDE_LIMIT: Plugins = {
    "rate-limiting-advanced": {"limit": [100_000_000_000], "window_size": [1_000_000_000], "window_type": "fixed"}
}
LEASED_LIMIT: Plugins = {"rate-limiting-advanced": {**WIDE_LIMIT["rate-limiting-advanced"], "strategy": "redis"}}
"""The same limit, kept by one node and leased by it: so wide that one lease is enough for any run."""
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


def uses_redis(plugins: Plugins) -> bool:
    """Whether one of them keeps its counts in Redis."""
    return any("redis" in (config.get("policy"), config.get("strategy")) for config in plugins.values())


def with_redis(plugins: Plugins, redis: Address) -> Plugins:
    """The same plugins, with this Redis for all of them that want one."""
    return {
        name: {**config, "redis": {"host": redis.host, "port": redis.port}} if uses_redis({name: config}) else config
        for name, config in plugins.items()
    }


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


_PERSONAL = {name for plugins in AUTHENTICATION.values() for name in plugins}
_APPLICATION = "7a0c6fd2-6f0b-4c5e-9a53-0c1f0d2b9a11"


def _people() -> Configuration:
    """A consumer with a credential of each kind."""
    consumer = {
        "username": "ann",
        "keyauth_credentials": [{"key": KEY}],
        "basicauth_credentials": [{"username": KEY, "password": TOKEN_SECRET}],
        "hmacauth_credentials": [{"username": KEY, "secret": TOKEN_SECRET}],
        "jwt_secrets": [{"key": KEY, "secret": TOKEN_SECRET}],
        "oauth2_credentials": [{"id": _APPLICATION, "name": "shop", "client_id": KEY}],
        "acls": [{"group": "staff"}],
    }
    token = {"credential": {"id": _APPLICATION}, "access_token": KEY, "expires_in": 0}
    return {"consumers": [consumer], "oauth2_tokens": [token]}


def with_plugins(plugins: Plugins) -> Callable[[Address], Configuration]:
    """What configures the measured route with these plugins."""

    def configure(upstream: Address) -> Configuration:
        configuration = one_route(upstream)
        (service,) = configuration["services"]
        service["routes"][0]["plugins"] = [{"name": name, "config": config} for name, config in plugins.items()]
        return {**configuration, **_people()} if _PERSONAL & plugins.keys() else configuration

    return configure
