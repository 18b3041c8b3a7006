"""Bytes by their digest: kept once, whoever gave them and whoever is shown them."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection, func, select

from mithaq.store.sql import chunks, fetched, insert_many, within
from mithaq.store.tables import bodies


def put(unit: Connection, views: Mapping[str, bytes]) -> tuple[dict[str, int], dict[str, int]]:
    """Keep bytes; return the numbers of those that were here, and of those that are new."""
    numbers = _numbers(unit, views)
    last = unit.execute(select(func.coalesce(func.max(bodies.c.seq), 0))).scalar_one()
    new = {
        digest: seq for seq, digest in enumerate((d for d in views if d not in numbers), last + 1)
    }
    made = [(seq, mark(digest), digest, views[digest]) for digest, seq in new.items()]
    insert_many(unit, bodies, ("seq", "mark", "digest", "body"), made)
    return numbers, new


def _numbers(unit: Connection, digests: Collection[str]) -> dict[str, int]:
    query = select(bodies.c.digest, bodies.c.seq)
    found = fetched(unit, query.where(within(unit, bodies.c.mark, map(mark, digests))))
    return {digest: seq for digest, seq in found if digest in digests}


def mark(digest: str) -> int:
    """Return what ``bodies`` are found by: some of a digest, as a number."""
    return int(digest[7:22], 16)


def one(unit: Connection, digest: str) -> bytes:
    """Return the bytes of ``digest``."""
    which = (bodies.c.mark == mark(digest), bodies.c.digest == digest)
    return bytes(unit.execute(select(bodies.c.body).where(*which)).scalar_one())


def some(unit: Connection, digests: Iterable[str]) -> dict[str, bytes]:
    """Return the bytes of each of ``digests``."""
    found: dict[str, bytes] = {}
    for part in chunks(dict.fromkeys(digests)):
        query = select(bodies.c.digest, bodies.c.body).where(bodies.c.mark.in_(map(mark, part)))
        rows_ = unit.execute(query.where(bodies.c.digest.in_(part)))
        found |= {row.digest: bytes(row.body) for row in rows_}
    return found
