"""RetryPolicy: what is tried again, when, and how long a request may take. Kong has only `retries` of a service.

The words are those of Envoy's retry policies where there are some.
"""

from typing import Annotated, ClassVar

from pydantic import Field

from gateline.entities.checks import Check, Custom, Values
from gateline.entities.constraints import Between, MinLength, OneOf
from gateline.entities.fields import Method, Milliseconds
from gateline.entities.marks import AsSet
from gateline.entities.model import Record

__all__ = ["RETRY_ON", "RetryBackoff", "RetryBudget", "RetryPolicy"]

RETRY_ON = ("connect-failure", "reset", "timeout", "gateway-error", "5xx", "retriable-4xx")


def _base_beyond_max(values: Values) -> dict[str, str] | None:
    return {"base": "must not be longer than 'max'"} if values["base"] > values["max"] else None


class RetryBackoff(Record):
    """How long to wait before another try: a random time up to `base`, which doubles with each try up to `max`."""

    base: Annotated[Milliseconds, Field(description="Longest wait before the first retry, in milliseconds.")] = 25
    max: Annotated[Milliseconds, Field(description="Longest wait before any retry, in milliseconds.")] = 250

    checks: ClassVar[tuple[Check, ...]] = (Custom(("base", "max"), _base_beyond_max),)


class RetryBudget(Record):
    """How many requests may be in a retry at the same time, of one service in one worker."""

    percent: Annotated[
        Annotated[float, Between(0, 100)], Field(description="Share of the live requests, in percent.")
    ] = 20
    min_concurrent: Annotated[
        Annotated[int, Between(0, 2**31 - 1)], Field(description="So many may be, however few requests are live.")
    ] = 3


def _whole_before_head(values: Values) -> dict[str, str] | None:
    deadline, whole = values["deadline"], values["response_deadline"]
    if deadline is not None and whole is not None and whole < deadline:
        return {"response_deadline": "must not be shorter than 'deadline'"}
    return None


class RetryPolicy(Record):
    """What is tried again, when, and how long a request may take."""

    retry_on: Annotated[
        tuple[Annotated[str, OneOf(RETRY_ON)], ...],
        AsSet(),
        Field(
            description="What is tried again: `connect-failure` (name, connection, TLS), `reset` (the connection ends "
            "without an answer), `timeout`; answers with 502 to 504 (`gateway-error`), 500 to 599 (`5xx`) or 409 "
            "(`retriable-4xx`). `gateway-error` and `5xx` stand for the first three as well."
        ),
    ] = ("connect-failure", "reset", "timeout")
    statuses: Annotated[
        tuple[Annotated[int, Between(200, 999)], ...] | None,
        AsSet(),
        Field(description="Further statuses of answers that are tried again."),
    ] = None
    attempts: Annotated[
        Annotated[int, Between(0, 32767)] | None,
        Field(description="How often a request is tried again; null: the service's `retries`."),
    ] = None
    methods: Annotated[
        Annotated[tuple[Method, ...], MinLength(1)] | None,
        AsSet(),
        Field(
            description="Methods of requests that may be sent again though they may have been acted on; null: the "
            "idempotent ones. What was never sent is tried again with any method."
        ),
    ] = None
    per_try_timeout: Annotated[
        Milliseconds | None,
        Field(description="Milliseconds in which each try must be connected, and answered from then on."),
    ] = None
    backoff: Annotated[RetryBackoff | None, Field(description="The wait before another try; null: none.")] = None
    retry_after_max: Annotated[
        Milliseconds | None,
        Field(
            description="The `Retry-After` of an answer that would be tried again is waited for if it is at most so "
            "many milliseconds; else that answer stands. null: nobody looks at it."
        ),
    ] = None
    budget: Annotated[
        RetryBudget | None, Field(description="How many requests may be in a retry at once; null: any number.")
    ] = None
    replay_limit: Annotated[
        Annotated[int, Between(0, 2**31 - 1)],
        Field(description="Bytes of a request's body that are kept to be sent again; longer ones are sent once."),
    ] = 65536
    deadline: Annotated[
        Milliseconds | None,
        Field(
            description="Milliseconds from the request's head to the head of its answer, with all tries and the "
            "request's body; then 504."
        ),
    ] = None
    response_deadline: Annotated[
        Milliseconds | None,
        Field(description="The same to the end of the answer, which is broken off then."),
    ] = None

    checks: ClassVar[tuple[Check, ...]] = (Custom(("deadline", "response_deadline"), _whole_before_head),)
