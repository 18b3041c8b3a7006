"""Cases that need telling: what waits, what was shown first, and who decides for whom in an agreement of many."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from mithaq.model.labels import Beside, Label, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.policy.agreement import PURPOSES, Agreement, digest_of
from mithaq.policy.decide import decide
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, Withhold
from mithaq.policy.emission import NOBODY, Emission
from mithaq.policy.receive import against_receiving
from mithaq.policy.situation import (
    Approval,
    Candidate,
    Consent,
    Peer,
    Person,
    Recall,
    Situation,
    Standing,
)
from tests.unit.policy.world_objects import IDENTITIES, NOW, VERSIONS, named
from tests.unit.policy.worlds import Instants
from tests.values import replace

FIRST, SECOND = named("indicator", 1), named("indicator", 2)
PATTERN = {"pattern": "[ipv4-addr:value = '192.0.2.1']", "pattern_type": "stix", "valid_from": NOW}


def pact(*peers: str, clauses: list[dict[str, Any]] | None = None) -> Agreement:
    names = ("aurelia", *peers)
    document = {
        "id": "pact",
        "version": 1,
        "title": "",
        "kind": "forum" if len(peers) > 1 else "bilateral",
        "parties": [{"name": n, "country": "XA", "organisation": n} for n in names],
        "clauses": clauses or [clause("all")],
        "start": VERSIONS[0],
    }
    return msgspec.convert(document, Agreement)


def clause(id_: str, **terms: Any) -> dict[str, Any]:
    levels = {"max_tlp": "AMBER", "named_levels": ["AMBER+STRICT"]}
    return {"id": id_, "kinds": ["*"]} | levels | terms


def ours(id_: str, level: Tlp, **properties: Any) -> Candidate:
    body = {
        "type": "indicator", "spec_version": "2.1", "id": id_, "created": VERSIONS[0],
        "modified": VERSIONS[0], "object_marking_refs": [tlp_id(level)],
    }  # fmt: skip
    return Candidate(
        key=id_, object=from_body(body | PATTERN | properties), voucher="aurelia", own=True, owner="aurelia"
    )  # fmt: skip


def around(agreement: Agreement, **what: Any) -> Situation:
    peers = {
        n: Peer(name=n, country="XB", identities=frozenset({IDENTITIES[n]}))
        for n in agreement.names[1:]
    }
    return Situation(
        us="aurelia", country="XA", identities=frozenset(), peers=peers, purpose="defence",
        instants=Instants(opens=NOW, closes=NOW), markings={}, **what,
    )  # fmt: skip


def approval(agreement: Agreement, candidate: Candidate, view: str, *peers: str) -> Approval:
    return Approval(
        key=candidate.key,
        agreement_digest=digest_of(agreement),
        peers=frozenset(peers),
        view=view,
        proposer="amal",
        approver=Person(name="bashir", clearance=Tlp.RED),
    )


def row(candidate: Candidate, decision: Decision, peer: str) -> Standing:
    assert isinstance(decision, Release)
    return Standing(
        peer=peer, agreement="pact", key=candidate.key, id=candidate.object.id,
        version=candidate.object.version, view=decision.view.digest,
        removed=frozenset(decision.view.removed), since=NOW, body=decision.view.body,
    )  # fmt: skip


def rules(decision: Decision) -> set[Rule]:
    assert isinstance(decision, Withhold)
    return {reason.rule for reason in decision.reasons}


def decided(
    situation: Situation, agreement: Agreement, candidates: Iterable[Candidate]
) -> dict[tuple[str, object], Decision]:
    return dict(decide(situation, agreement, list(candidates)))


def test_what_was_approved_without_a_held_neighbour_goes_without_it():
    """Both wait at first, and what a person saw of one lacked the other; its approval must not be lost."""
    agreement = pact("borea", clauses=[clause("all", onward="scope")])
    one = ours(FIRST, Tlp.AMBER_STRICT, x_seen_ref=SECOND)
    other = ours(SECOND, Tlp.AMBER_STRICT)
    held = decided(around(agreement), agreement, [one, other])["borea", FIRST]
    assert isinstance(held, Hold)
    assert held.view.removed == ("/x_seen_ref",)
    yes = approval(agreement, one, held.view.digest, "borea")

    found = decided(around(agreement, approvals=(yes,)), agreement, [one, other])

    assert found["borea", FIRST] == Release(view=held.view, clause="all", onward="scope")
    assert isinstance(found["borea", SECOND], Hold)


def test_who_was_not_approved_waits_for_the_view_that_the_others_have():
    agreement = pact("borea", "corvia")
    one = ours(FIRST, Tlp.AMBER_STRICT)
    yes = approval(agreement, one, one.object.digest, "borea")

    found = decided(around(agreement, approvals=(yes,)), agreement, [one])

    released, held = found["borea", FIRST], found["corvia", FIRST]
    assert isinstance(released, Release)
    assert isinstance(held, Hold)
    assert held.view == released.view


def test_a_newcomer_gets_what_the_others_were_shown_or_nothing():
    """Corvia lacks a target that Borea's view shows; another view is not made for it (border.md 1.7, 5.3)."""
    agreement = pact("borea", "corvia")
    target = ours(SECOND, Tlp.GREEN)
    one = ours(FIRST, Tlp.GREEN, x_seen_ref=SECOND)
    both = decided(around(agreement), agreement, [one, target])
    shown = row(one, both["borea", FIRST], "borea")
    recall = Recall(by="aurelia", id=SECOND, version=None, issued=NOW, peers=frozenset({"corvia"}))
    situation = around(agreement, shelves=(shown,), recalls=(recall,))

    found = decided(situation, agreement, [one, target])

    assert isinstance(found["borea", FIRST], Release)
    assert found["corvia", FIRST] == Withhold(
        reasons=(
            Reason(
                rule=Rule.FIRST_VIEW, clause="all", facts={"because": "target", "target": SECOND}
            ),
        )
    )


