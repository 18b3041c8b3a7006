"""What an order reaches and takes, what it leaves, and what is answered to it (border.md 7)."""

import msgspec
import pytest

from mithaq.audit import log
from mithaq.border import admit, recall
from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.errors import NotFound, Refused
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.seal.messages import Receipt, Tally
from mithaq.store import recalls
from mithaq.store.recalls import EVERY, OrderRow, ReceiptRow
from mithaq.store.sources import Source
from tests.unit.border.lies import forum, pair, relay, sign_both
from tests.unit.border.stage import FORUM, FRESH, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.unit.border.test_again import grant
from tests.unit.border.test_on_record import journal
from tests.unit.border.test_outcomes import beside
from tests.unit.border.test_publish import rows_of, seals, states
from tests.unit.border.test_recall import order, ordered, recall_ours

NAME = "a" * 32


def versions(stage):
    """Two versions of an object of ours, each at Borea and at Corvia under the forum and at Borea under the pair."""
    body = stage.body(by=US)
    copies = []
    for later in ({}, {"name": "later", "modified": stamp(stage.now)}):
        copies += stage.give(body | later)
        for name in (FORUM, PAIR):
            stage.publish(copies[-1], agreement=name)
    return copies


def shown(stage):
    return {(r["agreement"], r["peer"], r["copy"]) for r in stage.rows("rows")}


def removed(stage):
    """What shelves were told to show no more: (agreement, peer) of each, with id and version."""
    of = {c["id"]: (c["agreement"], c["peer"]) for c in stage.rows("channels")}
    return sorted(
        (*of[op["shelf"]], *msgspec.json.decode(op["facts"]).values())
        for op in stage.rows("shelf_ops")
        if op["op"] == "remove"
    )


def reached(stage, id_, **more):
    asked = recall.Asked(id=id_, cause="wrong", **more)
    return [
        (each.agreement, each.peer, each.version)
        for each in stage.ask(recall.reached, stage.us, asked)
    ]


# --- ours ----------------------------------------------------------------------------------------------
def test_an_order_reaches_what_it_names_and_nothing_else(stage):
    one, two = versions(stage)
    id_, old, new = one.object.id, one.object.version, two.object.version
    where = ((FORUM, B), (FORUM, C), (PAIR, B))

    assert sorted(reached(stage, id_)) == sorted((*at, v) for at in where for v in (old, new))
    assert sorted(reached(stage, id_, version=old)) == sorted((*at, old) for at in where)
    assert sorted(reached(stage, id_, agreement=PAIR)) == [(PAIR, B, v) for v in sorted((old, new))]
    assert sorted(reached(stage, id_, peers=frozenset({C}), version=new)) == [(FORUM, C, new)]


def test_what_an_order_names_goes_and_its_neighbours_stay_shown(stage):
    one, two = versions(stage)
    before = shown(stage)

    [given] = recall_ours(stage, one, version=one.object.version, agreement=PAIR)

    assert before - shown(stage) == {(PAIR, B, one.seq)}
    assert removed(stage) == [(PAIR, B, one.object.id, one.object.version)]
    assert (given.order.version, given.order.view, given.owing) == (one.object.version, "", [B])
    assert states(stage, one)[PAIR, B] == "withheld"
    assert states(stage, two)[PAIR, B] == "released"


def test_nothing_is_ordered_back_that_nobody_had_or_that_is_anothers_alone(stage):
    [unreleased] = stage.give(stage.body(by=US))
    body = stage.body(by=B, level=Tlp.CLEAR)
    raw, head = sealed(pair(), [put(body, onward="open")], stage.signer(B))
    stage.admit(raw)
    [theirs] = stage.admitted()
    stage.publish(theirs, agreement=FORUM)

    with pytest.raises(NotFound):
        reached(stage, unreleased.object.id)
    with pytest.raises(Refused) as told:
        reached(stage, body["id"])
    assert told.value.facts["owner"] == B

    # once it is erased, nobody says whose it was: it was not ours
    stage.admit(ordered(stage, order(stage, body["id"]), seq=2, prev=head))
    with pytest.raises(Refused) as told:
        reached(stage, body["id"])
    assert told.value.facts["owner"] == "another nation"


