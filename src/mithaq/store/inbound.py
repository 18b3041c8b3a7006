"""What came from peers and how it was taken: seals admitted, objects in quarantine, heartbeats heard."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select, update

from mithaq.store.sql import chunks, insert_new, put, within
from mithaq.store.tables import (
    accepted,
    channels,
    heads,
    heard,
    held_frames,
    quarantine,
    refusals,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An entry that may not be an object here, with the code that says why; never read as an object."""

    seq: int = 0
    at: str
    voucher: str
    origin: str  # where it came: channel and number, or the source
    id: str  # as its entry claims
    type: str
    version: str
    digest: str
    code: str
    where: str
    body: bytes
    agreement: str = ""  # under which it came; empty: under none
    onward: str = "none"  # as its entry claims
    state: str = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """The newest heartbeat of a peer, verified when it came."""

    peer: str
    envelope: bytes
    issued: str
    expires: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFrame:
    """An envelope that was refused whole, for our people."""

    seq: int
    at: str
    peer: str
    code: str
    cause: str


def accept(unit: Connection, channel: str, chan_seq: int, seal: str, envelope: bytes) -> None:
    """Keep an admitted seal: proof of what was said under that number."""
    unit.execute(
        accepted.insert().values(channel=channel, chan_seq=chan_seq, seal=seal, envelope=envelope)
    )


def accepted_seal(unit: Connection, channel: str, chan_seq: int) -> str | None:
    """Return the digest of the seal admitted under a number."""
    return unit.execute(
        select(accepted.c.seal).where(
            accepted.c.channel == channel, accepted.c.chan_seq == chan_seq
        )
    ).scalar_one_or_none()


def accepted_envelope(unit: Connection, channel: str, chan_seq: int) -> bytes:
    """Return the envelope of the seal admitted under a number."""
    which = (accepted.c.channel == channel, accepted.c.chan_seq == chan_seq)
    return bytes(unit.execute(select(accepted.c.envelope).where(*which)).scalar_one())


def accepted_envelopes(unit: Connection, peer: str) -> list[bytes]:
    """Return the seals admitted from ``peer``, each as its envelope, in the order of their channels."""
    rows = (
        select(accepted.c.envelope)
        .join(channels, channels.c.id == accepted.c.channel)
        .where(channels.c.peer == peer, channels.c.direction == "in")
        .order_by(accepted.c.channel, accepted.c.chan_seq)
    )
    return [bytes(row.envelope) for row in unit.execute(rows)]


def envelopes_of_seals(unit: Connection, seals: Iterable[str]) -> list[bytes]:
    """Return the admitted seals of some digests, each as its envelope."""
    found: list[bytes] = []
    for part in chunks(dict.fromkeys(seals)):
        rows = select(accepted.c.envelope).where(accepted.c.seal.in_(part))
        found += [bytes(row.envelope) for row in unit.execute(rows)]
    return found


def accepted_after(unit: Connection, channel: str, chan_seq: int) -> list[bytes]:
    """Return the seals admitted in a channel after a number, each as its envelope, in order."""
    rows = select(accepted.c.envelope).where(
        accepted.c.channel == channel, accepted.c.chan_seq > chan_seq
    )
    return [bytes(row.envelope) for row in unit.execute(rows.order_by(accepted.c.chan_seq))]


def note_heads(
    unit: Connection, peer: str, said: Sequence[tuple[str, int]], at: str, strange: int
) -> None:
    """Keep how far a peer says that it has sent in its channels; what was heard before stays.

    Args:
        strange: how many heads of channels that are not here yet are kept of one peer: it can name any.
    """
    names = {name for name, _ in said}
    rows = select(channels.c.id, channels.c.peer, channels.c.direction)
    here = {
        row.id: (row.peer, row.direction) == (peer, "in")
        for row in unit.execute(rows.where(within(unit, channels.c.id, names)))
    }
    known = [(name, seq) for name, seq in said if here.get(name)]
    others = [(name, seq) for name, seq in said if name not in here]
    if others:
        count = select(func.count()).where(heads.c.peer == peer, _strange())
        others = others[: max(strange - unit.execute(count).scalar_one(), 0)]
    new = [{"channel": name, "peer": peer, "seq": seq, "at": at} for name, seq in (*known, *others)]
    insert_new(unit, heads, new)


def _strange() -> ColumnElement[bool]:
    """Name the heads of channels of which nothing has come."""
    return and_(
        heads.c.channel.not_in(select(channels.c.id)),
        heads.c.channel.not_in(select(held_frames.c.channel)),
    )


