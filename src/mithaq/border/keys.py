"""The next key document, ours and others': another exchange key, and those that count no longer (border.md 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq.border import heartbeats, peers, recall
from mithaq.border.channels import send_document
from mithaq.border.kept import Proofs
from mithaq.border.peers import document_of, publish_own
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.errors import Conflict, Fault, InputError, Refused
from mithaq.model.canonical import Json
from mithaq.seal import drafts
from mithaq.seal.documents import (
    KEYS,
    MAX_WINDOW,
    ExchangeKey,
    KeyDocument,
    Reader,
    Revoked,
    RootKey,
    first,
    following,
    unverified,
)
from mithaq.seal.drafts import Draft
from mithaq.seal.envelope import Envelope, read
from mithaq.seal.keys import Signer, decode, encode, keyid
from mithaq.seal.messages import Doc, Put, Recall, Receipt, Seal
from mithaq.seal.messages import decode as to_seal
from mithaq.store import channels, inbound, objects, parties
from mithaq.store.inbound import Quarantined
from mithaq.store.journal import keep, setting

OVERLAP = timedelta(days=7)  # how long the old key and the new one both count at most
LIFE = timedelta(days=365)  # of a document


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the next document says anew.

    Args:
        public: the new exchange key, 32 raw bytes, and from when it signs; empty: none.
        revoked: ids of keys that count no longer, for what is received from ``since`` on.
        readers: the whole list of persons for TLP:RED; None: as before.
        roots: the whole list of raw root keys; None: as before.
        threshold: how many root keys must sign; 0: as before.
        pins: the whole list of pins of TLS certificates; None: as before.
        identities: ids of identities that are ours too.
        url: where we are reached; empty: as before.
        anew: begin anew, with new words: too few of our root keys are left.
    """

    public: bytes = b""
    begins: datetime | None = None
    revoked: Sequence[str] = ()
    since: datetime | None = None
    readers: Sequence[Reader] | None = None
    roots: Sequence[bytes] | None = None
    threshold: int = 0
    pins: Sequence[str] | None = None
    identities: Sequence[str] = ()
    url: str = ""
    anew: bool = False


def draft(unit: Connection, us: Us, change: Change, now: datetime) -> Draft:
    """Return the draft of our next key document, to be carried to the root keys.

    Raises:
        InputError: a key to revoke is none that our document names, or no document could say this.
    """
    held, document = _newest(unit, us)
    return drafts.new(_next(document, change, now), None if change.anew else held)


def publish(unit: Connection, us: Us, signed: Draft, now: datetime, *, by: str) -> KeyDocument:
    """Show our next key document; the worker brings it to every peer (``announce``).

    Raises:
        Conflict: it follows another document than our newest.
        Refused: fewer root keys have signed than the two thresholds ask.
    """
    _, held = _newest(unit, us)
    if signed.document.version != held.version + 1:
        raise Conflict(
            f"our newest key document is version {held.version}: propose anew", version=held.version
        )
    left = drafts.lacking(signed)
    if not left.nothing:
        raise Refused(
            f"signatures missing: {left.before} of our root keys, {left.own} of those it names",
            before=left.before,
            own=left.own,
        )
    anew = signed.document.begins != held.begins
    document = first(signed.envelope) if anew else following(held, signed.envelope)
    envelope = signed.envelope.to_bytes()
    publish_own(unit, envelope, document, now, by=by)
    if anew:
        for peer in parties.all_peers(unit):
            heartbeats.begin_anew(unit, peer.name)
    return document


def announced(unit: Connection) -> int:
    """Return the version of our key document that was last sent to every peer."""
    return int(setting(unit, "announced", "1"))


def announce(unit: Connection, us: Us, now: datetime) -> None:
    """Send our newest key document to every peer, sealed by the key that signs from it on.

    That a peer takes the seal does not matter: the document itself is brought there too, and its roots vouch for it.
    """
    envelope, document = _newest(unit, us)
    for peer in parties.all_peers(unit):
        if peer.kind == "node" and peer.state == "confirmed":
            send_document(unit, us, peer.name, (KEYS, envelope.to_bytes()), now)
    keep(unit, "announced", str(document.version))


