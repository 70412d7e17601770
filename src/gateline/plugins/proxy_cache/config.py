"""The configuration of proxy-cache."""

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import create_model

from gateline.pdk import PluginConfig
from gateline.pdk.fields import Between, Conditional, Field, GreaterThan, HeaderName, MinLength, OneOf, Record, There
from gateline.pdk.redis import RedisAnywhere

__all__ = ["MEGABYTE", "Config", "Disk", "Memory", "ResponseHeaders"]

MEGABYTE = 1024 * 1024

_shown = {
    "age": "Tell how old an answer from the cache is (`Age`).",
    "X-Cache-Status": "Tell what the cache did with the request.",
    "X-Cache-Key": "Tell the key of the entry, by which the Admin API finds it.",
    "Cache-Status": "Tell the same in the words of RFC 9211; with `cache_control` only.",
}
if TYPE_CHECKING:

    class ResponseHeaders(Record):
        """What clients are told; the names of the others are none of Python."""

        age: bool = True

else:
    ResponseHeaders = create_model(
        "ResponseHeaders",
        __base__=Record,
        __doc__="What clients are told; what is false is told only to requests with `Kong-Debug: 1`.",
        __module__=__name__,
        **{name: (Annotated[bool, Field(description=text)], True) for name, text in _shown.items()},
    )


class Memory(Record):
    """Where entries are with the strategy `memory`."""

    dictionary_name: Annotated[
        Annotated[str, MinLength(1)],
        Field(description="Name of the room in the node's shared memory; plugins that name the same share it."),
    ] = "kong_db_cache"
    size: Annotated[
        Annotated[int, Between(1, 1024 * 1024)],
        Field(description="Megabytes of it; an entry may take an eighth. What was not used for longest goes."),
    ] = 128


class Disk(Record):
    """Where entries are with the strategy `disk`."""

    name: Annotated[
        Annotated[str, MinLength(1)],
        Field(description="Name of the room on disk; plugins that name the same share it."),
    ] = "proxy-cache"
    size: Annotated[
        Annotated[int, Between(1, 16 * 1024 * 1024)], Field(description="Megabytes of it; an entry may take an eighth.")
    ] = 1024


class Config(PluginConfig):
    """What is cached, for how long, and where."""

    checks: ClassVar = (Conditional("config.strategy", OneOf(("redis",)), "config.redis", There()),)

    response_code: Annotated[
        tuple[Annotated[int, Between(100, 900)], ...],
        MinLength(1),
        Field(description="Statuses of answers that are cached."),
    ] = (200, 301, 404)
    request_method: Annotated[
        tuple[Annotated[str, OneOf(("HEAD", "GET", "POST", "PATCH", "PUT"))], ...],
        Field(description="Methods of requests that are answered from the cache."),
    ] = ("GET", "HEAD")
    content_type: Annotated[
        tuple[str, ...],
        Field(description="Media types of answers that are cached; `*/*` for any, parameters must be the same."),
    ] = ("text/plain", "application/json")
    cache_ttl: Annotated[
        Annotated[int, GreaterThan(0)],
        Field(description="Without `cache_control`: seconds for which an answer is given."),
    ] = 300
    strategy: Annotated[
        str,
        OneOf(("memory", "disk", "redis")),
        Field(description="Where entries are: in the node's shared memory, on its disk, or in Redis."),
    ]
    cache_control: Annotated[
        bool, Field(description="Do as `Cache-Control` and RFC 9111 say, in requests and in answers.")
    ] = False
    ignore_uri_case: Annotated[bool, Field(description="Take paths that differ in case for the same.")] = False
    storage_ttl: Annotated[
        int | None, Field(description="Seconds for which an entry is kept; null: as long as it may be given.")
    ] = None
    memory: Annotated[Memory, Field(description="For the strategy `memory`.")]
    disk: Annotated[Disk, Field(description="For the strategy `disk`.")]
    redis: Annotated[RedisAnywhere | None, Field(description="For the strategy `redis`: where Redis is.")] = None
    vary_query_params: Annotated[
        tuple[str, ...] | None,
        Field(description="Query arguments by which entries differ; null: all of them, in any order."),
    ] = None
    vary_headers: Annotated[
        tuple[HeaderName, ...] | None, Field(description="Request headers by which entries differ.")
    ] = None
    response_headers: Annotated[ResponseHeaders, Field(description="What clients are told.")]
    share_public: Annotated[
        bool,
        Field(
            description="With `cache_control`: give answers that say that they are public (`public`, `s-maxage`) to "
            "everybody, whoever was authenticated, and to requests with `Authorization`."
        ),
    ] = False
    negative_ttl: Annotated[
        dict[str, Annotated[int, GreaterThan(0)]] | None,
        Field(
            description="With `cache_control`: by status, for how many seconds an answer is given that does not say so "
            "itself, such as `404: 10`."
        ),
    ] = None
    stale_while_revalidate: Annotated[
        Annotated[int, Between(0, 2**31)],
        Field(
            description="With `cache_control`: for how many seconds an answer is given that is over while a new one is "
            "fetched in the background; what an answer says itself goes before."
        ),
    ] = 0
    stale_if_error: Annotated[
        Annotated[int, Between(0, 2**31)],
        Field(
            description="With `cache_control`: for how many seconds an answer that is over is given when the service "
            "fails; what an answer says itself goes before."
        ),
    ] = 0
    bypass_on_err: Annotated[
        bool,
        Field(description="Without Redis let requests go to the service; otherwise they get 500 then."),
    ] = True
    coalesce: Annotated[
        bool,
        Field(description="With `cache_control`: have requests for one entry wait while one of them fetches it."),
    ] = True
