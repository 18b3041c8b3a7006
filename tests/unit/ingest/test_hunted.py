"""What an indicator looks for is found under its id, whatever its pattern is written in."""

import pytest

from mithaq.detect.engine import Engine
from mithaq.detect.sigma import Correlator
from mithaq.errors import InputError
from mithaq.ingest.hunted import Scanner, sought
from mithaq.ingest.wanted import content
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.whose import Word

RULE = """title: Encoded command
id: 11111111-1111-4111-8111-111111111111
name: encoded
logsource: {product: windows, category: process_creation}
detection:
  one: {CommandLine|contains: ' -enc '}
  condition: one
level: high
"""
OFTEN = """---
title: Again and again
correlation: {type: event_count, rules: [encoded], group-by: [Computer], timespan: 1h, condition: {gte: 2}}
level: critical
"""
YARA = 'rule bad { strings: $a = "evil-marker" condition: $a } rule other { condition: false }'


def indicator(number, pattern, type_, giver="aurelia"):
    id_ = f"indicator--00000000-0000-4000-8000-{number:012d}"
    body = {"type": "indicator", "id": id_, "name": f"n{number}", "pattern": pattern}
    return Word(id_, giver), body | {"pattern_type": type_}


def event(number):
    return Event(
        fields={
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "EventID": 1,
            "CommandLine": f"powershell -enc {number}",
            "Computer": "a",
        },
        source=LogSource("windows", "process_creation", "sysmon"),
        at=f"2026-11-30T10:00:0{number}.000Z",
        raw=b"%d" % number,
    )


def test_two_indicators_with_the_same_rule_are_each_found():
    held = [
        indicator(1, RULE, "sigma"),
        indicator(1, RULE, "sigma", "corvia"),
        indicator(2, RULE, "sigma"),
    ]

    found = [*Engine(sought([], held).rules).match([event(1)])]

    assert sorted(each.word for each in found) == [word for word, _ in held]
    assert len({each.id for each in found}) == 3
    assert {(each.title, each.level) for each in found} == {("Encoded command", "high")}


def test_what_a_correlation_of_an_indicator_completes_is_told_under_its_id():
    [[word, _]] = held = [indicator(1, RULE + OFTEN, "sigma")]
    made = sought([], held)

    correlator = Correlator(made.correlations)
    events = {each.digest: each for each in (event(1), event(2))}
    found = [
        told
        for match in Engine(correlator.rules).match([*events.values()])
        for told in correlator.take(match, events[match.event])
    ]

    assert made.rules == []  # its rule alerts not by itself
    assert [(each.word, each.title) for each in found] == [(word, "Again and again")]


def test_yara_rules_of_indicators_stand_beside_those_of_files():
    held = [indicator(1, YARA, "yara"), indicator(1, YARA, "yara", "corvia")]
    texts = sought([], held).texts
    of_file = [(text, None) for text, word in texts if word == held[0][0]]

    found = [*Scanner([*texts, *of_file]).match(b"an evil-marker here", "mail.bin")]

    assert sorted(each.word for each in found) == [Word("bad"), held[0][0], held[1][0]]
    assert len({each.id for each in found}) == 3
    assert {each.title for each in found} == {"bad"}


@pytest.mark.parametrize(
    ("pattern", "type_", "code"),
    [
        ("alert tcp any any", "snort", "indicator-type"),
        ("rule wrong { condition: nothing }", "yara", "yara-compile"),
        ("title: [", "sigma", "yaml-form"),
        ("[ipv4-addr:value = '203.0.113.7'", "stix", "pattern-syntax"),
    ],
)
def test_what_cannot_be_looked_for_is_told_under_its_id_and_takes_no_other_with_it(
    pattern, type_, code
):
    bad, good = indicator(1, pattern, type_), indicator(2, RULE, "sigma")

    made = content([], [], held=[bad, good])

    assert [(each.id, each.code) for each in made.unserved] == [(bad[0].rule, code)]
    assert {Word(each.id, each.giver) for each in made.rules} == {good[0]}


@pytest.mark.parametrize(
    "raw", [b"one.loompa\n", b"\xff\xfe\x00", b'{"type": "bundle", "objects": 7}']
)
def test_a_file_of_indicators_that_cannot_be_read_as_a_whole_is_named(raw):
    with pytest.raises(InputError, match=r"^second\.txt: ."):
        sought([("first.txt", b"evil.example.org\n"), ("second.txt", raw)])
