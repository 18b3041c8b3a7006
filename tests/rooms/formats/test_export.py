"""What tools take: every value that is written reads back as itself, whatever names and values from abroad hold."""

import base64
import csv
import io
import json
import re
import string
from datetime import UTC, datetime
from ipaddress import ip_network

import dns.zone
import pytest
import stix2
from hypothesis import example, given
from hypothesis import strategies as st
from pymisp import MISPEvent
from sigma.collection import SigmaCollection
from sigma.types import SigmaString

from mithaq.clock import text
from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, Layout, Undated
from mithaq.formats.export import EXPORTS, LEFT, Press, definitions, entry, suricata
from mithaq.formats.export.press import NoSuchExport
from mithaq.model.benign import Benign
from mithaq.model.labels import Pap, Tlp
from mithaq.model.listed import Effect, Listed
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.values import FREE, PATHS, Value, is_everybodys, of_kind, pattern

AT = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
LONG_AGO = "2026-01-01T00:00:00.000Z"
BENIGN = Benign(
    lambda family: [
        Listed(
            name="dns", family=family, effect=Effect.SUPPRESS, entries=["8.8.8.8", "dns.example"]
        )
    ]
)
OF_VALUES = tuple(each.name for each in EXPORTS.values() if each.writer)
MD5, SHA1, SHA256 = "ab" * 16, "cd" * 20, "ef" * 32


def indicator(*values, number=1, joined=" OR ", **more):
    """Return an indicator of values, each (kind, text)."""
    found = [of_kind(*each) for each in values]
    body = {
        "type": "indicator", "spec_version": "2.1", "created": LONG_AGO, "modified": LONG_AGO,
        "id": f"indicator--00000000-0000-4000-8000-{number:012d}", "name": "beacon",
        "pattern_type": "stix", "pattern": pattern(found, joined), "valid_from": LONG_AGO,
    }  # fmt: skip
    return body | more


def printed(*bodies, names=OF_VALUES, at=AT, markings=()):
    table = definitions(json.dumps(each).encode() for each in markings)
    press = Press(names, at, table, BENIGN)
    for position, body in enumerate(bodies, start=1):
        press.take("s", position, json.dumps(body).encode())
    return press.done()


def body_of(name, *bodies, **more):
    return printed(*bodies, names=[name], **more)[name].body.decode()


def lines(name, *bodies, **more):
    return body_of(name, *bodies, **more).splitlines()


# --- readers of our own, strict about what each syntax is -----------------------------------------------
_OPTION = re.compile(r'([a-z0-9_.]+)(?::("(?:[^"\\;]|\\["\\;:])*"|[^";\\]*))?; ?')
_HEAD = re.compile(
    r"alert (?P<protocol>[a-z0-9-]+) any any (?:->|<>) (?P<to>any|\[[0-9a-f.:/]+\]) (?P<port>any|[0-9]+) "
    r"\((?P<options>.*)\)"
)


def rules(text_):
    """Read rules of Suricata: each one line, its options closed, nothing between them."""
    found = []
    assert text_ == "" or text_.endswith("\n")
    for line in text_.split("\n")[:-1]:
        head = _HEAD.fullmatch(line)
        assert head, line
        at, options = 0, []
        while at < len(head["options"]):
            option = _OPTION.match(head["options"], at)
            assert option, head["options"][at:]
            options.append((option[1], (option[2] or "").strip()))
            at = option.end()
        found.append((head, options))
    sids = [value for _, options in found for name, value in options if name == "sid"]
    assert len(sids) == len(set(sids)) == len(found)
    return found


def content(quoted):
    """Return the bytes that a content stands for (Suricata's rule format, payload keywords)."""
    assert quoted[0] == quoted[-1] == '"'
    parts = quoted[1:-1].split("|")
    return b"".join(
        bytes.fromhex(part) if at % 2 else part.encode("ascii") for at, part in enumerate(parts)
    )


