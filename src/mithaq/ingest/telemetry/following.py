"""Files and folders that are still written: each poll yields what came since, and how far it was read.

A cursor knows a file by its first bytes and by the last ones that were read, not by its name: so a log that was rotated
(renamed, or copied and cut) is read to its end under its new name, and the new one from its beginning. Who keeps the
cursor of a batch with what came of it loses nothing by being killed, and reads nothing twice.
"""

from collections.abc import Iterator, Mapping, Sequence
from glob import escape
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from mithaq.formats import telemetry
from mithaq.formats.telemetry import PLAIN, Found, Kind, Reader, Refusal, Said
from mithaq.formats.telemetry.packed import plain
from mithaq.ingest.telemetry.files import files, read

_PIECE: Final = 1 << 20
_OPENING: Final = 64 << 10
_MARK: Final = (
    1024  # bytes at the beginning and before the end of what was read that a file is known by
)
_BATCH: Final = 1000  # events of a file that does not grow by lines
_UNKNOWN: Final = "telemetry-unknown"
_GROWING: Final = frozenset(
    {"json", "zeek", "auditd", "csv", "w3c", "syslog", "access-log", "squid"}
)


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far one file was read."""

    kind: str = (
        ""  # of a file that grows by lines; empty: it is read whole, and again if it changed
    )
    offset: int = 0  # bytes of which everything was yielded
    opening: str = ""  # digest of its first bytes, as far as they were read
    ending: str = ""  # digest of the last bytes before ``offset``
    number: int = 0  # lines read; of a file read whole, what was yielded of it
    seen: tuple[int, int] = (0, 0)  # of a file read whole: its size and when it was changed


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What was read at once, and what to keep with what comes of it."""

    path: str
    found: list[Found]
    cursor: Cursor
    gone: str = ""  # the path under which the cursor was kept until now: forget that


class Following:
    """Reads files, and the files in folders, as they grow."""

    def __init__(
        self, paths: Sequence[Path], said: Said = PLAIN, as_kind: Kind | None = None
    ) -> None:
        """Name what is read; each file as ``as_kind``, or as what its opening fits."""
        self._paths, self._said, self._kind = paths, said, as_kind
        self.unreadable: dict[
            str, str
        ] = {}  # files of the last look that could not be read, and why

    def batches(self, cursors: Mapping[str, Cursor]) -> Iterator[Batch]:
        """Yield what came since ``cursors``, and end when all that is there was read."""
        there = {str(path): path for path in files(path for path in self._paths if path.exists())}
        known = {old: one for old, one in cursors.items() if not one.kind or _is(Path(old), one)}
        for old, path in _ordered(_moves(cursors, known)):
            gone = old
            for batch in self._lines(path, cursors[old], last=True):
                known[str(path)] = batch.cursor
                yield Batch(path=str(path), found=batch.found, cursor=batch.cursor, gone=gone)
                gone = ""
        for name, path in there.items():
            try:
                yield from self._read(path, known.get(name))
            except FileNotFoundError:  # it went while we read others
                pass
            except OSError as error:
                self.unreadable[name] = error.strerror or "not read"
            except Exception as error:  # noqa: BLE001 a reader that errs costs this file, never the others
                self.unreadable[name] = f"a reader failed: {type(error).__name__}"
            else:
                self.unreadable.pop(name, None)

    def _read(self, path: Path, cursor: Cursor | None) -> Iterator[Batch]:
        if cursor is None:
            with path.open("rb") as opened:
                opening = opened.read(_OPENING)
            if not opening:
                return
            chosen = self._kind or telemetry.fitting(opening, path.name)
            if (
                plain(opening)
                and chosen is None
                and b"\n" not in opening
                and len(opening) < _OPENING
            ):
                return  # its first line is still being written
            growing = plain(opening) and chosen is not None and chosen.name in _GROWING
            cursor = Cursor(kind=chosen.name if growing and chosen else "")
        yield from self._lines(path, cursor) if cursor.kind else self._whole(path, cursor)

    def _lines(self, path: Path, cursor: Cursor, *, last: bool = False) -> Iterator[Batch]:
        """Yield the lines that were ended since; of a file that grows no more, the last one too."""
        with path.open("rb") as opened:
            reader = self._resumed(opened, path, cursor)
            opened.seek(cursor.offset)
            at = cursor.offset
            while piece := opened.read(_PIECE):
                found = list(reader.feed(piece))
                at += len(piece)
                if not last and at - reader.held == cursor.offset:
                    continue
                cursor = _cursor(opened, cursor.kind, at - reader.held, reader)
                opened.seek(at)
                yield Batch(path=str(path), found=found, cursor=cursor)
            if last:
                found = list(reader.end())
                yield Batch(
                    path=str(path), found=found, cursor=_cursor(opened, cursor.kind, at, reader)
                )

    def _resumed(self, opened: BinaryIO, path: Path, cursor: Cursor) -> Reader:
        """Return a reader that knows what the head of the file says."""
        reader = telemetry.kind(cursor.kind).open(path.name, self._said)
        if cursor.offset:
            for _ in reader.feed(_head(opened, cursor)):
                pass
            reader.number = cursor.number
        return reader

    def _whole(self, path: Path, cursor: Cursor) -> Iterator[Batch]:
        """Yield what a file that does not grow by lines holds; if it changed, what it holds beyond what was read."""
        status = path.stat()
        seen = (status.st_size, status.st_mtime_ns)
        if cursor.seen == seen:
            return
        found = islice(read(path, self._said, self._kind), cursor.number, None)
        number = cursor.number
        while batch := list(islice(found, _BATCH)):
            # What is no telemetry at all is told of again when it changed.
            number += sum(not isinstance(one, Refusal) or one.code != _UNKNOWN for one in batch)
            yield Batch(path=str(path), found=batch, cursor=Cursor(number=number))
        yield Batch(path=str(path), found=[], cursor=Cursor(number=number, seen=seen))


