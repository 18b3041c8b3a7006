"""Making, running and looking over a node."""

from pathlib import Path
from typing import Annotated

import typer

from mithaq.auth.actors import Permission, may
from mithaq.border import clocks, peers, people
from mithaq.border.verify import everything
from mithaq.cli import status as overview
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Text, Yes
from mithaq.cli.saved import unread
from mithaq.clock import text
from mithaq.config import InvalidConfig, Settings, check
from mithaq.formats import BUILT_IN, Refusal
from mithaq.formats.misp import Misp, events_in
from mithaq.formats.misp import roundtrip as trip
from mithaq.model.objects import Object
from mithaq.node import init as make
from mithaq.node.build import ROOT_KEY

app = topic()
_USUAL = ("stix", "misp", "list", "stix-2.0")  # formats that people have most, before the others
DEFAULT_LISTEN = "127.0.0.1:8450"
DEFAULT_CONSOLE = "127.0.0.1:8440"


@app.command("init", cls=Command)
def init(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    nation: Annotated[str, typer.Option(metavar="NAME")],
    url: Annotated[str, typer.Option(metavar="URL")],
    organisation: Text = "",
    country: Annotated[str, typer.Option(metavar="CODE")] = "",
    listen: Annotated[str, typer.Option(metavar="HOST:PORT")] = "",
    console: Annotated[str, typer.Option(metavar="HOST:PORT")] = DEFAULT_CONSOLE,
    database: Annotated[str, typer.Option(metavar="URL")] = "",
    realm: Annotated[str, typer.Option(metavar="NAME")] = "live",
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Make a home: settings, keys, databases."""
    desk = desk_of(ctx)
    settings = Settings(
        nation=nation,
        organisation=organisation or nation,
        country=country.upper() or "XX",
        url=url,
        realm=realm,
        listen=listen or DEFAULT_LISTEN,
        console=console,
        database=database,
    )
    _usable(settings)
    passphrase = desk.passphrase(passphrase_file)
    with make(desk.home, settings, passphrase=passphrase) as node:
        with node.core.read() as unit:
            words = peers.fingerprint_words(unit, nation, desk.phrase_language)
        root = node.config.home / ROOT_KEY
        made = {"home": str(desk.home), "nation": nation, "url": url, "words": list(words)}
    if desk.screen.as_json:
        desk.screen.json(made | {"root_key": str(root)})
        return
    desk.screen.say("say.node-made", nation=nation, home=desk.home)
    desk.screen.phrase(words)
    desk.screen.say("say.our-words")
    desk.screen.say("say.root-offline", file=root)
    desk.screen.say("say.after-init")


def _usable(settings: Settings) -> None:
    """See that the settings can be used; of what comes from an option say so in the reader's language."""
    try:
        check(settings)
    except InvalidConfig as error:
        key = str(error.facts["key"])
        raise BadUsage(f"bad-{key}", name=str(getattr(settings, key))) from error


@app.command("serve", cls=Command)
def serve(
    ctx: typer.Context,
    *,
    peers_at: Annotated[str, typer.Option("--peers", metavar="HOST:PORT")] = "",
    people_at: Annotated[str | None, typer.Option("--people", metavar="HOST:PORT")] = None,
) -> None:
    """Run the node until it is told to stop."""
    from mithaq.serve import run as server  # noqa: PLC0415 no other command needs it

    desk = desk_of(ctx)

    def ready(at: server.Ready) -> None:
        desk.screen.note("say.serving", at=at.address)
        if at.console:
            desk.screen.note("say.console-at", at=at.console)

    server.run(desk.home, peers=peers_at or None, people=people_at, ready=ready)


@app.command("status", cls=Command)
def status(ctx: typer.Context) -> None:
    """Say how the node stands."""
    desk = desk_of(ctx)
    with desk.node() as node:
        facts = overview.gather(node, node.clock())
        with node.core.read() as unit:
            mine = [each for each in people.everyone(unit) if each.name == desk.common.actor]
            if mine and may(mine[0], Permission.OBJECT_READ):
                facts |= overview.of_person(unit, node.us, mine[0])
                facts["unread"] = unread(unit, node.us, mine[0])
        overview.show(desk.screen, facts)


@app.command("clock", cls=Command)
def clock(
    ctx: typer.Context,
    *,
    right: Annotated[bool, typer.Option("--right")] = False,
    yes: Yes = False,
) -> None:
    """Say what our clock says and whether it counts; let it count again."""
    desk = desk_of(ctx)
    with desk.node() as node:
        if right:
            with node.core.read() as unit:
                actor = desk.actor(unit, Permission.KEY_ROTATE)
                clocks.must_be_doubted(unit, node.clock())
            desk.confirm("ask.clock", yes=yes, at=text(node.clock()))
            with node.core.begin() as unit:
                clocks.believe(unit, node.clock(), by=actor.name)
        now = node.clock()
        with node.core.read() as unit:
            facts = overview.of_clock(unit, now)
    desk.screen.facts(facts)
    if desk.screen.as_json:
        return
    if right:
        desk.screen.say("say.clock-right", at=facts["clock"])
    elif facts["believed"]:
        desk.screen.say("warning.clock-doubted")
    elif not facts["time_witnesses"]:
        desk.screen.say("say.clock-alone")


@app.command("verify", cls=Command)
def verify(ctx: typer.Context) -> None:
    """Recompute the log, every digest and every shelf."""
    desk = desk_of(ctx)
    with desk.node() as node, desk.screen.progress("progress.verify"):
        found = everything(node.core, node.shelf, node.us)
    rows = [{"part": part, "problem": problem} for part, problem in found.problems]
    if desk.screen.as_json:
        desk.screen.json(
            {
                "leaves": found.leaves,
                "padding": found.padding,
                "bodies": found.bodies,
                "rows": found.rows,
                "problems": rows,
            }
        )
    elif rows:
        desk.screen.rows(("part", "problem"), rows)
    else:
        counts = {"leaves": found.leaves - found.padding, "padding": found.padding}
        desk.screen.say("say.verified", **counts, bodies=found.bodies, rows=found.rows)
    if rows:
        desk.stop("say.not-verified", count=len(rows))


@app.command("formats", cls=Command)
def formats(
    ctx: typer.Context,
    *,
    roundtrip: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """List what can be imported, or say what of a file comes back from MISP."""
    desk = desk_of(ctx)
    if roundtrip is not None:
        _roundtrip(desk, roundtrip)
        return
    with desk.node() as node:
        names = [known.name for known in node.formats.formats]
    ours = {known.name for known in BUILT_IN.formats}
    names.sort(key=lambda name: _USUAL.index(name) if name in _USUAL else len(_USUAL))
    words = desk.screen.words
    rows = [
        {"format": name, "reads": words.say(f"format.{name if name in ours else 'added'}")}
        for name in names
    ]
    desk.screen.rows(("format", "reads"), rows)


def _roundtrip(desk: Desk, file: Path) -> None:
    """Say what of a file's objects is another, or gone, after they were written as MISP and read again."""
    with desk.node() as node:
        raw = desk.read(file)
        read = node.formats.read(raw)
        found = trip.of_objects(
            each.body if isinstance(each, Object) else trip.drafted(each)
            for each in read
            if not isinstance(each, Refusal)
        )
        if Misp().fits(raw) and (events := events_in(raw)):
            found = trip.of_events(events)
    lost, added = _by_name(found.lost), _by_name(found.added)
    facts = {"objects": found.objects, "events": found.events, "lowered": len(found.lowered)}
    if desk.screen.as_json:
        desk.screen.json(facts | {"lost": lost, "added": added})
        return
    desk.screen.facts(facts, whole=True)
    for column, named in (("lost", lost), ("besides", added)):
        rows = [
            {column: what, "objects": len(ids), "example": ids[0]}
            for what, ids in sorted(named.items(), key=lambda each: -len(each[1]))
        ]
        if rows:
            desk.screen.rows((column, "objects", "example"), rows)


def _by_name(named: list[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for id_, what in named:
        found.setdefault(what, []).append(id_)
    return found


@app.command("demo", cls=Command)
def demo(ctx: typer.Context, *, leave: Annotated[bool, typer.Option("--exit")] = False) -> None:
    """Play the main job with three nations on this machine."""
    from mithaq import demo as play  # noqa: PLC0415 no other command needs it

    play.run(desk_of(ctx).screen.words.language, leave=leave)
