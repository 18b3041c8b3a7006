"""Zeek's own logs: columns that the lines with ``#`` name and type."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeAlias

from mithaq.formats.telemetry.instants import epoch
from mithaq.formats.telemetry.reading import ByLine, Found, Kind, Said, refused
from mithaq.model.telemetry import Event, LogSource, Scalar, Value

_ESCAPED: Final = re.compile(r"\\x([0-7][0-9A-Fa-f])|\\(\\)")
_CONTAINER: Final = re.compile(r"(?:set|vector)\[(\w+)\]")
_Convert: TypeAlias = Callable[[str], Value]


def _plain(written: str) -> str:
    """Return a text without Zeek's escapes; bytes that are no ASCII stay escaped, as in its JSON."""
    if "\\" not in written:
        return written
    return _ESCAPED.sub(lambda found: found[2] or chr(int(found[1], 16)), written)


def _instant(written: str) -> str:
    return datetime.fromtimestamp(float(written), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_SCALARS: Final[dict[str, Callable[[str], Scalar]]] = {
    "count": int,
    "int": int,
    "port": int,
    "double": float,
    "interval": float,
    "time": _instant,
    "bool": lambda written: written == "T",
}


class Zeek(ByLine):
    """Reads one log of Zeek, or several one after the other."""

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin before the head."""
        super().__init__()
        self._separator, self._between = "\t", ","
        self._empty, self._unset = "(empty)", "-"
        self._names: list[str] = []
        self._converts: list[_Convert] = []
        self._source = LogSource(product="zeek")

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each line that is not of the head."""
        for line in lines:
            self.number += 1
            raw = line.rstrip(b"\r\n")
            if not raw:
                continue
            written = raw.decode("utf-8", "replace")
            if written.startswith("#"):
                self._head(written)
                continue
            cells = written.split(self._separator)
            if not self._names or len(cells) != len(self._converts):
                yield refused(self.number, "columns", "other columns than its head says")
                continue
            try:
                yield self._event(cells, raw)
            except (ValueError, OverflowError):
                yield refused(self.number, "value", "a value that is not of its column's type")

    def _event(self, cells: list[str], raw: bytes) -> Event:
        unset = self._unset
        fields: dict[str, Value] = {
            name: convert(cell)
            for name, convert, cell in zip(self._names, self._converts, cells, strict=True)
            if cell != unset
        }
        at = ""
        if "ts" in fields:
            at = epoch(cells[self._names.index("ts")])
        return Event(fields=fields, source=self._source, at=at, raw=raw)

    def _head(self, line: str) -> None:
        if line.startswith("#separator "):
            self._separator = _plain(line.removeprefix("#separator ")) or "\t"
            return
        word, _, rest = line.partition(self._separator)
        if word == "#set_separator":
            self._between = rest
        elif word == "#empty_field":
            self._empty = rest
        elif word == "#unset_field":
            self._unset = rest
        elif word == "#path":
            self._source = LogSource(product="zeek", service=rest)
        elif word == "#fields":
            self._names = rest.split(self._separator)
        elif word == "#types":
            self._converts = [self._convert(kind) for kind in rest.split(self._separator)]

    def _convert(self, kind: str) -> _Convert:
        if container := _CONTAINER.fullmatch(kind):
            one, empty, between = _SCALARS.get(container[1], _plain), self._empty, self._between
            return lambda cell: [] if cell == empty else [one(part) for part in cell.split(between)]
        return _SCALARS.get(kind) or self._text

    def _text(self, cell: str) -> str:
        return "" if cell == self._empty else _plain(cell)


KIND = Kind("zeek", lambda opening, _name: opening.startswith(b"#separator "), Zeek)
