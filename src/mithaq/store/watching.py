"""What people asked to be told about, what met it since, and what of that each has read.

Hits are kept as numbers of copies alone, whoever may read them: they are shown past what is ``visible`` at the time
somebody asks, and nothing is counted that is not shown.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from mithaq.store import objects
from mithaq.store.journal import keep, setting
from mithaq.store.matching import Part, Query, matched
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import fetched, insert_many, replace_many, within
from mithaq.store.tables import copies, followers, hits, seen, watches
from mithaq.store.words import packed, places, unpacked

_CURSOR = "watches.read"  # the number of the last copy that was held against them
_BLOCK = 4096  # numbers that one row of hits can name
_PAGE = 2000  # numbers of copies that one statement asks for
Matched = Mapping[int, Collection[int]]  # by watch: numbers of copies


# --- watches -------------------------------------------------------------------------------------------
def watch(unit: Connection, query: Query) -> int:
    """Hold all that comes from now on against a query; return the watch's number."""
    after = unit.execute(select(func.max(copies.c.seq))).scalar_one() or 0
    made = insert(watches).values(query=msgspec.json.encode(query).decode(), after=after)
    return int(unit.execute(made.returning(watches.c.seq)).scalar_one())


def unwatch(unit: Connection, number: int) -> None:
    """Forget a watch, its hits and what of them was read."""
    for table in (hits, seen, followers):
        unit.execute(delete(table).where(table.c.watch == number))
    unit.execute(delete(watches).where(watches.c.seq == number))


def query_of(unit: Connection, number: int) -> Query:
    """Return what a watch looks for."""
    text = unit.execute(select(watches.c.query).where(watches.c.seq == number)).scalar_one()
    return msgspec.json.decode(text, type=Query)


# --- what came -----------------------------------------------------------------------------------------
def match(unit: Connection, part: Part) -> Matched:
    """Return which copies of a part meet which watches; of those that were held against them before, none."""
    before = int(setting(unit, _CURSOR, "0"))
    news = {seq: copy for seq, copy in part.copies.items() if seq > before}
    query = select(watches.c.seq, watches.c.query).where(watches.c.after < part.said.last)
    found = fetched(unit, query) if news else ()
    if not found:
        return {}
    queries = {seq: msgspec.json.decode(text, type=Query) for seq, text in found}
    return matched(unit, Part(news, part.said, part.marks), queries)


def note(unit: Connection, met: Matched, last: int, at: str) -> None:
    """Keep what a part met, which ends with the copy numbered ``last``: in the unit that says it was read out."""
    before = int(setting(unit, _CURSOR, "0"))
    if last <= before:
        return
    here = dict(fetched(unit, select(watches.c.seq, watches.c.after))) if met else {}
    made: list[tuple[object, ...]] = []
    for number, seqs in sorted(met.items()):
        # one that is gone since tells nobody; of two parts that overlap the first told already
        if number in here:
            news = [seq for seq in seqs if seq > here[number] or seq <= before]
            made += [(number, block, last, at, bits) for block, bits in _blocks(news)]
    insert_many(unit, hits, ("watch", "block", "run", "at", "copies"), made)
    keep(unit, _CURSOR, str(last))


