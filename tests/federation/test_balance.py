"""Give and take between nations, weighed by its use: recounted in plain Python, kept to clearances, told to nobody."""

from statistics import median

import pytest

from mithaq.auth.actors import Actor, Forbidden, roles
from mithaq.border import recall
from mithaq.clock import parse, text
from mithaq.intel.partners import balance
from mithaq.model.labels import Clearance, Tlp
from mithaq.model.observed import marks_of
from mithaq.store import objects
from tests.federation.test_correction import Client
from tests.federation.test_delivery import tool
from tests.federation.test_export import indicator
from tests.federation.world import Federation

SINCE = "2026-01-01T00:00:00.000Z"
AMBER = {"object_marking_refs": ["marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"]}


def person(level=Tlp.RED, role="liaison"):
    return Actor(name="lena", roles=roles([role]), clearance=Clearance(tlp=level))


def about(type_, number, target, at, **more):
    body = {"type": type_, "spec_version": "2.1", "created": at, "modified": at}
    body["id"] = f"{type_}--00000000-0000-4000-8000-{number:012d}"
    named = {"sighting_of_ref": target} if type_ == "sighting" else {"object_refs": [target]}
    return body | named | more


@pytest.fixture(scope="module")
def world(forum, tmp_path_factory):
    """What Borea gave is sighted, disputed, used, corrected, told later by a file, or was here before."""
    made = Federation.copied(forum, tmp_path_factory.mktemp("balance"))
    bank = Client(made, "aurelia", "aurelia-bank").granted()

    def give(name, *bodies, **more):
        seqs = made.give(name, *bodies, **more)
        if more.get("own", True):
            made.release(name, "forum", seqs)
            made.settle()
        return seqs

    made.give("aurelia", indicator(90, "old.example"), own=False)
    made.clock.step(3600)
    some = [indicator(n, f"{name}.example") for n, name in enumerate(("new", "old", "wrong"), 1)]
    give("borea", *some, indicator(4, "secret.example") | AMBER)
    give("borea", tool(5), tlp=Tlp.GREEN)
    made.clock.step(7200)
    made.give("aurelia", indicator(91, "new.example"), own=False)
    bank.offer(some[0]["id"])
    now = text(made.clock())
    seen = about("sighting", 1, some[0]["id"], now, count=3)
    unseen = about("sighting", 2, some[1]["id"], now, count=0)
    no = about("opinion", 3, some[1]["id"], now, opinion="strongly-disagree")
    made.give("aurelia", seen, unseen, no, tlp=Tlp.GREEN)
    give("aurelia", tool(1), indicator(7, "ours.example"), tlp=Tlp.GREEN)
    give("borea", about("sighting", 4, tool(1)["id"], now), tlp=Tlp.GREEN)
    node = made.nodes["borea"]
    with node.core.begin() as unit:
        asked = recall.Asked(id=some[2]["id"], cause="wrong")
        recall.recall(unit, node.us, "dora", asked, made.clock())
    made.settle()
    yield made
    made.close()


def weigh(world, actor=None, name="aurelia", partner="borea", since=SINCE):
    node = world.nodes[name]
    with node.core.read() as unit:
        return balance.balance(unit, node.us, actor or person(), partner, since)


def every(world, name="aurelia"):
    with world.nodes[name].core.read() as unit:
        return sorted(objects.load(unit, objects.everything()), key=lambda copy: copy.seq)


