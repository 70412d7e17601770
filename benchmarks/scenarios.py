"""The scenarios: who is measured with which load, and whose cost the others are held against."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.load import Load, new_url, one_request
from benchmarks.many_routes import asked_route, every_route, one_route_for_all, ten_thousand_routes
from benchmarks.plugin_configurations import (
    AUTHENTICATION,
    CACHE,
    CORRELATION,
    CREDENTIALS,
    EACH,
    IDLE_FILES,
    JWT,
    KEY_AUTH,
    KEY_HEADER,
    MINUTE_LIMIT,
    THREE_HEADERS,
    TOKEN_HEADER,
    with_global_plugins,
    with_plugins,
)
from benchmarks.proxies import Proxy
from benchmarks.proxies.caddy import Caddy
from benchmarks.proxies.envoy import Envoy
from benchmarks.proxies.gateline import Gateline, ten_targets
from benchmarks.proxies.nginx import Nginx
from benchmarks.proxies.traefik import Traefik

PURE_PYTHON = {"GATELINE_PURE_PYTHON": "1"}


@dataclass(frozen=True, slots=True)
class Bar:
    """What must hold of the median ratio: `name` costs at most `limit` times what `to` costs."""

    name: str
    to: str
    limit: float


@dataclass(frozen=True, slots=True)
class AddedBar:
    """What must hold of the median difference: `name` costs at most `limit` µs of CPU time more than `to`."""

    name: str
    to: str
    limit: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One comparison: contestants by name, the load for all, the one that ratios refer to, and the bars."""

    title: str
    contestants: dict[str, Proxy]
    load: Load
    reference: str
    bars: tuple[Bar | AddedBar, ...] = ()

    @property
    def added(self) -> bool:
        """Whether small differences count: then each measurement has one of the reference before and after it."""
        return any(isinstance(bar, AddedBar) for bar in self.bars)


def _plain() -> Scenario:
    peers: dict[str, Proxy] = {"envoy": Envoy(), "traefik": Traefik(), "caddy": Caddy()}
    bars = (Bar("gateline", "nginx", 1.35), *(Bar("gateline", peer, 0.5) for peer in peers))
    contestants: dict[str, Proxy] = {"nginx": Nginx(), "gateline": Gateline(), **peers}
    return Scenario("Plain reverse proxy, one request repeated", contestants, one_request(), "nginx", bars)


def _new_url() -> Scenario:
    contestants = _plain().contestants
    return Scenario("Plain reverse proxy, another path for each request", contestants, new_url(), "nginx")


def _pure() -> Scenario:
    pure = Gateline(environment=PURE_PYTHON, name="gateline-pure")
    contestants: dict[str, Proxy] = {"nginx": Nginx(), "gateline": Gateline(), "gateline-pure": pure}
    bars = (Bar("gateline-pure", "nginx", 2.2),)
    return Scenario("Compiled codec and its pure Python twin", contestants, one_request(), "nginx", bars)


def _routes(title: str, load: Load) -> Scenario:
    contestants: dict[str, Proxy] = {
        "1 route": Gateline(one_route_for_all, name="gateline-1"),
        "10,000 routes": Gateline(ten_thousand_routes, name="gateline-10000"),
    }
    bars = (Bar("10,000 routes", "1 route", 1.1),)
    return Scenario(
        f"10,000 routes (100 hosts, 100 paths, 2 in 100 regex), {title}", contestants, load, "1 route", bars
    )


def _plugins() -> Scenario:
    three = {**CORRELATION, **KEY_AUTH, **THREE_HEADERS}
    contestants: dict[str, Proxy] = {
        "nginx": Nginx(),
        "gateline": Gateline(),
        "three plugins": Gateline(with_plugins(three), name="gateline-three"),
    }
    bars = (Bar("three plugins", "nginx", 1.7),)
    title = "key-auth, correlation-id and request-transformer (3 headers)"
    return Scenario(title, contestants, one_request(KEY_HEADER), "nginx", bars)


