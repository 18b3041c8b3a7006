"""What is known to be harmless: which lists have a value, and what follows."""

from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.model.benign import FAMILIES, Finding
from mithaq.model.values import KINDS, Value, of_kind, recognised

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
