"""The way in from peers: verify, judge, store, in one transaction per envelope (border.md 6).

The numbers in the code are the steps of border.md 6; step 1 is the listener's and the client's. Steps 2 to 6
refuse the envelope and leave the channel where it is; step 7 puts single objects into quarantine while their
neighbours are admitted; step 8 is this transaction. The sender learns nothing of either.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection

from mithaq.audit import evidence, log
from mithaq.border import (
    agreements,
    alarms,
    consent,
    entries,
    kept,
    keys,
    peers,
    proofs,
    recall,
    rupture,
    signing,
    stories,
    witness,
)
from mithaq.border.clocks import instants
from mithaq.border.local import Given, LocalOutcome, local, mark, own_identity
from mithaq.border.publish import revisit
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import InputError, MithaqError, NotFound, PeerError
from mithaq.model.canonical import Json, digest
from mithaq.policy.agreement import Agreement, digest_of
from mithaq.policy.lifecycle import State
from mithaq.seal.documents import KEYS
from mithaq.seal.envelope import Envelope, read, verify
from mithaq.seal.frames import Slice, cut, split
from mithaq.seal.messages import (
    AGREEMENT,
    ASK,
    COMPARISON,
    CONSENT,
    LOG_HEAD,
    NOTICE,
    RUPTURE,
    SEAL,
    ZERO,
    BadMessage,
    Doc,
    Put,
    Recall,
    Receipt,
    Seal,
    decode,
)
from mithaq.store import blocks, channels, inbound, parties
from mithaq.store.channels import Channel
from mithaq.store.journal import record

__all__ = [
    "Admission", "Given", "LocalOutcome", "Outcome", "frame", "give_up_kept", "local", "mark", "next_kept",
    "own_identity", "wanted",
]  # fmt: skip

SKEW = timedelta(minutes=5)  # a seal issued further ahead waits (border.md 6, step 4)
AHEAD = 64  # frames kept out of order in one channel; later ones are fetched again
NOT_KEPT = "not-kept"  # why such a frame stands among those refused
MOST_KEPT = (128, 32 << 20)  # frames and bytes kept of one peer, over all its channels


class Outcome(StrEnum):
    """What became of an envelope."""

    ADMITTED = "admitted"
    KEPT = "kept"  # its turn has not come, or its agreement is not here yet
    KNOWN = "known"  # admitted before
    REFUSED = "refused"
    FORKED = "forked"  # a second story under one number: the channel is frozen


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The outcome of one envelope, for our people."""

    outcome: Outcome
    stored: int = 0
    quarantined: int = 0
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arrived:
    peer: str
    raw: bytes
    envelope: Envelope
    seal: Seal
    body: bytes
    channel: Channel

    @property
    def digest(self) -> str:
        return digest(self.envelope.payload)


def frame(unit: Connection, us: Us, peer: str, raw: bytes, now: datetime) -> Admission:
    """Take one frame from ``peer``, which transport has authenticated, through steps 2 to 8."""
    try:
        arrived = _open(unit, us, (peer, raw), now)  # 2, 3
        early = _turn(unit, us, arrived, now)  # 4
        if early is not None:
            return early
        terms = _terms(unit, arrived, now)  # 3, 4
        if isinstance(terms, str):
            return _keep(unit, arrived, terms, now)
        slices = cut(arrived.seal, arrived.body)  # 5
        if terms is not None and any(slices):
            closed = _narrowed(agreements.held(unit, terms.id, now)) or _broken(unit, us, peer)  # 3
            if closed:
                return _keep(unit, arrived, closed, now)
        leaves = proofs.check(unit, us, arrived.seal, terms, now)  # 6
        recall.check(unit, arrived.seal, now)
    except (PeerError, InputError, NotFound) as error:
        return _refuse(unit, peer, raw, error, now)
    if terms is None:
        return _documents(unit, us, arrived, slices, now)
    _advance(unit, arrived, terms.version, now)  # 8
    gone = recall.obey(unit, us, (peer, arrived.seal), now)
    recall.note(unit, us, (peer, arrived.seal, arrived.digest), now)
    shown = kept.shown(arrived.seal, len(leaves))
    taken = entries.judge(unit, us, (peer, arrived.seal, terms), slices, shown, now)  # 7
    if not {copy.proof for copy in taken.copies}.isdisjoint(shown):
        kept.keep(unit, arrived.seal, leaves)
    entries.store(unit, (peer, arrived.seal), taken, now)
    stories.notice(unit, us, taken.copies, now)
    done = Admission(outcome=Outcome.ADMITTED, stored=taken.stored, quarantined=len(taken.aside))
    facts = {"peer": peer, "agreement": terms.id, "seq": arrived.seal.seq}
    counts = {"stored": done.stored, "aside": done.quarantined, "recalled": len(gone)}
    record(unit, now, "admitted", arrived.seal.channel, **facts, **counts)
    # Whatever was set aside is known to its sender all the same.
    came = [copy.object.id for copy in taken.copies] + [put.id for put, _, _ in taken.aside]
    revisit(unit, us, came, now)
    return done


