"""Sigma rules become indicators: their text is the pattern, and nothing that a text could blow up to is made of it."""

import tarfile
import time
from contextlib import suppress
from pathlib import Path

import pytest
import stix2
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.collection import SigmaCollection

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, NotThisFormat, Refusal
from mithaq.formats.rules import Sigma
from mithaq.model.canonical import GateRefused, Limits
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import made
from mithaq.model.yaml import BadYaml, documents
from mithaq.model.yaml import read as read_yaml

RULES = Path(__file__).parents[3].parent / "shared/data/detection/sigmahq-rules.tar.gz"
ID = "19b08b1c-861d-4e75-a1ef-ea0c1baf202b"
RULE = f"""\
title: Download by Certutil
id: {ID}
status: test
description: Certutil fetches files.
references:
    - https://lolbas.example/certutil
    - a talk of 2019
author: Ana, Bo
date: 2023-02-15
modified: 2025/12/01
tags:
    - attack.stealth
    - attack.command_and_control
    - attack.t1105
    - attack.g0016
    - cve.2021-44228
    - detection.emerging-threats
logsource:
    category: process_creation
    product: windows
detection:
    selection_img:
        - Image|endswith: '\\certutil.exe'
    selection_http:
        CommandLine|contains: 'http'
    condition: all of selection_*
level: medium
license: DRL 1.1
"""
AT = "2026-01-01T00:00:00.000Z"


def read(text):
    return list(Sigma().read(text if isinstance(text, bytes) else text.encode()))


def taken(text):
    entries = read(text)
    assert not [each for each in entries if isinstance(each, Refusal)], entries
    return entries


def body(text):
    [one] = taken(text)
    return one.body


def refused(text):
    return [(each.line, each.code) for each in read(text) if isinstance(each, Refusal)]


def rule(title="One", condition="a", more="", source="product: windows", search="a: {x: y}"):
    return f"title: {title}\n{more}logsource: {{{source}}}\ndetection:\n  {search}\n  condition: {condition}\n"


# --- rules -----------------------------------------------------------------------------------------------
def test_a_rule_is_an_indicator_with_its_text_as_the_pattern():
    [one] = taken(RULE)

    assert (one.id, one.created, one.modified) == (
        f"indicator--{ID}",
        "2023-02-15T00:00:00.000Z",
        "2025-12-01T00:00:00.000Z",
    )
    assert one.body["pattern"] == RULE.strip()
    assert one.body["pattern_type"] == "sigma"
    assert (one.body["name"], one.body["description"]) == (
        "Download by Certutil",
        "Certutil fetches files.",
    )
    head = {"id": one.id, "created": one.created, "modified": one.modified, "valid_from": AT}
    assert stix2.parse({**one.body, **head})["pattern"] == RULE.strip()


def test_what_a_rule_says_of_itself_stands_where_stix_has_a_place_for_it():
    found = body(RULE)

    assert found["confidence"] == 50
    assert found["labels"] == [
        'sigma:level="medium"',
        'sigma:status="test"',
        'sigma:product="windows"',
        'sigma:category="process_creation"',
        "detection.emerging-threats",
    ]
    assert found["external_references"] == [
        {"source_name": "sigma", "external_id": ID, "description": "by Ana, Bo; DRL 1.1"},
        {"source_name": "sigma", "url": "https://lolbas.example/certutil"},
        {"source_name": "sigma", "description": "a talk of 2019"},
        {"source_name": "mitre-attack", "external_id": "T1105"},
        {"source_name": "mitre-attack", "external_id": "G0016"},
        {"source_name": "cve", "external_id": "CVE-2021-44228"},
    ]
    assert [each["phase_name"] for each in found["kill_chain_phases"]] == [
        "stealth",
        "command-and-control",
    ]


@pytest.mark.parametrize(
    ("tag", "level"),
    [("tlp.amber", Tlp.AMBER), ("tlp.amber+strict", Tlp.AMBER_STRICT), ("TLP:WHITE", Tlp.CLEAR), ("tlp.red", Tlp.RED)],
)  # fmt: skip
def test_a_tag_of_tlp_is_the_marking(tag, level):
    found = body(rule(more=f"tags: ['{tag}', x.y]\n"))

    assert found["object_marking_refs"] == [tlp_id(level)]
    assert found["labels"][-1] == "x.y"


@pytest.mark.parametrize("tag", ["tlp.ambre", "tlp.", "TLP", "tlp", "pap.violet"])
def test_a_level_that_nobody_knows_is_never_taken_for_a_lower_one(tag):
    assert refused(rule(more=f"tags: ['{tag}']\n")) == [(1, "sigma-tlp")]


