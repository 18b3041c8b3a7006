"""Non-interference: hidden work shifts no byte that a peer observes (border.md 4.5, 6; security.md 4).

Two nodes begin alike and do the same for a peer; one of them also does what that peer may not know. The same
trace of requests, on every route, reading and writing, gives the same statuses, headers and bodies on both.
"""

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from tempfile import mkdtemp

import pytest
import structlog
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mithaq.audit import log
from mithaq.border import clients, shelf
from mithaq.formats import Refusal
from mithaq.store import alarms, pages, provenance
from tests.leaks.acts import (
    LIFE,
    WORK,
    a_forum_that_compares,
    a_newer_version_of_what_is_out,
    a_release_to_another,
    a_release_to_another_taken_back,
    an_hour,
    another_nation,
    brings,
    hears_from_borea,
    one_of_them_tells_two_stories,
    raises,
    releases,
    resumes,
    secret_objects,
    suspends,
    takes_part_back,
    turns,
    what_another_sends_into_quarantine,
    writes_anew,
)
from tests.leaks.chance import repeatable
from tests.leaks.pair import Half, Pair, Tlp, held_together
from tests.leaks.trace import glance, probe, write

LONG = bool(os.environ.get("MITHAQ_LONG"))


@pytest.fixture(autouse=True)
def quiet():
    with structlog.testing.capture_logs(), repeatable():
        yield


@contextmanager
def begun(kind, *given):
    """A fresh pair, or half of one, gone at the end."""
    folder = Path(mkdtemp(prefix="mithaq-paired-"))
    pair = kind(folder / "pair", *given)
    try:
        yield pair
    finally:
        pair.close()
        shutil.rmtree(folder)


paired, alone = partial(begun, Pair), partial(begun, Half)


@pytest.mark.parametrize("hidden", WORK, ids=lambda act: act.__name__)
def test_hidden_work_changes_no_byte_that_a_peer_observes(hidden):
    """Stores that are almost equal: one hidden act, at each stage of a release's life.

    The left one lives that life whatever the right one hides, so it lives it once: all that the trace learns of
    it is kept, and held against what it learns of each right one.
    """
    with alone() as right:
        live(right, hidden)
        left = left_half(tuple(right.asked_about))
        held_together(left.told, right.told)
        assert left.rows != right.right.rows(), "what is hidden was not done"


def live(pair, hidden=None):
    """Live through a release's life; what is hidden is done by the right side alone."""
    life = (brings, releases, turns, raises, writes_anew, turns, takes_part_back, turns, turns)
    for common in life:
        pair.both(common)
        if hidden:
            hidden(pair.right)
            pair.right.turn("corvia", "dorado")
        pair.compare_wire()
        glance(pair)
    told = write(pair, [0, 4, 100, 141])
    pair.both(an_hour)
    pair.compare_wire()
    for status in told:
        pair.compare("misp", "GET", status)
    probe(pair, [0, 4, 100, 141], thorough=LONG)


@dataclass(frozen=True)
class Told:
    """What is left of a half that has lived."""

    told: list
    rows: dict


@cache
def left_half(asked_about):
    """Live without anything hidden, and be asked about those channels that a right half has."""
    with repeatable(), alone(asked_about) as half:
        live(half)
        return Told(half.told, half.right.rows())


def test_what_is_compared_with_others_and_who_is_caught_at_it_is_nothing_to_a_peer():
    with paired() as pair:
        for common in (brings, releases, turns):
            pair.both(common)
        for hidden in (a_forum_that_compares, one_of_them_tells_two_stories):
            hidden(pair.right)
            for common in (turns, turns, an_hour, turns, an_hour, turns):
                pair.both(common)
                pair.right.turn("corvia", "dorado")
                pair.compare_wire()
            glance(pair)
        told = write(pair, [0, 4, 100, 141])
        pair.both(an_hour)
        for status in told:
            pair.compare("misp", "GET", status)
        probe(pair, [0, 4, 100, 141])
        assert (accused(pair.left), accused(pair.right)) == (set(), {"corvia"})


def accused(side):
    """Who told two stories, as aurelia has found out."""
    with side.nodes["aurelia"].core.read() as unit:
        return {each.subject for each in alarms.every(unit) if each.kind == "equivocation"}


