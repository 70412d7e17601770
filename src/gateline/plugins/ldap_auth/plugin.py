"""The plugins ldap-auth and ldap-auth-advanced."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from msgspec import structs

from gateline.pdk import Answer, Consumer, Credential, ErrorResponse, Exchange, Identity, PluginError, Response
from gateline.pdk.authentication import Authentication, AuthenticationConfig, Realm, Refusal
from gateline.pdk.fields import Between, Conditional, Constraint, Field, GreaterThan, Host, OneOf, Port, Ref, Secret
from gateline.plugins.ldap_auth.connection import Connection, DirectoryError
from gateline.plugins.ldap_auth.credentials import Given, given_in
from gateline.plugins.ldap_auth.directory import Address, Directory
from gateline.plugins.ldap_auth.logins import DirectBind, Groups, Login, SearchAndBind
from gateline.plugins.ldap_auth.outcomes import Outcomes

__all__ = ["AdvancedConfig", "Config", "LdapAuth", "LdapAuthAdvanced"]

_log = logging.getLogger(__name__)

_HEADERS = ("proxy-authorization", "authorization")
_GROUPS = "X-Authenticated-Groups"
_LONGEST = 2**31 - 2
_REFUSED = Refusal("Unauthorized")


@dataclass(frozen=True, slots=True)
class _Is(Constraint):
    """One value of a switch."""

    value: bool

    def refuse(self, value: Any) -> str | None:
        """What is wrong with a value."""
        return None if value is self.value else f"value must be {str(self.value).lower()}"

    def kong(self) -> dict[str, Any]:
        """In Kong's schema layout."""
        return {"eq": self.value}


class Config(AuthenticationConfig):
    """Where the directory is, how users are named in it, and what the client is told."""

    checks: ClassVar = (
        Conditional(
            "ldaps", _Is(True), "start_tls", _Is(False), "'ldaps' and 'start_tls' cannot be enabled simultaneously"
        ),
    )

    ldap_host: Annotated[Host, Field(description="The directory's host.")]
    ldap_port: Annotated[Port, Field(description="The directory's port.")] = 389
    ldaps: Annotated[bool, Field(description="Speak TLS from the beginning (usually on port 636).")] = False
    start_tls: Annotated[bool, Field(description="Begin in the clear, and go on in TLS before anything is said.")] = (
        False
    )
    verify_ldap_host: Annotated[
        bool,
        Field(
            description="Whether the directory's certificate must be of its host and of an authority that is trusted"
            " (`lua_ssl_trusted_certificate`)."
        ),
    ] = False
    base_dn: Annotated[str, Field(description="The name below which the users are.")]
    attribute: Annotated[str, Field(description="The attribute that is the user name, such as `uid` or `cn`.")]
    cache_ttl: Annotated[
        float,
        Between(0, _LONGEST),
        Field(description="Seconds for which a worker remembers how a login ended; 0: not at all."),
    ] = 60
    hide_credentials: Annotated[bool, Field(description="Take the credentials out of what the service gets.")] = False
    timeout: Annotated[
        float,
        GreaterThan(0),
        Field(description="Milliseconds that the directory may take for one login, all that it needs included."),
    ] = 10000
    keepalive: Annotated[
        float,
        Between(0, _LONGEST),
        Field(description="Milliseconds for which a connection that is not used is kept; 0: for ever."),
    ] = 60000
    header_type: Annotated[
        str, Field(description="The scheme in the Authorization header; `basic` is what browsers know.")
    ] = "ldap"
    realm: Realm = None


