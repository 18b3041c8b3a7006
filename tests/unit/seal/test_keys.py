"""Ed25519 keys and the one way to write bytes as base64."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from mithaq.errors import InputError
from mithaq.seal.keys import BadKey, decode, encode, from_pem, generate, keyid, verifies


def test_a_key_survives_its_pem_with_and_without_passphrase():
    key = generate()

    for passphrase in ("", "correct horse"):
        again = from_pem(key.pem(passphrase), passphrase)
        assert again.public == key.public
        assert again.keyid == keyid(key.public) == key.keyid


def test_a_passphrase_hides_the_key():
    pem = generate().pem("correct horse")

    assert b"ENCRYPTED" in pem
    for wrong in ("", "wrong"):
        with pytest.raises(BadKey):
            from_pem(pem, wrong)


def test_only_an_ed25519_key_is_one():
    other = ec.generate_private_key(ec.SECP256R1())
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    for raw in (pem, b"", b"-----BEGIN PRIVATE KEY-----\n"):
        with pytest.raises(BadKey):
            from_pem(raw)


def test_a_key_is_named_by_the_digest_of_its_raw_bytes():
    key = generate()

    assert key.keyid == "sha256:" + hashlib.sha256(key.public).hexdigest()
    assert len(key.public) == 32


@given(st.binary(max_size=80), st.binary(min_size=64, max_size=64))
def test_a_signature_holds_for_its_message_and_key_alone(message, noise):
    key, other = generate(), generate()
    signature = key.sign(message)

    assert verifies(key.public, message, signature)
    assert not verifies(key.public, message + b"x", signature)
    assert not verifies(other.public, message, signature)
    assert not verifies(key.public, message, noise)


@pytest.mark.parametrize(
    ("public", "signature"), [(b"", b""), (b"x" * 31, b"y" * 64), (b"x" * 32, b"")]
)
def test_what_is_no_key_or_signature_verifies_nothing_and_raises_nothing(public, signature):
    assert not verifies(public, b"", signature)


@given(st.binary(max_size=40))
def test_bytes_survive_base64(raw):
    assert decode(encode(raw)) == raw
    assert encode(raw) == base64.b64encode(raw).decode()


@given(st.text("QUJDRA=+/-_ \n", max_size=9))
def test_only_the_one_encoding_of_its_bytes_is_read(written):
    """Whatever Python reads leniently but would write otherwise is refused."""
    try:
        raw = decode(written)
    except InputError:
        return
    assert base64.b64encode(raw).decode() == written


@pytest.mark.parametrize(
    "written", ["QQ", "QR==", "QQ=", "QQ==\n", " QQ==", "Q-_=", "QQ==QQ==", "é"]
)
def test_blanks_missing_padding_spare_bits_and_other_alphabets_are_refused(written):
    with pytest.raises(InputError):
        decode(written)
