"""A peer that lies with valid keys: whose envelope it is and in which order (border.md 6, steps 2 to 4)."""

from datetime import timedelta

import pytest

from mithaq.audit.evidence import read_file
from mithaq.border import admit, parting, signing
from mithaq.border.admit import Outcome
from mithaq.border.agreements import terms_of
from mithaq.border.kept import Proofs
from mithaq.clock import text as stamp
from mithaq.model.canonical import digest
from mithaq.model.labels import Tlp
from mithaq.model.objects import from_body
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import read, sign
from mithaq.seal.frames import blank
from mithaq.seal.keys import generate
from mithaq.seal.merkle import includes
from mithaq.seal.messages import (
    AGREEMENT,
    BATCH,
    ORDER,
    ZERO,
    Batch,
    Doc,
    Order,
    Recall,
    Terms,
    batch_leaf,
    decode,
    encode,
)
from mithaq.store import alarms, parties
from tests.rooms.border.lies import ANOTHER, BOOKS, forum, one, pair, sign_both
from tests.rooms.border.stage import (
    FRESH,
    PAIR,
    START,
    US,
    WIDE,
    B,
    C,
    agreement,
    put,
    sealed,
)  # fmt: skip


def order(stage, id_):
    """Borea's order to give an object back."""
    made = Order(
        realm="live", by=B, order="a" * 32, agreement=PAIR, id=id_, cause="wrong",
        issued=stamp(stage.now), deadline=stamp(stage.now),
    )  # fmt: skip
    return Recall(order=sign(ORDER, encode(made), stage.signer(B)).to_bytes().decode())


# --- steps 2 and 3: what is no envelope, or not for us ------------------------------------------------
def test_an_honest_frame_is_admitted_and_its_object_stored_with_its_proof(stage):
    body = stage.body()

    done = stage.admit(one(stage, body))

    assert (done.outcome, done.stored, done.quarantined) == (Outcome.ADMITTED, 1, 0)
    [copy] = stage.admitted()
    assert copy.object.raw == from_body(body).raw
    assert (copy.voucher, copy.owner, copy.role, copy.sent_by) == (B, B, "owner", B)
    assert (copy.agreement, copy.onward, copy.level) == (PAIR, "scope", int(Tlp.GREEN))
    assert stage.leaves(body["id"]) == ["admission"]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
def test_each_of_many_can_be_shown_with_its_own_proof(stage, count):
    pairs = [put(stage.body(name=f"T {number}")) for number in range(count)]
    raw, _ = sealed(pair(), pairs, stage.signer(B))

    assert stage.admit(raw).stored == count

    by_id = {entry.id: entry for entry, _ in pairs}
    copies = stage.admitted()
    with stage.node.core.read() as unit:
        proofs = Proofs(unit)
        for copy in copies:
            shown = proofs.whole(copy.proof)
            root = bytes.fromhex(decode(read(shown.batch.encode()).payload, Batch).root)
            way = [bytes.fromhex(step) for step in shown.path]
            leaf = batch_leaf(by_id[copy.object.id])
            assert includes(root, count, leaf, shown.index, way)


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"to": C}, "to"),
        ({"sender": C, "batch": ""}, "to"),
        ({"realm": "drill:x"}, "to"),
        ({"channel": "F" * 32}, "channel"),
        ({"channel": "f" * 31}, "channel"),
        ({"channel": "f" * 31 + "g"}, "channel"),
        ({"channel": "f" * 31 + "~"}, "channel"),
        ({"prev": "sha256:" + "1" * 64}, "prev"),
        ({"signed_as": BATCH}, "payload-type"),
        ({"batch": "{}"}, "shape"),
        ({"batch": ""}, "encoding"),
        ({"agreement": None, "batch": ""}, "entry"),
    ],
)
def test_a_seal_for_another_place_is_refused_whole(stage, refused, fields, cause):
    refused(one(stage, **fields), cause)


def test_a_seal_that_its_peer_did_not_sign_is_refused(stage, refused):
    refused(sealed(pair(), [put(stage.body())], generate())[0], "signature")
    refused(sealed(pair(), [put(stage.body())], stage.signer(C))[0], "signature")


def test_another_nations_seal_is_refused_from_whoever_brings_it(stage, refused):
    refused(one(stage), "signature", peer=C)