def test_a_first_view_binds_until_a_recall_names_it():
    """A narrower view of the same version follows only when the wider one is called back (border.md 5.3, 7.1)."""
    agreement = pact("borea", "corvia")
    one = ours(FIRST, Tlp.GREEN, description="text")
    wide = decided(around(agreement), agreement, [one])
    rows = tuple(row(one, wide[peer, FIRST], peer) for peer in ("borea", "corvia"))
    narrow = pact("borea", "corvia", clauses=[clause("narrow", keep={"indicator": list(PATTERN)})])

    bound = decided(around(narrow, shelves=rows), narrow, [one])
    recall = Recall(by="aurelia", id=FIRST, version=VERSIONS[0], issued=NOW, view=rows[0].view)
    freed = decided(around(narrow, past=rows, recalls=(recall,)), narrow, [one])

    assert rules(bound["borea", FIRST]) == {Rule.FIRST_VIEW}
    assert isinstance(freed["borea", FIRST], Release)
    assert freed["borea", FIRST].view.removed == ("/description",)


def test_a_reference_to_what_its_owner_recalled_dangles_even_towards_that_owner():
    """Ours that named it no longer does: the owner is not told what we still hold (border.md 7.4)."""
    agreement = pact("borea")
    theirs = replace(ours(SECOND, Tlp.GREEN), own=False, owner="borea", voucher="borea")
    one = ours(FIRST, Tlp.GREEN, x_seen_ref=SECOND)
    known = {"borea": frozenset({SECOND})}
    recall = Recall(by="borea", id=SECOND, version=None, issued=NOW)

    before = decided(around(agreement, known=known), agreement, [one, theirs])
    after = decided(around(agreement, known=known, recalls=(recall,)), agreement, [one, theirs])

    assert before["borea", FIRST].view.removed == ()
    assert after["borea", FIRST].view.removed == ("/x_seen_ref",)


def test_two_clauses_that_cut_alike_serve_their_own_directions():
    to = [clause("b", direction={"to": ["borea"]}), clause("c", direction={"to": ["corvia"]})]
    agreement = pact("borea", "corvia", clauses=to)

    found = decided(around(agreement), agreement, [ours(FIRST, Tlp.GREEN)])

    assert [found[peer, FIRST].clause for peer in ("borea", "corvia")] == ["b", "c"]


