"""Counters of requests, which nodes share."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the table."""
    name = "gateline_ratelimiting_metrics"
    op.create_table(
        name,
        sa.Column("identifier", sa.Text, nullable=False),
        sa.Column("period", sa.Text, nullable=False),
        sa.Column("period_date", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("identifier", "period", "period_date", name=f"{name}_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index(f"{name}_ends", name, ["ends"])
