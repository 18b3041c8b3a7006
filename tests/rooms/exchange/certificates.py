"""Certificates for tests of TLS: of their own making, or issued by an authority."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mithaq import clock
from mithaq.seal.pins import pin


class Made:
    """A certificate and its key, in memory and in PEM files."""

    def __init__(self, folder, name, *, issuer=None, days=(-1, 1), authority=False, key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = clock.now()
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name if issuer else self.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        self.certificate = builder.sign((issuer or self).key, hashes.SHA256())
        self.pin = pin(self.certificate)
        self.files = folder / f"{name}.pem", folder / f"{name}.key"
        pem = serialization.Encoding.PEM
        above = issuer.chain if issuer else b""
        self.chain = self.certificate.public_bytes(pem) + above
        self.files[0].write_bytes(self.chain)
        self.files[1].write_bytes(
            self.key.private_bytes(
                pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
