"""DSSE v1.0.2: the test vector of its protocol.md, and its verification rules."""

import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from mithaq.seal.envelope import pae, read

KIND, PAYLOAD = "http://example.com/HelloWorld", b"hello world"
X = 46950820868899156662930047687818585632848591499744589407958293238635476079160
Y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
ENVELOPE = b"""{"payload":"aGVsbG8gd29ybGQ=",
 "payloadType":"http://example.com/HelloWorld",
 "signatures":[
   {"sig":"A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"""


def test_what_is_signed_is_the_pre_authentication_encoding():
    assert pae(KIND, PAYLOAD) == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


@pytest.mark.parametrize(
    ("kind", "payload", "encoded"),
    [
        ("", b"", b"DSSEv1 0  0 "),
        ("é", b"\x00 \n", b"DSSEv1 2 \xc3\xa9 3 \x00 \n"),
        ("a 1 b", b"x", b"DSSEv1 5 a 1 b 1 x"),
    ],
)
def test_lengths_count_bytes_in_decimal(kind, payload, encoded):
    assert pae(kind, payload) == encoded


def test_the_envelope_of_the_vector_is_read_and_its_signature_holds_over_our_encoding():
    """The vector is ECDSA over P-256, which we do not use; its signature still proves our encoding."""
    envelope = read(ENVELOPE)
    raw = envelope.signatures[0].sig
    signature = encode_dss_signature(
        *(int.from_bytes(part, "big") for part in (raw[:32], raw[32:]))
    )
    key = ec.EllipticCurvePublicNumbers(X, Y, ec.SECP256R1()).public_key()

    key.verify(signature, pae(envelope.payload_type, envelope.payload), ec.ECDSA(hashes.SHA256()))

    assert (envelope.payload_type, envelope.payload) == (KIND, PAYLOAD)
    assert envelope.signatures[0].keyid == ""
    assert base64.b64encode(envelope.payload) == b"aGVsbG8gd29ybGQ="
