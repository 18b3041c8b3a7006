"""Key documents: which keys speak for a nation, signed by its root (border.md 9.1)."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from mithaq.clock import parse as instant
from mithaq.clock import text
from mithaq.countries import is_country
from mithaq.errors import InputError
from mithaq.model.ids import NAME
from mithaq.model.kinds import IDENTIFIER
from mithaq.seal.envelope import BadEnvelope, Envelope, payload_type, signed_by, verify
from mithaq.seal.keys import decode as base64
from mithaq.seal.keys import generate, keyid
from mithaq.seal.messages import BadMessage, Digest, Instant, Message, Number, decode

KEYS = payload_type("keys")
MAX_BYTES = 64 << 10
KEY_BYTES = 32  # of a raw Ed25519 key
MAX_WINDOW = timedelta(days=90)
_NOBODY = generate().public


class BadKeyDocument(BadMessage):
    """A key document that must not be accepted; fact ``cause`` says why."""

    code = "bad-key-document"


class RootKey(Message, frozen=True, kw_only=True):
    """A root key: raw Ed25519 in base64."""

    public: str


class ExchangeKey(Message, frozen=True, kw_only=True):
    """An online key and when it counts, at most 90 days."""

    public: str
    not_before: Instant
    not_after: Instant


class Revoked(Message, frozen=True, kw_only=True):
    """A key that no longer counts, for what was received from ``since`` on."""

    key: Digest
    since: Instant


class Reader(Message, frozen=True, kw_only=True):
    """A person who may be named for TLP:RED (border.md 2.4)."""

    id: str
    name: str
    role: str


class KeyDocument(Message, frozen=True, kw_only=True):
    """One version of a nation's key document; exact bytes are what is signed and compared."""

    realm: str
    party: str
    organisation: str
    country: str
    version: Number
    begins: Number = (
        1  # the version whose words people compare: a nation that lost its roots begins anew
    )
    issued: Instant
    expires: Instant
    roots: list[RootKey]
    threshold: Number
    exchange: list[ExchangeKey]
    spki_pins: list[Digest] = msgspec.field(default_factory=list)  # of TLS certificates' keys
    identities: list[str]
    readers: list[Reader] = msgspec.field(default_factory=list)
    url: str
    revoked: list[Revoked] = msgspec.field(default_factory=list)
    standing: Literal["full", "single-root"] = "full"  # single-root: 1 of 1, with a lasting warning

    @property
    def root_keys(self) -> dict[str, bytes]:
        """Raw root keys by key id."""
        return _by_id([root.public for root in self.roots])

    def exchange_keys(self, now: datetime) -> dict[str, bytes]:
        """Return the exchange keys that count at ``now``, raw, by key id."""
        at = text(now)
        gone = {entry.key for entry in self.revoked if entry.since <= at}
        live = [k.public for k in self.exchange if k.not_before <= at < k.not_after]
        return {name: raw for name, raw in _by_id(live).items() if name not in gone}

    def all_exchange_keys(self) -> dict[str, bytes]:
        """Return every exchange key named, whatever its window: for proofs over what was signed then."""
        return _by_id([key.public for key in self.exchange])

    @property
    def ends(self) -> dict[str, str]:
        """By key id, from when on each exchange key counts no more, nor all of them with the document."""
        found: dict[str, str] = {}
        for key in sorted(self.exchange, key=lambda each: each.not_after):
            found[keyid(base64(key.public))] = min(key.not_after, self.expires)
        return found

    def expired(self, now: datetime) -> bool:
        """Say whether the document no longer counts; then nothing of its nation is admitted."""
        return text(now) >= self.expires


def _by_id(publics: list[str]) -> dict[str, bytes]:
    raws = [base64(public) for public in publics]
    return {keyid(raw): raw for raw in raws}


def first(envelope: Envelope) -> KeyDocument:
    """Read a nation's first document as we meet it: it is signed by the root it names itself.

    Raises:
        BadKeyDocument, BadEnvelope: it must not be accepted.
    """
    document = _read(envelope)
    verify(envelope, KEYS, document.root_keys, document.threshold)
    return document