def thin_heads(unit: Connection, since: str, until: str, oldest: str) -> None:
    """Forget heads that say little: keep the last of each hour, and of what is older than all keys the last.

    Args:
        since, until: between which instants they are thinned out.
        oldest: before it only the last head of a channel is kept.
    """
    later = heads.alias()
    beyond = select(later.c.seq).where(
        later.c.channel == heads.c.channel, later.c.seq > heads.c.seq
    )
    hour = func.substr(later.c.at, 1, 13) == func.substr(heads.c.at, 1, 13)
    old = and_(heads.c.at < oldest, beyond.where(later.c.at < oldest).exists())
    between = and_(heads.c.at >= since, heads.c.at < until)
    for which in (and_(between, beyond.where(hour).exists()), old, and_(between, _strange())):
        unit.execute(delete(heads).where(which))


def head_before(unit: Connection, peer: str, channel: str, instant: str) -> int:
    """Return how far a peer had said before an instant that it had sent in a channel; 0: nothing was said."""
    which = (heads.c.channel == channel, heads.c.peer == peer, heads.c.at < instant)
    query = select(func.max(heads.c.seq)).where(*which)
    return unit.execute(query).scalar_one() or 0


def in_quarantine_for(unit: Connection, code: str, where: str) -> list[Quarantined]:
    """Return what was put into quarantine with a code because of ``where``, whatever became of it, oldest first."""
    c = quarantine.c
    rows = select(quarantine).where(c.code == code, c.where == where).order_by(c.seq)
    return [Quarantined(**{**r._mapping, "body": bytes(r.body)}) for r in unit.execute(rows)]


def set_aside(unit: Connection, new: Sequence[Quarantined]) -> None:
    """Put entries into quarantine."""
    for part in chunks(new):
        unit.execute(
            quarantine.insert(),
            [
                {name: getattr(each, name) for name in Quarantined.__slots__ if name != "seq"}
                for each in part
            ],
        )


def in_quarantine(unit: Connection, limit: int = 1000) -> list[Quarantined]:
    """Return what waits in quarantine, newest first."""
    rows = select(quarantine).where(quarantine.c.state == "waiting")
    return [
        Quarantined(**{**r._mapping, "body": bytes(r.body)})
        for r in unit.execute(rows.order_by(quarantine.c.seq.desc()).limit(limit))
    ]


def quarantined(unit: Connection, seq: int) -> Quarantined | None:
    """Return one entry in quarantine by its number, whatever its state."""
    row = unit.execute(select(quarantine).where(quarantine.c.seq == seq)).one_or_none()
    return None if row is None else Quarantined(**{**row._mapping, "body": bytes(row.body)})


def drop(unit: Connection, seq: int) -> None:
    """Note that a person has looked at an entry and wants it no more; it is kept as evidence."""
    unit.execute(update(quarantine).where(quarantine.c.seq == seq).values(state="dropped"))


def take_back(
    unit: Connection, id_: str, senders: Collection[str], named: Callable[[str, str], bool]
) -> int:
    """Empty entries that are recalled; return how many. What each was said to be stays on record.

    Args:
        senders: from whom they came.
        named: says whether the order is about a version and digest.
    """
    c = quarantine.c
    waits = select(c.seq, c.version, c.digest).where(
        c.id == id_, c.voucher.in_(senders), c.state == "waiting"
    )
    gone = [row.seq for row in unit.execute(waits) if named(row.version, row.digest)]
    for part in chunks(gone):
        which = update(quarantine).where(c.seq.in_(part))
        unit.execute(which.values(state="recalled", body=b""))
    return len(gone)


def hear(unit: Connection, heartbeat: Heard) -> None:
    """Keep a peer's newest heartbeat."""
    put(unit, heard, {name: getattr(heartbeat, name) for name in Heard.__slots__})


def last_heard(unit: Connection, peer: str) -> Heard | None:
    """Return the newest heartbeat of ``peer``."""
    row = unit.execute(select(heard).where(heard.c.peer == peer)).one_or_none()
    return None if row is None else Heard(**{**row._mapping, "envelope": bytes(row.envelope)})


def refused(unit: Connection, limit: int = 100) -> list[RefusedFrame]:
    """Return refused envelopes, newest first."""
    c = refusals.c
    rows = select(c.seq, c.at, c.peer, c.code, c.cause).order_by(c.seq.desc()).limit(limit)
    return [RefusedFrame(**r._mapping) for r in unit.execute(rows)]
