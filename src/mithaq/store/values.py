"""Looking up values: whether anybody spoke of an address, a name or a hash, or of what it belongs to."""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import msgspec
from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, cast, column, func, select

from mithaq.model.observed import around, likeness, mark, marks_of, speaks_of
from mithaq.model.values import Value
from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import fetched
from mithaq.store.tables import copies, observed
from mithaq.store.texts import newest, unread


class Known(NamedTuple):
    """A copy that speaks of a value, or of what that belongs to: ``value`` is what it says."""

    copy: Copy
    value: Value
    exactly: bool


def known(unit: Connection, visible: Rows, value: Value, most: int) -> list[Known]:
    """Return what is ``visible`` and speaks of a value; first what speaks of it exactly, the newest first.

    Then what speaks of its parts and of what they belong to, and of what it is a part of: a URL at a domain.
    """
    near = frozenset(map(likeness, around(value)))
    rows = newest(visible)
    some = [*_unread(unit, rows, value, near)]
    for each in _in_use(unit, map(mark, {value, *near})):
        # by the table that has few: no copy is looked at that does not speak of it
        spoken = rows.join(observed, observed.c.copy == copies.c.seq).where(observed.c.mark == each)
        some += objects.load(unit, spoken.order_by(observed.c.copy.desc()).limit(most))
    found = {copy.seq: one for copy in some if (one := _said(copy, value, near)) is not None}
    return sorted(found.values(), key=lambda one: (not one.exactly, -one.copy.seq))[:most]


def sharing(
    unit: Connection, visible: Rows, wanted: Collection[Value], most: int
) -> dict[Value, list[Copy]]:
    """Return, for each of some values, up to ``most`` of what is ``visible`` and speaks of it or has it as a part."""
    rows = newest(visible)
    by: dict[int, list[Value]] = {}
    for value in wanted:
        by.setdefault(mark(value), []).append(value)
    found: dict[Value, list[Copy]] = {value: [] for value in wanted}
    for copy in unread(unit, rows, objects.read_until(unit)) if by else ():
        for each in marks_of(copy.object.body) & by.keys():
            _add(found, by[each], copy, most)
    for each in _in_use(unit, by):
        spoken = rows.join(observed, observed.c.copy == copies.c.seq).where(observed.c.mark == each)
        for copy in objects.load(unit, spoken.order_by(observed.c.copy.desc()).limit(most)):
            _add(found, by[each], copy, most)
    return found


def _add(found: dict[Value, list[Copy]], some: Iterable[Value], copy: Copy, most: int) -> None:
    for value in some:
        if len(found[value]) < most and speaks_of(copy.object.body, value, ()) is not None:
            found[value].append(copy)


def _unread(unit: Connection, rows: Rows, value: Value, near: frozenset[Value]) -> Iterator[Copy]:
    for copy in unread(unit, rows, objects.read_until(unit)):
        if _said(copy, value, near) is not None:
            yield copy


def _said(copy: Copy, value: Value, near: frozenset[Value]) -> Known | None:
    """Return what a copy says of a value, the most exact first."""
    found = speaks_of(copy.object.body, value, near)
    return None if found is None else Known(copy, found[0], exactly=found[1])


def _in_use(unit: Connection, marks: Iterable[int]) -> list[int]:
    """Return those of ``marks`` that any copy has, whoever may read it."""
    wanted = list(marks)
    if unit.dialect.name == "sqlite":
        asked = func.json_each(msgspec.json.encode(wanted).decode()).table_valued("value")
        each = asked.c.value
    else:
        listed = cast(bindparam(None, wanted, type_=ARRAY(BigInteger)), ARRAY(BigInteger))
        rows = func.unnest(listed).table_valued(column("value", BigInteger)).render_derived()
        each = rows.c.value
    here = select(observed.c.copy).where(observed.c.mark == each).exists()
    return [found for (found,) in fetched(unit, select(each).where(here))]
