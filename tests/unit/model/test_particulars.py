"""Rules that one type alone has; each case is its base with one thing changed."""

import json

import pytest

from mithaq.model.canonical import canonical
from mithaq.model.objects import problems, read

TIMES = {
    "spec_version": "2.1",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
}
PRIVATE_KEY = "private_key_usage_period_not_before"
AT, LATER = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"


def id_(type_, version="4"):
    return f"{type_}--00000000-0000-{version}000-8000-000000000001"


def sdo(type_, **more):
    return {"type": type_, "id": id_(type_), **TIMES, **more}


def sco(type_, version="5", **more):
    return {"type": type_, "id": id_(type_, version), **more}


RELATIONSHIP = sdo(
    "relationship", relationship_type="uses", source_ref=id_("malware"), target_ref=id_("tool")
)
SIGHTING = sdo("sighting", sighting_of_ref=id_("indicator"))
MALWARE = sdo("malware", is_family=False)
LOCATION = sdo("location", region="africa")
OBSERVED = sdo(
    "observed-data",
    first_observed=AT,
    last_observed=LATER,
    number_observed=2,
    object_refs=[id_("file", "5")],
)
INDICATOR = sdo("indicator", pattern="[x:y = 1]", pattern_type="stix", valid_from=AT)
LANGUAGE = sdo("language-content", object_ref=id_("tool"), contents={"fr": {"name": "Outil"}})
EXTENSION = sdo(
    "extension-definition",
    created_by_ref=id_("identity"),
    name="x",
    schema="x",
    version="1.0.0",
    extension_types=["new-sdo"],
)
MARKING = {
    "type": "marking-definition",
    "id": id_("marking-definition"),
    "spec_version": "2.1",
    "created": AT,
    "definition_type": "statement",
    "definition": {"statement": "x"},
}
TRAFFIC = sco("network-traffic", src_ref=id_("ipv4-addr", "5"), protocols=["tcp"])
EMAIL = sco("email-message", is_multipart=False, body="x", subject="s")
FILE = sco("file", name="x")
ARTIFACT = sco("artifact", payload_bin="aGVsbG8=")
IPV4 = sco("ipv4-addr", value="198.51.100.1")

