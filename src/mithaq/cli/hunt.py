"""Hunting through files of logs: what rules find in them is told; a node is not needed, and keeps it only if asked."""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from mithaq import samples
from mithaq.cli.back import Looking, meant
from mithaq.cli.columns import Columns, said_of
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, NoEvents, NoFile, desk_of
from mithaq.cli.exits import FOUND, INTERRUPTED
from mithaq.cli.found import told_fields
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, one_of
from mithaq.cli.problems import in_words
from mithaq.cli.screen import Screen, Tick
from mithaq.detect.tallies import LEVELS, Group, Tally
from mithaq.errors import InputError
from mithaq.formats.telemetry import KINDS, kind
from mithaq.garbage import collect_seldom
from mithaq.ingest.telemetry import files
from mithaq.languages import plain

if TYPE_CHECKING:
    from mithaq.detect.language import Unserved
    from mithaq.detect.matches import Match
    from mithaq.formats.telemetry import Refusal
    from mithaq.ingest.hunting import Hit, Hunt
    from mithaq.ingest.resuming import Progress
    from mithaq.model.objects import Body
    from mithaq.model.whose import Word
    from mithaq.node import Node

app = topic()
_PACE = 10_000  # indicators between two signs of progress

_KINDS = tuple(known.name for known in KINDS)
_SHOWN = 1000  # hits in a table
_REASONS = 4
_COLUMNS = ("severity", "title", "count", "hit_first", "found")
_EACH = ("at", "severity", "title", "found")
_WHOLE = ("at", "severity", "title", "rule", "log_source", "found", "file", "event", "id")
_OURS = "hunt-rules.yml"


class NothingHeld(InputError):
    """The node holds nothing to hunt for."""

    code = "nothing-held"


Paths = Annotated[list[Path] | None, typer.Option(metavar="FILE|FOLDER")]


@app.command("hunt", cls=Command)
def hunt(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    logs: Annotated[list[Path] | None, typer.Argument(metavar="LOG|FOLDER…")] = None,
    *,
    back: Annotated[str, typer.Option(metavar="TIME|DAY", callback=meant)] = "",
    rules: Paths = None,
    indicators: Paths = None,
    yara: Paths = None,
    level: Annotated[str, typer.Option(metavar="LEVEL", callback=one_of(LEVELS))] = "",
    format_: Annotated[str, typer.Option("--format", metavar="KIND", callback=one_of(_KINDS))] = "",
    column: Columns = None,
    each: Flag = False,
    csv_: Annotated[Path | None, typer.Option("--csv", metavar="FILE")] = None,
    unserved: Flag = False,
    held: Flag = False,
    resume: Annotated[Path | None, typer.Option("--resume", metavar="FILE")] = None,
) -> None:
    """Look for what rules describe in files of logs; exit with 1 if something is found, 2 if nothing was read."""
    from mithaq.ingest import hunting, keeping, wanted  # noqa: PLC0415 what compiles rules is heavy

    collect_seldom()

    desk, said = desk_of(ctx), said_of(column)
    named = [*(rules or ()), *(indicators or ()), *(yara or ())]
    _there((*named, *(logs or ())))
    if bool(back) == bool(logs):
        raise BadUsage("back-or-logs")
    held = held or bool(back and not named)
    ours = [] if named or held else [samples.path(_OURS)]
    with ExitStack() as until:
        until.enter_context(_reasons(desk.screen))
        node = until.enter_context(desk.node()) if held or back else None
        reading = _reading(desk, node, held=held)
        with desk.screen.progress("progress.rules") as tick, reading as some:
            told = _ticked(some, tick)
            kept = wanted.compiled(node.config) if node else None
            content = wanted.content(rules or ours, yara or [], indicators or [], level, told, kept)
        keeper = keeping.keeper(node.core, node.config, node.clock) if node else None
        as_kind = kind(format_) if format_ else None
        way = "".join((content.digest, format_, *sorted(column or ())))
        way += f"\0back {back}" if back else ""
        progress = _progress(logs or (), way, node, resume)
        run = hunting.Hunt(content, as_kind=as_kind, said=said, keeper=keeper, progress=progress)
        if progress:
            progress.begin()
            until.callback(progress.close)
        table = until.enter_context(_written(csv_, anew=resume is not None))
        report = _Report(desk.screen, each=each, table=table)
        if back and keeper:
            whole = _look_back(report, Looking(run, keeper, back), run)
        else:
            size = sum(file.stat().st_size for file in files(logs or ()))
            whole = report.follow(run.run(logs or ()), lambda: (run.done, size))
        if progress and whole:
            progress.finish()
    idle = whole and not (back or run.events or run.scanned or report.tally.count)
    report.show(run, idle=idle)
    if keeper and not desk.screen.as_json:
        desk.screen.note("say.hunt-kept", new=keeper.new, known=keeper.known)
        for day, file in keeper.noting.lost if keeper.noting else ():
            desk.screen.note("say.past-lost", day=day, name=file)
    if ours:
        desk.screen.note("say.hunt-ours")
    _summary(desk, run, unserved=unserved)
    if not whole:
        desk.screen.note("say.hunt-resume" if progress else "say.hunt-stopped")
    _end(report, whole=whole, idle=idle)


