"""What a decision is made from: all that counts, as it is here, and nothing that does not (border.md 2)."""

import json

import msgspec
import pytest

from mithaq.border import blocks, clients, peers, situation
from mithaq.border.agreements import terms_of
from mithaq.border.publish import publish
from mithaq.border.situation import candidates_of, gather, turns
from mithaq.clock import text
from mithaq.model.labels import FOOT, Beside, Tlp
from mithaq.model.markings import IEP_EXTENSION, classify, tlp_id
from mithaq.policy.agreement import Clause, Direction
from mithaq.policy.situation import Approval, Candidate, Consent, Peer, Person, Recall
from mithaq.seal.documents import Reader
from mithaq.store import consents, objects, parties, recalls, releases
from mithaq.store import parties as store
from mithaq.store.consents import ConsentRow
from mithaq.store.recalls import EVERY, OrderRow
from mithaq.store.releases import ApprovalRow
from mithaq.store.spool import Arrival
from tests.rooms.border.lies import ANOTHER, forum, sign_both, statement
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement, put, sealed
from tests.rooms.border.test_rupture import declare
from tests.values import replace

TEXTS = {PAIR: agreement(PAIR, US, B, clause=WIDE), FORUM: agreement(FORUM, US, B, C)}


def gathered(stage, *copies, under=PAIR, purpose="defence", terms=None):
    seqs = [copy.seq for copy in copies]
    return stage.ask(gather, stage.us, terms or TEXTS[under], seqs, purpose, stage.now)


def around(stage, *copies, **more):
    """The situation alone."""
    return gathered(stage, *copies, **more).situation


def seen(stage, copy):
    """A copy as it might leave, by its fields, without the object."""
    [candidate] = stage.ask(candidates_of, [copy.seq])
    assert candidate.object.raw == copy.object.raw
    return {
        name: getattr(candidate, name)
        for name in Candidate.__struct_fields__
        if name not in ("object", "key")
    }


def versions(stage, *levels, by=US, published=0, **more):
    """Versions of one object, one after the other; the first few are published as they come."""
    body = stage.body(by=by)
    made = []
    for number, level in enumerate(levels):
        at = f"2026-03-01T12:00:00.{number:03}Z"
        marked = {"object_marking_refs": [tlp_id(level)]}
        made += stage.give(body | marked | {"modified": at, "name": at}, **more)
        if number < published:
            stage.publish(made[-1])
    return made


def received(stage, body, channel=ANOTHER, **more):
    stage.admit(sealed(forum(), [put(body, **more)], stage.signer(B), channel=channel)[0])
    [copy] = [each for each in stage.admitted() if each.object.id == body["id"]]
    return copy


# --- candidates --------------------------------------------------------------------------------------
BARE = {
    "sent_by": "", "via": None, "via_agreement": "", "via_parties": frozenset(), "via_purposes": None,
    "onward": "none", "from_client": False, "relayed": False, "author": "", "beside": Beside(),
    "markings": {}, "readers": {}, "newest": True, "label_floor": FOOT, "lowers": False,
    "forged": False, "disowned": False, "benign": (),
}  # fmt: skip


def test_what_is_ours_came_under_no_terms(stage):
    [copy] = stage.give(stage.body(by=US), tlp=Tlp.AMBER, readers={B: ["r1", "r2"]})

    assert seen(stage, copy) == BARE | {
        "voucher": US, "own": True, "owner": US, "author": "ana", "beside": Beside(tlp=Tlp.AMBER),
        "readers": {B: frozenset({"r1", "r2"})},
    }  # fmt: skip


def test_what_came_under_an_agreement_goes_on_by_its_entry_and_that_agreements_text(stage):
    copy = received(stage, stage.body(level=Tlp.GREEN))

    assert seen(stage, copy) == BARE | {
        "voucher": B, "own": False, "owner": B, "sent_by": B, "via": frozenset({US, B, C}),
        "via_agreement": FORUM, "via_parties": frozenset({US, B, C}), "relayed": True,
        "via_purposes": frozenset({"defence"}), "onward": "scope",
    }  # fmt: skip


def test_what_a_source_gave_goes_on_by_the_terms_of_the_source(stage):
    terms = {"own": False, "community": frozenset({B}), "onward": "open"}
    [copy] = stage.give(stage.body(by=None), **terms)
    [mute] = stage.give(stage.body(by=None), own=False, source="file:other")

    carried = BARE | {"voucher": "file:report", "own": False, "owner": "", "author": "ana"}
    assert seen(stage, copy) == carried | {"via": frozenset({B}), "onward": "open"}
    assert seen(stage, mute) == carried | {"voucher": "file:other"}


