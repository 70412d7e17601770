"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"
_CREDENTIAL = "credentials and the plugin that brings them"

LATER: dict[str, dict[str, str]] = {
    "admin_consumers": {
        "deleting a consumer takes its credentials and plugins along": _CREDENTIAL,
    },
    "admin_credentials": {
        "a jwt credential gets a key, a secret and HS256": _CREDENTIAL,
        "a jwt credential for RS256 needs a public key": _CREDENTIAL,
        "a jwt key is unique and found by itself": _CREDENTIAL,
        "an hmac credential keeps its secret in plain": _CREDENTIAL,
        "an oauth2 application gets an id, a secret and is confidential": _CREDENTIAL,
        "an oauth2 client id is unique": _CREDENTIAL,
        "an oauth2 redirect address may not have a fragment or be relative": _CREDENTIAL,
        "an oauth2 token can be put in by hand": _CREDENTIAL,
    },
    "admin_info": {
        "the root tells version, node and plugins": _PLUGIN,
        "validation of a bad plugin gives the violation it would give when made": _PLUGIN,
    },
    "admin_live_change": {
        "a changed basic-auth password is the one that counts": _CREDENTIAL,
        "a changed key stops working and the new one works": _CREDENTIAL,
        "a new key opens the door, a deleted one closes it": _CREDENTIAL,
        "a new key-auth plugin locks a route and its removal opens it": _CREDENTIAL,
        "a plugin on a consumer appears for that consumer only": _PLUGIN,
        "a renamed consumer shows its new name upstream": _CREDENTIAL,
    },
    "admin_plugins": {
        "PATCH with null clears an optional config field and is refused for a needed one": _PLUGIN,
        "PUT by id replaces the config": _PLUGIN,
        "PUT to an instance name creates the plugin under it": _PLUGIN,
        "a plugin made from its name alone gets its defaults": _PLUGIN,
        "a single form value for a list is a list of one": _PLUGIN,
        "acl takes allow or deny, not both": _PLUGIN,
        "an auth plugin cannot be put on a consumer": _PLUGIN,
        "an unknown field of the config is named with its path": _PLUGIN,
        "form values of a config take the type the schema gives them": _PLUGIN,
        "rate-limiting by header needs the header's name": _PLUGIN,
        "rate-limiting without any limit is refused": _PLUGIN,
        "several config problems are counted and sorted": _PLUGIN,
        "switching a plugin off leaves its config alone": _PLUGIN,
        "the old flat redis fields are taken and shown beside the new ones": _PLUGIN,
    },
    "admin_services": {
        "plugins of a service go with it": _PLUGIN,
    },
    "dbless_readonly": {
        "a credential cannot be made without a database": _CREDENTIAL,
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
    "bot_detection": {
        "it comes before authentication": _CREDENTIAL,
    },
    "correlation_id": {
        "a refused request carries the id": _CREDENTIAL,
    },
    "cors": {
        "a 401 of another plugin carries the headers too": _CREDENTIAL,
    },
    "ip_restriction": {
        "it comes after authentication": _CREDENTIAL,
    },
    "plugin_scopes": {
        "a global authentication plugin does not hide the 404 of an unknown route": _CREDENTIAL,
        "a plugin of a consumer and a service replaces one of a consumer alone": _PLUGIN,
        "a plugin of a consumer replaces the route's": _PLUGIN,
        "a plugin with enabled false does not run": _CREDENTIAL,
        "a termination on the anonymous consumer refuses it": _CREDENTIAL,
        "two authentication plugins must both pass": _CREDENTIAL,
        "with anonymous a request without credentials is the anonymous consumer": _CREDENTIAL,
        "with anonymous one of two authentication plugins is enough": _CREDENTIAL,
    },
    "redirect": {
        "authentication comes before it": _CREDENTIAL,
    },
    "request_termination": {
        "it can stop one consumer only": _CREDENTIAL,
    },
}
