"""Indicators of OpenIOC become patterns that match no more than they mean; what is not said is named."""

import time
from xml.sax.saxutils import quoteattr

import pytest
import stix2
from hypothesis import given, settings
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, NotThisFormat, Refusal
from mithaq.formats.openioc import OpenIoc
from mithaq.formats.openioc.tree import BadXml
from mithaq.model.canonical import GateRefused, Limits
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id

ID = "a6c6dbf0-d72a-4f07-8b11-55527aef4755"
MD5 = "ab" * 16
FOLDER = "file:parent_directory_ref.path"
AT = "2026-01-01T00:00:00.000Z"


def item(about, content, condition="is", more=""):
    return (
        f'<IndicatorItem id="i" condition="{condition}"{more}><Context document="x" search={quoteattr(about)}/>'
        f"<Content>{content}</Content></IndicatorItem>"
    )


def node(operator, *parts):
    return f'<Indicator operator="{operator}">{"".join(parts)}</Indicator>'


def ioc(*parts, links="", version="1.0"):
    head = f'id="{ID}" last-modified="2014-10-19T15:42:21Z"'
    told = (
        "<short_description>Evil</short_description><description>A door.</description><keywords>one two</keywords>"
        f"<authored_by>Ana</authored_by><authored_date>2014-10-17T02:00:57</authored_date><links>{links}</links>"
    )
    if version == "1.0":
        return f'<?xml version="1.0"?><!-- ours -->\n<ioc {head}>{told}<definition>{"".join(parts)}</definition></ioc>'
    parts = "".join(parts)
    return f"<o:OpenIOC xmlns:o='x' {head}><metadata>{told}</metadata><criteria>{parts}</criteria></o:OpenIOC>"


def read(text):
    return list(OpenIoc().read(text if isinstance(text, bytes) else text.encode()))


def pattern(*parts):
    """Return the pattern of an indicator of which all is said; another library reads it."""
    [one] = read(ioc(*parts))
    assert run_validator(one.body["pattern"]) == []
    return one.body["pattern"]


def left(*parts):
    """Return the pattern, if any, and what was refused."""
    entries = read(ioc(*parts))
    told = [each.body["pattern"] for each in entries if not isinstance(each, Refusal)]
    return told, [each.code for each in entries if isinstance(each, Refusal)]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_indicator_says_who_made_it_when_and_what_it_is(version):
    links = '<link rel="threatgroup">APT0</link><link rel="license">Apache</link><link rel="TLP">amber</link>'
    links += '<link rel="report" href="https://x.example/r">see</link>'

    [one] = read(
        ioc(node("OR", item("FileItem/Md5sum", MD5.upper())), links=links, version=version)
    )

    assert one.body["pattern"] == f"[file:hashes.MD5 = '{MD5}']"
    assert (one.id, one.created, one.modified) == (
        f"indicator--{ID}", "2014-10-17T02:00:57.000Z", "2014-10-19T15:42:21.000Z",
    )  # fmt: skip
    assert (one.body["name"], one.body["description"]) == ("Evil", "A door.")
    assert one.body["labels"] == [
        'openioc:threatgroup="APT0"',
        'openioc:report="see"',
        "one",
        "two",
    ]
    assert one.body["external_references"] == [
        {"source_name": "openioc", "external_id": ID, "description": "by Ana; Apache"},
        {"source_name": "openioc", "url": "https://x.example/r"},
    ]
    assert one.body["object_marking_refs"] == [tlp_id(Tlp.AMBER)]
    head = {"id": one.id, "created": one.created, "modified": one.modified, "valid_from": AT}
    assert stix2.parse({**one.body, **head})["type"] == "indicator"


def test_a_level_that_nobody_knows_is_never_taken_for_a_lower_one():
    [one] = read(
        ioc(node("OR", item("FileItem/FileName", "x")), links='<link rel="tlp">ambre</link>')
    )

    assert one.code == "openioc-tlp"


