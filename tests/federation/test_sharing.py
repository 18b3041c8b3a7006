"""Who else has an object and under which agreement, and what came from whom: told from what three nations did."""

import pytest

from mithaq import intel
from mithaq.auth.actors import Actor, Forbidden, roles
from mithaq.border import recall
from mithaq.clock import text
from mithaq.model.labels import Clearance, Tlp
from mithaq.store import objects
from tests.federation.test_delivery import tool
from tests.federation.world import Federation

ID = tool(1)["id"]


def person(level=Tlp.RED, role="analyst"):
    return Actor(name="amal", roles=roles([role]), clearance=Clearance(tlp=level))


@pytest.fixture(scope="module")
def world(forum, tmp_path_factory):
    """Aurelia gave three tools to the forum, took one back as wrong and gave a newer version of another."""
    made = Federation.copied(forum, tmp_path_factory.mktemp("sharing"))
    seqs = made.give("aurelia", tool(1), tool(2), tool(3), tlp=Tlp.GREEN)
    made.release("aurelia", "forum", seqs)
    made.settle()
    newer = tool(2) | {"modified": text(made.clock()), "name": "newer"}
    made.release("aurelia", "forum", made.give("aurelia", newer, tlp=Tlp.GREEN))
    made.settle()
    node = made.nodes["aurelia"]
    with node.core.begin() as unit:
        asked = recall.Asked(id=tool(3)["id"], cause="wrong", basis="a mistake")
        recall.recall(unit, node.us, "dora", asked, made.clock())
    made.settle()
    made.give("borea", tool(9), own=False)
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "sighting_of_ref": ID,
        "id": "sighting--00000000-0000-4000-8000-000000000001",
        "created": tool(1)["created"],
        "modified": tool(1)["modified"],
    }
    made.release("borea", "forum", made.give("borea", sighting, tlp=Tlp.GREEN))
    made.settle()
    yield made
    made.close()


def who_has(world, name, id_, actor=None):
    node, who = world.nodes[name], actor or person()
    with node.core.read() as unit:
        copies = intel.versions(unit, node.us, who, id_)
        return intel.who_has(unit, node.us, who, copies, world.clock())


def came(world, name, actor=None, page=(50, 0), **asked):
    node = world.nodes[name]
    with node.core.read() as unit:
        return intel.came(unit, node.us, actor or person(), intel.Asked(**asked), page)


def test_what_went_is_told_with_agreement_clause_and_arrival(world):
    went = who_has(world, "aurelia", ID).went

    assert {(h.peer, h.agreement, h.agreement_version, h.state) for h in went} == {
        ("borea", "forum", 1, "on-show"),
        ("corvia", "forum", 1, "on-show"),
    }
    assert {h.arrived for h in went} == {"acknowledged"}
    assert all(h.clause and h.at < h.arrived_at for h in went)


def test_what_was_taken_back_as_wrong_is_told_with_the_answer(world):
    went = who_has(world, "aurelia", tool(3)["id"]).went

    assert {(h.peer, h.state, h.cause, h.answer) for h in went} == {
        ("borea", "corrected", "wrong", "deleted"),
        ("corvia", "corrected", "wrong", "deleted"),
    }


def test_each_version_that_went_is_told_the_newest_first(world):
    went = who_has(world, "aurelia", tool(2)["id"]).went

    assert [h.peer for h in went] == ["corvia", "borea"] * 2
    assert went[0].version > went[-1].version
    assert went[0].state == "on-show"


def test_who_speaks_of_an_object_has_it(world):
    others = who_has(world, "aurelia", ID).others

    assert {(o.who, o.how, o.agreement) for o in others} == {("borea", "speaks", "forum")}


def test_of_what_came_whoever_vouches_has_it_and_the_parties_it_is_shared_with(world):
    others = who_has(world, "corvia", ID).others

    assert {(o.who, o.how) for o in others} == {
        ("aurelia", "voucher"),
        ("borea", "scope"),
        ("borea", "speaks"),
    }


def test_of_what_a_file_gave_the_file_has_it(world):
    found = who_has(world, "borea", tool(9)["id"])

    assert [(o.who, o.how) for o in found.others] == [("file:report", "source")]
    assert not found.went


