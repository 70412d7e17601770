"""Whatever is written, in whatever order: a store does what a few dictionaries would do, refuses what they refuse, and
whoever follows its changes has the same in the end."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from gateline.entities import Entity, EntityError, entity_class
from gateline.store.sql import SqlStore
from harness.stores import sqlite_options

Row = dict[str, Any]
Rows = dict[str, dict[str, Row]]

KINDS = ("services", "routes", "plugins")
PARENTS = {"routes": ("service",), "plugins": ("service", "route")}


def identifier(kind: str, number: int) -> str:
    return f"00000000-0000-4000-8000-0000000{KINDS.index(kind)}000{number}"


@dataclass(frozen=True)
class Operation:
    verb: Literal["insert", "replace", "delete"]
    row: Row
    kind: str


@st.composite
def operations(draw: st.DrawFn) -> Operation:
    kind = draw(st.sampled_from(KINDS))
    row: Row = {"id": identifier(kind, draw(st.integers(0, 2))), "created_at": 1, "updated_at": draw(st.integers(1, 2))}
    row["name"] = draw(st.sampled_from(["p", "q"] if kind == "plugins" else [None, "a", "b"]))
    for parent in PARENTS.get(kind, ()):
        number = draw(st.none() | st.integers(0, 2))
        row[parent] = None if number is None else {"id": identifier(f"{parent}s", number)}
    row["tags"] = draw(st.none() | st.lists(st.sampled_from("xyz"), unique=True))
    if kind == "plugins":
        row["config"] = {}
    return Operation(draw(st.sampled_from(["insert", "insert", "replace", "delete"])), row, kind)


@dataclass
class Model:
    """What the store should do."""

    rows: Rows = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def copy(self) -> "Model":
        return Model({kind: dict(rows) for kind, rows in self.rows.items()})

    def apply(self, operation: Operation) -> int | None:
        """Do it; the code of the refusal, None when there is none."""
        rows, own = self.rows[operation.kind], operation.row["id"]
        if operation.verb == "delete":
            return self._delete(operation.kind, own)
        if operation.verb == "insert" and own in rows:
            return 3
        if operation.verb == "replace" and own not in rows:
            return 6
        key = self._key(operation.kind, operation.row)
        if key is not None and key in [self._key(operation.kind, row) for other, row in rows.items() if other != own]:
            return 5
        for parent in PARENTS.get(operation.kind, ()):
            reference = operation.row[parent]
            if reference and reference["id"] not in self.rows[f"{parent}s"]:
                return 4
        rows[own] = operation.row
        return None

    def _key(self, kind: str, row: Row) -> Any:
        return (row["name"], str(row["service"]), str(row["route"])) if kind == "plugins" else row["name"]

    def _delete(self, kind: str, own: str) -> int | None:
        going = self._below(kind, own)
        if kind == "services" and any((row["service"] or {}).get("id") == own for row in self.rows["routes"].values()):
            return 4 if own in self.rows[kind] else None
        for of, other in going:
            self.rows[of].pop(other, None)
        return None

    def _below(self, kind: str, own: str) -> list[tuple[str, str]]:
        if kind == "plugins":
            return [(kind, own)]
        parent = kind.removesuffix("s")
        plugins = self.rows["plugins"].values()
        return [(kind, own), *(("plugins", row["id"]) for row in plugins if row[parent] == {"id": own})]


def entity(operation: Operation) -> Entity:
    model = entity_class(operation.kind)
    assert model is not None
    return model.from_wire({"host": "h.test", **operation.row} if operation.kind == "services" else operation.row)


def seen(kinds: dict[str, dict[str, Entity]]) -> Rows:
    """What the model knows of entities."""
    return {
        kind: {
            own: {name: entity.to_wire()[name] for name in ("id", "name", "updated_at", "tags", *PARENTS.get(kind, ()))}
            for own, entity in kinds[kind].items()
        }
        for kind in KINDS
    }


def expected(model: Model) -> Rows:
    left_out = ("created_at", "config")
    return {
        kind: {own: {name: row[name] for name in row if name not in left_out} for own, row in rows.items()}
        for kind, rows in model.rows.items()
    }


async def play(transactions: list[tuple[list[Operation], bool]], folder: Path) -> None:
    store, model = SqlStore(sqlite_options(folder)), Model()
    await store.open()
    try:
        for steps, commit in transactions:
            after = model.copy()
            try:
                async with store.write() as transaction:
                    for step in steps:
                        assert await refusal(transaction, step) == after.apply(step), step
                    if not commit:
                        raise InterruptedError
            except InterruptedError:
                continue
            model = after
        whole = await store.whole()
        assert seen(whole.kinds) == expected(model)
        changes = await store.since(0)
        assert changes is not None
        followed: dict[str, dict[str, Entity]] = {kind: {} for kind in KINDS}
        for change in changes:
            for kind, ids in change.delete.items():
                for own in ids:
                    del followed[kind][own]
            for kind, entities in change.put.items():
                followed[kind].update((one.id, one) for one in entities)
        assert seen(followed) == expected(model)
        tags = {(row.entity_name, row.entity_id, row.tag) for row in (await store.tags(size=1000)).rows}
        assert tags == {
            (kind, own, tag)
            for kind, rows in model.rows.items()
            for own, row in rows.items()
            for tag in row["tags"] or ()
        }
    finally:
        await store.close()


async def refusal(transaction: Any, step: Operation) -> int | None:
    try:
        if step.verb == "delete":
            await transaction.delete(step.kind, step.row["id"])
        else:
            await getattr(transaction, step.verb)(entity(step))
    except EntityError as error:
        return error.kind.code
    return None


@settings(max_examples=50)
@given(st.lists(st.tuples(st.lists(operations(), max_size=12), st.sampled_from([True, True, True, False])), max_size=6))
def test_a_store_does_what_dictionaries_would_do(transactions: list[tuple[list[Operation], bool]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(transactions, Path(folder)))
