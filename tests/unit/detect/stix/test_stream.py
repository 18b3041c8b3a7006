"""Patterns held against observations as they come (STIX 2.1 section 9.5); all choices tried in full are the oracle."""

from itertools import combinations, product
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.clock import parse, text
from mithaq.detect.stix.language import (
    Between,
    Either,
    Followed,
    Observed,
    Repeated,
    Together,
    Within,
)
from mithaq.detect.stix.matching import compiled
from mithaq.detect.stix.observation import Observation, microseconds, of_bundle
from mithaq.detect.stix.parser import read
from mithaq.detect.stix.stream import Bounds, Stream

BEGAN = microseconds(parse("2026-01-01T00:00:00Z"))
SECOND = 1_000_000
A, B, C = "[x:a = 1]", "[x:a = 2]", "[x:a = 3]"


def at(second, last=None, count=1, **properties):
    """Return an observation of one object."""
    first = BEGAN + round(second * SECOND)
    until = first if last is None else BEGAN + round(last * SECOND)
    objects = {"x--1": {"type": "x", **properties}}
    ref = f"{second}:{sorted(properties.items())}"
    return Observation(ref=ref, objects=objects, first=first, last=until, count=count)


def told(pattern, observations, **bounds):
    """Return what a stream of one pattern finds."""
    stream = Stream([("p", pattern)], Bounds(**bounds))
    assert not stream.refused
    found = [each for one in observations for each in stream.feed(one)] + list(stream.end())
    return [tuple(ref.partition(":")[0] for ref in each.refs) for each in found], stream


def found(pattern, observations, **bounds):
    return told(pattern, observations, **bounds)[0]


def stamp(second):
    return f"t'{text(parse('2026-01-01T00:00:00Z'))[:17]}{second:02d}Z'"


def test_one_observation_is_a_find_each_time():
    assert found(A, [at(0, a=1), at(1, a=2), at(2, a=1)]) == [("0",), ("2",)]


def test_and_wants_different_observations():
    assert found(f"{A} AND {A}", [at(0, a=1)]) == []
    assert found(f"{A} AND {A}", [at(0, a=1), at(1, a=1)]) == [("0", "1")]
    assert found("[x:a = 1] AND [x:b = 1]", [at(0, a=1, b=1)]) == []
    assert found("[x:a = 1] AND [x:b = 1]", [at(0, a=1, b=1), at(1, a=1)]) == [("0", "1")]


def test_followedby_takes_what_is_not_earlier():
    assert found(f"{A} FOLLOWEDBY {B}", [at(0, a=2), at(1, a=1)]) == []
    assert found(f"{A} FOLLOWEDBY {B}", [at(0, a=1), at(1, a=2)]) == [("0", "1")]
    assert len(found(f"{A} FOLLOWEDBY {B}", [at(0, a=2), at(0, a=1)])) == 1


def test_within_holds_to_the_microsecond():
    pattern = f"({A} AND {B}) WITHIN 5 SECONDS"
    assert len(found(pattern, [at(0, a=1), at(5, a=2)])) == 1
    assert found(pattern, [at(0, a=1), at(5.000001, a=2)]) == []
    assert found(pattern, [at(0, a=1), at(6, a=2), at(9, a=1)]) == [("6", "9")]


def test_start_is_in_the_interval_and_stop_is_not():
    pattern = f"{A} START {stamp(1)} STOP {stamp(3)}"
    assert found(pattern, [at(second, a=1) for second in range(5)]) == [("1",), ("2",)]


def test_repeats_counts_what_was_observed_more_than_once():
    pattern = f"{A} REPEATS 3 TIMES WITHIN 10 SECONDS"
    assert len(found(pattern, [at(0, a=1), at(4, a=1), at(8, a=1)])) == 1
    assert found(pattern, [at(0, a=1), at(4, a=1), at(11, a=1)]) == []
    assert len(found(pattern, [at(0, a=1, count=2), at(4, a=1)])) == 1


def test_what_is_told_of_does_not_overlap_what_was_told_before():
    repeated = [at(second, a=1) for second in range(9)]
    assert found(f"{A} REPEATS 3 TIMES WITHIN 5 SECONDS", repeated) == [
        ("0", "1", "2"),
        ("3", "4", "5"),
        ("6", "7", "8"),
    ]


def test_an_interval_may_mean_any_instant_in_it():
    pattern = f"({A} FOLLOWEDBY {B}) WITHIN 2 SECONDS"
    assert len(found(pattern, [at(0, last=20, a=1), at(8, last=9, a=2)])) == 1
    assert found(pattern, [at(0, last=3, a=2), at(4, last=9, a=1)]) == []


def test_and_within_brackets_asks_one_object_and_or_any():
    both = Observation(
        ref="r",
        objects={"1": {"type": "x", "a": 1}, "2": {"type": "x", "b": 2}},
        first=BEGAN,
        last=BEGAN,
    )
    assert found("[x:a = 1 AND x:b = 2]", [both]) == []
    assert found("[x:a = 1 OR x:b = 3]", [both]) == [("r",)]
    assert found("[x:a = 1 AND NOT EXISTS x:b]", [both]) == [("r",)]


