"""What telemetry is packed in: gzip, zstd, xz and bzip2, known by their first bytes, and the members of zip and tar.

Everything is unpacked as it is read and nothing is kept, but for an archive within an archive, up to a bound. What
unpacks to far more than logs do, is packed too deeply, or has too many members is refused.
"""

import bz2
import codecs
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Protocol, Self

import zstandard

from mithaq.formats.telemetry.reading import Broken

PIECE: Final = 1 << 20
_OPENING: Final = 64 << 10
MAX_DEPTH: Final = 4
MAX_MEMBERS: Final = 100_000
MAX_HELD: Final = 256 << 20  # bytes of a zip that cannot be read in place
MAX_RATIO: Final = 400  # logs pack 10 to 100 times
_ALLOWANCE: Final = 64 << 20  # bytes before the ratio counts
_XZ_MEMORY: Final = 256 << 20


class Bomb(Broken):
    """Something that unpacks to far more than logs do."""

    code = "telemetry-bomb"


class Large(Broken):
    """Something that unpacks to more than was asked for at most."""

    code = "telemetry-large"


@dataclass(slots=True)
class Budget:
    """How much may come out of one input."""

    packed: int = 0
    unpacked: int = 0
    members: int = 0
    most: int | None = None  # bytes, whatever went in

    def count(self, amount: int) -> None:
        """Count bytes that came out.

        Raises:
            Bomb: they are too many for what went in.
            Large: they are more than may come of anything.
        """
        self.unpacked += amount
        if self.most is not None and self.unpacked > self.most:
            raise Large(f"unpacks to more than {self.most} bytes")
        if self.unpacked > _ALLOWANCE + MAX_RATIO * self.packed:
            raise Bomb(f"unpacks to more than {MAX_RATIO} times its size")


@dataclass(slots=True)
class Part:
    """One input within what was packed; its pieces are read before the next part is asked for."""

    name: str
    pieces: Iterator[bytes]
    opening: bytes = field(default=b"", repr=False)  # what its first bytes are
    place: BinaryIO | None = None  # the file that it is, if it is one and can be sought in


class _Unpacker(Protocol):
    """The face that the unpackers of the standard library share."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    @property
    def needs_input(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def parts(
    pieces: Iterable[bytes], name: str, place: BinaryIO | None = None, most: int | None = None
) -> Iterator[Part]:
    """Yield the inputs that ``pieces`` hold, unpacked; ``place`` is the file they are of, if it can be sought in.

    ``most``: bytes that may come of all that is packed in it.

    Raises:
        Broken: the rest cannot be unpacked; what came before was yielded.
    """
    budget = Budget(most=most)

    def counted() -> Iterator[bytes]:
        for piece in pieces:
            budget.packed += len(piece)
            yield piece

    return _parts(counted(), name, budget, MAX_DEPTH, place)


def _parts(
    pieces: Iterator[bytes], name: str, budget: Budget, depth: int, place: BinaryIO | None = None
) -> Iterator[Part]:
    opening, pieces = _opened(pieces)
    if stream := _stream_of(opening):
        suffix, unpacker = stream
        bare = name.removesuffix(".tgz") + ".tar" if name.endswith(".tgz") else name
        inner = _unpacked(pieces, unpacker, budget)
        yield from _parts(inner, bare.removesuffix(suffix), budget, _deeper(depth))
    elif archive := _archive_of(opening):
        yield from archive(pieces, name, budget, _deeper(depth), place)
    else:
        opening, pieces = _opened(_as_utf8(opening, pieces))
        yield Part(name, pieces, opening.removeprefix(codecs.BOM_UTF8), place)


def _deeper(depth: int) -> int:
    if not depth:
        raise Bomb("packed too deeply")
    return depth - 1


def _opened(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, as far as they tell what it is, and all pieces again."""
    opening = b""
    for piece in pieces:
        opening += piece
        if b"\n" in opening or len(opening) >= _OPENING:
            break

    def again() -> Iterator[bytes]:
        yield opening
        yield from pieces

    return opening[:_OPENING], again()


# --- one stream ---------------------------------------------------------------------------------------------------


