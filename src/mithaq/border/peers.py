"""Whom we deal with: enrolment by words read out, their keys, and clients by grant (border.md 9, 3.6)."""

import hashlib
import json
import secrets
import string
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound, PeerError
from mithaq.model.canonical import Json
from mithaq.seal import documents
from mithaq.seal.documents import KeyDocument
from mithaq.seal.envelope import Envelope, read
from mithaq.seal.keys import encode
from mithaq.seal.words import same, strangers, words
from mithaq.store import agreements, parties, releases
from mithaq.store.journal import record
from mithaq.store.parties import Peer

_SIGNS = string.ascii_letters + string.digits  # of a token: MISP takes 40 of them, and no others


class WrongWords(InputError):
    """What was typed is not the phrase of the key we hold for that peer."""

    code = "wrong-words"


class BeginsAnew(PeerError):
    """A peer shows a key document that no root before vouches for: people compare words anew."""

    code = "begins-anew"


def administrative(
    unit: Connection, now: datetime, kind: str, subject: str, facts: dict[str, Json]
) -> None:
    """Log and journal an act that is no release: peers, agreements, keys, people."""
    log.append(unit, [(subject, {"kind": kind, "subject": subject, "at": text(now), **facts})])
    record(unit, now, kind, subject, **facts)


def document_of(unit: Connection, party: str) -> KeyDocument | None:
    """Return the newest key document of ``party``."""
    held = parties.key_document_envelopes(unit, party)
    return _read(held[max(held)]) if held else None


@lru_cache(maxsize=256)
def _read(envelope: bytes) -> KeyDocument:
    """Read a document that was verified when it was stored; it is asked for with everything that comes."""
    return documents.unverified(read(envelope))


def keys_of(unit: Connection, party: str, now: datetime) -> dict[str, bytes]:
    """Return the exchange keys of ``party`` that count now; none if its document expired."""
    document = document_of(unit, party)
    if document is None or document.expired(now):
        return {}
    return document.exchange_keys(now)


def every_key_of(unit: Connection, party: str) -> dict[str, bytes]:
    """Return every exchange key ``party`` ever named: for what was signed then."""
    found: dict[str, bytes] = {}
    for envelope in parties.key_document_envelopes(unit, party).values():
        found |= _read(envelope).all_exchange_keys()
    return found


def proving_keys_of(unit: Connection, party: str, now: datetime) -> dict[str, bytes]:
    """Return the keys that what a confirmed ``party`` signed to last may bear: proofs, agreements, notices.

    Every key that it ever named, save those that any of its documents revokes by ``now``: when something was signed
    nobody can say, and a thief of a revoked key backdates (border.md 9.3).
    """
    peer = parties.find(unit, party)
    if peer is None or peer.state != "confirmed":
        return {}
    held = [_read(each) for each in parties.key_document_envelopes(unit, party).values()]
    gone = {entry.key for each in held for entry in each.revoked if entry.since <= text(now)}
    named = [pair for each in held for pair in each.all_exchange_keys().items()]
    return {name: raw for name, raw in named if name not in gone}


def fingerprint_words(unit: Connection, party: str, language: str) -> tuple[str, ...]:
    """Return the words of a party's first document since it last began anew; ours are what we read out."""
    held = parties.key_document_envelopes(unit, party)
    if not held:
        raise NotFound(f"no key document of {party!r}", party=party)
    return words(documents.fingerprint(_first_of(held).payload), language)


def _first_of(held: Mapping[int, bytes]) -> Envelope:
    """Return the document whose words people compare: the first since the nation last began anew."""
    begins = documents.unverified(read(held[max(held)])).begins
    return read(held[min(version for version in held if version >= begins)])


def publish_own(
    unit: Connection, envelope: bytes, document: KeyDocument, now: datetime, *, by: str
) -> None:
    """Keep our key document and show it to whoever asks."""
    parties.add_key_document(unit, document.party, document.version, envelope, now)
    releases.show(unit, "document", "", name="keys", raw=envelope.decode())
    releases.show(unit, "document", "", name=f"keys/{document.version}", raw=envelope.decode())
    administrative(unit, now, "keys", document.party, {"version": document.version, "by": by})


