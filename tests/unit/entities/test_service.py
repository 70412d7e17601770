"""What a service may say, and what is said when it may not (messages as Kong 3.9 answers them)."""

from typing import Any

import pytest

from gateline.entities import EntityError, Service


def fields_of(data: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(EntityError) as caught:
        Service.parse(data)
    return dict(caught.value.fields or {})


def message_of(data: dict[str, Any]) -> str:
    with pytest.raises(EntityError) as caught:
        Service.parse(data)
    return caught.value.message


def test_a_host_alone_gets_every_default() -> None:
    assert Service.parse({"host": "h.test", "id": "5f1d7fbc-0000-4000-8000-000000000001"}, now=7).to_wire() == {
        "id": "5f1d7fbc-0000-4000-8000-000000000001",
        "created_at": 7,
        "updated_at": 7,
        "name": None,
        "enabled": True,
        "protocol": "http",
        "host": "h.test",
        "port": 80,
        "path": None,
        "retries": 5,
        "connect_timeout": 60000,
        "write_timeout": 60000,
        "read_timeout": 60000,
        "client_certificate": None,
        "tls_verify": None,
        "tls_verify_depth": None,
        "ca_certificates": None,
        "tags": None,
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://service.test:8443/deep/path", ("https", "service.test", 8443, "/deep/path")),
        ("https://service.test", ("https", "service.test", 443, None)),
        ("http://service.test/", ("http", "service.test", 80, "/")),
        ("http://user:secret@service.test/a?b=c#d", ("http", "service.test", 80, "/a")),
        ("http://[::1]:81/x", ("http", "::1", 81, "/x")),
        ("grpc://service.test:9000", ("grpc", "service.test", 9000, None)),
        ("tcp://service.test", ("tcp", "service.test", 80, None)),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: tuple[str, str, int, str | None]) -> None:
    service = Service.parse({"url": url})
    assert (service.protocol, service.host, service.port, service.path) == expected


def test_a_url_wins_over_the_separate_fields_and_is_not_kept() -> None:
    service = Service.parse({"url": "http://a.test/x", "host": "b.test", "path": "/y", "protocol": "https"})
    assert (service.protocol, service.host, service.path) == ("http", "a.test", "/x")
    assert "url" not in service.to_wire()


@pytest.mark.parametrize(
    ("url", "fields"),
    [
        ("invalid url", {"host": "required field missing", "path": "should start with: /"}),
        ("http://", {"host": "required field missing"}),
        ("http://a.test:x", {"port": "expected an integer"}),
        ("http://a.test:99999", {"port": "value should be between 0 and 65535"}),
        ("ftp://a.test", {"protocol": "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"}),
        ("", {"url": "length must be at least 1", "host": "required field missing"}),
        (5, {"url": "expected a string", "host": "required field missing"}),
    ],
)
def test_a_wrong_url_is_told_by_the_fields_that_it_stands_for(url: Any, fields: dict[str, Any]) -> None:
    assert fields_of({"url": url}) == fields


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("protocol", "foo", "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"),
        ("protocol", "", "expected one of: grpc, grpcs, http, https, tcp, tls, tls_passthrough, udp"),
        ("host", "bad host", "invalid value: bad host"),
        ("host", "", "length must be at least 1"),
        ("host", "a.test:80", "must not have a port"),
        ("host", "a.test:1000000", "must not have a port"),
        ("host", "*.a.test", "invalid value: *.a.test"),
        ("host", None, "required field missing"),
        ("port", 65536, "value should be between 0 and 65535"),
        ("port", -1, "value should be between 0 and 65535"),
        ("port", True, "expected an integer"),
        ("port", "80", "expected an integer"),
        ("port", None, "required field missing"),
        ("port", float("inf"), "expected an integer"),
        ("port", float("nan"), "expected an integer"),
        ("enabled", 1, "expected a boolean"),
        ("enabled", None, "required field missing"),
        ("protocol", None, "required field missing"),
        ("retries", 32768, "value should be between 0 and 32767"),
        ("read_timeout", 0, "value should be between 1 and 2147483646"),
        ("write_timeout", 2147483647, "value should be between 1 and 2147483646"),
        ("path", "foo", "should start with: /"),
        ("path", "//foo", "must not have empty segments"),
        ("path", "/a%2", "invalid url-encoded value: '%2'"),
        ("path", "/a%zz", "invalid url-encoded value: '%zz'"),
        ("path", "/a b", "invalid path: '/a b' (characters outside of the reserved list of RFC 3986 found)"),
        (
            "name",
            "a/b",
            "invalid value 'a/b': the only accepted ascii characters are alphanumerics or ., -, _, and ~",
        ),
        ("name", "", "length must be at least 1"),
        ("name", "\ud800", "invalid utf-8 character sequence detected at position 1"),
        ("id", "x", "expected a valid UUID"),
        ("id", 5, "expected a string"),
        ("created_at", 0, "expected a valid timestamp"),
        ("created_at", "now", "expected an integer"),
        ("tags", "t", "expected a set"),
        ("tags", {}, "expected a set"),
        ("tags", ["ok", "a/b"], [None, pytest.approx]),
        ("tags", [None], ["required field missing"]),
        ("ca_certificates", ["x"], ["expected a valid UUID"]),
        ("client_certificate", "x", {"id": "missing primary key"}),
        ("client_certificate", 5, "expected a record"),
        ("client_certificate", {"id": "x"}, {"id": "expected a valid UUID"}),
        ("client_certificate", {"id": None}, {"id": "required field missing"}),
        ("nope", None, "unknown field"),
    ],
)
def test_a_wrong_field_is_refused_in_kongs_words(field: str, value: Any, message: Any) -> None:
    data = {"host": "h.test", "protocol": "https", field: value}
    if isinstance(message, list) and message[-1] is pytest.approx:
        message = [
            None,
            f"invalid tag '{value[1]}': expected printable ascii (except `,` and `/`) or valid utf-8 sequences",
        ]
    assert fields_of(data) == {field: message}


