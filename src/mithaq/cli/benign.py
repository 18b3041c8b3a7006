"""What is known to be harmless: which lists have a value, and what follows."""

from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import harmless, shelf
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Text
from mithaq.model.benign import Finding
from mithaq.model.listed import FAMILIES
from mithaq.model.values import KINDS, Value, of_kind, recognised
from mithaq.node import Node
from mithaq.node.warninglists import as_settings_write

app = topic("benign")

BENIGN = ("value", "effect", "list", "entry", "how")


def finding(found: Finding) -> dict[str, Any]:
    """Return what people are shown of a value that is on a list."""
    value, hit = found
    return {
        "value": value.text,
        "value_kind": value.kind,
        "effect": str(hit.effect),
        "list": hit.list,
        "entry": hit.entry,
        "how": str(hit.how),
    }


@app.command("check", cls=Command)
def check(
    ctx: typer.Context,
    value: Annotated[str, typer.Argument(metavar="VALUE")],
    *,
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
) -> None:
    """Say which lists a value is on."""
    desk = desk_of(ctx)
    meant = meant_by(value, kind)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.OBJECT_READ)
        rows = [finding(Finding(meant, hit)) for hit in node.us.benign.match(meant)]
    desk.screen.rows(BENIGN[1:], rows, empty="none.benign", wide=("value", "value_kind"))


def meant_by(written: str, kind: str) -> Value:
    """Return the value that a line means, of a kind or by its form.

    Raises:
        BadUsage: its form does not tell what it is. NoSuchValue: it is none of that kind.
    """
    if kind:
        return of_kind(kind, written)
    found = recognised(written)
    if found is None:
        raise BadUsage("which-kind", name=written, known=", ".join(KINDS))
    return found


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the lists."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.OBJECT_READ)
        lists = [node.us.benign.of(family) for family in FAMILIES]
    rows = [
        {"list": each.name, "effect": str(node.us.benign.effect_of(each)), "entries": count}
        for group in lists
        for each, (_, count) in zip(group.lists, group.sizes(), strict=True)
        if count
    ]
    desk.screen.rows(("list", "effect", "entries"), rows)


# --- what people say ---------------------------------------------------------------------------------
Known = Annotated[str, typer.Argument(metavar="VALUE")]


@app.command("own", cls=Command)
def own(ctx: typer.Context, value: Known, *, because: Text) -> None:
    """Say that an address, a network or a name is ours."""
    _rule(desk_of(ctx), "own", value, because)


@app.command("allow", cls=Command)
def allow(ctx: typer.Context, value: Known, *, because: Text) -> None:
    """Let a value count as evil, whatever lists have it."""
    _rule(desk_of(ctx), "evil", value, because)


@app.command("undo", cls=Command)
def undo(ctx: typer.Context, value: Known, *, because: Text) -> None:
    """Take back what somebody said of a value."""
    desk = desk_of(ctx)
    meant = as_settings_write(value, any_kind=True)
    with desk.node() as node:
        ours, now = node.config.settings.benign, node.clock()
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.RELEASE_APPROVE)
            gone = harmless.undo(unit, meant, ours, now, by=actor.name, why=because)
        again = _followed(node)
    _said(desk, gone, again, "say.undone")


@app.command("rulings", cls=Command)
def rulings(ctx: typer.Context) -> None:
    """List what people said, beside the settings."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.OBJECT_READ)
        said = harmless.standing(unit)
        settings = node.config.settings.benign
    rows = [
        {"value": value, "counts_as": what, "by": "mithaq.toml", "at": "", "why": ""}
        for what, some in (("own", settings.own), ("evil", settings.evil))
        for value in some
    ]
    rows += [_ruling(each) for each in said]
    desk.screen.rows(("value", "counts_as", "by", "at", "why"), rows, empty="none.rulings")


def _rule(desk: Desk, what: harmless.What, written: str, because: str) -> None:
    value = as_settings_write(written, any_kind=what == "evil")
    with desk.node() as node:
        ours, now = node.config.settings.benign, node.clock()
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.RELEASE_APPROVE)
            ruling = harmless.made(what, value, actor.name, because, now)
            harmless.rule(unit, ruling, ours, now)
        again = _followed(node)
    _said(desk, ruling, again, f"say.ruled-{what}")


def _followed(node: Node) -> int:
    """Let exports and what waits follow at once; return how much was decided again."""
    with node.core.begin() as unit:
        again = harmless.decide_again(unit, node.us, node.clock())
    shelf.project(node.core, node.shelf, node.clock(), additions=False)
    return again


def _said(desk: Desk, ruling: harmless.Ruling, again: int, key: str) -> None:
    if desk.screen.as_json:
        desk.screen.json(_ruling(ruling) | {"decided_again": again})
        return
    desk.screen.say(key, value=ruling.value)
    if again:
        desk.screen.say("say.decided-again", count=again)


def _ruling(each: harmless.Ruling) -> dict[str, Any]:
    return {
        "value": each.value,
        "counts_as": each.what,
        "by": each.by,
        "at": each.at,
        "why": each.why,
    }