def test_a_clause_that_would_cut_otherwise_than_the_first_gives_nothing():
    cut = {"keep": {"indicator": list(PATTERN)}, "direction": {"to": ["corvia"]}}
    to = [clause("b", direction={"to": ["borea"]}), clause("c", **cut)]
    agreement = pact("borea", "corvia", clauses=to)

    found = decided(around(agreement), agreement, [ours(FIRST, Tlp.GREEN, description="text")])

    assert isinstance(found["borea", FIRST], Release)
    facts = {"because": "one-view", "first": "b"}
    assert found["corvia", FIRST].reasons[0] == Reason(rule=Rule.NO_CLAUSE, clause="c", facts=facts)


def test_whom_it_cannot_go_to_anyway_has_no_say_in_how_it_is_cut():
    """Borea owns it; the clause for Borea would show all of it, the one for Corvia a part."""
    cut = {"keep": {"indicator": list(PATTERN)}, "direction": {"to": ["corvia"]}}
    to = [clause("b", direction={"to": ["borea"]}), clause("c", **cut)]
    agreement = pact("borea", "corvia", clauses=to)
    theirs = replace(ours(FIRST, Tlp.CLEAR, description="text"), own=False, owner="borea")

    found = decided(around(agreement), agreement, [replace(theirs, voucher="feed")])

    assert Rule.ECHO in rules(found["borea", FIRST])
    assert found["corvia", FIRST].view.removed == ("/description",)


def test_a_marking_on_a_part_can_forbid_the_whole_by_what_the_peer_lacks():
    """An embargo or readers on a path that stays withhold the object, never the path (border.md 2.6)."""
    agreement = pact("borea", clauses=[clause("all", named_levels=["AMBER+STRICT", "RED"])])
    red = [{"marking_ref": tlp_id(Tlp.RED), "selectors": ["description"]}]
    one = ours(FIRST, Tlp.GREEN, description="text", granular_markings=red)

    found = decided(around(agreement), agreement, [one])["borea", FIRST]

    assert rules(found) == {Rule.READERS}


def two_versions(**later: Any) -> tuple[Candidate, Candidate]:
    old = replace(ours(FIRST, Tlp.GREEN), key="old", newest=False)
    new = replace(ours(FIRST, Tlp.GREEN, modified=VERSIONS[1], name="new", **later), key="new")
    return old, new


def latest(agreement: Agreement) -> Agreement:
    return msgspec.structs.replace(agreement, versions="latest")


def test_where_the_latest_alone_is_shown_the_older_leaves_once_the_newer_goes():
    agreement = pact("borea")
    old, new = two_versions()
    shown = row(
        old,
        decided(around(agreement), agreement, [replace(old, newest=True)])["borea", "old"],
        "borea",
    )
    stands = around(agreement, shelves=(shown,))

    both = decided(stands, agreement, [old, new])

    assert [type(both["borea", key]) for key in ("old", "new")] == [Release, Release]
    for given in ([old, new], [new, old]):
        one = decided(stands, latest(agreement), given)
        assert isinstance(one["borea", "new"], Release)
        assert one["borea", "old"] == Withhold(
            reasons=(Reason(rule=Rule.SUPERSEDED, facts={"by": VERSIONS[1]}),)
        )


def test_an_older_version_stays_where_the_newer_does_not_go_or_is_anothers():
    agreement = latest(pact("borea"))
    old, new = two_versions()
    shown = row(
        old,
        decided(around(agreement), agreement, [replace(old, newest=True)])["borea", "old"],
        "borea",
    )
    stands = around(agreement, shelves=(shown,))
    hidden = replace(new, beside=Beside(tlp=Tlp.RED))
    anothers = replace(new, voucher="feed", own=False, owner="")

    assert isinstance(decided(stands, agreement, [old, hidden])["borea", "old"], Release)
    assert isinstance(decided(stands, agreement, [old, anothers])["borea", "old"], Release)


