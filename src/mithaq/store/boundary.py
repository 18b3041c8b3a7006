"""What our people blocked on our own firewalls, and took off again."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_, update

from mithaq.model.values import Value
from mithaq.store.sql import fetched, insert_many
from mithaq.store.tables import block_acts, blocked, copies, departed, provenance, rows

BLOCK, UNBLOCK = "block", "unblock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody did; ``clients`` are the firewalls that it was for."""

    seq: int = 0
    kind: str
    by: str
    at: str
    why: str
    until: str = ""
    clients: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """One value of an act."""

    act: int
    kind: str
    value: str
    indicator: str
    until: str
    undone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """That a version went onto a client's shelf, and when it was first read there."""

    client: str
    copy: int
    id: str
    version: str
    voucher: str
    proof: str
    received: str
    shown: str
    fetched: str
    gone: bool = False  # from the shelf: it cannot be read there any more


def act(unit: Connection, what: Act) -> int:
    """Keep an act; return its number."""
    facts = {name: getattr(what, name) for name in Act.__slots__ if name != "seq"}
    made = unit.execute(block_acts.insert().values(facts).returning(block_acts.c.seq))
    return int(made.scalar_one())


def acts(unit: Connection) -> list[Act]:
    """Return every act, the newest first."""
    query = select(block_acts).order_by(block_acts.c.seq.desc())
    return [Act(**row._mapping) for row in unit.execute(query)]


def put(unit: Connection, some: Iterable[Blocked]) -> None:
    """Keep what an act blocked."""
    names = Blocked.__slots__
    insert_many(unit, blocked, names, [tuple(getattr(e, n) for n in names) for e in some])


def every(unit: Connection, *, act: int = 0, value: Value | None = None) -> list[Blocked]:
    """Return what was ever blocked, the newest first."""
    query = select(blocked).order_by(blocked.c.act.desc(), blocked.c.kind, blocked.c.value)
    if act:
        query = query.where(blocked.c.act == act)
    if value is not None:
        query = query.where(blocked.c.kind == value.kind, blocked.c.value == value.text)
    return [Blocked(**row._mapping) for row in unit.execute(query)]


def undo(unit: Connection, some: Iterable[Blocked], act: int) -> None:
    """Say by which act something stands no more."""
    c = blocked.c
    keys = [(each.act, each.kind, each.value) for each in some]
    which = tuple_(c.act, c.kind, c.value).in_(keys)
    unit.execute(update(blocked).where(which).values(undone=act))


def passages(unit: Connection, clients: Collection[str], since: str = "") -> list[Passage]:
    """Return what went onto the shelves of some clients since an instant, what is gone from them too."""
    found: list[Passage] = []
    for table, shown in ((rows, rows.c.released_at), (departed, departed.c.at)):
        c, p = table.c, provenance.c
        columns = (c.peer, c.copy, c.id, c.version, p.voucher, copies.c.proof, p.received_at)
        query = (
            select(*columns, shown, c.fetched_at)
            .join(copies, copies.c.seq == c.copy)
            .join(provenance, provenance.c.seq == copies.c.provenance)
            .where(c.peer.in_(clients), c.copy > 0, shown >= since)
        )
        names = [name for name in Passage.__slots__ if name != "gone"]
        found += [
            Passage(**dict(zip(names, r, strict=True)), gone=table is departed)
            for r in fetched(unit, query)
        ]
    return sorted(found, key=lambda each: each.shown)
