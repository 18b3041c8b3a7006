"""The restriction list: above every agreement at once, exactly where it touches, and nothing gets around it."""

import json
from datetime import timedelta

import pytest

from mithaq.border import consent, restriction, touched, watch
from mithaq.border.restriction import Entry
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.model.labels import Tlp
from mithaq.store import blocks, consents, releases
from tests.federation.world import second_person
from tests.rooms.border.lies import pair, statement
from tests.rooms.border.stage import FORUM, PAIR, US, B, C, put, sealed
from tests.rooms.border.test_consent import asked
from tests.rooms.border.test_on_record import on_record
from tests.rooms.border.test_publish import rows_of

LAW = {"reason": "export of this is forbidden", "basis": "act 7"}
DAY = timedelta(days=1)


def restrict(stage, **more):
    return stage.do(restriction.add, stage.us, Entry(**LAW, **more), stage.now, by="lea")


def decide(stage):
    """Decide again what was noted, as the worker does."""
    while stage.do(watch.turn, stage.us, stage.now):
        pass


def standing(stage):
    """What stands on any shelf: (peer, id) -> the whole row."""
    return {(r["peer"], r["id"]): r for r in stage.rows("rows") if r["copy"]}


@pytest.fixture
def shown(stage):
    """Two tools of ours and one of Corvia's at Borea, all GREEN; one of ours at Corvia as well."""
    one, two = stage.give(
        stage.body(by=US, labels=["Export-Control"]), stage.body(by=US, level=Tlp.CLEAR)
    )
    stage.publish(one, agreement=FORUM)
    stage.publish(two)
    return one, two


def test_what_is_restricted_is_gone_with_the_unit_and_nothing_else_is_touched(stage, shown):
    one, _ = shown
    before = standing(stage)

    done = restrict(stage, to=[B], ids=[one.object.id])
    after = standing(stage)
    decide(stage)

    assert before.keys() - after.keys() == {(B, one.object.id)}
    assert {at: before[at] for at in after} == after == standing(stage)
    assert done.gone == {B: 1}
    removed = [r["facts"] for r in stage.rows("shelf_ops") if r["op"] == "remove"]
    assert len(removed) == 1


def test_what_is_restricted_can_be_read_no_more_before_any_tick(stage, shown):
    one, two = shown
    stage.project()
    restrict(stage, to=[B], ids=[one.object.id])

    stage.project(additions=False)

    with stage.node.shelf.read() as unit:
        query = "SELECT s.peer, r.id FROM shelf_rows r JOIN shelves s ON s.shelf = r.shelf"
        seen = {(r.peer, r.id) for r in unit.exec_driver_sql(query) if r.id.startswith("tool")}
    assert seen == {(B, two.object.id), (C, one.object.id)}


def test_what_bears_no_named_label_waits_on_as_it_waited_and_nothing_is_recorded_again(stage):
    [held] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(held)

    restrict(stage, labels=["export-control"])
    decide(stage)

    assert stage.leaves(held.object.id) == ["import", "held"]


def test_a_label_takes_down_all_that_bears_it_however_much_that_is(stage, monkeypatch):
    monkeypatch.setattr(touched, "AT_ONCE", 1)
    copies = stage.give(*(stage.body(by=US, labels=["export"]) for _ in range(3)))
    stage.publish(*copies)

    done = restrict(stage, labels=["export"])

    assert done.gone == {B: 3}
    assert standing(stage) == {}


def test_the_law_that_a_restriction_rests_on_is_among_the_reasons(stage):
    restrict(stage, to=[B])
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy)

    [verdict] = stage.ask(releases.verdicts_where, copies=[copy.seq])
    [reason] = json.loads(verdict.reasons)
    assert reason["facts"] == {"number": "1", "basis": LAW["basis"], "peer": B}


@pytest.mark.parametrize(
    ("entry", "gone"),
    [
        ({"to": [B]}, {B}),
        ({"to": ["QN"]}, {B}),
        ({"to": ["QN", C]}, {B, C}),
        ({"kinds": ["tool"]}, {B, C}),
        ({"kinds": ["*"], "to": [C]}, {C}),
        ({"kinds": ["indicator"]}, set()),
        ({"labels": ["EXPORT-control"]}, {B, C}),
        ({"labels": ["export"]}, set()),
        ({"markings": ["GREEN"]}, {B, C}),
        ({"markings": ["AMBER"]}, set()),
        ({"markings": ["CLEAR"], "to": [C]}, {C}),
        ({"sources": ["file:report"]}, set()),
        ({"sources": [US]}, {B, C}),
        ({"sources": [US], "kinds": ["indicator"]}, set()),
    ],
)
def test_an_entry_touches_what_it_names_and_all_that_it_names_together(stage, shown, entry, gone):
    one, _ = shown

    done = restrict(stage, **entry)
    decide(stage)

    assert set(done.gone) == gone
    left = {peer for peer, id_ in standing(stage) if id_ == one.object.id}
    assert {B, C} - left == gone


