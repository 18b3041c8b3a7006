"""What was printed for each client, kept until its shelves change.

It is bounded for each client by itself, so nobody sees by the pace of his own answers what is printed for others.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar, cast

from mithaq.exchange.problems import HttpProblem
from mithaq.model.benign import Benign

KEPT_BYTES = 64 << 20  # of answers that are kept for one client
WAITING = 3  # requests of one client that print or wait for it
WAIT_SECONDS = 1.0


class Lasting(Protocol):
    """What is kept of a client's shelves as long as these are in one state."""

    @property
    def size(self) -> int:
        """How many bytes it takes."""

    def holds(self, state: object, now: datetime) -> bool:
        """Say whether it is what would be made now."""


Any_ = TypeVar("Any_", bound=Lasting)


@dataclass(slots=True, kw_only=True)
class Kept:
    """An answer as it was printed, good as long as the shelves are in that state and nothing begins or ends."""

    state: object
    until: datetime | None
    tags: Mapping[str, str]  # file -> its ETag
    headers: Mapping[str, str]
    files: Mapping[str, bytes] = field(repr=False)
    told: Mapping[str, list[int]]  # shelf -> positions; emptied once it is noted who has them

    @property
    def size(self) -> int:
        """How many bytes it takes."""
        return sum(map(len, self.files.values()))

    def holds(self, state: object, now: datetime) -> bool:
        """Say whether it is what would be printed now."""
        return self.state == state and (self.until is None or now < self.until)


class Prints:
    """What was printed for each client, and whose turn it is to print; one stands behind one listener."""

    def __init__(self, known: Callable[[str], Benign]) -> None:
        """Begin with nothing.

        Args:
            known: what is known to be harmless, and stands in nothing that acts on values, by what is ours.
        """
        self._known = known
        self._benign: tuple[str, Benign] | None = None
        self._kept: dict[str, dict[str, Lasting]] = defaultdict(dict)
        self._turns: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._waiting: dict[str, int] = defaultdict(int)
        self._lock = threading.Lock()

    def benign(self, written: str) -> Benign:
        """Return what is known to be harmless where ``written`` says what is ours; made anew when that changes."""
        with self._lock:
            if self._benign is None or self._benign[0] != written:
                self._benign = (written, self._known(written))
            return self._benign[1]

    def fresh(
        self, client: str, name: str, at: tuple[object, datetime], make: Callable[[], Any_]
    ) -> Any_:
        """Return what is kept by a name; made anew in the client's turn if it holds no more.

        Args:
            at: the state of the shelves, and now.

        Raises:
            HttpProblem: 503.
        """
        made = cast("Any_ | None", self._of(client, name))
        if made is None or not made.holds(*at):
            with self.turn(client):
                made = cast("Any_ | None", self._of(client, name))
                if made is None or not made.holds(*at):
                    made = make()
                    self.keep(client, name, made)
        return made

    def _of(self, client: str, name: str) -> Lasting | None:
        with self._lock:
            return self._kept[client].get(name)

    def keep(self, client: str, name: str, made: Lasting) -> None:
        """Keep an answer in place of the one before; the oldest of this client go, if there are too many bytes."""
        with self._lock:
            mine = self._kept[client]
            mine.pop(name, None)
            if made.size <= KEPT_BYTES:
                mine[name] = made
            while sum(each.size for each in mine.values()) > KEPT_BYTES:
                del mine[next(iter(mine))]

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """Let one request of a client print at a time; few may wait, and not for long.

        Raises:
            HttpProblem: 503.
        """
        with self._lock:
            if self._waiting[client] >= WAITING:
                raise HttpProblem(503, headers={"retry-after": "2"})
            self._waiting[client] += 1
        try:
            if not self._turns[client].acquire(timeout=WAIT_SECONDS):
                raise HttpProblem(503, headers={"retry-after": "2"})
            try:
                yield
            finally:
                self._turns[client].release()
        finally:
            with self._lock:
                self._waiting[client] -= 1
