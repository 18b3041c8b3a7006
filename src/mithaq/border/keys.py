"""The next key document, ours and others': another exchange key, and those that count no longer (border.md 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq.border import peers, recall
from mithaq.border.channels import send_document
from mithaq.border.peers import document_of, publish_own
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.errors import Fault, InputError, Refused
from mithaq.model.canonical import Json
from mithaq.seal.documents import KEYS, MAX_WINDOW, ExchangeKey, KeyDocument, Reader, Revoked
from mithaq.seal.envelope import read, sign, union
from mithaq.seal.keys import Signer, decode, encode, keyid
from mithaq.seal.messages import encode as to_payload
from mithaq.store import inbound, objects, parties
from mithaq.store.inbound import Quarantined

OVERLAP = timedelta(days=7)  # how long the old key and the new one both count at most
LIFE = timedelta(days=365)  # of a document


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the next document says anew.

    Args:
        public: the new exchange key, 32 raw bytes, and from when it signs; empty: none.
        revoked: ids of keys that count no longer, for what is received from ``since`` on.
        readers: the whole list of persons for TLP:RED; None: as before.
    """

    public: bytes = b""
    begins: datetime | None = None
    revoked: Sequence[str] = ()
    since: datetime | None = None
    readers: Sequence[Reader] | None = None


def rotate(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, roots: Sequence[Signer], change: Change, now: datetime, *, by: str
) -> KeyDocument:
    """Sign our next key document, show it, and send it to every peer under the key that still counts.

    Raises:
        Refused: the root keys are not ours, or fewer than our threshold.
        InputError: a key to revoke is none that our document names.
    """
    held = document_of(unit, us.party)
    if held is None:
        raise Fault("no key document of our own", party=us.party)
    known = {root.keyid for root in roots} & held.root_keys.keys()
    if len(known) < held.threshold or len(known) < len(roots):
        raise Refused(
            f"a key document takes {held.threshold} of our root keys", threshold=held.threshold
        )
    document = _next(held, change, now)
    payload = to_payload(document)
    envelope = union([sign(KEYS, payload, root) for root in roots]).to_bytes()
    publish_own(unit, envelope, document, now, by=by)
    for peer in parties.all_peers(unit):
        if peer.kind == "node" and peer.state == "confirmed":
            send_document(unit, us, peer.name, (KEYS, envelope), now)
    return document


def learn(unit: Connection, us: Us, party: str, raw: bytes, now: datetime) -> int:
    """Take the next version of a peer's key document; set aside what came under a key that it revokes.

    What was received since the instant it names is not to be believed, whenever it says to have been made: a thief
    of the key backdates (border.md 9.3). Our people find it in quarantine, with the code ``key-revoked``.

    Returns:
        how many objects were set aside.

    Raises:
        PeerError: it does not follow the one we hold, or claims another nation's identity.
    """
    before = document_of(unit, party)
    document = peers.learn(unit, party, raw, now)
    known = {(entry.key, entry.since) for entry in before.revoked} if before else set()
    return sum(
        _distrust(unit, us, party, entry, now)
        for entry in document.revoked
        if (entry.key, entry.since) not in known
    )


def _distrust(unit: Connection, us: Us, party: str, gone: Revoked, now: datetime) -> int:
    doubtful = [
        copy
        for copy in objects.vouched_since(unit, party, gone.since)
        if gone.key in _signers(copy.proof)
    ]
    aside = [
        Quarantined(
            at=text(now),
            voucher=copy.sent_by or party,
            origin=copy.agreement,
            id=copy.object.id,
            type=copy.object.type,
            version=copy.object.version,
            digest=copy.object.digest,
            code="key-revoked",
            where="",
            body=copy.object.raw,
        )
        for copy in doubtful
    ]
    inbound.set_aside(unit, aside)
    recall.erase(unit, us, doubtful, now)
    facts: dict[str, Json] = {"key": gone.key, "since": gone.since, "objects": len(aside)}
    peers.administrative(unit, now, "key-revoked", party, facts)
    return len(aside)


def _signers(proof: str) -> set[str]:
    """Return the ids of the keys that signed the batch which a copy came by."""
    shown = msgspec.json.decode(proof) if proof else {}
    batch = read(str(shown["batch"]).encode()) if shown else None
    return {signature.keyid for signature in batch.signatures} if batch else set()


def _next(held: KeyDocument, change: Change, now: datetime) -> KeyDocument:
    named = {keyid(decode(key.public)) for key in held.exchange}
    unknown = sorted(set(change.revoked) - named)
    if unknown:
        raise InputError(f"our key document names no key {', '.join(unknown)}", key=unknown[0])
    since = text(change.since or now)
    gone = [Revoked(key=name, since=since) for name in change.revoked]
    before = [each for each in held.revoked if each.key not in change.revoked]
    return msgspec.structs.replace(
        held,
        version=held.version + 1,
        issued=text(max(now, parse(held.issued))),
        expires=text(now + LIFE),
        exchange=_exchange(held, change, now),
        readers=held.readers if change.readers is None else list(change.readers),
        revoked=[*before, *gone],
    )


def _exchange(held: KeyDocument, change: Change, now: datetime) -> list[ExchangeKey]:
    """Return the keys that still count, the old ones a week longer than the new one's begin at most."""
    left = [
        key
        for key in held.exchange
        if key.not_after > text(now) and keyid(decode(key.public)) not in change.revoked
    ]
    if change.begins is None:
        return left
    until = text(change.begins + OVERLAP)
    new = ExchangeKey(
        public=encode(change.public),
        not_before=text(change.begins),
        not_after=text(change.begins + MAX_WINDOW),
    )
    old = (key for key in left if key.not_before < until)
    kept = [msgspec.structs.replace(key, not_after=min(key.not_after, until)) for key in old]
    return [*kept, new]