def test_a_rule_that_its_author_withdrew_is_revoked():
    assert body(rule(more="status: deprecated\n"))["revoked"] is True
    assert "revoked" not in body(rule(more="status: unsupported\n"))


def test_a_rule_without_an_identifier_goes_by_its_title():
    [one] = taken(rule("Odd"))
    [other] = taken(rule("Odd", more="id: none\n"))

    assert (one.id, one.key, one.modified) == ("", "sigma Odd", "")
    assert (other.id, other.key) == ("", "sigma none")


def test_several_rules_of_a_file_are_told_apart_and_each_refusal_names_its_line():
    text = f"{rule('A')}---\n# note\n{rule('B', condition='b')}...\n---\n---\nx: [\n---\n{rule('A')}--- \n{rule('C')}"

    entries = read(text)

    assert [(e.line, e.code) for e in entries if isinstance(e, Refusal)] == [
        (7, "sigma-condition"),
        (16, "yaml-form"),
        (18, "sigma-twice"),
    ]
    names = [each.body["name"] for each in entries if not isinstance(each, Refusal)]
    assert names == ["A", "C"]
    assert [each.body["pattern"].splitlines()[0] for each in entries if not isinstance(each, Refusal)] == [
        "title: A",
        "title: C",
    ]  # fmt: skip


def test_documents_that_build_on_a_global_one_stay_one_indicator():
    text = "action: global\ntitle: Both\ndetection: {condition: a}\n---\nlogsource: {product: x}\n---\nid: x\n"

    assert body(text)["pattern"] == text.strip()
    assert body(text)["name"] == "Both"


def test_a_correlation_takes_along_what_it_is_about_which_does_not_count_alone():
    base = rule("Logon", more="name: logon\n")
    burst = (
        "title: Burst\ncorrelation:\n  type: event_count\n  rules: logon\n  timespan: 1m\n"
        "  group-by: [u]\n  condition: {gte: 10}\n"
    )

    [one] = taken(f"{burst}---\n{base}")
    both = taken(f"{burst}---\n{base}generate: true\n")

    assert one.body["name"] == "Burst"
    assert one.body["pattern"] == f"{base.strip()}\n---\n{burst.strip()}"
    assert len(SigmaCollection.from_yaml(one.body["pattern"]).rules) == 2
    assert [each.body["name"] for each in both] == ["Burst", "Logon"]
    assert refused(burst) == [(1, "sigma-missing")]


def test_correlations_about_each_other_end():
    one, two = (f"title: {a}\nname: {a}\ncorrelation: {{rules: [{b}]}}\n" for a, b in ("xy", "yx"))

    assert read(f"{one}---\n{two}") == []


