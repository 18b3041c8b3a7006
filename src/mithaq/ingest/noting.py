"""What the node keeps of telemetry as it goes by, for as long as its settings say: an index, and events themselves."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from mithaq.clock import text
from mithaq.config import Config
from mithaq.defence.past import Aside, note
from mithaq.formats.telemetry.kept import COLUMNS, MARK, row
from mithaq.model.telemetry import Event
from mithaq.store.partitions import Partitions
from mithaq.store.past import DamagedPast, Past, PastAway, SetAside

_AHEAD = timedelta(days=1)  # as far as clocks may be wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """The index of a node, and how long it is kept."""

    past: Past
    days: int
    back: int  # days in which what is new is looked for
    raw: Partitions
    raw_days: int
    raw_bytes: int
    lost: list[SetAside] = field(default_factory=list)  # days that were damaged, since it began

    def note(self, batch: Sequence[Event], now: datetime) -> int:
        """Count what was not counted before and is not too old; return how many events that are.

        A day that is damaged is set aside, and begins anew with these.

        Raises:
            DamagedPast: the same day is damaged again at once.
        """
        span = (self.first(now), text(now + _AHEAD)[:10])
        met: set[str] = set()
        while True:
            try:
                return note(self.past, batch, span, self._aside(self._oldest(now)))
            except PastAway:
                raise
            except DamagedPast as why:
                day = str(why.facts["day"])
                if day in met:
                    raise
                met.add(day)
                if file := self.past.set_aside(day):
                    self.lost.append(SetAside(day, file))

    def _aside(self, oldest: str) -> Aside:
        """Return what keeps the events themselves, where that is asked for."""

        def aside(day: str, events: Sequence[Event]) -> None:
            if self.raw_days and day >= oldest:
                self.raw.put(day, events[0].at, list(map(row, events)))

        return aside

    def _oldest(self, now: datetime) -> str:
        return text(now - timedelta(days=self.raw_days))[:10]

    def files(self, since: str) -> list[Path]:
        """Return the files of the events that are kept from a day on."""
        return [file for day in self.raw.days() if day >= since for file in self.raw.files(day)]

    def looked(self, now: datetime) -> list[str]:
        """Return the days in which what is new is looked for."""
        since = text(now - timedelta(days=self.back))[:10]
        return [day for day in self.past.days() if self.back and day >= since]

    def first(self, now: datetime) -> str:
        """Return the first day that is kept."""
        return text(now - timedelta(days=self.days))[:10]

    def forget(self, now: datetime) -> int:
        """Throw away the days that are over, and press those that nothing more is expected of; return how many went."""
        self.past.press(text(now - _AHEAD)[:10])
        for day in self.raw.days():
            self.raw.press(day)
        self.raw.forget(self._oldest(now) if self.raw_days else "9999", self.raw_bytes)
        return self.past.forget(self.first(now))


def noting(config: Config) -> Noting | None:
    """Return what a node keeps; None: its settings say that nothing is kept."""
    said = config.settings.telemetry
    if not said.past_days:
        return None
    return Noting(
        past=Past(config.past),
        days=said.past_days,
        back=said.back_days,
        raw=Partitions(config.raw, COLUMNS, MARK),
        raw_days=said.raw_days,
        raw_bytes=said.raw_bytes,
    )
