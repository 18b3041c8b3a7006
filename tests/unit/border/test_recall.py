"""Orders and answers that are not what they claim, and those that nobody asked for (border.md 7)."""

import pytest

from mithaq.border import fetches, recall
from mithaq.border.admit import Outcome
from mithaq.border.signing import narrow
from mithaq.clock import text as stamp
from mithaq.errors import InputError, NotFound
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.seal.envelope import sign
from mithaq.seal.messages import ORDER, Order, Receipt, encode
from mithaq.seal.messages import Recall as Entry
from mithaq.store import agreements, recalls
from mithaq.store.recalls import ReceiptRow
from mithaq.store.spool import Arrival
from tests.unit.border.lies import forum, pair, quarantined, relay
from tests.unit.border.stage import FORUM, FRESH, PAIR, US, B, C, put, sealed
from tests.unit.border.test_again import grant
from tests.unit.border.test_publish import rows_of


def order(stage, id_, by=B, signer=None, agreement=PAIR, **more):
    fields = {
        "realm": "live", "by": by, "order": "a" * 32, "agreement": agreement, "id": id_,
        "cause": "wrong", "issued": stamp(stage.now), "deadline": stamp(stage.now),
    }  # fmt: skip
    raw = encode(Order(**(fields | more)))
    return Entry(order=sign(ORDER, raw, signer or stage.signer(by)).to_bytes().decode())


def ordered(stage, *entries, terms=None, **more):
    return sealed(terms or pair(), [(e, b"") for e in entries], stage.signer(B), batch="", **more)[
        0
    ]


def has(stage, id_):
    return id_ in {copy.object.id for copy in stage.admitted()}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"realm": "drill:x"}, "realm"),
        ({"agreement": FORUM}, "order"),
        ({"signer": C}, "signature"),
    ],
)
def test_an_order_that_is_not_the_senders_own_for_this_channel_is_refused(
    stage, refused, fields, cause
):
    more = {k: stage.signer(v) if k == "signer" else v for k, v in fields.items()}
    refused(ordered(stage, order(stage, "tool--1", **more)), cause)


def test_what_its_owner_recalled_does_not_come_again(stage):
    body = stage.body()
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    assert has(stage, body["id"])
    raw, head = sealed(
        pair(), [(order(stage, body["id"]), b"")], stage.signer(B), batch="", seq=2, prev=head
    )
    stage.admit(raw)
    assert not has(stage, body["id"])

    stage.admit(sealed(pair(), [put(body)], stage.signer(B), seq=3, prev=head)[0])

    assert not has(stage, body["id"])
    assert quarantined(stage)[body["id"]] == "recalled"
    [aside] = stage.rows("quarantine")
    assert (aside["body"], aside["state"]) == (b"", "recalled")


@pytest.mark.parametrize("by", [US, C, "nobody"])
def test_an_order_in_anothers_name_is_answered_like_any_and_does_nothing(stage, by):
    body = stage.body(by=C, level=Tlp.GREEN)
    stage.admit(relay(stage, body))
    [channel] = [c["id"] for c in stage.rows("channels") if c["id"] == FRESH]
    [ours] = stage.give(stage.body(by=US))
    false = [
        order(stage, id_, by, stage.signer(B), FORUM, order=at * 32)
        for id_, at in ((body["id"], "b"), (ours.object.id, "c"))
    ]
    head = next(c["head"] for c in stage.rows("channels") if c["id"] == channel)

    done = stage.admit(ordered(stage, *false, terms=forum(), seq=2, prev=head))

    assert done.outcome is Outcome.ADMITTED
    assert has(stage, body["id"])
    assert stage.rows("orders") == []


def test_an_answer_that_nobody_asked_for_says_nothing(stage):
    before = len(stage.rows("leaves"))

    stage.admit(ordered(stage, Receipt(order="d" * 32, outcome="deleted")))

    assert stage.rows("receipts") == []
    assert len(stage.rows("leaves")) == before


def test_what_referred_to_a_recalled_object_is_decided_again(stage):
    target = stage.body(level=Tlp.CLEAR)
    raw, head = sealed(pair(), [put(target)], stage.signer(B))
    stage.admit(raw)
    [sighting] = stage.give(stage.body("sighting", by=US, name=None, sighting_of_ref=target["id"]))
    stage.publish(sighting)
    assert rows_of(stage, sighting) == [(PAIR, B)]

    stage.admit(ordered(stage, order(stage, target["id"]), seq=2, prev=head))

    assert rows_of(stage, sighting) == []


