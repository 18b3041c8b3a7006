"""What rules were compiled to, kept in the home under digests, with a code that only this home's key makes.

Compiled rules are code, so nothing is given back that was not written here: a file that was damaged, that somebody put
there, or that bears another's name is none, and what it held is compiled again.
"""

import hmac
import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

_KEY: Final = 32  # bytes
_MOST_FILES: Final = 8
_MOST_BYTES: Final = 512 << 20  # of one


class Compiled:
    """The compiled rules of one folder."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, which is made when something is kept."""
        self._folder = folder

    def get(self, digest: str) -> bytes | None:
        """Return what is kept under a digest; None: nothing is that was written here."""
        key, path = self._key(), self._path(digest)
        with suppress(OSError):
            if key is None or path.stat().st_size > _MOST_BYTES:
                return None
            whole = path.read_bytes()
            code, content = whole[:_KEY], whole[_KEY:]
            if hmac.compare_digest(code, _code(key, digest, content)):
                os.utime(path)
                return content
            path.unlink()
        return None

    def put(self, digest: str, content: bytes) -> None:
        """Keep something under a digest, and throw away what was not asked for the longest; without room nothing is."""
        with suppress(OSError):
            key = self._key() or self._made()
            beside = self._path(digest).with_suffix(f".{os.getpid()}")
            with open(beside, "wb", opener=_private) as file:
                file.write(_code(key, digest, content) + content)
            beside.replace(self._path(digest))
            by_age = sorted(self._folder.glob("*.rules"), key=lambda each: each.stat().st_mtime_ns)
            for old in by_age[:-_MOST_FILES]:
                old.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest.rpartition(':')[2]}.rules"

    def _key(self) -> bytes | None:
        try:
            found = (self._folder / "key").read_bytes()
        except OSError:
            return None
        return found if len(found) == _KEY else None

    def _made(self) -> bytes:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = os.urandom(_KEY)
        beside = self._folder / f"key.{os.getpid()}"
        with open(beside, "wb", opener=_private) as file:
            file.write(key)
        beside.replace(self._folder / "key")
        return key


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _code(key: bytes, digest: str, content: bytes) -> bytes:
    return hmac.digest(key, sha256(digest.encode()).digest() + content, "sha256")
