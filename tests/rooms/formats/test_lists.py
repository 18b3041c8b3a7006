"""Lists and tables become indicators, line by line: each is taken, joined to the last, or refused with a reason."""

import csv
import io
import json
import lzma
import time
from pathlib import Path

import pytest
import stix2
from hypothesis import example, given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Layout, NotThisFormat, Refusal, UnknownFormat
from mithaq.formats.lists import ROLES, Lists, sheets
from mithaq.formats.lists.words import role_of
from mithaq.model.canonical import GateRefused, Limits
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.values import PATHS

IOCS = Path(__file__).parents[3].parent / "shared/data/detection/iocs"
MD5, SHA1, SHA256 = "ab" * 16, "cd" * 20, "ef" * 32


def read(text, **layout):
    raw = text if isinstance(text, bytes) else text.encode()
    return list(Lists().read(raw, layout=Layout(**layout)))


def taken(text, **layout):
    """Return the bodies of what is taken; nothing is refused."""
    entries = read(text, **layout)
    assert not [each for each in entries if isinstance(each, Refusal)], entries
    return [each.body for each in entries]


def patterns(text, **layout):
    return [body["pattern"] for body in taken(text, **layout)]


def refused(text, **layout):
    """Return the line and the code of each refusal."""
    return [(each.line, each.code) for each in read(text, **layout) if isinstance(each, Refusal)]


def is_(kind, text):
    return f"[{PATHS[kind]} = '{text}']"


def as_indicator(body):
    """Return what another library makes of it."""
    at = "2026-01-01T00:00:00.000Z"
    head = {"id": "indicator--00000000-0000-4000-8000-000000000001", "created": at, "modified": at}
    return stix2.parse({"valid_from": at, **body, **head})


# --- lines ---------------------------------------------------------------------------------------------
def test_a_plain_list_becomes_indicators_and_its_comments_nothing():
    text = "# ours\n\n198.51.100.7\n  evil.example  \n; c\n// c\n! c\nhxxps://evil[.]example/x\nuser@evil.example"

    bodies = taken(text)

    assert [body["pattern"] for body in bodies] == [
        is_("ipv4", "198.51.100.7"),
        is_("domain", "evil.example"),
        is_("url", "https://evil.example/x"),
        is_("email", "user@evil.example"),
    ]
    assert bodies[0].keys() == {"type", "spec_version", "pattern", "pattern_type"}
    assert [as_indicator(body)["type"] for body in bodies] == ["indicator"] * 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begins", ["", "\ufeff"])
def test_ends_of_lines_and_marks_of_order_are_as_systems_write_them(end, begins):
    lines = ["a.example", "b.example", "", "x x", "c.example"]

    entries = read(begins + end.join(lines))

    assert [getattr(each, "key", each.position) for each in entries] == [
        is_("domain", "a.example"), is_("domain", "b.example"), 3, is_("domain", "c.example")
    ]  # fmt: skip
    assert [each.position for each in entries if not isinstance(each, Refusal)] == [0, 1, 4]


@pytest.mark.parametrize("coding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_list_in_utf_16_is_one_if_it_bears_its_mark(coding):
    mark = "" if coding == "utf-16" else "\ufeff"
    raw = f"{mark}قيمة\tنوع\r\nevil.example\tdomain\r\n198.51.100.7\tip\r\n".encode(coding)

    assert [each.key for each in read(raw) if not isinstance(each, Refusal)] == [
        is_("domain", "evil.example"),
        is_("ipv4", "198.51.100.7"),
    ]
    assert Lists().fits(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "evil.example\n".encode("utf-16-le"),
        b"\xff\xfe" + "evil.example\n\0\n".encode("utf-16-le"),
        b"\xff\xfee",
        "évil.example;x\n".encode("cp1252"),
    ],
)
def test_what_is_no_text_in_a_known_coding_is_no_list(raw):
    assert not Lists().fits(raw)
    with pytest.raises(NotThisFormat):
        read(raw)


def test_what_no_editor_takes_for_the_end_of_a_line_is_none_here():
    assert refused("x\u2028y\x0cz\x85\nevil.nosuchtop") == [(1, "list-form"), (2, "list-form")]


