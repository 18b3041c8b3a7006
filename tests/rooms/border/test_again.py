"""What waited or stands is decided again when something changes, each for the purpose it was proposed for."""

import json
from datetime import timedelta

from mithaq.border import admit, peers, signing, watch
from mithaq.border.publish import publish, reconsider
from mithaq.border.reasons import decode_reasons, encode_reasons
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Party
from mithaq.policy.decision import Reason, Rule
from mithaq.store import parties
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.federation.world import second_person
from tests.rooms.border.lies import forum, pair, sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement, party, put, sealed
from tests.rooms.border.test_publish import rows_of, seals, states


def link(stage, one, other):
    return stage.body(
        "relationship", by=US, name=None, relationship_type="related-to",
        source_ref=one["id"], target_ref=other["id"],
    )  # fmt: skip


def test_a_chain_of_what_waits_for_each_other_goes_whole_however_long(stage):
    first = stage.body(by=US)
    bodies = [first]
    for _ in range(20):
        about = {"content": "more of it", "object_refs": [bodies[-1]["id"]]}
        bodies.append(stage.body("note", by=US, name=None, **about))
    head, *rest = stage.give(*bodies)
    for copy in rest:
        stage.publish(copy)
    assert all(rows_of(stage, copy) == [] for copy in rest)

    stage.publish(head)

    assert all(rows_of(stage, copy) == [(PAIR, B)] for copy in rest)


def test_what_waited_for_another_purpose_is_judged_by_its_own(stage):
    sign_both(stage, agreement("wide", US, B, clause={"purposes": ["defence", "exercise"]}))
    [one, other] = stage.give(stage.body(by=US), stage.body(by=US))
    [between] = stage.give(link(stage, one.object.body, other.object.body))
    stage.do(publish, stage.us, "ana", [between.seq], "wide", stage.now, "exercise")
    assert rows_of(stage, between) == []

    stage.publish(one, other, agreement="wide")

    assert rows_of(stage, between) == [("wide", B)]
    assert {r["purpose"] for r in stage.rows("intents") if r["copy"] == between.seq} == {"exercise"}


def test_what_waited_for_an_object_goes_when_its_peer_sends_that_object(stage):
    target = stage.body(by=B, level=Tlp.CLEAR)
    [sighting] = stage.give(stage.body("sighting", by=US, name=None, sighting_of_ref=target["id"]))
    stage.publish(sighting, agreement=FORUM)
    assert rows_of(stage, sighting) == []

    stage.admit(sealed(forum(), [put(target)], stage.signer(B))[0])

    assert (FORUM, B) in rows_of(stage, sighting)


def test_what_a_peer_sends_is_known_to_it_though_we_set_it_aside(stage):
    target = stage.body(by=C, level=Tlp.CLEAR)  # which Borea may not speak for
    [sighting] = stage.give(stage.body("sighting", by=US, name=None, sighting_of_ref=target["id"]))
    stage.publish(sighting)
    assert rows_of(stage, sighting) == []

    assert stage.admit(sealed(pair(), [put(target)], stage.signer(B))[0]).quarantined == 1

    assert rows_of(stage, sighting) == [(PAIR, B)]


def test_nothing_is_decided_again_under_an_agreement_that_is_suspended(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    before = stage.dump()

    stage.do(reconsider, stage.us, PAIR, [copy.seq], stage.now)

    assert stage.dump() == before


def test_a_row_stands_on_by_another_copy_when_its_own_may_go_no_more(stage):
    """Two reports brought the same bytes; what stands beside the first one expires."""
    body = stage.body(by=None, level=Tlp.CLEAR)
    soon = stamp(stage.now + timedelta(hours=1))
    copies = []
    for name, beside in (("file:one", Beside(expiry=soon)), ("file:two", Beside())):
        given = admit.Given(object=from_body(body), beside=beside)
        source = Source(name=name, kind="file")
        outcome = stage.do(
            admit.local, stage.us, source, [given], author="ana", own=False, now=stage.now
        )
        copies += outcome.stored
    stage.publish(*copies)
    one, two = copies
    assert [row["copy"] for row in stage.rows("rows")] == [one.seq]
    placed = [r["seq"] for r in stage.rows("shelf_ops") if r["op"] == "place"]

    stage.clock.step(7200)
    stage.publish(*copies)

    assert [row["copy"] for row in stage.rows("rows")] == [two.seq]
    assert [r["seq"] for r in stage.rows("shelf_ops") if r["op"] in ("place", "remove")] == placed


def test_a_new_text_takes_down_what_a_person_approved_under_the_old_and_no_more(stage):
    stage.enrol("omar")
    approved, plain = stage.give(
        stage.body(by=US, level=Tlp.AMBER_STRICT), stage.body(by=US, level=Tlp.GREEN)
    )
    stage.publish(approved, plain)
    stage.approve("omar", approved)
    assert rows_of(stage, approved) == [(PAIR, B)]

    sign_both(stage, agreement(PAIR, US, B, version=2, clause=WIDE))
    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)

    assert (rows_of(stage, approved), rows_of(stage, plain)) == ([], [(PAIR, B)])
    assert states(stage, approved) == {(PAIR, B): "held"}


