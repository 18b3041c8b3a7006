"""The gate refuses whatever two readers could understand differently; the canonical form passes it again."""

import json

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from mithaq.model.canonical import GateRefused, Json, Limits, canonical, digest, parse

texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=8)
numbers = st.one_of(
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: not 2**53 <= abs(x) < 1e21),
)
values: st.SearchStrategy[Json] = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)


@given(values)
def test_sound_json_is_read_as_the_standard_library_reads_it(value: Json) -> None:
    """``json`` is the oracle wherever it is right."""
    raw = json.dumps(value, ensure_ascii=False).encode()

    assert parse(raw) == json.loads(raw)


@given(values)
def test_the_canonical_form_passes_the_gate_and_is_its_own_canonical_form(value: Json) -> None:
    """Else a view we make would be refused by whoever receives it."""
    written = canonical(value)

    assert parse(written) == value
    assert canonical(parse(written)) == written


@given(st.dictionaries(texts, values, min_size=2, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_change_the_canonical_form(
    value: dict[str, Json], random
) -> None:
    """So equal content has one digest."""
    keys = list(value)
    random.shuffle(keys)

    assert digest(canonical({key: value[key] for key in keys})) == digest(canonical(value))


@given(texts, values, st.lists(st.sampled_from(["list", "dict"]), max_size=6), st.booleans())
def test_a_key_given_twice_is_refused_at_any_depth(
    key: str, value: Json, around: list[str], escaped: bool
) -> None:
    """``json`` takes the last one in silence: RED then CLEAR would be CLEAR."""
    once = json.dumps(key)
    again = '"' + "".join(f"\\u{unit:04x}" for unit in _utf16(key)) + '"' if escaped else once
    raw = f"{{{once}: 1, {again}: {json.dumps(value)}}}"
    for kind in around:
        raw = f"[0, {raw}]" if kind == "list" else f'{{"a": {raw}}}'
    json.loads(raw)

    with pytest.raises(GateRefused) as refused:
        parse(raw.encode())

    assert refused.value.code == "gate-duplicate-key"


def _utf16(text: str) -> list[int]:
    units = text.encode("utf-16-be")
    return [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": NaN}', "gate-not-json"),
        (b'{"a": Infinity}', "gate-not-json"),
        (b'{"a": -Infinity}', "gate-number"),
        (b'{"a": 1e400}', "gate-number"),
        (b'{"a": -1e400}', "gate-number"),
        (b'{"a": 18446744073709551616}', "gate-number"),
        (b'{"a": 9007199254740992}', "gate-number"),
        (b'{"a": -9007199254740992}', "gate-number"),
        (b'{"a": 1e20}', "gate-number"),
        (b"[" + b"9" * 5000 + b"]", "gate-number"),
        (rb'["\ud800"]', "gate-escape"),
        (rb'["\udc00\ud800"]', "gate-escape"),
        (rb'["\u0000"]', "gate-nul"),
        (rb'{"\u0000": 1}', "gate-nul"),
        (b"\xef\xbb\xbf[]", "gate-byte-order-mark"),
        ("[1]".encode("utf-16"), "gate-not-utf-8"),
        ("[1]".encode("utf-32-be"), "gate-not-json"),
        (b'["\xff"]', "gate-not-utf-8"),
        (b'["\xed\xa0\x80"]', "gate-not-utf-8"),
        (b'["\xc0\x80"]', "gate-not-utf-8"),
        (b"[" * 65 + b"]" * 65, "gate-too-deep"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "gate-too-deep"),
        (b"[" * 100_000, "gate-too-deep"),
        (b"[1,]", "gate-not-json"),
        (b"[01]", "gate-number"),
        (b"[1] [2]", "gate-not-json"),
        (b"// a comment\n[1]", "gate-not-json"),
        (b"", "gate-not-json"),
    ],
)
def test_what_readers_could_understand_differently_is_refused_by_its_cause(
    raw: bytes, code: str
) -> None:
    """The baseline of security.md section 7, and the neighbours of each case."""
    with pytest.raises(GateRefused) as refused:
        parse(raw)

    assert refused.value.code == code


@pytest.mark.parametrize(
    "raw",
    [b"[9007199254740991]", b"[1e300]", b"[" * 64 + b"]" * 64, b"[-0.0]", rb'["\ud83d\ude00"]'],
)
def test_the_gate_lets_through_what_stands_just_inside(raw: bytes) -> None:
    """The limits themselves are allowed."""
    assert parse(raw) == json.loads(raw)


def test_more_bytes_than_allowed_are_refused_unread() -> None:
    """The cap comes first, whatever the bytes are."""
    with pytest.raises(GateRefused) as refused:
        parse(b"x" * 11, Limits(max_bytes=10))

    assert refused.value.code == "gate-too-long"


def test_what_is_made_of_small_values_alone_is_refused_before_it_takes_thirty_times_its_room() -> (
    None
):
    """64 MiB of ``{}`` are 1.7 GB once read."""
    with pytest.raises(GateRefused) as refused:
        parse(b"[" + b"{}," * 6_000_000 + b"{}]")

    assert refused.value.code == "gate-too-many"


def test_a_refusal_names_the_place_and_never_the_content() -> None:
    """It goes into journals and to peers."""
    with pytest.raises(GateRefused) as refused:
        parse(rb'{"objects": [{"secret/agent": ["a", "hidden\u0000"]}]}')

    assert refused.value.facts["where"] == "/objects/0/secret~1agent/1"
    assert "hidden" not in f"{refused.value} {refused.value.facts}"


def test_a_refused_key_is_not_quoted_by_a_chained_error() -> None:
    """The parser's own message quotes the key; tracebacks are logged."""
    with pytest.raises(GateRefused) as refused:
        parse(b'{"hidden": 1, "hidden": 2}')

    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@given(values)
@example({chr(code): chr(code) for code in range(1, 0x250)})
@example(
    ['\u2028\u2029\x7f/\\"\b\f\n\r\t\x1f', "\U0001f600", -0, 0, 2**53 - 1, 1 - 2**53, True, None]
)
@example({"\ue000": 1, "\U0001f600": 2, "a": {"b": 1.5}})
def test_the_canonical_form_is_that_of_another_implementation(value: Json) -> None:
    assert canonical(value) == rfc8785.dumps(value)
