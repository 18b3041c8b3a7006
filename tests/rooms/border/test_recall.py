"""Orders and answers that are not what they claim, and those that nobody asked for (border.md 7)."""

import json

import pytest

from mithaq.audit import subjects
from mithaq.border import fetches, recall
from mithaq.border.admit import Outcome
from mithaq.border.signing import narrow
from mithaq.clock import text as stamp
from mithaq.errors import InputError, NotFound, Refused
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy.agreement import Clause, Direction
from mithaq.seal.envelope import sign
from mithaq.seal.messages import ORDER, Order, Receipt, Tally, encode
from mithaq.seal.messages import Recall as Entry
from mithaq.store import agreements, recalls
from mithaq.store.recalls import ReceiptRow
from mithaq.store.spool import Arrival
from tests.rooms.border.lies import forum, pair, quarantined, relay, sign_both
from tests.rooms.border.stage import FORUM, FRESH, PAIR, US, B, C, agreement, put, sealed
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_publish import rows_of, seals, states


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


# --- what an order of ours reaches ------------------------------------------------------------------------
def versions(stage, body, *names):
    """Give and publish versions of an object, a day apart; return the copies."""
    copies = []
    for day, name in enumerate(names, start=2):
        at = f"2026-02-{day:02}T12:00:00.000Z"
        copies += stage.give(body | {"created": at, "modified": at, "name": name})
        stage.publish(copies[-1])
    return copies


def test_an_order_for_one_version_takes_that_one_and_leaves_the_others(stage):
    first, second = versions(stage, stage.body(by=US), "first", "second")
    asked = recall.Asked(id=first.object.id, cause="wrong", version=first.object.version)

    had = stage.ask(recall.reached, stage.us, asked)
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)

    assert [each.version for each in had] == [first.object.version]
    left = {r["version"] for r in stage.rows("rows") if r["id"] == first.object.id}
    assert left == {second.object.version}


def test_an_order_under_one_agreement_leaves_what_stands_under_another(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)

    [given] = recall_ours(stage, copy, agreement=PAIR)

    assert (given.order.agreement, given.owing) == (PAIR, [B])
    assert rows_of(stage, copy) == [(FORUM, B), (FORUM, C)]


def test_what_is_recalled_can_be_read_no_more_before_any_tick(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.project()

    recall_ours(stage, copy)
    stage.project(additions=False)

    with stage.node.shelf.read() as unit:
        query = "SELECT count(*) FROM shelf_rows WHERE id = ?"
        assert unit.exec_driver_sql(query, (copy.object.id,)).scalar_one() == 0


def test_what_is_recalled_and_what_referred_to_it_stay_from_then_on_and_say_so(stage):
    [target] = stage.give(stage.body(by=US))
    [sighting] = stage.give(
        stage.body("sighting", by=US, name=None, sighting_of_ref=target.object.id)
    )
    stage.publish(target)
    stage.publish(sighting)
    assert rows_of(stage, sighting) == [(PAIR, B)]

    recall_ours(stage, target)

    assert (rows_of(stage, target), rows_of(stage, sighting)) == ([], [])
    for copy in (target, sighting):
        assert states(stage, copy) == {(PAIR, B): "withheld"}


def test_for_a_narrower_view_each_version_is_ordered_back_by_its_own_view(stage):
    copies = versions(stage, stage.body(by=US), "first", "second")

    recall_ours(stage, copies[0], narrower=True)

    named = {(row["version"], row["view"]) for row in stage.rows("orders")}
    assert named == {(c.object.version, c.object.digest) for c in copies}


def passed_on(stage):
    """Borea's object, passed on to Corvia."""
    body = stage.body(level=Tlp.CLEAR)
    raw, head = sealed(forum(), [put(body, onward="open")], stage.signer(B))
    stage.admit(raw)
    [copy] = stage.admitted()
    stage.publish(copy, agreement=FORUM)
    assert rows_of(stage, copy) == [(FORUM, C)]
    return copy, head


def test_what_another_nation_owns_is_its_own_to_recall_also_when_no_copy_is_left(stage):
    copy, head = passed_on(stage)
    with pytest.raises(Refused) as told:
        recall_ours(stage, copy)
    assert told.value.facts["owner"] == B

    mine = order(stage, copy.object.id, agreement=FORUM)
    stage.admit(ordered(stage, mine, terms=forum(), seq=2, prev=head))
    before = stage.rows("orders")
    with pytest.raises(Refused) as told:
        recall_ours(stage, copy)

    assert told.value.facts["owner"] == "another nation"
    assert stage.rows("orders") == before


def test_what_nobody_was_given_is_not_recalled(stage):
    [copy] = stage.give(stage.body(by=US))

    with pytest.raises(NotFound):
        recall_ours(stage, copy)


def test_of_what_others_gave_us_too_our_own_release_alone_is_ours_to_recall(stage):
    """Nobody's object: our report of it goes to one partner, and Borea's copy to another."""
    sign_both(stage, agreement("ours-and-corvias", US, C, clause={"onward": "open"}), C)
    body = stage.body(by=None, level=Tlp.CLEAR)
    stage.admit(sealed(forum(), [put(body, role="carrier", onward="open")], stage.signer(B))[0])
    [theirs] = stage.admitted()
    stage.publish(theirs, agreement="ours-and-corvias")
    [ours] = stage.give(body, own=False)
    stage.publish(ours)

    asked = recall.Asked(id=body["id"], cause="wrong")

    assert [each.peer for each in stage.ask(recall.reached, stage.us, asked)] == [B]


# --- a raised marking -------------------------------------------------------------------------------------
def test_a_raised_marking_is_ordered_back_from_whom_it_leaves_out_and_from_nobody_else(stage):
    """Borea may have AMBER under one text and GREEN under another; Corvia GREEN alone."""
    both = agreement(
        "uneven", US, B, C,
        clauses=[
            Clause(id="b", kinds=["*"], max_tlp="AMBER", direction=Direction(to=[B])),
            Clause(id="c", kinds=["*"], max_tlp="GREEN", direction=Direction(to=[C])),
        ],
    )  # fmt: skip
    sign_both(stage, both, B, C)
    sign_both(stage, agreement("low", US, B, clause={"max_tlp": "GREEN"}))
    body = stage.body(by=US, level=Tlp.GREEN)
    [old] = stage.give(body)
    for name in ("uneven", "low", PAIR):
        stage.publish(old, agreement=name)

    stage.give(body | {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER)]})

    assert {(r["agreement"], r["peers"]) for r in stage.rows("orders")} == {
        ("uneven", C),
        ("low", B),
    }
    assert rows_of(stage, old) == [(PAIR, B), ("uneven", B)]


