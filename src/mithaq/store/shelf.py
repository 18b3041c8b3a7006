"""What peers may see: read by the peers' listener, written by the worker's projection alone."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Select, and_, delete, func, or_, select, tuple_, update

from mithaq.store.sql import chunks, insert_new, put
from mithaq.store.tables import (
    callers,
    documents,
    frames,
    heartbeats,
    inbox_rows,
    marks,
    shelf_rows,
    shelves,
    statuses,
    views,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One peer's shelf under one agreement; ``position`` and ``last_added`` only grow."""

    shelf: str
    peer: str
    title: str
    state: str  # open | blocked | closed
    last_added: str = ""
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One version on a shelf."""

    position: int
    id: str
    version: str
    type: str
    view: str
    date_added: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who may knock: a node by its exchange keys, a client by the digest of its token."""

    name: str
    kind: str
    keys: Mapping[str, str]  # key id -> base64
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A sealed envelope on show, and the digests of its slices."""

    channel: str
    seq: int
    peer: str
    envelope: bytes
    bodies: tuple[str, ...]
    size: int  # of envelope and body together
    date_added: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Filters of a page: TAXII 2.1 section 3.4; empty asks for nothing in particular."""

    added_after: str | None = None
    after: int = 0  # position, from ``next``
    limit: int
    ids: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    versions: tuple[str, ...] = ("last",)


# --- read by the listener ----------------------------------------------------------------------------
def caller_by_key(unit: Connection, keyid: str) -> tuple[Caller, str] | None:
    """Return the node that owns an exchange key, and the key in base64."""
    for caller in all_callers(unit):
        if keyid in caller.keys:
            return caller, caller.keys[keyid]
    return None


def all_callers(unit: Connection) -> list[Caller]:
    """Return everyone who may knock."""
    return [
        Caller(name=r.name, kind=r.kind, keys=json.loads(r.keys), token=r.token)
        for r in unit.execute(select(callers).order_by(callers.c.name))
    ]


def caller_by_token(unit: Connection, token_digest: str) -> Caller | None:
    """Return the client whose token has that digest."""
    if not token_digest:
        return None
    row = unit.execute(select(callers).where(callers.c.token == token_digest)).one_or_none()
    return None if row is None else Caller(name=row.name, kind=row.kind, keys={}, token=row.token)


def shelves_of(unit: Connection, peer: str) -> list[Shelf]:
    """Return the shelves of ``peer`` that are not closed."""
    query = (
        select(shelves)
        .where(shelves.c.peer == peer, shelves.c.state != "closed")
        .order_by(shelves.c.shelf)
    )
    return [Shelf(**r._mapping) for r in unit.execute(query)]


def shelf_of(unit: Connection, peer: str, name: str) -> Shelf | None:
    """Return one shelf if it is that peer's and not closed: the one place that binds a caller to a shelf."""
    query = select(shelves).where(
        shelves.c.shelf == name, shelves.c.peer == peer, shelves.c.state != "closed"
    )
    row = unit.execute(query).one_or_none()
    return None if row is None else Shelf(**row._mapping)


def page(unit: Connection, shelf: str, wanted: Wanted) -> tuple[list[Shown], bool]:
    """Return a page of a shelf in the order of ``date_added``, and whether there is more."""
    table = shelf_rows
    query = select(table).where(table.c.shelf == shelf, table.c.position > wanted.after)
    if wanted.added_after is not None:
        query = query.where(table.c.date_added > wanted.added_after)
    if wanted.ids:
        query = query.where(table.c.id.in_(wanted.ids))
    if wanted.types:
        query = query.where(table.c.type.in_(wanted.types))
    query = (
        _versions(query, shelf, wanted.versions).order_by(table.c.position).limit(wanted.limit + 1)
    )
    found = [_shown(row) for row in unit.execute(query)]
    return found[: wanted.limit], len(found) > wanted.limit


