"""Recalls: whom each view went to, the orders to give it back, and what was answered (border.md 7)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, func, select, tuple_, union, update

from mithaq.model.objects import moment
from mithaq.store.sql import among, chunks, insert_new, within
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
    fetched_at: str = ""  # when its bytes were first read over TAXII; empty: they were not


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
    what = ("peer", "agreement", "id", "version", "view", "copy", "fetched_at")
    gone = select(*(departed.c[name] for name in (*what, "at"))).order_by(departed.c.seq)
    stands = select(*(rows.c[name] for name in what), rows.c.released_at.label("at"))
    stands = stands.where(rows.c.copy > 0).order_by(
        rows.c.leaf
    )  # the rest are marking definitions that travelled along
    queries = (gone.where(which(departed)), stands.where(which(rows)))
    found = [Released(**row._mapping) for query in queries for row in unit.execute(query)]
    return sorted(found, key=lambda each: each.at)


def fetched(
    unit: Connection, by: tuple[str, str], what: Iterable[tuple[str, str, str]], at: str
) -> None:
    """Note when a peer first read what stands on its shelf under an agreement.

    Args:
        by: the peer and the agreement.
        what: (id, version, view) of each version read.
    """
    wanted = set(what)
    ids = {id_ for id_, _, _ in wanted}
    stands = _under(rows, by, within(unit, rows.c.id, ids))
    went = _under(departed, by, within(unit, departed.c.id, ids))
    keys = ("id", "version", "view")
    c, d = rows.c, departed.c
    new = [
        (row.shelf, row.id, row.version)
        for row in unit.execute(
            select(c.shelf, *(c[n] for n in keys)).where(*stands, c.fetched_at == "")
        )
        if (row.id, row.version, row.view) in wanted
    ]
    for part in chunks(new):
        which = tuple_(c.shelf, c.id, c.version).in_(part)
        unit.execute(update(rows).where(which).values(fetched_at=at))
    here = {tuple(row) for row in unit.execute(select(*(c[n] for n in keys)).where(*stands))}
    # Of a view that went twice, it is the later release that was read.
    query = select(d.seq, d.fetched_at, *(d[n] for n in keys)).where(*went).order_by(d.seq)
    last = {(row.id, row.version, row.view): row for row in unit.execute(query)}
    gone = [row.seq for key, row in last.items() if key in wanted - here and not row.fetched_at]
    for some in chunks(gone):
        unit.execute(update(departed).where(d.seq.in_(some)).values(fetched_at=at))


def _under(
    table: Table, by: tuple[str, str], which: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ...]:
    peer, agreement = by
    return (table.c.peer == peer, table.c.agreement == agreement, which)


def had_fetched(unit: Connection, order: OrderRow) -> list[Released]:
    """Return the releases that an order is about whose bytes were read over TAXII, by whom it owes an answer."""
    asked = {(each.agreement, each.peer) for each in receipts_to(unit, order)}
    return [
        each
        for each in who_had(unit, order.id)
        if each.fetched_at
        and (each.agreement, each.peer) in asked
        and order.names(each.version, each.view)
    ]


def owes(unit: Connection, peer: str) -> bool:
    """Say whether an answer of ``peer`` is missing."""
    c = receipts.c
    row = unit.execute(select(c.name).where(c.peer == peer, c.outcome == "").limit(1))
    return row.first() is not None


def held_by(unit: Connection, peer: str) -> list[Released]:
    """Return every release to a peer, oldest first."""
    return _had(unit, lambda table: table.c.peer == peer)


def count_held(unit: Connection, peer: str) -> int:
    """Return how many views went to a peer, each once under each agreement."""
    both = [
        select(t.c.agreement, t.c.id, t.c.version, t.c.view).where(t.c.peer == peer, t.c.copy > 0)
        for t in (rows, departed)
    ]
    return int(unit.execute(select(func.count()).select_from(union(*both).subquery())).scalar_one())


def who_holds_under(unit: Connection, agreement: str) -> set[str]:
    """Return the peers that something was released to under an agreement."""
    both = [
        select(t.c.peer).where(t.c.agreement == agreement, t.c.copy > 0).distinct()
        for t in (rows, departed)
    ]
    return {row.peer for query in both for row in unit.execute(query)}


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
    found = among(unit, select(orders).order_by(orders.c.seq), orders.c.id, ids)
    return [_order(row) for row in found]


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


def receipts_of(unit: Connection, by: str, peer: str) -> list[ReceiptRow]:
    """Return the answers that a peer owes or gave to the orders of a nation."""
    c = receipts.c
    rows = select(receipts).where(c.by == by, c.peer == peer).order_by(c.name, c.agreement)
    return [ReceiptRow(**row._mapping) for row in unit.execute(rows)]


def owed(unit: Connection, name: str, agreement: str, peer: str) -> list[ReceiptRow]:
    """Return the answers that ``peer`` owes to orders of a name under an agreement, given or missing, by owner.

    They are more than one where an owner gave its order the name of another's, which it may have read.
    """
    c = receipts.c
    rows = select(receipts).where(c.name == name, c.agreement == agreement, c.peer == peer)
    return [ReceiptRow(**row._mapping) for row in unit.execute(rows.order_by(c.by))]


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
