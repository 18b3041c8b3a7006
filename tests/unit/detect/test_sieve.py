"""What is found in the lines that a sieve leaves is what is found in all of them."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.detect import fields
from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.observables import READERS, kinds_of, of, read
from mithaq.detect.sieve import Sieve
from mithaq.formats import telemetry
from mithaq.formats.telemetry import Passed, Said, Sifting
from mithaq.formats.telemetry.windows import SERVICES
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
    {"EventID": None, "_path": "conn", "Image": r"C:\Evil.exe"},
    {"EventID": 1, "Hashes": "SHA1=x,MD5=" + "A" * 32},
    {"EventID": 3, "DestinationIp": "198.51.100.7", "DestinationPort": 443},
    {"EventID": 3, "DestinationIp": ["1.2.3.4", "198.51.100.7"], "DestinationPort": [80, 443]},
    {"EventID": 22, "QueryName": "a.evil.example"},
    {"_path": "dns", "query": "x.example", "answers": ["198.51.100.8", "192.0.2.3"]},
    {"_path": "conn", "id_orig_h": "192.0.2.3"},
    {"_path": "conn", "id": {"orig_h": "192.0.2.3"}},
    {"_path": "x509", "san": [{"dns": ["evil.example"]}, {"dns": "x.example"}]},
    {"_path": "http", "host": "good.example", "uri": "/bad"},
    {"_path": "smb_files", "name": r"\share\evil.exe"},
    {"@stream": "conn", "id.orig_h": "192.0.2.3"},
    {"event_type": "tls", "timestamp": "2026-11-30T12:00:00Z", "tls": {"sni": "evil.example"}},
    {"source": {"ip": "192.0.2.200"}},
]


def read_all(raw, sieve=None, cut=97):
    """Return what is found in lines, how many events they are, and the refusals, as with a sieve or without."""
    sifting = Sifting(sieve=sieve) if sieve else None
    pieces = [raw[at : at + cut] for at in range(0, len(raw), cut)]
    matches, events, refusals = [], 0, []
    for found in telemetry.sifted(
        pieces, "x.json", Said(sifting=sifting), as_kind=telemetry.kind("json")
    ):
        if isinstance(found, Event):
            events += 1
            matches += [(each.id, each.found) for each in KNOWN.match([found])]
        elif isinstance(found, Passed):
            events += found.events
        else:
            refusals.append(found)
    return matches, events, refusals


def written(*said):
    return b"".join(json.dumps(each).encode() + b"\n" for each in said)


@pytest.mark.parametrize("telling", TELLING, ids=range(len(TELLING)))
def test_a_line_that_speaks_of_an_indicator_is_left_among_quiet_ones(telling):
    raw = written(*QUIET, telling, *QUIET)
    matches, events, _ = read_all(raw, Sieve(KNOWN))

    assert len(matches) == 1
    assert events == 2 * len(QUIET) + 1
    assert matches == read_all(raw)[0]


def test_what_speaks_of_nothing_is_passed_over_and_counted():
    sifting = Sifting(sieve=Sieve(KNOWN))
    raw = written(*QUIET * 3)

    (passed,) = telemetry.sifted([raw], "", Said(sifting=sifting), as_kind=telemetry.kind("json"))
    assert passed == Passed(events=3 * len(QUIET), size=len(raw))


HOSTILE = [
    b"{",
    b"\xff",
    b"[]",
    b"",
    b"\r",
    b"  ",
    b"null",
    b'{"EventID": 1, "Image": "C:\\\\evil.exe\xff"}',
    b'{"a": 1}{"b": 2}',
    b'{"EventID": 1, "Image": "evil.exe"} {"_path": "dns"}',
    b'{"EventID": 1, "QueryName": "evil.ex\\u0061mple"}',
    b'{"EventID": 1, "QueryN\\u0061me": "evil.example"}',
    b'{"EventID": 1, "QueryName": "x", "QueryName": "evil.example"}',
    b'{"EventID": 1, "QueryName": "evil.example", "QueryName": "x.example"}',
    b'{"EventID": 1, "x": "\xff", "Image": "evil.exe"}',
    b'{"EventID": 1, "x": "\\ud800", "Image": "evil.exe"}',
    b'{"EventID": 1, "x": NaN, "Image": "evil.exe"}',
    b'{"EventID": 1, "x": 1e999, "Image": "evil.exe"}',
    b'{"EventID": 123456789012345678901234567890, "Image": "evil.exe"}',
    b'{"EventID": 1, "Image": {"a": "evil.exe"}}',
    b'{"EventID": 1, "Image": [["evil.exe"]]}',
    b'{"EventID": true, "Image": "x"}',
    b'{"_path": "sysmon", "Image": "evil.exe"}',
    b'{"_path": 3, "query": "evil.example"}',
    b'{"_path": "", "query": "evil.example"}',
    b'{"Event": {"EventID": 1}, "_path": "dns", "query": "evil.example"}',
    b'\xef\xbb\xbf{"EventID": 1, "Image": "evil.exe"}',
    b'{"log_name": "x", "_path": "dns", "query": "evil.example"}',
    b'{"EventID": 1, "Image": "\x00evil.exe"}',
    b'{"EventID": 1, "Image": "evil.exe"',
    b'{"EventID": 1, "x": ' + b"[" * 99 + b"]" * 99 + b', "Image": "evil.exe"}',
]
NAMES = [
    "EventID",
    "_path",
    "@stream",
    "id",
    "san",
    "event_type",
    "x",
    *fields.WINDOWS,
    *fields.ZEEK,
    "uri",
    "id_orig_h",
]
TEXTS = [
    "evil.example",
    "a.evil.example",
    "192.0.2.9",
    "198.51.100.7",
    "good.example",
    "/bad",
    "evil.exe",
    "a" * 32,
]
TEXTS += [
    "MD5=" + "A" * 32,
    "-",
    "",
    "dns",
    "smtp",
    "conn",
    "proxy",
    "\\x\\evil.exe",
    "http://good.example/bad",
]
scalars = st.sampled_from([*TEXTS, None, True, False, 1, 443, 1.5, 2**70, 4624]) | st.text(
    max_size=5
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["orig_h", "resp_h", "dns", "ip", "x"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
lines = st.one_of(
    st.dictionaries(st.sampled_from(NAMES), values, max_size=6).map(
        lambda each: json.dumps(each).encode()
    ),
    st.dictionaries(st.sampled_from(NAMES), scalars, max_size=6).map(
        lambda each: json.dumps({"EventID": 1} | each).encode()
    ),
    st.dictionaries(st.sampled_from(NAMES), scalars, max_size=6).map(
        lambda each: json.dumps({"_path": "conn"} | each, ensure_ascii=False).encode()
    ),
    st.sampled_from(HOSTILE),
    st.sampled_from(HOSTILE).map(lambda each: each.replace(b"evil", b"good")),
)


@given(st.lists(lines, max_size=12), st.sampled_from([40, 1000]))
def test_whatever_the_lines_the_matches_and_refusals_and_the_count_are_the_same(some, cut):
    raw = b"\n".join(some) + b"\n"
    matches, events, refusals = read_all(raw)
    sifted = read_all(raw, Sieve(KNOWN), cut)

    assert sifted[0] == matches
    deep = [
        each for each in refusals if "deeply" in each.why
    ]  # what nobody asks for is not measured
    assert sifted[1] <= events + len(deep)
    assert sifted[1] + len(sifted[2]) == events + len(refusals)
    assert [each for each in sifted[2] if each not in deep] == [
        each for each in refusals if each not in deep
    ]


def test_a_number_is_told_from_what_equals_it():
    known = Indicators([Listed(of_kind("filename", "1"), "i")])
    for others in ([True], [1.0], [True, 1.0]):
        sieve = Sieve(known)
        for said in [*others, 1]:
            some = [{"EventID": 1, "Image": said}, {"EventID": 1}]
            found = sieve.through([json.dumps(each).encode() for each in some])
        assert found == [0]


def test_no_telling_line_passes_when_what_was_learnt_is_forgotten(monkeypatch):
    monkeypatch.setattr("mithaq.detect.sieve._MOST", 4096)
    sieve, telling = Sieve(KNOWN), written(TELLING[0])
    for number in range(40):
        quiet = written({"EventID": 1, "Image": f"good-{number}.exe"})
        assert sieve.through([quiet, telling, b"[]", quiet]) == [1, 2]


def test_lines_of_no_form_that_is_known_cost_one_look_in_many():
    sieve, strange = Sieve(KNOWN), [b'{"event_type": "dns"}'] * 10
    assert all(len(sieve.through(strange)) == len(strange) for _ in range(40))
    quiet = [json.dumps(each).encode() for each in QUIET[:2]]
    assert any(len(sieve.through(quiet)) == 0 for _ in range(20))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(
        [*TEXTS, "a@evil.example; b@x.example", "MD5\0" + "a" * 32, "192.0.2.1\0" + "80", "::1"]
    )
    | st.text(max_size=40)
    | st.from_regex(r"[a-z0-9.:/@\\-]{1,40}", fullmatch=True)
)
def test_what_a_field_is_read_as_is_of_the_kinds_that_are_said(text):
    for how in READERS:
        assert {value.kind for value in read(how, text)} <= kinds_of(how), how


@pytest.mark.parametrize("source", [*sorted(set(SERVICES.values()))], ids=lambda each: each.service)
def test_an_event_of_windows_says_values_in_the_fields_of_its_table_alone(source):
    names = {name: "evil.example" for table in fields.TABLES.values() for name in table}
    names |= dict.fromkeys(fields.DOTTED, "evil.example")
    said = {name: text for name, text in names.items() if name not in fields.WINDOWS}

    assert not list(of(Event(fields=said, source=source, raw=b"")))
