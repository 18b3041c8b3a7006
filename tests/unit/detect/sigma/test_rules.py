"""Sigma rules become predicates: modifiers, conditions, log sources, and what is refused with its reason."""

import base64
import json
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sigma.modifiers import modifier_mapping

from mithaq.detect.language import Op, holds
from mithaq.detect.language import Test as Ask
from mithaq.detect.sigma import TELEMETRY, compiled, evaluable
from mithaq.detect.sigma.conditions import condition
from mithaq.detect.sigma.routes import routes
from mithaq.detect.sigma.sources import Route, mapped
from mithaq.model.telemetry import Event, LogSource

RULE = """title: A rule
id: 0d5e6f7a-0000-4000-8000-000000000001
level: high
author: Somebody
tags: [attack.t1059.001, attack.execution]
logsource: {{product: zeek, service: test}}
detection:
    sel:
        {0}
    condition: sel
"""


def rule_of(search):
    return RULE.format(search)


def fires(text, **fields):
    result = compiled(text)
    assert not result.unserved, result.unserved
    return any(holds(rule.predicate, Event(fields=fields, raw=b"")) for rule in result.rules)


@pytest.mark.parametrize(
    ("search", "value", "expected"),
    [
        ("f: Value", "vAlUE", True),
        ("f: Value", "a value", False),
        ("f: 'va*e'", "value", True),
        ("f: 'v?l*'", "VALUE", True),
        (r"f: 'va\*e'", "value", False),
        (r"f: 'va\*e'", "VA*E", True),
        (r"f: 'C:\\*'", r"c:\x", True),
        (r"f: 'a\b'", r"A\B", True),
        ("f: '*'", "", True),
        ("f: ''", "", True),
        ("f: ''", "x", False),
        ("f: null", None, True),
        ("f: [null, x]", None, True),
        ("f: 10", "10", True),
        ("f: '10'", 10, True),
        ("f: true", True, True),
        ("f|contains: alu", "VALUES", True),
        ("f|contains: 'a?u'", "VALUES", True),
        ("f|startswith: val", "VALUES", True),
        ("f|endswith: ues", "VALUES", True),
        ("f|endswith: val", "VALUES", False),
        ("f|contains|all: [va, es]", "VALUES", True),
        ("f|contains|all: [va, no]", "VALUES", False),
        ("f|contains: [va, no]", "VALUES", True),
        ("f|cased: Value", "value", False),
        ("f|contains|cased: alu", "values", True),
        ("f|re: '^v.l'", "value", True),
        ("f|re: '^V.l'", "value", False),
        ("f|re|i: '^V.l'", "value", True),
        ("f|re|m: '^two$'", "one\ntwo", True),
        ("f|re|s: 'one.two'", "one\ntwo", True),
        ("f|re: 'one.two'", "one\ntwo", False),
        ("f|cidr: 192.0.2.0/24", "192.0.2.7", True),
        ("f|cidr: '2001:db8::/32'", "2001:DB8::1", True),
        ("f|cidr: 192.0.2.0/24", "198.51.100.1", False),
        ("f|windash|contains: ' -enc '", "x /ENC y", True),
        ("f|windash|contains: ' -enc '", "x \u2013enc y", True),
        ("f|windash|contains|all: [' -a ', ' -b ']", "x /a -b y", True),
        ("f|windash|contains|all: [' -a ', ' -b ']", "x /a y", False),
        ("f|gt: 5", "6", True),
        ("f|gte: 5", 5, True),
        ("f|lt: 5", 5, False),
        ("f|lte: 5.5", 5, True),
        ("f|exists: true", "x", True),
        ("f|exists: false", "x", False),
        ("f|exists: false", None, True),
        ("f|neq: x", "y", True),
        ("f|neq: x", "X", False),
        ("f|fieldref: other", "OTHER", True),
        ("f|fieldref|endswith: tail", "OTHER", True),
        ("f|fieldref: missing", "OTHER", False),
    ],
)  # fmt: skip
def test_a_modifier_means_what_sigma_says(search, value, expected):
    assert fires(rule_of(search), f=value, other="other", tail="HER") is expected


