"""Versions of values in shared memory."""

from pathlib import Path

import pytest

from gateline.sharedstate.environment import SharedStateError
from gateline.sharedstate.versions import UNSETTLED, Change, Versions


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(tmp_path / "versions")


def test_a_change_is_a_new_version_for_all_who_have_opened_them(versions: Versions, tmp_path: Path) -> None:
    other = Versions(tmp_path / "versions")
    place = other.place_of(b"a")
    before = other.read(place)
    assert other.is_at(place, before)
    change = Change(versions)
    change.touch(b"a")
    assert not other.is_at(place, before)
    assert other.read(place) == UNSETTLED
    change.over()
    after = other.read(place)
    assert after not in (before, UNSETTLED)
    assert other.is_at(place, after)


def test_the_last_of_two_changes_settles_the_version(versions: Versions) -> None:
    place = versions.place_of(b"a")
    first, second = Change(versions), Change(versions)
    first.touch(b"a")
    second.touch(b"a")
    first.over()
    assert versions.read(place) == UNSETTLED
    second.over()
    assert versions.read(place) != UNSETTLED


def test_what_a_process_that_is_gone_has_begun_is_settled_by_the_next_change(versions: Versions) -> None:
    place = versions.place_of(b"a")
    Change(versions).touch(b"a")
    assert versions.read(place) == UNSETTLED
    change = Change(versions)
    change.touch(b"a")
    change.over()
    assert versions.read(place) != UNSETTLED


def test_without_a_place_for_the_file_it_is_told(tmp_path: Path) -> None:
    with pytest.raises(SharedStateError, match="no room"):
        Versions(tmp_path / "absent" / "versions")
