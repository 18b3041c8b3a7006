"""Many machines: telemetry is put on a log that all reach, and workers read it together."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer

from mithaq.cli.beside import beside
from mithaq.cli.columns import Columns, said_of
from mithaq.cli.common import home_of
from mithaq.cli.desk import Desk, NoFile, desk_of
from mithaq.cli.exits import INTERRUPTED
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, one_of
from mithaq.detect.tallies import LEVELS
from mithaq.formats.telemetry import KINDS, kind

if TYPE_CHECKING:
    from mithaq.ingest.forwarding import Forwarder
    from mithaq.ingest.keeping import Keeper
    from mithaq.ingest.wanted import Content
    from mithaq.ingest.working import Worker

app = topic()

_KINDS = tuple(known.name for known in KINDS)
Paths = Annotated[list[Path] | None, typer.Option(metavar="FILE|FOLDER")]
Kind_ = Annotated[str, typer.Option("--format", metavar="KIND", callback=one_of(_KINDS))]


@app.command("forward", cls=Command)
def forward(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    sources: Annotated[list[str], typer.Argument(metavar="SOURCE…")],
    *,
    to: Annotated[str, typer.Option(metavar="ADDRESS")],
    sensor: Annotated[str, typer.Option(metavar="NAME")] = "",
    days: Annotated[int, typer.Option(min=1, max=3650)] = 30,
    format_: Kind_ = "",
) -> None:
    """Put telemetry on a log that workers read."""
    from mithaq.ingest import forwarding  # noqa: PLC0415 not everybody has what it needs
    from mithaq.ingest.telemetry import Ways  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    logs = [Path(text) for text in sources if "://" not in text]
    if missing := next((path for path in logs if not path.exists()), None):
        raise NoFile(f"cannot read {missing}: no such file or folder", file=str(missing))
    as_kind = kind(format_) if format_ else None
    with ExitStack() as until:
        home = home_of(desk.common) if desk.common.home else None  # it needs no node
        until.enter_context(beside(desk.screen, home, "forward"))
        halt = until.enter_context(_told())
        forwarder = until.enter_context(closing(forwarding.opened(to, days)))
        forwarder.as_kind, forwarder.publisher.halted = as_kind, halt.is_set
        pushed = [
            until.enter_context(closing(forwarding.listening(text, Ways(as_kind=as_kind))))
            for text in sources
            if "://" in text
        ]
        for path in forwarding.files(logs):
            if not halt.is_set():
                forwarder.file(path, sensor)
        if pushed:
            forwarder.listen(pushed, halt.is_set)
        _forwarded(desk, forwarder)
        if halt.is_set() and not pushed:
            raise typer.Exit(INTERRUPTED)


def _forwarded(desk: Desk, forwarder: "Forwarder") -> None:
    sent, known, refused = forwarder.sent, forwarder.known, sum(forwarder.refused.values())
    if desk.screen.as_json:
        facts = {"sent": sent, "known": known, "refused": dict(forwarder.refused)}
        desk.screen.json(facts)
        return
    desk.screen.note("say.forwarded", sent=sent, known=known)
    if refused:
        codes = ", ".join(forwarder.refused)
        desk.screen.note("say.forward-refused", count=refused, codes=codes)


@app.command("worker", cls=Command)
def worker(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    *,
    rules: Paths = None,
    indicators: Paths = None,
    level: Annotated[str, typer.Option(metavar="LEVEL", callback=one_of(LEVELS))] = "",
    format_: Kind_ = "",
    column: Columns = None,
    once: Flag = False,
) -> None:
    """Share with others the work of holding a log against rules; hits are kept in the node."""
    from mithaq.ingest import forwarding, working  # noqa: PLC0415 as above
    from mithaq.ingest.telemetry import Ways  # noqa: PLC0415 as above
    from mithaq.ingest.telemetry.jetstream import address as address_of  # noqa: PLC0415 as above

    desk, said = desk_of(ctx), said_of(column)
    address_of(address)  # a wrong one is told of before rules are read
    with ExitStack() as until:
        until.enter_context(beside(desk.screen, desk.home, "worker"))
        halt = until.enter_context(_told())
        keeper, content = _looked_for(desk, until, [*(rules or ())], [*(indicators or ())], level)
        as_kind = kind(format_) if format_ else None
        desk.screen.note(
            "say.worker-begins", count=content.count, digest=working.digest(content)[:19]
        )
        ways = Ways(as_kind=as_kind, said=said)
        group = until.enter_context(closing(forwarding.Group(address, ways)))
        one = working.Worker(
            content=content,
            keeper=keeper,
            shared=group.shared,
            whole=group.whole,
            turn=group.turn,
            halted=halt.is_set,
        )
        with desk.screen.changing() as show:
            one.halted = partial(_shown, desk, one, show, halt)
            one.run(once=once)
    _worked(desk, one)


def _looked_for(
    desk: Desk, until: ExitStack, rules: Sequence[Path], indicators: Sequence[Path], level: str
) -> "tuple[Keeper, Content]":
    """Return what keeps hits, and what is looked for: what is named, else what the node holds."""
    from mithaq import defence  # noqa: PLC0415 as above
    from mithaq.auth.actors import Permission  # noqa: PLC0415 as above
    from mithaq.ingest import keeping, sinks, wanted  # noqa: PLC0415 as above

    node = until.enter_context(desk.node())
    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        named = rules or indicators
        held = [] if named else list(defence.held(unit, node.us, actor, node.clock()))
    content = wanted.content(rules, [], indicators, level, held, wanted.compiled(node.config))
    keeper = keeping.keeper(node.core, node.config, node.clock)
    keeper.begin(content)
    some = node.config.settings.watch.sink
    alone = {each.digest for each in content.rules}
    ours = alone | {each.digest for each in content.correlations} if named else set()
    keeper.also = sinks.telling(some, ours)
    until.enter_context(sinks.beside(node.core, node.clock, some, node.config.home))
    return keeper, content


def _shown(desk: Desk, worker: "Worker", show: Callable[[str], None], halt: Event) -> bool:
    """Show how far it is, where somebody looks; say whether it is to end."""
    show(desk.screen.words.say("say.worked", **_counts(worker)))
    return halt.is_set()


def _counts(worker: "Worker") -> dict[str, int]:
    keeper = worker.keeper
    return {
        "chunks": worker.chunks,
        "events": worker.events,
        "new": keeper.new,
        "known": keeper.known,
    }


def _worked(desk: Desk, worker: "Worker") -> None:
    facts, refused = _counts(worker), sum(worker.refused.values())
    if desk.screen.as_json:
        desk.screen.json(facts | {"refused": dict(worker.refused)})
        return
    desk.screen.note("say.worked", **facts)
    if refused:
        desk.screen.note("say.worker-refused", count=refused, codes=", ".join(worker.refused))


@contextmanager
def _told() -> Iterator[Event]:
    """Give an event that SIGTERM and Ctrl-C set: what was begun is ended first."""
    halt = Event()
    before = {
        number: signal.signal(number, lambda *_: halt.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield halt
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
