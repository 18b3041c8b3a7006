"""Bring a room to the newest schema: forward only, one linear history per room."""

from importlib.resources import files

from alembic import command
from alembic.config import Config as Alembic
from sqlalchemy import Column, Connection, MetaData, Table, Text, select, text

from mithaq.store.engine import Store, append_lock


def upgrade(store: Store) -> None:
    """Apply every migration that ``store`` lacks; nothing happens if it lacks none.

    All of them are one unit of work: a failure leaves the schema as it was.
    """
    with store.begin() as unit:
        append_lock(unit, f"upgrade.{store.room}")  # processes that start together take turns
        if not store.on_sqlite and not _has_schema(unit, store):
            unit.execute(text(f"CREATE SCHEMA {store.room}"))
        config = Alembic()
        config.set_main_option("path_separator", "newline")  # a folder's name may hold spaces
        config.set_main_option("script_location", _folder())
        config.set_main_option("version_locations", f"{_folder()}/{store.room}")
        config.attributes["connection"] = unit
        config.attributes["room"] = store.room
        command.upgrade(config, "head")


def _folder() -> str:
    path = str(files("mithaq.store") / "migrations")
    return path.replace("%", "%%")  # Alembic reads its options as an INI file's


def _has_schema(unit: Connection, store: Store) -> bool:
    query = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
    return bool(unit.execute(query, {"name": store.room}).scalar_one())


def version(unit: Connection, store: Store) -> str:
    """Return the name of the newest migration applied."""
    schema = None if store.on_sqlite else store.room
    table = Table("alembic_version", MetaData(), Column("version_num", Text), schema=schema)
    return str(unit.execute(select(table.c.version_num)).scalar_one())
