"""Indicators with patterns over telemetry: a match is known by its indicator and the event that completed it."""

from mithaq.detect.stix.patterns import Asked, Patterns
from mithaq.detect.stix.stream import Bounds
from mithaq.model.telemetry import Event, LogSource

SYSMON = LogSource("windows", "", "sysmon")
THEN = "([process:command_line LIKE 'rundll32%'] FOLLOWEDBY [network-traffic:dst_port = 443]) WITHIN 5 SECONDS"
ASKED = [
    Asked("indicator--1", "sha256:1", "Beacon", THEN),
    Asked("indicator--2", "sha256:2", "Address", "[ipv4-addr:value = '203.0.113.9']"),
    Asked("indicator--3", "sha256:3", "Broken", "[ipv4-addr:value ="),
]


def event(second, **fields):
    return Event(
        fields=fields,
        source=SYSMON,
        at=f"2026-01-01T00:00:{second:02d}.000Z",
        raw=f"{second}".encode(),
    )


EVENTS = [
    event(0, CommandLine="rundll32 x.dll", Image="C:\\rundll32.exe"),
    event(1, CommandLine="other", Image="C:\\other.exe"),
    event(2, DestinationIp="203.0.113.9", DestinationPort=443, Image="C:\\rundll32.exe"),
    event(30, SourceIp="10.0.0.1", DestinationIp="203.0.113.9", DestinationPort=443, Image="C:\\rundll32.exe"),
]  # fmt: skip


def test_matches_say_which_event_completed_them_and_what_they_rest_on():
    patterns = Patterns(ASKED)

    matches = list(patterns.match(EVENTS))

    assert [(each.rule, each.at[17:19]) for each in matches] == [
        ("indicator--2", "02"),
        ("indicator--1", "02"),
        ("indicator--2", "30"),
    ]
    address, beacon, later = matches
    assert address.found == later.found == {"ipv4-addr:value": "203.0.113.9"}
    assert beacon.found["network-traffic:dst_port"] == 443
    assert beacon.found["events"] == [EVENTS[0].digest, EVENTS[2].digest]
    assert (beacon.event, beacon.source, beacon.title) == (EVENTS[2].digest, SYSMON, "Beacon")
    assert patterns.refused["sha256:3"].code == "pattern-syntax"
    assert not patterns.incomplete


def test_matches_are_the_same_whatever_the_batches_and_the_order_within_the_lateness():
    whole = {each.id for each in Patterns(ASKED).match(EVENTS)}
    single = Patterns(ASKED)
    waiting = Patterns(ASKED, Bounds(lateness=60_000_000))

    one_by_one = {each.id for one in EVENTS for each in single.match([one])}
    shuffled = {each.id for each in waiting.match(EVENTS[::-1])} | {
        each.id for each in waiting.end()
    }

    assert whole == one_by_one == shuffled
