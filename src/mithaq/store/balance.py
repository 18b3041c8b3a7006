"""What the balance of give and take is made from: whose word came first, what was sighted, what is in use."""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, func, select

from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
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
    """Return the newest sightings and opinions of somebody: found from whatever came of them since."""
    origins = select(provenance.c.seq).where(by, provenance.c.received_at >= since)
    if visible.whereclause is not None:
        origins = origins.where(visible.whereclause)
    came = [seq for (seq,) in fetched(unit, origins)]
    query = select(copies.c.seq).where(within(unit, copies.c.provenance, came))
    some = fetched(unit, query.where(copies.c.type.in_(SPOKEN))) if came else []
    seqs = sorted((seq for (seq,) in some), reverse=True)[:most]
    return [copy for part in objects.numbered(visible, seqs) for copy in objects.load(unit, part)]


def among(unit: Connection, visible: Rows, by: ColumnElement[bool], ids: Iterable[str]) -> set[str]:
    """Return those of ``ids`` of which somebody gave a copy."""
    wanted = set(ids)
    query = objects.columns_of(visible, copies.c.id).where(by, objects.by_ids(unit, wanted))
    return {id_ for (id_,) in fetched(unit, query)} & wanted if wanted else set()


# --- whose word came first -------------------------------------------------------------------------------
def first_of_marks(
    unit: Connection, visible: Rows, by: ColumnElement[bool], marks: Collection[int]
) -> dict[int | str, First]:
    """Return the first word of each value that somebody spoke of, of what was read out."""
    columns = (observed.c.mark, func.min(provenance.c.received_at), func.min(copies.c.seq))
    found: dict[int | str, First] = {}
    for part in chunks(sorted(marks), MARKS):
        query = objects.columns_of(visible, *columns).join(
            observed, observed.c.copy == copies.c.seq
        )
        query = query.where(by, within(unit, observed.c.mark, part)).group_by(observed.c.mark)
        found |= {mark: First(at, seq) for mark, at, seq in fetched(unit, query)}
    return found


def first_of_ids(
    unit: Connection, visible: Rows, by: ColumnElement[bool], ids: Collection[str]
) -> dict[int | str, First]:
    """Return the first copy of each id that somebody gave."""
    columns = (copies.c.id, func.min(provenance.c.received_at), func.min(copies.c.seq))
    query = (
        objects.columns_of(visible, *columns)
        .where(by, objects.by_ids(unit, ids))
        .group_by(copies.c.id)
    )
    wanted = set(ids)
    some = fetched(unit, query) if wanted else []
    return {id_: First(at, seq) for id_, at, seq in some if id_ in wanted}


# --- what went, and what is in use -----------------------------------------------------------------------
def given_to(
    unit: Connection, visible: Rows, peer: str, since: str, most: int
) -> list[tuple[Copy, str]]:
    """Return the newest releases to a peer, what stands and what is gone, each copy once with its first instant."""
    theirs = _channels(unit, channels.c.peer == peer)
    first: dict[int, str] = {}
    ids: set[str] = set()
    for table, at in _WENT:
        for channel in theirs:
            c = table.c
            query = select(c.copy, c.id, at).where(*_under(table, channel), c.copy > 0, at >= since)
            for copy, id_, when in fetched(unit, query.order_by(at.desc()).limit(most)):
                first[copy] = min(first.get(copy, when), when)
                ids.add(id_)
    for table, at in _WENT if ids else ():
        under = table.c.agreement.in_([agreement for _, agreement in theirs])
        before = select(table.c.copy).where(within(unit, table.c.id, ids), table.c.peer == peer)
        for (copy,) in fetched(unit, before.where(under, at < since)):
            first.pop(copy, None)
    newest = sorted(first, key=lambda copy: (first[copy], copy), reverse=True)[:most]
    found = [
        copy for some in objects.numbered(visible, newest) for copy in objects.load(unit, some)
    ]
    return [(copy, first[copy.seq]) for copy in found]


def in_use(
    unit: Connection, visible: Rows, party: str, most: int
) -> tuple[set[str], set[str], bool]:
    """Return the ids of what a party gave us that stands for a client of ours, and of what of it a client has read.

    Of what stands for clients the newest is looked at, about ``most``; and whether there is more.
    """
    clients = select(peers.c.name).where(peers.c.kind == "client")
    theirs = _channels(unit, channels.c.peer.in_(clients))
    each = most // max(len(theirs), 1) + 1
    shown: dict[int, str] = {}
    was_read: set[int] = set()
    more = False
    for channel in theirs:
        c = rows.c
        what = select(c.copy, c.id, c.fetched_at).where(*_under(rows, channel), c.copy > 0)
        some = fetched(unit, what.order_by(c.released_at.desc()).limit(each))
        more = more or len(some) == each
        shown |= {copy: id_ for copy, id_, _ in some}
        was_read |= {copy for copy, _, at in some if at}
    query = objects.columns_of(visible, copies.c.seq, copies.c.id).where(of(party))
    found = fetched(unit, query.where(within(unit, copies.c.seq, shown))) if shown else ()
    used = {seq: id_ for seq, id_ in found if shown[seq] == id_}
    return set(used.values()), {id_ for seq, id_ in used.items() if seq in was_read}, more


_WENT: tuple[tuple[Table, ColumnElement[str]], ...] = (
    (rows, rows.c.released_at),
    (departed, departed.c.at),
)


def _channels(unit: Connection, whose: ColumnElement[bool]) -> list[tuple[str, str]]:
    """Return (peer, agreement) of some channels."""
    query = select(channels.c.peer, channels.c.agreement).where(whose).distinct()
    return [(peer, agreement) for peer, agreement in fetched(unit, query)]


def _under(table: Table, channel: tuple[str, str]) -> tuple[ColumnElement[bool], ...]:
    return table.c.peer == channel[0], table.c.agreement == channel[1]


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
