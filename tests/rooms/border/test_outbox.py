"""What a release is: rows, entries, bytes and leaves, each whole, for each peer (border.md 4, 5)."""

import json
from datetime import timedelta

import pytest

from mithaq.audit import subjects
from mithaq.border import admit, consent, opening, outbox, recall
from mithaq.border.outbox import repeat
from mithaq.clock import text as stamp
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.seal.envelope import read
from mithaq.seal.messages import Batch, Order, Put, commitment, decode
from mithaq.store import parties
from mithaq.store.sources import Source
from tests.rooms.border.lies import forum, pair, sign_both, statement
from tests.rooms.border.stage import (
    FORUM,
    PAIR,
    US,
    WIDE,
    B,
    C,
    agreement,
    put,
    replace_put,
    sealed,
)  # fmt: skip
from tests.rooms.border.test_consent import answered
from tests.rooms.border.test_publish import rows_of, seals
from tests.rooms.border.test_shelf import channel_to, fetched
from tests.rooms.border.test_shelf import rows as shown


def released_to(stage, copy, peer):
    """The leaves of the releases of a copy to a peer: their numbers."""
    found = stage.ask(subjects.find, copy.object.id)
    return [at for at, r in found if r["kind"] == "release" and r["peer"] == peer]


def row(stage, copy, peer=B, id_=PAIR, **more):
    """The row that a release leaves, whole."""
    fields = {
        "id": copy.object.id, "shelf": channel_to(stage, peer, id_), "version": copy.object.version,
        "peer": peer, "agreement": id_, "copy": copy.seq, "view": copy.object.digest, "removed": "[]",
        "label": "GREEN", "released_at": stamp(stage.now), "fetched_at": "",
        "leaf": released_to(stage, copy, peer)[-1],
    }  # fmt: skip
    return fields | more


def committed(stage, copy):
    """Our commitment to the whole of a version."""
    said = ("commitment", US, copy.object.id, copy.object.version, copy.object.digest)
    return commitment(stage.us.derive(*said), copy.object.raw)


def entry(stage, copy, **more):
    """The entry of something of ours that goes as it is, whole."""
    fields = {
        "id": copy.object.id, "type": copy.object.type, "modified": copy.object.version,
        "digest": copy.object.digest, "size": len(copy.object.raw), "com": committed(stage, copy), "role": "owner",
        "onward": "none",
    }  # fmt: skip
    return Put(**fields | more)


# --- rows and entries -----------------------------------------------------------------------------------
def test_a_release_to_many_is_a_row_and_an_entry_for_each_and_is_remembered_as_first_shown(stage):
    one, two = stage.give(stage.body(by=US), stage.body(by=US))

    stage.publish(one, two, agreement=FORUM)

    wanted = [row(stage, copy, peer, FORUM) for peer in (B, C) for copy in (one, two)]
    assert sorted(stage.rows("rows"), key=str) == sorted(wanted, key=str)
    for peer in (B, C):
        [seal] = seals(stage, peer, FORUM)
        assert seal.entries == [entry(stage, copy, onward="scope") for copy in (one, two)]
        assert fetched_now(stage, peer, FORUM) == [[one.object.raw, two.object.raw]]
    names = ("agreement", "id", "version", "peer", "copy", "view", "removed")
    assert sorted(stage.rows("first_views"), key=lambda r: r["id"]) == [
        {name: row(stage, copy, B, FORUM)[name] for name in names} | {"since": stamp(stage.now)}
        for copy in (one, two)
    ]


def fetched_now(stage, *where):
    stage.project()
    return fetched(stage, *where)


def test_between_two_nobody_else_may_be_passed_anything_and_nothing_is_first_shown(stage):
    sign_both(stage, agreement("plain", US, B))
    [owned] = stage.give(stage.body(by=US))
    [carried] = stage.give(stage.body(by=None))

    stage.publish(owned, carried, agreement="plain")

    [seal] = seals(stage, B, "plain")
    assert seal.entries == [entry(stage, owned), entry(stage, carried, role="carrier")]
    assert stage.rows("first_views") == []
    wanted = [row(stage, copy, id_="plain") for copy in (owned, carried)]
    assert sorted(stage.rows("rows"), key=lambda r: r["leaf"]) == wanted


