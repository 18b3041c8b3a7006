"""Every act stands in the journal and, sealed, in the log: who did what to whom, and when (border.md 4.4)."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.audit import subjects
from mithaq.auth.actors import Role
from mithaq.border import admit, agreements, parting, peers, people, recall, signing, vet
from mithaq.border.approval import decline
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.policy.agreement import digest_of, to_bytes
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import keyid
from mithaq.seal.messages import AGREEMENT, APPROVAL, decode
from mithaq.seal.messages import Release as Bound
from mithaq.store.parties import Peer
from tests.rooms.border.lies import one, relay
from tests.rooms.border.stage import FORUM, FRESH, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_recall import order as an_order
from tests.rooms.border.test_recall import ordered


def journal(stage, kind):
    """(subject, facts) of every entry of a kind."""
    return [
        (row["subject"], msgspec.json.decode(row["facts"]))
        for row in stage.rows("journal")
        if row["kind"] == kind
    ]


def sealed_record(stage, subject, kind):
    """The last record of a kind in the log."""
    with stage.node.core.read() as unit:
        return [record for _, record in subjects.find(unit, subject) if record["kind"] == kind][-1]


def on_record(stage, kind, subject, **facts):
    """See that an act is the last of its kind in both books, with exactly these facts."""
    assert journal(stage, kind)[-1] == (subject, facts)
    found = sealed_record(stage, subject, kind)
    assert found == {"kind": kind, "subject": subject, "at": stamp(stage.now), **facts}


def test_who_enrolled_whom_as_what_is_on_record(stage):
    stage.enrol("zoe", Role.POLICY_OWNER)
    newcomer = people.Newcomer(
        name="amal", roles=frozenset({Role.POLICY_OWNER, Role.DUTY_OFFICER}),
        clearance="tlp:amber-strict", readers=("A-1", "A-2"), public=b"k" * 32,
    )  # fmt: skip

    actor = stage.do(people.enrol, newcomer, stage.now, by="owner")

    on_record(
        stage, "actor-added", "amal", roles="duty-officer,policy-owner", clearance="AMBER+STRICT",
        key=keyid(b"k" * 32), by="owner",
    )  # fmt: skip
    assert (actor.clearance.tlp, actor.clearance.readers) == (Tlp.AMBER_STRICT, {"A-1", "A-2"})
    assert actor.roles == newcomer.roles
    assert actor.public_key == b"k" * 32
    assert [each.name for each in stage.ask(people.everyone)] == ["amal", "zoe"]
    [row] = [r for r in stage.rows("actors") if r["name"] == "amal"]
    assert (row["added_at"], row["readers"]) == (stamp(stage.now), "A-1,A-2")


def test_how_we_deal_with_a_peer_is_on_record(stage):
    changed = stage.do(parting.set_delivery, B, "push", stage.now, by="lena")
    assert changed.delivery == "push"
    on_record(stage, "peer-delivery", B, way="push", by="lena")
    again = stage.do(parting.set_delivery, B, "pull", stage.now, by="lena")
    assert again.delivery == "pull"

    stage.do(parting.remove, B, stage.now, by="omar")
    on_record(stage, "peer-removed", B, by="omar")
    [row] = [r for r in stage.rows("peers") if r["name"] == B]
    assert (row["state"], row["token"]) == ("removed", "")


def test_what_is_done_about_a_client_is_on_record(stage):
    client = Peer(name="sensor", kind="client", state="confirmed")
    stage.do(peers.add_client, client, stage.now, by="lena")
    on_record(stage, "client-added", "sensor", by="lena")
    token = stage.do(peers.new_token, "sensor", stage.now, by="omar")
    on_record(stage, "token-created", "sensor", by="omar")
    assert token.startswith("mq")
    assert len(token) == 40
    stage.do(peers.revoke_token, "sensor", stage.now, by="petra")
    on_record(stage, "token-revoked", "sensor", by="petra")
    [row] = [r for r in stage.rows("peers") if r["name"] == "sensor"]
    assert row["token"] == ""


def test_whose_words_were_compared_by_whom_is_on_record(stage):
    words = " ".join(stage.ask(peers.fingerprint_words, C, "en"))

    stage.do(peers.confirm, C, words, stage.now, by="omar")

    on_record(stage, "peer-confirmed", C, by="omar")


def test_who_signed_which_text_is_on_record_and_so_is_whose_signature_came(stage):
    text = agreement("new-pair", US, B)
    stage.do(signing.sign_text, stage.us, to_bytes(text), stage.now, by="lena")
    on_record(stage, "agreement-signed", "new-pair", version=1, digest=digest_of(text), by="lena")

    envelope = sign(AGREEMENT, to_bytes(text), stage.signer(B))
    stage.do(signing.receive, stage.us, B, envelope, stage.now)
    on_record(stage, "agreement-received", "new-pair", version=1, digest=digest_of(text), signers=B)
    stage.do(signing.receive, stage.us, B, envelope, stage.now)
    assert len(journal(stage, "agreement-received")) == len(
        {str(each) for each in journal(stage, "agreement-received")}
    )


@pytest.mark.parametrize("act", ["suspend", "end"])
def test_who_narrowed_an_agreement_is_on_record(stage, act):
    stage.do(signing.narrow, stage.us, FORUM, act, stage.now, by="lena")

    on_record(stage, f"agreement-{act}", FORUM, party=US, by="lena")


def test_what_was_approved_by_whom_over_which_bytes_is_on_record(stage):
    stage.enrol("omar")
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(copy, proposer="petra")

    stage.approve("omar", copy)

    terms = agreement(PAIR, US, B, clause=WIDE)
    [row] = stage.rows("approvals")
    assert (row["copy"], row["agreement"], row["agreement_digest"]) == (
        copy.seq, PAIR, digest_of(terms),
    )  # fmt: skip
    assert (row["view"], row["peers"], row["proposer"], row["approver"], row["at"]) == (
        copy.object.digest, B, "petra", "omar", stamp(stage.now),
    )  # fmt: skip
    envelope = read(bytes(row["envelope"]))
    assert envelope.payload_type == APPROVAL
    assert [s.keyid for s in envelope.signatures] == [stage.people["omar"].keyid]
    assert decode(envelope.payload, Bound) == Bound(
        realm="live", id=copy.object.id, version=copy.object.version, view=copy.object.digest,
        peers=[B], agreement=digest_of(terms), proposer="petra",
    )  # fmt: skip
    assert sealed_record(stage, copy.object.id, "approved") == {
        "kind": "approved", "by": "omar", "at": stamp(stage.now), "view": copy.object.digest,
        "removed": [], "id": copy.object.id,
    }  # fmt: skip


def test_what_was_declined_by_whom_is_on_record(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(copy)

    stage.do(decline, "omar", copy.seq, PAIR, stage.now)

    assert journal(stage, "declined") == [(copy.object.id, {"by": "omar", "agreement": PAIR})]
    assert sealed_record(stage, copy.object.id, "declined") == {
        "kind": "declined", "by": "omar", "at": stamp(stage.now), "agreement": PAIR,
        "id": copy.object.id, "view": copy.object.digest,
    }  # fmt: skip
    [verdict] = stage.rows("verdicts")
    assert (verdict["declined_by"], verdict["declined_at"]) == ("omar", stamp(stage.now))


def test_what_came_in_is_on_record_with_where_it_came_from(stage):
    good, bad = stage.body(), stage.body(by=C)
    raw, _ = sealed(one_terms(), [put(good), put(bad)], stage.signer(B), audit="a" * 64)

    stage.admit(raw)

    origin = f"{FRESH}/1"
    [(channel, facts)] = journal(stage, "admitted")[-1:]
    assert channel == FRESH
    assert facts == {
        "peer": B, "agreement": PAIR, "seq": 1, "stored": 1, "aside": 1, "recalled": 0,
    }  # fmt: skip
    [copy] = stage.admitted()
    assert sealed_record(stage, good["id"], "admission") == {
        "kind": "admission", "id": good["id"], "version": copy.object.version,
        "digest": copy.object.digest, "voucher": B, "seal": "a" * 64, "from": B, "origin": origin,
        "at": stamp(stage.now),
    }  # fmt: skip
    [row] = stage.rows("quarantine")
    assert sealed_record(stage, bad["id"], "quarantine") == {
        "kind": "quarantine", "id": bad["id"], "digest": row["digest"], "code": "ownership",
        "from": B, "origin": origin, "at": stamp(stage.now),
    }  # fmt: skip
    assert (row["voucher"], row["origin"], row["agreement"], row["where"]) == (
        B, origin, PAIR, "/created_by_ref",
    )  # fmt: skip
    assert (row["type"], row["version"], row["state"]) == ("tool", bad["modified"], "waiting")


def one_terms():
    return agreements.terms_of(agreement(PAIR, US, B, clause=WIDE))


def test_what_was_dropped_from_quarantine_by_whom_is_on_record(stage):
    stage.admit(relay(stage, stage.body(by=C, level=Tlp.GREEN), onward="none"))
    [row] = stage.rows("quarantine")

    stage.do(vet.drop, row["seq"], stage.now, by="lena")

    on_record(
        stage, "quarantine-dropped", row["id"], code="onward", digest=row["digest"], by="lena"
    )


def test_what_was_refused_is_in_the_journal_by_its_cause(stage):
    stage.admit(one(stage, to="somebody"))

    assert journal(stage, "refused") == [(B, {"code": "bad-message", "cause": "to"})]


def test_what_was_imported_by_whom_is_on_record(stage):
    [copy] = stage.give(stage.body(by=US))

    assert journal(stage, "imported")[-1] == (
        US, {"stored": 1, "refused": 0, "author": "ana"},
    )  # fmt: skip
    assert sealed_record(stage, copy.object.id, "import") == {
        "kind": "import", "id": copy.object.id, "version": copy.object.version,
        "digest": copy.object.digest, "voucher": US, "by": "ana", "at": stamp(stage.now),
    }  # fmt: skip


def test_what_was_marked_by_whom_is_on_record(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))

    beside = Beside(tlp=Tlp.AMBER)
    stage.do(admit.mark, stage.us, copy.seq, beside, author="lena", now=stage.now)

    on_record(
        stage, "marked", copy.object.id, by="lena", version=copy.object.version, **beside.to_json()
    )


def test_what_was_decided_is_counted_in_the_journal(stage):
    [one_, two] = stage.give(stage.body(by=US), stage.body(by=US, level=Tlp.RED))

    stage.publish(one_, two)

    assert journal(stage, "decided")[-1] == (PAIR, {"released": {B: 1}, "candidates": 2})


def test_a_release_is_on_record_with_its_clause_and_who_proposed_it(stage):
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy, proposer="petra")

    terms = one_terms()
    assert sealed_record(stage, copy.object.id, "release") == {
        "kind": "release", "realm": "live", "id": copy.object.id, "version": copy.object.version,
        "view": copy.object.digest, "peer": B, "agreement": PAIR, "agreement_version": 1,
        "agreement_digest": terms.digest, "clause": "all", "proposer": "petra",
        "at": stamp(stage.now),
    }  # fmt: skip


def test_an_order_of_ours_is_on_record_with_whom_it_goes_to(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy, agreement=FORUM)
    asked = recall.Asked(
        id=copy.object.id, cause="wrong", basis="a court", version=copy.object.version,
        peers=frozenset({C, B}), deadline=timedelta(hours=5),
    )  # fmt: skip

    [given] = stage.do(recall.recall, stage.us, "lena", asked, stage.now)

    order = given.order
    assert (order.by, order.person, order.agreement, order.cause) == (US, "lena", FORUM, "wrong")
    assert (order.version, order.view, order.basis) == (copy.object.version, "", "a court")
    assert order.deadline == stamp(stage.now + timedelta(hours=5))
    assert (order.issued, order.at, order.sent_by) == (stamp(stage.now), stamp(stage.now), "")
    assert order.peers == f"{B},{C}"
    on_record(
        stage, "recall", copy.object.id, order=order.name, owner=US, by="lena",
        version=copy.object.version, agreement=FORUM, cause="wrong", to=[B, C],
    )  # fmt: skip
    assert [*given.owing] == [B, C]


def test_an_order_names_no_version_and_leaves_three_days_unless_told_otherwise(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)

    [given] = stage.do(
        recall.recall, stage.us, "lena", recall.Asked(id=copy.object.id, cause="wrong"), stage.now
    )

    assert given.order.deadline == stamp(stage.now + timedelta(hours=72))
    assert (given.order.version, given.order.peers) == (recall.EVERY, "")


def test_what_was_given_back_is_on_record_with_whose_order_it_was(stage):
    body = stage.body()
    raw, head = sealed(one_terms(), [put(body)], stage.signer(B))
    stage.admit(raw)
    entry = an_order(stage, body["id"])

    stage.admit(ordered(stage, entry, seq=2, prev=head))

    [row] = stage.rows("orders")
    on_record(
        stage, "recalled", body["id"], order="a" * 32, owner=B, version=recall.EVERY,
        cause="wrong", copies=1, **{"from": B},
    )  # fmt: skip
    assert (row["sent_by"], row["agreement"], row["at"]) == (B, PAIR, stamp(stage.now))


def test_what_an_unmarked_object_is_held_at_is_on_record_with_its_source(stage):
    stage.give(
        stage.body(by=None, level=None), own=False, source="feed:x", default_tlp=Tlp.AMBER,
        community=frozenset({B, C}), onward="open",
    )  # fmt: skip

    on_record(
        stage, "source", "feed:x", by="ana", default_tlp="AMBER", community=f"{B}, {C}",
        onward="open", reliability="",
    )  # fmt: skip
