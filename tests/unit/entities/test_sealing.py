"""Secrets at rest: what goes in comes out, in every form, and nothing else does."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.entities.sealing import KEY_BYTES, PLAIN, Manner, Sealer, SealingError, digest_of, is_hashed

KEY, OTHER = bytes(range(KEY_BYTES)), os.urandom(KEY_BYTES)
SECRETS = {"key": True, "secret": False}
ROW = {"id": "x", "key": "a-key-of-someone", "secret": "s3cret", "tags": None}


@given(text=st.text())
def test_what_is_encrypted_can_be_read(text: str) -> None:
    sealer = Sealer("encrypted", [KEY])
    kept = sealer.sealed("kind", {"key": text}, SECRETS)
    assert sealer.opened("kind", kept, SECRETS) == {"key": text}
    assert is_hashed(text) or isinstance(kept["key"], dict)


def test_nothing_of_a_secret_is_in_what_is_kept() -> None:
    kept = Sealer("encrypted", [KEY]).sealed("kind", ROW, SECRETS)
    assert kept["id"] == "x"
    assert kept["tags"] is None
    assert "a-key" not in str(kept)
    assert "s3cret" not in str(kept)
    assert Sealer("encrypted", [KEY]).sealed("kind", ROW, SECRETS) != kept


def test_a_hash_is_enough_where_secrets_are_compared_only() -> None:
    sealer = Sealer("hashed", [KEY])
    kept = sealer.sealed("kind", ROW, SECRETS)
    assert kept["key"] == f"sha256$a-ke${digest_of('kind', 'key', 'a-key-of-someone').hex()}"
    assert sealer.opened("kind", kept, SECRETS) == {**ROW, "key": kept["key"]}
    assert sealer.sealed("kind", sealer.opened("kind", kept, SECRETS), SECRETS)["key"] == kept["key"]
    assert digest_of("kind", "key", kept["key"]) == digest_of("kind", "key", "a-key-of-someone")


def test_little_of_a_short_secret_is_shown() -> None:
    kept = Sealer("hashed", [KEY]).sealed("kind", {"key": "abc"}, SECRETS)["key"]
    assert kept.startswith("sha256$$")


def test_digests_are_of_a_kind_and_a_field() -> None:
    assert len({digest_of("a", "b", "x"), digest_of("a", "c", "x"), digest_of("b", "b", "x")}) == 3


def test_keys_may_follow_one_another() -> None:
    kept = Sealer("encrypted", [OTHER]).sealed("kind", ROW, SECRETS)
    rotated = Sealer("encrypted", [KEY, OTHER])
    assert rotated.opened("kind", kept, SECRETS) == ROW
    assert not rotated.current(kept, SECRETS)
    assert rotated.current(rotated.sealed("kind", ROW, SECRETS), SECRETS)
    with pytest.raises(SealingError, match="which this node does not have"):
        Sealer("encrypted", [KEY]).opened("kind", kept, SECRETS)


def test_what_was_changed_or_moved_is_noticed() -> None:
    sealer = Sealer("encrypted", [KEY])
    kept = sealer.sealed("kind", ROW, SECRETS)
    for broken in (
        {"key": kept["secret"]},
        {"key": {"aes256gcm": kept["key"]["aes256gcm"][:-5] + "AAAA="}},
        {"key": {"aes256gcm": kept["key"]["aes256gcm"][:12]}},
        {"key": {"aes256gcm": kept["key"]["aes256gcm"] + "%"}},
    ):
        with pytest.raises(SealingError, match=r"kind\.key cannot be decrypted"):
            sealer.opened("kind", broken, SECRETS)


MANNERS: tuple[Manner, ...] = ("plain", "encrypted", "hashed")


@pytest.mark.parametrize("before", MANNERS)
@pytest.mark.parametrize("after", MANNERS)
def test_every_form_can_be_read_under_every_setting(before: Manner, after: Manner) -> None:
    kept = Sealer(before, [KEY]).sealed("kind", ROW, SECRETS)
    now = Sealer(after, [KEY])
    opened = now.opened("kind", kept, SECRETS)
    assert opened["secret"] == ROW["secret"]
    assert digest_of("kind", "key", opened["key"]) == digest_of("kind", "key", str(ROW["key"]))
    again = now.sealed("kind", opened, SECRETS)
    assert now.current(again, SECRETS)
    assert now.current(kept, SECRETS) == (before == after or (before, after) == ("hashed", "encrypted"))


def test_plain_needs_no_key_and_the_others_do() -> None:
    assert PLAIN.sealed("kind", ROW, SECRETS) == ROW
    with pytest.raises(ValueError, match="without a key"):
        Sealer("encrypted")