def test_who_still_has_the_older_and_who_has_the_newer_is_decided_one_by_one():
    """Corvia gets the newer and loses the older; Borea may not have the newer and keeps what it has."""
    to = [clause("all", named_levels=[])]
    agreement = latest(pact("borea", "corvia", clauses=to))
    old, new = two_versions()
    first = decided(around(agreement), agreement, [replace(old, newest=True)])
    rows = tuple(row(old, first[peer, "old"], peer) for peer in ("borea", "corvia"))
    new = replace(new, beside=Beside(releasable_to=frozenset({"corvia"})))

    found = decided(around(agreement, shelves=rows), agreement, [old, new])

    assert isinstance(found["borea", "old"], Release)
    assert Rule.RELEASABLE_TO in rules(found["borea", "new"])
    assert rules(found["corvia", "old"]) == {Rule.SUPERSEDED}
    assert isinstance(found["corvia", "new"], Release)


def test_what_the_older_alone_carried_goes_with_it():
    """A report that refers to the older version only through its id stays: the newer one has that id too."""
    agreement = latest(pact("borea"))
    old, new = two_versions()
    shown = row(
        old,
        decided(around(agreement), agreement, [replace(old, newest=True)])["borea", "old"],
        "borea",
    )
    naming = ours(SECOND, Tlp.GREEN, x_seen_ref=FIRST)

    found = decided(around(agreement, shelves=(shown,)), agreement, [old, new, naming])

    assert found["borea", SECOND].view.removed == ()


def test_what_goes_and_what_waits_bear_what_their_clause_says_of_passing_on():
    agreement = pact("borea", clauses=[clause("all", onward="scope")])
    open_, strict = ours(FIRST, Tlp.GREEN), ours(SECOND, Tlp.AMBER_STRICT)

    found = decided(around(agreement), agreement, [open_, strict])

    assert (found["borea", FIRST].onward, found["borea", FIRST].clause) == ("scope", "all")
    held = found["borea", SECOND]
    assert isinstance(held, Hold)
    assert (held.onward, held.clause) == ("scope", "all")
    assert held.reasons == (
        Reason(
            rule=Rule.SECOND_PERSON, clause="all", facts={"because": "level", "is": "AMBER+STRICT"}
        ),
    )


def test_a_peer_that_is_not_known_here_is_decided_nothing_for():
    agreement = pact("borea", "corvia")
    alone = around(agreement)
    alone = replace(alone, peers={"corvia": alone.peers["corvia"]})

    assert set(decided(alone, agreement, [ours(FIRST, Tlp.GREEN)])) == {("corvia", FIRST)}


def test_a_shadow_agreement_decides_and_says_what_would_go():
    agreement = msgspec.structs.replace(pact("borea"), shadow=True)

    found = decided(around(agreement), agreement, [ours(FIRST, Tlp.GREEN), ours(SECOND, Tlp.RED)])

    assert rules(found["borea", FIRST]) == {Rule.SHADOW}
    assert isinstance(found["borea", FIRST].would, Release)
    assert found["borea", SECOND].would is None


def thing(kind: str, number: int, level: Tlp = Tlp.GREEN, **properties: Any) -> Candidate:
    id_ = named(kind, number)
    body = {"type": kind, "spec_version": "2.1", "id": id_, "object_marking_refs": [tlp_id(level)]}
    timed = {"created": VERSIONS[0], "modified": VERSIONS[0]}
    observed = kind in {"file", "directory", "ipv4-addr", "domain-name"}
    made = from_body(body | ({} if observed else timed) | properties)
    return Candidate(key=id_, object=made, voucher="aurelia", own=True, owner="aurelia")


