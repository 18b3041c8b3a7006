"""What our own people bring and mark, and what clients post (border.md 1.2, 2.9, 8.4)."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import text

from mithaq.border import admit, clients, peers, recall
from mithaq.border.admit import Given
from mithaq.border.local import Lowering
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, NotFound
from mithaq.model.kinds import IDENTIFIER
from mithaq.model.labels import Beside, Pap, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.policy.agreement import Clause
from mithaq.store.objects import UNRESOLVED
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from mithaq.store.spool import Arrival
from tests.rooms.border.lies import (
    PowerCut,
    fixed,
    pair,
    power_cut,
    quarantined,
    sign_both,
    statement,
)
from tests.rooms.border.stage import FORUM, PAIR, US, B, C, agreement, put, sealed
from tests.rooms.border.test_publish import rows_of
from tests.values import replace

FILE = Source(name="file:report", kind="file")


def bring(stage, *bodies, own=True, source=FILE):
    given = [Given(object=from_body(b)) for b in bodies]
    return stage.do(admit.local, stage.us, source, given, author="ana", own=own, now=stage.now)


def test_what_claims_another_nation_is_neither_ours_nor_carried(stage):
    theirs, ours, vendors = stage.body(by=B), stage.body(by=US), stage.body(by=None)
    vendors["created_by_ref"] = "identity--00000000-0000-4000-8000-0000000000bb"

    own, carried = bring(stage, theirs, vendors), bring(stage, theirs, ours, vendors, own=False)

    assert [(id_, code) for id_, code, _ in own.refused] == [
        (theirs["id"], "ownership"), (vendors["id"], "ownership"),
    ]  # fmt: skip
    assert {id_ for id_, _, _ in carried.refused} == {theirs["id"], ours["id"]}
    assert [c.object.id for c in carried.stored] == [vendors["id"]]


def test_a_version_of_ours_is_never_given_twice_with_other_bytes(stage):
    body = stage.body(by=US)

    first = bring(stage, body, body | {"name": "another"})
    again = bring(stage, body, body | {"name": "a third"})

    assert (len(first.stored), [code for _, code, _ in first.refused]) == (1, ["version-taken"])
    assert (again.known, [code for _, code, _ in again.refused]) == (1, ["version-taken"])


def test_nothing_follows_the_version_that_revokes_an_object_of_ours_and_what_came_before_may_come_later(
    stage,
):
    """STIX 2.1 section 3.6; what others say of their objects is their word."""
    at = [f"2026-01-0{day}T00:00:00.000Z" for day in range(1, 6)]
    body = stage.body(by=US) | {"created": at[0], "modified": at[0]}
    last = body | {"modified": at[2], "revoked": True}
    theirs = stage.body(by=None) | {"created": at[0], "modified": at[0], "revoked": True}

    together = bring(stage, body | {"modified": at[3]}, last)
    later = bring(stage, body | {"modified": at[4]}, body | {"modified": at[1]}, last)
    again = bring(stage, body | {"modified": at[4], "revoked": True})
    carried = bring(stage, theirs, theirs | {"modified": at[1], "revoked": False}, own=False)

    assert [
        (c.object.version, code) for c in together.stored for _, code, _ in together.refused
    ] == [(at[2], "revoked")]
    assert [(c.object.version, code) for c in later.stored for _, code, _ in later.refused] == [
        (at[1], "revoked")
    ]
    assert later.known == 1
    assert [code for _, code, _ in again.refused] == ["revoked"]
    assert len(carried.stored) == 2


def test_what_has_no_version_may_be_said_again_otherwise(stage):
    """An observable is its value: what else is said of it makes a copy of its own (border.md 1.4)."""
    seen = {
        "type": "ipv4-addr", "spec_version": "2.1", "value": "198.51.100.1",
        "id": "ipv4-addr--28bb3599-77cd-5a82-a950-b5bcf350c5b9",
    }  # fmt: skip

    first = bring(stage, seen, seen | {"defanged": True})
    again = bring(stage, seen | {"defanged": False}, seen)

    assert (len(first.stored), first.refused) == (2, [])
    assert (len(again.stored), again.known, again.refused) == (1, 1, [])


def test_what_we_vouch_for_is_kept_as_ours_and_we_own_what_names_us(stage):
    named, nobodys = stage.body(by=US), stage.body(by=None)
    feed = Source(name="feed:x", kind="feed", default_tlp=Tlp.AMBER, onward="open")
    readers = {B: ["r1"]}
    given = [Given(object=from_body(b), readers=readers) for b in (named, nobodys)]

    outcome = stage.do(
        admit.local, stage.us, feed, given, author="ana", own=True, now=stage.now
    )  # fmt: skip

    assert (outcome.known, outcome.defined) == (0, 0)
    for copy, role, owner in zip(outcome.stored, ("owner", "carrier"), (US, ""), strict=True):
        assert (copy.voucher, copy.standing, copy.role, copy.owner) == (US, "own", role, owner)
        assert (copy.author, copy.onward, copy.readers) == ("ana", "open", readers)
        assert (copy.beside, copy.received_at) == (Beside(), stamp(stage.now))
        assert (copy.com, copy.proof) == ("", "")
    assert stage.rows("sources") == []  # a source's terms are those of what is carried
    [bare] = bring(stage, stage.body(by=US, level=None), source=feed).stored
    assert bare.beside == Beside()


def test_what_we_carry_stands_under_its_sources_name_and_terms(stage):
    open_ = Source(name="feed:x", kind="feed", default_tlp=Tlp.AMBER, onward="open")
    bare, mute = stage.body(by=None, level=None), Source(name="feed:y", kind="feed")

    [copy] = bring(stage, bare, own=False, source=open_).stored
    [same] = bring(stage, bare, own=False, source=mute).stored

    assert (copy.voucher, copy.standing, copy.role, copy.owner) == (
        "feed:x",
        "received",
        "local",
        "",
    )
    assert (copy.onward, copy.beside, copy.readers) == ("open", Beside(tlp=Tlp.AMBER), None)
    assert (same.onward, same.beside) == ("none", Beside())
    [first, second] = stage.records("feed:x") + stage.records("feed:y")
    assert (first["default_tlp"], second["default_tlp"]) == ("AMBER", "")


def test_what_is_known_is_counted_as_known_and_leaves_no_trace(stage):
    body = stage.body(by=US)
    bring(stage, body)
    before = stage.dump("journal")

    again = bring(stage, body)

    assert (again.stored, again.known) == ([], 1)
    assert stage.dump("journal") == before


def test_a_refusal_says_whom_an_object_claims(stage):
    vendor = "identity--00000000-0000-4000-8000-0000000000bb"
    theirs, ours = stage.body(by=B), stage.body(by=US)
    vendors = stage.body(by=None, created_by_ref=vendor)
    nobody = stage.body("identity", by=None, identity_class="group")
    itself = stage.body("identity", by=None, identity_class="group", id=stage.identity(B))

    own = bring(stage, theirs, vendors, nobody, itself)
    carried = bring(stage, theirs, ours, itself, own=False)

    claims = ("borea", vendor, nobody["id"], "borea")
    assert [why for *_, why in own.refused] == [
        f"it claims {claimed} as its creator, not us" for claimed in claims
    ]
    assert [why for *_, why in carried.refused] == [
        "it claims borea, and comes from borea alone",
        "it claims us as its creator: import it as our own",
        "it claims borea, and comes from borea alone",
    ]


def test_what_is_wrong_with_an_object_first_is_what_is_said(stage):
    body = stage.body(by=US)
    bring(stage, body)

    outcome = bring(stage, body | {"name": "other"}, body | {"created_by_ref": stage.identity(B)})

    assert [code for _, code, _ in outcome.refused] == ["version-taken", "ownership"]
    assert outcome.refused[0][2] == "this version is here with other bytes"


def test_a_version_another_nation_gave_us_is_not_taken_for_ours(stage):
    """One id may be vouched for by several; each keeps its versions (border.md 1.1)."""
    body = stage.body(by=None)
    stage.admit(sealed(pair(), [put(body, role="carrier")], stage.signer(B))[0])
    assert [copy.voucher for copy in stage.admitted()] == [B]

    outcome = bring(stage, body | {"name": "as we see it"})

    assert (len(outcome.stored), outcome.refused) == (1, [])


def test_a_version_of_ours_is_not_taken_for_a_sources(stage):
    body = stage.body(by=None)
    bring(stage, body)

    outcome = bring(stage, body | {"name": "as the feed has it"}, own=False)

    assert (len(outcome.stored), outcome.refused) == (1, [])


def test_what_names_a_part_of_a_public_set_waits_until_that_part_is_imported(stage):
    public = Source(name="file:public", kind="file", reference=True)
    named = stage.body("attack-pattern", by=None, level=Tlp.CLEAR)
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=[named["id"]]))
    stage.publish(note)
    assert rows_of(stage, note) == []

    bring(stage, named, own=False, source=public)

    assert rows_of(stage, note) == [(PAIR, B)]


def test_markings_are_kept_and_fixed_ones_known_and_forged_ones_refused(stage):
    mark, forged = statement(stage, by=US), fixed(Tlp.RED) | {"name": "TLP:CLEAR"}

    outcome = bring(stage, mark, fixed(Tlp.GREEN), forged)

    assert (outcome.defined, outcome.known) == (1, 1)
    assert [code for _, code, _ in outcome.refused] == ["marking-forged"]


def test_a_source_keeps_its_terms_on_record_and_marks_what_is_bare(stage):
    feed = Source(name="feed:x", kind="feed", default_tlp=Tlp.AMBER)
    bare, marked = stage.body(by=None, level=None), stage.body(by=None, level=Tlp.CLEAR)

    outcome = bring(stage, bare, marked, own=False, source=feed)
    bring(stage, bare, own=False, source=feed)

    assert [c.level for c in outcome.stored] == [int(Tlp.AMBER), int(Tlp.CLEAR)]
    assert stage.leaves("feed:x") == ["source"]


def test_a_label_beside_only_raises(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))

    def mark(beside):
        return stage.do(admit.mark, stage.us, copy.seq, beside, author="ana", now=stage.now)

    with pytest.raises(Lowering):
        mark(Beside(tlp=Tlp.GREEN))
    mark(Beside(pap=Pap.RED))
    marked = mark(Beside(pap=Pap.AMBER, releasable_to=frozenset({B, C})))
    marked = mark(Beside(releasable_to=frozenset({B})))
    assert (marked.beside.pap, marked.beside.releasable_to) == (Pap.RED, frozenset({B}))
    with pytest.raises(NotFound):
        stage.do(admit.mark, stage.us, 999, Beside(), author="ana", now=stage.now)


def test_a_label_beside_may_say_the_level_again_and_joins_all_the_rest(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    more = Beside(tlp=Tlp.AMBER, originator_control=True, purposes=frozenset({"defence"}))

    marked = stage.do(admit.mark, stage.us, copy.seq, more, author="ana", now=stage.now)
    again = stage.do(admit.mark, stage.us, copy.seq, Beside(), author="ana", now=stage.now)

    assert marked.beside == again.beside == more
    assert again.beside.pap is None


def test_a_label_may_be_put_beside_what_bears_none(stage):
    [copy] = stage.give(stage.body(by=US, level=None))

    marked = stage.do(
        admit.mark, stage.us, copy.seq, Beside(tlp=Tlp.GREEN), author="ana", now=stage.now
    )  # fmt: skip

    assert marked.beside.tlp is Tlp.GREEN


def test_a_mark_decides_again_what_it_is_about_and_nothing_else(stage):
    one, other = stage.give(stage.body(by=US, level=Tlp.CLEAR), stage.body(by=US))
    stage.publish(one)
    stage.publish(other, agreement=FORUM)
    before = len(decided(stage))

    stage.do(
        admit.mark, stage.us, one.seq, Beside(pap=Pap.AMBER), author="ana", now=stage.now
    )  # fmt: skip

    assert decided(stage)[before:] == [PAIR]


def test_only_our_own_raised_level_calls_what_went_out_back(stage):
    [ours] = stage.give(stage.body(by=US, level=Tlp.CLEAR))
    [carried] = stage.give(
        stage.body(by=None, level=Tlp.CLEAR), own=False, community=frozenset({B}), onward="open"
    )
    stage.publish(ours, carried)
    assert rows_of(stage, carried) == [(PAIR, B)]

    def mark(copy, **beside):
        stage.do(
            admit.mark, stage.us, copy.seq, Beside(**beside), author="ana", now=stage.now
        )  # fmt: skip

    mark(ours, pap=Pap.AMBER, originator_control=True)
    mark(carried, tlp=Tlp.RED)
    assert [o for o in stage.rows("orders") if o["cause"] == "raised"] == []

    mark(ours, tlp=Tlp.RED)
    [order] = [o for o in stage.rows("orders") if o["cause"] == "raised"]
    assert (order["id"], order["cause"], order["person"]) == (ours.object.id, "raised", "ana")


def test_a_new_version_of_a_higher_level_calls_back_the_versions_before_it_and_no_others(stage):
    old, still = stage.body(by=US, level=Tlp.CLEAR), stage.body(by=US, level=Tlp.CLEAR)
    first, other = stage.give(old, still)
    stage.publish(first, other)
    stage.publish(other, agreement=FORUM)
    before = len(decided(stage))
    stage.clock.step()

    later = stamp(stage.now)
    red = tlp_id(Tlp.RED)
    stage.give(
        old | {"modified": later, "object_marking_refs": [red]},
        still | {"modified": later},
    )

    assert [(o["id"], o["cause"]) for o in stage.rows("orders")] == [(old["id"], "raised")]
    assert set(decided(stage)[before:]) == {PAIR}


def test_what_only_another_gave_is_not_called_back_and_calls_nothing_back(stage):
    """A version of a source's that is stricter, or stood lower, says nothing of ours (border.md 2.9)."""
    ours, theirs = (stage.body(by=None, level=Tlp.CLEAR) for _ in range(2))
    terms = {"own": False, "community": frozenset({B}), "onward": "open"}
    first = stage.give(ours) + stage.give(theirs, **terms)
    stage.publish(*first)
    assert [rows_of(stage, each) for each in first] == [[(PAIR, B)]] * 2
    stage.clock.step()

    red = {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.RED)]}
    stage.give(ours | red, **terms)
    stage.give(theirs | red)

    assert stage.rows("orders") == []


