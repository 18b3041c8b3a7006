"""Values are told by their form, however they were made harmless, and end in a pattern that anyone can read."""

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from stix2patterns.validator import run_validator

from mithaq.errors import InputError
from mithaq.model.values import (
    EXACT,
    FREE,
    KINDS,
    LOOSE,
    PATHS,
    NoSuchValue,
    Value,
    is_everybodys,
    of_kind,
    pattern,
    recognised,
    refanged,
)

SAMPLES = {
    "ipv4": "198.51.100.7",
    "ipv6": "2001:db8::1",
    "ip-port": "198.51.100.7:443",
    "domain": "evil.example",
    "url": "http://evil.example/it's",
    "email": "o'user@evil.example",
    "mac": "00:00:5e:00:53:01",
    "asn": "64500",
    "filename": "it's.exe",
    "directory": "C:\\ProgramData",
    "mutex": "Global\\it's",
    "registry-key": "HKEY_LOCAL_MACHINE\\Software\\Evil",
    "user-agent": "Mozilla/5.0 (compatible; evil)",
    "ssdeep": "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:Rz",
    "tlsh": "T1" + "A1" * 35,
} | {
    kind: "ab" * (digits // 2)
    for kind, digits in {
        "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128,
        "sha3-256": 64, "sha3-512": 128, "imphash": 32, "certificate-sha1": 40,
        "certificate-sha256": 64,
    }.items()
}  # fmt: skip


def is_a_pattern(text):
    return run_validator(text, stix_version="2.1") == []


def test_every_kind_has_a_sample_here():
    assert {*SAMPLES, "ip"} == set(KINDS)
    assert set(PATHS) >= EXACT | LOOSE | FREE


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_value_of_each_kind_ends_in_a_pattern_that_others_read(kind):
    value = of_kind(kind, SAMPLES[kind])

    assert value == Value(kind, SAMPLES[kind])
    assert is_a_pattern(pattern([value]))
    assert is_a_pattern(pattern([value, Value("domain", "evil.example"), value]))


@pytest.mark.parametrize(
    ("written", "kind", "text"),
    [
        ("198.51.100.7", "ipv4", "198.51.100.7"),
        (" 198.51.100[.]7 ", "ipv4", "198.51.100.7"),
        ("198.51.100.0/24", "ipv4", "198.51.100.0/24"),
        ("198.51.100.9/24", "ipv4", "198.51.100.0/24"),
        ("198.51.100.7/32", "ipv4", "198.51.100.7"),
        ("2001:DB8:0:0::1", "ipv6", "2001:db8::1"),
        ("[2001:db8::1]", "ipv6", "2001:db8::1"),
        ("2001:db8::/32", "ipv6", "2001:db8::/32"),
        ("198.51.100.7:0443", "ip-port", "198.51.100.7:443"),
        ("198.51.100.7[:]443", "ip-port", "198.51.100.7:443"),
        ("[2001:db8::1]:443", "ip-port", "[2001:db8::1]:443"),
        ("::ffff:198.51.100.7", "ipv4", "198.51.100.7"),
        ("[::FFFF:c633:6407]", "ipv4", "198.51.100.7"),
        ("::ffff:198.51.100.0/120", "ipv4", "198.51.100.0/24"),
        ("::ffff:0:0/95", "ipv6", "::fffe:0:0/95"),
        ("[::ffff:198.51.100.7]:443", "ip-port", "198.51.100.7:443"),
        ("http://[::ffff:198.51.100.7]/x", "url", "http://198.51.100.7/x"),
        ("EVIL.Example.", "domain", "evil.example"),
        ("evil[.]example", "domain", "evil.example"),
        ("evil [dot] example", "domain", "evil.example"),
        ("evil{.}example", "domain", "evil.example"),
        ("_dmarc.evil.example", "domain", "_dmarc.evil.example"),
        ("198.51.100.7/255.255.255.0", "ipv4", "198.51.100.0/24"),
        ("पहला.example", "domain", "xn--n2bquv.example"),
        ("evil。Example", "domain", "evil.example"),
        ("exämple.example", "domain", "xn--exmple-cua.example"),
        ("hxxps://evil[.]example/x", "url", "https://evil.example/x"),
        ("hXXp[:]//evil[.]example/x", "url", "http://evil.example/x"),
        ("hxxp[://]evil.example", "url", "http://evil.example"),
        ("h**p://evil.example/a", "url", "http://evil.example/a"),
        ("HTTP://EVIL.example/Case", "url", "http://evil.example/Case"),
        ("http://user:pw@evil.example:8080/?q", "url", "http://user:pw@evil.example:8080/?q"),
        ("http://[2001:DB8::1]:8080/x", "url", "http://[2001:db8::1]:8080/x"),
        ("http://[2001:DB8::1]", "url", "http://[2001:db8::1]"),
        ("http://exämple.example/Ä", "url", "http://xn--exmple-cua.example/Ä"),
        ("http://198.51.100.7", "url", "http://198.51.100.7"),
        ("evil.example/gate.php", "url", "evil.example/gate.php"),
        ("198.51.100.7/x", "url", "198.51.100.7/x"),
        ("198.51.100.7:80/24", "url", "198.51.100.7:80/24"),
        ("user[@]evil(.)example", "email", "user@evil.example"),
        ("mailto:user@evil.example", "email", "user@evil.example"),
        ("User [at] Evil.example", "email", "User@evil.example"),
    ],
)
def test_a_value_is_told_by_its_form_however_it_was_made_harmless(written, kind, text):
    assert recognised(written) == Value(kind, text)
    assert recognised(text) == Value(kind, text)


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "word", "two words", "localhost", "report_v1.2.docx", "evil.nosuchtop", "-.example",
        "010.1.1.1", "1.73.0.659", "1.2.3", "198.51.100.0/33", "fe80::1%eth0", "2001:db8::1:g",
        "198.51.100.7:0", "198.51.100.7:65536", "evil.example:80",
        "http://evil.example:99999/", "http://evil.example:x/", "http://[198.51.100.7]/",
        "http://evil.nosuchtop/", "http://evil.example/two words", "evil.example/two words",
        "http://evil.example/\x07", "a\x07@evil.example", "us er@evil.example", "'a@evil.example", "user@localhost",
        "d41d8cd98f00b204e9800998ecf8427e", "fa\u00df.example", "xn--.\u0660", "a." * 127 + "example",
        "\u201cevil.example\u201d", "ev\u200bil.example", "\u2018evil\u2019.example",
        "a@evil.example/x", "@@evil.example/x", "a b@evil.example/x",
        f"{'ä' * 300}.example", f"http://evil.example/{'x' * 5000}",
    ],
)  # fmt: skip
def test_what_has_no_such_form_is_no_value(written):
    assert recognised(written) is None


