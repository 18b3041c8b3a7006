"""Heartbeats: what we sent a peer, what we hold of theirs, and a blind head of our log (border.md 5, 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mithaq.audit import evidence, log
from mithaq.border import alarms, clocks, opening, orders
from mithaq.border.channels import ANEW, RESEALED, RESTORED, send_document
from mithaq.border.peers import administrative, document_of, every_key_of, keys_of
from mithaq.border.publish import reconsider
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.errors import Fault, InputError
from mithaq.model.canonical import Json, digest
from mithaq.seal.envelope import Envelope, countersign, read, sign, signed_by, verify
from mithaq.seal.messages import (
    HEARTBEAT,
    BadMessage,
    Doc,
    Head,
    Heartbeat,
    KeyRef,
    Recall,
    Receipt,
    Seal,
    decode,
    encode,
)
from mithaq.store import blobs, channels, inbound, parties, releases
from mithaq.store.channels import Channel, Parcel
from mithaq.store.inbound import Heard
from mithaq.store.journal import keep, setting

SKEW = timedelta(minutes=5)
LAST = parse("9000-01-01T00:00:00Z")
MOST_HEADS = (
    256  # of one heartbeat that are remembered, and of channels of a peer that are not here yet
)
WHOLE = timedelta(days=1)  # for so long every head is kept, later the last of each hour
THINNED = timedelta(days=8)
KEYS_LIVE = timedelta(
    days=400
)  # for longer than any exchange key counts; then the last head of a channel
AGAIN = timedelta(hours=1)  # between two times that a channel begins anew


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a heartbeat says is to be fetched: (channel, after) pairs, and a newer key document."""

    channels: Sequence[tuple[str, int]]
    keys: int  # version of the peer's newest key document


def make(unit: Connection, us: Us, peer: str, now: datetime, life: timedelta) -> bytes:
    """Return a fresh heartbeat for ``peer``, signed, to be shown and pushed."""
    held = parties.key_document_envelopes(unit, us.party)
    if not held:
        raise Fault("no key document of our own", party=us.party)
    version = max(held)
    heartbeat = Heartbeat(
        realm=us.realm,
        sender=us.party,
        to=peer,
        issued=text(now),
        expires=text(now + life),
        keys=KeyRef(version=version, digest=digest(read(held[version]).payload)),
        heads=_heads(unit, peer, "out"),
        have=_heads(unit, peer, "in"),
        yours=max(parties.document_versions(unit, peer), default=0),
        log=log.blind_head(unit),
    )
    return sign(HEARTBEAT, encode(heartbeat), us.signer).to_bytes()


def _heads(unit: Connection, peer: str, direction: str) -> list[Head]:
    return [
        Head(channel=c.id, seq=c.seq, seal=c.head)
        for c in channels.of_peer(unit, peer, direction)
        if c.seq and c.state == "open"
    ]


def show(unit: Connection, us: Us, peer: str, now: datetime, life: timedelta) -> bytes:
    """Make a heartbeat and put it where the peer can fetch it."""
    raw = make(unit, us, peer, now, life)
    keep(unit, f"heartbeat:{peer}", text(now))
    releases.show(unit, "heartbeat", "", peer=peer, raw=raw.decode())
    return raw


def due(unit: Connection, peer: str, now: datetime, pace: timedelta) -> bool:
    """Say whether the last heartbeat for ``peer`` is older than ``pace``."""
    return setting(unit, f"heartbeat:{peer}") <= text(now - pace)


def take(unit: Connection, us: Us, peer: str, raw: bytes, now: datetime) -> News:
    """Take a peer's heartbeat: note what it holds of ours, and say what is to be fetched.

    Raises:
        BadEnvelope, BadMessage: it is not the peer's, not for us, or expired.
    """
    heartbeat = decode(verify(read(raw), HEARTBEAT, keys_of(unit, peer, now)), Heartbeat)
    if (heartbeat.sender, heartbeat.to, heartbeat.realm) != (peer, us.party, us.realm):
        raise BadMessage("a heartbeat for somebody else", cause="to")
    if not _is_a_day(heartbeat.issued):  # our clocks reckon with what a witness says
        raise BadMessage("a heartbeat of no day that there is", cause="issued")
    amiss = heartbeat.expires <= text(now) or heartbeat.issued > text(now + SKEW)
    if amiss and peer not in clocks.witnesses(
        unit
    ):  # a time witness may know better than our clock
        raise BadMessage("a heartbeat out of time", cause="expires")
    before = inbound.last_heard(unit, peer)
    if before is None or before.issued < heartbeat.issued:
        inbound.hear(
            unit,
            Heard(
                peer=peer,
                envelope=raw,
                issued=heartbeat.issued,
                expires=heartbeat.expires,
                at=text(now),
            ),
        )
        alarms.heard(unit, peer, now)
        clocks.note(unit, peer, heartbeat.issued)
        said = [(head.channel, head.seq) for head in heartbeat.heads[:MOST_HEADS]]
        inbound.note_heads(unit, peer, said, text(now), MOST_HEADS)
        for have in heartbeat.have:
            _delivered(unit, us, (peer, raw), have, now)
        _note_keys(unit, peer, heartbeat.yours)
        _reseal(unit, us, peer, heartbeat, now)
    behind = ((head.channel, _held(unit, peer, head)) for head in heartbeat.heads)
    return News(
        channels=[(name, after) for name, after in behind if after is not None],
        keys=heartbeat.keys.version,
    )