def test_of_an_object_that_two_vouch_for_only_what_we_vouch_for_is_ours_to_recall(stage):
    body = stage.body(by=None, level=Tlp.CLEAR)
    stage.admit(sealed(pair(), [put(body, role="carrier", onward="open")], stage.signer(B))[0])
    [theirs] = stage.admitted()
    stage.publish(theirs, agreement=FORUM)
    given = admit.Given(object=from_body(body), beside=Beside())
    source = Source(name="file:report", kind="file")
    done = stage.do(admit.local, stage.us, source, [given], author="ana", own=True, now=stage.now)
    stage.publish(*done.stored)

    assert (FORUM, C, body["modified"]) not in reached(stage, body["id"])
    assert reached(stage, body["id"]) == [(PAIR, B, body["modified"])]


def test_a_view_may_be_taken_back_alone_and_a_narrower_one_follow(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    [row] = stage.rows("rows")

    [given] = recall_ours(stage, copy, narrower=True)

    named = (given.order.version, given.order.view)
    assert named == (copy.object.version, row["view"])
    assert (rows_of(stage, copy), states(stage, copy)) == ([], {(PAIR, B): "withheld"})
    beside(stage, copy, tlp=Tlp.AMBER)
    assert rows_of(stage, copy) == [(PAIR, B)]


def test_what_leans_on_what_we_recall_falls_with_it(stage):
    [target] = stage.give(stage.body(by=US))
    [sighting] = stage.give(
        stage.body("sighting", by=US, name=None, sighting_of_ref=target.object.id)
    )
    stage.publish(target, sighting)

    recall_ours(stage, target)

    assert (rows_of(stage, target), rows_of(stage, sighting)) == ([], [])


# --- a raised marking ----------------------------------------------------------------------------------
def test_a_raised_marking_recalls_under_each_agreement_from_whom_it_leaves_out_there(stage):
    """The pair may have it on a person's yes; under the forum it is above what any clause lets go."""
    body = stage.body(by=US)
    [old] = stage.give(body)
    stage.publish(old)
    stage.publish(old, agreement=FORUM)

    stage.give(
        body | {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER_STRICT)]}
    )

    [given] = stage.rows("orders")
    assert (given["agreement"], given["version"], given["peers"]) == (FORUM, EVERY, "borea,corvia")
    assert (given["cause"], given["person"]) == ("raised", "ana")


def test_whom_a_raised_marking_leaves_inside_is_ordered_nothing(stage):
    body = stage.body(by=US)
    [old] = stage.give(body)
    stage.publish(old, agreement=FORUM)
    raised = body | {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER)]}
    given = admit.Given(object=from_body(raised), beside=Beside(releasable_to=frozenset({B})))
    source = Source(name="file:report", kind="file")

    stage.do(admit.local, stage.us, source, [given], author="ana", own=True, now=stage.now)

    [one] = stage.rows("orders")
    assert (one["agreement"], one["peers"]) == (FORUM, C)
    assert [r["peer"] for r in stage.rows("receipts")] == [C]


@pytest.mark.parametrize(
    ("earlier", "level", "is_raised"),
    [
        ([Tlp.GREEN, Tlp.AMBER], Tlp.AMBER, True),
        ([Tlp.AMBER, Tlp.GREEN], Tlp.AMBER, True),
        ([Tlp.AMBER], Tlp.AMBER, False),
        ([Tlp.AMBER], Tlp.GREEN, False),
        ([None], Tlp.AMBER, False),
        ([Tlp.GREEN], None, False),
    ],
)
def test_a_level_is_raised_if_it_is_above_that_of_any_earlier_version(
    stage, earlier, level, is_raised
):
    body = stage.body(by=US, level=None)

    def at(day, tlp):
        marks = {} if tlp is None else {"object_marking_refs": [tlp_id(tlp)]}
        [copy] = stage.give(body | {"modified": f"2026-04-{day:02}T12:00:00.000Z"} | marks)
        return copy

    before = [at(day + 1, tlp) for day, tlp in enumerate(earlier)]
    new = at(20, level)

    assert recall.raises([new], before) == ([new] if is_raised else [])


