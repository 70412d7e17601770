"""Declarative configuration: `kong.yml` to a snapshot and back. Source: Kong's declarative format 1.1, 2.1 and 3.0."""

from gateline.declarative.difference import Changed, Difference, FieldChange, difference
from gateline.declarative.document import Limits
from gateline.declarative.errors import DeclarativeError, FlattenedEntity, Problem
from gateline.declarative.load import FORMAT_VERSIONS, digest_of
from gateline.declarative.matching import matched
from gateline.declarative.reading import load_object, load_path, load_text
from gateline.declarative.selecting import select, tagged, takes_tags
from gateline.declarative.write import dump, to_config_response

__all__ = [
    "FORMAT_VERSIONS",
    "Changed",
    "DeclarativeError",
    "Difference",
    "FieldChange",
    "FlattenedEntity",
    "Limits",
    "Problem",
    "difference",
    "digest_of",
    "dump",
    "load_object",
    "load_path",
    "load_text",
    "matched",
    "select",
    "tagged",
    "takes_tags",
    "to_config_response",
]