def zeek(text_):
    """Read a file as Zeek's ASCII reader does: fields by tabs, bytes by their number, ``-`` for nothing."""
    head, *rows = text_.split("\n")[:-1]
    names = head.removeprefix("#fields\t").split("\t")
    for row in rows:
        assert not row.startswith("#"), row
        fields = row.split("\t")
        assert len(fields) == len(names), row
        read = [
            re.sub(
                rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), f.encode()
            ).decode()
            for f in fields
        ]
        yield {n: "" if f == "-" else r for n, f, r in zip(names, fields, read, strict=True)}


def zone(text_):
    """Read a zone with another library; return its owners but for the zone's own."""
    read = dns.zone.from_text(text_, origin="rpz.example.", relativize=True)
    owners = [str(name) for name in read.nodes if str(name) != "@"]
    for name in owners:
        [kept] = read.nodes[
            read.origin.relativize(read.origin) if name == "@" else dns.name.from_text(name, None)
        ].rdatasets
        assert [str(each) for each in kept] == ["."], name
    return owners


# --- what is written -----------------------------------------------------------------------------------
@pytest.mark.parametrize("local", ["*", "a*", "%", "^a$", "!a", "#a", "/.*/", "|a", "a?", "-a"])
def test_a_mail_address_that_a_tool_may_read_as_many_stands_in_no_list(local):
    one = indicator(("email", f"{local}@evil.example"))

    assert body_of("emails.txt", one) == ""
    assert printed(one, names=["emails.txt"])["emails.txt"].left == {"value": [one["id"]]}


def test_a_rule_has_a_revision_that_there_is_room_for_whenever_its_indicator_says_it_was_changed():
    late = indicator(("domain", "evil.example"), modified="9999-12-31T23:59:59.999Z")

    revisions = [dict(options)["rev"] for _, options in rules(body_of("suricata.rules", late))]

    assert set(revisions) == {str(2**32 - 1)}


def test_lists_hold_the_values_of_their_kinds_each_once_and_in_order():
    one = indicator(("domain", "evil.example"), ("ipv4", "198.51.100.7"), ("md5", MD5))
    two = indicator(("domain", "evil.example"), ("ipv6", "2001:db8::1"), number=2)
    three = indicator(("url", "http://evil.example/a?b#c"), ("email", "a@evil.example"), number=3)

    made = {
        name: each.body.decode().splitlines() for name, each in printed(one, two, three).items()
    }

    assert made["domains.txt"] == ["evil.example"]
    assert made["addresses.txt"] == ["198.51.100.7", "2001:db8::1"]
    assert made["urls.txt"] == ["http://evil.example/a?b#c"]
    assert made["emails.txt"] == ["a@evil.example"]
    assert (made["md5.txt"], made["sha1.txt"], made["sha256.txt"]) == ([MD5], [], [])
    assert made["suricata-md5.lst"] == [MD5]
    assert [base64.b64decode(each) for each in made["suricata-domains.lst"]] == [b"evil.example"]


def test_what_needs_another_value_beside_it_is_written_nowhere_but_a_digest_stands_alone():
    both = indicator(("domain", "evil.example"), ("ipv4", "198.51.100.7"), joined=" AND ")
    file = indicator(("sha256", SHA256), ("filename", "a.exe"), joined=" AND ", number=2)

    made = printed(both, file)

    for name, each in made.items():
        assert both["id"] in each.left["value"], name
        assert "198.51.100.7" not in each.body.decode()
        assert "a.exe" not in each.body.decode()
    assert made["sha256.txt"].body.decode() == f"{SHA256}\n"
    assert made["sha256.txt"].told == {"s": [2]}


@pytest.mark.parametrize(
    "more",
    [
        {"revoked": True},
        {"valid_from": "2026-03-01T12:00:00.001Z"},
        {"valid_until": text(AT)},
        {"type": "tool"},
    ],
)
def test_what_is_revoked_not_begun_over_or_no_indicator_is_in_no_export_and_missed_by_none(more):
    made = printed(indicator(("domain", "evil.example"), **more))

    assert not any("evil" in each.body.decode() for each in made.values())
    assert not any(each.told or each.left for each in made.values())


