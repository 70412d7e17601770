"""The history of the tables, for Alembic. A migration says by itself what it makes: it never imports the declarations
of entities, which go on changing after it."""
