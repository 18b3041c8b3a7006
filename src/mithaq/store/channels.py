"""Channels and what went or waits in them: one hash chain per (from, to, agreement)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, select, update

from mithaq.clock import text
from mithaq.store.sql import insert_new, put
from mithaq.store.tables import channels, held_frames, outbox, refusals

REFUSALS = 32  # kept of one peer and reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where one direction of one relation stands."""

    id: str
    peer: str
    agreement: str  # empty: base
    direction: str  # out | in
    seq: int
    head: str
    state: str = "open"
    reason: str = ""
    floor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A sealed envelope in a channel and the digests of its slices."""

    channel: str
    chan_seq: int
    envelope: bytes
    bodies: tuple[str, ...]


# Made once: everything that comes and goes asks for its channel.
_FIND = select(channels).where(
    channels.c.peer == bindparam("peer"),
    channels.c.agreement == bindparam("agreement"),
    channels.c.direction == bindparam("direction"),
    channels.c.state == "open",
)
_BY_ID = select(channels).where(channels.c.id == bindparam("id"))
_OF_PEER = (
    select(channels)
    .where(channels.c.peer == bindparam("peer"), channels.c.direction == bindparam("direction"))
    .order_by(channels.c.id)
)
_POST = outbox.insert().inline()


def put_channel(unit: Connection, channel: Channel) -> None:
    """Keep or move a channel."""
    put(unit, channels, {name: getattr(channel, name) for name in Channel.__slots__})


def find(unit: Connection, peer: str, agreement: str, direction: str) -> Channel | None:
    """Return the open channel of that relation; units on core take turns, so its row needs no lock."""
    which = {"peer": peer, "agreement": agreement, "direction": direction}
    row = unit.execute(_FIND, which).one_or_none()
    return None if row is None else Channel(**row._mapping)


def by_id(unit: Connection, id_: str) -> Channel | None:
    """Return a channel by its id."""
    row = unit.execute(_BY_ID, {"id": id_}).one_or_none()
    return None if row is None else Channel(**row._mapping)


def of_peer(unit: Connection, peer: str, direction: str) -> list[Channel]:
    """Return all channels with ``peer`` in one direction, oldest id first."""
    rows = unit.execute(_OF_PEER, {"peer": peer, "direction": direction})
    return [Channel(**row._mapping) for row in rows]


def freeze(unit: Connection, id_: str, reason: str) -> None:
    """Stop a channel for good; people look at why."""
    unit.execute(update(channels).where(channels.c.id == id_).values(state="frozen", reason=reason))


def post(unit: Connection, parcel: Parcel, now: datetime) -> None:
    """Put a sealed envelope into the outbox."""
    row = {
        "channel": parcel.channel,
        "chan_seq": parcel.chan_seq,
        "envelope": parcel.envelope,
        "bodies": ",".join(parcel.bodies),
        "at": text(now),
    }
    unit.execute(_POST, row)


def parcel(unit: Connection, channel: str, chan_seq: int) -> Parcel | None:
    """Return one envelope of a channel."""
    row = unit.execute(
        select(outbox).where(outbox.c.channel == channel, outbox.c.chan_seq == chan_seq)
    ).one_or_none()
    return None if row is None else _parcel(row)


def sent_since(unit: Connection, instant: str) -> list[tuple[Channel, Parcel, str]]:
    """Return what was put into the outbox from an instant on: its channel, the envelope, and when; oldest first."""
    rows = (
        select(channels, outbox.c.chan_seq, outbox.c.envelope, outbox.c.bodies, outbox.c.at)
        .join(channels, channels.c.id == outbox.c.channel)
        .where(outbox.c.at >= instant)
        .order_by(outbox.c.at, outbox.c.channel, outbox.c.chan_seq)
    )
    found: list[tuple[Channel, Parcel, str]] = []
    for row in unit.execute(rows):
        channel = Channel(**{name: row._mapping[name] for name in Channel.__slots__})
        parcel_ = Parcel(
            channel=row.id, chan_seq=row.chan_seq, envelope=bytes(row.envelope), bodies=()
        )
        found.append((channel, parcel_, row.at))
    return found


def parcels(unit: Connection, channel: str, first: int, last: int) -> list[Parcel]:
    """Return the envelopes of a channel from one number to another, in order."""
    seq = outbox.c.chan_seq
    rows = select(outbox).where(outbox.c.channel == channel, seq >= first, seq <= last)
    return [_parcel(row) for row in unit.execute(rows.order_by(seq))]


def _parcel(row: object) -> Parcel:
    r = row._mapping  # type: ignore[attr-defined]
    digests = tuple(r["bodies"].split(",")) if r["bodies"] else ()
    return Parcel(
        channel=r["channel"], chan_seq=r["chan_seq"], envelope=bytes(r["envelope"]), bodies=digests
    )


def first_undelivered(unit: Connection, channel: str) -> int | None:
    """Return the number of the oldest envelope of ``channel`` that the peer has not acknowledged."""
    query = select(func.min(outbox.c.chan_seq)).where(
        outbox.c.channel == channel, outbox.c.delivered_at == ""
    )
    return unit.execute(query).scalar_one_or_none()


def backlog(unit: Connection, channel: str) -> int:
    """Return how many envelopes of ``channel`` the peer has not acknowledged."""
    query = select(func.count()).where(outbox.c.channel == channel, outbox.c.delivered_at == "")
    return int(unit.execute(query).scalar_one())


def delivered(unit: Connection, channel: str, upto: int, now: datetime) -> None:
    """Note that the peer holds everything of ``channel`` up to ``upto``."""
    unit.execute(
        update(outbox)
        .where(outbox.c.channel == channel, outbox.c.chan_seq <= upto, outbox.c.delivered_at == "")
        .values(delivered_at=text(now))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldFrame:
    """A frame that cannot be admitted yet: its turn has not come, or its agreement is not here."""

    peer: str
    channel: str
    chan_seq: int
    frame: bytes
    reason: str
    at: str


def hold(unit: Connection, held: HeldFrame) -> None:
    """Keep a frame for later; the first of a number stays."""
    insert_new(unit, held_frames, [{name: getattr(held, name) for name in HeldFrame.__slots__}])


def held_of(unit: Connection, peer: str) -> tuple[int, int]:
    """Return how many frames of ``peer`` are kept, and how many bytes they are."""
    size = func.coalesce(func.sum(func.length(held_frames.c.frame)), 0)
    row = unit.execute(select(func.count(), size).where(held_frames.c.peer == peer)).one()
    return int(row[0]), int(row[1])


def held(unit: Connection, channel: str, chan_seq: int) -> HeldFrame | None:
    """Return the frame kept under a number."""
    row = unit.execute(
        select(held_frames).where(
            held_frames.c.channel == channel, held_frames.c.chan_seq == chan_seq
        )
    ).one_or_none()
    return None if row is None else HeldFrame(**{**row._mapping, "frame": bytes(row.frame)})


def waiting_channels(unit: Connection) -> list[str]:
    """Return the channels that hold frames back."""
    return [r.channel for r in unit.execute(select(held_frames.c.channel).distinct())]


def drop_held(unit: Connection, channel: str, upto: int) -> None:
    """Forget kept frames that are admitted by now."""
    unit.execute(
        delete(held_frames).where(held_frames.c.channel == channel, held_frames.c.chan_seq <= upto)
    )


def refuse(  # noqa: PLR0913 what came, from whom, why, when, and how much of it is kept
    unit: Connection,
    peer: str,
    why: tuple[str, str],
    frame: bytes,
    now: datetime,
    most: int = 1 << 16,
) -> bool:
    """Keep a refused envelope and its (code, cause) for our people; the sender learns nothing.

    One that comes again right after itself, as a peer that is asked again sends it, is kept once. Of a peer and
    a reason the last ``REFUSALS`` are kept, so that nobody fills the disk with what is refused.

    Args:
        most: how many bytes of it are kept.

    Returns:
        Whether it is news: nothing of this peer was refused for this reason within the last hour.
    """
    kept = frame[:most]
    c = refusals.c
    of_peer = select(refusals).where(c.peer == peer).order_by(c.seq.desc())
    alike = of_peer.where(c.code == why[0], c.cause == why[1])
    newest, row = (unit.execute(q.limit(1)).one_or_none() for q in (alike, of_peer))
    news = newest is None or newest.at <= text(now - timedelta(hours=1))
    if row is not None and (row.code, row.cause, bytes(row.frame)) == (*why, kept):
        return news
    unit.execute(
        refusals.insert().values(at=text(now), peer=peer, code=why[0], cause=why[1], frame=kept)
    )
    old = unit.execute(
        alike.with_only_columns(c.seq).offset(REFUSALS).limit(1)
    ).scalar_one_or_none()
    if old is not None:
        which = (c.peer == peer, c.code == why[0], c.cause == why[1])
        unit.execute(delete(refusals).where(*which, c.seq <= old))
    return news
