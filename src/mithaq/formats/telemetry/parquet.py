"""Logs in Parquet: each row is an event, its columns are the fields, nested ones joined by dots.

The file says at its end where everything lies, so it is sought in; of a pipe or an archive as much is held as fits.
Rows are read some at a time, page by page, whatever the size of the file. Texts that repeat stand there once and stay
once in memory, and what comes out is counted: a small file that comes to far more than logs do is refused.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from mithaq.formats.telemetry import flat, kept, shapes
from mithaq.formats.telemetry.packed import Budget
from mithaq.formats.telemetry.pages import NoPage, sizes
from mithaq.formats.telemetry.reading import MAX_LINE, Broken, Found, Kind, Said, refused

if TYPE_CHECKING:
    from pyarrow import Array, RecordBatch
    from pyarrow.parquet import ParquetFile

_MAGIC: Final = b"PAR1"
_HELD: Final = 64 << 20  # bytes of one that cannot be sought in
_ROWS: Final = 512  # that are read at once
_COLUMNS: Final = 2000
_MOST_PAGE: Final = 64 << 20  # bytes that a page unpacks to
_MOST_PAGES: Final = 512 << 20  # of those of all columns that stand in memory together
_FOOTER: Final = 32 << 20
_DEEP: Final = 16


class Parquet:
    """Holds a file that comes in pieces, until its end."""

    def __init__(self, name: str = "", _said: Said | None = None) -> None:
        """Begin with nothing."""
        self.number = 0
        self._name = name
        self._bytes = bytearray()

    @property
    def held(self) -> int:
        """All of it: nothing is known before its end."""
        return len(self._bytes)

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Hold some more."""
        self._bytes += chunk
        if len(self._bytes) > _HELD:
            self._bytes.clear()
            raise Broken(
                f"Parquet of more than {_HELD} bytes that cannot be sought in: unpack it first"
            )
        yield from ()

    def end(self) -> Iterator[Found]:
        """Yield the rows."""
        whole, self._bytes = self._bytes, bytearray()
        if whole:
            yield from rows(io.BytesIO(whole), self._name)


def rows(place: BinaryIO, name: str) -> Iterator[Found]:
    """Yield the rows of a file that can be sought in.

    Raises:
        Broken: it is none, or asks for more room than logs do; what came before was yielded.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 heavy, and not with everybody
        from pyarrow import parquet  # noqa: PLC0415 as above
    except ImportError as error:
        raise Broken("Parquet is read with mithaq[parquet]") from error
    size = place.seek(0, io.SEEK_END)
    budget = Budget(packed=size)
    try:
        _ends(place, size)
        file = parquet.ParquetFile(
            place,
            buffer_size=1 << 16,
            pre_buffer=False,
            thrift_string_size_limit=_FOOTER,
            thrift_container_size_limit=1 << 20,
            read_dictionary=_texts(parquet.ParquetFile(place)),
        )
        _check(place, file)
        ours = (file.schema_arrow.metadata or {}).get(kept.MARK[0]) == kept.MARK[1]
        make = _kept if ours and set(file.schema_arrow.names) == set(kept.COLUMNS) else _event
        number = 0
        for batch in file.iter_batches(batch_size=_ROWS, use_threads=False):
            for row in _rows(batch):
                number += 1
                yield make(row, number, name, budget)
    except (pa.ArrowException, OSError, ValueError, NoPage, MemoryError) as why:
        raise Broken(f"no Parquet that can be read: {type(why).__name__}") from why


def _ends(place: BinaryIO, size: int) -> None:
    """See that the end of the file is what it has to be."""
    place.seek(max(size - 8, 0))
    end = place.read(8)
    if end[4:] != _MAGIC or not 0 < int.from_bytes(end[:4], "little") <= min(_FOOTER, size):
        raise NoPage("no footer")


def _texts(file: "ParquetFile") -> list[str]:
    """Return the columns of texts, so that one that repeats is not copied for each row."""
    described = [file.schema.column(number) for number in range(len(file.schema))]
    if len(described) > _COLUMNS:
        raise NoPage("too many columns")
    return [each.path for each in described if each.physical_type == "BYTE_ARRAY"]


def _check(place: BinaryIO, file: "ParquetFile") -> None:
    """See that no page asks for more room than there is."""
    said = file.metadata
    for group in range(said.num_row_groups):
        whole = 0
        for number in range(said.num_columns):
            column = said.row_group(group).column(number)
            start = column.data_page_offset
            if column.has_dictionary_page and column.dictionary_page_offset is not None:
                start = min(start, column.dictionary_page_offset)
            largest = max(sizes(place, start, column.total_compressed_size), default=0)
            whole += largest
            if largest > _MOST_PAGE or whole > _MOST_PAGES:
                raise NoPage("pages that are too large")


def _rows(batch: "RecordBatch") -> Iterator[dict[str, Any]]:
    names = batch.schema.names
    for values in zip(*map(_values, batch.columns), strict=True):
        yield dict(zip(names, values, strict=True))


def _values(column: "Array") -> list[Any]:
    """Return the values of a column; the same text is the same object."""
    if hasattr(column, "dictionary"):
        texts = column.dictionary.to_pylist()
        return [None if at is None else texts[at] for at in column.indices.to_pylist()]
    found: list[Any] = column.to_pylist()
    return found


def _event(row: dict[str, Any], number: int, name: str, budget: Budget) -> Found:
    size = sum(len(value) for value in row.values() if isinstance(value, str | bytes))
    budget.count(size)
    if size > MAX_LINE:
        return refused(number, "long", f"longer than {MAX_LINE} bytes")
    try:
        raw = msgspec.json.encode({key: _plain(value) for key, value in row.items()})
        return shapes.event(flat.fields(raw), raw, name=name)
    except (flat.NoObject, OverflowError, ValueError):
        return refused(number, "record", "a row that cannot be read")


def _kept(row: dict[str, Any], number: int, _name: str, budget: Budget) -> Found:
    """Return an event that the node kept itself."""
    raw, fields = row["raw"] or b"", row["fields"]
    budget.count(len(raw) + len(fields or b""))
    source = tuple(str(row[name] or "") for name in ("product", "category", "service"))
    try:
        return kept.event(str(row["at"] or ""), source, fields, raw)
    except flat.NoObject:
        return refused(number, "record", "a row that cannot be read")


def _plain(value: object, depth: int = _DEEP) -> object:
    """Return a value as JSON has it."""
    if not depth:
        raise flat.NoObject("nested too deeply")
    match value:
        case None | str() | bool() | int() | float():
            return value
        case datetime():
            at = value if value.tzinfo else value.replace(tzinfo=UTC)
            said = at.astimezone(UTC).isoformat(timespec="milliseconds")
        case bytes():
            said = value.decode("utf-8", "replace")
        case dict():
            return {str(key): _plain(each, depth - 1) for key, each in value.items()}
        case list() | tuple():
            return [_plain(each, depth - 1) for each in value]
        case _:
            said = str(value)
    return said.replace("+00:00", "Z") if isinstance(value, datetime) else said


KIND = Kind("parquet", lambda opening, _name: opening.startswith(_MAGIC), Parquet, rows)
