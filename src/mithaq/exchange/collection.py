"""The collections of an API root and what stands in them: ``intel``, ``seals``, and a client's ``inbox``.

``intel`` and ``inbox`` give the stored bytes as they are. A seal's object is made from its envelope when it is asked
for, the same each time. All three page by one rule: a position that only grows.
"""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mithaq.exchange.cursor import START, Mark
from mithaq.exchange.query import Query
from mithaq.exchange.visit import Visit
from mithaq.model.canonical import Json, canonical
from mithaq.model.extensions import SEAL_TYPE, definitions, seal_body, seal_id
from mithaq.seal.envelope import read
from mithaq.seal.messages import Seal, decode
from mithaq.store import pages, spool
from mithaq.store.pages import PAGE_BYTES, FrameMark, Piece, Wanted
from mithaq.store.shelf import Shelf

STIX = "application/stix+json;version=2.1"
SPEC_VERSION = "2.1"
_TITLES = {
    "intel": "Intelligence released to you",
    "seals": "Seals of what was released to you",
    "inbox": "What you sent",
}
# The definitions were there before any seal.
_FROM_THE_START = ("2000-01-01T00:00:00.000001Z", "2000-01-01T00:00:00.000002Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection of one shelf, as one caller sees it (TAXII 2.1 section 5.2.1)."""

    shelf: str
    alias: str
    can_write: bool

    @property
    def id(self) -> str:
        """A UUID of version 4 (section 2), the same for ever: its random bits are those of the shelf's name."""
        drawn = hashlib.sha256(f"{self.shelf}/{self.alias}".encode()).digest()
        return str(uuid.UUID(bytes=drawn[:16], version=4))

    def resource(self) -> dict[str, object]:
        """Return the collection resource; every collection is readable."""
        return {
            "id": self.id,
            "title": _TITLES[self.alias],
            "alias": self.alias,
            "can_read": True,
            "can_write": self.can_write,
            "media_types": [STIX],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Pieces in the order of ``date_added``; ``end`` is where to go on if there is more."""

    pieces: list[Piece]
    more: bool = False
    end: Mark = START


def of_shelf(shelf: Shelf, kind: str) -> list[Collection]:
    """Return the collections that a caller of ``kind`` has on its shelf, always in this order."""
    aliases = ["intel", "seals"] if kind == "node" else ["intel", "seals", "inbox"]
    return [
        Collection(shelf=shelf.shelf, alias=alias, can_write=alias == "inbox") for alias in aliases
    ]


def page(visit: Visit, where: Collection, query: Query, after: Mark, *, bodies: bool) -> Page:
    """Return a page of a collection, behind ``after`` and behind ``added_after``, whichever is further."""
    if query.spec_versions and SPEC_VERSION not in query.spec_versions:
        return Page(pieces=[])
    wanted = Wanted(
        added_after=query.added_after,
        after=after.position,
        floor=after.floor,
        limit=query.limit,
        ids=query.ids,
        types=query.types,
        versions=query.versions,
    )
    if where.alias == "seals":
        return _seals(visit, where.shelf, wanted)
    hidden = _withdrawn(visit, where)
    with _later(visit, where) as unit:
        wanted = pages.from_date(unit, where.alias, where.shelf, replace(wanted, hidden=hidden))
        pieces, more = pages.page(unit, where.alias, where.shelf, wanted, bodies=bodies)
    end = pieces[-1].position if pieces else wanted.after
    return Page(pieces=pieces, more=more, end=Mark(end, wanted.floor))


def versions(visit: Visit, where: Collection, id_: str) -> list[str]:
    """Return every version of one object in a collection."""
    if where.alias == "seals":
        wanted = Wanted(limit=2, ids=(id_,), versions=("all",))
        return [piece.version for piece in _seals(visit, where.shelf, wanted).pieces]
    hidden = _withdrawn(visit, where)
    with _later(visit, where) as unit:
        return pages.versions_of(unit, where.alias, where.shelf, id_, hidden)


@contextmanager
def _later(visit: Visit, where: Collection) -> Iterator[Connection]:
    """Yield the visit's snapshot, for an inbox one taken after its withdrawals were read.

    The worker takes rows off the shelf before it settles the spool, so a withdrawal is seen in one or the other.
    """
    if where.alias != "inbox":
        yield visit.shelf
        return
    with visit.shelf_room.read() as unit:
        yield unit


def _withdrawn(visit: Visit, where: Collection) -> tuple[tuple[str, str], ...]:
    """Return what a client has withdrawn from its inbox and the worker has not taken away yet."""
    if where.alias != "inbox":
        return ()
    with visit.spool.read() as unit:
        waiting = spool.waiting(unit, visit.knock.name, "withdraw", where.shelf)
    pairs = ((facts["id"], v) for facts in waiting for v in facts["versions"].split(","))
    return tuple(dict.fromkeys(pairs))


# --- seals -------------------------------------------------------------------------------------------
def _seals(visit: Visit, shelf: str, wanted: Wanted) -> Page:
    """Return a page of a channel's seals, behind the definitions that explain them (border.md 5.4).

    Whatever is filtered, no more than ``PAGE_BYTES`` of envelopes are read at once; then there is more.
    """
    found: list[Piece] = []
    size = 0
    end = wanted.after
    for piece in _definitions(wanted):
        if len(found) == wanted.limit:
            return Page(pieces=found, more=True, end=Mark(end))
        found.append(piece)
        end = piece.position
    for mark in _marks(visit, shelf, wanted):
        size += mark.envelope_size
        if len(found) == wanted.limit or (size > PAGE_BYTES and end > wanted.after):
            return Page(pieces=found, more=True, end=Mark(end))
        end = mark.seq + len(_FROM_THE_START)
        found += (
            piece for piece in _seal(visit, shelf, mark) if _is_version(wanted, piece.version)
        )
    return Page(pieces=found, end=Mark(end))


def _definitions(wanted: Wanted) -> Iterator[Piece]:
    for position, (body, added) in enumerate(
        zip(definitions(), _FROM_THE_START, strict=True), start=1
    ):
        piece = Piece(
            position=position,
            id=str(body["id"]),
            version=str(body["modified"]),
            date_added=added,
            body=canonical(dict[str, Json](body)),
        )
        if (
            position > wanted.after
            and _is_asked(wanted, piece.id, str(body["type"]), added)
            and _is_version(wanted, piece.version)
        ):
            yield piece


def _marks(visit: Visit, shelf: str, wanted: Wanted) -> Iterator[FrameMark]:
    peer = visit.knock.name
    seq = max(0, wanted.after - len(_FROM_THE_START))
    while marks := pages.frame_marks(visit.shelf, peer, shelf, seq, limit=1000):
        for mark in marks:
            if _is_asked(wanted, seal_id(shelf, mark.seq), SEAL_TYPE, mark.date_added):
                yield mark
        seq = marks[-1].seq


def _seal(visit: Visit, shelf: str, mark: FrameMark) -> Iterator[Piece]:
    for frame in pages.frames_of(visit.shelf, visit.knock.name, shelf, [mark.seq]):
        issued = decode(read(frame.envelope).payload, Seal).issued
        body = seal_body(shelf, frame.seq, issued, frame.envelope)
        yield Piece(
            position=frame.seq + len(_FROM_THE_START),
            id=str(body["id"]),
            version=issued,
            date_added=frame.date_added,
            body=canonical(body),
        )


def _is_asked(wanted: Wanted, id_: str, type_: str, date_added: str) -> bool:
    return (
        (not wanted.ids or id_ in wanted.ids)
        and (not wanted.types or type_ in wanted.types)
        and (wanted.added_after is None or date_added > wanted.added_after)
    )


def _is_version(wanted: Wanted, version: str) -> bool:
    """Say whether a version is asked for, of an object that never has a second."""
    return version in wanted.versions or bool({"all", "first", "last"} & set(wanted.versions))
