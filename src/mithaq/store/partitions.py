"""Events themselves, kept as Parquet in a folder for each day: what rules that are new one day are held against.

Some events are one small file, written beside and renamed, so it is there as a whole or not at all; small ones are put
together later. Whoever is killed between leaves events twice, which are the same events to whoever reads them. What is
over goes by days, and so does what is more than there is room for.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mithaq.errors import InputError

if TYPE_CHECKING:
    from pyarrow import Schema, Table

_GROUP: Final = 10_000  # rows that are packed together
_WHOLE: Final = 16 << 20  # bytes of a file that is put together with no other


class NoParquet(InputError):
    """Nothing is here that writes Parquet."""

    code = "no-parquet"


class _Damaged(Exception):
    """A file of events cannot be read."""

    def __init__(self, file: Path) -> None:
        self.file = file


class Partitions:
    """The events of one folder."""

    def __init__(self, folder: Path, columns: Mapping[str, str], mark: tuple[bytes, bytes]) -> None:
        """Take a folder, which is made when something is written.

        Args:
            folder: of the days.
            columns: what a row has, and of what type each is.
            mark: what says in a file that its rows have these.
        """
        self._folder, self._columns, self._mark = folder, columns, mark

    def days(self) -> list[str]:
        """Return the days that there are events of, in order."""
        return sorted(each.name for each in self._folder.glob("????-??-??"))

    def files(self, day: str) -> list[Path]:
        """Return the files of a day, by when their first event happened."""
        return sorted((self._folder / day).glob("*.parquet"))

    def size(self, day: str) -> int:
        """Return how many bytes a day takes."""
        return sum(file.stat().st_size for file in self.files(day))

    def put(self, day: str, at: str, rows: Sequence[Sequence[str | bytes | None]]) -> None:
        """Keep events of a day, of which the first happened at ``at``.

        Raises:
            NoParquet: there is nothing to write them with.
        """
        schema = self._schema()
        import pyarrow as pa  # noqa: PLC0415 heavy, and not with everybody

        columns = dict(zip(self._columns, map(list, zip(*rows, strict=True)), strict=True))
        moment = "".join(filter(str.isdecimal, at[11:]))
        self._write(day, moment, iter([pa.table(columns, schema=schema)]))

    def press(self, day: str) -> int:
        """Put the small files of a day together, but damaged ones; return how many they were."""
        small = [file for file in self.files(day) if file.stat().st_size < _WHOLE]
        while len(small) > 1:
            moment = small[0].name.partition("-")[0]
            try:
                kept = self._write(day, moment, map(_table, small))
            except _Damaged as why:
                small.remove(why.file)
                continue
            for file in small:
                if file != kept:
                    file.unlink(missing_ok=True)
            return len(small)
        return 0

    def forget(self, before: str, most: float = float("inf")) -> int:
        """Throw away the days before one, and the oldest while all take more bytes; return how many days went."""
        sizes = {day: self.size(day) for day in self.days()}
        gone = 0
        for day in list(sizes):
            if day < before or sum(sizes.values()) > most:
                shutil.rmtree(self._folder / day, ignore_errors=True)
                del sizes[day]
                gone += 1
        return gone

    def _write(self, day: str, moment: str, tables: "Iterator[Table]") -> Path:
        from pyarrow import parquet  # noqa: PLC0415 as above

        folder = self._folder / day
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f"{moment}.new"
        with parquet.ParquetWriter(beside, self._schema(), compression="zstd") as writer:
            for table in tables:
                writer.write_table(table, row_group_size=_GROUP)
        with beside.open("rb") as written:
            digest = file_digest(written, "sha256").hexdigest()[:16]
        return beside.replace(folder / f"{moment}-{digest}.parquet")

    def _schema(self) -> "Schema":
        try:
            import pyarrow as pa  # noqa: PLC0415 as above
        except ImportError as error:
            raise NoParquet("events are kept with mithaq[parquet]") from error
        types = {"text": pa.string(), "bytes": pa.binary()}
        fields = [(name, types[kind]) for name, kind in self._columns.items()]
        return pa.schema(fields, metadata=dict([self._mark]))


def _table(file: Path) -> "Table":
    import pyarrow as pa  # noqa: PLC0415 as above
    from pyarrow import parquet  # noqa: PLC0415 as above

    try:
        return parquet.read_table(file)
    except (pa.ArrowException, OSError) as error:
        raise _Damaged(file) from error
