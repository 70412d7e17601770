"""Declarative configuration: `kong.yml` to a snapshot and back. Source: Kong's declarative format 1.1, 2.1 and 3.0."""

from gateline.declarative.document import Limits
from gateline.declarative.errors import DeclarativeError, FlattenedEntity, Problem
from gateline.declarative.load import FORMAT_VERSIONS, digest_of
from gateline.declarative.reading import load_object, load_path, load_text
from gateline.declarative.write import dump, to_config_response

__all__ = [
    "FORMAT_VERSIONS",
    "DeclarativeError",
    "FlattenedEntity",
    "Limits",
    "Problem",
    "digest_of",
    "dump",
    "load_object",
    "load_path",
    "load_text",
    "to_config_response",
]