def test_what_begins_now_or_ends_later_counts_and_the_press_says_when_that_turns():
    press = Press(["domains.txt"], AT, {}, BENIGN)
    for number, (since, until) in enumerate(
        [(text(AT), None), (LONG_AGO, "2026-03-05T00:00:00Z"), ("2026-03-03T00:00:00Z", None)]
    ):
        body = indicator(("domain", f"n{number}.example"), valid_from=since)
        press.take(
            "s", number, json.dumps(body | ({"valid_until": until} if until else {})).encode()
        )

    assert press.done()["domains.txt"].body == b"n0.example\nn1.example\n"
    assert press.until == datetime(2026, 3, 3, tzinfo=UTC)


def test_what_an_export_says_nothing_of_is_named_with_the_reason():
    says_more = indicator(("domain", "evil.example"), number=1) | {"pattern": "[file:size > 5]"}
    another = indicator(("domain", "evil.example"), number=2) | {"pattern_type": "yara"}
    cut = indicator(("domain", "evil.example"), number=3)
    del cut["pattern"]
    strange = indicator(("mutex", "m"), number=4)
    red = indicator(("domain", "red.example"), number=5, object_marking_refs=[pap_id(Pap.RED)])

    made = printed(says_more, another, cut, strange, red, names=["domains.txt"])["domains.txt"]

    assert made.left == {
        "pattern": [each["id"] for each in (says_more, another, cut)],
        "value": [strange["id"]],
        "pap": [red["id"]],
    }
    assert set(made.left) == set(LEFT) - {"marking", "benign", "worth"}


@pytest.mark.parametrize("everybodys", ["0.0.0.0/0", "127.0.0.1", "::/0", "::1", "64.0.0.0/2"])
def test_an_address_that_singles_nobody_out_blocks_nothing(everybodys):
    body = indicator(("ip", everybodys))

    for name, each in printed(body, indicator(*_ALL, number=2)).items():
        assert everybodys not in each.body.decode(), name
        assert body["id"] in each.left.get("benign", each.left.get("value")), name


def test_what_is_known_to_be_harmless_is_told_but_never_acted_on():
    resolver = indicator(("ip", "8.8.8.8"), ("domain", "evil.example"))
    names = indicator(("domain", "dns.example"), ("ip", "10.1.2.3"), number=2)

    made = printed(resolver, names)

    for name, each in made.items():
        told = each.body.decode()
        assert ("8.8.8.8" in told) is (name == "indicators.csv"), name
        assert ("dns.example" in told) is (name == "indicators.csv"), name
        if name != "indicators.csv":
            assert names["id"] in each.left["benign"], name
    assert made["domains.txt"].body == b"evil.example\n"
    assert made["domains.txt"].left == {"benign": [names["id"]]}


_UNKNOWN = "marking-definition--11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("refs", "highest"),
    [
        ([], Pap.CLEAR),
        ([pap_id(Pap.GREEN)], Pap.GREEN),
        ([pap_id(Pap.AMBER)], Pap.AMBER),
        ([pap_id(Pap.RED)], Pap.RED),
        ([_UNKNOWN], Pap.RED),
    ],
)
@pytest.mark.parametrize("granular", [False, True])
def test_pap_bounds_what_blocks_to_green_and_what_watches_to_amber(refs, highest, granular):
    body = indicator(*_ALL)
    if granular and refs:
        body["granular_markings"] = [{"marking_ref": refs[0], "selectors": ["name"]}]
    else:
        body["object_marking_refs"] = refs

    made = printed(body)

    block = {"domains.txt", "addresses.txt", "urls.txt", "emails.txt", "rpz.zone"}
    block |= {"md5.txt", "sha1.txt", "sha256.txt"}
    for name, each in made.items():
        tells = name in {"indicators.csv", "sigma.yml"}
        most = Pap.GREEN if name in block else Pap.RED if tells else Pap.AMBER
        assert bool(each.told) is (highest <= most), name
        assert each.left == ({} if highest <= most else {"pap": [body["id"]]}), name


def test_a_definition_on_the_shelf_says_what_a_marking_means():
    statement = {
        "type": "marking-definition", "spec_version": "2.1", "id": _UNKNOWN, "created": LONG_AGO,
        "definition_type": "statement", "definition": {"statement": "Copyright 2026"},
    }  # fmt: skip
    body = indicator(("domain", "evil.example"), object_marking_refs=[_UNKNOWN])

    assert body_of("domains.txt", body) == ""
    assert body_of("domains.txt", body, markings=[statement]) == "evil.example\n"


