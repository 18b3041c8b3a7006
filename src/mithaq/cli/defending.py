"""What people say in the defence cycle: priorities, owners, what is in place, what is accepted, and what proves it."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command
from mithaq.cli.options import Flag, one_of
from mithaq.cli.stood import standing, technique_of, threat_of
from mithaq.defence import cycle as cycles
from mithaq.detect.coverage import State
from mithaq.model.objects import Body
from mithaq.model.whose import Word

Number = Annotated[str, typer.Argument(metavar="TECHNIQUE")]
Because = Annotated[str, typer.Option("--because", metavar="TEXT")]
Day = Annotated[str | None, typer.Option(metavar="DAY")]
_NAMED = 3  # rules that a proof names
STATES = tuple(str(each) for each in State if each is not State.UNASSESSED)


def add(app: typer.Typer) -> None:
    """Add these commands to a topic."""
    for name, act in (
        ("priority", priority),
        ("assign", assign),
        ("accept", accept),
        ("assess", assess),
        ("prove", prove),
    ):
        app.command(name, cls=Command)(act)


def priority(
    ctx: typer.Context,
    threat: Annotated[str, typer.Argument(metavar="THREAT")],
    number: Annotated[int, typer.Argument(metavar="0-5", min=0, max=5)],
    *,
    because: Because,
) -> None:
    """Say how much a threat matters."""
    desk = desk_of(ctx)
    with standing(desk) as (node, _, _, stands):
        found = threat_of(stands, threat)
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.HIT_JUDGE)
            cycles.prioritise(unit, actor, found, number, because, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"threat": found.key, "name": found.name, "priority": number})
    key = "say.cycle-priority" if number else "say.cycle-priority-none"
    desk.screen.say(key, name=found.name, number=number)


def assign(
    ctx: typer.Context,
    technique: Number,
    owner: Annotated[str | None, typer.Argument(metavar="NAME")] = None,
    *,
    due: Day = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT")] = None,
) -> None:
    """Say whose a gap is, and by when it is to be closed."""
    desk = desk_of(ctx)
    with desk.node() as node:
        cycles.read_all_out(node.core)
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.HIT_JUDGE)
            row = cycles.assign(
                unit, actor, technique, node.clock(), owner=owner, due=due, note=note
            )
    if desk.screen.as_json:
        told = {"technique": row.technique, "owner": row.owner, "due": row.due, "note": row.note}
        desk.screen.json(told)
    facts = {"technique": row.technique, "owner": row.owner or "–", "due": row.due or "–"}  # noqa: RUF001 nobody
    desk.screen.say("say.cycle-assigned", **facts)


def accept(
    ctx: typer.Context,
    technique: Number,
    *,
    until: Annotated[str, typer.Option(metavar="DAY")] = "",
    because: Because,
) -> None:
    """Take a gap upon oneself for a time."""
    desk = desk_of(ctx)
    with desk.node() as node:
        cycles.read_all_out(node.core)
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.HIT_JUDGE)
            row = cycles.accept(unit, actor, technique, until, because, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"technique": row.technique, "until": row.accepted_until})
    key = "say.cycle-accepted" if row.accepted_until else "say.cycle-unaccepted"
    desk.screen.say(key, technique=row.technique, day=row.accepted_until)


def assess(
    ctx: typer.Context,
    mitigation: Annotated[str, typer.Argument(metavar="MITIGATION")],
    state: Annotated[str, typer.Argument(metavar="|".join(STATES), callback=one_of(STATES))],
    *,
    technique: Annotated[str, typer.Option(metavar="TECHNIQUE")] = "",
    because: Annotated[str, typer.Option("--because", metavar="TEXT")] = "",
) -> None:
    """Say how far a mitigation is in place."""
    desk = desk_of(ctx)
    with desk.node() as node:
        cycles.read_all_out(node.core)
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.HIT_JUDGE)
            name = cycles.assess(
                unit,
                actor,
                mitigation,
                State(state),
                node.clock(),
                technique=technique,
                why=because,
            )
    if desk.screen.as_json:
        desk.screen.json({"mitigation": mitigation.upper(), "name": name, "state": state})
    shown = desk.screen.value("mitigation_state", state)
    desk.screen.say("say.cycle-assessed", number=mitigation.upper(), name=name, state=shown)


def prove(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    technique: Number,
    *,
    by: Annotated[
        str, typer.Option(metavar="|".join(cycles.KINDS), callback=one_of(cycles.KINDS))
    ] = "",
    what: Annotated[str, typer.Option(metavar="TEXT")] = "",
    recording: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    day: Annotated[str, typer.Option(metavar="DAY")] = "",
    unseen: Flag = False,
) -> None:
    """Note what showed that a technique is seen, or that it was tried and was not."""
    desk = desk_of(ctx)
    if recording is None and not (by and what):
        raise BadUsage("cycle-proof")
    with standing(desk) as (node, unit, _, stands):
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        one = technique_of(stands, technique)
        if recording is not None:
            some = cycles.texts(unit, node.us, actor, one.evidence.rules)
            by, what = "recording", f"{_played(desk, recording, some)} {what}".strip()
        with node.core.begin() as written:
            row = cycles.prove(
                written, actor, one.number, by, what, node.clock(), day=day, found=not unseen
            )
    if desk.screen.as_json:
        told = {"technique": row.technique, "kind": row.kind, "day": row.day, "found": row.found}
        desk.screen.json(told | {"text": row.what})
    key = "say.cycle-proved" if row.found else "say.cycle-unseen"
    desk.screen.say(key, technique=row.technique, day=row.day)
    if recording is not None:
        desk.screen.say("say.cycle-played", text=row.what)


def _played(desk: Desk, file: Path, rules: list[tuple[Word, Body]]) -> str:
    """Return which of some rules found something in a recording, and in which bytes.

    Raises:
        Found: none did, or there is nothing to try; nothing is noted then.
    """
    from mithaq.ingest import hunting, wanted  # noqa: PLC0415 what compiles rules is heavy

    digest = hashlib.sha256(desk.read(file)).hexdigest()
    fired: dict[str, str] = {}
    if not rules:
        desk.stop("say.cycle-ruleless")
    played = hunting.Hunt(wanted.content([], [], [], "", rules))
    for hit in played.run([file]):
        if hit is not None:
            fired[hit.match.rule] = hit.match.title
    if not (played.events or played.scanned):
        desk.stop("say.cycle-eventless", file=file)
    if not fired:
        desk.stop("say.cycle-silent", file=file, count=len(rules))
    return f"{file.name} sha256:{digest[:12]}: {', '.join([*fired.values()][:_NAMED])}"
