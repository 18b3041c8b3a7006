"""What peers may see: read by the peers' listener, written by the worker's projection alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from mithaq.store.sql import chunks, insert_many, insert_new, put, within
from mithaq.store.tables import (
    caller_keys,
    callers,
    documents,
    frames,
    gone,
    heartbeats,
    inbox_rows,
    marks,
    shelf_rows,
    shelves,
    statuses,
    views,
)

_STOOD = ("shelf", "position", "id", "stix_version", "view")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """One peer's shelf under one agreement; ``position``, ``last_added`` and ``removed`` only grow."""

    shelf: str
    peer: str
    title: str
    state: str  # open | blocked | closed
    last_added: str = ""
    position: int = 0
    until: str = ""  # from then on another text holds, and nothing here is shown; empty: not known
    removed: int = 0  # rows that were ever taken away; with ``position`` it says which stand there

    def blocked(self, now: str) -> bool:
        """Say whether what stands here is being decided again, or must be (border.md 3.4)."""
        return self.state == "blocked" or (self.until != "" and self.until <= now)


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
    ends: Mapping[str, str] = field(default_factory=dict)  # key id -> when it stops; else never
    token: str = ""
    document: str = ""  # a node's newest key document: its envelope, as JSON text


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


# --- read by the listener ----------------------------------------------------------------------------
# Asked at every request, so made once.
_BY_KEY = (
    select(callers.c.name, callers.c.kind, caller_keys.c.key, caller_keys.c.ends)
    .join(callers, callers.c.name == caller_keys.c.name)
    .where(caller_keys.c.keyid == bindparam("keyid"))
)
_BY_TOKEN = select(callers.c.name, callers.c.kind, callers.c.token).where(
    callers.c.token == bindparam("token")
)
_SHELVES_OF = (
    select(shelves)
    .where(shelves.c.peer == bindparam("peer"), shelves.c.state != "closed")
    .order_by(shelves.c.shelf)
)
_SHELF_OF = _SHELVES_OF.where(shelves.c.shelf == bindparam("shelf"))
_MARK = select(marks.c.value).where(marks.c.key == bindparam("key"))


def caller_by_key(unit: Connection, keyid: str) -> tuple[Caller, str] | None:
    """Return the node that owns an exchange key, and the key in base64."""
    row = unit.execute(_BY_KEY, {"keyid": keyid}).one_or_none()
    if row is None:
        return None
    ends = {keyid: row.ends} if row.ends else {}
    return Caller(name=row.name, kind=row.kind, keys={keyid: row.key}, ends=ends), row.key


def caller_document(unit: Connection, name: str) -> str:
    """Return the newest key document of a node that may knock; empty if there is no such node."""
    found = unit.execute(select(callers.c.document).where(callers.c.name == name))
    return found.scalar_one_or_none() or ""


def caller_documents(unit: Connection) -> list[str]:
    """Return the newest key documents of all nodes that may knock."""
    found = unit.execute(select(callers.c.document).where(callers.c.document != ""))
    return [row.document for row in found]


def caller_by_token(unit: Connection, token_digest: str) -> Caller | None:
    """Return the client whose token has that digest."""
    if not token_digest:
        return None
    row = unit.execute(_BY_TOKEN, {"token": token_digest}).one_or_none()
    return None if row is None else Caller(name=row.name, kind=row.kind, keys={}, token=row.token)


def shelves_of(unit: Connection, peer: str) -> list[Shelf]:
    """Return the shelves of ``peer`` that are not closed."""
    return [Shelf(**r._mapping) for r in unit.execute(_SHELVES_OF, {"peer": peer})]


def shelf_of(unit: Connection, peer: str, name: str) -> Shelf | None:
    """Return one shelf if it is that peer's and not closed: the one place that binds a caller to a shelf."""
    row = unit.execute(_SHELF_OF, {"shelf": name, "peer": peer}).one_or_none()
    return None if row is None else Shelf(**row._mapping)


def last_frame(unit: Connection, channel: str) -> int:
    """Return the number of the last frame on show in a channel; 0 if there is none."""
    query = select(func.max(frames.c.seq)).where(frames.c.channel == channel)
    return int(unit.execute(query).scalar_one() or 0)


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