class AdvancedConfig(Config):
    """What it takes to look users up, to know their groups, and to find the consumers that they are."""

    bind_dn: Annotated[
        str | None,
        Ref(),
        Field(
            description="The name of an account that may look users up. Without it the name of a user in the directory"
            " is made of `attribute`, the user name and `base_dn`."
        ),
    ] = None
    ldap_password: Annotated[str | None, Ref(), Secret(), Field(description="The password of that account.")] = None
    consumer_optional: Annotated[
        bool, Field(description="Do not look for the consumer that a user is: any user gets through.")
    ] = False
    consumer_by: Annotated[
        tuple[Annotated[str, OneOf(("username", "custom_id"))], ...],
        Field(description="What of a consumer the user name is; tried in this order."),
    ] = ("username", "custom_id")
    group_base_dn: Annotated[
        str | None, Field(description="The name below which the groups are; `base_dn` if it is left out.")
    ] = None
    group_name_attribute: Annotated[
        str | None, Field(description="The attribute that is the name of a group; `attribute` if it is left out.")
    ] = None
    group_member_attribute: Annotated[
        str,
        Field(
            description="Where it says who is in a group: `memberOf`, which lists the groups in a user's entry, or the"
            " attribute of a group's entry that lists its members, such as `member`, `uniqueMember` or `memberUid`."
        ),
    ] = "memberOf"
    groups_required: Annotated[
        tuple[str, ...] | None,
        Field(description="Groups of which the user must be in one. Of `a b`, with a space, the user must be in both."),
    ] = None
    log_search_results: Annotated[bool, Field(description="Log what was found of a user, to find mistakes.")] = False


C = TypeVar("C", bound=Config)
_Told = tuple[Identity | None] | DirectoryError | None
"""What requests with the same login are told by the one that asked; None: nothing, it has gone."""
_Proof = Callable[[Connection, str, str], Awaitable[Login | None]]


class _Ldap(Authentication[C], Generic[C]):
    """What both have in common: asks the directory, and remembers for a while what it said."""

    def __init__(self, config: C) -> None:
        scheme = "LDAP" if config.header_type == "ldap" else config.header_type
        self.challenge = f'{scheme} realm="{config.realm}"' if config.realm else scheme
        self._scheme = config.header_type.lower()
        self._hide = config.hide_credentials
        context = None
        if config.ldaps or config.start_tls:
            context = self.node.tls_context(verify=config.verify_ldap_host)
        address = Address(
            config.ldap_host,
            config.ldap_port,
            tls=context if config.ldaps else None,
            start_tls=context if config.start_tls else None,
        )
        self._directory = Directory(address, timeout=config.timeout / 1000, keepalive=config.keepalive / 1000)
        self._outcomes: Outcomes[Identity] = Outcomes(config.cache_ttl)
        self._asking: dict[bytes, asyncio.Future[_Told]] = {}
        self._prove = self._proof(config)
        self._place = f"{address}\n{config.base_dn}\n{config.attribute}\n"

    def access(self, exchange: Exchange) -> Answer | Coroutine[Any, Any, Answer | None] | None:
        """Let the request through, or not; wait only for what is not known yet."""
        if self.passes(exchange):
            return None
        request = exchange.request
        tried = []
        for header in _HEADERS:
            given = given_in(request.header(header), self._scheme)
            if given is None:
                continue
            key = self._outcomes.key(*given)
            known = self._outcomes.get(key)
            if known is None:
                tried.append((key, given))
            elif known[0] is not None:
                if not tried:
                    return self._answer(exchange, known[0])
                tried.append((key, given))
        if tried:
            return self._waiting(exchange, tried)
        return self._answer(exchange, None)

    def close(self) -> None:
        """Let go of the connections."""
        self._directory.close()

    def _proof(self, config: C) -> _Proof:
        """How a user is proven to be one."""
        raise NotImplementedError

    def _answer(self, exchange: Exchange, identity: Identity | None) -> Answer | None:
        """What follows for the request from who sends it."""
        if identity is None:
            return self.concluded(exchange, _REFUSED)
        if self._hide:
            for header in _HEADERS:
                exchange.service_request.remove_header(header)
        return self.concluded(exchange, identity)

    async def _waiting(self, exchange: Exchange, tried: list[tuple[bytes, Given]]) -> Answer | None:
        identity = None
        try:
            for key, given in tried:
                identity = await self._identity(key, given)
                if identity is not None:
                    break
        except DirectoryError as error:
            _log.error("%s: a user could not be authenticated: %s", self.name, error)
            return ErrorResponse(500, "An unexpected error occurred")
        return self._answer(exchange, identity)

    async def _identity(self, key: bytes, given: Given) -> Identity | None:
        """Who a login is. Of several requests with the same one only the first asks the directory."""
        while (known := self._outcomes.get(key)) is None:
            asked = self._asking.get(key)
            if asked is None:
                return await self._asked(key, given)
            told = await asyncio.shield(asked)
            if isinstance(told, DirectoryError):
                raise DirectoryError(str(told))
            if told is not None:
                return told[0]
        return known[0]

    async def _asked(self, key: bytes, given: Given) -> Identity | None:
        shared = self._asking[key] = asyncio.get_running_loop().create_future()
        try:
            login = await self._directory.ask(lambda connection: self._prove(connection, *given))
            identity = None if login is None else self._identity_of(given.username, login)
            self._outcomes.put(key, identity)
            shared.set_result((identity,))
        except DirectoryError as error:
            shared.set_result(error)
            raise
        finally:
            del self._asking[key]
            if not shared.done():
                shared.set_result(None)  # whoever asked has gone: the next one asks
        return identity

    def _identity_of(self, username: str, login: Login) -> Identity:
        credential = Credential(sha256(f"{self._place}{username}".encode()).hexdigest(), username, self.name)
        return Identity(None, credential, groups=login.groups, subject=username)


