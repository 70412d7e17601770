"""What the log says of counts that cannot be had."""

import logging

import pytest

from gateline.plugins.limits.faults import Faults


def test_a_fault_is_said_once_a_second_with_how_many_there_were(caplog: pytest.LogCaptureFixture) -> None:
    now = [100.0]
    faults = Faults(logging.getLogger("gateline.test"), "rate-limiting", lambda: now[0])
    for seconds in (0.0, 0.5, 0.4, 0.2, 0.1, 5.0):
        now[0] += seconds
        faults.say(RuntimeError("Redis is gone"))
    assert [record.getMessage() for record in caplog.records] == [
        "rate-limiting: Redis is gone",
        "rate-limiting: Redis is gone (2 more since the last line)",
        "rate-limiting: Redis is gone (1 more since the last line)",
    ]
