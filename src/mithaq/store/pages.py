"""Pages of what a shelf shows, for the peers' listener: bounded in number and in bytes, never out of order.

Positions and ``date_added`` of a shelf only grow and grow together, so a position says where to go on, whatever is
placed or taken away meanwhile (border.md 4.1, 4.2).
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    CursorResult,
    FromClause,
    Select,
    and_,
    bindparam,
    func,
    literal,
    not_,
    or_,
    select,
    tuple_,
)

from mithaq.store.shelf import Frame
from mithaq.store.sql import chunks
from mithaq.store.tables import frames, inbox_rows, shelf_rows, views

PAGE_BYTES = 8 << 20  # an answer stops after so many; a longer object goes alone
_TABLES = {"intel": shelf_rows, "inbox": inbox_rows}
_WORDS = frozenset({"all", "first", "last"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Which filters are set, whatever they ask for: pages of one form have one statement."""

    by_id: bool = False
    by_type: bool = False
    words: frozenset[str] = frozenset()  # all, first, last
    exact: bool = False  # versions that are named
    hiding: bool = False


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

    @property
    def form(self) -> Form:
        """Say which of them are set."""
        return Form(
            by_id=bool(self.ids),
            by_type=bool(self.types),
            words=_WORDS.intersection(self.versions),
            exact=not _WORDS.issuperset(self.versions),
            hiding=bool(self.hidden),
        )


class Piece(NamedTuple):
    """One version of an object on a page; ``body`` is empty where only its name was asked for."""

    position: int
    id: str
    version: str
    date_added: str
    body: bytes = b""


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
) -> tuple[list[Piece], bool]:
    """Return what stands on ``intel`` or ``inbox`` in the order of ``date_added``, and whether there is more.

    Args:
        bodies: the bytes come along, ``PAGE_BYTES`` of them or the first alone; else they are empty.
    """
    wanted = from_date(unit, table, shelf, wanted)
    query = _page(unit.dialect.name, table, wanted.form, bodies=bodies)
    given = {
        "shelf": shelf,
        "after": wanted.after,
        "most": wanted.limit + 1,
        "page_bytes": PAGE_BYTES,
        "floor": wanted.floor,
        "ids": wanted.ids,
        "types": wanted.types,
        "exact": [version for version in wanted.versions if version not in _WORDS],
        "hidden": wanted.hidden,
    }
    found: list[Piece] = []
    size = 0
    with closing(unit.execute(query, given)) as result:
        for row in _raw(result):
            size += len(row[-1])
            if len(found) == wanted.limit or (found and size > PAGE_BYTES):
                return found, True
            found.append(Piece._make(row))
    return found, False


def _raw(result: CursorResult[Any]) -> Iterator[tuple[Any, ...]]:
    """Return rows one by one as the driver reads them: a page has thousands, and nothing more is asked of them."""
    return iter(result.cursor.fetchone, None)


@cache
def _page(dialect: str, table: str, form: Form, *, bodies: bool) -> Select[Any]:
    """Return the statement of a page of that form: made once, for it takes longer to make than to answer."""
    rows = _TABLES[table]
    position = _position(rows, by_id=form.by_id)
    query = select(rows.c.position, rows.c.id, rows.c.version, rows.c.date_added)
    if bodies:
        query = query.join(views, views.c.seq == rows.c.body).add_columns(views.c.body)
    else:
        query = query.add_columns(literal(b""))
    query = query.where(*_matching(rows, form), position > bindparam("after"))
    query = query.order_by(position).limit(bindparam("most"))
    if "all" not in form.words:
        query = query.where(_of_versions(rows, form))
    if bodies and dialect == "postgresql":
        return _cut(query)
    return query


def _cut(query: Select[Any]) -> Select[Any]:
    """Leave out what would not be read: the driver takes in all of an answer, where SQLite reads on as it is asked."""
    page = query.subquery()
    size = func.length(page.c.body)
    upto = func.sum(size).over(order_by=page.c.position)
    sized = select(page, (upto - size).label("before")).subquery()
    columns = [sized.c[column.name] for column in page.c]
    return select(*columns).where(sized.c.before <= bindparam("page_bytes")).order_by(columns[0])


