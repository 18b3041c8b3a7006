"""Which shelves are open, blocked or closed, until when, and what is noted when one closes (border.md 3.4, 3.5)."""

import json
from datetime import timedelta

import pytest

from mithaq.border import clocks, opening, parting, rupture, signing, watch
from mithaq.clock import text as stamp
from mithaq.policy.agreement import Clause, digest_of, to_bytes
from mithaq.store import channels, parties
from mithaq.store.journal import keep, setting
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_shelf import channel_to, fetched, rows

MARCH, APRIL, MAY, JUNE = (f"2026-0{month}-15T00:00:00.000Z" for month in (3, 4, 5, 6))


def newest(stage):
    return max((r["seq"] for r in stage.rows("shelf_ops")), default=0)


def told(stage, act):
    """What an act tells the listener about shelves: (shelf, op, facts)."""
    before = newest(stage)
    act()
    return [
        (r["shelf"], r["op"], json.loads(r["facts"]))
        for r in stage.rows("shelf_ops")
        if r["seq"] > before and r["op"] in ("shelf", "until")
    ]


def refresh(stage, id_=PAIR, **more):
    return told(stage, lambda: stage.do(opening.refresh, stage.us, id_, stage.now, **more))


def shelf(stage, state, title="", peer=B, id_=PAIR, kind="node"):
    facts = {"peer": peer, "kind": kind, "title": title, "state": state}
    return (channel_to(stage, peer, id_), "shelf", facts)


def until(stage, at="", peer=B, id_=PAIR):
    return (channel_to(stage, peer, id_), "until", {"until": at})


@pytest.mark.parametrize("followed", ["this", "none"])
def test_a_shelf_that_follows_the_text_in_force_or_was_closed_stays_as_it_is(stage, followed):
    digest = digest_of(agreement(PAIR, US, B, clause=WIDE))
    stage.do(keep, opening.noted(PAIR), {"this": digest, "none": opening.NOTHING}[followed])

    assert refresh(stage) == [until(stage)]


def test_a_shelf_that_follows_another_text_is_blocked_until_all_is_decided_anew(stage):
    stage.do(keep, opening.noted(PAIR), "sha256:" + "0" * 64)

    assert refresh(stage) == [shelf(stage, "blocked")]
    assert refresh(stage, stale=True) == [shelf(stage, "blocked")]
    assert refresh(stage, decided=True) == [shelf(stage, "open", PAIR), until(stage)]


def test_a_shelf_whose_text_is_decided_anew_in_parts_is_blocked_though_the_text_is_the_same(stage):
    digest = digest_of(agreement(PAIR, US, B, clause=WIDE))
    stage.do(keep, opening.noted(PAIR), digest)

    assert refresh(stage, stale=True) == [shelf(stage, "blocked")]


def test_a_new_partys_shelf_opens_at_once_unless_much_waits_to_be_decided(stage):
    for stale in (True, False):
        with stage.node.core.begin() as unit:
            unit.exec_driver_sql("DELETE FROM channels WHERE agreement = ?", (PAIR,))
        found = refresh(stage, stale=stale)
        title = shelf(stage, "blocked" if stale else "open", PAIR)
        assert found == ([title] if stale else [title, until(stage)])


def test_what_is_released_in_the_instant_a_text_comes_into_force_is_shown_before_any_look(stage):
    """Nobody has looked at the clock yet: the shelf opens with its first row, as it does with a last signature."""
    start = stamp(stage.now + timedelta(hours=1))
    sign_both(stage, agreement("soon", US, B, start=start))
    stage.do(watch.catch_up, stage.us, "soon", stage.now)
    stage.clock.step(3600)
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy, agreement="soon")
    stage.project()

    assert fetched(stage, B, "soon") == [[copy.object.raw]]
    assert len(rows(stage, copy.object.id)) == 1


def test_who_joins_in_the_instant_of_a_release_gets_it_with_those_who_were_there(stage):
    sign_both(stage, agreement("wide", US, B, kind="forum", clause=WIDE))
    joins = {"version": 2, "effective": stamp(stage.now + timedelta(hours=1)), "clause": WIDE}
    sign_both(stage, agreement("wide", US, B, C, kind="forum", **joins), B, C)
    stage.clock.step(3600)
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy, agreement="wide")
    stage.project()
    assert fetched(stage, C, "wide") == [[copy.object.raw]]
    stage.do(watch.catch_up, stage.us, "wide", stage.now)
    stage.project()

    for peer in (B, C):
        assert fetched(stage, peer, "wide") == [[copy.object.raw]]