def test_an_export_that_does_not_exist_is_refused():
    with pytest.raises(NoSuchExport, match=r"domains\.txt"):
        Press(["domains.txt", "sheets.xlsx"], AT, {}, BENIGN)


_CALCULATING = "=+-@\t\r|%\uff1d\uff0b\uff0d\uff20\ufe62\ufe63\ufe66\uff05\uff5c\ufe6a\ufe6b"
_ALL = [
    ("domain", "evil.example"), ("ipv4", "198.51.100.7"), ("url", "http://evil.example/"),
    ("email", "a@evil.example"), ("md5", MD5), ("sha1", SHA1), ("sha256", SHA256),
]  # fmt: skip


# --- nothing from abroad gets out of its place -----------------------------------------------------------
_NASTY = string.printable + "\x00\x1b\x85\u2028\u202e٣أé😀\\\"';|:#,=+-@`$(){}[]<>%&*"
nasty = st.text(st.sampled_from(_NASTY), max_size=40) | st.text(max_size=40)


def _made(kind, written):
    try:
        return of_kind(kind, written)
    except InputError:
        return None


def _network(address, length):
    return _made("ip", str(ip_network((address, length), strict=False)))


_paths = st.text(st.sampled_from(string.ascii_letters + string.punctuation + "éأ0"), max_size=30)
_labels = st.text(st.sampled_from("abz09-_"), min_size=1, max_size=12)
values = st.one_of(
    st.sampled_from([Value(*each) for each in _ALL]),
    st.builds(lambda a: _made("domain", f"{a}.example"), _labels),
    st.builds(lambda s, p: _made("url", f"{s}evil.example/{p}"), st.sampled_from(["http://", "https://", ""]), _paths),
    st.builds(lambda p: _made("url", f"http://evil.example{p}"), _paths),
    st.builds(lambda u: _made("email", f"{u}@evil.example"), nasty),
    st.builds(_network, st.integers(0, 2**32 - 1), st.integers(0, 32)),
    st.builds(_network, st.integers(2**32, 2**128 - 1), st.integers(0, 128)),
    st.builds(lambda p: _made("ip-port", f"198.51.100.7:{p}"), st.integers(1, 65535)),
    *(st.builds(lambda t, k=kind: _made(k, t), nasty) for kind in sorted(FREE)),
).filter(lambda value: value is not None)  # fmt: skip
bodies = st.lists(
    st.tuples(st.lists(values, min_size=1, max_size=3), nasty, st.lists(nasty, max_size=2)),
    max_size=5,
)


def _indicators(drawn):
    return [
        indicator(*found, number=number, name=name, labels=labels)
        for number, (found, name, labels) in enumerate(drawn, start=1)
    ]


def _harmless(value):
    return any(hit.effect is Effect.SUPPRESS for hit in BENIGN.match(value))


def _told(drawn, *kinds):
    every = {v for found, *_ in drawn for v in found if not is_everybodys(v) and not _harmless(v)}
    return {value.text for value in every if value.kind in kinds}


def _is_one(mail):
    local = mail.rpartition("@")[0]
    return not local.startswith(tuple(".+=~'&-")) and all(
        c.isalnum() or c in "_.+=~'&-" for c in local
    )


@given(bodies)
def test_a_list_has_a_line_for_each_value_and_no_other(drawn):
    made = printed(*_indicators(drawn))

    for name, kinds in {
        "domains.txt": ("domain",), "addresses.txt": ("ipv4", "ipv6"), "urls.txt": ("url",),
        "emails.txt": ("email",), "md5.txt": ("md5",), "suricata-sha1.lst": ("sha1",),
    }.items():  # fmt: skip
        text_ = made[name].body.decode()
        told = [each for each in _told(drawn, *kinds) if kinds != ("email",) or _is_one(each)]
        assert text_.splitlines() == text_.split("\n")[:-1] == sorted(told), name