def test_a_comment_behind_a_value_is_told():
    [body] = taken("evil.example # emotet # c2")

    assert (body["pattern"], body["description"]) == (is_("domain", "evil.example"), "emotet # c2")
    assert patterns("evil # 1", kind="mutex") == ["[mutex:name = 'evil # 1']"]


def test_hosts_files_and_lists_of_advertisement_blockers_are_lists_of_domains():
    text = (
        "127.0.0.1\ta.example\n0.0.0.0 b.example # ads\n::1 c.example\n"
        "||d.example^\n||e.example^$third-party\n||198.51.100.7^\n"
    )

    assert patterns(text) == [
        *(is_("domain", f"{name}.example") for name in "abcde"), is_("ipv4", "198.51.100.7")
    ]  # fmt: skip
    assert Lists().fits(text.encode())
    for line in (
        "127.0.0.1 localhost",
        "0.0.0.0 0.0.0.0",
        "@@||good.example^",
        "evil.example##.ad",
    ):
        assert refused(line) == [(1, "list-form")]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("no value", "form"), ("evil.nosuchtop", "form"), (MD5, "hash"), (SHA256, "hash"),
        ("127.0.0.1", "everybody"), ("0.0.0.0/0", "everybody"), ("x" * 200_000, "long"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_taken_is_refused_and_its_neighbours_go_on(line, code):
    entries = read(f"a.example\n{line}\nb.example\n")

    [refusal] = [each for each in entries if isinstance(each, Refusal)]
    assert (refusal.line, refusal.position, refusal.code) == (2, 1, f"list-{code}")
    assert len(entries) == 3
    assert line not in refusal.why


def test_a_list_of_hashes_says_how_it_could_be_taken_and_is_with_their_kind():
    text = f"{MD5}\n{MD5[::-1]}\n"

    assert [(each.code, "--kind" in each.why) for each in BUILT_IN.read(text.encode())] == [
        ("list-hash", True)
    ] * 2
    assert patterns(text, kind="md5") == [is_("md5", MD5), is_("md5", MD5[::-1])]
    assert patterns(text, kind="imphash") == [is_("imphash", MD5), is_("imphash", MD5[::-1])]
    assert refused(text, kind="sha256") == [(1, "list-value"), (2, "list-value")]


def test_a_comment_may_say_of_what_kind_hashes_are():
    assert patterns(f"# all of them\n# SHA-256\n{SHA256}\n") == [is_("sha256", SHA256)]
    assert patterns("# domain\nevil.example\n# ip\n198.51.100.7\n") == [
        is_("domain", "evil.example"), is_("ipv4", "198.51.100.7")
    ]  # fmt: skip


# --- tables --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("sign", ["\t", ",", ";", "|"])
def test_a_table_names_its_columns_and_every_cell_is_told_somewhere(sign):
    rows = [
        ["Indicator", "Type", "Comment", "Tags", "First_Seen", "TLP", "Confidence", "Reference", "Name", "Actor"],
        ["evil[.]example", "domain", "seen", "apt c2", "2024-05-01", "amber", "75", "hxxps://a[.]example", "E", "X"],
        [MD5, "FileHash-MD5", "", "", "", "", "", "", "", ""],
    ]  # fmt: skip

    body, bare = taken("\n".join(map(sign.join, rows)))

    assert body == {
        "type": "indicator", "spec_version": "2.1", "pattern_type": "stix",
        "pattern": is_("domain", "evil.example"), "description": "seen\nActor: X", "name": "E",
        "labels": ["apt c2"], "valid_from": "2024-05-01T00:00:00.000Z", "confidence": 75,
        "object_marking_refs": [tlp_id(Tlp.AMBER)],
        "external_references": [{"source_name": "list", "url": "https://a.example"}],
    }  # fmt: skip
    assert bare["pattern"] == is_("md5", MD5)
    assert bare.keys() == {"type", "spec_version", "pattern", "pattern_type"}
    assert as_indicator(body)["confidence"] == 75


def test_quoted_cells_hold_delimiters_quotes_and_ends_of_lines():
    text = 'value,comment\r\n"a.example","one, ""two""\r\nthree"\r\nx x,y\r\n"b.example" , z\r\n'

    first, *others = read(text)

    assert first.body["description"] == 'one, "two"\nthree'
    assert [(each.line, each.code) for each in others] == [(4, "list-form"), (5, "list-quote")]


def test_a_quote_is_a_sign_like_any_where_tabs_part_the_cells():
    bodies = taken('value\tcomment\na.example\t"x" y\nb.example\t"z\nc.example\t"a\tb"\n')

    assert [body["description"] for body in bodies] == ['"x" y', '"z', "a\tb"]


def test_a_quote_that_is_never_closed_takes_no_other_line_along():
    text = "value,comment\n" + 'a.example,"x\n' + "".join(f"b{n}.example,x\n" for n in range(99))

    entries = read(text)

    assert [(each.line, each.code) for each in entries if isinstance(each, Refusal)] == [
        (2, "list-quote")
    ]
    assert len(entries) == 100


def test_a_table_of_abuse_ch_has_its_names_in_a_comment():
    text = """\
################################
# abuse.ch ThreatFox
# "first_seen_utc","ioc_id","ioc_value","ioc_type","malware_printable","confidence_level","reference","tags"
"2024-05-01 10:00:00", "1", "198.51.100.7:443", "ip:port", "Xworm", "75", "None", "c2,xworm"
"2024-05-01 11:00:00", "2", "http://evil.example/a,b", "url", "Emotet", "50", "", ""
"2024-05-01 12:00:00", "3", "ABABABABABABABABABABABABABABABAB", "md5_hash", "Emotet", "100", "", "exe"
# Number of entries: 3
"""

    first, second, third = taken(text)

    assert first["pattern"] == (
        "[network-traffic:dst_ref.value = '198.51.100.7' AND network-traffic:dst_port = 443]"
    )
    assert (first["name"], first["labels"]) == ("Xworm", ["c2", "xworm"])
    assert (first["valid_from"], first["confidence"]) == ("2024-05-01T10:00:00.000Z", 75)
    assert first["description"] == "ioc_id: 1"
    assert "external_references" not in first
    assert second["pattern"] == is_("url", "http://evil.example/a,b")
    assert third["pattern"] == is_("md5", MD5)


def test_a_table_of_misp_bears_its_tags_of_tlp_as_markings():
    text = (
        "uuid,event_id,category,type,value,comment,to_ids,date,object_relation,attribute_tag\n"
        'u1,7,Network activity,ip-dst,198.51.100.7,"c, d",1,1714557600,,"tlp:amber,apt"\n'
        "u0,7,External analysis,domain,victim.example,,0,20240501,,\n"
        "u2,7,Payload delivery,filename|md5,a.exe|x,,1,20240501,,\n"
        "u3,7,Payload delivery,sha256," + SHA256 + ',,1,20240501,,"tlp:purple"\n'
    )

    body, *others = read(text)

    assert body.body["object_marking_refs"] == [tlp_id(Tlp.AMBER)]
    assert body.body["labels"] == ["Network activity", "apt"]
    assert body.body["description"] == "c, d\nuuid: u1\nevent_id: 7"
    assert body.body["valid_from"] == "2024-05-01T10:00:00.000Z"
    assert [(each.line, each.code) for each in others] == [
        (3, "list-context"), (4, "list-kind"), (5, "list-tlp")
    ]  # fmt: skip


def test_a_column_called_type_that_names_no_kinds_is_given_another_role():
    text = "indicator,type\nevil.example,phishing\n"

    assert refused(text) == [(2, "list-kind")]
    assert taken(text, columns={"labels": "type"})[0]["labels"] == ["phishing"]


def test_a_table_of_otx_says_the_kind_of_each():
    text = f"Indicator type,Indicator,Description\nIPv4,198.51.100.7,\nFileHash-SHA1,{SHA1},x\nCVE,CVE-2020-1,\n"

    assert [getattr(each, "key", None) for each in read(text)] == [
        is_("ipv4", "198.51.100.7"), is_("sha1", SHA1), None
    ]  # fmt: skip


def test_hashes_of_one_file_are_one_indicator_and_what_many_files_share_is_told():
    text = f"md5,sha1,sha256,file_name,imphash\n{MD5},{SHA1},{SHA256},invoice.exe,{MD5}\nn/a,,{SHA256},,n/a\n"

    both, one = taken(text)

    assert both["pattern"] == (
        f"[file:hashes.MD5 = '{MD5}' OR file:hashes.'SHA-1' = '{SHA1}' OR file:hashes.'SHA-256' = '{SHA256}']"
    )
    assert both["description"] == f"file_name: invoice.exe\nimphash: {MD5}"
    assert one["pattern"] == is_("sha256", SHA256)
    assert patterns("file_name,size\ninvoice.exe,7\n") == ["[file:name = 'invoice.exe']"]


def test_a_row_without_a_value_is_refused_and_one_without_anything_is_nothing():
    assert refused("value,comment\n,x\n,\n  , \na.example,\n") == [(2, "list-empty")]


def test_a_column_that_says_nothing_of_the_value_is_told():
    assert taken(f"md5,type\n{MD5},PE32\n")[0]["description"] == "type: PE32"
    assert taken(f"value,md5\na.example,{MD5}\n")[0]["description"] == f"md5: {MD5}"
    assert taken("value,comment,note\na.example,one,two\n")[0]["description"] == "one\nnote: two"
    assert taken("value,\na.example,x,y\n")[0]["description"] == "x\ny"


def test_a_table_without_names_begins_with_its_values():
    text = "a.example\temotet\t7\nb.example\t\t\nc.example\tx\t\n"

    bodies = taken(text)

    assert [body.get("description") for body in bodies] == ["emotet, 7", None, "x"]
    assert patterns("a.example,domain\nb.example,domain\n") == [
        is_("domain", "a.example"), is_("domain", "b.example")
    ]  # fmt: skip
    assert patterns("198.51.100.0/24 ; SBL1\n") == [is_("ipv4", "198.51.100.0/24")]


def test_rows_of_a_table_need_not_have_as_many_cells():
    text = "a.example, one\nb.example, two, three\nc.example, four\n"

    assert [body["description"] for body in taken(text)] == ["one", "two, three", "four"]
    assert taken("domain,info\na.example,one, two\nb.example\n")[0]["description"] == "one\ntwo"


def test_which_of_several_values_in_a_line_is_meant_is_never_guessed():
    text = "a.example, b.example\nc.example, 198.51.100.7\n"

    with pytest.raises(InputError, match="--column value=1"):
        read(text)
    assert patterns(text, columns={"value": "1"}) == [
        is_("domain", "a.example"), is_("domain", "c.example")
    ]  # fmt: skip


def test_tables_of_zeek_and_of_spreadsheets_are_read():
    zeek = (
        "#fields\tindicator\tindicator_type\tmeta.source\n"
        f"evil.example\tIntel::DOMAIN\tus\n198.51.100.7\tIntel::ADDR\t-\n{MD5}\tIntel::FILE_HASH\tus\n"
    )

    domain, address, hash_ = read(zeek)
    assert (domain.key, domain.body["description"]) == (
        is_("domain", "evil.example"),
        "meta.source: us",
    )
    assert address.key == is_("ipv4", "198.51.100.7")
    assert (hash_.line, hash_.code) == (4, "list-kind")
    assert refused("sep=;\nvalue;note\na.example;x\nx x;\n") == [(4, "list-form")]


def test_a_url_is_not_parted_at_a_sign_it_holds():
    one = "http://evil.example/a,b"
    many = "".join(f"http://evil.example/{n},mal\n" for n in range(4))

    assert patterns(one) == [is_("url", one)]
    assert patterns(f"{one};c\n{one}\n") == [is_("url", f"{one};c"), is_("url", one)]
    assert patterns(many)[0] == is_("url", "http://evil.example/0")
    assert patterns(one, columns={"value": "1"}) == [is_("url", "http://evil.example/a")]
    assert patterns("Mozilla (X; Y)\n", kind="user-agent")[0].endswith("= 'Mozilla (X; Y)']")


# --- what a person says --------------------------------------------------------------------------------
def test_columns_are_named_by_their_words_or_numbers():
    text = f"when,what,of\n2024-05-01,evil.example,x\n2024-05-02,{MD5},x\n"

    body, _ = read(text, columns={"value": "What", "since": "1", "name": "3"})
    assert body.body["pattern"] == is_("domain", "evil.example")
    assert (body.body["valid_from"], body.body["name"]) == ("2024-05-01T00:00:00.000Z", "x")
    assert patterns(f"x;{MD5}\ny;{SHA1}\n".replace(SHA1, MD5[::-1]), columns={"md5": "2"}) == [
        is_("md5", MD5), is_("md5", MD5[::-1])
    ]  # fmt: skip
    assert taken("a.example,GREEN", columns={"value": "1", "tlp": "2"})[0]["object_marking_refs"]


def test_columns_may_be_named_in_any_script():
    text = "التاريخ,القيمة,Étiquettes\n2024-05-01,evil.example,c2\n"

    [body] = taken(text, columns={"value": "القيمة", "since": "التاريخ", "labels": "ÉTIQUETTES"})

    assert (body["pattern"], body["labels"]) == (is_("domain", "evil.example"), ["c2"])
    assert body["valid_from"] == "2024-05-01T00:00:00.000Z"


def test_what_a_person_says_of_a_column_counts_more_than_its_name():
    text = f"sha1,type,host\n{SHA1},x,a.example\n"

    assert patterns(text, columns={"certificate-sha1": "sha1"}) == [is_("certificate-sha1", SHA1)]
    assert patterns(text, columns={"value": "host", "name": "type"}) == [is_("domain", "a.example")]
    assert patterns(text, columns={"name": "host"}) == [is_("sha1", SHA1)]


def test_a_column_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="ip, comment"):
        read("ip,comment\n198.51.100.7,x\n", columns={"value": "nothing"})
    with pytest.raises(InputError, match="give its number"):
        read("a.example\n", columns={"value": "nothing"})
    for number in ("0", "-1", "9" * 5000, "²"):
        try:
            assert refused("a.example,x\n", columns={"value": number}) == [(1, "list-empty")]
        except InputError:
            continue


