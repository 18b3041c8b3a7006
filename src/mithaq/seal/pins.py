"""Pins of TLS certificates: the digest of a certificate's public key, whoever issued it (border.md 9.1)."""

import hashlib

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from mithaq.errors import InputError
from mithaq.seal.messages import is_digest


class NoCertificate(InputError):
    """Neither a certificate nor a public key in PEM, nor a pin."""

    code = "no-certificate"


def pin(certificate: x509.Certificate) -> str:
    """Return the pin of a certificate: it stays when the certificate is renewed over the same key."""
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "sha256:" + hashlib.sha256(spki).hexdigest()


def pin_of_der(certificate: bytes) -> str:
    """Return the pin of a certificate in DER; empty if its key cannot be read."""
    try:
        return pin(x509.load_der_x509_certificate(certificate))
    except (ValueError, UnsupportedAlgorithm):
        return ""


def pin_of_pem(pem: bytes) -> str:
    """Return the pin of the first certificate in a PEM file.

    Raises:
        NoCertificate: there is none in it.
    """
    try:
        return pin(x509.load_pem_x509_certificate(pem))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise NoCertificate("no certificate in PEM") from error


def checked(written: str) -> str:
    """Return a pin as it is written, ``sha256:`` and 64 digits.

    Raises:
        NoCertificate: it is none.
    """
    if not is_digest(written):
        raise NoCertificate("no pin: sha256: and 64 hexadecimal digits")
    return written