def test_every_violation_is_told_at_once_sorted_by_field() -> None:
    assert message_of({"host": 1, "port": "x", "enabled": 1, "tags": "t"}) == (
        "4 schema violations (enabled: expected a boolean; host: expected a string;"
        " port: expected an integer; tags: expected a set)"
    )


@pytest.mark.parametrize("protocol", ["tcp", "tls", "udp", "grpc", "grpcs", "tls_passthrough"])
def test_protocols_without_paths_take_no_path(protocol: str) -> None:
    assert fields_of({"host": "h.test", "protocol": protocol, "path": "/x"}) == {
        "path": "value must be null",
        "@entity": ["failed conditional validation given value of field 'protocol'"],
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("tls_verify", False),
        ("tls_verify_depth", 2),
        ("ca_certificates", []),
        ("client_certificate", {"id": "5f1d7fbc-0000-4000-8000-000000000001"}),
    ],
)
def test_fields_of_tls_are_for_services_spoken_to_over_tls(field: str, value: Any) -> None:
    for protocol in ("https", "tls"):
        assert getattr(Service.parse({"host": "h.test", "protocol": protocol, field: value}), field) is not None
    assert fields_of({"host": "h.test", field: value})[field] == "value must be null"


def test_whole_numbers_may_be_written_as_floats() -> None:
    service = Service.parse({"host": "h.test", "port": 8080.0})
    assert (service.port, type(service.port)) == (8080, int)


def test_null_takes_the_default_where_kong_would_read_the_default() -> None:
    service = Service.parse({"host": "h.test", "retries": None, "connect_timeout": None})
    assert (service.retries, service.connect_timeout) == (5, 60000)


def test_ids_are_kept_in_lower_case() -> None:
    service = Service.parse({"host": "h.test", "id": "5F1D7FBC-0000-4000-8000-000000000001"})
    assert service.id == "5f1d7fbc-0000-4000-8000-000000000001"


@pytest.mark.parametrize("name", ["円", "Конг", "🦍", "~3..x4~.M-p~1__3_"])
def test_names_may_go_beyond_ascii(name: str) -> None:
    assert Service.parse({"host": "h.test", "name": name}).name == name


def test_a_set_drops_repeats_and_keeps_the_order() -> None:
    assert Service.parse({"host": "h.test", "tags": ["b", "a", "b"]}).tags == ("b", "a")
