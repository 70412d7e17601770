"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"
_CHECKS = "active and passive health checks"

LATER: dict[str, dict[str, str]] = {
    "balancing": {
        "passive checks take a target out after enough errors": _CHECKS,
        "when every target is out the answer is 503": _CHECKS,
        "passive checks take a target out after refused connections": _CHECKS,
    },
    "declarative": {
        "a vault with a prefix of its own is used in a reference": _PLUGIN,
        "an env reference is resolved where the field is used": _PLUGIN,
        "an env reference to a variable that is not set does not stop the load": _PLUGIN,
    },
}
