"""Each kind of telemetry, known by its opening, with the names and the instants its tools give it."""

import json
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Refusal, Said, UnknownKind
from mithaq.model.telemetry import Event, LogSource

ZEEK = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    b"#fields\tts\tid.orig_h\tid.resp_p\tquery\tAA\tanswers\tTTLs\n"
    b"#types\ttime\taddr\tport\tstring\tbool\tvector[string]\tvector[interval]\n"
    b"1521911720.865716\t10.47.1.100\t53\ta\\x09b.example\tT\tc.example,192.0.2.1\t1.5,2.0\n"
    b"1521911720.865716\t10.47.1.100\t53\t-\tF\t(empty)\t-\n"
    b"1521911720.865716\tfour\n"
    b"when\t10.47.1.100\t53\t-\tF\t(empty)\t-\n"
    b"#close\t2024-04-12\n"
)
AUDIT = (
    b'type=SYSCALL msg=audit(1604996384.965:93777): syscall=59 comm="dd" exe="/bin/dd" key=(null)\n'
    b"type=SYSCALL msg=audit(1604996385.100:93778): syscall=2 exe=2F62696E2F61206200\n"
    b'type=EXECVE msg=audit(1604996384.965:93777): argc=2 a0="dd" a1=69663D2F646576\n'
    b"type=PROCTITLE msg=audit(1604996384.965:93777): proctitle=646400\n"
    b"type=USER_CMD msg=audit(1604996390.000:93779): pid=7 msg='cwd=\"/root\" cmd=6C73202D6C'\n"
    b"and this\n"
)
SYSLOG = (
    b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8\n"
    b'<165>1 2003-10-11T22:14:15.003Z host.example evntslog - ID47 [ex@1 iut="3" t="a\\"b"] An event\n'
    b"Feb 29 24:00:00 host sshd[42]: Accepted\n"
    b"2024-02-29T10:00:00.5+02:00 host CRON[42]: (root) CMD (x)\n"
    b"not so\n"
)
COMBINED = (
    b"192.0.2.1 - frank [10/Oct/2000:13:55:36 -0700] "
    b'"GET /a.php?q=1 HTTP/1.0" 200 2326 "http://www.example/" "Mozilla \\"4\\""\n'
    b'192.0.2.1 - - [10/Foo/2000:13:55:36 -0700] "-" 408 -\n'
    b"not so\n"
)
SQUID = (
    b"1286536308.779    180 192.0.2.1 TCP_MISS/200 411 GET http://u:p@www.example:8080/a b"
    b" HIER_DIRECT/198.51.100.1 text/plain\n"
).replace(b"/a b", b"/a -")
CSV = b'when,EventID,note,empty\r\n2020-10-21 11:28:08,1,"two\nlines, ""quoted""",\r\n1,2\r\n'
W3C = (
    b"#Software: Microsoft Internet Information Services 10.0\n"
    b"#Fields: date time s-ip cs-method cs-uri-stem c-ip sc-status\n"
    b"2020-10-21 11:28:08 192.0.2.1 GET /a.aspx 192.0.2.2 200\n2020-10-21\n"
)
ARRAY = b'\n[\n  {"a": "]}\\"{",\n "b": [{"c": 1}]},\n {"a": 2}\n] [{"a": 3}]{"a": 4}\n{"a": [}]}'
WRAPPED = b'{"Records": [{"eventVersion": "1", "eventTime": "2020-10-21T11:28:08Z"}, {"a": 1}]}'
SAMPLES = {
    "zeek": ZEEK, "auditd": AUDIT, "syslog": SYSLOG, "access-log": COMBINED, "squid": SQUID,
    "csv": CSV, "w3c": W3C, "json-array": ARRAY,
}  # fmt: skip
NOW = Said(now=datetime(2026, 3, 1, tzinfo=UTC), columns={"when": "timestamp"})


def read(raw, name="x", said=NOW, **more):
    return list(telemetry.read([raw], name, said, **more))


def events(found):
    return [one for one in found if isinstance(one, Event)]


def numbers(found):
    return [one.number for one in found if isinstance(one, Refusal)]


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_kind_is_known_by_its_opening_and_may_be_said(kind):
    name = "x.csv" if kind == "csv" else "x"

    fitting = telemetry.fitting(SAMPLES[kind], name)

    assert fitting.name == kind
    assert read(SAMPLES[kind], name) == read(SAMPLES[kind], name, as_kind=telemetry.kind(kind))