@given(bodies)
@example([([Value("filename", "=cmd|' C calc'!A0")], "=1+1", ["@x", "\t=2"])])
@example([([Value("user-agent", "\uff1d1+1")], "a\r\n=1+1", [])])
def test_a_table_reads_back_as_the_values_it_was_made_of_and_no_cell_calculates(drawn):
    bodies_ = _indicators(drawn)

    made = printed(*bodies_, names=["indicators.csv"])["indicators.csv"]

    head, *rows = csv.reader(io.StringIO(made.body.decode(), newline=""), strict=True)
    assert all(len(row) == len(head) for row in rows)
    assert not [c for row in rows for c in row if c.lstrip()[:1] in tuple(_CALCULATING)]
    assert not [c for row in rows for c in row if "\n" in c or "\r" in c]
    calculating = {
        v for found, *_ in drawn for v in found if v.text[:1] in set(_CALCULATING + "'\"")
    }
    wanted = {
        (v.kind, v.text)
        for found, *_ in drawn
        for v in found
        if v not in calculating and not is_everybodys(v)
    }
    assert {(row[1], row[0]) for row in rows} >= wanted
    assert {(row[1], row[0]) for row in rows} <= {v for found, *_ in drawn for v in found}
    assert {row[-1] for row in rows} <= {body["id"] for body in bodies_}


def test_our_own_reader_takes_the_table_in_again():
    marks = [tlp_id(Tlp.AMBER), pap_id(Pap.GREEN)]
    body = indicator(*_ALL, labels=["c2", "apt"], confidence=80, object_marking_refs=marks)

    read = list(BUILT_IN.read(body_of("indicators.csv", body).encode(), "list", layout=Layout()))

    assert all(isinstance(each, Undated) for each in read), read
    assert [each.body["pattern"] for each in read] == [pattern([of_kind(*each)]) for each in _ALL]
    for each in read:
        assert each.body["name"] == "beacon"
        assert each.body["confidence"] == 80
        assert each.body["valid_from"] == LONG_AGO
        assert each.body["object_marking_refs"] == [tlp_id(Tlp.AMBER)]
        assert {"c2", "apt"} <= set(each.body["labels"])


@given(bodies)
@example(
    [([Value("filename", "#fields")], "\tIntel::ADDR", []), ([Value("filename", "-")], "-", [])]
)
@example([([Value("filename", "(empty)")], "a\\x09b", [])])
def test_zeek_reads_each_value_as_it_is_whatever_a_name_holds(drawn):
    bodies_ = _indicators(drawn)

    read = list(zeek(body_of("zeek.intel", *bodies_)))

    found = {(row["indicator_type"], row["indicator"]) for row in read}
    names = {"domain": "DOMAIN", "email": "EMAIL", "md5": "FILE_HASH", "sha1": "FILE_HASH", "sha256": "FILE_HASH",
             "filename": "FILE_NAME", "user-agent": "SOFTWARE"}  # fmt: skip
    wanted = {
        (f"Intel::{names[v.kind]}", v.text) for each, *_ in drawn for v in each if v.kind in names
    }
    wanted |= {
        ("Intel::SUBNET" if "/" in text_ else "Intel::ADDR", text_)
        for text_ in _told(drawn, "ipv4", "ipv6")
    }
    wanted |= {("Intel::URL", re.sub("^[a-z]+://", "", text_)) for text_ in _told(drawn, "url")}
    assert found == wanted
    about = {f"{b['id']} {b['name']}".strip() for b in bodies_}
    assert {row["meta.desc"] for row in read} <= about


@given(bodies)
def test_a_zone_names_each_domain_and_address_and_nothing_else(drawn):
    text_ = body_of("rpz.zone", *_indicators(drawn))

    owners = set(zone(text_))

    domains = {owner for owner in owners if not owner.endswith(".rpz-ip")}
    assert domains == _told(drawn, "domain")
    networks = set()
    for owner in owners - domains:
        length, *parts = owner.removesuffix(".rpz-ip").split(".")
        parts = [*reversed(parts)]
        address = ".".join(parts) if len(parts) == 4 and "zz" not in parts else ":".join(parts)
        if "zz" in parts:
            front, _, back = address.partition("zz")
            address = f"{front.removesuffix(':')}::{back.removeprefix(':')}"
        networks.add(str(ip_network(f"{address}/{length}")))
    assert networks == {str(ip_network(each)) for each in _told(drawn, "ipv4", "ipv6")}


