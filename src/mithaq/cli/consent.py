"""Consent: asking an owner to let something go further, and answering those who ask us."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border import consent
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Named, Purpose, Text, Yes
from mithaq.errors import InputError, NotFound
from mithaq.policy.agreement import DEFENCE
from mithaq.store import consents
from mithaq.store.consents import ConsentRow

app = topic("consent")
Number = Annotated[int, typer.Argument(metavar="NUMBER")]
Key = Annotated[Path, typer.Option(metavar="FILE")]
Passphrase = Annotated[Path | None, typer.Option(metavar="FILE")]


def _row(row: ConsentRow) -> dict[str, Any]:
    return {
        "number": row.seq,
        "owner": row.owner,
        "asker": row.asker,
        "recipient": row.recipient,
        "id": row.id,
        "version": row.version,
        "digest": row.digest,
        "reason": row.reason,
        "purpose": row.purpose,
        "state": row.state,
        "since": row.at,
        "person": row.person,
    }


@app.command("ask", cls=Command)
def ask(
    ctx: typer.Context,
    name: Named,
    *,
    to: Annotated[str, typer.Option(metavar="PARTY")],
    reason: Text,
    purpose: Purpose = DEFENCE,
) -> None:
    """Ask an object's owner to let us pass it on to a party."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
        found = intel.versions(unit, node.us, actor, name)
        theirs = [copy for copy in found if copy.standing == "received"] or found
        if len({(copy.object.id, copy.voucher) for copy in theirs}) > 1:
            numbers = ", ".join(str(copy.seq) for copy in theirs)
            raise InputError(f"several copies bear that id; give one of {numbers}", id=name)
        wish, now = (to, reason), node.clock()
        row = consent.ask(unit, node.us, theirs[0], wish, now, by=actor.name, purpose=purpose)
    if desk.screen.as_json:
        desk.screen.json(_row(row))
    desk.screen.say("say.asked", owner=row.owner, recipient=to)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List what was asked of us and by us, and what was answered."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.RELEASE_PREVIEW)
        rows = [_row(row) for row in consents.every(unit)]
    columns = ("number", "state", "owner", "asker", "recipient", "id", "purpose", "since", "reason")
    desk.screen.rows(columns, rows, empty="none.consents", wide=("version", "digest"))


@app.command("give", cls=Command)
def give(
    ctx: typer.Context,
    number: Number,
    *,
    key: Key,
    passphrase_file: Passphrase = None,
    yes: Yes = False,
) -> None:
    """Let what is ours go to whom the request names."""
    desk = desk_of(ctx)
    row = _asked(desk, number)
    if not desk.screen.as_json:
        desk.screen.facts(_row(row))
    about = {"asker": row.asker, "recipient": row.recipient, "id": row.id}
    desk.confirm("ask.consent", yes=yes, **about)
    _answer(desk, number, (key, passphrase_file), yes=True)


@app.command("refuse", cls=Command)
def refuse(
    ctx: typer.Context, number: Number, *, key: Key, passphrase_file: Passphrase = None
) -> None:
    """Refuse a request, or take a consent back."""
    desk = desk_of(ctx)
    _asked(desk, number)
    _answer(desk, number, (key, passphrase_file), yes=False)


def _asked(desk: Desk, number: int) -> ConsentRow:
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.RELEASE_APPROVE)
        row = consents.numbered(unit, number)
        if row is None or row.owner != node.us.party:
            raise NotFound(f"no request by the number {number} is ours to answer", number=number)
    return row


def _answer(desk: Desk, number: int, key: tuple[Path, Path | None], *, yes: bool) -> None:
    signer = desk.key(*key)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_APPROVE)
        person = (actor.name, signer)
        row = consent.answer(unit, node.us, number, person, node.clock(), yes=yes)
    if desk.screen.as_json:
        desk.screen.json(_row(row))
    desk.screen.say(
        "say.consented" if yes else "say.refused", asker=row.asker, recipient=row.recipient
    )
