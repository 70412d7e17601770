"""BER as LDAP uses it, held against pyasn1, and against octets that nobody has written."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.codec.ber import decoder, encoder
from pyasn1.type.univ import Integer, OctetString
from pyasn1_modules import rfc2251

from gateline.plugins.ldap_auth import messages
from gateline.plugins.ldap_auth.ber import OCTETS, BerError, Reader, integer, tlv
from gateline.plugins.ldap_auth.messages import bind_request, entry_of, message_of, result_of, search_request

TEXT = st.text(min_size=1, max_size=300)


@given(st.integers(-(2**62), 2**62))
def test_integers_are_written_and_read_as_pyasn1_does(value: int) -> None:
    assert integer(value) == encoder.encode(Integer(value))
    assert Reader(integer(value)).integer() == value


@given(st.binary(max_size=70_000))
def test_octets_are_written_and_read_as_pyasn1_does(value: bytes) -> None:
    assert tlv(OCTETS, value) == encoder.encode(OctetString(value))
    assert Reader(tlv(OCTETS, value)).octets() == value


@given(TEXT, TEXT)
def test_a_bind_says_what_it_shall_say(name: str, password: str) -> None:
    said, rest = decoder.decode(bind_request(5, name, password), asn1Spec=rfc2251.LDAPMessage())
    assert not rest
    bind = said["protocolOp"]["bindRequest"]
    assert [int(said["messageID"]), int(bind["version"])] == [5, 3]
    assert bytes(bind["name"]).decode() == name
    assert bytes(bind["authentication"]["simple"]).decode() == password


@given(TEXT, TEXT, TEXT)
def test_a_search_says_what_it_shall_say(base: str, attribute: str, value: str) -> None:
    request = search_request(7, base, attribute, value, ("memberOf",), most=2, seconds=9)
    said, rest = decoder.decode(request, asn1Spec=rfc2251.LDAPMessage())
    assert not rest
    search = said["protocolOp"]["searchRequest"]
    assert bytes(search["baseObject"]).decode() == base
    assert [int(search["scope"]), int(search["sizeLimit"]), int(search["timeLimit"])] == [2, 2, 9]
    match = search["filter"]["equalityMatch"]
    assert bytes(match["attributeDesc"]).decode() == attribute
    assert bytes(match["assertionValue"]).decode() == value
    assert [bytes(one) for one in search["attributes"]] == [b"memberOf"]


@given(st.integers(0, 90), st.text(max_size=200))
def test_results_are_read_as_pyasn1_writes_them(code: int, text: str) -> None:
    message = rfc2251.LDAPMessage()
    message["messageID"] = 3
    answer = message["protocolOp"]["bindResponse"]
    answer["resultCode"] = code
    answer["matchedDN"] = b""
    answer["errorMessage"] = text.encode()
    read = message_of(encoder.encode(message))
    assert (read.id, read.kind) == (3, messages.BIND_RESPONSE)
    told = result_of(read.content)
    assert told.code == code
    assert told.text.isprintable()
    if text.isascii() and text.isprintable():
        assert told.text == text


@given(st.text(max_size=50), st.lists(st.tuples(st.text(max_size=20), st.lists(st.binary(max_size=50), max_size=5))))
def test_entries_are_read_as_pyasn1_writes_them(dn: str, attributes: list[tuple[str, list[bytes]]]) -> None:
    message = rfc2251.LDAPMessage()
    message["messageID"] = 4
    entry = message["protocolOp"]["searchResEntry"]
    entry["objectName"] = dn.encode()
    entry["attributes"].clear()
    for place, (name, values) in enumerate(attributes):
        entry["attributes"][place]["type"] = name.encode()
        entry["attributes"][place]["vals"].clear()
        entry["attributes"][place]["vals"].extend(values)
    wanted: dict[str, list[bytes]] = {}
    for name, values in attributes:
        wanted.setdefault(name.lower(), []).extend(values)
    read = entry_of(message_of(encoder.encode(message)).content)
    assert read.dn == dn
    assert {name: sorted(values) for name, values in read.attributes.items()} == {
        name: sorted(values) for name, values in wanted.items()
    }


def test_lengths_may_take_more_octets_than_they_need() -> None:
    said = bytes.fromhex("3084000000 10 020105 6184000000 07 0a0131 0400 0400".replace(" ", ""))
    read = message_of(said)
    assert (read.id, result_of(read.content).code) == (5, 49)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"\x30",
        b"\x30\x80\x02\x01\x01\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x03\x02\x01\x01",
        b"\x30\x03\x02\x01\x01",
        b"\x30\x05\x02\x01\xff\x61\x00",
        b"\x30\x05\x02\x00\x61\x00\x00",
        b"\x30\x0e\x02\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01\x61\x00\x00",
        b"\x30\x05\x02\x01\x01\x61\x7f",
        b"\x30\x06\x02\x01\x01\x7f\x61\x00",
        b"\x31\x05\x02\x01\x01\x61\x00",
    ],
)
def test_what_is_no_message_is_refused(octets: bytes) -> None:
    with pytest.raises(BerError):
        message_of(octets)


@given(st.binary(max_size=200))
def test_any_octets_are_read_or_refused_and_nothing_else(octets: bytes) -> None:
    for read in (result_of, entry_of):
        with contextlib.suppress(BerError):
            read(message_of(b"\x30" + octets).content)
        with contextlib.suppress(BerError):
            read(Reader(octets))


def test_nesting_costs_no_stack() -> None:
    nested = b"\x30\x84" + (2**20).to_bytes(4, "big")
    with pytest.raises(BerError):
        entry_of(Reader(b"\x04\x00" + nested * 50_000))


@pytest.mark.parametrize(("name", "password"), [("", "x"), ("uid=bob", "")])
def test_a_bind_of_nobody_is_never_sent(name: str, password: str) -> None:
    with pytest.raises(ValueError, match="a bind needs a name and a password"):
        bind_request(1, name, password)
