"""YARA rules become indicators: each stands on its own, and matches what it matched in its file, no more."""

import lzma
import tarfile
import time
from pathlib import Path

import pytest
import stix2
import yara_x
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.rules import Yara
from mithaq.formats.rules.sources import sources
from mithaq.model.canonical import GateRefused, Limits
from mithaq.model.labels import Pap, Tlp
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.objects import made

RULES = Path(__file__).parents[3].parent / "shared/data/detection/yara-rules.tar.xz"
ID = "b1185b69-9b08-5925-823a-829fee6fa4cf"
AT = "2026-01-01T00:00:00.000Z"
MD5 = "AB" * 16
MANY = " ".join(f'$a{n} = "abc{n}"' for n in range(5000))
CHAIN = "".join(f"rule a{n} {{ condition: a{n - 1} }}\n" for n in range(400))
FILE = f"""\
/* Ours. Redistribution is permitted. */
import "pe"
import "math"

// braces }} in a comment
private rule is_pe {{ condition: uint16(0) == 0x5A4D }}

rule Beacon : apt backdoor {{
  meta:
    Description = "finds a beacon"
    author = "Ana"
    license = "BSD-2"
    id = "{ID}"
    date = "2019-03-01"
    modified = "2024-05-06"
    reference = "https://beacon.example/report"
    hash1 = "{MD5}"
    mitre_att = "T1105, S0154"
    filetype = "exe"
    score = 75
  strings:
    $a = "}} \\" rule x {{"
    $b = {{ E2 34 ?? (C8 | D9) [4-6] FB }} // {{
    $c = /[}}]{{2,3}}\\/"/ nocase
  condition:
    is_pe and pe.is_pe and any of them
}}
rule Other {{ condition: filesize < 9 }}
"""


def read(text, limits=None):
    raw = text if isinstance(text, bytes) else text.encode()
    return list(Yara().read(raw, limits) if limits else Yara().read(raw))


def taken(text):
    entries = read(text)
    assert not [each for each in entries if isinstance(each, Refusal)], entries
    return entries


def patterns(text):
    return [each.body["pattern"] for each in taken(text)]


def refused(text):
    return [(each.line, each.code) for each in read(text) if isinstance(each, Refusal)]


def hits(text, data):
    """Return the rules of a text that say something of data; what is tested are texts, and no malware."""
    found = yara_x.compile(text).scan(data).matching_rules
    return [each.identifier for each in found]


# --- rules -----------------------------------------------------------------------------------------------
def test_each_rule_stands_on_its_own_with_what_it_needs():
    beacon, other = patterns(FILE)

    assert beacon.startswith(
        '/* Ours. Redistribution is permitted. */\n\nimport "pe"\n\nprivate rule is_pe {'
    )
    assert beacon.endswith(FILE[FILE.index("rule Beacon") : FILE.index("rule Other")].strip())
    assert "math" not in beacon
    assert (
        other
        == "/* Ours. Redistribution is permitted. */\n\nrule Other { condition: filesize < 9 }"
    )
    assert [each.identifier for each in yara_x.compile(beacon)][-1] == "Beacon"


def test_what_a_rule_says_of_itself_stands_where_stix_has_a_place_for_it():
    one, _ = taken(FILE)

    assert (one.id, one.created, one.modified, one.position) == (
        f"indicator--{ID}",
        "2019-03-01T00:00:00.000Z",
        "2024-05-06T00:00:00.000Z",
        7,
    )
    assert (one.body["name"], one.body["description"]) == ("Beacon", "finds a beacon")
    assert one.body["labels"] == ["apt", "backdoor", 'yara:score="75"']
    assert one.body["external_references"] == [
        {"source_name": "yara", "external_id": ID, "description": "by Ana; BSD-2"},
        {"source_name": "yara", "url": "https://beacon.example/report"},
        {"source_name": "yara", "external_id": MD5.lower(), "description": "a file it was written for"},
        {"source_name": "mitre-attack", "external_id": "T1105"},
        {"source_name": "mitre-attack", "external_id": "S0154"},
    ]  # fmt: skip
    head = {"id": one.id, "created": one.created, "modified": one.modified, "valid_from": AT}
    assert stix2.parse({**one.body, **head})["pattern_type"] == "yara"