def test_a_yes_given_beforehand_reaches_neither_red_nor_a_lowered_marking_nor_a_state():
    """A standing yes is a second person's for what is AMBER+STRICT, and nobody's for what is graver (2.8, 2.10)."""
    agreement = pact("borea", clauses=[clause("all", named_levels=["AMBER+STRICT", "RED"])])
    readers = {"borea": frozenset({"r1"})}
    strict, red = ours(FIRST, Tlp.AMBER_STRICT), replace(ours(SECOND, Tlp.RED), readers=readers)
    lowered = replace(thing("tool", 42, name="x"), lowers=True)
    named = thing("threat-actor", 43, name="x", country="XC")
    candidates = [strict, red, lowered, named]

    def outcomes(*, standing: bool) -> list[type]:
        given = tuple(
            replace(
                approval(agreement, c, c.object.digest, "borea"),
                standing=standing,
                approver=Person(name="b", roles=frozenset({"policy-owner"}), clearance=Tlp.RED),
            )
            for c in candidates
        )
        situation = around(agreement, approvals=given)
        reader = replace(situation.peers["borea"], readers=frozenset({"r1"}))
        found = decided(replace(situation, peers={"borea": reader}), agreement, candidates)
        return [type(found["borea", c.key]) for c in candidates]

    assert outcomes(standing=False) == [Release] * 4
    assert outcomes(standing=True) == [Release, Hold, Hold, Hold]


def test_what_lacks_a_target_takes_along_what_cannot_do_without_it_however_long_the_chain():
    """A file in a folder that holds a file that may not go: an observable goes whole or not at all (border.md 1.4)."""
    agreement = pact("borea")
    secret = thing("file", 20, Tlp.RED, name="secret")
    folder = thing("directory", 21, path="/x", contains_refs=[secret.object.id])
    inside = thing("file", 22, name="plain", parent_directory_ref=folder.object.id)
    outside = thing(
        "file",
        23,
        name="link",
        parent_directory_ref=folder.object.id,
        contains_refs=[inside.object.id],
    )
    chain = [secret, folder, inside, outside]

    for given in (chain, chain[::-1], [inside, secret, outside, folder]):
        found = decided(around(agreement), agreement, given)
        for one, target in ((folder, secret), (inside, folder)):
            assert found["borea", one.key] == Withhold(
                reasons=(
                    Reason(
                        rule=Rule.SCO_PARTIAL, clause="all",
                        facts={"because": "target", "target": target.object.id},
                    ),
                )
            )  # fmt: skip
        assert {r.facts["target"] for r in found["borea", outside.key].reasons} == {
            folder.object.id,
            inside.object.id,
        }


def actor(**more: Any) -> Candidate:
    return thing("threat-actor", 24, name="somebody", country="XC", **more)


def test_a_version_whose_only_news_is_a_reference_that_falls_late_stays():
    """The actor falls once its view is looked at, the sighting with it, and then what referred to that (1.9, 2.5)."""
    agreement = pact("borea", clauses=[clause("all", attribution="withhold")])
    before = ours(FIRST, Tlp.GREEN)
    shown = row(before, decided(around(agreement), agreement, [before])["borea", FIRST], "borea")
    seen = thing("sighting", 25, sighting_of_ref=actor().object.id)
    after = replace(
        ours(FIRST, Tlp.GREEN, modified=VERSIONS[1], x_seen_ref=seen.object.id), key="after"
    )

    found = decided(around(agreement, shelves=(shown,)), agreement, [after, seen, actor()])

    assert rules(found["borea", actor().key]) == {Rule.ATTRIBUTION}
    assert rules(found["borea", seen.key]) == {Rule.REFERENCE_REQUIRED}
    assert found["borea", "after"] == Withhold(
        reasons=(Reason(rule=Rule.SILENT_VERSION, facts={"since": VERSIONS[0]}),)
    )


def test_a_list_that_must_hold_something_lets_go_of_what_falls_until_nothing_is_left():
    agreement = pact("borea")
    one, other = thing("tool", 26, name="a"), thing("tool", 27, Tlp.RED, name="b")
    refs = [one.object.id, other.object.id]
    note = thing("note", 28, content="x", object_refs=refs)
    empty = thing("note", 29, content="x", object_refs=[other.object.id])

    found = decided(around(agreement), agreement, [one, other, note, empty])

    assert found["borea", note.key].view.body["object_refs"] == [one.object.id]
    assert found["borea", empty.key] == Withhold(
        reasons=(
            Reason(rule=Rule.REFERENCE_REQUIRED, clause="all", facts={"target": other.object.id}),
        )
    )


