"""A pattern that says no more than values is read back as these values; of any other only what it mentions."""

import json
import re
import tarfile
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from mithaq.model.patterns import groups, mentioned
from mithaq.model.values import Value, of_kind, pattern
from mithaq.samples import path
from tests.unit.model.test_values import SAMPLES

SETS = Path(__file__).parents[4] / "shared/data/detection/stix-indicator-sets.tar.xz"
IP, DOMAIN = Value("ipv4", "198.51.100.7"), Value("domain", "evil.example")
MD5, NAME = Value("md5", "ab" * 16), Value("filename", "it's.exe")
A = "file:name = 'a'"

of_form = st.sampled_from([of_kind(kind, written) for kind, written in SAMPLES.items()])
free = st.builds(
    of_kind,
    st.sampled_from(["mutex", "user-agent", "directory"]),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), min_size=1).filter(
        str.strip
    ),
)
values = st.lists(of_form | free, min_size=1, max_size=6, unique=True)


@given(values)
def test_what_we_write_as_a_pattern_is_read_back_as_its_values(some):
    assert groups(pattern(some)) == [(value,) for value in some]
    assert mentioned(pattern(some)) >= set(some)


@given(st.lists(of_form.filter(lambda value: value.kind != "ip-port"), min_size=1, unique=True))
def test_values_joined_by_and_are_meant_together(some):
    assert groups(pattern(some, " AND ")) == [tuple(some)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("[ipv4-addr:value = '198.51.100.7']", [(IP,)]),
        ("[ipv4-addr:value == '198.51.100.7']", [(IP,)]),
        ("  [\n ipv4-addr:value='198.51.100.7'\t]  ", [(IP,)]),
        ("([ipv4-addr:value = '198.51.100.7'])", [(IP,)]),
        ("[domain-name:value = 'EVIL[.]example.']", [(DOMAIN,)]),
        ("[ipv4-addr:value = '198.51.100.7'] OR [domain-name:value = 'evil.example']", [(IP,), (DOMAIN,)]),
        ("([ipv4-addr:value = '198.51.100.7'] OR ([domain-name:value = 'evil.example']))", [(IP,), (DOMAIN,)]),
        ("[ipv4-addr:value IN ('198.51.100.7', '198.51.100.7') OR domain-name:value IN('evil.example')]",
         [(IP,), (IP,), (DOMAIN,)]),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", [(Value("ipv4", "198.51.100.0/24"),)]),
        ("[file:name = 'it\\'s.exe' AND (file:hashes.MD5 = '" + "AB" * 16 +
         "' OR file:hashes.'md5' = '" + "ab" * 16 + "')]",
         [(NAME, MD5), (NAME, MD5)]),
        ("[file:hashes.'SHA256' = '" + "ab" * 32 + "']", [(Value("sha256", "ab" * 32),)]),
        ("[file:hashes.\"SHA256\" = '" + "ab" * 32 + "']", None),
        ("[mutex:name = 'a' OR mutex:name = 'b' AND mutex:name = 'c']",
         [(Value("mutex", "a"),), (Value("mutex", "b"), Value("mutex", "c"))]),
        ("[domain-name:value = 'evil.example' AND domain-name:resolves_to_refs[*].value = '198.51.100.7']",
         [(DOMAIN, IP)]),
        ("[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '198.51.100.7']", None),
        ("[network-traffic:dst_ref.value = '2001:db8::1' AND network-traffic:dst_port = 443]",
         [(Value("ip-port", "[2001:db8::1]:443"),)]),
        ("[ipv4-addr:value = '198.51.100.0/24' AND network-traffic:dst_port = 443]", None),
    ],
)  # fmt: skip
def test_a_pattern_of_values_is_read_however_it_is_written(written, meant):
    assert groups(written) == meant


