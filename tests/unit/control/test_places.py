"""From settings to the options of a store."""

from pathlib import Path

import pytest

from gateline.control.places import origin_of, store_options
from gateline.settings import Settings, load_settings
from gateline.store import StoreOptions


def settings(tmp_path: Path, **given: str) -> Settings:
    return load_settings(environ={}, overrides={"prefix": str(tmp_path), **given}, search=()).settings


def test_without_a_database_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert store_options(settings(tmp_path, database="off")) == StoreOptions("off")


def test_sqlite_has_a_file(tmp_path: Path) -> None:
    options = store_options(settings(tmp_path, db_update_frequency="3"))
    assert options == StoreOptions("sqlite", tmp_path / "gateline.db", poll_interval=3.0, sealer=options.sealer)
    assert options.sealer.manner == "encrypted"


def test_postgresql_has_an_address_and_times_in_seconds(tmp_path: Path) -> None:
    given = {"pg_host": "db", "pg_port": "5433", "pg_user": "u", "pg_password": "p", "pg_database": "d"}
    options = store_options(settings(tmp_path, database="postgres", pg_timeout="1500", pg_schema="s", **given))
    assert (options.pg_host, options.pg_port, options.pg_user) == ("db", 5433, "u")
    assert (options.pg_password, options.pg_database, options.pg_schema) == ("p", "d", "s")
    assert (options.pg_timeout, options.pg_ssl, options.pg_ssl_trusted) == (1.5, False, None)


@pytest.mark.parametrize("name", ["pg_ssl", "pg_ssl_required", "pg_ssl_verify"])
def test_whatever_asks_for_tls_gets_it(tmp_path: Path, name: str) -> None:
    assert store_options(settings(tmp_path, database="postgres", **{name: "on"})).pg_ssl


def test_certificate_authorities_become_one_file(tmp_path: Path) -> None:
    one, two = (f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n" for name in ("one", "two"))
    (tmp_path / "two.pem").write_text(two)
    (tmp_path / "one.pem").write_text(one)
    trusted = f"{tmp_path}/one.pem, {tmp_path}/two.pem"
    given = {"database": "postgres", "lua_ssl_trusted_certificate": trusted}
    assert store_options(settings(tmp_path, **given)).pg_ssl_trusted is None
    made = store_options(settings(tmp_path, pg_ssl_verify="on", **given)).pg_ssl_trusted
    assert made is not None
    assert made.read_text().split() == f"{one}\n{two}".split()
    assert store_options(settings(tmp_path, database="postgres", pg_ssl_verify="on")).pg_ssl_trusted is None


def test_one_place_is_told_from_another_without_its_password(tmp_path: Path) -> None:
    def place(**given: str) -> str:
        return origin_of(store_options(settings(tmp_path, **given)))

    postgres = {"database": "postgres", "pg_password": "very-secret"}
    places = [
        place(),
        place(sqlite_path="/other.db"),
        place(**postgres),
        place(**postgres, pg_schema="s"),
        place(**postgres, pg_database="d"),
        place(**postgres, pg_host="h"),
    ]
    assert len(set(places)) == len(places)
    assert place(**postgres) == place(database="postgres", pg_password="another")
    assert "secret" not in "".join(places)
