"""Objects that are JSON and no STIX 2.1, or that mean to be read as something else."""

import json

from tests.conformance.hostile import Cases

AT = "2026-03-01T12:00:00.000Z"
UUID = "00000000-0000-4000-8000-000000000001"
case = Cases("stix", "object")


def tool(**more):
    body = {
        "type": "tool", "spec_version": "2.1", "id": f"tool--{UUID}", "created": AT, "modified": AT,
        "name": "x",
    } | more  # fmt: skip
    return {key: value for key, value in body.items() if value is not ...}


def of(kind, **more):
    named = {"type": kind, "id": f"{kind}--{UUID}"}
    return tool(**({"name": ...} | named | more))


def sco(kind, version=5, **more):
    body = {"type": kind, "id": f"{kind}--00000000-0000-{version}000-8000-000000000001"} | more
    return {key: value for key, value in body.items() if value is not ...}


# --- ids and types ---------------------------------------------------------------------------------------
case("honest", tool(), "fine")
case("a-list", [tool()], "stix-object")
case("a-text", "tool", "stix-object")
case("null", None, "stix-object")
case("no-type", tool(type=...), "stix-type")
case("type-a-list", tool(type=["tool"]), "stix-type")
case("type-in-capitals", tool(type="Tool"), "stix-type")
case("type-cyrillic", tool(type="t\u043e\u043el"), "stix-type", "it looks like tool")
case("type-bundle", tool(type="bundle"), "stix-type", "a bundle within")
case("type-of-one-letter", tool(type="t"), "stix-type")
case("type-with-a-path", tool(type="../tool"), "stix-type")
case("type-of-251-letters", tool(type="t" * 251), "stix-type")
case("type-with-two-hyphens", of("my--tool"), "stix-type", "ids are cut at two hyphens")
case("type-with-newline", tool(type="tool\n"), "stix-type", "`^...$` takes it")
case("id-of-another-type", tool(id=f"malware--{UUID}"), "stix-id")
case("id-without-type", tool(id=UUID), "stix-id")
case(
    "id-in-capitals",
    tool(id="tool--00000000-0000-4000-8000-00000000000A"),
    "stix-id",
    "two ids for one object",
)
case("id-with-newline", tool(id=f"tool--{UUID}\n"), "stix-id")
case("id-with-blank", tool(id=f" tool--{UUID}"), "stix-id")
case(
    "id-arabic-digits",
    tool(id="tool--0000000\u0660-0000-4000-8000-000000000001"),
    "stix-id",
    "\\d takes it",
)
case("id-fullwidth", tool(id="tool--\uff10" + UUID[1:]), "stix-id")
case("id-soft-hyphen", tool(id=f"tool-\u00ad-{UUID}"), "stix-id")
case("id-nil", tool(id="tool--00000000-0000-0000-0000-000000000000"), "stix-id")
case("id-braces", tool(id="tool--{" + UUID + "}"), "stix-id")
case("id-urn", tool(id=f"urn:uuid:{UUID}"), "stix-id")
case("id-a-number", tool(id=1), "stix-id")
case("id-a-list", tool(id=[f"tool--{UUID}"]), "stix-id")
case("id-of-a-path", tool(id=f"tool--{UUID}/../x"), "stix-id")
# --- common properties -----------------------------------------------------------------------------------
case("spec-2-0", tool(spec_version="2.0"), "stix-spec-version")
case("spec-2-1-0", tool(spec_version="2.1.0"), "stix-spec-version")
case("spec-a-number", tool(spec_version=2.1), "stix-spec-version")
case("no-created", tool(created=...), "stix-required")
case("modified-before-created", tool(modified="2020-01-01T00:00:00.000Z"), "stix-order")
case("time-without-zone", tool(created="2026-03-01T12:00:00.000"), "stix-timestamp")
case("time-with-offset", tool(created="2026-03-01T12:00:00.000+00:00"), "stix-timestamp")
case("time-lower-case", tool(created="2026-03-01t12:00:00.000z"), "stix-timestamp")
case("time-of-february-30", tool(created="2026-02-30T12:00:00.000Z"), "stix-timestamp")
case("time-of-hour-24", tool(created="2026-03-01T24:00:00.000Z"), "stix-timestamp")
case("time-of-year-10000", tool(modified="10000-01-01T00:00:00.000Z"), "stix-timestamp")
case("time-of-year-nought", tool(created="0000-01-01T00:00:00.000Z"), "stix-timestamp")
case("time-a-number", tool(created=1772366400), "stix-timestamp")
case("time-arabic-digits", tool(created="2026-03-0\u0661T12:00:00.000Z"), "stix-timestamp")
case(
    "time-of-a-million-decimals",
    lambda: tool(modified="2026-03-01T12:00:00." + "1" * 1_000_000 + "Z"),
    "stix-timestamp",
    "a version stands in indexes, which hold no text without end",
)
case("time-of-a-hundred-decimals", tool(modified="2026-03-01T12:00:00." + "1" * 100 + "Z"), "fine")
case("time-with-newline", tool(created=AT + "\n"), "stix-timestamp")
case("leap-second", tool(created="2016-12-31T23:59:60.000Z"), "fine", "RFC 3339 has it")
case("confidence-101", tool(confidence=101), "stix-integer")
case("confidence-true", tool(confidence=True), "stix-integer", "true is 1 to many")
case("confidence-a-float", tool(confidence=50.5), "stix-integer")
case("confidence-a-text", tool(confidence="50"), "stix-integer")
case("revoked-a-text", tool(revoked="true"), "stix-boolean", "it is true to many")
case("name-empty", tool(name=""), "stix-string")
case("name-a-list", tool(name=["x"]), "stix-string")
case("labels-empty", tool(labels=[]), "stix-list")
case("labels-a-text", tool(labels="x"), "stix-list")
case("labels-mixed", tool(labels=["x", 1]), "stix-string")
case("null-property", tool(description=None), "stix-string", "section 3.1: no null")
case("null-in-unknown", tool(x_mine=None), "stix-empty")
case("property-with-capitals", tool(Name="x"), "stix-property-name")
case("property-of-two-letters", tool(ab="x"), "stix-property-name")
case("property-with-dot", tool(**{"a.bc": "x"}), "stix-property-name", "selectors are cut at dots")
case("property-of-251-letters", tool(**{"x" * 251: 1}), "stix-property-name")
case("property-reserved", tool(severity="high"), "stix-property-name")
case("property-proto", tool(__proto__={"admin": True}), "stix-property-name")
case("creator-of-another-type", tool(created_by_ref=f"tool--{UUID}"), "stix-reference")
case("creator-a-list", tool(created_by_ref=[f"identity--{UUID}"]), "stix-reference")
case("language-of-a-path", tool(lang="../en"), "stix-language")
# --- references ------------------------------------------------------------------------------------------
REL = {"relationship_type": "uses", "source_ref": f"tool--{UUID}", "target_ref": f"malware--{UUID}"}
case("relation-without-target", of("relationship", **{**REL, "target_ref": ...}), "stix-required")
case(
    "relation-to-a-relation",
    of("relationship", **{**REL, "target_ref": f"relationship--{UUID}"}),
    "stix-reference",
)
case(
    "relation-to-a-marking",
    of("relationship", **{**REL, "target_ref": f"marking-definition--{UUID}"}),
    "stix-reference",
)
case(
    "relation-with-a-sentence",
    of("relationship", **{**REL, "relationship_type": "uses or so"}),
    "stix-form",
)
case("relation-to-itself", of("relationship", **{**REL, "target_ref": REL["source_ref"]}), "fine")
case(
    "sighting-of-an-address", of("sighting", sighting_of_ref=f"ipv4-addr--{UUID}"), "stix-reference"
)
case(
    "sighting-counted-true",
    of("sighting", sighting_of_ref=f"tool--{UUID}", count=True),
    "stix-integer",
)
case(
    "sighting-count-below-nought",
    of("sighting", sighting_of_ref=f"tool--{UUID}", count=-1),
    "stix-integer",
)
case("report-of-nothing", of("report", name="x", published=AT, object_refs=[]), "stix-list")
case(
    "report-of-itself",
    of("report", name="x", published=AT, object_refs=[f"report--{UUID}"]),
    "fine",
)
case(
    "report-of-100000",
    lambda: of("report", name="x", published=AT, object_refs=[f"tool--{UUID}"] * 100_000),
    "fine",
    "cost stays small",
)
case("grouping-of-a-text", of("grouping", context="x", object_refs="tool"), "stix-list")
# --- extensions ------------------------------------------------------------------------------------------
EXT = f"extension-definition--{UUID}"
case("extensions-a-list", tool(extensions=[]), "stix-extensions")
case("extensions-empty", tool(extensions={}), "stix-extensions")
case("extension-without-name", tool(extensions={"": {"a": 1}}), "stix-extensions")
case("extension-a-text", tool(extensions={EXT: "x"}), "stix-extensions")
case("extension-of-no-kind", tool(extensions={EXT: {"extension_type": "new-world"}}), "stix-enum")
case("extension-of-a-file", tool(extensions={"ntfs-ext": {"sid": "x"}}), "stix-extensions")
case(
    "extension-forty-levels",
    lambda: tool(extensions={EXT: {"extension_type": "property-extension", "x": _deep(40)}}),
    "fine",
)