def test_a_rule_that_another_needs_says_nothing_by_itself_there():
    text = (
        'rule base { strings: $a = "x" condition: $a }\n'
        'rule more { strings: $a = "y" condition: base and $a }\n'
        "rule both_of { condition: more and base }\n"
    )

    base, more, both = patterns(text)

    assert hits(text, b"x") == ["base"]
    assert (hits(base, b"x"), hits(more, b"x"), hits(both, b"x")) == (["base"], [], [])
    assert (hits(more, b"xy"), hits(both, b"xy")) == (["more"], ["both_of"])


def test_global_rules_narrow_each_rule_of_their_file():
    text = "rule a { condition: true }\nglobal rule small { condition: helps and filesize < 3 }\n"
    text = f"private rule helps {{ condition: true }}\n{text}"

    found = {each.body["name"]: each.body["pattern"] for each in taken(text)}

    assert (hits(found["a"], b"xx"), hits(found["a"], b"xxx")) == (["a"], [])
    assert hits(found["small"], b"xx") == ["small"]


def test_names_that_scanners_tell_from_outside_are_said():
    [one] = taken(
        'rule a { meta: owner = "x" condition: filename matches /x/ and extension == ".x" }'
    )

    assert one.body["labels"] == ['yara:external="extension"', 'yara:external="filename"']


@pytest.mark.parametrize(
    ("text", "markings"),
    [
        ('rule a { meta: tlp = "amber" condition: true }', [tlp_id(Tlp.AMBER)]),
        ('rule a { meta: TLP = "TLP:AMBER+STRICT" condition: true }', [tlp_id(Tlp.AMBER_STRICT)]),
        ('rule a { meta: sharing = "TLP:WHITE" condition: true }', [tlp_id(Tlp.CLEAR)]),
        ('rule a { meta: sharing = "TLP:RED,PAP:AMBER" condition: true }', [tlp_id(Tlp.RED), pap_id(Pap.AMBER)]),
        ("rule a : TLP_GREEN { condition: true }", [tlp_id(Tlp.GREEN)]),
        ("// TLP: AMBER-STRICT\nrule a { condition: true }", [tlp_id(Tlp.AMBER_STRICT)]),
        ('rule a { meta: notice = "TLP:RED, do not share" condition: true }', [tlp_id(Tlp.RED)]),
    ],
)  # fmt: skip
def test_wherever_a_rule_says_its_level_that_is_its_marking(text, markings):
    [one] = taken(text)

    assert one.body["object_marking_refs"] == markings


@pytest.mark.parametrize(
    "meta", ['tlp = "ambre"', 'sharing = "TLP"', 'pap = "x"', 'sharing = "TLP:AMBER,TLP:BLUE"']
)
def test_a_level_that_nobody_knows_is_never_taken_for_a_lower_one(meta):
    assert refused(f"rule a {{ meta: {meta} condition: true }}") == [(1, "yara-tlp")]


def test_an_identifier_that_two_rules_bear_is_the_first_ones():
    meta = f'meta: id = "{ID}" condition: true'

    one, two = taken(f"rule a {{ {meta} }} rule b {{ {meta} }}")

    assert (one.id, two.id, two.key) == (f"indicator--{ID}", "", "yara b")