def test_a_source_that_gives_other_terms_now_gives_them_for_what_it_gave_before(stage):
    [copy] = stage.give(stage.body(by=None), own=False)
    assert seen(stage, copy)["onward"] == "none"

    stage.give(stage.body(by=None), own=False, community=frozenset({B}), onward="open")

    found = seen(stage, copy)
    assert (found["onward"], found["via"]) == ("open", frozenset({B}))


def test_what_a_client_posted_is_known_for_that(stage):
    sensor = store.Peer(name="sensor", kind="client", state="confirmed", default_tlp="AMBER")
    stage.do(peers.add_client, sensor, stage.now, by="lena")
    raw = json.dumps({"objects": [stage.body(by=None, level=None)]}).encode()
    facts = {"shelf": "a" * 32, "status": "s" * 36, "at": "2026-03-01T12:00:00.000000Z"}
    arrival = Arrival(peer="sensor", kind="post", facts=facts, raw=raw, at=text(stage.now))
    stage.do(clients.post, arrival, stage.now)
    [copy] = stage.admitted()

    found = seen(stage, copy)

    assert (found["from_client"], found["relayed"], found["voucher"]) == (
        True,
        False,
        "client:sensor",
    )


def test_the_purposes_it_may_go_on_for_are_those_of_the_clauses_it_came_by(stage):
    def clause(id_, purpose, kinds=("*",), sender="*"):
        return Clause(
            id=id_, kinds=[*kinds], max_tlp="AMBER", purposes=[purpose, "defence"],
            direction=Direction(sender=sender),
        )  # fmt: skip

    named = [
        clause("a", "research", sender=[B]),
        clause("b", "exercise", kinds=("malware",)),
        clause("c", "warning", sender=[US]),
        clause("d", "response", kinds=("tool",)),
    ]
    side = agreement("side", US, B, clauses=named)
    sign_both(stage, side)
    body = stage.body(level=Tlp.GREEN)
    stage.admit(sealed(terms_of(side), [put(body)], stage.signer(B), channel=ANOTHER)[0])
    [copy] = stage.admitted()

    assert seen(stage, copy)["via_purposes"] == {"research", "response", "defence"}


def test_markings_mean_what_the_voucher_says_they_mean(stage):
    mark = statement(stage, by=US)
    stage.give(mark)
    [copy] = stage.give(stage.body(by=US, object_marking_refs=[mark["id"], tlp_id(Tlp.CLEAR)]))
    [other] = stage.give(stage.body(by=None), own=False)

    assert seen(stage, copy)["markings"].keys() == {mark["id"]}
    assert seen(stage, other)["markings"] == {}


# --- versions ----------------------------------------------------------------------------------------
def test_a_later_version_makes_one_the_newest_no_more_and_lifts_its_floor(stage):
    first, second, third = versions(stage, Tlp.GREEN, Tlp.AMBER, Tlp.CLEAR)

    floors = [seen(stage, copy)["label_floor"] for copy in (first, second, third)]

    assert [seen(stage, copy)["newest"] for copy in (first, second, third)] == [False, False, True]
    assert floors[0].tlp is Tlp.AMBER
    assert floors[1].tlp is Tlp.CLEAR
    assert floors[2] == FOOT


def lowers(stage, *copies):
    return [seen(stage, copy)["lowers"] for copy in copies]


def test_a_version_below_where_those_before_it_stood_lowers(stage):
    assert lowers(stage, *versions(stage, Tlp.GREEN, Tlp.AMBER, Tlp.GREEN, Tlp.CLEAR)) == [
        False, False, True, True,
    ]  # fmt: skip
    assert lowers(stage, *versions(stage, Tlp.CLEAR, Tlp.CLEAR, Tlp.GREEN)) == [False] * 3


def test_one_that_lowers_stands_for_its_level_only_once_a_second_person_let_it_go(stage):
    high, low, between = versions(stage, Tlp.AMBER, Tlp.CLEAR, Tlp.GREEN)
    assert lowers(stage, high, low, between) == [False, True, True]

    stage.do(releases.add_approval, approval(low))

    assert lowers(stage, high, low, between) == [False, True, False]


def test_only_what_is_ours_can_be_lowered_by_us(stage):
    carried = versions(stage, Tlp.AMBER, Tlp.CLEAR, by=None, own=False)

    assert lowers(stage, *carried) == [False, False]


