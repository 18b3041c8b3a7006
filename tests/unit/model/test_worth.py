"""What an indicator is worth: the Admiralty scale, half-lives by kind, and what sightings and opinions do."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.clock import text
from mithaq.model.values import KINDS
from mithaq.model.worth import HALF_LIVES, OTHERWISE, credibility, half_life, worth

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def ago(days):
    return text(NOW - timedelta(days=days))


def indicator(pattern="[ipv4-addr:value = '203.0.113.7']", days=0.0, **more):
    body = {"type": "indicator", "pattern_type": "stix", "pattern": pattern}
    return body | {"created": ago(days), "valid_from": ago(days)} | more


def sighting(days, **more):
    return {"type": "sighting", "created": ago(0), "last_seen": ago(days)} | more


def opinion(said):
    return {"type": "opinion", "opinion": said}


def score(body, *others):
    return worth(body, others, NOW).score


@pytest.mark.parametrize(
    ("confidence", "expected"),
    [(100, "1"), (80, "1"), (79, "2"), (60, "2"), (59, "3"), (40, "3"), (39, "4"), (20, "4"),
     (19, "5"), (0, "5"), (None, "6"), ("high", "6"), (True, "6"), (-1, "6")],
)  # fmt: skip
def test_a_confidence_stands_for_a_credibility_of_the_admiralty_scale(confidence, expected):
    assert credibility(confidence) == expected


def test_it_halves_with_each_half_life_and_states_its_confidence_when_fresh():
    assert score(indicator(confidence=80)) == 80
    assert score(indicator(confidence=80, days=14)) == 40
    assert score(indicator(confidence=80, days=28)) == 20
    assert score(indicator("[domain-name:value = 'evil.example']", days=60)) == 25


@pytest.mark.parametrize(
    ("pattern", "days"),
    [
        ("[ipv4-addr:value = '203.0.113.7']", 14),
        ("[url:value = 'http://evil.example/x']", 30),
        ("[domain-name:value = 'evil.example']", 60),
        ("[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']", 730),
        ("[ipv4-addr:value = '203.0.113.7' OR domain-name:value = 'evil.example']", 60),
        ("[ipv4-addr:value = '203.0.113.7' AND domain-name:value = 'evil.example']", 14),
        ("[domain-name:value LIKE 'evil%']", OTHERWISE),
        ("[]", OTHERWISE),
    ],
)
def test_what_it_wants_at_once_lives_as_short_as_the_shortest_and_what_it_offers_as_the_longest(
    pattern, days
):
    assert half_life(indicator(pattern)) == days


def test_every_kind_of_value_has_a_half_life():
    assert set(KINDS) - {"ip"} == set(HALF_LIVES)
    assert half_life({"pattern_type": "sigma", "pattern": "x"}) == OTHERWISE
    assert half_life({"pattern_type": "stix"}) == OTHERWISE


def test_a_sighting_makes_it_fresh_and_one_that_saw_nothing_does_not():
    old = indicator(confidence=80, days=28)

    found = worth(old, [sighting(0), sighting(14)], NOW)
    assert (found.score, found.sightings, found.seen) == (80, 2, NOW)
    assert score(old, sighting(14)) == 40
    assert score(old, sighting(0, count=0)) == 20
    assert score(old, sighting(0, revoked=True)) == 20
    assert score(old, sighting(-3)) == 20
    assert score(old, {"type": "relationship", "created": ago(0)}) == 20
    assert score(old, {"type": "sighting"}) == 20
    assert score(old, {"type": "sighting", "created": ago(14)}) == 40


def test_who_disagrees_lowers_it():
    assert score(indicator(confidence=80), opinion("disagree")) == 40
    assert score(indicator(confidence=80), opinion("strongly-disagree")) == 20
    assert score(indicator(confidence=80), opinion("disagree"), opinion("disagree")) == 20
    assert score(indicator(confidence=80), opinion("agree")) == 80


def test_its_own_validity_stands_above_all():
    assert worth(indicator(valid_until=ago(1)), [sighting(0)], NOW).state == "over"
    assert score(indicator(valid_until=ago(1)), sighting(0)) == 0
    assert score(indicator(valid_until=ago(-1))) == 50
    assert worth(indicator(days=-1), (), NOW).state == "not-yet"
    assert worth(indicator(revoked=True), (), NOW).state == "revoked"


def test_nothing_else_has_a_worth():
    assert worth({"type": "malware"}, (), NOW) is None
    assert worth({"type": "indicator"}, (), NOW).score == 50


_days = st.floats(0, 4000)


@given(st.integers(0, 100), _days, _days, st.lists(_days, max_size=3))
def test_it_only_falls_with_time_only_rises_with_sightings_and_stays_within_its_confidence(
    confidence, first, more, seen
):
    younger = worth(indicator(confidence=confidence, days=first), (), NOW)
    older = worth(indicator(confidence=confidence, days=first + more), (), NOW)
    sighted = worth(indicator(confidence=confidence, days=first + more), map(sighting, seen), NOW)

    assert 0 <= older.score <= younger.score <= confidence
    assert older.score <= sighted.score <= confidence


def test_who_takes_back_that_it_is_wrong_lowers_it_no_more():
    body = indicator(confidence=80)

    assert score(body, opinion("strongly-disagree")) == 20
    assert score(body, opinion("strongly-disagree") | {"revoked": True}) == 80
