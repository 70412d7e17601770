"""From an upstream and its targets to the algorithm that chooses among them."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gateline.engine.upstream.balancer import Algorithm, CompiledTarget
from gateline.engine.upstream.consistent_hashing import ConsistentHashing
from gateline.engine.upstream.groups import Levels, Subsets, loads
from gateline.engine.upstream.hash_inputs import HashInputs
from gateline.engine.upstream.least_connections import LeastConnections
from gateline.engine.upstream.round_robin import InTurn, RoundRobin
from gateline.engine.upstream.sampling import Latency, PowerOfTwo, Random

if TYPE_CHECKING:
    from gateline.entities import Target, Upstream

__all__ = ["Member", "algorithm_for", "keeps_load", "watches_load"]

_BY_LOAD: dict[str, type[LeastConnections] | type[PowerOfTwo] | type[Latency]] = {
    "least-connections": LeastConnections,
    "power-of-two": PowerOfTwo,
    "latency": Latency,
}


class Member(NamedTuple):
    """A target of an upstream, and where its requests go; None where it is not healthy."""

    entity: "Target"
    target: CompiledTarget | None


def watches_load(upstream: "Upstream") -> bool:
    """Whether the algorithm asks for what is in flight or how long it takes."""
    return upstream.algorithm in _BY_LOAD


def keeps_load(upstream: "Upstream", weights: Sequence[int]) -> bool:
    """Whether anything is to be remembered of targets of these weights."""
    return watches_load(upstream) or bool(upstream.slow_start) or len({weight for weight in weights if weight}) > 1


def algorithm_for(upstream: "Upstream", members: Sequence[Member], locality: str | None) -> Algorithm:
    """How to choose among the members; `locality` is the node's own."""
    header = upstream.subset_on_header
    if header is None:
        return _levels(upstream, members, locality)
    key = (upstream.subset_tag or header.lower()) + ":"
    subsets: dict[str, list[Member]] = {}
    for member in members:
        for tag in member.entity.tags or ():
            if tag.startswith(key):
                subsets.setdefault(tag.removeprefix(key), []).append(member)
    every = _levels(upstream, members, locality)
    chosen = {
        value: _levels(upstream, subset, locality)
        for value, subset in subsets.items()
        if any(member.target is not None and member.entity.weight for member in subset)
    }
    return Subsets(header, chosen, every, Algorithm() if upstream.subset_fallback == "none" else every)


def _levels(upstream: "Upstream", members: Sequence[Member], locality: str | None) -> Algorithm:
    levels: dict[tuple[int, bool], list[Member]] = {}
    for member in members:
        entity = member.entity
        far = locality is not None and entity.locality != locality
        levels.setdefault((entity.priority or 0, far), []).append(member)
    if len(levels) <= 1:
        return _one_level(upstream, members)
    ordered = [levels[place] for place in sorted(levels)]
    weights = [
        (
            sum(member.entity.weight for member in level if member.target is not None),
            sum(member.entity.weight for member in level),
        )
        for level in ordered
    ]
    algorithms = [_one_level(upstream, level) for level in ordered]
    hashing = algorithms[0]
    fraction = hashing.fraction if isinstance(hashing, ConsistentHashing) else None
    return Levels(list(zip(loads(weights), algorithms, strict=True)), fraction)


def _one_level(upstream: "Upstream", members: Sequence[Member]) -> Algorithm:
    targets = [member.target for member in members if member.target is not None and member.entity.weight > 0]
    slow_start = upstream.slow_start or 0.0
    if upstream.algorithm == "random":
        return Random(targets, slow_start)
    by_load: Callable[[list[CompiledTarget], float], Algorithm] | None = _BY_LOAD.get(upstream.algorithm)
    if by_load is not None:
        return by_load(targets, slow_start)
    in_turn: Algorithm
    if slow_start or len({target.weight for target in targets}) > 1:
        in_turn = RoundRobin(targets, slow_start)
    else:
        in_turn = InTurn(targets)
    if upstream.algorithm == "consistent-hashing":
        return ConsistentHashing(targets, upstream.slots, HashInputs(upstream), in_turn)
    return in_turn
