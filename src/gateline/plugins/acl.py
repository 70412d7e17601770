"""acl: groups of consumers that may, or may not, use a service."""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar

from gateline.pdk import Answer, ErrorResponse, Exchange, Plugin, PluginConfig
from gateline.pdk.fields import AtLeastOneOf, Custom, Entity, Field, Reference, Tags, To

__all__ = ["Acl", "AclGroup", "Config"]

_FIELDS = ("config.allow", "config.deny")
_GROUPS, _AUTHENTICATED = "X-Consumer-Groups", "X-Authenticated-Groups"


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
):
    """See the module."""

    def __init__(self, config: Config) -> None:
        self._listed = frozenset(config.allow or config.deny or ())
        self._allows = bool(config.allow)
        self._hides = config.hide_groups_header
        self._of_consumer = self.node.credentials.of_consumer

    def access(self, exchange: Exchange) -> Answer | None:
        """Let the request through, or not."""
        identity = exchange.identity
        consumer = identity.consumer if identity else None
        if identity is None or (consumer is None and identity.groups is None):
            if identity is not None and identity.credential is not None:
                return ErrorResponse(403, "You cannot consume this service")
            return ErrorResponse(401, "Unauthorized")
        config = self.config
        groups: Collection[str]
        if identity.groups is not None and (
            consumer is None or identity.credential is None or config.always_use_authenticated_groups
        ):
            header, other, groups = _AUTHENTICATED, _GROUPS, identity.groups
        else:
            header, other, groups = _GROUPS, _AUTHENTICATED, []
            if consumer is not None:
                groups = [one.fields["group"] for one in self._of_consumer("acls", consumer.id)]
                if config.include_consumer_groups:
                    groups += consumer.groups
        listed = not self._listed.isdisjoint(groups)
        if listed is not self._allows:
            if identity.anonymous and self._allows:
                return ErrorResponse(401, "Unauthorized")
            return ErrorResponse(403, "You cannot consume this service")
        service = exchange.service_request
        if self._hides:
            service.remove_header(header)
        else:
            service.set_header(header, ", ".join(groups))
        service.remove_header(other)
        return None