def test_an_answer_reaches_each_order_of_its_name_whoever_chose_that_name(stage):
    """A partner that read another's order may give one of its own by the same name: no answer stumbles over it."""
    [ours] = stage.give(stage.body(by=US))
    stage.publish(ours)
    [given] = recall_ours(stage, ours)
    name = given.order.name
    another = ReceiptRow(name=name, agreement=PAIR, by=C, peer=B)
    stage.do(recalls.owe, [another])

    done = stage.admit(ordered(stage, Receipt(order=name, outcome="deleted")))

    assert done.outcome is Outcome.ADMITTED
    assert {r["by"]: r["outcome"] for r in stage.rows("receipts")} == {US: "deleted", C: "deleted"}


def recall_ours(stage, copy, **more):
    asked = recall.Asked(id=copy.object.id, cause="wrong", **more)
    return stage.do(recall.recall, stage.us, "lena", asked, stage.now)


def sent_to(stage, peer, agreement=PAIR):
    return next(
        c["seq"] for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (peer, agreement, "out")
    )  # fmt: skip


def test_a_client_is_recorded_by_a_person_and_a_node_answers_itself(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy, agreement="grant")
    stage.publish(copy)
    frames = sent_to(stage, B)
    given = {each.order.agreement: each for each in recall_ours(stage, copy)}
    assert {name: each.owing for name, each in given.items()} == {"grant": ["sensor"], PAIR: [B]}
    assert sent_to(stage, B) == frames + 1  # and none to the client, which reads no orders

    def note(agreement, peer):
        order_, told = given[agreement].order.name, ("kept", "by telephone")
        return stage.do(recall.record, stage.us, order_, (peer, *told), "lena", stage.now)

    assert note("grant", "sensor").peer == "sensor"
    with pytest.raises(NotFound):
        note("grant", B)
    with pytest.raises(InputError):
        note(PAIR, B)
    [kept] = [r for r in stage.rows("receipts") if r["outcome"]]
    assert (kept["peer"], kept["basis"], kept["person"]) == ("sensor", "by telephone", "lena")


def test_a_recall_takes_the_row_also_where_no_text_is_left_to_send_it_under(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    frames = sent_to(stage, B)
    [pact] = [row["digest"] for row in stage.rows("agreements") if row["id"] == PAIR]
    stage.do(agreements.drop_signature, pact, B)

    [given] = recall_ours(stage, copy)

    assert rows_of(stage, copy) == []
    assert (given.owing, sent_to(stage, B)) == ([B], frames)


def test_a_marking_raised_during_a_suspension_recalls_from_everybody_there(stage):
    body = stage.body(by=US, level=Tlp.GREEN)
    [old] = stage.give(body)
    [bare] = stage.give(stage.body(by=US, level=None), tlp=None)
    stage.publish(old)
    stage.do(narrow, stage.us, PAIR, "suspend", stage.now, by="lena")

    raised = {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER)]}
    stage.give({**body, **raised}, {**bare.object.body, **raised})

    [given] = stage.rows("orders")
    assert (given["id"], given["cause"]) == (old.object.id, "raised")


def test_a_recall_under_one_agreement_leaves_the_copy_under_another(stage):
    body = stage.body(level=Tlp.CLEAR)
    head = {}
    for terms, channel in ((pair, FRESH), (forum, "9" * 32)):
        raw, head[terms] = sealed(terms(), [put(body)], stage.signer(B), channel=channel)
        stage.admit(raw)
    under = {copy.agreement: copy for copy in stage.admitted()}
    stage.publish(under[FORUM], agreement=FORUM)
    assert rows_of(stage, under[FORUM]) == [(FORUM, C)]

    stage.admit(ordered(stage, order(stage, body["id"]), seq=2, prev=head[pair]))

    assert [copy.agreement for copy in stage.admitted()] == [FORUM]
    assert rows_of(stage, under[FORUM]) == [(FORUM, C)]
    again, _ = sealed(
        forum(), [put({**body, "modified": stamp(stage.now)})], stage.signer(B),
        channel="9" * 32, seq=2, prev=head[forum],
    )  # fmt: skip
    assert stage.admit(again).stored == 1


def test_a_relay_that_orders_its_own_recall_takes_nothing_of_another_owners(stage):
    """It may recall what it vouches for: the object that it passed on is Corvia's."""
    body = stage.body(by=C, level=Tlp.GREEN)
    stage.admit(relay(stage, body))
    head = next(c["head"] for c in stage.rows("channels") if c["id"] == FRESH)

    mine = order(stage, body["id"], agreement=FORUM)
    done = stage.admit(ordered(stage, mine, terms=forum(), seq=2, prev=head))

    assert done.outcome is Outcome.ADMITTED
    assert has(stage, body["id"])


def test_what_was_read_of_a_shelf_that_is_none_of_ours_is_noted_nowhere(stage):
    facts = {"shelf": "0" * 32, "rows": "1-9"}
    arrival = Arrival(peer="sensor", kind="fetched", facts=facts, raw=b"", at=stamp(stage.now))
    before = stage.dump()

    with stage.node.shelf.read() as shown:
        stage.do(fetches.note, shown, arrival)

    assert stage.dump() == before
