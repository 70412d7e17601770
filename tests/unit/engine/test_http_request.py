"""Requests of the worker's own: what is sent, and what is refused before anything is."""

from typing import Any

import pytest

from gateline.engine.http_request import Address, address_of, encode

ADDRESS = Address(tls=False, host="auth.test", port=80, authority="auth.test", target="/check?a=b")


def _sent(method: str = "GET", headers: Any = None, **content: Any) -> bytes:
    return encode(method, ADDRESS, headers, **content).data


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://a.test", (False, "a.test", 80, "a.test", "/")),
        ("http://a.test:80/x", (False, "a.test", 80, "a.test", "/x")),
        ("https://a.test/x?y=1#z", (True, "a.test", 443, "a.test", "/x?y=1")),
        ("https://A.test:8443?q", (True, "a.test", 8443, "a.test:8443", "/?q")),
        ("http://127.0.0.1:9000/%20", (False, "127.0.0.1", 9000, "127.0.0.1:9000", "/%20")),
        ("http://[::1]:9000/", (False, "::1", 9000, "[::1]:9000", "/")),
    ],
)
def test_a_url_names_a_server_and_what_is_asked_for(url: str, address: Any) -> None:
    assert address_of(url) == Address(*address)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.test/x",
        "/x",
        "ftp://a.test/",
        "http://",
        "http:///x",
        "http://a b/",
        "http://a.test/a b",
        "http://a.test/\r\nEvil: 1",
        "http://a.test/\u00e9",
        "http://a.test:0/",
        "http://a.test:65536/",
        "http://a.test:x/",
        "http://a_.-/",
        "http://[::x]/",
        "http://user:secret@a.test/",
    ],
)
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        address_of(url)


def test_a_plain_request_says_who_asks_whom() -> None:
    lines = _sent().decode().split("\r\n")
    assert lines[0] == "GET /check?a=b HTTP/1.1"
    assert lines[1] == "Host: auth.test"
    assert lines[2].startswith("User-Agent: gateline/")
    assert lines[3:] == ["Accept: */*", "", ""]


@pytest.mark.parametrize(
    ("content", "content_type", "body"),
    [
        ({"body": b"raw"}, None, b"raw"),
        ({"json_body": {"key": "\u00e9"}}, "application/json", '{"key":"\u00e9"}'.encode()),
        ({"form": {"a": "1 2", "b": "&"}}, "application/x-www-form-urlencoded", b"a=1+2&b=%26"),
    ],
)
def test_a_body_has_its_length_and_type(content: Any, content_type: str | None, body: bytes) -> None:
    head, _, sent = _sent("POST", **content).partition(b"\r\n\r\n")
    assert sent == body
    assert b"Content-Length: %d" % len(body) in head
    assert (f"Content-Type: {content_type}".encode() in head) == (content_type is not None)


def test_a_post_without_body_says_so() -> None:
    assert b"Content-Length: 0\r\n" in _sent("POST")
    assert b"Content-Length" not in _sent("GET")


def test_headers_of_the_caller_take_the_place_of_the_usual_ones() -> None:
    sent = _sent(
        "POST",
        {"Host": "other.test", "user-agent": "x", "Accept": "text/plain", "Content-Type": "a/b", "X-Many": ["1", "2"]},
        json_body=1,
    )
    assert sent == (
        b"POST /check?a=b HTTP/1.1\r\nContent-Length: 1\r\nHost: other.test\r\nuser-agent: x\r\nAccept: text/plain\r\n"
        b"Content-Type: a/b\r\nX-Many: 1\r\nX-Many: 2\r\n\r\n1"
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Key": "a\r\nEvil: 1"},
        {"X-Key": "a\nEvil: 1"},
        {"X-Key": "a\x00"},
        {"X-Key": "\u20ac"},
        {"X Key": "a"},
        {"X-Key:": "a"},
        {"X-Key\r\nEvil": "a"},
        {"": "a"},
        {"Content-Length": "3"},
        {"transfer-encoding": "chunked"},
        {"Connection": "close"},
        {"Upgrade": "websocket"},
        {"Expect": "100-continue"},
        {"Host": ""},
        {"Host": ["a.test", "b.test"]},
    ],
)
def test_no_header_can_end_the_head_or_frame_the_body(headers: Any) -> None:
    with pytest.raises(ValueError):
        _sent(headers=headers)


@pytest.mark.parametrize("method", ["", "GET /evil HTTP/1.1\r\n", "G\u00c9T", "GET "])
def test_no_method_can_hold_another_request(method: str) -> None:
    with pytest.raises(ValueError):
        _sent(method)


def test_a_request_has_one_body() -> None:
    with pytest.raises(ValueError, match="one of body, json and form"):
        _sent("POST", body=b"", json_body={})
    with pytest.raises(ValueError):
        _sent("POST", json_body=float("nan"))
