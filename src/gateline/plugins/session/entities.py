"""Sessions in the store, where `storage` is `kong`."""

from typing import Annotated, ClassVar

from gateline.pdk.fields import Entity, Expiring, Field, Reference, To, Unique

__all__ = ["SessionMetadata", "StoredSession"]


class StoredSession(Expiring):
    """A session. Who takes it away ends it. What is in it only the plugin can read, and only with the cookie."""

    kind: ClassVar = "sessions"
    singular: ClassVar = "session"
    endpoint_key: ClassVar = "session_id"
    passing: ClassVar = True
    not_shown: ClassVar = frozenset({"expires_at", "updated_at"})

    session_id: Annotated[str, Unique(), Field(description="The session's name; the cookie holds more than it.")]
    expires: Annotated[int | None, Field(description="When it is over, in seconds since 1970.")] = None
    data: Annotated[str | None, Field(description="Who it is, sealed.")] = None


class SessionMetadata(Entity):
    """Of whom a session is, where `store_metadata` is set."""

    kind: ClassVar = "session_metadatas"
    singular: ClassVar = "session_metadata"
    flat_path: ClassVar = "session-metadatas"
    passing: ClassVar = True
    not_shown: ClassVar = frozenset({"updated_at"})

    session: Annotated[Reference, To("sessions", on_delete="cascade"), Field(description="The session.")]
    sid: Annotated[str | None, Field(description="The session's name.")] = None
    audience: Annotated[str | None, Field(description="For whom it is.")] = None
    subject: Annotated[str | None, Field(description="Of whom it is.")] = None
