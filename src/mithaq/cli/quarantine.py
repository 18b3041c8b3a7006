"""What came in good envelopes and may not be an object here."""

from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import vet
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag
from mithaq.errors import NotFound
from mithaq.store import inbound
from mithaq.store.inbound import Quarantined

app = topic("quarantine")


def _row(each: Quarantined) -> dict[str, Any]:
    return {
        "number": each.seq,
        "at": each.at,
        "from": each.voucher,
        "origin": each.origin,
        "type": each.type,
        "id": each.id,
        "version": each.version,
        "code": each.code,
        "where": each.where,
        "digest": each.digest,
    }


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List what waits for a look."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.QUARANTINE_REVIEW)
        rows = [_row(each) for each in inbound.in_quarantine(unit)]
    columns = ("number", "at", "from", "type", "code", "where")
    desk.screen.rows(columns, rows, empty="none.quarantine", wide=("id", "origin"))


@app.command("drop", cls=Command)
def drop(ctx: typer.Context, number: Annotated[int, typer.Argument(metavar="NUMBER")]) -> None:
    """Take one off the list after a look; it stays on record."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.QUARANTINE_REVIEW)
        found = vet.drop(unit, number, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json(_row(found) | {"state": found.state})
    desk.screen.say("say.dropped", number=number)


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER")],
    *,
    raw: Flag = False,
) -> None:
    """Show one, and its bytes if asked for."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.QUARANTINE_REVIEW)
        found = inbound.quarantined(unit, number)
    if found is None:
        raise NotFound(f"nothing in quarantine by the number {number}", number=number)
    if raw:
        desk.screen.exact(found.body)
    else:
        desk.screen.facts(_row(found) | {"state": found.state, "bytes": len(found.body)})
