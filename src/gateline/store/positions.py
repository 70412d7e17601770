"""What the next page is asked for with: the key of the last entity of this one, as a text."""

import msgspec

from gateline.entities.formats import is_uuid
from gateline.store.errors import invalid_offset
from gateline.store.interface import Tagged


def id_position(after: str) -> str:
    """An id. Raises EntityError for anything else."""
    if not is_uuid(after):
        raise invalid_offset(after)
    return after.lower()


def newest_token(created_at: float, identifier: str) -> str:
    """What continues a page of the newest."""
    return f"{created_at!r}:{identifier}"


def newest_position(after: str) -> tuple[float, str]:
    """Time and id out of what `newest_token` made. Raises EntityError for anything else."""
    created, _, identifier = after.partition(":")
    try:
        return float(created), id_position(identifier)
    except ValueError:
        raise invalid_offset(after) from None


def tag_token(row: Tagged) -> str:
    """What continues a page of tags."""
    return msgspec.json.encode([row.tag, row.entity_name, row.entity_id]).decode()


def tag_position(after: str) -> tuple[str, str, str]:
    """Tag, kind and id out of what `tag_token` made. Raises EntityError for anything else."""
    try:
        position = msgspec.json.decode(after, type=tuple[str, str, str])
    except msgspec.DecodeError:
        raise invalid_offset(after) from None
    if not is_uuid(position[2]) or "\0" in position[0] + position[1]:
        raise invalid_offset(after)
    return position
