"""An exact test of whether something is named more often (docs/emerging.md), against counting every deal."""

from itertools import combinations, product
from math import isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.model.bursts import Stratum, alarms, chance, least_chance, loud_days


@st.composite
def strata(draw):
    now, before = draw(st.integers(0, 4)), draw(st.integers(0, 5))
    return Stratum(now, before, draw(st.integers(0, now)), draw(st.integers(0, before)))


def dealt(each):
    """Return the loud days that lie in the period, for each way of dealing them over all days."""
    days = range(each.now + each.before)
    return [sum(day < each.now for day in some) for some in combinations(days, each.loud)]


@given(st.lists(strata(), max_size=3))
@settings(max_examples=60)
def test_the_chance_is_the_share_of_all_ways_to_deal_the_loud_days(sources):
    seen = sum(each.loud_now for each in sources)
    ways = [sum(deal) for deal in product(*map(dealt, sources))]
    expected = sum(each.loud * each.now / (each.now + each.before) for each in sources if each.loud)

    exact = sum(way >= seen for way in ways) / len(ways)

    assert isclose(chance(sources), exact if seen > expected else 1.0, rel_tol=1e-9)
    assert least_chance(sources) <= chance(sources) + 1e-12


def test_a_thing_that_is_named_rarely_is_loud_whenever_it_is_named():
    spoke = dict.fromkeys(range(10), 5)

    assert loud_days({2: 1, 9: 5}, spoke) == {2, 9}


def test_a_thing_that_is_named_daily_is_loud_where_its_share_is_larger_than_usual():
    spoke = dict.fromkeys(range(10), 100) | {10: 1000}
    named = dict.fromkeys(range(9), 10) | {9: 40, 10: 100}

    assert loud_days(named, spoke) == {9}  # the big day brings more of all, which is nothing


def test_one_import_is_no_burst_of_all_that_is_in_it():
    """A source that spoke on 40 days brings ten thousand claims on one: a hundred things, each new to it."""
    tested = {n: [Stratum(1, 40, 1, 0)] for n in range(100)}

    assert alarms(tested, 0.1)[0] == {}


def test_what_several_sources_begin_to_name_is_found_among_much_that_is_as_it_was():
    usual = {n: [Stratum(5, 60, 2, 24), Stratum(5, 60, 1, 12)] for n in range(200)}
    new = [Stratum(5, 60, 2, 0), Stratum(5, 60, 2, 1), Stratum(1, 12, 1, 0)]

    found, among = alarms(usual | {"new": new}, 0.1)

    assert list(found) == ["new"]
    assert among <= 201
    assert isclose(found["new"], chance(new))


def test_what_could_not_be_a_burst_whatever_came_is_not_counted_among_what_was_tested():
    rare = {n: [Stratum(7, 7, 1, 0)] for n in range(1000)}
    clear = {"clear": [Stratum(7, 90, 6, 0)]}

    found, among = alarms(rare | clear, 0.1)

    assert (list(found), among) == (["clear"], 1)


def test_a_source_without_days_before_says_nothing():
    assert chance([Stratum(5, 0, 5, 0)]) == 1.0
    assert chance([]) == 1.0