def test_what_comes_late_is_put_in_its_place_or_counted():
    out_of_order = [at(3, a=2), at(1, a=1), at(9, a=9)]
    pattern = f"{A} FOLLOWEDBY {B}"
    assert found(pattern, out_of_order, lateness=5 * SECOND) == [("1", "3")]
    finds, stream = told(pattern, out_of_order)
    assert (finds, stream.late) == ([], 1)
    assert found(A, out_of_order) == [("1",)]


def test_a_bound_that_took_something_away_is_told_of():
    both = [at(second, a=1, b=1) for second in range(30)]
    pattern = "([x:a = 1] FOLLOWEDBY [x:c = 1]) AND ([x:b = 1] FOLLOWEDBY [x:d = 1])"
    finds, stream = told(pattern, [*both, at(40, c=1), at(41, d=1)], held=10)
    assert len(finds) == 1
    assert stream.incomplete == {"p": {"held"}}
    hard = "(([x:a = 1] FOLLOWEDBY [x:b = 1]) WITHIN 1 SECONDS) REPEATS 30 TIMES"
    finds, stream = told(hard, both, steps=100)
    assert (finds, stream.incomplete) == ([], {"p": {"steps"}})


def test_patterns_that_cannot_be_evaluated_are_told_of_and_stop_no_others():
    stream = Stream([("bad", "[x:a ="), ("good", A), ("odd", "[app:id = 1]")])
    assert [each.pattern for each in stream.feed(at(0, a=1))] == ["good"]
    assert stream.refused["bad"].code == "pattern-syntax"
    assert stream.tolerated == {"odd": ("unknown-type",), "good": ("unknown-type",)}


def test_equal_letters_are_told_apart_where_the_world_tells_them_apart():
    def holds(pattern, **properties):
        seen = Observation(ref="r", objects={"1": properties}, first=0, last=0)
        return bool(found(pattern, [seen]))

    assert holds("[file:hashes.md5 = 'AB']", type="file", hashes={"MD5": "ab"})
    assert holds("[file:hashes.'SHA-256' = 'ab']", type="file", hashes={"sha256": "AB"})
    assert holds("[domain-name:value = 'Evil.Example']", type="domain-name", value="evil.example")
    assert not holds("[file:name = 'A']", type="file", name="a")


@pytest.mark.parametrize(
    ("comparison", "holds"),
    [
        ("x:n > 1", True),
        ("x:n NOT > 1", False),
        ("x:n > 'a'", False),
        ("x:n NOT > 'a'", False),
        ("x:n IN (1, 2.0)", True),
        ("x:n = true", False),
        ("x:t LIKE 'a%c_'", True),
        ("x:t LIKE 'b%'", False),
        ("x:t LIKE 'a.c'", False),
        ("x:t MATCHES '^a.+d$'", True),
        ("x:t MATCHES 'b\\nc'", True),
        ("x:t NOT MATCHES 'z'", True),
        ("x:absent != 'a'", False),
        ("x:absent NOT LIKE 'a'", False),
        ("x:list[*] = 'q'", True),
        ("x:list[1] = 'q'", True),
        ("x:list[2] = 'q'", False),
        ("x:list[*] != 'q'", True),
        ("x:made = t'2026-01-01T00:00:00.0Z'", True),
        ("x:made < t'2027-01-01T00:00:00Z'", True),
        ("x:payload_bin = 'ab'", True),
        ("x:payload_bin = h'6162'", True),
        ("x:payload_bin MATCHES '^a'", True),
        ("x:ip ISSUBSET '10.0.0.0/8'", True),
        ("x:ip NOT ISSUBSET '10.0.0.0/8'", False),
        ("x:ip ISSUBSET '2001:db8::/32'", False),
        ("x:net ISSUPERSET '10.1.2.3'", True),
        ("x:t ISSUBSET '10.0.0.0/8'", False),
        ("x:to_ref.n = 7", True),
        ("x:all_refs[*].n = 7", True),
        ("x:gone_ref.n = 7", False),
        ("EXISTS x:to_ref.n", True),
        ("NOT EXISTS x:n", False),
    ],
)
def test_a_comparison_holds_as_the_specification_says(comparison, holds):
    x = {
        "type": "x", "n": 2, "t": "ab\ncd", "list": ["p", "q"], "made": "2026-01-01T00:00:00Z",
        "payload_bin": "YWI=", "ip": "10.1.2.3", "net": "10.1.0.0/16", "to_ref": "1", "all_refs": ["0", "1"],
        "gone_ref": "2",
    }  # fmt: skip
    objects = {"0": x, "1": {"type": "y", "n": 7}}
    assert (compiled(read(f"[{comparison}]").expression.compared)(objects) == {"0"}) is holds


def test_circles_of_references_cost_no_more_than_their_objects():
    circle = [f"x--{n}" for n in range(20)]
    objects = {each: {"type": "x", "all_refs": circle} for each in circle}
    pattern = f"[x:{'.'.join(['all_refs[*]'] * 40)}.n = 1]"
    began = process_time()

    assert not found(pattern, [Observation(ref="r", objects=objects, first=0, last=0)])

    assert process_time() - began < 2