def test_whose_words_are_not_compared_has_no_shelf(stage):
    stage.do(parties.set_peer_state, C, "met")

    assert refresh(stage, FORUM, decided=True) == [
        shelf(stage, "open", FORUM, id_=FORUM),
        until(stage, id_=FORUM),
    ]


def test_who_is_no_party_any_more_has_a_closed_shelf_and_what_it_lacks_is_noted(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)

    found = told(stage, lambda: sign_both(stage, agreement(FORUM, US, B, version=2, kind="forum")))

    assert shelf(stage, "closed", peer=C, id_=FORUM) in found
    assert shelf(stage, "closed", id_=FORUM) not in found
    assert stage.ask(setting, opening.unfetched(channel_to(stage, C, FORUM))) == "1-1"
    assert stage.ask(setting, opening.unfetched(channel_to(stage, B, FORUM))) == ""


def test_a_client_that_was_removed_has_its_shelf_closed_for_good(stage):
    grant(stage)
    opened = shelf(stage, "open", "grant", "sensor", "grant", "client")
    assert refresh(stage, "grant", decided=True)[0] == opened

    stage.do(parting.remove, "sensor", stage.now, by="lena")

    assert refresh(stage, "grant", decided=True) == []


def test_where_one_broke_off_the_shelf_stays_closed_though_the_text_is_in_force(stage):
    stage.do(rupture.declare, stage.us, C, rupture.Why(reason="case 7"), stage.now, by="dora")

    assert refresh(stage, FORUM, decided=True) == [
        shelf(stage, "open", FORUM, id_=FORUM),
        until(stage, id_=FORUM),
        shelf(stage, "closed", peer=C, id_=FORUM),
    ]


# --- until --------------------------------------------------------------------------------------------------
def with_clauses(id_, *clauses, **more):
    base = {"kinds": ["*"], "max_tlp": "AMBER", "max_pap": "RED", "onward": "scope"}
    made = [Clause(id=f"c{at}", **base, **clause) for at, clause in enumerate(clauses)]
    return agreement(id_, US, B, clauses=made, **more)


@pytest.mark.parametrize(
    ("clauses", "more", "at"),
    [
        ([{}], {}, ""),
        ([{}], {"end": MAY}, MAY),
        ([{"embargo": APRIL}, {}], {"end": MAY}, APRIL),
        ([{"expiry": APRIL}, {"embargo": MARCH}], {"end": MAY}, MARCH),
        ([{"expiry": JUNE}, {"embargo": "2026-02-01T00:00:00.000Z"}], {}, JUNE),
        ([{"embargo": "now"}], {}, ""),
    ],
)
def test_a_shelf_shows_nothing_from_the_next_instant_that_time_alone_changes_its_text(
    stage, clauses, more, at
):
    now = stage.ask(clocks.instants, stage.now).opens
    exact = [
        {name: now if value == "now" else value for name, value in clause.items()}
        for clause in clauses
    ]

    found = told(stage, lambda: sign_both(stage, with_clauses("timed", *exact, **more)))

    assert found == [
        shelf(stage, "open", "timed", id_="timed"),
        until(stage, at, id_="timed"),
    ]


def test_a_later_text_counts_from_when_it_takes_over_once_all_have_signed_it(stage):
    sign_both(stage, with_clauses("timed", {}, end=JUNE))
    later = with_clauses("timed", {}, version=2, effective=APRIL)
    stage.do(signing.sign_text, stage.us, to_bytes(later), stage.now, by="lena")
    assert refresh(stage, "timed", decided=True)[-1] == until(stage, JUNE, id_="timed")

    sign_both(stage, later)

    assert refresh(stage, "timed", decided=True)[-1] == until(stage, APRIL, id_="timed")


# --- shut ---------------------------------------------------------------------------------------------------
def test_all_shelves_of_a_peer_are_shut_and_what_it_may_not_hold_is_noted_once(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    mark = opening.unfetched(channel_to(stage))
    peer = stage.ask(parties.peer, B)

    found = told(stage, lambda: stage.do(opening.shut, peer))

    assert sorted(found, key=str) == sorted(
        (shelf(stage, "closed", id_=id_) for id_ in (PAIR, FORUM)), key=str
    )
    assert stage.ask(setting, mark) == "1-1"
    assert stage.ask(setting, opening.unfetched(channel_to(stage, B, FORUM))) == ""
    base = channel_to(stage, B, "")
    assert stage.ask(setting, opening.unfetched(base)) == ""

    stage.do(channels.delivered, channel_to(stage), 1, stage.now)  # with a blank for the view
    stage.do(opening.shut, peer)
    assert stage.ask(setting, mark) == "1-1"
    stage.publish(*stage.give(stage.body(by=US)))  # onto a shelf that is closed still
    assert stage.ask(setting, mark) == "1-2"
