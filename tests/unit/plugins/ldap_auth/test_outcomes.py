"""Logins that are remembered."""

import gc

from gateline.plugins.ldap_auth.credentials import given_in
from gateline.plugins.ldap_auth.outcomes import Outcomes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_an_outcome_is_known_for_its_time() -> None:
    clock = Clock()
    outcomes: Outcomes[str] = Outcomes(60, clock=clock)
    key = outcomes.key("bob", "secret")
    assert outcomes.get(key) is None
    outcomes.put(key, "bob")
    outcomes.put(outcomes.key("bob", "wrong"), None)
    clock.now += 59
    assert outcomes.get(key) == ("bob",)
    assert outcomes.get(outcomes.key("bob", "wrong")) == (None,)
    clock.now += 1
    assert outcomes.get(key) is None


def test_whoever_tries_passwords_pushes_out_nobody() -> None:
    outcomes: Outcomes[str] = Outcomes(60, limit=10)
    good = outcomes.key("bob", "secret")
    outcomes.put(good, "bob")
    for number in range(1000):
        outcomes.put(outcomes.key("bob", str(number)), None)
    assert outcomes.get(good) == ("bob",)
    assert len(outcomes) == 11


def test_no_time_means_that_nothing_is_kept() -> None:
    outcomes: Outcomes[str] = Outcomes(0)
    outcomes.put(outcomes.key("bob", "secret"), "bob")
    assert len(outcomes) == 0


def test_where_a_name_ends_and_a_password_begins_makes_a_difference() -> None:
    outcomes: Outcomes[str] = Outcomes(60)
    assert outcomes.key("ab", "c") != outcomes.key("a", "bc")
    assert outcomes.key("a", "b") != Outcomes[str](60).key("a", "b"), "the digest is keyed"


def test_no_password_stays_in_memory() -> None:
    outcomes: Outcomes[str] = Outcomes(60)
    password = "correct horse"[::-1][::-1]
    outcomes.put(outcomes.key("bob", password), "bob")
    assert password not in repr(gc.get_referents(outcomes))


def test_of_a_header_only_what_can_be_right_is_taken() -> None:
    assert given_in("ldap Ym9iOg==", "ldap") is None, "no password"
    assert given_in("ldap OnNlY3JldA==", "ldap") is None, "no name"
    assert given_in("ldap Ym9iCjphYg==", "ldap") is None, "a control character"
    assert given_in("ldap Ym9iOmE6Yg==", "ldap") == ("bob", "a:b")
    assert given_in("  LDAP   Ym9iOmE6Yg==  ", "ldap") == ("bob", "a:b")
