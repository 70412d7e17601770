"""What goes with an entity that is deleted, what holds one, and what is merely let go."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar

import pytest

from gateline.entities import CACertificate, Certificate, Entity, EntityError, Reference, Sni
from gateline.entities.marks import To
from gateline.entities.schema import FOREIGN_MODELS
from gateline.store.sql import SqlStore
from harness.stores import (
    consumer,
    filled,
    group,
    member,
    plugin,
    route,
    service,
    sqlite_options,
    target,
    upstream,
)


def certificate() -> Certificate:
    return Certificate.from_wire({"id": service().id, "created_at": 1, "updated_at": 1, "cert": "c", "key": "k"})


async def test_a_deletion_says_whether_there_was_something(store: SqlStore) -> None:
    one = service("one", tags=["a"])
    await filled(store, one)
    async with store.write() as transaction:
        assert await transaction.delete("services", one.id.upper())
        assert not await transaction.delete("services", one.id)
        assert not await transaction.delete("services", "nonsense")
    assert transaction.change.delete == {"services": [one.id]}
    assert (await store.tags(size=9)).rows == []


async def test_an_entity_is_held_by_what_refers_to_it(store: SqlStore) -> None:
    one = service("one")
    path = route(one)
    await filled(store, one, path, plugin("p", service=one))
    with pytest.raises(EntityError) as refused:
        async with store.write() as transaction:
            await transaction.delete("services", one.id)
    assert refused.value.body() == {
        "code": 4,
        "name": "foreign key violation",
        "message": "an existing 'routes' entity references this 'services' entity",
        "fields": {"@referenced_by": "routes"},
    }
    assert len((await store.page("plugins", size=9)).entities) == 1
    async with store.write() as transaction:
        await transaction.delete("routes", path.id)
        await transaction.delete("services", one.id)


async def test_a_refused_deletion_leaves_the_transaction_as_it_was(store: SqlStore) -> None:
    one = service("one")
    await filled(store, one, route(one), plugin("p", service=one))
    async with store.write() as transaction:
        with pytest.raises(EntityError):
            await transaction.delete("services", one.id)
    assert not transaction.change
    assert len((await store.page("plugins", size=9)).entities) == 1


async def test_what_belongs_to_an_entity_goes_with_it(store: SqlStore) -> None:
    ann, gold, one = consumer("ann"), group("gold"), service("one")
    in_gold = member(gold, ann)
    path = route(one)
    plugins = [plugin("p", consumer=ann), plugin("p", consumer=ann, service=one), plugin("q", route=path)]
    stays = plugin("p", service=one)
    await filled(store, ann, gold, one, path, in_gold, *plugins, stays)
    async with store.write() as transaction:
        await transaction.delete("consumers", ann.id)
        await transaction.delete("routes", path.id)
    assert {kind: set(ids) for kind, ids in transaction.change.delete.items()} == {
        "consumers": {ann.id},
        "routes": {path.id},
        "plugins": {entity.id for entity in plugins},
        "consumer_group_consumers": {in_gold.id},
    }
    assert (await store.page("plugins", size=9)).entities == [stays]
    assert [entity.id for entity in (await store.page("consumer_groups", size=9)).entities] == [gold.id]


async def test_an_upstream_takes_its_targets_along(store: SqlStore) -> None:
    one, two = upstream("one.test"), upstream("two.test")
    of_one = [target(one, f"10.0.{number}.1:80", tags=["t"]) for number in range(60)]
    of_two = target(two, "10.0.0.1:80")
    await filled(store, one, two, *of_one, of_two)
    async with store.write() as transaction:
        assert await transaction.delete_many("upstreams", [one.id]) == 1
    assert len(transaction.change.delete["targets"]) == 60
    assert (await store.page("targets", size=99)).entities == [of_two]


async def test_a_certificate_goes_with_its_names_unless_somebody_shows_it(store: SqlStore) -> None:
    one = certificate()
    name = Sni.from_wire(
        {"id": service().id, "created_at": 1, "updated_at": 1, "name": "a.test", "certificate": {"id": one.id}}
    )
    shows = service("one", protocol="https", client_certificate={"id": one.id})
    await filled(store, one, name, shows)
    with pytest.raises(EntityError, match="an existing 'services' entity references this 'certificates' entity"):
        async with store.write() as transaction:
            await transaction.delete("certificates", one.id)
    async with store.write() as transaction:
        await transaction.delete("services", shows.id)
        await transaction.delete("certificates", one.id)
    assert transaction.change.delete == {
        "certificates": [one.id],
        "services": [shows.id],
        "snis": [name.id],
    }


async def test_a_ca_certificate_is_held_by_a_service_that_lists_it(store: SqlStore) -> None:
    row = {"created_at": 1, "updated_at": 1, "cert": "c"}
    one, two = (CACertificate.from_wire({**row, "id": service().id, "cert_digest": digest}) for digest in ("1", "2"))
    listing = service("one", protocol="https", ca_certificates=[two.id, one.id])
    await filled(store, one, two, listing)
    with pytest.raises(EntityError) as refused:
        async with store.write() as transaction:
            await transaction.delete("ca_certificates", one.id)
    assert refused.value.body() == {
        "code": 19,
        "name": "referenced by others",
        "message": f"ca certificate {one.id} is still referenced by services (id = {listing.id})",
    }
    async with store.write() as transaction:
        await transaction.delete("services", listing.id)
        await transaction.delete("ca_certificates", one.id)


class _Kinds:
    """Kinds that the product does not have, for one test: a box in a box, and a note that may stick to a box."""

    def __init__(self) -> None:
        class Box(Entity):
            kind: ClassVar = "boxes"
            singular: ClassVar = "box"
            service: Annotated[Reference | None, To("services", on_delete="cascade")] = None

        class Thing(Entity):
            kind: ClassVar = "things"
            singular: ClassVar = "thing"
            unique_together: ClassVar = (("box", "service"),)
            box: Annotated[Reference | None, To("boxes", on_delete="null")] = None
            service: Annotated[Reference | None, To("services", on_delete="restrict")] = None

        self.box: type[Entity] = Box
        self.thing: type[Entity] = Thing


@pytest.fixture
def kinds() -> Iterator[_Kinds]:
    before = dict(FOREIGN_MODELS)
    yield _Kinds()
    FOREIGN_MODELS.clear()
    FOREIGN_MODELS.update(before)


@pytest.fixture
def with_kinds(kinds: _Kinds, tmp_path: Path) -> SqlStore:
    """A store in which kinds of a plugin have got tables beside those of the product."""
    return SqlStore(sqlite_options(tmp_path))


async def test_a_reference_may_become_null(kinds: _Kinds, with_kinds: SqlStore) -> None:
    box = kinds.box.parse({})
    thing, other = kinds.thing.parse({"box": {"id": box.id}}), kinds.thing.parse({})
    await filled(with_kinds, box, thing)
    async with with_kinds.write() as transaction:
        await transaction.delete("boxes", box.id)
    assert transaction.change.delete == {"boxes": [box.id]}
    (released,) = transaction.change.put["things"]
    assert released.to_wire() == {**thing.to_wire(), "box": None}
    assert await with_kinds.get("things", thing.id) == released
    assert (await with_kinds.page("things", size=9, where={"box": None})).entities == [released]
    with pytest.raises(EntityError, match="UNIQUE"):
        await filled(with_kinds, other)


async def test_what_goes_along_does_not_hold(kinds: _Kinds, with_kinds: SqlStore) -> None:
    """A thing holds a service, but not when its box, which goes with the service, lets go of it or takes it along."""
    one = service("one")
    box = kinds.box.parse({"service": {"id": one.id}})
    thing = kinds.thing.parse({"box": {"id": box.id}})
    await filled(with_kinds, one, box, thing)
    async with with_kinds.write() as transaction:
        await transaction.delete("services", one.id)
    assert transaction.change.delete == {"services": [one.id], "boxes": [box.id]}
    holding = kinds.thing.parse({"service": {"id": (two := service("two")).id}})
    await filled(with_kinds, two, holding)
    with pytest.raises(EntityError, match="an existing 'things' entity references this 'services' entity"):
        async with with_kinds.write() as transaction:
            await transaction.delete("services", two.id)
