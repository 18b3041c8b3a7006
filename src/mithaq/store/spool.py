"""What came in, unread: written by the peers' listener, settled by the worker's cursor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, select

from mithaq.clock import text
from mithaq.errors import Conflict
from mithaq.store.engine import append_lock
from mithaq.store.tables import arrivals


class SpoolFull(Conflict):
    """One peer has more waiting here than it may; others are not touched."""

    code = "spool-full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """Bytes from a peer whose request signature or token held; nothing else is known of them."""

    seq: int = 0
    peer: str
    kind: str  # frame | post | withdraw | nudge | heartbeat | fetched
    facts: Mapping[str, str]
    raw: bytes
    at: str = ""


# Made once: each page that is read over TAXII is noted here first.
_WAITING = select(func.coalesce(func.sum(arrivals.c.size), 0)).where(
    arrivals.c.peer == bindparam("peer")
)
_ARRIVE = arrivals.insert().inline()
_ARRIVE_NUMBERED = arrivals.insert().returning(arrivals.c.seq)


def arrive(unit: Connection, arrival: Arrival, now: datetime, most_bytes: int) -> None:
    """Keep an arrival.

    Raises:
        SpoolFull: the peer already has ``most_bytes`` waiting.
    """
    append_lock(unit, "arrivals")
    if _waits(unit, arrival.peer) + _size(arrival) > most_bytes:
        raise SpoolFull("too much is waiting", peer=arrival.peer)
    unit.execute(_ARRIVE, _row(arrival, now))


def arrive_unseen(
    unit: Connection, arrival: Arrival, names: Sequence[str], now: datetime, most_bytes: int
) -> None:
    """Keep an arrival unless its peer has ``most_bytes`` waiting; that takes as long, whichever of ``names`` it is."""
    append_lock(unit, "arrivals")
    waits = {name: _waits(unit, name) for name in names}
    seq = unit.execute(_ARRIVE_NUMBERED, _row(arrival, now)).scalar_one()
    full = waits[arrival.peer] + _size(arrival) > most_bytes
    unit.execute(delete(arrivals).where(arrivals.c.seq == (seq if full else 0)))


def _waits(unit: Connection, peer: str) -> int:
    return int(unit.execute(_WAITING, {"peer": peer}).scalar_one())


def _size(arrival: Arrival) -> int:
    return len(arrival.raw) + 256  # a row is never free


def _row(arrival: Arrival, now: datetime) -> dict[str, object]:
    return {
        "peer": arrival.peer,
        "kind": arrival.kind,
        "facts": msgspec.json.encode(arrival.facts).decode(),
        "raw": arrival.raw,
        "size": _size(arrival),
        "at": text(now),
    }


def waiting(unit: Connection, peer: str, kind: str, holding: str) -> list[Mapping[str, str]]:
    """Return the facts of what of one kind still waits from ``peer``, oldest first; never its bytes.

    Args:
        holding: an id that the facts must name.
    """
    query = (
        select(arrivals.c.facts)
        .where(arrivals.c.peer == peer, arrivals.c.kind == kind)
        .where(arrivals.c.facts.contains(holding, autoescape=True))
        .order_by(arrivals.c.seq)
    )
    facts = [msgspec.json.decode(f, type=dict[str, str]) for f in unit.execute(query).scalars()]
    return [each for each in facts if holding in each.values()]


def since(unit: Connection, position: int, limit: int = 64) -> list[Arrival]:
    """Return up to ``limit`` arrivals after ``position``, oldest first."""
    query = select(arrivals).where(arrivals.c.seq > position).order_by(arrivals.c.seq).limit(limit)
    return [
        Arrival(
            seq=r.seq,
            peer=r.peer,
            kind=r.kind,
            facts=msgspec.json.decode(r.facts),
            raw=bytes(r.raw),
            at=r.at,
        )
        for r in unit.execute(query)
    ]


def settle(unit: Connection, upto: int) -> None:
    """Forget arrivals that the worker has dealt with and committed."""
    unit.execute(delete(arrivals).where(arrivals.c.seq <= upto))
