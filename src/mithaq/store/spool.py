"""What came in, unread: written by the peers' listener, settled by the worker's cursor."""

from collections.abc import Mapping
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


def arrive(unit: Connection, arrival: Arrival, now: datetime, most_bytes: int) -> None:
    """Keep an arrival.

    Raises:
        SpoolFull: the peer already has ``most_bytes`` waiting.
    """
    append_lock(unit, "arrivals")
    size = len(arrival.raw) + 256  # a row is never free
    if int(unit.execute(_WAITING, {"peer": arrival.peer}).scalar_one()) + size > most_bytes:
        raise SpoolFull("too much is waiting", peer=arrival.peer)
    row = {
        "peer": arrival.peer,
        "kind": arrival.kind,
        "facts": msgspec.json.encode(arrival.facts).decode(),
        "raw": arrival.raw,
        "size": size,
        "at": text(now),
    }
    unit.execute(_ARRIVE, row)


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
