"""Conformance cases that wait for later features, each with what it waits for. A case that is listed and passes fails
the test, so that the list stays true."""

__all__ = ["LATER"]

_PLUGIN = "a bundled plugin"
_CREDENTIAL = "credentials and the plugin that brings them"

LATER: dict[str, dict[str, str]] = {
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
    "declarative": {
        "a vault with a prefix of its own is used in a reference": _PLUGIN,
        "an env reference is resolved where the field is used": _PLUGIN,
        "an env reference to a variable that is not set does not stop the load": _PLUGIN,
        "everything may nest under its parent": _CREDENTIAL,
    },
}
