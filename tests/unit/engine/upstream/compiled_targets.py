"""Targets without an upstream, exchanges that only know what they have tried, and whom an algorithm gives them."""

from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from gateline.engine.upstream.balancer import Algorithm, Balancer, CompiledTarget
from gateline.engine.upstream.load import Load


def targets(*weights: int, names: Sequence[str] = ()) -> list[CompiledTarget]:
    """A target of each weight, with a load; its `host_line` is its number."""
    made = []
    for number, weight in enumerate(weights):
        host = names[number] if names else f"t{number}.test"
        pool = cast(Any, SimpleNamespace(target=SimpleNamespace(host=host, port=80)))
        target = CompiledTarget(pool, b"%d" % number, weight, Load())
        target.place = f"{host}:80"
        made.append(target)
    return made


def exchange(*tried: CompiledTarget, **others: Any) -> Any:
    """An exchange that has tried these."""
    return SimpleNamespace(tried=list(tried) or None, **others)


def picked(algorithm: Algorithm | Balancer, tried: Sequence[CompiledTarget] = ()) -> int:
    """The number of the target that is picked."""
    target = algorithm.pick(exchange(*tried))
    assert target is not None
    return int(target.host_line)


def counts(algorithm: Algorithm | Balancer, requests: int) -> list[int]:
    """How many of so many requests each target gets."""
    counted = Counter(picked(algorithm) for _ in range(requests))
    return [counted[number] for number in range(max(counted) + 1)]
