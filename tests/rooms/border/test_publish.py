"""The way out: two persons, no second story, nothing half done (border.md 2.8, 3, 4)."""

import pytest
from sqlalchemy import text

from mithaq import clock
from mithaq.auth.actors import Role
from mithaq.border import admit, signing, watch
from mithaq.border.approval import decline
from mithaq.border.publish import decode_reasons, publish, reconsider
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.model.benign import Benign
from mithaq.model.labels import Beside, Pap, Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.policy.decision import Hold, Release, Rule, Withhold
from mithaq.seal.envelope import read
from mithaq.seal.frames import split
from mithaq.seal.keys import generate
from mithaq.seal.messages import Order, Seal, decode
from mithaq.store import channels
from tests.rooms.border.lies import PowerCut, pair, power_cut, sign_both
from tests.rooms.border.stage import AT, FORUM, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.values import replace


def states(stage, copy):
    return {
        (r["agreement"], r["peer"]): r.get("state", "released")
        for r in stage.rows("rows") + stage.rows("verdicts")
        if r["copy"] == copy.seq
    }


def rows_of(stage, copy):
    return sorted(
        (r["agreement"], r["peer"]) for r in stage.rows("rows") if r["id"] == copy.object.id
    )


def seals(stage, peer=B, agreement_=PAIR):
    """The seals we sent a peer under an agreement, in order."""
    with stage.node.core.read() as unit:
        channel = channels.find(unit, peer, agreement_, "out")
        parcels = [channels.parcel(unit, channel.id, n + 1) for n in range(channel.seq)]
    return [
        decode(split(len(p.envelope).to_bytes(4, "big") + p.envelope)[0].payload, Seal)
        for p in parcels
    ]


def held(stage, level=Tlp.AMBER_STRICT):
    """A copy that waits for a second person."""
    [copy] = stage.give(stage.body(by=US, level=level))
    outcome = stage.publish(copy)
    assert isinstance(outcome.decisions[B, copy.seq], Hold)
    return copy


# --- two persons --------------------------------------------------------------------------------------
def test_what_needs_a_second_person_waits_and_goes_with_their_yes(stage):
    stage.enrol("omar")
    copy = held(stage)
    assert rows_of(stage, copy) == []

    outcome = stage.approve("omar", copy)

    assert isinstance(outcome.decisions[B, copy.seq], Release)
    assert rows_of(stage, copy) == [(PAIR, B)]
    assert stage.leaves(copy.object.id) == ["import", "held", "approved", "release"]


@pytest.mark.parametrize("who", ["proposer", "author", "other-key", "nobody", "below"])
def test_who_may_not_approve_does_not(stage, who):
    for name, clearance in (("petra", "RED"), ("ana", "RED"), ("omar", "RED"), ("gus", "GREEN")):
        stage.enrol(name, clearance=clearance)
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER_STRICT))
    stage.publish(copy, proposer="petra")
    name = {
        "proposer": "petra",
        "author": "ana",
        "other-key": "omar",
        "nobody": "eve",
        "below": "gus",
    }[who]
    key = generate() if who in {"other-key", "nobody"} else None

    if who == "below":
        stage.approve(name, copy)
    else:
        with pytest.raises(Refused):
            stage.approve(name, copy, key=key)

    assert rows_of(stage, copy) == []
    assert states(stage, copy) == {(PAIR, B): "held"}


def test_attribution_to_a_state_waits_for_a_policy_owner(stage):
    stage.enrol("omar")
    stage.enrol("lena", Role.POLICY_OWNER)
    body = stage.body("threat-actor", by=US, country="XX", threat_actor_types=["nation-state"])
    [copy] = stage.give(body)
    stage.publish(copy)
    assert states(stage, copy) == {(PAIR, B): "held"}

    with pytest.raises(Refused):
        stage.approve("omar", copy)
    stage.approve("lena", copy)

    assert rows_of(stage, copy) == [(PAIR, B)]


def test_attribution_that_a_text_let_go_waits_when_a_later_text_holds_it(stage):
    free = agreement(PAIR, US, B, version=2, clause={**WIDE, "attribution": "release"})
    sign_both(stage, free)
    settled(stage)
    [copy] = stage.give(stage.body("threat-actor", by=US, country="XX"))
    stage.publish(copy)
    assert rows_of(stage, copy) == [(PAIR, B)]

    sign_both(stage, agreement(PAIR, US, B, version=3, clause=WIDE))
    settled(stage)

    assert (rows_of(stage, copy), states(stage, copy)) == ([], {(PAIR, B): "held"})


