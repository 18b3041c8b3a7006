"""What time and new texts change is decided again: once, in parts, and with nothing shown half done (border.md 3.4)."""

import json
from datetime import timedelta

import pytest

from mithaq.border import admit, signing, watch
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.policy.agreement import Clause
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import PAIR, US, WIDE, B, agreement
from tests.rooms.border.test_clocks import says, witnessed
from tests.rooms.border.test_on_record import on_record
from tests.rooms.border.test_publish import rows_of, seals

HOUR = timedelta(hours=1)


def next_text(stage, **more):
    """Let both sign the next version of the pair."""
    sign_both(stage, agreement(PAIR, US, B, version=2, **{"clause": WIDE, **more}))


def catch_up(stage, id_=PAIR):
    stage.do(watch.catch_up, stage.us, id_, stage.now)


def proceed(stage):
    return stage.do(watch.proceed, stage.us, stage.now)


def states(stage, id_=PAIR):
    """The states that Borea's shelf was given under an agreement, in order."""
    [channel] = [
        c["id"]
        for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (B, id_, "out")
    ]
    return [
        json.loads(r["facts"])["state"]
        for r in stage.rows("shelf_ops")
        if (r["op"], r["shelf"]) == ("shelf", channel)
    ]


def changed(stage):
    return stage.ask(watch.changed, stage.now)


def test_what_time_turns_is_counted_and_decided_once(stage):
    copies = stage.give(*(stage.body(by=US) for _ in range(3)))
    soon = Beside(embargo=stamp(stage.now + HOUR))
    for copy in copies:
        stage.do(admit.mark, stage.us, copy.seq, soon, author="ana", now=stage.now)
    stage.publish(*copies)
    stage.clock.step(HOUR.total_seconds())
    assert stage.ask(watch.turned, stage.now) == 3

    done = [stage.do(watch.turn, stage.us, stage.now) for _ in range(2)]

    assert done == [3, 0]
    assert stage.ask(watch.turned, stage.now) == 0
    assert all(rows_of(stage, copy) == [(PAIR, B)] for copy in copies)


def timed(stage, **limit):
    clauses = [Clause(id="all", kinds=["*"], max_tlp="AMBER", **limit)]
    sign_both(stage, agreement("timed", US, B, clauses=clauses))
    catch_up(stage, "timed")


def test_what_a_node_can_decide_at_once_it_decides_without_blocking_a_shelf(stage, monkeypatch):
    timed(stage, expiry=stamp(stage.now + HOUR))
    stage.publish(*stage.give(stage.body(by=US), stage.body(by=US)), agreement="timed")
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    stage.clock.step(HOUR.total_seconds())
    before = len(states(stage, "timed"))

    catch_up(stage, "timed")

    assert set(states(stage, "timed")[before:]) == {"open"}
    assert (stage.ask(watch.progress), proceed(stage), changed(stage)) == ({}, 0, [])
    on_record(stage, "agreement-holds", "timed", state="in-force", version=1)


def test_how_far_it_is_with_more_than_that_is_said_and_what_is_left_is_gone_on_with(
    stage, monkeypatch
):
    stage.publish(*stage.give(*(stage.body(by=US) for _ in range(3))))
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    next_text(stage)
    since = stamp(stage.now)

    catch_up(stage)
    stage.clock.step()

    assert stage.ask(watch.progress) == {PAIR: watch.Progress(total=3, since=since, left=3)}
    assert states(stage)[-1] == "blocked"
    assert proceed(stage) == 2
    assert stage.ask(watch.progress) == {PAIR: watch.Progress(total=3, since=since, left=1)}
    assert (proceed(stage), proceed(stage)) == (1, 0)
    assert (stage.ask(watch.progress), states(stage)[-1]) == ({}, "open")


def test_an_agreement_that_is_suspended_has_nothing_to_be_decided_again(stage, monkeypatch):
    stage.publish(*stage.give(*(stage.body(by=US) for _ in range(3))))
    monkeypatch.setattr(watch, "AT_ONCE", 1)
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")

    catch_up(stage)

    assert stage.ask(watch.progress) == {}
    on_record(stage, "agreement-holds", PAIR, state="suspended", version=0)


@pytest.mark.parametrize(
    ("limit", "seen"), [("embargo", [False, True, True]), ("expiry", [True, False, False])]
)
def test_a_clause_that_time_opens_or_ends_is_noticed_at_its_very_instant(stage, limit, seen):
    timed(stage, **{limit: stamp(stage.now + HOUR)})
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement="timed")
    stands, noticed = [], []

    for step in (timedelta(), HOUR, HOUR):
        stage.clock.step(step.total_seconds())
        noticed.append(changed(stage))
        for id_ in noticed[-1]:
            catch_up(stage, id_)
        stands.append(rows_of(stage, copy) == [("timed", B)])

    assert (noticed, stands) == ([[], ["timed"], []], seen)


def test_targets_come_before_what_refers_to_them_also_around_a_circle():
    links = {1: [3], 2: [1], 3: [4], 4: [3, 9]}

    assert watch.targets_first([2, 1, 3, 4, 5], links) == [9, 4, 3, 1, 2, 5]
    assert watch.targets_first([5, 4], {4: [5], 5: [4]}) == [4, 5]
    assert watch.targets_first([1, 1], {1: [1]}) == [1]


def test_what_a_person_approved_under_the_text_before_is_shown_no_more_and_all_else_stands_on(
    stage,
):
    stage.enrol("omar")
    approved, plain = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT), stage.body(by=US))
    stage.publish(approved, plain)
    stage.approve("omar", approved)
    stage.project()
    next_text(stage)

    catch_up(stage)
    stage.project()

    with stage.node.shelf.read() as unit:
        shown = {row.id for row in unit.exec_driver_sql("SELECT id FROM shelf_rows")}
    assert {approved.object.id, plain.object.id} & shown == {plain.object.id}
    assert stage.leaves(plain.object.id) == ["import", "release"]
    stage.approve("omar", approved)
    catch_up(stage)
    released = ["approved", "release"]
    assert stage.leaves(approved.object.id) == ["import", "held", *released, "held", *released]


def test_what_a_partner_had_not_fetched_before_a_suspension_is_sent_again_after_it(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    for act in ("suspend", "resume"):
        stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lena")
    assert len(seals(stage)) == 1

    catch_up(stage)

    assert [[e.id for e in seal.entries] for seal in seals(stage)] == [[copy.object.id]] * 2


def test_all_that_a_witness_of_time_brings_to_its_end_is_taken_down_at_once_and_once(stage):
    soon = Beside(expiry=stamp(stage.now + HOUR))
    copies = stage.give(*(stage.body(by=US) for _ in range(3)))
    for copy in copies:
        stage.do(admit.mark, stage.us, copy.seq, soon, author="ana", now=stage.now)
    stage.publish(*copies)
    witnessed(stage)
    says(stage, by=2 * HOUR)
    assert stage.ask(watch.turned, stage.now) == 3

    assert [stage.do(watch.turn, stage.us, stage.now) for _ in range(2)] == [3, 0]

    assert [row for row in stage.rows("rows") if row["copy"]] == []
