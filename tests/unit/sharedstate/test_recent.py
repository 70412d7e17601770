"""What a process remembers of a shelf."""

from gateline.sharedstate.recent import Recent
from gateline.sharedstate.shelf_bodies import KeptValue

LIMIT = 1024 * 1024


def value(size: int = 1000) -> KeptValue:
    return KeptValue(b"head", bytes(size), size, None, 0, 0.0)


def test_it_is_bounded_in_bytes() -> None:
    recent = Recent(LIMIT)
    for number in range(10_000):
        recent.put(f"k{number}", value(number % 5000))
        assert recent.size <= LIMIT
    assert recent.get("k0") is None
    assert recent.get("k9999") is not None


def test_what_is_used_stays() -> None:
    recent = Recent(LIMIT)
    recent.put("used", value())
    for number in range(10_000):
        recent.put(f"k{number}", value())
        assert recent.get("used") is not None


def test_a_value_that_is_too_large_is_not_remembered() -> None:
    recent = Recent(LIMIT)
    recent.put("a", value(10))
    recent.put("a", value(LIMIT // 8))
    assert recent.get("a") is None
    assert recent.size == 0


def test_what_is_forgotten_takes_nothing() -> None:
    recent = Recent(LIMIT)
    for number in range(400):
        recent.put(f"k{number}", value())
    recent.put("k1", value(2000))
    for number in range(400):
        recent.remove(f"k{number}")
    assert recent.size == 0
