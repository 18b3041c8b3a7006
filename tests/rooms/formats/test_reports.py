"""What stands in reports: every value as it is meant, the sentence it stands in, and what is advised."""

import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.reports import (
    Advice,
    NoReport,
    Reason,
    checked,
    entries,
    pages,
    read,
    reviewed,
    sheet,
    suggested,
)
from mithaq.formats.reports.meant import meant
from mithaq.formats.reports.scan import candidates
from mithaq.model import values
from mithaq.model.benign import Benign
from mithaq.model.listed import Effect, Listed
from tests.papers import pdf

SHA256 = "5f0ce5a2b1f7d7e4f7ae4b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e"
MD5 = "0cc175b9c0f1b6a831c399e269772661"


def report(text):
    return read(pages(text if isinstance(text, bytes) else text.encode()))


def found(text):
    """The findings of a text by their values."""
    return {each.value: each for each in report(text).findings}


def advised(text):
    return {value: (each.advice, each.reason) for value, each in found(text).items()}


def kinds(text):
    return {value: each.kind for value, each in found(text).items()}


# --- defanging ---------------------------------------------------------------------------------------
DOTS = (
    "[.]", "(.)", "{.}", "[dot]", "(dot)", "{dot}", "[DOT]", "[ . ]", " [.] ", " (dot) ", "\\.", "[.", ".]",
    " dot ", "[[.]]", "<.>", "_dot_", "-dot-", "[.]\n",
)  # fmt: skip
ATS = ("@", "[@]", "(@)", "[at]", "(at)", " [at] ", "{@}", "[AT]")
SCHEMES = (
    "hxxp://", "hXXp://", "http[:]//", "http[://]", "hxxp[:]//", "h**p://", "http:\\\\", "hxxp:// ", "http[:/]/",
    "http[:][/][/]", "hxxp__", "http__", "meow://", "hxxp:///", "hxp://", "http:[//]",
)  # fmt: skip


@pytest.mark.parametrize("dot", DOTS)
def test_a_full_stop_is_one_however_it_was_put_out_of_action(dot):
    for sentence in (
        f"It asks evil-site{dot}top for orders.",
        f"evil-site{dot}top",
        f"C2: evil-site{dot}top;",
    ):
        assert kinds(sentence) == {"evil-site.top": "domain"}, sentence


@pytest.mark.parametrize("at", ATS)
def test_so_is_the_sign_of_mail(at):
    assert kinds(f"Mail came from Jo.Doe{at}evil[.]top on Monday.") == {"Jo.Doe@evil.top": "email"}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_so_is_the_beginning_of_a_url(scheme):
    assert kinds(f"It fetches {scheme}evil[.]top/a?b=c, then sleeps.") == {
        "http://evil.top/a?b=c": "url"
    }


labels = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)
names = st.lists(labels, min_size=1, max_size=3).map(".".join)
hosts = st.builds("{}.{}".format, names, st.sampled_from(["com", "top", "xyz", "ru", "info"]))
octets = st.integers(0, 255).map(str)
quads = st.builds("{}.{}.{}.{}".format, st.integers(1, 223), octets, octets, octets)
paths = st.text(string.ascii_letters + string.digits + "/_-=?&%", max_size=20)
before = st.sampled_from(
    ["", "The implant asks ", "C2 server: ", "- ", "(", "“", "وتتصل العينة بالخادم "]
)
after = st.sampled_from(["", ".", ", and waits.", ")", "”", ";", " then", "؛ ثم", "\nNext line"])


@given(hosts | quads, st.data(), before, after)
def test_a_host_in_any_sentence_is_found_again_exactly(host, data, before, after):
    dots = st.sampled_from([each for each in DOTS if each != "<.>"])
    parts = host.split(".")
    written = parts[0] + "".join(data.draw(dots) + part for part in parts[1:])
    wanted = values.recognised(host)

    seen = [each.value for each in candidates(meant(f"{before}{written}{after}").text)]

    assert seen == [wanted]


@given(hosts, paths, st.sampled_from(SCHEMES), st.sampled_from(["", ":8080"]), before, after)
def test_a_url_in_any_sentence_is_found_again_exactly(host, path, scheme, port, before, after):
    url = f"http://{host}{port}/{path}".rstrip("?_-=&%")
    written = scheme + url.removeprefix("http://").replace(".", "[.]")

    seen = [each.value.text for each in candidates(meant(f"{before}{written}{after}").text)]

    assert seen == [url]