BENIGN = "export.benign"  # among the marks: what is harmless here, as JSON
WORTH = "export.worth:"  # and a client's name: what it is told is worth so much at least


def mark(unit: Connection, key: str) -> str:
    """Return a kept value, empty if there is none."""
    return unit.execute(_MARK, {"key": key}).scalar_one_or_none() or ""


# --- written by the projection -----------------------------------------------------------------------
_ANY_SHELF = select(shelves).where(shelves.c.shelf == bindparam("of"))
_SET = update(shelves).where(shelves.c.shelf == bindparam("of"))
_SET_STATE = _SET.values(state=bindparam("fresh"))
_SET_UNTIL = _SET.values(until=bindparam("fresh"))
_COUNT_REMOVED = _SET.values(removed=shelves.c.removed + 1)
_SET_SOONER = _SET_UNTIL.where(or_(shelves.c.until == "", shelves.c.until > bindparam("fresh")))


def set_mark(unit: Connection, key: str, value: str) -> None:
    """Keep a value."""
    put(unit, marks, {"key": key, "value": value})


def marks_of(unit: Connection, prefix: str) -> dict[str, str]:
    """Return the kept values whose keys begin with ``prefix``, by what follows it."""
    return {row.key.removeprefix(prefix): row.value for row in unit.execute(_marks(prefix))}


@cache
def _marks(prefix: str) -> Select[tuple[str, str]]:
    return select(marks).where(marks.c.key.startswith(prefix, autoescape=True))


def drop_mark(unit: Connection, key: str) -> None:
    """Forget a value."""
    unit.execute(delete(marks).where(marks.c.key == key))


def put_shelf(unit: Connection, shelf: Shelf) -> None:
    """Keep or change a shelf; what was taken away of it is counted by ``remove_row`` alone."""
    names = (name for name in Shelf.__slots__ if name != "removed")
    put(unit, shelves, {name: getattr(shelf, name) for name in names})


def set_shelf_state(unit: Connection, shelf: str, state: str) -> None:
    """Open, block or close a shelf."""
    unit.execute(_SET_STATE, {"of": shelf, "fresh": state})


def set_until(unit: Connection, shelf: str, until: str, *, sooner: bool = False) -> None:
    """Say from when on a shelf shows nothing, whoever looks; ``sooner``: only if that is sooner than it was."""
    unit.execute(_SET_SOONER if sooner else _SET_UNTIL, {"of": shelf, "fresh": until})


def any_shelf(unit: Connection, shelf: str) -> Shelf | None:
    """Return a shelf whatever its state."""
    row = unit.execute(_ANY_SHELF, {"of": shelf}).one_or_none()
    return None if row is None else Shelf(**row._mapping)


def add_rows(unit: Connection, shelf: str, new: Iterable[Shown], stix: Mapping[int, str]) -> None:
    """Put rows on a shelf; ``stix`` gives each position's version in STIX terms."""
    _add_shown(unit, shelf_rows, shelf, new, ("stix_version", stix))


_SHOWN = ("position", "id", "version", "type", "view", "date_added")
_of_shown = attrgetter(*_SHOWN)


def _add_shown(
    unit: Connection,
    table: Table,
    shelf: str,
    new: Iterable[Shown],
    more: tuple[str, Mapping[int, str]] | None = None,
) -> None:
    """Put rows on a shelf or into its inbox; what stands there already stays as it is.

    Args:
        more: another column, and what it holds at each position.
    """
    names = ("shelf", "body", *_SHOWN, *(() if more is None else (more[0],)))
    for part in chunks(new):
        digests = within(unit, views.c.digest, {row.view for row in part})
        held = unit.execute(select(views.c.digest, views.c.seq).where(digests))
        bodies = {row.digest: row.seq for row in held}
        rows = [
            (
                *(shelf, bodies.get(row.view, 0), *_of_shown(row)),
                *(() if more is None else (more[1][row.position],)),
            )
            for row in part
        ]
        insert_many(unit, table, names, rows, or_else="keep")


