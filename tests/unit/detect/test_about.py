"""What YARA rules and STIX patterns name is found where their writers put it, and nowhere else."""

import pytest

from mithaq.detect.about import FILES, in_yara, named, of_yara
from mithaq.detect.collected import serves

YARA = """rule Key : T1552_004 linux {{
  meta:
    author = "T. Ester"
    mitre = "{meta}"
  strings:
    $a = "{string}"
    $b = {{ 54 31 30 35 39 }}
  condition:
    $a or $b
}}
"""


def rule(meta="", string="x"):
    return YARA.format(meta=meta, string=string)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (rule(), ("T1552.004",)),
        (rule("https://attack.mitre.org/techniques/T1221/"), ("T1552.004", "T1221")),
        (rule("t1059.001, T1552.004"), ("T1552.004", "T1059.001")),
        (rule("", "T1003"), ("T1552.004",)),
        (rule("XT1003 T10033 T1003a"), ("T1552.004",)),
        ("rule a { condition: true }\n" + rule("T1003"), ("T1552.004", "T1003")),
        ("rule a { condition: true }", ()),
        ("rule a {" * 100_000, ()),
        ("strings:" * 100_000 + "T1003", ()),
    ],
)
def test_a_yara_rule_names_techniques_in_its_tags_and_meta_and_not_in_what_it_searches_for(
    text, numbers
):
    assert of_yara(text) == numbers


def test_a_yara_rule_needs_files_and_one_that_does_not_compile_sees_nothing():
    one = in_yara("Key", rule())
    broken = in_yara("Key", rule().replace("$a or $b", "$c"))

    assert (one.kind, one.title, one.needs) == ("yara", "Key", (frozenset({FILES}),))
    assert serves({FILES}, one.needs)
    assert not serves({FILES}, broken.needs)
    assert in_yara("a", "rule a { condition: true }") is None


def indicator(pattern="[domain-name:value = 'a.example']", number="T1071.004", **more):
    said = [{"source_name": "mitre-attack", "external_id": number}] if number else []
    return {
        "type": "indicator",
        "name": "n",
        "pattern": pattern,
        "external_references": said,
    } | more


@pytest.mark.parametrize(
    ("more", "numbers"),
    [
        ({}, ("T1071.004",)),
        ({"external_references": [], "labels": ["attack.t1059", "x", 7]}, ("T1059",)),
        ({"external_references": [{"source_name": "capec", "external_id": "T1059"}]}, ()),
        ({"external_references": "T1059", "labels": {"T1059": 1}}, ()),
        ({"external_references": [], "description": "like T1059"}, ()),
        ({"pattern_type": "snort"}, ()),
        ({"pattern_type": "sigma"}, ()),
        ({"pattern_type": "yara", "pattern": rule()}, ("T1071.004", "T1552.004")),
    ],
)
def test_an_indicator_names_techniques_by_references_to_attack_and_labels(more, numbers):
    found = named("indicator--1", indicator(**more))
    assert (found.techniques if found else ()) == numbers


@pytest.mark.parametrize(
    ("pattern", "enough", "short"),
    [
        ("[domain-name:value = 'a.example']", {"zeek/dns"}, {"windows/security", "netflow"}),
        ("[url:value = 'http://a.example/']", {"eve/http"}, {"zeek/dns"}),
        ("[ipv4-addr:value = '192.0.2.1']", {"netflow"}, {"sysmon/registry_set"}),
        ("[file:name = 'a.exe']", {"sysmon/file_event"}, {"zeek/dns", FILES}),
        (
            "[domain-name:value = 'a.example' OR file:name = 'a.exe']",
            {"antivirus"},
            {"sysmon/registry_set"},
        ),
        (
            "[domain-name:value = 'a.example'] OR [file:name = 'a.exe']",
            {"sysmon/image_load"},
            {"sysmon/registry_set"},
        ),
        (
            "[domain-name:value = 'a.example'] FOLLOWEDBY [file:name = 'a.exe'] WITHIN 5 SECONDS",
            {"zeek/dns", "sysmon/file_event"},
            {"zeek/dns"},
        ),
        (
            "([domain-name:value = 'a.example'] AND [file:name = 'a']) OR [file:name = 'b']",
            {"zeek/dns", "sysmon/file_event"},
            {"zeek/dns"},
        ),
        ("[windows-registry-key:key = 'HKLM\\\\a']", {"sysmon/registry_set"}, {"zeek/dns"}),
    ],
)
def test_a_pattern_needs_logs_that_tell_of_what_it_asks_for(pattern, enough, short):
    needs = named("indicator--1", indicator(pattern)).needs

    assert serves(enough, needs)
    assert not serves(short, needs)


@pytest.mark.parametrize("pattern", ["no pattern", "[x-nobody:knows = 1]", ""])
def test_a_pattern_that_nothing_serves_sees_nothing(pattern):
    needs = named("indicator--1", indicator(pattern)).needs

    assert not serves({"zeek/dns", "netflow", FILES, "sysmon/file_event"}, needs)