@given(st.sampled_from([32, 40, 64, 128]), st.data(), before, after)
def test_a_hash_in_any_sentence_is_found_again_exactly(length, data, before, after):
    digest = data.draw(st.text("0123456789abcdef", min_size=length, max_size=length))

    seen = [each.value.text for each in candidates(meant(f"{before}{digest.upper()}{after}").text)]

    assert seen == [digest]


@given(st.text())
def test_every_place_in_what_is_meant_leads_back_into_what_is_written(text):
    known = meant(text, broken=True)

    for at in range(len(known.text)):
        start, end = known.source(at, at + 1)
        assert 0 <= start < end <= len(text)
        if not known.ways(at, at + 1):
            assert text[start:end] == known.text[at]


@pytest.mark.parametrize(
    "text",
    [
        "The [.]com zone and the [.]net zone.", "Set it [at] once.", "Polka dot dresses.", "std::string::npos",
        "at 12:34:56 and 00:11:22", "a 1.2.3 release", "see 3.14.15.92.65", "[1] [2] (3)", "e.g. this, i.e. that",
        "foo.bar.baz", "main.c and lib.h", "x@y and @handle", "C:\\Users\\a\\b.txt", "http://", "://x", "...",
        "deadbeef", "0123456789abcdef0123456789abcdef0", "T99 and CVE-99-1", "256.1.1.1", "1.1.1.1.1",
    ],
)  # fmt: skip
def test_what_is_no_value_is_not_found(text):
    assert kinds(text) == {}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Beacons to 45.61.136[.]18:443.", {"45.61.136.18:443": "ip-port"}),
        ("the range 45.61.136[.]0/24", {"45.61.136.0/24": "ipv4"}),
        ("2a01[:]4f8::1 and [2a01:4f8::2]:80", {"2a01:4f8::1": "ipv6", "[2a01:4f8::2]:80": "ip-port"}),
        ("evil[.]top/gate.php", {"evil.top/gate.php": "url"}),
        ("(see hxxps://evil[.]top/a_(b)).", {"https://evil.top/a_(b)": "url"}),
        ("hxxp://a[.]top/1,hxxp://b[.]top/2", {"http://a.top/1": "url", "http://b.top/2": "url"}),
        ("CVE-2024\u20131234 was used (T1059/001)", {"CVE-2024-1234": "cve", "T1059.001": "technique"}),
        ("evil[.]top.Then it slept", {"evil.top": "domain"}),
        ("b\u00fccher-evil[.]top", {"xn--bcher-evil-9db.top": "domain"}),
        (f"{MD5}.info is asked", {f"{MD5}.info": "domain"}),
        (f"{MD5}.exe is run", {MD5: "md5"}),
        ("http%3A%2F%2Fevil%2Etop%2Fa", {"http://evil.top/a": "url"}),
        ("687474703a2f2f6576696c2e746f702f61", {"http://evil.top/a": "url"}),
        ("aHR0cHM6Ly9ldmlsLnRvcC9h", {"https://evil.top/a": "url"}),
        ("aHR0cDovL/////////", {}),
        ("evil\u200b[.]\u200btop", {"evil.top": "domain"}),
        ("HKLM\\Software\\Evil Corp\\Run was set", {"HKEY_LOCAL_MACHINE\\Software\\Evil Corp\\Run": "registry-key"}),
        ("evil[.]com和bad[.]top下载", {"evil.com": "domain", "bad.top": "domain"}),
        ("*evil[.]top* _bad[.]top_", {"evil.top": "domain", "bad.top": "domain"}),
        ("imphash: " + MD5, {MD5: "imphash"}),
        ("JA3 " + MD5, {MD5: "other-hash"}),
        ("MD5 " + MD5, {MD5: "md5"}),
        ("The certificate " + SHA256, {SHA256: "certificate-sha256"}),
        ("authentihash " + SHA256, {SHA256: "other-hash"}),
    ],
)  # fmt: skip
def test_values_are_told_apart(text, wanted):
    assert kinds(text) == wanted


# --- advice ------------------------------------------------------------------------------------------
PROSE = "The group was active in March."


