"""A core in memory, or on PostgreSQL as well where much of what is held lies in SQL, and people who look at it."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import create_engine, make_url, text

from mithaq.auth.actors import Actor, roles
from mithaq.border.us import Us
from mithaq.config import Defence
from mithaq.model.labels import Clearance, Tlp
from mithaq.seal.keys import generate
from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
on_both = pytest.mark.parametrize("core", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def core(request):
    if getattr(request, "param", "sqlite") == "postgresql":
        yield request.getfixturevalue("core_on_postgres")
        return
    store = open_store("sqlite://", "core")
    upgrade(store)
    yield store
    store.close()


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


@pytest.fixture
def us():
    return Us(
        party="asteria",
        country="AS",
        organisation="CSIRT of Asteria",
        realm="live",
        url="http://asteria.example",
        signer=generate(),
        secret=b"s" * 32,
        max_frame_bytes=8 << 20,
        limits=Defence(),
    )


def person(level=Tlp.RED, *named, readers=()):
    clearance = Clearance(tlp=level, readers=frozenset(readers))
    return Actor(name="amal", roles=roles(named or ["analyst"]), clearance=clearance)
