"""JSON lines of telemetry, whoever wrote them and however their bytes arrive."""

import json
from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal
from mithaq.formats.telemetry.reading import MAX_LINE
from mithaq.model.telemetry import LogSource

SYSMON = {
    "EventID": "1",
    "Channel": "Microsoft-Windows-Sysmon/Operational",
    "Hostname": "W5.example",
    "SourceName": "Microsoft-Windows-Sysmon",
    "Image": "C:\\Windows\\System32\\cmd.exe",
    "TimeCreated": "2020-10-21T11:28:08.823Z",
}


def lines(*events):
    return b"".join(json.dumps(event).encode() + b"\n" for event in events)


def read(raw, name="events.json", **more):
    return list(telemetry.read([raw], name, **more))


def test_a_windows_event_has_the_names_that_rules_use_and_says_its_log():
    [event] = read(lines(SYSMON))

    assert event.fields["Computer"] == "W5.example"
    assert event.fields["Provider_Name"] == "Microsoft-Windows-Sysmon"
    assert event.fields["EventID"] == 1
    assert event.source == LogSource(product="windows", service="sysmon")
    assert event.at == "2020-10-21T11:28:08.823Z"
    assert event.raw == lines(SYSMON).strip()


def test_what_winlogbeat_wraps_has_the_same_names():
    data = {"Image": "C:\\Windows\\System32\\cmd.exe", "Channel": "a forged one"}
    system = {"event_id": 1, "channel": "Security", "computer_name": "W5.example"}
    new = {"@timestamp": "2020-10-21T11:28:08Z", "winlog": {"event_data": data, **system}}
    system["log_name"] = system.pop("channel")
    old = {"@timestamp": "2020-10-21T11:28:08Z", "event_data": data, **system}

    for event in read(lines(new, old)):
        assert event.source == LogSource(product="windows", service="security")
        assert event.at == "2020-10-21T11:28:08.000Z"
        assert event.fields["Image"] == data["Image"]
        assert event.fields["Channel"] == "Security"
        assert (event.fields["EventID"], event.fields["Computer"]) == (1, "W5.example")


def test_nested_names_are_joined_by_dots_and_lists_of_objects_by_their_names():
    nested = {
        "event_type": "dns",
        "timestamp": "2015-03-29T11:01:38.221126-0600",
        "dns": {"answers": [{"rrname": "a.example", "ttl": 1}, {"rrname": "b.example"}], "id": 7},
        "empty": [],
        "mixed": [1, {"deep": 2}, [3]],
    }

    [event] = read(lines(nested))

    assert event.source == LogSource(product="suricata", service="dns")
    assert event.at == "2015-03-29T17:01:38.221Z"
    assert event.fields == {
        "event_type": "dns",
        "timestamp": nested["timestamp"],
        "dns.answers.rrname": ["a.example", "b.example"],
        "dns.answers.ttl": 1,
        "dns.id": 7,
        "empty": [],
        "mixed": [1, 3],
        "mixed.deep": 2,
    }


def test_one_bad_byte_hides_no_event():
    bad = [
        b'{"CommandLine": "evil \xff.exe"}',
        b'{"CommandLine": "evil \x01.exe"}',
        b'{"CommandLine": "evil \\ud800.exe"}',
        b'{"CommandLine": "evil .exe", "x": NaN}',
    ]

    found = read(b"\n".join(bad))

    assert len(found) == len(bad)
    for event, raw in zip(found, bad, strict=True):
        assert event.fields["CommandLine"].startswith("evil ")
        assert event.fields["CommandLine"].encode()
        assert event.raw == raw


def test_what_is_no_event_is_refused_with_its_line_while_its_neighbours_are_read():
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    raw = b"\n".join([b'{"a": 1}', b"\x00" * 9, b"[1]", b'{"a": ', b"", deep, b'{"a": 2}'])

    found = read(raw)

    assert [one.number for one in found if isinstance(one, Refusal)] == [2, 3, 4, 6]
    assert {one.name for one in found if isinstance(one, Refusal)} == {"events.json"}
    assert [one.fields["a"] for one in found if not isinstance(one, Refusal)] == [1, 2]


def test_a_line_without_an_end_is_refused_and_not_kept():
    reader = telemetry.kind("json").open("events.json", telemetry.PLAIN)

    found = list(reader.feed(b'{"a": 1}\n{"a": "'))
    for _ in range(2 * MAX_LINE // (1 << 20)):
        found += reader.feed(b"x" * (1 << 20))
    assert sum(map(len, reader._parts)) <= MAX_LINE
    found += [*reader.feed(b'"}\n{"a": 2}'), *reader.end()]

    assert [type(one).__name__ for one in found] == ["Event", "Refusal", "Event"]
    assert found[1].code == "telemetry-long"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=8))
def test_events_are_the_same_wherever_the_bytes_are_cut(cuts):
    raw = (
        b"\xef\xbb\xbf" + lines(SYSMON, {"a": {"b": 1}}).replace(b"\n", b"\r\n") + b'{"a": 1}\nbad'
    )
    edges = sorted({0, len(raw), *(min(cut, len(raw)) for cut in cuts)})

    pieces = [raw[a:b] for a, b in pairwise(edges)]
    found = list(telemetry.read(pieces, "x", as_kind=telemetry.kind("json")))

    assert found == read(raw, "x", as_kind=telemetry.kind("json"))
    assert Counter(type(one).__name__ for one in found) == {"Event": 3, "Refusal": 1}


def test_an_unknown_writer_keeps_its_names_and_says_no_source():
    [event] = read(lines({"time": "2020-10-21 11:28:08", "host": {"name": "w"}}))

    assert (event.source, event.at) == (LogSource(), "2020-10-21T11:28:08.000Z")
    assert event.fields["host.name"] == "w"