def meet(unit: Connection, us: Us, raw: bytes, now: datetime, *, by: str) -> Peer:
    """Keep the first key document of another nation, unconfirmed: nothing passes yet.

    Raises:
        PeerError: the document must not be accepted; Conflict: another key, or a client, stands under that name.
    """
    envelope = read(raw)
    document = documents.first(envelope)
    if document.party == us.party or document.realm != us.realm or document.expired(now):
        raise PeerError(
            "that is our own name, another realm, or an expired document",
            party=document.party,
        )
    held = parties.key_document_envelopes(unit, document.party)
    known = {peer.name: peer for peer in parties.all_peers(unit)}
    anew = bool(held) and document.begins > max(held) and document.party not in known
    if held and not anew and _first_of(held).payload != envelope.payload:
        raise Conflict(
            f"another key document stands under the name {document.party!r}; compare the words",
            party=document.party,
        )
    taken = _of_others(unit, document)
    if taken:
        raise Conflict(
            "it claims an identity or a key that another nation's document lists", claimed=taken
        )
    if document.party in known:
        if not held:
            raise Conflict(f"a client is named {document.party!r} here", party=document.party)
        return known[document.party]
    peer = Peer(
        name=document.party,
        kind="node",
        url=document.url.rstrip("/"),
        state="met",
        country=document.country,
        organisation=document.organisation,
        added_at=text(now),
    )
    parties.put_peer(unit, peer)
    parties.add_key_document(unit, document.party, document.version, raw, now)
    administrative(unit, now, "peer-met", peer.name, {"url": peer.url, "by": by})
    return peer


def _of_others(unit: Connection, document: KeyDocument) -> str:
    """Return an identity or a key that another nation's document lists too; empty if there is none."""
    claimed = {*document.identities, *document.all_exchange_keys()}
    for party in parties.parties_with_keys(unit):
        other = document_of(unit, party) if party != document.party else None
        if other and (taken := claimed & {*other.identities, *other.all_exchange_keys()}):
            return min(taken)
    return ""


def learn(unit: Connection, party: str, raw: bytes, now: datetime) -> KeyDocument:
    """Take the next version of an enrolled party's key document.

    Raises:
        PeerError: it does not follow the one we hold, differs from one that we hold, or claims another nation's
            identity.
        BeginsAnew: it follows none; its words must be typed.
    """
    held = document_of(unit, party)
    if held is None:
        raise PeerError("no document to follow", party=party)
    envelope: Envelope = read(raw)
    newer = documents.unverified(envelope)
    if newer.version <= held.version:
        same = parties.key_document_envelopes(unit, party).get(newer.version)
        if same is not None and read(same).payload != envelope.payload:
            raise documents.BadKeyDocument("another document of a version we hold", cause="version")
        return held
    if newer.begins != held.begins:
        raise BeginsAnew(
            f"{party!r} has lost its root keys and begins anew: mithaq peer renew {party}",
            party=party,
        )
    document = documents.following(held, envelope)
    if _of_others(unit, document):
        raise PeerError("it claims what another nation's document lists", party=party)
    parties.add_key_document(unit, party, document.version, raw, now)
    administrative(unit, now, "keys", party, {"version": document.version})
    _void_signatures(unit, document, now)
    peer = replace(parties.peer(unit, party), url=document.url.rstrip("/"))
    parties.put_peer(unit, peer)
    if peer.state == "confirmed":
        show_caller(unit, peer)
    return document


def _void_signatures(unit: Connection, document: KeyDocument, now: datetime) -> None:
    """Let no signature of an agreement count that was received since its key is revoked (border.md 9.3)."""
    since = {entry.key: entry.since for entry in document.revoked}
    for text_, raw, at in agreements.signatures_by(unit, document.party):
        names = [signature.keyid for signature in read(raw).signatures]
        if all(name in since and since[name] <= at for name in names):
            agreements.drop_signature(unit, text_, document.party)
            void: dict[str, Json] = {"digest": text_, "received": at}
            administrative(unit, now, "agreement-signature-void", document.party, void)


def confirm(unit: Connection, name: str, typed: str, now: datetime, *, by: str) -> Peer:
    """Confirm a peer by the words its people read out to us.

    Raises:
        WrongWords: they are not the words of the key we hold.
    """
    parties.peer(unit, name)
    held = parties.key_document_envelopes(unit, name)
    if not held or not same(typed, documents.fingerprint(_first_of(held).payload)):
        raise _wrong_words(name, typed)
    parties.set_peer_state(unit, name, "confirmed")
    administrative(unit, now, "peer-confirmed", name, {"by": by})
    confirmed = parties.peer(unit, name)
    show_caller(unit, confirmed)
    return confirmed


