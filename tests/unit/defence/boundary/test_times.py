"""How soon firewalls know: medians and ninth tenths of what was fetched, and who is slow or silent."""

import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.defence.boundary.times import SILENT, SLOW, Way, legs, poll

START = datetime(2026, 3, 1, tzinfo=UTC)


def way(shown=20, fetched=30, *, partner="borea", client="fw", signed=0, admitted=10, gone=False):
    def at(seconds):
        return None if seconds is None else START + timedelta(seconds=seconds)

    return Way(
        partner=partner,
        client=client,
        signed=at(signed),
        admitted=at(admitted),
        shown=at(shown),
        fetched=at(fetched),
        gone=gone,
    )


def test_each_leg_is_told_by_partner_and_firewall_the_slowest_first():
    quick, slow = way(), way(fetched=500, client="old")
    unknown = way(signed=None, partner="feed:x")

    made = legs([quick, way(fetched=None), slow, unknown])

    assert [(leg.partner, leg.client, leg.n, leg.waiting) for leg in made] == [
        ("borea", "old", 1, 0),
        ("borea", "fw", 2, 1),
        ("feed:x", "fw", 1, 0),
    ]
    leg = made[1]
    assert (leg.admitting.median, leg.showing.median, leg.fetching.median) == (10, 10, 10)
    assert (leg.whole.median, leg.whole.n) == (30, 1)
    assert made[2].whole is None
    assert made[2].fetching.n == 1


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=60))
def test_median_and_ninth_tenth_are_values_that_so_many_do_not_exceed(seconds):
    [leg] = legs([way(shown=0, admitted=0, fetched=each) for each in seconds])

    assert leg.whole.median == statistics.median_low(seconds)
    for share, value in ((0.5, leg.whole.median), (0.9, leg.whole.p90)):
        assert value in seconds
        assert sum(each <= value for each in seconds) >= share * len(seconds)
        assert sum(each < value for each in seconds) < share * len(seconds)


def test_a_partners_clock_that_is_ahead_makes_no_time_below_nothing():
    [leg] = legs([way(signed=1000)])

    assert leg.admitting.median == leg.whole.median == 0


@pytest.mark.parametrize(
    ("some", "state", "waiting"),
    [
        ([], "idle", 0),
        ([way()], "ok", 0),
        ([way(fetched=20 + SLOW.total_seconds() + 1)], "slow", 0),
        ([way(fetched=None)], "silent", 1),
        ([way(), way(shown=40, fetched=None)], "silent", 1),
        ([way(fetched=None, gone=True)], "idle", 0),  # nobody can fetch it any more
        ([way(), way(shown=40, fetched=None, gone=True)], "ok", 0),
        ([way(shown=5, fetched=None), way()], "ok", 1),  # it polls, and left that out
    ],
)
def test_a_firewall_is_silent_where_something_waits_and_nothing_was_fetched_since(
    some, state, waiting
):
    told = poll("fw", some, START + SILENT + timedelta(hours=1))

    assert (told.state, told.waiting) == (state, waiting)


def test_what_is_new_on_the_lists_waits_for_nobody_yet():
    assert poll("fw", [way(fetched=None)], START + timedelta(minutes=5)).state == "new"
