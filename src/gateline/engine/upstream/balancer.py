"""Which target of a service takes a request.

A service leads to one target, or to an upstream entity with several; either way a request asks its `Balancer`, which is
one as long as the upstream is in use. How it chooses among several is an `Algorithm`'s business: changes of targets and
of their health give the balancer another one.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateline.engine.exchange import Exchange
    from gateline.engine.upstream.gates import Gate
    from gateline.engine.upstream.health import Addresses
    from gateline.engine.upstream.load import Load
    from gateline.engine.upstream.opening import Opening
    from gateline.engine.upstream.pool import Pool
    from gateline.engine.upstream.watch import Watch

__all__ = ["Algorithm", "Balancer", "CompiledTarget"]


class CompiledTarget:
    """Where a request may go: a pool, and the part of its head that names the host.

    `watch` hears of every try, where somebody wants to know; `gate` lets it begin, where it may be refused; `load` is
    what is known for choosing by it. Of many targets most are never asked for: a target of an upstream gets its pool
    (None until then) and its `host_line` (empty until then) from `opening` when a balancer picks it first. `place` is
    its host and port, `among` are the addresses that may be used.
    """

    __slots__ = ("among", "gate", "host_line", "load", "opening", "place", "pool", "watch", "weight")

    def __init__(
        self,
        pool: "Pool",
        host_line: bytes,
        weight: int = 1,
        load: "Load | None" = None,
        watch: "Watch | None" = None,
    ) -> None:
        self.pool = pool
        self.host_line = host_line
        self.weight = weight
        self.load = load
        self.watch = watch
        self.gate: Gate | None = None
        self.opening: Opening | None = None
        self.place = ""
        self.among: Addresses | None = None


class Algorithm:
    """A way to choose among targets; this one has none to choose from."""

    __slots__ = ()

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:  # noqa: ARG002 - of those that choose
        """The target for an exchange; one that it has not tried where there is such a one. None: there is none."""
        return None


class Balancer:
    """Gives the target of a request: the `only` one, or the one that the algorithm chooses."""

    __slots__ = ("_algorithm", "_only")

    def __init__(self, algorithm: Algorithm | None = None, only: CompiledTarget | None = None) -> None:
        self._algorithm = algorithm or Algorithm()
        self._only = only

    def pick(self, exchange: "Exchange") -> CompiledTarget | None:
        """The target for an exchange (see `Algorithm.pick`)."""
        only = self._only
        if only is not None:
            return only
        target = self._algorithm.pick(exchange)
        if target is not None and not target.host_line and target.opening is not None:
            target.opening.open(target)
        return target

    def take_over(self, other: "Balancer") -> None:
        """Choose as another balancer does from now on."""
        self._algorithm = other._algorithm  # noqa: SLF001 - one of its kind
        self._only = other._only  # noqa: SLF001