@pytest.mark.parametrize(
    "written",
    [
        "[ipv4-addr:value = '198.51.100.7'] AND [domain-name:value = 'evil.example']",
        "[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [domain-name:value = 'evil.example']",
        "[ipv4-addr:value = '198.51.100.7'] REPEATS 5 TIMES",
        "[ipv4-addr:value = '198.51.100.7'] WITHIN 300 SECONDS",
        "[ipv4-addr:value = '198.51.100.7'] START t'2026-01-01T00:00:00Z' STOP t'2026-01-02T00:00:00Z'",
        "[ipv4-addr:value = '198.51.100.7' AND file:size > 5]",
        "[ipv4-addr:value = '198.51.100.7' AND x-own:thing = '5']",
        "[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 80 AND network-traffic:dst_port = 81]",
    ],
)
def test_of_a_pattern_that_says_more_nothing_is_read_but_what_it_mentions(written):
    assert groups(written) is None
    assert mentioned(written) - {DOMAIN} == {IP}


@pytest.mark.parametrize(
    "written",
    [
        "", "[]", "[file:name]", "[file:name = ]", "[file:name = 'a]", "[file:name = 'a'", "file:name = 'a'",
        "[file:name = 'a']]", "[file:name = 'a' file:name = 'b']", "[file:name = 'a' OR]", "[file:name = 'a\\n']",
        "[(file:name = 'a']", "[file:name IN ()]", "[file:name IN ('a',)]", "[file:name = 5.5]", "[file:name = 'a''b']",
        "[file:name ISSUBSET 'a']", "[network-traffic:dst_port = 80]", "()", "([file:name = 'a'", "[[file:name = 'a']]",
        "[file:name != 'a']", "[file:name NOT = 'a']", "[NOT file:name = 'a' OR NOT]", "[file:name LIKE 'a%']",
        "[file:name MATCHES '^a']", "[EXISTS file:name]", "[file:hashes.MD5 = 'short']", "[file:name = h'61']",
        "[file:name = 'a'] OR", "[autonomous-system:number = -1]", "[file:name = true]", "[file:names[0].x = 'a']",
    ],
)  # fmt: skip
def test_what_is_no_pattern_of_values_is_none(written):
    assert groups(written) is None


@pytest.mark.parametrize(
    "written",
    [
        "[file:name != 'a']", "[file:name NOT = 'a']", "[file:name LIKE 'a']", "[file:name MATCHES 'a']",
        "[x-own:name = 'a']", "[x:text = 'file:name = \\'a\\'']", "[x-file:name = 'a']",
        "[file:name = 'a\\' OR url:value = 'http://evil.example/']", "[file:hashes.MD5 = 'evil.exe']",
    ],
)  # fmt: skip
def test_a_value_that_something_is_not_said_to_have_is_not_mentioned(written):
    assert mentioned(written) == set()


def test_a_value_under_the_path_of_another_is_mentioned_as_what_it_is():
    assert mentioned("[domain-name:value = '198.51.100.7']") == {IP}
    assert mentioned("[url:value = 'evil[.]example']") == {DOMAIN}


@given(st.text(alphabet="[]()' \\=a:ANDORIN,5.*", max_size=40) | st.text(max_size=40))
@example("[a:b = '\\")
def test_whatever_is_read_as_values_is_a_pattern_to_others(written):
    found = groups(written)
    assert found is None or (found and run_validator(written, stix_version="2.1") == [])
    mentioned(written)


@given(st.recursive(
    st.sampled_from(["file:name = 'a'", "file:name = 'b'", "mutex:name = 'c'"]),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
        lambda parts: f"({' '.join(parts)})"
    ),
    max_leaves=8,
), st.sets(st.sampled_from(["a", "b", "c"])))  # fmt: skip
def test_groups_match_what_the_pattern_matches(expression, seen):
    """Python's own and/or is the oracle: of an observation with some values, both say the same."""
    truth = re.sub(r"\w+:name = '(\w)'", r"('\1' in seen)", expression)
    expected = eval(truth.replace("AND", "and").replace("OR", "or"), {"seen": seen})  # noqa: S307 ours

    found = groups(f"[{expression}]")

    assert expected == any(all(value.text in seen for value in group) for group in found)