def test_observed_data_is_an_observation_of_what_it_refers_to():
    objects = [
        {"type": "observed-data", "id": "observed-data--1", "number_observed": 2, "object_refs": ["file--1", "file--9"],
         "first_observed": "2026-01-01T00:00:00Z", "last_observed": "2026-01-01T00:00:05Z"},
        {"type": "file", "id": "file--1", "name": "a"},
        {"type": "file", "id": "file--2", "name": "b"},
    ]  # fmt: skip
    (seen,) = of_bundle(objects)
    assert (seen.ref, seen.count, list(seen.objects)) == ("observed-data--1", 2, ["file--1"])
    assert seen.last - seen.first == 5 * SECOND


def _costs(pattern, count, **bounds):
    observations = [at(second, a=1, b=second % 2) for second in range(count)]
    stream = Stream([("p", pattern)], Bounds(**bounds))
    began = process_time()
    for each in observations:
        list(stream.feed(each))
    return process_time() - began


@pytest.mark.parametrize(
    "pattern",
    [
        "[x:a = 1] REPEATS 5 TIMES WITHIN 3 SECONDS",
        "([x:a = 1] FOLLOWEDBY [x:b = 1]) WITHIN 60 SECONDS",
        "([x:a = 1] AND [x:b = 1] AND [x:a < 2]) REPEATS 2 TIMES WITHIN 4 SECONDS",
        "(([x:a = 1] FOLLOWEDBY [x:a = 2]) REPEATS 4 TIMES) WITHIN 60 SECONDS",
    ],
)
def test_twice_the_observations_cost_twice_the_time(pattern):
    few, many = (min(_costs(pattern, count, steps=500) for _ in range(2)) for count in (300, 1200))
    assert many < 4 * few * 2.5 + 0.05


# The oracle: every choice of different observations, by the words of section 9.5.
def _choices(expression, seen):
    """Return each choice of observations that an expression can be bound to, as tuples of numbers and times."""
    if isinstance(expression, Observed):
        holds = compiled(expression.compared)
        return {
            ((n, k),) for n, one in enumerate(seen) if holds(one.objects) for k in range(one.count)
        }
    if isinstance(expression, Either):
        return set().union(*(_choices(part, seen) for part in expression.parts))
    if isinstance(expression, Repeated):
        some = combinations(_choices(expression.part, seen), expression.times)
        return {_flat(each) for each in some if _different(each)}
    if isinstance(expression, Within):
        width = expression.seconds * SECOND
        return {
            c for c in _choices(expression.part, seen) if _end(c, seen) - _start(c, seen) <= width
        }
    if isinstance(expression, Between):
        first, stop = microseconds(expression.start), microseconds(expression.stop)
        return {
            c for c in _choices(expression.part, seen)
            if all(seen[n].last >= first and seen[n].first < stop for n, _ in c)
        }  # fmt: skip
    assert isinstance(expression, Together | Followed)
    kept = set()
    for each in product(*(_choices(part, seen) for part in expression.parts)):
        ordered = isinstance(expression, Together) or all(
            _end(_flat(each[:n]), seen) <= _start(each[n], seen) for n in range(1, len(each))
        )
        if _different(each) and ordered:
            kept.add(_flat(each))
    return kept


def _flat(choices):
    return tuple(sorted(one for choice in choices for one in choice))


def _different(choices):
    return len(set(_flat(choices))) == sum(map(len, choices))


def _end(choice, seen):
    return max(seen[n].first for n, _ in choice)


def _start(choice, seen):
    return min(seen[n].last for n, _ in choice)


_leaf = st.sampled_from(
    [A, B, "[x:a > 1]", "[x:b = 1]", "[x:a = 1 OR x:b = 1]", "[x:a = 1 AND x:b = 1]"]
)
_patterns = st.recursive(
    _leaf,
    lambda parts: st.one_of(
        st.builds(
            "({} {} {})".format,
            parts,
            st.sampled_from(["AND", "OR", "FOLLOWEDBY", "FOLLOWEDBY"]),
            parts,
        ),
        st.builds("({}) REPEATS {} TIMES".format, parts, st.integers(1, 3)),
        st.builds("({}) WITHIN {} SECONDS".format, parts, st.integers(1, 6)),
        st.builds(
            "({}) START {} STOP {}".format,
            parts,
            st.integers(0, 4).map(stamp),
            st.integers(5, 9).map(stamp),
        ),
    ),
    max_leaves=4,
)
_observations = st.lists(
    st.builds(
        lambda first, more, count, a, b: at(first, first + more, count, a=a, b=b),
        st.integers(0, 9), st.sampled_from([0, 0, 0, 2]), st.sampled_from([1, 1, 1, 2]), st.integers(1, 3),
        st.integers(1, 2),
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(_patterns, _observations)
def test_a_pattern_is_found_where_any_choice_of_observations_is_one(pattern, observations):
    seen = sorted(observations, key=lambda each: each.first)

    finds, stream = told(pattern, seen, steps=100_000)

    if not stream.incomplete:
        assert bool(finds) == bool(_choices(read(pattern).expression, seen))