def _blocks(seqs: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    found: dict[int, int] = defaultdict(int)
    for seq in seqs:
        found[seq - seq % _BLOCK] |= 1 << seq % _BLOCK
    return ((block, packed(bits)) for block, bits in found.items())


# --- what people read of it ----------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: what they may read, the newest of it alone; and who they are, for what they have read already."""

    name: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Hit:
    """A copy that met a watch, and when it was held against it."""

    copy: Copy
    at: str
    read: bool


def of_watch(
    unit: Connection, reader: Reader, number: int, most: int, among: Collection[int] | None = None
) -> list[Hit]:
    """Return what met a watch, one for each version of an object: first what was not read, newest first."""
    met, known = _met(unit, number), _seen(unit, reader.name, number)
    fresh = _distinct(unit, reader.rows, _paged(met, known, among), known)
    news = [seq for seq, _ in zip(fresh, range(most), strict=False)]
    old: list[int] = []
    if len(news) < most:
        both = {block: bits & known.get(block, 0) for block, bits in met.items()}
        rest = _distinct(unit, reader.rows, _paged(both, {}, among), {})
        old = [seq for seq, _ in zip(rest, range(most - len(news)), strict=False)]
    return _loaded(unit, number, news, read=False) + _loaded(unit, number, old, read=True)


def unread(
    unit: Connection, reader: Reader, number: int, most: int, among: Collection[int] | None = None
) -> int:
    """Count what met a watch and was not read, one for each version of an object, up to ``most``."""
    met, known = _met(unit, number), _seen(unit, reader.name, number)
    fresh = _distinct(unit, reader.rows, _paged(met, known, among), known)
    return sum(1 for _ in zip(fresh, range(most), strict=False))


def mark_read(unit: Connection, actor: str, number: int, seqs: Iterable[int] | None = None) -> None:
    """Note that a person has read some of what met a watch, or (None) all that did so far."""
    met, known = _met(unit, number), _seen(unit, actor, number)
    if seqs is not None:
        asked: dict[int, int] = defaultdict(int)
        for seq in seqs:
            asked[seq - seq % _BLOCK] |= 1 << seq % _BLOCK
        met = {block: bits & asked.get(block, 0) for block, bits in met.items()}
    made = [
        (actor, number, block, packed(bits | known.get(block, 0)))
        for block, bits in met.items()
        if bits & ~known.get(block, 0)
    ]
    replace_many(unit, seen, ("actor", "watch", "block", "copies"), made)


def _met(unit: Connection, number: int) -> dict[int, int]:
    """Return, by block, which copies met a watch."""
    found: dict[int, int] = defaultdict(int)
    for block, held in fetched(
        unit, select(hits.c.block, hits.c.copies).where(hits.c.watch == number)
    ):
        found[block] |= unpacked(bytes(held))
    return found


def _seen(unit: Connection, actor: str, number: int) -> dict[int, int]:
    query = select(seen.c.block, seen.c.copies).where(seen.c.actor == actor, seen.c.watch == number)
    return {block: unpacked(bytes(held)) for block, held in fetched(unit, query)}


def _paged(
    met: Mapping[int, int], known: Mapping[int, int], among: Collection[int] | None
) -> Iterator[list[int]]:
    """Yield the numbers that are in ``met`` and not in ``known``, some at a time, the newest first."""
    some: list[int] = []
    for block in sorted(met, reverse=True):
        found = [block + at for at in places(met[block] & ~known.get(block, 0))]
        some += found if among is None else [seq for seq in found if seq in among]
        while len(some) >= _PAGE:
            yield some[:_PAGE]
            some = some[_PAGE:]
    if some:
        yield some


def _distinct(
    unit: Connection, rows: Rows, pages: Iterable[list[int]], known: Mapping[int, int]
) -> Iterator[int]:
    """Yield the first number of each version of an object that may be read; none of which a copy is ``known``."""
    told: set[tuple[str, str]] = set()
    columns = (copies.c.seq, copies.c.id, copies.c.version)
    for page in pages:
        query = rows.where(within(unit, copies.c.seq, page)).with_only_columns(*columns)
        found = fetched(unit, query.order_by(copies.c.seq.desc()))
        if known:
            every = objects.by_ids(unit, {id_ for _, id_, _ in found})
            told |= {
                (id_, version)
                for seq, id_, version in fetched(unit, select(*columns).where(every))
                if known.get(seq - seq % _BLOCK, 0) >> seq % _BLOCK & 1
            }
        for seq, id_, version in found:
            if (id_, version) not in told:
                told.add((id_, version))
                yield seq


def _loaded(unit: Connection, number: int, seqs: Sequence[int], *, read: bool) -> list[Hit]:
    at = _when(unit, number, seqs)
    held = {copy.seq: copy for copy in objects.by_seq(unit, seqs)} if seqs else {}
    return [Hit(held[seq], at[seq], read) for seq in seqs]


def _when(unit: Connection, number: int, seqs: Sequence[int]) -> dict[int, str]:
    """Return when each of some copies met a watch first."""
    blocks = {seq - seq % _BLOCK for seq in seqs}
    query = select(hits.c.block, hits.c.at, hits.c.copies).where(hits.c.watch == number)
    rows_ = fetched(
        unit, query.where(within(unit, hits.c.block, blocks)).order_by(hits.c.run.desc())
    )
    found: dict[int, str] = {}
    for block, at, held in rows_:
        bits = unpacked(bytes(held))
        found |= {
            seq: at for seq in seqs if block <= seq < block + _BLOCK and bits >> seq - block & 1
        }
    return found