def _versions(
    query: Select[tuple[object, ...]], shelf: str, versions: Sequence[str]
) -> Select[tuple[object, ...]]:
    if "all" in versions:
        return query
    table = shelf_rows
    kept = []
    for word, extreme in (("first", func.min), ("last", func.max)):
        if word in versions:
            ends = (
                select(table.c.id, extreme(table.c.version))
                .where(table.c.shelf == shelf)
                .group_by(table.c.id)
            )
            kept.append(tuple_(table.c.id, table.c.version).in_(ends))
    exact = [v for v in versions if v not in {"first", "last"}]
    if exact:
        kept.append(table.c.version.in_(exact))
    return query.where(or_(*kept))


def _shown(row: object) -> Shown:
    r = row._mapping  # type: ignore[attr-defined]
    return Shown(**{name: r[name] for name in Shown.__slots__})


def show_views(unit: Connection, digests: Sequence[str]) -> list[bytes]:
    """Return bytes in the order of ``digests``, which come from rows of the asking peer's shelf."""
    found: dict[str, bytes] = {}
    for part in chunks(dict.fromkeys(digests)):
        found |= {
            r.digest: bytes(r.body)
            for r in unit.execute(select(views).where(views.c.digest.in_(part)))
        }
    return [found[digest] for digest in digests]


def frames_after(unit: Connection, peer: str, channel: str, after: int) -> Iterator[Frame]:
    """Yield the frames of a channel to ``peer`` after ``after``, in order."""
    query = (
        select(frames)
        .where(frames.c.channel == channel, frames.c.peer == peer, frames.c.seq > after)
        .order_by(frames.c.seq)
    )
    for row in unit.execute(query.limit(64)):
        yield _frame(row)


def frames_shown(unit: Connection, channel: str, after: str, limit: int) -> list[Frame]:
    """Return frames of a channel shown after an instant, for the ``seals`` collection."""
    query = (
        select(frames)
        .where(frames.c.channel == channel, frames.c.date_added > after)
        .order_by(frames.c.seq)
        .limit(limit)
    )
    return [_frame(row) for row in unit.execute(query)]


def _frame(row: object) -> Frame:
    r = row._mapping  # type: ignore[attr-defined]
    digests = tuple(r["bodies"].split(",")) if r["bodies"] else ()
    return Frame(
        channel=r["channel"],
        seq=r["seq"],
        peer=r["peer"],
        envelope=bytes(r["envelope"]),
        bodies=digests,
        size=r["size"],
        date_added=r["date_added"],
    )


def heartbeat_for(unit: Connection, peer: str) -> bytes | None:
    """Return the newest heartbeat made for ``peer``."""
    row = unit.execute(
        select(heartbeats.c.envelope).where(heartbeats.c.peer == peer)
    ).scalar_one_or_none()
    return None if row is None else bytes(row)


def document(unit: Connection, name: str) -> bytes | None:
    """Return a public document, such as our key documents."""
    row = unit.execute(select(documents.c.raw).where(documents.c.name == name)).scalar_one_or_none()
    return None if row is None else bytes(row)


def mark(unit: Connection, key: str) -> str:
    """Return a kept value, empty if there is none."""
    return str(
        unit.execute(select(marks.c.value).where(marks.c.key == key)).scalar_one_or_none() or ""
    )


# --- written by the projection -----------------------------------------------------------------------
def set_mark(unit: Connection, key: str, value: str) -> None:
    """Keep a value."""
    put(unit, marks, {"key": key, "value": value})


def put_shelf(unit: Connection, shelf: Shelf) -> None:
    """Keep or change a shelf."""
    put(unit, shelves, {name: getattr(shelf, name) for name in Shelf.__slots__})


def set_shelf_state(unit: Connection, shelf: str, state: str) -> None:
    """Open, block or close a shelf."""
    unit.execute(update(shelves).where(shelves.c.shelf == shelf).values(state=state))


def any_shelf(unit: Connection, shelf: str) -> Shelf | None:
    """Return a shelf whatever its state."""
    row = unit.execute(select(shelves).where(shelves.c.shelf == shelf)).one_or_none()
    return None if row is None else Shelf(**row._mapping)


def add_rows(unit: Connection, shelf: str, new: Iterable[Shown], stix: Mapping[int, str]) -> None:
    """Put rows on a shelf; ``stix`` gives each position's version in STIX terms."""
    table = [
        {
            "shelf": shelf,
            "stix_version": stix[r.position],
            **{n: getattr(r, n) for n in Shown.__slots__},
        }
        for r in new
    ]
    for part in chunks(table):
        insert_new(unit, shelf_rows, part)


