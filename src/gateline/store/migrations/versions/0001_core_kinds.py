"""The tables of the kinds that every installation has, and those beside them."""

import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ID = sa.Uuid(as_uuid=False).with_variant(sa.String(36), "sqlite")
_TAG = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them."""
    _state()
    _changes()
    _tags()
    _kind("ca_certificates", unique=("cert_digest",))
    _kind("certificates")
    _kind("consumers", unique=("username", "custom_id"))
    _kind("consumer_groups", unique=("name",))
    _kind(
        "consumer_group_consumers",
        foreign={"consumer_group": "consumer_groups", "consumer": "consumers"},
        together=True,
    )
    _kind("key_sets", unique=("name",))
    _kind("keys", unique=("name",), indexed=("kid",), foreign={"set": "key_sets"}, together=True)
    _kind("services", unique=("name",), foreign={"client_certificate": "certificates"})
    _kind("routes", unique=("name",), foreign={"service": "services"})
    _kind(
        "plugins",
        unique=("instance_name",),
        indexed=("name",),
        foreign={
            "route": "routes",
            "service": "services",
            "consumer": "consumers",
            "consumer_group": "consumer_groups",
        },
        together=True,
    )
    _kind("snis", unique=("name",), foreign={"certificate": "certificates"})
    _kind("upstreams", unique=("name",), foreign={"client_certificate": "certificates"})
    _kind("targets", indexed=("target",), foreign={"upstream": "upstreams"}, together=True, times=sa.Double)
    _kind("vaults", unique=("prefix",))


def _kind(
    kind: str,
    *,
    unique: tuple[str, ...] = (),
    indexed: tuple[str, ...] = (),
    foreign: Mapping[str, str] = {},
    together: bool = False,
    times: Any = sa.BigInteger,
) -> None:
    """One kind: its looked-up texts, its references (field → kind), whether a group of fields is unique together."""
    name = f"gateline_{kind}"
    keys = (*unique, *(("together",) if together else ()))
    op.create_table(
        name,
        sa.Column("id", _ID, nullable=False),
        *(sa.Column(field, sa.Text) for field in (*unique, *indexed)),
        *(sa.Column(f"{field}_id", _ID) for field in foreign),
        *([sa.Column("together", sa.Text)] if together else ()),
        sa.Column("created_at", times, nullable=False),
        sa.Column("updated_at", times, nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"{name}_pk"),
        *(sa.UniqueConstraint(key, name=f"{name}_{key}_unique") for key in keys),
        *(
            sa.ForeignKeyConstraint([f"{field}_id"], [f"gateline_{parent}.id"], name=f"{name}_{field}_id_exists")
            for field, parent in foreign.items()
        ),
    )
    for field in indexed:
        op.create_index(f"{name}_{field}", name, [field])
    for field in foreign:
        op.create_index(f"{name}_{field}_id", name, [f"{field}_id", "id"])


def _tags() -> None:
    op.create_table(
        "gateline_entity_tags",
        sa.Column("tag", _TAG, nullable=False),
        sa.Column("kind", _TAG, nullable=False),
        sa.Column("entity_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("tag", "kind", "entity_id", name="gateline_entity_tags_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("gateline_entity_tags_entity", "gateline_entity_tags", ["kind", "entity_id"])


def _changes() -> None:
    op.create_table(
        "gateline_changes",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("actor", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("entity_id", _ID, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON),
        sa.PrimaryKeyConstraint("number", name="gateline_changes_pk"),
    )
    op.create_index("gateline_changes_version", "gateline_changes", ["version"])


def _state() -> None:
    state = op.create_table(
        "gateline_state",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("lineage", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("pruned_version", sa.BigInteger, nullable=False),
        sa.Column("pruned_number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="gateline_state_pk"),
    )
    first = {"id": 1, "lineage": str(uuid.uuid4()), "version": 0, "number": 0, "pruned_version": 0, "pruned_number": 0}
    op.bulk_insert(state, [first])
