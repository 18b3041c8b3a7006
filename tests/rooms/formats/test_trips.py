"""Trips through the other format and back, compared leaf by leaf by an oracle of their own (``tests.trips``).

No element or object comes back marked lower, with a caveat less or for more readers, and the round-trip report names
whatever else differs. ``./mithaq bench trips`` sends far more.
"""

import json

import pytest
from hypothesis import given, settings

from tests import trips
from tests.bench.common import ATTACK
from tests.rooms.formats.test_misp_writing import RICH
from tests.trip_cases import bundles, events, objects_in, trip_of_events, trip_of_objects

CASES = ATTACK.parents[1] / "stix_cases/validator_suite.json"


@settings(max_examples=60)
@given(events())
def test_events_come_back_under_no_lower_mark_and_whatever_else_differs_is_named(event):
    _, unnamed, widened = trip_of_events([event])

    assert (unnamed, widened) == ([], [])


@settings(max_examples=60)
@given(bundles())
def test_objects_come_back_under_no_lower_mark_and_whatever_else_differs_is_named(bodies):
    _, unnamed, widened = trip_of_objects(bodies)

    assert (unnamed, widened) == ([], [])


def test_a_rich_event_comes_back_and_each_difference_is_named():
    report, unnamed, widened = trip_of_events([RICH])

    assert (report.lowered, unnamed, widened) == ([], [], [])


@pytest.mark.skipif(not CASES.exists(), reason="the public cases are not here")
def test_public_cases_of_stix_come_back_under_no_lower_mark():
    cases = json.loads(CASES.read_bytes())["cases"]
    bodies = [b for case in cases if case["valid"] for b in objects_in(case["instance"])]

    _, unnamed, widened = trip_of_objects(bodies)

    assert len(bodies) > 100
    assert (unnamed, widened) == ([], [])


def test_the_oracle_sees_a_lower_tag_a_wider_distribution_and_a_difference_that_nobody_names():
    one = {**RICH, "Tag": [{"name": "tlp:red"}], "distribution": "0"}
    other = {**one, "Tag": [{"name": "tlp:amber"}], "distribution": "2", "info": "Another"}
    report, _, _ = trip_of_events([RICH])

    assert trips.widened([one], [other])
    assert any(path[-1] == "info" for path in trips.unnamed([one], [other], report))