def test_a_version_without_a_level_lowers_nothing_and_none_stands_below_it(stage):
    first, second, third = versions(stage, Tlp.AMBER, Tlp.AMBER, Tlp.AMBER)
    bare = stage.body(by=US, level=None)
    one, two = (stage.give(bare | {"modified": f"2026-03-01T12:00:00.00{n}Z"})[0] for n in range(2))

    assert lowers(stage, first, second, third, one, two) == [False] * 5


# --- peers -------------------------------------------------------------------------------------------
def test_peers_are_whom_we_have_confirmed_with_what_their_own_documents_say(stage, monkeypatch):
    for name, state in (("met", "met"), ("bare", "confirmed")):
        newcomer = store.Peer(name=name, kind="node", state=state, country="QX")
        stage.do(parties.put_peer, newcomer)
    for name, whose in (("sensor", US), ("guest", B)):
        client = store.Peer(
            name=name, kind="client", state="confirmed", country="QM", constituency_of=whose,
            need_to_know=name == "sensor",
        )  # fmt: skip
        stage.do(parties.put_peer, client)
    documents = {
        name: replace(
            stage.ask(peers.document_of, name),
            readers=[Reader(id=f"{name}-1", name="x", role="y")],
        )
        for name in (B, C)
    }
    monkeypatch.setattr(situation, "document_of", lambda _, name: documents.get(name))

    found = stage.ask(situation.peers, stage.us)

    nodes = {
        name: Peer(
            name=name, country=country, identities=frozenset(documents[name].identities),
            readers=frozenset({f"{name}-1"}),
        )
        for name, country in ((B, "QN"), (C, "QO"))
    }  # fmt: skip
    assert found == nodes | {
        "bare": Peer(name="bare", country="QX"),
        "sensor": Peer(
            name="sensor", country="QM", node=False, constituency_of=US, need_to_know=True
        ),
        "guest": Peer(name="guest", country="QM", node=False),
    }


# --- shelves -----------------------------------------------------------------------------------------
def test_what_stands_on_the_partys_shelves_counts_whatever_agreement_it_is_under(stage):
    """For two, what the other has by any agreement; for many, what they have by this one."""
    [target] = stage.give(stage.body(by=US))
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=[target.object.id]))
    stage.publish(target, agreement=FORUM)

    assert {(s.peer, s.agreement) for s in around(stage, note).shelves} == {(B, FORUM)}
    both = around(stage, note, under=FORUM).shelves
    assert {(s.peer, s.agreement) for s in both} == {(B, FORUM), (C, FORUM)}
    stage.publish(target)
    assert {(s.peer, s.agreement) for s in around(stage, note, under=FORUM).shelves} == {
        (B, FORUM), (C, FORUM),
    }  # fmt: skip
    assert gathered(stage, note).rows == {}


def test_a_row_is_what_stands_of_the_candidate_itself_under_this_agreement(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)
    stage.publish(copy)
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql(
            """UPDATE rows SET removed = '["/x","/y"]' WHERE agreement = ?""", (PAIR,)
        )

    made = gathered(stage, copy)

    [(at, row)] = made.rows.items()
    assert at == (B, copy.object.id, copy.object.version)
    assert (row.agreement, row.peer) == (PAIR, B)
    by_agreement = {each.agreement: each for each in made.situation.shelves}
    assert by_agreement[PAIR].removed == {"/x", "/y"}
    assert by_agreement[FORUM].removed == frozenset()
    assert by_agreement[PAIR].key == copy.seq
    assert by_agreement[PAIR].since == row.released_at
    assert by_agreement[PAIR].view == copy.object.digest


def test_the_bytes_of_a_view_are_there_where_a_later_version_must_differ_from_it(stage):
    first, second, third = versions(stage, Tlp.CLEAR, Tlp.CLEAR, Tlp.CLEAR, published=2)

    bodies = {each.version: each.body for each in around(stage, third, second).shelves}
    alone = {each.version: each.body for each in around(stage, first).shelves}

    assert bodies == {
        first.object.version: first.object.body,
        second.object.version: second.object.body,
    }
    assert alone == {first.object.version: first.object.body, second.object.version: {}}


def test_copies_that_stand_there_are_judged_beside_the_ones_asked_for_if_for_this_purpose(stage):
    first, second = versions(stage, Tlp.CLEAR, Tlp.CLEAR, published=1)
    for_research = (stage.us, "ana", [first.seq], FORUM, stage.now, "research")
    stage.do(publish, *for_research)  # under another agreement, which says nothing of this one

    def judged(**more):
        made = gathered(stage, second, **more)
        assert made.copies.keys() == {each.key for each in made.candidates}
        return made.copies.keys()

    assert judged() == {first.seq, second.seq}
    assert judged(purpose="research") == {second.seq}
    assert judged(under=FORUM) == {second.seq}


