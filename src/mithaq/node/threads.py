"""The threads beside the worker's own that use the network: one that reads feeds, and one a peer that visits it."""

import threading

import structlog

from mithaq.border.shelf import Nudge
from mithaq.clock import monotonic
from mithaq.errors import NotFound
from mithaq.node.build import Node
from mithaq.node.visit import Visitor

_log = structlog.get_logger()
LULL = 1.0  # seconds between looks for feeds that are due
HEAL = 2.0  # seconds before feeds are read again after a failure


class Reader(threading.Thread):
    """The thread that reads feeds: one at a time, so that they hold up nobody but each other."""

    def __init__(self, node: Node, stop: threading.Event) -> None:
        """Be ready to start."""
        super().__init__(name="reader", daemon=True)
        self._collector = node.collector
        self._halt = stop

    def run(self) -> None:
        """Read what is due until stopped."""
        while not self._halt.wait(LULL):
            try:
                while not self._halt.is_set() and self._collector.turn():
                    pass
            except Exception as error:  # noqa: BLE001 whatever one feed holds, the others are read
                _log.error("feed-failed", kind=type(error).__name__)
                self._halt.wait(HEAL)


class Courier(threading.Thread):
    """The thread that visits one peer: at its pace, when nudged, and when there is something to tell."""

    def __init__(self, visitor: Visitor, peer: str, stop: threading.Event) -> None:
        """Be ready to start."""
        super().__init__(name=f"courier-{peer}", daemon=True)
        self._visitor = visitor
        self._peer = peer
        self._halt = stop
        self._bell = threading.Event()
        self._lock = threading.Lock()
        self._heard: list[Nudge] = []
        self._shown: list[Nudge] = []
        self._asked: float | None = None  # when the peer was last asked what it has

    def wake(self) -> None:
        """Ring, so that the thread looks at once whether it must stop."""
        self._bell.set()

    def heard(self, hint: Nudge) -> None:
        """Take the peer's hint that it has something."""
        with self._lock:
            self._heard.append(hint)
        self._bell.set()

    def shown(self, nudge: Nudge) -> None:
        """Take word that something newly stands on the peer's shelf."""
        with self._lock:
            self._shown.append(nudge)
        self._bell.set()

    def run(self) -> None:
        """Visit until stopped; the first visit tells what the peer may not have heard of before we stopped."""
        pace = self._visitor.pace_seconds
        pause = 0.0
        failures = 0
        try:
            self._shown += self._visitor.unacknowledged(self._peer)
            while not self._halt.is_set():
                self._bell.wait(pause)
                self._bell.clear()
                if self._halt.is_set():
                    return
                if self._turn():
                    failures, pause = 0, pace
                    continue
                failures += 1
                pause = min(2.0**failures, self._visitor.patience(self._peer))
                self._halt.wait(1.0)  # the least pause after a failure, whoever rings
        except NotFound:  # the peer was removed; a new courier comes if it is met again
            return

    def _turn(self) -> bool:
        """Visit once; what could not be told or fetched is kept for the next time."""
        with self._lock:
            heard, self._heard = self._heard, []
            shown, self._shown = self._shown, []
        now = monotonic()
        ask = self._asked is None or now - self._asked >= self._visitor.pace_seconds
        fine = self._visit(shown, heard, ask=ask)
        if fine and (ask or not (heard or shown)):
            self._asked = now
        if not fine:
            with self._lock:
                self._heard = _newest(heard + self._heard)
                self._shown = _newest(shown + self._shown)
        return fine

    def _visit(self, shown: list[Nudge], heard: list[Nudge], *, ask: bool) -> bool:
        try:
            return self._visitor.visit(self._peer, shown, heard, ask=ask)
        except NotFound:
            raise
        except Exception as error:  # noqa: BLE001 one peer's answers must not end its thread
            _log.error("visit-failed", peer=self._peer, kind=type(error).__name__)
            return False


def _newest(nudges: list[Nudge]) -> list[Nudge]:
    """Keep one nudge a channel, the last."""
    return list({nudge.channel: nudge for nudge in nudges}.values())
