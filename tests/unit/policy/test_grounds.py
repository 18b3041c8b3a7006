"""What speaks against a candidate or its view, and what may be sent here (border.md 1.4, 1.5, 5.5, 6.7)."""

from typing import Any

import msgspec
import pytest

from mithaq.model.labels import Beside, Label, Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy.decision import Hold, Reason, Release, Rule, Withhold
from mithaq.policy.lifecycle import Instants
from mithaq.policy.receive import against_receiving
from mithaq.policy.situation import Candidate, Consent, Peer, Recall
from tests.unit.policy.test_cases import (
    FIRST,
    PATTERN,
    SECOND,
    around,
    clause,
    decided,
    ours,
    pact,
    row,
    thing,
)
from tests.unit.policy.world_objects import AFTER, BEFORE, NOBODY_KNOWS, NOW, VERSIONS
from tests.values import replace

PAIR = pact("borea")
STRICT_PART = [{"marking_ref": tlp_id(Tlp.RED), "selectors": ["description"]}]


def against(candidate: Candidate, *others: Candidate, agreement: Any = PAIR, **what: Any) -> Any:
    return decided(around(agreement, **what), agreement, [candidate, *others])[
        "borea", candidate.key
    ]


def relayed(**more: Any) -> Candidate:
    fields = {
        "own": False, "owner": "corvia", "voucher": "corvia", "sent_by": "corvia", "relayed": True,
        "via": frozenset({"borea"}), "via_parties": frozenset({"borea"}), "onward": "open",
    }  # fmt: skip
    properties = {"description": "d", "granular_markings": STRICT_PART}
    return replace(ours(FIRST, Tlp.GREEN, **more.pop("body", properties)), **fields | more)


def because(rule: Rule, **facts: str) -> Withhold:
    return Withhold(reasons=(Reason(rule=rule, clause="all", facts=facts),))


# --- whole or not at all -------------------------------------------------------------------------------
def test_a_relay_goes_whole_or_not_at_all_and_to_a_client_of_ours_in_part():
    assert against(relayed()) == because(Rule.RELAY_EXACT, because="cut")
    assert isinstance(against(relayed(body={})), Release)
    sink = {"borea": Peer(name="borea", country="XA", constituency_of="aurelia")}
    situation = replace(around(PAIR), peers=sink)
    found = decided(situation, PAIR, [relayed()])["borea", FIRST]
    assert isinstance(found, Release)
    assert found.view.removed == ("/description",)


def test_a_relay_bears_no_marking_more_than_its_owner_gave_it():
    raised = relayed(body={}, beside=Beside(tlp=Tlp.AMBER), onward="scope")

    assert against(raised) == because(Rule.RELAY_EXACT, because="cut")


def test_a_relay_takes_its_targets_along_or_stays():
    naming = relayed(body={"x_seen_ref": SECOND})

    assert against(naming) == because(Rule.RELAY_EXACT, because="target", target=SECOND)


def test_an_observable_goes_whole_or_not_at_all_but_may_be_marked_higher():
    cut = thing("file", 20, name="f", size=1)
    parts = [{"marking_ref": tlp_id(Tlp.RED), "selectors": ["size"]}]
    cut = thing("file", 20, name="f", size=1, granular_markings=parts)
    higher = replace(thing("file", 21, name="f"), beside=Beside(tlp=Tlp.AMBER))

    assert against(cut) == because(Rule.SCO_PARTIAL, because="cut")
    assert against(higher).view.added == (tlp_id(Tlp.AMBER),)


def test_a_view_that_is_no_object_stays_and_says_what_it_lacks():
    keep = {"indicator": ["pattern_type", "labels"]}
    agreement = pact("borea", clauses=[clause("all", keep=keep)])

    found = against(ours(FIRST, Tlp.GREEN, name="n"), agreement=agreement)

    assert found == because(Rule.INVALID_VIEW, removed="/name, /pattern, /valid_from")