@pytest.mark.parametrize(
    ("address", "owner"),
    [
        ("198.51.100.7", "32.7.100.51.198.rpz-ip"),
        ("198.51.100.0/24", "24.0.100.51.198.rpz-ip"),
        ("2001:db8::1", "128.1.zz.db8.2001.rpz-ip"),
        ("2001:db8::/32", "32.zz.db8.2001.rpz-ip"),
        ("1::1:2", "128.2.1.zz.1.rpz-ip"),
        ("2001:db8:1:2:3:4:5:6", "128.6.5.4.3.2.1.db8.2001.rpz-ip"),
    ],
)
def test_an_address_in_a_zone_is_written_backwards_after_its_length(address, owner):
    assert lines("rpz.zone", indicator(("ip", address)))[-1] == f"{owner} CNAME ."


def test_a_name_too_long_for_a_zone_is_left_out_and_named():
    body = indicator(("domain", ".".join(["a" * 60] * 4)[:230] + ".example"))

    assert printed(body, names=["rpz.zone"])["rpz.zone"].left == {"value": [body["id"]]}


def test_a_zone_has_a_serial_that_grows_with_time():
    soa = body_of("rpz.zone").splitlines()[1].split()

    assert soa[2:6] == ["SOA", "localhost.", "mithaq.localhost.", str(int(AT.timestamp()))]


@given(bodies)
@example([([Value("domain", "evil.example")], '"; sid:1;) drop ip any any -> any any (msg:"', [])])
@example([([Value("url", 'http://evil.example/";|41|\\')], "x\nalert", [])])
@example([([Value("url", "http://evil.xn--example-hya")], "", [])])
def test_every_rule_alerts_and_says_its_value_whatever_name_and_value_hold(drawn):
    bodies_ = _indicators(drawn)

    read = rules(body_of("suricata.rules", *bodies_))

    compared = {}
    for head, options in read:
        contents = tuple(content(value) for name, value in options if name == "content")
        assert [int(v) for n, v in options if n == "bsize"] == [*map(len, contents)]
        about = dict(options)["metadata"].split(", ")
        assert about[0].removeprefix("mithaq_id ") in {body["id"] for body in bodies_}
        compared.setdefault(head["protocol"], set()).add((head["to"], head["port"], contents))
    wanted = {("any", "any", (each.encode(),)) for each in _told(drawn, "domain")}
    assert compared.get("dns", set()) == wanted
    assert compared.get("tls", set()) == wanted
    assert {each[0] for each in compared.get("ip", set())} == {
        f"[{each}]" for each in _told(drawn, "ipv4", "ipv6")
    }
    urls = {each[2] for each in compared.get("http", set()) if len(each[2]) == 2}
    for host, path in urls:
        name, shown = host.decode(), path.decode()
        bare = {f"{s}{name}{p}" for s in ("", "http://") for p in {shown, shown.removesuffix("/")}}
        assert bare & _told(drawn, "url")


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/a", "http://evil.example/a#b", "http://u@evil.example/", "ftp://evil.example/",
     "http://evil.example/é", "http://[2001:db8::1]/a", "http://evil.example/" + "a" * 300, "http://evil.example?a"],
)  # fmt: skip
def test_a_url_that_no_rule_can_say_in_full_is_left_out_and_named(url):
    body = indicator(("url", url))

    made = printed(body, names=["suricata.rules"])["suricata.rules"]

    assert (made.body, made.left) == (b"", {"value": [body["id"]]})


