"""What a release leaves behind: a leaf for what stays, why for each peer, and what follows (border.md 2.5, 3, 4)."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.audit import subjects
from mithaq.auth.actors import Role
from mithaq.border import admit, clocks, restriction, signing, watch
from mithaq.border import publish as publishing
from mithaq.border.approval import decline
from mithaq.border.publish import publish, reconsider
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.store import parties, pending
from mithaq.store.sources import Source
from tests.rooms.border.lies import pair, sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.rooms.border.test_publish import rows_of, settled, states
from tests.values import replace

HOUR = timedelta(hours=1)


def record(stage, copy):
    """The last leaf about a copy's object."""
    with stage.node.core.read() as unit:
        return [leaf for _, leaf in subjects.find(unit, copy.object.id)][-1]


def verdicts(stage, copy):
    """Why a copy stays, by peer: all that is kept but the names."""
    return {
        row.pop("peer"): {
            name: msgspec.json.decode(value) if name in ("removed", "reasons") else value
            for name, value in row.items()
            if name not in ("copy", "agreement")
        }
        for row in stage.rows("verdicts")
        if row["copy"] == copy.seq
    }


def beside(stage, copy, **more):
    stage.do(admit.mark, stage.us, copy.seq, Beside(**more), author="ana", now=stage.now)


def given(stage, body, **more):
    """Import an object of ours with what stands beside it."""
    one = admit.Given(object=from_body(body), beside=Beside(**more))
    source = Source(name="file:report", kind="file")
    outcome = stage.do(admit.local, stage.us, source, [one], author="ana", own=True, now=stage.now)
    [copy] = outcome.stored
    return copy


def sighting_of(stage, target, **more):
    body = stage.body("sighting", by=US, name=None, sighting_of_ref=target.object.id, **more)
    [copy] = stage.give(body)
    return copy


def wide_forum(stage, **more):
    sign_both(stage, agreement("wide", US, B, C, clause=WIDE, **more), B, C)


# --- what is written down ------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["withheld", "held", "shadow"])
def test_what_stays_leaves_one_leaf_that_says_what_under_which_text_and_why(stage, kind):
    more = {"withheld": {}, "held": {"clause": WIDE}, "shadow": {"shadow": True}}[kind]
    text_ = agreement("three", US, B, C, **more)
    sign_both(stage, text_, B, C)
    level = {"withheld": Tlp.RED, "held": Tlp.AMBER_STRICT, "shadow": Tlp.GREEN}[kind]
    # Corvia is left out by name: what goes to one alone is kept back whole all the same
    copy = given(
        stage, stage.body("threat-actor", by=US, level=level, country="XX"),
        releasable_to=frozenset({B}),
    )  # fmt: skip
    before = len(stage.rows("leaves"))

    stage.publish(copy, agreement="three")

    says = {
        "withheld": {"rules": ["no-clause", "releasable-to"]},
        "held": {"needs": ["policy-owner", "second-person"]},
        "shadow": {},
    }[kind]
    assert record(stage, copy) == says | {
        "kind": kind,
        "id": copy.object.id,
        "version": copy.object.version,
        "digest": copy.object.digest,
        "agreement": "three",
        "agreement_version": 1,
        "at": stamp(stage.now),
        "proposer": "ana",
    }
    assert len(stage.rows("leaves")) == before + 1
    assert states(stage, copy) == {("three", B): kind, ("three", C): "withheld"}


def test_what_goes_to_one_and_stays_for_another_leaves_no_word_that_it_was_withheld(stage):
    copy = given(stage, stage.body(by=US), releasable_to=frozenset({B}))

    stage.publish(copy, agreement=FORUM)

    assert states(stage, copy) == {(FORUM, B): "released", (FORUM, C): "withheld"}
    assert stage.leaves(copy.object.id) == ["import", "release"]


