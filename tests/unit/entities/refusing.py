"""What an entity says to wrong data."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateline.entities import Entity, EntityError


def fields_of(entity: type[Entity], data: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The `fields` of the refusal of data."""
    with pytest.raises(EntityError) as caught:
        entity.parse(data, **more)
    return dict(caught.value.fields or {})


def patch_fields_of(before: Entity, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The `fields` of the refusal of a change."""
    with pytest.raises(EntityError) as caught:
        type(before).patched(before.to_wire(), changes)
    return dict(caught.value.fields or {})
