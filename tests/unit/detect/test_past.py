"""The observable index finds what a plain loop over the events finds, counts each event once, and keeps to its days."""

import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.defence.past import back, note
from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.observables import of
from mithaq.detect.past import place, value_at
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import of_kind
from mithaq.store.past import DamagedPast, Past

SYSMON = LogSource(product="windows", service="sysmon")
SPAN = ("2026-11-01", "2026-11-30")
LISTED = [
    ("domain", "evil.example"), ("domain", "a.good.example"), ("ip", "192.0.2.0/25"), ("ip", "2001:db8::/32"),
    ("ipv4", "198.51.100.7"), ("md5", "a" * 32), ("url", "evil.example/x"), ("filename", "EVIL.exe"),
]  # fmt: skip
KNOWN = Indicators([Listed(of_kind(*each), f"i-{n}") for n, each in enumerate(LISTED)])
SAID = [
    {"QueryName": "evil.example"}, {"QueryName": "a.b.evil.example"}, {"QueryName": "evil-x.example"},
    {"QueryName": "good.example", "QueryResults": "192.0.2.127;192.0.2.128;2001:db8::5;"}, {"SourceIp": "198.51.100.7"},
    {"Hashes": "IMPHASH=" + "a" * 32}, {"Hashes": "MD5=" + "A" * 32, "Image": r"C:\evil.EXE"},
    {"url": "https://evil.example/x"}, {"url": "https://evil.example/x%20y"},
]  # fmt: skip


def events(count=60):
    return [
        Event(
            fields=SAID[n % len(SAID)], source=SYSMON, raw=b"%d" % n,
            at=f"2026-11-{10 + n % 3:02d}T{n % 5:02d}:00:{n % 60:02d}.{n:03d}Z",
        )
        for n in range(count)
    ]  # fmt: skip


def naive(all_events):
    found = {}
    for event in all_events:
        for value in of(event):
            for listed in KNOWN.of(value):
                place_ = (listed.id, value_at(place(value)), event.at[:13])
                count, first, last = found.get(place_, (0, event.at, event.at))
                found[place_] = (count + 1, min(first, event.at), max(last, event.at))
    return found


def indexed(past, since=""):
    return {
        (each.listed.id, each.value, each.seen.hour): (each.seen.times, each.seen.first, each.seen.last)
        for each in back(past, KNOWN, [day for day in past.days() if day >= since])
    }  # fmt: skip


def test_the_index_finds_what_a_loop_over_all_events_finds_with_count_first_and_last(tmp_path):
    past = Past(tmp_path / "past")

    assert note(past, events(), SPAN) == 60

    assert indexed(past) == naive(events())
    assert {each.listed.value.kind for each in back(past, KNOWN, past.days())} == {
        "domain", "ipv4", "ipv6", "md5", "url", "filename",
    }  # fmt: skip


def test_an_event_that_is_read_again_in_any_batch_counts_once(tmp_path):
    past, all_events = Past(tmp_path), events()
    note(past, all_events[:40], SPAN)

    assert note(past, all_events[25:], SPAN) == 20
    assert note(past, all_events, SPAN) == 0

    assert indexed(past) == naive(all_events)


@pytest.mark.parametrize("at_once", [1, 7, 60])
def test_what_is_pressed_in_between_is_found_and_counted_as_what_is_loose(tmp_path, at_once):
    past, all_events = Past(tmp_path), events()
    for at in range(0, 60, at_once):
        note(past, all_events[at : at + at_once], SPAN)
        if at % 2:
            past.press("2026-12-01")

    assert past.press("2026-11-11") <= 1
    assert note(past, all_events[::-1], SPAN) == 0

    assert indexed(past) == naive(all_events)


def test_many_blocks_give_what_stands_in_any_of_them(tmp_path):
    names = [f"a{n}.evil.example" for n in range(1000)]
    many = [
        Event(fields={"QueryName": name}, source=SYSMON, raw=name.encode(), at="2026-11-10T05:00:00.000Z")
        for name in names
    ]  # fmt: skip
    past = Past(tmp_path)
    note(past, many, SPAN)
    past.press("2026-12-01")

    found = {each.value.text for each in back(past, KNOWN, past.days())}
    one = Indicators([Listed(of_kind("domain", name), name) for name in names])

    assert found == set(names)
    assert sorted(each.listed.id for each in back(past, one, past.days())) == sorted(names)
    assert past.press("2026-12-01") == 0


def test_what_breaks_off_leaves_nothing_and_is_made_up_for(tmp_path):
    past, broken = Past(tmp_path), Event(fields={}, raw=b"x", at="2026-11-10T00:00:0!.000Z")
    with pytest.raises(ValueError, match="invalid literal"):
        note(past, [*events(), broken], SPAN)

    note(past, events(), SPAN)

    assert indexed(past) == naive(events())


@pytest.mark.parametrize("damage", [b"no database" * 500, b""])
def test_a_file_that_is_no_index_is_named_and_stops_nothing_else(tmp_path, damage):
    past = Past(tmp_path)
    note(past, events(), SPAN)
    (tmp_path / "2026-11-11.sqlite").write_bytes(damage)

    with pytest.raises(DamagedPast, match="2026-11-11"):
        list(back(past, KNOWN, past.days()))

    assert list(back(past, KNOWN, ["2026-11-10", "2026-11-12"]))


