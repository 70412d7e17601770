"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"

LATER: dict[str, dict[str, str]] = {
    "declarative": {
        "a vault with a prefix of its own is used in a reference": _PLUGIN,
        "an env reference is resolved where the field is used": _PLUGIN,
        "an env reference to a variable that is not set does not stop the load": _PLUGIN,
    },
}
