"""What can be read from a store is the same in every store: look-ups, pages, tags, everything at once."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from gateline.entities import Entity, EntityError
from gateline.store import Store, TagFilter
from harness.stores import consumer, filled, group, member, route, service, target, upstream

UNKNOWN = "00000000-0000-4000-8000-000000000000"


async def pages(store: Store, kind: str, size: int, **how: Any) -> list[list[Entity]]:
    """All pages of a kind."""
    found: list[list[Entity]] = []
    after: str | None = None
    while True:
        page = await store.page(kind, size=size, after=after, **how)
        found.append(page.entities)
        after = page.after
        if after is None:
            return found


def ids(entities: list[Entity]) -> list[str]:
    return [entity.id for entity in entities]


async def test_an_entity_is_found_by_its_id(readable: Any) -> None:
    one = service("one", tags=["a"], ca_certificates=None)
    await filled(readable, one, service("two"))
    assert await readable.get("services", one.id) == one
    assert await readable.get("services", one.id.upper()) == one


async def test_what_is_no_known_id_finds_nothing(readable: Any) -> None:
    await filled(readable, service("one"))
    for identifier in (UNKNOWN, "one", "", "\0", "x" * 5000):
        assert await readable.get("services", identifier) is None
        assert await readable.get("routes", identifier) is None


async def test_an_unknown_kind_is_a_mistake_of_the_caller(readable: Any) -> None:
    with pytest.raises(KeyError):
        await readable.get("nonsense", UNKNOWN)
    with pytest.raises(KeyError):
        await readable.page("nonsense", size=1)


async def test_an_entity_is_found_by_a_unique_field(readable: Any) -> None:
    ann = consumer("ann", custom_id="7")
    await filled(readable, ann, consumer("bob", custom_id="8"))
    assert await readable.find("consumers", "username", "ann") == ann
    assert await readable.find("consumers", "custom_id", "7") == ann
    assert await readable.find("consumers", "username", "Ann") is None
    assert await readable.find("consumers", "username", "ann\0") is None
    assert await readable.find("consumers", "id", ann.id) == ann
    assert await readable.find("consumers", "id", "ann") is None


async def test_an_endpoint_key_that_is_unique_within_a_parent_is_found_there(readable: Any) -> None:
    one, two = upstream("one.test"), upstream("two.test")
    in_one, in_two = target(one, "10.0.0.1:80"), target(two, "10.0.0.1:80")
    await filled(readable, one, two, in_one, in_two)
    assert await readable.find("targets", "target", "10.0.0.1:80", where={"upstream": two.id}) == in_two
    assert await readable.find("targets", "target", "10.0.0.1:80", where={"upstream": one.id}) == in_one
    assert await readable.find("targets", "target", "10.0.0.2:80", where={"upstream": one.id}) is None


@pytest.mark.parametrize("size", [1, 3, 7, 10, 11])
async def test_pages_hold_everything_once_in_the_order_of_ids(readable: Any, size: int) -> None:
    services = [service(f"s{number}") for number in range(10)]
    await filled(readable, *services)
    found = await pages(readable, "services", size)
    assert [entity.id for page in found for entity in page] == sorted(entity.id for entity in services)
    assert all(len(page) == size for page in found[:-1])
    assert found[-1]


async def test_the_last_page_says_so_even_when_it_is_full(readable: Any) -> None:
    await filled(readable, service("a"), service("b"))
    assert (await readable.page("services", size=2)).after is None
    assert (await readable.page("routes", size=2)).entities == []


async def test_a_page_continues_after_an_entity_that_is_gone(readable: Any) -> None:
    services = sorted((service() for _ in range(4)), key=lambda entity: entity.id)
    await filled(readable, services[0], *services[2:])
    assert ids((await readable.page("services", size=9, after=services[1].id)).entities) == ids(list(services[2:]))


@pytest.mark.parametrize("descending", [False, True])
async def test_a_wrong_position_is_refused(readable: Any, descending: bool) -> None:
    for after in ("", "x", "'; drop", "\0", UNKNOWN + "0", "12:34"):
        with pytest.raises(EntityError) as refused:
            await readable.page("targets", size=1, after=after, descending=descending)
        assert refused.value.kind.code == 7, after


async def test_children_are_listed_by_their_parent(readable: Any) -> None:
    one, two = service("one"), service("two")
    of_one = [route(one, f"r{number}") for number in range(5)]
    alone = route(None, "alone")
    await filled(readable, one, two, *of_one, route(two, "other"), alone)
    found = await pages(readable, "routes", 2, where={"service": one.id})
    assert [len(page) for page in found] == [2, 2, 1]
    assert sorted(entity.id for page in found for entity in page) == sorted(entity.id for entity in of_one)
    assert (await readable.page("routes", size=9, where={"service": None})).entities == [alone]
    assert (await readable.page("routes", size=9, where={"service": "nonsense"})).entities == []


async def test_members_are_listed_by_either_side(readable: Any) -> None:
    gold, silver, ann, bob = group("gold"), group("silver"), consumer("ann"), consumer("bob")
    members = [member(gold, ann), member(silver, ann), member(gold, bob)]
    await filled(readable, gold, silver, ann, bob, *members)
    of_ann = (await readable.page("consumer_group_consumers", size=9, where={"consumer": ann.id})).entities
    assert {entity.consumer_group.id for entity in of_ann} == {gold.id, silver.id}
    both = {"consumer": bob.id, "consumer_group": gold.id}
    assert (await readable.page("consumer_group_consumers", size=9, where=both)).entities == [members[2]]


@pytest.mark.parametrize("size", [1, 2, 5, 50])
async def test_targets_are_listed_newest_first(readable: Any, size: int) -> None:
    one = upstream("one.test")
    times = [1700000000.123, 1700000000.124, 1700000000.124, 1700000001.0, 1699999999.999]
    targets = [target(one, f"10.0.0.{number}:80", created_at=time) for number, time in enumerate(times)]
    random.shuffle(targets)
    await filled(readable, one, *targets)
    found = await pages(readable, "targets", size, where={"upstream": one.id}, descending=True)
    expected = sorted(targets, key=lambda entity: (entity.created_at, entity.id), reverse=True)
    assert [entity.id for page in found for entity in page] == ids(list(expected))


MATCHES: list[tuple[TagFilter, Callable[[set[str]], bool]]] = [
    (TagFilter(("a",)), lambda tags: "a" in tags),
    (TagFilter(("a", "b")), lambda tags: {"a", "b"} <= tags),
    (TagFilter(("a", "b", "c")), lambda tags: {"a", "b", "c"} <= tags),
    (TagFilter(("a", "a")), lambda tags: "a" in tags),
    (TagFilter(("a",), every=False), lambda tags: "a" in tags),
    (TagFilter(("a", "b"), every=False), lambda tags: bool({"a", "b"} & tags)),
    (TagFilter(("a", "c", "none"), every=False), lambda tags: bool({"a", "c"} & tags)),
    (TagFilter(("none",)), lambda tags: False),
    (TagFilter(("a", "none")), lambda tags: False),
    (TagFilter(("a\0",)), lambda tags: False),
]


@pytest.mark.parametrize("descending", [False, True])
async def test_pages_can_be_filtered_by_tags(readable: Any, descending: bool) -> None:
    choices = [[], ["a"], ["b"], ["a", "b"], ["a", "b", "c"], ["c"], ["a", "c"], ["ab"]]
    services = [service(f"s{number}", tags=choices[number % 8], created_at=number + 1) for number in range(40)]
    await filled(readable, *services, *(route(None, tags=["a", "b"]) for _ in range(5)))
    for tags, matches in MATCHES:
        found = await pages(readable, "services", 3, tags=tags, descending=descending)
        assert all(len(page) == 3 for page in found[:-1])
        expected = {entity.id for entity in services if matches(set(entity.tags or ()))}
        listed = [entity for page in found for entity in page]
        assert {entity.id for entity in listed} == expected
        assert len(listed) == len(expected)
        if descending:
            assert [entity.created_at for entity in listed] == sorted((e.created_at for e in listed), reverse=True)
        else:
            assert ids(listed) == sorted(ids(listed))


async def test_tags_can_be_filtered_within_a_parent(readable: Any) -> None:
    one, two = service("one"), service("two")
    right = [route(one, tags=["x"]) for _ in range(3)]
    await filled(readable, one, two, *right, route(one), *(route(two, tags=["x"]) for _ in range(9)))
    found = await pages(readable, "routes", 2, where={"service": one.id}, tags=TagFilter(("x",)))
    assert sorted(entity.id for page in found for entity in page) == sorted(entity.id for entity in right)


async def test_tags_are_listed_with_their_entities(readable: Any) -> None:
    one, two, path = service("one", tags=["b", "a"]), service("two", tags=["b", "ä", "a b"]), route(None, tags=["b"])
    await filled(readable, one, two, path)
    expected = [("a", "services", one.id), ("a b", "services", two.id), ("b", "routes", path.id)]
    expected += [("b", "services", identifier) for identifier in sorted((one.id, two.id))]
    expected.append(("ä", "services", two.id))
    rows: list[tuple[str, str, str]] = []
    after: str | None = None
    while True:
        page = await readable.tags(size=2, after=after)
        rows += [(row.tag, row.entity_name, row.entity_id) for row in page.rows]
        after = page.after
        if after is None:
            break
    assert rows == expected


async def test_the_entities_of_one_tag_are_listed(readable: Any) -> None:
    services = [service(tags=["x", "xx"]) for _ in range(3)]
    await filled(readable, *services, service(tags=["w", "y"]))
    first = await readable.tags("x", size=2)
    second = await readable.tags("x", size=2, after=first.after)
    assert [row.entity_id for row in [*first.rows, *second.rows]] == sorted(entity.id for entity in services)
    assert {row.tag for row in first.rows} == {"x"}
    assert second.after is None
    assert (await readable.tags("none", size=2)).rows == []


async def test_a_wrong_position_among_tags_is_refused(readable: Any) -> None:
    for after in ("", "x", "[]", '["a","b","c"]', '["a","b",7]', f'["a\\u0000","b","{UNKNOWN}"]'):
        with pytest.raises(EntityError) as refused:
            await readable.tags(size=1, after=after)
        assert refused.value.kind.code == 7, after


async def test_the_whole_holds_every_entity_of_every_kind(readable: Any) -> None:
    one, up, ann, gold = service("one"), upstream("up.test"), consumer("ann"), group("gold")
    entities = [one, route(one), up, target(up, "10.0.0.1"), ann, gold, member(gold, ann)]
    await filled(readable, *entities)
    whole = await readable.whole()
    held = [entity for of_kind in whole.kinds.values() for entity in of_kind.values()]
    assert sorted(ids(held)) == sorted(ids(list(entities)))
    assert whole.kinds["services"][one.id] == one
    assert whole.kinds["plugins"] == {}
    assert whole.version == await readable.version() == 1


async def test_some_kinds_can_be_had_alone(readable: Any) -> None:
    await filled(readable, one := service("one"), route(one), consumer("ann"))
    whole = await readable.whole(["services", "vaults"])
    assert whole.kinds == {"services": {one.id: one}, "vaults": {}}


@pytest.mark.parametrize("chunk", [1, 2, 1000])
async def test_of_some_kinds_only_what_has_tags_can_be_had(
    readable: Any, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateline.store.reading._CHUNK", chunk)
    both = [consumer(name, tags=["a", "b"]) for name in ("bo", "bea")]
    first, one = consumer("al", tags=["a"]), service("s")
    await filled(readable, *both, first, consumer("none"), one)
    whole = await readable.whole(tagged={"consumers": TagFilter(("a", "b")), "plugins": TagFilter(("a",))})
    assert whole.kinds["consumers"] == {entity.id: entity for entity in both}
    assert whole.kinds["services"] == {one.id: one}
    either = await readable.whole(["consumers"], tagged={"consumers": TagFilter(("a", "b"), every=False)})
    assert set(either.kinds["consumers"]) == {first.id, *(entity.id for entity in both)}


async def test_nothing_has_changed_since_the_present_version(readable: Any) -> None:
    await filled(readable, service("one"))
    assert await readable.since(await readable.version()) == []
    assert await readable.since(99) is None
    await readable.check()
