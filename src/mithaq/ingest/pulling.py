"""What a feed has that is new, part by part: each protocol is a function that yields them.

A part is taken in before the next is fetched, and what is noted of it is kept only then: whoever stops half way goes
on from there.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from mithaq.ingest.fetching import MOST_BYTES, Fetcher, NotFetched
from mithaq.ingest.rules import Terms
from mithaq.model.canonical import digest

Position: TypeAlias = dict[str, str]
TRIED = "tried "  # before the version of what could not be had or was not taken: it comes behind the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Something to take in, and what is to be noted once that is done."""

    raw: bytes = field(repr=False)
    name: str = ""  # of a part that is read again only when its version changes
    version: str = ""
    format: str = ""  # instead of what the feed's terms say
    position: Position | None = None
    status: int = 0
    made_of: "tuple[Part, ...]" = ()  # taken together, or one by one where one spoils the others


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A part that could not be had; the others go on."""

    name: str
    code: str
    why: str
    version: str = ""  # of what is tried again behind the others, until it changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Same:
    """The feed answered, and says nothing else than before."""

    status: int = 0
    position: Position | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A part that the other side has now, brought to it or there before."""

    name: str
    version: str
    fresh: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """Parts that the feed lists no more: what they gave stays, that they were read is forgotten."""

    names: frozenset[str]


Pulled: TypeAlias = Part | Missed | Same | Sent | Gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How far a feed has been read."""

    position: Mapping[str, str] = field(default_factory=dict)
    items: Mapping[str, str] = field(default_factory=dict)  # part -> version
    now: datetime  # by which what a server says of time is judged


Pull: TypeAlias = Callable[[Terms, Known, Fetcher], Iterator[Pulled]]


def gone(known: Known, listed: Collection[str]) -> Iterator[Gone]:
    """Yield what of a feed was read and is listed no more; a list of nothing is a fault, and forgets nothing."""
    names = known.items.keys() - listed if listed else ()
    if names:
        yield Gone(names=frozenset(names))


def document(terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield one document, if it is another than before (RFC 9110 section 13)."""
    before = known.position
    asked = {"if-none-match": "etag", "if-modified-since": "modified"}
    headers = {name: before[key] for name, key in asked.items() if before.get(key)}
    got = fetcher.get(terms.url, headers)
    if got.unchanged and not headers:
        raise NotFetched("it says that nothing is new, and we have nothing", cause="status")
    if got.unchanged:
        yield Same(status=got.status)
        return
    refuse_pages(got.headers.get("content-type", ""), got.body)
    position = {
        "etag": _sayable(got.headers.get("etag", "")),
        "modified": _sayable(got.headers.get("last-modified", "")),
        "digest": digest(got.body),
    }
    if position["digest"] == before.get("digest"):
        yield Same(status=got.status, position=position)
        return
    yield Part(raw=got.body, position=position, status=got.status)


def refuse_pages(kind: str, body: bytes) -> None:
    """Refuse a page for people, as a login or an error is, from which values would be read that nobody lists.

    Raises:
        NotFetched: it is one.
    """
    opening = body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    named = kind.partition(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}
    if named or opening.startswith((b"<!doctype html", b"<html")):
        raise NotFetched("it answers with a page for people, no feed", cause="page")


def _sayable(written: str) -> str:
    """Return a header's value if it may be said back."""
    return written if written.isascii() and written.isprintable() and len(written) <= 512 else ""  # noqa: PLR2004


def folder(terms: Terms, known: Known, _fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield a file of this machine, or the files of a folder that have changed: for a node without a network.

    Links are not followed: who may write there names no file elsewhere.
    """
    root = Path(terms.url.removeprefix("file:"))
    try:
        files = sorted(root.iterdir()) if root.is_dir() else [root]
    except OSError as error:
        raise NotFetched(f"cannot read {root}", cause="no-answer") from error
    yield from gone(known, {file.name for file in files})
    yielded = False
    for file in files:
        if file.name.startswith(".") and file != root:
            continue
        try:
            raw = _plain(file)
        except OSError as error:
            if file == root:
                raise NotFetched(f"cannot read {root}", cause="no-answer") from error
            yield Missed(name=file.name, code="no-file", why=error.strerror or "it cannot be read")
            continue
        if raw is None:
            continue
        version = digest(raw)
        if known.items.get(file.name) != version:
            yielded = True
            yield Part(raw=raw, name=file.name, version=version)
    if not yielded and known.items:
        yield Same()


def _plain(file: Path) -> bytes | None:
    """Return what a plain file holds; None if it is something else."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as opened:
        about = os.fstat(opened.fileno())
        if not stat.S_ISREG(about.st_mode):
            return None
        if about.st_size > MOST_BYTES:
            raise OSError(0, f"it is longer than {MOST_BYTES} bytes")
        return opened.read(MOST_BYTES)