def test_every_flipped_bit_of_a_frame_is_refused(stage):
    raw = one(stage)
    before = stage.dump(*BOOKS, "held_frames")
    for at in range(0, len(raw), max(1, len(raw) // 40)):
        forged = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert stage.admit(forged).outcome is Outcome.REFUSED
    for end in range(0, len(raw), max(1, len(raw) // 10)):
        assert stage.admit(raw[:end]).outcome is Outcome.REFUSED
    assert stage.dump(*BOOKS, "held_frames") == before

    assert stage.admit(raw).outcome is Outcome.ADMITTED


def test_a_document_in_a_channel_of_intelligence_is_refused(stage, refused):
    raw = b"{}"
    entry = Doc(payload_type=AGREEMENT, digest=digest(raw), size=2)

    refused(sealed(pair(), [(entry, raw)], stage.signer(B), batch="")[0], "entry")


def test_a_second_channel_for_one_relation_is_refused(stage, refused):
    stage.admit(one(stage))

    refused(one(stage, channel=ANOTHER), "second-channel")


def test_another_relations_channel_is_refused(stage, refused):
    stage.admit(one(stage))
    entry = put(stage.body(by=C), role="owner")
    theirs, _ = sealed(forum(), [entry], stage.signer(C), sender=C)

    refused(theirs, "channel", peer=C)
    refused(one(stage, terms=forum(), seq=2), "channel")


def test_our_own_channel_is_no_channel_to_us(stage, refused):
    ours = next(c for c in stage.rows("channels") if c["direction"] == "out" and c["peer"] == B)

    refused(one(stage, channel=ours["id"]), "channel")


def test_a_peer_that_is_not_confirmed_or_was_removed_brings_nothing(stage, refused):
    peer = next(p for p in stage.rows("peers") if p["name"] == B)
    stage.do(parties.set_peer_state, B, "met")
    refused(one(stage), "unconfirmed")
    stage.do(parties.set_peer_state, B, "confirmed")
    stage.do(parting.remove, B, stage.now, by="olga")

    before = stage.dump(*BOOKS)
    assert stage.admit(one(stage)).code == "not-found"
    assert stage.dump(*BOOKS) == before
    assert peer["state"] == "confirmed"


def test_an_expired_key_document_stops_admission(stage, refused):
    refused(one(stage), "signature", now=START + timedelta(days=366))


# --- step 4: order ------------------------------------------------------------------------------------
def test_a_frame_after_a_gap_is_kept_and_admitted_once_the_gap_is_filled(stage):
    first, head = sealed(pair(), [put(stage.body())], stage.signer(B))
    second = one(stage, seq=2, prev=head)
    before = stage.dump("held_frames")

    assert stage.admit(second).code == "gap"
    assert stage.dump("held_frames") == before
    stage.admit(first)
    done = stage.do(admit.next_kept, stage.us, FRESH, stage.now)

    assert done.outcome is Outcome.ADMITTED
    assert [row["chan_seq"] for row in stage.rows("accepted")][-1] == 2
    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now) is None
    assert stage.rows("held_frames") == []


def test_a_frame_that_comes_again_changes_nothing(stage):
    raw = one(stage)
    stage.admit(raw)
    before = stage.dump()

    assert stage.admit(raw).outcome is Outcome.KNOWN
    assert stage.dump() == before


@pytest.mark.parametrize(("seq", "chained"), [(1, True), (2, False)])
def test_a_second_story_freezes_the_channel_and_keeps_both_seals(stage, seq, chained):
    first, head = sealed(pair(), [put(stage.body())], stage.signer(B))
    stage.admit(first)
    kept = {row["seal"]: row for row in stage.rows("accepted")}
    other, _ = sealed(
        pair(),
        [put(stage.body())],
        stage.signer(B),
        seq=seq,
        prev=ZERO if chained else "sha256:" + "2" * 64,
    )
    stage.admit(one(stage, seq=9))

    done = stage.admit(other)

    assert (done.outcome, done.code) == (Outcome.FORKED, "fork")
    assert next(c for c in stage.rows("channels") if c["id"] == FRESH)["state"] == "frozen"
    assert head in kept
    evidence = bytes(stage.rows("refusals")[-1]["frame"])
    assert evidence == other[4 : 4 + len(evidence)]
    assert len(evidence) == int.from_bytes(other[:4], "big")
    assert ("channel-frozen", FRESH) in {(e["kind"], e["subject"]) for e in stage.rows("journal")}
    assert stage.leaves(FRESH) == ["fork"]
    assert stage.rows("held_frames") == []
    assert len(stage.admitted()) == 1


def test_nothing_is_kept_for_a_channel_that_is_frozen(stage):
    head = ZERO
    for seq in (1, 2, 3):
        raw, head = sealed(pair(), [put(stage.body())], stage.signer(B), seq=seq, prev=head)
        stage.admit(raw)
    stage.admit(one(stage, seq=3 + admit.AHEAD))
    assert [row["chan_seq"] for row in stage.rows("held_frames")] == [3 + admit.AHEAD]

    assert stage.admit(one(stage)).outcome is Outcome.FORKED

    assert stage.rows("held_frames") == []


@pytest.mark.parametrize(("why", "seq"), [("gap", 2), ("agreement", 1)])
def test_two_stories_of_which_one_still_waits_are_a_fork_with_both_seals(stage, why, seq):
    first, head = sealed(pair(), [put(stage.body())], stage.signer(B))
    if why == "gap":
        terms, prev = pair(), head
    else:
        terms, prev = terms_of(agreement("unknown-here", US, B)), ZERO
    more = {"terms": terms, "seq": seq, "prev": prev}
    waits = one(stage, **more)
    for _ in range(2):
        assert stage.admit(waits).code == why
    if why == "gap":
        stage.admit(first)

    done = stage.admit(one(stage, **more))

    assert done.outcome is Outcome.FORKED
    [alarm] = stage.ask(alarms.every)
    about = read_file(alarm.evidence)
    assert waits[4 : 4 + int.from_bytes(waits[:4], "big")].decode() == about.seals[0]
    assert len({*about.seals}) == 2


def test_the_evidence_of_a_fork_is_kept_whole_however_long(stage):
    stage.admit(one(stage))
    many = [put(stage.body())] * 300
    other, _ = sealed(pair(), many, stage.signer(B))
    size = int.from_bytes(other[:4], "big")
    assert size > 1 << 16

    assert stage.admit(other).outcome is Outcome.FORKED

    assert bytes(stage.rows("refusals")[-1]["frame"]) == other[4 : 4 + size]


def test_a_frozen_relation_takes_nothing_more_in_any_channel(stage, refused):
    _, head = first = sealed(pair(), [put(stage.body())], stage.signer(B))
    stage.admit(first[0])
    stage.admit(one(stage))

    refused(one(stage, seq=2, prev=head), "frozen")
    refused(one(stage, channel=ANOTHER), "frozen")
    refused(one(stage, channel=ANOTHER, prev=head), "frozen")


def test_a_sender_restored_from_a_backup_begins_anew_where_we_stand(stage, refused):
    first, head = sealed(pair(), [put(stage.body())], stage.signer(B))
    stage.admit(first)
    refused(one(stage, channel=ANOTHER, seq=2, prev=head), "second-channel")
    refused(one(stage, channel=ANOTHER, prev="sha256:" + "3" * 64), "second-channel")

    done = stage.admit(one(stage, channel=ANOTHER, prev=head))

    assert done.outcome is Outcome.ADMITTED
    states = {c["id"]: (c["state"], c["seq"]) for c in stage.rows("channels")}
    assert (states[FRESH], states[ANOTHER]) == (("replaced", 1), ("open", 1))
    assert stage.leaves(FRESH) == ["channel-replaced"]
    refused(one(stage, seq=2, prev=head), "frozen")


def test_a_sender_may_be_restored_again_and_again(stage, refused):
    head = ZERO
    for channel in "12345":
        raw, head = sealed(
            pair(), [put(stage.body())], stage.signer(B), channel=channel * 32, prev=head
        )
        assert stage.admit(raw).outcome is Outcome.ADMITTED
    raw, head = sealed(
        pair(), [put(stage.body())], stage.signer(B), channel="5" * 32, seq=2, prev=head
    )
    assert stage.admit(raw).outcome is Outcome.ADMITTED

    told = [stage.leaves(channel * 32) for channel in "12345"]
    assert told == [["channel-replaced"]] * 4 + [[]]


def test_a_seal_of_the_future_waits_five_minutes_off_and_is_admitted_when_its_time_has_come(stage):
    near, far = (stamp(stage.now + timedelta(minutes=m)) for m in (5, 6))
    early, head = sealed(pair(), [put(stage.body())], stage.signer(B), issued=near)
    assert stage.admit(early).outcome is Outcome.ADMITTED
    later = one(stage, issued=far, seq=2, prev=head)

    assert stage.admit(later).code == "future"
    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now).outcome is Outcome.KEPT
    later = stage.now + timedelta(minutes=1)
    assert stage.do(admit.next_kept, stage.us, FRESH, later).outcome is Outcome.ADMITTED


def test_a_frame_under_a_text_that_is_not_complete_here_waits_for_it(stage):
    text = agreement("aurelia-borea-2", US, B)
    raw = one(stage, terms=terms_of(text))

    assert stage.admit(raw).code == "agreement"
    exact = policy.to_bytes(text)
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")
    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now).code == "agreement"
    theirs = sign(AGREEMENT, exact, stage.signer(B))
    stage.do(signing.receive, stage.us, B, theirs, stage.now)

    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now).outcome is Outcome.ADMITTED


