"""Whose yes a view waits for, and whose yes counts (border.md 2.2, 2.8, 2.10)."""

from typing import Any

import msgspec
import pytest

from mithaq.model.labels import Beside, Label, Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import persons
from mithaq.policy.agreement import Clause
from mithaq.policy.decision import Reason, Rule, View
from mithaq.policy.situation import Approval, Candidate, Person
from mithaq.policy.views import Draft, draft, is_valid, reading, view
from tests.unit.policy.test_cases import FIRST, around, clause, ours, pact, thing
from tests.unit.policy.world_objects import NOBODY_KNOWS, VERSIONS
from tests.values import replace

PAIR = pact("borea")
SECOND_PERSON, POLICY_OWNER, BENIGN = "second-person", "policy-owner", "known-benign"


def made(candidate: Candidate, **terms: Any) -> Draft:
    text = msgspec.convert(clause("c", **{"named_levels": ["AMBER+STRICT", "RED"]} | terms), Clause)
    return draft(reading(around(PAIR), candidate), text)


def needs(
    candidate: Candidate, *approvals: Approval, peer: str = "borea", **terms: Any
) -> set[str]:
    one = made(candidate, **terms)
    seen = view(one, frozenset())
    return set(persons.needs_of(around(PAIR, approvals=approvals), "terms", one, seen, peer))


def yes(candidate: Candidate, **more: Any) -> Approval:
    person = Person(name=more.pop("name", "bashir"), roles=frozenset(more.pop("roles", ())),
                    clearance=more.pop("clearance", Tlp.RED))  # fmt: skip
    fields = {
        "key": candidate.key, "agreement_digest": "terms", "peers": frozenset({"borea"}),
        "view": candidate.object.digest, "proposer": "amal", "approver": person,
    }  # fmt: skip
    return Approval(**fields | more)


def actor(**more: Any) -> Candidate:
    return thing("threat-actor", 24, name="somebody", country="XC", **more)


@pytest.mark.parametrize(
    ("candidate", "terms", "expected"),
    [
        (ours(FIRST, Tlp.AMBER), {}, set()),
        (ours(FIRST, Tlp.AMBER_STRICT), {}, {SECOND_PERSON}),
        (ours(FIRST, Tlp.RED), {}, {SECOND_PERSON}),
        (replace(ours(FIRST, Tlp.GREEN), lowers=True), {}, {SECOND_PERSON}),
        (replace(ours(FIRST, Tlp.CLEAR), benign=("google",)), {}, {BENIGN}),
        (actor(), {}, {POLICY_OWNER}),
        (actor(), {"attribution": "release"}, set()),
        (replace(actor(), own=False), {"attribution": "release"}, {POLICY_OWNER}),
        (thing("threat-actor", 24, Tlp.RED, name="x", country="XC"), {}, {SECOND_PERSON, POLICY_OWNER}),
    ],
)  # fmt: skip
def test_high_levels_and_lowering_take_two_persons_and_attribution_its_policy_owner(
    candidate, terms, expected
):
    assert needs(candidate, **terms) == expected


def test_what_bears_no_level_waits_for_nobody():
    bare = View(raw=b"{}", digest="", label=Label())
    one = made(ours(FIRST, Tlp.AMBER))

    assert persons.needs_of(around(PAIR), "terms", one, bare, "borea") == set()
    assert persons.because(SECOND_PERSON, one, bare).facts == {"because": "lowers"}


STRICT = replace(ours(FIRST, Tlp.AMBER_STRICT), author="chloe")


@pytest.mark.parametrize(
    ("more", "counts"),
    [
        ({}, True),
        ({"key": "another"}, False),
        ({"agreement_digest": "another"}, False),
        ({"view": "another"}, False),
        ({"peers": frozenset({"corvia"})}, False),
        ({"peers": frozenset({"corvia", "borea"})}, True),
        ({"proposer": "bashir"}, False),
        ({"name": "chloe"}, False),
        ({"clearance": Tlp.AMBER_STRICT}, True),
        ({"clearance": Tlp.AMBER}, False),
    ],
)
def test_a_yes_counts_for_these_bytes_peers_and_text_by_another_who_is_cleared(more, counts):
    assert (needs(STRICT, yes(STRICT, **more)) == set()) is counts


def test_a_policy_owners_yes_opens_both_and_anothers_one():
    both = thing("threat-actor", 24, Tlp.AMBER_STRICT, name="x", country="XC")

    assert needs(both, yes(both)) == {POLICY_OWNER}
    assert needs(both, yes(both, roles=[POLICY_OWNER])) == set()
    assert needs(both, yes(both, name="amal", roles=[POLICY_OWNER])) == {
        SECOND_PERSON,
        POLICY_OWNER,
    }
    assert needs(both, yes(both), yes(both, name="dalia", roles=[POLICY_OWNER])) == set()


def test_a_yes_to_what_is_no_more_than_lowered_takes_no_clearance_above_its_level():
    lowered = replace(ours(FIRST, Tlp.GREEN), lowers=True)

    assert needs(lowered, yes(lowered, clearance=Tlp.GREEN)) == set()
    assert needs(lowered, yes(lowered, clearance=Tlp.CLEAR)) == {SECOND_PERSON}


def test_what_is_known_to_be_harmless_waits_for_another_person_who_looks():
    known = replace(ours(FIRST, Tlp.AMBER_STRICT), benign=("google",))

    assert needs(known) == {SECOND_PERSON, BENIGN}
    assert needs(known, yes(known)) == set()
    assert needs(known, yes(known, name="amal")) == {SECOND_PERSON, BENIGN}
    assert needs(known, yes(known, standing=True)) == {BENIGN}


