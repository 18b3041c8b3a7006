"""Verify first, then read the same buffer; thresholds count keys, not signatures."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.seal.envelope import (
    MAX_SIGNATURES,
    BadEnvelope,
    Envelope,
    Signature,
    countersign,
    payload_type,
    read,
    sign,
    signed_by,
    union,
    verify,
)
from tests.unit.seal.values import KEY

KIND = payload_type("seal")
PUBLIC = {key.keyid: key.public for key in KEY}


def raw_with(**changed):
    return json.dumps(json.loads(sign(KIND, b"{}", KEY[0]).to_bytes()) | changed).encode()


@given(st.binary(max_size=60), st.sets(st.sampled_from(KEY), min_size=1))
def test_an_envelope_survives_its_bytes(payload, signers):
    envelope = sign(KIND, payload, *signers)

    again = read(envelope.to_bytes())

    assert again == envelope
    assert again.to_bytes() == envelope.to_bytes()
    assert signed_by(again, PUBLIC) == {key.keyid for key in signers}


@given(st.sets(st.sampled_from(KEY)), st.sets(st.sampled_from(KEY)), st.integers(1, 6))
def test_a_threshold_counts_distinct_keys_that_are_asked_for(signers, asked, threshold):
    envelope = sign(KIND, b"x", *signers)
    keys = {key.keyid: key.public for key in asked}

    if len(signers & asked) >= threshold:
        assert verify(envelope, KIND, keys, threshold) == b"x"
    else:
        with pytest.raises(BadEnvelope):
            verify(envelope, KIND, keys, threshold)


def test_one_key_under_two_names_or_with_two_signatures_counts_once():
    envelope = sign(KIND, b"x", KEY[0])
    again = envelope.signatures[0]
    twice = Envelope(payload_type=KIND, payload=b"x", signatures=(again, again))
    named = Envelope(payload_type=KIND, payload=b"x", signatures=(again, Signature("b", again.sig)))

    for each in (twice, named):
        with pytest.raises(BadEnvelope):
            verify(each, KIND, {again.keyid: KEY[0].public, "b": KEY[0].public}, 2)


@pytest.mark.parametrize("threshold", [0, -1])
def test_no_threshold_is_met_by_nobody(threshold):
    with pytest.raises(BadEnvelope):
        verify(sign(KIND, b"x", KEY[0]), KIND, PUBLIC, threshold)


def test_no_keys_verify_nothing():
    with pytest.raises(BadEnvelope):
        verify(sign(KIND, b"x", KEY[0]), KIND, {})


def test_the_type_is_signed_and_asked_for():
    """A batch is no seal, though the bytes and the key are the same."""
    envelope = sign(payload_type("batch"), b"x", KEY[0])

    with pytest.raises(BadEnvelope) as refused:
        verify(envelope, KIND, PUBLIC)
    assert refused.value.facts["cause"] == "payload-type"

    relabelled = Envelope(payload_type=KIND, payload=b"x", signatures=envelope.signatures)
    with pytest.raises(BadEnvelope) as refused:
        verify(relabelled, KIND, PUBLIC)
    assert refused.value.facts["cause"] == "signature"


def test_a_signature_under_another_keys_name_is_none():
    sig = sign(KIND, b"x", KEY[0]).signatures[0].sig
    forged = Envelope(payload_type=KIND, payload=b"x", signatures=(Signature(KEY[1].keyid, sig),))

    assert signed_by(forged, PUBLIC) == frozenset()


def test_signing_twice_changes_nothing():
    once = sign(KIND, b"x", KEY[0])

    assert countersign(once, KEY[0]) == once
    assert len(countersign(once, KEY[1]).signatures) == 2


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"payload": "e30"}, "encoding"),
        ({"payload": "e30=\n"}, "encoding"),
        ({"payload": "e-_="}, "encoding"),
        ({"payload": 5}, "shape"),
        ({"payloadType": None}, "shape"),
        ({"extra": 1}, "shape"),
        ({"signatures": []}, "signatures"),
        ({"signatures": {}}, "signatures"),
        ({"signatures": [5]}, "signatures"),
        ({"signatures": [{"keyid": "a"}]}, "signatures"),
        ({"signatures": [{"keyid": 5, "sig": ""}]}, "signatures"),
        ({"signatures": [{"keyid": "a", "sig": "", "cert": ""}]}, "signatures"),
        ({"signatures": [{"keyid": "a", "sig": "%"}]}, "encoding"),
        ({"signatures": [{"keyid": "a", "sig": ""}] * (MAX_SIGNATURES + 1)}, "signatures"),
    ],
)
def test_what_is_no_envelope_is_refused_by_its_cause(changed, cause):
    with pytest.raises(BadEnvelope) as refused:
        read(raw_with(**changed))

    assert refused.value.facts["cause"] == cause


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"payload":"","payload":""}', b"\xff"])
def test_what_is_no_json_of_an_envelope_is_refused(raw):
    with pytest.raises(BadEnvelope):
        read(raw)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused_in_a_documented_way(raw):
    with suppress(BadEnvelope):
        read(raw)


def test_signatures_gathered_apart_are_joined():
    first, second = sign(KIND, b"x", KEY[0], KEY[1]), sign(KIND, b"x", KEY[1], KEY[2])

    joined = union([first, second])

    assert signed_by(joined, PUBLIC) == {key.keyid for key in KEY[:3]}
    assert joined.to_bytes() == union([second, first]).to_bytes()


@pytest.mark.parametrize("others", [[], [b"y"]])
def test_signatures_over_different_payloads_are_never_joined(others):
    envelopes = [sign(KIND, payload, KEY[0]) for payload in (others and [b"x", *others])]

    with pytest.raises(InputError):
        union(envelopes)
