"""Where an agreement stands: by signatures, instants and one-sided acts, and by one table of moves."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.policy.agreement import Agreement
from mithaq.policy.lifecycle import (
    MOVES,
    Instants,
    Signed,
    State,
    holding,
    in_force,
    may,
    narrowed,
    state,
)

DAY = "2031-03-{:02}T00:00:00.000Z".format
PARTIES = ("aurelia", "borea")


def text(version: int = 1, **changed: Any) -> Agreement:
    return msgspec.convert(
        {
            "id": "pact", "version": version, "title": "", "kind": "bilateral", "clauses": [],
            "parties": [{"name": n, "country": "XA", "organisation": n} for n in PARTIES],
            "start": DAY(10),
        } | changed,
        Agreement,
    )  # fmt: skip


def signed(*by: str, **changed: Any) -> Signed:
    return Signed(text=text(**changed), by=frozenset(by or PARTIES))


def at(day: int) -> Instants:
    return Instants(opens=DAY(day), closes=DAY(day))


@pytest.mark.parametrize(
    ("versions", "day", "expected"),
    [
        ([signed()], 10, 1),
        ([signed()], 9, None),
        ([signed("aurelia")], 10, None),
        ([signed(effective=DAY(12))], 11, None),
        ([signed(effective=DAY(12))], 12, 1),
        ([signed(effective=DAY(8))], 9, None),
        ([signed(effective=DAY(8))], 10, 1),
        ([signed(end=DAY(20))], 19, 1),
        ([signed(end=DAY(20))], 20, None),
        ([signed(), signed(version=2)], 10, 2),
        ([signed(), signed("borea", version=2)], 10, 1),
        ([signed(), signed(version=2, effective=DAY(12))], 11, 1),
        ([signed(), signed(version=2, end=DAY(20))], 20, None),
        ([signed("aurelia", kind="grant")], 10, 1),
        ([signed("borea", kind="grant")], 10, None),
        ([], 10, None),
    ],
)
def test_the_highest_version_signed_by_all_and_due_holds(versions, day, expected):
    held = holding(versions, at(day))

    assert (held.version if held else None) == expected
    assert in_force(versions, [], at(day)) == held


def test_a_version_opens_by_the_slower_clock_and_closes_by_the_faster():
    agreed = [signed(end=DAY(20))]

    assert holding(agreed, Instants(opens=DAY(9), closes=DAY(11))) is None
    assert holding(agreed, Instants(opens=DAY(19), closes=DAY(20))) is None
    assert holding(agreed, Instants(opens=DAY(10), closes=DAY(19))) is not None


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([], None),
        ([("aurelia", "suspend")], State.SUSPENDED),
        ([("aurelia", "suspend"), ("aurelia", "resume")], None),
        ([("aurelia", "suspend"), ("borea", "resume")], State.SUSPENDED),
        ([("aurelia", "suspend"), ("borea", "suspend"), ("aurelia", "resume")], State.SUSPENDED),
        ([("aurelia", "end"), ("aurelia", "resume")], State.ENDED),
    ],
)
def test_any_party_narrows_alone_and_whoever_suspended_resumes(acts, expected):
    assert narrowed(acts) is expected
    assert (in_force([signed()], acts, at(10)) is None) == (expected is not None)


@pytest.mark.parametrize(
    ("versions", "acts", "day", "expected"),
    [
        ([signed("nobody")], [], 10, State.PROPOSED),
        ([Signed(text=text(), by=frozenset())], [], 10, State.INTRODUCED),
        ([signed("aurelia")], [], 10, State.PROPOSED),
        ([signed()], [], 9, State.PROPOSED),
        ([signed()], [], 10, State.IN_FORCE),
        ([signed()], [("borea", "suspend")], 10, State.SUSPENDED),
        ([signed()], [("borea", "end")], 10, State.ENDED),
        ([signed(end=DAY(20))], [], 20, State.ENDED),
        ([signed(end=DAY(20))], [], 9, State.PROPOSED),
        ([signed("aurelia", end=DAY(20))], [], 20, State.PROPOSED),
        ([signed(end=DAY(20)), signed("aurelia", version=2)], [], 20, State.ENDED),
        ([signed()], [("borea", "end")], 9, State.ENDED),
        ([signed("aurelia"), Signed(text=text(2), by=frozenset())], [], 10, State.PROPOSED),
    ],
)
def test_people_are_told_where_it_stands(versions, acts, day, expected):
    assert state(versions, acts, at(day)) is expected


def test_what_has_ended_stays_ended():
    assert not any(may(act, State.ENDED) for act in MOVES)


@pytest.mark.parametrize("act", ["suspend", "end"])
def test_what_is_in_force_can_be_narrowed_at_once(act):
    assert may(act, State.IN_FORCE)


@given(st.data())
def test_every_step_of_a_life_stands_in_the_table(data):
    """Parties sign, narrow and wait in any order; what the table does not allow is not done."""
    by: frozenset[str] = frozenset()
    acts: list[tuple[str, str]] = []
    day = 8
    for _ in range(data.draw(st.integers(1, 8), label="steps")):
        before = state([Signed(text=text(end=DAY(20)), by=by)], acts, at(day))
        act = data.draw(st.sampled_from(("sign", "suspend", "resume", "end", "wait")), label="act")
        party = data.draw(st.sampled_from(PARTIES), label="party")
        if act == "wait":
            day += data.draw(st.integers(1, 6), label="days")
        elif not may(act, before):
            continue
        elif act == "sign":
            by |= {party}
        else:
            acts.append((party, act))
        after = state([Signed(text=text(end=DAY(20)), by=by)], acts, at(day))
        moves = {move: after_ for move, table in MOVES.items() if (after_ := table.get(before))}
        assert after is before or after in moves.values()


def test_what_can_happen_to_an_agreement_depends_on_where_it_stands():
    alive = set(State) - {State.ENDED}

    assert {act: {at for at in State if may(act, at)} for act in MOVES} == {
        "sign": alive,
        "come-into-force": {State.PROPOSED},
        "suspend": {State.IN_FORCE, State.SUSPENDED},
        "resume": {State.SUSPENDED},
        "end": alive,
    }