def _is_a_day(issued: str) -> bool:
    """Say whether an instant is one of the calendar's, far enough from its end to reckon with."""
    try:
        return parse(issued) < LAST
    except InputError:
        return False


def thin(unit: Connection, now: datetime) -> None:
    """Forget what peers said of their heads but what a revocation could ask for (border.md 9.3).

    Once only the last of an hour is kept, a revocation since an instant in it sets aside what came in that hour too.
    """
    inbound.thin_heads(unit, *(text(now - age) for age in (THINNED, WHOLE, KEYS_LIVE)))


def _held(unit: Connection, peer: str, head: Head) -> int | None:
    """Return the number after which to fetch; None if nothing is missing or the channel is not to be read."""
    held = channels.by_id(unit, head.channel)
    if held is None:
        return 0
    if held.peer != peer or held.direction != "in" or held.state != "open":
        return None
    return held.seq if held.seq < head.seq else None


def behind(unit: Connection, peer: str) -> int:
    """Return how many frames ``peer`` says it has for us, by its newest heartbeat, that are not here.

    It stays above nought where a peer promises what it never gives.
    """
    heard = inbound.last_heard(unit, peer)
    if heard is None:
        return 0
    said = decode(read(heard.envelope).payload, Heartbeat)
    missing = ((head, _held(unit, peer, head)) for head in said.heads)
    return sum(head.seq - after for head, after in missing if after is not None)


def _delivered(
    unit: Connection, us: Us, heard: tuple[str, bytes], have: Head, now: datetime
) -> None:
    """Note what the peer acknowledges; more than we ever sent, or other, means we were restored (border.md 6)."""
    peer, beat = heard
    ours = channels.by_id(unit, have.channel)
    if ours is None or ours.peer != peer or ours.direction != "out" or ours.state != "open":
        return
    if not have.seq:  # it holds nothing yet
        return
    if not _is_ours(unit, ours, have):
        _begin_anew(unit, us, ours, (have, beat), now)
        return
    channels.delivered(unit, ours.id, have.seq, now)


def _is_ours(unit: Connection, ours: Channel, have: Head) -> bool:
    """Say whether a peer holds what we sent, as we remember it.

    A restored node may have used a number again before it heard what the peer holds by that number.
    """
    if have.seq == ours.seq:
        return have.seal == ours.head
    sent = channels.parcel(unit, ours.id, have.seq)
    return sent is not None and digest(read(sent.envelope).payload) == have.seal


def _note_keys(unit: Connection, peer: str, version: int) -> None:
    """Note which version of our key document a peer holds: what it lacks is brought to it."""
    if knows(unit, peer) != version:
        keep(unit, f"knows:{peer}", str(version))


def knows(unit: Connection, peer: str) -> int:
    """Return the version of our key document that a peer said it holds; 0 if it said nothing yet."""
    return int(setting(unit, f"knows:{peer}", "0"))


def _reseal(unit: Connection, us: Us, peer: str, heartbeat: Heartbeat, now: datetime) -> None:
    """Send again, sealed by the key that counts, what a peer still lacks under one that counts no more (border.md 9.3).

    A key that is revoked, or that followed another more than a week ago, opens nothing at the peer. It says first
    that it holds our newest key document; then each such channel begins anew where the peer stands.
    """
    document = document_of(unit, us.party)
    if document is None or heartbeat.yours != document.version:
        return
    live = document.exchange_keys(now)
    if us.signer.keyid not in live:
        return
    have = {head.channel: head for head in heartbeat.have}
    for ours in channels.of_peer(unit, peer, "out"):
        if ours.state == "open" and _must_begin_anew(unit, ours, live):
            _go_on_in_another(unit, us, ours, (*_stands(unit, ours, have), RESEALED), now)


def _must_begin_anew(unit: Connection, ours: Channel, live: Mapping[str, bytes]) -> bool:
    """Say whether what a peer lacks next is sealed by no key that counts; or it lacks nothing, and our roots are new.

    While it lacks what it could take, it may be taking it now: where it stands is not known.
    """
    first = channels.first_undelivered(unit, ours.id)
    if first is None:
        return ours.reason == ANEW
    [lacks] = channels.parcels(unit, ours.id, first, first)
    return not signed_by(read(lacks.envelope), live)


