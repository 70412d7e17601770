"""Taking a committed change back, by a transaction that puts everything as it was before it."""

from gateline.entities import Entity, entity_class
from gateline.store import Change, Transaction


class OvertakenError(Exception):
    """Something that the change wrote has been written again since."""


async def undo(transaction: Transaction, change: Change) -> None:
    """Put everything as it was before a change, which must come from the transaction that made it.

    Raises OvertakenError, or EntityError when something else depends on it by now: then the transaction must be given
    up.
    """
    new: dict[str, list[str]] = {}
    replaced: list[Entity] = []
    for kind, entities in change.put.items():
        for entity in entities:
            if await transaction.get(kind, entity.id) != entity:
                raise OvertakenError
            if (before := change.before.get(kind, {}).get(entity.id)) is None:
                new.setdefault(kind, []).append(entity.id)
            else:
                replaced.append(_entity(kind, before))
    for kind in reversed(new):  # children before parents
        await transaction.delete_many(kind, new[kind])
    await transaction.insert_many(
        [_entity(kind, change.before[kind][identifier]) for kind, ids in change.delete.items() for identifier in ids]
    )
    await transaction.replace_many(replaced)


def _entity(kind: str, row: object) -> Entity:
    model = entity_class(kind)
    if model is None or not isinstance(row, dict):
        raise OvertakenError
    return model.from_wire(row)