def test_a_kind_that_is_not_known_is_refused_with_those_that_are():
    with pytest.raises(UnknownKind, match="json-array"):
        telemetry.kind("pcap")


@settings(max_examples=5, deadline=None)
@given(st.data())
@pytest.mark.parametrize("kind", SAMPLES)
def test_events_are_the_same_wherever_the_bytes_are_cut(kind, data):
    raw = SAMPLES[kind]
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=30))
    edges = sorted({0, len(raw), *cuts})

    pieces = [raw[a:b] for a, b in pairwise(edges)]
    found = list(telemetry.read(pieces, "x", NOW, as_kind=telemetry.kind(kind)))

    assert found == read(raw, as_kind=telemetry.kind(kind))


def test_a_log_of_zeek_has_the_columns_and_types_of_its_head():
    found = read(ZEEK)

    first, second = events(found)
    assert first.fields == {
        "ts": "2018-03-24T17:15:20.865716Z",
        "id.orig_h": "10.47.1.100",
        "id.resp_p": 53,
        "query": "a\tb.example",
        "AA": True,
        "answers": ["c.example", "192.0.2.1"],
        "TTLs": [1.5, 2.0],
    }
    assert (first.at, first.source) == (
        "2018-03-24T17:15:20.865Z",
        LogSource(product="zeek", service="dns"),
    )
    assert second.fields["answers"] == []
    assert "query" not in second.fields
    assert numbers(found) == [10, 11]


def test_zeek_as_json_is_of_the_log_its_file_is_named_for():
    line = b'{"ts": 1521911720.865716, "id.orig_h": "10.47.1.100"}\n'

    for name, service in {
        "/logs/conn.log": "conn",
        "logs.zip/dns.00:00:00-01:00:00.log": "dns",
        "-": "",
    }.items():
        [event] = read(line, name)
        assert event.source == LogSource(product="zeek", service=service)
        assert event.at == "2018-03-24T17:15:20.865Z"


def test_the_records_of_one_audit_event_are_joined():
    found = read(AUDIT)

    dd, command, other = sorted(events(found), key=lambda event: len(event.raw), reverse=True)
    assert dd.fields["type"] == ["SYSCALL", "EXECVE", "PROCTITLE"]
    assert (dd.fields["a0"], dd.fields["a1"]) == ("dd", "if=/dev")
    assert "key" not in dd.fields
    assert dd.at == "2020-11-10T08:19:44.965Z"
    assert dd.raw.count(b"\n") == 2
    assert (command.fields["cmd"], command.fields["cwd"]) == ("ls -l", "/root")
    assert other.fields["exe"] == "/bin/a b "
    assert numbers(found) == [6]


def test_what_is_held_back_begins_at_the_first_record_of_an_event_that_another_lies_across():
    reader = telemetry.kind("auditd").open("x", NOW)
    lines = AUDIT.splitlines(keepends=True)

    assert list(reader.feed(lines[0] + lines[1][:9])) == []
    assert reader.held == len(lines[0]) + 9
    assert list(reader.feed(lines[1][9:] + lines[2] + lines[3])) == []
    assert reader.held == len(b"".join(lines[:4]))
    assert len(list(reader.end())) == 2


def test_syslog_lines_of_either_form_say_who_and_when():
    found = read(SYSLOG)

    su, structured, leap, cron = events(found)
    assert su.at == "2025-10-11T22:14:15.000Z"  # the last such day before now
    assert (su.fields["facility"], su.fields["severity"]) == (4, 2)
    assert su.source == LogSource(product="linux", service="auth")
    assert structured.at == "2003-10-11T22:14:15.003Z"
    assert structured.fields["ex@1.t"] == 'a"b'
    assert structured.fields["message"] == "An event"
    assert structured.source == LogSource(service="syslog")
    assert leap.at == ""  # no such hour
    assert (leap.fields["program"], leap.fields["pid"]) == ("sshd", "42")
    assert cron.at == "2024-02-29T08:00:00.500Z"
    assert numbers(found) == [5]