def test_reasons_name_each_missing_target_once_in_order_and_eight_at_most():
    agreement = pact("borea")
    numbers = [*range(30, 40)]
    gone = [named("tool", number) for number in numbers]
    note = thing("note", 41, content="x", object_refs=[*gone[::-1]])

    found = decided(around(agreement), agreement, [note])["borea", note.key]

    assert [r.facts["target"] for r in found.reasons] == gone[:8]


def test_a_required_target_that_others_have_lets_it_go_to_these_alone():
    """In an agreement of many a required reference narrows the audience, an optional one is cut for all (2.5)."""
    agreement = pact("borea", "corvia")
    target = replace(thing("tool", 26, name="a"), beside=Beside(releasable_to=frozenset({"borea"})))
    seen = thing("sighting", 25, sighting_of_ref=target.object.id)
    about = ours(FIRST, Tlp.GREEN, x_seen_ref=target.object.id)

    found = decided(around(agreement), agreement, [target, seen, about])

    assert isinstance(found["borea", seen.key], Release)
    assert rules(found["corvia", seen.key]) == {Rule.REFERENCE_REQUIRED}
    assert found["borea", FIRST].view.removed == ("/x_seen_ref",)
    assert found["corvia", FIRST].view == found["borea", FIRST].view


def test_what_waits_for_a_person_is_withheld_once_it_lacks_what_it_needs():
    """The sighting would wait for a person; but the actor it needs waits too, and so is not there (2.5)."""
    agreement = pact("borea")
    target = thing("tool", 26, Tlp.AMBER_STRICT, name="a")
    seen = thing("sighting", 25, Tlp.AMBER_STRICT, sighting_of_ref=target.object.id)

    found = decided(around(agreement), agreement, [target, seen])

    assert isinstance(found["borea", target.key], Hold)
    assert found["borea", seen.key] == Withhold(
        reasons=(
            Reason(rule=Rule.REFERENCE_REQUIRED, clause="all", facts={"target": target.object.id}),
        )
    )


def test_who_waits_for_a_person_waits_for_a_view_that_is_fit_for_it():
    """Without the target that waits as well, the new version would say nothing new: it is withheld (1.9)."""
    agreement = pact("borea")
    before = ours(FIRST, Tlp.AMBER_STRICT)
    yes = approval(agreement, before, before.object.digest, "borea")
    first = decided(around(agreement, approvals=(yes,)), agreement, [before])["borea", FIRST]
    shown = row(before, first, "borea")
    target = thing("tool", 26, Tlp.AMBER_STRICT, name="a")
    after = replace(
        ours(FIRST, Tlp.AMBER_STRICT, modified=VERSIONS[1], x_seen_ref=target.object.id),
        key="after",
    )

    found = decided(around(agreement, shelves=(shown,)), agreement, [after, target])

    assert isinstance(found["borea", target.key], Hold)
    assert rules(found["borea", "after"]) == {Rule.SILENT_VERSION}


# --- the receiver's side of a clause --------------------------------------------------------------------


def came(agreement: Agreement, label: Label, sender: str = "borea") -> Reason | None:
    us = Peer(name="aurelia", country="XA")
    seen = ours(FIRST, Tlp.GREEN).object
    return against_receiving(agreement, (sender, us), seen, label, Instants(opens=NOW, closes=NOW))


def test_a_receiver_takes_what_some_clause_lets_the_sender_send():
    agreement = pact("borea", clauses=[clause("all", purposes=["exercise"])])

    assert came(agreement, Label(tlp=Tlp.AMBER)) is None
    assert came(agreement, Label()) is None


def test_a_receiver_refuses_what_no_clause_lets_the_sender_send():
    one_way = pact("borea", clauses=[clause("out", direction={"from": ["aurelia"]})])
    unread = Label(tlp=Tlp.GREEN, unresolved=frozenset({"marking-definition--x"}))

    assert came(pact("borea"), Label(tlp=Tlp.RED)).facts["because"] == "level"
    assert came(one_way, Label(tlp=Tlp.GREEN)).facts["because"] == "direction"
    assert came(pact("borea"), unread).rule is Rule.MARKING_UNKNOWN


