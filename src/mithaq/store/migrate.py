"""Bring a room to the newest schema: forward only, one linear history per room."""

from functools import cache
from importlib.resources import files

from alembic import command
from alembic.config import Config as Alembic
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Column, Connection, MetaData, Table, Text, inspect, select, text

from mithaq.store.engine import Room, Store, StoreFault, append_lock


class OtherSchema(StoreFault):
    """What lies in the database is not what this version of Mithaq keeps there."""

    code = "other-schema"


def is_new(store: Store) -> bool:
    """Say whether a room has never been upgraded: nothing was ever kept there."""
    with store.read() as unit:
        return not _tables(unit, store)


def upgrade(store: Store) -> None:
    """Apply every migration that ``store`` lacks; nothing happens if it lacks none.

    All of them are one unit of work: a failure leaves the schema as it was.

    Raises:
        OtherSchema: a newer version of Mithaq, or another program, made the tables that are there.
    """
    with store.begin() as unit:
        append_lock(unit, f"upgrade.{store.room}")  # processes that start together take turns
        if not store.on_sqlite and not _has_schema(unit, store):
            unit.execute(text(f"CREATE SCHEMA {store.room}"))
        tables = _tables(unit, store)
        if tables and "alembic_version" not in tables:
            raise OtherSchema(
                f"the database of {store.room} holds tables of something else", room=store.room
            )
        if tables and _applied(unit, store) == [_newest(store.room)]:
            return  # as at nearly every start: Alembic would find the same, and take longer
        config = _config(store.room)
        config.attributes["connection"] = unit
        config.attributes["room"] = store.room
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise OtherSchema(
                f"the database of {store.room} was written by another version of Mithaq",
                room=store.room,
            ) from error


def _config(room: Room) -> Alembic:
    config = Alembic()
    config.set_main_option("path_separator", "newline")  # a folder's name may hold spaces
    config.set_main_option("script_location", _folder())
    config.set_main_option("version_locations", f"{_folder()}/{room}")
    return config


@cache
def _newest(room: Room) -> str | None:
    return ScriptDirectory.from_config(_config(room)).get_current_head()


def _tables(unit: Connection, store: Store) -> list[str]:
    return inspect(unit).get_table_names(schema=None if store.on_sqlite else store.room)


def _folder() -> str:
    path = str(files("mithaq.store") / "migrations")
    return path.replace("%", "%%")  # Alembic reads its options as an INI file's


def _has_schema(unit: Connection, store: Store) -> bool:
    query = text("SELECT count(*) FROM pg_namespace WHERE nspname = :name")
    return bool(unit.execute(query, {"name": store.room}).scalar_one())


def version(unit: Connection, store: Store) -> str:
    """Return the name of the newest migration applied."""
    [name] = _applied(unit, store)
    return name


def _applied(unit: Connection, store: Store) -> list[str]:
    schema = None if store.on_sqlite else store.room
    table = Table("alembic_version", MetaData(), Column("version_num", Text), schema=schema)
    return [str(name) for name in unit.execute(select(table.c.version_num)).scalars()]