def test_who_does_not_get_the_version_that_raises_a_marking_gives_the_earlier_one_back(stage):
    """It would go on with what it holds by the old marking, for it never learns of the new."""
    known, unknown = stage.give(stage.body(by=US), stage.body(by=US))
    body = stage.body("sighting", by=US, name=None, sighting_of_ref=known.object.id)
    [old] = stage.give(body)
    stage.publish(known, old)

    higher = {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER)]}
    stage.give(body | higher | {"sighting_of_ref": unknown.object.id})

    [given] = stage.rows("orders")
    assert (given["id"], given["cause"], given["peers"]) == (body["id"], "raised", B)


@pytest.mark.parametrize(
    ("before", "now", "raised"),
    [
        ([], Tlp.AMBER, False),
        ([Tlp.GREEN], Tlp.AMBER, True),
        ([Tlp.GREEN], Tlp.GREEN, False),
        ([Tlp.GREEN], Tlp.CLEAR, False),
        ([Tlp.GREEN, Tlp.AMBER], Tlp.AMBER, True),
        ([Tlp.AMBER, Tlp.GREEN], Tlp.AMBER, True),
        ([None], Tlp.AMBER, False),
        ([Tlp.GREEN], None, False),
    ],
)
def test_a_version_is_raised_that_is_above_any_before_it(stage, before, now, raised):
    body = stage.body(by=US, level=None)
    *old, new = [
        stage.give(
            body
            | {"modified": f"2026-03-{day:02}T12:00:00.000Z"}
            | ({} if level is None else {"object_marking_refs": [tlp_id(level)]})
        )[0]
        for day, level in enumerate([*before, now], start=2)
    ]

    assert recall.raises([new], old) == ([new] if raised else [])


# --- an order of another's --------------------------------------------------------------------------------
def receipts(stage, peer=B, under=PAIR):
    """What we answered a peer under an agreement."""
    return [e for s in seals(stage, peer, under) for e in s.entries if isinstance(e, Receipt)]


def in_a_hurry(stage):
    """What is shown before its tick: orders are, and answers wait for it like all else."""
    return [row["shelf"] for row in stage.rows("shelf_ops") if row["op"] == "hurry"]


def test_the_answer_is_the_same_whether_we_had_it_or_not(stage):
    body = stage.body()
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    two = [order(stage, id_, order=at * 32) for id_, at in ((body["id"], "b"), ("tool--0", "c"))]

    stage.admit(ordered(stage, *two, seq=2, prev=head))

    assert receipts(stage) == [Receipt(order=at * 32, outcome="deleted") for at in "bc"]
    assert in_a_hurry(stage) == []


def test_an_order_that_comes_again_is_answered_again_and_does_nothing_more(stage):
    body = stage.body()
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    entry = order(stage, body["id"])
    for seq in (2, 3):
        raw, head = sealed(pair(), [(entry, b"")], stage.signer(B), batch="", seq=seq, prev=head)
        stage.admit(raw)

    assert stage.leaves(body["id"]) == ["admission", "recalled"]
    assert receipts(stage) == [Receipt(order="a" * 32, outcome="deleted")] * 2


