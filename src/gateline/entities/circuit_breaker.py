"""CircuitBreaker and Limits: when nothing more is sent to a target or a service. Kong has neither. The limits are those
of Envoy's circuit breakers; the breaker is the one of the field: closed, open, half-open.
"""

from typing import Annotated

from pydantic import Field

from gateline.entities.constraints import Between
from gateline.entities.model import Record

__all__ = ["CircuitBreaker", "Limits"]

Number = Annotated[int, Between(1, 2**31 - 1)]
Limit = Annotated[int, Between(0, 2**31 - 1)]
Percent = Annotated[float, Between(0, 100)]
Time = Annotated[float, Between(0.1, 86400)]


class CircuitBreaker(Record):
    """When a circuit opens, and how it is tried whether it can be closed again."""

    window: Annotated[Time, Field(description="Seconds that a call counts.")] = 60
    minimum_calls: Annotated[Number, Field(description="So many calls must count before anything follows.")] = 20
    failure_rate: Annotated[
        Percent, Field(description="Percentage of failed calls that opens the circuit; 0: failures do not.")
    ] = 50
    failure_statuses: Annotated[
        tuple[Annotated[int, Between(100, 999)], ...],
        Field(description="Statuses of answers that are failures; no answer is one anyway."),
    ] = (500, 502, 503, 504)
    slow_call_duration: Annotated[
        Time | None, Field(description="Seconds without an answer after which a call is slow; null: none is.")
    ] = None
    slow_call_rate: Annotated[
        Percent, Field(description="Percentage of slow calls that opens the circuit; 0: slowness does not.")
    ] = 100
    open_time: Annotated[Time, Field(description="Seconds that the circuit stays open before it is tried again.")] = 30
    trial_calls: Annotated[
        Number, Field(description="So many calls are let through then, by all workers together; they decide.")
    ] = 5


class Limits(Record):
    """What may be under way at once, in all workers of a node together; null: any number."""

    max_connections: Annotated[Limit | None, Field(description="Connections in use.")] = None
    max_pending_requests: Annotated[
        Limit | None,
        Field(description="Requests that wait for a connection; null: none for one of max_connections."),
    ] = None
    max_requests: Annotated[Limit | None, Field(description="Requests that are not answered to their end.")] = None
    max_retries: Annotated[Limit | None, Field(description="Requests that are being tried again.")] = None