# --- purposes (border.md 2.1, 2.7): the purpose named is judged, and judicial use is denied unless stated ---
def judged(candidate: Candidate, purpose: str, *purposes: str, **what: Any) -> Decision:
    agreement = pact("borea", clauses=[clause("all", purposes=list(purposes))])
    situation = replace(around(agreement, **what), purpose=purpose)
    [decision] = decide(situation, agreement, [candidate]).values()
    return decision


def theirs(level: Tlp, **more: Any) -> Candidate:
    mine = ours(FIRST, level)
    return replace(mine, own=False, owner="corvia", voucher="corvia", sent_by="corvia", **more)


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("named_", PURPOSES)
def test_a_release_is_for_a_purpose_that_the_clause_names_or_for_none(purpose, named_):
    decision = judged(ours(FIRST, Tlp.GREEN), purpose, named_)

    assert isinstance(decision, Release) == (purpose == named_)


@pytest.mark.parametrize(
    ("given_for", "purpose", "goes"),
    [
        (None, "defence", True),
        (None, "judicial", False),
        (frozenset({"defence"}), "defence", True),
        (frozenset({"defence"}), "exercise", False),
        (frozenset({"defence"}), "judicial", False),
        (frozenset({"judicial"}), "judicial", True),
        (frozenset(), "defence", False),
    ],
)
def test_what_came_is_passed_on_for_what_it_was_given_for(given_for, purpose, goes):
    decision = judged(theirs(Tlp.CLEAR, via_purposes=given_for), purpose, *PURPOSES)

    assert isinstance(decision, Release) == goes
    if not goes:
        assert isinstance(decision, Withhold)
        assert {reason.rule for reason in decision.reasons} == {Rule.PURPOSE}


@pytest.mark.parametrize("consented", ["judicial", "defence"])
def test_an_owners_consent_is_for_the_purpose_that_it_names(consented):
    yes = Consent(by="corvia", id=FIRST, version=VERSIONS[0], recipient="borea", purpose=consented)
    candidate = theirs(Tlp.AMBER, via_purposes=frozenset({"defence"}))

    decision = judged(candidate, "judicial", *PURPOSES, consents=(yes,))

    assert isinstance(decision, Release) == (consented == "judicial")


def test_what_was_approved_for_one_grows_by_nothing_while_another_waits():
    """Corvia lacks the target, so the view for both lacks it too; as Corvia waits, Borea's must not gain it unseen."""
    agreement = pact("borea", "corvia")
    one = ours(FIRST, Tlp.AMBER_STRICT, x_seen_ref=SECOND)
    other = replace(ours(SECOND, Tlp.GREEN), beside=Beside(releasable_to=frozenset({"borea"})))
    held = decided(around(agreement), agreement, [one, other])["borea", FIRST]
    assert isinstance(held, Hold)
    assert held.view.removed == ("/x_seen_ref",)
    yes = approval(agreement, one, held.view.digest, "borea")

    found = decided(around(agreement, approvals=(yes,)), agreement, [one, other])

    assert found["borea", FIRST] == Release(view=held.view, clause="all")
    assert found["corvia", FIRST] == held


def test_who_waits_does_not_wait_for_another_view_than_the_one_that_goes():
    """Borea has the target and may see both views; Corvia lacks it, and no view of its own is made (border.md 1.7)."""
    agreement = pact("borea", "corvia")
    one = ours(FIRST, Tlp.AMBER_STRICT, x_seen_ref=SECOND)
    other = replace(ours(SECOND, Tlp.GREEN), beside=Beside(releasable_to=frozenset({"borea"})))
    cut = decided(around(agreement), agreement, [one, other])["borea", FIRST].view.digest
    yes = tuple(approval(agreement, one, view, "borea") for view in (cut, one.object.digest))

    found = decided(around(agreement, approvals=yes), agreement, [one, other])

    assert found["borea", FIRST].view.removed == ()
    assert rules(found["corvia", FIRST]) == {Rule.FIRST_VIEW}