def test_whom_of_a_nation_something_is_for_is_named_in_order_and_to_that_nation_alone(stage):
    [copy] = stage.give(stage.body(by=US), readers={B: ["r-2", "r-3", "r-1"]})

    stage.publish(copy, agreement=FORUM)

    named = {
        peer: e.readers for peer in (B, C) for s in seals(stage, peer, FORUM) for e in s.entries
    }
    assert named == {B: ["r-1", "r-2", "r-3"], C: []}


def test_a_cut_or_raised_view_is_what_the_peer_gets_and_the_row_says_what_is_left_out(stage):
    sign_both(stage, agreement("narrow", US, B, clause={"keep": {"tool": ["name"]}}))
    cut, plain = stage.give(stage.body(by=US, description="ours"), stage.body(by=US))
    [raised] = stage.give(stage.body(by=US), tlp=Tlp.AMBER)

    stage.publish(cut, plain, raised, agreement="narrow")

    by_id = {r["id"]: r for r in stage.rows("rows")}
    [seal] = seals(stage, B, "narrow")
    views = {e.id: e for e in seal.entries}
    narrow = {"id_": "narrow"}
    for copy, more in (
        (cut, {"removed": '["/description"]'}),
        (plain, {}),
        (raised, {"label": "AMBER"}),
    ):
        shown = views[copy.object.id]
        assert by_id[copy.object.id] == row(stage, copy, **narrow, view=shown.digest, **more)
        assert shown == entry(stage, copy, digest=shown.digest, size=shown.size)
    bodies = {from_body(json.loads(raw)).id: raw for raw in fetched_now(stage, B, "narrow")[0]}
    assert b"description" not in bodies[cut.object.id]
    assert bodies[plain.object.id] == plain.object.raw
    assert set(json.loads(bodies[raised.object.id])["object_marking_refs"]) > set(
        raised.object.body["object_marking_refs"]
    )


def test_what_a_text_lets_anybody_pass_on_says_so(stage):
    sign_both(stage, agreement("wide", US, B, clause={"onward": "open"}))
    [copy] = stage.give(stage.body(by=US, level=Tlp.CLEAR))

    stage.publish(copy, agreement="wide")

    [seal] = seals(stage, B, "wide")
    assert seal.entries == [entry(stage, copy, onward="open")]


def test_statements_stand_on_each_shelf_and_name_whose_words_they_are(stage):
    ours, theirs = statement(stage, by=US), statement(stage, by=None, says="Somebody's")
    refs = [ours["id"], theirs["id"], tlp_id(Tlp.GREEN)]
    [copy] = stage.give(ours, theirs, stage.body(by=US, level=None, object_marking_refs=refs))

    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)

    stage.project()
    for peer, id_ in ((B, PAIR), (B, FORUM), (C, FORUM)):
        [seal] = seals(stage, peer, id_)
        said = {e.id: e for e in seal.entries}
        served = dict(zip(said, fetched(stage, peer, id_)[0], strict=True))
        for mark, role in ((from_body(ours), "owner"), (from_body(theirs), "carrier")):
            got = said[mark.id]
            assert got == Put(
                id=mark.id, type="marking-definition", modified=mark.version, digest=mark.digest,
                size=len(mark.raw), com=got.com, role=role, onward="open",
            )  # fmt: skip
            assert served[mark.id] == mark.raw
            [stands] = [
                r for r in stage.rows("rows")
                if (r["id"], r["peer"], r["agreement"]) == (mark.id, peer, id_)
            ]  # fmt: skip
            assert stands == {
                "id": mark.id, "shelf": channel_to(stage, peer, id_), "version": mark.version,
                "peer": peer, "agreement": id_, "copy": 0, "view": mark.digest, "removed": "[]",
                "label": "CLEAR", "released_at": stamp(stage.now), "leaf": 0, "fetched_at": "",
            }  # fmt: skip


def test_a_mark_that_its_voucher_never_defined_does_not_travel(stage):
    """Borea's words do not stand for what Aurelia's object names."""
    undefined = "marking-definition--00000000-0000-4000-8000-0000000000ff"
    [copy] = stage.give(stage.body(by=US, object_marking_refs=[undefined]), tlp=Tlp.GREEN)

    stage.publish(copy)

    assert rows_of(stage, copy) == []