@pytest.mark.parametrize("before", ["", "x", "xy"])
@pytest.mark.parametrize("chain", ["base64offset", "wide|base64offset", "utf16le|base64offset"])
def test_what_stands_anywhere_in_base64_is_found(before, chain):
    secret, encoding = "http://x.example", "utf-16le" if "|" in chain else "ascii"
    coded = base64.b64encode(f"{before}{secret} end".encode(encoding)).decode()
    search = rule_of(f"f|{chain}|contains: '{secret}'")
    if chain.split("|")[0] in modifier_mapping:
        assert fires(search, f=f"powershell {coded}")
    else:
        assert compiled(search).unserved[0].code == "sigma-value"


@given(st.text(alphabet="aB*?\\/-", max_size=6), st.text(alphabet="AbC*?\\/-", max_size=6))
@settings(max_examples=60)
def test_a_value_and_its_wildcards_are_read_as_sigma_escapes_them(pattern, value):
    quoted = pattern.replace("'", "''")
    for modifier, ends in (
        ("", ""),
        ("|contains", "**"),
        ("|startswith", "-*"),
        ("|endswith", "*-"),
    ):
        expected = like(
            ("*" if ends[:1] == "*" else "") + pattern, value, tail="*" if ends[1:] == "*" else ""
        )
        assert fires(rule_of(f"f{modifier}: '{quoted}'"), f=value) is expected


def like(pattern, value, tail=""):
    """Match by the escapes of the specification, one sign at a time, with no help of any pattern of Python's."""
    signs, at = [], 0
    while at < len(pattern):
        if pattern[at] == "\\" and pattern[at + 1 : at + 2] in {"*", "?", "\\"}:
            signs.append(("is", pattern[at + 1].lower()))
            at += 2
            continue
        signs.append((pattern[at], "") if pattern[at] in "*?" else ("is", pattern[at].lower()))
        at += 1
    signs += [(sign, "") for sign in tail]
    reached = {0}
    for kind, sign in signs:
        if kind == "*":
            reached = {n for n in range(len(value) + 1) if any(r <= n for r in reached)}
        else:
            reached = {
                n + 1
                for n in reached
                if n < len(value) and (kind == "?" or value[n].lower() == sign)
            }
    return len(value) in reached


@pytest.mark.parametrize(
    ("written", "true"),
    [
        ("a and b or c", {"a": 0, "b": 0, "c": 1}),
        ("a or b and c", {"a": 1, "b": 0, "c": 0}),
        ("not a and b", {"a": 0, "b": 1, "c": 0}),
        ("not not a", {"a": 1, "b": 0, "c": 0}),
        ("not (a or b)", {"a": 0, "b": 0, "c": 0}),
        ("1 of them", {"a": 0, "b": 0, "c": 1}),
        ("ALL of a* AND b", {"a": 1, "b": 1, "c": 0}),
        ("any of [", None),
        ("a b", None),
        ("a and", None),
        ("(a", None),
        ("1 of d*", None),
        ("2 of them", None),
        ("a | count() > 5", None),
        ("(" * 40 + "a" + ")" * 40, None),
        ("a or " * 2000 + "a", None),
    ],
)
def test_a_condition_joins_searches(written, true):
    names = "abc"
    rule = (
        "logsource: {product: zeek, service: test}\ndetection:\n"
        + "".join(f"    {n}: {{{n}: 1}}\n" for n in names)
        + f"    condition: '{written}'\n"
    )
    if true is None:
        assert [each.code[:6] for each in compiled(rule).unserved] == ["sigma-"]
    else:
        assert fires(rule, **true)


def test_searches_with_an_underscore_in_front_are_none_of_them():
    known = {"a": Ask("a", Op.EQUALS, 1), "_b": Ask("b", Op.EQUALS, 1)}
    assert condition("1 of them", known) == known["a"]
    assert condition("1 of _*", known) == known["_b"]