def grant(stage):
    """A client of our constituency, and the grant it reads under."""
    sensor = Peer(name="sensor", kind="client", state="confirmed", country="QM", constituency_of=US)
    stage.do(peers.add_client, sensor, stage.now, by="olga")
    client = Party(name="sensor", country="QM", organisation="Sensor", role="client")
    exact = policy.to_bytes(agreement("grant", kind="grant", parties=[party(US), client]))
    mona, key = stage.do(second_person)
    second = (mona, key)
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena", second=second)


def test_a_client_gets_rows_and_no_frames(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    frames = len(stage.rows("outbox"))

    stage.publish(copy, agreement="grant")

    assert rows_of(stage, copy) == [("grant", "sensor")]
    assert len(stage.rows("outbox")) == frames


def test_a_client_whose_view_changes_is_sent_no_order_and_owes_no_receipt(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US, level=Tlp.CLEAR))
    stage.publish(copy, agreement="grant")
    [before] = stage.rows("rows")

    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.GREEN), author="ana", now=stage.now)

    [after] = stage.rows("rows")
    assert after["view"] != before["view"]
    assert stage.rows("orders") == stage.rows("receipts") == []


def test_a_nation_whose_words_are_not_compared_gets_nothing(stage):
    stage.do(parties.set_peer_state, C, "met")
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy, agreement=FORUM)

    assert rows_of(stage, copy) == [(FORUM, B)]


def test_what_a_reference_set_holds_is_known_to_all(stage):
    known = stage.body(by=None, level=None)
    stage.give(known, own=False, source="set:attack", reference=True)
    [copy] = stage.give(stage.body(by=US, x_see_ref=known["id"]))

    stage.publish(copy)

    [row] = stage.rows("rows")
    assert (row["peer"], row["removed"]) == (B, "[]")


def test_a_party_that_joins_while_much_is_decided_anew_sees_nothing_before_the_end(
    stage, monkeypatch
):
    sign_both(stage, agreement("wide", US, B, kind="forum", clause=WIDE))
    copies = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(*copies, agreement="wide")
    joins = {"version": 2, "effective": stamp(stage.now + timedelta(hours=1)), "clause": WIDE}
    sign_both(stage, agreement("wide", US, B, C, **joins), B, C)
    stage.clock.step(3600)
    monkeypatch.setattr(watch, "AT_ONCE", 1)

    def shown():
        states = {
            r["shelf"]: json.loads(r["facts"])["state"]
            for r in stage.rows("shelf_ops")
            if r["op"] == "shelf"
        }
        return {
            c["peer"]: states[c["id"]]
            for c in stage.rows("channels")
            if (c["agreement"], c["direction"]) == ("wide", "out")
        }

    stage.do(watch.catch_up, stage.us, "wide", stage.now)
    assert shown() == {B: "blocked", C: "blocked"}
    assert stage.do(watch.proceed, stage.us, stage.now) == 1
    assert shown() == {B: "blocked", C: "blocked"}
    assert stage.do(watch.proceed, stage.us, stage.now) == 1

    assert shown() == {B: "open", C: "open"}
    assert all(("wide", C) in rows_of(stage, copy) for copy in copies)


def test_what_stands_is_released_once_however_often_it_is_proposed(stage):
    [copy] = stage.give(stage.body(by=US))
    for _ in range(3):
        stage.publish(copy)

    assert stage.leaves(copy.object.id) == ["import", "release"]
    assert len(seals(stage)) == 1


def test_reasons_are_read_as_they_were_written():
    reasons = [
        Reason(rule=Rule.RESTRICTION, clause="all", facts={"number": "7", "peer": B}),
        Reason(rule=Rule.RUPTURE),
    ]

    assert [*decode_reasons(encode_reasons(reasons))] == reasons
