"""Alembic's entry: runs inside the unit of work that ``mithaq.store.migrate.upgrade`` opened."""

from alembic import context

from mithaq.store import tables

config = context.config
connection = config.attributes["connection"]
room = config.attributes["room"]
sqlite = connection.dialect.name == "sqlite"

context.configure(
    connection=connection,
    target_metadata=getattr(tables, room),
    version_table_schema=None if sqlite else room,
    include_schemas=not sqlite,
    include_name=lambda name, kind, _parents: kind != "schema" or name == room,
    transactional_ddl=False,
)
context.run_migrations()
