"""What is proven at once is what the gate and the rules would let through, and no more."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.model.canonical import GateRefused, Limits, vet
from mithaq.model.objects import read, references
from mithaq.model.rules import problems
from mithaq.model.usual import DEPTH, usual_shape

UUID = "00000000-0000-4000-8000-000000000001"
AT = "2026-01-01T00:00:00.000Z"
MALWARE = {
    "type": "malware", "spec_version": "2.1", "id": f"malware--{UUID}", "created": AT, "modified": AT,
    "created_by_ref": f"identity--{UUID}", "name": "M", "is_family": False, "confidence": 50,
    "object_marking_refs": [f"marking-definition--{UUID}"], "sample_refs": [f"file--{UUID}"],
    "external_references": [{"source_name": "s", "external_id": "1"}, {"source_name": "s", "url": "https://a"}],
    "kill_chain_phases": [{"kill_chain_name": "k", "phase_name": "p"}], "first_seen": AT, "x_list": [{"a": "b"}],
}  # fmt: skip
RELATION = {
    "type": "relationship", "spec_version": "2.1", "id": f"relationship--{UUID}", "created": AT, "modified": AT,
    "relationship_type": "uses", "source_ref": f"malware--{UUID}", "target_ref": f"tool--{UUID}",
}  # fmt: skip
ADDRESS = {"type": "ipv4-addr", "id": f"ipv4-addr--{UUID}", "value": "192.0.2.1"}
CUSTOM = {
    "type": "x-thing",
    "id": f"x-thing--{UUID}",
    "created": AT,
    "modified": AT,
    "spec_version": "2.1",
}
DEFINITION = f"extension-definition--{UUID}"
EXTENDED = MALWARE | {
    "extensions": {DEFINITION: {"extension_type": "property-extension", "k": {"k": [1, "x"]}}}
}
USUAL = [MALWARE, RELATION, ADDRESS, CUSTOM, EXTENDED]

texts = st.sampled_from([
    "", "x", "Not A Name", AT, "2025-12-31T23:59:59.999Z", "2026-01-01T00:00:00Z", "2026-02-30T00:00:00.000Z", "cve",
    "2.0", "file", f"file--{UUID}", f"identity--{UUID}", f"relationship--{UUID}", f"malware--{UUID}",
    "https://a b", "uses",
])  # fmt: skip
scalars = st.one_of(
    texts,
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 101, 2**53 - 1, 2**53, -(2**60), 1.5, 1e20, 1e300]),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "source_name", "external_id", "url", "phase_name", "kill_chain_name", "hashes", "k", DEFINITION,
                    "extension_type", "ntfs-ext", "x-ext",
                ]
            ),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=6,
)  # fmt: skip
names = st.sampled_from(
    [
        *MALWARE,
        *RELATION,
        "value",
        "x_new",
        "Bad-Name",
        "severity",
        "last_seen",
        "definition",
        "extensions",
        "revoked",
    ]
)


@given(
    st.sampled_from(USUAL),
    st.lists(st.tuples(names, values), max_size=3),
    st.sets(names, max_size=2),
)
def test_what_is_usual_is_sound_and_valid(body, changes, gone):
    made = {**body, **dict(changes)}
    made = {name: value for name, value in made.items() if name not in gone}
    if usual_shape(made) is not None:
        assert problems(made) == ()
        vet(msgspec.json.encode(made), made)


@given(values)
def test_an_extension_is_proven_only_as_the_gate_and_the_rules_let_it_through(content):
    made = {**ADDRESS, "extensions": {DEFINITION: content}}
    if usual_shape(made) is not None:
        assert problems(made) == ()
        vet(msgspec.json.encode(made), made)


@pytest.mark.parametrize("extra", [0, 1])
def test_an_extension_is_proven_as_deep_as_a_usual_object_may_be(extra):
    deep = []
    for _ in range(DEPTH - 4 + extra):
        deep = [deep]
    made = {**ADDRESS, "extensions": {DEFINITION: {"k": deep}}}
    vet(msgspec.json.encode(made), made, Limits(max_depth=DEPTH + extra))
    with pytest.raises(GateRefused):
        vet(msgspec.json.encode(made), made, Limits(max_depth=DEPTH + extra - 1))
    assert (usual_shape(made) is not None) is (extra == 0)


@pytest.mark.parametrize("kind", ["none", "", 3, None, ["property-extension"]])
def test_an_extension_of_no_kind_is_left_to_the_rules(kind):
    assert usual_shape({**ADDRESS, "extensions": {DEFINITION: {"extension_type": kind}}}) is None


@pytest.mark.parametrize("body", USUAL)
def test_the_usual_objects_are_usual(body):
    assert usual_shape(body) is not None


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"description": f"see {RELATION['id']}"},
        {"description": "run it -- with --all"},
        {"description": "run it --all", "x_other": f"tool--{UUID.replace('0', 'A')}"},
        {"x_ref": f"tool--{UUID}"},
        {"x_other": f"tool--{UUID}"},
        {"x_refs": [f"tool--{UUID}", "none"]},
        {"x_deep": [{"a": f"tool--{UUID}"}]},
        {"extensions": {DEFINITION: {"extension_type": "property-extension", "note": "--"}}},
        {"extensions": {DEFINITION: {"a": {"b": f"tool--{UUID}"}}}},
        {"extensions": {DEFINITION: {DEFINITION: {"b": f"tool--{UUID}"}}}},
        {"granular_markings": [{"marking_ref": f"marking-definition--{UUID}", "selectors": ["name"]}]},
    ],
)  # fmt: skip
def test_references_are_found_wherever_they_stand(more):
    body = {**MALWARE, **more}
    raw = msgspec.json.encode(body)
    assert read(raw).references == tuple(references(body))


def test_a_reference_that_is_written_with_escapes_is_found():
    raw = msgspec.json.encode({**MALWARE, "x_other": f"tool--{UUID}"})
    hidden = raw.replace(b"tool--", b"tool\\u002d\\u002D")
    assert ("/x_other", f"tool--{UUID}") in read(hidden).references


def test_a_nul_is_refused_in_the_most_usual_object():
    raw = msgspec.json.encode({**MALWARE, "description": "a\0b"})
    with pytest.raises(GateRefused, match="nul"):
        read(raw)


def test_a_reference_to_the_longest_type_there_may_be_is_found_either_way():
    """A type has 250 letters at most, and a hyphen between any two of them."""
    longest = "-".join("x" * 250) + f"--{UUID}"
    body = {**RELATION, "source_ref": longest}
    assert ("/source_ref", longest) in read(msgspec.json.encode(body)).references
    assert ("/source_ref", longest) in tuple(references(body))


@pytest.mark.parametrize(
    ("url", "proven"),
    [
        ("https://a.example/b?c=d~!#", True),
        ("urn:x", True),
        ("x+y.z-1:!", True),
        ("https:", False),
        ("1x:a", False),
        ("https://a.example/\u00e9", False),  # one all the same: the rules say so
        ("https://a b", False),
        ("https://a\x7f", False),
    ],
)
def test_a_plain_url_is_proven_at_once(url, proven):
    source = {"source_name": "s", "url": url}
    assert (usual_shape(MALWARE | {"external_references": [source]}) is not None) is proven


@pytest.mark.parametrize("at", ["source_ref", "target_ref"])
@pytest.mark.parametrize(
    ("type_", "proven"),
    [
        ("tool", True),
        ("x-yz-2", True),
        ("x-y-2z", False),
        ("x-yz", True),
        ("abc", True),
        ("a" * 30, True),
        ("abc" + "-d" * 6, True),
        ("abc-" + "d" * 30, True),
        ("relationships", True),
        ("relationship", False),
        ("marking-definition", False),
        ("ab", False),
        ("x-y", False),
        ("tool-", False),
        ("Tool", False),
        ("a" * 31, False),  # one all the same: the rules say so
        ("abc" + "-d" * 7, False),
    ],
)
def test_what_is_related_is_proven_at_once_to_be_of_a_plain_type_that_may_be(at, type_, proven):
    assert (usual_shape(RELATION | {at: f"{type_}--{UUID}"}) is not None) is proven


@pytest.mark.parametrize("at", ["source_ref", "target_ref"])
@pytest.mark.parametrize(
    "value", [None, 1, [f"tool--{UUID}"], f"tool--{UUID}\n", f"tool--{UUID[:-1]}"]
)
def test_what_is_related_is_named_by_an_identifier(at, value):
    assert usual_shape(RELATION | {at: value}) is None


@pytest.mark.parametrize(
    "sources",
    [
        [],
        "s",
        [1],
        [{"source_name": "s", "external_id": "1"}, {"source_name": "s"}],
        [{"source_name": "", "external_id": "1"}],
        [{"external_id": "1"}],
        [{"source_name": "CVE", "external_id": "CVE-1"}],
        [{"source_name": "s", "url": "https://a", "hashes": "x"}],
        [{"source_name": "s", "external_id": 1}],
        [{"source_name": "s", "url": ""}],
    ],
)
def test_other_lists_of_sources_are_left_to_the_rules(sources):
    assert usual_shape(MALWARE | {"external_references": sources}) is None


def test_a_source_is_told_by_a_number_an_address_or_words():
    for told in ({"external_id": "1"}, {"url": "https://a"}, {"description": "x"}):
        assert usual_shape(MALWARE | {"external_references": [{"source_name": "s"} | told]})
