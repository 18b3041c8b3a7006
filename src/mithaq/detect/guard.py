"""The guard: a rule that would drown analysts, or eat the machine, is set aside, said and counted.

Rules come from outside too. One that matches more of a window of events than it may, or takes more time than it may, is
not tried again until the guard is made anew. What it found before stands. Windows are counted in events, so by rate the
same is set aside whatever the batches; time is the machine's, and ends only what would otherwise go on.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mithaq.detect.closures import Seen
from mithaq.detect.engine import Engine
from mithaq.detect.matches import Match
from mithaq.model.telemetry import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a rule may do."""

    window: int = 10_000  # events
    most: int = 1_000  # matches of one rule in a window
    seconds: float = 5.0  # spent on one rule in a window


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A rule that is no longer tried, and why."""

    rule: str
    digest: str
    title: str
    code: str  # rule-rate | rule-time
    after: int  # events seen until then


class Guard:
    """An engine of which rules are set aside that do more than they may."""

    def __init__(
        self, engine: Engine, timer: Callable[[], float], limits: Limits | None = None
    ) -> None:
        self.set_aside: dict[int, SetAside] = {}
        self.seen = 0  # events
        self._engine = engine
        self._timer = timer
        self._limits = limits or Limits()
        self._matched: Counter[int] = Counter()
        self._spent: Counter[int] = Counter()  # nanoseconds, so that they add up exactly

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what the rules that are left find in events."""
        for event in batch:
            if self.seen % self._limits.window == 0:
                self._matched.clear()
                self._spent.clear()
            self.seen += 1
            yield from self._try(event)

    def _try(self, event: Event) -> Iterator[Match]:
        seen = Seen(event)
        found: set[str] = set()
        for number in self._engine.candidates(seen):
            if number in self.set_aside:
                continue
            begin = self._timer()
            match = self._engine.tried(number, seen)
            self._spent[number] += round((self._timer() - begin) * 1e9)
            self._matched[number] += match is not None
            self._judge(number)
            if match is not None and match.digest not in found:
                found.add(match.digest)
                yield match

    def _judge(self, number: int) -> None:
        if self._matched[number] > self._limits.most:
            code = "rule-rate"
        elif self._spent[number] > self._limits.seconds * 1e9:
            code = "rule-time"
        else:
            return
        rule = self._engine.rules[number]
        self.set_aside[number] = SetAside(
            rule=rule.id, digest=rule.digest, title=rule.title, code=code, after=self.seen
        )
