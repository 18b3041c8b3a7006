"""See before a node starts that the TLS files its settings name can be used, and say in a sentence which cannot."""

from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from mithaq.config import Config, InvalidConfig


class BadTlsFile(InvalidConfig):
    """A certificate or key that the settings name cannot be used; fact ``key`` names the setting."""

    code = "bad-tls-file"


def check(config: Config) -> None:
    """See that all TLS files of a node can be used.

    Raises:
        BadTlsFile: one cannot.
    """
    if config.tls is not None:
        check_pair(config.tls, ("tls_certificate", "tls_key"))
    if config.client is not None:
        check_pair(config.client, ("client_certificate", "client_key"))
    if config.authority is not None:
        _certificate(config.authority, "tls_client_ca")


def check_pair(files: tuple[Path, Path], settings: tuple[str, str]) -> None:
    """See that a certificate and a key can be read and belong together.

    Raises:
        BadTlsFile: they cannot, or do not.
    """
    certificate = _certificate(files[0], settings[0])
    setting, file = settings[1], files[1]
    try:
        key = load_pem_private_key(_read(file, setting), None)
    except TypeError as error:
        raise BadTlsFile(
            f"{setting}: {file} is under a passphrase, which nobody can type here", key=setting
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadTlsFile(f"{setting}: {file} holds no private key in PEM", key=setting) from error
    if _spki(certificate.public_key()) != _spki(key.public_key()):
        raise BadTlsFile(f"{setting}: {file} is not the key of {settings[0]}", key=setting)


def _certificate(file: Path, setting: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(_read(file, setting))[0]
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadTlsFile(f"{setting}: {file} holds no certificate in PEM", key=setting) from error


def _read(file: Path, setting: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadTlsFile(
            f"{setting}: {file} cannot be read: {error.strerror}", key=setting
        ) from error


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
