"""What a retry policy makes of tries, and what the watches of their targets hear of it."""

import asyncio
from typing import Any

import pytest

from gateline.engine.errors import CATALOGUE
from gateline.engine.exchange import Exchange
from gateline.engine.upstream.watch import Watch
from gateline.entities import Target, Upstream
from gateline.testing import ServiceAnswer
from unit.engine.configurations import route, service, target, upstream
from unit.engine.upstream.stage import Behaviour, Stage
from unit.engine.upstream.test_watch import Heard

_BUSY = ServiceAnswer(status=503, body=b"busy")
_BUSY_AND_LONG = ServiceAnswer(status=503, chunks=(b"b", b"usy"))
_FINE = ServiceAnswer(body=b"ok")


def stage(*behaviours: Behaviour, **policy: Any) -> tuple[Stage, list[str]]:
    """As many targets as behaviours, in a random order."""
    heard: list[str] = []

    def make(_: Upstream, of: Target, before: Watch | None) -> Watch:
        return before or Heard(of.target[:2], heard)

    made = Stage(
        upstream(0),
        service(0, host="u0.test", retry_policy=policy),
        route(0, paths=["/"]),
        *(target(number) for number in range(len(behaviours))),
        makers=[make],
    )
    made.behaviours = {f"t{number}.test": one for number, one in enumerate(behaviours)}
    return made, heard


async def _asked(made: Stage, method: str = "GET", *, until: float = 5.0) -> int:
    client = made.client()
    client.send(method=method)
    async with asyncio.timeout(until):
        while not made.over:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.005)
    return client.status


@pytest.mark.parametrize("busy", [_BUSY, _BUSY_AND_LONG])
def test_a_discarded_answer_ends_its_try(busy: ServiceAnswer) -> None:
    made, heard = stage(busy, busy, statuses=[503], attempts=1)
    assert asyncio.run(_asked(made)) == 503
    assert sorted(made.asked) == ["t0.test", "t1.test"], "the same target was asked again"
    assert sorted(heard) == sorted(f"t{one} {event}" for one in (0, 1) for event in ("began", "answered 503", "ended"))
    assert heard[:3] in [[f"t{one} {event}" for event in ("began", "answered 503", "ended")] for one in (0, 1)]


def test_a_try_that_takes_too_long_is_a_failure_of_its_target() -> None:
    made, heard = stage("silence", per_try_timeout=20, attempts=0)
    assert asyncio.run(_asked(made)) == 504
    assert heard == ["t0 began", "t0 failed try_timeout", "t0 ended"]


def test_so_is_the_try_that_the_deadline_ends() -> None:
    made, heard = stage("silence", deadline=20)
    assert asyncio.run(_asked(made)) == 504
    assert heard == ["t0 began", "t0 failed try_timeout", "t0 ended"]


@pytest.mark.parametrize(
    ("method", "behaviour", "methods", "tries"),
    [
        ("GET", "reset", None, 3),
        ("POST", "reset", None, 1),
        ("POST", "reset", ["POST"], 3),
        ("GET", "reset", ["POST"], 1),
        ("POST", CATALOGUE.CONNECT, None, 3),
        ("GET", CATALOGUE.CONNECT, ["POST"], 3),
        ("POST", _BUSY, None, 1),
        ("POST", _BUSY, ["POST"], 3),
        ("GET", CATALOGUE.BAD_RESPONSE, None, 3),
        ("POST", CATALOGUE.BAD_RESPONSE, None, 1),
    ],
)
def test_methods_decide_on_all_that_was_sent(
    method: str, behaviour: Behaviour, methods: list[str] | None, tries: int
) -> None:
    made, _ = stage(behaviour, retry_on=["5xx"], attempts=2, methods=methods)
    assert asyncio.run(_asked(made, method)) in (502, 503)
    assert len(made.asked) == tries


def test_every_try_is_kept_for_the_log_where_there_is_one() -> None:
    made, _ = stage(_BUSY, statuses=[503], attempts=2)
    asyncio.run(_asked(made))
    exchange: Exchange = made.over[0]
    assert exchange.tries == 2
    assert exchange.failures is None, "nothing logs it"