def _end(report: "_Report", *, whole: bool, idle: bool) -> None:
    """End with what a hunt came to.

    Raises:
        NoEvents: it had nothing to search.
    """
    if idle:
        raise NoEvents("no event was read from these files, so nothing was searched")
    if not whole:
        raise typer.Exit(INTERRUPTED)
    if report.tally.count:
        raise typer.Exit(FOUND)


def _there(paths: Iterable[Path]) -> None:
    """Raise NoFile if one of the paths is not there."""
    if missing := next((path for path in paths if not path.exists()), None):
        raise NoFile(f"cannot read {missing}: no such file or folder", file=str(missing))


def _look_back(report: "_Report", look: Looking, run: "Hunt") -> bool:
    whole = report.follow(look.found(), look.progress)
    run.broken += look.lost
    if report.screen.as_json:
        return whole
    if look.blind:
        report.screen.note(look.blind)
    for each in run.broken[:_SHOWN]:
        report.screen.note("say.hunt-damaged", name=each)
    return whole


@contextmanager
def _reading(
    desk: Desk, node: "Node | None", *, held: bool
) -> Iterator[Iterator[tuple["Word", "Body"]]]:
    """Read the indicators that the node holds, where they are wanted, as far as the actor may read them.

    Raises:
        Forbidden: the actor may not make hits. NothingHeld: there are none, and nothing else is looked for.
    """
    if node is None:
        yield iter(())
        return
    from mithaq import defence  # noqa: PLC0415 heavy, as above
    from mithaq.auth.actors import Permission  # noqa: PLC0415 as above
    from mithaq.ingest.wanted import NoRules  # noqa: PLC0415 as above

    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        try:
            yield defence.held(unit, node.us, actor, node.clock()) if held else iter(())
        except NoRules as error:
            raise NothingHeld("the node holds no indicator that you may read") from error


@contextmanager
def _reasons(screen: Screen) -> Iterator[None]:
    """List why what is looked for cannot be evaluated, if none of it can."""
    from mithaq.ingest.wanted import NoneServed  # noqa: PLC0415 heavy, as above

    try:
        yield
    except NoneServed as none:
        if not screen.as_json:
            _list_unserved(screen, none.unserved)
        raise


def _ticked(some: Iterator[tuple["Word", "Body"]], tick: Tick) -> Iterator[tuple["Word", "Body"]]:
    for number, each in enumerate(some):
        if number % _PACE == 0:
            tick(number, 0)
        yield each


def _progress(
    logs: Sequence[Path], content: str, node: "Node | None", resume: Path | None
) -> "Progress | None":
    """Return where it is kept how far the hunt came: in the file that is named, or in the home of the node."""
    from mithaq.ingest.resuming import Progress  # noqa: PLC0415 heavy, as above

    if resume is not None:
        return Progress(resume, content)
    if node is None:
        return None
    names = "\0".join([content, *(str(each.absolute()) for each in logs)])
    folder = node.config.home / "core" / "hunts"
    folder.mkdir(mode=0o700, exist_ok=True)
    return Progress(folder / f"{sha256(names.encode()).hexdigest()[:32]}.jsonl", content)


@contextmanager
def _written(path: Path | None, *, anew: bool) -> Iterator["_Csv | None"]:
    """Open a file for all hits: a new one, or that of the hunt that goes on, written anew.

    Raises:
        NoFile: it is there already, or cannot be written.
    """
    if path is None:
        yield None
        return
    try:
        with path.open("w" if anew else "x", encoding="utf-8", newline="") as file:
            yield _Csv(file)
    except OSError as error:
        raise NoFile(f"cannot write {path}: {error.strerror}", file=str(path)) from error


