"""A node on PostgreSQL and one on SQLite are the same node to each other."""

import pytest
from sqlalchemy import create_engine, make_url, text

from mithaq.model.ids import new_id
from mithaq.model.labels import Tlp
from mithaq.policy.agreement import Agreement, Clause, Party
from tests.federation.test_delivery import agreement
from tests.federation.test_revocation import touches_exactly
from tests.federation.world import Federation

NAMES = ("aurelia", "borea", "corvia")


@pytest.fixture
def databases(postgres_url):
    """An empty database for each nation that asks."""
    server = create_engine(postgres_url, isolation_level="AUTOCOMMIT")
    with server.connect() as unit:
        for name in NAMES[:2]:
            unit.execute(text(f"CREATE DATABASE {name}"))

    def of(name):
        address = make_url(postgres_url).set(database=name)
        return address.render_as_string(hide_password=False) if name in NAMES[:2] else ""

    yield of
    with server.connect() as unit:
        for name in NAMES[:2]:
            unit.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def federation(tmp_path, databases):
    made = Federation(tmp_path, databases)
    for name, country in zip(NAMES, ("QM", "QN", "QO"), strict=True):
        made.nation(name, country)
    made.enrol_all()
    yield made
    made.close()


def indicator(number):
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": new_id("indicator"),
        "created": "2026-02-01T00:00:00.000Z",
        "modified": "2026-02-01T00:00:00.000Z",
        "name": f"Address {number}",
        "pattern": f"[ipv4-addr:value = '192.0.2.{number}']",
        "pattern_type": "stix",
        "valid_from": "2026-02-01T00:00:00.000Z",
    }


def test_a_forum_of_both_databases_exchanges_in_every_direction(federation):
    parties = [
        Party(name=n, country=c, organisation=n)
        for n, c in zip(NAMES, ("QM", "QN", "QO"), strict=True)
    ]
    forum = Agreement(
        id="forum",
        version=1,
        title="Forum",
        kind="forum",
        parties=parties,
        clauses=[Clause(id="common", kinds=["indicator"], onward="scope")],
        start="2026-01-01T00:00:00.000Z",
    )
    federation.sign(forum, *NAMES)

    sent = {}
    for number, name in enumerate(NAMES):
        seqs = federation.give(name, indicator(number), tlp=Tlp.GREEN)
        made = federation.release(name, "forum", seqs)
        sent[name] = {copy.object.id for copy in made.gathered.copies.values()}
    federation.settle()

    for name in NAMES:
        others = set().union(*(sent[other] for other in NAMES if other != name))
        assert {id_ for id_, _ in federation.held_by(name)} == others


def test_a_revoked_key_touches_the_same_on_both_databases(federation):
    federation.sign(agreement("forum", *NAMES), *NAMES)

    touches_exactly(federation)
