"""All or nothing, in bounds; and what base channels carry (border.md 6, step 8)."""

import json
from datetime import timedelta

import pytest

from mithaq.border import admit, agreements, signing
from mithaq.border.admit import Outcome
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import countersign, sign
from mithaq.seal.keys import generate
from mithaq.seal.messages import AGREEMENT, BATCH
from mithaq.store import channels, parties
from mithaq.store.parties import key_document_envelopes
from tests.rooms.border.lies import (
    PowerCut,
    documents,
    one,
    pair,
    power_cut,
)
from tests.rooms.border.stage import (
    FORUM,
    FRESH,
    PAIR,
    US,
    B,
    C,
    agreement,
    put,
    sealed,
)  # fmt: skip


# --- step 8: one transaction --------------------------------------------------------------------------
def test_an_envelope_is_admitted_whole_or_not_at_all(stage, monkeypatch):
    raw = sealed(pair(), [put(stage.body()), put(b"x")], stage.signer(B))[0]
    before = stage.dump()
    targets = [
        ("mithaq.border.admit.channels.put_channel", "channel"),
        ("mithaq.border.admit.inbound.accept", "accepted"),
        ("mithaq.border.entries.objects.add", "objects"),
        ("mithaq.border.entries.inbound.set_aside", "quarantine"),
        ("mithaq.border.entries.log.append", "log"),
        ("mithaq.border.admit.record", "journal"),
        ("mithaq.border.admit.revisit", "waiting"),
    ]
    for target, name in targets:
        with monkeypatch.context() as patch:
            patch.setattr(target, power_cut)
            with pytest.raises(PowerCut):
                stage.admit(raw)
        assert stage.dump() == before, name

    assert stage.admit(raw).outcome is Outcome.ADMITTED


# --- bounds -------------------------------------------------------------------------------------------
def test_what_is_refused_or_kept_of_a_hostile_peer_stays_in_bounds(stage):
    signer = stage.signer(B)
    for number in range(150):
        stage.admit(b"%d" % number)
        stage.admit(sealed(pair(), [], signer, to=C, seq=number + 1)[0])
        stage.admit(sealed(pair(), [], signer, seq=2, channel=f"{number:032x}")[0])
        stage.admit(sealed(pair(), [], signer, seq=number + 2)[0])

    assert len(stage.rows("refusals")) <= 3 * channels.REFUSALS
    assert len(stage.rows("held_frames")) == 128
    news = [e for e in stage.rows("journal") if e["kind"] == "refused"]
    assert len(news) == 2


def test_a_refusal_is_news_again_after_an_hour(stage):
    for minutes in (0, 59, 61):
        stage.admit(b"junk", now=stage.now + timedelta(minutes=minutes))

    assert len([e for e in stage.rows("journal") if e["kind"] == "refused"]) == 2


@pytest.mark.parametrize(("bytes_", "kept"), [(0, 1), (1, 0)])
def test_of_one_peer_32_mebibytes_are_kept_and_no_more(stage, bytes_, kept):
    raw = one(stage, seq=2)
    size = (32 << 20) - len(raw) + bytes_
    full = f"INSERT INTO held_frames VALUES (?, ?, 9, zeroblob({size}), 'gap', '')"
    stage.do(lambda unit: unit.exec_driver_sql(full, (B, "9" * 32)))

    assert stage.admit(raw).outcome is Outcome.KEPT

    assert len(stage.rows("held_frames")) == 1 + kept


def test_a_frame_too_far_ahead_is_fetched_again(stage):
    stage.admit(one(stage))
    for seq in (65, 66):
        assert stage.admit(one(stage, seq=seq)).outcome is Outcome.KEPT

    assert [row["chan_seq"] for row in stage.rows("held_frames")] == [65]


def test_a_channel_is_fetched_from_where_its_peer_stands_in_it(stage):
    stage.admit(one(stage))

    assert stage.ask(admit.wanted, B, FRESH) == 1
    assert stage.ask(admit.wanted, B, "0" * 32) == 0
    assert stage.ask(admit.wanted, C, FRESH) == 0


def test_a_kept_frame_that_proves_bad_is_kept_no_longer(stage):
    first, head = sealed(pair(), [put(stage.body())], stage.signer(B))
    stage.admit(one(stage, seq=2, prev=head, batch=""))
    stage.admit(first)

    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now).outcome is Outcome.REFUSED
    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now) is None


def test_a_document_that_is_wrong_is_refused_by_itself(stage):
    text = agreement("fresh", US, B)
    good = sign(AGREEMENT, policy.to_bytes(text), stage.signer(B)).to_bytes()
    other = sign(BATCH, b"{}", stage.signer(B)).to_bytes()
    stranger = sign(AGREEMENT, policy.to_bytes(agreement("x", US, B)), generate()).to_bytes()
    raw = documents(
        stage,
        (AGREEMENT, b"junk"),
        (BATCH, other),
        (AGREEMENT, stranger),
        (AGREEMENT, bytes(9)),  # as what was taken back is served, which a document never is
        (AGREEMENT, good),
    )

    done = stage.admit(raw)

    assert (done.outcome, done.stored, done.quarantined) == (Outcome.ADMITTED, 1, 4)
    assert {row["id"] for row in stage.rows("agreements")} == {PAIR, FORUM, "fresh"}
    refused = [bytes(r["frame"]) for r in stage.rows("refusals") if r["cause"] == "document"]
    assert refused == [b"junk", other, stranger, b""]
    told = [e for e in stage.rows("journal") if e["kind"] == "documents"][-1]
    assert json.loads(told["facts"])["refused"] == 4
    assert stage.admit(raw).outcome is Outcome.KNOWN


def test_an_agreement_is_taken_from_its_parties_in_its_exact_form_alone(stage):
    texts = [
        policy.to_bytes(agreement("between", B, C)),
        policy.to_bytes(agreement("without-sender", US, C)),
        json.dumps(json.loads(policy.to_bytes(agreement("spaced", US, B))), indent=1).encode(),
    ]
    envelopes = [sign(AGREEMENT, t, stage.signer(B), stage.signer(C)).to_bytes() for t in texts]

    done = stage.admit(documents(stage, *((AGREEMENT, e) for e in envelopes)))

    assert done.quarantined == 3
    assert {row["id"] for row in stage.rows("agreements")} == {PAIR, FORUM}


def test_a_signature_by_a_peer_never_confirmed_counts_for_nothing(stage):
    stage.do(parties.set_peer_state, C, "met")
    text = agreement("three-more", US, B, C)
    envelope = countersign(sign(AGREEMENT, policy.to_bytes(text), stage.signer(B)), stage.signer(C))
    stage.do(signing.receive, stage.us, B, envelope, stage.now)

    [held] = stage.ask(agreements.versions, "three-more")
    assert held.by == {B}


def test_the_keys_of_another_nation_are_not_taken_from_a_peer(stage):
    [theirs] = stage.ask(key_document_envelopes, C).values()
    before = stage.rows("key_documents")

    stage.admit(documents(stage, ("application/vnd.mithaq.keys+json;v=1", theirs)))

    assert stage.rows("key_documents") == before
