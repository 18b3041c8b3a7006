"""Telemetry of files and folders."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from mithaq.errors import InputError
from mithaq.formats import telemetry
from mithaq.formats.telemetry import PLAIN, Found, Kind, Passed, Refusal, Said, Sifted

_PIECE: Final = 128 << 10  # larger ones are slower: each is new memory


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield files, and all files in folders, however deep, each folder in the order of its names.

    Links in a folder are not followed, nor is what is no plain file read there.

    Raises:
        InputError: one of ``paths`` is not there.
    """
    for path in paths:
        if path.is_dir():
            below = sorted(path.iterdir())
            yield from files(
                one for one in below if not one.is_symlink() and (one.is_dir() or one.is_file())
            )
        elif path.exists():
            yield path
        else:
            raise InputError(f"no such file or folder: {path}")


def read(path: Path, said: Said = PLAIN, as_kind: Kind | None = None) -> Iterator[Found]:
    """Yield the events of a file in its order, unpacked, and a refusal for what is none."""
    return (found for found in sifted(path, said, as_kind) if not isinstance(found, Passed))


def sifted(path: Path, said: Said, as_kind: Kind | None = None) -> Iterator[Sifted]:
    """Yield the same, and from time to time how many events were passed over, as ``said.sifting`` has it."""
    try:
        with path.open("rb") as opened:
            pieces, place = _pieces(opened)
            yield from telemetry.sifted(pieces, str(path), said, as_kind=as_kind, place=place)
    except OSError as error:
        yield Refusal(
            number=0, code="telemetry-file", why=error.strerror or "not read", name=str(path)
        )


def stream(
    opened: BinaryIO, name: str, said: Said = PLAIN, as_kind: Kind | None = None
) -> Iterator[Found]:
    """Yield the events of an opened file or a pipe, as ``read`` does."""
    pieces, place = _pieces(opened)
    return telemetry.read(pieces, name, said, as_kind=as_kind, place=place)


def _pieces(opened: BinaryIO) -> tuple[Iterator[bytes], BinaryIO | None]:
    return iter(lambda: _some(opened), b""), opened if opened.seekable() else None


def _some(opened: BinaryIO) -> bytes:
    """Return what there is to read, without waiting for more; empty at the end."""
    read1 = getattr(opened, "read1", None)
    found: bytes = read1(_PIECE) if read1 else opened.read(_PIECE)
    return found
