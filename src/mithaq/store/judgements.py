"""Judgements of our people: that two ids are the same thing, or are not. Undone, they stay on record."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, or_, select, update

from mithaq.store.objects import Rows
from mithaq.store.sql import fetched, within
from mithaq.store.tables import copies, judgements

_numbers = msgspec.json.Decoder(list[int]).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One of them; ``seen`` are the copies its author could read."""

    seq: int = 0
    first: str
    second: str
    same: bool
    why: str
    author: str
    at: str
    seen: Sequence[int] = ()
    undone_by: str = ""
    undone_at: str = ""
    undone_why: str = ""

    def other(self, id_: str) -> str:
        """Return the other end."""
        return self.second if id_ == self.first else self.first


_COLUMNS = tuple(judgements.c[name] for name in Judgement.__slots__)


def put(unit: Connection, new: Judgement) -> int:
    """Keep a judgement; return its number."""
    facts = {name: getattr(new, name) for name in Judgement.__slots__ if name != "seq"}
    facts["seen"] = msgspec.json.encode(list(new.seen)).decode()
    made = unit.execute(judgements.insert().values(facts).returning(judgements.c.seq))
    return int(made.scalar_one())


def undo(unit: Connection, seq: int, by: str, at: str, why: str) -> None:
    """Let a judgement count no more."""
    facts = {"undone_by": by, "undone_at": at, "undone_why": why}
    unit.execute(update(judgements).where(judgements.c.seq == seq).values(facts))


def visible(
    unit: Connection, rows: Rows, ids: Iterable[str] | None = None, seq: int = 0
) -> list[Judgement]:
    """Return those, of some ids or all, whose copies are all among ``rows``, as far as they are here; the newest first.

    What somebody concluded from what they alone may read is not shown to others.
    """
    c = judgements.c
    query = select(*_COLUMNS).order_by(c.seq.desc())
    if ids is not None:
        listed = list(ids)
        query = query.where(or_(within(unit, c.first, listed), within(unit, c.second, listed)))
    if seq:
        query = query.where(c.seq == seq)
    found = [_judgement(row) for row in fetched(unit, query)]
    seen = {number for each in found for number in each.seen}
    here = {
        n for (n,) in fetched(unit, select(copies.c.seq).where(within(unit, copies.c.seq, seen)))
    }
    some = rows.where(within(unit, copies.c.seq, here)).with_only_columns(copies.c.seq)
    hidden = here - {n for (n,) in fetched(unit, some)}
    return [each for each in found if hidden.isdisjoint(each.seen)]


def _judgement(row: tuple[object, ...]) -> Judgement:
    facts = dict(zip(Judgement.__slots__, row, strict=True))
    facts |= {"seen": _numbers(str(facts["seen"])), "same": bool(facts["same"])}
    return msgspec.convert(facts, Judgement)