@pytest.mark.parametrize(
    ("text", "refusals"),
    [
        ("rule a { condition: foo }\nrule b { condition: true }", [(1, "yara-compile")]),
        ("rule a { strings: $a = /a(/ condition: $a }", [(1, "yara-compile")]),
        ('import "nothing"\nrule a { condition: nothing.x }', [(2, "yara-compile")]),
        ("private rule a { condition: true }", [(1, "yara-private")]),
        ("rule a { condition: true }\nrule a { condition: true }", [(2, "yara-twice")]),
        ('include "x.yar"\nrule a { condition: true }', [(2, "yara-include")]),
        ("rule a { condition: true", [(1, "yara-form")]),
        ("x\nrule { condition: true }\nrule b { condition: true }", [(1, "yara-form"), (2, "yara-form")]),
        (f"rule a {{ strings: {MANY} condition: any of them }}", [(1, "yara-long")]),
        (f"rule a {{ condition: true /* {'x' * (1 << 18)} */ }}", [(1, "yara-long")]),
        (b'rule a { meta: d = "\xff" condition: true }\nrule b { condition: true }', [(1, "yara-text")]),
        (b'rule a { meta: d = "\x00" condition: true }', [(1, "yara-text")]),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_by_name_and_its_neighbours_come_in(text, refusals):
    assert refused(text) == refusals


def test_a_refusal_quotes_nothing_of_the_rule():
    [one] = read("rule a { condition: secret_name }")

    assert "compile" in one.why
    assert "secret" not in one.why


def test_what_many_rules_need_is_not_told_without_end():
    base = f"private rule base {{ condition: true /* {'x' * 9000} */ }}\n"
    text = base + "".join(f"rule r{n} {{ condition: base }}\n" for n in range(300))

    entries = read(text)
    told = [each for each in entries if not isinstance(each, Refusal)]

    assert sum(len(each.body["pattern"]) for each in told) <= 16 * len(text)
    assert {each.code for each in entries if isinstance(each, Refusal)} == {"yara-long"}


def test_a_file_of_rules_is_known_at_a_glance_and_nothing_else_is_taken_for_one():
    assert [each.body["pattern_type"] for each in BUILT_IN.read(FILE.encode())] == ["yara"] * 2
    assert Yara().fits(b"\xef\xbb\xbf// \xff\n/* x */ global private rule a { condition: true }")
    assert not Yara().fits(b"rule of thumb: never { do that }"[:4])
    assert not Yara().fits(b"A report.\nrule a { condition: true }")
    assert not Yara().fits(b"// a comment alone")


def test_what_is_too_long_is_refused_as_a_whole():
    with pytest.raises(GateRefused):
        Yara().read(b"rule a { condition: true }", Limits(max_bytes=4))


# --- attacks ---------------------------------------------------------------------------------------------
@settings(max_examples=30)
@given(
    st.integers(0, len(FILE)),
    st.integers(0, len(FILE)),
    st.sampled_from('{}"/*\\\n\x00\ud7ff()$=x'),
)
def test_a_file_that_was_cut_and_changed_gives_rules_that_compile_or_refusals(cut, at, sign):
    text = FILE[:cut] if cut % 2 else FILE[:at] + sign + FILE[at + 1 :]

    for each in read(text):
        if not isinstance(each, Refusal):
            yara_x.compile(each.body["pattern"])
            head = {"id": "indicator--" + ID, "created": AT, "modified": AT, "valid_from": AT}
            made({**each.body, **head})


@settings(max_examples=30)
@given(
    st.lists(
        st.sampled_from(
            [*'{}"/*\\\n()=:', "rule ", "a", "import ", "private ", "global ", "condition:"]
        )
    )
)
def test_no_text_is_read_as_anything_but_rules_or_refusals(parts):
    read("".join(parts))


@pytest.mark.parametrize(
    "text",
    ["/*" * 25_000, '"\\"' * 25_000, "/\\/" * 25_000, "rule a {" * 7_000, "{" * 50_000, "private " * 10_000,
     "rule a { condition: " + "(" * 7_000, "rule a { strings: $a = { " + "(AA|" * 3_000, "x " * 37_000,
     "rule a { condition: " + "for any i in (1..9) : (" * 1_000, CHAIN,
     'import "pe"\n' * 5_000, "rule a { condition: " + "not " * 6_000],
)  # fmt: skip
def test_hostile_files_take_little_time(text):
    began = time.process_time()

    read(text)

    assert time.process_time() - began < 4


@pytest.mark.skipif(not RULES.exists(), reason="the public YARA rules are not here")
def test_real_files_are_taken_apart_as_the_compiler_does():
    """Each fortieth file; YARA-X says which rules it has, and which of them say something by themselves."""
    with lzma.open(RULES) as raw, tarfile.open(fileobj=raw) as archive:
        files = [each for each in archive if each.name.endswith(".yar")]
        texts = [archive.extractfile(each).read().decode() for each in files[::40]]

    for text in texts:
        compiler = yara_x.Compiler(relaxed_re_syntax=True)
        for name in ("filename", "filepath", "extension", "filetype", "owner"):
            compiler.define_global(name, "")
        compiler.add_source(text)
        theirs = [each.identifier for each in compiler.build()]
        assert [each.name for each in sources(text).rules] == theirs
        assert len(taken(text)) == len([each for each in sources(text).rules if not each.private])
