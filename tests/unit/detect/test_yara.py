"""YARA rules look through the bytes that events carry, within their time, and are compiled once for a home."""

from base64 import b64encode

import pytest

from mithaq.detect.carried import Carried, carried
from mithaq.detect.yara import Text, TooSlow, Yara, digest_of
from mithaq.ingest.hunted import Scanner
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.whose import Word

RULE = Text(
    "Evil", 'rule Evil { strings: $a = "evil\\x00bytes" $b = "evil script" condition: any of them }'
)
RAW = b"GET / evil\x00bytes"
SURICATA, WINDOWS = LogSource("suricata"), LogSource("windows", "", "powershell")


def event(fields, source=SURICATA, number=0):
    return Event(fields=fields, source=source, raw=b"%d" % number, at="2026-11-30T10:00:00.000Z")


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"payload": b64encode(RAW).decode()}, SURICATA),
        ({"http.http_response_body": b64encode(RAW).decode()}, SURICATA),
        ({"payload": "an evil script, in no base64!"}, SURICATA),
        ({"content": "0x" + RAW.hex()}, LogSource("windows", "", "amsi")),
        ({"ScriptBlockText": "# evil script", "Computer": "WS-1"}, WINDOWS),
        ({"powershell.file.script_block_text": "evil script"}, LogSource()),
        ({"post_body": ["nothing", "evil script"]}, LogSource("zeek", "", "http")),
    ],
)
def test_what_an_event_carries_is_looked_through_and_the_hit_is_of_that_event(fields, source):
    one = event(fields, source)

    [match] = Carried(Scanner([(RULE, Word("indicator--1"))])).match([one])

    assert (match.rule, match.event, match.at, match.source) == (
        "indicator--1",
        one.digest,
        one.at,
        source,
    )
    assert match.asset == fields.get("Computer", "").casefold()
    assert match.found["field"] in fields
    assert {"$a", "$b"} & match.found.keys()


def test_fields_that_carry_no_bytes_are_not_looked_through_and_a_rule_tells_once_of_an_event():
    scanner = Carried(Scanner([(RULE, None)]))

    assert not [*scanner.match([event({"ScriptBlockText": "evil script"}), event({"payload": ""})])]
    twice = {"payload_printable": "evil script", "packet": b64encode(RAW).decode()}
    assert len([*scanner.match([event(twice, number=1), event(twice, number=2)])]) == 2


class Slow:
    """Rules that take too long over some bytes."""

    def __init__(self):
        self.asked = 0

    def match(self, content, _name, _seconds):
        self.asked += 1
        if content.startswith(b"slow"):
            raise TooSlow("slow")
        return iter(())


def test_what_takes_too_long_is_counted_and_ends_what_is_looked_through_until_the_window_is_over():
    slow = Slow()
    rules = Carried(slow)

    def some(text, count):
        return [event({"payload_printable": f"{text}{n}"}, number=n) for n in range(count)]

    assert not [*rules.match(some("slow", 5))]
    assert (slow.asked, rules.slow) == (3, 5)
    assert not [*rules.match(some("quick", 10))]
    assert (slow.asked, rules.slow) == (3, 15)
    assert not [*rules.match([event({})] * 10_000)]
    assert not [*rules.match(some("quick", 10))]
    assert (slow.asked, rules.slow) == (13, 15)
    assert not [*rules.match(some("quick", 10))]
    assert slow.asked == 13  # what held nothing is known again


def test_bytes_of_hostile_fields_are_read_or_taken_as_they_stand():
    odd = {"payload": ["=", "A", "\ud800", "é" * 10, 7, None], "packet": True}
    assert [content for _, content in carried(event(odd))] == [
        b"=",
        b"A",
        b"?",
        ("é" * 10).encode(),
    ]


class Kept:
    """Keeps in memory."""

    def __init__(self):
        self.by, self.asked = {}, []

    def get(self, digest):
        self.asked.append(digest)
        return self.by.get(digest)

    def put(self, digest, content):
        self.by[digest] = content


def many(count=150, **more):
    made = [
        Text(f"r{n}", f'rule r{n} {{ strings: $a = "text{n}" condition: $a }}')
        for n in range(count)
    ]
    return [*made, Text("bad", "rule bad { condition: nothing }"), *more.values()]


def test_what_was_compiled_is_read_again_and_finds_and_refuses_the_same(monkeypatch):
    kept = Kept()
    fresh = Yara(many(), kept)
    monkeypatch.setattr("yara_x.Compiler", None)  # nothing is compiled any more

    again = Yara(many(), kept)

    assert len(kept.by) == 1
    assert again.unserved == fresh.unserved != []
    assert [*again.match(b"text7 text8", "f")] == [*fresh.match(b"text7 text8", "f")]
    assert {each.digest for each in again.match(b"text7", "f")} == {
        digest_of(many()[7].text), digest_of(many()[0].text.replace("r0", "r7").replace("text0", "text7")),
    }  # fmt: skip
    with pytest.raises(TypeError):
        Yara(many(more=RULE), kept)  # other rules are not those that are kept