# --- what a view shows ---------------------------------------------------------------------------------
def test_what_names_a_state_stays_where_the_clause_says_so():
    agreement = pact("borea", clauses=[clause("all", attribution="withhold")])
    actor = thing("threat-actor", 24, name="x", country="XC")

    assert against(actor, agreement=agreement) == because(Rule.ATTRIBUTION)
    assert isinstance(against(actor), Hold)
    assert isinstance(against(thing("threat-actor", 24, name="x"), agreement=agreement), Release)


def test_a_recalled_view_stays_and_another_of_the_version_may_go():
    whole = ours(FIRST, Tlp.GREEN, description="d")
    order = Recall(by="aurelia", id=FIRST, version=None, issued=NOW, view=whole.object.digest)
    narrow = pact("borea", clauses=[clause("all", keep={"indicator": list(PATTERN)})])

    assert against(whole, recalls=(order,)) == Withhold(reasons=(Reason(rule=Rule.RECALLED),))
    assert isinstance(against(whole, agreement=narrow, recalls=(order,)), Release)
    taken = replace(order, view=None)
    assert against(whole, agreement=narrow, recalls=(taken,)) == Withhold(
        reasons=(Reason(rule=Rule.RECALLED),)
    )


def test_what_stands_was_approved_when_it_was_placed_and_another_view_was_not():
    strict = ours(FIRST, Tlp.AMBER_STRICT)
    stands = row(ours(FIRST, Tlp.GREEN), against(ours(FIRST, Tlp.GREEN)), "borea")
    stands = replace(stands, view=strict.object.digest)

    assert isinstance(against(strict, shelves=(stands,)), Release)
    assert isinstance(against(strict, shelves=(replace(stands, view="another"),)), Hold)
    assert isinstance(against(strict, shelves=(replace(stands, peer="corvia"),)), Hold)


def test_a_part_that_stays_forbids_by_every_caveat_of_its_own():
    terms = pact("borea", clauses=[clause("all", named_levels=["AMBER+STRICT", "RED"])])
    one = ours(FIRST, Tlp.GREEN, description="d", granular_markings=STRICT_PART)
    read = {"borea": frozenset({"r1"})}
    listed = Peer(name="borea", country="XB", readers=frozenset({"r1"}))

    assert [r.rule for r in against(one, agreement=terms).reasons] == [Rule.READERS]
    situation = replace(around(terms), peers={"borea": listed})
    found = decided(situation, terms, [replace(one, readers=read)])["borea", FIRST]
    assert isinstance(found, Hold)
    client = replace(listed, node=False)
    situation = replace(around(terms), peers={"borea": client})
    found = decided(situation, terms, [replace(one, readers=read)])["borea", FIRST]
    assert {(r.rule, r.facts["because"]) for r in found.reasons} == {
        (Rule.CLIENT, "level"), (Rule.READERS, "client"),
    }  # fmt: skip


def test_every_reason_is_named_and_the_clauses_last():
    """What the object itself forbids is said beside what the clause does."""
    late = replace(ours(FIRST, Tlp.RED), beside=Beside(embargo=AFTER), forged=True, newest=False)

    rules = [r.rule for r in against(late).reasons]

    assert rules == [Rule.NOT_NEWEST, Rule.MARKING_FORGED, Rule.EMBARGO, Rule.NO_CLAUSE]


def test_consent_by_the_owner_for_this_version_and_recipient_opens_what_was_received():
    amber = replace(relayed(body={}), object=ours(FIRST, Tlp.AMBER).object)

    def given(**more: Any) -> Any:
        fields = {"by": "corvia", "id": FIRST, "version": VERSIONS[0], "recipient": "borea"}
        return against(amber, consents=(Consent(**fields | more),))

    assert isinstance(given(), Release)
    for lie in ({"by": "borea"}, {"id": SECOND}, {"version": VERSIONS[1]}, {"recipient": "corvia"}):
        assert [r.rule for r in given(**lie).reasons] == [Rule.ONWARD_AMBER]


