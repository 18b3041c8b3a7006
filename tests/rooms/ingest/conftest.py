"""A node's feeds, which read from a web server of ours."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from mithaq import ingest, intel
from mithaq.auth.actors import Actor, roles
from mithaq.border.us import Us
from mithaq.config import Defence
from mithaq.formats import BUILT_IN
from mithaq.ingest.collecting import Collector
from mithaq.ingest.fetching import Bounds
from mithaq.ingest.rules import Terms
from mithaq.model.labels import Clearance, Tlp
from mithaq.seal.keys import generate
from mithaq.store import alarms
from mithaq.store.engine import open_store
from tests import migrated
from tests.web import serving


@pytest.fixture
def web():
    with serving() as made:
        yield made


@dataclass
class Desk:
    """A core with feeds, a clock that a test moves, and a home for credentials."""

    core: object
    home: object
    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    collector: Collector = None

    def clock(self):
        return self.now

    def add(self, url, name="abuse", credential=None, **more):
        terms = Terms(**{"name": name, "url": url, "local": True, "tlp": "GREEN", **more})
        with self.core.begin() as unit:
            return ingest.add(unit, self.home, terms, credential, self.now)

    def run(self, name="abuse", **more):
        return self.collector.run(name, **more).health

    def feed(self, name="abuse"):
        with self.core.read() as unit:
            return ingest.named(unit, name)

    def alarms(self):
        with self.core.read() as unit:
            return [(each.kind, each.subject, each.facts["why"]) for each in alarms.every(unit)]

    def copies(self):
        actor = Actor(
            name="amal",
            roles=roles(["analyst"]),
            clearance=Clearance(tlp=Tlp.RED, readers=frozenset()),
        )
        with self.core.read() as unit:
            return intel.search(unit, self.collector.us, actor, page=(1000, 0))

    def rows(self, query):
        with self.core.read() as unit:
            return unit.exec_driver_sql(query).all()

    def later(self, **more):
        self.now += timedelta(**more)


@pytest.fixture
def desk(tmp_path):
    store = migrated.in_memory()
    us = Us(
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
    made = Desk(store, tmp_path)
    shelf = open_store("sqlite://", "shelf")
    made.collector = Collector(
        core=store,
        shelf=shelf,
        us=us,
        home=tmp_path,
        clock=made.clock,
        formats=BUILT_IN,
        bounds=Bounds(most_bytes=1 << 20, seconds=1.0, whole_seconds=2.0),
    )
    yield made
    shelf.close()
    store.close()
