"""Tables with a head: CSV and its kin, and W3C's extended log format, which names its columns in a line with ``#``."""

import csv
import re
from collections.abc import Iterator, Sequence
from typing import Final

from mithaq.formats.telemetry import shapes
from mithaq.formats.telemetry.instants import iso
from mithaq.formats.telemetry.reading import MAX_LINE, Broken, ByLine, Found, Kind, Said, refused
from mithaq.model.telemetry import Event, LogSource, Value

_NAMES: Final = re.compile(r"\.(csv|tsv)(\.\w+)?$", re.IGNORECASE)
csv.field_size_limit(MAX_LINE)


class Table(ByLine):
    """Reads one table whose first line names its columns; a value may hold the ends of lines, in quotation marks."""

    def __init__(self, _name: str = "", said: Said | None = None) -> None:
        """Begin before the head."""
        super().__init__()
        self._columns = said.columns if said else {}
        self._head: list[str] = []
        self._separator = ","
        self._row: list[bytes] = []  # lines of a row that has not ended
        self._size = 0

    @property
    def held(self) -> int:
        """The bytes of a row that has not ended."""
        return super().held + self._size

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each row."""
        for line in lines:
            self.number += 1
            self._row.append(line)
            self._size += len(line)
            # Quotation marks within a value are doubled, so those of whole rows are even.
            if line.count(b'"') % 2 == (len(self._row) > 1):
                yield from self._take()
            elif self._size > MAX_LINE:
                self._row, self._size = [], 0
                yield refused(self.number, "long", f"a row longer than {MAX_LINE} bytes")

    def end(self) -> Iterator[Found]:
        """Yield the last row."""
        yield from super().end()
        if self._row:
            yield from self._take()

    def _take(self) -> Iterator[Found]:
        raw = b"".join(self._row).rstrip(b"\r\n")
        self._row, self._size = [], 0
        if not raw or raw.isspace():
            return
        written = raw.decode("utf-8", "replace")
        if not self._head:
            self._separator = max(",;\t|", key=written.count)
            try:
                cells = next(csv.reader([written], delimiter=self._separator), [])
            except csv.Error as error:
                raise Broken("its head cannot be read") from error
            self._head = [self._columns.get(name.strip(), name.strip()) for name in cells]
            return
        try:
            cells = next(
                csv.reader(written.splitlines(keepends=True), delimiter=self._separator), []
            )
        except csv.Error:
            cells = []
        if len(cells) != len(self._head):
            yield refused(self.number, "columns", "other columns than its head says")
            return
        # Nothing says of what type a column is, so each value is a text.
        fields: dict[str, Value] = {
            name: cell for name, cell in zip(self._head, cells, strict=True) if cell and name
        }
        yield shapes.event(fields, raw)


def _csv(opening: bytes, name: str) -> bool:
    first = opening.split(b"\n", 1)[0]
    return bool(_NAMES.search(name)) and any(sign in first for sign in (b",", b";", b"\t", b"|"))


class W3c(ByLine):
    """Reads a log in W3C's extended format, as IIS and proxies write it."""

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin before the head."""
        super().__init__()
        self._head: list[str] = []
        self._commas = False

    def _cells(self, written: str) -> list[str]:
        if not self._commas:
            return written.split()
        try:
            return [cell.strip() for cell in next(csv.reader([written]), [])]
        except csv.Error:
            return []

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each line that is not of the head."""
        for line in lines:
            self.number += 1
            raw = line.rstrip(b"\r\n")
            written = raw.decode("utf-8", "replace")
            if written.startswith("#"):
                if written.startswith("#Fields:"):
                    self._commas = "," in written
                    self._head = self._cells(written.removeprefix("#Fields:"))
                continue
            if not raw:
                continue
            cells = self._cells(written)
            if not self._head or len(cells) != len(self._head):
                yield refused(self.number, "columns", "other columns than its head says")
                continue
            fields: dict[str, Value] = {
                name: cell
                for name, cell in zip(self._head, cells, strict=True)
                if cell not in {"-", ""}
            }
            at = fields.get("date-time") or f"{fields.get('date', '')} {fields.get('time', '')}"
            yield Event(fields=fields, source=_w3c_source(fields), at=iso(at), raw=raw)


def _w3c_source(fields: dict[str, Value]) -> LogSource:
    """Return who writes such columns: Exchange's tracking of messages, a proxy, or a web server."""
    if "message-id" in fields or "recipient-address" in fields:
        return LogSource(category="mail", service="exchange")
    proxy = "cs-host" in fields or "c-uri" in fields
    return LogSource(category="proxy" if proxy and "s-ip" not in fields else "webserver")


def _w3c(opening: bytes, _name: str) -> bool:
    return opening.startswith(b"#") and b"#Fields:" in opening


KINDS = Kind("w3c", _w3c, W3c), Kind("csv", _csv, Table)
