"""What a user configures: one module an entity, each field declared once, everything else derived from that.

A new entity is a module with a class that derives from `Entity`, imported here. Nothing else has to know it:
`registry` finds its fields, references and unique keys, and files, stores and the Admin API work from those.
"""

from gateline.entities.ca_certificate import CACertificate
from gateline.entities.certificate import Certificate
from gateline.entities.consumer import Consumer
from gateline.entities.consumer_group import ConsumerGroup, ConsumerGroupMember
from gateline.entities.errors import EntityError, ErrorKind
from gateline.entities.expiring import Expiring
from gateline.entities.json_schema import json_plugin_schema, json_schema
from gateline.entities.key import Key
from gateline.entities.key_set import KeySet
from gateline.entities.kong_schema import kong_plugin_schema, kong_schema, kong_vault_schema
from gateline.entities.model import Entity, Record
from gateline.entities.plugin import Plugin
from gateline.entities.registry import (
    brought_kinds,
    children,
    entity_class,
    foreign_fields,
    kinds,
    listing_fields,
    unique_fields,
)
from gateline.entities.route import Endpoint, Route
from gateline.entities.schema import FieldSchema, Reference, Schema, schema_of
from gateline.entities.service import Service
from gateline.entities.snapshot import Snapshot
from gateline.entities.sni import Sni
from gateline.entities.target import Target
from gateline.entities.upstream import Upstream
from gateline.entities.vault import Vault
from gateline.entities.violations import Violations

__all__ = [
    "CACertificate",
    "Certificate",
    "Consumer",
    "ConsumerGroup",
    "ConsumerGroupMember",
    "Endpoint",
    "Entity",
    "EntityError",
    "ErrorKind",
    "Expiring",
    "FieldSchema",
    "Key",
    "KeySet",
    "Plugin",
    "Record",
    "Reference",
    "Route",
    "Schema",
    "Service",
    "Snapshot",
    "Sni",
    "Target",
    "Upstream",
    "Vault",
    "Violations",
    "brought_kinds",
    "children",
    "entity_class",
    "foreign_fields",
    "json_plugin_schema",
    "json_schema",
    "kinds",
    "kong_plugin_schema",
    "kong_schema",
    "kong_vault_schema",
    "listing_fields",
    "schema_of",
    "unique_fields",
]