@pytest.mark.parametrize(
    ("term", "says"),
    [
        (item("FileItem/FileName", "a'b\\c"), "file:name = 'a\\'b\\\\c'"),
        (item("FileItem/FileName", "ab", "contains"), "file:name LIKE '%ab%'"),
        (item("FileItem/FileName", "a_b", "contains"), "file:name MATCHES 'a_b'"),
        (item("FileItem/FileName", "a%.", "ends-with"), "file:name MATCHES 'a%\\\\.$'"),
        (item("FileItem/FileName", "ab", "starts-with"), "file:name LIKE 'ab%'"),
        (item("FileItem/FileName", "a.b", "matches"), "file:name MATCHES 'a.b'"),
        (item("FileItem/SizeInBytes", "300", "greater-than"), "file:size > 300"),
        (item("FileItem/PEInfo/PETimeStamp", "2014-01-01T00:00:00Z"),
         "file:extensions.'windows-pebinary-ext'.time_date_stamp = t'2014-01-01T00:00:00.000Z'"),
        (item("FileItem/FullPath", "c:\\x\\y.dll"), f"{FOLDER} = 'c:\\\\x' AND file:name = 'y.dll'"),
        (item("FileItem/FullPath", "x\\y.", "contains"),
         f"({FOLDER} LIKE '%x' AND file:name LIKE 'y.%') OR {FOLDER} LIKE '%x\\\\y.%'"),
        (item("FileItem/FullPath", "xy", "contains"), f"{FOLDER} LIKE '%xy%' OR file:name LIKE '%xy%'"),
        (item("FileItem/FullPath", "\\xy", "contains"), f"file:name LIKE 'xy%' OR {FOLDER} LIKE '%\\\\xy%'"),
        (item("RegistryItem/KeyPath", "HKLM\\x"), "windows-registry-key:key = 'HKEY_LOCAL_MACHINE\\\\x'"),
        (item("DnsEntryItem/RecordName", "Evil[.]example"), "domain-name:value = 'evil.example'"),
        (item("PortItem/remoteIP", "198.51.100.7"), "network-traffic:dst_ref.value = '198.51.100.7'"),
        (item("ProcessItem/HandleList/Handle/Name", "m"), "mutex:name = 'm'"),
        (item("Network/URI", "/gate", "contains"), "url:value LIKE '%/gate%'"),
        (item("Email/Subject", "hi"), "email-message:subject = 'hi'"),
    ],
)  # fmt: skip
def test_a_term_is_said_as_exactly_as_stix_can(term, says):
    assert pattern(node("OR", term)) == f"[{says}]"


def test_terms_of_one_kind_hold_of_one_thing_and_of_several_of_what_was_seen_together():
    file = node("AND", item("FileItem/FileName", "a"), item("FileItem/SizeInBytes", "3"))
    mutex = item("ProcessItem/HandleList/Handle/Name", "m")

    assert pattern(node("OR", file, item("FileItem/FileName", "b"))) == (
        "[(file:name = 'a' AND file:size = 3) OR file:name = 'b']"
    )
    assert pattern(node("AND", file, mutex)) == (
        "([(file:name = 'a' AND file:size = 3)] AND [mutex:name = 'm'])".replace("[(", "[").replace(
            ")]", "]", 1
        )
    )
    assert pattern(node("OR", node("AND", file, mutex), item("FileItem/FileName", "b"))) == (
        "([file:name = 'b'] OR ([file:name = 'a' AND file:size = 3] AND [mutex:name = 'm']))"
    )


def test_what_something_is_not_counts_beside_what_the_same_thing_is_alone():
    is_, isnt = (
        item("FileItem/FileName", "a"),
        item("FileItem/SizeInBytes", "3", more=' negate="true"'),
    )

    assert pattern(node("AND", is_, isnt)) == "[file:name = 'a' AND file:size != 3]"
    assert pattern(node("AND", is_, item("FileItem/FilePath", "b", "containsnot"))) == (
        "[file:name = 'a' AND file:parent_directory_ref.path NOT LIKE '%b%']"
    )
    assert left(node("OR", is_, isnt)) == (["[file:name = 'a']"], ["openioc-term"])
    assert left(node("OR", isnt))[0] == []
    assert left(node("AND", item("ProcessItem/name", "p"), isnt))[0] == []
    assert left(node("OR", is_, node("AND", isnt))) == (["[file:name = 'a']"], ["openioc-term"])