BASES = [
    RELATIONSHIP,
    SIGHTING,
    MALWARE,
    LOCATION,
    OBSERVED,
    INDICATOR,
    LANGUAGE,
    EXTENSION,
    MARKING,
    TRAFFIC,
    EMAIL,
    FILE,
    ARTIFACT,
    IPV4,
]
GOOD = [
    (INDICATOR, {"valid_until": LATER}),
    (OBSERVED, {"last_observed": AT}),
    (OBSERVED, {"object_refs": [id_("file", "5"), id_("x-custom")]}),
    (LOCATION, {"latitude": -90, "longitude": 180.0}),
    (LOCATION, {"region": "drop", "country": "ma"}),
    (MALWARE, {"is_family": True, "name": "x"}),
    (EMAIL, {"is_multipart": True, "body": "drop", "body_multipart": [{"body": "x"}]}),
    (TRAFFIC, {"is_active": False, "start": AT, "end": LATER}),
    (TRAFFIC, {"src_port": 0, "dst_port": 65_535}),
    (FILE, {"hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427e"}, "mime_type": "PE32"}),
    (FILE, {"extensions": {"archive-ext": {"contains_refs": [id_("file", "5")]}}}),
    (EXTENSION, {"extension_types": ["toplevel-property-extension"], "extension_properties": ["rank"]}),
    (sco("process", "4", pid=5), {}),
    (sco("ipv6-addr", value="2001:db8::/32"), {}),
    (sco("x509-certificate", serial_number="1", x509_v3_extensions={"basic_constraints": "x", PRIVATE_KEY: AT}), {}),
    (sco("software", name="x", cpe="cpe:2.3:a:microsoft:word:2000:*:*:*:*:*:*:*"), {}),
    (sco("windows-registry-key", key="hkey_local_machine\\system"), {}),
]  # fmt: skip
BAD = [
    (RELATIONSHIP, {"source_ref": id_("sighting")}, "/source_ref"),
    (RELATIONSHIP, {"target_ref": id_("marking-definition")}, "/target_ref"),
    (RELATIONSHIP, {"relationship_type": "Uses It"}, "/relationship_type"),
    (RELATIONSHIP, {"start_time": LATER, "stop_time": AT}, "/stop_time"),
    (RELATIONSHIP, {"start_time": AT, "stop_time": AT}, "/stop_time"),
    (SIGHTING, {"sighting_of_ref": id_("file", "5")}, "/sighting_of_ref"),
    (SIGHTING, {"sighting_of_ref": id_("observed-data")}, "/sighting_of_ref"),
    (SIGHTING, {"count": 1_000_000_000}, "/count"),
    (SIGHTING, {"count": 1.5}, "/count"),
    (SIGHTING, {"where_sighted_refs": [id_("tool")]}, "/where_sighted_refs/0"),
    (MALWARE, {"is_family": True}, "/name"),
    (MALWARE, {"is_family": "drop"}, "/is_family"),
    (LOCATION, {"region": "drop"}, ""),
    (LOCATION, {"latitude": 1}, "/longitude"),
    (LOCATION, {"latitude": 90.1, "longitude": 0}, "/latitude"),
    (LOCATION, {"precision": 5}, "/latitude"),
    (OBSERVED, {"object_refs": [id_("tool")]}, "/object_refs/0"),
    (OBSERVED, {"objects": {"0": {"type": "file"}}}, "/object_refs"),
    (OBSERVED, {"object_refs": "drop"}, ""),
    (OBSERVED, {"number_observed": 0}, "/number_observed"),
    (OBSERVED, {"first_observed": "2026-01-02T00:00:00.001Z"}, "/last_observed"),
    (INDICATOR, {"valid_until": AT}, "/valid_until"),
    (INDICATOR, {"pattern": "drop"}, "/pattern"),
    (LANGUAGE, {"contents": {"no such": {"name": "x"}}}, "/contents"),
    (LANGUAGE, {"contents": {"fr": {}}}, "/contents/fr"),
    (LANGUAGE, {"contents": {"fr": {"Name": "x"}}}, "/contents/fr"),
    (EXTENSION, {"extension_properties": ["rank"]}, "/extension_properties"),
    (EXTENSION, {"extension_types": ["new-thing"]}, "/extension_types/0"),
    (MARKING, {"modified": AT}, "/modified"),
    (MARKING, {"object_marking_refs": [id_("marking-definition")]}, "/object_marking_refs"),
    (MARKING, {"definition": "drop"}, ""),
    (TRAFFIC, {"src_ref": "drop"}, ""),
    (TRAFFIC, {"src_ref": id_("file", "5")}, "/src_ref"),
    (TRAFFIC, {"is_active": True, "end": LATER}, "/end"),
    (TRAFFIC, {"src_port": 65_536}, "/src_port"),
    (EMAIL, {"body_multipart": [{"body": "x"}]}, "/body_multipart"),
    (EMAIL, {"is_multipart": True}, "/body"),
    (FILE, {"name": "drop"}, ""),
    (FILE, {"name": "drop", "hashes": {"MD5": "aa" * 16}, "name_enc": "utf-8"}, "/name"),
    (FILE, {"hashes": {"MD5": "d41d8cd98f00b204e9800998ecf8427"}}, "/hashes"),
    (FILE, {"hashes": {"SHA 256": "aa"}}, "/hashes"),
    (FILE, {"magic_number_hex": "abc"}, "/magic_number_hex"),
    (FILE, {"size": -1}, "/size"),
    (FILE, {"extensions": {"archive-ext": {"comment": "x"}}}, "/extensions/archive-ext/contains_refs"),
    (FILE, {"extensions": {"tcp-ext": {"src_flags_hex": "02"}}}, "/extensions/tcp-ext"),
    (ARTIFACT, {"payload_bin": "aGVsbG8"}, "/payload_bin"),
    (ARTIFACT, {"payload_bin": "not base64"}, "/payload_bin"),
    (ARTIFACT, {"payload_bin": "aGVs\nbG8="}, "/payload_bin"),
    (ARTIFACT, {"payload_bin": "aGVsbG8=="}, "/payload_bin"),
    (ARTIFACT, {"url": "https://example.com"}, "/url"),
    (ARTIFACT, {"payload_bin": "drop", "url": "https://example.com"}, ""),
    (ARTIFACT, {"decryption_key": "x"}, "/encryption_algorithm"),
    (ARTIFACT, {"encryption_algorithm": "rot13"}, "/encryption_algorithm"),
    (IPV4, {"value": "198.51.100.256"}, "/value"),
    (IPV4, {"value": "198.51.100.01"}, "/value"),
    (IPV4, {"value": "198.51.100.1\n"}, "/value"),
    (sco("ipv6-addr", value="fe80::1%eth0"), {}, "/value"),
    (sco("ipv6-addr", value="2001:db8::/129"), {}, "/value"),
    (sco("mac-addr", value="D2:FB:49:24:37:18"), {}, "/value"),
    (sco("process", pid=5), {}, "/id"),
    (sco("process", "4"), {}, ""),
    (sco("user-account", "4", object_marking_refs=[id_("marking-definition")]), {}, ""),
    (sco("windows-registry-key", key="HKLM\\System"), {}, "/key"),
    (sco("software", name="x", cpe="cpe:/a:microsoft"), {}, "/cpe"),
    (sco("x509-certificate", x509_v3_extensions={PRIVATE_KEY: "x"}), {}, f"/x509_v3_extensions/{PRIVATE_KEY}"),
]  # fmt: skip


def with_(base, changed):
    return {key: value for key, value in (base | changed).items() if value != "drop"}


@pytest.mark.parametrize("base", BASES, ids=lambda base: base["type"])
def test_the_bases_are_valid(base):
    assert problems(base) == ()


@pytest.mark.parametrize(("base", "changed"), GOOD, ids=json.dumps)
def test_what_the_standard_allows_passes(base, changed):
    read(canonical(with_(base, changed)))


@pytest.mark.parametrize(("base", "changed", "where"), BAD, ids=json.dumps)
def test_what_the_standard_forbids_is_named_where_it_stands(base, changed, where):
    assert where in {problem.where for problem in problems(with_(base, changed))}
