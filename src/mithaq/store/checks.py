"""Everything that is kept, row by row, for those who verify it."""

from collections.abc import Iterator
from typing import TypeAlias

from sqlalchemy import Connection, Table, func, select

from mithaq.store.tables import arrivals, bodies, rows, shelf_rows, shelves, views

OnShelf: TypeAlias = tuple[str, str, str, str]  # shelf, id, STIX version, digest of the view
_AT_ONCE = 500


def kept_bodies(unit: Connection) -> Iterator[tuple[str, bytes]]:
    """Yield every (digest, bytes) of core."""
    yield from _blobs(unit, bodies)


def shown_bodies(unit: Connection) -> Iterator[tuple[str, bytes]]:
    """Yield every (digest, bytes) that peers may read."""
    yield from _blobs(unit, views)


def _blobs(unit: Connection, table: Table) -> Iterator[tuple[str, bytes]]:
    last = 0
    while True:
        query = select(table.c.seq, table.c.digest, table.c.body).where(table.c.seq > last)
        some = unit.execute(query.order_by(table.c.seq).limit(_AT_ONCE)).all()
        if not some:
            return
        yield from ((row.digest, bytes(row.body)) for row in some)
        last = some[-1].seq


def released(unit: Connection) -> set[OnShelf]:
    """Return what core says stands on shelves."""
    query = select(rows.c.shelf, rows.c.id, rows.c.version, rows.c.view)
    return {(r.shelf, r.id, r.version, r.view) for r in unit.execute(query)}


def shown(unit: Connection) -> set[OnShelf]:
    """Return what peers may read, marking definitions left out."""
    table = shelf_rows
    query = select(table.c.shelf, table.c.id, table.c.stix_version, table.c.view)
    some = unit.execute(query.where(table.c.type != "marking-definition"))
    return {(r.shelf, r.id, r.stix_version, r.view) for r in some}


def open_shelves(unit: Connection) -> set[str]:
    """Return the ids of the shelves that are open."""
    return {name for name, state in states_of_shelves(unit).items() if state == "open"}


def states_of_shelves(unit: Connection) -> dict[str, str]:
    """Return the state of every shelf: open, blocked or closed."""
    rows_ = unit.execute(select(shelves.c.shelf, shelves.c.state))
    return {row.shelf: row.state for row in rows_}


def waiting(unit: Connection) -> tuple[int, int]:
    """Return how many arrivals wait in the spool, and how many bytes."""
    query = select(func.count(), func.coalesce(func.sum(arrivals.c.size), 0))
    count, size = unit.execute(query.select_from(arrivals)).one()
    return int(count), int(size)
