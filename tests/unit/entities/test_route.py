"""What a route may say, and what is said when it may not (messages as Kong 3.9 answers them)."""

from typing import Any

import pytest

from gateline.entities import EntityError, Reference, Route

PROTOCOLS = "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"
SERVICE = "5f1d7fbc-0000-4000-8000-000000000001"


def fields_of(data: dict[str, Any], flavor: str = "traditional_compatible") -> dict[str, Any]:
    with pytest.raises(EntityError) as caught:
        Route.parse(data, router_flavor=flavor)
    return dict(caught.value.fields or {})


def test_a_route_on_a_host_gets_every_default() -> None:
    route = Route.parse({"hosts": ["a.test"], "service": {"id": SERVICE}}, now=7)
    wire = route.to_wire()
    assert len(wire.pop("id")) == 36
    assert wire == {
        "created_at": 7,
        "updated_at": 7,
        "name": None,
        "protocols": ["http", "https"],
        "methods": None,
        "hosts": ["a.test"],
        "paths": None,
        "headers": None,
        "https_redirect_status_code": 426,
        "regex_priority": 0,
        "strip_path": True,
        "path_handling": "v0",
        "preserve_host": False,
        "request_buffering": True,
        "response_buffering": True,
        "snis": None,
        "sources": None,
        "destinations": None,
        "service": {"id": SERVICE},
        "tags": None,
    }
    assert route.service == Reference(SERVICE)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no-slash", "should start with: / (fixed path) or ~/ (regex path)"),
        ("~no-slash", "should start with: / (fixed path) or ~/ (regex path)"),
        ("", "length must be at least 1"),
        (5, "expected a string"),
        ("//x", "must not have empty segments"),
        ("/foo/bar//", "must not have empty segments"),
        ("/a/../b", "non-normalized path, consider use '/b' instead"),
        ("/a/./b/..", "non-normalized path, consider use '/a/' instead"),
        ("/h%65llo", "non-normalized path, consider use '/hello' instead"),
        ("/a%2fb", "non-normalized path, consider use '/a%2Fb' instead"),
        ("/some%2words", "invalid url-encoded value: '%2w'"),
        ("/some%20words%", "invalid url-encoded value: '%'"),
        ("/some%20words%ax", "invalid url-encoded value: '%ax'"),
        ("~/a(b", "invalid regex: '/a(b' (RE2 returned: missing ): /a(b)"),
        ("~/a[", "invalid regex: '/a[' (RE2 returned: missing ]: [)"),
    ],
)
def test_a_wrong_path_is_told_by_position(path: Any, message: str) -> None:
    assert fields_of({"paths": ["/fine", path]}) == {"paths": [None, message]}


@pytest.mark.parametrize(
    ("pattern", "feature"),
    [
        ("/a(?=b)", "look-around"),
        ("/a(?!b)", "look-around"),
        ("/(?<=a)b", "look-around"),
        (r"/(a)\1", "a back reference"),
        ("/(?>a+)b", "an atomic group"),
        ("/a++b", "a possessive quantifier"),
    ],
)
def test_a_regex_that_needs_backtracking_is_refused_with_the_reason(pattern: str, feature: str) -> None:
    [message] = fields_of({"paths": [f"~{pattern}"]})["paths"]
    assert message.startswith(f"invalid regex: '{pattern}' (RE2 returned: ")
    assert message.endswith(f"; it uses {feature}, which a regex that runs in linear time cannot have)")