def test_every_role_is_a_column_that_a_person_may_name():
    for role in ROLES:
        assert read("a,b\nc,d\n", columns={role: "2"})


# --- cells ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2024-05-01", "2024-05-01T00:00:00.000Z"),
        ("2024/05/01 10:20", "2024-05-01T10:20:00.000Z"),
        ("2024-05-01 10:20:30 UTC", "2024-05-01T10:20:30.000Z"),
        ("2024-05-01T10:20:30.5Z", "2024-05-01T10:20:30.500Z"),
        ("2024-05-01T00:00:00+02:00", "2024-04-30T22:00:00.000Z"),
        ("20240501", "2024-05-01T00:00:00.000Z"),
        ("1714557600", "2024-05-01T10:00:00.000Z"),
    ],
)
def test_a_date_is_when_an_indicator_became_valid(written, instant):
    [body] = taken(f"value,date\na.example,{written}\n")

    assert (body["valid_from"], "description" in body) == (instant, False)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("date", "01/05/2024"), ("date", "yesterday"), ("date", "2024-13-01"), ("date", "1714557600123"),
        ("date", "0001-01-01T00:00:00+14:00"), ("date", "2024-05-01T00:00:00+99:00"),
        ("date", "\u0662\u0660\u0662\u0664-05-01"),
        ("confidence", "101"), ("confidence", "9" * 5000), ("confidence", "perhaps"), ("confidence", "-1"),
        ("confidence", "\u0667"), ("confidence", "0.5"),
    ],
)  # fmt: skip
def test_a_date_or_a_confidence_that_is_not_understood_is_told_as_it_stands(name, written):
    [body] = taken(f"value,comment,{name}\na.example,c,{written}\n")

    assert body["description"].startswith("c\n")
    assert body["description"].endswith(f": {written}")
    assert not {"valid_from", "confidence"} & body.keys()


