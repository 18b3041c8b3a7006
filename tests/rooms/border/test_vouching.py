"""Whose bytes these are, and who vouches for them (border.md 6, steps 5 and 6; 5.5)."""

from datetime import timedelta

import pytest

from mithaq.border import heartbeats, signing, vet
from mithaq.border.admit import Outcome
from mithaq.border.agreements import terms_of
from mithaq.errors import Conflict, NotFound
from mithaq.model.canonical import digest
from mithaq.model.labels import Tlp
from mithaq.model.objects import from_body
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import read, sign
from mithaq.seal.frames import blank, frame, split
from mithaq.seal.messages import AGREEMENT, Body, Heartbeat, decode
from mithaq.store import definitions, parties
from tests.rooms.border.lies import (
    balance,
    forum,
    one,
    pair,
    quarantined,
    relay,
    replace_proof,
    statement,
)
from tests.rooms.border.stage import (
    FORUM,
    FRESH,
    US,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    replace_put,
    sealed,
)  # fmt: skip


# --- step 5: bytes ------------------------------------------------------------------------------------
def test_a_body_or_slice_that_is_not_the_one_sealed_is_refused(stage, refused):
    body = stage.body()
    entry, raw = put(body)
    other = from_body(body | {"name": "x" * len(body["name"])}).raw
    cases = [
        ([(entry, raw)], {"bytes_": other}, "slice"),
        ([(entry, raw)], {"bytes_": raw + b" "}, "body"),
        ([(entry, raw)], {"body": None}, "body"),
        ([(entry, raw)], {"body": Body(digest=digest(other), size=len(raw))}, "body"),
        ([(replace_put(entry, size=len(raw) - 1), raw)], {}, "body"),
        ([(replace_put(entry, digest="sha256:" + "4" * 64), raw)], {}, "slice"),
        ([(entry, raw), (replace_put(entry, size=0), b"")], {}, "slice"),
    ]
    for entries, fields, cause in cases:
        refused(sealed(pair(), entries, stage.signer(B), **fields)[0], cause)


def test_views_taken_back_before_they_were_fetched_leave_no_hole_and_no_object(stage):
    gone, stays = put(stage.body()), put(stage.body())
    raw, head = sealed(pair(), [gone, stays], stage.signer(B))
    served = frame(raw[4 : 4 + int.from_bytes(raw[:4], "big")], blank(gone[0].size) + stays[1])

    done = stage.admit(served)

    assert (done.outcome, done.stored, done.quarantined) == (Outcome.ADMITTED, 1, 0)
    assert [c.object.id for c in stage.admitted()] == [stays[0].id]
    assert stage.leaves(gone[0].id) == ["taken-back"]
    assert stage.admit(one(stage, seq=2, prev=head)).outcome is Outcome.ADMITTED


# --- step 6: who vouches ------------------------------------------------------------------------------
def test_a_batch_that_is_not_for_these_views_by_this_sender_is_refused(stage, refused):
    entry = put(stage.body())
    signer, good = stage.signer(B), pair()
    cases = [
        (batch_of([entry[0]], B, stage.signer(C), good), "signature"),
        (batch_of([entry[0]], C, signer, good), "batch"),
        (batch_of([entry[0]], B, signer, good, realm="drill:x"), "batch"),
        (batch_of([entry[0]], B, signer, forum()), "batch"),
        (batch_of([entry[0]], B, signer, good, n=2), "batch"),
        (batch_of([put(stage.body())[0]], B, signer, good), "batch"),
    ]
    for batch, cause in cases:
        refused(sealed(good, [entry], signer, batch=batch)[0], cause)


def test_a_batch_open_to_all_vouches_too(stage):
    entry = put(stage.body())
    batch = batch_of([entry[0]], B, stage.signer(B), "open")

    done = stage.admit(sealed(pair(), [entry], stage.signer(B), batch=batch)[0])

    assert done.stored == 1


def test_a_relay_with_the_owners_proof_is_stored_as_the_owners(stage):
    body = stage.body(by=C, level=Tlp.AMBER)

    done = stage.admit(relay(stage, body))

    assert (done.stored, done.quarantined) == (1, 0)
    [copy] = stage.admitted()
    assert (copy.voucher, copy.owner, copy.sent_by) == (C, C, B)


@pytest.mark.parametrize(
    ("tamper", "cause"),
    [
        (lambda p: replace_put(p, onward="open"), "proof"),
        (lambda p: replace_put(p, com="1" * 64), "proof"),
        (lambda p: replace_put(p, role="carrier"), "proof"),
        (lambda p: replace_put(p, proof=replace_proof(p.proof, index=0)), "proof"),
        (lambda p: replace_put(p, proof=replace_proof(p.proof, path=[])), "proof"),
        (lambda p: replace_put(p, proof=replace_proof(p.proof, batch="{}")), "shape"),
    ],
)
def test_a_proof_that_does_not_hold_is_refused(stage, refused, tamper, cause):
    refused(relay(stage, stage.body(by=C), tamper=tamper), cause)


