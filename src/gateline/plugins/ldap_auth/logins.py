"""How a user name and a password are proven to a directory, and which groups the user is in."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from gateline.plugins.ldap_auth import names
from gateline.plugins.ldap_auth.connection import Connection, DirectoryError
from gateline.plugins.ldap_auth.messages import SUCCESS, Entry, Result

__all__ = ["DirectBind", "Groups", "Login", "SearchAndBind"]

_log = logging.getLogger(__name__)

NOT_ABOUT_THE_USER = frozenset({1, 2, 3, 7, 8, 10, 11, 13, 51, 52, 80})
"""Codes of RFC 4511 that say that the directory cannot or will not tell, not that a password is wrong: operationsError,
protocolError, timeLimitExceeded, authMethodNotSupported, strongerAuthRequired, referral, adminLimitExceeded,
confidentialityRequired, busy, unavailable, other."""
MOST_GROUPS = 1000
_SIZE_LIMIT_EXCEEDED = 4


@dataclass(frozen=True, slots=True)
class Login:
    """A user that has proven to be one: its name in the directory and its groups, where they were looked for."""

    dn: str
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """Where the groups of a user are looked for."""

    base: str
    name_attribute: str
    member_attribute: str
    of_base: list[tuple[str, str]] = field(init=False)
    """The base in the form in which names are compared."""

    def __post_init__(self) -> None:
        """Raises ValueError for a base that is no name."""
        base = names.normalised(self.base)
        if base is None:
            raise ValueError(f"no distinguished name: {self.base}")
        object.__setattr__(self, "of_base", base)

    @property
    def listed_by_user(self) -> bool:
        """Whether it is the user's entry that lists its groups, not the groups' that list their members."""
        return self.member_attribute.lower() == "memberof"

    def of_entry(self, entry: Entry) -> tuple[str, ...]:
        """The groups that a user's entry lists: the names of those below the base."""
        return tuple(dict.fromkeys(self._named(entry.attributes.get(self.member_attribute.lower(), ()))))

    def _named(self, values: Iterable[bytes]) -> Iterable[str]:
        for value in values:
            parts = names.parts_of(value.decode("utf-8", "replace"))
            if not parts or not names.below([(name, text.lower()) for name, text in parts], self.of_base):
                continue
            attribute, name = parts[0]
            if attribute == self.name_attribute.lower():
                yield name

    async def listing(self, connection: Connection, dn: str, username: str, seconds: int) -> tuple[str, ...]:
        """The groups that list the user as a member, looked for with the rights that the connection has."""
        member = username if self.member_attribute.lower() == "memberuid" else dn
        result, found = await connection.search(
            self.base, self.member_attribute, member, (self.name_attribute,), most=MOST_GROUPS, seconds=seconds
        )
        if result.code != SUCCESS:
            raise DirectoryError(f"the search for groups below {self.base} failed ({result.code}: {result.text})")
        values = (value for entry in found for value in entry.attributes.get(self.name_attribute.lower(), ()))
        return tuple(dict.fromkeys(value.decode("utf-8", "replace") for value in values))


@dataclass(frozen=True, slots=True)
class DirectBind:
    """The user's name in the directory follows from the user name: bind with it."""

    base: str
    attribute: str
    groups: Groups | None = None
    seconds: int = 0
    logged: bool = False

    async def __call__(self, connection: Connection, username: str, password: str) -> Login | None:
        """The login, None for a wrong user name or password. Raises DirectoryError."""
        dn = f"{self.attribute}={names.escaped(username)},{self.base}"
        if not _proven(await connection.bind(dn, password)):
            return None
        groups = self.groups
        if groups is None:
            return Login(dn)
        if not groups.listed_by_user:
            return Login(dn, await groups.listing(connection, dn, username, self.seconds))
        entry = await _only(connection, self, username, (groups.member_attribute,))
        return Login(dn, groups.of_entry(entry) if entry is not None else ())


@dataclass(frozen=True, slots=True)
class SearchAndBind:
    """The user is looked for, with the rights of an account for that, and bound with the name that was found."""

    bind_dn: str
    bind_password: str
    base: str
    attribute: str
    groups: Groups
    seconds: int = 0
    logged: bool = False

    async def __call__(self, connection: Connection, username: str, password: str) -> Login | None:
        """The login, None for an unknown user or a wrong password. Raises DirectoryError."""
        await self._as_account(connection)
        groups = self.groups
        wanted = (groups.member_attribute,) if groups.listed_by_user else ()
        entry = await _only(connection, self, username, wanted)
        if entry is None or not entry.dn or not _proven(await connection.bind(entry.dn, password)):
            return None
        if groups.listed_by_user:
            return Login(entry.dn, groups.of_entry(entry))
        await self._as_account(connection)
        return Login(entry.dn, await groups.listing(connection, entry.dn, username, self.seconds))

    async def _as_account(self, connection: Connection) -> None:
        result = await connection.bind(self.bind_dn, self.bind_password)
        if result.code != SUCCESS:
            raise DirectoryError(f"bind_dn was refused ({result.code}: {result.text})")


def _proven(result: Result) -> bool:
    if result.code in NOT_ABOUT_THE_USER:
        raise DirectoryError(f"the bind failed ({result.code}: {result.text})")
    return result.code == SUCCESS


async def _only(
    connection: Connection, login: DirectBind | SearchAndBind, username: str, wanted: Sequence[str]
) -> Entry | None:
    """The one entry of a user; None where there is none. Raises DirectoryError where there are several."""
    result, found = await connection.search(
        login.base, login.attribute, username, tuple(wanted), most=2, seconds=login.seconds
    )
    if login.logged:
        _log.info("ldap search results for %s=%s: %s", login.attribute, username, found)
    if len(found) > 1 or result.code == _SIZE_LIMIT_EXCEEDED:
        raise DirectoryError(f"more than one entry below {login.base} has this {login.attribute}")
    if result.code != SUCCESS:
        raise DirectoryError(f"the search below {login.base} failed ({result.code}: {result.text})")
    return found[0] if found else None