# --- what may be sent here -----------------------------------------------------------------------------
def came(label: Label, *clauses: dict[str, Any], level: Tlp = Tlp.GREEN) -> Reason | None:
    agreement = pact("borea", clauses=[*clauses] or [clause("all")])
    us = Peer(name="aurelia", country="XA")
    seen = ours(FIRST, level).object
    clocks = Instants(opens=NOW, closes=NOW)
    return against_receiving(agreement, ("borea", us), seen, label, clocks)


def test_of_several_markings_nobody_can_read_the_first_is_named():
    label = Label(tlp=Tlp.GREEN, unresolved=frozenset({"b", "a", "c"}))

    assert came(label) == Reason(rule=Rule.MARKING_UNKNOWN, facts={"marking": "a"})


@pytest.mark.parametrize(
    ("label", "terms", "expected"),
    [
        (Label(tlp=Tlp.GREEN), {}, None),
        (Label(), {"max_tlp": "CLEAR"}, None),
        (Label(tlp=Tlp.GREEN), {"max_tlp": "CLEAR", "named_levels": []}, "level"),
        (Label(tlp=Tlp.GREEN), {"kinds": ["tool"]}, "kind"),
        (Label(tlp=Tlp.GREEN), {"purposes": ["exercise", "research"]}, None),
        (Label(tlp=Tlp.GREEN), {"direction": {"from": ["aurelia"]}}, "direction"),
        (Label(tlp=Tlp.GREEN), {"direction": {"from": ["borea"], "to": ["aurelia"]}}, None),
        (Label(tlp=Tlp.GREEN), {"embargo": AFTER}, "embargo"),
        (Label(tlp=Tlp.GREEN), {"expiry": NOW}, "expiry"),
        (Label(tlp=Tlp.GREEN), {"releasable_to": ["XB"]}, "releasable-to"),
        (Label(tlp=Tlp.GREEN), {"releasable_to": ["XA"]}, None),
    ],
)
def test_a_receiver_judges_by_the_same_clauses_whatever_purpose_they_name(label, terms, expected):
    reason = came(label, clause("c", **terms))

    assert (reason and reason.facts["because"]) == expected


def test_why_something_may_not_come_is_what_stands_against_it_besides_its_purpose():
    first = clause("a", purposes=["exercise"], embargo=AFTER)
    second = clause("b", purposes=["defence"], kinds=["tool"])

    found = came(Label(tlp=Tlp.GREEN), first, second)

    assert (found.clause, found.facts["because"]) == ("b", "kind")
    assert came(Label(tlp=Tlp.GREEN), first).facts["because"] == "embargo"


def test_markings_are_read_by_the_definitions_that_a_voucher_gave_and_by_no_others():
    body = {"object_marking_refs": [tlp_id(Tlp.GREEN), NOBODY_KNOWS]}
    candidate = ours(FIRST, Tlp.GREEN, **body)

    assert {r.rule for r in against(candidate).reasons} == {Rule.MARKING_UNKNOWN, Rule.NO_CLAUSE}
    own_table = replace(candidate, markings={})
    assert {r.rule for r in against(own_table).reasons} == {Rule.MARKING_UNKNOWN, Rule.NO_CLAUSE}


def test_an_agreement_of_two_binds_nobody_to_a_first_view():
    one = ours(FIRST, Tlp.GREEN, description="d")
    stands = row(one, against(one), "borea")
    narrow = msgspec.structs.replace(
        PAIR, clauses=[msgspec.structs.replace(PAIR.clauses[0], keep={"indicator": list(PATTERN)})]
    )

    found = against(one, agreement=narrow, shelves=(stands,))

    assert isinstance(found, Release)
    assert found.view.removed == ("/description",)