def test_an_earlier_version_that_no_clause_permits_under_the_raised_marking_leaves_the_shelf(stage):
    """Its partner gets the later one and knows the marking by that: nothing has to be ordered back."""
    low = Clause(id="low", kinds=["*"], max_tlp="GREEN", max_pap="RED")
    high = Clause(id="high", kinds=["*"], max_tlp="AMBER", max_pap="GREEN")
    sign_both(stage, agreement("two-ways", US, B, clauses=[low, high]))
    body = stage.body(by=US)
    [old] = stage.give(body)
    mark(stage, old, Beside(pap=Pap.AMBER))
    stage.publish(old, agreement="two-ways")
    assert rows_of(stage, old) == [("two-ways", B)]

    stage.give(
        body | {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.AMBER)]},
    )

    assert rows_of(stage, old) == []
    assert stage.rows("orders") == []


def test_versions_that_come_together_are_not_measured_by_each_other(stage):
    """What nobody was given stood nowhere: the last is no higher than what was released."""
    sign_both(stage, agreement("careful", US, B, clause={"max_pap": "AMBER"}))
    body = stage.body(by=US)
    [old] = stage.give(body)
    stage.publish(old, agreement="careful")
    lower = {"modified": stamp(stage.now), "object_marking_refs": [tlp_id(Tlp.CLEAR)]}
    later = {"modified": stamp(stage.now + timedelta(seconds=1))}
    given = [
        Given(object=from_body(body | lower)),
        Given(object=from_body(body | later), beside=Beside(pap=Pap.RED)),
    ]

    stage.do(admit.local, stage.us, FILE, given, author="ana", own=True, now=stage.now)

    assert stage.rows("orders") == []


