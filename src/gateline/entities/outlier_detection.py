"""OutlierDetection: targets that do worse than others get no requests for a while. Kong has nothing like it; the words
and the default values are those of Envoy's outlier detection.
"""

from typing import Annotated

from pydantic import Field

from gateline.entities.constraints import Between
from gateline.entities.model import Record

__all__ = ["OutlierDetection"]

Number = Annotated[int, Between(0, 2**31 - 1)]
Percent = Annotated[float, Between(0, 100)]
Time = Annotated[float, Between(0.1, 86400)]


class OutlierDetection(Record):
    """When a target is ejected, and for how long."""

    consecutive_5xx: Annotated[
        Number, Field(description="Failures in a row, answers with 500 to 599 included, that eject a target; 0: off.")
    ] = 5
    consecutive_gateway_failure: Annotated[
        Number, Field(description="Failures in a row that eject it: 502, 503, 504, or no answer at all; 0: off.")
    ] = 0
    consecutive_local_origin_failure: Annotated[
        Number,
        Field(
            description="Requests in a row without an answer (no connection, a reset, a timeout) that eject it; "
            "unless 0, these do not count as other failures."
        ),
    ] = 0
    interval: Annotated[Time, Field(description="Seconds between two looks at the rates.")] = 10
    success_rate_minimum_hosts: Annotated[
        Number, Field(description="So many targets must have enough requests for success rates to be compared; 0: off.")
    ] = 5
    success_rate_request_volume: Annotated[
        Number, Field(description="So many requests in an interval are enough to compare success rates.")
    ] = 100
    success_rate_stdev_factor: Annotated[
        Annotated[float, Between(0, 100)],
        Field(description="A target is ejected that is so many standard deviations below the mean success rate."),
    ] = 1.9
    failure_percentage_threshold: Annotated[
        Percent, Field(description="A target with so many percent of failures in an interval is ejected; 0: off.")
    ] = 0
    failure_percentage_minimum_hosts: Annotated[
        Number, Field(description="So many targets must have enough requests for failures to be looked at.")
    ] = 5
    failure_percentage_request_volume: Annotated[
        Number, Field(description="So many requests in an interval are enough to look at the failures.")
    ] = 50
    base_ejection_time: Annotated[
        Time, Field(description="Seconds that the first ejection lasts; each further one lasts as much longer.")
    ] = 30
    max_ejection_time: Annotated[Time, Field(description="Seconds that an ejection lasts at most.")] = 300
    max_ejection_percent: Annotated[
        Percent, Field(description="Most targets that are ejected at a time, in percent.")
    ] = 10
    always_eject_one_host: Annotated[
        bool, Field(description="Whether one target may be ejected whatever part of them it is.")
    ] = False
