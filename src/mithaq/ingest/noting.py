"""What the node keeps of telemetry as it goes by: the index of what was seen, for as many days as its settings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mithaq.clock import text
from mithaq.config import Config
from mithaq.defence.past import note
from mithaq.model.telemetry import Event
from mithaq.store.past import Past

_AHEAD = timedelta(days=1)  # as far as clocks may be wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Noting:
    """The index of a node, and how long it is kept."""

    past: Past
    days: int
    back: int  # days in which what is new is looked for

    def note(self, batch: Sequence[Event], now: datetime) -> int:
        """Count what was not counted before and is not too old; return how many events that are."""
        return note(self.past, batch, (self.first(now), text(now + _AHEAD)[:10]))

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
        return self.past.forget(self.first(now))


def noting(config: Config) -> Noting | None:
    """Return what a node keeps; None: its settings say that nothing is kept."""
    said = config.settings.telemetry
    if not said.past_days:
        return None
    return Noting(past=Past(config.past), days=said.past_days, back=said.back_days)