def mark(stage, copy, beside):
    stage.do(admit.mark, stage.us, copy.seq, beside, author="ana", now=stage.now)


def test_what_is_releasable_to_fewer_is_ordered_back_from_those_left_out(stage):
    [copy] = stage.give(stage.body(by=US))
    for name in (FORUM, PAIR):
        stage.publish(copy, agreement=name)
    mark(stage, copy, Beside(releasable_to=frozenset({B, C})))
    assert rows_of(stage, copy) == [(PAIR, B), (FORUM, B), (FORUM, C)]
    assert stage.rows("orders") == []

    mark(stage, copy, Beside(releasable_to=frozenset({C})))

    assert rows_of(stage, copy) == [(FORUM, C)]
    assert {(r["agreement"], r["peers"], r["cause"]) for r in stage.rows("orders")} == {
        (name, B, "raised") for name in (FORUM, PAIR)
    }


def test_what_may_be_done_with_something_is_no_question_of_who_may_have_it(stage):
    sign_both(stage, agreement("careful", US, B, clause={"max_pap": "AMBER"}))
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement="careful")

    mark(stage, copy, Beside(pap=Pap.RED))

    assert rows_of(stage, copy) == []
    assert stage.rows("orders") == []


@pytest.mark.parametrize(
    ("old", "new", "fewer"),
    [
        (None, {B}, True),
        ({B, C}, {B}, True),
        ({B}, {C}, True),
        ({B}, {B}, False),
        ({B}, {B, C}, False),
        ({B}, None, False),
        (None, None, False),
    ],
)
def test_a_version_for_fewer_is_a_raised_one(stage, old, new, fewer):
    body = stage.body(by=US)
    [before] = stage.give(body)
    [after] = stage.give(body | {"modified": "2026-03-01T12:00:01.000Z"})

    def bears(copy, to):
        return replace(copy, beside=Beside(releasable_to=to and frozenset(to)))

    raised = recall.raises([bears(after, new)], [bears(before, old)])
    assert [c.seq for c in raised] == [after.seq] * fewer