def test_a_version_stays_as_it_was_first_shown_though_its_target_goes_by_now_or_never():
    agreement = pact("borea", "corvia")
    target, one = ours(SECOND, Tlp.GREEN), ours(FIRST, Tlp.GREEN, x_seen_ref=SECOND)
    alone = decided(around(agreement), agreement, [one])
    stands = around(agreement, shelves=(row(one, alone["borea", FIRST], "borea"),))

    for given in ([one], [one, target]):
        found = decided(stands, agreement, given)
        for peer in ("borea", "corvia"):
            assert found[peer, FIRST] == alone["borea", FIRST]
            assert found[peer, FIRST].view.removed == ("/x_seen_ref",)


def test_the_older_leaves_from_everybody_who_gets_the_newer():
    agreement = latest(pact("borea", "corvia"))
    old, new = two_versions()
    first = decided(around(agreement), agreement, [replace(old, newest=True)])
    rows = tuple(row(old, first[peer, "old"], peer) for peer in ("borea", "corvia"))

    found = decided(around(agreement, shelves=rows), agreement, [old, new])

    assert [rules(found[peer, "old"]) for peer in ("borea", "corvia")] == [{Rule.SUPERSEDED}] * 2


def test_the_older_leaves_though_it_was_written_with_fewer_digits():
    agreement = latest(pact("borea"))
    old, new = (
        replace(ours(FIRST, Tlp.GREEN, modified=f"2031-03-02T00:00:00.{digits}Z"), key=key)
        for key, digits in (("old", "510"), ("new", "5101"))
    )

    for given in ([old, new], [new, old]):
        found = decided(around(agreement), agreement, given)
        assert rules(found["borea", "old"]) == {Rule.SUPERSEDED}
        assert isinstance(found["borea", "new"], Release)


def test_what_waits_for_two_persons_says_so_in_one_order_and_waits_though_it_refers_to_others():
    agreement = pact("borea", clauses=[clause("all", attribution="hold")])
    target = ours(SECOND, Tlp.GREEN)
    body = {
        "type": "threat-actor", "id": named("threat-actor", 1), "name": "x", "country": "XC",
        "x_seen_ref": SECOND,
    }  # fmt: skip
    strict = {
        k: v for k, v in ours(FIRST, Tlp.AMBER_STRICT).object.body.items() if k not in PATTERN
    }
    actor = replace(ours(FIRST, Tlp.GREEN), key="actor", object=from_body(strict | body))

    held = decided(around(agreement), agreement, [actor, target])["borea", "actor"]

    assert isinstance(held, Hold)
    assert [r.rule for r in held.reasons] == [Rule.POLICY_OWNER, Rule.SECOND_PERSON]


def test_what_has_all_that_it_requires_waits_and_is_not_withheld():
    agreement = pact("borea")
    kept = {k: v for k, v in ours(FIRST, Tlp.AMBER_STRICT).object.body.items() if k not in PATTERN}
    body = kept | {"type": "sighting", "id": named("sighting", 1), "sighting_of_ref": FIRST}
    sighting = replace(ours(FIRST, Tlp.GREEN), key="sighting", object=from_body(body))

    found = decided(around(agreement), agreement, [sighting, ours(FIRST, Tlp.GREEN)])

    assert isinstance(found["borea", "sighting"], Hold)


def test_whoever_has_one_version_of_an_id_has_that_id():
    both, one, other = frozenset({"b", "c"}), frozenset({"b"}), frozenset({"c"})
    ids, refs = {"old": "x", "new": "x", "naming": "y"}, {"naming": [("/x_seen_ref", "x")]}
    emission = Emission(ids, refs, {"old": one, "new": other, "naming": both})

    assert emission.have("x") == both
    assert emission.narrow("old", one) == []
    assert emission.narrow("old", NOBODY) == ["naming"]
    assert (emission.have("x"), emission.to("old"), emission.have("z")) == (other, NOBODY, NOBODY)