def next_kept(unit: Connection, us: Us, channel: str, now: datetime) -> Admission | None:
    """Try the frame whose turn it is among those kept for ``channel``; None if there is none.

    What can never be admitted is kept no longer: a refused frame is fetched anew, and a frozen channel is read
    no more.
    """
    waits = _next(unit, channel)
    if waits is None:
        return None
    done = frame(unit, us, waits.peer, waits.frame, now)
    if done.outcome is Outcome.REFUSED:
        channels.drop_held(unit, channel, waits.chan_seq)
    return done


def give_up_kept(unit: Connection, channel: str, now: datetime) -> None:
    """Keep no longer the frame whose turn it is, which could not be tried: our people find it among those refused."""
    kept = _next(unit, channel)
    if kept is not None:
        channels.refuse(unit, kept.peer, ("fault", "frame"), kept.frame, now)
        channels.drop_held(unit, channel, kept.chan_seq)


def _next(unit: Connection, channel: str) -> channels.HeldFrame | None:
    held = channels.by_id(unit, channel)
    return channels.held(unit, channel, (held.seq if held else 0) + 1)


def wanted(unit: Connection, peer: str, channel: str) -> int:
    """Return the number after which frames of ``peer`` in ``channel`` are to be fetched."""
    held = channels.by_id(unit, channel)
    return held.seq if held is not None and held.peer == peer else 0


# --- steps 2 and 3 ---------------------------------------------------------------------------------------
def _open(unit: Connection, us: Us, sent: tuple[str, bytes], now: datetime) -> _Arrived:
    peer, raw = sent
    envelope, body = split(raw)
    seal = decode(verify(envelope, SEAL, peers.keys_of(unit, peer, now)), Seal)
    if (seal.to, seal.sender, seal.realm) != (us.party, peer, us.realm):
        raise BadMessage("sealed for somebody else", cause="to")
    known = parties.peer(unit, peer)
    if known.state != "confirmed":
        raise BadMessage("from a peer that is not confirmed", cause="unconfirmed")
    kinds = Doc if seal.agreement is None else Put | Recall | Receipt
    if not all(isinstance(entry, kinds) for entry in seal.entries):
        raise BadMessage("an entry that its channel does not carry", cause="entry")
    return _Arrived(
        peer=peer,
        raw=raw,
        envelope=envelope,
        seal=seal,
        body=body,
        channel=_channel(unit, peer, seal),
    )


def _channel(unit: Connection, peer: str, seal: Seal) -> Channel:
    agreement = seal.agreement.id if seal.agreement else ""
    held = channels.by_id(unit, seal.channel)
    if held is None:
        if len(seal.channel) != 32 or not all(c in "0123456789abcdef" for c in seal.channel):  # noqa: PLR2004 128 bits in hex
            raise BadMessage("no channel id", cause="channel")
        before = next(iter(_spoken(unit, peer, agreement)), None)
        fresh = Channel(
            id=seal.channel, peer=peer, agreement=agreement, direction="in", seq=0, head=ZERO
        )
        return fresh if before is None else _restart(fresh, before, seal)
    if (held.peer, held.agreement, held.direction) != (peer, agreement, "in"):
        raise BadMessage("another relation's channel", cause="channel")
    if held.state != "open":
        raise BadMessage("a channel that is frozen", cause="frozen")
    return held


def _spoken(unit: Connection, peer: str, agreement: str) -> list[Channel]:
    """Return the one channel in which ``peer`` speaks under ``agreement``, open or frozen, if it has spoken."""
    known = channels.of_peer(unit, peer, "in")
    return [c for c in known if c.agreement == agreement and c.state != "replaced"]


def _restart(fresh: Channel, before: Channel, seal: Seal) -> Channel:
    """Let a sender that was restored from an old backup begin anew where we stand (border.md 6).

    Its first seal cites the last one that we hold, which it knows from our heartbeat.
    """
    if before.state != "open":
        raise BadMessage("a channel that is frozen", cause="frozen")
    if seal.seq != 1 or seal.prev != before.head:
        raise BadMessage("a second channel for one relation", cause="second-channel")
    return replace(fresh, head=before.head, floor=before.floor)


