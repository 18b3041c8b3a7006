"""Alarms: what a partner may have done wrong, and the evidence that anybody can check without us."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.audit import evidence
from mithaq.audit.evidence import Unproven
from mithaq.auth.actors import Permission
from mithaq.border import alarms as border
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.log import document, keys_of
from mithaq.cli.options import Text
from mithaq.errors import NotFound
from mithaq.model.canonical import digest
from mithaq.store import alarms
from mithaq.store.alarms import Alarm

app = topic("alarm")
Number = Annotated[int, typer.Argument(metavar="NUMBER")]


def _row(alarm: Alarm) -> dict[str, Any]:
    return {
        "number": alarm.seq,
        "state": alarm.state,
        "alarm": alarm.kind,
        "accused": alarm.subject,
        "at": alarm.at,
        **alarm.facts,
        "closed_at": alarm.closed_at,
        "closed_by": alarm.closed_by,
        "reason": alarm.reason,
        "evidence": digest(alarm.evidence),
    }


@app.command("list", cls=Command)
def list_(ctx: typer.Context, *, every: Annotated[bool, typer.Option("--all")] = False) -> None:
    """List the open alarms, and the closed ones if asked for."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.ALARM_READ)
        rows = [_row(alarm) for alarm in alarms.every(unit, closed=every)]
    columns = ("number", "state", "alarm", "accused", "at", "why", "id")
    desk.screen.rows(columns, rows, empty="none.alarms", wide=("agreement", "version", "evidence"))


@app.command("show", cls=Command)
def show(ctx: typer.Context, number: Number) -> None:
    """Show one, and what it means."""
    desk = desk_of(ctx)
    alarm = _alarm(desk, number)
    desk.screen.facts(_row(alarm))
    desk.screen.say(f"alarm.{alarm.facts['why']}", accused=alarm.subject)


def _alarm(desk: Desk, number: int) -> Alarm:
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.ALARM_READ)
        alarm = alarms.numbered(unit, number)
    if alarm is None:
        raise NotFound(f"no alarm by the number {number}", number=number)
    return alarm


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    number: Number,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Write the evidence to a file, for anybody to check."""
    desk = desk_of(ctx)
    alarm = _alarm(desk, number)
    if out is None:
        desk.screen.exact(alarm.evidence)
        return
    desk.write(out, alarm.evidence)
    if desk.screen.as_json:
        desk.screen.json({"file": str(out), "evidence": digest(alarm.evidence)})
    desk.screen.say("say.evidence", file=out, accused=alarm.subject)


@app.command("check", cls=Command)
def check(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    keys: Annotated[list[Path], typer.Option(metavar="KEYDOC")],
) -> None:
    """Check evidence against the accused's key document; needs no node and no network."""
    desk = desk_of(ctx)
    raw = desk.read(file)
    owners = [document(desk, each) for each in keys]
    try:
        about = evidence.read_file(raw)
        theirs = keys_of(each for each in owners if each.party == about.by)
        shows = evidence.check(about, theirs)
    except Unproven as error:
        desk.stop("say.evidence-fails", why=error.facts.get("cause") or error)
    if desk.screen.as_json:
        told = {"proves": True, "alarm": shows.kind, "accused": shows.by, "why": shows.why}
        desk.screen.json({**told, **shows.facts})
        return
    desk.screen.say("say.evidence-holds")
    desk.screen.say(f"alarm.{shows.why}", accused=shows.by)
    desk.screen.facts(shows.facts)


@app.command("close", cls=Command)
def close(
    ctx: typer.Context,
    number: Number,
    *,
    reason: Text,
) -> None:
    """Close one for a reason; it stays on record with its evidence."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.ALARM_CLOSE)
        border.close(unit, number, reason, node.clock(), by=actor.name)
        alarm = alarms.numbered(unit, number)
    if desk.screen.as_json and alarm is not None:
        desk.screen.json(_row(alarm))
    desk.screen.say("say.alarm-closed", number=number)
