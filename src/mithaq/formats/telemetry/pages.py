"""How large the pages of a Parquet file are, by their own headers.

What reads Parquet makes room for a page before it unpacks it, as much as the header says: a file of some kilobytes can
ask for gigabytes. So the headers are read first (Thrift's compact protocol; parquet-format, PageHeader).
"""

from collections.abc import Iterator
from typing import BinaryIO, Final

_HEADER: Final = 4 << 10  # bytes of a header as it mostly is
_MOST_HEADER: Final = 1 << 20  # with the least and the greatest value of its page
_DEPTH: Final = 8
_BOOLEANS: Final = {1, 2}
_INTEGERS: Final = {4, 5, 6}
_DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 7, 8, 9, 10, 12
_UNPACKED, _PACKED = 2, 3  # fields of a header


class NoPage(ValueError):
    """What should be a page is none."""


def sizes(place: BinaryIO, start: int, length: int) -> Iterator[int]:
    """Yield how many bytes each page of a column unpacks to.

    Raises:
        NoPage: one of them is none.
    """
    end = start + length
    while start < end:
        place.seek(start)
        header = _Header(place.read(_HEADER))
        try:
            found = header.fields()
        except IndexError:
            place.seek(start)
            header = _Header(place.read(_MOST_HEADER))
            try:
                found = header.fields()
            except IndexError as error:
                raise NoPage("a header without an end") from error
        unpacked, packed = found.get(_UNPACKED, -1), found.get(_PACKED, -1)
        if unpacked < 0 or packed < 0:
            raise NoPage("a page without a size")
        yield unpacked
        start += header.at + packed


class _Header:
    """Reads a struct of the compact protocol, of which numbers matter."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.at = 0

    def fields(self, depth: int = _DEPTH) -> dict[int, int]:
        """Return the numbers of a struct by their field, past which we are then."""
        if not depth:
            raise NoPage("a header nested too deeply")
        found: dict[int, int] = {}
        number = 0
        while kind := self._byte():
            number = number + (kind >> 4) if kind >> 4 else self._signed()
            value = self._value(kind & 15, depth)
            if value is not None:
                found[number] = value
        return found

    def _value(self, kind: int, depth: int) -> int | None:
        if kind in _INTEGERS:
            return self._signed()
        if kind == _STRUCT:
            self.fields(depth - 1)
        elif kind == _BINARY:
            self._skip(self._number())
        elif kind == _DOUBLE:
            self._skip(8)
        elif kind in {_LIST, _SET}:
            self._several(depth)
        elif kind == 3:  # noqa: PLR2004 a byte
            self._skip(1)
        elif kind not in _BOOLEANS:
            raise NoPage("a header of no known form")
        return None

    def _several(self, depth: int) -> None:
        head = self._byte()
        count = head >> 4 if head >> 4 < 15 else self._number()  # noqa: PLR2004 then the number follows
        for _ in range(min(count, len(self._raw))):
            if head & 15 in _BOOLEANS:
                self._skip(1)
            else:
                self._value(head & 15, depth - 1)

    def _byte(self) -> int:
        self.at += 1
        return self._raw[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._raw):
            raise IndexError

    def _number(self) -> int:
        found = shift = 0
        while True:
            byte = self._byte()
            found |= (byte & 127) << shift
            if byte < 128:  # noqa: PLR2004 the last seven bits
                return found
            shift += 7
            if shift > 63:  # noqa: PLR2004 none is longer
                raise NoPage("a number that does not end")

    def _signed(self) -> int:
        found = self._number()
        return (found >> 1) ^ -(found & 1)