def test_a_rule_names_its_indicator_and_keeps_its_sid_when_others_come_and_go():
    marks = [tlp_id(Tlp.AMBER), pap_id(Pap.AMBER)]
    body = indicator(("ip-port", "198.51.100.7:443"), object_marking_refs=marks)
    others = [indicator(("domain", f"n{n}.example"), number=n) for n in range(2, 9)]

    alone, among = lines("suricata.rules", body), lines("suricata.rules", body, *others)

    assert set(alone) <= set(among)
    facts = f"mithaq_id {body['id']}, mithaq_pap AMBER, mithaq_tlp AMBER"
    rev = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    forms = [
        rf'alert {p} any any -> \[198\.51\.100\.7\] 443 \(msg:"mithaq ip-port beacon"; metadata:{facts}; '
        rf"rev:{rev}; sid:1[5-9]\d{{8}};\)"
        for p in ("tcp", "udp")
    ]
    for form in forms:
        assert [line for line in alone if re.fullmatch(form, line)]


def test_the_rules_of_lists_look_into_the_lists_that_hold_something():
    assert body_of("suricata-lists.rules") == ""
    read = rules(
        body_of("suricata-lists.rules", indicator(("domain", "evil.example"), ("sha256", SHA256)))
    )
    named = {name for head, options in read for name in _files(options)}

    assert named == {"suricata-domains.lst", "suricata-sha256.lst"}
    assert named <= set(EXPORTS)


def _files(options):
    return [
        value.partition("load ")[2].partition(",")[0] or value
        for name, value in options
        if name == "dataset" or name.startswith("file")
    ]


@pytest.mark.parametrize(
    ("names", "bounds"),
    [(3, "memcap 64mb,hashsize 65536"), (200_000, "memcap 256mb,hashsize 262144"),
     (1_100_000, "memcap 2048mb,hashsize 262144")],
)  # fmt: skip
def test_a_data_set_has_room_for_as_many_names_as_stand_in_it(names, bounds):
    rules_ = suricata.ListRules()
    [few] = [entry(indicator(("domain", "evil.example")), AT, {})]
    for _ in range(names):
        rules_.take(few)

    read = [dict(options)["dataset"] for _, options in rules(rules_.done(AT).decode())]

    assert read == [f"isset,mithaq-domains,type string,load suricata-domains.lst,{bounds}"] * 3


def test_a_name_of_any_length_makes_no_line_of_zeek_long():
    body = indicator(("domain", "evil.example"), name="é" * 5000)

    [row] = zeek(body_of("zeek.intel", body))

    assert row["meta.desc"] == f"{body['id']} {'é' * 120}"


@given(bodies)
@example(
    [
        ([Value("filename", "a*?.exe")], '"\n- x: "y" #\\', []),
        ([Value("user-agent", "\\*\\")], "", []),
    ]
)
def test_sigma_looks_for_each_value_as_it_is_and_for_nothing_else(drawn):
    bodies_ = _indicators(drawn)

    text_ = body_of("sigma.yml", *bodies_)

    found = set()
    for rule in SigmaCollection.from_yaml(text_).rules if text_ else ():
        [selection] = rule.detection.detections.values()
        said = {}
        for item in selection.detection_items:
            [value] = item.value
            parts = (
                value.s if isinstance(value, SigmaString) else (str(getattr(value, "cidr", value)),)
            )
            said[item.field] = "".join(p for p in parts if isinstance(p, str))
            specials = [p for p in parts if not isinstance(p, str)]
            assert len(specials) == {"TargetFilename": 1, "Hashes": 2}.get(item.field, 0)
        found.add(tuple(sorted(said.items())))
    wanted = {(("query", v),) for v in _told(drawn, "domain")}
    wanted |= {(("c-uri", v),) for v in _told(drawn, "url")}
    wanted |= {(("c-useragent", v),) for v in _told(drawn, "user-agent")}
    wanted |= {(("TargetFilename", "\\" + v),) for v in _told(drawn, "filename")}
    wanted |= {(("dst_ip", v),) for v in _told(drawn, "ipv4", "ipv6")}
    wanted |= {
        (("dst_ip", v.partition(":")[0]), ("dst_port", v.partition(":")[2]))
        for v in _told(drawn, "ip-port")
    }
    for kind in ("md5", "sha1", "sha256"):
        wanted |= {(("Hashes", f"{kind.upper()}={v.upper()}"),) for v in _told(drawn, kind)}
    assert found == wanted


