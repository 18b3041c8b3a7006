# ruff: noqa: E501 lines of logs are as long as they are
"""What resolvers, mail servers, firewalls and other devices write is read for the values that it speaks of."""

import time
from datetime import UTC, datetime

import pytest

from mithaq.detect import observables
from mithaq.detect.engine import Engine
from mithaq.detect.sigma import compiled
from mithaq.formats import telemetry
from mithaq.formats.telemetry import Said
from mithaq.model.telemetry import LogSource

NOW = Said(now=datetime(2026, 12, 1, tzinfo=UTC))
SYSLOG = "Nov 30 10:11:12 ns1 "

# A line, its kind, and what it speaks of.
LINES = [
    (SYSLOG + "named[812]: client @0x7f1c 192.0.2.7#53124 (www.evil.example): query: www.evil.example IN A +E(0)K (192.0.2.53)",
     "syslog", {"domain www.evil.example", "ipv4 192.0.2.7"}),
    (SYSLOG + "named[812]: client 2001:db8::7#53124 (evil.example): view inside: query: evil.example IN TXT + (2001:db8::53)",
     "syslog", {"domain evil.example", "ipv6 2001:db8::7"}),
    (SYSLOG + "named[812]: client @0x7f1c 192.0.2.7#5 (bad.example): rpz QNAME NXDOMAIN rewrite bad.example/A/IN via bad.example.rpz",
     "syslog", {"domain bad.example", "ipv4 192.0.2.7"}),
    ("30-Nov-2026 10:11:12.345 queries: info: client @0x7f1c 192.0.2.7#1 (evil.example): query: evil.example IN AAAA + (192.0.2.53)",
     "resolver", {"domain evil.example", "ipv4 192.0.2.7"}),
    (SYSLOG + "unbound[77]: [77:0] info: 192.0.2.7 www.evil.example. A IN",
     "syslog", {"domain www.evil.example", "ipv4 192.0.2.7"}),
    ("[1796033472] unbound[77:0] reply: 192.0.2.7 evil.example. MX IN NXDOMAIN 0.021 0 60",
     "resolver", {"domain evil.example", "ipv4 192.0.2.7"}),
    (SYSLOG + "dnsmasq[9]: query[AAAA] evil.example from 192.0.2.7",
     "syslog", {"domain evil.example", "ipv4 192.0.2.7"}),
    ("Nov 30 10:11:12 dnsmasq[9]: reply evil.example is 203.0.113.5",
     "resolver", {"domain evil.example", "ipv4 203.0.113.5"}),
    (SYSLOG + "pdns_recursor[4]: 3 [1/1] question for 'evil.example|A' from 192.0.2.7:33521",
     "syslog", {"domain evil.example", "ipv4 192.0.2.7"}),
    ('[INFO] 192.0.2.7:50759 - 29008 "A IN evil.example. udp 41 false 4096" NOERROR qr,rd,ra 59 0.003s',
     "resolver", {"domain evil.example", "ipv4 192.0.2.7"}),
    ("11/30/2026 10:11:12 AM 0E1C PACKET  000001D6 UDP Rcv 192.0.2.7       7b2c   Q [0001   D   NOERROR] A      (3)www(4)evil(7)example(0)",
     "windows-dns", {"domain www.evil.example", "ipv4 192.0.2.7"}),
    (SYSLOG + "postfix/smtpd[5]: NOQUEUE: reject: RCPT from mail.evil.example[203.0.113.9]: 554 5.7.1; from=<a@evil.example> to=<b@own.example> proto=ESMTP helo=<h.evil.example>",
     "syslog", {"email a@evil.example", "domain evil.example", "email b@own.example", "domain own.example",
                "domain h.evil.example", "domain mail.evil.example", "ipv4 203.0.113.9"}),
    (SYSLOG + "postfix/smtp[5]: 4F1: to=<b@evil.example>, relay=mx.evil.example[203.0.113.9]:25, delay=1, status=sent (250 ok)",
     "syslog", {"email b@evil.example", "domain evil.example", "domain mx.evil.example", "ipv4 203.0.113.9"}),
    ("2026-11-30 10:11:12 1tHabc-0000000Abcd-0xyz <= a@evil.example H=mx.evil.example (helo.evil.example) [203.0.113.9]:4321 P=esmtps S=1234",
     "exim", {"email a@evil.example", "domain evil.example", "domain mx.evil.example", "domain helo.evil.example",
              "ipv4 203.0.113.9"}),
    (SYSLOG + "dovecot[3]: imap-login: Login: user=<ana>, method=PLAIN, rip=203.0.113.9, lip=192.0.2.1, mpid=4, TLS",
     "syslog", {"ipv4 203.0.113.9"}),
    (SYSLOG + "sshd[4]: Failed password for invalid user admin from 203.0.113.9 port 33012 ssh2",
     "syslog", {"ipv4 203.0.113.9"}),
    (SYSLOG + "kernel: [12.3] DROP IN=eth0 OUT= MAC=00:11 SRC=203.0.113.9 DST=192.0.2.1 LEN=60 PROTO=TCP SPT=4444 DPT=22 WINDOW=1",
     "syslog", {"ipv4 203.0.113.9", "ipv4 192.0.2.1", "ip-port 192.0.2.1:22"}),
    ("<134>1 2026-11-30T10:11:12Z fw CEF - - - CEF:0|Acme|Wall|1.0|100|a \\| b|5|src=192.0.2.7 dst=203.0.113.9 dpt=443 request=http://evil.example/a?b\\=c msg=x y",
     "syslog", {"ipv4 192.0.2.7", "ipv4 203.0.113.9", "ip-port 203.0.113.9:443", "url http://evil.example/a?b=c",
                "domain evil.example"}),
    (SYSLOG + "fw: LEEF:2.0|Acme|Wall|1|7|^|src=192.0.2.7^dst=203.0.113.9^url=http://evil.example/",
     "syslog", {"ipv4 192.0.2.7", "ipv4 203.0.113.9", "url http://evil.example/", "domain evil.example"}),
    ('<189>Nov 30 10:11:12 fw log: date=2026-11-30 time=10:11:12 devname="fw" logid="0316013056" type="utm" srcip=192.0.2.7 dstip=203.0.113.9 dstport=443 hostname="evil.example" url="https://evil.example/a"',
     "syslog", {"ipv4 192.0.2.7", "ipv4 203.0.113.9", "ip-port 203.0.113.9:443", "domain evil.example",
                "url https://evil.example/a"}),
]  # fmt: skip
EXCHANGE = (
    b"#Software: Microsoft Exchange Server\r\n"
    b"#Fields: date-time,client-ip,server-ip,sender-address,recipient-address,message-subject,message-id\r\n"
    b'2026-11-30T10:11:12.345Z,203.0.113.9,192.0.2.25,a@evil.example,b@own.example;c@own.example,"hello, you",<1@x>\r\n'
)