def at(unit: Connection, shelf: str, positions: Sequence[int]) -> Iterator[Piece]:
    """Yield what stands at some positions of a shelf, in order; what was taken away is passed over."""
    query = (
        select(
            *(shelf_rows.c[n] for n in ("position", "id", "version", "date_added")), views.c.body
        )
        .join(views, views.c.seq == shelf_rows.c.body)
        .where(shelf_rows.c.shelf == shelf)
        .order_by(shelf_rows.c.position)
    )
    for part in chunks(sorted(positions)):
        with closing(unit.execute(query.where(shelf_rows.c.position.in_(part)))) as result:
            for row in _raw(result):
                yield Piece._make(row)


_STANDING = (
    select(*(shelf_rows.c[name] for name in ("position", "id", "version", "date_added")))
    .where(shelf_rows.c.shelf == bindparam("shelf"), shelf_rows.c.position > bindparam("after"))
    .order_by(shelf_rows.c.position)
    .limit(bindparam("most"))
)


def standing(unit: Connection, shelf: str, most: int) -> Iterator[tuple[int, str, str, str]]:
    """Yield position, id, version and date of every row of a shelf, of all versions, in order.

    Args:
        most: how many are read at once.
    """
    after, more = 0, True
    while more:
        given = {"shelf": shelf, "after": after, "most": most}
        found = unit.execute(_STANDING, given).cursor.fetchall()
        yield from found
        more = len(found) == most
        after = found[-1][0] if found else after


def versions_of(
    unit: Connection, table: str, shelf: str, id_: str, hidden: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """Return every version of one object that stands there, oldest row first."""
    rows = _TABLES[table]
    form = Form(by_id=True, hiding=bool(hidden))
    query = select(rows.c.version).where(*_matching(rows, form)).order_by(rows.c.position)
    given = {"shelf": shelf, "ids": [id_], "hidden": hidden}
    return list(unit.execute(query, given).scalars())


def _position_at(unit: Connection, rows: FromClause, shelf: str, instant: str) -> int:
    """Return the position of the last row added at ``instant`` or before; all later ones come after it."""
    query = (
        select(rows.c.position)
        .where(rows.c.shelf == shelf, rows.c.date_added <= instant)
        .order_by(rows.c.date_added.desc())
        .limit(1)
    )
    return int(unit.execute(query).scalar_one_or_none() or 0)


def _matching(rows: FromClause, form: Form) -> list[ColumnElement[bool]]:
    kept: list[ColumnElement[bool]] = [rows.c.shelf == bindparam("shelf")]
    if form.by_id:
        kept.append(rows.c.id.in_(bindparam("ids", expanding=True)))
    if form.by_type:
        kept.append(rows.c.type.in_(bindparam("types", expanding=True)))
    if form.hiding:
        hidden: BindParameter[Any] = bindparam("hidden", expanding=True)
        kept.append(not_(tuple_(rows.c.id, rows.c.version).in_(hidden)))
    return kept


def _position(rows: FromClause, *, by_id: bool) -> ColumnElement[int]:
    """Return the column to compare and sort by.

    Args:
        by_id: rows are found by their ids; the sum keeps SQLite from walking the shelf by positions instead.
    """
    return rows.c.position + 0 if by_id else rows.c.position


def _of_versions(rows: FromClause, form: Form) -> ColumnElement[bool]:
    """Keep the first or the last version among what else matches (section 3.4), or exact ones."""
    kept: list[ColumnElement[bool]] = []
    other = rows.alias("other")
    # Without the Z a longer fraction of one millisecond sorts after a shorter one. Where rows have a version in STIX
    # terms that is compared: an index holds it, and what has none, has one version.
    name = "stix_version" if "stix_version" in rows.c else "version"
    here, there = (func.rtrim(side.c[name], "Z") for side in (rows, other))
    for word, beyond in (("first", there < here), ("last", there > here)):
        if word in form.words:
            matching = _matching(other, Form(hiding=form.hiding))
            further = _position(other, by_id=True) > bindparam("floor")
            rival = and_(*matching, other.c.id == rows.c.id, further, beyond)
            kept.append(~select(other.c.position).where(rival).correlate(rows).exists())
    if form.exact:
        kept.append(rows.c.version.in_(bindparam("exact", expanding=True)))
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
        query = select(views.c.digest, views.c.body).where(views.c.digest.in_(part))
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
