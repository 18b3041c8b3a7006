"""What was asked to go where, what stands on which shelf, and what waits for whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, select, tuple_

from mithaq.store.engine import append_lock
from mithaq.store.sql import chunks, insert_new
from mithaq.store.tables import approvals, intents, rows, shelf_ops, waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class ShelfRow:
    """A version that stands on a peer's shelf, with the view it shows."""

    shelf: str
    id: str
    version: str
    peer: str
    agreement: str
    copy: int
    view: str
    removed: str  # JSON list of pointers
    label: str  # JSON
    released_at: str
    leaf: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """That someone wants a copy to go to a peer under an agreement, and what became of it."""

    seq: int = 0
    copy: int
    agreement: str
    peer: str
    purpose: str
    proposer: str
    at: str
    state: str  # released | held | withheld | shadow
    needs: str = ""
    view: str = ""
    reasons: str = "[]"  # JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """A second person's signed yes to exact bytes."""

    copy: int
    agreement: str
    agreement_digest: str
    view: str
    peers: str  # comma-separated, sorted
    proposer: str
    approver: str
    envelope: bytes
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One change to what peers see, in the order of the releases."""

    seq: int
    op: str
    shelf: str
    facts: dict[str, object]


def _values(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


def place(unit: Connection, new: Sequence[ShelfRow]) -> None:
    """Keep rows; a row of the same (shelf, id, version) must have been taken away before."""
    for part in chunks(new):
        unit.execute(rows.insert(), [_values(row) for row in part])


def take_away(unit: Connection, shelf: str, id_: str, version: str) -> None:
    """Remove a row."""
    unit.execute(
        delete(rows).where(rows.c.shelf == shelf, rows.c.id == id_, rows.c.version == version)
    )


def rows_of_ids(unit: Connection, ids: Iterable[str]) -> list[ShelfRow]:
    """Return every row, on any shelf, of ``ids``."""
    found: list[ShelfRow] = []
    for part in chunks(dict.fromkeys(ids)):
        found += [
            ShelfRow(**r._mapping) for r in unit.execute(select(rows).where(rows.c.id.in_(part)))
        ]
    return found


def rows_of_agreement(unit: Connection, agreement: str) -> list[ShelfRow]:
    """Return every row under ``agreement``."""
    found = unit.execute(select(rows).where(rows.c.agreement == agreement))
    return [ShelfRow(**r._mapping) for r in found]


def rows_of_peer(unit: Connection, peer: str) -> list[ShelfRow]:
    """Return every row on the shelves of ``peer``."""
    return [ShelfRow(**r._mapping) for r in unit.execute(select(rows).where(rows.c.peer == peer))]


def ids_on_shelves(unit: Connection, peer: str, ids: Iterable[str]) -> set[str]:
    """Return those of ``ids`` that stand on a shelf of ``peer``."""
    found: set[str] = set()
    for part in chunks(dict.fromkeys(ids)):
        query = select(rows.c.id).where(rows.c.peer == peer, rows.c.id.in_(part))
        found |= {row.id for row in unit.execute(query)}
    return found


def put_intents(unit: Connection, new: Sequence[Intent]) -> None:
    """Keep intents; a later decision on the same (copy, agreement, peer) replaces the earlier."""
    for part in chunks(new, 200):
        keys = [(i.copy, i.agreement, i.peer) for i in part]
        key = tuple_(intents.c.copy, intents.c.agreement, intents.c.peer)
        unit.execute(delete(intents).where(key.in_(keys)))
        unit.execute(
            intents.insert(), [{k: v for k, v in _values(i).items() if k != "seq"} for i in part]
        )


def intents_where(
    unit: Connection,
    *,
    state: str | None = None,
    copies: Sequence[int] | None = None,
    agreement: str | None = None,
) -> list[Intent]:
    """Return intents by state, copies or agreement, oldest first."""
    query = select(intents).order_by(intents.c.seq)
    if state is not None:
        query = query.where(intents.c.state == state)
    if agreement is not None:
        query = query.where(intents.c.agreement == agreement)
    if copies is None:
        return [Intent(**r._mapping) for r in unit.execute(query)]
    found: list[Intent] = []
    for part in chunks(copies):
        found += [Intent(**r._mapping) for r in unit.execute(query.where(intents.c.copy.in_(part)))]
    return found


def wait_for(unit: Connection, agreement: str, waits: Iterable[tuple[str, int]]) -> None:
    """Note (target, copy) pairs: the copy is decided again when its target is released."""
    for part in chunks(waits):
        insert_new(
            unit, waiting, [{"agreement": agreement, "target": t, "copy": c} for t, c in part]
        )


def released_waiters(unit: Connection, agreement: str, targets: Iterable[str]) -> list[int]:
    """Take and return the copies that waited for one of ``targets``."""
    found: list[int] = []
    for part in chunks(dict.fromkeys(targets)):
        which = (waiting.c.agreement == agreement, waiting.c.target.in_(part))
        found += [r.copy for r in unit.execute(select(waiting.c.copy).where(*which))]
        unit.execute(delete(waiting).where(*which))
    return list(dict.fromkeys(found))


def add_approval(unit: Connection, approval: ApprovalRow) -> None:
    """Keep an approval."""
    unit.execute(approvals.insert().values(_values(approval)))


def approvals_of(unit: Connection, copies: Sequence[int]) -> list[ApprovalRow]:
    """Return the approvals of ``copies``."""
    names = list(ApprovalRow.__slots__)
    found: list[ApprovalRow] = []
    for part in chunks(copies):
        query = select(*(approvals.c[name] for name in names)).where(approvals.c.copy.in_(part))
        found += [ApprovalRow(**r._mapping) for r in unit.execute(query)]
    return found


def show(unit: Connection, op: str, shelf: str, **facts: object) -> None:
    """Queue a change to what peers see; it becomes visible with the projection, after this unit."""
    append_lock(unit, "shelf_ops")
    unit.execute(
        shelf_ops.insert().values(op=op, shelf=shelf, facts=msgspec.json.encode(facts).decode())
    )


def show_many(unit: Connection, op: str, shelf: str, many: Sequence[dict[str, object]]) -> None:
    """Queue many changes of one sort to one shelf."""
    append_lock(unit, "shelf_ops")
    for part in chunks(many):
        unit.execute(
            shelf_ops.insert(),
            [
                {"op": op, "shelf": shelf, "facts": msgspec.json.encode(facts).decode()}
                for facts in part
            ],
        )


def ops_since(unit: Connection, position: int, limit: int = 5000) -> list[Op]:
    """Return queued changes after ``position``."""
    query = (
        select(shelf_ops).where(shelf_ops.c.seq > position).order_by(shelf_ops.c.seq).limit(limit)
    )
    return [
        Op(seq=r.seq, op=r.op, shelf=r.shelf, facts=msgspec.json.decode(r.facts))
        for r in unit.execute(query)
    ]


def forget_ops(unit: Connection, upto: int) -> None:
    """Drop changes that the projection has shown."""
    unit.execute(delete(shelf_ops).where(shelf_ops.c.seq <= upto))
