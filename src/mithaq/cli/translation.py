"""What people translate: an object in another language, beside it."""

from typing import Annotated

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import FewCaveats, together
from mithaq.cli.objects import show_body, stored, terms_of
from mithaq.cli.options import Flag, Named
from mithaq.intel.authoring import translations
from mithaq.store import releases

app = topic()


@app.command("translate", cls=Command)
@together
def translate(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    texts: Annotated[list[str] | None, typer.Argument(metavar="NAME=TEXT")] = None,
    *,
    to: Annotated[str, typer.Option(metavar="LANGUAGE")],
    caveats: FewCaveats,
    preview: Flag = False,
) -> None:
    """Write what an object says in another language."""
    desk = desk_of(ctx)
    if not texts:
        raise BadUsage("no-fields")
    with desk.node() as node:
        terms = terms_of(node, caveats, None)
        with node.core.read() if preview else node.core.begin() as unit:
            actor, now = desk.actor(unit, Permission.OBJECT_ADD), node.clock()
            draft = translations.translate(
                unit, node.us, actor, name, (to, texts), now, terms=terms
            )
            if preview:
                show_body(desk, draft)
                return
            copy = intel.store(unit, node.us, actor, draft, now)
            target = str(copy.object.body["object_ref"])
            version = copy.object.body.get("object_modified")
            rows = releases.rows_of_ids(unit, [target])
            there = {(r.peer, r.agreement) for r in rows if version in (None, r.version)}
    stored(desk, copy)
    for agreement in sorted({agreement for _, agreement in there}):
        peers = ", ".join(sorted(peer for peer, under in there if under == agreement))
        desk.screen.say("say.translation-goes", peers=peers, agreement=agreement, number=copy.seq)
