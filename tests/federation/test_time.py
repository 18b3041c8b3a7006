"""What time changes by itself: embargoes that end, expiries that come, of objects and of clauses (border.md 2.7)."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.border import local, watch
from mithaq.clock import text
from mithaq.model.labels import Beside, Tlp
from mithaq.store import releases
from tests.federation.test_delivery import NATIONS, agreement, tool

HOUR = timedelta(hours=1)


@pytest.fixture
def two(federation):
    for name in ("aurelia", "borea"):
        federation.nation(name, NATIONS[name])
    federation.enrol_all()
    return federation


def in_an_hour(federation):
    return text(federation.clock() + HOUR)


def let_go(federation, beside, *numbers, under="pact"):
    seqs = []
    for number in numbers or (1,):
        [seq] = federation.give("aurelia", tool(number), tlp=Tlp.GREEN)
        with federation.nodes["aurelia"].core.begin() as unit:
            local.mark(
                unit,
                federation.nodes["aurelia"].us,
                seq,
                beside,
                author="ana",
                now=federation.clock(),
            )
        seqs.append(seq)
    federation.release("aurelia", under, seqs)
    federation.settle()


def pact(federation, **clause):
    made = agreement("pact", "aurelia", "borea")
    changed = msgspec.structs.replace(made.clauses[0], **clause)
    federation.sign(msgspec.structs.replace(made, clauses=[changed]), "aurelia", "borea")


def later(federation, by=HOUR):
    federation.clock.step(by.total_seconds())
    federation.settle()


def test_what_was_under_embargo_goes_when_it_ends(two):
    pact(two)
    let_go(two, Beside(embargo=in_an_hour(two)))
    later(two, HOUR / 2)
    assert two.held_by("borea") == {}

    later(two, HOUR / 2)

    assert len(two.held_by("borea")) == 1


def test_what_expires_is_shown_no_longer(two):
    pact(two)
    let_go(two, Beside(expiry=in_an_hour(two)))
    with two.nodes["aurelia"].core.read() as unit:
        assert len(releases.rows_of_agreement(unit, "pact")) == 1

    later(two)

    with two.nodes["aurelia"].core.read() as unit:
        assert releases.rows_of_agreement(unit, "pact") == []


@pytest.mark.parametrize(("limit", "before", "after"), [("embargo", 0, 1), ("expiry", 1, 0)])
def test_a_clause_opens_and_ends_at_its_instant(two, limit, before, after):
    pact(two, **{limit: in_an_hour(two)})
    let_go(two, Beside())
    counts = []
    for step in (HOUR / 2, HOUR):
        later(two, step)
        with two.nodes["aurelia"].core.read() as unit:
            counts.append(len(releases.rows_of_agreement(unit, "pact")))

    assert counts == [before, after]


def test_only_what_time_touches_is_decided_again_and_whoever_stops_goes_on(two, monkeypatch):
    pact(two)
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    let_go(two, Beside(embargo=in_an_hour(two)), *range(1, 6))
    let_go(two, Beside(), *range(6, 9))
    node, asked = two.nodes["aurelia"], []
    real = watch.reconsider

    def counted(unit, us, name, seqs, now):
        asked.append(len(seqs))
        return real(unit, us, name, seqs, now)

    monkeypatch.setattr(watch, "reconsider", counted)
    two.clock.step(3600)
    with node.core.begin() as unit:
        watch.turn(unit, node.us, two.clock())  # and then the power goes
    later(two, timedelta(seconds=1))

    assert asked == [2, 2, 1]
    assert len(two.held_by("borea")) == 8
    with node.core.read() as unit:
        assert releases.count_turned(unit, text(two.clock())) == 0