def read(raw, name="x"):
    return list(telemetry.read([raw], name, NOW))


def values(event):
    return {f"{kind} {text}" for kind, text in observables.of(event)}


@pytest.mark.parametrize(("line", "kind", "wanted"), LINES, ids=[each[0][:60] for each in LINES])
def test_a_line_is_read_for_the_values_that_it_speaks_of(line, kind, wanted):
    [event] = read(line.encode() + b"\n")

    assert telemetry.fitting(line.encode() + b"\n", "x").name == kind
    assert values(event) == wanted
    assert event.at[:16] == ("" if line.startswith("[INFO]") else "2026-11-30T10:11")


def test_a_log_of_windows_dns_server_begins_with_a_legend_that_says_nothing():
    line = next(line for line, kind, _ in LINES if kind == "windows-dns")
    legend = (
        "DNS Server log file creation at 11/30/2026\nMessage logging key:\n\tField #  Information\n"
    )

    [event] = read(f"{legend}\n{line}\nUDP question info at 0000\n".encode())

    assert event.fields["record_type"] == "A"


def test_exchange_tracks_messages_in_columns_with_commas():
    [event] = read(EXCHANGE)

    assert event.at == "2026-11-30T10:11:12.345Z"
    assert values(event) == {
        *("ipv4 203.0.113.9", "ipv4 192.0.2.25", "email a@evil.example", "domain evil.example"),
        *("email b@own.example", "email c@own.example", "domain own.example"),
    }


@pytest.mark.parametrize(
    "line",
    [
        "named[8]: client @0x7f1c 192.0.2.7#5 (x): zone transfer 'x/AXFR/IN' denied",
        "unbound[77]: [77:0] notice: init module 0: validator",
        "dnsmasq[9]: started, version 2.89 cachesize 150",
        "kernel: [12.3] usb 1-1: new device",
        "app: CEF:0|Acme|Wall",
        "app: LEEF:1.0|x",
        "app: date=2026-11-30 and more",
        "sshd[4]: Server listening on 0.0.0.0 port 22.",
    ],
)
def test_what_is_not_understood_stays_a_message(line):
    [event] = read((SYSLOG + line).encode())

    program, _, message = line.partition(": ")
    assert event.fields["message"] == message
    assert event.fields["program"] == program.partition("[")[0]
    assert event.source in (
        *(LogSource(service="syslog"), LogSource(product="linux", service="syslog")),
        LogSource(product="linux", service="sshd"),
    )


def test_rules_for_questions_of_dns_are_served_by_every_resolver():
    rules = compiled(
        "title: t\nid: 8b5db1b6-6a7e-4a4e-9b6e-0c6f6f0f0a01\nlevel: high\nlogsource:\n    category: dns\n"
        "detection:\n    s:\n        query|endswith: evil.example\n    condition: s\n"
    ).rules
    lines = [line for line, _, wanted in LINES if any("evil.example" in each for each in wanted)]
    asked = [
        line
        for line in lines
        if any(name in line for name in ("named", "unbound", "dnsmasq", "PACKET", "IN evil"))
    ]

    events = [event for line in asked for event in read(line.encode())]
    found = {match.event for match in Engine(rules).match(events)}

    assert found == {event.digest for event in events if "evil" in str(event.fields["query"])}
    assert len(found) >= 7


@pytest.mark.parametrize(
    "message",
    [
        "named: client @0x1 1.2.3.4#5 (" + "a" * 60_000,
        "unbound: info: " + "1" * 60_000,
        "postfix/x: " + "from=" * 12_000,
        "postfix/x: " + "a-" * 30_000 + "from=",
        "exim: " + "a" * 20 + " <= x H=" + "(" * 60_000,
        "sshd: " + "for a from 1 " * 4_000,
        "kernel: " + "SRC=" * 15_000,
        "x: CEF:0|a|b|c|d|e|f|" + "a" * 60_000,
        "x: CEF:0|a|b|c|d|e|f|" + "a= " * 20_000,
        "x: date=" + 'a="' * 20_000,
        "x: date=" + 'a="\\' * 15_000,
        "x: LEEF:2.0|a|b|c|d|^|" + "^" * 60_000,
        "dnsmasq: " + "1 " * 30_000,
    ],
)
def test_no_message_takes_longer_than_its_length(message):
    begin = time.process_time()

    assert len(read((SYSLOG + message).encode())) == 1
    assert time.process_time() - begin < 0.5