def test_why_it_stays_is_kept_for_each_peer_with_the_view_that_waits(stage):
    wide_forum(stage)
    unknown = "tool--00000000-0000-4000-8000-0000000000ee"
    copy = given(
        stage, stage.body("threat-actor", by=US, level=Tlp.AMBER_STRICT, country="XX", x_see_ref=unknown),
        releasable_to=frozenset({B}),
    )  # fmt: skip

    outcome = stage.publish(copy, agreement="wide")

    why = verdicts(stage, copy)
    assert why[B] == {
        "state": "held",
        "needs": "policy-owner,second-person",
        "view": outcome.decisions[B, copy.seq].view.digest,
        "removed": ["/x_see_ref"],
        "reasons": why[B]["reasons"],
        "declined_by": "",
        "declined_at": "",
    }
    assert [(r["rule"], r["clause"]) for r in why[B]["reasons"]] == [
        ("policy-owner", "all"), ("second-person", "all"),
    ]  # fmt: skip
    assert why[C] == why[B] | {
        "state": "withheld", "needs": "", "view": "", "removed": [], "reasons": why[C]["reasons"],
    }  # fmt: skip
    assert "releasable-to" in {r["rule"] for r in why[C]["reasons"]}


def test_whom_a_copy_waits_for_is_kept_in_one_order_however_many_they_are(stage, monkeypatch):
    names = [f"person-{number:02}" for number in range(20)]
    real = publishing.decide

    def asks_many(*around):
        decided = real(*around)
        return {at: replace(decision, needs=frozenset(names)) for at, decision in decided.items()}

    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    monkeypatch.setattr(publishing, "decide", asks_many)
    stage.publish(copy)

    assert verdicts(stage, copy)[B]["needs"] == ",".join(names)
    assert record(stage, copy)["needs"] == names


def test_what_a_shadow_agreement_would_do_is_kept_with_the_view_it_would_show(stage):
    sign_both(stage, agreement("shadow", US, B, shadow=True))
    [copy] = stage.give(stage.body(by=US))

    outcome = stage.publish(copy, agreement="shadow")

    assert verdicts(stage, copy)[B]["view"] == outcome.decisions[B, copy.seq].would.view.digest


def test_why_something_stayed_is_forgotten_when_it_goes_and_only_there(stage):
    soon = stamp(stage.now + HOUR)
    one, two = stage.give(stage.body(by=US), stage.body(by=US))
    for copy in (one, two):
        beside(stage, copy, embargo=soon)
        stage.publish(copy)
        stage.publish(copy, agreement=FORUM)
    stage.clock.step(7200)

    stage.publish(one)

    assert states(stage, one) == {
        (PAIR, B): "released", (FORUM, B): "withheld", (FORUM, C): "withheld",
    }  # fmt: skip
    assert set(verdicts(stage, two)) == {B, C}
    assert [r["state"] for r in stage.rows("verdicts") if r["copy"] == one.seq] == ["withheld"] * 2


# --- what is decided, and what is not ------------------------------------------------------------------
def test_deciding_again_asks_for_nothing_else_and_under_no_other_agreement(stage):
    elsewhere, red = stage.give(stage.body(by=US), stage.body(by=US, level=Tlp.RED))
    stage.publish(elsewhere, agreement=FORUM)
    stage.publish(red)

    stage.do(reconsider, stage.us, PAIR, [elsewhere.seq], stage.now)

    assert rows_of(stage, elsewhere) == [(FORUM, B), (FORUM, C)]
    assert stage.leaves(red.object.id) == ["import", "withheld"]


