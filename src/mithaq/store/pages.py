"""Pages of what a shelf shows, for the peers' listener: bounded in number and in bytes, never out of order.

Positions and ``date_added`` of a shelf only grow and grow together, so a position says where to go on, whatever is
placed or taken away meanwhile (border.md 4.1, 4.2).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    func,
    not_,
    or_,
    select,
    tuple_,
)

from mithaq.store.shelf import Frame, Shown
from mithaq.store.sql import chunks
from mithaq.store.tables import frames, inbox_rows, shelf_rows, views

PAGE_BYTES = 8 << 20  # an answer stops after so many; a longer object goes alone
_TABLES = {"intel": shelf_rows, "inbox": inbox_rows}
_WORDS = frozenset({"all", "first", "last"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Filters of a page: TAXII 2.1 section 3.4; empty asks for nothing in particular."""

    added_after: str | None = None
    after: int = 0  # position, from ``next``
    floor: int = 0  # position before which nothing counts, as if it did not stand there
    limit: int
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)
    hidden: tuple[tuple[str, str], ...] = ()  # (id, version) that its writer has withdrawn


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMark:
    """A sealed envelope on show, without its bytes."""

    seq: int
    envelope_size: int
    size: int  # of envelope and body together
    date_added: str


def from_date(unit: Connection, table: str, shelf: str, wanted: Wanted) -> Wanted:
    """Return ``wanted`` beginning behind its ``added_after``, if it is not further already."""
    if wanted.added_after is None:
        return wanted
    at = _position_at(unit, _TABLES[table], shelf, wanted.added_after)
    after, floor = max(wanted.after, at), max(wanted.floor, at)
    return replace(wanted, added_after=None, after=after, floor=floor)


def page(
    unit: Connection, table: str, shelf: str, wanted: Wanted, *, bodies: bool
) -> tuple[list[Shown], bool]:
    """Return rows of ``intel`` or ``inbox`` in the order of ``date_added``, and whether there is more.

    Args:
        bodies: the bytes will be fetched, so stop after ``PAGE_BYTES`` of them.
    """
    rows = _TABLES[table]
    wanted = from_date(unit, table, shelf, wanted)
    position = _position(rows, by_id=bool(wanted.ids))
    columns = [rows.c[name] for name in Shown.__slots__]
    query = (
        select(*columns)
        .where(*_matching(rows, shelf, wanted), position > wanted.after)
        .order_by(position)
        .limit(wanted.limit + 1)
    )
    if "all" not in wanted.versions:
        query = query.where(_of_versions(rows, shelf, wanted))
    if bodies:
        query = query.add_columns(func.length(views.c.body).label("size"))
        query = query.join(views, views.c.digest == rows.c.view)
    found: list[Shown] = []
    size = 0
    for row in unit.execute(query):
        if bodies:
            size += row[-1]
        if len(found) == wanted.limit or (found and size > PAGE_BYTES):
            return found, True
        found.append(Shown(**dict(zip(Shown.__slots__, row, strict=False))))
    return found, False


