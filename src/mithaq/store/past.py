"""The observable index on disk: a file of SQLite for each day, which is thrown away whole when its time is over.

What comes of some events is one transaction, together with what these events are known by: an event that is read again,
in whatever batch and after whatever crash, counts no second time. It lies beside the node's own store, for it is large,
can be made again from the logs, and is nothing that a backup has to hold. Rows are written loose, and pressed when
there are many or their day is over: that takes a third of the room, and is read in few pieces. A file that is damaged
is set aside under another name, in which nothing is looked for, until its day is over; its day begins anew.
"""

import fcntl
import os
import sqlite3
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import zstandard

from mithaq.errors import Fault
from mithaq.store.pressed import Row, blocks, merged, unpacked

_SCHEMA: Final = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS event (digest INTEGER PRIMARY KEY, hour INTEGER);
CREATE TABLE IF NOT EXISTS key (digest INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS sensor (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS seen (
    place TEXT, cell INTEGER, count INTEGER, first INTEGER, last INTEGER, PRIMARY KEY (place, cell)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS digests (what INTEGER PRIMARY KEY, count INTEGER, packed BLOB);
CREATE TABLE IF NOT EXISTS block (first TEXT PRIMARY KEY, packed BLOB);
"""
_COUNT: Final = """
INSERT INTO seen VALUES (?, ?, ?, ?, ?) ON CONFLICT (place, cell) DO UPDATE SET
    count = count + excluded.count, first = min(first, excluded.first), last = max(last, excluded.last)
"""
_LOOSE: Final = "SELECT place, cell, count, first, last FROM seen"
_DAMAGED: Final = (sqlite3.DatabaseError, msgspec.MsgspecError, zstandard.ZstdError)
_ODD: Final = (ValueError, LookupError, TypeError)  # what rows that nobody wrote so give
_KEYS: Final = -1  # what else is under ``digests``: the events of an hour, by that
_FEW: Final = 20_000  # events that stay loose


class Seen(NamedTuple):
    """That a value was seen in one hour by one sensor."""

    place: str  # of the value in the index
    sensor: str
    hour: str  # as 2026-11-30T12
    times: int
    first: str
    last: str


class DamagedPast(Fault):
    """The index of a day cannot be read or written."""

    code = "damaged-past"


class PastAway(DamagedPast):
    """The index of a day cannot be written now: the disk is full, or another has it."""


_PASSES: Final = {
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
_MAY_STAY: Final = {sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN}  # if it is of one file alone
_DAY: Final = "????-??-??"
_SPOILT: Final = ".damaged-"  # behind the name of a file that was set aside, and its number


class SetAside(NamedTuple):
    """That the index of a day was damaged, and where it stands now."""

    day: str
    file: Path


class Past:
    """The index in one folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, which is made when something is written."""
        self._folder = folder
        self._known: dict[str, tuple[int, int]] = {}  # of the file of a day, as it was opened last

    def days(self) -> list[str]:
        """Return the days that there are files of, in order."""
        return sorted(file.stem for file in self._folder.glob(f"{_DAY}.sqlite"))

    def spoilt(self) -> dict[str, list[Path]]:
        """Return by day the files that were set aside, in the order in which they were."""
        found: dict[str, list[Path]] = {}
        for file in self._folder.glob(f"{_DAY}.sqlite{_SPOILT}*"):
            if file.name.rpartition("-")[2].isdecimal():  # and no journal of one
                found.setdefault(file.name[:10], []).append(file)
        return {day: sorted(some, key=_number) for day, some in sorted(found.items())}

    def file(self, day: str) -> Path:
        """Return where a day stands."""
        return self._folder / f"{day}.sqlite"

    def size(self, day: str) -> int:
        """Return how many bytes a day takes."""
        return sum(file.stat().st_size for file in self._folder.glob(f"{day}.sqlite*"))

    def forget(self, before: str) -> int:
        """Throw away the days before one; return how many."""
        over = [day for day in sorted({*self.days(), *self.spoilt()}) if day < before]
        for day in over:
            for file in self._folder.glob(f"{day}.sqlite*"):
                file.unlink(missing_ok=True)
        return len(over)

    @contextmanager
    def writing(self, day: str) -> Iterator["Day"]:
        """Give a day to write in; nothing of it stays unless the block ends.

        Raises:
            DamagedPast: its file is no such index. PastAway: there is no room, or another has it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._opened(day) as file:
            file.executescript(_SCHEMA)
            with file:
                file.execute("BEGIN IMMEDIATE")
                yield Day(file, day)
            # ``execute`` would take one step of many.
            file.executescript("PRAGMA incremental_vacuum")

    @contextmanager
    def reading(self, day: str) -> Iterator["Day"]:
        """Give a day to read.

        Raises:
            DamagedPast: its file is no such index, or is not there.
        """
        try:
            with self._opened(day, made=False) as file:
                file.execute("BEGIN")
                yield Day(file, day)
        except _ODD as error:
            raise self._damaged(day) from error

    @contextmanager
    def _opened(self, day: str, *, made: bool = True) -> Iterator[sqlite3.Connection]:
        where = f"{self.file(day).absolute().as_uri()}?mode={'rwc' if made else 'rw'}"
        self._known[day] = _same(self.file(day))
        try:
            with closing(sqlite3.connect(where, timeout=30, uri=True)) as file:
                yield file
        except _DAMAGED as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            passes = code in _PASSES and not (code in _MAY_STAY and self._alone(day))
            raise self._damaged(day, PastAway if passes else DamagedPast) from error

    def _damaged(self, day: str, kind: type[DamagedPast] = DamagedPast) -> DamagedPast:
        return kind(f"the index of {day} cannot be used: {self.file(day)}", day=day)

    def _alone(self, day: str) -> bool:
        """Say whether the file of a day cannot be read to its end while others beside it can be made."""
        probe = self._folder / f"{day}.probe"
        try:
            probe.write_bytes(bytes(1 << 16))
            probe.unlink()
        except OSError:
            return False
        try:
            with self.file(day).open("rb") as file:
                while file.read(1 << 20):
                    pass
        except OSError:
            return os.path.lexists(self.file(day))
        return False

    def set_aside(self, day: str) -> Path | None:
        """Put the file that a day was found damaged in under another name, so that the day begins anew.

        Returns:
            where it stands; None: another has set it aside already, and the day is another file by now.
        """
        file, found = self.file(day), self._known.get(day)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)  # or two would set aside each other's new file
            if not os.path.lexists(file) or _same(file) != found:
                return None
            number = max(map(_number, self.spoilt().get(day, ())), default=0) + 1
            aside = file.with_name(f"{file.name}{_SPOILT}{number}")
            for end in ("-wal", "-shm", ""):  # the file itself last: who opens it finds the old one
                with suppress(FileNotFoundError):
                    file.with_name(file.name + end).rename(f"{aside}{end}")
        finally:
            os.close(folder)
        return aside

    def press(self, before: str) -> int:
        """Press what is loose of the days before one, but of damaged ones; return how many days that are."""
        done = 0
        for day in self.days():
            if day < before:
                with suppress(DamagedPast), self.writing(day) as file:
                    done += file.press()
        return done


def _same(file: Path) -> tuple[int, int]:
    """Return what a file is the same by, whatever its name."""
    try:
        there = file.lstat()
    except FileNotFoundError:
        return 0, 0
    return there.st_dev, there.st_ino


def _number(spoilt: Path) -> int:
    return int(spoilt.name.rpartition("-")[2])


class Day:
    """The index of one day."""

    def __init__(self, file: sqlite3.Connection, day: str) -> None:
        """Take the open file."""
        self._file = file
        self._day = day
        self._events: dict[int, array[int]] = {}  # pressed, by hour
        self._new = 0
        self._begins: list[str] = []  # what each block begins at
        self._last: tuple[str, list[Row]] = ("", [])  # the block that was read last
        self._sensors: dict[int, str] = {}

    def is_new(self, digest: str, hour: int) -> bool:
        """Say whether an event was not counted before, and note that it is now."""
        short = int(digest.removeprefix("sha256:")[:16], 16) >> 1
        pressed = self._events.get(hour)
        if pressed is None:
            pressed = self._events[hour] = self._pressed(hour)
        at = bisect_left(pressed, short)
        if at < len(pressed) and pressed[at] == short:
            return False
        put = self._file.execute("INSERT OR IGNORE INTO event VALUES (?, ?)", (short, hour))
        self._new += put.rowcount
        return put.rowcount == 1

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
        loose = self._loose(self._new) + self._new
        self._new = 0
        if loose > max(_FEW, self._whole() // 4):  # so that each is pressed few times
            self.press()

    def press(self) -> bool:
        """Press what is loose; say whether anything was."""
        if not self._loose():
            return False
        try:
            self._press()
        except _ODD as error:
            raise sqlite3.DatabaseError("rows that nobody wrote so") from error
        return True

    def _press(self) -> None:
        hours = [hour for (hour,) in self._file.execute("SELECT DISTINCT hour FROM event")]
        for hour in hours:
            rows = self._file.execute("SELECT digest FROM event WHERE hour = ?", (hour,))
            self._put(hour, array("q", sorted((*self._pressed(hour), *(each for (each,) in rows)))))
        self._put(_KEYS, self.digests())
        self._file.execute("CREATE TABLE fresh (first TEXT PRIMARY KEY, packed BLOB)")
        whole = self._rows("", "\U0010ffff")
        self._file.executemany("INSERT INTO fresh VALUES (?, ?)", blocks(whole))
        self._file.execute("DROP TABLE block")
        self._file.execute("ALTER TABLE fresh RENAME TO block")
        for table in ("event", "key", "seen"):
            self._file.execute(f"DELETE FROM {table}")  # noqa: S608 names of ours
        self._loose(-self._loose())
        self._events.clear()
        self._begins, self._last = [], ("", [])

    def digests(self) -> "array[int]":
        """Return where all that the day saw is looked for, in order."""
        pressed = self._pressed(_KEYS)
        loose = [each for (each,) in self._file.execute("SELECT digest FROM key")]
        return array("q", sorted({*pressed, *loose})) if loose else pressed

    def events(self) -> int:
        """Return how many events were counted."""
        return self._loose() + self._whole()

    def find(self, ranges: Sequence[tuple[str, str]]) -> Iterator[tuple[int, Seen]]:
        """Yield what was seen in ranges of places, in one pass over them; each with the number of its range.

        Args:
            ranges: of each the first place and the one before which it ends, in the order of the first ones; they may
                lie in one another.
        """
        at, inside, end = 0, list[int](), max((end for _, end in ranges), default="")
        while at < len(ranges):
            for row in self._rows(ranges[at][0], end):
                place = row[0]
                inside = [each for each in inside if place < ranges[each][1]]
                while at < len(ranges) and ranges[at][0] <= place:
                    if place < ranges[at][1]:
                        inside.append(at)
                    at += 1
                if not inside:  # nothing is there until the next range begins
                    break
                seen = self._seen(row)
                yield from ((each, seen) for each in inside)
            else:
                return

    def _seen(self, row: Row) -> Seen:
        if not self._sensors:
            self._sensors = dict(self._file.execute("SELECT number, name FROM sensor"))
        place, cell, count, *moments = row
        number, hour = divmod(cell, 24)
        begin, last = (self._instant(each) for each in moments)
        return Seen(place, self._sensors[number], f"{self._day}T{hour:02d}", count, begin, last)

    def _rows(self, first: str, end: str) -> Iterator[Row]:
        pressed = self._blocks(first, end)
        if not self._loose():
            return pressed
        where = f"{_LOOSE} WHERE place >= ? AND place < ? ORDER BY place, cell"
        return merged(pressed, self._file.execute(where, (first, end)))

    def _blocks(self, first: str, end: str) -> Iterator[Row]:
        if not self._begins:
            rows = self._file.execute("SELECT first FROM block ORDER BY first")
            self._begins = [begin for (begin,) in rows]
        for at in range(max(bisect_right(self._begins, first) - 1, 0), len(self._begins)):
            begin = self._begins[at]
            if begin >= end:
                break
            block = self._block(begin)
            yield from block[bisect_left(block, (first,)) : bisect_left(block, (end,))]

    def _block(self, begin: str) -> list[Row]:
        if self._last[0] != begin:  # what is looked for in order is often in the same one
            query = "SELECT packed FROM block WHERE first = ?"
            ((packed,),) = self._file.execute(query, (begin,))
            self._last = begin, unpacked(packed)
        return self._last[1]

    def _loose(self, more: int | None = None) -> int:
        """Return how many events are loose, which stands where SQLite leaves room for a number of ours."""
        (count,) = self._file.execute("PRAGMA user_version").fetchone()
        if more is not None:
            self._file.execute(f"PRAGMA user_version = {count + more}")
        return int(count)

    def _whole(self) -> int:
        (count,) = self._file.execute(
            "SELECT coalesce(sum(count), 0) FROM digests WHERE what != ?", (_KEYS,)
        ).fetchone()
        return int(count)

    def _pressed(self, what: int) -> "array[int]":
        made = array("q")
        for (packed,) in self._file.execute("SELECT packed FROM digests WHERE what = ?", (what,)):
            try:
                made.frombytes(packed)
            except (ValueError, TypeError) as error:
                raise sqlite3.DatabaseError("digests that nobody packed so") from error
        return made

    def _put(self, what: int, digests: "array[int]") -> None:
        row = (what, len(digests), digests.tobytes())
        self._file.execute("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", row)

    def _instant(self, moment: int) -> str:
        seconds, thousandths = divmod(moment, 1000)
        minutes, second = divmod(seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"{self._day}T{hour:02d}:{minute:02d}:{second:02d}.{thousandths:03d}Z"
