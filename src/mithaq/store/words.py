"""An index of words: for each span of copies, which of them hold a word.

Copies are numbered as they come, so the newest lie in the last span. A search goes from span to span and stops when it
has found enough; what it takes for one is bounded, whatever the words are. Spans are written once, in order, and small
ones are made one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from mithaq.model.found import Need
from mithaq.store.sql import chunks, fetched, insert_many, within
from mithaq.store.tables import spans, words

WIDEST = 1 << 13  # numbers of a span
_MOST_AT_ONCE = 64  # spans in one statement
_FEW = 64  # bits that are sooner looked for one by one


class Came(NamedTuple):
    """The instants between which copies came, both included."""

    since: str
    until: str


ALWAYS = Came("", "")


class Said(NamedTuple):
    """The words of copies of one span: for each word, which of the numbers from ``first`` on hold it."""

    first: int
    last: int
    bits: dict[str, int]


NOTHING = Said(0, 0, {})


def said(each: Mapping[int, Iterable[str]]) -> Said:
    """Return the words of copies by their numbers, which lie in one span."""
    first, bits = min(each), dict[str, int]()
    for seq, found in each.items():
        bit = 1 << (seq - first)
        for word in found:
            bits[word] = bits.get(word, 0) | bit
    return Said(first, max(each), bits)


def keep(unit: Connection, some: Said, came: Came) -> None:
    """Keep the words of copies, whose numbers follow all that are kept."""
    first, last, bits = some
    query = select(spans).order_by(spans.c.first.desc()).limit(1)
    before = unit.execute(query).one_or_none()
    while before is not None and _is_small(before.first, before.last, first, last):
        bits = _joined(_read(unit, before.first), bits, first - before.first)
        _drop(unit, before.first)
        first, came = (
            before.first,
            Came(min(came.since, before.since), max(came.until, before.until)),
        )
        before = unit.execute(query).one_or_none()
    insert_many(unit, spans, ("first", "last", "since", "until"), [(first, last, *came)])
    rows = [(first, word.encode(), packed(held)) for word, held in sorted(bits.items())]
    insert_many(unit, words, ("span", "word", "copies"), rows)


def _is_small(before: int, its_last: int, first: int, last: int) -> bool:
    """Say whether a span is no wider than what follows: so none is written often."""
    return last - before < WIDEST and its_last - before <= last - first


def _joined(older: dict[str, int], newer: dict[str, int], distance: int) -> dict[str, int]:
    for word, held in newer.items():
        older[word] = older.get(word, 0) | held << distance
    return older


def _read(unit: Connection, span: int) -> dict[str, int]:
    query = select(words.c.word, words.c.copies).where(words.c.span == span)
    return {bytes(word).decode(): unpacked(bytes(held)) for word, held in fetched(unit, query)}


def _drop(unit: Connection, span: int) -> None:
    unit.execute(delete(words).where(words.c.span == span))
    unit.execute(delete(spans).where(spans.c.first == span))


def forget(unit: Connection, each: Mapping[int, Iterable[str]]) -> None:
    """Forget the words of copies; what no other of the span holds is gone from it."""
    if not each:
        return
    query = select(spans.c.first, spans.c.last)
    query = query.where(spans.c.first <= max(each), spans.c.last >= min(each))
    for first, last in fetched(unit, query):
        gone: dict[bytes, int] = {}
        for seq, found in each.items():
            if first <= seq <= last:
                for word in map(str.encode, found):
                    gone[word] = gone.get(word, 0) | 1 << (seq - first)
        for some in chunks(gone):
            here = (words.c.span == first, words.c.word.in_(some))
            held = fetched(unit, select(words.c.word, words.c.copies).where(*here))
            rest = [(word, unpacked(bytes(m)) & ~gone[bytes(word)]) for word, m in held]
            unit.execute(delete(words).where(*here))
            rows = [(first, bytes(word), packed(bits)) for word, bits in rest if bits]
            insert_many(unit, words, ("span", "word", "copies"), rows)


def clear(unit: Connection) -> None:
    """Forget all words."""
    unit.execute(delete(words))
    unit.execute(delete(spans))


def holding(
    unit: Connection,
    needs: list[Need],
    before: int = 0,
    between: Came = ALWAYS,
    without: list[Need] | None = None,
) -> Iterator[list[int]]:
    """Yield the numbers of copies that meet every need, some at a time, the newest first.

    Args:
        before: only numbers below this one; 0: all.
        between: spans where nothing came in this time are passed over; of the others, all.
        without: copies that meet one of these are left out.
    """
    query = select(spans.c.first, spans.c.last).order_by(spans.c.first.desc())
    query = query.where(spans.c.until >= between.since)
    if between.until:
        query = query.where(spans.c.since <= between.until)
    if before:
        query = query.where(spans.c.first < before)
    rest = fetched(unit, query)
    size = 1
    while rest:
        some, rest = rest[:size], rest[size:]
        size = min(size * 4, _MOST_AT_ONCE)
        held = _all(unit, needs, {first: (2 << (last - first)) - 1 for first, last in some})
        for need in without or ():
            met = _met(unit, need, held)
            held = {span: bits & ~met.get(span, 0) for span, bits in held.items()}
        for first, _ in some:
            bits = held.get(first, 0)
            if before and first + WIDEST > before:
                bits &= (1 << (before - first)) - 1
            if bits:
                yield [first + at for at in places(bits)]


def _all(unit: Connection, needs: list[Need], held: dict[int, int]) -> dict[int, int]:
    """Return which copies of ``held``, by span, meet every need; spans where one is met by none are left early."""
    for need in needs:
        met = _met(unit, need, held)
        held = {span: both for span, bits in met.items() if (both := bits & held[span])}
        if not held:
            break
    return held


def _met(unit: Connection, need: Need, some: Iterable[int]) -> dict[int, int]:
    """Return, by span, which copies meet a need; spans where none does are left out."""
    met: dict[int, int] = {}
    for first, end in need:
        query = select(words.c.span, words.c.copies).where(
            within(unit, words.c.span, some),
            words.c.word >= first.encode(),
            words.c.word < end.encode(),
        )
        for span, found in fetched(unit, query):
            met[span] = met.get(span, 0) | unpacked(bytes(found))
    return met


# --- copies of a span as bytes -------------------------------------------------------------------------
def packed(bits: int) -> bytes:
    """Return the shorter of two forms: two bytes for each copy; or a bit for each, of odd length."""
    length = bits.bit_length()
    if not bits & bits - 1:  # most are held by one
        return (length - 1).to_bytes(2)
    size = (length + 7) // 8
    if 2 * bits.bit_count() <= size:
        return b"".join(at.to_bytes(2) for at in reversed(places(bits)))
    return bits.to_bytes(size | 1, "little")


def unpacked(held: bytes) -> int:
    """Return what ``packed`` was given."""
    if len(held) & 1:
        return int.from_bytes(held, "little")
    bits = 0
    for at in range(0, len(held), 2):
        bits |= 1 << (held[at] << 8 | held[at + 1])
    return bits


def places(bits: int) -> list[int]:
    """Return which bits are set, the highest first."""
    found = []
    if bits.bit_count() <= _FEW:
        while bits:
            found.append(bits.bit_length() - 1)
            bits ^= 1 << found[-1]
        return found
    written = f"{bits:b}"
    at, highest = written.find("1"), len(written) - 1
    while at >= 0:
        found.append(highest - at)
        at = written.find("1", at + 1)
    return found
