"""The people here: who acts, and the key each signs approvals with."""

from pathlib import Path
from typing import Annotated

import typer

from mithaq.auth.actors import Permission, Role, roles
from mithaq.border import people
from mithaq.border.people import Newcomer
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import TlpLevel, each_of
from mithaq.seal.keys import generate, keyid

app = topic("actor")


@app.command("add", cls=Command)
def add(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument()],
    *,
    role: Annotated[list[str], typer.Option(metavar="ROLE", callback=each_of(Role))],
    clearance: TlpLevel = "AMBER",
    reader_id: Annotated[list[str] | None, typer.Option(metavar="ID")] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Let a person act here, with a key of their own in a file they keep."""
    desk = desk_of(ctx)
    if not name.replace("-", "").replace(".", "").isalnum():
        raise BadUsage("bad-name", name=name)
    file = (key or Path(f"{name}.pem")).expanduser()
    signer = generate()
    with desk.node() as node, node.core.begin() as unit:
        by = desk.actor(unit, Permission.ACTOR_SET)
        newcomer = Newcomer(
            name=name,
            roles=roles(one for each in role for one in each.split(",")),
            clearance=clearance,
            readers=tuple(reader_id or ()),
            public=signer.public,
        )
        made = people.enrol(unit, newcomer, node.clock(), by=by.name)
        desk.write(file, signer.pem(desk.passphrase(passphrase_file)), secret=True)
    row = {"name": name, "roles": sorted(made.roles), "clearance": f"TLP:{made.clearance.tlp}"}
    row |= {
        "readers": sorted(made.clearance.readers),
        "key": keyid(signer.public),
        "file": str(file),
    }
    desk.screen.facts(row)
    desk.screen.say("say.actor-added", name=name, file=file)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List who may act here."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        rows = [
            {
                "name": actor.name,
                "roles": sorted(actor.roles),
                "clearance": f"TLP:{actor.clearance.tlp}",
                "readers": sorted(actor.clearance.readers),
                "key": keyid(actor.public_key or b""),
            }
            for actor in people.everyone(unit)
        ]
    columns = ("name", "roles", "clearance", "readers", "key")
    desk.screen.rows(columns, rows, empty="none.actors")
