"""Packs a hunt kit together with Mithaq and all that it needs there, so that bare Python runs it."""

import io
import json
import re
import stat
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import mithaq
from mithaq.cli import carried

# What nodes alone need, and much room: a server, migrations, lists of harmless values.
_LEFT: Final = frozenset({"alembic", "granian", "pymispwarninglists"})
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")


def needed() -> list[metadata.Distribution]:
    """Return what Mithaq needs to run a kit, as it is installed here."""
    found: dict[str, metadata.Distribution] = {}
    names = ["mithaq"]
    while names:
        name = re.sub(r"[-_.]+", "-", names.pop()).casefold()
        if name in found or name in _LEFT:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for other machines
            continue
        asked = (each for each in found[name].requires or () if "extra ==" not in each)
        names += [part.group() for each in asked if (part := _NAME.match(each))]
    del found["mithaq"]
    return [found[name] for name in sorted(found)]


def packed(kit: bytes) -> bytes:
    """Return a file that ``python3 FILE`` runs, with a kit in it: the same bytes from the same installation."""
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED, compresslevel=6) as file:
        _put(file, "__main__.py", Path(carried.__file__).read_bytes())
        _put(file, carried.ABOUT, json.dumps(carried.here()).encode())
        _put(file, carried.KIT, kit)
        for name, path in _files():
            _put(file, f"{carried.SITE}/{name}", path.read_bytes())
    return made.getvalue()


def _files() -> Iterator[tuple[str, Path]]:
    """Yield what stands in the folder of packages, each with its name there."""
    [ours] = mithaq.__path__
    yield from ((f"mithaq/{name}", path) for name, path in _below(Path(ours)))
    for each in needed():
        for listed in sorted(each.files or (), key=str):
            path = Path(str(listed.locate()))
            inside = not str(listed).startswith("..") and "__pycache__" not in listed.parts
            if inside and path.is_file():
                yield listed.as_posix(), path


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(folder).as_posix(), path


def _put(file: ZipFile, name: str, content: bytes) -> None:
    info = ZipInfo(name)  # of no time, so that the same is the same
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    info.compress_type = ZIP_DEFLATED
    file.writestr(info, content)
