"""The value's own identifier of an observable (STIX 2.1 section 2.9); the stix2 library is the oracle."""

import json
import uuid

import pytest
import stix2.v21 as stix
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.ids import new_id, sco_id
from mithaq.model.objects import read

texts = st.text(
    st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=9
)
IPV4 = "ipv4-addr--ff26c055-6336-5bc5-b98d-13d6226742dd"
EMAIL = "email-addr--2d77a846-6264-5d51-b586-e43822ea1ea3"
HASHES = {
    "MD5": "d41d8cd98f00b204e9800998ecf8427e",
    "SHA-1": "0" * 40,
    "SHA-256": "a" * 64,
    "SHA-512": "b" * 128,
}
SCOS = [
    stix.Artifact(payload_bin="aGVsbG8="),
    stix.Artifact(url="https://example.com/x", hashes={"SHA-256": "a" * 64}),
    stix.AutonomousSystem(number=64512),
    stix.Directory(path="C:\\Windows"),
    stix.DomainName(value="example.com"),
    stix.EmailAddress(value="a@example.com", display_name="A"),
    stix.EmailMessage(is_multipart=False, subject="Hé", body="text", from_ref=EMAIL),
    stix.File(name="foo.exe"),
    stix.File(hashes=HASHES, name="foo.exe"),
    stix.File(hashes={"SHA-256": "a" * 64, "SHA-1": "0" * 40}),
    stix.File(hashes={"SHA-512": "b" * 128, "SHA-256": "a" * 64}, size=5),
    stix.File(name="x", parent_directory_ref="directory--93c0a9b0-520d-545d-9094-1a08ddf46b05"),
    stix.File(name="x.pdf", extensions={"pdf-ext": {"version": "1.7", "is_optimized": False}}),
    stix.IPv4Address(value="198.51.100.3"),
    stix.IPv6Address(value="2001:db8::1"),
    stix.MACAddress(value="d2:fb:49:24:37:18"),
    stix.Mutex(name="__CLEANSWEEP__"),
    stix.NetworkTraffic(src_ref=IPV4, src_port=80, protocols=["tcp", "http"], start="2026-01-01T00:00:00Z"),
    stix.Software(name="Word", vendor="Microsoft", version="2002", languages=["en"]),
    stix.URL(value="https://example.com/é?q=1"),
    stix.UserAccount(user_id="1001", account_type="unix", account_login="jdoe", display_name="J"),
    stix.WindowsRegistryKey(key="HKEY_USERS\\x", values=[{"name": "Foo", "data": "x", "data_type": "REG_SZ"}]),
    stix.X509Certificate(serial_number="36:f7", issuer="C=ZA"),
]  # fmt: skip


@pytest.mark.parametrize("sco", SCOS, ids=lambda sco: sco.type)
def test_an_observables_id_is_the_stix2_librarys(sco):
    body = json.loads(sco.serialize())

    assert sco_id(body) == sco.id
    assert sco_id({key: value for key, value in body.items() if key != "id"}) == sco.id
    assert read(json.dumps(body).encode()).id == sco.id


@given(st.sampled_from([stix.URL, stix.DomainName, stix.Mutex, stix.Directory]), texts)
def test_any_text_gives_the_id_the_stix2_library_gives(kind, text):
    name = {stix.Mutex: "name", stix.Directory: "path"}.get(kind, "value")
    sco = kind(**{name: text})

    assert sco_id({"type": sco.type, name: text}) == sco.id


def test_what_does_not_contribute_changes_no_id():
    body = {"type": "domain-name", "value": "example.com"}
    more = body | {"defanged": True, "resolves_to_refs": [IPV4], "x_note": "seen"}

    assert sco_id(body) == sco_id(more)


@pytest.mark.parametrize(
    "body", [{"type": "process", "pid": 5}, {"type": "artifact", "url": "https://example.com"}]
)
def test_without_a_contributing_value_the_id_is_random(body):
    first, second = sco_id(body), sco_id(body)

    assert first != second
    assert uuid.UUID(first.partition("--")[2]).version == 4


def test_a_hash_of_no_listed_algorithm_still_names_the_file():
    """Section 2.9 names four; with none of them there the same one must be chosen each time."""
    one = {"type": "file", "hashes": {"TLSH": "T1" + "0" * 68, "SSDEEP": "3:a:b"}}
    other = {"type": "file", "hashes": {"SSDEEP": "3:a:b", "TLSH": "T1" + "0" * 68}}

    assert sco_id(one) == sco_id(other)
    assert uuid.UUID(sco_id(one).partition("--")[2]).version == 5


def test_a_new_id_is_a_fresh_uuid_of_version_4():
    ids = {new_id("report") for _ in range(50)}

    assert len(ids) == 50
    assert {uuid.UUID(id_.removeprefix("report--")).version for id_ in ids} == {4}
