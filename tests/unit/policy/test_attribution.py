"""What attributes something to a State, and what only looks like it (border.md 2.10)."""

import pytest

from mithaq.policy.attribution import ACTORS, attributes


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