def test_keywords_stand_anywhere_in_any_value_and_lists_of_searches_are_alternatives():
    words = "logsource: {product: zeek, service: x}\ndetection: {k: [one, 'tw*o'], condition: k}"
    assert fires(words, msg="it is ONE")
    assert fires(words, other="a TWxO b")
    assert not fires(words, one="nothing")
    every = (
        "logsource: {product: zeek, service: x}\ndetection: {k: {'|all': [one, two]}, condition: k}"
    )
    assert fires(every, a="one", b="two")
    assert not fires(every, a="one")
    listed = "logsource: {product: zeek, service: x}\ndetection: {k: [{a: 1, b: 2}, {c: 3}], condition: k}"
    assert fires(listed, c=3)
    assert not fires(listed, a=1)


def test_a_rule_keeps_what_it_says_of_itself_and_its_digest_is_of_its_text():
    (rule,) = compiled(rule_of("f: x")).rules
    assert (rule.title, rule.level, rule.author) == ("A rule", "high", "Somebody")
    assert rule.techniques == ("T1059.001",)
    assert rule.source == LogSource(product="zeek", service="test")
    assert rule.digest == compiled(rule_of("f: x")).rules[0].digest
    assert rule.digest != compiled(rule_of("f: y")).rules[0].digest


def test_documents_build_on_a_global_one():
    text = (
        "action: global\ntitle: T\nlogsource: {product: windows}\ndetection: {condition: s}\n---\n"
        "detection: {s: {A: 1}}\nlogsource: {service: system}\n---\n"
        "detection: {s: {A: 2}}\nlogsource: {service: security}\n"
    )
    rules = compiled(text).rules
    assert [rule.title for rule in rules] == ["T", "T"]
    event = Event(fields={"Channel": "Security", "A": 2}, raw=b"")
    assert [holds(rule.predicate, event) for rule in rules] == [False, True]


# --- log sources --------------------------------------------------------------------------------------
PROCESS = """title: P
logsource: {product: windows, category: process_creation}
detection:
    sel: {Image|endswith: '\\cmd.exe', IntegrityLevel: High}
    old: {OriginalFileName: Cmd.Exe}
    condition: %s
"""
SYSMON = {"Channel": "Microsoft-Windows-Sysmon/Operational", "EventID": 1}
AUDIT = {"Channel": "Security", "EventID": 4688}
CMD = r"C:\Windows\cmd.exe"


def test_one_rule_is_about_every_log_that_tells_of_the_same():
    text = PROCESS % "sel"
    assert fires(text, **SYSMON, Image=CMD, IntegrityLevel="High")
    assert fires(text, **AUDIT, NewProcessName=CMD, MandatoryLabel="S-1-16-12288")
    assert not fires(text, **AUDIT, NewProcessName=CMD, MandatoryLabel="S-1-16-8192")
    assert not fires(text, **(SYSMON | {"EventID": 5}), Image=CMD, IntegrityLevel="High")
    ecs = {"event.category": ["process"], "event.type": ["start"], "host.os.type": "windows"}
    either = PROCESS % "1 of them"
    assert fires(either, **ecs, **{"process.pe.original_file_name": "cmd.exe"})
    assert not fires(either, **(ecs | {"host.os.type": "linux"}), Image=CMD)


def test_what_no_collected_log_has_is_told_of_with_its_reason():
    served = compiled(PROCESS % "old", {"sysmon"})
    assert len(served.rules) == 1
    for telemetry, code in (({"security"}, "sigma-fields"), ({"zeek"}, "sigma-telemetry")):
        result = compiled(PROCESS % "old", telemetry)
        assert (result.rules, [u.code for u in result.unserved]) == ((), [code])
    (lost,) = compiled(PROCESS % "old", {"security"}).unserved
    assert "OriginalFileName" in lost.why
    nobody = "title: N\nlogsource: {product: toaster}\ndetection: {s: {a: 1}, condition: s}"
    assert [u.code for u in compiled(nobody).unserved] == ["sigma-source"]


def test_a_rule_that_lacks_a_field_for_all_but_its_exceptions_never_fires_on_everything():
    assert compiled(PROCESS % "not old", {"security"}).unserved[0].code == "sigma-fields"
    assert compiled(PROCESS % "sel and not old", {"security"}).rules


def test_a_set_is_told_how_much_of_it_can_be_evaluated():
    said = evaluable([PROCESS % "sel", PROCESS % "old", "title: broken"], {"sysmon", "security"})
    assert (said.rules, said.evaluable, dict(said.on)) == (3, 2, {"sysmon": 2, "security": 1})
    assert dict(said.why_not) == {"sigma-form": 1}


