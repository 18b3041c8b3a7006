"""Bundles, envelopes and bare objects: each object keeps its bytes, and a bad one its neighbours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.formats import BUILT_IN, NotThisFormat, Refusal
from mithaq.model.canonical import GateRefused, Limits
from mithaq.model.objects import Object

BUNDLE_ID = '"bundle--00000000-0000-4000-8000-000000000001"'


def tool(number=1, more=""):
    """The text of a valid object, spaced as nobody would; ``more`` goes in before its end."""
    return (
        f'{{ "type":"tool" ,"spec_version": "2.1","id":"tool--00000000-0000-4000-8000-{number:012d}",'
        f'"created":"2026-01-01T00:00:00Z", "modified":"2026-01-01T00:00:00Z",\n"name":"T{number}"{more}}}'
    )


def bundle(*texts, more=""):
    return f'{{"type":"bundle","id":{BUNDLE_ID},"objects":[ {" , ".join(texts)} ]{more}}}'.encode()


def envelope(*texts, more=""):
    return f'{{"more":false, "objects": [{",".join(texts)}]{more}}}'.encode()


WRAPPINGS = {"bundle": bundle, "envelope": envelope}


@pytest.fixture(params=WRAPPINGS)
def wrap(request):
    return WRAPPINGS[request.param]


def codes(raw):
    return [each.code if isinstance(each, Refusal) else "fine" for each in BUILT_IN.read(raw)]


# --- wrappings ---------------------------------------------------------------------------------------
@given(st.lists(st.integers(1, 5), max_size=5), st.sampled_from(list(WRAPPINGS)))
def test_each_object_keeps_its_bytes_exactly_and_in_order(numbers, kind):
    """Also where equal texts stand twice."""
    texts = [tool(number) for number in numbers]

    objects = list(BUILT_IN.read(WRAPPINGS[kind](*texts)))

    assert [each.raw.decode() for each in objects] == texts


def test_a_bare_object_is_read_with_all_its_bytes():
    (only,) = BUILT_IN.read(tool().encode() + b"\n")

    assert isinstance(only, Object)
    assert only.raw == tool().encode() + b"\n"


@pytest.mark.parametrize(
    "raw",
    [
        b"{}",
        b'{"more": true}',
        b'{"objects": []}',
        f'{{"type":"bundle","id":{BUNDLE_ID}}}'.encode(),
    ],
)
def test_a_wrapping_without_objects_holds_none(raw):
    assert list(BUILT_IN.read(raw)) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"[]",
        b"5",
        b'{"name": "x"}',
        b'{"objects": {}}',
        b'{"objects": null}',
        b'{"type": "bundle", "objects": []}',
        b'{"type": "bundle", "id": "tool--00000000-0000-4000-8000-000000000001", "objects": []}',
        b'{"type": "bundle", "id": "bundle--1"}',
    ],
)
def test_json_that_is_no_stix_is_refused_as_a_whole(raw):
    with pytest.raises(NotThisFormat):
        BUILT_IN.read(raw, "stix")


def test_an_object_with_a_property_called_objects_is_no_wrapping():
    observed = (
        '{"type":"observed-data","spec_version":"2.1","id":"observed-data--00000000-0000-4000-8000-000000000001",'
        '"created":"2026-01-01T00:00:00Z","modified":"2026-01-01T00:00:00Z","first_observed":"2026-01-01T00:00:00Z",'
        '"last_observed":"2026-01-01T00:00:00Z","number_observed":1,"objects":{"0":{"type":"file","name":"x"}}}'
    )
    (only,) = BUILT_IN.read(observed.encode())

    assert only.type == "observed-data"


def test_a_bundle_within_a_bundle_is_no_object(wrap):
    assert codes(wrap(bundle(tool()).decode(), tool(2))) == ["stix-type", "fine"]


# --- one bad object ----------------------------------------------------------------------------------
BAD = {
    "a key given twice": (tool(2, ',"name":"again"'), "gate-duplicate-key"),
    "NUL": (tool(2, r',"x_a":"\u0000"'), "gate-nul"),
    "a lone surrogate": (tool(2, r',"x_a":"\ud800"'), "gate-escape"),
    "a lone surrogate after a backslash": (tool(2, r',"x_a":"\\\ud800"'), "gate-escape"),
    "a number too large": (tool(2, ',"x_a":9007199254740993'), "gate-number"),
    "an overflow": (tool(2, ',"x_a":1e400'), "gate-number"),
    "too many levels": (tool(2, ',"x_a":' + "[" * 64 + "]" * 64), "gate-too-deep"),
    "no name": (tool(2).replace('"name"', '"label"'), "stix-required"),
    "no object": ("5", "stix-object"),
    "null": ("null", "stix-object"),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_object_does_not_take_its_neighbours_along(wrap, what, place):
    text, code = BAD[what]
    texts = [tool(1), tool(3)]
    texts.insert(place, text)

    found = list(BUILT_IN.read(wrap(*texts)))

    refusal = found.pop(place)
    assert (refusal.position, refusal.code) == (place, code)
    assert [each.raw.decode() for each in found] == [tool(1), tool(3)]


def test_several_bad_objects_are_refused_each_by_its_cause(wrap):
    texts = [BAD["NUL"][0], tool(1), BAD["no name"][0], BAD["a key given twice"][0]]

    assert codes(wrap(*texts)) == ["gate-nul", "fine", "stix-required", "gate-duplicate-key"]


def test_a_refusal_names_id_and_place_and_never_the_content(wrap):
    (refused,) = BUILT_IN.read(wrap(tool(2, ',"confidence":"hidden"')))

    assert refused.id == "tool--00000000-0000-4000-8000-000000000002"
    assert refused.where == "/confidence"
    assert "hidden" not in repr(refused)


def test_an_id_that_has_not_the_form_of_one_is_not_repeated(wrap):
    (refused,) = BUILT_IN.read(wrap('{"type":"tool","id":"hidden"}'))

    assert refused.id is None
    assert "hidden" not in repr(refused)


def test_a_surrogate_pair_and_a_backslash_before_u_are_no_flaws(wrap):
    text = tool(2, r',"x_a":"\ud83d\ude00 \\ud800"')

    assert codes(wrap(text, BAD["NUL"][0])) == ["fine", "gate-nul"]
    assert next(iter(BUILT_IN.read(wrap(text, BAD["NUL"][0])))).raw.decode() == text


def test_an_object_is_not_taken_from_another_place_that_reads_alike(wrap):
    """The lone surrogate stays where it is: in the wrapping, which is then refused."""
    lone, alike = tool(2, r',"x_a":"\ud800"'), tool(2, r',"x_a":"\u0020"')

    raw = wrap(lone).replace(b"{", b'{"x_first":' + alike.encode() + b",", 1)
    with pytest.raises(GateRefused):
        BUILT_IN.read(raw)


def test_bytes_that_are_no_utf_8_take_only_their_object_along(wrap):
    raw = wrap(tool(1), tool(2, ',"x_a":"@"'), tool(3)).replace(b"@", b"\xff")

    assert codes(raw) == ["fine", "gate-not-utf-8", "fine"]


def test_an_object_may_be_64_levels_deep_wherever_it_stands(wrap):
    text = tool(2, ',"x_a":' + "[" * 63 + "1" + "]" * 63)

    for raw in (text.encode(), wrap(text), wrap(tool(1), text)):
        assert set(codes(raw)) == {"fine"}


# --- the wrapping itself -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "more",
    [
        ',"objects":[]',
        f',"objects":[{tool(3)}]',
        ',"x_a":1,"x_a":2',
        r',"x_a":"\u0000"',
        ',"x_a":9007199254740993',
        ',"x_a":' + "[" * 64 + "]" * 64,
        ',"x_a":NaN',
    ],
)
@pytest.mark.parametrize("texts", [(), (tool(1),), (tool(1), BAD["NUL"][0])])
def test_whatever_stands_around_the_objects_passes_the_gate_as_a_whole(wrap, more, texts):
    """Two lists of objects would be two stories, each for another reader."""
    with pytest.raises(GateRefused):
        BUILT_IN.read(wrap(*texts, more=more))


@pytest.mark.parametrize(
    "raw", [b"{", b'{"objects": [', b'{"objects": [{]}', b"{} {}", b"{'a': 1}"]
)
def test_what_is_no_json_is_refused_as_a_whole(raw):
    with pytest.raises(GateRefused):
        BUILT_IN.read(raw)


def test_a_bare_object_that_fails_the_gate_is_refused_as_a_whole():
    with pytest.raises(GateRefused):
        BUILT_IN.read(tool(1, ',"name":"again"').encode())


def test_more_bytes_than_allowed_are_refused_as_a_whole(wrap):
    raw = wrap(tool(1))

    assert len(list(BUILT_IN.read(raw, limits=Limits(max_bytes=len(raw))))) == 1
    with pytest.raises(GateRefused):
        BUILT_IN.read(raw, limits=Limits(max_bytes=len(raw) - 1))


def test_limits_hold_for_each_object_too(wrap):
    text = tool(1, ',"x_a":[[[1]]]')

    assert codes_within(wrap(text, tool(2)), 4) == ["fine", "fine"]
    assert codes_within(wrap(text, tool(2)), 3) == ["gate-too-deep", "fine"]


def codes_within(raw, depth):
    found = BUILT_IN.read(raw, limits=Limits(max_depth=depth))
    return [each.code if isinstance(each, Refusal) else "fine" for each in found]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_a_documented_way(raw):
    try:
        found = list(BUILT_IN.read(b"{" + raw))
    except InputError:
        return
    assert all(isinstance(each, Object | Refusal) for each in found)


@given(st.data())
def test_a_byte_changed_anywhere_is_read_or_refused_in_a_documented_way(data):
    raw = bytearray(bundle(tool(1), tool(2)))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))

    try:
        found = list(BUILT_IN.read(bytes(raw)))
    except InputError:
        return
    for each in found:
        if isinstance(each, Object):
            assert each.raw in bytes(raw)
            assert json.loads(each.raw) == each.body
