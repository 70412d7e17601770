"""Answers, as plugins see and change them: the service's as it came, and the client's as it will get it."""

from typing import TYPE_CHECKING, Literal

from gateline.engine.edits import all_lines, header_key, line_values
from gateline.engine.headers import date_line
from gateline.engine.plugin_run import RESPONSE
from gateline.engine.wire import codec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gateline.engine.edits import ResponseEdits
    from gateline.engine.exchange import Exchange
    from gateline.engine.plugin_run import PluginRun
    from gateline.pdk.answers import HeaderForm, HeaderValues
    from gateline.pdk.header_changes import HeaderChanges

__all__ = ["ResponseView", "ServiceResponseView"]

_NOT_KEPT = (
    codec.HOP | codec.CONTENT_LENGTH | codec.TRANSFER_ENCODING | codec.TRAILER | codec.LATENCY | codec.REQUEST_ID
)


class _View:
    __slots__ = ("_exchange",)

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange

    def _run(self) -> "PluginRun":
        run = self._exchange.run
        assert run is not None  # noqa: S101 - plugins run
        return run


class ServiceResponseView(_View):
    """See `gateline.pdk.exchange.ServiceResponseView`."""

    __slots__ = ()

    @property
    def status(self) -> int:
        head = self._run().service_head
        return 0 if head is None else head.status

    @property
    def body(self) -> bytes | None:
        return self._run().response_body

    def header(self, name: str) -> str | None:
        head = self._run().service_head
        value = None if head is None else head.get(header_key(name))
        return None if value is None else value.decode("latin-1")

    def header_values(self, name: str) -> list[str]:
        head = self._run().service_head
        found = [] if head is None else head.get_all(header_key(name))
        return [value.decode("latin-1") for value in found]

    def headers(self) -> list[tuple[str, str]]:
        head = self._run().service_head
        found = [] if head is None else head.items()
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in found]

    def kept_lines(self, without: "Iterable[str]" = ()) -> bytes:
        head = self._run().service_head
        if head is None:
            return b""
        kinds = head.kinds()
        tail = b"" if kinds & codec.DATE else date_line()
        if not kinds & codec.SERVER:
            tail += self._exchange.proxy.response_headers.server
        dropped = {header_key(name): b"" for name in without}
        return head.encode(b"", _NOT_KEPT, dropped or None, tail, b"")[:-2]


class ResponseView(_View):
    """See `gateline.pdk.exchange.ResponseView`."""

    __slots__ = ()

    def _edits(self) -> "ResponseEdits":
        run = self._run()
        edits = run.response_edits
        return run.answer_edits() if edits is None else edits

    @property
    def status(self) -> int:
        run = self._run()
        edits = run.response_edits
        if edits is not None and edits.status:
            return edits.status
        return run.head.status if run.head is not None else self._exchange.status

    @property
    def source(self) -> Literal["", "service", "exit", "error"]:
        return self._run().source

    @property
    def body(self) -> bytes | None:
        run = self._run()
        edits = run.response_edits
        return run.response_body if edits is None or edits.body is None else edits.body

    def header(self, name: str) -> str | None:
        key = header_key(name)
        run = self._run()
        edits = run.response_edits
        if edits is not None:
            block = edits.changed.get(key)
            if block is not None:
                return line_values(block)[0] if block else None
        value = None if run.head is None else run.head.get(key)
        return None if value is None else value.decode("latin-1")

    def header_values(self, name: str) -> list[str]:
        key = header_key(name)
        run = self._run()
        edits = run.response_edits
        block = None if edits is None else edits.changed.get(key)
        if block is not None:
            return line_values(block)
        return [] if run.head is None else [value.decode("latin-1") for value in run.head.get_all(key)]

    def headers(self) -> list[tuple[str, str]]:
        run = self._run()
        return all_lines(run.head, run.response_edits)

    def set_status(self, status: int) -> None:
        if not 200 <= status <= 999:
            raise ValueError(f"not the status of an answer: {status!r}")
        self._edits().status = status

    def set_header(self, name: str, value: str) -> None:
        self._edits().set_line(name, value)

    def add_header(self, name: str, value: str) -> None:
        run = self._run()
        self._edits().add_line(name, value, run.head)

    def set_default_headers(self, lines: "Iterable[tuple[str, str]]") -> None:
        self._edits().default_lines(lines, self._run().head)

    def change_headers(self, changes: "HeaderChanges") -> None:
        self._edits().change(changes, self._run().head)

    def replace_header(self, name: str, value: str) -> None:
        self._edits().replace_line(name, value, self._run().head)

    def remove_header(self, name: str) -> None:
        self._edits().remove(name)

    def set_headers(self, headers: "HeaderValues") -> None:
        self._edits().set_lines(headers)

    def set_values(self, form: "HeaderForm", values: "Sequence[str]") -> None:
        self._edits().set_values(form, values)

    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        if self._run().stage != RESPONSE:
            raise ValueError("the body of an answer can be set in `response` only; `body_filter` changes it elsewhere")
        edits = self._edits()
        edits.body = body
        if content_type is not None:
            edits.set_line("Content-Type", content_type)