def lacking(unit: Connection, us: Us, peer: str) -> list[bytes]:
    """Return the key documents of ours that a peer has not said it holds, one version after the other."""
    held = heartbeats.knows(unit, peer)
    ours = parties.key_document_envelopes(unit, us.party)
    return [raw for version, raw in ours.items() if version > max(held, min(ours))]


def rotate(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, roots: Sequence[Signer], change: Change, now: datetime, *, by: str
) -> KeyDocument:
    """Sign our next key document with root keys that are at hand, and publish it.

    Raises:
        Refused: the root keys are not ours, or fewer than our threshold.
        InputError: a key to revoke is none that our document names.
    """
    made = draft(unit, us, change, now)
    for root in roots:
        made = drafts.signed(made, root)
    return publish(unit, us, made, now, by=by)


def _newest(unit: Connection, us: Us) -> tuple[Envelope, KeyDocument]:
    held = parties.key_document_envelopes(unit, us.party)
    if not held:
        raise Fault("no key document of our own", party=us.party)
    envelope = read(held[max(held)])
    return envelope, unverified(envelope)


def learn(unit: Connection, us: Us, party: str, raw: bytes, now: datetime) -> int:
    """Take the next version of a peer's key document; set aside what came under a key that it revokes.

    What was received since the instant it names is not to be believed, whenever it says to have been made: a thief
    of the key backdates (border.md 9.3). Our people find it in quarantine, with the code ``key-revoked``.

    Returns:
        how many objects were set aside.

    Raises:
        PeerError: it does not follow the one we hold, or claims another nation's identity.
    """
    known = _revoked_before(unit, party)
    document = peers.learn(unit, party, raw, now)
    keep(unit, f"heartbeat:{party}", "")  # it is told at once that we hold it
    return sum(
        _distrust(unit, us, party, entry, now)
        for entry in document.revoked
        if (entry.key, entry.since) not in known
    )


def renew(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    name: str,
    chain: Sequence[bytes],
    typed: str,
    now: datetime,
    *,
    by: str,
) -> KeyDocument:
    """Go on with a peer whose root keys are lost, by the words of its new first document (border.md 9.3).

    Args:
        chain: its documents, from the new first one to the newest.

    Raises:
        WrongWords: they are not the words of the new first document; nothing is kept.
        PeerError: the documents must not be accepted; Conflict: it does not begin anew.
    """
    known = _revoked_before(unit, name)
    document = peers.renew(unit, name, chain, typed, now, by=by)
    for entry in document.revoked:
        if (entry.key, entry.since) not in known:
            _distrust(unit, us, name, entry, now)
    keep(unit, f"heartbeat:{name}", "")
    return document


def _revoked_before(unit: Connection, party: str) -> set[tuple[str, str]]:
    document = document_of(unit, party)
    return {(entry.key, entry.since) for entry in document.revoked} if document else set()


def _distrust(unit: Connection, us: Us, party: str, gone: Revoked, now: datetime) -> int:
    shown = Proofs(unit)
    doubtful = [
        copy
        for copy in objects.vouched_since(unit, party, gone.since)
        if gone.key in _signers(shown, copy.proof)
    ]
    doubtful += _beyond_heads(unit, party, gone)
    aside = [
        Quarantined(
            at=text(now),
            voucher=copy.sent_by,
            origin=copy.agreement,
            agreement=copy.agreement,
            id=copy.object.id,
            type=copy.object.type,
            version=copy.object.version,
            digest=copy.object.digest,
            code="key-revoked",
            where=gone.key,
            body=copy.object.raw,
        )
        for copy in doubtful
    ]
    inbound.set_aside(unit, aside)
    recall.erase(unit, us, doubtful, now)
    facts: dict[str, Json] = {"key": gone.key, "since": gone.since, "objects": len(aside)}
    peers.administrative(unit, now, "key-revoked", party, facts)
    return len(aside)