def test_what_a_forum_was_first_shown_is_kept_in_mind(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement=FORUM)

    [first] = around(stage, copy, under=FORUM).past

    assert (first.id, first.version, first.view) == (
        copy.object.id,
        copy.object.version,
        copy.object.digest,
    )


# --- what the other has ------------------------------------------------------------------------------
def test_what_a_party_sent_or_owns_it_knows(stage):
    theirs = received(stage, stage.body(level=Tlp.GREEN))
    [ours] = stage.give(stage.body(by=US))
    refs = [theirs.object.id, ours.object.id]
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=refs))

    pair, many = around(stage, note), around(stage, note, under=FORUM)

    assert pair.known[B] == {theirs.object.id}
    assert many.known == {}
    assert many.came == {name: {theirs.object.id} for name in (US, B, C)}


def test_what_came_for_its_sender_alone_the_others_do_not_have(stage):
    theirs = received(stage, stage.body(level=Tlp.GREEN), onward="none")
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=[theirs.object.id]))

    came = around(stage, note, under=FORUM).came
    assert {name: ids for name, ids in came.items() if name} == {B: {theirs.object.id}}


def test_public_sets_are_had_by_everybody(stage):
    named = [stage.body("attack-pattern", by=None, level=Tlp.CLEAR) for _ in range(2)]
    stage.give(named[0], own=False, source="file:public", reference=True)
    stage.give(named[1], own=False, source="file:private")
    refs = [each["id"] for each in named]
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=refs))

    assert around(stage, note).reference_ids == {named[0]["id"]}


def test_without_public_sets_nothing_is_had_by_everybody(stage):
    named = stage.body("attack-pattern", by=None, level=Tlp.CLEAR)
    stage.give(named, own=False, source="file:private")
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=[named["id"]]))

    assert around(stage, note).reference_ids == frozenset()


