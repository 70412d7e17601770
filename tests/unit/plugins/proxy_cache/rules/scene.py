"""Answers and requests in short, for the tests of the rules."""

from gateline.plugins.proxy_cache.rules import (
    Answer,
    Policy,
    Refusal,
    RequestDirectives,
    Stored,
    format_date,
    request_directives,
    store,
)

NOW = 1_800_000_000
"""The moment at which answers come: Fri, 15 Jan 2027 08:00:00 GMT."""

Lines = tuple[tuple[bytes, bytes], ...]


def lines(text: str) -> Lines:
    """Header lines from text, a line each; `{-60}` is the date of a minute before NOW."""
    return tuple(_line(line) for line in text.strip().splitlines() if line.strip())


def asks(text: str = "") -> RequestDirectives:
    """The directives of a request with these header lines."""
    return request_directives(lines(text))


def try_storing(
    headers: str = "",
    *,
    status: int = 200,
    method: str = "GET",
    request: str = "",
    policy: Policy | None = None,
    length: int = -1,
) -> Stored | Refusal:
    """What becomes of an answer that comes at NOW, asked for at the same moment."""
    answer = Answer(status, lines(headers), requested=NOW, received=NOW, length=length)
    return store(method, lines(request), asks(request), answer, policy or Policy())


def stored(headers: str = "", *, status: int = 200, policy: Policy | None = None, length: int = -1) -> Stored:
    """An answer that is stored at NOW."""
    result = try_storing(headers, status=status, policy=policy, length=length)
    assert isinstance(result, Stored), result
    return result


def _line(line: str) -> tuple[bytes, bytes]:
    name, _, value = line.strip().partition(":")
    value = value.strip()
    if value.startswith("{") and value.endswith("}"):
        return name.encode(), format_date(NOW + int(value[1:-1]))
    return name.encode("latin-1"), value.encode("latin-1")
