"""The thread that looks back by itself: what is new among indicators is looked for in what was seen before.

It follows the indicators by number, some at a time: what the past knows of them is kept as hits, then how far it came.
So a worker that is killed goes on, and what it did twice is there once; a long list keeps nobody else waiting.
Rules, and patterns of several values, are looked for in the events themselves, where those are kept (``rereading``):
some seconds of that between the others, and as long a rest after them.
"""

import threading
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import Connection

from mithaq import defence
from mithaq.clock import monotonic
from mithaq.detect.indicators import Indicators, of_pattern
from mithaq.ingest.back import look_back
from mithaq.ingest.keeping import keeper
from mithaq.ingest.noting import noting
from mithaq.ingest.rereading import Rereading, State, state, waiting
from mithaq.node.build import Node
from mithaq.store import journal

_log = structlog.get_logger()
CURSOR: Final = "past.looked"  # the number of the last copy that was looked for
LOOK: Final = 2.0  # seconds between looks for what is new
FOLLOW: Final = 30  # such looks between those for days that follow
STEP: Final = 2.0  # seconds that events are read again at once
HEAL: Final = 60.0  # seconds after a failure
_AT_ONCE: Final = 20_000  # copies, of which each part is one pass over the index


def left(unit: Connection) -> int:
    """Return how many versions of indicators wait to be looked for in the index."""
    return defence.count_after(unit, int(journal.setting(unit, CURSOR, "0")))


def reread(unit: Connection, now: datetime) -> tuple[State, int]:
    """Return how far events were read again, and how many rules and patterns wait for that."""
    known = state(unit)
    return known, waiting(unit, known, now)


class Hindsight(threading.Thread):
    """Looks back for what is new, and lets sightings of further days follow; ``turn`` does so once."""

    def __init__(self, node: Node, stop: threading.Event, at_once: int = _AT_ONCE) -> None:
        """Be ready to start."""
        super().__init__(name="hindsight", daemon=True)
        self._node = node
        self._halt = stop
        self._at_once = at_once
        self._day = ""  # on which what was over was thrown away
        keeping = keeper(node.core, node.config, node.clock)
        kept = keeping.noting
        self._again = Rereading(keeping, kept, node.config) if kept else None

    def turn(self) -> bool:
        """Look for some of what is new; say whether there may be more."""
        keeping = keeper(self._node.core, self._node.config, self._node.clock)
        if keeping.noting is None:
            return False
        now = self._node.clock()
        days = keeping.noting.looked(now)
        with self._node.core.read() as unit:
            after = int(journal.setting(unit, CURSOR, "0"))
            new, until = defence.fresh(unit, after, self._at_once if days else 0, now)
        if until == after:
            return False
        if days and new:
            values = Indicators(
                listed
                for word, body in new.items()
                if body.get("pattern_type", "stix") == "stix"
                for listed in of_pattern(word, str(body["pattern"]), str(body.get("name", "")))
                or ()
            )
            lost: list[str] = []
            for _ in look_back(keeping.noting.past, values, days, keeping, lost):
                if self._halt.is_set():
                    return False  # the same again the next time
            for day in dict.fromkeys(lost):
                _log.warning("damaged-past", day=day)
        with self._node.core.begin() as unit:
            journal.keep(unit, CURSOR, str(until))
            if keeping.new:
                facts = {"indicators": len(new), "days": len(days), "new": keeping.new}
                journal.record(unit, now, "looked-back", "", **facts)
        return True

    def reread(self, seconds: float = STEP) -> bool:
        """Look for what is new in events that are kept, for some time; say whether there is more to do."""
        return self._again is not None and self._again.step(seconds, self._halt.is_set)

    def tidy(self, now: datetime) -> None:
        """Throw away the days of the past that are over, once a day."""
        kept, today = noting(self._node.config), f"{now:%Y-%m-%d}"
        if kept is not None and self._day != today:
            if self._again:
                self._again.leave()  # files are put together
            kept.forget(now)
            self._day = today

    def follow(self) -> int:
        """Tell of further days of what a person told partners of before; return how many."""
        with self._node.core.begin() as unit:
            return defence.go_on(unit, self._node.us, self._node.clock())

    def run(self) -> None:
        """Look back until stopped."""
        pause, looks = LOOK, 0
        while not self._halt.wait(pause):
            pause = LOOK
            try:
                while self.turn() and not self._halt.is_set():
                    pass
                began = monotonic()
                more = self.reread()
                pause = monotonic() - began if more else LOOK
                self.tidy(self._node.clock())
                if looks % FOLLOW == 0:
                    self.follow()
                looks += 1
            except Exception as error:  # noqa: BLE001 whatever it is, the node goes on without
                _log.error(
                    "looking-back-failed",
                    kind=type(error).__name__,
                    code=getattr(error, "code", ""),
                )
                pause = HEAL
        if self._again:
            self._again.leave()
