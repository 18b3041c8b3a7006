"""Hunts through files: what they hold is read as telemetry, and rules find in it what they ask for.

No node is needed: rules and logs are files, and what is found is told. Where there is one, what it holds may be looked
for too, and what is found is kept there. A file that is no telemetry is
looked through by YARA rules, if there are some.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from sqlalchemy import Connection

from mithaq import defence
from mithaq.clock import Clock
from mithaq.config import Config
from mithaq.defence import Recorded
from mithaq.detect import assets, sigma
from mithaq.detect.carried import Carried
from mithaq.detect.collected import Collected, Needs
from mithaq.detect.engine import Engine
from mithaq.detect.indicators import Indicators
from mithaq.detect.language import Rule, Unserved
from mithaq.detect.matches import Match
from mithaq.detect.stix.patterns import Patterns
from mithaq.detect.tallies import Matcher, rank
from mithaq.detect.veiled import Veiled
from mithaq.detect.yara import Kept, Text, TooSlow
from mithaq.errors import InputError
from mithaq.formats.telemetry import PLAIN, Kind, Passed, Refusal, Said, Sifting
from mithaq.ingest import telemetry
from mithaq.ingest.hunted import Scanner, Sought, sought, yara_texts
from mithaq.ingest.noting import Noting, noting
from mithaq.ingest.resuming import Passage, Progress
from mithaq.ingest.sifting import sifting
from mithaq.model.objects import Body
from mithaq.model.telemetry import Event
from mithaq.model.whose import Word
from mithaq.store.compiled import Compiled
from mithaq.store.engine import Store

_SIGMA: Final = frozenset({".yml", ".yaml"})  # what is read in folders
_YARA: Final = frozenset({".yar", ".yara", ".rule"})
_BATCH: Final = 512  # events
_MOST_PASSED: Final = 16 << 20  # bytes that are passed over until it is told how far a hunt came
_MOST_TEXT: Final = 64 << 20  # bytes of a file of rules
_MOST_SCANNED: Final = 256 << 20  # bytes of a file that YARA rules look through
_STOPPED: Final = "telemetry-unknown"


class NoRules(InputError):
    """There is nothing to hunt with."""

    code = "no-rules"


class NoneServed(InputError):
    """There is something to hunt with, and none of it can be evaluated."""

    code = "none-served"

    def __init__(self, unserved: Sequence[Unserved]) -> None:
        """Say how much it is."""
        super().__init__(
            f"nothing of what is to be looked for can be evaluated: {len(unserved)} have a reason",
            count=len(unserved),
        )
        self.unserved = unserved


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What to look for."""

    rules: Sequence[Rule] = ()
    correlations: Sequence[sigma.Correlation] = ()
    yara: Scanner | None = None
    indicators: Sought | None = None
    veiled: Veiled | None = None
    unserved: Sequence[Unserved] = ()
    needs: Mapping[str, Needs] = field(default_factory=dict)  # digest of a rule -> log sources

    @property
    def count(self) -> int:
        """How many rules there are that can be evaluated; one for several log sources is one."""
        alone = {each.digest for each in self.rules}
        values = self.indicators.count if self.indicators else 0
        values += len(self.veiled) if self.veiled else 0
        return len(alone) + len(self.correlations) + (len(self.yara) if self.yara else 0) + values

    @property
    def digest(self) -> str:
        """What tells one hunt's content from another's: the same finds the same."""
        made = sha256()
        for each in sorted({*self._digests()}):
            made.update(each.encode() + b"\n")
        if self.indicators:
            made.update(bytes(self.indicators.values.digests))
            made.update(self.indicators.patterns.fingerprint)
        return f"sha256:{made.hexdigest()}"

    def _digests(self) -> Iterator[str]:
        yield from (each.digest for each in self.rules)
        yield from (each.digest for each in self.correlations)
        yield from self.yara.owned if self.yara else ()


class Hit(NamedTuple):
    """What was found, and in which file."""

    match: Match
    file: str


def content(  # noqa: PLR0913 an argument for each that is looked for
    rules: Iterable[Path],
    yara: Iterable[Path],
    indicators: Iterable[Path] = (),
    level: str = "",
    held: Iterable[tuple[Word, Body]] = (),
    kept: Kept | None = None,
) -> Content:
    """Read what to look for, as ``gathered`` does.

    Raises:
        InputError: one of them is not there, or cannot be read. NoRules: there is no rule in them, none of the
            level. NoneServed: none of them can be evaluated.
    """
    made = gathered(rules, yara, indicators, level, held, kept)
    if made.count:
        return made
    if made.unserved:
        raise NoneServed(made.unserved)
    raise NoRules(
        f"no rule of the level {level} or of a graver one is in these files"
        if level
        else "no rule and no indicator is in these files"
    )


