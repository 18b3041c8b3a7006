"""Correlations of Sigma rules: what is counted, in which groups, within which time, with how much kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq import clock
from mithaq.detect.language import holds
from mithaq.detect.matches import Match
from mithaq.detect.sigma import Correlator, compiled
from mithaq.model.telemetry import Event

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
BASE = """title: {0}
name: {0}
logsource: {{product: zeek, service: x}}
detection: {{s: {{kind: {0}}}, condition: s}}
---
"""
OVER = """title: Over
id: 0d5e6f7a-0000-4000-8000-000000000002
level: high
correlation:
    type: {kind}
    rules: [{rules}]
    group-by: [user]
    timespan: 1m
    {more}
"""


def correlated(kind, rules, more=""):
    bases = "".join(BASE.format(each) for each in rules)
    return bases + OVER.format(kind=kind, rules=", ".join(rules), more=more)


def event(second, kind, user="u", **more):
    at = clock.text(BEGAN + timedelta(seconds=second))
    fields = {"kind": kind, "user": user, **more}
    return Event(fields=fields, at=at, raw=f"{at}{sorted(fields.items())}".encode())


def told(text, events, **limits):
    """Return the seconds of the events that completed a correlation."""
    result = compiled(text)
    assert not result.unserved, result.unserved
    assert not result.rules
    correlator = Correlator(result.correlations, **limits)
    found = []
    for each in events:
        for rule in correlator.rules:
            if holds(rule.predicate, each):
                match = Match(rule=rule.id, digest=rule.digest, title="", event=each.digest)
                found += correlator.take(match, each)
    return [(clock.parse(each.at) - BEGAN).seconds for each in found]


def test_events_are_counted_within_the_time_and_the_group():
    text = correlated("event_count", ["a"], "condition: {gte: 3}")
    assert told(text, [event(n, "a") for n in (0, 70, 80, 100)]) == [100]
    assert told(text, [event(n, "a", user=u) for n, u in enumerate("uvuvw")]) == []
    assert told(text, [event(n, "a", user=u) for n, u in enumerate("uUu")]) == [2]
    assert told(text, [event(n, "a") for n in range(7)]) == [2, 5]
    assert told(text, [event(0, "a")] * 5) == []
    assert told(text, [event(n, "a") for n in (50, 0, 55)]) == [55]
    more = correlated("event_count", ["a"], "condition: {gt: 3}")
    assert told(more, [event(n, "a") for n in range(4)]) == [3]


def test_values_are_counted_once_each():
    text = correlated("value_count", ["a"], "condition: {gte: 3, field: host}")
    assert told(text, [event(n, "a", host=h) for n, h in enumerate("xXyxz")]) == [4]
    assert told(text, [event(n, "a") for n in range(5)]) == []
    assert told(text, [event(n * 25, "a", host=h) for n, h in enumerate("xyxz")]) == [75]


def test_rules_match_together_in_any_order_or_in_theirs():
    both = correlated("temporal", ["a", "b"])
    assert told(both, [event(0, "b"), event(1, "b"), event(2, "a")]) == [2]
    assert told(both, [event(0, "b"), event(61, "a")]) == []
    some = correlated("temporal", ["a", "b", "c"], "condition: {gte: 2}")
    assert told(some, [event(0, "c"), event(1, "a")]) == [1]
    order = correlated("temporal_ordered", ["a", "b", "c"])
    assert told(order, [event(n, k) for n, k in enumerate("cbacbc")]) == [5]
    assert told(order, [event(n * 25, k) for n, k in enumerate("abac")]) == []
    assert told(order, [event(n * 20, k) for n, k in enumerate("abc")]) == [40]
    assert told(order, [event(n * 31, k) for n, k in enumerate("abc")]) == []


@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from("abc")), max_size=9))
@settings(max_examples=50)
def test_an_order_is_found_as_trying_all_of_them_finds_it(steps):
    steps = sorted(set(steps))
    events = [event(second, kind) for second, kind in steps]
    first = next(
        (
            c
            for c, last in steps
            if last == "c"
            and any(
                a <= b <= c and c - a <= 60
                for a, one in steps
                if one == "a"
                for b, two in steps
                if two == "b"
            )
        ),
        None,
    )
    found = told(correlated("temporal_ordered", ["a", "b", "c"]), events)
    assert (found[0] if found else None) == first


def test_a_field_of_the_rules_own_name_tells_groups():
    aliases = "condition: {gte: 2}\n    aliases: {user: {a: account}}"
    text = correlated("event_count", ["a"], aliases)
    events = [
        Event(
            fields={"kind": "a", "account": "u"},
            at=clock.text(BEGAN + timedelta(seconds=n)),
            raw=bytes([n]),
        )
        for n in range(2)
    ]
    assert told(text, events) == [1]


def test_an_event_of_no_time_or_no_group_counts_for_nothing():
    text = correlated("event_count", ["a"], "condition: {gte: 1}")
    assert told(text, [Event(fields={"kind": "a", "user": "u"}, raw=b"")]) == []
    assert told(text, [event(0, "a", user=None)]) == []


def test_groups_that_were_quiet_longest_are_forgotten_first():
    text = correlated("event_count", ["a"], "condition: {gte: 2}")
    events = [event(n, "a", user=u) for n, u in enumerate("uvwuw")]
    assert told(text, events, most_groups=2) == [4]


def test_rules_of_a_correlation_alert_themselves_only_if_it_says_so():
    quiet = correlated("event_count", ["a"], "condition: {gte: 2}")
    loud = correlated("event_count", ["a"], "condition: {gte: 2}\n    generate: true")
    assert compiled(quiet).rules == ()
    assert [rule.title for rule in compiled(loud).rules] == ["a"]


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("event_count", "condition: {lt: 3}"),
        ("event_count", "condition: {gte: 1000000}"),
        ("event_count", "condition: {gte: 0}"),
        ("value_count", "condition: {gte: 3}"),
        ("value_avg", "condition: {gte: 3, field: n}"),
        ("temporal", "condition: a and not b"),
        ("nonsense", ""),
    ],
)
def test_a_correlation_that_cannot_be_served_is_told_of_and_its_rules_alert(kind, more):
    result = compiled(correlated(kind, ["a"], more))
    assert result.correlations == ()
    assert [each.title for each in result.unserved] == ["Over"]
    assert [each.title for each in result.rules] == ["a"]


def test_a_correlation_about_rules_that_are_not_there_is_told_of():
    text = OVER.format(kind="event_count", rules="gone", more="condition: {gte: 1}")
    assert [each.code for each in compiled(text).unserved] == ["sigma-correlation"]
