"""Edits of heads: what plugins set gets there, and nothing that they set can break a head."""

from enum import StrEnum

import pytest

from gateline.engine.edits import HeaderEdits, RequestEdits, ResponseEdits, header_key, header_value
from gateline.engine.wire import codec
from gateline.engine.wire.codec import Limits
from gateline.pdk import HeaderChanges, HeaderForm

HEAD = codec.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n", Limits())


def written(edits: HeaderEdits) -> bytes:
    return b"".join(edits.changed.values())


def test_a_line_takes_the_place_of_all_others() -> None:
    edits = ResponseEdits()
    edits.set_line("X-One", "a")
    edits.set_line("x-ONE", "b")
    assert set(edits.changed) == {b"x-one"}
    assert written(edits) == b"x-ONE: b\r\n"


def test_a_further_line_keeps_those_of_the_head() -> None:
    edits = ResponseEdits()
    edits.add_line("X-One", "3", HEAD)
    edits.add_line("X-One", "4", HEAD)
    assert written(edits) == b"X-One: 1\r\nx-one: 2\r\nX-One: 3\r\nX-One: 4\r\n"


def test_a_further_line_where_there_is_no_head_yet() -> None:
    edits = ResponseEdits()
    edits.add_line("X-One", "3", None)
    assert written(edits) == b"X-One: 3\r\n"


def test_a_default_is_set_where_there_is_no_line_in_edits_or_head() -> None:
    edits = RequestEdits()
    edits.set_line("X-Set", "1")
    edits.remove("X-Gone")
    lines = [("x-one", "a"), ("x-set", "a"), ("x-gone", "a"), ("x-new", "a"), ("X-New", "b")]
    edits.default_lines(lines, HEAD)
    assert written(edits) == b"X-Set: 1\r\nx-gone: a\r\nx-new: a\r\n"
    edits.default_lines([("x-two", "a")], None)
    assert written(edits).endswith(b"x-two: a\r\n")


def test_a_form_is_filled_in_line_by_line_and_takes_the_place_of_all_others() -> None:
    form = HeaderForm((("X-One", "same"), ("X-Two", None), ("Connection", None), ("Via", "x"), ("X-Three", None)))
    for turn in ("a", "b"):
        edits = ResponseEdits()
        edits.set_line("x-two", "gone")
        edits.set_values(form, [turn, "close", "3"])
        assert sorted(edits.changed.values()) == [
            b"Via: x\r\n",
            b"X-One: same\r\n",
            b"X-Three: 3\r\n",
            b"X-Two: %b\r\n" % turn.encode(),
        ]
    with pytest.raises(ValueError, match="line break"):
        edits.set_values(form, ["a\r\nb: c", "", ""])
    with pytest.raises(IndexError):
        edits.set_values(form, ["a"])


def test_a_replaced_line_keeps_its_name_and_is_not_made_where_there_is_none() -> None:
    edits = RequestEdits()
    edits.remove("X-Gone")
    for name in ("x-one", "x-gone", "x-none"):
        edits.replace_line(name, "a", HEAD)
    edits.replace_line("x-none", "a", None)
    edits.replace_line("X-ONE", "b", HEAD)
    assert written(edits) == b"X-One: b\r\n"


def test_noted_changes_do_in_their_order_what_the_single_ones_do() -> None:
    changes = (
        HeaderChanges()
        .remove_header("X-Gone")
        .set_header("X-Set", "1")
        .replace_header("X-ONE", "b")
        .replace_header("X-None", "1")
        .set_default_header("X-Set", "2")
        .set_default_header("X-New", "3")
        .add_header("x-new", "4")
        .set_header("Content-Length", "7")
    )
    for edits in (ResponseEdits(), ResponseEdits()):  # prepared, and prepared already
        edits.change(changes, HEAD)
        assert written(edits) == b"X-Set: 1\r\nX-One: b\r\nX-New: 3\r\nx-new: 4\r\n"
        assert edits.changed[b"x-gone"] == b""


def test_what_is_noted_later_counts_too() -> None:
    changes = HeaderChanges()
    assert not changes
    edits = ResponseEdits()
    edits.change(changes.add_header("X-One", "3"), HEAD)
    edits.change(changes.add_header("X-Two", ""), None)
    assert written(edits) == b"X-One: 1\r\nx-one: 2\r\nX-One: 3\r\nX-One: 3\r\nX-Two: \r\n"


@pytest.mark.parametrize(
    ("there", "after"),
    [
        (b"", b"Vary: Origin\r\n"),
        (b"Vary: Accept\r\n", b"Vary: Accept\r\nVary: Origin\r\n"),
        (b"Vary: Accept, origin\r\n", b""),
        (b"vary: *\r\n", b""),
    ],
)
def test_an_element_is_listed_once(there: bytes, after: bytes) -> None:
    head = codec.parse_request(b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n" % there, Limits())
    edits = ResponseEdits()
    changes = HeaderChanges().list_in_header("Vary", "Origin")
    edits.change(changes, head)
    edits.change(changes, head)
    assert written(edits) == after


@pytest.mark.parametrize("changes", [HeaderChanges().set_header("a b", "1"), HeaderChanges().set_header("a", "1\n")])
def test_noted_changes_break_no_head(changes: HeaderChanges) -> None:
    with pytest.raises(ValueError, match="header"):
        ResponseEdits().change(changes, HEAD)


def test_a_removed_header_is_named_and_not_written() -> None:
    edits = ResponseEdits()
    edits.remove("X-One")
    assert edits.changed == {b"x-one": b""}


@pytest.mark.parametrize("name", ["Content-Length", "transfer-encoding", "Connection", "Keep-Alive", "Upgrade"])
def test_what_frames_a_message_cannot_be_edited(name: str) -> None:
    for edits in (RequestEdits(), ResponseEdits()):
        edits.set_line(name, "1")
        edits.add_line(name, "1", HEAD)
        edits.default_lines([(name, "1")], HEAD)
        edits.replace_line(name, "1", HEAD)
        edits.remove(name)
        assert not edits.changed


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Via", "X-Real-IP", "X-Kong-Request-Id", "Host", "Expect"])
def test_what_the_gateway_tells_services_cannot_be_edited(name: str) -> None:
    edits = RequestEdits()
    edits.set_line(name, "1")
    assert not edits.changed


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\n", "\0", "a\rb"])
def test_a_value_cannot_end_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        header_value(value)


@pytest.mark.parametrize("name", ["", "a b", "a:", "a\r\nb", "é", "a\0"])
def test_what_is_no_header_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a header name"):
        header_key(name)


def test_values_keep_their_characters() -> None:
    assert header_value("  é ") == b"\xe9"
    assert header_value("漢") == "漢".encode()


class Word(StrEnum):
    NAME = "X-One"
    VALUE = "a"


def test_names_and_values_may_be_of_a_class_that_derives_from_text() -> None:
    edits = ResponseEdits()
    edits.set_line(Word.NAME, Word.VALUE)
    edits.add_line(Word.NAME, Word.VALUE, None)
    assert written(edits) == b"X-One: a\r\nX-One: a\r\n"


@pytest.mark.parametrize(
    ("value", "written"),
    [("a b", b"a b"), (" a\t", b"a"), ("", b""), ("\t", b""), ("ä", b"\xe4"), ("€", "€".encode()), ("a\tb", b"a\tb")],
)
def test_a_value_is_written_without_blanks_around_it(value: str, written: bytes) -> None:
    assert header_value(value) == written