@pytest.mark.parametrize(
    ("text", "value", "advice", "reason"),
    [
        ("It asks evil[.]top.", "evil.top", Advice.TAKE, Reason.DEFANGED),
        ("It asks evil.top for more.", "evil.top", Advice.LOOK, Reason.PROSE),
        ("It asks evil dot top for more.", "evil.top", Advice.LOOK, Reason.SPOKEN),
        (f"{PROSE}\n\nevil.top\n\n{PROSE}", "evil.top", Advice.TAKE, Reason.ALONE),
        (f"{PROSE}\n\nIndicators of Compromise\n\nIt asks evil.top daily.", "evil.top", Advice.TAKE, Reason.LISTED),
        (f"Indicateurs de compromission\n{PROSE} Domaine evil.top vu.", "evil.top", Advice.TAKE, Reason.LISTED),
        (f"# مؤشرات الاختراق\n{PROSE} evil.top هنا", "evil.top", Advice.TAKE, Reason.LISTED),
        (f"# IOCs\nevil.top\n# Conclusion\n{PROSE} Use good.top now.", "good.top", Advice.LOOK, Reason.PROSE),
        ("References\n\nhttps://good.top/post", "https://good.top/post", Advice.LEAVE, Reason.REFERENCE),
        ("Source: https://good.top/post", "https://good.top/post", Advice.LEAVE, Reason.REFERENCE),
        ("a[.]top b[.]top c[.]top, as https://good.top/x says", "https://good.top/x", Advice.LEAVE, Reason.REFERENCE),
        ("It opened setup.zip first.", "setup.zip", Advice.LEAVE, Reason.FILE),
        ("It asks setup[.]zip first.", "setup.zip", Advice.TAKE, Reason.DEFANGED),
        ("It calls System.Net to listen.", "system.net", Advice.LEAVE, Reason.CODE),
        ("Chrome/99.1.2.3 was said.", "99.1.2.3", Advice.LEAVE, Reason.VERSION),
        ("Update to version 99.1.2.3 now.", "99.1.2.3", Advice.LEAVE, Reason.VERSION),
        ("Devices on 99.1.2.3 and earlier fall.", "99.1.2.3", Advice.LEAVE, Reason.VERSION),
        ("It asks 99.1.2[.]3 daily.", "99.1.2.3", Advice.TAKE, Reason.DEFANGED),
        ("From 192.168[.]1[.]5 it went on.", "192.168.1.5", Advice.LEAVE, Reason.RESERVED),
        ("Then 127.0.0.1 answers.", "127.0.0.1", Advice.LEAVE, Reason.RESERVED),
        ("It asks hxxp://10.0.0[.]1/x daily.", "http://10.0.0.1/x", Advice.LEAVE, Reason.RESERVED),
        ("It asks google.com whether it is on.", "google.com", Advice.LEAVE, Reason.REFERENCE),
        ("It asks pastebin[.]com daily.", "pastebin.com", Advice.LOOK, Reason.SHARED),
        ("It asks hxxps://pastebin[.]com/raw/1 daily.", "https://pastebin.com/raw/1", Advice.TAKE, Reason.SHARED),
        ("It asks www.example.com daily.", "www.example.com", Advice.LEAVE, Reason.NAME),
        ("It asks evil[.]example daily.", "evil.example", Advice.LOOK, Reason.NAME),
        ("Contact: intel@vendor.top", "intel@vendor.top", Advice.LEAVE, Reason.CONTACT),
        ("Mail intel@vendor.top, see https://blog.vendor.top/x", "intel@vendor.top", Advice.LEAVE, Reason.OWN),
        (f"The file {MD5} drops it.", MD5, Advice.TAKE, Reason.LENGTH),
        (f"The file (md5 {MD5}) drops it.", MD5, Advice.TAKE, Reason.NAMED),
        (f"SHA-256\n{SHA256}", SHA256, Advice.TAKE, Reason.NAMED),
        (f"{SHA256} (SHA256)", SHA256, Advice.TAKE, Reason.NAMED),
        ("d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e", Advice.LEAVE, Reason.NOTHING),
        (f"the commit {MD5}01234567", f"{MD5}01234567", Advice.LEAVE, Reason.OTHER_HASH),
        ("Seen from AS64496 at first.", "64496", Advice.LOOK, Reason.COMMON),
        ("It uses T1059.001 often.", "T1059.001", Advice.TAKE, Reason.TOLD),
    ],
)  # fmt: skip
def test_what_is_advised_and_why(text, value, advice, reason):
    assert advised(text)[value] == (advice, reason)