def test_every_route_names_telemetry_that_is_listed():
    products = ("windows", "linux", "macos", "zeek", "aws", "azure", "gcp", "okta", "cisco", "")
    categories = ("process_creation", "proxy", "dns", "firewall", "antivirus", "application", "")
    services = ("", "security", "dns", "auditd", "cloudtrail", "sshd")
    sources = [LogSource(p, c, s) for p in products for c in categories for s in services]
    assert {route.telemetry for each in sources for route in routes(each)} <= set(TELEMETRY)


def test_a_field_of_several_names_is_looked_for_under_each():
    route = Route(telemetry="x", fields={"a": ("b", "c")}, open=False)
    over = mapped(Ask("a", Op.EQUALS, 1), route, set())
    assert holds(over, Event(fields={"c": 1}, raw=b""))
    gone = mapped(Ask("a", Op.ABSENT), route, set())
    assert not holds(gone, Event(fields={"c": 1}, raw=b""))


# --- hostile rules ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("search", "code"),
    [
        ("f|re: '(?=x)'", "sigma-regex"),
        (r"f|re: '(a)\1'", "sigma-regex"),
        ("f|re: '(((a{100}){100}){100})'", "sigma-regex"),
        (f"f|re: '{'a' * 5000}'", "sigma-regex"),
        ("f|expand: '%admins%'", "sigma-placeholder"),
        ("f|hour: 5", "sigma-modifier"),
        ("f|nonsense: 5", "sigma-value"),
        ("f|contains|contains: x", "sigma-value"),
        ("f|cidr: 300.1.2.3/8", "sigma-value"),
        ("f|gt: [a]", "sigma-value"),
        ("f: {g: {h: 1}}", "sigma-value"),
        (f"f: '{'a' * 20000}'", "sigma-large"),
        (f"f|windash: {[' -a /b -c'] * 300}", "sigma-large"),
        (f"f: [{','.join(['1'] * 40000)}]", "sigma-large"),
        ("f: &a [x]\n        g: *a", "yaml-alias"),
        ("f: !!python/object:os.system x", "yaml-tag"),
        (f"f: {'[' * 100}{']' * 100}", "yaml-deep"),
        ("f: x\n        f: y", "yaml-key"),
    ],
)
def test_a_hostile_rule_is_refused_with_its_reason_and_soon(search, code, capfd):
    began = time.process_time()
    result = compiled(rule_of(search))
    assert (result.rules, [each.code for each in result.unserved]) == ((), [code])
    assert result.unserved[0].why
    assert time.process_time() - began < 2
    assert capfd.readouterr().err == ""


def test_a_reason_that_quotes_a_rule_moves_no_cursor():
    for search in ('f|cidr: "\\e[2J"', 'f|re: "(\\e[2J"', '"f|\\e[2J": x'):
        (lost,) = compiled(rule_of(search)).unserved
        assert lost.why.isprintable()
        assert len(lost.why) <= 300


def test_a_text_of_more_rules_than_anybody_writes_is_cut_with_a_reason():
    assert compiled("---\ntitle: x\n" * 300).unserved[-1].code == "sigma-large"


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a*|\\", max_size=4),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from([*modifier_mapping, "f"]).map("f|{}".format), inner, max_size=3),
    max_leaves=6,
))  # fmt: skip
@settings(max_examples=80)
def test_whatever_a_search_is_it_is_served_or_told_of(search):
    told = json.dumps({"s": search, "condition": "s"})
    result = compiled(f"title: x\nlogsource: {{product: zeek, service: x}}\ndetection: {told}\n")
    assert len(result.rules) + len(result.unserved) == 1
    for rule in result.rules:
        holds(rule.predicate, Event(fields={"f": "a"}, raw=b""))


def test_of_what_pysigma_brings_neither_cache_nor_client_nor_templates_are_loaded():
    asked = "import sys, mithaq.detect.sigma; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "sigma.types" in said.stdout.split()
    assert not {"diskcache", "requests", "jinja2", "urllib3"} & set(said.stdout.split())
