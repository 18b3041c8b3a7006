"""What people asked to be told about, and what met it since: numbers of copies alone, whoever may read them.

``noticing`` is how people read them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from mithaq.model.named import is_of_set
from mithaq.store.journal import keep, setting
from mithaq.store.matching import Part, Query, matched
from mithaq.store.sql import fetched, insert_many
from mithaq.store.tables import copies, followers, hits, seen, watches
from mithaq.store.words import packed

_CURSOR = "watches.read"  # the number of the last copy that was held against them
BLOCK = 4096  # numbers that one row of hits can name
_NEVER = (1 << 62) - 1  # no copy has a higher number
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


def rest(unit: Connection, number: int) -> None:
    """Hold nothing against a watch any more; what met it stays."""
    unit.execute(update(watches).where(watches.c.seq == number).values(after=_NEVER))


def query_of(unit: Connection, number: int) -> Query:
    """Return what a watch looks for."""
    text = unit.execute(select(watches.c.query).where(watches.c.seq == number)).scalar_one()
    return msgspec.json.decode(text, type=Query)


# --- what came -----------------------------------------------------------------------------------------
def match(unit: Connection, part: Part) -> Matched:
    """Return which copies of a part meet which watches; of those that were held against them before, none.

    A reference set brings no news.
    """
    before = int(setting(unit, _CURSOR, "0"))
    news = {
        seq: copy
        for seq, copy in part.copies.items()
        if seq > before and not is_of_set(copy.voucher)
    }
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
        found[seq - seq % BLOCK] |= 1 << seq % BLOCK
    return ((block, packed(bits)) for block, bits in found.items())