@pytest.mark.parametrize(
    ("written", "sure"), [("Low", 15), ("high", 85), ("0", 0), ("100", 100), ("75%", 75)]
)
def test_a_confidence_is_a_number_or_a_word(written, sure):
    assert taken(f"value,confidence\na.example,{written}\n")[0]["confidence"] == sure


@pytest.mark.parametrize("column", ["tlp", "tags"])
def test_a_marking_that_nobody_can_read_keeps_its_line_outside(column):
    assert refused(f"value,{column}\na.example,tlp:ambre\nb.example,tlp:green\n") == [
        (2, "list-tlp")
    ]


def test_tags_are_parted_and_a_reference_that_is_no_link_is_told_in_words():
    [body] = taken("value;tags;reference\na.example;\"['a', 'b', 'a']\";our case 7\n")

    assert body["labels"] == ["a", "b"]
    assert body["external_references"] == [{"source_name": "list", "description": "our case 7"}]
    assert "labels" not in taken('value;tags\na.example;", ,"\n')[0]


# --- what is said twice --------------------------------------------------------------------------------
def test_what_lines_in_a_row_say_of_one_value_is_joined():
    text = (
        "value,name,tags,tlp,comment,reference,date\n"
        "a.example,one,x,GREEN,c,r,2024-01-01\n"
        "A.example,two,y,AMBER,d,r,2024-01-02\n"
        "a[.]example,,x,,c,s,\n"
        "b.example,,,,,,\n"
    )

    body, other = taken(text)

    assert (body["name"], body["valid_from"]) == ("one", "2024-01-01T00:00:00.000Z")
    assert body["labels"] == ["x", "y"]
    assert body["object_marking_refs"] == [tlp_id(Tlp.GREEN), tlp_id(Tlp.AMBER)]
    assert body["description"] == "c\nd"
    assert [each["description"] for each in body["external_references"]] == ["r", "s"]
    assert other["pattern"] == is_("domain", "b.example")


