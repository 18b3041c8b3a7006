"""Workers: many that read one log of telemetry together, and keep the same hits as one of them would.

What can be told of an event alone is told by whoever is given the chunk it is in, and the chunk is taken off the list
only when its hits are kept. What is about several events (correlations, patterns of several observations) needs
all events in their order: whoever has the turn reads the whole log for that, from where the group began. It does so
again from there when the turn passes to another, so what is found is what one reader would find, whoever was killed and
when. A hit that is found twice is the same hit.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from mithaq.detect.carried import Carried
from mithaq.detect.engine import Engine
from mithaq.detect.matches import Match
from mithaq.detect.tallies import Matcher
from mithaq.formats.telemetry import Refusal
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.telemetry.consuming import Shared, Whole
from mithaq.ingest.telemetry.source import Source, Taken
from mithaq.ingest.telemetry.turns import Turn
from mithaq.ingest.wanted import Content, Correlated
from mithaq.model.telemetry import Event
from mithaq.store.past import PastAway

_WAIT: Final = 1.0  # seconds for the next chunk, until it is asked whether to stop
_AWAY: Final = 2.0  # seconds until the store is tried again
_BATCH: Final = 512  # events
_log = structlog.get_logger()


def digest(content: Content) -> str:
    """Return what all that is looked for is known by: workers with the same one find the same."""
    known = {each.digest for each in content.rules}
    known |= {each.digest for each in content.correlations}
    known |= {*content.yara.owned} if content.yara else set()
    said = sha256("\n".join(sorted(known)).encode())
    if content.indicators:
        said.update(content.indicators.values.fingerprint)
        said.update(content.indicators.patterns.fingerprint)
    return "sha256:" + said.hexdigest()


def apart(content: Content) -> list[Matcher]:
    """Return what is told of an event alone."""
    found: list[Matcher] = [Engine(content.rules)] if content.rules else []
    if content.indicators:
        alone = content.indicators.patterns.parted()[0]
        found += [content.indicators.values, *([alone] if len(alone) else [])]
    return [*found, Carried(content.yara)] if content.yara else found


def together(content: Content) -> list[Matcher]:
    """Return what is told of several events, anew; empty: nothing is."""
    found: list[Matcher] = [Correlated(content.correlations)] if content.correlations else []
    if content.indicators:
        several = content.indicators.patterns.parted()[1]
        found += [several] if len(several) else []
    return found


@dataclass(slots=True)
class Worker:
    """One of a group.

    Args:
        whole: opens the log as one reads it in its order.
    """

    content: Content
    keeper: Keeper
    shared: Shared
    whole: Callable[[], Whole]
    turn: Turn
    halted: Callable[[], bool]
    chunks: int = 0
    events: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    _apart: list[Matcher] = field(default_factory=list)
    _together: list[Matcher] = field(default_factory=list)
    _reading: Whole | None = None  # while it is our turn

    def run(self, *, once: bool = False) -> None:
        """Work until told to stop; ``once``: until the log holds nothing that was not kept."""
        self.keeper.begin(self.content)
        self._apart = apart(self.content)
        alone = bool(together(self.content))
        while not self.halted():
            came = self._take(self.shared, _WAIT, self._apart)
            done = not alone or self._in_order()
            if once and not came and done and not self.shared.left():
                return

    def _in_order(self) -> bool:
        """Read on in the log's order if it is our turn; say whether everything was read, by us or another."""
        if not self.turn.mine():
            self._reading = None
            return self.turn.done()
        if self._reading is None:
            self._reading, self._together = self.whole(), together(self.content)
        if self._take(self._reading, 0.0, self._together):
            return False
        self.turn.note(self._reading.read)
        return self.turn.done()

    def _take(self, source: Source, wait: float, matchers: Sequence[Matcher]) -> bool:
        """Take what there is, as long as nobody says to stop; say whether there was any."""
        came = False
        for taken in source.batches(wait):
            came = True
            if not self._one(taken, matchers, counted=source is self.shared):
                return came
            source.keep(taken)
            if self.halted():
                break
        return came

    def _one(self, taken: Taken, matchers: Sequence[Matcher], *, counted: bool) -> bool:
        """Match and keep a chunk; False: it is not kept."""
        events = [each for each in taken.found if isinstance(each, Event)]
        if counted:
            self.chunks += taken.mark is not None
            self.events += len(events)
            self._refuse(each for each in taken.found if isinstance(each, Refusal))
        found: list[Match] = []
        for begin in range(0, len(events), _BATCH):
            batch = events[begin : begin + _BATCH]
            for matcher in matchers:
                found += matcher.match(batch)
        return self._keep(found, events if counted else [])  # what there was is noted once

    def _refuse(self, some: Iterable[Refusal]) -> None:
        for each in some:
            if not self.refused[each.code]:
                _log.warning("refused", kind=each.code, source=each.name, number=each.number)
            self.refused[each.code] += 1

    def _keep(self, found: Sequence[Match], events: Sequence[Event]) -> bool:
        """Keep hits, however long the store is away; False: it was still away when we were told to stop."""
        away = False
        while True:
            try:
                self.keeper.keep(found, events)
            except (DBAPIError, PastAway) as error:
                _log.warning("store-away", kind=type(error).__name__)
                away = True
                if self.halted():
                    return False
                time.sleep(_AWAY)
            else:
                if away:
                    _log.info("store-back")
                self._lost()
                return True

    def _lost(self) -> None:
        """Say which days of the past were damaged."""
        lost = self.keeper.noting.lost if self.keeper.noting else []
        for day, file in lost:
            _log.warning("damaged-past", day=day, file=file.name)
        lost.clear()