# --- one beside another -----------------------------------------------------------------------------------
UNLIKE = {  # in one respect each, which decides
    "onward": {"onward": "none"},
    "via": {"via": frozenset()},
    "sent_by": {"sent_by": "borea"},
    "owner": {"owner": "borea"},
    "voucher": {"voucher": "borea"},
    "via_purposes": {"via_purposes": frozenset({"exercise"})},
    "newest": {"newest": False},
    "from_client": {"from_client": True},
    "forged": {"forged": True},
    "disowned": {"disowned": True},
}


@pytest.mark.parametrize("respect", UNLIKE)
@pytest.mark.parametrize("first", ["it", "the other"])
def test_what_is_alike_but_for_one_respect_is_decided_by_that_one(respect, first):
    """Alike candidates are looked at once; what tells two apart is never overlooked, whichever comes first."""
    good = relayed(body={}, via_purposes=frozenset({"defence"}))
    bad = replace(good, key=SECOND, object=ours(SECOND, Tlp.GREEN).object, **UNLIKE[respect])
    both = [good, bad] if first == "it" else [bad, good]

    found = decided(around(PAIR), PAIR, both)

    assert isinstance(found["borea", FIRST], Release)
    assert found["borea", SECOND] == against(bad)
    assert isinstance(against(bad), Withhold)


def test_an_own_object_is_not_bound_by_the_terms_of_one_received_beside_it():
    received = relayed(body={}, own=False, relayed=False, onward="none")
    own = replace(received, key=SECOND, object=ours(SECOND, Tlp.GREEN).object, own=True)

    for both in ([received, own], [own, received]):
        found = decided(around(PAIR), PAIR, both)
        assert isinstance(found["borea", FIRST], Withhold)
        assert isinstance(found["borea", SECOND], Release)


def test_what_is_scoped_reaches_its_parties_though_one_beside_it_is_no_relay():
    one = replace(relayed(body={}, onward="scope"), object=ours(FIRST, Tlp.AMBER).object)
    other = replace(one, key=SECOND, object=ours(SECOND, Tlp.AMBER).object)
    for changed in ({"relayed": False}, {"via_parties": frozenset({"corvia"})}):
        unlike = replace(other, **changed)
        for both in ([one, unlike], [unlike, one]):
            found = decided(around(PAIR), PAIR, both)
            assert isinstance(found["borea", FIRST], Release)
            assert isinstance(found["borea", SECOND], Withhold)


@pytest.mark.parametrize("order", [[FIRST, SECOND], [SECOND, FIRST]])
def test_an_owners_consent_to_one_opens_nothing_that_is_like_it(order):
    yes = Consent(by="corvia", id=FIRST, version=VERSIONS[0], recipient="borea")

    found = decided(
        around(PAIR, consents=(yes,)), PAIR, [relayed_as(id_, Tlp.AMBER) for id_ in order]
    )

    assert isinstance(found["borea", FIRST], Release)
    assert [r.rule for r in found["borea", SECOND].reasons] == [Rule.ONWARD_AMBER]


def relayed_as(id_: str, level: Tlp) -> Candidate:
    return replace(relayed(body={}), key=id_, object=ours(id_, level).object)


@pytest.mark.parametrize("order", [[FIRST, SECOND], [SECOND, FIRST]])
def test_who_came_later_gets_what_is_new_and_nothing_older_that_is_like_it(order):
    forum = pact("borea", "corvia")
    parties = [
        msgspec.structs.replace(p, joined=NOW if p.name == "corvia" else "") for p in forum.parties
    ]
    forum = msgspec.structs.replace(forum, parties=parties)
    first = ours(FIRST, Tlp.GREEN)
    before = row(first, decided(around(forum), forum, [first])["borea", FIRST], "borea")
    gone = (replace(before, since=BEFORE),)

    found = decided(around(forum, past=gone), forum, [ours(id_, Tlp.GREEN) for id_ in order])

    assert [r.rule for r in found["corvia", FIRST].reasons] == [Rule.HISTORY]
    assert isinstance(found["borea", FIRST], Release)
    assert isinstance(found["corvia", SECOND], Release)