# --- relays ---------------------------------------------------------------------------------------------
def test_what_another_gave_is_passed_on_with_its_own_entry_and_no_batch_of_ours(stage):
    owned, carried = put(stage.body()), put(stage.body(by=None), role="carrier")
    stage.admit(sealed(forum(), [owned, carried], stage.signer(B))[0])
    copies = stage.admitted()

    stage.publish(*copies, agreement=FORUM)

    [seal] = seals(stage, C, FORUM)
    assert seal.batch == ""
    assert {e.id: replace_put(e, proof=None) for e in seal.entries} == {
        each.id: each for each, _ in (owned, carried)
    }
    assert {decode(read(e.proof.batch.encode()).payload, Batch).by for e in seal.entries} == {B}
    assert sorted(e.proof.index for e in seal.entries) == [0, 1]


def test_what_goes_by_its_owners_consent_carries_it_to_whom_it_names_alone(stage):
    stage.admit(sealed(pair(), [put(stage.body(), onward="none")], stage.signer(B))[0])
    [copy] = stage.admitted()
    stage.do(consent.ask, stage.us, copy, (C, "they are hit as well"), stage.now, by="lena")
    word = answered(stage, copy)
    stage.do(consent.receive_answer, stage.us, B, word, stage.now)

    stage.publish(copy, agreement=FORUM)

    [seal] = seals(stage, C, FORUM)
    [sent] = seal.entries
    assert sent.consent.encode() == word.to_bytes()
    assert (sent.onward, sent.com, sent.role) == ("none", copy.com, "owner")


# --- views that take the place of others ------------------------------------------------------------------
def test_a_view_that_was_replaced_is_served_no_more_though_nobody_had_fetched_it(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)
    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.AMBER), author="ana", now=stage.now)

    first, order, second = fetched_now(stage)

    assert (first, order) == ([None], [])
    assert second[0] is not None


def test_a_view_that_was_replaced_is_off_its_shelf_before_the_tick_that_shows_the_next(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)
    stage.project()
    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.AMBER), author="ana", now=stage.now)

    stage.project(additions=False)
    assert shown(stage, copy.object.id) == []

    stage.project()
    assert len(shown(stage, copy.object.id)) == 1


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_a_view_that_another_vouches_for_is_no_story_of_ours_to_take_back(stage, first):
    """A report and Borea brought the same version, each its own way; the one that stands expires."""
    sign_both(stage, agreement("wide", US, C, clause={"onward": "open"}), C)
    body = stage.body(by=None, level=Tlp.CLEAR)
    relayed = put(body | {"name": "as Borea has it"}, role="carrier", onward="open")

    def theirs():
        stage.admit(sealed(pair(), [relayed], stage.signer(B))[0])
        return stage.admitted()[-1:]

    def ours():
        return stage.give(body, own=False)

    bring = [ours, theirs] if first == "ours" else [theirs, ours]
    copies = [copy for each in bring for copy in each()]
    soon = Beside(expiry=stamp(stage.now + timedelta(hours=1)))
    stage.do(admit.mark, stage.us, copies[0].seq, soon, author="ana", now=stage.now)
    stage.publish(*copies, agreement="wide")

    stage.clock.step(7200)
    stage.publish(*copies, agreement="wide")

    sent = [e for seal in seals(stage, C, "wide") for e in seal.entries]
    assert [e.digest for e in sent] == [copy.object.digest for copy in copies]
    assert rows_of(stage, copies[1]) == [("wide", C)]
    assert stage.rows("orders") == []


def test_another_copys_view_of_a_version_goes_after_the_first_is_ordered_back(stage):
    """Two reports brought the same version, marked otherwise; the one that stands expires (border.md 5.3)."""
    body = stage.body(by=None, level=Tlp.CLEAR)
    soon = stamp(stage.now + timedelta(hours=1))
    copies = []
    for name, beside in (("file:one", Beside(expiry=soon)), ("file:two", Beside(tlp=Tlp.GREEN))):
        given = admit.Given(object=from_body(body), beside=beside)
        outcome = stage.do(
            admit.local, stage.us,
            Source(name=name, kind="file", community=frozenset({B}), onward="open"), [given],
            author="ana", own=False, now=stage.now,
        )  # fmt: skip
        copies += outcome.stored
    stage.publish(*copies)

    stage.clock.step(7200)
    stage.publish(*copies)

    first, order, second = [entry for seal in seals(stage) for entry in seal.entries]
    named = decode(read(order.order.encode()).payload, Order)
    assert (named.id, named.modified, named.digest, named.cause) == (
        first.id, first.modified, first.digest, "replaced",
    )  # fmt: skip
    assert second.digest != first.digest