# --- others' -------------------------------------------------------------------------------------------
def sent(stage, peer=B, name=PAIR):
    """The entries of the last frame that we sent under an agreement."""
    return [*seals(stage, peer, name)[-1].entries]


def test_an_order_names_one_version_and_leaves_the_other_here(stage):
    body = stage.body()
    later = body | {"name": "later", "modified": "2026-03-01T12:00:01.000Z"}
    raw, head = sealed(pair(), [put(body), put(later)], stage.signer(B))
    stage.admit(raw)

    entry = order(stage, body["id"], modified=body["modified"])
    stage.admit(ordered(stage, entry, seq=2, prev=head))

    assert [c.object.version for c in stage.admitted()] == [later["modified"]]
    assert sent(stage) == [Receipt(order=NAME, outcome="deleted")]


def test_an_order_that_comes_twice_is_obeyed_once_and_answered_twice(stage):
    body = stage.body()
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    entry = order(stage, body["id"])

    for seq in (2, 3):
        raw, head = sealed(pair(), [(entry, b"")], stage.signer(B), batch="", seq=seq, prev=head)
        stage.admit(raw)
        assert sent(stage) == [Receipt(order=NAME, outcome="deleted")]

    assert len(journal(stage, "recalled")) == 1
    assert [facts["recalled"] for _, facts in journal(stage, "admitted")] == [0, 1, 1]
    assert journal(stage, "recall") == []  # nobody had it from us
    assert len(seals(stage)) == 2


def test_what_was_set_aside_is_emptied_and_counted_with_what_stood(stage):
    body, aside = stage.body(), stage.body(by=C)  # Borea may not speak for Corvia
    aside["id"] = body["id"]
    aside["modified"] = "2026-03-01T12:00:01.000Z"
    raw, head = sealed(pair(), [put(body), put(aside)], stage.signer(B))
    assert stage.admit(raw).quarantined == 1

    stage.admit(ordered(stage, order(stage, body["id"]), seq=2, prev=head))

    [(subject, facts)] = journal(stage, "recalled")
    assert (subject, facts["copies"], facts["version"], facts["from"]) == (body["id"], 2, EVERY, B)
    assert [(r["state"], r["body"]) for r in stage.rows("quarantine")] == [("recalled", b"")]


def test_our_own_order_sent_back_to_us_takes_nothing(stage):
    """Whoever was given it holds our signature; under another agreement its name is new."""
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)
    [given] = recall_ours(stage, copy, agreement=FORUM)
    entry = recall.Recall(order=given.order.envelope.decode())

    done = stage.admit(ordered(stage, entry))

    assert done.code == ""
    assert [(r["agreement"], r["sent_by"]) for r in stage.rows("orders")] == [(FORUM, "")]
    assert rows_of(stage, copy) == [(PAIR, B)]
    assert [subject for subject, _ in journal(stage, "recall-false")] == [given.order.name]


def test_false_orders_are_told_our_people_once_an_hour(stage):
    stage.admit(relay(stage, stage.body(by=C, level=Tlp.GREEN)))
    head = next(c["head"] for c in stage.rows("channels") if c["id"] == FRESH)
    for seq in (2, 3):
        false = order(stage, "tool--1", C, stage.signer(B), FORUM, order=f"{seq}" * 32)
        raw, head = sealed(forum(), [(false, b"")], stage.signer(B), batch="", seq=seq, prev=head)
        stage.admit(raw)

    assert [subject for subject, _ in journal(stage, "recall-false")] == ["2" * 32]
    assert [r["cause"] for r in stage.rows("refusals")] == ["order", "order"]


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
        [leaf] = [leaf for _, leaf in log.find(unit, f"order:{NAME}")]
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
