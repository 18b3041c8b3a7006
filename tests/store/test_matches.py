"""What matched is counted once, whether event by event or by the index of the past, on both databases."""

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from mithaq import defence
from mithaq.clock import parse, text
from mithaq.defence import Watched
from mithaq.detect.matches import Match
from mithaq.model.telemetry import LogSource
from mithaq.model.whose import Word
from mithaq.store import live, matches, suppressions
from mithaq.store.live import Aside
from mithaq.store.suppressions import Suppression

NOW = parse("2026-11-30T12:00:00Z")
DNS = LogSource("windows", "", "sysmon")


def found(hour, number=0, times=0, last=""):
    return Match(
        rule="r", digest="sha256:r", title="R", event=f"sha256:{hour} {number} {times > 0}", source=DNS,
        at=f"2026-11-29T{hour:02d}:{10 + number}:00.000Z", asset="" if times else f"ws-{number}",
        times=times, last=last, found={"domain" if times else "QueryName": "evil.example"},
    )  # fmt: skip


def record(core, *some):
    with core.begin() as unit:
        return defence.record(unit, some, NOW)


def counted(some):
    """Return how often it happened: of each hour the greater of what was seen live and what the index says."""
    live, past = Counter(), Counter()
    for each in some:
        (past if each.times else live)[each.at[:13]] += each.times or 1
    return (live | past).total()


def tally(core, active=()):
    with core.read() as unit:
        [group] = matches.groups(unit)
        kept = matches.of_group(unit, group.seq, active, 100)
        told = matches.tallies(unit, [group.seq], active)[group.seq]
        assert counted(kept) == told.count
        return told


def test_of_each_hour_the_greater_count_stands_in_whatever_order_they_come(core):
    record(core, found(8), found(8, 1), found(9))
    record(core, found(8, 5, times=5, last="2026-11-29T08:50:00.000Z"))
    assert tally(core).count == 6
    record(
        core,
        found(9, 3, times=1, last="2026-11-29T09:13:00.000Z"),
        found(11, 0, times=2, last="2026-11-29T11:40:00.000Z"),
    )

    told = tally(core)

    assert (told.count, told.assets, told.suppressed) == (8, 2, 0)
    assert (told.first, told.last) == ("2026-11-29T08:10:00.000Z", "2026-11-29T11:40:00.000Z")


def test_what_the_index_says_anew_takes_the_place_of_what_it_said_if_it_is_more(core):
    assert record(core, found(8, 0, times=5, last="2026-11-29T08:20:00.000Z")).new == 1
    assert record(core, found(8, 0, times=7, last="2026-11-29T08:55:00.000Z")).known == 1
    assert record(core, found(8, 0, times=6, last="2026-11-29T08:30:00.000Z")).known == 1

    told = tally(core)

    assert (told.count, told.last) == (7, "2026-11-29T08:55:00.000Z")


def test_what_is_suppressed_counts_apart(core):
    record(core, found(8), found(8, 2, times=4), found(10, 0, times=3))
    with core.begin() as unit:
        [group] = matches.groups(unit)
        some = [
            each.id for each in matches.of_group(unit, group.seq, (), 100) if each.at[11:13] == "10"
        ]
        matches.suppress_matches(unit, 1, some)

    told = tally(core, active=(1,))

    assert (told.count, told.suppressed) == (4, 3)


# --- how common something is ---------------------------------------------------------------------------
WORD = Word("indicator--1", "aurelia")


def met(number, asset, day=29, source=DNS):
    at = f"2026-11-{day:02d}T10:00:00.000Z"
    return Match(
        rule=WORD.rule, giver=WORD.giver, digest=WORD.digest, title="R", event=f"sha256:{number} {day}",
        source=source, at=at, asset=asset, found={"QueryName": "evil.example"},
    )  # fmt: skip


def common(core, *some, assets=(), days=(), active=()):
    watched = Watched(assets=frozenset(assets), days=frozenset(f"2026-11-{d:02d}" for d in days))
    with core.begin() as unit:
        defence.record(unit, some, NOW, watched)
        return matches.prevalence(unit, WORD, active, 5)


