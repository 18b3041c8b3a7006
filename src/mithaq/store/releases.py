"""What was asked to go where, what stands on which shelf, and what waits for whom."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from mithaq.store.engine import append_lock
from mithaq.store.sql import (
    among,
    chunks,
    fetched,
    insert_many,
    insert_new,
    is_more,
    replace_many,
    within,
)
from mithaq.store.tables import (
    afresh,
    approvals,
    channels,
    copies,
    departed,
    first_views,
    intents,
    moments,
    provenance,
    rows,
    shelf_ops,
    verdicts,
    waiting,
)


class ShelfRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A version that stands on a peer's shelf, with the view it shows."""

    id: str  # the key of the table comes first
    shelf: str
    version: str
    peer: str
    agreement: str
    copy: int
    view: str
    removed: str  # JSON list of pointers
    label: str  # JSON
    released_at: str
    leaf: int
    fetched_at: str = ""


class Intent(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """That someone wants a copy to go to the parties of an agreement."""

    copy: int
    agreement: str
    purpose: str
    proposer: str
    at: str


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Why what was asked for does not go to one peer, with who asked."""

    copy: int
    agreement: str
    peer: str
    purpose: str
    proposer: str
    at: str
    state: str  # held | withheld | shadow | declined
    needs: str = ""
    view: str = ""
    removed: str = "[]"  # JSON list of pointers: what the view leaves out
    reasons: str = "[]"  # JSON
    declined_by: str = ""
    declined_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRow:
    """A second person's signed yes to exact bytes."""

    copy: int
    agreement: str
    agreement_digest: str
    view: str
    removed: str  # JSON list of pointers: what the view leaves out
    peers: str  # comma-separated, sorted
    proposer: str
    approver: str
    envelope: bytes
    at: str
    standing: int = 0  # the standing approval it was given by; 0: by a person who looked


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One change to what peers see, in the order of the releases."""

    seq: int
    op: str
    shelf: str
    facts: dict[str, object]


def _values(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


_ROW = ShelfRow.__struct_fields__


def place(unit: Connection, new: Sequence[ShelfRow]) -> None:
    """Keep rows; a row of the same (shelf, id, version) must have been taken away before."""
    # In the order of their key: a page of the table is then filled once.
    insert_many(unit, rows, _ROW, sorted(map(msgspec.structs.astuple, new)))


def remember_first(unit: Connection, new: Sequence[ShelfRow]) -> None:
    """Keep what an agreement of many is first shown of each version; what is kept already stays."""
    for part in chunks(new):
        insert_new(
            unit,
            first_views,
            [
                {
                    "agreement": row.agreement,
                    "id": row.id,
                    "version": row.version,
                    "peer": row.peer,
                    "copy": row.copy,
                    "view": row.view,
                    "removed": row.removed,
                    "since": row.released_at,
                }
                for row in part
            ],
        )


def first_shown(unit: Connection, agreement: str, ids: Iterable[str]) -> list[ShelfRow]:
    """Return, as rows of no shelf, what an agreement of many was first shown of ``ids``."""
    query = select(first_views).where(first_views.c.agreement == agreement)
    return [
        ShelfRow(
            shelf="",
            id=r.id,
            version=r.version,
            peer=r.peer,
            agreement=r.agreement,
            copy=r.copy,
            view=r.view,
            removed=r.removed,
            label="",
            released_at=r.since,
            leaf=0,
        )
        for r in among(unit, query, first_views.c.id, ids)
    ]


def take_away(unit: Connection, shelf: str, id_: str, version: str) -> None:
    """Remove a row; that its view was there stays known, for a recall must reach whoever had it."""
    which = (rows.c.shelf == shelf, rows.c.id == id_, rows.c.version == version)
    c = rows.c
    gone = select(c.peer, c.agreement, c.id, c.version, c.view, c.copy, c.released_at, c.fetched_at)
    names = ["peer", "agreement", "id", "version", "view", "copy", "at", "fetched_at"]
    unit.execute(departed.insert().from_select(names, gone.where(*which, c.copy > 0)))
    unit.execute(delete(rows).where(*which))


def show_from(unit: Connection, row: ShelfRow, copy: int) -> None:
    """Note that a row now stands for another copy of the same version."""
    which = (rows.c.shelf == row.shelf, rows.c.id == row.id, rows.c.version == row.version)
    unit.execute(update(rows).where(*which).values(copy=copy))


def rows_of_ids(unit: Connection, ids: Iterable[str]) -> list[ShelfRow]:
    """Return every row, on any shelf, of ``ids``."""
    return [ShelfRow(**row._mapping) for row in among(unit, select(rows), rows.c.id, ids)]


def rows_towards(
    unit: Connection, where: tuple[Sequence[str], Sequence[str]], ids: Iterable[str]
) -> list[ShelfRow]:
    """Return the rows of ``ids`` on the shelves of some peers, under some agreements.

    Args:
        where: the agreements, and the peers.
    """
    agreements, peers = where
    wanted = set(ids)
    theirs = and_(rows.c.agreement.in_(agreements), rows.c.peer.in_(peers))
    query = select(*(rows.c[name] for name in _ROW))
    if is_more(unit, select(rows).where(theirs), len(wanted) // 8):
        c = channels.c
        shelves = select(c.id).where(c.agreement.in_(agreements), c.peer.in_(peers))
        named = unit.execute(shelves.where(c.direction == "out")).scalars().all()
        found = fetched(unit, query.where(within(unit, rows.c.id, wanted), rows.c.shelf.in_(named)))
    else:
        found = [row for row in fetched(unit, query.where(theirs)) if row[0] in wanted]
    return [ShelfRow(**dict(zip(_ROW, row, strict=True))) for row in found]


def standing_of(unit: Connection, copies_: Iterable[int]) -> dict[str, list[int]]:
    """Return, by agreement, those of some copies that stand on a shelf."""
    query = select(rows.c.agreement, rows.c.copy).join(copies, copies.c.id == rows.c.id)
    which = (within(unit, copies.c.seq, set(copies_)), copies.c.seq == rows.c.copy)
    found: dict[str, list[int]] = {}
    for agreement, copy in unit.execute(query.where(*which).distinct().order_by(rows.c.copy)):
        found.setdefault(agreement, []).append(copy)
    return found


def rows_of_agreement(unit: Connection, agreement: str) -> list[ShelfRow]:
    """Return every row under ``agreement``."""
    found = unit.execute(select(rows).where(rows.c.agreement == agreement))
    return [ShelfRow(**r._mapping) for r in found]


def rows_of_peer(unit: Connection, peer: str) -> list[ShelfRow]:
    """Return every row on the shelves of ``peer``."""
    return [ShelfRow(**r._mapping) for r in unit.execute(select(rows).where(rows.c.peer == peer))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Touching:
    """By what releases are chosen that a block may touch; what is empty is not asked for, but for ``peers``."""

    peers: tuple[str, ...]
    ids: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def of_copies(self) -> list[ColumnElement[bool]]:
        """Return the conditions on the copies."""
        c = copies.c
        found: list[ColumnElement[bool]] = []
        if self.ids:
            found.append(c.id.in_(self.ids))
        if self.kinds:
            found.append(c.type.in_(self.kinds))
        if self.sources:
            p = provenance.c
            whose = or_(*(each.in_(self.sources) for each in (p.voucher, p.owner, p.sent_by)))
            found.append(c.provenance.in_(select(p.seq).where(whose)))
        return found


def rows_touched(unit: Connection, what: Touching) -> list[ShelfRow]:
    """Return the rows of copies on the shelves of some peers."""
    query = select(rows).join(copies, copies.c.seq == rows.c.copy)
    query = query.where(rows.c.peer.in_(what.peers), *what.of_copies())
    return [ShelfRow(**r._mapping) for r in unit.execute(query)]


def statements_touched(
    unit: Connection, peers: Iterable[str], ids: Iterable[str]
) -> list[ShelfRow]:
    """Return the rows of marking definitions that travelled along, on the shelves of some peers."""
    query = select(rows).where(rows.c.copy == 0)
    query = query.where(rows.c.peer.in_(list(peers)), rows.c.id.in_(list(ids)))
    return [ShelfRow(**r._mapping) for r in unit.execute(query)]


def asked_touched(unit: Connection, what: Touching, state: str = "") -> list[tuple[int, str]]:
    """Return (copy, agreement) of all that was asked for towards some peers, each once; of one state if named."""
    query = select(intents.c.copy, intents.c.agreement).distinct()
    query = query.join(copies, copies.c.seq == intents.c.copy)
    query = query.where(*what.of_copies())
    if state:
        v = verdicts.c
        same = (v.copy == intents.c.copy, v.agreement == intents.c.agreement)
        query = query.where(exists().where(*same, v.peer.in_(what.peers), v.state == state))
    else:
        theirs = select(channels.c.agreement).where(channels.c.peer.in_(what.peers))
        query = query.where(intents.c.agreement.in_(theirs))
    return [(r.copy, r.agreement) for r in unit.execute(query)]


def put_intents(unit: Connection, new: Sequence[Intent]) -> None:
    """Keep what was asked for; a later intent for the same (copy, agreement) replaces the earlier."""
    replace_many(unit, intents, _INTENT, [msgspec.structs.astuple(each) for each in new])


def put_verdicts(unit: Connection, new: Sequence[Verdict]) -> None:
    """Keep why something stays; a later verdict on the same (copy, agreement, peer) replaces the earlier."""
    forget_verdicts(unit, [(each.copy, each.agreement, each.peer) for each in new])
    insert_many(unit, verdicts, _VERDICT, [_of_verdict(each) for each in new])


def forget_verdicts(unit: Connection, gone: Sequence[tuple[int, str, str]]) -> None:
    """Forget why some (copy, agreement, peer) stayed."""
    key = tuple_(verdicts.c.copy, verdicts.c.agreement, verdicts.c.peer)
    for part in chunks(gone):
        unit.execute(delete(verdicts).where(key.in_(part)))


_INTENT = Intent.__struct_fields__
_VERDICT = tuple(n for n in Verdict.__struct_fields__ if n not in ("purpose", "proposer", "at"))
_of_verdict = attrgetter(*_VERDICT)


def intents_where(
    unit: Connection,
    *,
    copies: Sequence[int] | None = None,
    agreement: str | None = None,
) -> list[Intent]:
    """Return what was asked for, of some copies or under an agreement, by the number of the copy."""
    query = select(intents).order_by(intents.c.copy, intents.c.agreement)
    if agreement is not None:
        query = query.where(intents.c.agreement == agreement)
    if copies is not None:
        query = query.where(within(unit, intents.c.copy, copies))
    return [Intent(**r._mapping) for r in unit.execute(query)]


def verdicts_where(
    unit: Connection,
    *,
    state: str | None = None,
    copies: Sequence[int] | None = None,
    agreement: str | None = None,
) -> list[Verdict]:
    """Return why what was asked for stays, by state, copies or agreement, what was asked first first."""
    c = verdicts.c
    same = and_(intents.c.copy == c.copy, intents.c.agreement == c.agreement)
    asked = (intents.c.purpose, intents.c.proposer, intents.c.at)
    query = select(verdicts, *asked).join(intents, same)
    query = query.order_by(intents.c.at, c.copy, c.agreement, c.peer)
    if state is not None:
        query = query.where(c.state == state)
    if agreement is not None:
        query = query.where(c.agreement == agreement)
    if copies is not None:
        query = query.where(within(unit, c.copy, copies))
    return [Verdict(**r._mapping) for r in unit.execute(query)]


def count_held(unit: Connection) -> int:
    """Return how many releases wait for a second person, each for all it would go to."""
    c = verdicts.c
    held = select(c.copy, c.agreement).where(c.state == "held").distinct().subquery()
    return int(unit.execute(select(func.count()).select_from(held)).scalar_one())


def forget(unit: Connection, copies: Iterable[int]) -> None:
    """Forget what was asked for with copies that are gone, and what they waited for."""
    for part in chunks(copies):
        for table in (intents, verdicts, waiting, moments, afresh):
            unit.execute(delete(table).where(table.c.copy.in_(part)))


def asked_under(unit: Connection, agreement: str) -> list[int]:
    """Return the copies that were ever proposed under an agreement."""
    query = select(intents.c.copy).where(intents.c.agreement == agreement).distinct()
    return list(unit.execute(query.order_by(intents.c.copy)).scalars())


def add_approval(unit: Connection, approval: ApprovalRow) -> None:
    """Keep an approval."""
    unit.execute(approvals.insert().values(_values(approval)))


def approvals_of(unit: Connection, copies: Sequence[int]) -> list[ApprovalRow]:
    """Return the approvals of ``copies``."""
    query = select(*(approvals.c[name] for name in ApprovalRow.__slots__))
    found = unit.execute(query.where(within(unit, approvals.c.copy, copies)))
    return [ApprovalRow(**row._mapping) for row in found]


def approved_under(unit: Connection, agreement: str) -> list[tuple[int, str]]:
    """Return (copy, digest of the agreement's text) of every approval under ``agreement``."""
    query = select(approvals.c.copy, approvals.c.agreement_digest)
    rows_ = unit.execute(query.where(approvals.c.agreement == agreement))
    return [(row.copy, row.agreement_digest) for row in rows_]


_SHOW = shelf_ops.insert().inline()
_NEWEST_OP = select(func.max(shelf_ops.c.seq))


def show(unit: Connection, op: str, shelf: str, **facts: object) -> None:
    """Queue a change to what peers see; it becomes visible with the projection, after this unit."""
    append_lock(unit, "shelf_ops")
    row = {"op": op, "shelf": shelf, "facts": msgspec.json.encode(facts).decode()}
    unit.execute(_SHOW, row)


def newest_op(unit: Connection) -> int:
    """Return the number of the newest queued change; 0 if there never was one."""
    return unit.execute(_NEWEST_OP).scalar_one() or 0


def ops_since(
    unit: Connection,
    position: int,
    *,
    kinds: Iterable[str] = (),
    shelf: str = "",
    limit: int | None = None,
) -> list[Op]:
    """Return queued changes after ``position``, in order; of some ``kinds`` or one ``shelf`` only if any is named."""
    query = _ops(frozenset(kinds), shelf=bool(shelf))
    if limit is not None:
        query = query.limit(limit)
    return [
        Op(seq=r.seq, op=r.op, shelf=r.shelf, facts=msgspec.json.decode(r.facts))
        for r in unit.execute(query, {"position": position, "of": shelf})
    ]


@cache
def _ops(kinds: frozenset[str], *, shelf: bool) -> Select[Any]:
    query = select(shelf_ops).where(shelf_ops.c.seq > bindparam("position"))
    if shelf:
        query = query.where(shelf_ops.c.shelf == bindparam("of"))
    if kinds:
        query = query.where(or_(*(shelf_ops.c.op == kind for kind in sorted(kinds))))
    return query.order_by(shelf_ops.c.seq)


def count_ops(unit: Connection, position: int) -> int:
    """Return how many changes are queued after ``position``."""
    query = select(func.count()).select_from(shelf_ops).where(shelf_ops.c.seq > position)
    return int(unit.execute(query).scalar_one())


def views_on(unit: Connection, shelf: str, ids: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the view digest that stands on ``shelf`` for each (id, version) of ``ids``."""
    query = select(rows.c.id, rows.c.version, rows.c.view)
    query = query.where(rows.c.shelf == shelf, within(unit, rows.c.id, set(ids)))
    return {(id_, version): view for id_, version, view in unit.execute(query)}