def decided(stage):
    """The agreements under which something was decided, as often as it was."""
    return [r["subject"] for r in stage.rows("journal") if r["kind"] == "decided"]


def test_an_identity_that_another_document_lists_is_not_made_ours(stage):
    with pytest.raises(Conflict):
        stage.do(admit.own_identity, stage.us, stage.identity(B), stage.now)


# --- clients ------------------------------------------------------------------------------------------
def arrival(*bodies, kind="post", **facts):
    raw = json.dumps({"objects": list(bodies)}).encode()
    at = "2026-03-01T12:00:00.000000Z"
    facts = {"shelf": "a" * 32, "status": "s" * 36, "at": at} | facts
    return Arrival(peer="sensor", kind=kind, facts=facts, raw=raw, at="2026-03-01T12:00:00.000Z")


@pytest.fixture
def client(stage):
    sensor = Peer(name="sensor", kind="client", state="confirmed", default_tlp="AMBER")
    stage.do(peers.add_client, sensor, stage.now, by="lena")
    return stage


def answered(stage):
    facts = [json.loads(r["facts"]) for r in stage.rows("shelf_ops") if r["op"] == "status"]
    return json.loads(facts[-1]["raw"])


def inbox(stage):
    """What the client finds in its inbox, in order."""
    with stage.node.shelf.read() as unit:
        found = unit.execute(
            text(
                "SELECT views.body FROM inbox_rows LEFT JOIN views ON digest = view ORDER BY position"
            )
        )
        return [json.loads(raw) for raw in found.scalars()]


