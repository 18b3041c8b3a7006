"""Objects are known by the values they speak of, and values by what they belong to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.observed import around, likeness, mark, marks_of, parts, read, values_of
from mithaq.model.values import Value, of_kind
from tests.unit.model.test_values import SAMPLES

SHA1, SHA256 = "ab" * 20, "ab" * 32


def some(*written):
    return {of_kind(*each) for each in written}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"type": "indicator", "pattern": "[ipv4-addr:value = '198.51.100.7']"}, [("ipv4", "198.51.100.7")]),
        ({"type": "indicator", "pattern": "[url:value = 'http://a.example/' AND a:b > 5]", "pattern_type": "stix"},
         [("url", "http://a.example/")]),
        ({"type": "indicator", "pattern": "[url:value = 'http://a.example/']", "pattern_type": "yara"}, []),
        ({"type": "indicator", "pattern": 5}, []),
        ({"type": "ipv4-addr", "value": "198.51.100.0/24"}, [("ipv4", "198.51.100.0/24")]),
        ({"type": "ipv6-addr", "value": "2001:DB8::1"}, [("ipv6", "2001:db8::1")]),
        ({"type": "domain-name", "value": "EVIL.example"}, [("domain", "evil.example")]),
        ({"type": "domain-name", "value": "no such name"}, []),
        ({"type": "domain-name", "value": ["evil.example"]}, []),
        ({"type": "email-addr", "value": "a@evil.example", "display_name": "A"}, [("email", "a@evil.example")]),
        ({"type": "mac-addr", "value": "00:00:5e:00:53:01"}, [("mac", "00:00:5e:00:53:01")]),
        ({"type": "autonomous-system", "number": 64500}, [("asn", "64500")]),
        ({"type": "mutex", "name": "m"}, [("mutex", "m")]),
        ({"type": "directory", "path": "/tmp/x"}, [("directory", "/tmp/x")]),
        ({"type": "windows-registry-key", "key": "HKLM\\X"}, [("registry-key", "HKEY_LOCAL_MACHINE\\X")]),
        ({"type": "artifact", "url": "http://a.example/", "hashes": {"SHA-256": SHA256}},
         [("url", "http://a.example/"), ("sha256", SHA256)]),
        ({"type": "file", "name": "x.exe", "hashes": {"SHA-1": SHA1, "SHA256": SHA256, "x_own": "y", "MD5": "short"}},
         [("filename", "x.exe"), ("sha1", SHA1), ("sha256", SHA256)]),
        ({"type": "file", "hashes": ["no", "hashes"]}, []),
        ({"type": "x509-certificate", "hashes": {"SHA-1": SHA1}}, [("certificate-sha1", SHA1)]),
        ({"type": "observed-data", "objects": {"0": {"type": "url", "value": "http://a.example/"}, "1": 5}},
         [("url", "http://a.example/")]),
        ({"type": "observed-data", "objects": [1]}, []),
        ({"type": "malware", "name": "evil.example", "value": "evil.example"}, []),
    ],
)  # fmt: skip
def test_an_object_speaks_of_these_values(body, said):
    assert values_of(body) == some(*said)
    assert marks_of(body) >= {mark(each) for each in some(*said)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("evil[.]example", ("domain", "evil.example")),
        (" hxxp://evil[.]example/x ", ("url", "http://evil.example/x")),
        ("198.51.100[.]7", ("ipv4", "198.51.100.7")),
        ("AB" * 16, ("md5", "ab" * 16)),
        (SHA1, ("sha1", SHA1)),
        (SHA256.upper(), ("sha256", SHA256)),
    ],
)
def test_a_value_is_read_as_a_person_writes_it(written, meant):
    assert read(written) == of_kind(*meant)


@pytest.mark.parametrize("written", ["", "word", "zz" * 16, "two words", "x" * 5000])
def test_what_is_no_value_is_none(written):
    assert read(written) is None


def test_hashes_of_one_length_are_alike_whatever_their_kind():
    alike = {likeness(of_kind(kind, "ab" * 20)) for kind in ("sha1", "certificate-sha1")}
    alike |= {likeness(of_kind(kind, "ab" * 16)) for kind in ("md5", "imphash")}

    assert alike == {Value("hash", "ab" * 20), Value("hash", "ab" * 16)}
    assert likeness(Value("domain", "evil.example")) == Value("domain", "evil.example")


@pytest.mark.parametrize(
    ("value", "made_of"),
    [
        (("url", "http://user@evil.example:80/x?y"), [("domain", "evil.example")]),
        (("url", "evil.example/x"), [("domain", "evil.example")]),
        (("url", "http://[2001:db8::1]:80/"), [("ipv6", "2001:db8::1")]),
        (("url", "http://[2001:db8::1]/"), [("ipv6", "2001:db8::1")]),
        (("url", "http://198.51.100.7"), [("ipv4", "198.51.100.7")]),
        (("email", "a@evil.example"), [("domain", "evil.example")]),
        (("ip-port", "[2001:db8::1]:443"), [("ipv6", "2001:db8::1")]),
        (("ip-port", "198.51.100.7:443"), [("ipv4", "198.51.100.7")]),
        (("domain", "evil.example"), []),
        (("mutex", "evil.example"), []),
    ],
)
def test_a_value_of_several_parts_is_made_of_these(value, made_of):
    assert parts(of_kind(*value)) == some(*made_of)


def test_a_value_belongs_to_networks_and_to_domains_above():
    assert around(of_kind("domain", "a.b.evil.example")) == some(
        ("domain", "b.evil.example"), ("domain", "evil.example")
    )
    networks = around(of_kind("ipv4", "198.51.100.7"))
    assert {of_kind("ipv4", "198.51.100.0/24"), of_kind("ipv4", "198.0.0.0/8")} <= networks
    assert len(networks) == 24
    assert of_kind("ipv4", "198.51.100.0/24") not in around(of_kind("ipv4", "198.51.100.0/24"))
    assert around(of_kind("ipv4", "198.0.0.0/8")) == set()
    assert of_kind("ipv6", "2001:db8::/32") in around(of_kind("ip-port", "[2001:db8::1]:443"))
    assert of_kind("domain", "evil.example") in around(of_kind("url", "http://x.evil.example/"))
    assert around(of_kind("mutex", "m")) == set()


@given(st.sampled_from(sorted(SAMPLES)))
def test_a_mark_is_a_number_that_every_database_takes(kind):
    assert 0 <= mark(of_kind(kind, SAMPLES[kind])) < 1 << 63