@pytest.mark.parametrize(
    ("kind", "written", "text"),
    [
        ("md5", "D41D8CD98F00B204E9800998ECF8427E", "d41d8cd98f00b204e9800998ecf8427e"),
        ("certificate-sha1", ":".join(["AB"] * 20), "ab" * 20),
        ("mac", "00-00-5E-00-53-01", "00:00:5e:00:53:01"),
        ("asn", "AS0064500", "64500"),
        ("tlsh", "a1" * 35, "T1" + "A1" * 35),
        ("registry-key", "HKLM\\Software\\Evil", "HKEY_LOCAL_MACHINE\\Software\\Evil"),
        ("registry-key", "hkcu", "HKEY_CURRENT_USER"),
        ("ip-port", "198.51.100.7|443", "198.51.100.7:443"),
        ("mutex", "a[.]b", "a[.]b"),
        ("user-agent", "x (at) y", "x (at) y"),
        ("filename", "photo[.]jpg", "photo[.]jpg"),
    ],
)
def test_a_value_of_a_kind_is_brought_into_one_form(kind, written, text):
    assert of_kind(kind, f" {written} ") == Value(kind, text)


def test_an_address_is_of_its_own_version():
    assert of_kind("ip", "198.51.100.7").kind == of_kind("ipv4", "198.51.100.7").kind == "ipv4"
    assert of_kind("ip", "2001:db8::1").kind == of_kind("ipv6", "2001:db8::1").kind == "ipv6"


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        ("md5", ""), ("md5", "d41d8cd98f00b204e9800998ecf8427"), ("md5", "0x" + "a" * 30),
        ("md5", "g" * 32), ("md5", "\u0660" * 32), ("sha256", "ab" * 20), ("md5", "a_" * 16),
        ("ipv4", "2001:db8::1"), ("ipv6", "198.51.100.7"), ("ipv6", "::ffff:198.51.100.7"), ("ip", "evil.example"),
        ("ip-port", "2001:db8::1:443"), ("ip-port", "198.51.100.7"),
        ("domain", "198.51.100.7"), ("email", "evil.example"), ("url", "evil.example"),
        ("mac", "00:00:5e:00:53"), ("asn", "4294967296"), ("asn", "ASX"), ("asn", "9" * 5000),
        ("ssdeep", "hello"), ("tlsh", "T1AA"), ("filename", "C:\\evil.exe"), ("filename", "/bin/x"),
        ("mutex", "a\nb"), ("user-agent", "x" * 5000),
    ],
)  # fmt: skip
def test_what_is_none_of_its_kind_is_refused(kind, written):
    with pytest.raises(NoSuchValue):
        of_kind(kind, written)