def test_what_waits_is_decided_once_by_what_its_own_proposer_asked_for(stage):
    one, other = stage.give(stage.body(by=US), stage.body(by=US))
    body = stage.body(
        "relationship", by=US, name=None, relationship_type="related-to",
        source_ref=one.object.id, target_ref=other.object.id,
    )  # fmt: skip
    [link] = stage.give(body)
    stage.publish(link)
    stage.publish(link, agreement=FORUM, proposer="petra")
    assert stage.leaves(link.object.id) == ["import", "withheld", "withheld"]

    stage.publish(one, proposer="olga")

    assert stage.leaves(link.object.id) == ["import", "withheld", "withheld", "withheld"]
    asked = {r["agreement"]: r["proposer"] for r in stage.rows("intents") if r["copy"] == link.seq}
    assert asked == {PAIR: "ana", FORUM: "petra"}


def test_what_is_decided_together_with_what_it_waits_for_is_decided_once(stage):
    """It waits for one thing towards one party and for another towards the other."""
    one = given(stage, stage.body(by=US), releasable_to=frozenset({B}))
    [other] = stage.give(stage.body(by=US))
    body = stage.body(
        "relationship", by=US, name=None, relationship_type="related-to",
        source_ref=one.object.id, target_ref=other.object.id,
    )  # fmt: skip
    [link] = stage.give(body)

    stage.publish(one, link, agreement=FORUM)

    assert rows_of(stage, one) == [(FORUM, B)]
    assert stage.leaves(link.object.id) == ["import", "withheld"]


def test_what_was_declined_under_one_agreement_may_be_approved_under_another(stage):
    stage.enrol("omar")
    sign_both(stage, agreement("pair-too", US, B, clause=WIDE))
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(copy)
    stage.publish(copy, agreement="pair-too")
    stage.do(decline, "omar", copy.seq, PAIR, stage.now)

    stage.approve("omar", copy, agreement="pair-too")

    assert rows_of(stage, copy) == [("pair-too", B)]
    assert states(stage, copy) == {(PAIR, B): "declined", ("pair-too", B): "released"}


def test_what_was_declined_for_a_party_does_not_go_there_with_a_proposal_of_another_version(stage):
    """It is looked at again, for it stands at another party; what its text now lets go was declined all the same."""
    stage.enrol("lena", Role.POLICY_OWNER)
    wide_forum(stage)
    body = stage.body("threat-actor", by=US, country="XX")
    [old] = stage.give(body)
    [new] = stage.give(body | {"name": "later", "modified": stamp(stage.now)})
    stage.do(parties.set_peer_state, C, "met")
    stage.publish(new, agreement="wide")
    stage.approve("lena", new, agreement="wide")
    stage.do(parties.set_peer_state, C, "confirmed")
    stage.do(reconsider, stage.us, "wide", [new.seq], stage.now)
    assert states(stage, new) == {("wide", B): "released", ("wide", C): "held"}
    stage.do(decline, "lena", new.seq, "wide", stage.now)
    free = {**WIDE, "attribution": "release"}
    sign_both(stage, agreement("wide", US, B, C, version=2, clause=free), B, C)
    settled(stage)

    stage.publish(old, agreement="wide")

    assert rows_of(stage, new) == [("wide", B)]
    assert states(stage, new) == {("wide", B): "released", ("wide", C): "declined"}
    stage.publish(new, agreement="wide")
    assert rows_of(stage, new) == [("wide", B), ("wide", C)]
    assert states(stage, new) == {("wide", B): "released", ("wide", C): "released"}


# --- what falls with what ------------------------------------------------------------------------------
@pytest.fixture
def leaning(stage):
    """What stands for an hour at Borea, and a sighting of it; a note on the sighting."""
    target = given(stage, stage.body(by=US), expiry=stamp(stage.now + HOUR))
    sighting = sighting_of(stage, target)
    body = stage.body("note", by=US, name=None, content="more", object_refs=[sighting.object.id])
    [note] = stage.give(body)
    stage.publish(target, sighting, note)
    assert all(rows_of(stage, copy) == [(PAIR, B)] for copy in (target, sighting, note))
    return target, sighting, note