def _beyond_heads(unit: Connection, party: str, gone: Revoked) -> list[objects.Copy]:
    """Return what came before the instant, sealed by that key, beyond what a heartbeat had said by then."""
    found: dict[int, objects.Copy] = {}
    for channel in channels.of_peer(unit, party, "in"):
        head = inbound.head_before(unit, party, channel.id, gone.since)
        for raw in inbound.accepted_after(unit, channel.id, head):
            envelope = read(raw)
            if gone.key not in {signature.keyid for signature in envelope.signatures}:
                continue
            for entry in to_seal(envelope.payload, Seal).entries:
                if isinstance(entry, Put):
                    found |= {
                        copy.seq: copy
                        for copy in objects.of_id(unit, entry.id)
                        if (copy.voucher, copy.sent_by, copy.agreement)
                        == (party, party, channel.agreement)
                        and copy.object.digest == entry.digest
                        and copy.received_at < gone.since
                    }
    return [*found.values()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """One thing that was sent under a key, or came under it and was set aside."""

    peer: str
    agreement: str
    kind: str  # release | recall | receipt | document
    id: str = ""
    version: str = ""
    at: str


def touched(unit: Connection, us: Us, key: str, since: str) -> list[Touched]:
    """List what a key touches since an instant: what we sealed by ours, or what a peer's revocation set aside."""
    if key in peers.every_key_of(unit, us.party):
        return [each for sent in channels.sent_since(unit, since) for each in _sealed(key, sent)]
    return [
        Touched(
            peer=aside.voucher,
            agreement=aside.agreement,
            kind="release",
            id=aside.id,
            version=aside.version,
            at=aside.at,
        )
        for aside in inbound.in_quarantine_for(unit, "key-revoked", key)
        if aside.at >= since
    ]


def _sealed(key: str, sent: tuple[channels.Channel, channels.Parcel, str]) -> list[Touched]:
    channel, parcel, at = sent
    envelope = read(parcel.envelope)
    if key not in {signature.keyid for signature in envelope.signatures}:
        return []
    found: list[Touched] = []
    for entry in to_seal(envelope.payload, Seal).entries:
        kind = _KINDS[type(entry)]
        named = (entry.id, entry.modified) if isinstance(entry, Put) else ("", "")
        where = {"peer": channel.peer, "agreement": channel.agreement, "at": at}
        found.append(Touched(**where, kind=kind, id=named[0], version=named[1]))
    return found


_KINDS = {Put: "release", Recall: "recall", Receipt: "receipt", Doc: "document"}


def _signers(proofs: Proofs, proof: str) -> set[str]:
    """Return the ids of the keys that signed the batch which a copy came by."""
    signed = read(proofs.batch(proof).encode()).signatures if proof else ()
    return {signature.keyid for signature in signed}


def _next(held: KeyDocument, change: Change, now: datetime) -> KeyDocument:
    named = {keyid(decode(key.public)) for key in held.exchange}
    unknown = sorted(set(change.revoked) - named)
    if unknown:
        raise InputError(f"our key document names no key {', '.join(unknown)}", key=unknown[0])
    since = text(change.since or now)
    gone = [Revoked(key=name, since=since) for name in change.revoked]
    roots = held.roots
    if change.roots is not None:
        roots = [RootKey(public=encode(raw)) for raw in change.roots]
    threshold = change.threshold or held.threshold
    return msgspec.structs.replace(
        held,
        version=held.version + 1,
        begins=held.version + 1 if change.anew else held.begins,
        issued=text(max(now, parse(held.issued))),
        expires=text(now + LIFE),
        roots=roots,
        threshold=threshold,
        standing="single-root" if threshold == 1 else "full",
        exchange=_exchange(held, change, now),
        spki_pins=held.spki_pins if change.pins is None else list(change.pins),
        identities=list(dict.fromkeys([*held.identities, *change.identities])),
        url=change.url.rstrip("/") or held.url,
        readers=held.readers if change.readers is None else list(change.readers),
        revoked=[*held.revoked, *gone],
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