def gathered(  # noqa: PLR0913 as above
    rules: Iterable[Path] = (),
    yara: Iterable[Path] = (),
    indicators: Iterable[Path] = (),
    level: str = "",
    held: Iterable[tuple[Word, Body]] = (),
    kept: Kept | None = None,
) -> Content:
    """Read what to look for; it may be nothing.

    Args:
        rules: files of Sigma rules, and folders of them.
        yara: files of YARA rules, and folders of them.
        indicators: files of indicators in any format, and folders of them.
        level: Sigma rules of a lower one are left out, and those that say none.
        held: indicators that are at hand, with whose word they are.
        kept: keeps what YARA rules were compiled to.

    Raises:
        InputError: one of them is not there, or cannot be read.
    """
    found: list[Rule] = []
    unserved: list[Unserved] = []
    correlations: list[sigma.Correlation] = []
    needs: dict[str, Needs] = {}
    for file in _chosen(rules, _SIGMA):
        compiled = sigma.compiled(_text(file).decode("utf-8-sig", "replace"))
        found += compiled.rules
        correlations += compiled.correlations
        unserved += (_placed(each, file) for each in compiled.unserved)
        needs |= compiled.needs
    texts: list[tuple[Text, Word | None]] = []
    for file in _chosen(yara, _YARA):
        some, refused = yara_texts(_text(file), file.name)
        texts += [(each, None) for each in some]
        unserved += refused
    values = sought(((file.name, _text(file)) for file in telemetry.files(indicators)), held)
    scanner = Scanner([*texts, *values.texts], kept)
    found += values.rules
    correlations += values.correlations
    return Content(
        rules=[each for each in found if rank(each.level) >= rank(level)],
        correlations=[each for each in correlations if rank(each.level) >= rank(level)],
        yara=scanner if len(scanner) else None,
        indicators=values if values.count else None,
        unserved=[*unserved, *values.unserved, *scanner.unserved],
        needs=needs,
    )


def _placed(each: Unserved, file: Path) -> Unserved:
    """Return what cannot be looked for with its place for its name, where it has none."""
    place = f"{file.name}:{each.line}"
    return replace(each, id=each.id or place, title=each.title or place)


def _chosen(paths: Iterable[Path], ends: frozenset[str]) -> Iterator[Path]:
    """Yield files that were named, and of folders those that look like rules."""
    for path in paths:
        for file in telemetry.files([path]):
            if file == path or file.suffix.lower() in ends:
                yield file


def _text(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_TEXT + 1)
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from error
    if len(raw) > _MOST_TEXT:
        raise InputError(f"{file} is longer than a file of rules may be")
    return raw


Ready = Callable[[Engine], Matcher]


def _as_is(engine: Engine) -> Matcher:
    return engine


def matchers(content: Content, ready: Ready = _as_is) -> list[Matcher]:
    """Compile what is looked for in events; ``ready`` makes each engine what is asked."""
    made: list[Matcher] = []
    if content.rules:
        made.append(ready(Engine(content.rules)))
    if content.correlations:
        made.append(Correlated(content.correlations, ready))
    if content.indicators:
        some: tuple[Indicators | Patterns, ...] = (
            content.indicators.values,
            content.indicators.patterns,
        )
        made += [each for each in some if len(each)]
    if content.veiled:
        made.append(content.veiled)
    if content.yara:
        made.append(Carried(content.yara))
    return made