@pytest.mark.parametrize(("named", "names"), [(False, []), (True, [C])])
def test_the_owner_hears_how_many_we_passed_it_on_to_and_who_where_the_text_says_so(
    stage, named, names
):
    sign_both(stage, agreement(FORUM, US, B, C, version=2, recall_names=named), B, C)
    copy, head = passed_on(stage)

    mine = order(stage, copy.object.id, agreement=FORUM)
    stage.admit(ordered(stage, mine, terms=forum(), seq=2, prev=head))

    [answer] = receipts(stage, B, FORUM)
    assert answer == Receipt(order="a" * 32, outcome="deleted", onward=Tally(asked=1, names=names))


def test_an_order_for_one_version_of_anothers_leaves_the_others_here(stage):
    body = stage.body()
    later = body | {"modified": stamp(stage.now), "name": "mended"}
    raw, head = sealed(pair(), [put(body), put(later)], stage.signer(B))
    stage.admit(raw)

    stage.admit(
        ordered(stage, order(stage, body["id"], modified=body["modified"]), seq=2, prev=head)
    )

    assert [copy.object.version for copy in stage.admitted()] == [later["modified"]]


def test_an_order_of_ours_that_a_peer_plays_back_elsewhere_reaches_nothing(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)
    [given] = recall_ours(stage, copy, agreement=PAIR)
    before = stage.rows("orders")
    entry = Entry(order=given.order.envelope.decode())

    stage.admit(ordered(stage, entry, terms=forum()))

    assert stage.rows("orders") == before
    assert rows_of(stage, copy) == [(FORUM, B), (FORUM, C)]


def test_what_a_peer_has_no_right_to_say_is_told_to_our_people_once_an_hour(stage):
    head = "0" * 64
    for seq in (1, 2):
        entry = order(stage, "tool--1", C, stage.signer(B), FORUM, order=f"{seq}" * 32)
        prev = {"prev": head} if seq > 1 else {}
        raw, head = sealed(forum(), [(entry, b"")], stage.signer(B), batch="", seq=seq, **prev)
        assert stage.admit(raw).outcome is Outcome.ADMITTED

    assert [r["kind"] for r in stage.rows("journal")].count("recall-false") == 1


def test_what_we_passed_on_is_gone_with_the_owners_order_from_every_shelf_and_list(stage):
    copy, head = passed_on(stage)
    stage.project()

    mine = order(stage, copy.object.id, agreement=FORUM)
    stage.admit(ordered(stage, mine, terms=forum(), seq=2, prev=head))
    stage.project(additions=False)

    with stage.node.shelf.read() as unit:
        query = "SELECT count(*) FROM shelf_rows WHERE id = ?"
        assert unit.exec_driver_sql(query, (copy.object.id,)).scalar_one() == 0
    assert rows_of(stage, copy) == []
    assert copy.seq not in {row["copy"] for row in stage.rows("intents")}
    [passed] = [e for s in seals(stage, C, FORUM) for e in s.entries if isinstance(e, Entry)]
    assert passed == mine


def test_what_was_set_aside_counts_among_what_was_given_back(stage):
    body = stage.body(by=C)
    raw, head = sealed(pair(), [put(body)], stage.signer(B))
    stage.admit(raw)
    assert quarantined(stage) == {body["id"]: "ownership"}

    stage.admit(ordered(stage, order(stage, body["id"]), seq=2, prev=head))

    assert stage.leaves(body["id"]) == ["quarantine", "recalled"]
    [told] = [r for _, r in stage.ask(subjects.find, body["id"]) if r["kind"] == "recalled"]
    assert told["copies"] == 1
    admitted = [json.loads(r["facts"]) for r in stage.rows("journal") if r["kind"] == "admitted"]
    assert [each["recalled"] for each in admitted] == [0, 1]


def test_an_answer_to_what_we_passed_on_goes_on_to_the_owner_and_is_on_record(stage):
    copy, head = passed_on(stage)
    mine = order(stage, copy.object.id, agreement=FORUM)
    stage.admit(ordered(stage, mine, terms=forum(), seq=2, prev=head))
    orders = in_a_hurry(stage)
    answer = Receipt(order="a" * 32, outcome="deleted", onward=Tally(asked=2, kept=1, held=1))

    raw, _ = sealed(forum(), [(answer, b"")], stage.signer(C), batch="", sender=C, channel="9" * 32)
    assert stage.admit(raw, C).outcome is Outcome.ADMITTED

    total = Tally(asked=3, deleted=1, kept=1, held=1)
    assert receipts(stage, B, FORUM)[-1].onward == total
    assert in_a_hurry(stage) == orders != []
    assert stage.leaves(f"order:{'a' * 32}") == ["receipt"]
