"""Looking back: what the node kept of its telemetry is hunted, instead of logs."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from mithaq.cli.common import BadUsage, span
from mithaq.clock import now, parse, text
from mithaq.errors import InputError

if TYPE_CHECKING:
    from mithaq.ingest.hunting import Hit, Hunt
    from mithaq.ingest.keeping import Keeper
    from mithaq.ingest.noting import Noting


class NothingKept(InputError):
    """The node keeps nothing of its telemetry."""

    code = "no-past"


def blind(noting: "Noting") -> str:
    """Return the sentence that says why no events are kept: nobody asked for it, or none came since."""
    return "say.hunt-none-yet" if noting.raw_days else "say.hunt-blind"


class Looking:
    """A look back: how far it came, and what it had to do without."""

    def __init__(self, run: "Hunt", keeper: "Keeper", written: str) -> None:
        """Begin with a day, or so long ago.

        Raises:
            BadUsage: it is neither. NothingKept: the settings say that nothing is kept.
        """
        if keeper.noting is None:
            raise NothingKept("this node keeps no index of its telemetry: telemetry.past_days is 0")
        self._run, self._keeper, self._noting = run, keeper, keeper.noting
        since = first_day(written, keeper.clock())
        self._days = [day for day in self._noting.past.days() if day >= since]
        found = run.content
        values = found.indicators
        patterns = bool(values and len(values.patterns))
        rules = found.rules or found.correlations or found.veiled or found.yara
        events = bool(rules or patterns)
        self._files = self._noting.files(since) if events else []
        # the sentence, where nothing is kept that rules and patterns could be looked for in
        self.blind = blind(self._noting) if events and not self._files else ""
        self.lost: list[str] = []  # days of the index that could not be read
        self._done, self._size = 0, len(self._days)

    def progress(self) -> tuple[int, int]:
        """Return how much is done, and of how much: days of the index, then bytes of events."""
        if self._run.files:
            return self._run.done, self._size
        return self._done, self._size

    def found(self) -> Iterator["Hit | None"]:
        """Yield what is found, and None from time to time."""
        from mithaq.ingest.back import look_back  # noqa: PLC0415 heavy
        from mithaq.ingest.hunting import Hit  # noqa: PLC0415 as above
        from mithaq.store.past import DamagedPast  # noqa: PLC0415 as above

        values, past = self._run.content.indicators, self._noting.past
        if values:
            for day in self._days:
                with suppress(DamagedPast), past.reading(day) as file:
                    self._run.events += file.events()
            for one in look_back(past, values.values, self._days, self._keeper, self.lost):
                if isinstance(one, int):
                    self._done = one
                    yield None
                else:
                    yield Hit(one, "")
            self.lost = [str(past.file(day)) for day in self.lost]
            spoilt = past.spoilt()
            self.lost += [str(file) for day in self._days for file in spoilt.get(day, ())]
        if self._files:
            self._run.events = 0  # each of them is read now
            self._size = sum(file.stat().st_size for file in self._files)
            self._run.whole = False  # the bytes of these files are no bytes of ours
            self._keeper.past = True  # they were noted when they were kept
            yield from self._run.run(self._files)


def first_day(written: str, at: datetime) -> str:
    """Return the day that ``90d`` or ``2026-09-01`` means.

    Raises:
        BadUsage: it is neither.
    """
    try:
        return text(parse(f"{written}T00:00:00Z"))[:10]
    except InputError:
        with suppress(BadUsage):
            return text(at - span(written))[:10]
    raise BadUsage("bad-since", name=written)


def meant(written: str) -> str:
    """Return how far back to look as it was written, if it means a day: told before anything is read.

    Raises:
        BadUsage: it does not.
    """
    if written:
        first_day(written, now())
    return written
