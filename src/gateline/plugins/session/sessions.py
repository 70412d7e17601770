"""Sessions behind one cookie: opened, begun, renewed, ended; in the cookie itself or in the store.

The answer that begins a session does not wait for the store: what is begun is in the node's cache until the store has
it. What is over is noted in the node's cache too, so that a cookie that was sealed to hold for longer is no good any
more, and that a store that is gone does not keep anybody logged in.
"""

import logging
import math
from dataclasses import dataclass

from gateline.pdk import Node
from gateline.plugins.session.cookies import LONGEST, Cookie
from gateline.plugins.session.entities import SessionMetadata, StoredSession
from gateline.plugins.session.times import Times
from gateline.plugins.session.tokens import Kept, Seals, Token, named, new_id

__all__ = ["Session", "Sessions"]

_log = logging.getLogger(__name__)

_KIND = StoredSession.kind


@dataclass(frozen=True, slots=True)
class Session:
    """A session that is in force."""

    id: bytes
    token: Token
    kept: Kept
    stale: bool = False
    """Whether it was renewed: another one goes on in its place, and it is over soon, whatever is done with it."""

    @property
    def name(self) -> str:
        """Its id as a text."""
        return named(self.id)


class Sessions:
    """See the module. `audience` is None where no metadata is kept; `lasting`: the cookie outlives the browser."""

    def __init__(
        self,
        node: Node,
        seals: Seals,
        times: Times,
        cookie: Cookie,
        *,
        stored: bool,
        stale_ttl: float,
        audience: str | None = None,
        lasting: bool = False,
    ) -> None:
        self.cookie = cookie
        self.times = times
        self.stored = stored
        self._entities = node.entities
        self._cache = node.cache
        self._seals = seals
        self._stale_ttl = stale_ttl
        self._audience = audience
        self._lasting = lasting

    def opened(self, text: str, now: float) -> Session | None:
        """The session of a cookie's value; None where it is of none that is in force."""
        found = self._seals.opened(text)
        if found is None:
            return None
        id, token = found  # noqa: A001 - what it is
        if not self.times.good(token, now):
            return None
        over = self._cache.get(_over(named(id)))
        if over is not None and now >= float(over):
            return None
        kept = self._kept(id) if self.stored else token.kept
        return None if kept is None else Session(id, token, kept, stale=over is not None)

    def begun(self, kept: Kept, now: float, created: int | None = None) -> Session:
        """A new session; `created`: when the one began that it goes on with."""
        moment = int(now)
        token = Token(moment if created is None else created, moment, moment, None if self.stored else kept)
        session = Session(new_id(), token, kept)
        if self.stored:
            row = self._seals.sealed_row(session.id, kept)
            self._cache.put(_begun(session.name), row.encode(), ttl=self.times.lasts(token, now))
        return session

    def touched(self, session: Session, now: float) -> Session:
        """The session, with the note that it is in use."""
        token = session.token
        return Session(session.id, Token(token.created, token.rolled, int(now), token.kept), session.kept)

    def line(self, session: Session, now: float) -> str | None:
        """The `Set-Cookie` of a session; None where no browser would take it."""
        value = self._seals.sealed(session.id, session.token)
        cookie = self.cookie
        line = cookie.lasting(value, now, self.times.lasts(session.token, now)) if self._lasting else cookie.of(value)
        if len(line) > LONGEST:
            _log.error("a session does not fit into a cookie of %d octets: set config.storage to kong", LONGEST)
            return None
        return line

    def end(self, session: Session, now: float, after: float = 0.0) -> None:
        """Have a session be over on this node, at once or after some seconds."""
        name = session.name
        self._cache.put(_over(name), str(now + after).encode(), ttl=self.times.lasts(session.token, now))
        if not after:
            self._cache.remove(_begun(name))

    # -- the store -------------------------------------------------------------------------------------------------
    async def keep(self, session: Session, now: float) -> None:
        """Put a session that was begun into the store. Raises EntitiesError."""
        name = session.name
        if self._cache.get(_over(name)) is not None:
            return
        row = self._row(session, self._seals.sealed_row(session.id, session.kept), now, self._lasts(session, now))
        await self._entities.insert(row)
        if self._audience is not None:
            told = {"sid": name, "audience": self._audience, "subject": session.kept.subject}
            await self._entities.insert(SessionMetadata.parse({"session": {"id": row.id}, **told}))
        self._cache.remove(_begun(name))

    async def remove(self, session: Session) -> None:
        """Take a session out of the store. Raises EntitiesError."""
        await self._entities.delete((_KIND, "session_id", session.name))

    async def let_go(self, session: Session, now: float) -> None:
        """Have a session that was renewed be over soon in the store. Raises EntitiesError."""
        place = (_KIND, "session_id", session.name)
        found = self._entities.find(*place)
        if found is None:
            return
        if self._stale_ttl < 1:
            await self._entities.delete(place)
            return
        row = self._row(session, found.fields["data"], now, math.ceil(self._stale_ttl), found.id)
        await self._entities.insert(row, instead_of=place)

    def _lasts(self, session: Session, now: float) -> int:
        return self.times.lasts(session.token, now)

    @staticmethod
    def _row(session: Session, data: str, now: float, ttl: int, id: str | None = None) -> StoredSession:  # noqa: A002
        fields = {"session_id": session.name, "data": data, "expires": int(now) + ttl, "ttl": ttl}
        return StoredSession.parse(fields if id is None else {"id": id, **fields})

    def _kept(self, id: bytes) -> Kept | None:  # noqa: A002
        name = named(id)
        found = self._entities.find(_KIND, "session_id", name)
        if found is not None:
            return self._seals.opened_row(id, found.fields.get("data") or "")
        begun = self._cache.get(_begun(name))
        return None if begun is None else self._seals.opened_row(id, begun.decode())


def _begun(name: str) -> str:
    return f"session {name}"


def _over(name: str) -> str:
    return f"session over {name}"
