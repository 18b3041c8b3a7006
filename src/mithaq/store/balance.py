"""What the balance of give and take is made from: whose word came first, what was sighted, what is in use."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from mithaq.store import objects
from mithaq.store.objects import CAME, Copy, Rows
from mithaq.store.sharing import whom
from mithaq.store.sql import chunks, fetched, within
from mithaq.store.tables import (
    channels,
    copies,
    departed,
    observed,
    orders,
    peers,
    provenance,
    receipts,
    rows,
)

MARKS = 5000  # looked up by one statement
SPOKEN = ("sighting", "opinion")


class First(NamedTuple):
    """The first word of something: when it came, and its number."""

    at: str
    seq: int


def _narrow(visible: Rows, *columns: ColumnElement[Any]) -> Select[Any]:
    """Select columns of what is ``visible``, without a look at bytes: that is a matter of where it came from."""
    query = select(*columns).select_from(copies).join(provenance, CAME)
    return query if visible.whereclause is None else query.where(visible.whereclause)


def of(party: str) -> ColumnElement[bool]:
    """Say that a party handed a copy to us."""
    return (whom() == party) & (provenance.c.standing == "received")


def ours() -> ColumnElement[bool]:
    """Say that a copy is our own."""
    return provenance.c.standing == "own"


# --- what was said of objects ----------------------------------------------------------------------------
def spoken(
    unit: Connection, visible: Rows, by: ColumnElement[bool], since: str, most: int
) -> list[Copy]:
    """Return the newest sightings and opinions of somebody."""
    query = _narrow(visible, copies.c.seq).where(by, copies.c.type.in_(SPOKEN))
    query = query.where(provenance.c.received_at >= since).order_by(copies.c.seq.desc())
    seqs = [seq for (seq,) in fetched(unit, query.limit(most))]
    return [copy for some in objects.numbered(visible, seqs) for copy in objects.load(unit, some)]


def among(unit: Connection, visible: Rows, by: ColumnElement[bool], ids: Iterable[str]) -> set[str]:
    """Return those of ``ids`` of which somebody gave a copy."""
    wanted = set(ids)
    query = _narrow(visible, copies.c.id).where(by, objects.by_ids(unit, wanted))
    return {id_ for (id_,) in fetched(unit, query)} & wanted if wanted else set()


# --- whose word came first -------------------------------------------------------------------------------
def first_of_marks(
    unit: Connection, visible: Rows, by: ColumnElement[bool], marks: Collection[int]
) -> dict[int | str, First]:
    """Return the first word of each value that somebody spoke of, of what was read out."""
    columns = (observed.c.mark, func.min(provenance.c.received_at), func.min(copies.c.seq))
    found: dict[int | str, First] = {}
    for part in chunks(sorted(marks), MARKS):
        query = _narrow(visible, *columns).join(observed, observed.c.copy == copies.c.seq)
        query = query.where(by, within(unit, observed.c.mark, part)).group_by(observed.c.mark)
        found |= {mark: First(at, seq) for mark, at, seq in fetched(unit, query)}
    return found


def first_of_ids(
    unit: Connection, visible: Rows, by: ColumnElement[bool], ids: Collection[str]
) -> dict[int | str, First]:
    """Return the first copy of each id that somebody gave."""
    columns = (copies.c.id, func.min(provenance.c.received_at), func.min(copies.c.seq))
    query = _narrow(visible, *columns).where(by, objects.by_ids(unit, ids)).group_by(copies.c.id)
    wanted = set(ids)
    some = fetched(unit, query) if wanted else []
    return {id_: First(at, seq) for id_, at, seq in some if id_ in wanted}


# --- what went, and what is in use -----------------------------------------------------------------------
def given_to(
    unit: Connection, visible: Rows, peer: str, since: str, most: int
) -> list[tuple[Copy, str]]:
    """Return the newest releases to a peer, what stands and what is gone, each copy once with its first instant."""
    theirs = list(
        unit.execute(select(channels.c.agreement).where(channels.c.peer == peer)).scalars()
    )
    stands, gone = rows.c, departed.c
    both = union_all(
        select(stands.copy, stands.released_at.label("at")).where(
            stands.peer == peer, stands.agreement.in_(theirs), stands.copy > 0
        ),
        select(gone.copy, gone.at).where(
            gone.peer == peer, gone.agreement.in_(theirs), gone.copy > 0
        ),
    ).subquery()
    first = func.min(both.c.at).label("first")
    query = select(both.c.copy, first).group_by(both.c.copy).having(first >= since)
    went = dict(fetched(unit, query.order_by(first.desc(), both.c.copy.desc()).limit(most)))
    found = [copy for some in objects.numbered(visible, went) for copy in objects.load(unit, some)]
    return [(copy, went[copy.seq]) for copy in found]


def in_use(unit: Connection, visible: Rows, party: str) -> tuple[set[str], set[str]]:
    """Return the ids of what a party gave us that stands for a client of ours, and of what of it a client has read."""
    clients = select(peers.c.name).where(peers.c.kind == "client")
    theirs = select(channels.c.agreement).where(channels.c.peer.in_(clients))
    query = _narrow(visible, copies.c.id, func.max(rows.c.fetched_at))
    query = query.join(rows, (rows.c.copy == copies.c.seq) & (rows.c.id == copies.c.id))
    query = query.where(rows.c.peer.in_(clients), rows.c.agreement.in_(theirs), of(party))
    found = fetched(unit, query.group_by(copies.c.id))
    return {id_ for id_, _ in found}, {id_ for id_, at in found if at}


# --- what was taken back ---------------------------------------------------------------------------------
def orders_of(unit: Connection, party: str, since: str) -> list[tuple[str, str]]:
    """Return (id, cause) of each thing that a nation ordered back from us."""
    c = orders.c
    which = (c.by == party, c.sent_by != "", c.at >= since)
    return [(i, cause) for i, cause in unit.execute(select(c.id, c.cause).where(*which).distinct())]


def orders_to(unit: Connection, peer: str, by: str, since: str) -> list[tuple[str, str]]:
    """Return (id, cause) of each thing that we ordered back from a peer."""
    o, r = orders.c, receipts.c
    same = (o.name == r.name) & (o.by == r.by)
    query = select(o.id, o.cause).join(receipts, same).distinct()
    which = (r.peer == peer, o.by == by, o.sent_by == "", o.at >= since)
    return [(id_, cause) for id_, cause in unit.execute(query.where(*which))]
