"""Hunting with a kit, on a machine that has no node: what it found is counted, and nothing else of it is kept."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from mithaq.clock import text
from mithaq.defence.kits import Kit, Line, Result, Row
from mithaq.detect import fields
from mithaq.detect.matches import Match
from mithaq.detect.tallies import Tally
from mithaq.detect.veiled import Hidden, Veiled
from mithaq.ingest.hunting import Hunt
from mithaq.ingest.wanted import Content, content
from mithaq.model.objects import Body
from mithaq.model.telemetry import Event, LogSource
from mithaq.model.whose import Word

_PRODUCTS: Final = frozenset(
    (
        "windows",
        "linux",
        "macos",
        "zeek",
        "suricata",
        "aws",
        "azure",
        "gcp",
        "okta",
        "m365",
        "github",
    )
)
# What else a log source may be called in a result. Logs name their own sources, and may put a name of a machine there.
_WORDS: Final = frozenset(fields.TABLES) | {
    *(
        "auditd",
        "syslog",
        "webserver",
        "proxy",
        "dns",
        "netflow",
        "passive-dns",
        "cloudtrail",
        "file",
    ),
}
_OTHER: Final = "other"
_MOST: Final = 999_999_999
_BEFORE: Final = timedelta(days=3600)


@dataclass(slots=True)
class Counting:
    """Counts what a hunt finds, by line of the kit and day."""

    days: tuple[
        str, str
    ]  # the first and the last that count; a clock that is wrong by years says none
    sources: Counter[str] = field(default_factory=Counter)
    rows: dict[tuple[int, str], list[str | int]] = field(default_factory=dict)  # count, first, last
    _seen: Tally = field(default_factory=Tally)

    def begin(self, content: Content) -> None:
        """Learn what is looked for: the kit knows that."""

    def keep(self, found: Sequence[Match], batch: Sequence[Event] = ()) -> None:
        """Count matches, each once, and events by log source."""
        self.sources.update(_place(event.source) for event in batch)
        for match in found:
            if self._seen.add(match):
                self._add(match)

    def _add(self, match: Match) -> None:
        line = int(match.rule)
        at = match.at if self.days[0] <= match.at[:10] <= self.days[1] else ""
        row = self.rows.setdefault((line, at[:10]), [0, at, at])
        count, first, last = row
        row[:] = [int(count) + 1, min(str(first), at), max(str(last), at)]

    def result(self) -> list[Row]:
        """Return what was found, by line and day."""
        return [
            Row(
                line=line,
                day=day,
                count=min(int(count), _MOST),
                first=str(first) or None,
                last=str(last) or None,
            )
            for (line, day), (count, first, last) in sorted(self.rows.items())
        ]


def _place(source: LogSource) -> str:
    """Return a log source in known words alone."""
    said = [
        word if word in known else _OTHER
        for word, known in zip(source, (_PRODUCTS, _WORDS, _WORDS), strict=True)
        if word
    ]
    return "/".join(dict.fromkeys(said)) or _OTHER


@dataclass(slots=True)
class KitHunt:
    """One hunt with a kit."""

    kit: Kit
    run: Hunt
    counting: Counting

    def follow(self, logs: Iterable[Path]) -> Iterator[None]:
        """Go on, batch by batch.

        Raises:
            InputError: one of ``logs`` is not there.
        """
        for hit in self.run.run(logs):
            if hit is None:
                yield

    def result(self, now: datetime, site: int = 0) -> Result:
        """Return what would be sent."""
        return Result(
            kit=self.kit.digest,
            site=site,
            at=text(now),
            mithaq=_ours(),
            events=self.run.events,
            refused=self.run.refused.total(),
            left=len(self.run.content.unserved),
            sources=dict(self.counting.sources),
            rows=self.counting.result(),
        )


def _ours() -> str:
    try:
        return version("mithaq")
    except PackageNotFoundError:  # run from one file
        return "0"


def begun(kit: Kit, now: datetime) -> KitHunt:
    """Compile a kit that was verified; what its lines find is told under their numbers."""
    held = [(Word(str(each.number)), _body(each)) for each in kit.lines if each.kind != "veiled"]
    hidden = [
        Hidden(value, str(each.number), each.title) for each in kit.lines for value in each.values
    ]
    made = content((), (), held=held) if held else Content()
    if hidden:
        made = replace(made, veiled=Veiled(kit.manifest.veil, hidden))
    counting = Counting(days=(text(now - _BEFORE)[:10], text(now)[:10]))
    return KitHunt(kit=kit, run=Hunt(made, keeper=counting), counting=counting)


def _body(line: Line) -> Body:
    return {
        "type": "indicator",
        "name": line.title,
        "pattern": line.text,
        "pattern_type": line.kind,
    }
