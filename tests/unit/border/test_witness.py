"""Whose heads a witness takes, and whose signature counts as one (border.md 4.4)."""

import pytest

from mithaq.audit import log
from mithaq.audit.log import CHECKPOINT, Checkpoint
from mithaq.border import rupture, signing, witness
from mithaq.clock import text as stamp
from mithaq.errors import PeerError
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import countersign, read, sign
from mithaq.seal.messages import AGREEMENT, LOG_HEAD, LogHead, encode
from mithaq.store import alarms, parties, witnesses
from tests.unit.border.stage import FORUM, US, B, C, agreement

NAMED = agreement(FORUM, US, B, C, version=2, witnesses=[US, C])


@pytest.fixture
def watching(stage):
    """We and Corvia are witnesses of all three."""
    raw = policy.to_bytes(NAMED)
    signed = sign(AGREEMENT, raw, *(stage.signer(name) for name in (B, C)))
    stage.do(signing.sign_text, stage.us, raw, stage.now, by="lena")
    stage.do(signing.receive, stage.us, B, signed, stage.now)
    return stage


def head(stage, by=B, *, signer=None, **more):
    fields = {"origin": by, "realm": "live", "size": 256, "root": "1" * 64, "at": stamp(stage.now)}
    return sign(CHECKPOINT, encode(Checkpoint(**(fields | more))), signer or stage.signer(by))


def show(stage, by=B, *, signer=None, checkpoint=None, **more):
    fields = {"realm": "live", "by": by, "old": 0}
    fields["checkpoint"] = (checkpoint or head(stage, by)).to_bytes().decode()
    said = sign(LOG_HEAD, encode(LogHead(**(fields | more))), signer or stage.signer(by))
    stage.do(witness.receive, stage.us, by, read(said.to_bytes()), stage.now)


def kept(stage):
    return {each.party: each.size for each in stage.ask(witnesses.kept)}


def test_a_head_is_kept_and_signed_and_the_same_again_is_no_crime(watching):
    show(watching)
    show(watching)

    assert kept(watching) == {B: 256}
    assert watching.ask(alarms.every) == []
    assert "witnessed" in watching.leaves(B)


@pytest.mark.parametrize(
    "lie",
    [
        lambda stage: {"signer": stage.signer(C)},
        lambda stage: {"realm": "drill:x"},
        lambda stage: {"checkpoint": head(stage, C)},
        lambda stage: {"checkpoint": head(stage, B, origin=C)},
        lambda stage: {"checkpoint": head(stage, B, signer=stage.signer(C))},
    ],
)
def test_the_head_of_another_log_is_refused(watching, lie):
    with pytest.raises(PeerError):
        show(watching, **lie(watching))
    assert kept(watching) == {}


def test_whoever_nobody_named_is_no_witness(stage):
    with pytest.raises(PeerError):
        show(stage)
    assert kept(stage) == {}
    before = stage.rows("outbox")
    stage.do(witness.show, stage.us, stage.now)
    assert stage.rows("outbox") == before


@pytest.mark.parametrize(("size", "root", "rings"), [(256, "2", 1), (128, "1", 1), (512, "1", 1)])
def test_a_head_that_does_not_extend_the_one_kept_rings_once(watching, size, root, rings):
    show(watching)
    for _ in range(2):
        show(watching, checkpoint=head(watching, size=size, root=root * 64))

    assert len(watching.ask(alarms.every)) == rings
    assert kept(watching) == {B: 256}


def ours(stage):
    """Our head, as the log is signed at a tick."""
    stage.do(log.pad, stage.now)
    us = (stage.us.party, stage.us.realm)
    return read(stage.do(log.checkpoint, us, stage.us.signer, stage.now))


def take(stage, envelope, sender=C):
    stage.do(witness.receive_cosigned, stage.us, sender, envelope, stage.now)


def both(envelope, signer):
    return countersign(envelope, signer)


def test_a_witness_signature_of_our_head_is_kept(watching):
    mine = ours(watching)

    take(watching, both(mine, watching.signer(C)))

    [signed] = watching.ask(witnesses.newest)
    assert (signed.witness, signed.size) == (C, log.head_of(mine).size)


def test_a_signature_of_no_witness_or_of_no_head_of_ours_is_refused(watching):
    mine = ours(watching)
    forged = head(watching, US, signer=watching.signer(C))
    for sender, envelope in (
        (B, both(mine, watching.signer(B))),
        (C, mine),
        (C, forged),
        (C, both(head(watching, B), watching.signer(C))),
    ):
        with pytest.raises(PeerError):
            take(watching, envelope, sender)
    assert watching.ask(witnesses.newest) == []


def test_a_head_of_ours_that_our_log_has_not_rings(watching):
    lost = head(watching, US, signer=watching.us.signer, size=1 << 20)

    for _ in range(2):
        take(watching, both(lost, watching.signer(C)))

    [alarm] = watching.ask(alarms.every)
    assert (alarm.kind, alarm.subject, alarm.facts["why"]) == ("log", US, "shrunk")


def test_our_head_is_shown_to_every_witness_but_ourselves_from_where_it_was_last_shown(watching):
    ours(watching)
    before = len(watching.rows("outbox"))

    watching.do(witness.show, watching.us, watching.now)
    watching.do(witness.show, watching.us, watching.now)

    assert len(watching.rows("outbox")) == before + 2


def test_a_witness_whose_words_are_not_compared_is_shown_nothing(watching):
    ours(watching)
    watching.do(parties.set_peer_state, C, "met")
    before = watching.rows("outbox")

    watching.do(witness.show, watching.us, watching.now)

    assert watching.rows("outbox") == before


def test_a_witness_broken_off_with_is_shown_no_head(watching):
    why = rupture.Why(reason="case 7")
    watching.do(rupture.declare, watching.us, C, why, watching.now, by="dora")
    ours(watching)
    before = len(watching.rows("outbox"))

    watching.do(witness.show, watching.us, watching.now)

    assert len(watching.rows("outbox")) == before