def test_a_line_that_comes_again_later_is_refused():
    assert refused("a.example\nb.example\na.example\nA.EXAMPLE\n") == [
        (3, "list-twice"),
        (4, "list-twice"),
    ]


# --- the whole -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"some words\nmore words\n", b"a,b\nc,d\n", b"\xff\xfea", b"a.example\0", b'a,"b']
)  # fmt: skip
def test_what_holds_no_values_is_no_list(raw):
    assert not Lists().fits(raw)
    with pytest.raises(UnknownFormat):
        BUILT_IN.read(raw)


def test_a_list_that_begins_oddly_is_one_all_the_same():
    odd = "".join(f"-{n}.js\n" for n in range(60))

    assert Lists().fits((odd + "".join(f"{n}.example\n" for n in range(200))).encode())


@pytest.mark.parametrize(
    "raw", [b"a.example\n\xff", b"a.example\0\n", "a.example".encode("utf-16-le")]
)
def test_what_is_no_text_is_refused_as_a_whole(raw):
    with pytest.raises(NotThisFormat):
        read(raw)


def test_what_is_too_long_is_refused_as_a_whole(monkeypatch):
    with pytest.raises(GateRefused, match="too-long"):
        Lists().read(b"a.example\n", Limits(max_bytes=4))
    monkeypatch.setattr(sheets, "_MOST_LINES", 3)
    assert len(taken("a.example\nb.example\nc.example")) == 3
    for text in ("a\nb\nc\nd", "a\rb\rc\rd"):
        with pytest.raises(InputError, match="at most 3"):
            read(text)


LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.text("\"',;|\t#!/ \\a.[]{}0123:@\r", max_size=30),
        st.sampled_from(
            ["a.example", "198.51.100.7", "a.example,x", "value,comment", '"', '"a', "# md5", MD5, "", "#",
             "value,tlp,tags,date,confidence,reference,type", "a.example,RED,x,2024-01-01,7,r,domain"]
        ),
    ),
    max_size=12,
).map("\n".join)  # fmt: skip


@given(
    LINES,
    st.sampled_from(
        [{}, {"kind": "md5"}, {"kind": "mutex"}, {"columns": {"value": "1", "name": "2"}}]
    ),
)
@example('value,\n"\n', {})
@example('"",""\na.example,', {})
def test_no_text_stops_it_but_with_a_reason_and_all_that_is_taken_is_valid(text, layout):
    try:
        entries = read(text, **layout)
    except InputError:
        return
    for each in entries:
        if isinstance(each, Refusal):
            assert each.code.startswith("list-")
            assert each.line == each.position + 1
        else:
            assert run_validator(each.body["pattern"], stix_version="2.1") == []
            assert json.dumps(each.body)
    Lists().fits(text.encode())


CELL = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=9)
ENTRY = st.one_of(
    st.integers(0, 4).map("e{}.example".format),
    st.sampled_from(["no value", "x y", "evil.nosuchtop", "198.51.100.7"]),
)


