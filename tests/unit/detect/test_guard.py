"""The guard: what does more than it may is set aside, and that is said."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.detect.engine import Engine
from mithaq.detect.guard import Guard, Limits
from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.language import Op, Rule
from mithaq.detect.language import Test as Ask
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import Value

EVENTS = [Event(fields={"Image": "ab"}, raw=str(number).encode()) for number in range(40)]


def rule(number, text):
    test = Ask("Image", Op.CONTAINS, text)
    source = LogSource("windows")
    return Rule(id=f"r{number}", digest=f"d{number}", title=text, source=source, predicate=test)


def still():
    return 0.0


def told(guard, matcher, batches):
    return [match for batch in batches for match in guard.passed([*matcher.match(batch)], batch)]


@given(st.lists(st.integers(1, 39), max_size=6, unique=True))
def test_what_matches_more_of_a_window_than_it_may_is_set_aside_whatever_the_batches(cuts):
    engine = Engine([rule(1, "a"), rule(2, "zz")])
    limits = Limits(window=20, most=5)
    edges = [0, *sorted(cuts), 40]
    parts = [EVENTS[one:other] for one, other in pairwise(edges)]

    whole, parted = Guard(still, limits), Guard(still, limits)
    found = told(whole, whole.timed(engine), [EVENTS])
    same = told(parted, parted.timed(engine), parts)

    assert [match.id for match in found] == [match.id for match in same]
    assert [match.quiet for match in found] == [False] * 6 + [True]
    assert whole.aside == parted.aside
    assert [(each.rule, each.code, each.after) for each in whole.aside.values()] == [
        ("r1", "rule-rate", 6)
    ]


def test_what_stays_within_its_rate_goes_on_from_window_to_window():
    guard = Guard(still, Limits(window=4, most=4))

    assert len(told(guard, guard.timed(Engine([rule(1, "a")])), [EVENTS[:7], EVENTS[7:]])) == 40
    assert not guard.aside


def test_a_rule_that_takes_more_time_than_it_may_is_set_aside_and_the_others_go_on():
    slow = iter([0.0, 3.0, 3.0, 3.0, 3.0, 6.0] + [6.0] * 1000)
    guard = Guard(lambda: next(slow), Limits(seconds=5))

    found = [
        match.rule
        for match in told(guard, guard.timed(Engine([rule(1, "a"), rule(2, "b")])), [EVENTS])
    ]

    assert [(each.rule, each.code) for each in guard.aside.values()] == [("r1", "rule-time")]
    assert found.count("r1") == 2
    assert found.count("r2") == 40


def test_an_indicator_that_is_everywhere_is_set_aside_too_until_it_is_let_back():
    source = LogSource("zeek", "", "dns")
    batch = [
        Event(fields={"query": "all.example"}, source=source, raw=b"%d" % number)
        for number in range(40)
    ]
    values = Indicators(
        [
            Listed(Value("domain", "all.example"), "indicator--1"),
            Listed(Value("domain", "x.example"), "i2"),
        ]
    )
    guard = Guard(still, Limits(window=1000, most=10))

    first = told(guard, values, [batch])
    [aside] = guard.aside.values()
    second = told(guard, values, [batch])
    guard.let_back(aside.digest)
    third = told(guard, values, [batch[:3]])

    assert [each.quiet for each in first] == [False] * 11 + [True]
    assert second == []  # of that machine, log source and hour there is one already
    assert (aside.rule, aside.code, aside.after) == ("indicator--1", "rule-rate", 11)
    assert len(third) == 3
    assert not any(each.quiet for each in third)


@pytest.mark.parametrize("engine", [True, False])
def test_who_asks_a_thousand_times_hides_no_machine_of_any_hour(engine):
    def event(number, host, hour):
        fields = {"query": "evil.example", "host.name": host}
        at = f"2026-11-30T{hour:02d}:00:00.000Z"
        return Event(fields=fields, source=LogSource("zeek", "", "dns"), at=at, raw=b"%d" % number)

    guard = Guard(still, Limits(window=10_000, most=1_000))
    test = Ask("query", Op.CONTAINS, "evil")
    matcher = Indicators([Listed(Value("domain", "evil.example"), "i")])
    if engine:
        source = LogSource("zeek", "", "dns")
        one = Rule(id="i", digest="d", title="t", source=source, predicate=test)
        matcher = guard.timed(Engine([one]))
    flood = [event(n, "loud", 9) for n in range(3_000)]
    after = [event(5_000 + n, f"quiet-{n % 3}", 10 + n % 2) for n in range(60)]

    found = told(guard, matcher, [flood, after])

    assert sum(not each.quiet for each in found) == 1_001
    assert {(each.asset, each.at[11:13]) for each in found if each.quiet} == {
        ("loud", "09"), *((f"quiet-{n}", str(hour)) for n in range(3) for hour in (10, 11))
    }  # fmt: skip
    assert len(found) == 1_008


def test_what_is_set_aside_counts_no_more_machines_than_can_be_kept():
    guard = Guard(still, Limits(window=10_000_000, most=1))
    events = [
        Event(fields={"query": "a.example", "host.name": f"h{n}"}, source=LogSource("zeek", "", "dns"), raw=b"%d" % n)
        for n in range(3_000)
    ]  # fmt: skip

    assert (
        len(told(guard, Indicators([Listed(Value("domain", "a.example"), "i")]), [events])) == 1_002
    )
