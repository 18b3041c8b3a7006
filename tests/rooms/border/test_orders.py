"""What a relay passes on of an order, and what it tells of the answers (border.md 7.3)."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.audit import subjects
from mithaq.border import admit, orders, recall, signing
from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.policy.agreement import to_bytes
from mithaq.seal.envelope import read
from mithaq.seal.messages import Order, Receipt, Tally, decode
from mithaq.store import recalls
from mithaq.store.recalls import EVERY, OrderRow, ReceiptRow
from tests.rooms.border.lies import forum, sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_on_record import journal
from tests.rooms.border.test_publish import rows_of, seals
from tests.rooms.border.test_recall import order, ordered, recall_ours
from tests.values import replace

NAME = "a" * 32


def removed(stage):
    """What shelves were told to show no more: (agreement, peer) of each, with id and version."""
    of = {c["id"]: (c["agreement"], c["peer"]) for c in stage.rows("channels")}
    return sorted(
        (*of[op["shelf"]], *msgspec.json.decode(op["facts"]).values())
        for op in stage.rows("shelf_ops")
        if op["op"] == "remove"
    )


def sent(stage, peer=B, name=PAIR):
    """The entries of the last frame that we sent under an agreement."""
    return [*seals(stage, peer, name)[-1].entries]


def test_an_order_of_another_agreement_empties_nothing_that_its_owner_sent_us_itself(stage):
    """What the owner recalled from a relay it has not recalled from us."""
    aside = stage.body(by=B)  # Corvia may not speak for Borea
    entry = put(aside)
    stage.admit(sealed(forum(), [entry], stage.signer(C), sender=C, channel="9" * 32)[0], peer=C)
    assert [r["state"] for r in stage.rows("quarantine")] == ["waiting"]

    named = order(stage, aside["id"], C, agreement="borea-corvia")
    stage.admit(ordered(stage, named))

    assert [r["state"] for r in stage.rows("quarantine")] == ["waiting"]
    [(_, facts)] = journal(stage, "recalled")
    assert facts["copies"] == 0


# --- what a relay passes on ----------------------------------------------------------------------------
@pytest.fixture(params=[False, True], ids=["unnamed", "named"])
def passed(request, stage):
    """Borea ordered back an object that we had passed on to a client and to Corvia, under a text that names or not."""
    text_ = agreement(PAIR, US, B, version=2, clause=WIDE, recall_names=request.param)
    sign_both(stage, text_)
    grant(stage)
    body = stage.body(by=B, level=Tlp.CLEAR)
    raw, head = sealed(terms_of(text_), [put(body, onward="open")], stage.signer(B))
    stage.admit(raw)
    [copy] = stage.admitted()
    stage.publish(copy, agreement="grant")
    stage.publish(copy, agreement=FORUM)
    assert rows_of(stage, copy) == [("grant", "sensor"), (FORUM, C)]
    back = ordered(stage, order(stage, body["id"]), terms=terms_of(text_), seq=2, prev=head)
    stage.admit(back)
    return copy, request.param


def test_what_a_relay_passed_on_is_taken_down_and_forgotten_and_the_order_follows_it(stage, passed):
    copy, named = passed

    assert rows_of(stage, copy) == []
    assert removed(stage) == [
        (name, peer, copy.object.id, copy.object.version)
        for name, peer in (("grant", "sensor"), (FORUM, C))
    ]
    assert [t for t in ("intents", "verdicts") if stage.rows(t)] == []
    assert {(r["agreement"], r["peer"], r["by"]) for r in stage.rows("receipts")} == {
        (FORUM, C, B), ("grant", "sensor", B),
    }  # fmt: skip
    [entry] = sent(stage, C, FORUM)
    assert entry.order == stage.rows("orders")[0]["envelope"].decode()
    names = [C, "sensor"] if named else []
    tally = Tally(asked=2, names=names)
    assert sent(stage) == [Receipt(order=NAME, outcome="deleted", onward=tally)]


def answered(stage, **more):
    """Corvia answers, under the forum."""
    entry = (Receipt(order=NAME, **more), b"")
    raw, head = sealed(forum(), [entry], stage.signer(C), sender=C, batch="", channel="9" * 32)
    stage.admit(raw, peer=C)
    return head


def test_an_answer_to_what_was_passed_on_is_kept_and_reported_to_its_owner_alone(stage, passed):
    _, named = passed
    other = OrderRow(
        name=NAME, agreement=FORUM, by="nobody", sent_by=C, id="tool--1", version=EVERY,
        cause="wrong", basis="", issued=stamp(stage.now), deadline=stamp(stage.now), envelope=b"{}",
        at=stamp(stage.now),
    )  # fmt: skip
    stage.do(recalls.give, other)  # whose name is the same by chance or malice
    frames = len(seals(stage, C, FORUM))
    further = Tally(asked=3, deleted=1, kept=1)

    head = answered(stage, outcome="kept", basis="a court's order", onward=further)

    [kept] = [r for r in stage.rows("receipts") if r["outcome"]]
    assert kept == {
        "name": NAME, "agreement": FORUM, "by": B, "peer": C, "outcome": "kept",
        "basis": "a court's order", "onward": msgspec.json.encode(further).decode(),
        "at": stamp(stage.now), "seal": head, "person": "",
    }  # fmt: skip
    with stage.node.core.read() as unit:
        [leaf] = [leaf for _, leaf in subjects.find(unit, f"order:{NAME}")]
    assert leaf == {
        "kind": "receipt", "order": NAME, "peer": C, "outcome": "kept", "basis": "a court's order",
        "seal": head, "by": "", "at": stamp(stage.now),
    }  # fmt: skip
    tally = Tally(asked=5, deleted=1, kept=2, names=["sensor"] if named else [])
    assert sent(stage) == [Receipt(order=NAME, outcome="deleted", onward=tally)]
    assert len(seals(stage, C, FORUM)) == frames


def test_a_persons_word_for_a_client_is_reported_to_the_owner_as_well(stage, passed):
    told = ("sensor", "held", "by telephone")
    frames = len(seals(stage))

    stage.do(recall.record, stage.us, NAME, told, "lena", stage.now)

    [last] = sent(stage)
    assert (last.onward.asked, last.onward.held, len(seals(stage))) == (2, 1, frames + 1)


def test_an_answer_to_our_own_order_is_reported_to_nobody(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    [given] = recall_ours(stage, copy)
    before = stage.rows("outbox")

    stage.admit(ordered(stage, Receipt(order=given.order.name, outcome="deleted")))

    assert [r["outcome"] for r in stage.rows("receipts")] == ["deleted"]
    assert stage.rows("outbox") == before


def test_answers_are_summed_up_with_those_of_whom_they_passed_it_on_to():
    def answer(outcome, *onward):
        further = (
            dict(zip(("asked", "deleted", "kept", "held"), onward, strict=True)) if onward else ""
        )
        text_ = msgspec.json.encode(further).decode() if further else ""
        return ReceiptRow(name=NAME, agreement=PAIR, by=B, peer=C, outcome=outcome, onward=text_)

    many = [
        answer(""), answer("deleted", 40, 10, 5, 3), answer("deleted"), answer("kept"),
        answer("kept"), answer("kept", 2, 0, 1, 1), *[answer("held")] * 4,
    ]  # fmt: skip
    assert recall.sum_up(many, ["x", "y"]) == Tally(
        asked=10 + 42, deleted=2 + 10, kept=3 + 6, held=4 + 4, names=["x", "y"]
    )
    assert recall.sum_up([]) == Tally(asked=0)


# --- what is signed, and how it goes ---------------------------------------------------------------------
def ordered_back(stage, copy, **more):
    asked = recall.Asked(id=copy.object.id, cause="wrong", **more)
    return stage.do(recall.recall, stage.us, "lena", asked, stage.now)


def test_an_order_is_signed_whole_and_names_no_version_and_no_view_that_nobody_named(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)

    [given] = ordered_back(stage, copy, basis="a court")

    row = given.order
    signed = read(row.envelope)
    assert [s.keyid for s in signed.signatures] == [stage.signer(US).keyid]
    assert decode(signed.payload, Order) == Order(
        realm="live", by=US, order=row.name, agreement=PAIR, id=copy.object.id, cause="wrong",
        basis="a court", issued=stamp(stage.now), deadline=row.deadline,
    )  # fmt: skip
    [seal] = seals(stage)[-1:]
    [record] = [r for _, r in stage.ask(subjects.find, f"envelope:{seal.channel}:{seal.seq}")]
    assert (record["agreement"], record["recall"]) == (PAIR, row.name)
    assert [op["op"] for op in stage.rows("shelf_ops")].count("hurry") == 1


def test_whom_an_order_is_for_is_kept_in_order(stage):
    names = frozenset(f"nation-{at}" for at in range(9))
    asked = recall.Asked(id="tool--1", cause="wrong", peers=names)

    row = orders.make(stage.us, "lena", asked, (PAIR, ""), stage.now)

    assert row.peers.split(",") == sorted(names)


def test_a_relays_order_reaches_what_that_relay_brought_and_no_more(stage):
    raw = order(stage, "tool--1", C, agreement="borea-corvia").order.encode()
    row = orders.row_of(decode(read(raw).payload, Order), raw, stamp(stage.now), B)
    passed_on = replace(row, agreement=PAIR)

    assert orders.reaches(passed_on, B)
    assert not orders.reaches(passed_on, C)
    assert orders.reaches(replace(passed_on, agreement="borea-corvia"), C)


def test_a_client_owes_an_answer_to_an_order_and_is_sent_no_frame(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy, agreement="grant")
    frames = len(stage.rows("outbox"))

    [given] = ordered_back(stage, copy)

    assert [*given.owing] == ["sensor"]
    assert len(stage.rows("outbox")) == frames


def test_an_order_goes_under_the_text_in_force_else_under_the_newest_that_all_signed(stage):
    copies = stage.give(*(stage.body(by=US) for _ in range(2)))
    stage.publish(*copies)
    later = {"effective": stamp(stage.now + timedelta(days=1)), "clause": WIDE}
    sign_both(stage, agreement(PAIR, US, B, version=2, **later))
    ordered_back(stage, copies[0])
    assert seals(stage)[-1].agreement.version == 1

    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    third = to_bytes(agreement(PAIR, US, B, version=3, clause=WIDE))
    stage.do(signing.sign_text, stage.us, third, stage.now, by="lena")
    ordered_back(stage, copies[1])

    assert seals(stage)[-1].agreement.version == 2


def test_a_view_that_is_replaced_is_ordered_back_by_nobody_from_its_peer_alone_and_in_no_hurry(
    stage,
):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)

    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.AMBER), author="ana", now=stage.now)

    [row] = stage.rows("orders")
    assert {k: v for k, v in row.items() if k not in ("seq", "name", "envelope", "deadline")} == {
        "agreement": PAIR, "by": US, "sent_by": "", "id": copy.object.id,
        "version": copy.object.version, "view": copy.object.digest, "cause": "replaced", "basis": "",
        "issued": stamp(stage.now), "at": stamp(stage.now), "peers": B, "person": "",
    }  # fmt: skip
    assert [(r["name"], r["peer"]) for r in stage.rows("receipts")] == [(row["name"], B)]
    assert "hurry" not in [op["op"] for op in stage.rows("shelf_ops")]
