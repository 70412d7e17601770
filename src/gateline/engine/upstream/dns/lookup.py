"""One look-up: from a host name to what it leads to, by the rules of the system and the order of record types.

A name is tried as resolver(5) has it: with the search domains, and as it is, which of them first is told by `ndots`; a
name that ends with a dot only as it is. The first of these names that exists is taken; of it the first type of record
that it has. CNAMEs are followed, within an answer and with further questions, the targets of SRV records are looked up
too; both within bounds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import NamedTuple

from gateline.engine.upstream.dns.answer import (
    ENDPOINTS,
    Answer,
    Endpoint,
    NameResolutionError,
    NotFoundError,
    shared_out,
)
from gateline.engine.upstream.dns.files import ResolverConfiguration, is_address
from gateline.engine.upstream.dns.message import LONGEST_NAME, Message, Record, Service, Type
from gateline.engine.upstream.dns.servers import ServerError

__all__ = ["Ask", "Found", "candidates", "look_up"]

CHAIN = 16
"""CNAMEs that are followed."""
TARGETS = 100
"""Targets of SRV records that are looked up."""
AT_ONCE = 10
"""So many of them at a time."""

Ask = Callable[[str, Type], Awaitable[Message]]
"""Asks a question; raises ServerError."""


class Found(NamedTuple):
    """An answer, and where it was: the next look-up may ask there first."""

    answer: Answer
    name: str
    kind: Type


def candidates(name: str, configuration: ResolverConfiguration, *, absolute: bool) -> list[str]:
    """The names that a name may stand for, in the order in which they are tried."""
    if absolute:
        return [name]
    longer = [f"{name}.{domain}" for domain in configuration.search]
    longer = [one for one in longer if len(one) <= LONGEST_NAME]
    return [name, *longer] if name.count(".") >= configuration.dots else [*longer, name]


async def look_up(ask: Ask, names: Sequence[str], kinds: Sequence[Type], last: Found | None = None) -> Found:
    """What the first of the names leads to that exists and has a record of one of the types, the first of these.

    `last` is what was found before; it is asked for first. Raises NotFoundError when all servers agree that there is
    nothing, else NameResolutionError.
    """
    trouble: ServerError | None = None
    gone: set[str] = set()
    for name, kind in _questions(names, kinds, last):
        if name in gone:
            continue
        try:
            answer, exists = await _ask(ask, name, kind, kinds)
        except ServerError as error:
            if error.silent:
                raise NameResolutionError(str(error)) from error
            trouble = error
            continue
        if answer is not None:
            return Found(answer, name, kind)
        if not exists:
            gone.add(name)
    if trouble is not None:
        raise NameResolutionError(str(trouble)) from trouble
    if gone >= set(names):
        raise NotFoundError("dns server error: 3 name error")
    raise NotFoundError("dns client error: 101 empty record received")


def _questions(names: Sequence[str], kinds: Sequence[Type], last: Found | None) -> Iterator[tuple[str, Type]]:
    first = (last.name, last.kind) if last is not None and last.name in names and last.kind in kinds else None
    if first is not None:
        yield first
    for name in names:
        for kind in kinds:
            if (name, kind) != first:
                yield name, kind


async def _ask(ask: Ask, name: str, kind: Type, kinds: Sequence[Type]) -> tuple[Answer | None, bool]:
    """What a name has of a type, None for nothing, and whether there is such a name."""
    ttl = float("inf")
    seen = {name}
    while True:
        message = await ask(name, kind)
        end, chain_ttl, records = _followed(name, kind, message)
        ttl = min(ttl, chain_ttl)
        if records:
            found = await _answer(ask, records, kind, kinds, ttl)
            return found, True
        if end == name and kind is not Type.CNAME:
            return None, message.code == 0
        if kind is Type.CNAME:
            if end == name:
                return None, message.code == 0
            found_there = await _addresses(ask, end, kinds, seen)
            if found_there is None:
                return None, True
            return found_there._replace(ttl=min(ttl, found_there.ttl)), True
        if message.code != 0:  # the chain ends at what does not exist
            return None, True
        if end in seen or len(seen) > CHAIN:
            raise ServerError(f"the CNAMEs of {name} lead nowhere", silent=False)
        seen.add(end)
        name = end


async def _addresses(ask: Ask, name: str, kinds: Sequence[Type], seen: set[str]) -> Answer | None:
    """The addresses of a name that another one leads to."""
    if name in seen or len(seen) > CHAIN:
        raise ServerError(f"the records of {name} lead nowhere", silent=False)
    seen = seen | {name}
    for kind in [kind for kind in kinds if kind in (Type.A, Type.AAAA)] or [Type.A]:
        answer, exists = await _ask(ask, name, kind, ())
        if answer is not None or not exists:
            return answer
    return None


def _followed(name: str, kind: Type, message: Message) -> tuple[str, float, list[Record]]:
    """Where the CNAMEs of an answer lead, the least of their TTLs, and the records of the type there."""
    aliases: dict[str, Record] = {}
    for record in message.records:
        if record.type is Type.CNAME:
            aliases.setdefault(record.name, record)
    ttl = float("inf")
    for _ in range(CHAIN):
        found = [record for record in message.records if record.type is kind and record.name == name]
        if kind is Type.CNAME:
            found = []
        alias = aliases.get(name)
        if found or alias is None:
            return name, min([ttl, *(record.ttl for record in found)]), found
        ttl = min(ttl, alias.ttl)
        name = str(alias.data)
    raise ServerError(f"the CNAMEs of {name} lead nowhere", silent=False)


async def _answer(ask: Ask, records: list[Record], kind: Type, kinds: Sequence[Type], ttl: float) -> Answer | None:
    if kind is not Type.SRV:
        addresses = dict.fromkeys(str(record.data) for record in records)
        return Answer(tuple([Endpoint(address) for address in addresses][:ENDPOINTS]), ttl)
    return await _services([record.data for record in records if isinstance(record.data, Service)], ask, kinds, ttl)


async def _services(services: list[Service], ask: Ask, kinds: Sequence[Type], ttl: float) -> Answer | None:
    """The endpoints of SRV records, of those with the lowest priority; None when no target has an address."""
    services = [service for service in services if service.target and service.port]
    if not services:
        return None
    priority = min(service.priority for service in services)
    services = [service for service in services if service.priority == priority][:ENDPOINTS]
    targets = list(dict.fromkeys(service.target for service in services))[:TARGETS]
    turns = asyncio.Semaphore(AT_ONCE)

    async def addresses(target: str) -> Answer | ServerError | None:
        if is_address(target):  # no name, but it happens
            return Answer((Endpoint(target),), ttl)
        async with turns:
            try:
                return await _addresses(ask, target, kinds, set())
            except ServerError as error:
                return error

    found = dict(zip(targets, await asyncio.gather(*(addresses(target) for target in targets)), strict=True))
    answers = {target: answer for target, answer in found.items() if isinstance(answer, Answer)}
    if not answers:
        for failed in found.values():
            if isinstance(failed, ServerError):
                raise failed
        return None
    endpoints = shared_out(
        (service.weight, service.port, service.target, answers[service.target].addresses)
        for service in services
        if service.target in answers
    )
    return Answer(endpoints, min([ttl, *(answer.ttl for answer in answers.values())]))
