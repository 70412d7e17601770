"""The table of settings agrees with itself and with the fields of Settings."""

import subprocess
import sys

import pytest

from gateline.settings.model import FIELDS
from gateline.settings.table import FAMILIES, GROUPS, OTHER_NAMES, SETTINGS, Setting, family_of


@pytest.mark.parametrize("row", SETTINGS.values(), ids=lambda row: row.name)
def test_a_default_is_a_value_of_its_kind(row: Setting) -> None:
    if row.default is not None:
        value = row.kind.parse(row.default.split()[0] if row.name.endswith("_log") else row.default)
        assert row.kind.load(row.kind.dump(value)) == value


def test_no_name_is_there_twice() -> None:
    assert sum(len(rows) for _, rows in GROUPS) == len(SETTINGS)
    assert not SETTINGS.keys() & OTHER_NAMES.keys()


def test_other_names_are_names_of_settings() -> None:
    assert {name for alias in OTHER_NAMES.values() for name in alias.of} <= SETTINGS.keys()


def test_every_field_is_a_setting_and_every_used_setting_a_field() -> None:
    assert set(FIELDS) <= SETTINGS.keys()
    assert {name for name, row in SETTINGS.items() if row.status == "used"} <= set(FIELDS)


def test_families_do_not_take_in_unrelated_names() -> None:
    assert len({family.form for family in FAMILIES}) == len(FAMILIES)
    assert family_of("nginx_http_gzip") is not None
    assert family_of("nginx_gzip") is None
    assert family_of("proxy_listn") is None


def test_each_row_says_what_it_does() -> None:
    assert [name for name, row in SETTINGS.items() if not row.about.endswith((".", ")"))] == []


HEAVY = ("asyncio", "pydantic", "rich", "ssl", "typer", "yaml")


def test_settings_import_nothing_heavy() -> None:
    code = f"import sys, gateline.settings; print([name for name in {HEAVY!r} if name in sys.modules])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