def test_what_many_correlations_are_about_is_not_told_without_end():
    base = rule("Base", more=f"name: base\ndescription: {'x' * 900}\n")
    text = base + "".join(f"---\ntitle: c{n}\ncorrelation: {{rules: base}}\n" for n in range(500))

    entries = read(text)
    told = [each for each in entries if not isinstance(each, Refusal)]

    assert sum(len(each.body["pattern"]) for each in told) < 17 * len(text)
    assert {each.code for each in entries if isinstance(each, Refusal)} == {"sigma-long"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("title: x\nlogsource: {product: y}\n", "sigma-form"),
        ("title: x\ndetection: {a: b, condition: a}\n", "sigma-form"),
        ("title: x\nlogsource: y\ndetection: {a: b, condition: a}\n", "sigma-form"),
        ("logsource: {product: y}\ndetection: {a: b, condition: a}\n", "sigma-title"),
        ("title: x\nfilter: {rules: any}\nlogsource: {product: y}\n", "sigma-filter"),
        ("title: x\ntitle: y\n", "yaml-key"),
        ("- title: x\n", "sigma-form"),
        ("title: &a [*a]\n", "yaml-alias"),
        ("a: &a x\nb: *a\n", "yaml-alias"),
        ("title: !!python/object/apply:os.system [ls]\n", "yaml-tag"),
        ("title: !x y\n", "yaml-tag"),
        ("? [a]\n: b\n", "yaml-key"),
        ("title: 'x\n", "yaml-form"),
        (f"title: {'[' * 40}{']' * 40}\n", "yaml-deep"),
        (f"title: [{'x,' * 66_000}]\n", "yaml-many"),
        (f"title: {'x' * (1 << 20)}\n", "yaml-long"),
        (f"title: {'x' * 5000}\nlogsource: {{a: b}}\ndetection: {{a: b, condition: a}}\n", "sigma-title"),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_by_name(text, code):
    assert refused(text) == [(1, code)]


@pytest.mark.parametrize(
    "condition", ["a", "a and not b", "(a or b) and 1 of c*", "all of them", "NOT a AND any of *_x", "a | count() > 5"]
)  # fmt: skip
def test_conditions_about_searches_that_are_there_stand(condition):
    search = "a: {x: y}\n  b: {x: y}\n  c_x: {x: y}"

    assert len(taken(rule(condition=condition, search=search))) == 1


@pytest.mark.parametrize(
    "condition", ["d", "a b", "a and", "(a", "a)", "1 of d*", "all of", "not", "''", "[a, d]", "()", "them", "1 of a("]
)  # fmt: skip
def test_conditions_about_anything_else_are_refused(condition):
    assert refused(rule(condition=condition)) == [(1, "sigma-condition")]


def test_a_rule_is_known_at_a_glance_and_nothing_else_is_taken_for_one():
    assert BUILT_IN.read(RULE.encode()).__class__ is Sigma().read(b"").__class__
    assert [each.body["pattern_type"] for each in BUILT_IN.read(RULE.encode())] == ["sigma"]
    assert [
        each.body["pattern_type"] for each in BUILT_IN.read(b"\xef\xbb\xbf# x\n" + RULE.encode())
    ] == ["sigma"]
    assert not Sigma().fits(b"title: a report\n\nDetection: none\n")
    assert not Sigma().fits(b'{"title:": "detection:"}')


def test_what_is_no_text_or_too_long_is_refused_as_a_whole():
    with pytest.raises(NotThisFormat):
        Sigma().read(b"title: \xff")
    with pytest.raises(GateRefused):
        Sigma().read(b"title: x", Limits(max_bytes=4))


# --- YAML ------------------------------------------------------------------------------------------------
WORDS = st.text("ab:-[]{}&*!|>'\"#%\n ?,é\u2028", max_size=5)
TREES = st.recursive(
    WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=30)
@given(TREES)
def test_what_another_library_writes_is_read_as_it_was(tree):
    """PyYAML's own reader, with every scalar a text, is the oracle."""
    written = yaml.safe_dump(tree, default_style='"', allow_unicode=True)

    assert read_yaml(written) == tree


@settings(max_examples=60)
@given(st.text("ab:-[]{}&*!|>'\"#%\n ?,.\t\\0\ud7ff\x85", max_size=60) | st.binary(max_size=60))
def test_no_text_is_read_as_anything_but_rules_or_refusals(text):
    try:
        entries = read(text if isinstance(text, bytes) else text.encode())
    except InputError:
        return
    for each in entries:
        assert isinstance(each, Refusal)


@settings(max_examples=50)
@given(st.integers(0, len(RULE)), st.integers(0, len(RULE)), st.sampled_from(RULE + "&*!\x00\x7f"))
def test_a_rule_that_was_cut_and_changed_is_taken_whole_or_refused(cut, at, sign):
    text = RULE[:cut] if cut % 2 else RULE[:at] + sign + RULE[at + 1 :]

    for each in read(text):
        if isinstance(each, Refusal):
            continue
        assert each.body["pattern"] == text.strip("\n").rstrip()
        head = {"id": "indicator--" + ID, "created": AT, "modified": AT, "valid_from": AT}
        try:
            made({**each.body, **head})
        except InputError as error:
            assert error.code.startswith("gate-")  # noqa: PT017 a sign that no JSON has


@pytest.mark.parametrize(
    "text",
    ["[" * 500_000, "a: " * 200_000, "- " * 300_000, "? " * 50_000, "---\n" * 200_000, "\n" * 900_000 + "x",
     "'" * 900_000, "{a: " * 100_000, "# x\n" * 200_000, "&a " * 50_000, "|\n" + " \n" * 400_000],
)  # fmt: skip
def test_hostile_yaml_takes_little_time(text):
    began = time.process_time()

    for each in documents(text):
        with suppress(BadYaml):
            read_yaml(each.text)

    assert time.process_time() - began < 2


@pytest.mark.skipif(not RULES.exists(), reason="the rules of SigmaHQ are not here")
def test_real_rules_are_taken_as_another_library_reads_them():
    """Each hundredth rule of SigmaHQ; pySigma reads of the pattern what it reads of the file."""
    with tarfile.open(RULES) as archive:
        files = [each for each in archive if "/rules/" in each.name and each.name.endswith(".yml")]
        texts = [archive.extractfile(each).read() for each in files[::100]]

    for text in texts:
        found = body(text)
        theirs = SigmaCollection.from_yaml(text.decode()).rules
        again = SigmaCollection.from_yaml(found["pattern"]).rules
        assert [each.to_dict() for each in again] == [each.to_dict() for each in theirs]
        assert found["name"] == theirs[0].title
