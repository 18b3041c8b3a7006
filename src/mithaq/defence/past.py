"""The past of the nation's own telemetry: noted as it goes by, hunted when there is something new to look for."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from hashlib import sha256
from typing import Final, NamedTuple

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.keys import digest, key
from mithaq.detect.matches import Match
from mithaq.detect.past import Tally, ranges, suspected, value_at
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.values import Value
from mithaq.store.past import DamagedPast, Past, Seen

_AT_ONCE: Final = 4_000_000  # digests of days, 40 bytes each while they are held against indicators
_REMEMBERED: Final = 1 << 16
Aside = Callable[[str, Sequence[Event]], None]


class Before(NamedTuple):
    """That a value of an indicator was there before, in one hour in one log source."""

    listed: Listed
    value: Value  # as it was observed
    seen: Seen

    @property
    def match(self) -> Match:
        """What it is as a match: of no single event, so known by the value, the hour and the log source."""
        where = f"{self.seen.place}\0{self.seen.hour}\0{self.seen.sensor}"
        product, category, service = self.seen.sensor.split("/", 2)
        return Match(
            rule=self.listed.id,
            giver=self.listed.giver,
            digest=self.listed.digest,
            title=self.listed.title or self.listed.value.text,
            event=f"sha256:{sha256(where.encode('utf-8', 'replace')).hexdigest()}",
            at=self.seen.first,
            source=LogSource(product, category, service),
            found={self.value.kind: self.value.text},
            times=self.seen.times,
            last=self.seen.last,
        )


def note(
    past: Past, events: Iterable[Event], span: tuple[str, str], aside: Aside | None = None
) -> int:
    """Count the values of events that were not counted before; return how many events these are.

    An event that says no time, or one outside of ``span`` (a first and a last day), is not in the index: a clock that
    is wrong by years would make days that nobody looks at.

    Args:
        past: the index.
        events: of any days and log sources.
        span: of days.
        aside: is given the new events of each day before they count; they are new again if it fails.
    """
    by_day: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.at and span[0] <= event.at[:10] <= span[1]:
            by_day[event.at[:10]].append(event)
    noted = 0
    for day, of_day in by_day.items():
        with past.writing(day) as file:
            new = [each for each in of_day if file.is_new(each.digest, int(each.at[11:13]))]
            tallies: dict[LogSource, Tally] = defaultdict(Tally)
            for event in new:
                tallies[event.source].add(event)
            for source, tally in tallies.items():
                file.count("/".join(source), tally.seen, tally.digests)
            if aside and new:
                aside(day, new)
        noted += len(new)
    return noted


def back(
    past: Past,
    known: Indicators,
    days: Iterable[str],
    whole: Container[str] = (),
    lost: list[str] | None = None,
) -> Iterator[Before]:
    """Yield where indicators were seen on some days, day by day.

    Many days are held against the indicators at once, as far as their digests do not fill the memory.

    Args:
        past: the index.
        known: what is looked for.
        days: of the index.
        whole: names that are indicators of themselves alone.
        lost: takes the days that cannot be read, and the others go on.

    Raises:
        DamagedPast: a day cannot be read, and there is no ``lost``.
    """
    there: dict[str, array[int]] = {}
    for day in days:
        with _lost(lost, day), past.reading(day) as file:
            there[day] = file.digests()
        if sum(map(len, there.values())) > _AT_ONCE:
            yield from _found(past, known, there, whole, lost)
            there.clear()
    yield from _found(past, known, there, whole, lost)


@contextmanager
def _lost(lost: list[str] | None, day: str) -> Iterator[None]:
    try:
        yield
    except DamagedPast:
        if lost is None:
            raise
        lost.append(day)


def _found(
    past: Past,
    known: Indicators,
    there: Mapping[str, "array[int]"],
    whole: Container[str],
    lost: list[str] | None,
) -> Iterator[Before]:
    @lru_cache(maxsize=_REMEMBERED)
    def wanted(each: int) -> list[tuple[str, str, Listed]]:
        return [
            (*range_, listed)
            for listed in known.at(each)
            for range_ in ranges(listed.value, whole=listed.value.text in whole)
        ]

    networks = {one for value in known.networks.all() for one in wanted(digest(key(value)))}
    in_order = sorted(networks)
    for day, both in suspected(known, there).items():
        more = {one for each in both for one in wanted(each)}
        sought = sorted([*in_order, *(more - networks)])  # which are in order but for a few
        if not sought:
            continue
        with _lost(lost, day), past.reading(day) as file:
            for number, seen in file.find([(first, end) for first, end, _ in sought]):
                yield Before(sought[number][2], value_at(seen.place), seen)