def test_a_kind_nobody_knows_is_refused_with_those_there_are():
    with pytest.raises(InputError, match="certificate-sha1"):
        of_kind("hash", "ab")


def test_two_standards_write_a_name_differently_and_neither_is_guessed():
    with pytest.raises(NoSuchValue, match="ASCII"):
        of_kind("domain", "faß.example")


@pytest.mark.parametrize(
    ("kind", "text", "is_"),
    [
        ("ipv4", "0.1.2.3", True), ("ipv4", "127.0.0.1", True), ("ipv4", "0.0.0.0/0", True),
        ("ipv4", "128.0.0.0/1", True), ("ipv4", "10.0.0.0/8", False), ("ipv6", "::", True),
        ("ipv6", "::1", True), ("ipv6", "2000::/3", True), ("ipv6", "2001:db8::/32", False),
        ("ip-port", "127.0.0.1:80", True), ("ip-port", "198.51.100.7:80", False),
        ("domain", "evil.example", False),
    ],
)  # fmt: skip
def test_what_every_machine_has_singles_nobody_out(kind, text, is_):
    assert is_everybodys(of_kind(kind, text)) is is_


# --- whatever the text -----------------------------------------------------------------------------------
PIECES = (
    "http://", "hxxp", "evil", "[.]", ".", "example", "@", ":", "443", "/", "24", "198.51.100.7", "2001:db8::1",
    "[", "]", "xn--", "é", "'", "\\", "AS", "%", "EXAMPLE", "|",
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
    st.text(max_size=60),
    st.text("[](){}.@:/|hxtpsHX*doat% #\\'\"19af-éß\u200d\u0130", max_size=60),
    st.sampled_from(sorted(SAMPLES.values())),
)


@given(TEXTS)
@example("http://[::1]/")
@example("1.2.3.4/5/6")
def test_a_value_read_back_from_its_own_text_is_itself(written):
    value = recognised(written)

    if value is not None:
        assert recognised(value.text) == of_kind(value.kind, value.text) == value


@given(st.sampled_from(KINDS), TEXTS)
@example("url", "http://a[.]example/[[.]]")
def test_whatever_is_taken_as_of_a_kind_ends_in_a_pattern_that_others_read(kind, written):
    try:
        value = of_kind(kind, written)
    except NoSuchValue:
        return

    assert value.kind == kind or (kind == "ip" and value.kind in {"ipv4", "ipv6"})
    assert is_a_pattern(pattern([value]))
    assert value.text.strip()


@given(st.text("abcXYZ0189.:/@-_ ?=&%", max_size=60))
def test_what_was_never_made_harmless_stays_as_it_is(written):
    clean = re.sub("^h..p", "http", written)

    assert refanged(clean) == clean


@given(st.sampled_from(["[.]", "(.)", "{.}", "[dot]", " [.] ", "[ . ]"]))
def test_every_way_to_write_a_dot_is_undone(dot):
    assert refanged(f"hxxps[:]//www{dot}evil{dot}example/a") == "https://www.evil.example/a"


@pytest.mark.parametrize(
    "piece",
    ["[", " ", "[ ", "( .", "a.", "a", "-", "1.", ":", "@", "/", "[:", "h", "xn--", "é.", "é", "%", "1:"],
)  # fmt: skip
def test_no_text_takes_long(piece):
    longest = (piece * 4096)[:4096]
    before = time.process_time()

    for text in (longest, f"({longest[1:]}", f"http://{longest[7:]}"):
        recognised(text)
        for kind in KINDS:
            try:
                of_kind(kind, text)
            except NoSuchValue:
                continue

    refanged(f"[{piece * 100_000}")
    assert time.process_time() - before < 2  # 20 ms


V2, V3 = "expyuzz4wqqyqhjn", "a2" * 28


@pytest.mark.parametrize("name", [f"{V3}.onion", f"www.{V2}.onion", f"{V3.upper()}[.]onion"])
def test_addresses_of_hidden_services_are_domains(name):
    """RFC 7686: each names one service, wherever it is looked for."""
    plain = name.lower().replace("[.]", ".")

    assert recognised(name) == Value("domain", plain)
    assert of_kind("url", f"http://{plain}/x").text == f"http://{plain}/x"


@pytest.mark.parametrize("name", ["host.local", "a.localhost", f"{V2}.onion.local"])
def test_names_that_are_others_on_every_machine_are_none(name):
    assert recognised(name) is None