def test_a_sigma_rule_says_where_it_comes_from_and_keeps_its_id():
    marks = [tlp_id(Tlp.AMBER_STRICT), pap_id(Pap.RED)]
    body = indicator(("md5", MD5), object_marking_refs=marks)
    [rule] = SigmaCollection.from_yaml(body_of("sigma.yml", body)).rules
    [later] = SigmaCollection.from_yaml(body_of("sigma.yml", body | {"name": "other"})).rules

    assert rule.id == later.id
    assert (rule.title, str(rule.date)) == ("mithaq md5 beacon", "2026-01-01")
    assert [str(tag) for tag in rule.tags] == ["tlp.amber-strict"]
    assert body["id"] in rule.description
    assert (rule.logsource.category, rule.logsource.product) == ("process_creation", "windows")


def test_a_table_has_a_word_for_each_kind_of_value():
    samples = dict(_ALL) | {"mutex": "m", "filename": "f.exe", "user-agent": "curl", "asn": "64496"}
    for kind in samples.keys() & PATHS.keys():
        assert printed(indicator((kind, samples[kind])))["indicators.csv"].told == {"s": [1]}


# --- all of a shelf ----------------------------------------------------------------------------------------
def test_a_bundle_holds_the_very_bytes_of_everything_and_stix2_reads_it():
    some = [indicator(("domain", "evil.example")), {"type": "ipv4-addr", "spec_version": "2.1",
            "id": "ipv4-addr--00000000-0000-4000-8000-000000000001", "value": "198.51.100.7"}]  # fmt: skip

    made = printed(*some, names=["bundle.json"])["bundle.json"]

    bundle = stix2.parse(made.body.decode())
    assert [each.id for each in bundle.objects] == [body["id"] for body in some]
    assert all(json.dumps(body).encode() in made.body for body in some)
    assert (made.told, made.left) == ({"s": [1, 2]}, {})
    assert "objects" not in json.loads(printed(names=["bundle.json"])["bundle.json"].body)


def test_a_feed_is_what_pymisp_makes_of_its_own_events_and_our_reader_takes_it_in_again():
    one = indicator(("domain", "evil.example"), object_marking_refs=[tlp_id(Tlp.GREEN)])
    two = indicator(
        ("ip-port", "198.51.100.7:443"), number=2, object_marking_refs=[tlp_id(Tlp.AMBER)]
    )
    file = indicator(
        ("md5", MD5), ("sha1", SHA1), number=3, object_marking_refs=[tlp_id(Tlp.GREEN)]
    )
    tool = one | {
        "type": "infrastructure",
        "id": "infrastructure--00000000-0000-4000-8000-000000000009",
    }

    made = printed(one, two, file, tool, names=["misp"])["misp"]

    manifest = json.loads(made.files["misp/manifest.json"])
    assert {f"misp/{uuid}.json" for uuid in manifest} == made.files.keys() - {
        "misp/manifest.json",
        "misp/hashes.csv",
    }
    hashes = set()
    for uuid, row in manifest.items():
        raw = made.files[f"misp/{uuid}.json"]
        judged = MISPEvent(strict_validation=True)
        judged.load(raw.decode())
        feed = judged.to_feed(with_meta=True)["Event"]
        theirs = feed["_manifest"][uuid]
        assert {tag["name"] for tag in theirs.pop("Tag")} == {tag["name"] for tag in row.pop("Tag")}
        assert theirs.pop("Orgc") == row.pop("Orgc")
        assert {k: str(v) for k, v in theirs.items()} == {k: str(v) for k, v in row.items()}
        inner = [h for o in judged.objects for a in o.attributes for h in a.hash_values("md5")]
        hashes |= {f"{each},{uuid}" for each in {*feed["_hashes"], *inner}}
        again = {each.id for each in BUILT_IN.read(raw) if each.type == "indicator"}
        assert again <= {one["id"], two["id"], file["id"]}
    assert set(made.files["misp/hashes.csv"].decode().split()) == hashes
    assert made.told == {"s": [1, 2, 3]}
    assert made.left == {"value": [tool["id"]]}


def test_a_feed_of_nothing_is_an_empty_one():
    files = printed(names=["misp"])["misp"].files

    assert files == {"misp/manifest.json": b"{}", "misp/hashes.csv": b""}