@pytest.mark.parametrize("how", ["proposed", "decided again"])
def test_all_that_leans_on_what_falls_off_a_shelf_falls_with_it(stage, leaning, how):
    target, _, _ = leaning
    stage.clock.step(7200)

    if how == "proposed":
        stage.publish(target)
    else:
        stage.do(reconsider, stage.us, PAIR, [target.seq], stage.now)

    assert [rows_of(stage, copy) for copy in leaning] == [[], [], []]


def test_what_leans_on_it_and_is_queued_already_falls_in_its_turn(stage, leaning):
    target, sighting, _ = leaning
    stage.do(pending.queue_afresh, PAIR, [sighting.seq])
    stage.clock.step(7200)

    stage.publish(target)
    assert [rows_of(stage, copy) for copy in leaning] == [[], [(PAIR, B)], [(PAIR, B)]]
    stage.do(watch.proceed, stage.us, stage.now)

    assert [rows_of(stage, copy) for copy in leaning] == [[], [], []]


def test_under_a_suspended_agreement_nothing_is_decided_for_what_falls_elsewhere(stage, leaning):
    target, sighting, _ = leaning
    stage.publish(target, sighting, agreement=FORUM)
    stage.do(signing.narrow, stage.us, FORUM, "suspend", stage.now, by="lena")
    stage.clock.step(7200)

    stage.publish(target)

    assert rows_of(stage, target) == [(FORUM, B), (FORUM, C)]
    assert (FORUM, C) in rows_of(stage, sighting)


# --- one copy of a version -----------------------------------------------------------------------------
def reported(stage, body, name, **more):
    """A copy of nobody's object, or of ours, by a report; sources of one class are told apart by name."""
    one = admit.Given(object=from_body(body), beside=Beside(**more))
    source = Source(name=name, kind="file")
    outcome = stage.do(
        admit.local, stage.us, source, [one], author="ana", own=name == "file:own", now=stage.now
    )
    assert not outcome.refused
    [copy] = outcome.stored
    return copy


def shown_by(stage, id_):
    """The copies by which an object stands on shelves."""
    return [row["copy"] for row in stage.rows("rows") if row["id"] == id_]


def test_of_two_copies_of_a_version_our_own_is_shown_and_not_the_one_that_we_carry(stage):
    body = stage.body(by=None, level=Tlp.CLEAR)
    carried, ours = (reported(stage, body, name) for name in ("file:one", "file:own"))

    outcome = stage.publish(carried, ours)

    assert {type(d).__name__ for d in outcome.decisions.values()} == {"Release"}
    assert shown_by(stage, body["id"]) == [ours.seq]


def test_of_two_copies_of_a_version_the_fuller_is_shown_unless_the_barer_stands_already(stage):
    unknown = "tool--00000000-0000-4000-8000-0000000000ee"
    body = stage.body(by=None, level=Tlp.CLEAR)
    other = stage.body(by=None, level=Tlp.CLEAR)
    barer, fuller = (
        [reported(stage, b | more, name) for b in (body, other)]
        for name, more in (
            ("file:one", {"x_see_ref": unknown}),
            ("file:two", {"description": "all of it"}),
        )
    )
    stage.publish(barer[1])

    stage.publish(barer[0], fuller[0])
    stage.publish(fuller[1])

    assert shown_by(stage, body["id"]) == [fuller[0].seq]
    assert shown_by(stage, other["id"]) == [barer[1].seq]


def test_a_copy_that_stays_takes_no_row_that_another_stands_by_for_another_purpose(stage):
    sign_both(stage, agreement("wide", US, B, clause={"purposes": ["defence", "exercise"]}))
    body = stage.body(by=None, level=Tlp.CLEAR)
    drill = reported(stage, body, "file:one")
    over = reported(stage, body, "file:two", expiry=stamp(stage.now - HOUR))
    stage.do(publish, stage.us, "ana", [drill.seq], "wide", stage.now, "exercise")
    assert shown_by(stage, body["id"]) == [drill.seq]

    stage.publish(over, agreement="wide")

    assert shown_by(stage, body["id"]) == [drill.seq]
    assert states(stage, over) == {("wide", B): "withheld"}


