"""STIX patterns of indicators over telemetry: events in, matches out, the same whatever the batches."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from mithaq.detect.matches import Match
from mithaq.detect.stix.language import Compared, Comparison, Path, PatternRefused
from mithaq.detect.stix.matching import Holds, compiled, values
from mithaq.detect.stix.observation import instant
from mithaq.detect.stix.observed import observation
from mithaq.detect.stix.parser import read
from mithaq.detect.stix.plan import leaves, planned
from mithaq.detect.stix.stream import BOUNDS, Bounds, Found, Stream
from mithaq.model.telemetry import Event, Value

_SHOWN = 8  # values of a match's event that it shows, at most


class Asked(NamedTuple):
    """An indicator with a pattern."""

    id: str
    digest: str  # of what it says
    title: str
    pattern: str
    giver: str = ""  # as ``model.whose.Word``


class Patterns:
    """Indicators held against events."""

    def __init__(self, asked: Iterable[Asked], bounds: Bounds = BOUNDS) -> None:
        """File indicators; ``refused`` then says which cannot be evaluated, and why."""
        self._asked = {each.digest: each for each in asked}
        self._stream = Stream(
            ((each.digest, each.pattern) for each in self._asked.values()), bounds
        )

    def __len__(self) -> int:
        """Return how many of them can be evaluated."""
        return len(self._asked) - len(self.refused)

    @property
    def refused(self) -> Mapping[str, PatternRefused]:
        """Say which indicators cannot be evaluated, by their digests, and why."""
        return self._stream.refused

    @property
    def incomplete(self) -> Mapping[str, frozenset[str]]:
        """Say of which indicators, by their digests, something may be missing, and what took it away."""
        return self._stream.incomplete

    def parted(self) -> "tuple[Patterns, Patterns]":
        """Return those of one observation, which any event can be held against alone, and those of several."""
        some = [each for each in self._asked.values() if each.digest not in self.refused]
        several = self._stream.several
        return (
            Patterns(each for each in some if each.digest not in several),
            Patterns(each for each in some if each.digest in several),
        )

    @property
    def fingerprint(self) -> bytes:
        """Return what they are known by together."""
        said = sorted(f"{each.digest}\n{each.pattern}" for each in self._asked.values())
        return sha256("\0".join(said).encode("utf-8", "surrogateescape")).digest()

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what events complete, in their order."""
        for event in batch:
            yield from map(self._match, self._stream.feed(observation(event)))

    def end(self) -> Iterator[Match]:
        """Yield what events complete that waited for earlier ones."""
        yield from map(self._match, self._stream.end())

    def _match(self, found: Found) -> Match:
        asked, last = self._asked[found.pattern], found.last
        shown: dict[str, Value] = {}
        for path, holds in _comparisons(asked.pattern):
            for key in sorted(holds(last.objects))[: _SHOWN - len(shown)]:
                for value in values(path, last.objects, last.objects[key]):
                    if isinstance(value, str | int | float):
                        shown.setdefault(_written(path), value)
        if len(found.refs) > 1:
            shown["events"] = list(found.refs)
        return Match(
            rule=asked.id,
            giver=asked.giver,
            digest=asked.digest,
            title=asked.title,
            event=last.ref,
            at=instant(last.first),
            source=last.source,
            asset=last.asset,
            found=shown,
        )


@lru_cache(maxsize=1024)
def _comparisons(pattern: str) -> tuple[tuple[Path, Holds], ...]:
    """Return what a pattern asks for of values, each with what tells for which objects it holds."""
    plan = planned(read(pattern).expression)
    asked = dict.fromkeys(each for leaf in leaves(plan) for each in _of(leaf.compared))
    return tuple((each.path, compiled(each)) for each in asked)


def _of(compared: Compared) -> Iterator[Comparison]:
    if isinstance(compared, Comparison):
        yield compared
        return
    for part in compared.parts:
        yield from _of(part)


def _written(path: Path) -> str:
    """Write a path as patterns do."""
    written = f"{path.type}:"
    for step in path.steps:
        if isinstance(step, str):
            written += "." * (written[-1] != ":") + (step if step.isidentifier() else f"'{step}'")
        else:
            written += f"[{'*' if step is None else step}]"
    return written
