"""Exports: what stands on a client's shelves, printed for its tools, as files or at an address (border.md 4, 8.2).

An export decides nothing: whatever stands on a shelf has been released to the client under its grant, and goes from
every export with its row. It is an audience all the same: who has what is noted, as if it had been read over TAXII, and
a file that a person makes is in the log.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Connection

from mithaq.border import fetches, peers
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.formats.export import Least, Press, Printed, definitions
from mithaq.model.benign import Benign
from mithaq.model.canonical import digest
from mithaq.model.worth import ABOUT, Body, about
from mithaq.store import pages, parties, releases, shelf
from mithaq.store.journal import keep, setting
from mithaq.store.pages import Piece, Wanted
from mithaq.store.parties import Peer
from mithaq.store.shelf import Shelf

AT_ONCE = 1000  # rows that are read together


class NothingShown(NotFound):
    """A client has no grant in force, so no shelf."""

    code = "nothing-shown"


class ShelfBlocked(Conflict):
    """What a client may see is being worked out again; half of it would be another list."""

    code = "shelf-blocked"


class TooMuch(Conflict):
    """More stands there than is printed at once."""

    code = "too-much-to-print"


def client(unit: Connection, name: str) -> Peer:
    """Return a client by its name.

    Raises:
        NotFound: nobody has that name. NothingShown: it is a node, which takes what is for it sealed.
    """
    found = parties.peer(unit, name)
    if found.kind != "client":
        raise NothingShown(f"{name} has no grant in force")
    return found


def shelves_of(shown: Connection, name: str, now: datetime) -> list[Shelf]:
    """Return a client's shelves.

    Args:
        shown: the room ``shelf``.

    Raises:
        NothingShown: there is none. ShelfBlocked: one of them shows nothing for now.
    """
    found = shelf.shelves_of(shown, name)
    if not found:
        raise NothingShown(f"{name} has no grant in force")
    if any(each.blocked(text(now)) for each in found):
        raise ShelfBlocked("what it may see is being decided again")
    return found


def profile(shown: Connection, name: str) -> tuple[str, int]:
    """Return what is harmless here, as JSON, and what an indicator is to be worth at least for a client."""
    return shelf.mark(shown, shelf.BENIGN), int(shelf.mark(shown, shelf.WORTH + name) or 0)


def standing(shown: Connection, name: str, types: tuple[str, ...] = ()) -> Iterator[Piece]:
    """Yield the newest version of each object on a shelf, of all types or of some, in the order they came there."""
    after, more = 0, True
    while more:
        wanted = Wanted(after=after, limit=AT_ONCE, types=types)
        some, more = pages.page(shown, "intel", name, wanted, bodies=True)
        yield from some
        after = some[-1].position if some else after


def press(  # noqa: PLR0913 unit and now come with every act
    shown: Connection,
    which: Sequence[Shelf],
    names: Sequence[str],
    now: datetime,
    benign: Benign,
    *,
    least: int = 0,
    most: int | None = None,
) -> Press:
    """Return a press that has taken what these exports need of some shelves.

    Args:
        least: what an indicator is to be worth for what acts on it, by what stands on these shelves.

    Raises:
        TooMuch: that is more than ``most`` bytes.
    """
    marks = [p.body for each in which for p in standing(shown, each.shelf, ("marking-definition",))]
    said = _said(shown, which, most) if least else {}
    made = Press(names, now, definitions(marks), benign, Least(least, said))
    size = 0
    for each in which:
        for piece in standing(shown, each.shelf, made.types):
            size += len(piece.body)
            if most is not None and size > most:
                raise TooMuch("more than is printed at once")
            made.take(each.shelf, piece.position, piece.body)
    return made


def _said(shown: Connection, which: Sequence[Shelf], most: int | None) -> dict[str, list[Body]]:
    """Return, by id, the sightings and opinions that a client may read of objects.

    Raises:
        TooMuch: as ``press``.
    """
    found = defaultdict[str, list[Body]](list)
    size = 0
    for each in which:
        for piece in standing(shown, each.shelf, tuple(sorted(ABOUT))):
            size += len(piece.body)
            if most is not None and size > most:
                raise TooMuch("more than is printed at once")
            body: Body = msgspec.json.decode(piece.body)
            for id_ in about(body):
                found[id_].append(body)
    return found


def set_least(unit: Connection, name: str, least: int, now: datetime, *, by: str) -> None:
    """Let what acts on indicators tell a client only those that are worth so much; 0: all.

    Raises:
        NotFound, NothingShown: as ``client``.
    """
    client(unit, name)
    keep(unit, shelf.WORTH + name, str(least))
    releases.show(unit, "worth", "", client=name, least=str(least))
    peers.administrative(unit, now, "client-worth", name, {"by": by, "least": least})


def least_of(unit: Connection, name: str) -> int:
    """Return what an indicator is to be worth for a client, as people set it."""
    return int(setting(unit, shelf.WORTH + name) or 0)


def handed_out(  # noqa: PLR0913 unit and now come with every act
    unit: Connection,
    shown: Connection,
    name: str,
    printed: Mapping[str, Printed],
    now: datetime,
    *,
    by: str,
) -> None:
    """Note that a person has made files of a client's exports: what its tools have, and who handed it out."""
    for each in printed.values():
        for where, positions in each.told.items():
            runs = ((position, position) for position in positions)
            fetches.note_rows(unit, shown, where, runs, text(now))
    every = (each for one in printed.values() for each in one.files.items())
    files = {file: digest(body) for file, body in every}
    peers.administrative(unit, now, "exported", name, {"by": by, "files": {**files}})
