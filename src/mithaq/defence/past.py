"""The past of the nation's own telemetry: noted as it goes by, hunted when there is something new to look for."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from typing import NamedTuple

from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.past import Tally, ranges, suspects, value_at
from mithaq.model.telemetry import Event
from mithaq.model.values import Value
from mithaq.store.past import Past, Seen


class Before(NamedTuple):
    """That a value of an indicator was there before, in one hour at one sensor."""

    listed: Listed
    value: Value  # as it was observed
    seen: Seen


def note(past: Past, sensor: str, events: Iterable[Event], span: tuple[str, str]) -> int:
    """Count the values of events that were not counted before; return how many events these are.

    An event that says no time, or one outside of ``span`` (a first and a last day), is not in the index: a clock that
    is wrong by years would make days that nobody looks at.
    """
    by_day: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.at and span[0] <= event.at[:10] <= span[1]:
            by_day[event.at[:10]].append(event)
    noted = 0
    for day, of_day in by_day.items():
        tally = Tally()
        with past.writing(day) as file:
            for event in of_day:
                if file.is_new(event.digest):
                    tally.add(event)
                    noted += 1
            file.count(sensor, tally.seen, tally.digests)
    return noted


def back(
    past: Past, known: Indicators, since: str = "", whole: Container[str] = ()
) -> Iterator[Before]:
    """Yield where indicators were seen from a day on, day by day."""
    for day in past.days():
        if day < since:
            continue
        with past.reading(day) as file:
            for listed in suspects(known, file.digests()):
                for first, end in ranges(listed.value, whole=listed.value.text in whole):
                    for seen in file.find(first, end):
                        yield Before(listed, value_at(seen.place), seen)
