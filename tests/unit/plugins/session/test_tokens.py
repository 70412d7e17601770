"""Tokens of sessions: read by who sealed them, for what they were sealed, and by nobody else."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.plugins.session.times import Times
from gateline.plugins.session.tokens import KNOWN, Kept, Seals, Token, new_id

KEPT = Kept("consumer", "credential", ("staff",), "bob")
TOKEN = Token(100, 200, 300, KEPT)
SEALS = Seals("secret", "session\ndefault")


def test_a_token_is_read_by_who_sealed_it() -> None:
    name = new_id()
    assert SEALS.opened(SEALS.sealed(name, TOKEN)) == (name, TOKEN)
    assert Seals("secret", "session\ndefault").opened(SEALS.sealed(name, TOKEN)) == (name, TOKEN)
    assert SEALS.opened_row(name, SEALS.sealed_row(name, KEPT)) == KEPT


def test_what_was_opened_is_kept_for_a_while_and_no_longer() -> None:
    seals = Seals("secret", "session")
    names = [new_id() for _ in range(KNOWN + 10)]
    for name in names:
        assert seals.opened(seals.sealed(name, TOKEN)) == (name, TOKEN)
        assert seals.opened_row(name, seals.sealed_row(name, KEPT)) == KEPT
    assert len(seals._known) <= KNOWN
    assert len(seals._known_rows) <= KNOWN
    text = seals.sealed(names[0], TOKEN)
    assert seals.opened(text) is seals.opened(text)


@pytest.mark.parametrize("other", [Seals("secret2", "session\ndefault"), Seals("secret", "session\nother")])
def test_a_token_of_another_secret_or_use_is_none(other: Seals) -> None:
    name = new_id()
    assert other.opened(SEALS.sealed(name, TOKEN)) is None
    assert other.opened_row(name, SEALS.sealed_row(name, KEPT)) is None


def test_a_row_is_no_cookie_and_is_not_that_of_another_session() -> None:
    name = new_id()
    row = urlsafe_b64decode(SEALS.sealed_row(name, KEPT))
    assert SEALS.opened(urlsafe_b64encode(b"\x01" + name + row).decode().rstrip("=")) is None
    assert SEALS.opened_row(new_id(), SEALS.sealed_row(name, KEPT)) is None


def test_no_octet_of_a_token_can_be_changed() -> None:
    text = SEALS.sealed(new_id(), TOKEN)
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    for place in range(len(raw)):
        changed = bytes(raw[:place]) + bytes((raw[place] ^ 1,)) + bytes(raw[place + 1 :])
        assert SEALS.opened(urlsafe_b64encode(changed).decode().rstrip("=")) is None
    for end in range(len(text)):
        assert SEALS.opened(text[:end]) is None


@given(st.text() | st.text("abcXYZ019-_", min_size=60, max_size=200))
def test_any_text_is_opened_or_is_no_token(text: str) -> None:
    assert SEALS.opened(text) is None
    assert SEALS.opened_row(new_id(), text) is None


def test_a_token_tells_nothing_of_who_it_is() -> None:
    text = SEALS.sealed(new_id(), TOKEN)
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b"bob" not in raw
    assert b"consumer" not in raw
    assert SEALS.opened("A" * 100_000) is None


@pytest.mark.parametrize(
    ("times", "now", "good"),
    [
        (Times(900, 3600, 86400), 300, True),
        (Times(900, 3600, 86400), 1199, True),
        (Times(900, 3600, 86400), 1200, False),
        (Times(0, 3600, 86400), 3799, True),
        (Times(0, 3600, 86400), 3800, False),
        (Times(0, 0, 86400), 86499, True),
        (Times(0, 0, 86400), 86500, False),
        (Times(0, 0, 0), 10**9, True),
    ],
)
def test_a_session_is_over_with_its_first_timeout(times: Times, now: int, good: bool) -> None:
    assert times.good(TOKEN, now) is good


def test_what_is_left_is_told() -> None:
    assert Times(900, 3600, 86400).left(TOKEN, 400) == {
        "idling-timeout": 800,
        "rolling-timeout": 3400,
        "absolute-timeout": 86100,
        "timeout": 800,
    }
    assert Times(0, 0, 0).left(TOKEN, 400) == {}
    assert Times(0, 0, 0).lasts(TOKEN, 400) > 86400 * 300


def test_a_session_is_renewed_in_its_last_quarter_and_touched_once_a_minute() -> None:
    times = Times(900, 3600, 86400)
    assert [times.wants_renewal(TOKEN, now) for now in (200, 2899, 2900)] == [False, False, True]
    assert [times.wants_touch(TOKEN, now) for now in (300, 359, 360)] == [False, False, True]
    assert not Times(0, 0, 0).wants_renewal(TOKEN, 10**9)
    assert not Times(0, 0, 0).wants_touch(TOKEN, 10**9)