class _Zlib:
    """The unpacker of gzip, with the face of the others."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Zstd:
    """The unpacker of zstd, with the face of the others; it knows no bound, so it is fed little."""

    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=128 << 20).decompressobj()
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data + self._rest if self._inner.eof else b""

    @property
    def needs_input(self) -> bool:
        return not self._rest

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        given = self._rest + data
        self._rest = given[_OF_ZSTD:]
        return self._inner.decompress(given[:_OF_ZSTD])


_STREAMS: Final[tuple[tuple[bytes, str, Callable[[], _Unpacker]], ...]] = (
    (b"\x1f\x8b", ".gz", _Zlib),
    (b"\x28\xb5\x2f\xfd", ".zst", _Zstd),
    (b"\xfd7zXZ\0", ".xz", lambda: lzma.LZMADecompressor(memlimit=_XZ_MEMORY)),
    (b"BZh", ".bz2", bz2.BZ2Decompressor),
)
_FED: Final = 1 << 10  # bytes unpacked at once
_OF_ZSTD: Final = 64  # the same of zstd, of which four bytes may come to 128 KiB


def _stream_of(opening: bytes) -> tuple[str, Callable[[], _Unpacker]] | None:
    for magic, suffix, unpacker in _STREAMS:
        if opening.startswith(magic):
            return suffix, unpacker
    return None


def _unpacked(
    pieces: Iterator[bytes], make: Callable[[], _Unpacker], budget: Budget
) -> Iterator[bytes]:
    """Yield what a stream, or several one after the other, unpacks to."""
    inner, fresh = make(), True  # fresh: nothing of a stream is read yet
    try:
        for piece in pieces:
            for at in range(0, len(piece), _FED):
                data = piece[at : at + _FED]
                data = data.lstrip(b"\0") if fresh else data  # padding between streams
                while data or not (fresh or inner.needs_input):
                    out = inner.decompress(data, PIECE)
                    budget.count(len(out))
                    fresh = inner.eof
                    data = inner.unused_data.lstrip(b"\0") if fresh else b""
                    inner = make() if fresh else inner
                    yield out
    except (zlib.error, lzma.LZMAError, OSError, zstandard.ZstdError, EOFError) as error:
        raise Broken("its packing is damaged") from error
    if not fresh:
        raise Broken("its packing is cut off")


def _as_utf8(opening: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield text that Windows wrote as UTF-16 as UTF-8, and all else as it is."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if opening.startswith(mark):
            decoder = codecs.getincrementaldecoder(encoding)("replace")
            return (decoder.decode(piece).encode("utf-8", "replace") for piece in pieces)
    return pieces


# --- archives -----------------------------------------------------------------------------------------------------


class _Readable(io.RawIOBase):
    """Pieces as a file to read on and on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        parts, wanted = [self._rest[:size]], size - len(self._rest)
        self._rest = self._rest[size:]
        while wanted > 0:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece[:wanted])
            self._rest, wanted = piece[wanted:], wanted - len(piece)
        return b"".join(parts)


def _archive_of(
    opening: bytes,
) -> Callable[[Iterator[bytes], str, Budget, int, BinaryIO | None], Iterator[Part]] | None:
    if opening.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip
    return _tar if opening[257:262] == b"ustar" else None


class _Header(tarfile.TarInfo):
    """The head of a member; the library takes a damaged one for the end, which would hide all that follow."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(archive)
        except tarfile.HeaderError as error:
            if type(error).__name__ in {"EOFHeaderError", "EmptyHeaderError"}:  # the end
                raise
            raise tarfile.ReadError("a damaged head") from error


def _tar(
    pieces: Iterator[bytes], name: str, budget: Budget, depth: int, _place: BinaryIO | None
) -> Iterator[Part]:
    try:
        with tarfile.open(fileobj=_Readable(pieces), mode="r|", tarinfo=_Header) as archive:
            for member in archive:
                _member(budget)
                inner = archive.extractfile(member) if member.isreg() else None
                if inner and _wanted(member.name):
                    read = iter(lambda inner=inner: inner.read(PIECE), b"")  # type: ignore[misc]
                    yield from _parts(read, f"{name}/{member.name}", budget, depth)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Broken("a damaged tar") from error


# What the library raises for a directory that lies: offsets before the file, names and fields of no length.
_DAMAGED: Final = (
    zipfile.BadZipFile, EOFError, zlib.error, lzma.LZMAError, ValueError, LookupError, struct.error,
    OverflowError, OSError,
)  # fmt: skip


def _zip(
    pieces: Iterator[bytes], name: str, budget: Budget, depth: int, place: BinaryIO | None
) -> Iterator[Part]:
    if place is None:
        place = _held(pieces)
    else:
        budget.packed = place.seek(0, io.SEEK_END)
    try:
        with zipfile.ZipFile(place) as archive:
            for member in archive.infolist():
                _member(budget)
                if member.is_dir() or not _wanted(member.filename):
                    continue
                with archive.open(member) as inner:
                    out = _counted(iter(lambda inner=inner: inner.read(PIECE), b""), budget)  # type: ignore[misc]
                    yield from _parts(out, f"{name}/{member.filename}", budget, depth)
    except RuntimeError as error:  # as zipfile says both
        raise Broken("a zip with a password, or packed in a way not read here") from error
    except _DAMAGED as error:
        raise Broken("a damaged zip") from error


def _held(pieces: Iterator[bytes]) -> BinaryIO:
    whole = io.BytesIO()
    for piece in pieces:
        if whole.tell() + len(piece) > MAX_HELD:
            raise Broken(f"a zip of more than {MAX_HELD} bytes that cannot be read in place")
        whole.write(piece)
    return whole


def _counted(pieces: Iterator[bytes], budget: Budget) -> Iterator[bytes]:
    for piece in pieces:
        budget.count(len(piece))
        yield piece


def _member(budget: Budget) -> None:
    budget.members += 1
    if budget.members > MAX_MEMBERS:
        raise Bomb(f"more than {MAX_MEMBERS} members")


def _wanted(name: str) -> bool:
    """Say whether a member is more than what a Mac keeps beside each file."""
    return not name.rpartition("/")[2].startswith("._")


def plain(opening: bytes) -> bool:
    """Say whether what begins like that is not packed, and so may grow line by line."""
    marks = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    return not (_stream_of(opening) or _archive_of(opening) or opening.startswith(marks))