def test_what_they_gave_is_weighed_as_a_recount_of_all_that_is_here_does(world):
    """Oracle: each copy and each row, looked at one by one."""
    copies = every(world)
    theirs = {}
    for copy in copies:
        if copy.sent_by == "borea":
            theirs.setdefault(copy.object.id, copy)
    ours = [c.object.body for c in copies if c.standing == "own"]
    sightings = [b for b in ours if b["type"] == "sighting" and b["sighting_of_ref"] in theirs]
    seen = [b for b in sightings if b.get("count") != 0]
    before, leads, new = 0, [], 0
    for copy in theirs.values():
        keys = marks_of(copy.object.body) or {copy.object.id}
        others = [
            c
            for c in copies
            if c.sent_by != "borea" and keys & (marks_of(c.object.body) or {c.object.id})
        ]
        if any(c.seq < copy.seq for c in others):
            before += 1
            continue
        new += 1
        if others:
            lead = parse(min(c.received_at for c in others)) - parse(copy.received_at)
            leads.append(lead.total_seconds())

    found = weigh(world).theirs

    assert (found.hits, found.hit_times) == (len(seen), sum(b["count"] for b in seen)) == (1, 3)
    assert found.hit_objects == len({b["sighting_of_ref"] for b in seen})
    assert (found.new, found.first, found.known_before) == (new, len(leads), before)
    assert (before, leads) == (1, [found.lead])
    assert found.objects == len(theirs) == sum(found.by_type.values())
    ages = [
        max((parse(c.received_at) - parse(c.object.version)).total_seconds(), 0)
        for c in theirs.values()
    ]
    assert found.age == median(ages)


def test_what_is_used_disputed_and_corrected_is_told(world):
    found = weigh(world).theirs

    assert (found.in_use, found.in_use_read) == (1, 0)
    assert found.disputed == 2
    assert (found.corrections, found.recalls) == (1, 0)
    assert found.harmless == 0


def test_what_we_gave_is_weighed_by_what_they_say_of_it(world):
    found = weigh(world).ours

    assert (found.hits, found.hit_objects, found.hit_times) == (1, 1, 1)
    assert (found.objects, dict(found.by_type)) == (2, {"tool": 1, "indicator": 1})
    assert (found.new, found.first, found.known_before) == (2, 0, 0)
    assert found.in_use is None  # they alone know


def test_both_ends_count_the_same_sightings(world):
    """What Aurelia says Borea sighted is what Borea says it gave as sightings; each end by its own store."""
    there = weigh(world, name="borea", partner="aurelia")

    assert there.theirs.hits == weigh(world).ours.hits
    assert there.theirs.objects == weigh(world).ours.objects
    assert (there.ours.corrections, there.ours.objects) == (1, 6)


def test_only_what_is_from_the_time_asked_for_counts(world):
    later = text(world.clock())

    found = weigh(world, since=later)

    assert (found.theirs.hits, found.theirs.objects, found.ours.objects) == (0, 0, 0)
    assert (found.theirs.lead, found.theirs.age, found.theirs.corrections) == (None, None, 0)


def test_what_is_above_a_clearance_counts_for_nothing(world):
    low, high = weigh(world, person(Tlp.GREEN)).theirs, weigh(world).theirs

    assert high.objects - low.objects == 1  # the one that is AMBER
    assert weigh(world, person(Tlp.CLEAR)).ours.objects == 0


def test_what_they_took_back_is_told_to_those_alone_who_may_recall(world):
    found = weigh(world, person(role="analyst"))

    assert (found.theirs.corrections, found.theirs.recalls) == (None, None)
    assert found.ours.corrections == 0


def test_who_may_not_look_at_releases_is_told_no_balance(world):
    with pytest.raises(Forbidden):
        weigh(world, person(role="auditor"))


def test_a_balance_leaves_nothing_behind_and_nobody_hears_of_it(world):
    """Comparison stays inside: no table of any room changes, and nothing more is on the wire."""

    def state():
        node = world.nodes["aurelia"]
        rooms = []
        for room in (node.core, node.shelf, node.spool):
            with room.read() as unit:
                named = unit.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")
                tables = sorted(name for (name,) in named.all())
                rooms.append([unit.exec_driver_sql(f'SELECT * FROM "{t}"').all() for t in tables])
        return rooms

    before, said = state(), len(world.wire.seen)
    for partner in ("borea", "corvia"):
        weigh(world, partner=partner)

    assert state() == before
    assert len(world.wire.seen) == said


def test_the_partners_are_the_nations_and_no_clients(world):
    with world.nodes["aurelia"].core.read() as unit:
        assert balance.partners(unit) == ["borea", "corvia"]
