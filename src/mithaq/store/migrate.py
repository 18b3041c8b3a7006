"""Bring a room to the newest schema: forward only, one linear history per room."""

from importlib.resources import files

from alembic import command
from alembic.config import Config as Alembic
from sqlalchemy import Connection, text

from mithaq.store.engine import Store


def upgrade(store: Store) -> None:
    """Apply every migration that ``store`` lacks; nothing happens if it lacks none."""
    config = Alembic()
    config.set_main_option("script_location", str(files("mithaq.store") / "migrations"))
    config.set_main_option(
        "version_locations", str(files("mithaq.store") / "migrations" / store.room)
    )
    with store.begin() as unit:
        if not store.on_sqlite:
            unit.execute(text(f"CREATE SCHEMA IF NOT EXISTS {store.room}"))
        config.attributes["connection"] = unit
        config.attributes["room"] = store.room
        command.upgrade(config, "head")


def version(unit: Connection, store: Store) -> str:
    """Return the name of the newest migration applied."""
    schema = "" if store.on_sqlite else f"{store.room}."
    return str(
        unit.execute(
            text(f"SELECT version_num FROM {schema}alembic_version")
        ).scalar_one()
    )  # noqa: S608
