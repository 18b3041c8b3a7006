"""A core on PostgreSQL for whoever needs one, copied from an empty core that the run's server makes once."""

import pytest
from sqlalchemy import create_engine, make_url, text

from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade


@pytest.fixture(scope="session")
def cores_on_postgres(postgres_url):
    """A server with an empty core, of which copies are made: faster than to make each anew."""
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as unit:
        unit.execute(text("CREATE DATABASE empty_core"))
    store = open_store(_database(postgres_url, "empty_core"), "core")
    upgrade(store)
    store.close()
    yield server
    server.dispose()


@pytest.fixture
def core_on_postgres(cores_on_postgres, postgres_url):
    with cores_on_postgres.connect() as unit:
        unit.execute(text("CREATE DATABASE a_core TEMPLATE empty_core STRATEGY FILE_COPY"))
    store = open_store(_database(postgres_url, "a_core"), "core")
    yield store
    store.close()
    with cores_on_postgres.connect() as unit:
        unit.execute(text("DROP DATABASE a_core WITH (FORCE)"))


def _database(server, name):
    return make_url(server).set(database=name).render_as_string(hide_password=False)
