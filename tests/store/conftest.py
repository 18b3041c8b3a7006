"""Every test of the store that asks for ``core``, ``shelf`` or ``spool`` runs on SQLite and on PostgreSQL."""

import pytest

from mithaq.store.engine import open_store
from tests import migrated


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request, tmp_path):
    """Where a room may be opened that nobody has made yet; one database a test."""
    if request.param == "postgresql":
        return lambda _room: request.getfixturevalue("fresh_postgres")
    return lambda room: f"sqlite:///{tmp_path / room}.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def ready(request, tmp_path):
    """Where a room may be opened that has its tables; one database a test."""
    if request.param == "postgresql":
        return lambda _room: request.getfixturevalue("migrated_postgres")

    def made(room):
        file = tmp_path / f"{room}.db"
        if not file.exists():
            file.write_bytes(migrated.image(room))
        return f"sqlite:///{file}"

    return made


@pytest.fixture
def opened(ready):
    """Open a room with its tables; closed when the test ends."""
    stores = []

    def open_room(room):
        store = open_store(ready(room), room)
        stores.append(store)
        return store

    yield open_room
    for store in stores:
        store.close()


@pytest.fixture
def core(opened):
    return opened("core")


@pytest.fixture
def shelf(opened):
    return opened("shelf")


@pytest.fixture
def spool(opened):
    return opened("spool")