def test_received_attribution_is_passed_on_by_no_clause_without_a_policy_owner(stage):
    stage.enrol("lena", Role.POLICY_OWNER)
    open_ = {"attribution": "release", "onward": "open"}
    sign_both(stage, agreement("wide", US, C, clause=open_), C)
    body = stage.body("threat-actor", by=None, level=Tlp.CLEAR, x_country="QX")
    entry = put(body, role="carrier", onward="open")
    stage.admit(sealed(pair(), [entry], stage.signer(B))[0])
    [copy] = stage.admitted()

    stage.publish(copy, agreement="wide")
    assert (rows_of(stage, copy), states(stage, copy)) == ([], {("wide", C): "held"})
    stage.approve("lena", copy, agreement="wide")

    assert rows_of(stage, copy) == [("wide", C)]


def settled(stage):
    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)


def test_a_changed_view_or_text_voids_the_yes_given(stage):
    stage.enrol("omar")
    copy, marked = held(stage), held(stage)
    stage.approve("omar", copy)
    stage.approve("omar", marked)

    beside = Beside(pap=Pap.AMBER)
    stage.do(admit.mark, stage.us, marked.seq, beside, author="ana", now=stage.now)
    sign_both(stage, agreement(PAIR, US, B, version=2, title="changed", clause=WIDE))
    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)

    for each in (copy, marked):
        assert (rows_of(stage, each), states(stage, each)) == ([], {(PAIR, B): "held"})


def test_a_yes_and_a_no_are_about_one_copy_under_one_agreement(stage):
    sign_both(stage, agreement("wide", US, B, C, clause=WIDE), B, C)
    stage.enrol("omar")
    copy, other = stage.give(*(stage.body(by=US, level=Tlp.AMBER_STRICT) for _ in range(2)))
    for name in (PAIR, "wide"):
        stage.publish(copy, other, agreement=name)
    stage.do(decline, "lena", copy.seq, "wide", stage.now)
    assert states(stage, copy) == {
        (PAIR, B): "held", ("wide", B): "declined", ("wide", C): "declined",
    }  # fmt: skip
    assert set(states(stage, other).values()) == {"held"}

    stage.approve("omar", other)
    with pytest.raises(NotFound):
        stage.approve("omar", copy, agreement="wide")

    assert [r["peers"] for r in stage.rows("approvals")] == [B]
    assert states(stage, other) == {
        (PAIR, B): "released", ("wide", B): "held", ("wide", C): "held",
    }  # fmt: skip


def test_what_was_declined_stays_until_somebody_proposes_it_anew(stage):
    stage.enrol("omar")
    copy = held(stage)
    stage.do(decline, "omar", copy.seq, PAIR, stage.now)

    with pytest.raises(NotFound):
        stage.approve("omar", copy)
    with pytest.raises(NotFound):
        stage.do(decline, "omar", copy.seq, PAIR, stage.now)
    wider = agreement(PAIR, US, B, version=2, clause=WIDE)
    sign_both(stage, wider)
    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)
    stage.do(reconsider, stage.us, PAIR, [copy.seq], stage.now)
    assert states(stage, copy) == {(PAIR, B): "declined"}
    assert stage.leaves(copy.object.id) == ["import", "held", "declined"]

    stage.publish(copy)
    assert states(stage, copy) == {(PAIR, B): "held"}


def test_what_waited_for_another_is_not_opened_by_it_once_declined(stage):
    stage.enrol("omar")
    sign_both(stage, agreement("pair-too", US, B))
    [target] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    body = stage.body(
        "relationship", by=US, level=Tlp.AMBER_STRICT, name=None, relationship_type="related-to",
        source_ref=target.object.id, target_ref=target.object.id,
    )  # fmt: skip
    [copy] = stage.give(body)
    stage.publish(copy)
    assert states(stage, copy) == {(PAIR, B): "withheld"}
    stage.publish(target, agreement="pair-too")
    stage.publish(copy)
    stage.do(decline, "omar", copy.seq, PAIR, stage.now)

    stage.publish(target)

    assert rows_of(stage, target) == [(PAIR, B), ("pair-too", B)]
    assert states(stage, copy) == {(PAIR, B): "declined"}


def test_nothing_is_published_under_no_text_or_for_nothing(stage):
    [copy] = stage.give(stage.body(by=US))
    with pytest.raises(InputError):
        stage.publish()
    with pytest.raises(NotFound):
        stage.publish(copy, agreement="unheard-of")
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    with pytest.raises(Conflict):
        stage.publish(copy)
    assert stage.do(reconsider, stage.us, PAIR, [copy.seq], stage.now) is None


# --- what stands, and what goes along -----------------------------------------------------------------
def test_a_shadow_agreement_records_everything_and_lets_nothing_leave(stage):
    sign_both(stage, agreement("shadow", US, B, shadow=True))
    [copy] = stage.give(stage.body(by=US))
    before = stage.rows("outbox")

    outcome = stage.publish(copy, agreement="shadow")

    decision = outcome.decisions[B, copy.seq]
    assert isinstance(decision, Withhold)
    assert decision.would is not None
    assert (rows_of(stage, copy), stage.rows("outbox")) == ([], before)
    assert states(stage, copy) == {("shadow", B): "shadow"}
    assert stage.leaves(copy.object.id) == ["import", "shadow"]


