"""What may be written and what is refused, in Kong's words, and that a refusal leaves nothing behind."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa

from gateline.entities import EntityError, Key, KeySet, Service
from gateline.store import StoreUnavailable
from gateline.store.sql import SqlStore
from harness.stores import consumer, filled, group, member, plugin, route, service, target, upstream

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@asynccontextmanager
async def refused(code: int, message: str, fields: dict[str, Any]) -> AsyncIterator[None]:
    with pytest.raises(EntityError) as caught:
        yield
    assert caught.value.body() == {
        "code": code,
        "name": caught.value.kind.name,
        "message": message,
        "fields": fields,
    }


def changed(entity: Service, **fields: Any) -> Service:
    return Service.parse({**entity.to_wire(), **fields})


async def insert(store: SqlStore, *entities: Any) -> None:
    async with store.write() as transaction:
        for entity in entities:
            await transaction.insert(entity)


async def replace(store: SqlStore, *entities: Any) -> None:
    async with store.write() as transaction:
        await transaction.replace_many(entities)


# Uniqueness.


async def test_a_unique_value_is_given_once(store: SqlStore) -> None:
    await insert(store, service("x"))
    async with refused(5, """UNIQUE violation detected on '{name="x"}'""", {"name": "x"}):
        await insert(store, service("x"))


async def test_null_is_not_a_value(store: SqlStore) -> None:
    await insert(store, service(None), service(None))
    assert len((await store.page("services", size=9)).entities) == 2


async def test_an_id_is_given_once(store: SqlStore) -> None:
    one = service("one")
    await insert(store, one)
    sentence = f"""primary key violation on key '{{id="{one.id}"}}'"""
    async with refused(3, sentence, {"id": one.id}):
        await insert(store, service("two", id=one.id))


async def test_an_id_comes_before_a_unique_value(store: SqlStore) -> None:
    one = service("one")
    await insert(store, one)
    with pytest.raises(EntityError, match="primary key violation"):
        await insert(store, one)


async def test_the_first_of_several_unique_fields_is_told(store: SqlStore) -> None:
    await insert(store, consumer("ann", custom_id="1"), consumer("bob", custom_id="2"))
    async with refused(5, """UNIQUE violation detected on '{username="ann"}'""", {"username": "ann"}):
        await insert(store, consumer("ann", custom_id="2"))
    async with refused(5, """UNIQUE violation detected on '{custom_id="2"}'""", {"custom_id": "2"}):
        await insert(store, consumer("eve", custom_id="2"))


async def test_quotes_are_escaped_in_a_refusal(store: SqlStore) -> None:
    await insert(store, consumer('a"b\\c'))
    with pytest.raises(EntityError) as caught:
        await insert(store, consumer('a"b\\c'))
    assert caught.value.message == """UNIQUE violation detected on '{username="a\\"b\\\\c"}'"""


async def test_a_plugin_is_unique_in_its_scope_and_nulls_count_as_equal(store: SqlStore) -> None:
    one, ann = service("one"), consumer("ann")
    await insert(store, one, ann, plugin("p"), plugin("p", service=one), plugin("p", consumer=ann), plugin("q"))
    sentence = "UNIQUE violation detected on '{consumer=null,name=\"p\",route=null,service=null}'"
    async with refused(5, sentence, {"consumer": None, "name": "p", "route": None, "service": None}):
        await insert(store, plugin("p"))
    sentence = f"""UNIQUE violation detected on '{{consumer=null,name="p",route=null,service={{id="{one.id}"}}}}'"""
    fields = {"consumer": None, "name": "p", "route": None, "service": {"id": one.id}}
    async with refused(5, sentence, fields):
        await insert(store, plugin("p", service=one))
    await insert(store, plugin("p", service=one, consumer=ann))


async def test_a_plugin_of_a_group_names_the_group(store: SqlStore) -> None:
    gold = group("gold")
    await insert(store, gold, plugin("p", consumer_group=gold))
    with pytest.raises(EntityError) as caught:
        await insert(store, plugin("p", consumer_group=gold))
    assert (caught.value.fields or {})["consumer_group"] == {"id": gold.id}


async def test_a_target_is_unique_in_its_upstream(store: SqlStore) -> None:
    one, two = upstream("one.test"), upstream("two.test")
    await insert(store, one, two, target(one, "10.0.0.1:80"), target(two, "10.0.0.1:80"))
    sentence = f"""UNIQUE violation detected on '{{target="10.0.0.1:80",upstream={{id="{one.id}"}}}}'"""
    async with refused(5, sentence, {"target": "10.0.0.1:80", "upstream": {"id": one.id}}):
        await insert(store, target(one, "10.0.0.1:80"))


async def test_a_key_is_unique_in_its_set_also_when_it_has_none(store: SqlStore) -> None:
    row = {"created_at": 1, "updated_at": 1, "kid": "k"}
    keys = KeySet.from_wire({"id": service().id, "name": "keys", "created_at": 1, "updated_at": 1})
    await insert(store, keys, Key.from_wire({**row, "id": service().id, "set": {"id": keys.id}}))
    await insert(store, Key.from_wire({**row, "id": service().id, "set": None}))
    async with refused(5, """UNIQUE violation detected on '{kid="k",set=null}'""", {"kid": "k", "set": None}):
        await insert(store, Key.from_wire({**row, "id": service().id, "set": None}))


async def test_values_of_one_batch_are_compared_with_each_other(store: SqlStore) -> None:
    for batch in ((service("x"), service("x")), (same := service("y"), same)):
        with pytest.raises(EntityError):
            await filled(store, *batch)
    assert await store.version() == 0


async def test_a_batch_refuses_the_first_wrong_entity(store: SqlStore) -> None:
    await insert(store, service("m"), service("x"))
    services = [service(f"s{number}") for number in range(1200)]
    services[700], services[900] = service("x"), service("m")
    async with refused(5, """UNIQUE violation detected on '{name="x"}'""", {"name": "x"}):
        await filled(store, *services)


# References.


async def test_a_reference_to_nothing_is_refused(store: SqlStore) -> None:
    gone = service("gone")
    sentence = f"""the foreign key '{{id="{gone.id}"}}' does not reference an existing 'services' entity."""
    async with refused(4, sentence, {"service": {"id": gone.id}}):
        await insert(store, route(gone))
    one = service("one")
    path = route(one)
    await insert(store, one, path)
    async with refused(4, sentence, {"service": {"id": gone.id}}):
        await replace(store, type(path).parse({**path.to_wire(), "service": {"id": gone.id}}))


async def test_a_batch_may_refer_to_itself_in_any_order(store: SqlStore) -> None:
    one, gold, ann = service("one"), group("gold"), consumer("ann")
    await filled(store, member(gold, ann), plugin("p", service=one, consumer=ann), route(one), ann, gold, one)
    assert (await store.page("plugins", size=9, where={"service": one.id})).entities


async def test_a_reference_to_what_the_transaction_inserted_or_deleted(store: SqlStore) -> None:
    one = service("one")
    async with store.write() as transaction:
        await transaction.insert(one)
        path = route(one)
        await transaction.insert(path)
        await transaction.delete("routes", path.id)
        await transaction.delete("services", one.id)
        with pytest.raises(EntityError, match="does not reference an existing"):
            await transaction.insert(route(one))
        await transaction.insert(route(None, "r"))
    assert await store.find("routes", "name", "r")


# Replacing.


async def test_an_entity_is_replaced(store: SqlStore) -> None:
    one = service("one", tags=["a", "b"])
    await insert(store, one)
    new = changed(one, name="other", host="new.test", tags=["b", "c"])
    await replace(store, new)
    assert await store.get("services", one.id) == new
    assert await store.find("services", "name", "one") is None
    assert await store.find("services", "name", "other") == new
    assert [row.tag for row in (await store.tags(size=9)).rows] == ["b", "c"]


async def test_what_does_not_exist_is_not_replaced(store: SqlStore) -> None:
    one = service("one")
    sentence = f"""could not find the entity with primary key '{{id="{one.id}"}}'"""
    async with refused(6, sentence, {"id": one.id}):
        await replace(store, one)


async def test_a_replacement_may_not_take_the_value_of_another(store: SqlStore) -> None:
    one, two = service("one"), service("two")
    await insert(store, one, two)
    async with refused(5, """UNIQUE violation detected on '{name="two"}'""", {"name": "two"}):
        await replace(store, changed(one, name="two"))
    await replace(store, changed(one, host="other.test"))


async def test_replacements_may_swap_values_among_themselves(store: SqlStore) -> None:
    one, two, three = service("one"), service("two"), service("three")
    await insert(store, one, two, three)
    await replace(store, changed(one, name="two"), changed(two, name="three"), changed(three, name="one"))
    found = [await store.find("services", "name", name) for name in ("one", "two", "three")]
    assert [entity.id for entity in found if entity] == [three.id, one.id, two.id]


async def test_what_is_the_same_is_not_written(store: SqlStore) -> None:
    one, two = service("one"), service("two")
    await insert(store, one, two)
    async with store.write() as transaction:
        await transaction.replace_many([one, changed(two, host="new.test")])
    assert [entity.id for entity in transaction.change.put["services"]] == [two.id]
    async with store.write() as transaction:
        await transaction.replace(one)
    assert not transaction.change
    assert await store.version() == 2


async def test_upsert_says_whether_it_inserted(store: SqlStore) -> None:
    one = service("one")
    async with store.write() as transaction:
        assert await transaction.upsert(one)
        assert not await transaction.upsert(changed(one, host="new.test"))
    found = await store.get("services", one.id)
    assert isinstance(found, Service)
    assert found.host == "new.test"


# Transactions.


async def test_a_transaction_sees_what_it_wrote_and_others_do_not(store: SqlStore) -> None:
    one = service("one")
    async with store.write() as transaction:
        await transaction.insert(one)
        assert await transaction.get("services", one.id) == one
        assert await transaction.find("services", "name", "one") == one
        assert (await transaction.page("services", size=9)).entities == [one]
        assert await store.get("services", one.id) is None
    assert await store.get("services", one.id) == one


async def test_an_exception_undoes_everything(store: SqlStore) -> None:
    async def fail() -> None:
        async with store.write() as transaction:
            await transaction.insert(service("one", tags=["a"]))
            raise ConnectionError("of the caller")

    with pytest.raises(ConnectionError, match="of the caller"):
        await fail()
    assert (await store.page("services", size=9)).entities == []
    assert (await store.tags(size=9)).rows == []
    assert await store.version() == 0


async def test_a_transaction_goes_on_after_a_refusal(store: SqlStore) -> None:
    async with store.write() as transaction:
        await transaction.insert(service("one"))
        with pytest.raises(EntityError):
            await transaction.insert_many([service("two"), service("one")])
        with pytest.raises(EntityError):
            await transaction.replace(service("three"))
        await transaction.insert(service("four"))
    names = {entity.to_wire()["name"] for entity in (await store.page("services", size=9)).entities}
    assert names == {"one", "four"}


async def test_a_transaction_in_which_a_statement_failed_is_not_committed(store: SqlStore) -> None:
    async def swallow() -> None:
        async with store.write() as transaction:
            await transaction.insert(service("one"))
            with pytest.raises(StoreUnavailable):
                await transaction._session.run(sa.text("nonsense"))

    with pytest.raises(StoreUnavailable, match="a part of it had failed"):
        await swallow()
    assert await store.version() == 0


async def test_every_unstorable_value_is_a_refusal_and_not_a_failure(store: SqlStore) -> None:
    for name in ("a\0b", "x" * 100_000 + "".join(map(chr, range(200, 9000)))):
        with suppress(EntityError):  # whether it is stored is the database's to say
            await insert(store, consumer(name))
    await insert(store, consumer("ann"))


async def test_many_entities_of_all_sorts_of_values_come_back_as_they_were(store: SqlStore) -> None:
    tricky = ["ä", "'", '"', "\\", "%", "\n", "{}", "日本", "\U0001f600", " "]
    consumers = [consumer(f"{text}{number}", custom_id=text * 3) for number, text in enumerate(tricky)]
    paths = [route(None, f"r{number}", headers={"x": [text]}, paths=None) for number, text in enumerate(tricky)]
    await filled(store, *consumers, *paths)
    whole = await store.whole()
    assert whole.kinds["consumers"] == {entity.id: entity for entity in consumers}
    assert whole.kinds["routes"] == {entity.id: entity for entity in paths}


async def test_more_than_a_batch_is_written_at_once(store: SqlStore) -> None:
    services = [service(f"s{number}", tags=["t", f"t{number}"]) for number in range(2100)]
    await filled(store, *services)
    async with store.write() as transaction:
        await transaction.replace_many(changed(one, host="new.test") for one in services)
    assert {entity.host for entity in (await store.whole()).kinds["services"].values()} == {"new.test"}  # type: ignore[attr-defined]
    async with store.write() as transaction:
        assert await transaction.delete_many("services", [one.id for one in services]) == 2100
    assert (await store.whole()).kinds["services"] == {}
    assert (await store.tags(size=9)).rows == []
