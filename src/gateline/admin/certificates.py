"""Certificates: their server names are entities of their own (SNIs), but read and written as a list in the certificate,
and a certificate is reached by any of its server names.
"""

import uuid
from collections.abc import Sequence
from typing import Any

from gateline.admin.collection import Address, Collection, Data, Row
from gateline.admin.errors import missing_entity, refusal
from gateline.admin.paging import every
from gateline.admin.writing import Write
from gateline.entities import Entity, EntityError, Sni, schema_of
from gateline.entities.checkers import Refused
from gateline.entities.formats import is_uuid
from gateline.entities.violations import Violations
from gateline.store import Where
from gateline.store.interface import Reading

Names = list[str]


class Certificates(Collection):
    """The certificates, each with its server names."""

    async def address(self, reading: Reading, segment: str) -> Address:
        """The certificate with an id, or with a server name. Raises ApiError when nothing has that name."""
        named = await self._named(reading, segment)
        if named is None:
            raise refusal(404, "SNI not found")
        return named

    async def place(self, reading: Reading, segment: str) -> Address:
        """As `address`; what is put at an unknown server name is a new certificate (which does not get the name)."""
        return await self._named(reading, segment) or Address("id", str(uuid.uuid4()))

    async def _named(self, reading: Reading, segment: str) -> Address | None:
        if is_uuid(segment):
            return Address("id", segment.lower())
        sni = await reading.find("snis", "name", segment)
        return Address("id", sni.certificate.id) if isinstance(sni, Sni) else None

    def absent(self, address: Address) -> Exception:
        """Kong has other words for certificates."""
        return missing_entity(address.field, address.value)

    async def rows(self, reading: Reading, entities: Sequence[Entity]) -> list[Row]:
        """Certificates with their server names in order."""
        return [
            {**entity.to_wire(), "snis": sorted(sni.name for sni in await _snis(reading, entity.id))}
            for entity in entities
        ]

    async def create(self, write: Write, data: Data) -> Entity:
        """Add a certificate and its server names. Raises EntityError."""
        rest, names = _split(data)
        certificate = await super().create(write, rest)
        await self._give(write, certificate, names or [])
        return certificate

    async def put(self, write: Write, address: Address, data: Data, where: Where | None = None) -> Entity:
        """Put a certificate; its server names stay when none are given. Raises EntityError, ApiError."""
        rest, names = _split(data)
        certificate = await super().put(write, address, rest, where)
        if names is not None:
            await self._give(write, certificate, names)
        return certificate

    async def patch(self, write: Write, address: Address, data: Data, where: Where | None = None) -> Entity:
        """Change a certificate; its server names become those that are given. Raises EntityError, ApiError."""
        rest, names = _split(data)
        certificate = await super().patch(write, address, rest, where)
        if names is not None:
            await self._give(write, certificate, names)
        return certificate

    async def _give(self, write: Write, certificate: Entity, names: Names) -> None:
        """Let a certificate have these server names and no others."""
        present = {sni.name: sni for sni in await _snis(write.reading, certificate.id)}
        for name in names:
            other = await write.reading.find("snis", "name", name)
            if isinstance(other, Sni) and other.certificate.id != certificate.id:
                raise _refused(f"{name} already associated with existing certificate '{other.certificate.id}'")
        for name in names:
            if name not in present:
                await write.insert(Sni.parse({"name": name, "certificate": {"id": certificate.id}}))
        for name, sni in present.items():
            if name not in names:
                await write.delete(sni)


async def _snis(reading: Reading, certificate: str) -> list[Sni]:
    return [sni async for sni in every(reading, "snis", {"certificate": certificate}) if isinstance(sni, Sni)]


def _split(data: Data) -> tuple[Data, Names | None]:
    """The certificate's own fields, and the server names (None when none are given). Raises EntityError."""
    rest = {name: value for name, value in data.items() if name != "snis"}
    given = data.get("snis")
    if given is None:
        return rest, [] if given == [] else None
    return rest, _names(given)


def _names(given: Any) -> Names:
    names = [name.strip() for name in given.split(",") if name.strip()] if isinstance(given, str) else given
    if not isinstance(names, list):
        raise _refused("expected a set")
    check = schema_of(Sni).fields["name"].check
    problems: list[Any] = []
    for position, name in enumerate(names):
        try:
            check(name)
        except Refused as refused:
            problems.extend([None] * (position - len(problems)))
            problems.append(refused.error)
    if problems:
        raise _refused(problems)
    for name in names:
        if names.count(name) > 1:
            raise _refused(f"{name} is duplicated")
    return names


def _refused(problem: Any) -> EntityError:
    return Violations({"snis": problem}).error()
