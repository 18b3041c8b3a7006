"""Rules for each log source, held against what its writers write, as the readers of telemetry hand it on."""

import json

import pytest

from mithaq.detect.language import holds
from mithaq.detect.routing import about
from mithaq.detect.sigma import compiled
from mithaq.formats.telemetry import read
from mithaq.model.telemetry import Event

PROCESS = "product: {0}, category: process_creation"
MIMI = r"{Image|endswith: '\mimi.exe', CommandLine|contains: ' sekurlsa'}"
SUDO = "{Image|endswith: /sudo, CommandLine|contains: ' -u#-1'}"


def ecs(system, **more):
    said = {"ecs": {"version": "8.0"}, "host": {"os": {"type": system}}}
    return json.dumps(said | {"event": {"category": ["process"], "type": ["start"]}} | more)


def ocsf(system, number, **more):
    said = {
        "class_uid": 1007,
        "activity_id": 1,
        "device": {"os": {"type": system, "type_id": number}},
    }
    return json.dumps(said | more)


CASES = {
    "ecs": (
        PROCESS.format("windows"),
        MIMI,
        ecs("windows", process={"executable": r"C:\mimi.exe", "command_line": "x SEKURLSA"}),
    ),
    "ecs of linux": (
        PROCESS.format("linux"),
        SUDO,
        ecs("linux", process={"executable": "/bin/sudo", "command_line": "sudo -u#-1"}),
    ),
    "ocsf": (
        PROCESS.format("windows"),
        MIMI.replace("sekurlsa", "lsadump"),
        ocsf("Windows", 100, process={"file": {"path": r"C:\mimi.exe"}, "cmd_line": "x lsadump"}),
    ),
    "zeek": (
        "category: proxy",
        "{c-uri|endswith: /evil.bin, c-useragent: curl}",
        '{"_path":"http","ts":1.0,"id.orig_h":"192.0.2.1","uri":"/evil.bin","user_agent":"curl"}',
    ),
    "zeek's own names": (
        "product: zeek, service: dns",
        "{query|endswith: .example, id.orig_h|cidr: 192.0.2.0/24}",
        '{"_path":"dns","ts":1.0,"id.orig_h":"192.0.2.1","query":"a.example"}',
    ),
    "dns of zeek": (
        "category: dns",
        "{query|endswith: .example, record_type: TXT}",
        '{"_path":"dns","ts":1.0,"query":"a.example","qtype_name":"TXT"}',
    ),
    "eve": (
        "category: webserver",
        "{cs-uri-query|contains: /etc/shadow, sc-status: 200}",
        '{"event_type":"http","timestamp":"2026-01-01T00:00:00Z","http":{"url":"/?f=/etc/shadow","status":200}}',
    ),
    "passive dns": (
        "category: dns",
        "{query|endswith: .test}",
        '{"rrname":"a.test","rrtype":"A","rdata":"192.0.2.1","time_last":1767225600}',
    ),
    "access log": (
        "category: webserver",
        "{cs-method: GET, cs-uri-query|contains: /etc/passwd, cs-user-agent|contains: Evil}",
        '192.0.2.1 - - [10/Oct/2026:13:55:36 +0000] "GET /a?f=/etc/passwd HTTP/1.1" 200 5 "-" "evil/1"',
    ),
    "w3c": (
        "category: proxy",
        "{c-uri|endswith: /evil.bin, c-useragent|contains: evil}",
        "#Fields: date time c-uri cs(User-Agent) cs-host\n2026-01-01 00:00:00 http://x/evil.bin Evil x",
    ),
    "syslog": (
        "product: linux, service: sshd",
        "[maximum authentication attempts exceeded]",
        "<38>Oct 10 13:55:36 host sshd[5]: error: Maximum authentication attempts exceeded for root",
    ),
    "a device": (
        "product: cisco, service: aaa",
        "[no access-session port-control]",
        "<38>Oct 10 13:55:36 host aaad[5]: logged command:no access-session port-control",
    ),
    "auditd": (
        "product: linux, service: auditd",
        "{type: EXECVE, a0: chattr, a1|contains: '-i'}",
        'type=EXECVE msg=audit(1767225600.001:7): argc=3 a0="chattr" a1="-i" a2="/etc/passwd"',
    ),
    "cloudtrail": (
        "product: aws, service: cloudtrail",
        "{eventSource: cloudtrail.amazonaws.com, eventName: StopLogging}",
        '{"eventVersion":"1.08","eventSource":"cloudtrail.amazonaws.com","eventName":"StopLogging"}',
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_rule_fires_on_what_its_writer_writes_and_on_no_other(name):
    source, search, written = CASES[name]
    text = f"title: x\nlogsource: {{{source}}}\ndetection:\n  s: {search}\n  condition: s\n"
    rules = compiled(text).rules
    for other, (_, _, line) in CASES.items():
        events = [e for e in read([line.encode() + b"\n"], "a.log") if isinstance(e, Event)]
        assert len(events) == 1, other
        fired = any(
            about(rule.source, event.source) and holds(rule.predicate, event)
            for rule in rules
            for event in events
        )
        assert fired is (written == line), other
