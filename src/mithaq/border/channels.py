"""Sending in a channel: one seal per frame, each naming the digest of the one before (border.md 5)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.audit import log
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.canonical import Json, digest
from mithaq.seal.envelope import sign
from mithaq.seal.messages import BASE, SEAL, ZERO, Body, Doc, Seal, Terms, encode, seal_payload
from mithaq.store import blobs, releases
from mithaq.store import channels as store

RESTORED = "restored"  # why a channel stops: the peer holds more of it than we remember
ANEW = "anew"  # of an open channel: it stops once the peer knows our new first key document
RESEALED = "resealed"  # or what it still lacks is sealed by a key that counts no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one frame carries, whoever it is for: entries as they are sealed, and the slices behind them."""

    entries: Sequence[bytes]
    slices: Sequence[str] = ()  # digests of bytes that are kept, in the order of the entries
    body: Body | None = None  # of the slices together
    batch: str = ""


def load(
    entries: Sequence[bytes], bodies: Sequence[tuple[str, bytes]] = (), batch: str = ""
) -> Load:
    """Return what carries ``entries`` and the ``bodies`` behind them, each with its digest."""
    whole = b"".join(raw for _, raw in bodies)
    return Load(
        entries=entries,
        slices=tuple(each for each, _ in bodies),
        body=Body(digest=digest(whole), size=len(whole)) if whole else None,
        batch=batch,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A load on its way."""

    peer: str
    terms: Terms | None
    load: Load
    about: Mapping[str, Json]  # further facts of the envelope's record
    urgent: bool = False  # it is shown at once, and waits for no tick


def outgoing_channel(unit: Connection, peer: str, agreement: str) -> store.Channel:
    """Return our open channel to ``peer`` under ``agreement`` (empty: base), made if there is none."""
    found = store.find(unit, peer, agreement, "out")
    if found is not None:
        return found
    made = store.Channel(
        id=secrets.token_hex(16),
        peer=peer,
        agreement=agreement,
        direction="out",
        seq=0,
        head=_cited(unit, peer, agreement),
    )
    store.put_channel(unit, made)
    return made


def _cited(unit: Connection, peer: str, agreement: str) -> str:
    """Return what the first seal names as the one before: nothing, or what the peer holds (border.md 6, 9.3)."""
    for old in store.of_peer(unit, peer, "out"):
        if (old.agreement, old.state) == (agreement, "frozen") and old.reason in {
            RESTORED,
            RESEALED,
        }:
            store.put_channel(unit, replace(old, state="replaced"))
            return old.head
    return ZERO


def send(unit: Connection, us: Us, out: Outgoing, now: datetime) -> None:
    """Seal ``out`` as the next link of its channel and put it into the outbox."""
    channel = outgoing_channel(unit, out.peer, out.terms.id if out.terms else BASE)
    seq = channel.seq + 1
    record: dict[str, Json] = {
        "kind": "envelope",
        "channel": channel.id,
        "seq": seq,
        "to": out.peer,
        "at": text(now),
        "entries": len(out.load.entries),
        **out.about,
    }
    [leaf] = log.append(unit, [(f"envelope:{channel.id}:{seq}", record)]).hashes
    seal = Seal(
        realm=us.realm,
        sender=us.party,
        to=out.peer,
        channel=channel.id,
        agreement=out.terms,
        seq=seq,
        prev=channel.head,
        issued=text(now),
        audit=leaf.hex(),
        batch=out.load.batch,
        entries=[],
        body=out.load.body,
    )
    payload = seal_payload(seal, out.load.entries)
    envelope = sign(SEAL, payload, us.signer).to_bytes()
    sealed = store.Parcel(
        channel=channel.id, chan_seq=seq, envelope=envelope, bodies=tuple(out.load.slices)
    )
    store.post(unit, sealed, now)
    store.put_channel(unit, replace(channel, seq=seq, head=digest(payload)))
    releases.show(
        unit,
        "frame",
        channel.id,
        seq=seq,
        peer=out.peer,
        size=len(envelope) + (out.load.body.size if out.load.body else 0) + 4,
    )
    if out.urgent:
        releases.show(unit, "hurry", channel.id)


def send_document(
    unit: Connection, us: Us, peer: str, document: tuple[str, bytes], now: datetime
) -> None:
    """Send a (payload type, envelope) document in the base channel: keys, agreements, notices only."""
    kind, raw = document
    entry = Doc(payload_type=kind, digest=digest(raw), size=len(raw))
    blobs.put(unit, {entry.digest: raw})
    about: dict[str, Json] = {"document": kind, "digest": entry.digest}
    carried = load([encode(entry)], [(entry.digest, raw)])
    send(unit, us, Outgoing(peer=peer, terms=None, load=carried, about=about), now)
