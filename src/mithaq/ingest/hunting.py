"""Hunts through files: what they hold is read as telemetry, and rules find in it what they ask for.

No node is needed: rules and logs are files, and what is found is told. Where there is one, what it holds may be looked
for too, and what is found is kept there. A file that is no telemetry is looked through by YARA rules, if there are
some.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, NamedTuple

from mithaq.detect.carried import Carried
from mithaq.detect.engine import Engine
from mithaq.detect.matches import Match
from mithaq.detect.stix.patterns import Patterns
from mithaq.detect.tallies import Matcher
from mithaq.detect.yara import TooSlow
from mithaq.errors import InputError
from mithaq.formats.telemetry import PLAIN, Kind, Passed, Refusal, Said, Sifting
from mithaq.ingest import telemetry
from mithaq.ingest.keeping import Keeper, Keeping
from mithaq.ingest.resuming import Passage, Progress
from mithaq.ingest.sifting import sifting
from mithaq.ingest.wanted import Content, Correlated, Ready, as_is, matchers
from mithaq.model.telemetry import Event

_BATCH: Final = 512  # events
_MOST_PASSED: Final = 16 << 20  # bytes that are passed over until it is told how far a hunt came
_MOST_SCANNED: Final = 256 << 20  # bytes of a file that YARA rules look through
_STOPPED: Final = "telemetry-unknown"
_REMEMBERS: Final = (Correlated, Patterns)  # what they find rests on several events


class Hit(NamedTuple):
    """What was found, and in which file."""

    match: Match
    file: str


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
    ready: Ready = as_is
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
        kept = self.keeper or self.progress or self.ready is not as_is
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
            if isinstance(self.keeper, Keeper):
                self.keeper.files += 1
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