# --- what persons and owners said --------------------------------------------------------------------
def approval(copy, approver="mona", **more):
    fields = {
        "copy": copy.seq, "agreement": PAIR, "agreement_digest": "sha256:x", "view": copy.object.digest,
        "removed": "[]", "peers": f"{B},{C}", "proposer": "ana", "approver": approver,
        "envelope": b"{}", "at": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    return ApprovalRow(**fields | more)


def test_an_approval_counts_if_who_gave_it_is_known_here(stage):
    stage.enrol("mona", clearance="AMBER")
    one, other = stage.give(stage.body(by=US), stage.body(by=US))
    stage.do(releases.add_approval, approval(one))
    stage.do(releases.add_approval, approval(one, view="sha256:y", standing=4))
    stage.do(releases.add_approval, approval(one, approver="stranger"))
    stage.do(releases.add_approval, approval(other))

    mona = Person(name="mona", roles=frozenset({"duty-officer"}), clearance=Tlp.AMBER)
    given = Approval(
        key=one.seq, agreement_digest="sha256:x", peers=frozenset({B, C}), view=one.object.digest,
        proposer="ana", approver=mona,
    )  # fmt: skip
    assert set(around(stage, one).approvals) == {
        given,
        replace(given, view="sha256:y", standing=True),
    }


def consent(copy, **more):
    fields = {
        "owner": B, "asker": US, "recipient": C, "id": copy.object.id, "version": copy.object.version,
        "digest": copy.object.digest, "purpose": "research", "state": "given",
        "asked_at": "2026-03-01T12:00:00.000Z", "at": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    return ConsentRow(**fields | more)


def test_consents_to_us_about_these_very_bytes_count(stage):
    copy = received(stage, stage.body(level=Tlp.AMBER))
    assert around(stage, copy, under=FORUM).consents == ()
    for row in (
        consent(copy),
        consent(copy, recipient="delia", state="asked"),
        consent(copy, recipient="edda", state="refused"),
        consent(copy, recipient="fay", asker=C),
        consent(copy, recipient="gerd", digest="sha256:other"),
        consent(copy, recipient="hal", version="2026-03-01T12:00:01.000Z"),
    ):
        stage.do(consents.put, row)

    assert around(stage, copy, under=FORUM).consents == (
        Consent(
            by=B, id=copy.object.id, version=copy.object.version, recipient=C, purpose="research"
        ),
    )


def order(id_, **more):
    fields = {
        "name": "a" * 32, "agreement": FORUM, "by": C, "id": id_, "version": EVERY, "cause": "wrong",
        "basis": "", "issued": "2026-03-01T12:00:00.000Z", "deadline": "2026-03-02T12:00:00.000Z",
        "envelope": b"{}", "at": "2026-03-01T12:00:00.000Z",
    }  # fmt: skip
    return OrderRow(**fields | more)


def test_recalls_of_a_candidate_and_of_what_it_names_count(stage, monkeypatch):
    [target] = stage.give(stage.body(by=US))
    [note] = stage.give(stage.body("note", by=US, content="x", object_refs=[target.object.id]))
    version = note.object.version
    monkeypatch.setattr(situation, "reaches", lambda row, sender: row.sent_by != B or sender != "")
    for row in (
        order(note.object.id, sent_by=C),
        order(
            target.object.id, name="b" * 32, version=version, view="sha256:v", peers=f"{B},{C}",
            sent_by=B,
        ),
        order(stage.body()["id"], name="c" * 32),
    ):  # fmt: skip
        stage.do(recalls.give, row)

    issued = "2026-03-01T12:00:00.000Z"
    assert set(around(stage, note).recalls) == {
        Recall(by=C, id=note.object.id, version=None, issued=issued, agreement=FORUM),
        Recall(
            by=C, id=target.object.id, version=version, issued=issued, agreement=FORUM,
            view="sha256:v", peers=frozenset({B, C}), brought_by=B,
        ),
    }  # fmt: skip


def test_blocks_purpose_and_who_we_are_are_part_of_it(stage):
    [copy] = stage.give(stage.body(by=US))
    declare(stage, C)

    found = around(stage, copy, purpose="warning")

    assert found.blocks == stage.ask(blocks.standing, stage.us)
    assert len(found.blocks) == 1
    assert (found.us, found.country, found.purpose) == (US, "QM", "warning")
    assert found.identities == {stage.identity(US)}
    assert stage.ask(situation._identities, "nobody") == ()


# --- time --------------------------------------------------------------------------------------------
LATER, LAST = "2026-04-01T00:00:00.000Z", "2026-05-01T00:00:00.000Z"


def test_embargoes_and_expiries_turn_whatever_bears_them(stage):
    [plain] = stage.give(stage.body(by=US))
    [held] = stage.give(stage.body(by=US))
    stage.do(objects.set_beside, held.seq, Beside(embargo=LATER, expiry=LAST), 1)
    known = {}

    found = [turns(c, known) for c in stage.ask(candidates_of, [plain.seq, held.seq, plain.seq])]

    assert found == [set(), {LATER, LAST}]
    assert len(known) == 2


def test_a_floor_from_a_later_version_turns_too(stage):
    first, second = versions(stage, Tlp.CLEAR, Tlp.CLEAR)
    stage.do(objects.set_beside, second.seq, Beside(embargo=LATER), 1)

    [candidate] = stage.ask(candidates_of, [first.seq])

    assert turns(candidate, {}) == {LATER}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_markings_on_a_path_turn_as_those_on_the_whole_and_turn_nothing_beside_it(stage, order):
    id_ = "marking-definition--00000000-0000-4000-8000-0000000000aa"
    marked = {"granular_markings": [{"marking_ref": id_, "selectors": ["name"]}]}
    given = stage.give(stage.body(by=US), stage.body(by=US) | marked)
    shared, known = {"markings": {id_: classify(_until(id_))}, "beside": Beside()}, {}
    by_key = {c.key: c for c in stage.ask(candidates_of, [copy.seq for copy in given])}

    found = {
        at: turns(msgspec.structs.replace(by_key[given[at].seq], **shared), known) for at in order
    }

    assert found == {0: set(), 1: {LATER}}


def _until(id_):
    terms = {"extension_type": "property-extension", "start_date": LATER}
    return {
        "type": "marking-definition", "spec_version": "2.1", "id": id_,
        "created": "2026-03-01T12:00:00.000Z", "extensions": {IEP_EXTENSION: terms},
    }  # fmt: skip


def test_whether_something_is_harmless_is_asked_for_a_decision_alone(stage):
    pattern = {"pattern": "[ipv4-addr:value = '10.0.0.7']", "pattern_type": "stix"}
    [copy] = stage.give(
        stage.body("indicator", by=US, valid_from="2026-01-01T00:00:00.000Z", **pattern)
    )

    assert stage.ask(candidates_of, [copy.seq])[0].benign == ()
    [judged] = gathered(stage, copy).candidates
    assert judged.benign == ("reserved",)
