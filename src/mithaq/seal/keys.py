"""Ed25519 keys: who signs, and which keys of a nation count now."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from mithaq.errors import InputError


class BadKey(InputError):
    """A key file cannot be read: no Ed25519 key, or a wrong passphrase."""

    code = "bad-key"


class Signer(Protocol):
    """Something that signs: a key in a file, or an HSM."""

    @property
    def keyid(self) -> str:
        """``sha256:`` and the digest of the raw public key."""
        ...

    @property
    def public(self) -> bytes:
        """The raw public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature of ``message``, 64 bytes."""
        ...


@dataclass(frozen=True, slots=True)
class KeySigner:
    """A private key held in memory."""

    _key: Ed25519PrivateKey

    @property
    def keyid(self) -> str:
        """See ``Signer``."""
        return keyid(self.public)

    @property
    def public(self) -> bytes:
        """See ``Signer``."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """See ``Signer``."""
        return self._key.sign(message)

    def pem(self, passphrase: str = "") -> bytes:
        """Return the key as PKCS #8 PEM, encrypted if there is a passphrase."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
        )


def generate() -> KeySigner:
    """Return a fresh key."""
    return KeySigner(Ed25519PrivateKey.generate())


def from_pem(pem: bytes, passphrase: str = "") -> KeySigner:
    """Read a PKCS #8 PEM key.

    Raises:
        BadKey: it is no Ed25519 key, or the passphrase is wrong or missing.
    """
    try:
        key = serialization.load_pem_private_key(pem, passphrase.encode() or None)
    except (ValueError, TypeError) as error:
        raise BadKey("the key cannot be read; is the passphrase right?") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKey("not an Ed25519 key")
    return KeySigner(key)


def public_pem(public: bytes) -> bytes:
    """Write a raw public key as SubjectPublicKeyInfo in PEM."""
    return Ed25519PublicKey.from_public_bytes(public).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def public_from_pem(pem: bytes) -> bytes:
    """Read a raw public key from PEM.

    Raises:
        BadKey: it is no Ed25519 public key.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKey("not an Ed25519 key")
    return key.public_bytes_raw()


def keyid(public: bytes) -> str:
    """Return the name of a raw public key."""
    return "sha256:" + hashlib.sha256(public).hexdigest()


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether ``signature`` over ``message`` is by the key ``public``; malformed is false."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def encode(raw: bytes) -> str:
    """Write bytes as base64."""
    return base64.b64encode(raw).decode()


def decode(written: str) -> bytes:
    """Read strict base64: no blanks, no missing padding, no spare bits.

    Raises:
        InputError: it is not the one encoding of its bytes.
    """
    try:
        raw = binascii.a2b_base64(written, strict_mode=True)
    except ValueError as error:
        raise InputError("not base64") from error
    if encode(raw[-(len(raw) % 3 or 3) :]) != written[-4:]:
        raise InputError("not strict base64")
    return raw
