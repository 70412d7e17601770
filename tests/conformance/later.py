"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"
_CREDENTIAL = "credentials and the plugin that brings them"

LATER: dict[str, dict[str, str]] = {
    "admin_consumers": {
        "deleting a consumer takes its credentials and plugins along": _CREDENTIAL,
        "plugins of a consumer are listed under it": _PLUGIN,
    },
    "admin_info": {
        "enabled plugins in the cluster are a list, empty at first": _PLUGIN,
        "enabled plugins of a declarative config show in the root": _PLUGIN,
        "the root tells version, node and plugins": _PLUGIN,
        "validation of a bad plugin gives the violation it would give when made": _PLUGIN,
    },
    "admin_live_change": {
        "a changed basic-auth password is the one that counts": _CREDENTIAL,
        "a changed key stops working and the new one works": _CREDENTIAL,
        "a global plugin reaches every route": _PLUGIN,
        "a new key opens the door, a deleted one closes it": _CREDENTIAL,
        "a new key-auth plugin locks a route and its removal opens it": _CREDENTIAL,
        "a plugin on a consumer appears for that consumer only": _PLUGIN,
        "a plugin switched off stops and switched on runs again": _PLUGIN,
        "a renamed consumer shows its new name upstream": _CREDENTIAL,
    },
    "admin_paging_tags": {
        "the tag filter works on routes, services, plugins and upstreams": _PLUGIN,
    },
    "admin_plugins": {
        "PATCH with null clears an optional config field and is refused for a needed one": _PLUGIN,
        "PUT by id replaces the config": _PLUGIN,
        "PUT to an instance name creates the plugin under it": _PLUGIN,
        "a plugin is not found under a service it is not on": _PLUGIN,
        "a plugin made from its name alone gets its defaults": _PLUGIN,
        "a plugin on a service that is not there is a foreign key violation": _PLUGIN,
        "a single form value for a list is a list of one": _PLUGIN,
        "acl takes allow or deny, not both": _PLUGIN,
        "an auth plugin cannot be put on a consumer": _PLUGIN,
        "an unknown field of the config is named with its path": _PLUGIN,
        "form values of a config take the type the schema gives them": _PLUGIN,
        "ip-restriction refuses what is no address": _PLUGIN,
        "one plugin may stand globally, on a service and on a route at once": _PLUGIN,
        "rate-limiting by header needs the header's name": _PLUGIN,
        "rate-limiting without any limit is refused": _PLUGIN,
        "request-termination wants a status between 100 and 599": _PLUGIN,
        "response-transformer refuses a header rule without a colon": _PLUGIN,
        "several config problems are counted and sorted": _PLUGIN,
        "switching a plugin off leaves its config alone": _PLUGIN,
        "the old flat redis fields are taken and shown beside the new ones": _PLUGIN,
        "the same plugin twice globally is a 409": _PLUGIN,
        "the service of a plugin is reached through the plugin": _PLUGIN,
    },
    "admin_services": {
        "plugins of a service go with it": _PLUGIN,
    },
    "dbless_readonly": {
        "a credential cannot be made without a database": _CREDENTIAL,
        "entities of the config are read like any other": _PLUGIN,
    },
    "declarative": {
        "a bad plugin config refuses the whole load": _PLUGIN,
        "a basic-auth password in a config is hashed, and the user gets in with the plain one": _CREDENTIAL,
        "a plugin both on a service and on a consumer works when it names both": _PLUGIN,
        "a vault with a prefix of its own is used in a reference": _PLUGIN,
        "an env reference is resolved where the field is used": _PLUGIN,
        "an env reference to a variable that is not set does not stop the load": _PLUGIN,
        "everything may nest under its parent": _CREDENTIAL,
        "everything may stand flat and name its parent": _CREDENTIAL,
    },
}
