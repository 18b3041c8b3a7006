"""Values that tests of seals are made from."""

from datetime import UTC, datetime, timedelta

from mithaq.clock import text
from mithaq.model.canonical import digest
from mithaq.seal.documents import KEYS, ExchangeKey, KeyDocument, RootKey
from mithaq.seal.envelope import sign
from mithaq.seal.keys import encode, generate
from mithaq.seal.messages import Body, Put, Seal, Terms
from mithaq.seal.messages import encode as payload_of

NOW = datetime(2026, 3, 1, 12, 0, 0, 250000, tzinfo=UTC)
KEY = [generate() for _ in range(6)]  # three for roots, three for exchange
CHANNEL = "0123456789abcdef0123456789abcdef"


def exchange(signer, start=-1, days=60):
    """Return an exchange key that counts from ``start`` days after NOW."""
    since = NOW + timedelta(days=start)
    until = since + timedelta(days=days)
    return ExchangeKey(public=encode(signer.public), not_before=text(since), not_after=text(until))


def document(roots=None, threshold=2, **changed):
    """Return a sound key document: two of three roots, one exchange key."""
    values = {
        "realm": "live",
        "party": "aurelia",
        "organisation": "CERT Aurelia",
        "country": "AU",
        "version": 1,
        "issued": text(NOW - timedelta(days=1)),
        "expires": text(NOW + timedelta(days=365)),
        "roots": [RootKey(public=encode(k.public)) for k in (KEY[:3] if roots is None else roots)],
        "threshold": threshold,
        "exchange": [exchange(KEY[3])],
        "identities": ["identity--00000000-0000-4000-8000-000000000001"],
        "url": "https://aurelia.example",
        "standing": "single-root" if threshold == 1 else "full",
    }
    return KeyDocument(**values | changed)


def signed(written, *signers):
    """Return a key document's envelope."""
    return sign(KEYS, payload_of(written), *signers)


def put(view=b'{"a":1}', **changed):
    """Return the entry of ``view``."""
    values = {
        "id": "tool--00000000-0000-4000-8000-000000000001",
        "type": "tool",
        "modified": "2026-01-01T00:00:00.000Z",
        "digest": digest(view),
        "size": len(view),
        "com": "ab" * 32,
        "role": "owner",
        "onward": "none",
    }
    return Put(**values | changed)


def seal(*views, **changed):
    """Return a seal over ``views`` in order, and its body."""
    body = b"".join(views)
    values = {
        "realm": "live",
        "sender": "aurelia",
        "to": "borealis",
        "channel": CHANNEL,
        "agreement": Terms(id="a", version=1, digest=digest(b"agreement")),
        "seq": 1,
        "prev": "sha256:" + "0" * 64,
        "issued": text(NOW),
        "audit": "cd" * 32,
        "entries": [put(view) for view in views],
        "body": Body(digest=digest(body), size=len(body)) if body else None,
    }
    return Seal(**values | changed), body
