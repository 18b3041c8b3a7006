"""Exports: what a client's grant lets it have, as the files that its tools read."""

import errno
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from mithaq.auth.actors import Permission
from mithaq.border import exports, shelf
from mithaq.cli.desk import NoFile, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import each_of
from mithaq.formats.export import EXPORTS, LEFT

app = topic()
FEED = "misp"  # the one export of several files
_EVENT = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.json")


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    client: Annotated[str, typer.Argument(metavar="CLIENT")],
    *,
    out: Annotated[Path, typer.Option(metavar="DIR")],
    format_: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="NAME", callback=each_of(EXPORTS)),
    ] = None,
    worth: Annotated[int | None, typer.Option(metavar="LEAST", min=0, max=100)] = None,
) -> None:
    """Write what stands on a client's shelf as files."""
    desk = desk_of(ctx)
    wanted = [name for given in format_ or () for name in given.split(",")]
    names = [name for name in EXPORTS if not wanted or name in wanted]
    with desk.node() as node:
        now = node.clock()
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            exports.client(unit, client)
            least = max(worth or 0, exports.least_of(unit, client))
        shelf.project(node.core, node.shelf, now, additions=False)
        with node.shelf.read() as shown:
            which = exports.shelves_of(shown, client, now)
            _make(out)
            benign = node.us.benign
            printed = exports.press(shown, which, names, now, benign, least=least).done()
            with node.core.begin() as unit:  # first: nothing is handed out that is not on record
                exports.handed_out(unit, shown, client, printed, now, by=actor.name)
    for each in printed.values():
        for file, body in reversed(each.files.items()):  # what names the others comes last
            _make((out / file).parent, below=out)
            desk.replace(out / file, body)
    if FEED in printed:
        for old in (out / FEED).iterdir():  # events that are told no longer
            if _EVENT.fullmatch(old.name) and f"{FEED}/{old.name}" not in printed[FEED].files:
                old.unlink()
    rows = [
        {
            "export": name,
            "objects": sum(map(len, each.told.values())),
            **{f"left_{why}": len(each.left.get(why, ())) for why in LEFT},
            "bytes": sum(map(len, each.files.values())),
        }
        for name, each in printed.items()
    ]
    if desk.screen.as_json:
        desk.screen.json(
            [row | {"left": each.left} for row, each in zip(rows, printed.values(), strict=True)]
        )
        return
    left = tuple(f"left_{why}" for why in LEFT)
    desk.screen.rows(("export", "objects", *left, "bytes"), rows)


def _make(folder: Path, below: Path | None = None) -> None:
    if below not in {None, folder} and folder.is_symlink():
        raise NoFile(f"cannot write {folder}: {os.strerror(errno.ELOOP)}", file=str(folder))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoFile(f"cannot write {folder}: {error.strerror}", file=str(folder)) from error