def remove_row(unit: Connection, shelf: str, id_: str, stix_version: str) -> None:
    """Take a version off a shelf, and its bytes with the last row, of any shelf or inbox, that shows them."""
    which = and_(
        shelf_rows.c.shelf == shelf,
        shelf_rows.c.id == id_,
        shelf_rows.c.stix_version == stix_version,
    )
    gone = [r.view for r in unit.execute(select(shelf_rows.c.view).where(which))]
    unit.execute(delete(shelf_rows).where(which))
    for view in gone:
        left = [
            unit.execute(select(table.c.shelf).where(table.c.view == view).limit(1)).first()
            for table in (shelf_rows, inbox_rows)
        ]
        if not any(left):
            unit.execute(delete(views).where(views.c.digest == view))


def add_views(unit: Connection, bodies: Mapping[str, bytes]) -> None:
    """Keep bytes by digest."""
    for part in chunks(bodies.items()):
        insert_new(unit, views, [{"digest": d, "body": b} for d, b in part])


def add_frame(unit: Connection, frame: Frame) -> None:
    """Show a sealed envelope."""
    values = {name: getattr(frame, name) for name in Frame.__slots__}
    insert_new(unit, frames, [values | {"bodies": ",".join(frame.bodies)}])


def put_caller(unit: Connection, caller: Caller) -> None:
    """Let someone knock, or change by what."""
    put(
        unit,
        callers,
        {
            "name": caller.name,
            "kind": caller.kind,
            "keys": json.dumps(dict(caller.keys)),
            "token": caller.token,
        },
    )


def remove_caller(unit: Connection, name: str) -> None:
    """Let someone knock no more."""
    unit.execute(delete(callers).where(callers.c.name == name))


def put_heartbeat(unit: Connection, peer: str, envelope: bytes) -> None:
    """Show a heartbeat."""
    put(unit, heartbeats, {"peer": peer, "envelope": envelope})


def put_document(unit: Connection, name: str, raw: bytes) -> None:
    """Show a public document."""
    put(unit, documents, {"name": name, "raw": raw})


def add_to_inbox(unit: Connection, shelf: str, new: Iterable[Shown]) -> None:
    """Show a client what it wrote itself."""
    insert_new(
        unit,
        inbox_rows,
        [{"shelf": shelf, **{n: getattr(r, n) for n in Shown.__slots__}} for r in new],
    )


def inbox_page(unit: Connection, shelf: str, wanted: Wanted) -> tuple[list[Shown], bool]:
    """Return a page of what a client wrote."""
    table = inbox_rows
    query = select(table).where(table.c.shelf == shelf, table.c.position > wanted.after)
    if wanted.added_after is not None:
        query = query.where(table.c.date_added > wanted.added_after)
    if wanted.ids:
        query = query.where(table.c.id.in_(wanted.ids))
    if wanted.types:
        query = query.where(table.c.type.in_(wanted.types))
    found = [
        _shown(r) for r in unit.execute(query.order_by(table.c.position).limit(wanted.limit + 1))
    ]
    return found[: wanted.limit], len(found) > wanted.limit


def inbox_end(unit: Connection, shelf: str) -> tuple[int, str]:
    """Return the last position and date_added of a client's inbox."""
    row = unit.execute(
        select(func.max(inbox_rows.c.position), func.max(inbox_rows.c.date_added)).where(
            inbox_rows.c.shelf == shelf
        )
    ).one()
    return int(row[0] or 0), str(row[1] or "")


def put_status(unit: Connection, id_: str, shelf: str, raw: bytes) -> None:
    """Keep the status of a POST."""
    put(unit, statuses, {"id": id_, "shelf": shelf, "raw": raw})


def status(unit: Connection, id_: str, shelf: str) -> bytes | None:
    """Return the status of a POST to that shelf."""
    row = unit.execute(
        select(statuses.c.raw).where(statuses.c.id == id_, statuses.c.shelf == shelf)
    ).scalar_one_or_none()
    return None if row is None else bytes(row)
