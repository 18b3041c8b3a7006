"""What stands on which shelf, what was asked to go there, and what waits (border.md 4)."""

import pytest
from sqlalchemy.exc import IntegrityError

from mithaq.seal.messages import ZERO
from mithaq.store import channels, pending, releases
from mithaq.store.releases import ApprovalRow, Intent, ShelfRow, Verdict
from tests.store.values import AT


def row(id_="a", shelf="s1", **changed):
    values = {
        "shelf": shelf,
        "id": id_,
        "version": "v1",
        "peer": "borealis",
        "agreement": "pact",
        "copy": 1,
        "view": "sha256:" + id_,
        "removed": '["/name"]',
        "label": "{}",
        "released_at": AT,
        "leaf": 7,
    }
    return ShelfRow(**values | changed)


def intent(copy=1, agreement="pact", **changed):
    values = {"purpose": "defence", "proposer": "amal", "at": AT}
    return Intent(copy=copy, agreement=agreement, **values | changed)


def verdict(copy=1, agreement="pact", peer="borealis", **changed):
    values = {"purpose": "defence", "proposer": "amal", "at": AT, "state": "held"}
    return Verdict(copy=copy, agreement=agreement, peer=peer, **values | changed)


@pytest.fixture
def unit(core):
    with core.begin() as opened:
        yield opened


# --- rows --------------------------------------------------------------------------------------------
def test_rows_are_found_by_id_agreement_and_peer(unit):
    one, two = row("a"), row("b", "s2", peer="cassia", agreement="forum")
    releases.place(unit, [one, two])

    assert releases.rows_of_ids(unit, ["a", "x"]) == [one]
    assert releases.rows_of_agreement(unit, "forum") == [two]
    assert releases.rows_of_peer(unit, "borealis") == [one]
    assert releases.views_on(unit, "s1", ["a", "b"]) == {("a", "v1"): one.view}


@pytest.mark.parametrize("more", [0, 20])
def test_rows_towards_some_peers_are_theirs_under_those_agreements_alone(unit, more):
    """Many rows of others, or many of theirs: either side may lead, and the answer is the same."""
    for shelf, peer, agreement in PLACES:
        made = channels.Channel(
            id=shelf, peer=peer, agreement=agreement, direction="out", seq=0, head=ZERO
        )
        channels.put_channel(unit, made)
    rows = [
        row(id_, shelf, peer=peer, agreement=agreement)
        for shelf, peer, agreement in PLACES
        for id_ in ("a", "b", *(f"c{number}" for number in range(more)))
    ]
    releases.place(unit, rows)

    found = releases.rows_towards(unit, (["pact", "trade"], ["borealis"]), ["a", "x"])

    assert sorted(each.shelf for each in found) == ["s1", "s2"]
    assert {each.id for each in found} == {"a"}
    assert all(each in rows for each in found)


PLACES = [
    ("s1", "borealis", "pact"), ("s2", "borealis", "trade"), ("s3", "borealis", "forum"),
    ("s4", "cassia", "pact"),
]  # fmt: skip


def test_a_shelf_holds_one_row_of_each_version(unit):
    """At most one row per (id, version); another view of it comes after the first was taken away."""
    releases.place(unit, [row(), row(version="v2"), row(shelf="s2")])
    releases.take_away(unit, "s1", "a", "v1")
    again = row(view="sha256:other")
    releases.place(unit, [again])

    assert again in releases.rows_of_ids(unit, ["a"])
    with pytest.raises(IntegrityError):
        releases.place(unit, [row()])


def test_only_the_row_named_is_taken_away(unit):
    rows = [row(), row(version="v2"), row("b"), row(shelf="s2")]
    releases.place(unit, rows)

    releases.take_away(unit, "s1", "a", "v1")

    left = releases.rows_of_agreement(unit, "pact")
    assert sorted(left, key=repr) == sorted(rows[1:], key=repr)


def test_thousands_of_rows_are_placed_at_once(unit):
    ids = [f"id{n}" for n in range(1_300)]
    releases.place(unit, [row(id_) for id_ in ids])

    assert len(releases.rows_of_ids(unit, ids)) == 1_300


def test_what_an_agreement_was_first_shown_stays(unit):
    releases.remember_first(unit, [row("a"), row("b")])
    releases.remember_first(unit, [row("a", view="sha256:other", peer="cassia")])

    (first,) = releases.first_shown(unit, "pact", ["a"])
    assert (first.view, first.peer, first.removed) == ("sha256:a", "borealis", '["/name"]')
    assert releases.first_shown(unit, "forum", ["a"]) == []