# --- step 4 ----------------------------------------------------------------------------------------------
def _turn(unit: Connection, us: Us, arrived: _Arrived, now: datetime) -> Admission | None:
    """Say what becomes of a frame whose turn it is not; None if it is."""
    seal, channel = arrived.seal, arrived.channel
    if seal.seq <= channel.seq:
        if inbound.accepted_seal(unit, channel.id, seal.seq) == arrived.digest:
            return Admission(outcome=Outcome.KNOWN)
        return _fork(unit, us, arrived, now)
    if seal.seq > channel.seq + 1:
        return _keep(unit, arrived, "gap", now)
    waits = _told_otherwise(unit, arrived)
    if seal.prev != channel.head or waits:
        return _fork(unit, us, arrived, now, waits)
    if seal.issued > text(now + SKEW):
        return _keep(unit, arrived, "future", now)
    return None


def _told_otherwise(unit: Connection, arrived: _Arrived) -> bytes:
    """Return the seal of another story that waits here under the number of this one, if there is one."""
    waits = channels.held(unit, arrived.channel.id, arrived.seal.seq)
    if waits is None:
        return b""
    sealed, _ = split(waits.frame)
    return b"" if digest(sealed.payload) == arrived.digest else sealed.to_bytes()


def _fork(
    unit: Connection, us: Us, arrived: _Arrived, now: datetime, waits: bytes = b""
) -> Admission:
    """Freeze the channel and keep both seals: two stories under one number (border.md 6, step 4)."""
    seal = arrived.seal
    if arrived.channel.seq == 0 and not waits:
        raise BadMessage("the first seal follows another", cause="prev")
    channels.put_channel(unit, arrived.channel)  # it may be new
    channels.freeze(unit, seal.channel, "fork")
    sealed = arrived.envelope.to_bytes()  # the one before is kept among those accepted
    channels.refuse(unit, arrived.peer, ("fork", str(seal.seq)), sealed, now, most=len(sealed))
    channels.drop_held(unit, seal.channel, arrived.channel.seq + AHEAD)
    facts: dict[str, str | int] = {"peer": arrived.peer, "seq": seal.seq, "seal": arrived.digest}
    log.append(unit, [(seal.channel, {"kind": "fork", "at": text(now), **facts})])
    record(unit, now, "channel-frozen", seal.channel, reason="fork", **facts)
    _alarm(unit, us, arrived, now, waits)
    return Admission(outcome=Outcome.FORKED, code="fork")


def _alarm(unit: Connection, us: Us, arrived: _Arrived, now: datetime, waits: bytes) -> None:
    """Raise an alarm with the two seals: of one number, or the last that we hold and one that does not follow it."""
    seal, channel = arrived.seal, arrived.channel
    before = waits or inbound.accepted_envelope(unit, channel.id, min(seal.seq, channel.seq))
    seals = [before.decode(), arrived.envelope.to_bytes().decode()]
    about = alarms.Fork(realm=us.realm, by=arrived.peer, seals=seals)
    shows = evidence.check(about, peers.every_key_of(unit, arrived.peer))
    alarms.ring(unit, about, shows, now)


def _keep(unit: Connection, arrived: _Arrived, reason: str, now: datetime) -> Admission:
    seal = arrived.seal
    count, size = channels.held_of(unit, arrived.peer)
    room = count < MOST_KEPT[0] and size + len(arrived.raw) <= MOST_KEPT[1]
    if seal.seq > arrived.channel.seq + AHEAD or not room:
        channels.refuse(unit, arrived.peer, (NOT_KEPT, reason), arrived.raw, now)
    else:
        channels.hold(
            unit,
            channels.HeldFrame(
                peer=arrived.peer,
                channel=seal.channel,
                chan_seq=seal.seq,
                frame=arrived.raw,
                reason=reason,
                at=text(now),
            ),
        )
    return Admission(outcome=Outcome.KEPT, code=reason)