class _Csv:
    """A table of hits for other programs."""

    def __init__(self, file: IO[str]) -> None:
        self._rows = csv.writer(file)
        self._rows.writerow(_WHOLE)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one hit; what a spreadsheet would take for a formula is made plain text."""
        cells = (row[name] for name in _WHOLE)
        texts = (json.dumps(c, ensure_ascii=False) if isinstance(c, dict) else c for c in cells)
        self._rows.writerow(
            [f"'{text}" if text[:1] in tuple("=+-@\t\r") else text for text in texts]
        )


@dataclass(slots=True)
class _Report:
    """What is shown of a hunt, while it goes on and at its end."""

    screen: Screen
    each: bool
    table: _Csv | None
    tally: Tally = field(default_factory=Tally)
    hits: list[dict[str, Any]] = field(default_factory=list)  # as many as are shown

    def follow(self, found: Iterator["Hit | None"], done: Callable[[], tuple[int, int]]) -> bool:
        """Take up what is found; say whether the hunt came to its end."""
        try:
            with self.screen.progress("progress.hunt") as tick:
                for hit in found:
                    if hit is None:
                        tick(*done())
                    elif self.tally.add(hit.match, hit.file) and (self.each or self.table):
                        self._add(_row(hit.match, hit.file))
        except KeyboardInterrupt:
            return False
        return True

    def _add(self, row: dict[str, Any]) -> None:
        if self.table:
            self.table.add(row)
        if self.each and self.screen.as_json:
            self.screen.raw(json.dumps(row, ensure_ascii=False))
        elif self.each and len(self.hits) < _SHOWN:
            self.hits.append(row)

    def show(self, run: "Hunt", *, idle: bool) -> None:
        """Show what was found, but to people where nothing was searched."""
        if self.screen.as_json:
            if not self.each:
                self.screen.json(_whole(run, self.tally))
            return
        if idle:
            return
        if not self.each:
            rows = [_of_group(group) for group in self.tally.sorted()]
            self.screen.rows(
                _COLUMNS, rows, empty="none.hunt", wide=("hit_last", "log_source", "rule", "files")
            )
            return
        self.hits.sort(key=lambda row: row["at"])
        shown = [row | {"found": told_fields(row["found"])} for row in self.hits]
        self.screen.rows(
            _EACH, shown, empty="none.hunt", wide=("log_source", "rule", "file", "event", "id")
        )
        if self.tally.count > len(shown):
            self.screen.note("say.hunt-more", shown=len(shown), count=self.tally.count)


def _row(match: "Match", file: str) -> dict[str, Any]:
    return {
        "at": match.at,
        "severity": match.level,
        "title": match.title,
        "rule": match.rule,
        "log_source": "/".join(filter(None, match.source)),
        "found": dict(match.found),
        "file": file,
        "event": match.event,
        "id": match.id,
    }


def _of_group(group: Group) -> dict[str, Any]:
    match = group.example
    return {
        "severity": match.level,
        "title": match.title,
        "count": group.count,
        "hit_first": group.first,
        "hit_last": group.last,
        "log_source": [*group.sources],
        "found": told_fields(match.found),
        "rule": match.rule,
        "files": [*group.files],
    }


def _whole(run: "Hunt", tally: Tally) -> dict[str, Any]:
    """Return the groups for programs, with what was read and what was not."""
    rows = []
    for group in tally.sorted():
        found = {"found": dict(group.example.found), "digest": group.example.digest}
        rows.append(_of_group(group) | found)
    return {
        "hits": rows,
        "count": tally.count,
        "files": run.files,
        "events": run.events,
        "scanned": run.scanned,
        "refused": [
            {"code": code, "count": count, "example": _where(run.examples[code])}
            for code, count in run.refused.most_common()
        ],
        "damaged": run.broken,
        "rules": run.content.count,
        "unserved": [_unserved(each) for each in run.content.unserved],
    }


def _where(refusal: "Refusal", language: str = "en") -> str:
    place = f"{refusal.name}:{refusal.number}" if refusal.number else refusal.name
    return f"{place}: {in_words(refusal.why, language)}"


def _unserved(each: "Unserved", language: str = "en") -> dict[str, Any]:
    why = in_words(each.why, language)
    return {"title": each.title, "rule": each.id, "code": each.code, "why": why}


def _list_unserved(screen: Screen, unserved: "Sequence[Unserved]") -> None:
    rows = [_unserved(each, screen.words.language) for each in unserved]
    screen.rows(("code", "title", "why"), rows)


def _summary(desk: Desk, run: "Hunt", *, unserved: bool) -> None:
    """Say what was read, and what could not be: to people, beside the result."""
    screen, refused = desk.screen, sum(run.refused.values())
    if screen.as_json:
        return
    if unserved and run.content.unserved:
        screen.line("")
        _list_unserved(screen, run.content.unserved)
    screen.note("say.hunt-read", events=run.events, files=run.files, rules=run.content.count)
    if run.scanned:
        screen.note("say.hunt-scanned", count=run.scanned)
    if refused:
        screen.note("say.hunt-refused", count=refused)
        for code, count in run.refused.most_common(_REASONS):
            screen.line(
                f"  {count} {code}: {plain(_where(run.examples[code], screen.words.language))}",
                console=screen.err,
            )
    if run.content.unserved and not unserved:
        screen.note("say.hunt-unserved", count=len(run.content.unserved))