def test_days_are_thrown_away_whole_and_what_is_outside_of_the_span_is_not_noted(tmp_path):
    past = Past(tmp_path)
    note(past, events(), SPAN)
    times = ["", "1601-01-01T00:00:00.000Z", "2027-01-01T00:00:00.000Z"]
    odd = [
        Event(fields=SAID[0], source=SYSMON, raw=b"y%d" % n, at=at) for n, at in enumerate(times)
    ]

    assert note(past, odd, SPAN) == 0
    assert past.forget("2026-11-12") == 2

    assert past.days() == ["2026-11-12"]
    assert {hour[:10] for _, _, hour in indexed(past)} == {"2026-11-12"}
    assert indexed(past, since="2026-11-13") == {}


@pytest.mark.parametrize(
    ("kind", "text"),
    [("domain", "a.b.example"), ("ip", "192.0.2.1"), ("ip", "2001:db8::1"),
     ("url", "http://a.example/x"), ("url", "a.example/x"), ("md5", "a" * 32)],
)  # fmt: skip
def test_a_place_says_its_value(kind, text):
    value = of_kind(kind, text)
    assert value_at(place(value)) == value


def test_a_damaged_day_is_named_and_the_others_are_searched(tmp_path):
    past = Past(tmp_path / "past")
    note(past, events(), SPAN)
    whole = indexed(past)
    (tmp_path / "past" / "2026-11-11.sqlite").write_bytes(b"no index " * 1000)

    lost = []
    found = {
        (each.listed.id, each.value, each.seen.hour)
        for each in back(past, KNOWN, past.days(), lost=lost)
    }

    assert lost == ["2026-11-11"]
    assert found == {each for each in whole if not each[2].startswith("2026-11-11")}
    assert found
    with pytest.raises(DamagedPast):
        list(back(past, KNOWN, past.days()))


@pytest.mark.parametrize("pressed", [False, True])
def test_whatever_bytes_of_a_day_are_changed_it_is_read_or_named(tmp_path, pressed):
    past = Past(tmp_path / "past")
    note(past, events(), SPAN)
    if pressed:
        past.press("2026-11-30")
    file = tmp_path / "past" / "2026-11-10.sqlite"
    whole = file.read_bytes()
    dice, told = random.Random(7), 0
    for _ in range(150):
        at = dice.randrange(len(whole))
        file.write_bytes(whole[:at] + dice.randbytes(40) + whole[at + 40 :])
        lost = []
        found = {each.seen.hour[:10] for each in back(past, KNOWN, past.days(), lost=lost)}
        assert set(lost) <= {"2026-11-10"}
        assert {"2026-11-11", "2026-11-12"} <= found
        told += bool(lost)
    assert told


def test_a_day_that_is_not_there_is_not_made_by_reading_it(tmp_path):
    past = Past(tmp_path / "past")
    note(past, events(), SPAN)

    with pytest.raises(DamagedPast), past.reading("2026-11-01"):
        pass

    assert past.days() == ["2026-11-10", "2026-11-11", "2026-11-12"]
    past.press("2026-11-30")


def test_a_damaged_day_keeps_no_other_from_being_pressed_and_thrown_away(tmp_path):
    past = Past(tmp_path / "past")
    note(past, events(), SPAN)
    (tmp_path / "past" / "2026-11-10.sqlite").write_bytes(b"no index " * 1000)

    assert past.press("2026-11-30") == 2
    assert past.forget("2026-11-12") == 2
    assert past.days() == ["2026-11-12"]


def names():
    return st.lists(st.sampled_from("ab."), min_size=1, max_size=4).map("".join)


@given(
    seen=st.lists(st.tuples(names(), st.integers(0, 5)), max_size=40),
    loose=st.integers(0, 40),
    asked=st.lists(st.tuples(names(), names()), max_size=12),
)
def test_one_pass_over_ranges_finds_what_asking_for_each_place_finds(seen, loose, asked):
    with TemporaryDirectory() as folder:
        past = Past(Path(folder))
        with past.writing("2026-11-10") as file:
            for number, (place_, hour) in enumerate(seen):  # half of 16 digits tell an event
                if number == loose:
                    file.press()
                file.is_new(f"sha256:{2 * number:016x}{0:048x}", hour)
                file.count("a/b/c", {(place_, hour): [1, hour * 3_600_000, hour * 3_600_000]}, [1])
        with past.reading("2026-11-10") as file:
            ranges = sorted((min(each), max(each)) for each in asked)
            found = [(n, each.place, each.hour, each.times) for n, each in file.find(ranges)]

    counts = Counter(seen)
    expected = [
        (number, place_, f"2026-11-10T{hour:02d}", count)
        for (place_, hour), count in counts.items()
        for number, (first, end) in enumerate(ranges)
        if first <= place_ < end
    ]
    assert sorted(found) == sorted(expected)
