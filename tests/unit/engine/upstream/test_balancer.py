"""The balancer of a service."""

from gateline.engine.upstream.balancer import Balancer
from gateline.engine.upstream.round_robin import InTurn
from unit.engine.upstream.compiled_targets import exchange, picked, targets


def test_the_only_target_has_every_turn() -> None:
    (only,) = targets(100)
    balancer = Balancer(only=only)
    assert balancer.pick(exchange()) is only
    assert balancer.pick(exchange(only)) is only


def test_without_targets_there_is_none() -> None:
    assert Balancer().pick(exchange()) is None
    assert Balancer(InTurn([])).pick(exchange()) is None


def test_balancer_takes_over_the_targets_of_another() -> None:
    three = targets(1, 1, 1)
    balancer = Balancer(InTurn(three))
    picked(balancer)
    balancer.take_over(Balancer(InTurn(three[1:2])))
    assert {picked(balancer) for _ in range(5)} == {1}
    balancer.take_over(Balancer(only=three[2]))
    assert {picked(balancer) for _ in range(5)} == {2}
    balancer.take_over(Balancer())
    assert balancer.pick(exchange()) is None
