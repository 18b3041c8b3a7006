"""Reference sets, such as ATT&CK: taken, compared, used, looked up."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.auth.actors import Actor, Forbidden, Permission, may
from mithaq.cli import changes as told_of
from mithaq.cli.changes import Told
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Name
from mithaq.cli.screen import NOTHING
from mithaq.intel import SetVersion, read_out, title
from mithaq.intel.authoring.revising import to_revise
from mithaq.intel.finding import visible
from mithaq.intel.keeping.service import READ_OUT
from mithaq.intel.reference import sets
from mithaq.intel.reference.changes import TO_REVISE, is_over
from mithaq.intel.reference.sets import SetFile
from mithaq.model.named import names_of, number

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mithaq.node import Node

app = topic("reference")

Version = Annotated[str, typer.Argument(metavar="VERSION")]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE")]


def _reader(desk: Desk, unit: "Connection") -> Actor:
    """Return who looks at the sets themselves: those who read objects, and those who take sets."""
    try:
        return desk.actor(unit, Permission.OBJECT_READ)
    except Forbidden:
        return desk.actor(unit, Permission.SOURCE_SET)


def _row(held: SetVersion) -> dict[str, Any]:
    return {
        "set": held.name,
        "version": held.version,
        "counts": held.current,
        "objects": held.objects,
        "taken": held.taken_at,
        "by": held.taken_by,
        "used": held.used_at,
        "used_by": held.used_by,
        "digest": held.digest,
    }


@app.command("take", cls=Command)
def take(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    name: Annotated[str, typer.Option(metavar="NAME")] = "",
    version: Annotated[str, typer.Option(metavar="VERSION")] = "",
    out: Out = None,
) -> None:
    """Hold a version of a set, and say what would change."""
    desk = desk_of(ctx)
    given = SetFile(raw=desk.read(file), name=name or file.stem.lower(), version=version)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
        with desk.screen.progress("progress.set"):
            taken = sets.take(node.core, node.us, actor, given, node.clock(), formats=node.formats)
            told = _told(node, actor, taken.held)
    refused = [{"id": r.id, "code": r.code, "where": r.where, "why": r.why} for r in taken.refused]
    _write(desk, told, out)
    if desk.screen.as_json:
        desk.screen.json(told_of.as_json(told) | {"known": taken.known, "refused": refused})
        return
    told_of.show(desk.screen, told)
    if refused:
        desk.screen.line("")
        desk.screen.rows(("code", "where", "id", "why"), refused[: told_of.SHOWN])
    desk.screen.say("say.set-held", name=taken.held.name, version=taken.held.version)


def _told(node: "Node", actor: Actor, after: SetVersion, since: str = "") -> Told:
    """Say what differs from the version that counts, or from another."""
    with node.core.read() as unit:
        before = (
            sets.version_of(unit, after.name, since)
            if since
            else sets.current(unit).get(after.name)
        )
        changes = sets.changes(unit, before, after)
        revision = None
        if may(actor, Permission.OBJECT_READ):
            revision = to_revise(unit, node.us, actor, changes)
        bodies = sets.bodies(unit, after)
    replacing = {id_ for each in changes.objects for id_ in each.by}
    called = {
        id_: f"{number(bodies[id_])} {title(bodies[id_])}".strip()
        for id_ in replacing & bodies.keys()
    }
    return Told(before=before, after=after, changes=changes, revision=revision, called=called)


def _write(desk: Desk, told: Told, out: Path | None) -> None:
    if out is not None:
        desk.write(out, told_of.page(desk.screen, told).encode())


@app.command("changes", cls=Command)
def changes(
    ctx: typer.Context,
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION")] = "",
    *,
    since: Annotated[str, typer.Option("--since", metavar="VERSION")] = "",
    out: Out = None,
) -> None:
    """Say what changes from one version to another."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = _reader(desk, unit)
            held = [each for each in sets.every(unit) if each.name == name]
            after = sets.version_of(unit, name, version or (held[-1].version if held else ""))
        told = _told(node, actor, after, since)
    _write(desk, told, out)
    if desk.screen.as_json:
        desk.screen.json(told_of.as_json(told))
    else:
        told_of.show(desk.screen, told)


@app.command("use", cls=Command)
def use(ctx: typer.Context, name: Name, version: Version, *, yes: Flag = False) -> None:
    """Let a version count from now on, a later or an earlier one."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
            held = sets.version_of(unit, name, version)
            before = sets.current(unit).get(name)
            found = sets.changes(unit, before, held).counts
        grave = sum(found.get(each, 0) for each in TO_REVISE)
        what = {"name": name, "version": version, "changes": sum(found.values()), "grave": grave}
        desk.confirm("ask.set", yes=yes, before=before.version if before else NOTHING, **what)
        with desk.screen.progress("progress.set"):
            used = sets.use(node.core, node.us, actor, held, node.clock())
            for _ in range(0, used.stored, READ_OUT):  # found at once, though no worker runs
                read_out(node.core, node.clock())
    refused = [{"id": id_, "code": code, "why": why} for id_, code, why in used.refused]
    if desk.screen.as_json:
        counts = {"stored": used.stored, "back": used.back, "aside": used.aside}
        desk.screen.json({"set": name, "version": version, **counts, "refused": refused})
        return
    if refused:
        desk.screen.rows(("code", "id", "why"), refused[: told_of.SHOWN])
    desk.screen.say("say.set-used", name=name, version=version, count=held.objects - len(refused))


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the sets and their versions."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        _reader(desk, unit)
        rows = [_row(each) for each in sets.every(unit)]
    columns = ("set", "version", "counts", "objects", "taken", "by")
    desk.screen.rows(columns, rows, empty="none.sets", wide=("used", "used_by", "digest"))


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    name: Name,
    version: Annotated[str, typer.Argument(metavar="VERSION")] = "",
) -> None:
    """Show a version of a set: where it came from, and of what types its objects are."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        _reader(desk, unit)
        held = sets.version_of(unit, name, version)
        bodies = sets.bodies(unit, held).values()
    over = Counter(str(body["type"]) for body in bodies if is_over(body))
    kinds = Counter(str(body["type"]) for body in bodies)
    rows = [
        {"type": type_, "objects": count, "over": over[type_]}
        for type_, count in kinds.most_common()
    ]
    if desk.screen.as_json:
        desk.screen.json(_row(held) | {"types": rows})
        return
    desk.screen.facts(_row(held))
    desk.screen.line("")
    desk.screen.rows(("type", "objects", "over"), rows)


@app.command("find", cls=Command)
def find(
    ctx: typer.Context, what: Annotated[list[str], typer.Argument(metavar="NUMBER|NAME")]
) -> None:
    """Look something up by its number, its name or an alias."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = sets.find(unit, visible(node.us, actor), " ".join(what))
    rows = [
        row(copy)
        | {
            "called": number(copy.object.body),
            "aliases": names_of(copy.object.body)[1:],
            "over": is_over(copy.object.body),
        }
        for copy in found
    ]
    columns = ("called", "type", "name", "aliases", "over", "number", "from")
    desk.screen.rows(columns, rows, empty="none.in-sets", wide=("id",))


@app.command("drop", cls=Command)
def drop(ctx: typer.Context, name: Name, version: Version, *, yes: Flag = False) -> None:
    """Hold a version no longer."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
            held = sets.version_of(unit, name, version)
        ask = "ask.set-drop-current" if held.current else "ask.set-drop"
        desk.confirm(ask, yes=yes, name=name, version=version)
        sets.drop(node.core, node.us, actor, held, node.clock())
    desk.screen.say("say.set-dropped", name=name, version=version)