def test_a_value_is_told_once_by_its_best_place_and_how_often_it_stands_there():
    text = "It asks evil.top first.\n\nLater evil[.]top answered.\n\nAnd evil.top again."

    [only] = report(text).findings

    assert (only.advice, only.count, only.line) == (Advice.TAKE, 3, 3)
    assert (only.sentence, only.written) == ("Later evil[.]top answered.", "evil[.]top")


def test_the_sentence_is_the_one_in_which_it_stands_as_it_is_written():
    text = "First came mail. The lure at hxxp://evil[.]top/a.php\nwas opened! Then it was over."

    assert (
        found(text)["http://evil.top/a.php"].sentence
        == "The lure at hxxp://evil[.]top/a.php was opened!"
    )


def test_a_value_of_a_list_is_told_with_what_it_stands_under():
    text = f"Indicators\n\nSHA256\tName\n{SHA256}\tloader.dll"

    assert found(text)[SHA256].sentence == f"SHA256 Name: {SHA256} | loader.dll"


@pytest.mark.parametrize(
    ("text", "tlp", "pap"),
    [
        ("TLP:GREEN\nevil[.]top", "GREEN", ""),
        ("TLP: AMBER + STRICT, evil[.]top, PAP:RED", "AMBER+STRICT", "RED"),
        ("tlp:white evil[.]top", "CLEAR", ""),
        ("TLP:CLEAR is for all, TLP:RED for none; evil[.]top", "RED", ""),
        ("The TLP marks evil[.]top", "", ""),
    ],
)
def test_the_strictest_level_that_it_names_is_its_own(text, tlp, pap):
    assert (report(text).tlp, report(text).pap) == (tlp, pap)


def test_what_nobody_should_block_is_not_advised_to_be_taken():
    lists = Listed(name="resolvers", family="address", effect=Effect.SUPPRESS, entries=["8.8.8.8"])
    clouds = Listed(name="clouds", family="address", entries=["9.9.9.0/24"])
    supply = {"address": [lists, clouds]}
    text = "It asks 8.8.8[.]8 and 9.9.9[.]7.\n\nIOCs\n\n8.8.8.8 and CVE-2024-1234"
    plain = "IOCs\n\n8.8.8.8"

    def told(written):
        known = checked(report(written), Benign(lambda family: supply.get(family, ())).match)
        return {each.value: (each.advice, each.reason) for each in known.findings}

    assert told(text) == {
        "8.8.8.8": (Advice.LOOK, Reason.HARMLESS),
        "9.9.9.7": (Advice.TAKE, Reason.DEFANGED),
        "CVE-2024-1234": (Advice.TAKE, Reason.TOLD),
    }
    assert told(plain) == {"8.8.8.8": (Advice.LEAVE, Reason.HARMLESS)}


# --- documents ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "hidden",
    [
        "<div hidden>{}</div>", '<div style="color:red; display : NONE">{}</div>',
        '<span style="visibility:hidden">{}</span>', '<b style="font-size:0px!important">{}</b>',
        '<i style="opacity:0.00;">{}</i>', "<div hidden><div>x</div><br>{}</div>",
        "<ul><li hidden>{}<li>seen.top</ul>", "<p hidden>{}<p>see", "<div><p hidden>{}</div>",
        "<table><tr><td hidden>{}<td>x</table>", "<dl><dt hidden>{}<dd>x</dl>", "<!-- {} -->",
        "<svg><title>{}</title></svg>", "<div hidden><i></b>{}</i></div>", "<nav><div>{}</nav>",
    ],
)  # fmt: skip
def test_what_no_reader_of_a_page_sees_is_not_found_and_what_follows_it_is(hidden):
    text = f"<html><body style='display:none'><p>one[.]top</p>{hidden.format('evil[.]top')}<p>two[.]top</p>"

    found = {each.value for each in read(pages(text.encode())).findings}

    assert found - {"seen.top"} == {"one.top", "two.top"}


