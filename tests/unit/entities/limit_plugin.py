"""A plugin as one might write it: some limits, a server with a password."""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities import Record
from gateline.entities.checks import AtLeastOneOf, Check, Conditional, There
from gateline.entities.constraints import Between, OneOf
from gateline.entities.marks import AsSet, Ref, Secret
from gateline.entities.plugin_configs import PluginType, register


class Server(Record):
    host: str | None = None
    password: Annotated[str | None, Ref(), Secret()] = None


class LimitConfig(Record):
    minute: Annotated[Annotated[int, Between(1, 1000)] | None, Field(description="Requests a minute.")] = None
    hour: int | None = None
    limit_by: Annotated[str, OneOf(("ip", "header"))] = "ip"
    header_name: str | None = None
    names: Annotated[tuple[str, ...], AsSet()] = ("apikey",)
    headers: dict[str, Annotated[str, Ref()]] | None = None
    server: Server

    checks: ClassVar[tuple[Check, ...]] = (Conditional("limit_by", OneOf(("header",)), "header_name", There()),)


def register_limit() -> PluginType:
    """Make the plugin `limit` known: it may not be put on a consumer, and needs one of its limits."""
    checks = (AtLeastOneOf(("config.minute", "config.hour")),)
    return register("limit", LimitConfig, priority=910, version="1.0.0", no_consumer=True, checks=checks)
