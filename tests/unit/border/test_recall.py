"""Orders and answers that are not what they claim, and those that nobody asked for (border.md 7)."""

import pytest

from mithaq.border.admit import Outcome
from mithaq.clock import text as stamp
from mithaq.model.labels import Tlp
from mithaq.seal.envelope import sign
from mithaq.seal.messages import ORDER, Order, Receipt, encode
from mithaq.seal.messages import Recall as Entry
from tests.unit.border.lies import forum, pair, quarantined, relay
from tests.unit.border.stage import FORUM, FRESH, PAIR, US, B, C, put, sealed
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