def test_what_waits_for_its_target_goes_when_the_target_is_released(stage):
    ends = stage.give(stage.body(by=US), stage.body(by=US))
    body = stage.body(
        "relationship", by=US, name=None, relationship_type="related-to",
        source_ref=ends[0].object.id, target_ref=ends[1].object.id,
    )  # fmt: skip
    [link] = stage.give(body)
    stage.publish(link)
    [verdict] = [r for r in stage.rows("verdicts") if r["copy"] == link.seq]
    assert "reference-required" in {str(r.rule) for r in decode_reasons(verdict["reasons"])}

    stage.publish(ends[0])
    assert rows_of(stage, link) == []
    stage.publish(ends[1])

    assert rows_of(stage, link) == [(PAIR, B)]


def test_an_amendment_decides_again_what_stands(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    sign_both(stage, agreement(PAIR, US, B, version=2, clause={"max_tlp": "GREEN"}))

    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)

    assert rows_of(stage, copy) == []
    assert states(stage, copy) == {(PAIR, B): "withheld"}
    assert stage.leaves(copy.object.id) == ["import", "release", "withheld"]


def test_the_same_decision_again_leaves_the_row_and_sends_nothing(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.project()
    before = stage.rows("rows"), stage.rows("outbox")

    stage.clock.step(60)
    stage.publish(copy)

    assert (stage.rows("rows"), stage.rows("outbox")) == before


def test_a_version_has_one_commitment_under_every_agreement(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)

    [one], [two] = (s.entries for s in (*seals(stage), *seals(stage, C, FORUM)))
    assert one.com == two.com
    assert one.com != "0" * 64


def test_a_release_to_many_bears_one_batch_and_a_leaf_for_each(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)

    [to_b], [to_c] = seals(stage, B, FORUM), seals(stage, C, FORUM)
    assert to_b.batch == to_c.batch
    assert to_b.audit != to_c.audit
    assert stage.leaves(copy.object.id) == ["import", "release", "release"]


def test_what_is_withheld_from_all_leaves_one_leaf(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.RED))

    stage.publish(copy, agreement=FORUM)

    assert stage.leaves(copy.object.id) == ["import", "withheld"]


def test_statements_go_along_once_a_shelf_in_the_words_of_their_author(stage):
    mark = {
        "type": "marking-definition", "spec_version": "2.1", "created_by_ref": stage.identity(US),
        "id": "marking-definition--00000000-0000-4000-8000-0000000000aa",
        "created": "2026-03-01T12:00:00.000000Z", "definition_type": "statement",
        "definition": {"statement": "Copyright Aurelia"},
    }  # fmt: skip
    refs = [mark["id"], "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"]
    copies = [stage.give(mark, stage.body(by=US, level=None, object_marking_refs=refs))[-1]]
    copies += stage.give(stage.body(by=US, level=None, object_marking_refs=refs))

    for copy in copies:
        stage.publish(copy)

    first, second = seals(stage)
    assert [e.id for e in first.entries] == [mark["id"], copies[0].object.id]
    assert [e.id for e in second.entries] == [copies[1].object.id]
    assert (first.entries[0].role, first.entries[0].modified) == (
        "owner",
        "2026-03-01T12:00:00.000Z",
    )
    assert read(first.batch.encode())


def test_only_what_goes_to_every_party_may_be_passed_on_among_them(stage):
    [whole, part] = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(whole, agreement=FORUM)
    stage.do(
        admit.mark,
        stage.us,
        part.seq,
        Beside(releasable_to=frozenset({B})),
        author="ana",
        now=stage.now,
    )
    stage.publish(part, agreement=FORUM)

    onward = {e.id: e.onward for s in seals(stage, B, FORUM) for e in s.entries}
    assert onward == {whole.object.id: "scope", part.object.id: "none"}


def test_large_releases_are_cut_into_frames(stage):
    small = agreement("small", US, B, max_frame_bytes=600)
    sign_both(stage, small)
    copies = stage.give(*(stage.body(by=US) for _ in range(5)))

    stage.publish(*copies, agreement="small")

    sent = seals(stage, B, "small")
    assert len(sent) > 1
    assert [e.id for s in sent for e in s.entries] == [c.object.id for c in copies]
    assert all(s.body.size <= 600 for s in sent)


