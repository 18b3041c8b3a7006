"""Later versions of what is ours, and what became of an object."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission, may
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.editor import edited
from mithaq.cli.frame import Command
from mithaq.cli.groups import AllCaveats, together
from mithaq.cli.intel import row
from mithaq.cli.naming import Called, one
from mithaq.cli.objects import (
    DIFF,
    Facts,
    Readers,
    app,
    change_row,
    show_changes,
    stored,
    tell_waiting,
    terms_of,
    texts,
    wait_row,
)
from mithaq.cli.options import Flag, Named, Yes
from mithaq.intel import Caveats, Draft, Past
from mithaq.intel.authoring import drafts, proposals
from mithaq.node import Node

__all__ = ["app", "texts"]

Drafted = Callable[[Connection, Node, Actor, datetime], Draft]


# --- what is ours already ------------------------------------------------------------------------
@app.command("set", cls=Command)
@together
def set_fields(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    fields: Annotated[list[str] | None, typer.Argument(metavar="NAME=VALUE")] = None,
    *,
    caveats: AllCaveats,
    reader: Readers = None,
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Write a new version of an object of ours."""
    if not fields and caveats == Caveats():
        raise BadUsage("no-fields")

    def draft(unit: Connection, node: Node, actor: Actor, now: datetime) -> Draft:
        base = intel.own(unit, node.us, actor, name)
        given = drafts.fields(base.object.type, fields or ())
        terms = terms_of(node, caveats, reader)
        return intel.revised(unit, node.us, actor, name, given, now, terms=terms)

    _follow(desk_of(ctx), draft, preview=preview, yes=yes)


@app.command("edit", cls=Command)
def edit(ctx: typer.Context, name: Named, *, yes: Yes = False) -> None:
    """Change an object of ours in an editor."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        base = intel.own(unit, node.us, actor, name)
    before = json.dumps(base.object.body, ensure_ascii=False, indent=2) + "\n"
    after = edited(before, desk.home, f"{base.object.type}.json")
    whole = drafts.object_in(after.encode())

    def draft(unit: Connection, node: Node, actor: Actor, now: datetime) -> Draft:
        given = drafts.set_to(base.object.body, whole)
        return intel.revised(unit, node.us, actor, str(base.seq), given, now)

    _follow(desk, draft, preview=False, yes=yes)


@app.command("revoke", cls=Command)
def revoke(ctx: typer.Context, name: Named, *, preview: Flag = False, yes: Yes = False) -> None:
    """Say that an object of ours holds no more."""

    def draft(unit: Connection, node: Node, actor: Actor, now: datetime) -> Draft:
        return intel.revoked(unit, node.us, actor, name, now)

    _follow(desk_of(ctx), draft, preview=preview, yes=yes)


@app.command("restore", cls=Command)
def restore(
    ctx: typer.Context,
    name: Named,
    *,
    version: Annotated[str, typer.Option(metavar="INSTANT|NUMBER")],
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Let an object of ours say again what an earlier version said."""

    def draft(unit: Connection, node: Node, actor: Actor, now: datetime) -> Draft:
        return intel.restored(unit, node.us, actor, name, version, now)

    _follow(desk_of(ctx), draft, preview=preview, yes=yes)


def _follow(desk: Desk, drafted: Drafted, *, preview: bool, yes: bool) -> None:
    """Show what a version would change, and store it if a person says so."""
    if desk.screen.as_json and not (yes or preview):
        raise BadUsage("json-yes")
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            draft = drafted(unit, node, actor, node.clock())
        if preview:
            show_changes(desk, draft)
            return
        if not desk.screen.as_json:
            show_changes(desk, draft)
        desk.confirm("ask.version", yes=yes, name=intel.title(draft.object.body) or draft.object.id)
        with node.core.begin() as unit:
            copy = intel.store(unit, node.us, actor, draft, node.clock())
            waits = intel.waiting(unit, node.us, actor, copy)
    stored(desk, copy, waits)


# --- what became of it ---------------------------------------------------------------------------
@texts.command("history", cls=Command)
def history(ctx: typer.Context, name: Called) -> None:
    """Tell the versions of an object: who, when, what changed, and to whom each went."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        past = intel.history(unit, node.us, actor, one(unit, node, actor, name))
        ours = [each.copy for each in past if each.copy.standing == "own"]
        tells = may(actor, Permission.RELEASE_PREVIEW)
        waits = intel.waiting(unit, node.us, actor, ours[-1]) if ours and tells else []
        id_ = past[0].copy.object.id
        credited = proposals.credits_of(unit, node.us, actor, id_) if ours else {}
    if desk.screen.as_json:
        told = [_past_json(each, _proposer(each, credited)) for each in past]
        desk.screen.json({"versions": told, "waiting": [wait_row(each) for each in waits]})
        return
    for each in past:
        _tell_past(desk, each, _proposer(each, credited))
    if ours:
        tell_waiting(desk, ours[-1], waits)


def _proposer(each: Past, credited: Mapping[str, str]) -> str:
    """Return who proposed what a version of ours took; empty: nobody else."""
    return credited.get(each.copy.object.version, "") if each.copy.standing == "own" else ""


def _past_json(each: Past, proposer: str) -> Facts:
    changed = [{"field": c.field, "before": c.before, "after": c.after} for c in each.changes]
    went = [
        {"peer": r.peer, "agreement": r.agreement, "at": r.at, "fetched": r.fetched_at}
        for r in each.released
    ]
    about = {"author": each.copy.author, "proposed_by": proposer}
    return row(each.copy) | about | {"changes": changed, "released": went}


def _tell_past(desk: Desk, each: Past, proposer: str) -> None:
    screen, copy = desk.screen, each.copy
    who = copy.author or copy.sent_by or copy.voucher
    facts = {"version": copy.object.version or copy.received_at, "number": copy.seq, "who": who}
    marking = intel.marking(copy) or screen.words.say("none.marking")
    screen.line(screen.words.say("say.version-by", **facts, marking=marking), style="bold")
    if each.first:
        screen.line(intel.title(copy.object.body) or copy.object.id)
    else:
        screen.rows(DIFF, [change_row(c) for c in each.changes], empty="none.changed")
    if proposer:
        screen.say("say.proposed-by", party=proposer)
    for agreement in dict.fromkeys(r.agreement for r in each.released):
        peers = dict.fromkeys(r.peer for r in each.released if r.agreement == agreement)
        screen.say("say.went-to", peers=", ".join(peers), agreement=agreement)
    screen.line("")
