"""The guard: what would drown analysts, or eat the machine, is set aside, said and counted.

Rules and indicators come from outside. One that matches more of a window of events than it may is shown no more until
somebody lets it back, but is still found: whoever asks for a name a thousand times must not hide who else does. Of it
one match counts for each machine, log source and hour. One that takes more time than it may finds nothing more. What
was found before stands. Windows are counted in events, so by rate the same is set aside whatever the batches; time is
the machine's, and ends only what would otherwise go on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from mithaq.detect.closures import Seen
from mithaq.detect.engine import Engine
from mithaq.detect.language import Rule
from mithaq.detect.matches import Match
from mithaq.detect.tallies import Matcher
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.whose import Word

RATE, TIME = "rule-rate", "rule-time"
_MACHINES: Final = 1_000  # of one hour, that still count for what is set aside by its rate
_REMEMBERED: Final = 100_000  # of them all


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rule or an indicator may do."""

    window: int = 10_000  # events
    most: int = 1_000  # matches of one in a window
    seconds: float = 5.0  # spent on one rule in a window


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """What is no longer shown, or no longer tried, and why."""

    rule: str
    giver: str = ""  # as ``model.whose.Word``
    digest: str
    title: str
    code: str  # RATE | TIME
    after: int  # events seen until then


class Guard:
    """Watches over what is found, by whatever it is found: of one guard the windows are the same for all matchers."""

    def __init__(self, timer: Callable[[], float], limits: Limits | None = None) -> None:
        """Take a clock that gives seconds, and what each may do."""
        self.aside: dict[str, SetAside] = {}  # by digest
        self.seen = 0  # events
        self._timer = timer
        self._limits = limits or Limits()
        self._matched: Counter[str] = Counter()
        self._spent: Counter[str] = Counter()  # nanoseconds, so that they add up exactly
        self._window = 0
        self._counting: dict[tuple[str, str], set[tuple[LogSource, str]]] = {}
        self._remembered = 0

    def timed(self, engine: Engine) -> Matcher:
        """Return an engine of which no rule is tried that took too long, and on which time is kept."""
        return _Timed(self, engine)

    def passed(self, found: Sequence[Match], batch: Sequence[Event]) -> list[Match]:
        """Return what of the matches of a batch counts, in the order of its events; count its events."""
        at: dict[str, int] = {}
        if found:
            for number, event in enumerate(batch):
                at.setdefault(event.digest, number)
        ordered = sorted(found, key=lambda match: at.get(match.event, 0))
        told = [
            one
            for match in ordered
            if (one := self._counted(match, at.get(match.event, 0))) is not None
        ]
        self.seen += len(batch)
        self._turn(self.seen)
        return told

    def _counted(self, match: Match, number: int) -> Match | None:
        self._turn(self.seen + number)
        known = self.aside.get(match.digest)
        if known is not None and known.code == RATE:  # one that took too long is not tried at all
            return self._quietly(match)
        self._matched[match.digest] += 1
        if self._matched[match.digest] > self._limits.most:
            self._put(match.word, match.digest, match.title, RATE, self.seen + number + 1)
        return match

    def _quietly(self, match: Match) -> Match | None:
        if self._remembered >= _REMEMBERED:
            self._counting.clear()
            self._remembered = 0
        machines = self._counting.setdefault((match.digest, match.at[:13]), set())
        one = match.source, match.asset
        if one in machines or len(machines) >= _MACHINES:
            return None
        machines.add(one)
        self._remembered += 1
        return replace(match, quiet=True)

    def _turn(self, position: int) -> None:
        """Begin a window anew where one ends."""
        window = position // self._limits.window
        if window > self._window:
            self._window = window
            self._matched.clear()
            self._spent.clear()

    def let_back(self, digest: str) -> None:
        """Let find again what was set aside, as if nothing had been found in this window."""
        self.aside.pop(digest, None)
        del self._matched[digest], self._spent[digest]

    def took(self, rule: Rule, seconds: float) -> None:
        """Count what one attempt took."""
        self._spent[rule.digest] += round(seconds * 1e9)
        if self._spent[rule.digest] > self._limits.seconds * 1e9:
            self._put(Word(rule.id, rule.giver), rule.digest, rule.title, TIME, self.seen)

    def too_slow(self, digest: str) -> bool:
        """Say whether a rule is no longer tried."""
        known = self.aside.get(digest)
        return known is not None and known.code == TIME

    def time(self) -> float:
        """Return what its clock says."""
        return self._timer()

    def _put(self, word: Word, digest: str, title: str, code: str, after: int) -> None:
        self.aside[digest] = SetAside(
            **word._asdict(), digest=digest, title=title, code=code, after=after
        )


class _Timed:
    """An engine under a guard."""

    def __init__(self, guard: Guard, engine: Engine) -> None:
        self._guard, self._engine = guard, engine

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        for event in batch:
            seen = Seen(event)
            if candidates := self._engine.candidates(seen):
                yield from self._try(candidates, seen)

    def _try(self, candidates: Sequence[int], seen: Seen) -> Iterator[Match]:
        guard, engine = self._guard, self._engine
        found: set[str] = set()
        for number in candidates:
            rule = engine.rules[number]
            if guard.too_slow(rule.digest):
                continue
            begin = guard.time()
            match = engine.tried(number, seen)
            guard.took(rule, guard.time() - begin)
            if match is not None and match.digest not in found:
                found.add(match.digest)
                yield match
