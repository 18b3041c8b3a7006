"""The restriction list: what a legal officer forbids whatever was agreed."""

from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import restriction, shelf, watch
from mithaq.border.restriction import Effect, Entry
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Beginning, Instant, Text, Yes
from mithaq.clock import text
from mithaq.node import Node
from mithaq.store import blocks
from mithaq.store.blocks import RestrictionRow

app = topic("restriction")
Several = list[str] | None


def _list(name: str, metavar: str) -> Any:  # noqa: ANN401 what typer makes of an option
    return typer.Option(f"--{name}", metavar=metavar)


@app.command("add", cls=Command)
def add(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    to: Annotated[Several, _list("to", "PARTY|COUNTRY")] = None,
    kind: Annotated[Several, _list("kind", "TYPE")] = None,
    id_: Annotated[Several, _list("id", "ID")] = None,
    source: Annotated[Several, _list("source", "NAME")] = None,
    marking: Annotated[Several, _list("marking", "LEVEL|ID")] = None,
    label: Annotated[Several, _list("label", "WORD")] = None,
    since: Beginning = "",
    until: Instant = "",
    reason: Text,
    basis: Text,
    preview: Annotated[bool, typer.Option("--preview")] = False,
    yes: Yes = False,
) -> None:
    """Put an entry on the list; it holds at once, above every agreement."""
    desk = desk_of(ctx)
    entry = Entry(
        to=to or (),
        kinds=kind or (),
        ids=id_ or (),
        sources=source or (),
        markings=marking or (),
        labels=label or (),
        since=since,
        until=until,
        reason=reason,
        basis=basis,
    )
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.RESTRICTION_SET)
            effect = restriction.preview(unit, node.us, entry, node.clock())
        if preview or not desk.screen.as_json:
            _told(desk, effect)
        if preview:
            desk.screen.say("say.nothing-done")
            return
        desk.confirm("ask.restriction", yes=yes)
        with node.core.begin() as unit:
            effect = restriction.add(unit, node.us, entry, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
        _decide(node)
    if desk.screen.as_json:
        _told(desk, effect)
    rows, taken = sum(effect.gone.values()), effect.consents
    desk.screen.say("say.restricted", number=effect.row.seq, rows=rows, consents=taken)


def _decide(node: Node) -> None:
    """Decide again what is touched and what refers to it, some in each unit."""
    left = True
    while left:
        with node.core.begin() as unit:
            watch.turn(unit, node.us, node.clock())
            left = bool(watch.turned(unit, node.clock()))
    shelf.project(node.core, node.shelf, node.clock(), additions=False)


def _told(desk: Desk, effect: Effect) -> None:
    gone = [f"{peer}: {count}" for peer, count in sorted(effect.gone.items())]
    facts = _row(effect.row, text_of_now="") | {"gone": gone, "consents": effect.consents}
    desk.screen.facts(facts)


def _row(row: RestrictionRow, text_of_now: str) -> dict[str, Any]:
    return {
        "number": row.seq or None,
        "to": list(row.to),
        "kinds": list(row.kinds),
        "ids": list(row.ids),
        "sources": list(row.sources),
        "markings": list(row.markings),
        "labels": list(row.labels),
        "starts": row.since,
        "until": row.until,
        "reason": row.reason,
        "basis": row.basis,
        "person": row.person,
        "since": row.at if row.seq else "",
        "restriction": _state(row, text_of_now) if text_of_now else "",
        "lifted": row.lifted_at,
        "lifted_by": row.lifted_by,
        "why": row.lifted_because,
    }


def _state(row: RestrictionRow, now: str) -> str:
    if row.lifted_at:
        return "lifted"
    if row.until and row.until <= now:
        return "over"
    return "to-come" if row.since > now else "holds"


@app.command("list", cls=Command)
def list_(ctx: typer.Context, *, past: Annotated[bool, typer.Option("--past")] = False) -> None:
    """List the restrictions."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.AGREEMENT_READ)
        now = text(node.clock())
        found = blocks.every_restriction(unit) if past else blocks.restrictions_standing(unit)
    rows = [_row(row, now) for row in found]
    if not past:
        rows = [row for row in rows if row["restriction"] != "over"]
    named = ("to", "kinds", "ids", "sources", "markings", "labels")
    columns = ("number", "restriction", *named, "until", "basis")
    more = ("starts", "reason", "person", "since", "lifted", "lifted_by", "why")
    desk.screen.rows(columns, rows, empty="none.restrictions", wide=more)


@app.command("lift", cls=Command)
def lift(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER")],
    *,
    reason: Text,
    yes: Yes = False,
) -> None:
    """Take an entry off the list."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.RESTRICTION_SET)
            entry = restriction.standing(unit, number)
        if not (yes or desk.screen.as_json):
            desk.screen.facts(_row(entry, text(node.clock())))
        desk.confirm("ask.restriction-lift", yes=yes, number=number)
        with node.core.begin() as unit:
            row = restriction.lift(unit, number, reason, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json(_row(row, text(node.clock())))
    desk.screen.say("say.restriction-lifted", number=number)
