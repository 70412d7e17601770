"""Who sends a request: one model, whatever plugin found it out.

An authentication plugin gives the exchange an `Identity`; limits, access lists, logs and transformations read it there.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

__all__ = ["Consumer", "Credential", "Identity"]


class Consumer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A consumer as the workers know it; `groups` are the names of its consumer groups, `group_ids` their ids."""

    id: str
    username: str | None = None
    custom_id: str | None = None
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


class Credential(msgspec.Struct, frozen=True, gc=False):
    """What a client proved its identity with.

    `identifier` is what logs and the upstream (X-Credential-Identifier) are told. `fields` are the entity's; what is
    secret among them is there only where the plugin needs it.
    """

    id: str
    identifier: str | None = None
    kind: str = ""
    consumer_id: str | None = None
    fields: Mapping[str, Any] = msgspec.field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Credential({self.id!r}, {self.identifier!r}, {self.kind!r}, {self.consumer_id!r})"


class Identity(msgspec.Struct, frozen=True, gc=False):
    """The result of authentication. `groups` are access-list groups that came with it (a directory's, a token's):
    None where nothing is known of any, empty where it is known that there are none."""

    consumer: Consumer | None = None
    credential: Credential | None = None
    anonymous: bool = False
    groups: Collection[str] | None = None
    scopes: Collection[str] = ()
    claims: Mapping[str, Any] = msgspec.field(default_factory=dict)
    subject: str | None = None
    """Who it is where there is no consumer: a user of a directory, the subject of a token."""