def test_a_proof_of_another_realm_or_that_is_no_batch_is_refused(stage, refused):
    body = stage.body(by=C)
    entry, raw = put(body)
    batch = batch_of([entry], C, stage.signer(C), forum(), realm="drill:x")
    refused(sealed(forum(), [(relayed([entry], 0, batch), raw)], stage.signer(B))[0], "proof")
    batch = batch_of([entry], C, stage.signer(C), forum()).replace("mithaq.batch", "mithaq.bitch")
    refused(sealed(forum(), [(relayed([entry], 0, batch), raw)], stage.signer(B))[0], "proof")


def enrolled(stage):
    return {}


def not_compared(stage):
    stage.do(parties.set_peer_state, C, "met")
    return {}


def never_met(stage):
    return {"by": "nobody"}


def forged(stage):
    return {"signer": stage.signer(B)}


@pytest.mark.parametrize("owner", [enrolled, not_compared, never_met, forged])
def test_whom_we_know_is_not_told_by_how_far_we_follow_a_relay(stage, owner):
    """Whoever relays sees in our heartbeat how far we came; an owner's key that we lack stops nothing."""
    body, next_one = stage.body(by=C, level=Tlp.CLEAR), stage.body()
    by = owner(stage)
    raw = relay(stage, body, onward="open", terms=pair(), **by)
    head = digest(split(raw)[0].payload)

    done = stage.admit(raw)
    after = stage.admit(one(stage, next_one, seq=2, prev=head))

    beat = stage.do(heartbeats.show, stage.us, B, stage.now, timedelta(hours=1))
    seen = decode(read(beat).payload, Heartbeat)
    assert (FRESH, 2) in {(each.channel, each.seq) for each in seen.have}
    assert (done.outcome, after.outcome) == (Outcome.ADMITTED, Outcome.ADMITTED)
    aside = {} if owner is enrolled else {body["id"]: "proof"}
    assert quarantined(stage) == aside
    assert {c.object.id for c in stage.admitted()} == {body["id"], next_one["id"]} - aside.keys()


def test_what_an_unproven_owner_defines_means_nothing_here(stage):
    definition = statement(stage, by=C)
    stage.do(parties.set_peer_state, C, "met")

    stage.admit(relay(stage, definition, onward="open"))

    assert quarantined(stage) == {definition["id"]: "proof"}
    assert stage.ask(definitions.every).get(C, {}) == {}


def test_our_own_object_and_its_own_are_no_relay(stage, refused):
    refused(relay(stage, stage.body(by=US), by=US, signer=stage.signer(US)), "proof")
    refused(relay(stage, stage.body(by=B), by=B, signer=stage.signer(B)), "proof")


@pytest.mark.parametrize(
    ("onward", "scope", "level", "code"),
    [
        ("scope", "forum", Tlp.AMBER, None),
        ("scope", "pair-of-others", Tlp.GREEN, "onward"),
        ("scope", "pair-of-others", Tlp.CLEAR, None),
        ("scope", "open", Tlp.GREEN, "onward"),
        ("open", "forum", Tlp.GREEN, None),
        ("open", "forum", Tlp.AMBER, "onward"),
        ("none", "forum", Tlp.GREEN, "onward"),
        ("none", "forum", Tlp.CLEAR, None),
    ],
)
def test_a_relay_that_oversteps_what_the_owner_allowed_is_set_aside(
    stage, onward, scope, level, code
):
    others = terms_of(agreement("pair-of-others", B, C))
    scopes = {"forum": forum(), "pair-of-others": others, "open": "open"}
    body = stage.body(by=C, level=level)

    done = stage.admit(relay(stage, body, onward=onward, scope=scopes[scope]))

    assert balance(done, 1)
    assert quarantined(stage).get(body["id"]) == code


def test_a_scope_that_not_all_its_parties_signed_lets_nothing_on(stage):
    text = agreement("unsigned", US, B, C)
    exact = policy.to_bytes(text)
    stage.do(signing.receive, stage.us, B, sign(AGREEMENT, exact, stage.signer(B)), stage.now)
    body = stage.body(by=C)

    stage.admit(relay(stage, body, scope=terms_of(text)))

    assert quarantined(stage) == {body["id"]: "onward"}


def test_a_scope_that_is_another_text_of_an_id_that_we_signed_lets_nothing_on(stage):
    another = terms_of(agreement(FORUM, US, B, C, title="another"))
    body = stage.body(by=C, level=Tlp.AMBER)

    stage.admit(relay(stage, body, scope=another))

    assert quarantined(stage) == {body["id"]: "onward"}


def test_what_was_set_aside_is_dropped_once_on_the_record_and_kept_as_evidence(stage):
    body = stage.body(by=C, level=Tlp.GREEN)
    stage.admit(relay(stage, body, onward="none"))
    [row] = stage.rows("quarantine")

    gone = stage.do(vet.drop, row["seq"], stage.now, by="lena")

    assert (gone.state, gone.body) == ("dropped", row["body"])
    assert stage.leaves(body["id"]) == ["quarantine", "quarantine-dropped"]
    with pytest.raises(Conflict):
        stage.do(vet.drop, row["seq"], stage.now, by="lena")
    with pytest.raises(NotFound):
        stage.do(vet.drop, row["seq"] + 1, stage.now, by="lena")