def _head(opened: BinaryIO, cursor: Cursor) -> bytes:
    """Return the lines at the beginning that say what the columns are, as far as they were read."""
    if cursor.kind not in {"zeek", "w3c", "csv"}:
        return b""
    head = b""
    while len(head) < cursor.offset:
        line = opened.readline(cursor.offset - len(head))
        if cursor.kind != "csv" and not line.startswith(b"#"):
            break
        head += line
        if cursor.kind == "csv" and head.count(b'"') % 2 == 0:
            break
    return head


def _cursor(opened: BinaryIO, kind: str, offset: int, reader: Reader) -> Cursor:
    opening, ending = _marks(opened, offset)
    return Cursor(kind=kind, offset=offset, opening=opening, ending=ending, number=reader.number)


def _marks(opened: BinaryIO, offset: int) -> tuple[str, str]:
    size = min(offset, _MARK)
    opened.seek(0)
    opening = opened.read(size)
    opened.seek(offset - size)
    return sha256(opening).hexdigest(), sha256(opened.read(size)).hexdigest()


def _is(path: Path, cursor: Cursor) -> bool:
    """Say whether the file at ``path`` is the one that was read as far as ``cursor`` says."""
    try:
        with path.open("rb") as opened:
            size = path.stat().st_size
            return size >= cursor.offset and _marks(opened, cursor.offset) == (
                cursor.opening,
                cursor.ending,
            )
    except OSError:
        return False


def _moves(cursors: Mapping[str, Cursor], known: Mapping[str, Cursor]) -> dict[str, Path]:
    """Return where each file now is that is not under its name any more, but beside it."""
    moves: dict[str, Path] = {}
    for old, cursor in cursors.items():
        was = Path(old)
        if old in known or not cursor.offset:
            continue
        for path in sorted(was.parent.glob(f"{escape(was.stem)}*")):
            free = str(path) not in known and path not in moves.values()
            if free and path.is_file() and _is(path, cursor):
                moves[old] = path
                break
    return moves


def _ordered(moves: dict[str, Path]) -> Iterator[tuple[str, Path]]:
    """Yield moves so that a name is left before another file takes it."""
    while moves:
        free = (old for old, path in moves.items() if str(path) not in moves)
        old = next(free, next(iter(moves)))
        yield old, moves.pop(old)
