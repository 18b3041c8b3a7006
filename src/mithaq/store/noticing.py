"""How people read what met their watches: past what they may read; what is not shown is not counted."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection, select

from mithaq.store import objects
from mithaq.store.objects import Copy, Rows
from mithaq.store.sql import fetched, replace_many, within
from mithaq.store.tables import copies, hits, provenance, seen
from mithaq.store.watching import BLOCK
from mithaq.store.words import packed, places, unpacked

_FIRST, _PAGE = 64, 500  # numbers that one statement asks for: mostly the first will do
Bits = Mapping[int, int]  # by block: which numbers from its first on


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: what they may read, the newest of it alone; and who they are, for what they have read already."""

    name: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Watched:
    """What is asked about: watches, each with the numbers that alone count (None: all), as one; but for some ids."""

    numbers: Mapping[int, Collection[int] | None]
    without: Collection[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Hit:
    """A copy that met a watch, and when it was held against it."""

    copy: Copy
    at: str
    read: bool


class Came(NamedTuple):
    """What is counted of a copy that met a watch."""

    seq: int
    id: str
    version: str
    voucher: str
    received_at: str


def told(unit: Connection, reader: Reader, watched: Watched, most: int) -> list[Hit]:
    """Return what met watches, one for each version of an object: first what was not read, newest first."""
    return counted(unit, reader, watched, (0, most))[1]


def unread(unit: Connection, reader: Reader, watched: Watched, most: int) -> int:
    """Count what met watches and was not read, one for each version of an object, up to ``most``."""
    return counted(unit, reader, watched, (most, 0))[0]


def counted(
    unit: Connection, reader: Reader, watched: Watched, most: tuple[int, int]
) -> tuple[int, list[Hit]]:
    """Return what ``unread`` counts and what is ``told``, up to so many of each, gone through once."""
    to_count, to_tell = most
    met, known = _met(unit, watched), _seen(unit, reader.name, watched.numbers)
    news = _first(_distinct(unit, reader.rows, met, known, watched.without), max(most))
    new = news[:to_tell]
    old: list[int] = []
    if len(new) < to_tell:
        read = {block: bits & known.get(block, 0) for block, bits in met.items()}
        rest = _distinct(unit, reader.rows, read, {}, watched.without)
        old = _first(rest, to_tell - len(new))
    every = [*new, *old]
    at = _when(unit, watched.numbers, every)
    held = {copy.seq: copy for copy in objects.by_seq(unit, every)} if every else {}
    hits = [Hit(held[seq], at[seq], seq in set(old)) for seq in every]
    return len(news[:to_count]), hits


def came(unit: Connection, reader: Reader, watched: Watched, most: int) -> list[tuple[Came, str]]:
    """Return what met watches, read or not, newest first and up to ``most``, each with when it met them."""
    every = _distinct(unit, reader.rows, _met(unit, watched), {}, watched.without)
    found = [each for each, _ in zip(every, range(most), strict=False)]
    at = _when(unit, watched.numbers, [each.seq for each in found])
    return [(each, at[each.seq]) for each in found]


def mark_read(
    unit: Connection, reader: Reader, numbers: Iterable[int], seqs: Iterable[int] | None = None
) -> None:
    """Note that a person has read some of what met watches, or (None) all that did so far; past what they may read."""
    asked: dict[int, int] = defaultdict(int)
    for seq in seqs or ():
        asked[seq - seq % BLOCK] |= 1 << seq % BLOCK
    for number in numbers:
        met, known = _met(unit, Watched({number: None})), _seen(unit, reader.name, [number])
        some = met if seqs is None else {b: bits & asked.get(b, 0) for b, bits in met.items()}
        made = [
            (reader.name, number, block, packed(bits | known.get(block, 0)))
            for block, bits in _readable(unit, reader.rows, some, known).items()
        ]
        replace_many(unit, seen, ("actor", "watch", "block", "copies"), made)


def _readable(unit: Connection, rows: Rows, met: Bits, known: Bits) -> Bits:
    """Return those that met, are not ``known`` and may be read."""
    found: dict[int, int] = defaultdict(int)
    for page in _paged(met, known):
        query = rows.where(within(unit, copies.c.seq, page)).with_only_columns(copies.c.seq)
        for (seq,) in fetched(unit, query):
            found[seq - seq % BLOCK] |= 1 << seq % BLOCK
    return found


def _first(found: Iterable[Came], most: int) -> list[int]:
    return [each.seq for each, _ in zip(found, range(most), strict=False)]


def _met(unit: Connection, watched: Watched) -> dict[int, int]:
    """Return which copies met one of some watches."""
    found: dict[int, int] = defaultdict(int)
    query = select(hits.c.watch, hits.c.block, hits.c.copies)
    for number, block, held in fetched(
        unit, query.where(within(unit, hits.c.watch, watched.numbers))
    ):
        bits, among = unpacked(bytes(held)), watched.numbers[number]
        if among is not None:
            for at in places(bits):
                if block + at not in among:
                    bits ^= 1 << at
        found[block] |= bits
    return found


def _seen(unit: Connection, actor: str, numbers: Iterable[int]) -> dict[int, int]:
    found: dict[int, int] = defaultdict(int)
    query = select(seen.c.block, seen.c.copies).where(seen.c.actor == actor)
    for block, held in fetched(unit, query.where(within(unit, seen.c.watch, numbers))):
        found[block] |= unpacked(bytes(held))
    return found


def _paged(met: Bits, known: Bits) -> Iterator[list[int]]:
    """Yield the numbers that are in ``met`` and not in ``known``, some at a time and then more, the newest first."""
    some: list[int] = []
    size = _FIRST
    for block in sorted(met, reverse=True):
        some += [block + at for at in places(met[block] & ~known.get(block, 0))]
        while len(some) >= size:
            yield some[:size]
            some, size = some[size:], min(size * 4, _PAGE)
    if some:
        yield some


def _distinct(
    unit: Connection, rows: Rows, met: Bits, known: Bits, without: Collection[str]
) -> Iterator[Came]:
    """Yield the first of each version of an object that may be read; none of which a copy is ``known``."""
    done: set[tuple[str, str]] = set()
    columns = (copies.c.seq, copies.c.id, copies.c.version)
    more = (*columns, provenance.c.voucher, provenance.c.received_at)
    for page in _paged(met, known):
        query = objects.columns_of(rows, *more).where(within(unit, copies.c.seq, page))
        found = [Came(*row) for row in fetched(unit, query.order_by(copies.c.seq.desc()))]
        if known:
            every = objects.by_ids(unit, {each.id for each in found})
            done |= {
                (id_, version)
                for seq, id_, version in fetched(unit, select(*columns).where(every))
                if known.get(seq - seq % BLOCK, 0) >> seq % BLOCK & 1
            }
        for each in found:
            if (each.id, each.version) not in done and each.id not in without:
                done.add((each.id, each.version))
                yield each


def _when(unit: Connection, numbers: Iterable[int], seqs: Sequence[int]) -> dict[int, str]:
    """Return when each of some copies met one of the watches first."""
    blocks: dict[int, list[int]] = defaultdict(list)
    for seq in seqs:
        blocks[seq - seq % BLOCK].append(seq)
    if not blocks:
        return {}
    which = (within(unit, hits.c.watch, numbers), within(unit, hits.c.block, blocks))
    query = select(hits.c.block, hits.c.at, hits.c.copies).where(*which)
    found: dict[int, str] = {}
    for block, at, held in fetched(unit, query.order_by(hits.c.at.desc())):
        bits = unpacked(bytes(held))
        found |= {seq: at for seq in blocks[block] if bits >> seq - block & 1}
    return found