def happened(stage):
    return [(r["kind"], r["subject"], json.loads(r["facts"])) for r in stage.rows("journal")]


def test_a_post_is_stored_for_our_people_and_what_claims_a_nation_is_set_aside_unseen(client):
    good, stolen = client.body(by=None, level=None), client.body(by=B)
    bad = {"type": "tool", "id": "no id"}

    done = client.do(clients.post, arrival(good, stolen, bad), client.now)

    assert (done.stored, done.quarantined, done.failed) == (1, 1, 1)
    assert quarantined(client) == {stolen["id"]: "ownership"}
    [copy] = client.admitted()
    assert (copy.voucher, copy.level) == ("client:sensor", int(Tlp.AMBER))
    status = answered(client)
    assert (status["success_count"], status["failure_count"]) == (2, 1)
    assert status["request_timestamp"] == "2026-03-01T12:00:00.000000Z"
    assert {d["id"] for d in status["successes"]} == {good["id"], stolen["id"]}


def test_a_posted_statement_is_kept_and_a_fixed_marking_known(client):
    mark = statement(client, by=None)

    client.do(clients.post, arrival(mark, fixed(Tlp.GREEN)), client.now)

    assert [(r["voucher"], r["id"]) for r in client.rows("markings")] == [
        ("client:sensor", mark["id"])
    ]


def test_what_a_client_may_not_define_or_name_is_set_aside(client):
    forged, strange = fixed(Tlp.RED) | {"name": "TLP:CLEAR"}, client.body("mithaq-thing", by=None)

    done = client.do(clients.post, arrival(forged, strange), client.now)

    assert (done.stored, done.quarantined) == (0, 2)
    assert quarantined(client) == {
        forged["id"]: "marking-forged",
        strange["id"]: "private-kind",
    }


def test_a_post_that_is_no_envelope_changes_nothing(client):
    junk = Arrival(peer="sensor", kind="post", facts=arrival().facts, raw=b"junk")

    done = client.do(clients.post, junk, client.now)

    assert (done.stored, done.quarantined) == (0, 0)
    assert client.admitted() == []