def _wrong_words(name: str, typed: str) -> WrongWords:
    return WrongWords(
        "these are not the words of the key we hold for this peer: stop, and compare over another line"
        + "".join(_misheard(*each) for each in strangers(typed)),
        peer=name,
    )


def renew(  # noqa: PLR0913 an act of a person on what a peer brings
    unit: Connection, name: str, chain: Sequence[bytes], typed: str, now: datetime, *, by: str
) -> KeyDocument:
    """Take a peer's new first document and those that follow, by its words.

    What it signed before stays verifiable by the documents before; they vouch for nothing new.

    Raises:
        WrongWords, PeerError, Conflict: as ``keys.renew``.
    """
    peer = parties.peer(unit, name)
    held = document_of(unit, name)
    envelope = read(chain[0])
    document = documents.first(envelope)
    if held is None or (document.party, document.realm) != (name, held.realm):
        raise PeerError("that is another nation's document, or another realm's", party=name)
    if document.version != document.begins or document.begins <= held.version:
        raise Conflict(f"{name!r} does not begin anew: its documents follow each other", peer=name)
    if not same(typed, documents.fingerprint(envelope.payload)):
        raise _wrong_words(name, typed)
    if _of_others(unit, document):
        raise PeerError("it claims what another nation's document lists", party=name)
    parties.add_key_document(unit, name, document.version, chain[0], now)
    administrative(unit, now, "peer-renewed", name, {"version": document.version, "by": by})
    parties.put_peer(unit, replace(peer, url=document.url.rstrip("/")))
    _void_signatures(unit, document, now)
    for raw in chain[1:]:
        document = learn(unit, name, raw, now)
    if peer.state == "confirmed":
        show_caller(unit, parties.peer(unit, name))
    return document


def _misheard(place: int, word: str, near: Sequence[str]) -> str:
    like = f"; like it: {', '.join(near)}" if near else ""
    return f". Word {place}, {word!r}, is in no word list{like}"


def show_caller(unit: Connection, peer: Peer) -> None:
    """Let the listener know by what a peer is known; a revoked key opens nothing, nor one whose time is over."""
    held = parties.key_document_envelopes(unit, peer.name) if peer.kind == "node" else {}
    newest = held[max(held)] if held else b""
    document = documents.unverified(read(newest)) if held else None
    gone = {entry.key for entry in document.revoked} if document else set()
    keys = (
        {
            name: encode(raw)
            for name, raw in document.all_exchange_keys().items()
            if name not in gone
        }
        if document
        else {}
    )
    releases.show(
        unit,
        "caller",
        "",
        name=peer.name,
        kind=peer.kind,
        keys=json.dumps(keys),
        ends=json.dumps(document.ends if document else {}),
        token=peer.token,
        document=newest.decode(),
    )


def add_client(unit: Connection, peer: Peer, now: datetime, *, by: str) -> None:
    """Enrol an ordinary TAXII client; it gets nothing without a grant and a token.

    Raises:
        Conflict: the name is taken.
    """
    if any(known.name == peer.name for known in parties.all_peers(unit)):
        raise Conflict(f"there is a peer named {peer.name!r} already", peer=peer.name)
    parties.put_peer(unit, peer)
    administrative(unit, now, "client-added", peer.name, {"by": by})


def new_token(unit: Connection, name: str, now: datetime, *, by: str) -> str:
    """Give a client a fresh token, shown once; the one before stops at once.

    Raises:
        InputError: nodes have keys, not tokens.
    """
    peer = parties.peer(unit, name)
    if peer.kind != "client":
        raise InputError(f"{name!r} is a node; it proves itself by its key", peer=name)
    token = "mq" + "".join(secrets.choice(_SIGNS) for _ in range(38))
    changed = {field: getattr(peer, field) for field in Peer.__slots__}
    changed["token"] = token_digest(token)
    parties.put_peer(unit, Peer(**changed))
    show_caller(unit, parties.peer(unit, name))
    administrative(unit, now, "token-created", name, {"by": by})
    return token


def revoke_token(unit: Connection, name: str, now: datetime, *, by: str) -> None:
    """Let a client in no more."""
    peer = parties.peer(unit, name)
    changed = {field: getattr(peer, field) for field in Peer.__slots__}
    parties.put_peer(unit, Peer(**{**changed, "token": ""}))
    releases.show(unit, "no-caller", "", name=name)
    administrative(unit, now, "token-revoked", name, {"by": by})


def token_digest(token: str) -> str:
    """Return what is kept of a token: 226 random bits need no slow hash."""
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()