def following(previous: KeyDocument, envelope: Envelope) -> KeyDocument:
    """Read the next version: signed by its own root threshold and by the one before.

    Raises:
        BadKeyDocument, BadEnvelope: it must not be accepted.
    """
    document = _read(envelope)
    if not _is_next(previous, document):
        raise BadKeyDocument("not the next version", cause="version")
    if document.begins != previous.begins:
        raise BadKeyDocument("it begins anew, and no root before vouches for it", cause="anew")
    verify(envelope, KEYS, document.root_keys, document.threshold)
    verify(envelope, KEYS, previous.root_keys, previous.threshold)
    return document


def follows(previous: KeyDocument | None, envelope: Envelope) -> bool:
    """Say whether an envelope holds what follows ``previous``; never without one, and that takes as long.

    Each signature is verified once, against the root that it names or against a key that nobody has: whoever
    brings a document does not learn by the time whether we know whose it is.

    Raises:
        BadKeyDocument, BadEnvelope: it is no key document, whoever we know.
    """
    document = _read(envelope)
    before = document if previous is None else previous
    roots = document.root_keys | before.root_keys
    keys = {s.keyid: roots.get(s.keyid, _NOBODY) for s in envelope.signatures}
    good = signed_by(envelope, keys)
    vouched = [len(good & each.root_keys.keys()) >= each.threshold for each in (document, before)]
    return _is_next(before, document) and document.begins == before.begins and all(vouched)


def _is_next(previous: KeyDocument, document: KeyDocument) -> bool:
    same = (document.party, document.realm) == (previous.party, previous.realm)
    return same and document.version == previous.version + 1


def unverified(envelope: Envelope) -> KeyDocument:
    """Read a document already verified when it was stored."""
    return _read(envelope)


def fingerprint(payload: bytes) -> bytes:
    """Return the digest whose words people compare: of a nation's first document (32 bytes)."""
    return hashlib.sha256(payload).digest()


def _read(envelope: Envelope) -> KeyDocument:
    if envelope.payload_type != KEYS or len(envelope.payload) > MAX_BYTES:
        raise BadEnvelope("no key document", cause="payload-type")
    document = decode(envelope.payload, KeyDocument)
    if document.begins > document.version:
        raise BadKeyDocument("it begins after itself", cause="version")
    try:
        _check(document)
    except InputError as error:
        raise BadKeyDocument("a key document with a bad field", cause="field") from error
    return document


_ADDRESS = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+(?:/[A-Za-z0-9._~/-]*)?")
_TURNING = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]"
)  # controls; and what turns text round


def _check_names(document: KeyDocument) -> None:
    """Check what names a nation: it stands in paths and on screens, and requests go to its address."""
    if not NAME.fullmatch(document.party):
        raise BadKeyDocument("a name that is none", cause="name")
    if not is_country(document.country):
        raise BadKeyDocument("a country that is none", cause="country")
    if not _ADDRESS.fullmatch(document.url):
        raise BadKeyDocument("an address that is none", cause="url")
    shown = (
        text_ for reader in document.readers for text_ in (reader.id, reader.name, reader.role)
    )
    if any(_TURNING.search(text_) for text_ in (document.organisation, *shown)):
        raise BadKeyDocument("a text that screens show as another", cause="text")


def _check(document: KeyDocument) -> None:
    _check_names(document)
    roots = document.root_keys
    if document.threshold > len(roots) or len(roots) != len(document.roots):
        raise BadKeyDocument("threshold and root keys do not fit", cause="threshold")
    if (document.threshold == 1) != (document.standing == "single-root"):
        raise BadKeyDocument("one key suffices and that is not said", cause="standing")
    if any(
        len(raw) != KEY_BYTES for raw in (*roots.values(), *document.all_exchange_keys().values())
    ):
        raise BadKeyDocument("a key of another length", cause="key")
    if instant(document.expires) <= instant(document.issued):
        raise BadKeyDocument("a document that never counts", cause="expires")
    for entry in document.revoked:
        instant(entry.since)
    for key in document.exchange:
        span = instant(key.not_after) - instant(key.not_before)
        if not timedelta(0) < span <= MAX_WINDOW:
            raise BadKeyDocument("an exchange key for more than 90 days", cause="window")
    for identity in document.identities:
        found = IDENTIFIER.fullmatch(identity)
        if found is None or found["type"] != "identity":
            raise BadKeyDocument("an identity id that is none", cause="identities")
