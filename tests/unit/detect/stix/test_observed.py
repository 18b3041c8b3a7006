"""Telemetry as patterns see it: objects with properties and references (STIX 2.1 section 6)."""

import pytest

from mithaq.detect.stix.observed import observation
from mithaq.detect.stix.stream import Stream
from mithaq.model.telemetry import Event, LogSource

PROCESS = Event(
    fields={
        "Image": "C:\\Windows\\System32\\rundll32.exe", "CommandLine": "rundll32.exe evil.dll,Start",
        "ProcessId": "4242",
        "ParentImage": "C:\\Office\\WINWORD.EXE", "User": "CORP\\alice",
        "Hashes": "SHA1=" + "a" * 40 + ",MD5=" + "b" * 32 + ",IMPHASH=" + "c" * 32,
    },
    source=LogSource("windows", "process_creation", "sysmon"), at="2026-01-01T00:00:00.000Z", raw=b"1",
)  # fmt: skip
TRAFFIC = Event(
    fields={"SourceIp": "10.0.0.5", "SourcePort": 50000, "DestinationIp": "203.0.113.9", "DestinationPort": "443",
            "Protocol": "tcp", "Image": "C:\\a.exe"},
    source=LogSource("windows", "network_connection"), at="2026-01-01T00:00:02.000Z", raw=b"2",
)  # fmt: skip
KEY = Event(
    fields={"TargetObject": "HKLM\\Software\\Run\\Evil", "Details": "C:\\evil.exe", "Image": "C:\\a.exe"},
    source=LogSource("windows", "registry_set"), at="2026-01-01T00:00:03.000Z", raw=b"3",
)  # fmt: skip
ZEEK = Event(
    fields={"id.orig_h": "10.0.0.5", "id.resp_h": "2001:db8::1", "id.resp_p": 80, "proto": "tcp", "method": "GET",
            "host": "evil.example", "uri": "/a", "user_agent": "Wget", "service": "-"},
    source=LogSource("zeek", "", "http"), at="2026-01-01T00:00:04.000Z", raw=b"4",
)  # fmt: skip
EVE = Event(
    fields={"src_ip": "10.0.0.5", "dest_ip": "203.0.113.9", "dns.rrname": "evil.example", "fileinfo.sha256": "d" * 64,
            "fileinfo.filename": "/x/a.exe", "fileinfo.size": 9},
    source=LogSource("suricata"), at="", raw=b"5",
)  # fmt: skip


def found(pattern, *events):
    stream = Stream([("p", pattern)])
    assert not stream.refused
    return [each.refs for event in events for each in stream.feed(observation(event))]


@pytest.mark.parametrize(
    ("pattern", "event"),
    [
        ("[process:command_line LIKE '%evil.dll%' AND process:image_ref.name = 'rundll32.exe']", PROCESS),
        ("[process:pid = 4242 AND process:parent_ref.image_ref.name = 'WINWORD.EXE']", PROCESS),
        ("[process:creator_user_ref.account_login = 'alice']", PROCESS),
        ("[file:name = 'rundll32.exe' AND file:hashes.'SHA-1' = '" + "A" * 40 + "']", PROCESS),
        ("[file:extensions.'windows-pebinary-ext'.imphash = '" + "c" * 32 + "']", PROCESS),
        ("[file:parent_directory_ref.path = 'C:\\\\Windows\\\\System32']", PROCESS),
        ("[file:path = 'C:\\\\Windows\\\\System32\\\\rundll32.exe']", PROCESS),
        ("[network-traffic:dst_ref.value ISSUBSET '203.0.113.0/24' AND network-traffic:dst_port = 443]", TRAFFIC),
        ("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:protocols[*] = 'tcp']", TRAFFIC),
        ("[ipv4-addr:value = '203.0.113.9']", TRAFFIC),
        ("[windows-registry-key:key = 'hkey_local_machine\\\\software\\\\run\\\\evil']", KEY),
        ("[windows-registry-key:key LIKE '%Software\\\\Run' AND windows-registry-key:values[0].name = 'Evil']", KEY),
        ("[windows-registry-key:values[*].data = 'C:\\\\evil.exe' AND windows-registry-key:key LIKE '%Evil']", KEY),
        ("[network-traffic:extensions.'http-request-ext'.request_header.'User-Agent' = 'Wget']", ZEEK),
        ("[network-traffic:protocols[*] = 'ipv6' AND network-traffic:dst_ref.value = '2001:db8::1']", ZEEK),
        ("[domain-name:value = 'evil.example']", ZEEK),
        ("[url:value = 'http://evil.example/a']", ZEEK),
        ("[domain-name:value = 'evil.example']", EVE),
        ("[file:hashes.sha256 = '" + "d" * 64 + "' AND file:size < 10 AND file:name = 'a.exe']", EVE),
    ],
)  # fmt: skip
def test_an_event_is_found_by_the_objects_that_it_is_about(pattern, event):
    others = [
        each
        for each in (PROCESS, TRAFFIC, KEY, ZEEK)
        if each is not event and pattern.count("domain") == 0
    ]
    assert (event.digest,) in found(pattern, *others, event)
    assert len(found(pattern, *others, event)) == 1


def test_events_are_found_together_in_their_order():
    then = "([process:command_line LIKE 'rundll32%'] FOLLOWEDBY [network-traffic:dst_port = 443]) WITHIN 5 SECONDS"
    assert found(then, PROCESS, KEY, TRAFFIC) == []
    assert found(then, PROCESS, TRAFFIC, KEY) == [(PROCESS.digest, TRAFFIC.digest)]


def test_an_event_without_a_time_is_no_part_of_an_order():
    assert found("[file:size = 9] FOLLOWEDBY [network-traffic:dst_port = 443]", EVE, TRAFFIC) == []


def test_fields_mean_nothing_where_no_table_says_so():
    event = Event(fields={"Image": "C:\\a.exe", "CommandLine": "x"}, raw=b"")
    assert observation(event).objects == {}