def test_why_a_view_waits_is_said_with_its_clause():
    strict, lowered = made(STRICT), made(replace(ours(FIRST, Tlp.GREEN), lowers=True))

    def said(need: str, one: Draft) -> Reason:
        return persons.because(need, one, view(one, frozenset()))

    assert said(SECOND_PERSON, strict) == Reason(
        rule=Rule.SECOND_PERSON, clause="c", facts={"because": "level", "is": "AMBER+STRICT"}
    )
    assert said(SECOND_PERSON, lowered).facts == {"because": "lowers"}
    known = made(replace(ours(FIRST, Tlp.GREEN), benign=("alexa", "google", "microsoft", "tlds")))
    assert said(BENIGN, known) == Reason(
        rule=Rule.KNOWN_BENIGN, clause="c", facts={"lists": "alexa, google, microsoft"}
    )
    assert said(POLICY_OWNER, strict) == Reason(rule=Rule.POLICY_OWNER, clause="c")


# --- the view that people judge ------------------------------------------------------------------------
def marked(candidate: Candidate, beside: Beside, **terms: Any) -> View:
    return view(made(replace(candidate, beside=beside), **terms), frozenset())


@pytest.mark.parametrize(
    ("level", "beside", "added"),
    [
        (Tlp.GREEN, None, ()),
        (Tlp.GREEN, Tlp.GREEN, ()),
        (Tlp.GREEN, Tlp.CLEAR, ()),
        (Tlp.GREEN, Tlp.AMBER, (tlp_id(Tlp.AMBER),)),
        (Tlp.CLEAR, Tlp.CLEAR, ()),
    ],
)
def test_a_level_beside_the_bytes_enters_a_view_where_it_is_stricter(level, beside, added):
    seen = marked(ours(FIRST, level), Beside(tlp=beside))

    assert seen.added == added
    assert seen.body["object_marking_refs"] == [tlp_id(level), *added]
    assert (seen.raw == ours(FIRST, level).object.raw) is (added == ())
    assert seen.label.tlp is max(level, beside or Tlp.CLEAR)


def test_a_level_beside_bytes_that_bear_none_enters_where_it_is_above_clear():
    bare = ours(FIRST, Tlp.GREEN, object_marking_refs=[NOBODY_KNOWS])

    assert marked(bare, Beside(tlp=Tlp.CLEAR)).added == ()
    assert marked(bare, Beside(tlp=Tlp.GREEN)).added == (tlp_id(Tlp.GREEN),)
    assert marked(bare, Beside(tlp=Tlp.GREEN)).carries == (NOBODY_KNOWS,)


def test_a_view_bears_the_labels_of_what_it_keeps_and_no_others():
    parts = [
        {"marking_ref": tlp_id(Tlp.AMBER_STRICT), "selectors": ["description"]},
        {"marking_ref": tlp_id(Tlp.AMBER), "selectors": ["name"]},
    ]
    one = made(ours(FIRST, Tlp.GREEN, name="n", description="d", granular_markings=parts))

    assert view(one, frozenset()).label.tlp is Tlp.AMBER_STRICT
    assert view(one, frozenset({"/description"})).label.tlp is Tlp.AMBER
    assert view(one, frozenset({"/description", "/name"})).label.tlp is Tlp.GREEN


def test_what_a_clause_does_not_permit_is_cut_by_the_label_joined_with_the_parts():
    parts = [{"marking_ref": tlp_id(Tlp.AMBER_STRICT), "selectors": ["description"]}]
    candidate = ours(FIRST, Tlp.GREEN, name="n", description="d", granular_markings=parts)

    assert made(candidate, named_levels=[]).cut == {"/description"}
    assert made(candidate).cut == set()
    assert made(candidate, keep={"indicator": ["pattern", "pattern_type", "valid_from"]}).cut == {
        "/description", "/name",
    }  # fmt: skip
    assert made(candidate, keep={"tool": []}).cut == set()


def test_references_that_are_cut_are_followed_no_more():
    refs = [{"source_name": "x", "external_id": "1"}]
    candidate = ours(FIRST, Tlp.GREEN, x_a_ref=FIRST, x_b_refs=[FIRST], external_references=refs)
    keep = ["pattern", "pattern_type", "valid_from", "x_a_ref"]

    assert made(candidate).refs == (("/x_a_ref", FIRST), ("/x_b_refs/0", FIRST))
    assert made(candidate, keep={"indicator": keep}).refs == (("/x_a_ref", FIRST),)


def test_a_view_that_changes_something_must_be_valid_by_itself():
    one = made(ours(FIRST, Tlp.GREEN, name="n"))

    assert is_valid(view(one, frozenset()))
    assert is_valid(view(one, frozenset({"/name"})))
    assert not is_valid(view(one, frozenset({"/pattern"})))


def test_whoever_brought_a_raised_version_raises_those_before_it():
    raised = replace(ours(FIRST, Tlp.GREEN), label_floor=Label(tlp=Tlp.AMBER))

    assert reading(around(PAIR), raised).label.tlp is Tlp.AMBER
    assert VERSIONS[0] == raised.object.version


def test_a_marking_that_nobody_understands_on_a_part_makes_the_whole_unresolved():
    parts = [{"marking_ref": NOBODY_KNOWS, "selectors": ["name"]}]

    read = reading(around(PAIR), ours(FIRST, Tlp.GREEN, name="n", granular_markings=parts))

    assert read.label.unresolved == {NOBODY_KNOWS}
    assert "" not in read.paths