@pytest.mark.parametrize(
    "seen", ["opacity:0.5", "font-size:0.9em", "display:block", "x-display:none"]
)
def test_what_is_seen_is_found_whatever_it_looks_like(seen):
    text = f'<html><p style="{seen}">evil[.]top</p>'

    assert [each.value for each in read(pages(text.encode())).findings] == ["evil.top"]


HTML = """<!DOCTYPE html><html><head><title>Cold &amp; River</title>
<link rel="canonical" href="https://www.vendor.top/cold">
<meta property="article:published_time" content="2026-01-02T03:04:05Z">
<style>.evil1.top{}</style><script>var a = "evil2.top";</script></head><body>
<nav><a href="/">vendor3.top</a></nav><h1>Cold River</h1>
<p>The implant asks <b>evil</b>[<i>.</i>]top &mdash; not <a href="https://evil4.top/">this</a>. See blog.vendor.top.</p>
<h2>Indicators of compromise</h2><table><tr><th>SHA256</th><th>Name</th></tr>
<tr><td>%s</td><td>x.dll</td></tr></table><ul><li>bad-host.top</li></ul>
<h2>References</h2><p>https://good.top/a</p><footer>imprint.top</footer></body></html>""".replace(
    "%s", SHA256
)


def test_of_a_web_page_is_read_what_its_readers_see():
    seen = report(HTML)

    assert (seen.form, seen.title, seen.published) == (
        "html",
        "Cold & River",
        "2026-01-02T03:04:05Z",
    )
    assert {each.value: (each.advice, each.reason) for each in seen.findings} == {
        "evil.top": (Advice.TAKE, Reason.DEFANGED),
        "blog.vendor.top": (Advice.LEAVE, Reason.OWN),
        SHA256: (Advice.TAKE, Reason.NAMED),
        "bad-host.top": (Advice.TAKE, Reason.LISTED),
        "https://good.top/a": (Advice.LEAVE, Reason.REFERENCE),
    }


def test_of_a_pdf_is_told_on_which_page_and_line_a_value_stands():
    raw = pdf(
        "Cold River\n\nIt asks evil[.]top.", "Later\nit asked 45.61.136[.]18.", title="Cold River"
    )

    seen = report(raw)

    assert (seen.form, seen.title, seen.pages) == ("pdf", "Cold River", 2)
    assert seen.published.startswith("2026-01-02T03:04:05")
    assert [(each.value, each.page, each.line) for each in seen.findings] == [
        ("evil.top", 1, 2),
        ("45.61.136.18", 2, 2),
    ]


def test_a_value_broken_over_lines_of_a_pdf_is_put_together():
    long = "hxxps://files[.]evil-updates[.]top/a/very/long/path/that/was/broken/by/the/pr"
    raw = pdf(
        f"It fetches the next stage from\n{long}\nogram/index.php?id=1 and runs it. And that is all there is.\n"
        f"{SHA256[:40]}\n{SHA256[40:]}\nloader.dll\n"
        "hxxps://one[.]evil-updates[.]top/a/very/long/path/that/just/fits/into/this/line/ok\nbad[.]top/b is next"
    )

    assert {each.value for each in report(raw).findings} == {
        "https://files.evil-updates.top/a/very/long/path/that/was/broken/by/the/program/index.php?id=1",
        SHA256,
        "https://one.evil-updates.top/a/very/long/path/that/just/fits/into/this/line/ok",
        "bad.top/b",
    }


def test_two_hashes_in_two_lines_stay_two():
    assert {each.kind for each in report(pdf(f"{MD5}\n{MD5[::-1]}")).findings} == {"md5"}


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\x00\x01", "not-this-format"),
        (b" \n ", "report-empty"),
        (b"%PDF-1.4 nothing", "report-broken"),
        (b"%PDF-1.4\n" + b"\xff" * 5000, "report-broken"),
        (pdf(""), "report-empty"),
    ],
)
def test_what_is_no_report_is_refused_by_its_cause(raw, code):
    with pytest.raises(InputError) as refused:
        pages(raw)

    assert refused.value.code == code


@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_read_in_the_codings_that_programs_write(coding):
    assert set(found("Déjà vu: evil[.]top".encode(coding))) == {"evil.top"}


