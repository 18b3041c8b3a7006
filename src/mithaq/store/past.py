"""The observable index on disk: a file of SQLite for each day, which is thrown away whole when its time is over.

What comes of some events is one transaction, together with what these events are known by: an event that is read again,
in whatever batch and after whatever crash, counts no second time. It lies beside the node's own store, for it is large,
can be made again from the logs, and is nothing that a backup has to hold.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS event (digest INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS key (digest INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS sensor (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS seen (
    place TEXT, cell INTEGER, count INTEGER, first INTEGER, last INTEGER, PRIMARY KEY (place, cell)
) WITHOUT ROWID;
"""
_COUNT = """
INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (place, cell) DO UPDATE SET
    count = count + excluded.count, first = min(first, excluded.first), last = max(last, excluded.last)
"""
_FOUND = """
SELECT place, name, cell % 24, count, first, last FROM seen JOIN sensor ON number = cell / 24
WHERE place >= ? AND place < ? ORDER BY place, cell
"""


class Seen(NamedTuple):
    """That a value was seen in one hour by one sensor."""

    place: str  # of the value in the index
    sensor: str
    hour: str  # as 2026-11-30T12
    times: int
    first: str
    last: str


class Past:
    """The index in one folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, which is made when something is written."""
        self._folder = folder

    def days(self) -> list[str]:
        """Return the days that there are files of, in order."""
        return sorted(file.stem for file in self._folder.glob("????-??-??.sqlite"))

    def forget(self, before: str) -> int:
        """Throw away the days before one; return how many."""
        over = [day for day in self.days() if day < before]
        for day in over:
            for file in self._folder.glob(f"{day}.sqlite*"):
                file.unlink()
        return len(over)

    @contextmanager
    def writing(self, day: str) -> Iterator["Day"]:
        """Give a day to write in; nothing of it stays unless the block ends."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._folder / f"{day}.sqlite", timeout=30)) as file:
            file.executescript(_SCHEMA)
            with file:
                file.execute("BEGIN IMMEDIATE")
                yield Day(file, day)

    @contextmanager
    def reading(self, day: str) -> Iterator["Day"]:
        """Give a day to read."""
        with closing(sqlite3.connect(self._folder / f"{day}.sqlite", timeout=30)) as file:
            yield Day(file, day)


class Day:
    """The index of one day."""

    def __init__(self, file: sqlite3.Connection, day: str) -> None:
        """Take the open file."""
        self._file = file
        self._day = day

    def is_new(self, digest: str) -> bool:
        """Say whether an event was not counted before, and note that it is now."""
        short = int(digest.removeprefix("sha256:")[:16], 16) >> 1
        return self._file.execute("INSERT OR IGNORE INTO event VALUES (?)", (short,)).rowcount == 1

    def count(
        self, sensor: str, seen: Mapping[tuple[str, int], list[int]], digests: Iterable[int]
    ) -> None:
        """Add what a sensor saw, by place and hour: count, first and last; and where it is looked for."""
        self._file.execute("INSERT OR IGNORE INTO sensor (name) VALUES (?)", (sensor,))
        named = self._file.execute("SELECT number FROM sensor WHERE name = ?", (sensor,))
        (number,) = named.fetchone()
        rows = ((place, number * 24 + hour, *cell) for (place, hour), cell in sorted(seen.items()))
        self._file.executemany(_COUNT, rows)
        keys = ((each,) for each in sorted(digests))
        self._file.executemany("INSERT OR IGNORE INTO key VALUES (?)", keys)

    def digests(self) -> Iterator[int]:
        """Yield where all that the day saw is looked for."""
        for (each,) in self._file.execute("SELECT digest FROM key"):
            yield each

    def find(self, first: str, end: str) -> Iterator[Seen]:
        """Yield what was seen at places from one on and before another."""
        for place, name, hour, count, *moments in self._file.execute(_FOUND, (first, end)):
            begin, last = (self._instant(each) for each in moments)
            yield Seen(place, name, f"{self._day}T{hour:02d}", count, begin, last)

    def _instant(self, moment: int) -> str:
        seconds, thousandths = divmod(moment, 1000)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{self._day}T{hour:02d}:{minute:02d}:{second:02d}.{thousandths:03d}Z"