class LdapAuth(_Ldap[Config], name="ldap-auth"):
    """Users of a directory get through with their user name and password there (LDAP, RFC 4511).

    The name of a user in the directory is made of `attribute`, the user name and `base_dn`. Nobody becomes a consumer;
    the service is told the user name in `X-Credential-Identifier`.
    """

    def _proof(self, config: Config) -> _Proof:
        return DirectBind(config.base_dn, config.attribute)


class LdapAuthAdvanced(_Ldap[AdvancedConfig], name="ldap-auth-advanced"):
    """Users of a directory get through, are looked up as consumers, and bring their groups.

    With `bind_dn` a user is looked for below `base_dn`. The groups are told to the service in
    `X-Authenticated-Groups`, and `acl` goes by them. A user that is no consumer is refused, unless `consumer_optional`
    is set.
    """

    def __init__(self, config: AdvancedConfig) -> None:
        super().__init__(config)
        self._required = tuple(frozenset(one.split()) for one in config.groups_required or ())
        self._consumer_with = self.node.credentials.consumer_with

    def _proof(self, config: AdvancedConfig) -> _Proof:
        seconds = max(int(config.timeout / 1000), 1)
        try:
            groups = Groups(
                config.group_base_dn or config.base_dn,
                config.group_name_attribute or config.attribute,
                config.group_member_attribute,
            )
        except ValueError as error:
            raise PluginError(str(error)) from error
        base, attribute, logged = config.base_dn, config.attribute, config.log_search_results
        if config.bind_dn is not None:
            password = config.ldap_password or ""
            return SearchAndBind(config.bind_dn, password, base, attribute, groups, seconds, logged)
        wanted = config.groups_required or config.group_base_dn or config.group_name_attribute
        return DirectBind(base, attribute, groups if wanted else None, seconds, logged)

    def _answer(self, exchange: Exchange, identity: Identity | None) -> Answer | None:
        service = exchange.service_request
        if identity is None:
            service.remove_header(_GROUPS)
            return super()._answer(exchange, None)
        groups = identity.groups or ()
        if self._required and not any(required.issubset(groups) for required in self._required):
            return Response(403, message="User not in authorized LDAP Group")
        if not self.config.consumer_optional:
            identity = self._as_consumer(identity)
            if identity is None:
                service.remove_header(_GROUPS)
                return super()._answer(exchange, None)
        if groups:
            service.set_header(_GROUPS, ", ".join(groups))
        else:
            service.remove_header(_GROUPS)
        return super()._answer(exchange, identity)

    def _as_consumer(self, identity: Identity) -> Identity | None:
        """The identity with its consumer; None where there is none."""
        for field in self.config.consumer_by:
            consumer: Consumer | None = self._consumer_with(field, identity.subject or "")
            if consumer is not None:
                return structs.replace(identity, consumer=consumer)
        return None
