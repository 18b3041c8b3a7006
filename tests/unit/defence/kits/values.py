"""A node that makes kits, without a store."""

from datetime import timedelta

from mithaq.clock import text
from mithaq.defence.kits.pack import Line, Manifest, made
from mithaq.defence.kits.result import public
from mithaq.seal.documents import fingerprint
from mithaq.seal.words import words
from tests.unit.seal.values import KEY, NOW, document, signed

SECRET = b"\x07" * 32
MADE = NOW + timedelta(hours=1)
DOCUMENT = signed(document(), *KEY[:2])
WORDS = " ".join(words(fingerprint(DOCUMENT.payload)))
LINES = (
    Line(number=1, kind="stix", title="a", tlp="AMBER", text="[domain-name:value = 'a.example']"),
    Line(number=2, kind="stix", title="b", tlp="GREEN", text="[ipv4-addr:value = '192.0.2.7']"),
)


def manifest(**changed):
    """Return the manifest of a sound kit."""
    values = {
        "name": "ab" * 16,
        "sender": "aurelia",
        "organisation": "CERT Aurelia",
        "to": "water",
        "made": text(MADE),
        "until": text(MADE + timedelta(days=30)),
        "up_to": "AMBER",
        "seal": public(SECRET),
        "files": {},
    }
    return Manifest(**values | changed)


def kit(lines=LINES, *, signer=KEY[3], keys=(DOCUMENT,), **changed):
    """Return the bytes of a kit."""
    chain = [each.to_bytes() for each in keys]
    return made(manifest(**changed), lines, {"README.en.txt": "Read.\n"}, chain, signer)[0]
