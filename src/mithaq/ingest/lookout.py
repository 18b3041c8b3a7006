"""All that is looked for while telemetry is watched, and how what is new is taken up without a stop.

What is held at the beginning is one layer, what comes later is another on top: a million indicators are not compiled
again for one more. Layers are made beside the watch and put in when they are ready; of many, one is made again. What
an indicator finds counts only while the node holds it, its newest version says so and it is in force: that is asked
when it has found something, so what is revoked, recalled or over finds nothing from that moment on.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from threading import Thread
from typing import Final, TypeAlias

from sqlalchemy import Connection

from mithaq import defence
from mithaq.border import people
from mithaq.border.us import Us
from mithaq.clock import Clock
from mithaq.detect.guard import Guard, SetAside
from mithaq.detect.language import Unserved
from mithaq.detect.matches import Match
from mithaq.detect.stix.patterns import Patterns
from mithaq.detect.tallies import Matcher
from mithaq.detect.yara import Kept, TooSlow
from mithaq.ingest.hunted import Scanner
from mithaq.ingest.wanted import Content, gathered, matchers
from mithaq.model.objects import Body
from mithaq.model.telemetry import Event
from mithaq.model.whose import Word
from mithaq.store import live
from mithaq.store.engine import Store

Sought: TypeAlias = tuple[list[Match], list[Match]]  # of rules of files, and of what is held

_MOST_LAYERS: Final = 8
_MOST_ON_TOP: Final = 50_000  # indicators that came since the first layer was made


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The indicators of a node, for one person: what they may read now, not when the watch began."""

    core: Store
    us: Us
    who: str
    clock: Clock
    kept: Kept | None = None  # keeps what YARA rules were compiled to

    def newest(self, unit: Connection) -> int:
        """Return the number of what came last."""
        return defence.newest(unit)

    def some(self, unit: Connection, since: int) -> Iterator[tuple[Word, Body]]:
        """Yield the indicators of which something came since; 0: all."""
        actor = people.named(unit, self.who)
        return defence.held(unit, self.us, actor, self.clock(), since=since)

    def in_force(self, unit: Connection, words: Collection[Word]) -> dict[Word, str]:
        """Return those of some that count now, each with its version."""
        actor = people.named(unit, self.who)
        return defence.in_force(unit, self.us, actor, words, self.clock())


@dataclass(slots=True, kw_only=True)
class _Layer:
    """What was compiled at once."""

    matchers: list[Matcher]
    scanner: Scanner | None
    count: int
    unserved: Sequence[Unserved]
    patterns: Patterns | None
    rules: Content  # the rules alone
    words: frozenset[Word] = frozenset()  # that came later than other layers
    whole: bool = False  # all that the node holds


