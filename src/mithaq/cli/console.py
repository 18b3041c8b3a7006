"""The console's accounts: who is let in."""

from typing import Annotated

import typer

from mithaq.auth.actors import Permission
from mithaq.border import people
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.node import DEFAULT_CONSOLE
from mithaq.config import host_and_port

app = topic("console")


@app.command("invite", cls=Command)
def invite(ctx: typer.Context, name: Annotated[str, typer.Argument()]) -> None:
    """Let somebody who acts here into the console, by a link that is good once and for a day."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.ACTOR_SET)
            people.named(unit, name)
        from mithaq.web.app import configure  # noqa: PLC0415 no other command needs Django

        configure(node)
        from mithaq.web.account import accounts  # noqa: PLC0415 its tables are known once Django is set up

        settings = node.config.settings
        at = node.config.console_url(host_and_port(settings.console or DEFAULT_CONSOLE))
        link = f"{at}{accounts.invite(name)}"
    desk.screen.facts({"name": name, "link": link})
    desk.screen.say("say.invited", name=name)