# --- intents and approvals ---------------------------------------------------------------------------
def test_a_later_intent_replaces_the_earlier_for_the_same_copy_and_agreement(unit):
    releases.put_intents(unit, [intent(), intent(2), intent(agreement="x")])
    releases.put_intents(unit, [intent(purpose="exercise", proposer="badr")])

    assert releases.intents_where(unit) == [
        intent(purpose="exercise", proposer="badr"),
        intent(agreement="x"),
        intent(2),
    ]


def test_a_later_verdict_replaces_the_earlier_on_the_same_copy_agreement_and_peer(unit):
    releases.put_intents(unit, [intent(at="2026-01-02"), intent(2), intent(agreement="x")])
    held = [verdict(), verdict(2), verdict(peer="cassia"), verdict(agreement="x")]
    releases.put_verdicts(unit, held)
    releases.put_verdicts(unit, [verdict(state="withheld", view="sha256:v")])

    found = releases.verdicts_where(unit, state="held")
    assert [(v.copy, v.agreement, v.peer) for v in found] == [
        (1, "pact", "cassia"),
        (1, "x", "borealis"),
        (2, "pact", "borealis"),
    ]
    [now] = releases.verdicts_where(unit, state="withheld")
    assert (now.copy, now.view, now.at) == (1, "sha256:v", "2026-01-02")


def test_a_verdict_is_forgotten_when_what_stayed_goes(unit):
    releases.put_intents(unit, [intent(), intent(2)])
    releases.put_verdicts(unit, [verdict(), verdict(peer="cassia"), verdict(2)])

    releases.forget_verdicts(unit, [(1, "pact", "borealis"), (2, "forum", "borealis")])

    assert releases.verdicts_where(unit) == [verdict(peer="cassia"), verdict(2)]


def test_intents_and_verdicts_are_found_by_state_copies_and_agreement_together(unit):
    releases.put_intents(unit, [intent(n) for n in range(700)])
    states = {n: "held" if n % 2 else "shadow" for n in range(700)}
    releases.put_verdicts(unit, [verdict(n, state=state) for n, state in states.items()])

    assert len(releases.intents_where(unit, copies=range(700))) == 700
    assert [v.copy for v in releases.verdicts_where(unit, copies=[1, 2, 3], state="held")] == [1, 3]
    for where in (releases.intents_where, releases.verdicts_where):
        assert where(unit, copies=[1], agreement="forum") == []
        assert where(unit, copies=[]) == []
        assert len(where(unit)) == 700


def test_an_approval_comes_back_with_all_it_binds(unit):
    given = ApprovalRow(
        removed='["/name"]',
        copy=5,
        agreement="pact",
        agreement_digest="sha256:a",
        view="sha256:v",
        peers="borealis,cassia",
        proposer="amal",
        approver="badr",
        envelope=b"\x00signed",
        at=AT,
    )
    releases.add_approval(unit, given)

    assert releases.approvals_of(unit, [4, 5]) == [given]
    assert releases.approvals_of(unit, [4]) == []


# --- what waits for a target -------------------------------------------------------------------------
def test_who_waits_for_a_target_is_taken_once(unit):
    pending.wait_for(unit, "pact", [("t1", 1), ("t1", 2), ("t2", 1), ("t1", 1)])
    pending.wait_for(unit, "forum", [("t1", 9)])

    assert sorted(pending.released_waiters(unit, "pact", ["t1"])) == [1, 2]
    assert pending.released_waiters(unit, "pact", ["t1"]) == []
    assert pending.waiters(unit, ["t1", "t2"]) == {"forum": [9], "pact": [1]}
    assert pending.waiters(unit, ["t1", "t2"]) == {}


# --- the queue of what peers will see ----------------------------------------------------------------
def test_changes_are_queued_in_order_and_forgotten_once_shown(unit):
    releases.show(unit, "place", "s1", id="a", size=3)
    releases.show(unit, "remove", "s2", id="b")
    releases.show(unit, "remove", "s2", id="c")

    first, second, third = releases.ops_since(unit, 0)

    assert (first.op, first.shelf, first.facts) == ("place", "s1", {"id": "a", "size": 3})
    assert [op.facts["id"] for op in (second, third)] == ["b", "c"]
    assert releases.ops_since(unit, first.seq) == [second, third]
    assert releases.ops_since(unit, 0, limit=1) == [first]
    assert releases.ops_since(unit, 0, kinds=["remove"]) == [second, third]
    assert releases.count_ops(unit, first.seq) == 2
