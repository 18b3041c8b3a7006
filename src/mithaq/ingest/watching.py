"""The watch: what sources give is matched, what is found is kept, told, and only then is the source told to go on.

Each batch is one transaction of the node's store: hits, and what tools of ours are to be told of. The source keeps how
far it was read after that, so whoever is killed between the two is given the batch again, and a hit that is there is
kept no second time. While the store is away nothing more is read, and each step is tried again until it is back. What
several events complete together is remembered by the process alone: after a restart it begins anew.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from mithaq import clock, defence
from mithaq.defence import Audience, Recorded
from mithaq.detect.guard import SetAside
from mithaq.detect.matches import Match
from mithaq.detect.yara import TooSlow
from mithaq.errors import InputError
from mithaq.formats.telemetry import Found, Refusal
from mithaq.ingest.hunting import looked_through
from mithaq.ingest.keeping import Keeper
from mithaq.ingest.lookout import Held, Lookout
from mithaq.ingest.patience import StoreAway, patiently
from mithaq.ingest.telemetry.source import Behind, Files, Piped, Source, Taken
from mithaq.ingest.telemetry.spool import TURNED_AWAY
from mithaq.model.telemetry import Event
from mithaq.model.whose import Word
from mithaq.store import live

_WAIT: Final = 0.5  # seconds for one source that gives nothing
_TURN: Final = 2.0  # seconds for one source that gives much: the others wait
_LOOK: Final = 3.0  # seconds between looks at what is new
_UNKNOWN: Final = "telemetry-unknown"
_REASONS: Final = 100  # of refusals that are told apart


@dataclass(slots=True, kw_only=True)
class Stream:
    """One source, and how it does."""

    text: str  # as it was named
    source: Source
    events: int = 0
    hits: int = 0  # new ones
    refused: Counter[str] = field(default_factory=Counter)
    example: Refusal | None = None
    last: str = ""  # when the newest of its events happened
    heard: float = 0.0  # when something came, by the steady clock
    heard_at: str = ""
    silent: bool = False
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)  # of refusals, by code
    behind: Behind = field(default_factory=Behind)  # when that was looked at last

    @property
    def ended(self) -> bool:
        """Say whether nothing will ever come of it any more."""
        return isinstance(self.source, Piped) and self.source.ended


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHit:
    """A hit that was not there before."""

    match: Match
    name: str  # of the file, stream or sender


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenUp:
    """Indicators that came while the watch goes on, and are looked for from now on."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FellSilent:
    """A source of which nothing comes any more; or, if ``back``, something again."""

    source: str
    back: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Hits that a sink will not be told of, for too many wait for it."""

    sink: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLost:
    """A day of the past that was damaged: it begins anew, and where what was damaged stands now."""

    day: str
    file: Path


Told: TypeAlias = NewHit | SetAside | TakenUp | FellSilent | Dropped | DayLost | StoreAway | None


@dataclass(slots=True, kw_only=True)
class Watch:
    """Sources, and what is looked for in them."""

    keeper: Keeper
    streams: Sequence[Stream]
    lookout: Lookout
    held: Held | None = None
    audiences: Sequence[Audience] = ()
    silent_seconds: float = 900.0
    began: str = ""
    dropped: Counter[str] = field(
        default_factory=Counter
    )  # hits that too many waited before, by audience
    lost: Counter[str] = field(default_factory=Counter)  # the same since the watch began
    events: int = 0
    _dropping: Mapping[str, int] = field(default_factory=dict)  # of what is being kept
    _said: set[str] = field(default_factory=set)  # digests of what was told to be set aside

    def run(self) -> Iterator[Told]:
        """Yield what happens, and None at each turn; end when every source has ended."""
        self.keeper.also = self._also
        yield from patiently(lambda: self.keeper.begin(self.lookout.rules))
        self.began = clock.text(self.keeper.clock())
        self._said = set(self.lookout.guard.aside)
        for stream in self.streams:
            stream.heard = clock.monotonic()
        wait, looked = 0.0, clock.monotonic()
        while not all(stream.ended for stream in self.streams):
            came = False
            for stream in self.streams:
                for told in self._turn(stream, wait):
                    came = True
                    yield told
            wait = 0.0 if came else _WAIT / len(self.streams)
            if clock.monotonic() - looked >= _LOOK:
                looked = clock.monotonic()
                yield from self._look()
            yield None
        yield from self._end()

    def close(self) -> None:
        """Let the sources go, and keep how they did."""
        for stream in self.streams:
            stream.source.close()
        self.report(running=False)

    # --- what comes -----------------------------------------------------------------------------------
    def _turn(self, stream: Stream, wait: float) -> Iterator[Told]:
        until = clock.monotonic() + _TURN
        for taken in stream.source.batches(wait):
            yield from self._take(stream, taken)
            yield None
            if clock.monotonic() > until:
                return

    def _take(self, stream: Stream, taken: Taken) -> Iterator[Told]:
        events: list[Event] = []
        scanned: list[Match] = []
        for one in taken.found:
            if isinstance(one, Event):
                events.append(one)
            else:
                strange = partial(self._strange, stream, one, taken.name)
                scanned += yield from patiently(strange)
        yield from self._heard(stream, taken.found)
        stream.events += len(events)
        self.events += len(events)
        stream.last = max((event.at for event in events), default="") or stream.last
        sought = self.lookout.sought(events)
        counted = yield from patiently(lambda: self.lookout.counted(sought, events))
        yield from self._kept(stream, [*scanned, *counted], events, taken.name)
        yield from patiently(lambda: stream.source.keep(taken))
        yield from self._set_aside()

    def _kept(
        self, stream: Stream, found: Sequence[Match], events: Sequence[Event], name: str
    ) -> Iterator[Told]:
        fresh = yield from patiently(lambda: self.keeper.keep(found, events))
        self.dropped.update(self._dropping)
        self.lost.update(self._dropping)
        self._dropping = {}
        stream.hits += len(fresh)
        for match in fresh:
            yield NewHit(match=match, name=name)
        lost = self.keeper.noting.lost if self.keeper.noting else []
        while lost:
            day, file = lost.pop(0)
            yield DayLost(day=day, file=file)

    def _also(self, unit: Connection, done: Recorded) -> None:
        self._dropping = defence.tell(unit, self.audiences, done.fresh, self.lookout.ours)

    def _strange(self, stream: Stream, refusal: Refusal, name: str) -> list[Match]:
        """Count what is no event; a file that is no telemetry is looked through by YARA rules, if there are some.

        Only a file that was followed is opened: what a sender says of itself, and what members of archives are called,
        is an outsider's to write.
        """
        where = refusal.name or name
        followed = isinstance(stream.source, Files) and where == name
        if followed and refusal.code == _UNKNOWN and self.lookout.scans:
            try:
                found = self.lookout.scan(looked_through(Path(where)), where)
            except (TooSlow, InputError) as why:
                refusal = Refusal(number=0, code=why.code, why=str(why), name=where)
            except OSError as why:
                said = why.strerror or "not read"
                refusal = Refusal(number=0, code="telemetry-file", why=said, name=where)
            else:
                self.keeper.files += 1
                return found
        count = refusal.number if refusal.code == TURNED_AWAY else 1
        stream.refused[refusal.code] += count
        known = (refusal.code, refusal.why)
        if known in stream.reasons or len(stream.reasons) < _REASONS:
            stream.reasons[known] += count
        stream.example = stream.example or refusal
        return []

    def _heard(self, stream: Stream, found: Sequence[Found]) -> Iterator[Told]:
        if found:
            stream.heard, stream.heard_at = clock.monotonic(), clock.text(self.keeper.clock())
            if stream.silent:
                stream.silent = False
                yield FellSilent(source=stream.text, back=True)

    def _end(self) -> Iterator[Told]:
        stream = self.streams[0]
        sought = self.lookout.end()
        counted = yield from patiently(lambda: self.lookout.counted(sought))
        yield from self._kept(stream, counted, (), "")
        yield from self._set_aside()

    # --- what is new ----------------------------------------------------------------------------------
    def _look(self) -> Iterator[Told]:
        if count := (yield from patiently(self.lookout.renew)):
            yield from patiently(lambda: self.keeper.begin(self.lookout.rules))
            yield TakenUp(count=count)
        for sink, dropped in self.dropped.items():
            yield Dropped(sink=sink, count=dropped)
        self.dropped.clear()
        self._said &= self.lookout.guard.aside.keys()
        now = clock.monotonic()
        quiet = [
            stream
            for stream in self.streams
            if now - stream.heard > self.silent_seconds and not (stream.silent or stream.ended)
        ]
        for stream in quiet:
            stream.silent = True
        self.report()
        for stream in quiet:
            yield FellSilent(source=stream.text)

    def _set_aside(self) -> Iterator[Told]:
        """Keep what the guard set aside just now."""
        fresh = [
            each for each in self.lookout.guard.aside.values() if each.digest not in self._said
        ]
        if not fresh:
            return
        yield from patiently(lambda: self._keep_aside(fresh))
        self._said |= {each.digest for each in fresh}
        yield from fresh

    def _keep_aside(self, fresh: Sequence[SetAside]) -> None:
        held = {Word(each.rule, each.giver) for each in fresh if each.giver}
        with self.keeper.core.begin() as unit:
            versions = self.held.in_force(unit, held) if self.held and held else {}
            for each in fresh:
                version = versions.get(Word(each.rule, each.giver), "")
                defence.set_aside(unit, each, version, self.keeper.clock())

    def report(self, *, running: bool = True) -> None:
        """Keep how each source does, for whoever asks from another terminal."""
        at = clock.text(self.keeper.clock())
        for stream in self.streams:
            stream.behind = stream.source.behind() if running else stream.behind
        with suppress(OSError, DBAPIError), self.keeper.core.begin() as unit:
            for stream in self.streams:
                live.put_state(unit, stream.text, at, self._facts(stream, running=running))

    def _facts(self, stream: Stream, *, running: bool) -> dict[str, object]:
        example = stream.example
        return {
            "running": running,
            "since": self.began,
            "events": stream.events,
            "hits": stream.hits,
            "last": stream.last,
            "heard": stream.heard_at,
            "silent": stream.silent,
            "behind": stream.behind.size,
            "waiting": stream.behind.chunks,
            "waiting_since": _when(stream.behind.since),
            "away": stream.behind.away,
            "refused": dict(stream.refused),
            "reasons": [[*why, count] for why, count in stream.reasons.most_common()],
            "dropped": dict(self.lost),
            "example": f"{example.name}:{example.number}: {example.why}" if example else "",
            "rules": self.lookout.count,
            "trouble": self.lookout.trouble,
        }


def _when(since: float) -> str:
    return clock.text(datetime.fromtimestamp(since, UTC)) if since else ""
