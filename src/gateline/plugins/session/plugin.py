"""The plugin session."""

import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from gateline.pdk import (
    Answer,
    Consumer,
    Credential,
    EntitiesError,
    ErrorResponse,
    Exchange,
    Identity,
    Plugin,
    Response,
)
from gateline.plugins.session.config import Config
from gateline.plugins.session.cookies import Cookie
from gateline.plugins.session.entities import SessionMetadata, StoredSession
from gateline.plugins.session.sessions import Session, Sessions
from gateline.plugins.session.times import Times
from gateline.plugins.session.tokens import Kept, Seals, named

__all__ = ["SessionPlugin"]

_log = logging.getLogger(__name__)

_GROUPS = "X-Authenticated-Groups"
_Write = Callable[[], Awaitable[None]]
_secret_of_this_process = secrets.token_urlsafe(32)


@dataclass(slots=True)
class _State:
    """What is known of the session of one exchange."""

    session: Session | None = None
    remembered: Session | None = None
    lines: dict[str, str] = field(default_factory=dict)
    """`Set-Cookie` by the cookie's name."""
    writes: list[_Write] = field(default_factory=list)
    """What the store has to be told when the client has its answer."""


class SessionPlugin(
    Plugin[Config],
    name="session",
    entities=(StoredSession, SessionMetadata),
    no_consumer=True,
    no_consumer_group=True,
):
    """See the package."""

    large_body = "pass"

    def __init__(self, config: Config) -> None:
        node, secret = self.node, config.secret
        if not secret:  # a reference to what is not there
            _log.error("session: there is no secret: sessions hold only in the worker that began them")
            secret = _secret_of_this_process
        stored = config.storage == "kong"
        audience = config.audience if stored and config.store_metadata else None
        self._sessions = Sessions(
            node,
            Seals(secret, f"{config.cookie_name}\n{config.audience}"),
            Times(config.idling_timeout, config.rolling_timeout, config.absolute_timeout),
            Cookie(config.cookie_name, config),
            stored=stored,
            stale_ttl=config.stale_ttl,
            audience=audience,
        )
        self._remembered = None
        if config.remember:
            self._remembered = Sessions(
                node,
                Seals(secret, f"{config.remember_cookie_name}\n{config.audience}\nremember"),
                Times(0, config.remember_rolling_timeout, config.remember_absolute_timeout),
                Cookie(config.remember_cookie_name, config),
                stored=stored,
                stale_ttl=config.stale_ttl,
                audience=audience,
                lasting=True,
            )
        self._consumer = node.credentials.consumer
        self._methods = frozenset(config.logout_methods or ())
        self._reads = config.read_body_for_logout and config.logout_post_arg is not None
        self._told_service = _header_names(config.request_headers)
        self._told_client = _header_names(config.response_headers)

    # -- a request with a session ----------------------------------------------------------------------------------
    def reads_request(self, exchange: Exchange) -> bool:
        """Whether the body may ask for the end of the session."""
        return self._reads and exchange.request.method in self._methods and self._opened(exchange) is not None

    def access(self, exchange: Exchange) -> Answer | Coroutine[Any, Any, Answer] | None:
        """Go on as whom the session says, or end it."""
        for name in self._told_service.values():
            exchange.service_request.remove_header(name)
        state = self._opened(exchange)
        if state is None:
            return None
        if self._asks_for_the_end(exchange):
            return self._logout(state)
        exchange.context[self] = state
        known = state.session or state.remembered
        consumer = None if known is None else self._consumer(known.kept.consumer)
        if known is None or consumer is None:
            self._end(state)
            return None
        session = self._refreshed(state)
        self._proceed(exchange, session, consumer)
        return None

    def _opened(self, exchange: Exchange) -> _State | None:
        request = exchange.request
        if request.header("cookie") is None:
            return None
        cookies, now = request.cookies(), self.node.time()
        text = cookies.get(self._sessions.cookie.name)
        session = None if text is None else self._sessions.opened(text, now)
        remembered = None
        if self._remembered is not None and (text := cookies.get(self._remembered.cookie.name)) is not None:
            remembered = self._remembered.opened(text, now)
        return None if session is None and remembered is None else _State(session, remembered)

    def _refreshed(self, state: _State) -> Session:
        """The session, renewed, touched or begun anew where that is due."""
        sessions, now = self._sessions, self.node.time()
        session, remembered = state.session, state.remembered
        if session is None:
            assert remembered is not None and self._remembered is not None  # noqa: S101, PT018 - or there is no state
            session = self._begin(sessions, state, remembered.kept)
            if not remembered.stale:
                state.remembered = self._replaced(self._remembered, state, remembered)
        elif session.stale:
            return session
        elif sessions.times.wants_renewal(session.token, now):
            session = self._replaced(sessions, state, session)
        elif sessions.times.wants_touch(session.token, now):
            session = sessions.touched(session, now)
            self._set(sessions, state, session)
        state.session = session
        return session

    def _proceed(self, exchange: Exchange, session: Session, consumer: Consumer) -> None:
        kept, service = session.kept, exchange.service_request
        if kept.groups:
            service.set_header(_GROUPS, ", ".join(kept.groups))
        else:
            service.remove_header(_GROUPS)
        if self._told_service:
            for name, value in self._told(session, self._told_service).items():
                service.set_header(name, value)
        credential = Credential(kept.credential, kept.credential, consumer_id=consumer.id)
        exchange.authenticate(Identity(consumer, credential, groups=kept.groups))

    # -- the end of a session --------------------------------------------------------------------------------------
    def _asks_for_the_end(self, exchange: Exchange) -> bool:
        request, config = exchange.request, self.config
        if request.method not in self._methods:
            return False
        name = config.logout_query_arg
        if name is not None and request.query and request.query_arg(name) is not None:
            return True
        return self._reads and config.logout_post_arg in _fields(exchange)

    def _logout(self, state: _State) -> Answer | Coroutine[Any, Any, Answer]:
        self._end(state)
        headers = {"Set-Cookie": list(state.lines.values())}
        return self._logged_out(state, headers) if state.writes else Response(200, headers=headers)

    async def _logged_out(self, state: _State, headers: Mapping[str, list[str]]) -> Answer:
        try:
            for write in state.writes:
                await write()
        except EntitiesError as error:
            _log.error("session: the end of a session could not be stored: %s", error)
            return ErrorResponse(500, "An unexpected error occurred", headers)
        return Response(200, headers=headers)

    def _end(self, state: _State) -> None:
        """End what there is."""
        now = self.node.time()
        for sessions, session in ((self._sessions, state.session), (self._remembered, state.remembered)):
            if sessions is None:
                continue
            state.lines[sessions.cookie.name] = sessions.cookie.removed
            if session is not None:
                sessions.end(session, now)
                if sessions.stored:
                    state.writes.append(_removing(sessions, session))
        state.session = state.remembered = None

    # -- a new session ---------------------------------------------------------------------------------------------
    def header_filter(self, exchange: Exchange) -> None:
        """Begin a session for who was authenticated, and set its cookie."""
        identity = exchange.identity
        state = exchange.context.get(self)
        if identity is not None and identity.consumer is not None and identity.credential is not None:
            consumer, credential = identity.consumer, identity.credential
            known = None if state is None or state.session is None else state.session.kept
            if known is None or (known.consumer, known.credential) != (consumer.id, credential.id):
                state = exchange.context[self] = self._for(consumer, credential, identity, state)
        if state is None:
            return
        response = exchange.response
        for line in state.lines.values():
            response.add_header("Set-Cookie", line)
        if self._told_client and state.session is not None:
            for name, value in self._told(state.session, self._told_client).items():
                response.set_header(name, value)

    def log(self, exchange: Exchange) -> Coroutine[Any, Any, None] | None:
        """Tell the store what there is to tell."""
        state = exchange.context.get(self)
        return self._written(state.writes) if state is not None and state.writes else None

    async def _written(self, writes: list[_Write]) -> None:
        for write in writes:
            try:
                await write()
            except EntitiesError as error:
                _log.error("session: a session could not be stored: %s", error)

    def _for(self, consumer: Consumer, credential: Credential, identity: Identity, before: _State | None) -> _State:
        """A new session, in place of the one of somebody else."""
        state = _State()
        if before is not None:
            state.session, state.remembered, state.writes = before.session, before.remembered, before.writes
            self._end(state)
            state.lines.clear()
        subject = consumer.username or consumer.custom_id or consumer.id
        if self.config.hash_subject:
            subject = named(sha256(subject.encode()).digest())
        groups = None if identity.groups is None else tuple(identity.groups)
        kept = Kept(consumer.id, credential.id, groups, subject)
        state.session = self._begin(self._sessions, state, kept)
        if self._remembered is not None:
            state.remembered = self._begin(self._remembered, state, kept)
        return state

    def _begin(self, sessions: Sessions, state: _State, kept: Kept, created: int | None = None) -> Session:
        now = self.node.time()
        session = sessions.begun(kept, now, created)
        self._set(sessions, state, session)
        if sessions.stored:
            state.writes.append(lambda: sessions.keep(session, now))
        return session

    def _replaced(self, sessions: Sessions, state: _State, session: Session) -> Session:
        """A session that goes on under another id."""
        now = self.node.time()
        sessions.end(session, now, self.config.stale_ttl)
        if sessions.stored:
            state.writes.append(lambda: sessions.let_go(session, now))
        return self._begin(sessions, state, session.kept, session.token.created)

    def _set(self, sessions: Sessions, state: _State, session: Session) -> None:
        line = sessions.line(session, self.node.time())
        if line is not None:
            state.lines[sessions.cookie.name] = line

    def _told(self, session: Session, names: Mapping[str, str]) -> dict[str, str]:
        values: dict[str, Any] = {"id": session.name, "audience": self.config.audience, "subject": session.kept.subject}
        values.update(self._sessions.times.left(session.token, self.node.time()))
        return {header: str(values[name]) for name, header in names.items() if name in values}


def _header_names(properties: tuple[str, ...] | None) -> dict[str, str]:
    """The headers by the properties that they tell."""
    return {one: "-".join(word.capitalize() for word in f"session-{one}".split("-")) for one in properties or ()}


def _removing(sessions: Sessions, session: Session) -> _Write:
    return lambda: sessions.remove(session)


def _fields(exchange: Exchange) -> frozenset[str]:
    """The names of the body's fields, where it is a form or a JSON record."""
    request = exchange.request
    if not request.body:
        return frozenset()
    form = request.form()
    if form is not None:
        return frozenset(name for name, _ in form)
    try:
        record = request.json()
    except ValueError:
        return frozenset()
    if not isinstance(record, dict):
        return frozenset()
    return frozenset(name for name, value in record.items() if value is not None and value is not False)
