"""The values of events: of the kinds that their fields say, and of none that a text only looks like."""

import pytest

from mithaq.detect import fields
from mithaq.detect.observables import READERS, host, named, of
from mithaq.model.telemetry import Event, LogSource

SYSMON = LogSource(product="windows", service="sysmon")
ZEEK = LogSource(product="zeek", service="dns")
MD5, IMPHASH = "a" * 32, "b" * 32


def values(source=SYSMON, /, **said):
    return {(kind, text) for kind, text in of(Event(fields=said, source=source, raw=b""))}


def test_hashes_are_of_the_kind_that_sysmon_names_and_an_import_hash_is_no_md5():
    found = values(Hashes=f"SHA1={'C' * 40},MD5={MD5},SHA256={'d' * 64},IMPHASH={IMPHASH}")

    assert found == {
        ("sha1", "c" * 40), ("md5", MD5), ("sha256", "d" * 64), ("imphash", IMPHASH),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("source", "said", "expected"),
    [
        (SYSMON, {"Image": r"C:\Temp\Evil.exe"}, {("filename", "Evil.exe"), ("directory", r"C:\Temp")}),
        (SYSMON, {"DestinationIp": "::ffff:198.51.100.7", "DestinationPort": 443},
         {("ipv4", "198.51.100.7"), ("ip-port", "198.51.100.7:443")}),
        (SYSMON, {"DestinationIp": "2001:DB8::7", "DestinationPort": "53"},
         {("ipv6", "2001:db8::7"), ("ip-port", "[2001:db8::7]:53")}),
        (SYSMON, {"QueryName": "WWW.Bücher.example.", "QueryResults": "type:  5 a.example;::ffff:192.0.2.1;"},
         {("domain", "www.xn--bcher-kva.example"), ("domain", "a.example"), ("ipv4", "192.0.2.1")}),
        (SYSMON, {"TargetObject": r"HKLM\Software\Run\evil"},
         {("registry-key", r"HKEY_LOCAL_MACHINE\Software\Run\evil"),
          ("registry-key", r"HKEY_LOCAL_MACHINE\Software\Run")}),
        (SYSMON, {"ObjectName": r"\REGISTRY\MACHINE\SAM"},
         {("registry-key", r"HKEY_LOCAL_MACHINE\SAM")}),
        (ZEEK, {"query": "a.example", "answers": ["192.0.2.1", "b.example", "TXT 3 abc"]},
         {("domain", "a.example"), ("ipv4", "192.0.2.1"), ("domain", "b.example")}),
        (LogSource("zeek", service="http"), {"host": "A.example", "uri": "/x?y=1"},
         {("domain", "a.example"), ("url", "http://a.example/x?y=1")}),
        (LogSource("zeek", service="smtp"), {"from": '"Eve" <eve@mail.example>', "path": ["192.0.2.5"]},
         {("email", "eve@mail.example"), ("domain", "mail.example"), ("ipv4", "192.0.2.5")}),
        (LogSource("zeek", service="x509"), {"fingerprint": "e" * 64, "san.dns": ["*.a.example"]},
         {("certificate-sha256", "e" * 64), ("domain", "a.example")}),
        (LogSource("suricata", service="tls"), {"tls.fingerprint": ":".join(["ab"] * 20), "tls.sni": "a.example"},
         {("certificate-sha1", "ab" * 20), ("domain", "a.example")}),
        (LogSource("suricata", service="http"), {"http.hostname": "192.0.2.9", "http.url": "/p",
          "http.http_user_agent": "evil/1"},
         {("ipv4", "192.0.2.9"), ("url", "http://192.0.2.9/p"), ("user-agent", "evil/1")}),
        (LogSource(), {"url.full": "https://u@[2001:db8::1]:8443/p", "file.hash.md5": MD5},
         {("url", "https://u@[2001:db8::1]:8443/p"), ("ipv6", "2001:db8::1"), ("md5", MD5)}),
        (LogSource(), {"file.hashes.algorithm": ["SHA-256", "MD5"], "file.hashes.value": ["f" * 64, MD5]},
         {("sha256", "f" * 64), ("md5", MD5)}),
        (LogSource(category="proxy"), {"c-uri": "http://a.example/", "cs-host": "a.example"},
         {("url", "http://a.example/"), ("domain", "a.example")}),
        (LogSource("netflow"), {"sourceIPv4Address": "192.0.2.1", "src_as": 64500},
         {("ipv4", "192.0.2.1"), ("asn", "64500")}),
    ],
)  # fmt: skip
def test_each_field_of_a_known_source_says_of_what_kind_its_value_is(source, said, expected):
    assert values(source, **said) == expected


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (SYSMON, {"Description": "198.51.100.7", "CommandLine": f"curl http://a.example/{MD5}"}),
        (LogSource(), {"DestinationIp": "198.51.100.7", "query": "a.example"}),
        (ZEEK, {"Hashes": f"MD5={MD5}"}),
        (LogSource("zeek", service="weird"), {"name": "dns_unmatched_reply"}),
    ],
)
def test_a_field_that_no_table_has_for_its_source_holds_no_value(source, said):
    assert values(source, **said) == set()


@pytest.mark.parametrize("said", ["-", "", "LOCAL", "fe80::1%3", None, True, 3.5, "x" * 5000, []])
def test_what_is_no_value_of_its_field_is_passed_over(said):
    assert values(IpAddress=said, QueryName=said, Hashes=said) == set()


def test_a_value_comes_with_the_fields_that_say_it():
    event = Event(
        fields={"DestinationIp": "192.0.2.1", "DestinationPort": 80}, source=SYSMON, raw=b""
    )

    assert [(each.fields, each.value.kind) for each in named(event)] == [
        (("DestinationIp",), "ipv4"), (("DestinationIp", "DestinationPort"), "ip-port"),
    ]  # fmt: skip


def test_the_tables_name_only_readers_that_there_are():
    known = [fields.DOTTED, *fields.TABLES.values()]
    assert {how for table in known for how in table.values()} <= READERS
    assert {how for how, _, _ in fields.PAIRS} <= READERS


@pytest.mark.parametrize(
    ("url", "named_host"),
    [("http://a.example:80/x@y", "a.example"), ("a.example/x://y", "a.example"),
     ("ftp://u:p@[::1]:1/", "::1"), ("http://a.example?x", "a.example")],
)  # fmt: skip
def test_the_host_of_a_url_is_what_stands_between_its_user_and_its_port(url, named_host):
    assert host(url) == named_host