def _deep(levels):
    return {"x": _deep(levels - 1)} if levels else 1


# --- observables -----------------------------------------------------------------------------------------
case("ipv4-with-nought", sco("ipv4-addr", value="010.0.0.1"), "stix-form", "octal to some: 8.0.0.1")
case("ipv4-hexadecimal", sco("ipv4-addr", value="0x7f.1"), "stix-form")
case("ipv4-one-number", sco("ipv4-addr", value="2130706433"), "stix-form")
case("ipv4-256", sco("ipv4-addr", value="1.2.3.256"), "stix-form")
case("ipv4-cidr-33", sco("ipv4-addr", value="1.2.3.0/33"), "stix-form")
case("ipv4-with-newline", sco("ipv4-addr", value="1.2.3.4\n"), "stix-form")
case("ipv4-fullwidth", sco("ipv4-addr", value="\uff11.2.3.4"), "stix-form")
case("ipv6-with-zone", sco("ipv6-addr", value="fe80::1%eth0"), "stix-form")
case("ipv6-cidr-129", sco("ipv6-addr", value="::/129"), "stix-form")
case("domain-with-path", sco("domain-name", value="a.example/x"), "stix-form")
case("domain-with-port", sco("domain-name", value="a.example:80"), "stix-form")
case(
    "domain-confusable",
    sco("domain-name", value="\u0430pple.example"),
    "fine",
    "that is what is reported",
)
case("url-relative", sco("url", value="/etc/passwd"), "stix-url")
case("url-with-blank", sco("url", value="http://a.example/ b"), "stix-url")
case("url-of-a-script", sco("url", value="javascript:alert(1)"), "fine", "a value, never a link")
case("url-with-newline", sco("url", value="http://a.example/\nX: y"), "stix-url")
case("mac-capitals", sco("mac-addr", value="AA:BB:CC:DD:EE:FF"), "stix-form")
case("email-without-at", sco("email-addr", value="me.example"), "stix-form", "a plain text")
case("email-header", sco("email-addr", value="a@b.example\nBcc: c@d.example"), "stix-form")
case(
    "port-65536",
    sco("network-traffic", protocols=["tcp"], src_ref=f"ipv4-addr--{UUID}", dst_port=65536),
    "stix-integer",
)
case("file-of-nothing", sco("file"), "stix-required")
case("file-hash-too-short", sco("file", hashes={"MD5": "abcd"}), "stix-hashes")
case("file-hash-no-hex", sco("file", hashes={"SHA-256": "z" * 64}), "stix-hashes")
case("file-hashes-empty", sco("file", hashes={}), "stix-hashes")
case("file-hash-name-of-a-path", sco("file", hashes={"../MD5": "a"}), "stix-hashes")
case("artifact-bad-base64", sco("artifact", mime_type="x/y", payload_bin="a"), "stix-binary")
case("artifact-base64-with-blanks", sco("artifact", payload_bin="YWJj\nYWJj"), "stix-binary")
case(
    "artifact-and-url",
    sco("artifact", payload_bin="YWJj", url="http://a.example/"),
    "stix-excluded",
)
case("process-bare", sco("process", version=4), "stix-required")
case("registry-short-hive", sco("windows-registry-key", key="HKLM\\x"), "stix-form")
case(
    "observable-with-times",
    sco("ipv4-addr", value="1.2.3.4", created=AT),
    "fine",
    "a property of its own; it makes no version",
)
case(
    "observed-nought-times",
    of(
        "observed-data",
        first_observed=AT,
        last_observed=AT,
        number_observed=0,
        object_refs=[f"ipv4-addr--{UUID}"],
    ),
    "stix-integer",
)
case(
    "observed-backwards",
    of(
        "observed-data",
        first_observed=AT,
        last_observed="2020-01-01T00:00:00.000Z",
        number_observed=1,
        object_refs=[f"ipv4-addr--{UUID}"],
    ),
    "stix-order",
)
case("location-of-nowhere", of("location"), "stix-required")
case("latitude-91", of("location", latitude=91, longitude=0), "stix-number")
case("latitude-alone", of("location", latitude=1), "stix-required")
case(
    "translation-of-code-x",
    of("language-content", object_ref=f"tool--{UUID}", contents={"../x": {"name": "y"}}),
    "stix-dictionary",
)
case(
    "opinion-of-its-own", of("opinion", opinion="maybe", object_refs=[f"tool--{UUID}"]), "stix-enum"
)
case("malware-family-without-name", of("malware", is_family=True), "stix-required")
case(
    "reference-as-cve",
    tool(external_references=[{"source_name": "cve", "external_id": "CVE-1"}]),
    "stix-external-reference",
)
case(
    "reference-without-source",
    tool(external_references=[{"url": "http://a.example/"}]),
    "stix-external-reference",
)
# --- files -----------------------------------------------------------------------------------------------
wrap = {"door": "file"}
BUNDLE = {"type": "bundle", "id": f"bundle--{UUID}"}
case("bundle-without-id", {"type": "bundle", "objects": [tool()]}, "not-this-format", **wrap)
case(
    "bundle-with-anothers-id",
    {"type": "bundle", "id": f"tool--{UUID}", "objects": [tool()]},
    "not-this-format",
    **wrap,
)
case(
    "bundle-in-a-bundle",
    {**BUNDLE, "objects": [{**BUNDLE, "objects": [tool()]}]},
    "stix-type",
    **wrap,
)
case(
    "bundle-of-texts",
    {**BUNDLE, "objects": ["x", 1, None, []]},
    "stix-object stix-object stix-object stix-object",
    **wrap,
)
case("bundle-objects-a-map", {**BUNDLE, "objects": {"a": tool()}}, "not-this-format", **wrap)
case("bundle-empty", {**BUNDLE, "objects": []}, "", **wrap)
case("envelope-with-type", {"objects": [tool()], "type": 1}, "stix-type", **wrap)
case(
    "one-bad-among-good",
    lambda: b'{"objects":[%s,{"id":"a","id":"b"},%s]}' % (_raw(tool()), _raw(tool(name="y"))),
    "fine gate-duplicate-key fine",
    "its neighbours come in",
    **wrap,
)
case(
    "surrogate-among-good",
    lambda: b'{"objects":[%s,{"x":"\\ud800"},%s]}' % (_raw(tool()), _raw(tool(name="y"))),
    "fine gate-escape fine",
    **wrap,
)
case(
    "objects-given-twice",
    lambda: b'{"objects":[],"objects":[%s]}' % _raw(tool()),
    "gate-duplicate-key",
    "one reader sees none, one sees one",
    **wrap,
)
case(
    "xml",
    b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>",
    "unknown-format",
    **wrap,
)
case("zip", b"PK\x03\x04" + bytes(100), "unknown-format", **wrap)
case("gzip", b"\x1f\x8b\x08" + bytes(100), "unknown-format", "nothing is unpacked", **wrap)
case("yaml", b"!!python/object/apply:os.system ['x']", "unknown-format", **wrap)
case("pickle", b"\x80\x04cos\nsystem\n.", "unknown-format", **wrap)
case("csv-formula", b"=cmd|' /C calc'!A0,1", "unknown-format", **wrap)
case(
    "bundle-of-20000",
    lambda: {**BUNDLE, "objects": [tool()] * 20_000},
    "20000 fine",
    "cost stays small",
    **wrap,
)


def _raw(body):
    return json.dumps(body).encode()