def test_a_preview_says_what_would_go_and_takes_nothing(stage, shown):
    entry = Entry(**LAW, to=[B])

    seen = stage.ask(restriction.preview, stage.us, entry, stage.now)

    assert seen.gone == {B: 2}
    assert len(standing(stage)) == 3
    assert stage.rows("restrictions") == []


def test_what_refers_to_a_restricted_object_does_not_stand_without_it(stage):
    (target,) = stage.give(stage.body(by=US))
    (sighting,) = stage.give(
        stage.body("sighting", by=US, name=None, sighting_of_ref=target.object.id)
    )
    stage.publish(target)
    stage.publish(sighting)
    assert rows_of(stage, sighting) == [(PAIR, B)]

    restrict(stage, ids=[target.object.id])
    decide(stage)

    assert rows_of(stage, sighting) == []


def test_no_new_proposal_approval_or_source_gets_around_it(stage, shown):
    one, _ = shown
    restrict(stage, to=[B], labels=["export-control"])
    stage.enrol("mona")
    strict = stage.body(by=US, level=Tlp.AMBER_STRICT, labels=["export-Control"])
    [held] = stage.give(strict)
    [again] = stage.give(one.object.body | {"name": "changed", "modified": text(stage.now)})

    for copy in (one, again, held):
        stage.publish(copy)
        stage.publish(copy, agreement=FORUM)

    assert {peer for peer, id_ in standing(stage) if id_ == one.object.id} <= {C}
    assert rows_of(stage, held) == []
    assert {i["state"] for i in stage.rows("verdicts") if i["copy"] == held.seq} == {"withheld"}


def test_what_waits_for_a_person_and_is_restricted_waits_no_more(stage):
    stage.enrol("mona")
    [held] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(held)

    restrict(stage, ids=[held.object.id])
    decide(stage)

    assert {i["state"] for i in stage.rows("verdicts")} == {"withheld"}
    with pytest.raises(NotFound):
        stage.approve("mona", held)


def test_what_came_from_a_restricted_source_is_passed_on_to_nobody(stage):
    body = stage.body(level=Tlp.CLEAR)
    stage.admit(sealed(pair(), [put(body, onward="open")], stage.signer(B))[0])
    [copy] = stage.admitted()
    stage.publish(copy, agreement=FORUM)
    assert rows_of(stage, copy) == [(FORUM, C)]

    restrict(stage, sources=[B])
    decide(stage)
    stage.publish(copy, agreement=FORUM)

    assert rows_of(stage, copy) == []


def test_a_marking_that_is_named_goes_with_all_that_bears_it(stage):
    mark = statement(stage, by=US, says="Copyright Aurelia")
    [copy] = [
        c
        for c in stage.give(
            mark, stage.body(by=US, object_marking_refs=[mark["id"]]), tlp=Tlp.CLEAR
        )
        if c.object.type == "tool"
    ]
    stage.publish(copy)
    assert mark["id"] in {r["id"] for r in stage.rows("rows")}

    restrict(stage, markings=[mark["id"]])

    assert not {mark["id"], copy.object.id} & {r["id"] for r in stage.rows("rows")}


def test_an_entry_for_later_begins_and_ends_by_itself_also_for_what_goes_meanwhile(stage, shown):
    _, two = shown
    begins, ends = text(stage.now + DAY), text(stage.now + 2 * DAY)
    done = restrict(stage, to=[B], since=begins, until=ends)
    assert done.gone == {}
    [later] = stage.give(stage.body(by=US))
    stage.publish(later)
    copies = (two, later)
    assert all(rows_of(stage, c) == [(PAIR, B)] for c in copies)

    stage.clock.step(DAY.total_seconds())
    decide(stage)
    assert not {id_ for peer, id_ in standing(stage) if peer == B}
    [kept] = stage.give(stage.body(by=US))
    stage.publish(kept)
    assert rows_of(stage, kept) == []

    stage.clock.step(DAY.total_seconds())
    decide(stage)
    assert all(rows_of(stage, c) == [(PAIR, B)] for c in (*copies, kept))


def test_a_lifted_entry_lets_go_what_it_kept_back_and_says_who_lifted_it(stage, shown):
    one, _ = shown
    number = restrict(stage, ids=[one.object.id]).row.seq
    decide(stage)

    done = stage.do(restriction.lift, number, "the law has changed", stage.now, by="lea")
    decide(stage)

    assert (FORUM, B) in rows_of(stage, one)
    assert (done.lifted_by, done.lifted_because) == ("lea", "the law has changed")
    assert stage.leaves(str(number)) == ["restriction", "restriction-lifted"]


def test_an_entry_is_lifted_once_and_with_a_reason(stage):
    number = restrict(stage, to=[B]).row.seq

    with pytest.raises(InputError):
        stage.do(restriction.lift, number, " ", stage.now, by="lea")
    stage.do(restriction.lift, number, "over", stage.now, by="lea")
    with pytest.raises(Conflict):
        stage.do(restriction.lift, number, "again", stage.now, by="lea")
    with pytest.raises(NotFound):
        stage.do(restriction.lift, 99, "none", stage.now, by="lea")