def test_an_earlier_version_that_falls_with_the_proposal_of_a_later_one_says_why(stage):
    """What stands is looked at again with what follows it; why it stays elsewhere is not forgotten by that."""
    body = stage.body(by=US)
    soon = stamp(stage.now + HOUR)
    old = given(stage, body, releasable_to=frozenset({B}), expiry=soon)
    stage.publish(old, agreement=FORUM, proposer="petra")
    stage.clock.step(7200)
    new = given(stage, body | {"name": "later", "modified": stamp(stage.now)})
    [red] = stage.give(stage.body(by=US, level=Tlp.RED))

    stage.publish(new, red, agreement=FORUM)

    assert {r["copy"] for r in stage.rows("rows")} == {new.seq}
    assert states(stage, old) == {(FORUM, B): "withheld", (FORUM, C): "withheld"}
    assert "expiry" in {r["rule"] for r in verdicts(stage, old)[B]["reasons"]}
    assert {r["copy"]: r["proposer"] for r in stage.rows("intents")} == {
        old.seq: "petra", new.seq: "ana", red.seq: "ana",
    }  # fmt: skip
    assert stage.leaves(red.object.id) == ["import", "withheld"]


def test_why_an_earlier_version_stays_from_one_is_kept_when_a_later_one_is_proposed(stage):
    body = stage.body(by=US)
    old = given(stage, body, releasable_to=frozenset({B}))
    stage.publish(old, agreement=FORUM)
    before = verdicts(stage, old)
    new = given(stage, body | {"name": "later", "modified": stamp(stage.now)})

    stage.publish(new, agreement=FORUM)

    assert states(stage, old) == {(FORUM, B): "released", (FORUM, C): "withheld"}
    assert verdicts(stage, old) == before


def test_a_later_version_that_falls_with_what_it_refers_to_comes_back_with_it(stage):
    """Also if only an earlier one was looked at with that."""
    [target] = stage.give(stage.body(by=US))
    body = stage.body("sighting", by=US, name=None, sighting_of_ref=target.object.id)
    [old] = stage.give(body)
    stage.publish(target, old)
    [new] = stage.give(body | {"count": 2, "modified": stamp(stage.now)})
    stage.publish(new)
    entry = restriction.Entry(
        ids=[target.object.id], reason="export", basis="act 7",
        since=stamp(stage.now + HOUR), until=stamp(stage.now + 3 * HOUR),
    )  # fmt: skip
    stage.do(restriction.add, stage.us, entry, stage.now, by="lea")
    stage.clock.step(7200)
    stage.publish(target, old)
    assert (rows_of(stage, target), rows_of(stage, new)) == ([], [])

    stage.clock.step(7200)
    stage.do(watch.turn, stage.us, stage.now)

    assert rows_of(stage, target) == [(PAIR, B)]
    assert (PAIR, B) in rows_of(stage, new)


@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_an_earlier_version_that_refers_to_something_else_stays_when_a_later_one_is_proposed(
    stage, whose
):
    """It is looked at with the later one, and by what its own target is to the partner."""
    one, other = stage.give(stage.body(by=US), stage.body(by=US))
    if whose == "theirs":
        stage.admit(sealed(pair(), [put(stage.body())], stage.signer(B))[0])
        [one] = stage.admitted()
    body = stage.body("sighting", by=US, name=None, sighting_of_ref=one.object.id)
    [old] = stage.give(body)
    stage.publish(one, other, old)
    before = {r["copy"] for r in stage.rows("rows")}
    assert old.seq in before

    [new] = stage.give(
        body | {"sighting_of_ref": other.object.id, "modified": stamp(stage.now)},
    )
    stage.publish(new)

    assert {r["copy"] for r in stage.rows("rows")} == before | {new.seq}
    assert stage.leaves(old.object.id) == ["import", "release"] * 2