def _limits() -> Scenario:
    three = with_plugins({**CORRELATION, **KEY_AUTH, **MINUTE_LIMIT})
    contestants: dict[str, Proxy] = {
        "nginx": Nginx(),
        "gateline": Gateline(),
        "one worker": Gateline(three, name="gateline-limits-1"),
        "two workers": Gateline(three, workers=2, name="gateline-limits-2"),
    }
    bars = (Bar("two workers", "nginx", 1.8),)
    title = "key-auth, rate-limiting (local, by the minute) and correlation-id; two workers share the counters"
    return Scenario(title, contestants, one_request(KEY_HEADER), "nginx", bars)


def _each_plugin() -> Scenario:
    contestants: dict[str, Proxy] = {"no plugin": Gateline()}
    contestants |= {name: Gateline(with_plugins(plugins), name=f"with-{name}") for name, plugins in EACH.items()}
    bars = tuple(AddedBar(name, "key-auth" if name == "acl" else "no plugin", 3.0) for name in EACH)
    title = "Each bundled plugin alone (acl with key-auth)"
    return Scenario(title, contestants, one_request(KEY_HEADER), "no plugin", bars)


def _idle() -> Scenario:
    fifteen = Gateline(with_global_plugins(IDLE_FILES), name="gateline-idle", plugin_files=IDLE_FILES)
    contestants: dict[str, Proxy] = {"no plugin": Gateline(), "15 idle plugins": fifteen}
    bars = (AddedBar("15 idle plugins", "no plugin", 2.0),)
    return Scenario("Fifteen global plugins with nothing to do", contestants, one_request(), "no plugin", bars)


def _jwt() -> Scenario:
    contestants: dict[str, Proxy] = {
        "nginx": Nginx(),
        "gateline": Gateline(),
        "key-auth": Gateline(with_plugins(KEY_AUTH), name="gateline-key-auth"),
        "jwt": Gateline(with_plugins(JWT), name="gateline-jwt"),
    }
    title = "jwt, a token of ten claims (HS256) that comes again and again"
    bars = (Bar("jwt", "nginx", 1.5),)
    return Scenario(title, contestants, one_request({**KEY_HEADER, **TOKEN_HEADER}), "nginx", bars)


def _authentication() -> Scenario:
    contestants: dict[str, Proxy] = {"no plugin": Gateline()}
    contestants |= {
        name: Gateline(with_plugins(plugins), name=f"authenticated-{name}") for name, plugins in AUTHENTICATION.items()
    }
    title = "Each plugin that authenticates, by a credential that comes again and again"
    headers = {name: value for one in CREDENTIALS.values() for name, value in one.items()}
    return Scenario(title, contestants, one_request(headers), "no plugin")


def _balanced() -> Scenario:
    contestants: dict[str, Proxy] = {
        "1 target": Gateline(name="gateline-1-target"),
        "10 targets": Gateline(ten_targets, name="gateline-10-targets"),
    }
    bars = (Bar("10 targets", "1 target", 1.05),)
    title = "An upstream of ten targets with health checks, and a service with one"
    return Scenario(title, contestants, one_request(), "1 target", bars)


def _cache_hit() -> Scenario:
    contestants: dict[str, Proxy] = {
        "nginx": Nginx(),
        "gateline": Gateline(),
        "hit": Gateline(with_plugins(CACHE), name="gateline-cache"),
    }
    bars = (Bar("hit", "nginx", 0.8),)
    title = "proxy-cache, an answer that is in the cache, beside proxying it"
    return Scenario(title, contestants, one_request(), "nginx", bars)


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "plain": _plain,
    "new-url": _new_url,
    "routes-10000": lambda: _routes("another one for each request", every_route()),
    "routes-10000-one": lambda: _routes("one of them asked for", asked_route()),
    "pure": _pure,
    "plugins": _plugins,
    "limits": _limits,
    "each-plugin": _each_plugin,
    "idle": _idle,
    "jwt": _jwt,
    "authentication": _authentication,
    "balanced": _balanced,
    "cache-hit": _cache_hit,
}