def remove_row(unit: Connection, shelf: str, id_: str, stix_version: str, at: str) -> None:
    """Take a version off a shelf, and its bytes with the last row, of any shelf or inbox, that shows them.

    Where it stood is remembered for a while (``named_at``).
    """
    which = and_(
        shelf_rows.c.shelf == shelf,
        shelf_rows.c.id == id_,
        shelf_rows.c.stix_version == stix_version,
    )
    stood = select(*(shelf_rows.c[name] for name in _STOOD), literal(at)).where(which)
    unit.execute(insert(gone).from_select([*_STOOD, "at"], stood))
    unit.execute(_COUNT_REMOVED, {"of": shelf})
    _take_away(unit, shelf_rows, which)


def named_at(
    unit: Connection, shelf: str, runs: Iterable[tuple[int, int]]
) -> list[tuple[str, str, str]]:
    """Return (id, STIX version, view) of what stands, or stood a while ago, at positions of a shelf."""
    found: list[tuple[str, str, str]] = []
    for part in chunks(runs, 100):
        for rows in (shelf_rows, gone):
            query = select(rows.c.id, rows.c.stix_version, rows.c.view).where(
                rows.c.shelf == shelf, or_(*(rows.c.position.between(*run) for run in part))
            )
            found += [(r.id, r.stix_version, r.view) for r in unit.execute(query)]
    return found


def forget_gone(unit: Connection, before: str) -> None:
    """Forget where rows stood that were taken away before an instant."""
    unit.execute(delete(gone).where(gone.c.at < before))


def withdraw_from_inbox(unit: Connection, shelf: str, id_: str, versions: Sequence[str]) -> None:
    """Take versions that a client wrote out of its inbox, as it asked (border.md 8.5)."""
    for part in chunks(versions):
        which = and_(
            inbox_rows.c.shelf == shelf,
            inbox_rows.c.id == id_,
            inbox_rows.c.version.in_(part),
        )
        _take_away(unit, inbox_rows, which)


def _take_away(unit: Connection, rows: Table, which: ColumnElement[bool]) -> None:
    gone = [r.view for r in unit.execute(select(rows.c.view).where(which))]
    unit.execute(delete(rows).where(which))
    for view in gone:
        left = [
            unit.execute(select(table.c.shelf).where(table.c.view == view).limit(1)).first()
            for table in (shelf_rows, inbox_rows)
        ]
        if not any(left):
            unit.execute(delete(views).where(views.c.digest == view))


def add_views(unit: Connection, bodies: Mapping[str, bytes]) -> None:
    """Keep bytes by digest."""
    insert_many(unit, views, ("digest", "body"), list(bodies.items()), or_else="keep")


def add_frame(unit: Connection, frame: Frame) -> None:
    """Show a sealed envelope."""
    values = {name: getattr(frame, name) for name in Frame.__slots__}
    insert_new(unit, frames, [values | {"bodies": ",".join(frame.bodies)}])


def put_caller(unit: Connection, caller: Caller) -> None:
    """Let someone knock, or change by what."""
    row = {
        "name": caller.name,
        "kind": caller.kind,
        "keys": json.dumps(dict(caller.keys)),
        "token": caller.token,
        "document": caller.document,
    }
    put(unit, callers, row)
    unit.execute(delete(caller_keys).where(caller_keys.c.name == caller.name))
    keys = [
        {"keyid": k, "name": caller.name, "key": v, "ends": caller.ends.get(k, "")}
        for k, v in caller.keys.items()
    ]
    insert_new(unit, caller_keys, keys)


def narrow_caller(unit: Connection, name: str, keys: Iterable[str]) -> None:
    """Let a node knock no more by a key that is not among ``keys``."""
    which = (caller_keys.c.name == name, caller_keys.c.keyid.not_in(list(keys)))
    unit.execute(delete(caller_keys).where(*which))


def remove_caller(unit: Connection, name: str) -> None:
    """Let someone knock no more."""
    for table in (callers, caller_keys):
        unit.execute(delete(table).where(table.c.name == name))


def put_heartbeat(unit: Connection, peer: str, envelope: bytes) -> None:
    """Show a heartbeat."""
    put(unit, heartbeats, {"peer": peer, "envelope": envelope})


def put_document(unit: Connection, name: str, raw: bytes) -> None:
    """Show a public document."""
    put(unit, documents, {"name": name, "raw": raw})


def add_to_inbox(unit: Connection, shelf: str, new: Iterable[Shown]) -> None:
    """Show a client what it wrote itself."""
    _add_shown(unit, inbox_rows, shelf, new)


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
