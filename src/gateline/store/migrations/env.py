"""What Alembic runs to migrate: on the connection that `gateline.store.migrating` hands over, in its transaction."""

from alembic import context

from gateline.store.tables import MIGRATIONS_TABLE

context.configure(
    connection=context.config.attributes["connection"],
    version_table=MIGRATIONS_TABLE,
    transactional_ddl=True,
)
context.run_migrations()
