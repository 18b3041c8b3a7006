"""Watching telemetry as it comes: what is found is told at once and kept; how the watch does, from another terminal."""

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer._click import Context

from mithaq import clock
from mithaq.cli import watched
from mithaq.cli.beside import beside
from mithaq.cli.columns import Columns, said_of
from mithaq.cli.common import BadUsage, span
from mithaq.cli.desk import Desk, NoFile, desk_of
from mithaq.cli.exits import FOUND, INTERRUPTED
from mithaq.cli.found import told_fields
from mithaq.cli.frame import Command, Group, topic
from mithaq.cli.options import Flag, one_of
from mithaq.clock import monotonic
from mithaq.detect.tallies import LEVELS
from mithaq.formats.telemetry import KINDS, kind

if TYPE_CHECKING:
    from mithaq.cli.screen import Screen
    from mithaq.ingest.telemetry import Ways
    from mithaq.ingest.wanted import Content
    from mithaq.ingest.watching import NewHit, Told, Watch
    from mithaq.node import Node

_KINDS = tuple(known.name for known in KINDS)
_START = "start"
_SHOW = 1.0  # seconds between two states of the line that tells how far it is
_STYLES = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "cyan"}


class _Watch(Group):
    """What is no verb here is a source: ``mithaq watch LOG`` is short for ``mithaq watch start LOG``."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        """Read the line."""
        first = next(iter(args), "--help")
        if first not in self.commands and first != "--help":
            args = [_START, *args]
        return super().parse_args(ctx, args)


app = topic("watch", _Watch)
Paths = Annotated[list[Path] | None, typer.Option(metavar="FILE|FOLDER")]


@app.command(_START, cls=Command)
def start(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…")],
    *,
    rules: Paths = None,
    indicators: Paths = None,
    yara: Paths = None,
    level: Annotated[str, typer.Option(metavar="LEVEL", callback=one_of(LEVELS))] = "",
    format_: Annotated[str, typer.Option("--format", metavar="KIND", callback=one_of(_KINDS))] = "",
    column: Columns = None,
) -> None:
    """Watch sources until Ctrl-C."""
    desk, said = desk_of(ctx), said_of(column)
    named = [*(rules or ()), *(indicators or ()), *(yara or ())]
    if missing := next((path for path in named if not path.exists()), None):
        raise NoFile(f"cannot read {missing}: no such file or folder", file=str(missing))
    logs = [Path(text) for text in sources if text != "-" and "://" not in text]
    if missing := next((path for path in logs if not path.exists()), None):  # before rules are read
        raise NoFile(f"cannot read {missing}: no such file or folder", file=str(missing))
    with ExitStack() as until:
        until.enter_context(beside(desk.screen, desk.home, "watch"))
        node = until.enter_context(desk.node())
        with desk.screen.progress("progress.rules"):
            from mithaq.ingest import sinks, wanted  # noqa: PLC0415 what compiles rules is heavy
            from mithaq.ingest.telemetry import Ways  # noqa: PLC0415 as above

            kept = wanted.compiled(node.config)
            own = wanted.gathered(rules or (), yara or (), indicators or (), level, kept=kept)
            ways = Ways(as_kind=kind(format_) if format_ else None, said=said)
            watch = _watch(desk, node, own, sources, ways)
        until.callback(watch.close)
        some = node.config.settings.watch.sink
        until.enter_context(sinks.beside(node.core, node.clock, some, node.config.home))
        _begin(desk, node, watch)
        ended = _Report(desk.screen, watch).follow()
    desk.screen.note(
        "say.watch-end", events=watch.events, new=watch.keeper.new, known=watch.keeper.known
    )
    if not ended:
        raise typer.Exit(INTERRUPTED)
    if watch.keeper.new:
        raise typer.Exit(FOUND)


def _watch(
    desk: Desk, node: "Node", own: "Content", sources: Sequence[str], ways: "Ways"
) -> "Watch":
    from mithaq.auth.actors import Permission  # noqa: PLC0415 heavy, as above
    from mithaq.detect.guard import Guard, Limits  # noqa: PLC0415 as above
    from mithaq.ingest import keeping, wanted  # noqa: PLC0415 as above
    from mithaq.ingest.lookout import Held, Lookout  # noqa: PLC0415 as above
    from mithaq.ingest.sinks import audiences  # noqa: PLC0415 as above
    from mithaq.ingest.telemetry import opened  # noqa: PLC0415 as above
    from mithaq.ingest.watching import Stream, Watch  # noqa: PLC0415 as above
    from mithaq.store.live import Marks  # noqa: PLC0415 as above

    with node.core.read() as unit:
        who = desk.actor(unit, Permission.HIT_JUDGE).name
    said = node.config.settings.watch
    limits = Limits(window=said.window, most=said.matches, seconds=said.seconds)
    kept = wanted.compiled(node.config)
    held = Held(core=node.core, us=node.us, who=who, clock=node.clock, kept=kept)
    streams = []
    for text in dict.fromkeys(map(_whole_path, sources)):
        pushed = node.config.past.parent / "pushed"
        own_ways = replace(ways, kept=Marks(node.core, text), folder=pushed)
        streams.append(Stream(text=text, source=opened(text, own_ways)))
    keeper = keeping.keeper(node.core, node.config, node.clock)
    keeper.begin(own)
    return Watch(
        keeper=keeper,
        streams=streams,
        lookout=Lookout(own, held, Guard(monotonic, limits)),
        held=held,
        audiences=audiences(said.sink),
        silent_seconds=said.silent_seconds,
    )


def _whole_path(text: str) -> str:
    """Return a path as it is named from anywhere, so that it is the same source from wherever it is watched."""
    return text if text == "-" or "://" in text else os.path.abspath(text)  # noqa: PTH100 what a link leads to may change


def _begin(desk: Desk, node: "Node", watch: "Watch") -> None:
    """Say what is looked for, and in what."""
    screen, lookout = desk.screen, watch.lookout
    if screen.as_json:
        return
    key = "say.watch-begin" if lookout.count else "say.watch-nothing"
    screen.note(key, count=lookout.count, sources=len(watch.streams))
    for stream in watch.streams:
        screen.line(f"  {stream.text}", console=screen.err)
    if lookout.unserved:
        screen.note("say.watch-unserved", count=len(lookout.unserved))
    if lookout.guard.aside:
        screen.note("say.watch-aside", count=len(lookout.guard.aside))
    if sinks := node.config.settings.watch.sink:
        screen.note("say.watch-sinks", names=", ".join(each.name for each in sinks))


@contextmanager
def _stoppable() -> Iterator[Callable[[], bool]]:
    """Give what says whether somebody wants an end; the batch at hand is done first, unless they say so twice."""
    wanted: list[int] = []

    def stop(number: int, _frame: object) -> None:
        wanted.append(number)
        if len(wanted) > 1:
            raise KeyboardInterrupt

    before = {each: signal.signal(each, stop) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(wanted)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Report:
    """What is shown while it goes on."""

    def __init__(self, screen: "Screen", watch: "Watch") -> None:
        self._screen, self._watch = screen, watch
        self._shown, self._events, self._rate = monotonic(), 0, 0.0
        whole = screen.out.is_terminal and screen.err.is_terminal
        self._console = screen.err if whole else screen.out  # not through the line that changes

    def follow(self) -> bool:
        """Tell what happens; say whether all sources came to an end."""
        with _stoppable() as stop, self._screen.changing() as show:
            for told in self._watch.run():
                if told is not None:
                    self._tell(told)
                elif stop():
                    return False
                if monotonic() - self._shown >= _SHOW:
                    show(self._state())
        return True

    def _tell(self, told: "Told") -> None:
        from mithaq.detect.guard import SetAside  # noqa: PLC0415 heavy, as above
        from mithaq.ingest.patience import StoreAway  # noqa: PLC0415 as above
        from mithaq.ingest.watching import DayLost, Dropped, FellSilent, NewHit, TakenUp  # noqa: PLC0415 as above

        screen = self._screen
        match told:
            case NewHit():
                self._hit(told)
            case _ if screen.as_json:
                return
            case SetAside():
                screen.note(f"say.watch-{told.code}", title=told.title, count=told.after)
            case TakenUp():
                screen.note("say.watch-news", count=told.count)
            case Dropped():
                screen.note("say.watch-dropped", name=told.sink, count=told.count)
            case DayLost():
                screen.note("say.past-lost", day=told.day, name=told.file)
            case StoreAway():
                state = "full" if told.full else "back" if told.back else "away"
                screen.note(f"say.watch-store-{state}")
            case FellSilent(back=True):
                screen.note("say.watch-heard", source=told.source)
            case FellSilent():
                screen.note("say.watch-silent", source=told.source)

    def _hit(self, told: "NewHit") -> None:
        from mithaq.defence import as_told  # noqa: PLC0415 heavy, as above

        match, screen = told.match, self._screen
        if screen.as_json:
            row = as_told(match) | {"file": told.name}
            screen.raw(json.dumps(row, ensure_ascii=False))
        else:
            severity = screen.value("severity", match.level)
            parts = (match.at, severity, match.title, match.asset, told_fields(match.found))
            line = "  ".join(part for part in parts if part)
            screen.line(line, style=_STYLES.get(match.level, ""), console=self._console)
        screen.out.file.flush()

    def _state(self) -> str:
        watch, now = self._watch, monotonic()
        self._rate = (watch.events - self._events) / (now - self._shown)
        self._shown, self._events = now, watch.events
        return self._screen.words.say(
            "say.watch-state",
            events=watch.events,
            rate=round(self._rate),
            hits=watch.keeper.new,
            behind=sum(stream.behind.size for stream in watch.streams),
            aside=len(watch.lookout.guard.aside),
        )


# --- from another terminal ----------------------------------------------------------------------------
@app.command("status", cls=Command)
def status(ctx: typer.Context) -> None:
    """Say how each source does, what is set aside, and which sinks wait."""
    from mithaq import defence  # noqa: PLC0415 heavy, as above
    from mithaq.auth.actors import Permission, may  # noqa: PLC0415 as above
    from mithaq.ingest.sinks import standings  # noqa: PLC0415 as above
    from mithaq.store import live  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = watched.who_asks(desk, unit)
        states = live.states(unit)
        some = [watched.source(*each, node.clock()) for each in states]
        lost = Counter[str]()
        for _, _, facts in states:
            lost |= Counter(facts.get("dropped", {}))  # a watch says it of each of its sources
        sinks = [
            {"sink": s.name, "waiting": s.waiting, "since": s.failing_since, "why": s.why}
            | {"not_told": lost[s.name]}
            for s in standings(unit, node.us, actor, node.config.settings.watch.sink)
        ]
        sees = may(actor, Permission.HIT_READ)
        aside = (
            [watched.aside(each) for each in defence.asides(unit, node.us, actor)] if sees else []
        )
    if desk.screen.as_json:
        desk.screen.json({"sources": some, "sinks": sinks, "set_aside": aside})
        return
    watched.show(desk.screen, some, sinks, aside)


@app.command("aside", cls=Command)
def aside(ctx: typer.Context, *, every: Flag = False) -> None:
    """List what is set aside."""
    from mithaq import defence  # noqa: PLC0415 heavy, as above
    from mithaq.auth.actors import Permission  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        found = defence.asides(unit, node.us, actor, standing=not every)
    rows = [watched.aside(each) for each in found]
    columns = (*watched.ASIDE, *(("back_at", "back_by", "back_why") if every else ()))
    desk.screen.rows(columns, rows, empty="none.aside", wide=("rule",))


@app.command("allow", cls=Command)
def allow(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1)],
    because: Annotated[str, typer.Option("--because", metavar="TEXT")],
) -> None:
    """Let be tried again what was set aside."""
    from mithaq import defence  # noqa: PLC0415 heavy, as above
    from mithaq.auth.actors import Permission  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        back = defence.let_back(unit, node.us, actor, number, because, node.clock())
    desk.screen.say("say.watch-back", title=back.title)


@app.command("forget", cls=Command)
def forget(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE")] = "",
    *,
    unseen: Annotated[str, typer.Option("--unseen", metavar="TIME")] = "",
    preview: Flag = False,
) -> None:
    """Forget how far a source was read, or those that no watch had for some time."""
    from mithaq.auth.actors import Permission  # noqa: PLC0415 heavy, as above
    from mithaq.store import live  # noqa: PLC0415 as above

    if bool(source) == bool(unseen):
        raise BadUsage("source-or-unseen")
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        desk.actor(unit, Permission.HIT_JUDGE)
        now, named = node.clock(), _whole_path(source) if source else ""
        before = clock.text(now - span(unseen)) if unseen else ""
        every = [watched.source(*each, now) for each in live.states(unit)]
        gone = [
            each
            for each in every
            if each["source"] == named
            or (each["watched_last"] < before and each["running"] == "stopped")
        ]
        known = bool(gone) or bool(named and live.marked(unit, named))
        for each in [named] if named else [row["source"] for row in gone]:
            if not preview:
                live.forget_source(unit, each)
    if named and not known:
        desk.stop("say.watch-unknown", source=named)
    if named and not preview:
        desk.screen.say("say.watch-forgot", source=named)
        return
    desk.screen.rows(("source", "watched_last", "unwatched_days"), gone, empty="none.unseen")
    if not desk.screen.as_json:
        said = "say.watch-would-forget" if preview else "say.watch-forgotten"
        desk.screen.note(said, count=len(gone))
