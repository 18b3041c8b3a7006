"""What comes through the sieve has all that is found in the whole."""

import json

import pytest

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.sieve import Sieve
from mithaq.formats.telemetry import kind
from mithaq.model.telemetry import Event
from mithaq.model.values import of_kind

LISTED = [
    ("domain", "evil.example"),
    ("ipv4", "192.0.2.0/24"),
    ("md5", "a" * 32),
    ("ip-port", "198.51.100.7:443"),
]
LISTED += [("url", "good.example/bad"), ("filename", "evil.exe")]  # fmt: skip
KNOWN = Indicators([Listed(of_kind(*each), f"i-{n}") for n, each in enumerate(LISTED)])
QUIET = [
    {"EventID": 1, "Image": r"C:\good.exe", "Hashes": "MD5=" + "b" * 32, "CommandLine": "evil.example"},
    {"EventID": 3, "DestinationIp": "198.51.100.7", "DestinationPort": 80},
    {"_path": "dns", "query": "notevil.example", "answers": ["198.51.100.7"]},
    {"EventID": 1, "Hashes": "IMPHASH=" + "a" * 32},
]  # fmt: skip
TELLING = [
    {"EventID": "1", "Image": r"C:\Evil.exe"},
    {"EventID": 1, "Hashes": "SHA1=x,MD5=" + "A" * 32},
    {"EventID": 3, "DestinationIp": "198.51.100.7", "DestinationPort": 443},
    {"EventID": 22, "QueryName": "a.evil.example"},
    {"_path": "dns", "query": "x.example", "answers": ["198.51.100.8", "192.0.2.3"]},
    {"_path": "conn", "id_orig_h": "192.0.2.3"},
    {"_path": "http", "host": "good.example", "uri": "/bad"},
    {"event_type": "tls", "timestamp": "2026-11-30T12:00:00Z", "tls": {"sni": "evil.example"}},
    {"source": {"ip": "192.0.2.200"}},
]


def read(lines):
    reader = kind("json").open("", None)
    events = reader.feed(b"".join(line + b"\n" for line in lines))
    return [each for each in events if isinstance(each, Event)]


def found(lines):
    return [each.id for each in KNOWN.match(read(lines))]


def written(*said):
    return [json.dumps(each).encode() for each in said]


def test_what_is_found_in_the_lines_that_come_through_is_what_is_found_in_all():
    lines = written(*QUIET, *TELLING, *QUIET, *reversed(TELLING))
    through = list(Sieve(KNOWN).through(lines))

    assert found(through) == found(lines)
    assert len(found(lines)) == 2 * len(TELLING)
    assert through == written(*TELLING, *reversed(TELLING))


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize(
    "line",
    [
        b"{", b"\xff", b"[]", b'{"EventID": 1, "Image": "\xff"}', b'{"_path": "sysmon", "Image": "x"}',
        b'{"_path": 3}', b'{"Event": {"EventID": 1}}', b'{"EventID": 1, "Image": {"a": 1}}',
    ],
)  # fmt: skip
def test_a_line_that_is_not_surely_of_a_known_form_comes_through(line, times):
    assert list(Sieve(KNOWN).through([line] * times)) == [line] * times
