"""Hits that are kept: what is found goes into a node, batch by batch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Connection

from mithaq import defence
from mithaq.clock import Clock
from mithaq.config import Config
from mithaq.defence import Recorded
from mithaq.detect import assets, sigma
from mithaq.detect.about import FILES
from mithaq.detect.collected import Collected
from mithaq.detect.language import Rule
from mithaq.detect.matches import Match
from mithaq.ingest.noting import Noting, noting
from mithaq.ingest.wanted import Content
from mithaq.model.telemetry import Event
from mithaq.store.engine import Store


class Keeping(Protocol):
    """Takes what is found, batch by batch."""

    def begin(self, content: Content) -> None:
        """Learn what is looked for."""

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> object:
        """Take matches, and the events that they were looked for in."""


@dataclass(slots=True)
class Keeper:
    """Keeps what is found as hits of a node, batch by batch: who begins anew after an interruption keeps none twice.

    What the events speak of is noted too, so that what will be known one day is looked for in what is past by then.
    """

    core: Store
    clock: Clock
    noting: Noting | None = None
    past: bool = False  # what the events speak of was noted and counted before
    files: int = 0  # that YARA rules looked through, and that are not kept yet
    also: Callable[[Connection, Recorded], None] | None = None  # in the same transaction
    new: int = 0
    known: int = 0
    _collected: Collected = field(default_factory=Collected)
    _content: Content | None = None
    _day: str = ""
    _looked_for: frozenset[str] = frozenset()
    _noted: Sequence[Event] = ()  # a batch that is counted, and perhaps not kept yet

    def begin(self, content: Content) -> None:
        """Keep which rules are looked for from now on, and again each day."""
        now = self.clock()
        rules: list[Rule | sigma.Correlation] = [*content.rules, *content.correlations]
        told = f"{now:%Y-%m-%d}", frozenset(each.id for each in (*rules, *content.named))
        if told == (self._day, self._looked_for):
            return
        with self.core.begin() as unit:
            defence.looked_for(unit, rules, content.needs, now, content.named)
        self._content = content
        self._day, self._looked_for = told

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> Sequence[Match]:
        """Keep matches, and of which machines, days and log sources there was telemetry.

        If the store is away, the same batch may be given again: it is counted once.

        Returns:
            the new matches that people see.
        """
        if self.past:
            batch = ()
        if batch is not self._noted:
            if batch and self.noting:
                self.noting.note(batch, self.clock())
            self._collected.take(batch)
            self._noted = batch
        if self._content is not None and self._day != f"{self.clock():%Y-%m-%d}":
            self.begin(self._content)
        machines = frozenset(filter(None, map(assets.of, batch)))
        days = frozenset(event.at[:10] for event in batch if event.at)
        sources = dict(self._collected.counts)
        if self.files:
            sources[FILES, ""] = self.files
        if not (found or machines or days or sources):
            self._noted = ()
            return ()
        with self.core.begin() as unit:
            seen = defence.Watched(assets=machines, days=days, sources=sources)
            done = defence.record(unit, found, self.clock(), seen)
            if self.also:
                self.also(unit, done)
        self._collected.counts.clear()
        self.files = 0
        self._noted = ()
        self.new += done.new
        self.known += done.known
        return done.fresh


def keeper(core: Store, config: Config, clock: Clock) -> Keeper:
    """Return what keeps hits in a node, and what its settings say of telemetry."""
    return Keeper(core, clock, noting(config))
