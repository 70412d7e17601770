"""Second pass: entities together. References are resolved, ids derived, repeats found, parents before children."""

from typing import Any

from gateline.declarative.collecting import PENDING, Collection
from gateline.declarative.errors import MASK
from gateline.declarative.identity import base_key, derived_id
from gateline.declarative.items import Item
from gateline.entities import Entity, Reference, foreign_fields, kinds, lua, unique_fields
from gateline.entities.wire import plain


class Linking:
    """What is known of the entities of a collection by id and by name."""

    def __init__(self, collection: Collection) -> None:
        self._items = collection.items
        self._by_id: dict[str, dict[str, Item]] = {kind: {} for kind in collection.items}
        self._by_key: dict[str, dict[str, Item]] = {kind: {} for kind in collection.items}
        self._occurrences: dict[str, int] = {}

    def run(self) -> list[Item]:
        """Link everything; the entities of which something is wrong, in order."""
        for kind, items in self._items.items():
            self._link(kind, items)
            self._identify(kind, items)
            self._compare(kind, items)
        return [item for items in self._items.values() for item in items if item.late]

    # References

    def _link(self, kind: str, items: list[Item]) -> None:
        """Turn references by name or id into `Reference`s; what they point to must be in the configuration."""
        targets = {foreign.field: foreign.to.kind for foreign in foreign_fields(kind)}
        if not targets:
            return
        for item in items:
            values = item.values
            if item.parent is not None and item.parent_field:
                values[item.parent_field] = Reference(item.parent.values["id"])
            for name, target in targets.items():
                value = values[name]
                if value.__class__ is not Reference or value is PENDING or name == item.parent_field:
                    continue
                if value.id not in self._by_id[target]:
                    item.late.append((name, _no_such_entry(name, f'{{"id":"{value.id}"}}', target)))
            for name, text in item.names:
                target = targets[name]
                found = self._by_id[target].get(text.lower()) or self._by_key[target].get(text)
                if found is None:
                    item.late.append((name, _no_such_entry(name, text, target)))
                else:
                    values[name] = Reference(found.values["id"])
            if item.given and not item.errors and not item.late:
                item.entity.derive_linked(values, item.given)

    # Ids

    def _identify(self, kind: str, items: list[Item]) -> None:
        """Give an id to every entity; what they point to has one already, for a child's id may need the parent's."""
        entity = kinds()[kind]
        for item in items:
            values = item.values
            given = values["id"]
            if given is not None:
                if isinstance(given, str):
                    values["id"] = given.lower()
                continue
            if item.errors:  # nothing comes of it, and what a key is made of may be of a wrong type
                values["id"] = f"?{id(item)}"
                continue
            key, named = base_key(entity, values)
            if not named:  # what is equal is told apart by its number
                count = self._occurrences[key] = self._occurrences.get(key, -1) + 1
                key = f"{count}:{key}" if count else key
            values["id"] = derived_id(kind, key)

    # Repeats

    def _compare(self, kind: str, items: list[Item]) -> None:
        """Find entities of one id or one key."""
        entity = kinds()[kind]
        by_id, by_key = self._by_id[kind], self._by_key[kind]
        endpoint_key = entity.endpoint_key
        unique = unique_fields(kind)
        scoped = endpoint_key is not None and endpoint_key not in unique
        others = [name for name in unique if name != endpoint_key]
        seen: dict[Any, Item] = {}
        for item in items:
            key = item.key
            if key is not None and not scoped and by_key.setdefault(key, item) is not item:
                item.late.append(("", _repeated(kind, str(endpoint_key), key)))
                continue
            if not item.errors and (repeated := self._repeated_group(entity, item, seen)):
                item.late.append(("", repeated))
                continue
            identity = item.values["id"]
            if isinstance(identity, str) and by_id.setdefault(identity, item) is not item:
                item.late.append(("", _repeated(kind, "primary key", identity)))
                continue
            for name in others:
                value = item.values[name]
                if isinstance(value, str) and seen.setdefault((name, value), item) is not item:
                    item.late.append(("", _repeated(kind, name, value)))

    @staticmethod
    def _repeated_group(entity: type[Entity], item: Item, seen: dict[Any, Item]) -> str | None:
        """What is said when an entity before has the same values in fields that are unique together."""
        for group in entity.unique_together:
            values = tuple(item.values[name] for name in group)
            if PENDING not in values and seen.setdefault((group, values), item) is not item:
                told = lua.table({name: plain(item.values[name]) for name in group}, null="null")
                return f"uniqueness violation: '{entity.kind}' entity with {told} already declared"
        return None


def _repeated(kind: str, key: str, value: str) -> str:
    told = MASK if key in kinds()[kind].secrets else value
    return f"uniqueness violation: '{kind}' entity with {key} set to '{told}' already declared"


def _no_such_entry(name: str, written: str, target: str) -> str:
    return f"invalid reference '{name}: {written}' (no such entry in '{target}')"
