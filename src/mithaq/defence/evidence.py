"""What stood in the events that matched an indicator, as far as it is about that indicator. Pure.

An event holds much besides: the other names of a certificate, the other hashes of a file. Whether those are harmless
says nothing of the indicator, so only what answers to one of its values is looked at.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mithaq.detect import asked
from mithaq.detect.indicators import Indicators, Listed
from mithaq.detect.observables import Named
from mithaq.model.canonical import Json
from mithaq.model.patterns import groups
from mithaq.model.values import Value

_MOST = 10_000  # different values; what has more of them is on every machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an indicator's matches of a day rest on."""

    events: int = 0
    observed: tuple[Value, ...] = ()  # what answered to it, and what of it that was
    among: int = (
        0  # so many values stood together in a field, where there were fewest; 0: not known
    )
    asked: tuple[Value, ...] = ()  # it was but the answer to these names, each time


def wanted(body: Mapping[str, Json]) -> tuple[Value, ...]:
    """Return the values that an indicator names; of one in another language none."""
    pattern = body.get("pattern")
    if body.get("pattern_type") != "stix" or not isinstance(pattern, str):
        return ()
    return tuple(dict.fromkeys(value for group in groups(pattern) or () for value in group))


def evidence(body: Mapping[str, Json], events: Iterable[Sequence[Named]]) -> Evidence:
    """Return what matches rest on, of the values in the fields that matched, event by event."""
    values = wanted(body)
    known = Indicators(Listed(value, "") for value in values)
    letters = {value.text for value in values}
    observed: dict[Value, None] = {}
    names: dict[Value, None] = {}
    fewest, direct, number = 0, False, 0
    for event in events:
        number += 1
        met = list(_met(known, letters, event, anything=not values))
        if len(observed) < _MOST:
            observed |= dict.fromkeys(each for value, _, _ in met for each in value)
        beside = min((count for _, count, _ in met), default=0)
        fewest = min(fewest or beside, beside or fewest)
        led = [name for _, _, some in met for name in some]
        direct = direct or any(not some for _, _, some in met)
        names |= dict.fromkeys(led)
    return Evidence(
        events=number,
        observed=tuple(observed),
        among=fewest,
        asked=() if direct else tuple(names)[:_MOST],
    )


def _met(
    known: Indicators, letters: set[str], found: Sequence[Named], *, anything: bool
) -> Iterator[tuple[list[Value], int, list[Value]]]:
    """Yield what answers to an indicator: with what of it that is, how many stood there, and what was asked."""
    together = Counter(fields for fields, _ in found)
    for fields, value in found:
        answered = [listed.value for listed in known.of(value)]
        if answered or anything or value.text in letters:
            questions = asked.question(fields)
            led = [each for names, each in found if names and names[0] in questions]
            yield [value, *answered], together[fields], led
