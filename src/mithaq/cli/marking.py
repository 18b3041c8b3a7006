"""Marking objects: one, or all that a search or a source gives, after a look at what would happen."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import AllCaveats, together
from mithaq.cli.importing import known_recipients
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Instant, Yes
from mithaq.intel import Caveats, Filters
from mithaq.intel.keeping import bulk
from mithaq.model.labels import Beside
from mithaq.node import Node

app = topic()


@app.command("mark", cls=Command)
@together
def mark(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="ID|NUMBER")] = None,
    *,
    given: AllCaveats,
    find: Annotated[str, typer.Option(metavar="WORDS")] = "",
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE")] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="LABEL")] = None,
    since: Instant = "",
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Put a marking beside objects."""
    desk = desk_of(ctx)
    if given == Caveats():
        raise BadUsage("no-marking")
    filters = Filters(source=source, type=type_, labels=tuple(label or ()), since=since)
    many = bool(find) or filters != Filters()
    if many == bool(names):
        raise BadUsage("names-or-search")
    beside = intel.caveats(given)
    with desk.node() as node:
        known_recipients(node, beside)
        if names and len(names) == 1 and not preview:
            _one(desk, node, names[0], beside)
            return
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            found = bulk.targets(
                unit, node.us, actor, beside, names=names or (), words=find, filters=filters
            )
        _look(desk, found, quiet=desk.screen.as_json and not preview)
        numbers = [each.number for each in found if each.effect == "marked"]
        if preview or not numbers:
            desk.screen.say("say.nothing-marked")
            return
        desk.confirm("ask.mark", yes=yes, count=len(numbers))
        with desk.screen.progress("progress.mark") as tick:
            done = bulk.mark_all(node.core, node.us, actor, numbers, beside, node.clock(), tick)
    if desk.screen.as_json:
        desk.screen.json({"marked": done[0], "refused": len(found) - len(numbers) + done[1]})
    desk.screen.say("say.marked", count=done[0])


def _one(desk: Desk, node: Node, name: str, beside: Beside) -> None:
    with node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        marked = intel.mark(unit, node.us, actor, name, beside, node.clock())
    desk.screen.facts(row(marked))


def _look(desk: Desk, found: Sequence[bulk.Target], *, quiet: bool) -> None:
    """Show how many there are of each marking, and what would come of them."""
    counts = Counter((each.marking, each.effect) for each in found)
    rows = [
        {"marking": marking, "becomes": effect, "count": count}
        for (marking, effect), count in sorted(counts.items())
    ]
    if not quiet:
        desk.screen.rows(("marking", "becomes", "count"), rows, empty="none.found")