# --- again ------------------------------------------------------------------------------------------------
def entries(stage):
    return [[getattr(e, "id", e) for e in seal.entries] for seal in seals(stage)]


def shut_and_repeat(stage):
    stage.do(opening.shut, stage.ask(parties.peer, B))
    stage.do(repeat, stage.us, agreement(PAIR, US, B, clause=WIDE), stage.now)


def test_what_was_not_fetched_before_its_shelf_closed_goes_again_once_and_only_if_it_stands(stage):
    stays, goes, alone = stage.give(*(stage.body(by=US) for _ in range(3)))
    stage.publish(stays, goes)
    stage.publish(alone)
    stage.publish(stays, agreement=FORUM)
    for copy in (goes, alone):
        asked = recall.Asked(id=copy.object.id, cause="wrong")
        stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    before = seals(stage)

    shut_and_repeat(stage)

    [again] = seals(stage)[len(before) :]
    assert again.entries == [entry(stage, stays)]
    assert again.batch != ""
    [record] = [r for _, r in stage.ask(subjects.find, f"envelope:{again.channel}:{again.seq}")]
    assert (record["agreement"], record["repeats"], record["entries"]) == (PAIR, 1, 1)

    stage.do(repeat, stage.us, agreement(PAIR, US, B, clause=WIDE), stage.now)
    assert len(seals(stage)) == len(before) + 1


def test_what_stands_with_another_peer_alone_is_not_sent_again(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)
    asked = recall.Asked(id=copy.object.id, cause="wrong", peers=frozenset({B}))
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    before = len(seals(stage, B, FORUM))

    stage.do(opening.shut, stage.ask(parties.peer, B))
    stage.do(repeat, stage.us, agreement(FORUM, US, B, C), stage.now)

    assert rows_of(stage, copy) == [(FORUM, C)]
    assert len(seals(stage, B, FORUM)) == before


def test_where_a_peer_has_no_shelf_or_lacks_nothing_nothing_goes_again(stage):
    before = stage.dump()

    stage.do(repeat, stage.us, agreement("unheard-of", US, B), stage.now)
    stage.do(repeat, stage.us, agreement(PAIR, US, B, clause=WIDE), stage.now)

    assert stage.dump() == before


# --- frames -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("limit", "sizes"),
    [(1, [1, 1, 1, 1]), (2, [2, 2]), (3, [3, 1])],
)
def test_a_frame_takes_as_many_bytes_and_entries_as_it_may_and_not_one_more(
    stage, monkeypatch, limit, sizes
):
    names = [f"name {at}" for at in range(4)]
    copies = stage.give(*(stage.body(by=US, name=name) for name in names))
    [size] = {len(copy.object.raw) for copy in copies}
    for name, more, most in (
        ("bytes", limit * size, 5000),
        ("fewer", (limit + 1) * size - 1, 5000),
        ("entries", 1 << 20, limit),
    ):
        sign_both(stage, agreement(name, US, B, max_frame_bytes=more))
        monkeypatch.setattr(outbox, "MAX_ENTRIES", most)
        stage.publish(*copies, agreement=name)
        sent = seals(stage, B, name)
        assert [len(seal.entries) for seal in sent] == sizes
        assert [seal.body.size for seal in sent] == [n * size for n in sizes]
        assert [e.id for s in sent for e in s.entries] == [c.object.id for c in copies]


def test_what_is_larger_than_a_frame_goes_in_one_of_its_own(stage):
    sign_both(stage, agreement("small", US, B, max_frame_bytes=100))
    copies = stage.give(stage.body(by=US), stage.body(by=US))

    stage.publish(*copies, agreement="small")

    assert [len(seal.entries) for seal in seals(stage, B, "small")] == [1, 1]
