"""Whatever a person writes, a setting takes it or says what was expected; what it takes survives its plain form."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from gateline.settings import BadValue, SettingsError, load_settings, parse_listen
from gateline.settings.conffile import parse_conf
from gateline.settings.table import OTHER_NAMES, SETTINGS

TEXT = st.one_of(st.text(max_size=40), st.text(alphabet="0123456789.:[]-,;=%skmg offn/\\#{}", max_size=40))


@given(st.sampled_from(sorted(SETTINGS)), TEXT)
def test_any_kind(name: str, text: str) -> None:
    kind = SETTINGS[name].kind
    with suppress(BadValue):
        value = kind.parse(text)
        assert kind.load(json.loads(json.dumps(kind.dump(value)))) == value


@given(st.sampled_from(sorted(OTHER_NAMES)), TEXT)
def test_any_other_name(name: str, text: str) -> None:
    with suppress(BadValue):
        assert OTHER_NAMES[name].values(text).keys() <= SETTINGS.keys()


@given(TEXT)
def test_any_address(text: str) -> None:
    with suppress(BadValue):
        listen = parse_listen(text)
        assert parse_listen(str(listen)) == listen


@given(TEXT)
def test_any_file(text: str) -> None:
    with suppress(SettingsError):
        assert all(line.key for line in parse_conf(text, "f"))


@given(st.sampled_from(sorted(SETTINGS)), TEXT)
def test_any_variable(name: str, text: str) -> None:
    with suppress(SettingsError):
        json.dumps(load_settings(environ={f"KONG_{name.upper()}": text}, search=()).settings.masked())