@pytest.mark.parametrize(("default", "borne"), [("GREEN", Tlp.GREEN), ("", None)])
def test_what_a_client_posts_unmarked_bears_what_its_grant_says_and_nothing_else_does(
    stage, default, borne
):
    sensor = Peer(name="sensor", kind="client", state="confirmed", default_tlp=default)
    stage.do(peers.add_client, sensor, stage.now, by="lena")
    bare, marked = stage.body(by=None, level=None), stage.body(by=None, level=Tlp.CLEAR)

    stage.do(clients.post, arrival(bare, marked), stage.now)

    beside = {copy.object.id: copy.beside for copy in stage.admitted()}
    assert beside == {bare["id"]: Beside(tlp=borne), marked["id"]: Beside()}


def test_what_a_client_posted_says_who_sent_it_and_goes_to_nobody_until_it_is_adopted(client):
    client.do(clients.post, arrival(client.body(by=None)), client.now)
    [copy] = client.admitted()

    client.publish(copy)

    assert copy.sent_by == "sensor"
    [verdict] = client.rows("verdicts")
    assert (verdict["state"], "not-adopted" in verdict["reasons"]) == ("withheld", True)
    assert client.rows("rows") == []


def test_what_was_posted_and_set_aside_is_in_the_log_and_on_record(client):
    good, stolen = client.body(by=None), client.body(by=B)

    client.do(clients.post, arrival(good, stolen), client.now)

    assert client.leaves(good["id"]) == ["admission"]
    assert client.leaves(stolen["id"]) == ["quarantine"]
    assert happened(client)[-1] == ("posted", "client:sensor", {"stored": 1, "aside": 1})


def test_a_client_sees_all_that_it_wrote_and_can_tell_nothing_that_we_made_of_it(client):
    good, stolen = client.body(by=None), client.body(by=B)
    address = {
        "type": "ipv4-addr", "spec_version": "2.1", "value": "192.0.2.7",
        "id": "ipv4-addr--00000000-0000-4000-8000-000000000007",
    }  # fmt: skip
    broken = {"type": "tool", "id": "tool--00000000-0000-4000-8000-00000000dead"}

    client.do(clients.post, arrival(good, stolen, address, broken, {}), client.now)
    client.project()

    assert inbox(client) == [good, stolen, address]
    status = answered(client)
    counts = ("total_count", "success_count", "failure_count", "pending_count")
    assert [status[name] for name in counts] == [5, 3, 2, 0]
    assert [(d["id"], d["version"]) for d in status["successes"]] == [
        (good["id"], good["modified"]),
        (stolen["id"], stolen["modified"]),
        (address["id"], stamp(client.now)),
    ]
    named, nameless = (d["id"] for d in status["failures"])
    assert named == broken["id"]
    assert IDENTIFIER.fullmatch(nameless)


def test_a_status_lists_no_successes_or_failures_where_there_are_none(client):
    client.do(clients.post, arrival(client.body(by=None)), client.now)
    assert "failures" not in answered(client)

    client.do(clients.post, arrival({"type": "tool"}), client.now)
    assert "successes" not in answered(client)


@pytest.mark.parametrize(
    "target", ["objects.add", "inbound.set_aside", "log.append", "releases.show"]
)
def test_a_post_is_settled_whole_or_not_at_all(client, monkeypatch, target):
    post = arrival(client.body(by=None), client.body(by=B))
    before = client.dump()

    with monkeypatch.context() as patch:
        patch.setattr(f"mithaq.border.clients.{target}", power_cut)
        with pytest.raises(PowerCut):
            client.do(clients.post, post, client.now)

    assert client.dump() == before


def test_what_a_client_withdraws_leaves_its_view_and_stays_here_and_our_people_are_told(client):
    body, other = client.body(by=None), client.body(by=None)
    later = body | {"modified": "2026-03-01T12:00:01.000Z"}
    client.do(clients.post, arrival(body, later, other), client.now)
    client.project()

    gone = arrival(kind="withdraw", id=body["id"], versions=body["modified"])
    client.do(clients.withdraw, gone, client.now)
    client.project()

    assert inbox(client) == [later, other]
    assert len(client.admitted()) == 3
    assert client.leaves(body["id"]) == ["admission", "admission", "withdrawn"]
    assert happened(client)[-1] == ("withdrawn", body["id"], {"client": "sensor"})


def test_what_bears_a_marking_nobody_understands_is_read_by_nobody(stage):
    strange = "marking-definition--00000000-0000-4000-8000-00000000dead"

    [copy] = stage.give(stage.body(by=US, level=None, object_marking_refs=[strange]))

    assert copy.level == UNRESOLVED