@pytest.mark.parametrize("kind", ["scalar", "relay"])
def test_what_goes_whole_or_not_at_all_goes_when_what_it_refers_to_has_gone(stage, kind):
    if kind == "scalar":
        account = {"type": "user-account", "spec_version": "2.1", "user_id": "7"}
        account["id"] = "user-account--00000000-0000-4000-8000-0000000000ee"
        mail = {"type": "email-addr", "spec_version": "2.1", "value": "a@example.org"}
        mail["id"] = "email-addr--00000000-0000-4000-8000-0000000000ee"
        mail["belongs_to_ref"] = account["id"]
        target, copy = stage.give(account, mail, tlp=Tlp.GREEN)
    else:
        [target] = stage.give(stage.body(by=US))
        body = stage.body(by=B, level=Tlp.CLEAR, x_see_ref=target.object.id)
        stage.admit(sealed(pair(), [put(body, onward="open")], stage.signer(B))[0])
        [copy] = stage.admitted()
    stage.publish(copy, agreement=FORUM)
    assert (FORUM, C) not in rows_of(stage, copy)

    stage.publish(target, agreement=FORUM)

    assert (FORUM, C) in rows_of(stage, copy)


def test_what_one_party_cannot_see_as_others_saw_it_first_goes_when_what_it_refers_to_has_gone_there(
    stage,
):
    entry = restriction.Entry(
        to=[C], kinds=["malware"], reason="export", basis="act 7", until=stamp(stage.now + HOUR)
    )
    stage.do(restriction.add, stage.us, entry, stage.now, by="lea")
    [target] = stage.give(stage.body("malware", by=US, is_family=False))
    [copy] = stage.give(stage.body(by=US, x_see_ref=target.object.id))
    stage.publish(target, agreement=FORUM)
    stage.do(parties.set_peer_state, C, "met")
    stage.publish(copy, agreement=FORUM)
    stage.do(parties.set_peer_state, C, "confirmed")
    stage.publish(copy, agreement=FORUM)
    assert states(stage, copy) == {(FORUM, B): "released", (FORUM, C): "withheld"}
    [reason] = verdicts(stage, copy)[C]["reasons"]
    assert (reason["rule"], reason["facts"]["target"]) == ("first-view", target.object.id)

    stage.clock.step(7200)
    stage.do(watch.turn, stage.us, stage.now)

    assert rows_of(stage, target) == rows_of(stage, copy) == [(FORUM, B), (FORUM, C)]


# --- what time alone will turn -------------------------------------------------------------------------
def noted(stage, copy):
    return sorted(r["at"] for r in stage.rows("moments") if r["copy"] == copy.seq)


@pytest.mark.parametrize("ends", ["since", "until"])
def test_each_instant_that_may_turn_a_decision_is_noted_and_none_that_is_past(stage, ends):
    law = {"reason": "export", "basis": "act 7"}
    at = stamp(stage.now + 2 * HOUR)
    other, soon = stamp(stage.now + 3 * HOUR), stamp(stage.now + HOUR)
    for entry in ({"kinds": ["tool"], ends: at}, {"kinds": ["indicator"], "until": other}):
        stage.do(restriction.add, stage.us, restriction.Entry(**law, **entry), stage.now, by="lea")
    now = stage.ask(clocks.instants, stage.now).opens
    copy = given(stage, stage.body(by=US), embargo=now, expiry=soon)
    gone = given(stage, stage.body(by=US), expiry=stamp(stage.now - HOUR))

    stage.publish(copy, gone)

    assert noted(stage, copy) == [soon, at]
    assert noted(stage, gone) == [at]
    before = stage.dump()
    stage.do(watch.turn, stage.us, stage.now)
    assert stage.dump() == before


def test_what_no_instant_turns_waits_for_none(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    assert noted(stage, copy) == []