@pytest.mark.parametrize(
    "path",
    ["/", "/a b", "/円", "/abcd~user~2", "/a.b/..c", "/a%20b", "~/status/(re|rs)$", "~/(?<name>[a-z]+)", r"~/\d+(?i)x"],
)
def test_good_paths_are_taken_as_they_are(path: str) -> None:
    assert Route.parse({"paths": [path]}).paths == (path,)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("*.x.*", "invalid wildcard: must have at most one wildcard"),
        ("**.x.test", "invalid wildcard: must have at most one wildcard"),
        ("a.*.test", "invalid wildcard: must be placed at leftmost or rightmost label"),
        ("*example.test", "invalid wildcard: must be placed at leftmost or rightmost label"),
        ("www.example*", "invalid wildcard: must be placed at leftmost or rightmost label"),
        ("", "length must be at least 1"),
        ("/example", "invalid hostname: /example"),
        (".example", "invalid hostname: .example"),
        ("example:", "invalid hostname: example:"),
        ("example-.org", "invalid hostname: example-.org"),
        ("hello..example.test", "invalid hostname: hello..example.test"),
        ("example.test:1000000", "invalid port number"),
        ("1.2.3.400", "invalid ipv4 address: 1.2.3.400"),
        ("1.2.3", "invalid ipv4 address: 1.2.3"),
        ("[::1", "invalid ipv6 address: [::1"),
        ("::g", "invalid ipv6 address: ::g"),
        ("*.bad_-.test", "invalid hostname: *.bad_-.test"),
    ],
)
def test_a_wrong_host_is_refused(host: str, message: str) -> None:
    assert fields_of({"hosts": [host]}) == {"hosts": [message]}


@pytest.mark.parametrize(
    "host",
    [
        "a.test",
        "A.Test",
        "a.test.",
        "*.a.test",
        "a.*",
        "*.a.test:321",
        "a.*:80",
        "a.test:80",
        "10.0.0.1",
        "10.0.0.1:80",
        "[::1]",
        "[::1]:80",
        "::1",
        "a_b.test",
        "3B-ww4c5e180e575a65lsy2b",
        "-with-SUPER-MONKEYS-pc58ag80a8qai00g7n9n",
    ],
)
def test_good_hosts_are_taken(host: str) -> None:
    assert Route.parse({"hosts": [host]}).hosts == (host,)


@pytest.mark.parametrize(
    ("protocols", "needed"),
    [
        (["https"], "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'https'"),
        (["http"], "must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http'"),
        (["grpc"], "must set one of 'hosts', 'headers', 'paths' when 'protocols' is 'grpc'"),
        (["grpcs", "grpc"], "must set one of 'hosts', 'headers', 'paths', 'snis' when 'protocols' is 'grpcs'"),
        (["tcp"], "must set one of 'sources', 'destinations', 'snis' when 'protocols' is 'tcp', 'tls' or 'udp'"),
        (["tls_passthrough"], "must set snis when 'protocols' is 'tls_passthrough'"),
    ],
)
def test_a_route_needs_something_to_match_on(protocols: list[str], needed: str) -> None:
    nothing: list[dict[str, Any]] = [{}, {"paths": None}]
    if "http" in protocols[0] or "grpc" in protocols[0]:
        nothing.append({"hosts": []})
    for empty in nothing:
        assert fields_of({"protocols": protocols, **empty}) == {"@entity": [needed]}


@pytest.mark.parametrize(
    ("data", "field", "message"),
    [
        ({"protocols": []}, "protocols", "length must be at least 1"),
        ({"protocols": None}, "protocols", "required field missing"),
        ({"protocols": ["foo", "http"]}, "protocols", [PROTOCOLS]),
        ({"protocols": ["http", "foo"]}, "protocols", [None, PROTOCOLS]),
        (
            {"protocols": ["http", "tcp"]},
            "protocols",
            "these sets are mutually exclusive: ('http', 'https'), ('tcp', 'tls', 'udp')",
        ),
        ({"methods": ["get"]}, "methods", ["invalid value: get"]),
        ({"methods": ["GET", " GET"]}, "methods", [None, "invalid value:  GET"]),
        ({"https_redirect_status_code": 303}, "https_redirect_status_code", "expected one of: 426, 301, 302, 307, 308"),
        ({"path_handling": "v2"}, "path_handling", "expected one of: v0, v1"),
        (
            {"sources": [{"ip": "127.0.0.1"}]},
            "sources",
            "cannot set 'sources' when 'protocols' is 'http' or 'https'",
        ),
        (
            {"headers": {"HoSt": ["x"]}},
            "headers",
            "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
        ),
        ({"headers": {"x": "y"}}, "headers", "expected an array"),
        ({"headers": {"x": [True]}}, "headers", ["expected a string"]),
        ({"headers": {"x": [""]}}, "headers", ["length must be at least 1"]),
        ({"headers": ["x"]}, "headers", "expected a map"),
        (
            {"headers": {"a b": ["x"]}},
            "headers",
            "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
        ),
        ({"headers": {"x": ["~*a("]}}, "headers", "invalid regex: 'a(' (RE2 returned: missing ): a()"),
        ({"snis": ["127.0.0.1"]}, "snis", ["must not be an IP"]),
        ({"snis": ["a.test:80"]}, "snis", ["must not have a port"]),
        ({"snis": ["a.*.test"]}, "snis", ["wildcard must be leftmost or rightmost character"]),
        ({"snis": ["*.a.*"]}, "snis", ["only one wildcard must be specified"]),
        ({"service": {}}, "service", {"id": "missing primary key"}),
        ({"service": {"protocol": "foo"}}, "service", {"protocol": PROTOCOLS}),
        ({"expression": "x"}, "expression", "unknown field"),
        ({"priority": 1}, "priority", "unknown field"),
    ],
)
def test_a_wrong_field_is_refused_in_kongs_words(data: dict[str, Any], field: str, message: Any) -> None:
    assert fields_of({"paths": ["/x"], **data}) == {field: message}


