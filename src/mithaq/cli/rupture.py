"""Breaking off with a partner at once, the exit pack, and the way back."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from typer._click import Context

from mithaq.auth.actors import Permission, require
from mithaq.border import exits, peers, people, rupture, shelf
from mithaq.border.rupture import Reach, Why
from mithaq.cli.common import span
from mithaq.cli.desk import Desk, NoFile, desk_of
from mithaq.cli.frame import Command, Group, topic
from mithaq.cli.options import Text, Yes
from mithaq.clock import monotonic
from mithaq.node import Node
from mithaq.store import blocks
from mithaq.store.blocks import RuptureRow

DECLARE = "declare"


class _Ruptures(Group):
    """Commands on ruptures; where the line names a party instead of one, it is broken off with."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command a line names, ``declare`` if it begins with a party's name."""
        known = self.list_commands(ctx)
        return super().resolve_command(ctx, args if args[0] in known else [DECLARE, *args])


app = topic("rupture", _Ruptures)
Party = Annotated[str, typer.Argument(metavar="PARTY")]
Folder = Annotated[Path | None, typer.Option(metavar="DIR")]


@app.command(DECLARE, cls=Command)
def declare(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    party: Party,
    *,
    reason: Text,
    basis: Text = "",
    out: Folder = None,
    keep: Annotated[bool, typer.Option("--keep")] = False,
    deadline: Annotated[str, typer.Option(metavar="TIME")] = "72h",
    preview: Annotated[bool, typer.Option("--preview")] = False,
    yes: Yes = False,
) -> None:
    """Break off with a party everywhere, at once."""
    desk = desk_of(ctx)
    term = span(deadline)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_BREAK)
            found = rupture.reach(unit, node.us, party, node.clock())
        if preview or not desk.screen.as_json:
            _reach(desk, found)
        if preview:
            desk.screen.say("say.nothing-sent")
            return
        desk.confirm("ask.rupture", yes=yes, party=party)
        begun = monotonic()
        with node.core.begin() as unit:
            why = Why(reason=reason, basis=basis)
            found = rupture.declare(unit, node.us, party, why, node.clock(), by=actor.name)
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
        seconds = f"{monotonic() - begun:.1f}"
        desk.screen.say("say.rupture", party=party, seconds=seconds)
        ordered = 0 if keep else _order_back(desk, node, party, (actor.name, term))
        files = _pack(desk, node, party, out)
    if desk.screen.as_json:
        desk.screen.json(_facts(found) | {"ordered": ordered, "pack": str(files)})
        return
    if ordered:
        desk.screen.say("say.rupture-orders", count=ordered, party=party)
    desk.screen.say("say.rupture-pack", folder=files)


def _facts(found: Reach) -> dict[str, Any]:
    return {
        "party": found.party,
        "suspended": list(found.suspended),
        "closed": list(found.closed),
        "told": list(found.told),
        "rows": found.rows,
        "released": found.released,
        "consents": found.consents,
    }


def _reach(desk: Desk, found: Reach) -> None:
    desk.screen.facts(_facts(found), whole=True)


def _order_back(desk: Desk, node: Node, party: str, by: tuple[str, timedelta]) -> int:
    """Order everything of ours back from the party, some at a time; return how much."""
    person, deadline = by
    with node.core.read() as unit:
        waiting = exits.to_order(unit, node.us, party)
    count = 0
    with desk.screen.progress("progress.recall") as tick:
        for start in range(0, len(waiting), exits.AT_ONCE):
            some = waiting[start : start + exits.AT_ONCE]
            with node.core.begin() as unit:
                count += exits.order_back(
                    unit, node.us, party, some, node.clock(), by=person, deadline=deadline
                )
            tick(start + len(some), len(waiting))
    shelf.project(node.core, node.shelf, node.clock(), additions=False)
    return count


def _pack(desk: Desk, node: Node, party: str, out: Path | None) -> Path:
    """Write the exit pack into a new folder; return which."""
    with node.core.begin() as unit:
        now = node.clock()
        files = exits.pack(unit, node.us, party, now)
    folder = out or Path(f"exit-{party}-{now:%Y%m%dT%H%M%SZ}")
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise NoFile(f"cannot make {folder}: {error.strerror}", file=str(folder)) from error
    for name, raw in files.items():
        desk.write(folder / name, raw)
    return folder


@app.command("pack", cls=Command)
def pack(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    party: Party,
    *,
    out: Folder = None,
    order_back: Annotated[bool, typer.Option("--order-back")] = False,
    deadline: Annotated[str, typer.Option(metavar="TIME")] = "72h",
    yes: Yes = False,
) -> None:
    """Write the exit pack anew, as things stand now."""
    desk = desk_of(ctx)
    term = span(deadline)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_BREAK)
        ordered = 0
        if order_back:
            desk.confirm("ask.rupture-orders", yes=yes, party=party)
            ordered = _order_back(desk, node, party, (actor.name, term))
        files = _pack(desk, node, party, out)
    if desk.screen.as_json:
        desk.screen.json({"party": party, "ordered": ordered, "pack": str(files)})
        return
    if ordered:
        desk.screen.say("say.rupture-orders", count=ordered, party=party)
    desk.screen.say("say.rupture-pack", folder=files)


@app.command("check", cls=Command)
def check(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR")],
    *,
    sender: Annotated[str, typer.Option("--from", metavar="PARTY")] = "",
) -> None:
    """Check that an exit pack is as it was signed."""
    desk = desk_of(ctx)
    if not folder.is_dir():
        raise NoFile(f"no folder {folder}", file=str(folder))
    files = {path.name: desk.read(path) for path in sorted(folder.iterdir()) if path.is_file()}
    with desk.node() as node, node.core.read() as unit:
        listed = exits.check(files, peers.every_key_of(unit, sender or node.us.party))
    if desk.screen.as_json:
        desk.screen.json({"by": listed.by, "party": listed.party, "issued": listed.issued})
    desk.screen.say("say.pack-holds", by=listed.by, party=listed.party, at=listed.issued)


@app.command("list", cls=Command)
def list_(ctx: typer.Context, *, past: Annotated[bool, typer.Option("--past")] = False) -> None:
    """List who broke off with whom."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.AGREEMENT_READ)
        rows = blocks.every_rupture(unit) if past else blocks.ruptures_standing(unit)
    columns = ("party", "by", "rupture", "since", "person", "basis", "reason")
    desk.screen.rows(columns, [_row(row) for row in rows], empty="none.ruptures", wide=("told",))


def _row(row: RuptureRow) -> dict[str, Any]:
    return {
        "party": row.party,
        "by": row.by,
        "rupture": row.state,
        "since": row.at,
        "person": row.person,
        "basis": row.basis,
        "reason": row.reason,
        "told": [name for name in row.told.split(",") if name],
        "suspended": [name for name in row.suspended.split(",") if name],
    }


@app.command("lift", cls=Command)
def lift(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    party: Party,
    *,
    second: Annotated[str, typer.Option("--with", metavar="NAME")],
    key: Annotated[Path, typer.Option(metavar="FILE")],
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    yes: Yes = False,
) -> None:
    """Deal with a party again, which takes two persons."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_RETURN)
            require(people.named(unit, second), Permission.PEER_RETURN)
        desk.confirm("ask.rupture-lift", yes=yes, party=party)
        signer = desk.key(key, passphrase_file)
        with node.core.begin() as unit:
            person = (second, signer)
            row = rupture.lift(unit, node.us, party, person, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json(_row(row))
    desk.screen.say("say.rupture-lifted", party=party)
