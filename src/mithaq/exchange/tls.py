"""TLS towards peers: certificates count by the pins of their key documents, else by the system (border.md 9.1)."""

import ssl
from pathlib import Path

import httpx2
from cryptography import x509

from mithaq.clock import now
from mithaq.seal.pins import pin_of_der


class _Socket(ssl.SSLSocket):
    """Judges the certificate when the handshake is done, before anything is sent."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 the library's own form
        """Do the handshake.

        Raises:
            ssl.SSLCertVerificationError: the certificate bears no pin that counts, or has expired.
        """
        super().do_handshake(block)
        if isinstance(self.context, Pinned):
            self.context.judge(self.getpeercert(binary_form=True) or b"")


class Pinned(ssl.SSLContext):
    """Takes certificates by their pins, whoever issued them and for whatever name; without pins takes any."""

    sslsocket_class = _Socket
    pins: frozenset[str] = frozenset()
    seen: str = ""  # the pin of the last one

    def judge(self, certificate: bytes) -> None:
        """Go on only with a certificate that counts.

        Raises:
            ssl.SSLCertVerificationError: it does not.
        """
        self.seen = pin_of_der(certificate)
        if not self.pins:
            return
        if self.seen not in self.pins:
            raise ssl.SSLCertVerificationError(1, "its key document pins other certificates")
        read = x509.load_der_x509_certificate(certificate)
        if not read.not_valid_before_utc <= now() < read.not_valid_after_utc:
            raise ssl.SSLCertVerificationError(1, "the certificate is not valid now")


def context(pins: frozenset[str], identity: tuple[Path, Path] | None) -> ssl.SSLContext:
    """Return how a peer is met: by its pins, or, without any, as the system trusts.

    Args:
        identity: files of our certificate and its key, shown to whoever asks.
    """
    made = _pinned(pins) if pins else httpx2.create_ssl_context(trust_env=False)
    return _with(made, identity)


def vouched_for(authorities: str) -> ssl.SSLContext:
    """Return how a server is met that some authorities vouch for, and nobody else.

    Args:
        authorities: their certificates, as PEM.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_verify_locations(cadata=authorities)
    return made


def anybody(identity: tuple[Path, Path] | None) -> Pinned:
    """Return how a stranger's key document is fetched: it proves itself, so no certificate is asked to."""
    made = _pinned(frozenset())
    _with(made, identity)
    return made


def _pinned(pins: frozenset[str]) -> Pinned:
    made = Pinned(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE  # judged by ``judge``
    made.pins = pins
    return made


def _with(made: ssl.SSLContext, identity: tuple[Path, Path] | None) -> ssl.SSLContext:
    if identity is not None:
        made.load_cert_chain(*identity)
    return made
