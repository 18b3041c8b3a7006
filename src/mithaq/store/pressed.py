"""Rows of the observable index pressed: sorted, in blocks of which each says where it begins, packed by Zstandard."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import islice
from typing import Final, TypeAlias

import msgspec
import zstandard

Row: TypeAlias = tuple[str, int, int, int, int]  # place, cell, count, first, last
_ROWS: Final = 128  # of a block: what one look-up unpacks
_LEVEL: Final = 9
_MOST: Final = 1 << 24  # bytes of a block

_decode = msgspec.msgpack.Decoder(list[Row]).decode


def blocks(rows: Iterable[Row]) -> Iterator[tuple[str, bytes]]:
    """Yield rows that are sorted as blocks, each with the place that it begins at; a place stands in one block."""
    packer = zstandard.ZstdCompressor(level=_LEVEL)
    rest = iter(rows)
    some = list(islice(rest, _ROWS))
    while some:
        following: list[Row] = []
        for row in rest:
            if row[0] != some[-1][0]:
                following.append(row)
                break
            some.append(row)
        # What was seen once, most of all, has no span: nought packs best.
        spans = [
            (place, cell, count, first, last - first) for place, cell, count, first, last in some
        ]
        yield some[0][0], packer.compress(msgspec.msgpack.encode(spans))
        some = [*following, *islice(rest, _ROWS - 1)]


def unpacked(packed: bytes) -> list[Row]:
    """Return the rows of a block."""
    rows = _decode(zstandard.ZstdDecompressor().decompress(packed, max_output_size=_MOST))
    return [(place, cell, count, first, first + span) for place, cell, count, first, span in rows]


def merged(*sorted_: Iterable[Row]) -> Iterator[Row]:
    """Yield rows of several that are sorted in their order; those of one place and cell become one."""
    standing: Row | None = None
    for row in merge(*sorted_):
        if standing is None or row[:2] != standing[:2]:
            if standing is not None:
                yield standing
            standing = row
        else:
            place, cell, count, first, last = standing
            standing = (place, cell, count + row[2], min(first, row[3]), max(last, row[4]))
    if standing is not None:
        yield standing