# --- nothing half done --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "target",
    [
        "publish.log.append", "publish.place", "publish.releases.put_intents",
        "publish.pending.wait_for", "publish.record", "outbox.log.append",
        "outbox.blobs.put", "outbox.releases.place", "outbox.releases.show",
        "outbox.send", "channels.store.post", "channels.store.put_channel", "channels.releases.show",
    ],
)  # fmt: skip
def test_a_release_happens_whole_or_not_at_all(stage, monkeypatch, target):
    [copy] = stage.give(stage.body(by=US))
    before = stage.dump()

    with monkeypatch.context() as patch:
        patch.setattr(f"mithaq.border.{target}", power_cut)
        with pytest.raises(PowerCut):
            stage.publish(copy)

    assert stage.dump() == before
    stage.publish(copy)
    assert rows_of(stage, copy) == [(PAIR, B)]


def test_a_row_moves_when_the_view_changes_and_never_stands_twice(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.GREEN))
    stage.publish(copy)
    stage.project()

    stage.do(admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.AMBER), author="ana", now=stage.now)

    assert rows_of(stage, copy) == [(PAIR, B)]
    with stage.node.shelf.read() as unit:
        query = text("SELECT count(*) FROM shelf_rows WHERE id = :i")
        assert unit.execute(query, {"i": copy.object.id}).scalar_one() == 1
    first, order, second = (entry for seal in seals(stage) for entry in seal.entries)
    named = decode(read(order.order.encode()).payload, Order)
    # two views of one version, neither taken back, would be two stories (border.md 5.3)
    assert (named.id, named.digest, named.cause) == (copy.object.id, first.digest, "replaced")
    assert second.digest != first.digest


def test_a_release_for_another_purpose_is_judged_by_that_purpose_now_and_later(stage):
    drill = agreement("drill", US, B, clause={"purposes": ["exercise"]})
    sign_both(stage, drill)
    [copy] = stage.give(stage.body(by=US))

    stage.publish(copy, agreement="drill")
    assert rows_of(stage, copy) == []

    stage.do(publish, stage.us, "ana", [copy.seq], "drill", stage.now, "exercise")
    assert rows_of(stage, copy) == [("drill", B)]

    [other] = stage.give(
        {**copy.object.body, "name": "A later name", "modified": clock.text(stage.now)}
    )
    stage.publish(other, agreement="drill")
    assert rows_of(stage, copy) == [("drill", B)]


def test_nothing_is_released_for_a_purpose_that_there_is_not(stage):
    [copy] = stage.give(stage.body(by=US))

    with pytest.raises(InputError):
        stage.do(publish, stage.us, "ana", [copy.seq], PAIR, stage.now, "attack")
    assert stage.rows("intents") == []


def test_what_came_for_defence_is_passed_on_for_nothing_else(stage):
    wide = {"purposes": ["defence", "warning", "judicial"], "basis": "article 9"}
    sign_both(stage, agreement("wide", US, C, clause=wide), C)
    body = stage.body(by=None, level=Tlp.CLEAR)
    entry = put(body, role="carrier", onward="open")
    stage.admit(sealed(pair(), [entry], stage.signer(B))[0])
    [copy] = stage.admitted()

    for purpose, goes in (("warning", []), ("judicial", []), ("defence", [("wide", C)])):
        stage.do(publish, stage.us, "ana", [copy.seq], "wide", stage.now, purpose)
        assert rows_of(stage, copy) == goes


def indicator(stage, value, **more):
    written = f"[ipv4-addr:value = '{value}']"
    more |= {"pattern": written, "pattern_type": "stix", "valid_from": AT}
    return stage.body("indicator", by=US, **more)


def test_an_indicator_on_something_harmless_waits_for_a_person_and_says_on_which_list_it_is(stage):
    stage.enrol("omar")
    [private, evil] = stage.give(indicator(stage, "10.0.0.7"), indicator(stage, "203.0.113.7"))

    made = stage.publish(private, evil)

    assert (rows_of(stage, private), rows_of(stage, evil)) == ([], [(PAIR, B)])
    hold = made.decisions[B, private.seq]
    assert hold.needs == {"known-benign"}
    assert [(r.rule, r.facts) for r in hold.reasons] == [(Rule.KNOWN_BENIGN, {"lists": "reserved"})]
    stage.approve("omar", private)
    assert rows_of(stage, private) == [(PAIR, B)]


def test_what_stands_goes_on_standing_when_a_list_comes_to_have_it(stage):
    [copy] = stage.give(indicator(stage, "203.0.113.7"))
    stage.publish(copy)
    lists = [
        Listed(name="own", family="address", effect=Effect.SUPPRESS, entries=["203.0.113.0/24"])
    ]
    knowing = replace(
        stage.us, benign=Benign(lambda family: [x for x in lists if x.family == family])
    )

    stage.do(reconsider, knowing, PAIR, [copy.seq], stage.now)

    assert rows_of(stage, copy) == [(PAIR, B)]