def _terms(unit: Connection, arrived: _Arrived, now: datetime) -> Agreement | str | None:
    """Return the text sealed, None for the base channel, or why the frame must wait (border.md 3.2)."""
    named = arrived.seal.agreement
    if named is None:
        return None
    texts = [t for t in agreements.versions(unit, named.id) if digest_of(t.text) == named.digest]
    if not texts or not texts[0].complete:
        return "agreement"
    text_ = texts[0].text
    if text_.version != named.version or text_.party(arrived.peer) is None:
        raise BadMessage("an agreement it is no party of", cause="agreement")
    if text_.version < arrived.channel.floor:
        raise BadMessage("a version below one accepted before", cause="rollback")
    clocks = instants(unit, now)
    if clocks.opens < text_.start or clocks.opens < text_.takes_over:
        return "early"
    return text_


def _narrowed(what: agreements.Held) -> str:
    """Return why no views come in under an agreement for now; empty if they do (border.md 3.3, 3.5).

    Recalls and receipts go on, and so do the numbers of what was taken back before we fetched it.
    """
    if what.state is State.ENDED:
        raise BadMessage("an agreement that has ended", cause="ended")
    return "suspended" if what.state is State.SUSPENDED else ""


def _broken(unit: Connection, us: Us, peer: str) -> str:
    """Return why nothing of a peer comes in while we have broken off with it; empty if we have not."""
    return "rupture" if peer in blocks.broken_off(unit, us.party) else ""


# --- what follows ----------------------------------------------------------------------------------------
def _advance(unit: Connection, arrived: _Arrived, version: int, now: datetime) -> None:
    seal, channel = arrived.seal, arrived.channel
    if channel.seq == 0:
        _replace(unit, arrived, now)
    moved = replace(channel, seq=seal.seq, head=arrived.digest, floor=max(channel.floor, version))
    channels.put_channel(unit, moved)
    inbound.accept(unit, channel.id, seal.seq, arrived.digest, arrived.envelope.to_bytes())
    channels.drop_held(unit, channel.id, seal.seq)


def _replace(unit: Connection, arrived: _Arrived, now: datetime) -> None:
    """Close the channel that this one goes on from, if there is one: its peer was restored, and our people are told."""
    new = arrived.channel
    for old in _spoken(unit, new.peer, new.agreement):
        channels.put_channel(unit, replace(old, state="replaced", reason="restored"))
        facts: dict[str, Json] = {"peer": new.peer, "by": new.id, "seq": old.seq}
        peers.administrative(unit, now, "channel-replaced", old.id, facts)


def _documents(
    unit: Connection, us: Us, arrived: _Arrived, slices: Sequence[Slice], now: datetime
) -> Admission:
    """Take the documents of a base channel; one that is wrong is refused by itself."""
    _advance(unit, arrived, 0, now)
    bad = 0
    for raw in slices:
        try:
            with unit.begin_nested():
                _document(unit, us, arrived.peer, raw or b"", now)
        except MithaqError as error:
            bad += 1
            channels.refuse(unit, arrived.peer, (error.code, "document"), raw or b"", now)
    seal = arrived.seal
    record(unit, now, "documents", seal.channel, peer=arrived.peer, seq=seal.seq, refused=bad)
    return Admission(outcome=Outcome.ADMITTED, stored=len(slices) - bad, quarantined=bad)


def _document(unit: Connection, us: Us, peer: str, raw: bytes, now: datetime) -> None:
    envelope = read(raw)
    match envelope.payload_type:
        case t if t == KEYS:
            keys.learn(unit, us, peer, raw, now)
        case t if t == AGREEMENT:
            signing.receive(unit, us, peer, envelope, now)
        case t if t == NOTICE:
            signing.receive_notice(unit, us, peer, envelope, now)
        case t if t == ASK:
            consent.receive_request(unit, us, peer, envelope, now)
        case t if t == CONSENT:
            consent.receive_answer(unit, us, peer, envelope, now)
        case t if t == COMPARISON:
            stories.receive(unit, us, peer, envelope, now)
        case t if t == LOG_HEAD:
            witness.receive(unit, us, peer, envelope, now)
        case t if t == log.CHECKPOINT:
            witness.receive_cosigned(unit, us, peer, envelope, now)
        case t if t == RUPTURE:
            rupture.receive(unit, us, peer, envelope, now)
        case _:
            raise BadMessage("a document of no kind we take", cause="payload-type")


def _refuse(
    unit: Connection, peer: str, raw: bytes, error: MithaqError, now: datetime
) -> Admission:
    cause = str(error.facts.get("cause", ""))
    if channels.refuse(unit, peer, (error.code, cause), raw, now):
        record(unit, now, "refused", peer, code=error.code, cause=cause)
    return Admission(
        outcome=Outcome.REFUSED, code=f"{error.code}: {cause}" if cause else error.code
    )
