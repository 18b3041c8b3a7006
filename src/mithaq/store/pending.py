"""What is to be decided again: when a target comes, when an instant has come, when its agreement has changed."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, func, select

from mithaq.store.sql import among, chunks, insert_new
from mithaq.store.tables import afresh, moments, waiting


def wait_for(unit: Connection, agreement: str, waits: Iterable[tuple[str, int]]) -> None:
    """Note (target, copy) pairs: the copy is decided again when its target is released."""
    for part in chunks(waits):
        insert_new(
            unit, waiting, [{"agreement": agreement, "target": t, "copy": c} for t, c in part]
        )


def turn_at(unit: Connection, agreement: str, moments_: Iterable[tuple[int, str]]) -> None:
    """Note (copy, instant) pairs: the copy is decided again under ``agreement`` when that instant has come."""
    for part in chunks(moments_):
        insert_new(unit, moments, [{"agreement": agreement, "copy": c, "at": at} for c, at in part])


def turned(unit: Connection, now: str, limit: int, after: str = "") -> dict[str, list[int]]:
    """Return, by agreement, copies whose decision may have turned by ``now``, those that wait longest first."""
    between = (moments.c.at > after, moments.c.at <= now)
    query = select(moments).where(*between).order_by(moments.c.at).limit(limit)
    found: dict[str, dict[int, None]] = {}
    for row in unit.execute(query):
        found.setdefault(row.agreement, {})[row.copy] = None
    return {name: list(copies) for name, copies in found.items()}


def count_turned(unit: Connection, now: str) -> int:
    """Return how many decisions may have turned by ``now`` and were not made again yet."""
    query = select(func.count()).select_from(moments).where(moments.c.at <= now)
    return int(unit.execute(query).scalar_one())


def forget_turn(unit: Connection, agreement: str, copies: Iterable[int], now: str) -> None:
    """Forget the instants up to ``now`` of copies that are decided again."""
    for part in chunks(copies):
        which = (moments.c.agreement == agreement, moments.c.at <= now, moments.c.copy.in_(part))
        unit.execute(delete(moments).where(*which))


def queue_afresh(unit: Connection, agreement: str, copies: Sequence[int]) -> None:
    """Queue copies to be decided again, in this order, in place of whatever was queued under that agreement."""
    unit.execute(delete(afresh).where(afresh.c.agreement == agreement))
    for part in chunks(copies):
        unit.execute(afresh.insert(), [{"agreement": agreement, "copy": copy} for copy in part])


def next_afresh(unit: Connection, limit: int) -> tuple[str, list[int]]:
    """Return an agreement and the first copies queued under it; none if the name is empty."""
    first = select(afresh.c.agreement).order_by(afresh.c.seq).limit(1)
    agreement = unit.execute(first).scalar_one_or_none()
    query = select(afresh.c.copy).where(afresh.c.agreement == agreement)
    return agreement or "", list(unit.execute(query.order_by(afresh.c.seq).limit(limit)).scalars())


def queued_afresh(unit: Connection, agreement: str, copies: Iterable[int]) -> set[int]:
    """Return which of ``copies`` are queued under an agreement."""
    found: set[int] = set()
    for part in chunks(copies):
        query = select(afresh.c.copy)
        query = query.where(afresh.c.agreement == agreement, afresh.c.copy.in_(part))
        found |= set(unit.execute(query).scalars())
    return found


def done_afresh(unit: Connection, agreement: str, copies: Iterable[int]) -> None:
    """Take copies out of the queue."""
    for part in chunks(copies):
        which = (afresh.c.agreement == agreement, afresh.c.copy.in_(part))
        unit.execute(delete(afresh).where(*which))


def left_afresh(unit: Connection) -> dict[str, int]:
    """Return how many copies are queued under each agreement."""
    query = select(afresh.c.agreement, func.count().label("left")).group_by(afresh.c.agreement)
    return {row.agreement: int(row.left) for row in unit.execute(query)}


def released_waiters(unit: Connection, agreement: str, targets: Iterable[str]) -> list[int]:
    """Take and return the copies that waited for one of ``targets`` under ``agreement``."""
    return waiters(unit, targets, agreement).get(agreement, [])


def waiters(
    unit: Connection, targets: Iterable[str], agreement: str | None = None
) -> dict[str, list[int]]:
    """Take and return, by agreement, the copies that waited for one of ``targets``."""
    query = select(waiting)
    if agreement is not None:
        query = query.where(waiting.c.agreement == agreement)
    found: dict[str, dict[int, None]] = {}
    for row in among(unit, query, waiting.c.target, targets):
        found.setdefault(row.agreement, {})[row.copy] = None
        same = (waiting.c.agreement == row.agreement, waiting.c.target == row.target)
        unit.execute(delete(waiting).where(*same, waiting.c.copy == row.copy))
    return {name: list(copies) for name, copies in found.items()}