def test_who_may_not_look_at_releases_is_not_told_where_they_went(world):
    with pytest.raises(Forbidden):
        who_has(world, "aurelia", ID, person(role="auditor"))


def test_what_is_above_a_clearance_is_in_no_answer(world):
    node = world.nodes["aurelia"]
    low = person(Tlp.CLEAR)
    with node.core.read() as unit:
        copies = objects.of_id(unit, ID)
        found = intel.who_has(unit, node.us, low, copies, world.clock())

    assert (found.went, found.stays, found.others) == ([], [], [])
    assert came(world, "borea", low, whom="aurelia").counts == []


def test_what_came_is_counted_as_a_plain_count_of_the_copies_does(world):
    """Oracle: every copy at borea, one by one."""
    with world.nodes["borea"].core.read() as unit:
        copies = [c for c in objects.load(unit, objects.everything()) if c.standing == "received"]

    found = came(world, "borea")

    plain = {}
    for copy in copies:
        key = (copy.sent_by or copy.voucher, copy.object.type, copy.level, copy.agreement)
        plain[key] = plain.get(key, 0) + 1
    told = {(c.whom, c.type, c.level, c.agreement): c.count for c in found.counts}
    assert told == plain
    assert [c.seq for c in found.page] == sorted((c.seq for c in copies), reverse=True)


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({"whom": "aurelia", "type": "tool"}, 3),
        ({"whom": "report"}, 1),
        ({"whom": "file:report"}, 1),
        ({"whom": "aurelia", "marking": "RED"}, 0),
        ({"whom": "aurelia", "type": "tool", "agreement": "forum"}, 3),
        ({"whom": "aurelia", "agreement": "other"}, 0),
        ({"whom": "corvia"}, 0),
        ({"since": "2100-01-01"}, 0),
        ({"until": "2001-01-01"}, 0),
    ],
)
def test_what_came_is_narrowed(world, asked, count):
    found = came(world, "borea", **asked)

    assert sum(each.count for each in found.counts) == count == len(found.page)


def test_what_came_is_paged(world):
    whole = [c.seq for c in came(world, "borea").page]
    first = came(world, "borea", page=(2, 0))
    rest = came(world, "borea", page=(50, first.after))

    assert [c.seq for c in (*first.page, *rest.page)] == whole
    assert rest.after == 0


# --- what happened -----------------------------------------------------------------------------------
def timeline(world, name, id_, actor=None, **more):
    node, who = world.nodes[name], actor or person()
    with node.core.read() as unit:
        copies = objects.of_id(unit, id_)
        return intel.timeline(unit, node.us, who, copies, world.clock(), **more)


def test_what_happened_is_told_in_order_and_by_whose_clock(world):
    told = [(e.what, e.who, e.clock) for e in timeline(world, "aurelia", ID)]

    assert told == [
        ("created", "", "aurelia"),
        ("sighted", "borea", "borea"),
        ("written", "ana", ""),
        ("proposed", "ana", ""),
        ("released", "borea", ""),
        ("released", "corvia", ""),
        ("acknowledged", "borea", ""),
        ("acknowledged", "corvia", ""),
    ]


def test_what_was_taken_back_is_told_to_its_end(world):
    told = [(e.what, e.who, e.detail) for e in timeline(world, "aurelia", tool(3)["id"])]

    assert [each for each in told if each[0] in ("corrected", "answered")] == [
        ("corrected", "borea", "wrong"),
        ("corrected", "corvia", "wrong"),
        ("answered", "borea", "deleted"),
        ("answered", "corvia", "deleted"),
    ]


def test_a_timeline_tells_nothing_above_a_clearance(world):
    assert timeline(world, "borea", ID, person(Tlp.CLEAR)) == []


def test_who_may_not_look_at_releases_reads_the_rest(world):
    """Nobody has that role alone today; the two permissions are two."""
    told = {e.what for e in timeline(world, "corvia", ID)}

    assert told == {"created", "received", "sighted"}


def test_what_stands_beside_it_is_told_along(world):
    sighting = "sighting--00000000-0000-4000-8000-000000000001"

    alone = {e.id for e in timeline(world, "aurelia", sighting)}
    both = {e.id for e in timeline(world, "aurelia", sighting, related=True)}

    assert (alone, both) == ({sighting}, {sighting, ID})
