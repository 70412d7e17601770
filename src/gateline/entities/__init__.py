"""What a user configures: one module an entity, each field declared once, everything else derived from that.

A new entity is a module with a class that derives from `Entity`, imported here. Nothing else has to know it:
`registry` finds its fields, references and unique keys, and files, stores and the Admin API work from those.
"""

from gateline.entities.errors import EntityError, ErrorKind
from gateline.entities.model import Entity, Record
from gateline.entities.registry import children, entity_class, foreign_fields, kinds, unique_fields
from gateline.entities.route import Endpoint, Route
from gateline.entities.schema import FieldSchema, Reference, Schema, schema_of
from gateline.entities.service import Service
from gateline.entities.snapshot import Snapshot
from gateline.entities.violations import Violations

__all__ = [
    "Endpoint",
    "Entity",
    "EntityError",
    "ErrorKind",
    "FieldSchema",
    "Record",
    "Reference",
    "Route",
    "Schema",
    "Service",
    "Snapshot",
    "Violations",
    "children",
    "entity_class",
    "foreign_fields",
    "kinds",
    "schema_of",
    "unique_fields",
]
