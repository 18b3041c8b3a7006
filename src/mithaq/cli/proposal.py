"""Proposals to a partner's object, which go to its owner alone; and what others propose to us."""

from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border.publish import Outcome
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.objects import DIFF, change_row
from mithaq.cli.options import Flag, Named, Text, TlpLevel, Yes
from mithaq.cli.release import language_of, tally
from mithaq.intel import Caveats, Change
from mithaq.intel.authoring import drafts, proposals
from mithaq.intel.authoring.proposals import Asked, Settled, Standing
from mithaq.model.canonical import Json

app = topic("proposal")
writes = topic()  # a command of its own: propose

Facts = dict[str, Any]
Sets = Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE")]


@writes.command("propose", cls=Command)
def propose(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    fields: Sets = None,
    *,
    why: Text,
    tlp: TlpLevel = "",
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    named: Flag = False,
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Propose a change of a partner's object to its owner alone."""
    desk = desk_of(ctx)
    if not fields:
        raise BadUsage("no-fields")
    if desk.screen.as_json and not (yes or preview):
        raise BadUsage("json-yes")
    beside = intel.caveats(Caveats(tlp=tlp))
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
            type_ = intel.versions(unit, node.us, actor, name)[0].object.type
            asked = Asked(
                name=name,
                fields=drafts.fields(type_, fields),
                why=why,
                named=named,
                agreement=agreement,
            )
            made = proposals.propose(unit, node.us, actor, asked, node.clock(), beside=beside)
        body = made.target.object.body
        changed = [Change(field=n, before=body.get(n), after=v) for n, v in asked.fields.items()]
        if preview or not desk.screen.as_json:
            desk.screen.rows(DIFF, [change_row(each) for each in changed])
        if preview:
            desk.screen.note("say.nothing-sent")
            return
        desk.confirm("ask.propose", yes=yes, peer=made.to, agreement=made.agreement)
        with node.core.begin() as unit:
            copy, outcome = proposals.send(unit, node.us, actor, made, node.clock())
    _told(desk, row(copy) | {"to": made.to}, (made.to, outcome, copy.seq))


def _told(desk: Desk, facts: Facts, sent: tuple[str, Outcome | None, int]) -> None:
    """Say what is stored, and what becomes of it at the border."""
    peer, outcome, number = sent
    peers = tally(outcome.decisions, [number], language_of(desk)) if outcome else []
    went = [each for each in peers if each["peer"] == peer]
    if desk.screen.as_json:
        desk.screen.json(facts | {"sent": went})
        return
    desk.screen.facts(facts)
    if not went:
        desk.screen.say("say.not-answered", peer=peer)
    for each in went:
        which = "goes" if each["goes"] else "waits" if each["waits"] else "stays"
        desk.screen.say(f"say.proposal-{which}", peer=peer)
        for reason in each["reasons"]:
            desk.screen.line(f"  {reason['sentence']}")


# --- what there is -------------------------------------------------------------------------------
@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    *,
    sent: Flag = False,
    every: Annotated[bool, typer.Option("--all")] = False,
) -> None:
    """List what others propose to us, or we to them."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = proposals.proposals(unit, node.us, actor, sent=sent, every=every)
    columns = ("marking", "number", "party", "object", "fields", "state", "stale", "received")
    desk.screen.rows(columns, [_row(each) for each in found], empty="none.proposals", wide=("id",))


def _row(each: Standing) -> Facts:
    target = each.target
    return {
        "marking": intel.marking(each.note),
        "number": each.note.seq,
        "party": each.party,
        "object": intel.title(target.object.body) if target else "",
        "target": each.proposal.target,
        "fields": list(each.proposal.fields),
        "state": each.state,
        "stale": each.stale,
        "received": each.note.received_at,
        "id": each.note.object.id,
    }


@app.command("show", cls=Command)
def show(ctx: typer.Context, name: Named) -> None:
    """Show a proposal beside the object as it is now."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = proposals.proposal(unit, node.us, actor, name)
    _show(desk, found)


def _show(desk: Desk, found: Standing) -> None:
    body = found.target.object.body if found.target else {}
    answer = found.answer.object.body.get("explanation", "") if found.answer else ""
    facts = _row(found) | {
        "named": found.proposal.named,
        "version": found.proposal.version,
        "agreement": found.note.agreement,
        "why": found.proposal.why,
        "answer": answer,
    }
    asked = found.proposal.fields
    changed = [Change(field=n, before=body.get(n), after=value) for n, value in asked.items()]
    if desk.screen.as_json:
        rows = [{"field": c.field, "before": c.before, "after": c.after} for c in changed]
        desk.screen.json(facts | {"changes": rows, "changed_since": [*found.since]})
        return
    del facts["fields"]
    desk.screen.facts(facts)
    desk.screen.line("")
    desk.screen.rows(DIFF, [change_row(each) for each in changed])
    _warn(desk, found)


def _warn(desk: Desk, found: Standing) -> None:
    """Say that the object has a newer version than was read, and whether that changed the same."""
    both = [name for name in found.since if name in found.proposal.fields]
    if found.stale and both:
        desk.screen.say("say.proposal-overtaken", fields=", ".join(both))
    elif found.stale:
        desk.screen.say("say.proposal-stale", version=found.proposal.version)


# --- what we decide ------------------------------------------------------------------------------
@app.command("take", cls=Command)
def take(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    *,
    why: Text = "",
    credit: Flag = False,
    silent: Flag = False,
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Take a proposal: a new version of our object, after a look at what changes."""
    desk = desk_of(ctx)
    if desk.screen.as_json and not (yes or preview):
        raise BadUsage("json-yes")
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            found = proposals.proposal(unit, node.us, actor, name)
            draft = proposals.taken(unit, node.us, actor, found, node.clock(), credit=credit)
        if preview or not desk.screen.as_json:
            desk.screen.rows(DIFF, [change_row(each) for each in draft.changes])
        if not desk.screen.as_json:
            _warn(desk, found)
        if preview:
            desk.screen.note("say.nothing-done")
            return
        title = intel.title(draft.object.body) or draft.object.id
        desk.confirm("ask.take", yes=yes, name=title, peer=found.party)
        with node.core.begin() as unit:
            done = proposals.settle(
                unit, node.us, actor, found, node.clock(), draft=draft, why=why, silent=silent
            )
    _settled(desk, found, done)


@app.command("decline", cls=Command)
def decline(
    ctx: typer.Context,
    name: Named,
    *,
    why: Text = "",
    silent: Flag = False,
) -> None:
    """Decline a proposal, and say so to who made it."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        found = proposals.proposal(unit, node.us, actor, name)
        done = proposals.settle(unit, node.us, actor, found, node.clock(), why=why, silent=silent)
    _settled(desk, found, done)


def _settled(desk: Desk, found: Standing, done: Settled) -> None:
    facts: dict[str, Json] = {
        "state": "declined" if done.version is None else "taken",
        "party": found.party,
        "answer": done.answer.seq,
    }
    if done.version is not None:
        facts = row(done.version) | facts
    _told(desk, facts, (found.party, done.sent, done.answer.seq))
