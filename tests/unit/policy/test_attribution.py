"""What attributes something to a State, and what only looks like it (border.md 2.10)."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.labels import Tlp
from mithaq.model.objects import from_body
from mithaq.policy.agreement import digest_of
from mithaq.policy.attribution import ACTORS, attributes, attributes_anything
from mithaq.policy.decide import decide
from mithaq.policy.decision import Hold, Release
from mithaq.policy.situation import Approval, Consent, Person, Standing
from tests.unit.policy.oracle_views import attributed
from tests.unit.policy.world_objects import NOW, named
from tests.unit.policy.worlds import worlds
from tests.values import replace


def relation(kind: str, source: str, target: str) -> dict[str, str]:
    return {
        "type": "relationship",
        "relationship_type": kind,
        "source_ref": f"{source}--1",
        "target_ref": f"{target}--2",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (relation("attributed-to", "intrusion-set", "identity"), True),
        (relation("attributed-to", "indicator", "identity"), True),
        (relation("attributed-to", "intrusion-set", "threat-actor"), False),
        (relation("related-to", "threat-actor", "identity"), False),
        (relation("targets", "threat-actor", "location"), False),
        (relation("located-at", "identity", "location"), False),
        (relation("originates-from", "infrastructure", "location"), False),
        (relation("located-at", "threat-actor", "identity"), False),
        (relation("originates-from", "malware", "identity"), False),
        *[
            (relation(kind, actor, "location"), True)
            for kind in ("located-at", "originates-from")
            for actor in sorted(ACTORS)
        ],
        ({"type": "relationship", "country": "XC"}, False),
    ],
)
def test_a_relationship_attributes_an_actor_to_a_place_or_anything_to_an_identity(body, expected):
    assert attributes(body) is expected


@pytest.mark.parametrize("kind", ["threat-actor", "intrusion-set", "campaign", "malware"])
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"country": "XC"}, True),
        ({"x_sponsor_country": "XC"}, True),
        ({"countryside": "green", "county": "XC"}, False),
        ({"x_seen": {"deep": {"country": "XC"}}}, True),
        ({"x_seen": ["a", {"country": "XC"}]}, True),
        ({"x_seen": [{"country": "XC"}, "a"]}, True),
        ({"aliases": ["country"], "name": "country"}, False),
    ],
)
def test_an_actor_attributes_by_a_country_it_names_at_any_depth(kind, more, expected):
    assert attributes({"type": kind} | more) is expected


@pytest.mark.parametrize("kind", ["identity", "location", "tool", "infrastructure", "report"])
def test_where_a_victim_or_a_place_lies_attributes_nothing(kind):
    assert attributes({"type": kind, "country": "XC"}) is False


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"object_ref": "threat-actor--1", "contents": {"fr": {"x_home_country": "XC"}}}, True),
        ({"object_ref": "malware--1", "contents": {"fr": {"country": "XC"}}}, True),
        ({"object_ref": "threat-actor--1", "contents": {"fr": {"name": "country"}}}, False),
        ({"object_ref": "location--1", "contents": {"fr": {"country": "XC"}}}, False),
        ({"contents": {"fr": {"country": "XC"}}}, False),
    ],
)
def test_a_translation_of_an_actor_counts_as_the_actor(body, expected):
    assert attributes({"type": "language-content"} | body) is expected


def test_capital_letters_in_the_key_of_a_dictionary_hide_nothing():
    assert attributes({"type": "campaign", "x_seen": {"Country": "XC"}})
    assert attributes({"type": "campaign", "x_seen": {"Home_Country": "XC"}})


# --- over generated objects, whatever else is agreed -----------------------------------------------------
@given(worlds(), st.sampled_from(["withhold", "hold", "release"]), st.booleans())
def test_nothing_that_attributes_goes_by_itself_unless_it_is_ours_and_the_clause_says_release(
    world, says, consented
):
    """Whoever relays it, with the owner's consent and under a wide clause, needs a policy owner's yes."""
    clauses = [msgspec.structs.replace(c, attribution=says) for c in world.agreement.clauses]
    terms = msgspec.structs.replace(world.agreement, clauses=clauses)
    consents = tuple(
        Consent(by=c.owner or c.voucher, id=c.object.id, version=c.object.version, recipient=name)
        for c in world.candidates
        for name in terms.names
        if consented
    )
    nobody = replace(world.situation, approvals=(), shelves=(), consents=consents)
    own = {c.key: c.own for c in world.candidates}

    made = decide(nobody, terms, world.candidates)

    for (_, key), decision in made.items():
        if isinstance(decision, Release) and attributed(decision.view.body):
            assert own[key]
            assert says == "release"
        if isinstance(decision, Hold) and attributed(decision.view.body):
            assert says != "withhold"
            assert "policy-owner" in decision.needs or (own[key] and says == "release")


@given(worlds("bilateral"))
def test_a_policy_owners_yes_to_these_bytes_lets_it_go_and_nobody_elses(world):
    waiting = {
        at: d
        for at, d in decide(
            replace(world.situation, approvals=()), world.agreement, world.candidates
        ).items()
        if isinstance(d, Hold) and "policy-owner" in d.needs
    }
    for roles, goes in ((("policy-owner",), True), (("director", "duty-officer"), False)):
        yes = tuple(
            Approval(
                key=key, agreement_digest=digest_of(world.agreement), view=d.view.digest,
                peers=frozenset({peer}), proposer="ana",
                approver=Person(name="zoe", roles=frozenset(roles), clearance=Tlp.RED),
            )
            for (peer, key), d in waiting.items()
        )  # fmt: skip
        made = decide(replace(world.situation, approvals=yes), world.agreement, world.candidates)
        for at in waiting:
            assert isinstance(made[at], Release) or not goes or not isinstance(made[at], Hold)
            assert goes or not isinstance(made[at], Release)


@given(worlds())
def test_what_stands_by_a_text_that_let_it_go_waits_under_one_that_does_not(world):
    free = [msgspec.structs.replace(c, attribution="release") for c in world.agreement.clauses]
    held = [msgspec.structs.replace(c, attribution="hold") for c in world.agreement.clauses]
    before = msgspec.structs.replace(world.agreement, clauses=free)
    after = msgspec.structs.replace(world.agreement, clauses=held, version=2)
    bare = replace(world.situation, approvals=(), shelves=(), past=())
    released = {
        at: d for at, d in decide(bare, before, world.candidates).items() if isinstance(d, Release)
    }
    keyed = {c.key: c.object for c in world.candidates}
    rows = tuple(
        Standing(
            peer=peer, agreement=before.id, key=key, id=keyed[key].id, version=keyed[key].version,
            view=d.view.digest, removed=frozenset(d.view.removed), since=NOW, body=d.view.body,
        )
        for (peer, key), d in released.items()
    )  # fmt: skip

    made = decide(replace(bare, shelves=rows), after, world.candidates)

    for decision in made.values():
        if isinstance(decision, Release):
            assert not attributed(decision.view.body)


@pytest.mark.parametrize("source", [*sorted(ACTORS), "identity", "indicator"])
@pytest.mark.parametrize("target", ["identity", "location", "threat-actor"])
@pytest.mark.parametrize("kind", ["attributed-to", "located-at", "originates-from", "uses"])
def test_what_attributes_nothing_at_a_glance_attributes_nothing_when_read(source, target, kind):
    body = {
        "type": "relationship", "spec_version": "2.1", "id": named("relationship", 1),
        "created": NOW, "modified": NOW, "relationship_type": kind,
        "source_ref": named(source, 2), "target_ref": named(target, 3),
    }  # fmt: skip
    stored = from_body(body)

    assert attributes_anything(stored) or not attributes(stored.body)
    assert not (target == "threat-actor" and attributes_anything(stored))


@pytest.mark.parametrize("kind", sorted(ACTORS))
def test_a_translation_of_an_actor_is_not_passed_over_at_a_glance(kind):
    body = {
        "type": "language-content", "spec_version": "2.1", "id": named("language-content", 1),
        "created": NOW, "modified": NOW, "object_ref": named(kind, 2),
        "contents": {"fr": {"x_home_country": "XC"}},
    }  # fmt: skip

    assert attributes_anything(from_body(body))
