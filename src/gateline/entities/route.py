"""Route: which requests go to which service. Source: Kong's Route object."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from gateline.entities import formats
from gateline.entities.checks import AtLeastOneOf, Check, Conditional, Custom, Empty, ExclusiveSets, OneOfWhen, Values
from gateline.entities.constraints import (
    Between,
    Constraint,
    Contains,
    Each,
    ExclusiveSubsets,
    Format,
    MinLength,
    NotNamed,
    NotOneOf,
    OneOf,
    StartsWithAny,
    Without,
)
from gateline.entities.fields import HeaderName, IpOrCidr, Method, Name, Port, Protocol, Tags
from gateline.entities.marks import AsSet, BeyondKong, DefaultForNull, OnlyIn, PerFlavor, To
from gateline.entities.model import Entity, Record
from gateline.entities.retry_policy import RetryPolicy
from gateline.entities.schema import Reference, Variant

_FAMILIES = (("http", "https"), ("tcp", "tls", "udp"), ("tls_passthrough",), ("grpc", "grpcs"))
_WITHOUT_SNI = Each(NotOneOf(("grpcs", "https", "tls", "tls_passthrough")))
_STREAM = Each(OneOf(("tcp", "tls", "udp")))
_TLS_PASSTHROUGH = Each(OneOf(("tls_passthrough",)))
_MATCHED_BY = ("methods", "hosts", "headers", "paths", "snis", "sources", "destinations")


class Endpoint(Record):
    """An address, a range of addresses or a port of a client or of the gateway (stream routes)."""

    ip: Annotated[IpOrCidr | None, Field(description="Address, or range with prefix length.")] = None
    port: Annotated[Port | None, Field(description="Port.")] = None

    checks: ClassVar[tuple[Check, ...]] = (AtLeastOneOf(("ip", "port")),)


Endpoints = Annotated[tuple[Endpoint, ...], AsSet()]

RouteHost = Annotated[str, Format(formats.route_host)]
RoutePath = Annotated[
    str,
    Without("//", "must not have empty segments"),
    StartsWithAny(("/", "~/"), "should start with: / (fixed path) or ~/ (regex path)"),
    Format(formats.route_path),
]
MatchedHeader = Annotated[
    HeaderName, NotNamed("host", "cannot contain 'host' header, which must be specified in the 'hosts' attribute")
]
Sni = Annotated[str, PerFlavor(Format(formats.wildcard_sni), (("traditional", Format(formats.sni)),))]


def _wrong_header_regexes(values: Values) -> Mapping[str, Any] | None:
    for wanted in (values["headers"] or {}).values():
        if len(wanted) == 1 and wanted[0].startswith("~*") and (problem := formats.regex(wanted[0][2:])):
            return {"headers": problem}
    return None


def _variant(
    stream: str, protocols: str, forbidden: tuple[str, ...], check: Check, *, keeps_path: bool = False
) -> Variant:
    sentence = f"cannot set '{{}}' when 'protocols' is {protocols}"
    return Variant(
        null={name: sentence.format(name) for name in (*forbidden, *stream.split())},
        defaults={"strip_path": False} if keeps_path else {},
        never={"strip_path": (True, sentence.format("strip_path"))} if keeps_path else {},
        checks=(check,),
    )


def _needs(names: tuple[str, ...], protocol: str) -> tuple[Constraint, tuple[str, ...], str]:
    return Contains(protocol), names, f"must set one of {{}} when 'protocols' is '{protocol}'"


def _variants(expression: tuple[str, ...]) -> dict[str, Variant]:
    """Protocol → what holds for routes of its family. `expression` is what the expressions flavour adds."""
    plain = ("hosts", "headers", "paths")
    http = _variant(
        "sources destinations",
        "'http' or 'https'",
        (),
        OneOfWhen(
            "protocols",
            (
                _needs(("methods", *plain, "snis", *expression), "https"),
                _needs(("methods", *plain, *expression), "http"),
            ),
        ),
    )
    grpc = _variant(
        "sources destinations",
        "'grpc' or 'grpcs'",
        ("methods",),
        OneOfWhen("protocols", (_needs((*plain, "snis", *expression), "grpcs"), _needs((*plain, *expression), "grpc"))),
        keeps_path=True,
    )
    stream = _variant(
        "",
        "'tcp', 'tls', 'tls_passthrough' or 'udp'",
        ("methods", *plain),
        OneOfWhen(
            "protocols",
            (
                (
                    _STREAM,
                    ("sources", "destinations", "snis", *expression),
                    "must set one of {} when 'protocols' is 'tcp', 'tls' or 'udp'",
                ),
                (
                    _TLS_PASSTHROUGH,
                    ("snis", *expression),
                    "must set snis when 'protocols' is 'tls_passthrough'",
                ),
            ),
        ),
    )
    return {
        **dict.fromkeys(("http", "https"), http),
        **dict.fromkeys(("grpc", "grpcs"), grpc),
        **dict.fromkeys(("tcp", "tls", "udp", "tls_passthrough"), stream),
    }


_VARIANTS = _variants(())
_VARIANTS_WITH_EXPRESSION = _variants(("expression",))


class Route(Entity):
    """A rule for requests: what they must look like, where they go, what is changed on the way."""

    kind: ClassVar = "routes"
    singular: ClassVar = "route"
    endpoint_key: ClassVar = "name"

    name: Annotated[Name | None, Field(description="A unique name.")] = None
    protocols: Annotated[
        tuple[Protocol, ...],
        AsSet(),
        MinLength(1),
        ExclusiveSubsets(_FAMILIES),
        Field(description="The protocols that the route takes, all of one family."),
    ] = ("http", "https")
    methods: Annotated[tuple[Method, ...] | None, AsSet(), Field(description="Methods that match.")] = None
    hosts: Annotated[
        tuple[RouteHost, ...] | None,
        Field(description="Hosts that match: `a.test`, `*.a.test`, `a.*`, each with an optional port."),
    ] = None
    paths: Annotated[
        tuple[RoutePath, ...] | None, Field(description="Paths that match: a prefix, or `~` and a regex.")
    ] = None
    headers: Annotated[
        dict[MatchedHeader, tuple[str, ...]] | None,
        Field(description="Headers that match: one of the listed values, or `~*` and a regex as the only one."),
    ] = None
    https_redirect_status_code: Annotated[
        int,
        OneOf((426, 301, 302, 307, 308)),
        Field(description="Status of the answer when all but the protocol matches."),
    ] = 426
    regex_priority: Annotated[
        int, DefaultForNull(), Field(description="Regex paths with a higher number are tried earlier.")
    ] = 0
    strip_path: Annotated[
        bool, Field(description="Whether the part of the path that matched is taken off the upstream request.")
    ] = True
    path_handling: Annotated[
        str,
        OneOf(("v0", "v1")),
        DefaultForNull(),
        Field(description="How the service's path and the rest of the request's are joined."),
    ] = "v0"
    preserve_host: Annotated[
        bool, Field(description="Whether the upstream sees the Host of the request instead of the service's.")
    ] = False
    request_buffering: Annotated[bool, Field(description="Whether a request's body may be read ahead.")] = True
    response_buffering: Annotated[bool, Field(description="Whether a response's body may be read ahead.")] = True
    snis: Annotated[tuple[Sni, ...] | None, AsSet(), Field(description="Server names of TLS that match.")] = None
    sources: Annotated[Endpoints | None, Field(description="Clients that match (stream routes).")] = None
    destinations: Annotated[
        Endpoints | None, Field(description="Addresses of the gateway that match (stream routes).")
    ] = None
    service: Annotated[
        Reference | None,
        To("services"),
        Field(description="Where matching requests go; null answers by plugins alone."),
    ] = None
    tags: Tags | None = None
    retry_policy: Annotated[
        RetryPolicy | None, BeyondKong(), Field(description="Takes the place of the service's; null: that one holds.")
    ] = None
    expression: Annotated[
        str | None, OnlyIn(("expressions",)), Field(description="What requests must fulfil, in the router's language.")
    ] = None
    priority: Annotated[
        int,
        Between(0, 2**46 - 1),
        OnlyIn(("expressions",)),
        Field(description="Expressions with a higher number are tried earlier."),
    ] = 0

    checks: ClassVar[tuple[Check, ...]] = (
        Conditional(
            "protocols",
            _WITHOUT_SNI,
            "snis",
            Empty(),
            "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'",
        ),
        Custom(("headers",), _wrong_header_regexes),
        ExclusiveSets(_MATCHED_BY, ("expression",)),
    )
    hints: ClassVar[tuple[Check, ...]] = (AtLeastOneOf((*_MATCHED_BY, "expression")),)

    @classmethod
    def variant(cls, data: Mapping[str, Any]) -> Variant | None:
        """Which family of protocols the route is of: the first known one decides, as in Kong."""
        variants = _VARIANTS_WITH_EXPRESSION if "expression" in data else _VARIANTS
        protocols = data.get("protocols", ("http",))
        if isinstance(protocols, (list, tuple)):
            for protocol in protocols:
                if isinstance(protocol, str) and protocol in variants:
                    return variants[protocol]
        return None