def versions_of(
    unit: Connection, table: str, shelf: str, id_: str, hidden: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """Return every version of one object that stands there, oldest row first."""
    rows = _TABLES[table]
    wanted = Wanted(limit=1, ids=(id_,), hidden=tuple(hidden))
    query = select(rows.c.version).where(*_matching(rows, shelf, wanted))
    return [r.version for r in unit.execute(query.order_by(rows.c.position))]


def _position_at(unit: Connection, rows: FromClause, shelf: str, instant: str) -> int:
    """Return the position of the last row added at ``instant`` or before; all later ones come after it."""
    query = (
        select(rows.c.position)
        .where(rows.c.shelf == shelf, rows.c.date_added <= instant)
        .order_by(rows.c.date_added.desc())
        .limit(1)
    )
    return int(unit.execute(query).scalar_one_or_none() or 0)


def _matching(rows: FromClause, shelf: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    kept: list[ColumnElement[bool]] = [rows.c.shelf == shelf]
    if wanted.ids:
        kept.append(rows.c.id.in_(wanted.ids))
    if wanted.types:
        kept.append(rows.c.type.in_(wanted.types))
    kept += [
        not_(tuple_(rows.c.id, rows.c.version).in_(part)) for part in chunks(wanted.hidden, 1000)
    ]
    return kept


def _position(rows: FromClause, *, by_id: bool) -> ColumnElement[int]:
    """Return the column to compare and sort by.

    Args:
        by_id: rows are found by their ids; the sum keeps SQLite from walking the shelf by positions instead.
    """
    return rows.c.position + 0 if by_id else rows.c.position


def _of_versions(rows: FromClause, shelf: str, wanted: Wanted) -> ColumnElement[bool]:
    """Keep the first or the last version among what else matches (section 3.4), or exact ones."""
    kept: list[ColumnElement[bool]] = []
    other = rows.alias("other")
    # Without the Z a longer fraction of one millisecond sorts after a shorter one.
    here, there = (func.rtrim(side.c.version, "Z") for side in (rows, other))
    for word, beyond in (("first", there < here), ("last", there > here)):
        if word in wanted.versions:
            matching = _matching(other, shelf, Wanted(limit=1, hidden=wanted.hidden))
            same = (other.c.id == rows.c.id, _position(other, by_id=True) > wanted.floor, beyond)
            rival = and_(*matching, *same)
            kept.append(~select(other.c.position).where(rival).correlate(rows).exists())
    exact = [version for version in wanted.versions if version not in _WORDS]
    if exact:
        kept.append(rows.c.version.in_(exact))
    return or_(*kept)


def show_views(unit: Connection, digests: Sequence[str]) -> list[bytes] | None:
    """Return bytes in the order of ``digests``, which come from rows or frames of the asking peer.

    None if one of them is gone: what it stood in was taken away.
    """
    found = left_of(unit, digests)
    return None if None in found else [body for body in found if body is not None]


def left_of(unit: Connection, digests: Sequence[str]) -> list[bytes | None]:
    """Return bytes in the order of ``digests``; None for what was taken away."""
    found: dict[str, bytes] = {}
    for part in chunks(dict.fromkeys(digests)):
        query = select(views).where(views.c.digest.in_(part))
        found |= {r.digest: bytes(r.body) for r in unit.execute(query)}
    return [found.get(digest) for digest in digests]


def standing_on(unit: Connection, shelf: str, digests: Sequence[str]) -> list[bytes | None]:
    """Return bytes in the order of ``digests`` as far as a row of ``shelf`` shows them; None for the rest."""
    shown: set[str] = set()
    for part in chunks(dict.fromkeys(digests)):
        query = select(shelf_rows.c.view)
        query = query.where(shelf_rows.c.shelf == shelf, shelf_rows.c.view.in_(part))
        shown |= set(unit.execute(query).scalars())
    here = left_of(unit, [each for each in digests if each in shown])
    found = iter(here)
    return [next(found) if each in shown else None for each in digests]


# --- frames ------------------------------------------------------------------------------------------
def frame_marks(
    unit: Connection, peer: str, channel: str, after: int, limit: int = 64
) -> list[FrameMark]:
    """Return what ``channel`` shows ``peer`` after a number, in order, without bytes."""
    query = (
        select(
            frames.c.seq,
            func.length(frames.c.envelope).label("envelope_size"),
            frames.c.size,
            frames.c.date_added,
        )
        .where(frames.c.channel == channel, frames.c.peer == peer, frames.c.seq > after)
        .order_by(frames.c.seq)
        .limit(limit)
    )
    return [FrameMark(**row._mapping) for row in unit.execute(query)]


def frames_of(unit: Connection, peer: str, channel: str, seqs: Sequence[int]) -> Iterator[Frame]:
    """Yield these frames of a channel to ``peer``, one by one, so that one alone is in memory."""
    for seq in seqs:
        query = select(frames).where(
            frames.c.channel == channel, frames.c.peer == peer, frames.c.seq == seq
        )
        row = unit.execute(query).one_or_none()
        if row is not None:
            bodies = tuple(row.bodies.split(",")) if row.bodies else ()
            yield Frame(**{**row._mapping, "envelope": bytes(row.envelope), "bodies": bodies})


def is_channel_to(unit: Connection, peer: str, channel: str) -> bool:
    """Say whether a frame was ever shown to ``peer`` in ``channel``."""
    return bool(frame_marks(unit, peer, channel, 0, limit=1))
