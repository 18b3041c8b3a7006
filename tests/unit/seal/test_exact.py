"""What is in its very encoding is read faster, and no otherwise: also what was bent in a byte or two."""

from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mithaq.errors import MithaqError
from mithaq.seal import envelope, messages
from mithaq.seal.envelope import Envelope, Signature, read
from mithaq.seal.messages import Doc, Proof, Seal, decode, encode
from tests.unit.seal.values import put, seal

ENTRIES = [
    put(), put(readers=["r1", "é"], consent="{}"), put(proof=Proof(batch="{}", index=0, path=["ab" * 32])),
    Doc(payload_type="application/json", digest="sha256:" + "0" * 64, size=1),
]  # fmt: skip
PAYLOAD = encode(seal(entries=ENTRIES)[0])
WHOLE = Envelope(
    payload_type="é", payload=b"any \x00 bytes", signatures=(Signature("k", b"sig"), Signature("", b""))
).to_bytes()  # fmt: skip
# what JSON readers disagree about, where a byte may stand
BITS = [
    b" ", b"\n", b"\0", b"\\u0000", b"\\u00e9", b"\\ud800", b"\\/", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"0", b"-",
    b"1e0", b".0", b'"', b",", b"{}", b'"to":"x",', b'"sig":"",', b"null", b"NaN", b"=", b"\xef\xbb\xbf",
    b"A", b"9" * 20,
]  # fmt: skip
BENT = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 3), st.sampled_from(BITS) | st.binary(max_size=2)),
    max_size=2,
)


def bend(raw, changes):
    for where, gone, new in changes:
        at = int(where * len(raw))
        raw = raw[:at] + new + raw[at + gone :]
    return raw


@contextmanager
def slowly(module):
    with patch.object(module, "_exact", lambda _raw: None):
        yield


def outcome(act):
    try:
        return act()
    except MithaqError as error:
        return type(error), error.facts


@given(BENT)
@example([])
def test_a_seal_is_read_alike_either_way(changes):
    raw = bend(PAYLOAD, changes)

    found = outcome(lambda: decode(raw, Seal))

    with slowly(messages):
        assert found == outcome(lambda: decode(raw, Seal))


@given(BENT)
@example([])
def test_an_envelope_is_read_alike_either_way(changes):
    raw = bend(WHOLE, changes)

    found = outcome(lambda: read(raw))

    with slowly(envelope):
        assert found == outcome(lambda: read(raw))


@pytest.mark.parametrize("module", [messages, envelope])
def test_what_we_write_is_exact(module):
    raw = PAYLOAD if module is messages else WHOLE
    assert module._exact(raw) is not None
    assert module._exact(raw + b" ") is None


def test_what_is_longer_than_may_be_is_not_looked_at():
    with patch.object(messages, "_LIMITS", messages.Limits(max_bytes=len(PAYLOAD) - 1)):
        assert messages._exact(PAYLOAD) is None
    with patch.object(envelope, "_LIMITS", envelope.Limits(max_bytes=len(WHOLE) - 1)):
        assert envelope._exact(WHOLE) is None


def test_as_many_signatures_as_may_be_are_read_and_no_more():
    for count in (1, envelope.MAX_SIGNATURES):
        many = tuple(Signature(str(n), b"") for n in range(count))
        made = Envelope(payload_type="x", payload=b"", signatures=many)
        assert envelope._exact(made.to_bytes()) == made
    more = (*many, Signature("more", b""))
    for wrong in ((), more):
        raw = Envelope(payload_type="x", payload=b"", signatures=wrong).to_bytes()
        assert envelope._exact(raw) is None
