"""A core in memory, or on PostgreSQL as well where much of what is held lies in SQL, and people who look at it."""

from datetime import UTC, datetime

import pytest

from mithaq.auth.actors import Actor, roles
from mithaq.border.us import Us
from mithaq.config import Defence
from mithaq.model.labels import Clearance, Tlp
from mithaq.seal.keys import generate
from tests import migrated

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
on_both = pytest.mark.parametrize("core", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def core(request):
    if getattr(request, "param", "sqlite") == "postgresql":
        yield request.getfixturevalue("core_on_postgres")
        return
    store = migrated.in_memory()
    yield store
    store.close()


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
