"""Name servers without sockets: a zone that is asked, and a resolver in front of it."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from gateline.engine.upstream.dns import Options, Resolver
from gateline.engine.upstream.dns import resolver as module
from gateline.engine.upstream.dns.message import Message, Record, Service, Type
from gateline.engine.upstream.dns.servers import ServerError

Data = str | Service


class Zone:
    """Answers as a name server does, records what was asked, and keeps the clock of the resolver."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.records: dict[tuple[str, Type], list[Data]] = {}
        self.ttl = 60
        self.failure: ServerError | None = None
        self.held: asyncio.Event | None = None
        """While it is there and not set, nothing is answered."""
        self.asked: list[tuple[str, Type]] = []

    def set(self, name: str, kind: Type, *data: Data) -> None:
        """Give a name these records of a type, none at all when there are none."""
        self.records.pop((name, kind), None)
        if data:
            self.records[name, kind] = list(data)

    async def ask(self, name: str, kind: Type) -> Message:
        """The answer, CNAMEs followed."""
        self.asked.append((name, kind))
        await asyncio.sleep(0)
        if self.held is not None:
            await self.held.wait()
        if self.failure is not None:
            raise self.failure
        records = []
        for _ in range(30):
            data = self.records.get((name, kind))
            alias = self.records.get((name, Type.CNAME)) if data is None else None
            if alias is not None:
                records.append(Record(name, Type.CNAME, self.ttl, alias[0]))
                name = str(alias[0])
                continue
            records += [Record(name, kind, self.ttl, one) for one in data or ()]
            break
        exists = any(known == name for known, _ in self.records)
        return Message(0, 0 if exists else 3, False, tuple(records))

    async def until_asked(self, count: int) -> None:
        """Wait until so many questions have come."""
        for _ in range(2000):
            if len(self.asked) >= count:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.asked)} questions came, not {count}")

    def resolver(self, **options: Any) -> Resolver:
        """A resolver that asks this zone and nobody else."""
        nowhere = Path("/nonexistent")
        return Resolver(Options(**{"hosts": nowhere, "system": nowhere, **options}), self.ask)


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Zone:
    """A zone without records, and its clock in the place of the resolver's."""
    made = Zone()
    monkeypatch.setattr(module, "monotonic", lambda: made.now)
    return made


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test's body."""
    asyncio.run(main())
