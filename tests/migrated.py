"""Rooms with their tables on SQLite, copied from what was migrated once: to migrate is most of a small test's time."""

from functools import cache

from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade


def in_memory(room="core"):
    """Open a room in memory."""
    store = open_store("sqlite://", room)
    _copied(_template(room), store)
    return store


def in_file(path, room="core"):
    """Open a room in a file, which is made."""
    path.write_bytes(image(room))
    return open_store(f"sqlite:///{path}", room)


@cache
def image(room="core"):
    """Return the bytes of a room's file."""
    with _template(room).read() as unit:
        return unit.connection.driver_connection.serialize()


@cache
def _template(room):
    store = open_store("sqlite://", room)
    upgrade(store)
    return store


def _copied(source, target):
    with source._engine.connect() as unit, target._engine.connect() as other:
        unit.connection.driver_connection.backup(other.connection.driver_connection)
