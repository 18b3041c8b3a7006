"""Whose heads a witness takes, and whose signature counts as one (border.md 4.4)."""

import pytest

from mithaq.audit import evidence, log
from mithaq.audit.log import CHECKPOINT, Checkpoint
from mithaq.border import alarms as border
from mithaq.border import peers, rupture, signing, witness
from mithaq.clock import text as stamp
from mithaq.errors import PeerError
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Party
from mithaq.seal.envelope import countersign, read, sign
from mithaq.seal.messages import AGREEMENT, LOG_HEAD, LogHead, decode, encode
from mithaq.store import alarms, blobs, channels, parties, witnesses
from mithaq.store.journal import keep
from mithaq.store.parties import Peer
from tests.federation.world import second_person
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import FORUM, US, B, C, agreement, party

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


def documents(stage, to):
    """What the base channel to a peer has carried, in order."""
    with stage.node.core.read() as unit:
        base = channels.find(unit, to, "", "out")
        names = [channels.parcel(unit, base.id, n + 1).bodies for n in range(base.seq)]
        bodies = blobs.some(unit, [name for some in names for name in some])
        return [read(bodies[name]) for some in names for name in some]


def heads_shown(stage, to):
    """The heads of our log that a peer was shown, each as it was said."""
    return [decode(e.payload, LogHead) for e in documents(stage, to) if e.payload_type == LOG_HEAD]


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


# --- who is one -------------------------------------------------------------------------------------------
def test_an_agreement_that_is_not_in_force_makes_nobody_a_witness(watching):
    ours(watching)
    watching.do(signing.narrow, watching.us, FORUM, "suspend", watching.now, by="lena")
    before = watching.rows("outbox")

    watching.do(witness.show, watching.us, watching.now)
    with pytest.raises(PeerError):
        show(watching)

    assert (watching.rows("outbox"), kept(watching)) == (before, {})


def test_who_is_a_witness_under_another_agreement_is_none_of_this_nations(stage):
    sign_both(stage, agreement("with-corvia", US, C, witnesses=[US]), C)

    with pytest.raises(PeerError):
        show(stage)
    show(stage, C)

    assert kept(stage) == {C: 256}


def test_nobody_is_a_witness_of_its_own_log(watching):
    named = {name: watching.ask(witness.witnesses_of, name, watching.now) for name in (US, B, C)}

    assert named == {US: [C], B: [US, C], C: [US]}


def test_a_client_that_a_grant_names_is_shown_no_head(stage):
    sensor = Peer(name="sensor", kind="client", state="confirmed", country="QM", constituency_of=US)
    stage.do(peers.add_client, sensor, stage.now, by="olga")
    client = Party(name="sensor", country="QM", organisation="Sensor", role="client")
    text = agreement("grant", kind="grant", parties=[party(US), client], witnesses=["sensor"])
    second = stage.do(second_person)
    stage.do(
        signing.sign_text, stage.us, policy.to_bytes(text), stage.now, by="lena", second=second
    )
    ours(stage)
    before = stage.rows("outbox")

    stage.do(witness.show, stage.us, stage.now)

    assert stage.rows("outbox") == before


# --- what is shown ----------------------------------------------------------------------------------------
def test_before_the_log_was_ever_signed_there_is_no_head_to_show(watching):
    watching.do(lambda unit: unit.exec_driver_sql("DELETE FROM checkpoints"))
    before = watching.rows("outbox")

    watching.do(witness.show, watching.us, watching.now)

    assert watching.rows("outbox") == before


def test_each_head_is_shown_with_proof_that_it_extends_the_last_one_shown(watching):
    heads = []
    for _ in range(2):
        heads.append(log.head_of(ours(watching)))
        watching.do(witness.show, watching.us, watching.now)
        watching.clock.step()
        watching.give(watching.body(by=US))

    first, second = heads_shown(watching, C)[-2:]
    assert (first.old, first.path, second.old) == (0, [], heads[0].size)
    assert heads[0].size < heads[1].size
    assert log.extends(*heads, second.path)


def test_a_log_shorter_than_what_was_shown_of_it_is_shown_as_it_is(watching):
    """Restored from a backup: its witness sees it by this very head."""
    watching.do(lambda unit: keep(unit, f"shown:{C}", str(1 << 20)))
    ours(watching)

    watching.do(witness.show, watching.us, watching.now)

    said = heads_shown(watching, C)[-1]
    assert (said.old, said.path) == (1 << 20, [])


def test_a_head_of_ours_of_another_realm_is_no_head_of_this_log(watching):
    drill = head(watching, US, signer=watching.us.signer, realm="drill:x")

    with pytest.raises(PeerError):
        take(watching, both(drill, watching.signer(C)))


def test_a_head_that_our_log_no_longer_holds_is_told_with_the_way_from_it(watching):
    """An edited log: what is shown beside the witness's head proves that it does not extend it."""
    ours(watching)
    edited = head(watching, US, signer=watching.us.signer, size=200, root="7" * 64)

    take(watching, both(edited, watching.signer(C)))

    [alarm] = watching.ask(alarms.every)
    assert (alarm.subject, alarm.facts["why"]) == (US, "no-extension")
    about = evidence.read_file(alarm.evidence)
    said = decode(read(about.shown.encode()).payload, LogHead)
    assert (said.old, said.path) == (200, watching.ask(log.extension, 200, alarm.facts["shown"]))
    assert watching.ask(witnesses.newest) == []


# --- what is kept -----------------------------------------------------------------------------------------
def test_the_owner_is_answered_with_its_head_and_our_signature(watching):
    show(watching)

    [mine] = watching.ask(witnesses.kept)
    last = documents(watching, B)[-1]
    assert last.to_bytes() == mine.envelope
    assert {s.keyid for s in last.signatures} == {
        watching.signer(B).keyid,
        watching.us.signer.keyid,
    }


def test_an_owner_whose_log_does_not_extend_is_answered_with_the_head_it_showed_before(watching):
    show(watching)
    [before] = watching.ask(witnesses.kept)
    for size, root in ((512, "2"), (768, "3")):
        show(watching, checkpoint=head(watching, size=size, root=root * 64))

    assert [e.to_bytes() for e in documents(watching, B)[-2:]] == [before.envelope] * 2
    assert len(watching.ask(alarms.every)) == 1  # one head that is lost is one matter


def test_once_a_person_has_looked_the_log_is_kept_anew_from_its_next_head(watching):
    show(watching)
    show(watching, checkpoint=head(watching, size=512, root="2" * 64))
    [alarm] = watching.ask(alarms.every)
    watching.do(border.close, alarm.seq, "restored on Tuesday", watching.now, by="aziz")

    show(watching, checkpoint=head(watching, size=128, root="3" * 64))

    assert kept(watching) == {B: 128}
    assert len(watching.ask(alarms.every, closed=True)) == 1
