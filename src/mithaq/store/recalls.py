"""Recalls: whom each view went to, the orders to give it back, and what was answered (border.md 7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from mithaq.model.objects import moment
from mithaq.store.sql import insert_new, within
from mithaq.store.tables import copies as copies_
from mithaq.store.tables import departed, orders, receipts, rows

EVERY = "*"  # the version of an order that means every one up to its instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """That a view went onto a peer's shelf, whether or not it stands there still."""

    peer: str
    agreement: str
    id: str
    version: str
    view: str
    copy: int
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An owner's order, ours or one we were given; of the latter it is the tombstone."""

    seq: int = 0
    name: str
    agreement: str  # it came or went under
    by: str
    sent_by: str = ""  # who handed it to us; empty: it is ours
    id: str
    version: str  # EVERY: every version up to ``issued``
    view: str = ""
    cause: str
    basis: str
    issued: str
    deadline: str
    peers: str = ""  # whom ours is for, comma-separated; empty: all
    person: str = ""
    envelope: bytes
    at: str

    def names(self, version: str, view: str) -> bool:
        """Say whether the order is about that version in that view."""
        so_far = self.version == EVERY and moment(version) <= moment(self.issued)
        return (so_far or version == self.version) and self.view in ("", view)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """The answer that a peer owes to an order; ``outcome`` is empty while it is missing."""

    name: str
    agreement: str
    by: str
    peer: str
    outcome: str = ""
    basis: str = ""
    onward: str = ""  # JSON
    at: str = ""
    seal: str = ""  # it came in; empty: a person recorded it
    person: str = ""


def _values(value: object) -> dict[str, object]:
    names = (n for n in value.__slots__ if n != "seq")  # type: ignore[attr-defined]
    return {name: getattr(value, name) for name in names}


def who_had(unit: Connection, id_: str) -> list[Released]:
    """Return every release of ``id_``, what stands and what is gone, oldest first."""
    return _had(unit, lambda table: table.c.id == id_)


def releases_of(unit: Connection, copies: Iterable[int]) -> list[Released]:
    """Return every release of some copies, what stands and what is gone, oldest first."""
    wanted = set(copies)
    ids = select(copies_.c.id).where(within(unit, copies_.c.seq, wanted))
    return [each for each in _had(unit, lambda table: table.c.id.in_(ids)) if each.copy in wanted]


def _had(unit: Connection, which: Callable[[Table], ColumnElement[bool]]) -> list[Released]:
    what = ("peer", "agreement", "id", "version", "view", "copy")
    gone = select(*(departed.c[name] for name in (*what, "at"))).order_by(departed.c.seq)
    stands = select(*(rows.c[name] for name in what), rows.c.released_at.label("at"))
    stands = stands.where(rows.c.copy > 0)  # the rest are marking definitions that travelled along
    queries = (gone.where(which(departed)), stands.where(which(rows)))
    found = [Released(**row._mapping) for query in queries for row in unit.execute(query)]
    return sorted(found, key=lambda each: each.at)


def give(unit: Connection, order: OrderRow) -> bool:
    """Keep an order; False if it is here already."""
    c = orders.c
    which = (c.name == order.name, c.agreement == order.agreement, c.by == order.by)
    if unit.execute(select(c.seq).where(*which)).first() is not None:
        return False
    unit.execute(orders.insert().values(_values(order)))
    return True


def orders_on(unit: Connection, ids: Iterable[str]) -> list[OrderRow]:
    """Return the orders about ``ids``, ours and others', oldest first."""
    query = select(orders).where(within(unit, orders.c.id, set(ids))).order_by(orders.c.seq)
    return [_order(row) for row in unit.execute(query)]


def all_orders(unit: Connection, *, ours: bool) -> list[OrderRow]:
    """Return our orders, or those we were given, newest first."""
    which = orders.c.sent_by == "" if ours else orders.c.sent_by != ""
    rows = select(orders).where(which).order_by(orders.c.seq.desc())
    return [_order(row) for row in unit.execute(rows)]


def orders_named(unit: Connection, name: str) -> list[OrderRow]:
    """Return the orders of that name: one of ours, or one for each agreement that another's came under."""
    rows = select(orders).where(orders.c.name == name).order_by(orders.c.seq)
    return [_order(row) for row in unit.execute(rows)]


def _order(row: object) -> OrderRow:
    values = dict(row._mapping)  # type: ignore[attr-defined]
    return OrderRow(**{**values, "envelope": bytes(values["envelope"])})


def owe(unit: Connection, new: Sequence[ReceiptRow]) -> None:
    """Note whose answers are expected; what is there stays."""
    insert_new(unit, receipts, [_values(each) for each in new])


def receipts_to(unit: Connection, order: OrderRow) -> list[ReceiptRow]:
    """Return the answers to an order, under whatever agreements it was passed on, by peer."""
    c = receipts.c
    rows = select(receipts).where(c.name == order.name, c.by == order.by)
    return [ReceiptRow(**row._mapping) for row in unit.execute(rows.order_by(c.agreement, c.peer))]


def owed(unit: Connection, name: str, agreement: str, peer: str) -> ReceiptRow | None:
    """Return the answer that ``peer`` owes to an order under an agreement, given or missing."""
    c = receipts.c
    rows = select(receipts).where(c.name == name, c.agreement == agreement, c.peer == peer)
    row = unit.execute(rows).one_or_none()
    return None if row is None else ReceiptRow(**row._mapping)


def answer(unit: Connection, receipt: ReceiptRow) -> None:
    """Keep an answer; a later one replaces it."""
    c = receipts.c
    which = (
        c.name == receipt.name,
        c.agreement == receipt.agreement,
        c.by == receipt.by,
        c.peer == receipt.peer,
    )
    unit.execute(update(receipts).where(*which).values(_values(receipt)))


def missing(unit: Connection, now: str) -> tuple[int, int]:
    """Return how many answers are missing, and how many of these are overdue at ``now``."""
    c = receipts.c
    together = (orders.c.name == c.name, orders.c.by == c.by)
    rows = select(c.name, c.agreement, c.peer, func.max(orders.c.deadline).label("deadline"))
    rows = rows.where(*together, c.outcome == "").group_by(c.name, c.agreement, c.peer)
    deadlines = [row.deadline for row in unit.execute(rows)]
    return len(deadlines), sum(deadline < now for deadline in deadlines)