@pytest.mark.parametrize(("start", "effective"), [(1, None), (1, -1), (-1, 1)])
def test_a_frame_under_a_text_that_starts_later_waits_for_its_start(stage, start, effective):
    times = {"start": start} if effective is None else {"start": start, "effective": effective}
    written = {name: stamp(stage.now + timedelta(hours=h)) for name, h in times.items()}
    text = agreement("later", US, B, **written)
    sign_both(stage, text)

    assert stage.admit(one(stage, terms=terms_of(text))).code == "early"
    later = stage.now + timedelta(hours=1)
    assert stage.do(admit.next_kept, stage.us, FRESH, later).outcome is Outcome.ADMITTED


def test_a_version_below_one_accepted_before_is_rollback(stage, refused):
    newer = agreement(PAIR, US, B, version=2, clause=WIDE)
    sign_both(stage, newer)
    _, head = first = sealed(terms_of(newer), [put(stage.body())], stage.signer(B))
    assert stage.admit(first[0]).outcome is Outcome.ADMITTED

    refused(one(stage, seq=2, prev=head), "rollback")
    assert (
        stage.admit(one(stage, terms=terms_of(newer), seq=2, prev=head)).outcome is Outcome.ADMITTED
    )


def test_a_version_not_lower_than_any_accepted_is_good_though_a_newer_is_in_force(stage):
    sign_both(stage, agreement(PAIR, US, B, version=2, clause=WIDE))

    assert stage.admit(one(stage)).outcome is Outcome.ADMITTED


