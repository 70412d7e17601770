"""What 304 and the answers to HEAD tell of a stored answer (RFC 9111, sections 3.2, 4.3.4 and 4.3.5)."""

import pytest

from gateline.plugins.proxy_cache.rules import Answer, Policy, Refusal, Stored, after_head, freshen
from unit.plugins.proxy_cache.rules.scene import NOW, lines, stored

LATER = NOW + 100


def not_modified(kept: Stored, headers: str) -> Stored | Refusal:
    return freshen(kept, Answer(304, lines(headers), requested=LATER, received=LATER), Policy())


def test_a_304_replaces_fields_and_makes_fresh() -> None:
    kept = stored('Cache-Control: max-age=60\nDate: {0}\nETag: "a"\nX-One: 1\nX-One: 2\nX-Two: 1\nAge: 50', length=5)
    fresh = not_modified(kept, "Cache-Control: max-age=90\nDate: {100}\nx-one: 3\nX-Three: 1\nAge: 7")
    assert isinstance(fresh, Stored)
    assert sorted(fresh.headers) == sorted(
        lines('Cache-Control: max-age=90\nDate: {100}\nETag: "a"\nx-one: 3\nX-Two: 1\nX-Three: 1')
    )
    assert fresh.lifetime == 90
    assert fresh.age(LATER) == 7
    assert fresh.status == 200
    assert fresh.length == 5


def test_a_304_without_fields_counts_the_same_lifetime_anew() -> None:
    kept = stored('Cache-Control: max-age=60\nDate: {0}\nETag: "a"\nAge: 30')
    fresh = not_modified(kept, "")
    assert isinstance(fresh, Stored)
    assert fresh.remaining(LATER) == 60


@pytest.mark.parametrize(
    "line",
    [
        "Content-Encoding: gzip",
        "Content-Length: 5",
        "Content-MD5: abc",
        "Content-Range: bytes 0-1/2",
        'ETag: "a"',
        "Vary: foo",
    ],
)
def test_fields_that_belong_to_the_stored_body_stay(line: str) -> None:
    kept = stored(f"Cache-Control: max-age=60\nLast-Modified: {{-60}}\n{line}")
    name = line.partition(":")[0]
    fresh = not_modified(kept, f'{name}: "other"')
    assert isinstance(fresh, Stored)
    assert lines(line)[0] in fresh.headers
    assert len(fresh.headers) == 3


def test_fields_of_the_connection_are_not_taken_over() -> None:
    kept = stored('Cache-Control: max-age=60\nETag: "a"\nX-Hop: 1')
    fresh = not_modified(kept, "Connection: x-hop, close\nX-Hop: 2\nKeep-Alive: timeout=5")
    assert isinstance(fresh, Stored)
    assert fresh.headers == kept.headers


def test_a_304_may_forbid_to_keep_the_answer_on() -> None:
    kept = stored('Cache-Control: max-age=60\nETag: "a"')
    assert not_modified(kept, "Cache-Control: private") == "private"
    assert not_modified(kept, "Cache-Control: no-store") == "no-store"


@pytest.mark.parametrize(
    ("status", "headers", "effect"),
    [
        (200, 'ETag: "a"\nContent-Length: 5', "freshen"),
        (200, "Cache-Control: max-age=60", "freshen"),
        (200, 'ETag: "b"', "invalidate"),
        (200, "Last-Modified: {0}", "invalidate"),
        (200, "Content-Length: 6", "invalidate"),
        (404, 'ETag: "b"', "keep"),
        (503, "", "keep"),
    ],
)
def test_what_the_answer_to_head_does(status: int, headers: str, effect: str) -> None:
    """RFC 9111, section 4.3.5."""
    kept = stored('Cache-Control: max-age=60\nETag: "a"\nLast-Modified: {-60}', length=5)
    assert after_head(kept, Answer(status, lines(headers), LATER, LATER)) == effect
