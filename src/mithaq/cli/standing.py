"""Standing approvals: a director's yes beforehand, its uses, and the review on the next morning."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import review as mornings
from mithaq.border import shelf, standing
from mithaq.border.standing import Stands, Wish
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Beginning, Instant, Text, TlpLevel, Yes
from mithaq.store import standings
from mithaq.store.standings import Use

app = topic("standing")
Number = Annotated[int, typer.Argument(metavar="NUMBER")]


def _row(each: Stands) -> dict[str, Any]:
    terms = each.terms
    return {
        "number": each.row.seq,
        "standing_state": each.state,
        "director": terms.person,
        "kinds": list(terms.kinds),
        "most": terms.level,
        "peers": list(terms.peers),
        "hours": list(terms.hours),
        "zone": terms.zone,
        "starts": terms.begins,
        "until": terms.expires,
        "used": f"{each.used}/{terms.count}",
    }


@app.command("new", cls=Command)
def new(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    kind: Annotated[list[str], typer.Option("--kind", metavar="TYPE")],
    to: Annotated[list[str], typer.Option("--to", metavar="PEER")],
    level: TlpLevel = "AMBER+STRICT",
    hours: Annotated[list[str], typer.Option("--hours", metavar="DAYS HH:MM-HH:MM")],
    zone: Annotated[str, typer.Option("--zone", metavar="ZONE")],
    since: Beginning = "",
    until: Instant,
    count: Annotated[int, typer.Option("--count", metavar="NUMBER")],
    key: Annotated[Path, typer.Option(metavar="FILE")],
    passphrase_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    yes: Yes = False,
) -> None:
    """Approve beforehand what may go at night."""
    desk = desk_of(ctx)
    wish = Wish(
        kinds=kind,
        level=level,
        peers=to,
        hours=hours,
        zone=zone,
        begins=since,
        expires=until,
        count=count,
    )
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.STANDING_SIGN)
        peers, times = ", ".join(to), ", ".join(hours)
        desk.confirm("ask.standing", yes=yes, count=count, level=level, peers=peers, hours=times)
        signer = desk.key(key, passphrase_file)
        with node.core.begin() as unit:
            made = standing.give(unit, node.us, (actor.name, signer), wish, node.clock())
    if desk.screen.as_json:
        desk.screen.json(_row(made))
        return
    desk.screen.facts(_row(made))
    desk.screen.say("say.standing", number=made.row.seq)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List standing approvals and how often each was used."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.RELEASE_PREVIEW)
        rows = [_row(each) for each in standing.every(unit, node.us, node.clock())]
    columns = ("number", "standing_state", "director", "kinds", "most", "peers", "hours", "used")
    desk.screen.rows(columns, rows, empty="none.standings", wide=("zone", "starts", "until"))


@app.command("revoke", cls=Command)
def revoke(ctx: typer.Context, number: Number) -> None:
    """Let a standing approval count no more."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.STANDING_REVIEW)
        standing.revoke(unit, number, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json({"number": number, "standing_state": "revoked"})
    desk.screen.say("say.standing-revoked", number=number)


@app.command("review", cls=Command)
def review(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER")] = 0,
    *,
    seen: Annotated[bool, typer.Option("--seen")] = False,
    recall: Annotated[bool, typer.Option("--recall")] = False,
    basis: Text = "",
    past: Annotated[bool, typer.Option("--past")] = False,
    yes: Yes = False,
) -> None:
    """Look at what went at night: seen, or taken back."""
    desk = desk_of(ctx)
    if (seen and recall) or bool(number) != (seen or recall):
        raise BadUsage("seen-or-recall")
    if not number:
        _uses(desk, past=past)
        return
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.STANDING_REVIEW)
        if recall:
            desk.confirm("ask.standing-recall", yes=yes, number=number)
        verdict = mornings.RECALLED if recall else mornings.SEEN
        with node.core.begin() as unit:
            use = mornings.review(
                unit, node.us, number, verdict, node.clock(), by=actor.name, basis=basis
            )
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    if desk.screen.as_json:
        desk.screen.json(_use(use))
    desk.screen.say(f"say.standing-{verdict}", number=number, id=use.id)


def _uses(desk: Desk, *, past: bool) -> None:
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.RELEASE_PREVIEW)
        rows = [_use(use) for use in standings.uses(unit, open_only=not past)]
    columns = ("number", "at", "id", "agreement", "peers", "proposer", "standing_number", "use")
    more = ("version", "view", "verdict", "reviewed_at", "reviewed_by")
    desk.screen.rows(columns, rows, empty="none.uses", wide=more)


def _use(use: Use) -> dict[str, Any]:
    return {
        "number": use.seq,
        "at": use.at,
        "id": use.id,
        "version": use.version,
        "agreement": use.agreement,
        "peers": use.peers.split(","),
        "proposer": use.proposer,
        "standing_number": use.standing,
        "use": use.use,
        "view": use.view,
        "verdict": use.verdict,
        "reviewed_at": use.reviewed_at,
        "reviewed_by": use.reviewed_by,
    }
