"""DNS messages: what is asked, what an answer says, and what is no answer. dnspython is the other opinion."""

import struct
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateline.engine.upstream.dns.message import RECORDS, MessageError, Record, Service, Type, name_of, parse, query

ASKED = query(4711, "a.test", Type.A)


def _answer(*rrsets: tuple[str, int, str, str], asked: bytes = ASKED, **changes: Any) -> bytes:
    message = dns.message.make_response(dns.message.from_wire(asked))
    for name, ttl, kind, data in rrsets:
        message.answer.append(dns.rrset.from_text(name, ttl, "IN", kind, data))
    for name, value in changes.items():
        setattr(message, name, value)
    return message.to_wire(max_size=65535)


def test_question_is_what_another_library_reads() -> None:
    message = dns.message.from_wire(query(1, "a.b.test", Type.SRV))
    [question] = message.question
    assert (message.id, question.name.to_text(), question.rdtype) == (1, "a.b.test.", dns.rdatatype.SRV)
    assert message.flags & dns.flags.RD


def test_records_of_every_type_are_read() -> None:
    answer = _answer(
        ("a.test.", 60, "CNAME", "B.test."),
        ("b.test.", 30, "A", "192.0.2.1"),
        ("b.test.", 31, "AAAA", "2001:db8::1"),
        ("b.test.", 32, "SRV", "1 2 8080 c.test."),
        ("b.test.", 33, "TXT", "passed-over"),
    )
    assert parse(answer, ASKED).records == (
        Record("a.test", Type.CNAME, 60, "b.test"),
        Record("b.test", Type.A, 30, "192.0.2.1"),
        Record("b.test", Type.AAAA, 31, "2001:db8::1"),
        Record("b.test", Type.SRV, 32, Service(1, 2, 8080, "c.test")),
    )


def test_code_and_truncation_are_read() -> None:
    assert parse(_answer(flags=0x8183), ASKED).code == 3
    cut = parse(_answer(("a.test.", 1, "A", "192.0.2.1"), flags=0x8380), ASKED)
    assert (cut.truncated, cut.records) == (True, ())


def test_refusal_without_the_question_is_an_answer() -> None:
    assert parse(struct.pack("!HHHHHH", 4711, 0x8185, 0, 0, 0, 0), ASKED).code == 5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ASKED,
        ASKED[:11],
        _answer(asked=query(4712, "a.test", Type.A)),
        _answer(asked=query(4711, "b.test", Type.A)),
        _answer(asked=query(4711, "a.test", Type.AAAA)),
        struct.pack("!HHHHHH", 4711, 0x8180, 0, 1, 0, 0) + _answer(("a.test.", 1, "A", "192.0.2.1"))[24:],
    ],
    ids=["nothing", "question", "cut off", "other id", "other name", "other type", "no question"],
)
def test_what_is_no_answer_to_the_question_is_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        parse(data, ASKED)


def _hand_made(*records: bytes, count: int | None = None) -> bytes:
    head = struct.pack("!HHHHHH", 4711, 0x8180, 1, len(records) if count is None else count, 0, 0)
    return head + ASKED[12:] + b"".join(records)


def _record(name: bytes, data: bytes, kind: Type = Type.A, length: int | None = None) -> bytes:
    return name + struct.pack("!HHIH", kind, 1, 60, len(data) if length is None else length) + data


@pytest.mark.parametrize(
    "record",
    [
        _record(b"\xc0\x18", b"\x01\x02\x03\x04"),
        _record(b"\xc0\xff", b"\x01\x02\x03\x04"),
        _record(b"\xff\xff", b"\x01\x02\x03\x04"),
        _record(b"\x80", b"\x01\x02\x03\x04"),
        _record(b"\x3fa", b""),
        _record(b"\xc0\x0c", b"\x01\x02\x03"),
        _record(b"\xc0\x0c", b"\x01\x02\x03\x04", length=5),
        _record(b"\xc0\x0c", b"\x01\x02\x03\x04", Type.AAAA),
        _record(b"\xc0\x0c", b"\x00\x01", Type.SRV),
        _record(b"\xc0\x0c", b"\xc0\x24", Type.CNAME),
        _record(b"\x01.\x00", b"\x01\x02\x03\x04"),
        _record(b"\x01\xff\x00", b"\x01\x02\x03\x04"),
        _record((b"\x3f" + b"a" * 63) * 5 + b"\x00", b"\x01\x02\x03\x04"),
    ],
    ids=[
        "points at itself",
        "points forward",
        "points outside",
        "unknown label",
        "cut label",
        "short A",
        "long A",
        "short AAAA",
        "short SRV",
        "CNAME at itself",
        "dot in a label",
        "no ASCII",
        "too long",
    ],
)
def test_malformed_record_is_refused(record: bytes) -> None:
    with pytest.raises(MessageError):
        parse(_hand_made(record), ASKED)