def test_snis_without_tls_are_two_violations() -> None:
    assert fields_of({"protocols": ["http"], "paths": ["/x"], "snis": ["a.test"]}) == {
        "@entity": ["'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"],
        "snis": "length must be 0",
    }


def test_a_grpc_route_keeps_its_path_and_takes_no_methods() -> None:
    assert Route.parse({"protocols": ["grpc"], "paths": ["/x"]}).strip_path is False
    assert fields_of({"protocols": ["grpcs"], "paths": ["/x"], "strip_path": True, "methods": ["POST"]}) == {
        "strip_path": "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'",
        "methods": "cannot set 'methods' when 'protocols' is 'grpc' or 'grpcs'",
    }


def test_a_stream_route_takes_addresses_and_no_paths() -> None:
    route = Route.parse({"protocols": ["tcp"], "sources": [{"ip": "10.0.0.0/8"}, {"port": 80}, {"ip": "10.0.0.0/8"}]})
    assert route.to_wire()["sources"] == [{"ip": "10.0.0.0/8", "port": None}, {"ip": None, "port": 80}]
    assert fields_of({"protocols": ["tcp"], "snis": ["a.test"], "paths": ["/"]}) == {
        "@entity": ["'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls' or 'tls_passthrough'"],
        "snis": "length must be 0",
        "paths": "cannot set 'paths' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'",
    }


@pytest.mark.parametrize("ip", ["127.", ":::1", "localhost", "1/0", "0.0.0.0/33", "::/129", "0.0.0.0/a", "::/-1"])
def test_a_wrong_address_is_refused_at_its_place(ip: str) -> None:
    assert fields_of({"protocols": ["tcp"], "destinations": [{"port": 1}, {"ip": ip}]}) == {
        "destinations": [None, {"ip": f"invalid ip or cidr range: '{ip}'"}]
    }


def test_server_names_take_wildcards_except_in_the_traditional_flavour() -> None:
    data = {"snis": ["*.a.test"]}
    assert Route.parse(data).snis == ("*.a.test",)
    assert fields_of(data, "traditional") == {"snis": ["invalid value: *.a.test"]}


class TestExpressions:
    def test_an_expression_is_something_to_match_on(self) -> None:
        route = Route.parse({"expression": 'http.path == "/"', "priority": 5}, router_flavor="expressions")
        assert (route.expression, route.priority) == ('http.path == "/"', 5)
        assert route.to_wire()["expression"] == 'http.path == "/"'

    def test_classic_fields_still_work_but_do_not_mix(self) -> None:
        assert Route.parse({"paths": ["/x"]}, router_flavor="expressions").paths == ("/x",)
        assert fields_of({"paths": ["/x"], "expression": "x"}, "expressions") == {
            "@entity": ["these sets are mutually exclusive: ('paths'), ('expression')"]
        }

    def test_the_priority_has_46_bits(self) -> None:
        assert fields_of({"expression": "x", "priority": 2**46}, "expressions") == {
            "priority": "value should be between 0 and 70368744177663"
        }
