"""An object is its bytes; what logic needs is read from them once, and unknown fields survive."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.canonical import GateRefused, canonical, digest
from mithaq.model.objects import (
    InvalidObject,
    from_body,
    is_sco,
    moment,
    problems,
    read,
    references,
    required_refs,
    version_of,
)

TOOL = {
    "type": "tool",
    "spec_version": "2.1",
    "id": "tool--00000000-0000-4000-8000-000000000001",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-02-01T00:00:00.000Z",
    "name": "Tool",
}
IDENTITY = "identity--00000000-0000-4000-8000-000000000002"
FILE = "file--00000000-0000-5000-8000-000000000003"


def external(**reference):
    return {"external_references": [reference]}


def granular(selector, **marking):
    return {"granular_markings": [marking | {"selectors": [selector]}]}


def wrong(**changed):
    """The causes and places of all problems of a tool with changed properties; None drops one."""
    body = TOOL | changed
    return {(p.cause, p.where) for p in problems({k: v for k, v in body.items() if v != "drop"})}


def test_the_bytes_stay_as_they_came():
    raw = json.dumps(TOOL | {"x_mine": {"deep": [1.50, "é"]}}, indent=3).encode()

    read_ = read(raw)

    assert read_.raw == raw
    assert read_.digest == digest(raw)
    assert read_.body["x_mine"] == {"deep": [1.5, "é"]}
    assert (read_.id, read_.type, read_.created_by) == (TOOL["id"], "tool", None)


def test_an_object_made_here_is_its_canonical_form():
    made = from_body(TOOL | {"created_by_ref": IDENTITY})

    assert made.raw == canonical(TOOL | {"created_by_ref": IDENTITY})
    assert made.created_by == IDENTITY


@pytest.mark.parametrize(
    ("written", "version"),
    [
        ("2026-02-01T00:00:00Z", "2026-02-01T00:00:00.000Z"),
        ("2026-02-01T00:00:00.1Z", "2026-02-01T00:00:00.100Z"),
        ("2026-02-01T00:00:00.123Z", "2026-02-01T00:00:00.123Z"),
        ("2026-02-01T00:00:00.123400Z", "2026-02-01T00:00:00.1234Z"),
    ],
)
def test_one_instant_is_one_version_however_it_is_written(written, version):
    assert read(canonical(TOOL | {"modified": written})).version == version


@given(st.lists(st.text("0123456789", max_size=7), min_size=2, max_size=2))
def test_versions_sort_as_their_instants_do_however_precise(fractions):
    """A raised marking a tenth of a millisecond later is later."""
    written = [f"2026-02-01T00:00:00.{f}Z" if f else "2026-02-01T00:00:00Z" for f in fractions]
    one, other = (moment(read(canonical(TOOL | {"modified": each})).version) for each in written)
    first, second = (Decimal(f"0.{f or 0}") for f in fractions)

    assert (one < other, one == other) == (first < second, first == second)
    assert moment("") < one


def test_a_marking_definition_has_its_creation_for_a_version_and_an_observable_none():
    assert version_of({"type": "marking-definition", "created": "2017-01-20T00:00:00Z"}) == (
        "2017-01-20T00:00:00.000Z"
    )
    assert version_of({"type": "ipv4-addr", "value": "198.51.100.1"}) == ""


def test_a_custom_type_is_an_observable_if_it_bears_no_times():
    assert is_sco("x-thing", {"type": "x-thing", "value": 1})
    assert not is_sco("x-thing", {"type": "x-thing", "created": "2026-01-01T00:00:00Z"})
    assert not is_sco("x-thing")
    assert not is_sco("tool", {"type": "tool"})
    assert is_sco("file", {"type": "file", "created": "2026-01-01T00:00:00Z"})


def test_every_identifier_however_deep_is_a_reference_but_the_objects_own_id():
    body = TOOL | {
        "created_by_ref": IDENTITY,
        "object_marking_refs": ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"],
        "x_list": [{"deep": FILE}, f"see {FILE}", "file--short"],
        "x/odd": {"~": TOOL["id"].upper().replace("TOOL", "tool")},
    }

    assert set(references(body)) == {
        ("/created_by_ref", IDENTITY),
        ("/object_marking_refs/0", "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"),
        ("/x_list/0/deep", FILE),
        ("/x~1odd/~0", TOOL["id"]),
    }


def test_the_required_references_are_those_a_view_cannot_lack():
    assert required_refs("relationship") == {"source_ref", "target_ref"}
    assert required_refs("sighting") == {"sighting_of_ref"}
    assert required_refs("report") == {"object_refs"}
    assert required_refs("indicator") == frozenset()
    assert required_refs("x-unknown") == frozenset()


@pytest.mark.parametrize("raw", [b"[]", b"5", b'"tool"', b"null"])
def test_what_is_no_json_object_is_no_object(raw):
    with pytest.raises(InvalidObject) as refused:
        read(raw)

    assert refused.value.code == "stix-object"


def test_the_gate_comes_first():
    with pytest.raises(GateRefused):
        read(b'{"type": "tool", "type": "tool"}')


def test_a_refusal_names_the_place_and_never_the_content():
    with pytest.raises(InvalidObject) as refused:
        read(canonical(TOOL | {"aliases": ["fine", {"secret": "hidden"}]}))

    assert refused.value.code == "stix-string"
    assert refused.value.facts["where"] == "/aliases/1"
    assert "hidden" not in f"{refused.value} {refused.value.facts}"


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"type": "Tool"}, ("type", "/type")),
        ({"type": "bundle"}, ("type", "/type")),
        ({"type": 5}, ("type", "/type")),
        ({"id": "drop"}, ("id", "/id")),
        ({"id": FILE}, ("id", "/id")),
        ({"id": "tool--00000000-0000-4000-8000-00000000000G"}, ("id", "/id")),
        ({"id": "tool--00000000-0000-0000-8000-000000000001"}, ("id", "/id")),
        ({"id": "tool--00000000-0000-4000-c000-000000000001"}, ("id", "/id")),
        ({"id": "tool--00000000-0000-4000-8000-00000000000A"}, ("id", "/id")),
        ({"spec_version": "2.0"}, ("spec-version", "/spec_version")),
        ({"spec_version": "drop"}, ("required", "/spec_version")),
        ({"name": "drop"}, ("required", "/name")),
        ({"modified": "drop"}, ("required", "/modified")),
        ({"created": "2026-01-01"}, ("timestamp", "/created")),
        ({"created": "2026-02-30T00:00:00Z"}, ("timestamp", "/created")),
        ({"created": "2026-01-01T00:00:00+00:00"}, ("timestamp", "/created")),
        ({"created": "2026-01-01T24:00:00Z"}, ("timestamp", "/created")),
        ({"modified": "2025-12-31T23:59:59.999Z"}, ("order", "/modified")),
        ({"revoked": "no"}, ("boolean", "/revoked")),
        ({"confidence": 101}, ("integer", "/confidence")),
        ({"confidence": True}, ("integer", "/confidence")),
        ({"labels": []}, ("list", "/labels")),
        ({"labels": [""]}, ("string", "/labels/0")),
        ({"lang": "not a language"}, ("language", "/lang")),
        ({"created_by_ref": FILE}, ("reference", "/created_by_ref")),
        ({"object_marking_refs": [IDENTITY]}, ("reference", "/object_marking_refs/0")),
        ({"kill_chain_phases": [{"phase_name": "x"}]}, ("kill-chain", "/kill_chain_phases/0")),
        (external(), ("external-reference", "/external_references/0")),
        (external(source_name="x"), ("external-reference", "/external_references/0")),
        (
            external(source_name="cve", external_id="2026-1"),
            ("external-reference", "/external_references/0"),
        ),
        (external(source_name="x", url="no"), ("url", "/external_references/0/url")),
        (granular("name"), ("granular-marking", "/granular_markings/0")),
        (granular("nam", lang="fr"), ("selector", "/granular_markings/0/selectors/0")),
        (
            granular("granular_markings", lang="fr"),
            ("selector", "/granular_markings/0/selectors/0"),
        ),
        (granular("name", marking_ref=FILE), ("reference", "/granular_markings/0/marking_ref")),
        ({"extensions": {}}, ("extensions", "/extensions")),
        ({"extensions": {"pdf-ext": {"version": "1"}}}, ("extensions", "/extensions/pdf-ext")),
        ({"extensions": {"anything": {"a": 1}}}, ("extensions", "/extensions/anything")),
        ({"X_upper": 1}, ("property-name", "")),
        ({"x_empty": []}, ("empty", "/x_empty")),
        ({"x_null": None}, ("empty", "/x_null")),
        ({"severity": 1}, ("property-name", "")),
    ],
)
def test_what_the_standard_forbids_is_found_where_it_stands(changed, problem):
    assert problem in wrong(**changed)


def test_a_valid_object_has_no_problems():
    assert wrong() == set()
    assert wrong(modified=TOOL["created"]) == set()
    assert wrong(created="2016-12-31T23:59:60Z") == set()
    assert (
        wrong(external_references=[{"source_name": "cve", "external_id": "CVE-2026-10001"}])
        == set()
    )


def test_all_problems_are_found_and_the_first_is_the_one_refused_for():
    body = TOOL | {"name": "", "confidence": -1}

    found = problems(body)

    assert len(found) == 2
    with pytest.raises(InvalidObject) as refused:
        read(json.dumps(body).encode())
    assert refused.value.facts["where"] == found[0].where == "/name"