@given(st.lists(st.tuples(ENTRY, CELL, CELL), max_size=20), st.sampled_from(",;\t"))
def test_every_row_of_a_table_is_taken_or_joined_or_refused(rows, sign):
    written = io.StringIO()
    csv.writer(written, delimiter=sign).writerows([["value", "a", "b"], *rows])
    expected, told, last = [], {}, ""
    for value, *cells in rows:
        good = "." in value and "nosuch" not in value
        if not good or (value in told and value != last):
            expected.append("list-twice" if good else "list-form")
            last = ""
            continue
        if value not in told:
            expected.append(value)
        told[value] = told.get(value, []) + cells
        last = value

    entries = read(written.getvalue())

    assert expected == [
        each.code if isinstance(each, Refusal) else each.key.split("'")[1] for each in entries
    ]
    for each in entries:
        if not isinstance(each, Refusal):
            for cell in told[each.key.split("'")[1]]:
                plain = cell.replace("\r\n", "\n").replace("\r", "\n").strip()
                assert plain in sheets._EMPTY or plain in each.body.get("description", "")


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000_000,
        "a.example," * 2_000_000,
        "\n".join(["a.example,x"] * 200_000),
        "value,tags\n" + "\n".join(f"a.example,t{n}" for n in range(100_000)),
        ",".join(["value", *(f"c{n}" for n in range(10_000))]) + "\na.example,x" * 100_000,
        ",".join(["tags"] * 20_000 + ["value"]) + "\n" + "\n".join(["x"] * 100_000),
        "value,tags\n" + '"\n' * 100_000,
        "value,tags\n" + 'a.example,"\n' * 100_000,
        " " * 5_000_000 + "(",
        "\n".join([" " * 4000 + "("] * 1000),
        "\n".join(["(" + " " * 4000] * 1000),
        "#" + " " * 5_000_000,
        "127.0.0.1" + " " * 130_000,
        'value,tags\na.example,"' + ",".join(f"t{n}" for n in range(20_000)) + '"',
    ],
    ids=range(14),
)  # fmt: skip
def test_no_text_takes_longer_than_its_length(text):
    raw = text.encode()
    before = time.process_time()

    Lists().fits(raw)
    read(raw)

    assert time.process_time() - before < 5  # 1 s


def test_a_list_of_a_hundred_thousand_lines_is_read_in_a_second():
    raw = "".join(f"{n}.evil.example\n" for n in range(100_000)).encode()
    before = time.process_time()

    assert len(read(raw)) == 100_000

    assert time.process_time() - before < 3  # 0.4 s


# --- real lists ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "share"),
    [
        ("amnesty-domain", 0.96), ("amnesty-ipv4", 1), ("amnesty-md5", 1), ("amnesty-sha256", 1),
        ("eset-cidr", 1), ("eset-domain", 0.6), ("eset-ipv4", 0.9), ("eset-md5", 1), ("eset-sha1", 1),
        ("eset-url", 0.9), ("unit42-ipv4", 0.9),
    ],
)  # fmt: skip
def test_every_line_of_a_real_list_is_an_indicator_or_is_refused_with_a_reason(name, share):
    file = IOCS / f"{name}.tsv.xz"
    if not file.exists():
        pytest.skip("the real lists are not here")
    raw = lzma.decompress(file.read_bytes())
    kind = name.rpartition("-")[2]

    entries = read(raw, kind=kind if kind.startswith(("md5", "sha")) else "")

    good = [each for each in entries if not isinstance(each, Refusal)]
    assert sorted(each.position for each in entries) == list(range(raw.count(b"\n")))
    assert len(good) >= share * len(entries)
    assert Lists().fits(raw)
    for each in good[:: len(good) // 50 + 1]:
        assert as_indicator(each.body)["pattern_type"] == "stix"


@pytest.mark.parametrize("role", [each for each in ROLES if each != "directory"])
def test_a_column_that_bears_the_name_of_a_role_plays_it(role):
    assert role_of(role) == role
