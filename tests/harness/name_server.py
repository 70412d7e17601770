"""A name server of the test, on UDP and TCP of one port of the loopback: dnspython makes its messages."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from harness.client import DEADLINE

__all__ = ["NameServer", "Question", "answer_to"]

Zone = dict[tuple[str, str], list[str]]
"""Records by name and type, their data as text."""


class Question:
    """What was asked: a message, and whether it came over TCP."""

    def __init__(self, data: bytes, tcp: bool) -> None:
        self.message = dns.message.from_wire(data)
        self.tcp = tcp
        [question] = self.message.question
        self.name = question.name.to_text(omit_final_dot=True)
        self.type = dns.rdatatype.to_text(question.rdtype)


Script = Callable[[Question], Sequence[bytes]]
"""What is sent in answer to a question: any number of messages."""


def answer_to(question: Question, zone: Mapping[tuple[str, str], list[str]], ttl: int = 60) -> dns.message.Message:
    """The right answer, CNAMEs followed within the zone."""
    message = dns.message.make_response(question.message, recursion_available=True)
    name = question.name
    for _ in range(20):
        records = zone.get((name, question.type))
        alias = None if records is not None else zone.get((name, "CNAME"))
        if not records and alias is None:
            break
        kind = "CNAME" if alias is not None else question.type
        message.answer.append(dns.rrset.from_text(f"{name}.", ttl, "IN", kind, *(alias or records or ())))
        if alias is None:
            break
        name = alias[0].removesuffix(".")
    if not any(known == name for known, _ in zone):
        message.set_rcode(dns.rcode.NXDOMAIN)
    return message


class NameServer:
    """Answers from `zone` with `ttl` seconds, or as `script` says. Use it in a `with` statement.

    `asked` are the questions in their order; while `silent` is set nothing is answered.
    """

    def __init__(self, zone: Zone | None = None, *, ttl: int = 60, script: Script | None = None) -> None:
        self.zone: Zone = zone or {}
        self.ttl = ttl
        self.script = script
        self.silent = False
        self.asked: list[Question] = []
        self._ended = threading.Event()
        while True:
            self._tcp = socket.create_server(("127.0.0.1", 0))
            self.port: int = self._tcp.getsockname()[1]
            self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            try:
                self._udp.bind(("127.0.0.1", self.port))
                break
            except OSError:  # somebody has that port for UDP
                self._udp.close()
                self._tcp.close()
        self._tcp.settimeout(0.1)
        self._udp.settimeout(0.1)
        self._threads = [threading.Thread(target=serve, daemon=True) for serve in (self._serve_udp, self._serve_tcp)]

    @property
    def address(self) -> str:
        """As the setting `dns_resolver` has it."""
        return f"127.0.0.1:{self.port}"

    def set(self, name: str, kind: str, *records: str) -> None:
        """Give a name these records, none at all when there are none."""
        zone = {key: value for key, value in self.zone.items() if key != (name, kind)}
        if records:
            zone[name, kind] = list(records)
        self.zone = zone

    def names(self, kind: str | None = None) -> list[str]:
        """The names that were asked for, of one type or of all."""
        return [question.name for question in self.asked if kind in (None, question.type)]

    def until_asked(self, count: int, timeout: float = DEADLINE) -> None:
        """Wait until so many questions have come."""
        deadline = time.monotonic() + timeout
        while len(self.asked) < count:
            assert time.monotonic() < deadline, f"{len(self.asked)} questions came, not {count}"
            time.sleep(0.01)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join(DEADLINE)
        self._tcp.close()
        self._udp.close()

    def _answers(self, data: bytes, tcp: bool) -> Sequence[bytes]:
        question = Question(data, tcp)
        self.asked.append(question)
        if self.silent:
            return ()
        if self.script is not None:
            return self.script(question)
        whole = answer_to(question, self.zone, self.ttl)
        wire = whole.to_wire(max_size=65535)
        if not tcp and len(wire) > 512:
            cut = dns.message.make_response(question.message)
            cut.flags |= dns.flags.TC
            return [cut.to_wire()]
        return [wire]

    def _serve_udp(self) -> None:
        while not self._ended.is_set():
            try:
                data, peer = self._udp.recvfrom(65535)
            except TimeoutError:
                continue
            for answer in self._answers(data, False):
                self._udp.sendto(answer, peer)

    def _serve_tcp(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._tcp.accept()
            except TimeoutError:
                continue
            with connection, contextlib.suppress(OSError):
                connection.settimeout(DEADLINE)
                reader = connection.makefile("rb")
                size = int.from_bytes(reader.read(2), "big")
                for answer in self._answers(reader.read(size), True):
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)
                reader.close()