@given(values)
@example([Value("domain", "no name")])
@example([Value("filename", "it's.exe")])
def test_a_comparison_alone_says_the_same_in_brackets(some):
    alone = pattern(some[:1])
    assert groups(alone) == groups(f"({alone})")


@pytest.mark.parametrize(
    "alone",
    ["[domain-name:value = '']", "[network-traffic:dst_port = '80']", "[x-thing:value = 'a']"],
)
def test_a_comparison_alone_that_names_no_value_says_more(alone):
    assert groups(alone) is None


@pytest.mark.parametrize(
    "hostile",
    [
        "(" * 60_000, "[" + "(" * 60_000, "[" * 60_000, "'" * 60_000, "[" + "a:b" * 20_000, "[a:b" + ".b" * 30_000,
        "[a:b = '" + "\\'" * 30_000, "[file:name = 'a'" + " " * 60_000, " " * 60_000, "[a:b = " + "9" * 60_000,
        "[file:name IN (" + "'a'," * 16_000, "[file:name IN (" + "'a' " * 16_000,
        "[file:name IN (" + "'a' , " * 10_000 + ")]",
        "[" + " AND ".join(["(file:name = 'a' OR file:name = 'b')"] * 1500) + "]",
        "[" + " AND ".join(["file:name = 'a'"] * 3000) + "]", "[" + " OR ".join(["file:name = 'a'"] * 3000) + "]",
        "[" + " AND ".join(["(file:name = 'a' OR file:name = 'b')"] * 12 + ["file:name = 'a'"] * 2500) + "]",
        " OR ".join(["[file:name = 'a']"] * 3000), "(" * 21 + "[file:name = 'a']" + ")" * 21,
        "[" + "(" * 22 + "file:name = 'a'" + ")" * 22 + "]", "[file:name = '" + "a" * (1 << 20) + "']",
        "a:b=" * 16_000, "a:b='\\'" * 9_000, "a:'b'." * 10_000, "a:b." * 16_000, "A:" * 30_000,
        "[file:name IN(" * 4_000,
    ],
)  # fmt: skip
def test_a_hostile_pattern_is_read_in_bounded_time(hostile):
    began = time.process_time()

    groups(hostile)
    mentioned(hostile)

    assert time.process_time() - began < 1


def patterns_of(raw):
    try:
        bundle = json.loads(raw)
    except ValueError:
        return set()
    found = bundle.get("objects", []) if isinstance(bundle, dict) else []
    return {
        each["pattern"]
        for each in found
        if each.get("type") == "indicator" and each.get("pattern_type", "stix") == "stix"
    }


def test_an_indicator_of_the_sample_is_read_as_values_where_it_says_no_more():
    patterns = patterns_of(path("indicator-report.json").read_bytes())

    unread = {each for each in patterns if not groups(each)}

    assert len(patterns) > 20
    assert [mentioned(each) for each in unread] == [
        {Value("ipv4", "60.10.1.115")}
    ]  # the other is no domain


@pytest.mark.skipif(not SETS.exists(), reason="no ../shared/data/detection beside the checkout")
def test_most_patterns_that_the_field_publishes_are_read_as_values():
    with tarfile.open(SETS) as archive:
        files = [each for each in archive if each.name.endswith((".json", ".stix2"))]
        published = {one for each in files for one in patterns_of(archive.extractfile(each).read())}

    read = {one for one in published if groups(one)}

    assert len(published) > 15_000
    assert len(read) / len(published) > 0.96
    assert all(run_validator(one, stix_version="2.1") == [] for one in sorted(read)[::50])


def test_more_than_anybody_means_is_not_read():
    assert (
        groups("[" + " OR ".join(["mutex:name = 'a'"] * 2000) + "]")
        == [(Value("mutex", "a"),)] * 2000
    )
    assert groups("[" + " AND ".join(["(mutex:name = 'a' OR mutex:name = 'b')"] * 13) + "]") is None
    assert groups("[" + "(" * 22 + A + ")" * 22 + "]") is None
    assert groups("(" * 22 + f"[{A}]" + ")" * 22) is None
    assert groups(f"[mutex:name = '{'a' * (1 << 16)}']") is None
