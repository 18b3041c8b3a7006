"""What a node says of a peer that answers with a certificate nobody vouches for."""

import ssl
import threading
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from socket import create_server

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from mithaq.cli.problems import in_words
from mithaq.exchange.transport import HttpWire
from mithaq.exchange.wire import PeerUnreachable, Request


def self_signed(folder):
    key = Ed25519PrivateKey.generate()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "borea.example")])
    now = datetime.now(UTC)  # noqa: TID251 certificates count by the wall clock
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, None)
    )
    file = folder / "both.pem"
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(key.private_bytes(pem, *plain) + made.public_bytes(pem))
    return file


@contextmanager
def speaking_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listening = create_server(("127.0.0.1", 0))

    def answer():
        calling, _ = listening.accept()
        with calling, suppress(OSError):  # the caller has hung up
            context.wrap_socket(calling, server_side=True).close()

    thread = threading.Thread(target=answer)
    thread.start()
    yield listening.getsockname()[1]
    thread.join()
    listening.close()


def cause_at(url):
    wire = HttpWire(timeout_seconds=5)
    with pytest.raises(PeerUnreachable) as raised:
        wire.send(Request(method="GET", url=url), 1024)
    wire.close()
    return raised.value.facts["cause"]


def test_a_certificate_nobody_vouches_for_is_named_as_the_cause(tmp_path):
    with speaking_tls(self_signed(tmp_path)) as port:
        cause = cause_at(f"https://127.0.0.1:{port}/")

    assert cause == "certificate"


@pytest.mark.parametrize("language", ["en", "fr", "ar"])
def test_who_does_not_answer_is_named_with_the_reason_and_without_the_path(language):
    with create_server(("127.0.0.1", 0)) as taken:
        node = f"http://127.0.0.1:{taken.getsockname()[1]}"

    wire = HttpWire(timeout_seconds=5)
    with pytest.raises(PeerUnreachable) as raised:
        wire.send(Request(method="GET", url=f"{node}/mithaq/keys/"), 1024)
    wire.close()

    said = in_words(str(raised.value), language)
    assert node in said
    assert "/mithaq/keys/" not in said
    assert "refused" in said
    assert ("no answer from" in said) == (language == "en")


def test_where_nobody_answers_no_certificate_is_to_blame():
    with create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    cause = cause_at(f"https://127.0.0.1:{port}/")

    assert cause == ""


def test_an_address_that_is_none_is_nobody_who_could_be_reached():
    """As a server may name one that is examined, or a peer in its key document."""
    with pytest.raises(PeerUnreachable):
        HttpWire().send(Request(method="GET", url="http://127.0.0.1:9/\x01", headers={}), 10)