class Lookout:
    """What is looked for."""

    def __init__(self, own: Content, held: Held | None, guard: Guard) -> None:
        """Compile rules and indicators of files, and what a node holds."""
        self.guard = guard
        self.trouble = ""  # why what is new could not be taken up
        self.taken_up = 0  # indicators that came while it watched
        self._own = _layer(own, guard)
        ours = {each.digest for each in own.rules} | {each.digest for each in own.correlations}
        self.ours = frozenset(ours | (own.yara.digests if own.yara else set()))
        self._held, self._position = held, 0
        self._layers: list[_Layer] = []
        self._counts: dict[Word, bool] = {}  # indicators that found something lately
        self._building: Thread | None = None
        self._built: tuple[int, _Layer] | None = None
        if held is not None:
            self._build(None)
            self._swap()
            self._renewed(held)
            self._let_back(held)

    @property
    def count(self) -> int:
        """How many rules and indicators are looked for."""
        return self._own.count + sum(layer.count for layer in self._layers)

    @property
    def rules(self) -> Content:
        """The rules that are looked for now, without anything else."""
        some = [layer.rules for layer in self._all()]
        return Content(
            rules=[rule for each in some for rule in each.rules],
            correlations=[one for each in some for one in each.correlations],
            needs={digest: needs for each in some for digest, needs in each.needs.items()},
            named=[one for each in some for one in each.named],
        )

    @property
    def unserved(self) -> list[Unserved]:
        """What cannot be looked for, and why."""
        return [each for layer in self._all() for each in layer.unserved]

    def _all(self) -> Iterator[_Layer]:
        yield self._own
        yield from self._layers

    # --- matching -------------------------------------------------------------------------------------
    def match(self, batch: Sequence[Event]) -> list[Match]:
        """Return what is found in events, in their order."""
        return self.counted(self.sought(batch), batch)

    def sought(self, batch: Sequence[Event]) -> Sought:
        """Look once through events, which needs no store; what of it counts says ``counted``."""
        found = [match for matcher in self._own.matchers for match in matcher.match(batch)]
        held: list[Match] = []
        for number, layer in enumerate(self._layers):
            some = (match for matcher in layer.matchers for match in matcher.match(batch))
            held += self._not_later(number, some)
        return found, held

    def counted(self, some: Sought, batch: Sequence[Event] = ()) -> list[Match]:
        """Return what counts of what was found; if the store is away, it may be asked again."""
        found, held = some
        return self.guard.passed([*found, *self._in_force(held)], batch)

    def scan(self, content: bytes, name: str) -> list[Match]:
        """Return what YARA rules find in the bytes of a file.

        Raises:
            TooSlow: it takes too long; the others were tried.
        """
        found: list[Match] = []
        slow: TooSlow | None = None
        for number, layer in enumerate((self._own, *self._layers), -1):
            if layer.scanner is None:
                continue
            try:
                some = list(layer.scanner.match(content, name))
            except TooSlow as why:
                slow = why
            else:
                found += some if number < 0 else self._in_force([*self._not_later(number, some)])
        if slow is not None and not found:
            raise slow
        return self.guard.passed(found, [])

    @property
    def scans(self) -> bool:
        """Say whether there are YARA rules."""
        return any(layer.scanner is not None for layer in self._all())

    def end(self) -> Sought:
        """End patterns of several events that waited for earlier ones, once; what counts says ``counted``."""
        found = [*self._own.patterns.end()] if self._own.patterns else []
        held: list[Match] = []
        for number, layer in enumerate(self._layers):
            some = [*layer.patterns.end()] if layer.patterns else []
            held += self._not_later(number, some)
        return found, held

    def _not_later(self, number: int, some: "Iterator[Match] | list[Match]") -> Iterator[Match]:
        """Yield what is not of an indicator of which a later layer has a newer version."""
        later = [layer.words for layer in self._layers[number + 1 :]]
        for match in some:
            if not any(match.word in words for words in later):
                yield match

    def _in_force(self, some: Sequence[Match]) -> list[Match]:
        unknown = {match.word for match in some} - self._counts.keys()
        if unknown and self._held is not None:
            with self._held.core.read() as unit:
                now = self._held.in_force(unit, unknown)
            self._counts |= {word: word in now for word in unknown}
        return [match for match in some if self._counts[match.word]]

    # --- what is new ----------------------------------------------------------------------------------
    def renew(self) -> int:
        """Take up what came since, as far as it is ready, and what was set aside or let back; return how many came.

        It takes a moment; what takes longer is done beside.
        """
        self._counts.clear()
        if self._held is None:
            return 0
        self._let_back(self._held)
        if self._building is not None:
            if self._building.is_alive():
                return 0
            done = self._swap()
            self._building = None
            return done
        with self._held.core.read() as unit:
            there = self._held.newest(unit)
        if there > self._position:
            on_top = sum(layer.count for layer in self._layers if not layer.whole)
            many = len(self._layers) >= _MOST_LAYERS or on_top > _MOST_ON_TOP
            since = None if many else self._position
            self._building = Thread(
                target=self._build, args=(since,), name="mithaq-lookout", daemon=True
            )
            self._building.start()
        return 0

    def _build(self, since: int | None) -> None:
        """Compile all that is held, or, as a layer on top, that of which something came since."""
        held = self._held
        assert held is not None  # noqa: S101 who asks has looked
        first = not self._layers
        words: set[Word] = set()
        try:
            with held.core.read() as unit:
                last, some = held.newest(unit), held.some(unit, since or 0)
                noted = some if since is None else _noted(some, words)
                layer = _layer(gathered(held=noted, kept=held.kept), self.guard)
        except Exception as why:  # the watch goes on with what it has, and says so
            if first:
                raise
            self.trouble = str(why) or type(why).__name__
            return
        layer.whole = since is None
        layer.words = frozenset(words)
        self.trouble = ""
        self._built = last, layer

    def _swap(self) -> int:
        """Put in what is ready; return how many indicators came."""
        if self._built is None:
            return 0
        position, layer = self._built
        if self._held is not None and not layer.whole:
            self._renewed(self._held)
        self._position, self._built = position, None
        if layer.whole:
            self._layers = [layer]
            return 0
        self._layers = [*self._layers, layer]
        self.taken_up += len(layer.words)
        return len(layer.words)

    def _renewed(self, held: Held) -> None:
        """Let back what is set aside of indicators that have another version now."""
        with held.core.read() as unit:
            named = {each.word for each in live.asides(unit) if each.version}
            versions = held.in_force(unit, named) if named else {}
        if versions:
            with held.core.begin() as unit:
                defence.renewed(unit, versions, held.clock())

    def _let_back(self, held: Held) -> None:
        """Follow what is set aside, also by another watch, and what people let back."""
        with held.core.read() as unit:
            standing = {each.digest: each for each in live.asides(unit)}
        for digest in self.guard.aside.keys() - standing.keys():
            self.guard.let_back(digest)
        for digest, each in standing.items():
            self.guard.aside.setdefault(
                digest,
                SetAside(
                    **each.word._asdict(),
                    digest=digest,
                    title=each.title,
                    code=each.code,
                    after=each.after,
                ),
            )


def _noted(some: Iterator[tuple[Word, Body]], words: set[Word]) -> Iterator[tuple[Word, Body]]:
    for word, body in some:
        words.add(word)
        yield word, body


def _layer(content: Content, guard: Guard) -> _Layer:
    return _Layer(
        matchers=matchers(content, guard.timed),
        scanner=content.yara,
        count=content.count,
        unserved=content.unserved,
        patterns=content.indicators.patterns if content.indicators else None,
        rules=Content(
            rules=content.rules,
            correlations=content.correlations,
            needs=content.needs,
            named=content.named,
        ),
    )
