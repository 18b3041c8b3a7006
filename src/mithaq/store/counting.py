"""Counting what copies claim, some time after they came, in their order; others may write meanwhile."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from mithaq.store import objects, tallies
from mithaq.store.engine import Store
from mithaq.store.objects import Copy
from mithaq.store.sql import fetched, within
from mithaq.store.tables import copies


def behind(unit: Connection) -> bool:
    """Say whether there are copies that were not counted yet."""
    newest = unit.execute(select(func.max(copies.c.seq))).scalar_one()
    return (newest or 0) > tallies.read_until(unit)


def count_on(core: Store, most: int) -> None:
    """Count the next ``most`` copies."""
    with core.read() as unit:
        after = tallies.read_until(unit)
        rows = objects.everything().where(copies.c.seq > after).order_by(copies.c.seq)
        new = objects.load(unit, rows.limit(most))
        kin = _kin(unit, new, after)
        was = _origins(unit, [*new, *kin])
    if not new:
        return
    with core.begin() as unit:
        if tallies.read_until(unit) != after:
            return  # another process was faster
        if _origins(unit, [*new, *kin]) != was:
            return  # one was erased, or marked otherwise: next time
        if not after:
            tallies.begin(unit)
        tallies.recount(unit, kin, [*kin, *new])
        tallies.read_on(unit, new[-1].seq)


def _kin(unit: Connection, new: Sequence[Copy], after: int) -> list[Copy]:
    """Return what was counted of the same ids."""
    if not after or not new:
        return []
    ids = {copy.object.id for copy in new}
    query = select(copies.c.seq, copies.c.id).where(
        objects.by_ids(unit, ids), copies.c.seq <= after
    )
    return objects.by_seq(unit, [seq for seq, id_ in fetched(unit, query) if id_ in ids])


def _origins(unit: Connection, some: Sequence[Copy]) -> set[tuple[int, int]]:
    """Return the copies that are here, each with the number of where it comes from."""
    query = select(copies.c.seq, copies.c.provenance)
    query = query.where(within(unit, copies.c.seq, [copy.seq for copy in some]))
    return {(seq, origin) for seq, origin in fetched(unit, query)}
