"""The exit pack: what both hold of each other, word for word, and what is ordered back from whom (border.md 7)."""

import json
from datetime import timedelta

import pytest

from mithaq.border import exits, recall, rupture
from mithaq.border.agreements import terms_of
from mithaq.border.peers import every_key_of
from mithaq.clock import parse, text
from mithaq.errors import NotFound, PeerError
from mithaq.model.canonical import digest
from mithaq.model.labels import Tlp
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import (
    EXIT,
    ORDER,
    ExitPack,
    Order,
    Recall,
    Receipt,
    Seal,
    decode,
    encode,
)  # fmt: skip
from tests.federation.world import second_person
from tests.rooms.border.lies import ANOTHER, forum, pair, sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.rooms.border.test_agreements import heed, notice
from tests.rooms.border.test_publish import rows_of

WHY = rupture.Why(reason="case 7", basis="decision 12")


def declare(stage, party=B):
    return stage.do(rupture.declare, stage.us, party, WHY, stage.now, by="dora")


def order_back(stage, *some, party=B, **more):
    return stage.do(exits.order_back, stage.us, party, some, stage.now, by="dora", **more)


def packed(stage, party=B):
    return stage.do(exits.pack, stage.us, party, stage.now)


def said(files, name):
    raw = files[name].decode()
    return raw.splitlines() if name.endswith("l") else json.loads(raw)


def recall_ours(stage, copy, **more):
    asked = recall.Asked(id=copy.object.id, cause="wrong", **more)
    return stage.do(recall.recall, stage.us, "lena", asked, stage.now)


def bring(stage, *entries, **more):
    """Admit a frame of Borea's; return the digest of its seal."""
    raw, seal = sealed(pair(), entries, stage.signer(B), channel=ANOTHER, **more)
    done = stage.admit(raw)
    assert done.code == "", done
    return seal


# --- what is ordered back ----------------------------------------------------------------------------
def test_an_order_names_the_party_the_cause_the_basis_and_until_when(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    declare(stage)
    stage.clock.step()

    assert order_back(stage, (PAIR, copy.object.id), deadline=timedelta(hours=5)) == 1

    [row] = stage.rows("orders")
    assert (row["peers"], row["cause"], row["basis"]) == (B, "rupture", "decision 12")
    assert (row["person"], row["issued"]) == ("dora", text(stage.now))
    assert row["deadline"] == text(stage.now + timedelta(hours=5))
    [owed] = stage.rows("receipts")
    assert (owed["peer"], owed["by"], owed["outcome"]) == (B, US, "")
    signed = decode(read(bytes(row["envelope"])).payload, Order)
    assert (signed.basis, signed.deadline) == (row["basis"], row["deadline"])


def test_orders_go_out_at_once_and_the_act_is_on_record(stage):
    ours, others = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(ours, others)
    declare(stage)
    before = len(stage.rows("outbox"))

    order_back(stage, *((PAIR, each.object.id) for each in (ours, others)))

    [frame] = stage.rows("outbox")[before:]
    seal = decode(read(bytes(frame["envelope"])).payload, Seal)
    assert [type(entry) for entry in seal.entries] == [Recall, Recall]
    assert [r["op"] for r in stage.rows("shelf_ops") if r["shelf"] == frame["channel"]][-4:] == [
        "frame",
        "hurry",
        "remove",
        "remove",
    ]
    assert stage.leaves(PAIR)[-1] == "rupture-recall"


def test_what_is_ordered_back_leaves_the_partys_shelf_and_nobody_elses(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)
    stage.publish(copy)
    declare(stage)

    order_back(stage, (FORUM, copy.object.id))

    assert {*rows_of(stage, copy)} == {(PAIR, B), (FORUM, C)}
    removed = [json.loads(r["facts"]) for r in stage.rows("shelf_ops") if r["op"] == "remove"]
    assert [(each["id"], each["version"]) for each in removed] == [
        (copy.object.id, copy.object.version)
    ]


def test_only_our_own_orders_to_the_party_spare_another_one(stage):
    """Neither an order to somebody else, nor anybody else's order about the same object."""
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)
    theirs = Order(
        realm="live", by=C, order="c" * 32, agreement=FORUM, id=copy.object.id,
        cause="wrong", issued=text(stage.now), deadline=text(stage.now),
    )  # fmt: skip
    envelope = sign(ORDER, encode(theirs), stage.signer(C)).to_bytes().decode()
    raw = sealed(
        forum(), [(Recall(order=envelope), b"")], stage.signer(C), batch="", sender=C
    )[0]  # fmt: skip
    stage.admit(raw, peer=C)
    assert [r["by"] for r in stage.rows("orders")] == [C]
    declare(stage)

    assert stage.ask(exits.to_order, stage.us, B) == [(FORUM, copy.object.id)]
    assert order_back(stage, (FORUM, copy.object.id)) == 1