HOSTILE = {
    "letters": "a", "dots": "a.", "digits": "1.", "hex": "0123456789abcdef", "colons": "ab:", "mails": "a@",
    "slashes": "/", "brackets": "[", "open dots": "[.", "schemes": "http://", "hxxp": "hxxp", "spaces": " ",
    "tabs": "\t", "lines": "\n", "dotted spaces": " [.]", "blank lines": " \n", "urls": "http://a.top/", "hyphens": "-",
    "backslashes": "HKLM\\a",
    "keys": "HKLM\\a a",
    "hex lines": "abcdef12\n", "url lines": f"http://a.top/{'a' * 45}/\n",
    "full stops": ". ", "names": "A.B", "tags": "TLP:", "hex spaces": "abcdef12   ", "values": "a[.]top ",
    "ats": " [at] ",
}  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE)
def test_time_grows_no_faster_than_what_is_read(unit):
    def took(length):
        text = (unit * (length // len(unit) + 1))[:length]
        begin = time.process_time()
        report(f"evil[.]top {text}")
        return time.process_time() - begin

    short, long = min(took(20_000), took(20_000)), took(200_000)

    assert long < 40 * short + 0.5


UNENDED = {
    "tags": "<a ", "quotes": '<a href="', "quoted ends": '<a b="> c=" ', "comments": "<!--", "ends": "</a ",
    "instructions": "<?", "sections": "<![CDATA[", "declarations": "<!", "references": "&#", "raw": "<script></s ",
    "titles": "<title>a<b>",
}  # fmt: skip


@pytest.mark.parametrize("unit", UNENDED.values(), ids=UNENDED)
def test_marks_that_never_end_cost_no_more_than_others(unit):
    def took(length):
        text = (unit * (length // len(unit) + 1))[:length]
        begin = time.process_time()
        read(pages(f"<html><p>evil[.]top &amp <p>{text}".encode()))
        return time.process_time() - begin

    short, long = min(took(5_000), took(5_000)), took(50_000)

    assert long < 40 * short + 0.5


def test_what_stands_before_and_behind_marks_of_a_page_is_read_and_what_is_in_one_is_not():
    assert set(found("<p>a[.]top <!-- b[.]top --> c[.]top<p d[.]top")) == {"a.top", "c.top"}
    assert set(found("<p>a[.]top 1 < 2 and b[.]top")) == {"a.top", "b.top"}
    assert set(found("<p>a[.]top &am")) == {"a.top"}


def test_many_addresses_of_publishers_cost_no_more_than_others():
    text = "\n".join(
        f"Write to a@nubia{n}.net. See https://nubia{n}.net/ and https://u{n}.org/"
        for n in range(5000)
    )
    begin = time.process_time()
    reasons = {each.reason for each in report(text).findings if each.value == "https://nubia1.net/"}

    assert reasons == {"own"}
    assert time.process_time() - begin < 4


# --- review ------------------------------------------------------------------------------------------
TEXT = "TLP:AMBER\n\nIt asks evil[.]top and maybe odd.top, =cmd() too.\n\n192.168.1.1\n\n"
TEXT += f"imphash {MD5} by CVE-2024-1234"


def test_a_sheet_says_what_is_advised_and_leaves_open_what_is_to_be_looked_at():
    lines = sheet(report(TEXT)).decode("utf-8-sig").splitlines()

    assert lines[0] == "value,kind,take,tlp,sentence,because,place"
    assert [line.split(",")[:4] for line in lines[1:]] == [
        ["evil.top", "domain", "yes", "AMBER"],
        [MD5, "imphash", "yes", "AMBER"],
        ["CVE-2024-1234", "cve", "yes", "AMBER"],
        ["odd.top", "domain", "?", "AMBER"],
        ["192.168.1.1", "ipv4", "no", "AMBER"],
    ]


def test_nothing_in_a_sheet_is_worked_out_by_a_spreadsheet():
    written = sheet(report("=cmd|' /C calc'!A0 evil[.]top\n\n+1 bad[.]top")).decode("utf-8-sig")

    assert "\n=" not in written
    assert ',"=' not in written
    assert ",=" not in written
    assert ",+" not in written


def test_a_sheet_with_rows_that_nobody_decided_is_refused_by_their_lines():
    with pytest.raises(NoReport, match="line 5") as refused:
        reviewed(sheet(report(TEXT)))

    assert refused.value.code == "report-open"


def decided(raw, **said):
    return raw.decode("utf-8-sig").replace(",?,", f",{said.get('open_', 'no')},").encode()


@pytest.mark.parametrize("word", ["yes", "Y", "oui", "نعم", "x", "1"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_person_says_yes_in_their_words_in_any_spreadsheet(word, sign):
    raw = f"Kind{sign}Value{sign}TAKE\ndomain{sign}evil.top{sign}{word}\ndomain{sign}b.top{sign}no\n".encode()

    assert [(each.value, each.kind) for each in reviewed(raw)] == [("evil.top", "domain")]


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"", b"value,kind\nevil.top,domain\n", b"\n\n"])
def test_what_is_no_sheet_is_refused(raw):
    with pytest.raises(NoReport) as refused:
        reviewed(raw)

    assert refused.value.code == "report-sheet"


def test_what_is_taken_becomes_indicators_and_a_report_that_names_them():
    known = report(TEXT)
    taken = reviewed(decided(sheet(known), open_="yes"))

    *indicators, whole = entries(
        known, taken, digest="ab" * 32, name="Cold River", published="2026-01-02"
    )

    assert [each.body["pattern"] for each in indicators] == [
        "[domain-name:value = 'evil.top']",
        f"[file:extensions.'windows-pebinary-ext'.imphash = '{MD5}']",
        "[domain-name:value = 'odd.top']",
    ]
    assert indicators[0].body["description"] == "It asks evil[.]top and maybe odd.top, =cmd() too."
    assert indicators[0].body["external_references"] == [
        {"source_name": "Cold River", "description": "line 3"}
    ]
    assert whole.body["name"] == "Cold River"
    assert whole.body["published"] == "2026-01-02T00:00:00.000Z"
    assert {"source_name": "cve", "external_id": "CVE-2024-1234"} in whole.body[
        "external_references"
    ]
    assert whole.names == tuple(("indicator", each.key) for each in indicators)
    marks = {tuple(each.body["object_marking_refs"]) for each in (*indicators, whole)}
    assert marks == {("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",)}  # TLP:AMBER


def test_without_a_review_only_what_is_advised_is_taken():
    assert [each.value for each in suggested(report(TEXT))] == ["evil.top", MD5, "CVE-2024-1234"]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("", "report-nothing"),
        ("CVE-2024-1234,cve,yes", "report-nothing"),
        (f"{MD5},other-hash,yes", "report-kind"),
        ("127.0.0.1,ipv4,yes", "report-everybody"),
        ("evil,domain,yes", "value"),
        ("evil.top,thing,yes", "invalid-input"),
    ],
)
def test_what_can_be_no_indicator_is_not_taken(rows, code):
    taken = reviewed(f"value,kind,take\n{rows}\n".encode())

    with pytest.raises(InputError) as refused:
        [*entries(report(TEXT), taken, digest="ab")]

    assert refused.value.code == code


def test_a_report_without_a_title_needs_a_name():
    with pytest.raises(NoReport) as refused:
        [
            *entries(
                read(pages(b"[.]\nevil[.]top").__class__(form="text", texts=["evil[.]top"])),
                [],
                digest="ab",
            )
        ]

    assert refused.value.code == "report-name"


def test_a_sheet_can_be_imported_as_a_list_and_keeps_what_was_decided():
    done = list(BUILT_IN.read(sheet(report(TEXT)), "list"))

    refused = [each.code for each in done if isinstance(each, Refusal)]
    taken = [each.body for each in done if not isinstance(each, Refusal)]

    assert refused == ["list-kind", "list-context", "list-context"]
    assert [each["pattern"] for each in taken] == [
        "[domain-name:value = 'evil.top']",
        f"[file:extensions.'windows-pebinary-ext'.imphash = '{MD5}']",
    ]
    assert taken[0]["description"].startswith("It asks evil[.]top and maybe odd.top")
    assert taken[0]["object_marking_refs"] == [
        "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421"
    ]


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_whatever_stands_in_a_text_it_is_read_and_its_sheet_is_a_sheet(text):
    known = report(f"evil[.]top {text}")

    rows = decided(sheet(known))

    assert {each.value for each in reviewed(rows)} == {each.value for each in suggested(known)}