def test_what_another_sends_into_quarantine_lies_there():
    with paired() as pair:
        what_another_sends_into_quarantine(pair.right)
        pair.right.turn("aurelia")

        assert pair.right.rows()["core", "quarantine"] == 1


def test_a_newer_version_that_is_hidden_leaves_what_is_out_as_it_is():
    with paired() as pair:
        for common in (brings, releases, turns):
            pair.both(common)
        a_newer_version_of_what_is_out(pair.right)
        for common in (suspends, turns, resumes, an_hour, hears_from_borea, turns, takes_part_back):
            pair.both(common)
            pair.compare_wire()
        probe(pair, [0, 4, 8])


def test_what_a_peer_sent_counts_as_known_to_it_whatever_became_of_it_here():
    """Else it could send what claims another's name, and read in our next release who is enrolled with us."""

    def borea_carries_what_claims_dorado(side):
        claimed = side.creator("dorado")
        side.bring(43, Tlp.CLEAR, at="borea", own=False, kind="tool", id=claimed, type="identity")
        side.propose("ab", claimed, at="borea", own=False)

    def aurelia_refers_to_it(side):
        side.bring(41, Tlp.GREEN, x_seen_with=side.creator("dorado"))
        side.propose("ab", 41)

    with paired() as pair:
        another_nation(pair.right)
        for common in (borea_carries_what_claims_dorado, turns, turns, aurelia_refers_to_it, turns):
            pair.both(common)
            pair.compare_wire()
        probe(pair, [41, 42])


steps = st.lists(
    st.one_of(
        st.tuples(st.just("both"), st.sampled_from(LIFE)),
        st.tuples(st.just("right"), st.sampled_from(WORK)),
    ),
    min_size=3,
    max_size=9,
)


@settings(
    max_examples=400 if LONG else 6,
    # To shrink takes minutes, and tells little.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(steps)
def test_any_mixture_of_hidden_and_common_work_shows_a_peer_the_same_bytes(mixture):
    with paired() as pair:
        for where, act in [("both", brings), ("both", releases), *mixture, ("both", turns)]:
            if where == "both":
                pair.both(act)
                pair.compare_wire()
                glance(pair)
            else:
                act(pair.right)
                pair.right.turn("corvia")
        probe(pair, [0, 4, 100, 141])


# --- the trace can see -----------------------------------------------------------------------------------
def views_of_any_shelf(monkeypatch):
    monkeypatch.setattr(
        pages, "standing_on", lambda unit, _shelf, names: pages.left_of(unit, names)
    )


def a_head_that_moves_with_the_work(monkeypatch):
    monkeypatch.setattr(log, "blind_head", lambda unit: f"{log.length(unit):064x}")


def dates_that_count_all_shelves(monkeypatch):
    placing = shelf._place

    def place(unit, truth, name, rows, now):
        count = unit.exec_driver_sql("SELECT count(*) FROM shelf_rows").scalar_one()
        placing(unit, truth, name, rows, now + timedelta(microseconds=count))

    monkeypatch.setattr(shelf, "_place", place)


def one_slot_for_an_id(monkeypatch):
    """A post is refused where another voucher's copy of that id is held."""
    answer = clients._answer

    def told(unit, arrival, seen, refused, now):
        mine = f"client:{arrival.peer}"
        rows = provenance.versions_of(unit, [each.id for each in seen])
        known = {id_ for _, voucher, id_, *_ in rows if voucher != mine}
        taken = [
            Refusal(position=0, id=each.id, code="taken", where="", why="")
            for each in seen
            if each.id in known
        ]
        answer(unit, arrival, seen, [*refused, *taken], now)

    monkeypatch.setattr(clients, "_answer", told)


FAULTS = {
    views_of_any_shelf: a_release_to_another_taken_back,
    a_head_that_moves_with_the_work: secret_objects,
    dates_that_count_all_shelves: a_release_to_another,
    one_slot_for_an_id: secret_objects,
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_that_lets_hidden_work_through_is_seen(fault, monkeypatch):
    """A trace that sees nothing proves nothing: each of these is a defect some other system had."""
    fault(monkeypatch)

    with paired() as pair, pytest.raises(AssertionError):
        live(pair, FAULTS[fault])