def test_an_order_to_everybody_is_one_to_the_party_too(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    declare(stage)
    stage.clock.step()
    recall_ours(stage, copy)

    assert stage.ask(exits.to_order, stage.us, B) == []
    assert order_back(stage, (PAIR, copy.object.id)) == 0


# --- the pack ----------------------------------------------------------------------------------------
@pytest.fixture
def broken(stage):
    """Borea was given two of ours and one of Corvia's, and gave us one; one order of ours was answered, one not."""
    entry = put(stage.body(by=C, level=Tlp.CLEAR))
    stage.admit(sealed(forum(), [entry], stage.signer(C), sender=C)[0], peer=C)
    [corvias] = stage.admitted()
    seal = bring(stage, put(stage.body()))
    boreas = stage.admitted()[-1]
    ours, gone = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(corvias, ours, agreement=FORUM)
    stage.publish(gone)
    [first] = recall_ours(stage, gone)
    answer = Receipt(order=first.order.name, outcome="deleted")
    bring(stage, (answer, b""), batch="", seq=2, prev=seal)
    recall_ours(stage, ours, peers=frozenset({C}))
    declare(stage)
    stage.clock.step()
    heed(stage, notice(stage))  # Borea's own suspension
    order_back(stage, (FORUM, ours.object.id))
    return {
        "ours": ours, "gone": gone, "corvias": corvias, "boreas": boreas,
        "first": first.order,
    }  # fmt: skip


def test_the_pack_says_what_they_hold_whose_it_is_and_which_orders_are_about_it(stage, broken):
    [back] = [r for r in stage.rows("orders") if r["cause"] == "rupture"]
    held = {each["id"]: each for each in said(packed(stage), "held-by-them.json")}

    def line(copy, agreement_, *, ours, orders_):
        seen = copy.object
        kept = held[seen.id].pop("released")
        assert kept < text(stage.now)
        return {
            "agreement": agreement_, "id": seen.id, "version": seen.version, "view": seen.digest,
            "ours": ours, "orders": orders_,
        }  # fmt: skip

    ours, gone, corvias = (broken[name] for name in ("ours", "gone", "corvias"))
    assert held.keys() == {each.object.id for each in (ours, gone, corvias)}
    for copy, expected in (
        (gone, line(gone, PAIR, ours=True, orders_=[broken["first"].name])),
        (ours, line(ours, FORUM, ours=True, orders_=[back["name"]])),
        (corvias, line(corvias, FORUM, ours=False, orders_=[])),
    ):
        assert held[copy.object.id] == expected


def test_an_order_stands_beside_the_version_it_names_alone(stage, broken):
    """An order about a version of ours by its number says nothing of the others."""
    named = broken["ours"].object
    body = stage.body(by=US, id=named.id, modified="2026-03-01T12:00:00.500Z")
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE orders SET version = ?", (body["modified"],))

    held = {each["id"]: each["orders"] for each in said(packed(stage), "held-by-them.json")}

    assert held == {each.object.id: [] for each in (broken[n] for n in ("ours", "gone", "corvias"))}


def test_the_pack_says_what_we_hold_of_them(stage, broken):
    copy = broken["boreas"]
    [line] = said(packed(stage), "held-by-us.json")

    assert line == {
        "id": copy.object.id, "version": copy.object.version, "digest": copy.object.digest,
        "agreement": PAIR, "voucher": B, "owner": B, "sent_by": B, "received": copy.received_at,
    }  # fmt: skip


def test_the_pack_lists_the_agreements_both_are_parties_to_and_no_others(stage, broken):
    sign_both(stage, agreement("side", US, C), C)

    assert said(packed(stage), "agreements.json") == [
        {
            "agreement": PAIR, "version": 1, "state": "suspended", "signed": [US, B],
            "digest": terms_of(agreement(PAIR, US, B, clause=WIDE)).digest, "parties": [US, B],
        },
        {
            "agreement": FORUM, "version": 1, "state": "in-force", "signed": [US, B, C],
            "digest": terms_of(agreement(FORUM, US, B, C)).digest, "parties": [US, B, C],
        },
    ]  # fmt: skip


def test_the_pack_holds_our_orders_to_them_their_answers_and_the_seals_these_came_in(stage, broken):
    files = packed(stage)
    [back] = [r for r in stage.rows("orders") if r["cause"] == "rupture"]
    first = broken["first"]

    assert said(files, "orders.jsonl") == [
        bytes(back["envelope"]).decode(),
        first.envelope.decode(),
    ]
    [answer] = said(files, "receipts.json")
    assert answer == {
        "order": first.name, "agreement": PAIR, "outcome": "deleted", "basis": "",
        "at": answer["at"], "seal": answer["seal"], "recorded_by": "",
    }  # fmt: skip
    [seal] = said(files, "seals.jsonl")
    [entry] = decode(read(seal.encode()).payload, Seal).entries
    assert (entry.order, entry.outcome) == (first.name, "deleted")


def test_an_answer_is_overdue_once_its_deadline_is_past_and_not_before(stage, broken):
    [back] = [r for r in stage.rows("orders") if r["cause"] == "rupture"]
    due = {
        "order": back["name"], "agreement": FORUM, "id": broken["ours"].object.id,
        "deadline": back["deadline"],
    }  # fmt: skip

    stage.clock.now = parse(back["deadline"])
    assert said(packed(stage), "outstanding.json") == [due | {"overdue": False}]

    stage.clock.now += timedelta(milliseconds=1)
    assert said(packed(stage), "outstanding.json") == [due | {"overdue": True}]


def test_the_notices_are_our_own(stage, broken):
    """The rupture, and our suspension of what both had signed; not what the party said of it."""
    lines = said(packed(stage), "notices.jsonl")
    by_us = [read(each.encode()) for each in lines]

    assert len(by_us) == 2
    keys = stage.ask(every_key_of, US)
    for envelope in by_us:
        assert {each.keyid for each in envelope.signatures} <= keys.keys()


def test_the_pack_is_on_record_with_its_digest_and_what_is_outstanding(stage, broken):
    files = packed(stage)

    record = stage.records(B)[-1]
    assert record["kind"] == "exit-pack"
    assert record["digest"] == digest(files["manifest.json"])
    assert (record["orders"], record["outstanding"]) == (2, 1)


def test_files_are_written_for_people_to_read_and_compare(stage, broken):
    raw = packed(stage)["held-by-us.json"].decode()

    assert raw == json.dumps(json.loads(raw), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert raw.startswith('[\n {\n  "agreement"')


def test_a_pack_that_was_changed_names_the_files_that_were(stage, broken):
    files = packed(stage)
    keys = stage.ask(every_key_of, US)
    listed = exits.check(files, keys)
    assert isinstance(listed, ExitPack)
    assert [each.name for each in listed.files] == [n for n in files if n != "manifest.json"]
    assert (listed.by, listed.party) == (US, B)

    changed = files | {"seals.jsonl": b"", "agreements.json": b"[]", "more": b""}
    del changed["orders.jsonl"]

    with pytest.raises(PeerError) as error:
        exits.check(changed, keys)
    odd = "agreements.json, more, orders.jsonl, seals.jsonl"
    assert error.value.facts["files"] == odd
    assert odd in str(error.value)
    assert EXIT in files["manifest.json"].decode()


def test_there_is_no_pack_once_we_deal_with_the_party_again(stage, broken):
    stage.clock.step()
    stage.do(rupture.lift, stage.us, B, stage.do(second_person), stage.now, by="dora")

    with pytest.raises(NotFound):
        packed(stage)


def test_an_order_of_ours_is_about_what_is_ours_whatever_id_it_names(stage, broken):
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE orders SET id = ?", (broken["corvias"].object.id,))

    assert {(*each["orders"],) for each in said(packed(stage), "held-by-them.json")} == {()}


def test_what_people_wrote_stands_in_the_pack_as_they_wrote_it(stage, broken):
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE receipts SET basis = ?", ("أُكِّد هاتفيًا",))

    assert "أُكِّد هاتفيًا" in packed(stage)["receipts.json"].decode()
