"""acl: groups of consumers that may, or may not, use a service."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Annotated, Any, ClassVar

from gateline.pdk import Answer, Consumer, ErrorResponse, Exchange, HeaderChanges, Plugin, PluginConfig
from gateline.pdk.fields import AtLeastOneOf, Custom, Entity, Field, Reference, Tags, To
from gateline.pdk.generational_cache import GenerationalCache
from gateline.pdk.node import Found

__all__ = ["Acl", "AclGroup", "Config"]

_FIELDS = ("config.allow", "config.deny")
_GROUPS, _AUTHENTICATED = "X-Consumer-Groups", "X-Authenticated-Groups"
_REMEMBERED = 4096
"""Consumers of whom something is kept; when there are more, all are forgotten."""


class AclGroup(Entity):
    """A consumer's being in a group."""

    kind: ClassVar = "acls"
    singular: ClassVar = "acl"
    nested_key: ClassVar = "group"
    unique_together: ClassVar = (("consumer", "group"),)
    not_shown: ClassVar = frozenset({"updated_at"})

    consumer: Annotated[Reference, To("consumers", on_delete="cascade"), Field(description="Who is in the group.")]
    group: Annotated[str, Field(description="The group's name.")]
    tags: Tags | None = None


class Config(PluginConfig):
    """Which groups, and what the service is told of them."""

    allow: Annotated[tuple[str, ...] | None, Field(description="Groups that may use the service, and no other.")] = None
    deny: Annotated[tuple[str, ...] | None, Field(description="Groups that may not use the service.")] = None
    hide_groups_header: Annotated[bool, Field(description="Do not tell the service the groups.")] = False
    include_consumer_groups: Annotated[
        bool, Field(description="Count the consumer groups that the consumer is in among its groups.")
    ] = False
    always_use_authenticated_groups: Annotated[
        bool, Field(description="Take the groups that came with the authentication also where there is a consumer.")
    ] = False


def _both(values: Mapping[str, Any]) -> str | None:
    config = values["config"]
    both = config is not None and config.allow and config.deny
    return "exactly one of these fields must be non-empty: 'config.allow', 'config.deny'" if both else None


class Acl(
    Plugin[Config],
    name="acl",
    entities=(AclGroup,),
    no_consumer=True,
    no_consumer_group=True,
    checks=(Custom(_FIELDS, _both), AtLeastOneOf(_FIELDS)),
    hooks=("access",),
):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self.access = Membership(config, self.node.credentials.of_consumer).access


class Judged:
    """What is known of groups: whether they pass, and what the service is told. `found` are the entities of the
    consumer from which that follows."""

    __slots__ = ("changes", "consumer", "found", "passes")

    def __init__(self, found: Sequence[Found], consumer: Consumer | None, passes: bool, changes: HeaderChanges) -> None:
        self.found = found
        self.consumer = consumer
        self.passes = passes
        self.changes = changes


class Membership:
    """The hook, and what it knows of consumers: the same until they are in other groups."""

    __slots__ = ("_allows", "_always_authenticated", "_hides", "_includes", "_known", "_listed", "_of_consumer")

    def __init__(self, config: Config, of_consumer: Callable[[str, str], Sequence[Found]]) -> None:
        self._listed = frozenset(config.allow or config.deny or ())
        self._allows = bool(config.allow)
        self._hides = config.hide_groups_header
        self._includes = config.include_consumer_groups
        self._always_authenticated = config.always_use_authenticated_groups
        self._of_consumer = of_consumer
        self._known = GenerationalCache(_REMEMBERED)

    def access(self, exchange: Exchange) -> Answer | None:
        """Let the request through, or not."""
        identity = exchange.identity
        if identity is None:
            return ErrorResponse(401, "Unauthorized")
        consumer, groups = identity.consumer, identity.groups
        if groups is not None and (consumer is None or identity.credential is None or self._always_authenticated):
            judged = self._judged((), None, groups)
        elif consumer is None:
            if identity.credential is None:
                return ErrorResponse(401, "Unauthorized")
            return ErrorResponse(403, "You cannot consume this service")
        else:
            judged = self._of(consumer)
        if not judged.passes:
            if identity.anonymous and self._allows:
                return ErrorResponse(401, "Unauthorized")
            return ErrorResponse(403, "You cannot consume this service")
        exchange.service_request.change_headers(judged.changes)
        return None

    def _of(self, consumer: Consumer) -> Judged:
        """What is known of a consumer. What is found is the same object as long as nothing has changed."""
        found = self._of_consumer("acls", consumer.id)
        known: Judged | None = self._known.get(consumer.id)
        if known is None or known.found is not found or known.consumer != consumer:
            groups = [one.fields["group"] for one in found]
            if self._includes:
                groups += consumer.groups
            known = self._judged(found, consumer, groups)
            self._known.put(consumer.id, known)
        return known

    def _judged(self, found: Sequence[Found], consumer: Consumer | None, groups: Collection[str]) -> Judged:
        header, other = (_AUTHENTICATED, _GROUPS) if consumer is None else (_GROUPS, _AUTHENTICATED)
        changes = HeaderChanges()
        if self._hides:
            changes.remove_header(header)
        else:
            changes.set_header(header, ", ".join(groups))
        changes.remove_header(other)
        passes = self._listed.isdisjoint(groups) is not self._allows
        return Judged(found, consumer, passes, changes)
