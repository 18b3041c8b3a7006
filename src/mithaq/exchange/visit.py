"""One request of one known caller, with all that answering it may touch: shelf to read, spool to add to."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

import msgspec
from sqlalchemy import Connection

from mithaq.exchange.cursor import Cursors
from mithaq.exchange.gate import ANYBODY, Knock
from mithaq.exchange.gifts import Gifts
from mithaq.exchange.prints import Prints
from mithaq.exchange.problems import TAXII, HttpProblem
from mithaq.exchange.wire import Request, Response
from mithaq.store import spool
from mithaq.store.engine import Store
from mithaq.store.spool import Arrival, SpoolFull


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the peers' listener is told; nothing here opens the node's core (border.md 10.4)."""

    url: str  # where peers reach this node; what they sign begins with it
    shelf_url: str
    spool_url: str
    cursor_key_path: str
    page_limit: int = 10_000
    max_frame_bytes: int = 8 << 20
    spool_bytes_per_peer: int = 256 << 20
    realm: str = "live"

    def __repr__(self) -> str:
        """Name the node alone: addresses of databases hold passwords."""
        return f"Settings(url={self.url!r})"

    @property
    def base(self) -> str:
        """The public address without a slash at its end."""
        return self.url.rstrip("/")

    @property
    def prefix(self) -> str:
        """The path below which peers see this node; empty, or with a slash at its start."""
        return urlsplit(self.base).path


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What anybody brings, who need not be known."""

    settings: Settings
    shelf: Connection = field(repr=False)  # a snapshot; nothing is written through it
    spool: Store = field(repr=False)
    request: Request
    now: datetime

    def leave(self, peer: str, kind: str, named: str, raw: bytes) -> None:
        """Put into the spool what ``peer`` has signed; if too much waits already, nothing, which takes as long.

        Args:
            named: who has signed it, if we are to believe it.
        """
        arrival = Arrival(peer=peer, kind=kind, facts={}, raw=raw)
        with self.spool.begin() as unit:
            most = self.settings.spool_bytes_per_peer
            spool.arrive_unseen(unit, arrival, (ANYBODY, named), self.now, most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A request that has passed the gate."""

    settings: Settings
    cursors: Cursors = field(repr=False)
    prints: Prints = field(repr=False)
    gifts: Gifts = field(repr=False)
    shelf: Connection = field(repr=False)  # a snapshot; nothing is written through it
    shelf_room: Store = field(repr=False)  # for a later snapshot than ``shelf``
    spool: Store = field(repr=False)
    knock: Knock
    request: Request
    now: datetime

    def leave(self, kind: str, facts: Mapping[str, str], raw: bytes) -> None:
        """Put what the caller brought into the spool; the worker decides what becomes of it.

        Raises:
            HttpProblem: 503 to this caller alone: too much of its own waits already (border.md 10.5).
        """
        arrival = Arrival(peer=self.knock.name, kind=kind, facts=facts, raw=raw)
        with self._room_for_more(), self.spool.begin() as unit:
            spool.arrive(unit, arrival, self.now, self.settings.spool_bytes_per_peer)

    def note_fetched(self, shelf: str, positions: Sequence[int]) -> None:
        """Note, before they are handed out, which rows of its shelf the caller reads.

        Should one of them be wrong, our people know who has it (border.md 8.2).

        Raises:
            HttpProblem: 503, as ``leave``.
        """
        facts = {"shelf": shelf, "rows": ",".join(f"{a}-{b}" for a, b in _runs(positions))}
        with self._room_for_more(), self.spool.jot() as unit:
            arrival = Arrival(peer=self.knock.name, kind="fetched", facts=facts, raw=b"")
            spool.arrive(unit, arrival, self.now, self.settings.spool_bytes_per_peer)

    @contextmanager
    def _room_for_more(self) -> Iterator[None]:
        try:
            yield
        except SpoolFull as error:
            raise HttpProblem(503, headers={"retry-after": "30"}) from error


def _runs(positions: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the first and the last of each run of neighbours among positions that grow."""
    start = 0
    for index, position in enumerate(positions):
        if index + 1 == len(positions) or positions[index + 1] != position + 1:
            yield positions[start], position
            start = index + 1


def segment(written: str) -> str | None:
    """Return a path's segment decoded; None if it cannot name anything."""
    try:
        plain = unquote(written, errors="strict")
    except UnicodeDecodeError:
        return None
    return plain if plain.isprintable() else None


def taxii(body: Mapping[str, object], status: int = 200) -> Response:
    """Return an answer of TAXII's media type (TAXII 2.1 section 3.1)."""
    return Response(status=status, headers={"content-type": TAXII}, body=msgspec.json.encode(body))
