"""What is new among indicators is looked for in the past by the worker itself: once, and wherever it was stopped."""

import threading
from datetime import timedelta

import pytest

from mithaq import defence
from mithaq.auth.actors import Actor, roles
from mithaq.clock import text
from mithaq.ingest.keeping import keeper
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.objects import from_body
from mithaq.model.telemetry import Event, LogSource
from mithaq.node import hindsight
from mithaq.node.hindsight import Hindsight
from mithaq.store import journal
from tests.bench.common import brought
from tests.federation.world import Federation

ANA = Actor(name="ana", roles=roles(["analyst"]), clearance=Clearance(tlp=Tlp.RED))
DNS = LogSource("windows", "", "sysmon")


@pytest.fixture
def node(tmp_path):
    federation = Federation(tmp_path)
    yield federation.nation("aurelia", "QM")
    federation.close()


def day(node, ago):
    return text(node.clock() - timedelta(days=ago))[:10]


def saw(node, name, ago, count=1):
    batch = [
        Event(
            fields={"QueryName": name}, source=DNS, raw=b"%d %s" % (n, name.encode()),
            at=f"{day(node, ago)}T07:00:0{n}.000Z",
        )
        for n in range(count)
    ]  # fmt: skip
    keeper(node.core, node.config, node.clock).keep([], batch)


def learn(node, number, name, version=0, **more):
    at = f"2026-01-01T00:00:0{version}.000Z"
    body = {
        "type": "indicator", "spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": at,
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": name, "pattern_type": "stix",
        "pattern": f"[domain-name:value = '{name}']", "valid_from": "2026-01-01T00:00:00.000Z",
    } | more  # fmt: skip
    brought(node, [from_body(body)])


def hits(node):
    with node.core.read() as unit:
        found = defence.hits(unit, node.us, ANA, node.clock())
    return {(each.group.title, each.group.day): each.tally.count for each in found}


def look(node, **more):
    thread = Hindsight(node, threading.Event(), **more)
    turns = 0
    while thread.turn():
        turns += 1
    return turns


def told(node):
    with node.core.read() as unit:
        return [e.facts for e in journal.since(unit, 0) if e.kind == "looked-back"]


def test_what_is_learnt_is_found_in_what_was_seen_before_and_the_journal_says_so_once(node):
    saw(node, "www.evil.example", 3, count=2)
    saw(node, "evil.example", 5)
    learn(node, 1, "evil.example")
    learn(node, 2, "never.example")

    assert look(node) == 1
    assert look(node) == 0

    assert hits(node) == {("evil.example", day(node, 3)): 2, ("evil.example", day(node, 5)): 1}
    assert told(node) == [{"indicators": 2, "days": 2, "new": 2}]


def test_a_new_version_with_another_value_is_looked_for_and_a_revoked_one_takes_nothing_back(node):
    saw(node, "evil.example", 3)
    saw(node, "other.example", 3)
    learn(node, 1, "evil.example")
    look(node)
    learn(node, 1, "other.example", version=1)
    look(node)
    learn(node, 1, "other.example", version=2, revoked=True)
    learn(node, 2, "evil.example", revoked=True)
    look(node)

    with node.core.read() as unit:
        [group] = defence.hits(unit, node.us, ANA, node.clock())
        found = defence.show(unit, node.us, ANA, group.group.seq, node.clock()).found
    assert sorted(each.found["domain"] for each in found) == ["evil.example", "other.example"]


def test_many_come_in_parts_and_whoever_is_killed_between_them_goes_on(node, monkeypatch):
    names = [f"e{number}.example" for number in range(25)]
    for number, name in enumerate(names):
        saw(node, name, 2)
        learn(node, number, name)

    def killed(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(hindsight.journal, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            look(node, at_once=10)
    assert len(hits(node)) == 10
    assert told(node) == []

    assert look(node, at_once=10) == 3

    assert hits(node) == dict.fromkeys([(name, day(node, 2)) for name in names], 1)


def test_only_the_days_that_the_settings_say_are_looked_at_and_those_that_are_over_go(node):
    saw(node, "evil.example", 40)
    saw(node, "evil.example", 89)
    saw(node, "evil.example", 91)
    past = node.config.past
    assert sorted(file.stem for file in past.glob("*.sqlite")) == [day(node, 89), day(node, 40)]

    learn(node, 1, "evil.example")
    look(node)
    Hindsight(node, threading.Event()).tidy(node.clock() + timedelta(days=20))

    assert len(hits(node)) == 2
    assert [file.stem for file in past.glob("*.sqlite")] == [day(node, 40)]


def test_the_thread_looks_until_it_is_stopped(node, monkeypatch):
    monkeypatch.setattr(hindsight, "LOOK", 0.01)
    saw(node, "evil.example", 3)
    learn(node, 1, "evil.example")
    stop = threading.Event()
    thread = Hindsight(node, stop)
    try:
        thread.start()
        for _ in range(500):
            if hits(node):
                break
            stop.wait(0.02)
    finally:
        stop.set()
        thread.join(timeout=30)

    assert hits(node) == {("evil.example", day(node, 3)): 1}