def test_a_seal_that_names_a_text_by_another_number_or_between_others_is_refused(stage, refused):
    good = pair()
    refused(one(stage, terms=Terms(id=PAIR, version=7, digest=good.digest)), "agreement")
    between = agreement("between-others", US, C)
    sign_both(stage, between, C)
    refused(one(stage, terms=terms_of(between)), "agreement")


def test_nothing_comes_in_under_an_agreement_suspended_until_it_is_resumed(stage):
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")

    assert stage.admit(one(stage)).code == "suspended"
    stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena")
    assert stage.do(admit.next_kept, stage.us, FRESH, stage.now).outcome is Outcome.ADMITTED


def test_recalls_and_what_was_taken_back_go_on_while_an_agreement_is_suspended(stage):
    body = stage.body()
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")

    raw, head = sealed(
        pair(), [(order(stage, body["id"]), b"")], stage.signer(B), batch="", seq=2, prev=head
    )
    assert stage.admit(raw).outcome is Outcome.ADMITTED
    assert stage.admitted() == []
    (one_, raw_), other = put(stage.body()), put(stage.body())
    back = (one_, blank(len(raw_)))
    raw, head = sealed(pair(), [back], stage.signer(B), seq=3, prev=head)
    assert stage.admit(raw).outcome is Outcome.ADMITTED
    raw, _ = sealed(pair(), [back, other], stage.signer(B), seq=4, prev=head)
    assert stage.admit(raw).code == "suspended"


def test_nothing_comes_in_under_an_agreement_that_has_ended(stage, refused):
    stage.do(signing.narrow, stage.us, PAIR, "end", stage.now, by="lena")
    refused(one(stage), "ended")
    brief = agreement("brief", US, B, end=stamp(stage.now + timedelta(hours=1)))
    sign_both(stage, brief)
    refused(one(stage, terms=terms_of(brief)), "ended", now=stage.now + timedelta(hours=1))
