"""The catalogue of failures, and errors in the format that a client asks for."""

import json
from xml.etree import ElementTree

import pytest

from gateline.engine.errors import (
    CATALOGUE,
    ErrorTemplates,
    Failure,
    Retry,
    Source,
    for_refused_head,
    message_for_status,
)

FAILURES = [value for value in vars(CATALOGUE).values() if isinstance(value, Failure)]
ID = "0123456789abcdef0123456789abcdef"


def test_names_of_failures_are_unique() -> None:
    assert len({failure.name for failure in FAILURES}) == len(FAILURES)


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_failure_is_complete(failure: Failure) -> None:
    assert 400 <= failure.status < 600
    assert failure.message
    assert failure.status < 500 or failure.source is not Source.CLIENT or failure.status in (501, 505)
    assert failure.retry is Retry.NEVER or failure.source is Source.UPSTREAM


@pytest.mark.parametrize(
    ("refused", "status", "message"),
    [
        (400, 400, "Bad request"),
        (414, 414, "URI too long"),
        (431, 400, "Request header or cookie too large"),
        (501, 501, "Not implemented"),
        (505, 505, "HTTP version not supported"),
        (999, 400, "Bad request"),
    ],
)
def test_refused_head_is_answered_as_kong_does(refused: int, status: int, message: str) -> None:
    failure = for_refused_head(refused)
    assert (failure.status, failure.message) == (status, message)


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "Bad request"),
        (418, "I'm a teapot"),
        (429, "Too many requests"),
        (500, "An unexpected error occurred"),
        (502, "An invalid response was received from the upstream server"),
        (503, "The upstream server is currently unavailable"),
        (504, "The upstream server is timing out"),
        (499, "The upstream server responded with 499"),
        (599, "The upstream server responded with 599"),
    ],
)
def test_message_of_a_status(status: int, message: str) -> None:
    assert message_for_status(status) == message


@pytest.mark.parametrize(
    ("accept", "content_type", "structured", "expected"),
    [
        (None, None, False, "text/plain"),
        (None, None, True, "application/json"),
        (None, b"text/html; charset=utf-8", False, "text/html"),
        (None, b"image/png", False, "application/json"),
        (None, b"application/grpc+proto", False, "application/grpc"),
        (b"text/html", b"application/xml", False, "text/html"),
        (b"*/*", b"application/xml", False, "application/json"),
        (b"", None, False, "application/json"),
        (b"text/html;q=0, application/xml;q=0", None, False, "application/json"),
        (b"text/html;q=2, application/xml;q=1", None, False, "text/html"),
        (b"text/html;q=-1, application/xml;q=0.1", None, False, "application/xml"),
        (b"text/html;q=nan, application/xml;q=0.1", None, False, "application/xml"),
        (b"text/html;q=, application/xml;q=0.1", None, False, "application/xml"),
        (b"\xff\xfe", None, False, "application/json"),
        (b"," * 1000, None, False, "application/json"),
    ],
)
def test_choice_of_a_type(accept: bytes | None, content_type: bytes | None, structured: bool, expected: str) -> None:
    assert ErrorTemplates().choose(accept, content_type, json=structured) == expected


def test_default_type_is_the_settings() -> None:
    assert ErrorTemplates("application/xml").choose(None, None, json=False) == "application/xml"


def test_text_is_escaped_for_its_format() -> None:
    templates = ErrorTemplates()
    message = 'a "quoted" \\ <tag> & more'
    body = templates.render(400, message, ID, "application/json").body
    assert json.loads(body) == {"message": message, "request_id": ID}
    xml = ElementTree.fromstring(templates.render(400, message, ID, "application/xml").body)
    assert (xml.findtext("message"), xml.findtext("requestid")) == (message, ID)
    html = templates.render(400, message, ID, "text/html").body.decode()
    assert "<tag>" not in html
    assert "&lt;tag&gt;" in html
    assert templates.render(400, message, ID, "text/plain").body.decode() == f"{message}\nrequest_id: {ID}\n"


@pytest.mark.parametrize(
    ("status", "code"),
    [(200, 0), (400, 3), (401, 16), (403, 7), (404, 5), (409, 6), (429, 8), (499, 1), (500, 13), (501, 12), (503, 14)],
)
def test_grpc_error_has_its_code(status: int, code: int) -> None:
    error = ErrorTemplates().render(status, "m", ID, "application/grpc")
    assert error.status == 200
    assert f"grpc-status: {code}\r\n".encode() in error.headers
    assert error.body == b""


@pytest.mark.parametrize(("status", "code"), [(418, 3), (599, 13), (504, 4)])
def test_grpc_code_of_other_statuses(status: int, code: int) -> None:
    assert f"grpc-status: {code}\r\n".encode() in ErrorTemplates().render(status, "m", ID, "application/grpc").headers


@pytest.mark.parametrize(
    ("template", "expected"),
    [("%s|%s", f"m|{ID}"), ("only %s", f"only m{ID}"), ("100%% %s %s", f"100%% m {ID}"), ("", None)],
)
def test_template_takes_message_and_request_id(template: str, expected: str | None) -> None:
    body = ErrorTemplates(plain=template).render(400, "m", ID, "text/plain").body.decode()
    assert body == (expected if expected is not None else f"m\nrequest_id: {ID}\n")
