"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_ENTITIES = "entities other than services and routes"
_ENDPOINTS = "endpoints of the entities in the Admin API"
_SCHEMAS = "/schemas in the Admin API"

LATER: dict[str, dict[str, str]] = {
    "declarative": {
        "format 1.1 is taken as JSON": _ENTITIES,
        "format 3.0 is taken": _ENTITIES,
        "a config in YAML with its content type": _ENTITIES,
        "a config as YAML text inside JSON": _ENTITIES,
        "a config as a form field": _ENTITIES,
        "a bad plugin config refuses the whole load": _ENTITIES,
        "the same text inside JSON with check_hash is answered with 304": _ENTITIES,
        "the same config without check_hash is loaded again": _ENTITIES,
        "ids left out are the same at every load": _ENTITIES,
        "everything may nest under its parent": _ENTITIES,
        "everything may stand flat and name its parent": _ENTITIES,
        "a parent may be given as an object with an id": _ENDPOINTS,
        "a plugin on a parent that is not in the config refuses the load": _ENTITIES,
        "a parent that is a number refuses the load": _ENTITIES,
        "an old format turns paths that look like a regex into regex paths": _ENDPOINTS,
        "the new format takes paths as they are": _ENDPOINTS,
        "YAML anchors work": _ENDPOINTS,
        "a flattened entity error has no field": _ENTITIES,
        "an unknown plugin is refused": _ENTITIES,
        "a plugin both on a service and on a consumer works when it names both": _ENTITIES,
        "an env reference to a variable that is not set does not stop the load": _ENTITIES,
        "an env reference is resolved where the field is used": _ENTITIES,
        "a basic-auth password in a config is hashed, and the user gets in with the plain one": _ENTITIES,
        "an empty config is a good config": _ENDPOINTS,
        "a vault with a prefix of its own is used in a reference": _ENTITIES,
    },
    "dbless_readonly": {
        "a route cannot be made without a database": _ENDPOINTS,
        "a bad body is told before the missing database": _ENDPOINTS,
        "a route cannot be deleted without a database, by id": _ENDPOINTS,
        "deleting what is not there needs no database": _ENDPOINTS,
        "PATCH of an unknown entity is still a 404": _ENDPOINTS,
        "PUT by id is refused without a database": _ENDPOINTS,
        "a credential cannot be made without a database": _ENTITIES,
        "entities of the config are read like any other": _ENTITIES,
        "tags of a loaded config are found": _ENTITIES,
        "the health of a loaded upstream is served": _ENTITIES,
    },
    "admin_info": {
        "the root tells version, node and plugins": _ENTITIES,
        "enabled plugins of a declarative config show in the root": _ENTITIES,
        "the endpoints list holds the entities with their parameters": _ENDPOINTS,
        "the configuration hash is there without a database and changes with the config": _ENTITIES,
        "the schema of routes names the foreign entity": _SCHEMAS,
        "the schema of an unknown plugin is a 404": _SCHEMAS,
        "the schema of an unknown entity is a 404": _SCHEMAS,
        "validation of a bad plugin gives the violation it would give when made": _SCHEMAS,
        "validation of an unknown entity is a 404": _SCHEMAS,
        "a route is validated with its entity checks": _SCHEMAS,
        "a loaded config shows in GET /config as text": _ENTITIES,
    },
    "admin_errors": {
        "a verb a path does not have is a 405": _ENDPOINTS,
        "OPTIONS on one entity": _ENDPOINTS,
        "OPTIONS echoes the headers that are asked for": _ENDPOINTS,
        "every answer says who may read it": _ENDPOINTS,
        "HEAD is GET without the body": _ENDPOINTS,
    },
}