def test_a_term_without_a_word_is_named_and_never_makes_the_rest_wider():
    odd, file = item("FileItem/StringList/string", "x"), item("FileItem/FileName", "a")

    entries = read(ioc(node("OR", odd, file)))
    assert entries[0].body["pattern"] == "[file:name = 'a']"
    assert (entries[1].code, entries[1].line, entries[1].where) == ("openioc-term", 2, "i")
    assert "FileItem/StringList/string (is)" in entries[1].why
    assert left(node("AND", odd, file)) == ([], ["openioc-term", "openioc-wider", "openioc-unsaid"])
    assert left(node("OR", node("AND", odd, file), item("FileItem/FileName", "b"))) == (
        ["[file:name = 'b']"], ["openioc-term", "openioc-wider"],
    )  # fmt: skip
    assert left(node("OR", node("AND", file, node("OR", odd)), file))[0] == ["[file:name = 'a']"]
    assert left(node("AND", file, node("OR", odd, item("FileItem/SizeInBytes", "3")))) == (
        ["[file:name = 'a' AND file:size = 3]"], ["openioc-term"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "term",
    [item("FileItem/Md5sum", "abc"),
     item("FileItem/SizeInBytes", "1e9"), item("FileItem/SizeInBytes", "3", "contains"),
     item("FileItem/FileName", ""), item("FileItem/FileName", "x" * 5000),
     item("FileItem/FileName", "x", "sounds-like"),
     item("FileItem/FullPath", "x"), item("FileItem/FullPath", "a\\b", "containsnot"), item("PortItem/remoteIP", "x"),
     item("FileItem/PEInfo/PETimeStamp", "monday"), item("", "x"), "<IndicatorItem/>"],
)  # fmt: skip
def test_a_term_that_is_none_is_refused_by_itself(term):
    assert left(node("OR", term, item("FileItem/FileName", "a"))) == (
        ["[file:name = 'a']"],
        ["openioc-term"],
    )


def test_files_are_known_at_a_glance_and_may_hold_several():
    one = ioc(node("OR", item("FileItem/FileName", "a")))
    both = f"<iocs>{one[one.index('<ioc') :]}{one[one.index('<ioc') :]}</iocs>"

    assert len(list(BUILT_IN.read(one.encode()))) == 1
    assert len(list(BUILT_IN.read(both.encode()))) == 2
    assert not OpenIoc().fits(b"<iocx>")
    assert not OpenIoc().fits(b"<html>")
    with pytest.raises(NotThisFormat):
        read("<html/>")
    with pytest.raises(GateRefused):
        OpenIoc().read(one.encode(), Limits(max_bytes=9))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('<!DOCTYPE ioc [<!ENTITY a "b">]><ioc>&a;</ioc>', "openioc-doctype"),
        ('<!DOCTYPE ioc SYSTEM "file:///etc/passwd"><ioc/>', "openioc-doctype"),
        ("<ioc>&a;</ioc>", "openioc-form"),
        ("<ioc>", "openioc-form"),
        ("", "openioc-form"),
        (b'<?xml version="1.0" encoding="none"?><ioc/>', "openioc-form"),
        ("<ioc>" + "<a>" * 100 + "</a>" * 100 + "</ioc>", "openioc-large"),
        ("<ioc>" + "<a/>" * 300_000 + "</ioc>", "openioc-large"),
    ],
)
def test_hostile_xml_is_refused_as_a_whole(text, code):
    with pytest.raises(BadXml) as caught:
        read(text)

    assert caught.value.code == code


def test_large_and_deep_indicators_take_little_time():
    many = node("OR", *[item("FileItem/FileName", f"f{n}") for n in range(20_000)])
    deep = item("FileItem/FileName", "a")
    for _ in range(55):
        deep = node("AND", deep, item("FileItem/SizeInBytes", "3"))
    began = time.process_time()

    assert len(left(many)[0]) == 1
    assert len(left(deep)[0]) == 1
    assert left(node("OR", *[node("XOR")] * 1000))[1][0] == "openioc-form"
    assert time.process_time() - began < 3


TEXT = ioc(
    node("AND", item("FileItem/FileName", "a"), node("OR", item("PortItem/remotePort", "80")))
)


@settings(max_examples=60)
@given(
    st.integers(0, len(TEXT)), st.integers(0, len(TEXT)), st.sampled_from("<>&;\"'/\x00\ud7ff![")
)
def test_what_was_cut_and_changed_gives_patterns_or_refusals(cut, at, sign):
    text = TEXT[:cut] if cut % 2 else TEXT[:at] + sign + TEXT[at + 1 :]

    try:
        entries = read(text)
    except InputError:
        return
    for each in entries:
        assert isinstance(each, Refusal) or run_validator(each.body["pattern"]) == []