class Correlated:
    """Correlations, and the rules that they are about."""

    def __init__(self, correlations: Sequence[sigma.Correlation], ready: Ready = _as_is) -> None:
        self._correlator = sigma.Correlator(correlations)
        self.engine = ready(Engine(self._correlator.rules))

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what is completed by each event, in their order."""
        events = {event.digest: event for event in batch}
        for match in self.engine.match(batch):
            yield from self._correlator.take(match, events[match.event])


class Keeping(Protocol):
    """Takes what is found, batch by batch."""

    def begin(self, content: Content) -> None:
        """Learn what is looked for."""

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> object:
        """Take matches, and the events that they were looked for in."""


_REMEMBERS: Final = (Correlated, Patterns)  # what they find rests on several events


@dataclass(slots=True)
class Keeper:
    """Keeps what is found as hits of a node, batch by batch: who begins anew after an interruption keeps none twice.

    What the events speak of is noted too, so that what will be known one day is looked for in what is past by then.
    """

    core: Store
    clock: Clock
    noting: Noting | None = None
    past: bool = False  # what the events speak of was noted and counted before
    also: Callable[[Connection, Recorded], None] | None = None  # in the same transaction
    new: int = 0
    known: int = 0
    _collected: Collected = field(default_factory=Collected)
    _content: Content | None = None
    _day: str = ""
    _looked_for: frozenset[str] = frozenset()
    _noted: Sequence[Event] = ()  # a batch that is counted, and perhaps not kept yet

    def begin(self, content: Content) -> None:
        """Keep which rules are looked for from now on, and again each day."""
        now = self.clock()
        rules: list[Rule | sigma.Correlation] = [*content.rules, *content.correlations]
        told = f"{now:%Y-%m-%d}", frozenset(each.id for each in rules)
        if told == (self._day, self._looked_for):
            return
        with self.core.begin() as unit:
            defence.looked_for(unit, rules, content.needs, now)
        self._content = content
        self._day, self._looked_for = told

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> Sequence[Match]:
        """Keep matches, and of which machines, days and log sources there was telemetry.

        If the store is away, the same batch may be given again: it is counted once.

        Returns:
            the new matches that people see.
        """
        if self.past:
            batch = ()
        if batch is not self._noted:
            if batch and self.noting:
                self.noting.note(batch, self.clock())
            self._collected.take(batch)
            self._noted = batch
        if self._content is not None and self._day != f"{self.clock():%Y-%m-%d}":
            self.begin(self._content)
        machines = frozenset(filter(None, map(assets.of, batch)))
        days = frozenset(event.at[:10] for event in batch if event.at)
        sources = dict(self._collected.counts)
        if not (found or machines or days or sources):
            self._noted = ()
            return ()
        with self.core.begin() as unit:
            seen = defence.Watched(assets=machines, days=days, sources=sources)
            done = defence.record(unit, found, self.clock(), seen)
            if self.also:
                self.also(unit, done)
        self._collected.counts.clear()
        self._noted = ()
        self.new += done.new
        self.known += done.known
        return done.fresh


def compiled(config: Config) -> Kept:
    """Return what keeps in a node what YARA rules were compiled to."""
    return Compiled(config.compiled)


def keeper(core: Store, config: Config, clock: Clock) -> Keeper:
    """Return what keeps hits in a node, and what its settings say of telemetry."""
    return Keeper(core, clock, noting(config))


@dataclass(slots=True)
class Hunt:
    """One hunt: how far it came, and what it passed over."""

    content: Content
    as_kind: Kind | None = None
    said: Said = PLAIN
    files: int = 0
    events: int = 0
    scanned: int = 0  # files, by YARA rules
    done: int = 0  # bytes, of files as they lie there
    refused: Counter[str] = field(default_factory=Counter)  # code -> lines, records and files
    examples: dict[str, Refusal] = field(default_factory=dict)  # code -> the first
    keeper: Keeping | None = None
    progress: Progress | None = None
    ready: Ready = _as_is
    whole: bool = True  # YARA rules look through files as they lie there
    broken: list[str] = field(default_factory=list)  # files of which the rest could not be read
    _matchers: list[Matcher] = field(default_factory=list)
    _passed: int = 0  # bytes of events that were not read
    _slow: int = 0

    def __post_init__(self) -> None:
        """Compile what is looked for."""
        self._matchers = matchers(self.content, self.ready)
        self.said = replace(self.said, sifting=self._sifting())
        if self.keeper:
            self.keeper.begin(self.content)

    def _sifting(self) -> Sifting | None:
        """Return what passes over events, where nobody keeps whose events they are.

        Nor where all have to be read, nor where it is kept how far a hunt came: that is counted in batches, which would
        end elsewhere the next time.
        """
        content, values = self.content, self.content.indicators
        kept = self.keeper or self.progress or self.ready is not _as_is
        if content.veiled or content.yara or kept or (values and len(values.patterns)):
            return None
        engines = [each.engine if isinstance(each, Correlated) else each for each in self._matchers]
        some = [each for each in engines if isinstance(each, Engine)]
        return sifting(some, values.values if values else None)

    def run(self, paths: Iterable[Path]) -> Iterator[Hit | None]:
        """Yield what is found, and None after each batch that nothing more was found in.

        Raises:
            InputError: one of ``paths`` is not there.
        """
        if self.progress:
            yield from (Hit(match, file) for match, file in self.progress.found())
        for path in telemetry.files(paths):
            self.files += 1
            passed = self.progress.ended(path) if self.progress else None
            if passed is not None and not (self._stateful and passed.events):
                self._pass(path, passed)
                yield None
            else:
                yield from self._through(path)
        if self.content.indicators:
            found = list(self.content.indicators.patterns.end())
            if self.keeper:
                self.keeper.keep(found)
            yield from (Hit(match, "") for match in found)

    def _pass(self, path: Path, before: Passage) -> None:
        """Count a file that was looked through before."""
        self.done += path.stat().st_size
        self.events += before.events
        self.scanned += before.scanned
        self.refused.update(before.refused)
        self.examples = {**before.examples, **self.examples}
        self.broken += [str(path)] * before.broken

    def _through(self, path: Path) -> Iterator[Hit | None]:
        """Look through a file; what was looked through before is told to those alone that remember events."""
        before, size, number = self.done, path.stat().st_size, 0
        counted = (self.events, self.scanned, self.refused.copy())
        known = self.progress.batches(path) if self.progress else 0
        unknown: list[Refusal] = []
        for number, batch in enumerate(self._batches(path, unknown), 1):
            again = number <= known
            found = list(self._matches(batch, again=again))
            if not again:
                self._kept(path, number, found, batch)
            yield from (Hit(match, str(path)) for match in found)
            read = sum(len(event.raw) + 1 for event in batch) + self._passed
            self.done, self._passed = min(self.done + read, before + size), 0
            yield None
        self.done = before + size
        scanned = list(self._scan(path, unknown))
        yield from scanned
        if self.progress:
            hits = [match for match, _ in scanned]
            self.progress.end(path, number, self._since(path, *counted), hits)

    def _kept(self, path: Path, number: int, found: list[Match], batch: Sequence[Event]) -> None:
        if self.keeper:
            self.keeper.keep(found, batch)
        if self.progress:
            self.progress.step(path, number, found)

    def _since(self, path: Path, events: int, scanned: int, refused: Counter[str]) -> Passage:
        return Passage(
            events=self.events - events,
            scanned=self.scanned - scanned,
            refused=self.refused - refused,
            examples=self.examples,
            broken=str(path) in self.broken[-1:],
        )

    def _matches(self, batch: Sequence[Event], *, again: bool) -> Iterator[Match]:
        for matcher in self._matchers:
            if not again or isinstance(matcher, _REMEMBERS):
                yield from matcher.match(batch)
            if isinstance(matcher, Carried) and matcher.slow > self._slow:
                why = "YARA rules took longer over the fields of an event than they may"
                for _ in range(matcher.slow - self._slow):
                    self._refuse(Refusal(number=0, code=TooSlow.code, why=why, name=""))
                self._slow = matcher.slow

    @property
    def _stateful(self) -> bool:
        return any(isinstance(matcher, _REMEMBERS) for matcher in self._matchers)

    def _batches(self, path: Path, unknown: list[Refusal]) -> Iterator[list[Event]]:
        batch: list[Event] = []
        for found in telemetry.sifted(path, self.said, self.as_kind):
            if isinstance(found, Event):
                self.events += 1
                batch.append(found)
            elif isinstance(found, Passed):
                self.events += found.events
                self._passed += found.size
            elif found.code == _STOPPED:
                unknown.append(found)
            else:
                self._refuse(found)
                if not found.number and str(path) not in self.broken[-1:]:
                    self.broken.append(str(path))
            if len(batch) == _BATCH or self._passed > _MOST_PASSED:
                yield batch
                batch = []
        yield batch

    def _refuse(self, refusal: Refusal) -> None:
        self.refused[refusal.code] += 1
        self.examples.setdefault(refusal.code, refusal)

    def _scan(self, path: Path, unknown: Sequence[Refusal]) -> Iterator[Hit]:
        """Yield what YARA rules find in a file, of telemetry too: what only looks like it hides nothing."""
        if self.content.yara is None or not self.whole:
            for each in unknown:
                self._refuse(each)
            return
        try:
            raw = looked_through(path)
            self.scanned += 1
            found = list(self.content.yara.match(raw, str(path)))
            if self.keeper:
                self.keeper.keep(found)
            yield from (Hit(match, str(path)) for match in found)
        except (TooSlow, TooLarge) as why:
            self._refuse(Refusal(number=0, code=why.code, why=str(why), name=str(path)))
        except OSError as why:
            said = why.strerror or "not read"
            self._refuse(Refusal(number=0, code="telemetry-file", why=said, name=str(path)))


def looked_through(path: Path) -> bytes:
    """Return the bytes of a file that YARA rules look through.

    Raises:
        TooLarge: they are too many.
    """
    with path.open("rb") as opened:
        raw = opened.read(_MOST_SCANNED + 1)
    if len(raw) > _MOST_SCANNED:
        raise TooLarge(f"longer than {_MOST_SCANNED} bytes")
    return raw


class TooLarge(InputError):
    """A file is larger than what is scanned."""

    code = "yara-large"
