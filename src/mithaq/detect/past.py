"""The observable index of the past: what is kept of events so that new indicators find what was there before them.

Of each value, each hour and each sensor it keeps how often it was seen, when first and when last: all that a sighting
says, and none of the log. Values stand in an order in which all that answers to an indicator stands together: names
from their top label down, addresses by number, URLs with their scheme behind.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final, TypeAlias

from mithaq.detect.indicators import Indicators
from mithaq.detect.keys import digest, key, keys, parted
from mithaq.detect.observables import of
from mithaq.model.telemetry import Event
from mithaq.model.values import Value

Range: TypeAlias = tuple[str, str]  # places from the first on and before the second
_HEX: Final = {"ipv4": 8, "ipv6": 32}
_FEW: Final = 20  # times as many: a bisection for each costs less than a pass over all


def place(value: Value) -> str:
    """Return where a value stands in the index."""
    kind, text = value
    if kind == "domain":
        return f"domain {_reversed(text)}"
    if kind in _HEX:
        network = ip_network(text)
        return f"{kind} {int(network.network_address):0{_HEX[kind]}x}"
    same = key(value)
    if kind == "url":
        scheme, rest = parted(same.partition(" ")[2])
        return f"url {rest} {scheme}"
    return same


def value_at(there: str) -> Value:
    """Return the value that stands at a place, as it is compared."""
    kind, _, text = there.partition(" ")
    if kind == "domain":
        return Value(kind, _reversed(text))
    if kind == "url":
        rest, _, scheme = text.rpartition(" ")
        return Value(kind, scheme + rest)
    if kind in _HEX:
        return Value(
            kind, str(ip_network(int(text, 16) if kind == "ipv4" else bytes.fromhex(text))[0])
        )
    return Value(kind, text)


def ranges(value: Value, *, whole: bool = False) -> list[Range]:
    """Return where all stands that answers to a value of an indicator; to ``whole`` names they alone do."""
    kind, text = value
    there = place(value)
    if kind in _HEX:
        last = int(ip_network(text).broadcast_address)
        return [(there, f"{kind} {last:0{_HEX[kind]}x}\0")]
    if kind == "url" and there.endswith(" "):
        return [(there, f"{there[:-1]}!")]
    below = [(f"{there}.", f"{there}/")] if kind == "domain" and not whole else []
    return [(there, f"{there}\0"), *below]


def _reversed(name: str) -> str:
    return ".".join(reversed(name.split(".")))


@dataclass(slots=True)
class Tally:
    """What some events of one day and one sensor come to."""

    seen: dict[tuple[str, int], list[int]] = field(
        default_factory=dict
    )  # place, hour -> count, first, last
    digests: set[int] = field(default_factory=set)  # of all keys that the values answer to

    def add(self, event: Event) -> None:
        """Count the values of an event, each once; first and last are milliseconds of its day."""
        at = event.at
        hour = int(at[11:13])
        moment = (hour * 60 + int(at[14:16])) * 60_000 + int(at[17:19]) * 1000 + int(at[20:23])
        for value in of(event):
            there = place(value)
            cell = self.seen.get((there, hour))
            if cell is None:
                self.seen[there, hour] = [1, moment, moment]
                self.digests.update(map(digest, keys(value)))
            else:
                cell[0] += 1
                cell[1], cell[2] = min(cell[1], moment), max(cell[2], moment)


def common(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Return, in order, the numbers that are in both of two rows; both are in order."""
    few, many = sorted((one, other), key=len)
    if len(few) * _FEW > len(many):
        return sorted(set(few).intersection(many))
    found = []
    for each in few:
        at = bisect_left(many, each)
        if at < len(many) and many[at] == each:
            found.append(each)
    return found


def suspected(known: Indicators, days: Mapping[str, Sequence[int]]) -> dict[str, list[int]]:
    """Return, by day, the digests that both the indicators and what the day saw are looked for at.

    Args:
        known: what is looked for.
        days: the digests of each day, in order.
    """
    if len(known) * _FEW < sum(map(len, days.values())):
        return {day: common(known.digests, there) for day, there in days.items()}
    # One pass over the indicators for all days.
    every = set[int]().union(*days.values())
    both = sorted(every.intersection(known.digests))
    return {day: common(both, there) for day, there in days.items()}
