"""Which leaves of the log are about a subject: kept some time after they came; until then each is looked at."""

import zlib

from sqlalchemy import Connection, func, select

from mithaq.audit.log import Record, record_of
from mithaq.store.engine import Store
from mithaq.store.journal import keep, setting
from mithaq.store.sql import fetched, insert_many
from mithaq.store.tables import leaves, subjects

READ = "log-read"  # the setting that says of how many leaves the subjects are kept
_MOST = 16_384  # leaves at a time


def read_out(core: Store) -> None:
    """Keep what the next leaves are about; others may write meanwhile."""
    with core.read() as unit:
        at = _read(unit)
        query = select(leaves.c.idx, leaves.c.subject).where(leaves.c.idx >= at)
        some = fetched(unit, query.order_by(leaves.c.idx).limit(_MOST))
    if not some:
        return
    rows = sorted((mark(subject), idx) for idx, subject in some)
    with core.begin() as unit:
        if _read(unit) == at:  # else another process was faster
            insert_many(unit, subjects, ("mark", "idx"), rows)
            keep(unit, READ, str(some[-1][0] + 1))


def mark(subject: str) -> int:
    """Return what leaves are found by: a number takes an eighth of the room, and few subjects share one."""
    return zlib.crc32(subject.encode())


def find(unit: Connection, subject: str) -> list[tuple[int, Record]]:
    """Return (index, record) of every leaf about ``subject``, oldest first."""
    query = select(leaves.c.idx, leaves.c.record).where(leaves.c.subject == subject)
    kept = query.join(subjects, subjects.c.idx == leaves.c.idx)
    kept = kept.where(subjects.c.mark == mark(subject)).order_by(leaves.c.idx)
    rest = query.where(leaves.c.idx >= _read(unit)).order_by(leaves.c.idx)
    rows = [*unit.execute(kept), *unit.execute(rest)]
    return [(row.idx, record_of(bytes(row.record))) for row in rows]


def newest(unit: Connection, limit: int) -> list[tuple[int, Record]]:
    """Return (index, record) of the last ``limit`` leaves that are no padding, oldest first."""
    query = select(leaves.c.idx, leaves.c.record).where(leaves.c.subject != "")
    rows = unit.execute(query.order_by(leaves.c.idx.desc()).limit(limit)).all()
    return [(row.idx, record_of(bytes(row.record))) for row in reversed(rows)]


def padding(unit: Connection) -> int:
    """Return how many of the leaves are padding, which says nothing (border.md 4.4)."""
    some = select(func.count()).select_from(leaves).where(leaves.c.subject == "")
    kept = some.join(subjects, subjects.c.idx == leaves.c.idx).where(subjects.c.mark == mark(""))
    rest = some.where(leaves.c.idx >= _read(unit))
    return sum(int(unit.execute(each).scalar_one()) for each in (kept, rest))


def wrong(unit: Connection) -> list[str]:
    """Return what differs from the leaves, in words: a leaf that is not found by its subject is hidden."""
    query = select(leaves.c.idx, leaves.c.subject).where(leaves.c.idx < _read(unit))
    meant = {(mark(subject), idx) for idx, subject in fetched(unit, query)}
    kept = {(mark_, idx) for mark_, idx in fetched(unit, select(subjects.c.mark, subjects.c.idx))}
    return [
        f"leaf {idx} is not found by its subject" for idx in sorted(i for _, i in meant - kept)
    ] + [f"leaf {idx} is found by another's subject" for idx in sorted(i for _, i in kept - meant)]


def _read(unit: Connection) -> int:
    return int(setting(unit, READ) or 0)