def test_the_logs_of_web_servers_and_proxies_have_w3c_names():
    found = read(COMBINED)
    web, bare = events(found)
    [proxy] = events(read(SQUID))
    [iis] = events(read(W3C))

    assert web.fields == {
        "c-ip": "192.0.2.1",
        "cs-username": "frank",
        "cs-method": "GET",
        "cs-uri": "/a.php?q=1",
        "cs-uri-stem": "/a.php",
        "cs-uri-query": "q=1",
        "cs-version": "HTTP/1.0",
        "cs-referer": "http://www.example/",
        "cs-user-agent": 'Mozilla \\"4\\"',
        "sc-status": 200,
        "sc-bytes": 2326,
    }
    assert (web.at, web.source) == ("2000-10-10T20:55:36.000Z", LogSource(category="webserver"))
    assert bare.at == ""
    assert numbers(found) == [3]
    assert proxy.source == LogSource(category="proxy")
    assert proxy.fields["cs-host"] == "www.example"
    assert proxy.fields["c-uri"] == "http://u:p@www.example:8080/a"
    assert proxy.at == "2010-10-08T11:11:48.779Z"
    assert iis.fields["cs-uri-stem"] == "/a.aspx"
    assert iis.at == "2020-10-21T11:28:08.000Z"
    assert numbers(read(W3C)) == [4]


def test_a_table_is_read_by_its_head_and_a_person_says_what_its_columns_are():
    found = read(CSV, "x.csv")

    [event] = events(found)
    assert event.fields == {
        "timestamp": "2020-10-21 11:28:08",
        "EventID": 1,
        "note": 'two\nlines, "quoted"',
    }
    assert numbers(found) == [4]


def test_arrays_may_be_printed_over_many_lines_and_follow_each_other():
    found = read(ARRAY)

    assert [event.fields["a"] for event in events(found)[:4]] == [']}"{', 2, 3, 4]
    assert events(found)[0].fields["b.c"] == 1
    assert found[-1].code in {"telemetry-object", "telemetry-cut-off"}
    [aws, other] = events(read(WRAPPED))
    assert (aws.source, aws.at) == (
        LogSource(product="aws", service="cloudtrail"),
        "2020-10-21T11:28:08.000Z",
    )
    assert other.fields == {"a": 1}


@pytest.mark.parametrize(
    ("fields", "source", "at"),
    [
        (
            {"ecs.version": "8.0", "@timestamp": "2020-10-21T11:28:08Z", "host": {"os": {"type": "windows"}},
             "event": {"category": ["process"], "type": ["start"]}},
            LogSource(product="windows", category="process_creation"), "2020-10-21T11:28:08.000Z",
        ),
        (
            {"class_uid": 1007, "activity_id": 1, "time": 1603279688000, "device": {"os": {"type": "Linux"}}},
            LogSource(product="linux", category="process_creation"), "2020-10-21T11:28:08.000Z",
        ),
        (
            {"rrname": "a.example.", "rrtype": "A", "rdata": ["192.0.2.1"], "time_last": 1603279688},
            LogSource(category="dns", service="passive-dns"), "2020-10-21T11:28:08.000Z",
        ),
        (
            {"type": "FLOW", "src4_addr": "192.0.2.1", "t_first": "2020-10-21T11:28:08.500"},
            LogSource(service="netflow"), "2020-10-21T11:28:08.500Z",
        ),
    ],
)  # fmt: skip
def test_a_writer_is_known_by_what_all_its_events_say(fields, source, at):
    [event] = read(json.dumps(fields).encode() + b"\n")

    assert (event.source, event.at) == (source, at)


SIGNS = [
    "EventID", "winlog.event_id", "Event.System.EventID", "_path", "ecs.version", "class_uid", "event_type",
    "eventVersion", "id.orig_h", "rrname", "src4_addr", "Channel", "ts", "time", "time_last", "activity_id",
    "event.category", "host.os.type", "@timestamp", "timestamp", "id_",
]  # fmt: skip
SCALARS = st.sampled_from(
    [None, True, -1, 2**70, 1e300, 1603279688, "", "1", "Security", "2020-10-21"]
)
ANY = st.one_of(
    SCALARS,
    st.lists(SCALARS, max_size=2),
    st.dictionaries(st.sampled_from(["a", "b.c"]), SCALARS, max_size=2),
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.sampled_from(SIGNS), ANY, max_size=6))
def test_whatever_stands_under_a_known_name_is_an_event(fields):
    [event] = read(json.dumps(fields).encode() + b"\n", as_kind=telemetry.kind("json"))

    for value in event.fields.values():
        parts = value if isinstance(value, list) else [value]
        assert all(isinstance(part, str | int | float | None) for part in parts)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([kind.name for kind in telemetry.KINDS]), st.binary(max_size=300))
def test_no_bytes_break_a_reader(kind, raw):
    opening = SAMPLES.get(kind, b"ElfFile\0" + bytes(4096 - 8) + b"ElfChnk\0")

    list(telemetry.read([opening, raw, b"\n" + raw], "x.csv", NOW, as_kind=telemetry.kind(kind)))