def begin_anew(unit: Connection, peer: str) -> None:
    """Let every channel to a peer begin anew once it says that it knows our new first key document."""
    for ours in channels.of_peer(unit, peer, "out"):
        if ours.state == "open" and ours.seq:
            channels.put_channel(unit, replace(ours, reason=ANEW))


def _stands(unit: Connection, ours: Channel, have: Mapping[str, Head]) -> tuple[int, str]:
    """Return the number and seal where a peer stands in a channel of ours; at its start, what that one cites."""
    if ours.id in have:
        return have[ours.id].seq, have[ours.id].seal
    [first] = channels.parcels(unit, ours.id, 1, 1)
    return 0, decode(read(first.envelope).payload, Seal).prev


def _begin_anew(
    unit: Connection, us: Us, ours: Channel, said: tuple[Head, bytes], now: datetime
) -> None:
    """Stop the channel, and go on in a new one that cites what the peer holds; no number is used twice.

    What stands on its shelf is released again, in the new one. Once an hour at most: it costs us, and a peer can
    claim anything.
    """
    have, beat = said
    last = f"anew:{ours.peer}:{ours.agreement}"
    if setting(unit, last) > text(now - AGAIN):
        return
    keep(unit, last, text(now))
    about = alarms.Ahead(
        realm=us.realm,
        by=ours.peer,
        heartbeat=beat.decode(),
        channel=ours.id,
        seq=min(ours.seq, have.seq),
    )
    shows = evidence.check(about, keys_of(unit, ours.peer, now))
    alarms.ring(unit, about, shows, now)
    _go_on_in_another(unit, us, ours, (have.seq, have.seal, RESTORED), now)


def _go_on_in_another(
    unit: Connection, us: Us, ours: Channel, where: tuple[int, str, str], now: datetime
) -> None:
    """Freeze a channel, and send in a new one what the peer lacks: it cites the last seal that the peer accepted.

    What it did not acknowledge may bear a number under which it holds something else, from before we were restored.

    Args:
        where: the peer's number and seal, and why.
    """
    seq, seal, reason = where
    channels.put_channel(unit, replace(ours, state="frozen", reason=reason, head=seal))
    facts: dict[str, Json] = {"peer": ours.peer, "have": seq, "ours": ours.seq, "reason": reason}
    administrative(unit, now, "channel-frozen", ours.id, facts)
    if ours.agreement:
        closed = {"peer": ours.peer, "title": "", "kind": "node", "state": "closed"}
        releases.show(unit, "shelf", ours.id, **closed)
        opening.refresh(unit, us, ours.agreement, now)  # first: it opens what nothing was sent in
    lacks = channels.first_undelivered(unit, ours.id)
    first = seq + 1 if lacks is None else min(lacks, seq + 1)
    for parcel in channels.parcels(unit, ours.id, first, ours.seq):
        _again(unit, us, ours, parcel, now)  # recalls before what follows what they name
    if not ours.agreement:
        return
    standing = [
        row for row in releases.rows_of_agreement(unit, ours.agreement) if row.shelf == ours.id
    ]
    for row in standing:
        releases.take_away(unit, row.shelf, row.id, row.version)
    reconsider(unit, us, ours.agreement, [*{row.copy for row in standing}], now)


def _again(unit: Connection, us: Us, ours: Channel, parcel: Parcel, now: datetime) -> None:
    """Send documents, recalls and receipts of a frame again; what stands on the shelf is released anew instead."""
    seal = decode(read(parcel.envelope).payload, Seal)
    bodies = blobs.some(unit, parcel.bodies)
    to = (ours.peer, ours.agreement)
    for entry in seal.entries:
        if isinstance(entry, Doc):
            raw = _resigned(unit, us, read(bodies[entry.digest]), now)
            send_document(unit, us, ours.peer, (entry.payload_type, raw), now)
        elif isinstance(entry, Recall):
            order = _resigned(unit, us, read(entry.order.encode()), now).decode()
            orders.send_entry(unit, us, to, Recall(order=order), ("again", ours.id), now)
        elif isinstance(entry, Receipt):
            orders.send_entry(unit, us, to, entry, ("again", ours.id), now)


def _resigned(unit: Connection, us: Us, envelope: Envelope, now: datetime) -> bytes:
    """Return what we signed with a signature that counts, if ours does so no longer; others' stay."""
    dead = every_key_of(unit, us.party).keys() - keys_of(unit, us.party, now).keys()
    kept = tuple(each for each in envelope.signatures if each.keyid not in dead)
    if len(kept) < len(envelope.signatures):
        envelope = countersign(replace(envelope, signatures=kept), us.signer)
    return envelope.to_bytes()