def test_an_entry_for_later_would_take_nothing_down_now(stage, shown):
    entry = Entry(**LAW, to=[B], since=text(stage.now + DAY))

    assert stage.ask(restriction.preview, stage.us, entry, stage.now).gone == {}


def test_an_entry_that_ends_now_or_as_it_begins_is_refused(stage):
    soon = text(stage.now + DAY)
    for more in ({"until": text(stage.now)}, {"since": soon, "until": soon}):
        with pytest.raises(InputError) as told:
            restrict(stage, to=[B], **more)
        assert told.value.facts["cause"] == "until"


def test_what_an_entry_names_twice_or_leaves_blank_is_kept_once_or_not_at_all(stage):
    row = restrict(stage, to=[B, " ", f" {B} ", C], labels=["", "Export"]).row

    assert (row.to, row.labels) == ((B, C), ("export",))


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ({}, "empty"),
        ({"to": ["not a name"]}, "to"),
        ({"to": ["AB"]}, "to"),  # written as a country, and none
        ({"kinds": ["Tool!"]}, "kinds"),
        ({"ids": ["tool"]}, "ids"),
        ({"sources": ["a\nb"]}, "sources"),
        ({"markings": ["PURPLE"]}, "markings"),
        ({"labels": ["a\tb"]}, "labels"),
        ({"to": [B], "until": "2020-01-01T00:00:00.000Z"}, "until"),
        ({"to": [B], "basis": " "}, "basis"),
        ({"to": [B], "reason": ""}, "basis"),
    ],
)
def test_an_entry_that_forbids_nothing_or_everything_is_refused(stage, entry, cause):
    with pytest.raises(InputError) as told:
        stage.do(restriction.add, stage.us, Entry(**LAW | entry), stage.now, by="lea")

    assert told.value.facts["cause"] == cause
    assert stage.rows("restrictions") == []


# --- consent -----------------------------------------------------------------------------------------
@pytest.fixture
def consented(stage):
    """Borea may pass one of our objects on to Corvia."""
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    stage.do(consent.receive_request, stage.us, B, asked(stage, copy), stage.now)
    person = stage.do(second_person)
    stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)
    return copy, person


def state(stage, number=1):
    return {row.seq: row.state for row in stage.ask(consents.every)}[number]


@pytest.mark.parametrize(
    ("entry", "left"),
    [
        ({"to": [C]}, "refused"),
        ({"to": ["QO"], "kinds": ["tool"]}, "refused"),
        ({"ids": ["tool--00000000-0000-4000-8000-0000000000ff"]}, "given"),
        ({"to": [B]}, "given"),
        ({"to": [C], "since": "2027-01-01T00:00:00.000Z"}, "refused"),
    ],
)
def test_a_consent_that_an_entry_speaks_against_is_taken_back_and_not_given_again(
    stage, consented, entry, left
):
    _, person = consented

    done = restrict(stage, **entry)

    assert state(stage) == left
    assert done.consents == (left == "refused")
    if left == "refused":
        with pytest.raises(Conflict):
            stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)


def test_a_recipient_that_nobody_here_knows_may_be_in_any_country(stage, consented):
    copy, person = consented
    request = asked(stage, copy, recipient="elsewhere")
    stage.do(consent.receive_request, stage.us, B, request, stage.now)
    restrict(stage, to=["ZZ"])

    with pytest.raises(Conflict):
        stage.do(consent.answer, stage.us, 2, person, stage.now, yes=True)
    assert state(stage, 1) == "given"


# --- what is written down ----------------------------------------------------------------------------
def test_an_entry_is_kept_and_recorded_as_it_was_meant(stage, shown):
    one, _ = shown
    since, until = text(stage.now), text(stage.now + DAY)
    entry = {
        "to": [" QN ", "", B, B], "kinds": ["tool", " "], "ids": [one.object.id], "sources": [US],
        "markings": ["GREEN"], "labels": ["Export-CONTROL"], "since": since, "until": until,
    }  # fmt: skip

    done = restrict(stage, **entry)

    named = {
        "to": ["QN", B], "kinds": ["tool"], "ids": [one.object.id], "sources": [US],
        "markings": ["GREEN"], "labels": ["export-control"], "since": since, "until": until,
    }  # fmt: skip
    facts = {"reason": LAW["reason"], "basis": LAW["basis"], "by": "lea"}
    on_record(stage, "restriction", "1", **named, **facts, rows=1)
    [row] = stage.ask(blocks.restrictions_standing)
    assert row == done.row
    assert {
        name: [*v] if isinstance(v := getattr(row, name), tuple) else v for name in named
    } == named
    assert (row.reason, row.basis, row.person, row.at) == (*LAW.values(), "lea", text(stage.now))
