"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"

LATER: dict[str, dict[str, str]] = {
    "admin_consumers": {
        "deleting a consumer takes its credentials and plugins along": _PLUGIN,
    },
    "admin_info": {
        "the root tells version, node and plugins": _PLUGIN,
    },
    "admin_plugins": {
        "PUT to an instance name creates the plugin under it": _PLUGIN,
        "form values of a config take the type the schema gives them": _PLUGIN,
        "rate-limiting by header needs the header's name": _PLUGIN,
        "rate-limiting without any limit is refused": _PLUGIN,
        "the old flat redis fields are taken and shown beside the new ones": _PLUGIN,
    },
    "declarative": {
        "a vault with a prefix of its own is used in a reference": _PLUGIN,
        "an env reference is resolved where the field is used": _PLUGIN,
        "an env reference to a variable that is not set does not stop the load": _PLUGIN,
    },
}