def test_promised_records_that_are_not_there_are_refused() -> None:
    with pytest.raises(MessageError):
        parse(_hand_made(_record(b"\xc0\x0c", b"\x01\x02\x03\x04"), count=2), ASKED)


def test_of_an_endless_answer_no_more_than_enough_is_read() -> None:
    records = [_record(b"\xc0\x0c", bytes((1, 2, number >> 8, number & 255))) for number in range(4000)]
    assert len(parse(_hand_made(*records), ASKED).records) == RECORDS


def test_absurd_ttl_counts_as_none() -> None:
    record = b"\xc0\x0c" + struct.pack("!HHIH", Type.A, 1, 0xFFFFFFFF, 4) + b"\x01\x02\x03\x04"
    assert parse(_hand_made(record), ASKED).records[0].ttl == 0


@given(st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_refused(tail: bytes) -> None:
    for data in (tail, ASKED[:2] + b"\x81\x80" + tail, _hand_made(tail, count=3)):
        try:
            parse(data, ASKED)
        except MessageError:
            continue


_labels = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
_names = st.lists(_labels, min_size=1, max_size=5).map(".".join)
_records = st.one_of(
    st.tuples(_names, st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(_names, st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(_names, st.just("CNAME"), _names.map(lambda name: f"{name}.")),
    st.tuples(
        _names,
        st.just("SRV"),
        st.tuples(st.integers(0, 65535), st.integers(0, 65535), st.integers(0, 65535), _names).map(
            lambda data: "{} {} {} {}.".format(*data)
        ),
    ),
)


@given(_names, st.lists(_records, max_size=12), st.integers(0, 2**31 - 1))
def test_what_another_library_writes_is_read(name: str, records: list[tuple[str, str, str]], ttl: int) -> None:
    asked = query(7, name, Type.A)
    answer = _answer(*((f"{owner}.", ttl, kind, data) for owner, kind, data in records), asked=asked)
    read = [(record.name, record.type.name, record.ttl) for record in parse(answer, asked).records]
    assert read == [(owner, kind, ttl) for owner, kind, _ in records]


_READ = {int(kind) for kind in Type}


@given(st.binary(min_size=1, max_size=8), st.integers(0, 200), st.lists(_records, min_size=1, max_size=6))
def test_damaged_answers_are_read_as_another_library_does_or_refused(
    damage: bytes, place: int, records: list[tuple[str, str, str]]
) -> None:
    answer = _answer(*((f"{owner}.", 60, kind, data) for owner, kind, data in records))
    place = min(len(ASKED) + place, len(answer) - 1)
    answer = answer[:place] + damage + answer[place + len(damage) :]
    try:
        ours = parse(answer, ASKED)
    except MessageError:
        return
    try:
        theirs = dns.message.from_wire(answer, ignore_trailing=True, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError):
        return  # it looks at types and sections that are not read here
    known = [rrset for rrset in theirs.answer if int(rrset.rdtype) in _READ and rrset.rdclass == dns.rdataclass.IN]
    names = [b".".join(rrset.name.labels[:-1]).decode().lower() for rrset in known]
    assert [record.name for record in ours.records] == names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("A.Test", "a.test"),
        ("a.test.", "a.test"),
        ("bücher.test", "xn--bcher-kva.test"),
        ("_http._tcp.a", "_http._tcp.a"),
    ],
)
def test_name_is_made_plain(text: str, name: str) -> None:
    assert name_of(text) == name


@pytest.mark.parametrize(
    "text", ["", ".", "a..test", ".a", "a" * 64, ".".join(["a" * 60] * 5), "a b", "a\0b", "ü" * 64, "a\nb"]
)
def test_what_cannot_be_a_name_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        name_of(text)