def test_machines_count_that_there_is_telemetry_of_and_no_address_that_outsiders_have(core):
    outside = [f"8.8.{n}.1" for n in range(50)]
    ours = ["ws-1", "ws-2", "10.0.0.7", "fe80::1"]
    some = [met(n, each) for n, each in enumerate([*outside, *ours, "nobody-knows"])]

    found = common(core, *some, assets=[*outside, *ours, "ws-3"], days=[29])

    assert found == (4, 5, 1, 1)


def test_one_machine_makes_nothing_common_by_the_days_on_which_it_is_seen(core):
    days = range(1, 31)
    beacon = [met(0, "ws-1", day) for day in days]
    without = [met(1, "", day) for day in days]

    assert common(core, *beacon, assets=["ws-1"], days=days)[2:] == (5, 30)
    assert common(core, *without)[2:] == (10, 30)
    assert common(core, *(met(2, "ws-2", day) for day in range(20, 31)), assets=["ws-2"])[2] == 15
    several = [met(3 + n, f"ws-{3 + n}", day) for n in range(6) for day in days]
    assert common(core, *several, assets={each.asset for each in several})[2] == 30


def test_what_kits_answer_and_what_is_suppressed_makes_nothing_common(core):
    kit = LogSource("hunt-kit")
    first = common(core, *(met(100 + n, f"k-{n}", n + 1, kit) for n in range(9)), assets=["ws-1"])
    some = [met(n, f"ws-{n}", n + 1) for n in range(9)]
    whole = common(core, *some, assets=[each.asset for each in some], days=range(1, 10))
    with core.begin() as unit:
        matches.suppress_matches(unit, 4, [each.id for each in some[3:]])
    rest = common(core, active=[4])

    assert first == (0, 1, 0, 0)
    assert (whole, rest) == ((9, 9, 9, 9), (3, 9, 3, 9))


# --- what is kept, and what numbers tell ---------------------------------------------------------------
def written(value):
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


@pytest.mark.parametrize(
    "found",
    [
        {"a": "x" * 10_000_000, "b": "y", "c": 7, "d": []},
        {"a": ["x" * 1_000] * 100_000, "b": "y"},
        {"a": [1] * 1_000_000, "b": "y"},
        {f"f{n}": "x" for n in range(100_000)},
        {f"f{n}": "x" * 100_000 for n in range(1_000)},
        {"n" * 10_000_000: "x"},
    ],
)
def test_what_a_match_rests_on_is_kept_as_far_as_its_size_allows_the_first_first(core, found):
    record(core, replace(met(1, "w" * 300), found=found))

    with core.read() as unit:
        [group] = matches.groups(unit)
        [kept] = matches.of_group(unit, group.seq, (), 10)
    assert len(json.dumps(kept.found)) < 400_000
    first, value = next(iter(found.items()))
    shown = kept.found[first[:1_000]]
    assert shown
    assert written(value).startswith(written(shown))
    assert ("b" in kept.found) == ("b" in found)


def test_numbers_tell_nobody_how_many_others_there_are(core):
    record(core, *(replace(met(n, "ws-1", n + 1)) for n in range(20)))
    with core.begin() as unit:
        groups = [each.seq for each in matches.groups(unit)]
        wanted = Suppression(rule="r", why="w", by="b", at=text(NOW))
        hidden = [suppressions.put(unit, wanted) for _ in range(20)]
        aside = Aside(
            rule="r", digest="d", version="", title="t", code="c", level=0, after=1, at=text(NOW)
        )
        apart = [live.put_aside(unit, aside) for _ in range(20)]

    for numbers in (groups, hidden, apart):
        assert len(set(numbers)) == 20
        assert all(10_000_000 <= each < 100_000_000 for each in numbers)
        assert min(abs(a - b) for a, b in pairwise(sorted(numbers))) > 1
