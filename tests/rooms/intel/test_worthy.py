"""Indicators are found by what they are worth now, and many objects are marked after a look."""

from datetime import timedelta

import pytest

from mithaq import intel
from mithaq.auth.actors import Forbidden
from mithaq.intel import Caveats, Filters
from mithaq.intel.finding import worthy
from mithaq.intel.keeping import bulk
from mithaq.model.labels import Tlp
from mithaq.model.worth import falls, worth
from tests.rooms.intel.conftest import NOW, person
from tests.rooms.intel.test_finding import indicator, made
from tests.rooms.intel.test_service import desk, id_, tool

__all__ = ["desk"]
DAY = "2026-02-{:02d}T12:00:00.000Z"
PATTERN = "[domain-name:value = 'n{}.example']"


def of(number, day, confidence, **more):
    body = indicator(number, PATTERN.format(number), confidence=confidence, **more)
    return body | {"valid_from": DAY.format(day), "name": f"n{number}"}


@pytest.fixture
def held(desk):
    """At NOW, sixty days' half-life: n1 was 90 a day ago, n2 was 90 and is disputed, n3 never was worth 50."""
    seen = made("sighting", 7, sighting_of_ref=of(4, 1, 80)["id"], last_seen=DAY.format(28))
    no = made("opinion", 8, object_refs=[of(2, 28, 90)["id"]], opinion="strongly-disagree")
    old = of(4, 1, 80) | {"valid_from": "2025-06-01T00:00:00.000Z"}
    desk.add(of(1, 28, 90), of(2, 28, 90), of(3, 28, 40), old, tool(9))
    desk.add(no, tlp=Tlp.GREEN)
    desk.add(seen, tlp=Tlp.AMBER)
    return desk


def found(held, least, words="", filters=None, actor=None, page=(50, 0)):
    some = held.ask(worthy.search, words, filters or Filters(), least, NOW, actor=actor, page=page)
    return [(copy.object.body["name"], each.score) for copy, each in some]


def test_what_is_worth_enough_is_found_with_what_it_is_worth(held):
    assert found(held, 50) == [("n4", 79), ("n1", 89)]
    assert found(held, 80) == [("n1", 89)]
    assert found(held, 50, "n4") == [("n4", 79)]
    assert found(held, 20, filters=Filters(type="tool")) == []
    assert {name for name, _ in found(held, 20)} == {"n1", "n2", "n3", "n4"}


def test_a_sighting_that_may_not_be_read_makes_nothing_fresh(held):
    assert found(held, 50, actor=person(Tlp.GREEN)) == [("n1", 89)]


def test_pages_go_on_past_what_is_worth_too_little(held, monkeypatch):
    monkeypatch.setattr(worthy, "AT_ONCE", 1)
    [first] = held.ask(worthy.search, "", Filters(), 50, NOW, page=(1, 0))

    assert found(held, 50) == [("n4", 79), ("n1", 89)]
    assert found(held, 50, page=(5, first[0].seq)) == [("n1", 89)]


def test_when_an_indicator_will_be_worth_too_little_is_known_beforehand():
    body = of(1, 28, 90)
    now = worth(body, (), NOW)
    turn = falls(now, 50)

    assert worth(body, (), turn - timedelta(seconds=1)).score >= 50
    assert worth(body, (), turn + timedelta(seconds=1)).score < 50
    assert falls(now, 95) is None  # it is already
    assert falls(worth(body | {"revoked": True}, (), NOW), 10) is None


def test_the_reliability_of_a_source_is_told(desk):
    named = intel.Source(name="file:report", kind="file", reliability="B")
    desk.add(tool(1), source=named)
    [copy] = desk.ask(intel.versions, id_(1))

    assert desk.ask(lambda unit, *_: worthy.reliability(unit, copy)) == "B"


# --- many at once ------------------------------------------------------------------------------------
AMBER = intel.caveats(Caveats(tlp="AMBER"))


def effects(desk, beside=AMBER, **more):
    some = desk.ask(bulk.targets, beside, **more)
    return sorted((each.marking, each.effect) for each in some)


def test_what_would_come_of_a_marking_is_told_before_it_is_put(desk):
    desk.add(tool(1), tool(2), tlp=Tlp.GREEN)
    desk.add(tool(3), tlp=Tlp.RED)
    desk.add(tool(4), tlp=Tlp.AMBER)
    mine = person(Tlp.RED, readers=())

    assert effects(desk, words="tool", actor=mine) == [
        ("TLP:AMBER", "same"),
        ("TLP:GREEN", "marked"),
        ("TLP:GREEN", "marked"),
    ]
    assert effects(desk, names=[id_(4)]) == [("TLP:AMBER", "same")]
    green = intel.caveats(Caveats(tlp="GREEN"))
    assert effects(desk, green, names=[id_(4)]) == [("TLP:AMBER", "lower")]
    purpose = intel.caveats(Caveats(purpose="defence"))
    assert effects(desk, purpose, names=[id_(4)]) == [("TLP:AMBER", "marked")]


def test_many_are_marked_in_parts_and_what_changed_meanwhile_is_left(desk, core, us, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "PAGE", 2)
    desk.add(*(tool(n) for n in range(1, 6)), tlp=Tlp.GREEN)
    numbers = [t.number for t in desk.ask(bulk.targets, AMBER, filters=Filters(source="report"))]
    desk.change(intel.mark, id_(1), intel.caveats(Caveats(tlp="AMBER+STRICT")))
    ticks = []

    done = bulk.mark_all(
        core, us, person(Tlp.AMBER), numbers, AMBER, NOW, lambda *at: ticks.append(at)
    )

    assert (len(numbers), done) == (5, (4, 1))
    assert ticks == [(2, 5), (4, 5), (5, 5)]
    assert effects(desk, words="tool") == [("TLP:AMBER", "same")] * 4 + [
        ("TLP:AMBER+STRICT", "lower")
    ]


def test_what_would_be_lowered_is_refused_one_by_one(desk, core, us):
    desk.add(tool(1), tlp=Tlp.AMBER)
    [target] = desk.ask(bulk.targets, AMBER, names=[id_(1)])
    green = intel.caveats(Caveats(tlp="GREEN"))

    done = bulk.mark_all(core, us, person(), [target.number], green, NOW, lambda *_: None)

    assert done == (0, 1)


def test_who_may_not_add_marks_nothing(desk, core, us):
    with pytest.raises(Forbidden):
        desk.ask(bulk.targets, AMBER, words="tool", actor=person(Tlp.RED, "liaison"))
    with pytest.raises(Forbidden):
        bulk.mark_all(core, us, person(Tlp.RED, "liaison"), [1], AMBER, NOW, lambda *_: None)
