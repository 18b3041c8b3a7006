"""The boundary: what is ours, what is blocked on our firewalls, and how soon they know what partners tell."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border import shelf
from mithaq.cli.benign import meant_by
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, Text, Yes, one_of
from mithaq.cli.release import language_of, tally
from mithaq.clock import parse, text
from mithaq.defence import boundary
from mithaq.defence.boundary import IMPORTANCE, Leg, Seen, Share, Wanted
from mithaq.model.values import Value
from mithaq.store import boundary as store
from mithaq.store.boundary import Blocked

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mithaq.auth.actors import Actor
    from mithaq.node import Node

app = topic("boundary")

Facts = dict[str, Any]
Values = Annotated[list[str], typer.Argument(metavar="VALUE…")]
_DAYS = 30
_SHOWN = 5


# --- what is ours -------------------------------------------------------------------------------------
@app.command("show", cls=Command)
def show(ctx: typer.Context) -> None:
    """Show our services, networks and names, and what names or hit them."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        said = node.config.settings
        found = boundary.look(unit, node.us, actor, said.benign, said.cycle.sectors)
    columns = ("name", "what", "importance", "owner", "named", "newest", "hits", "hit_last")
    rows = [_ours(each) for each in found]
    if desk.screen.as_json:
        desk.screen.json([row | _more(each) for row, each in zip(rows, found, strict=True)])
        return
    desk.screen.rows(columns, rows, empty="none.own-space", wide=("partly",))


def _ours(seen: Seen) -> Facts:
    return {
        "name": seen.item.name,
        "what": seen.item.what,
        "importance": seen.item.importance,
        "owner": seen.item.owner,
        "named": len(seen.named),
        "newest": [intel.marking(c) + " " + c.object.id for c in seen.named[:1]],
        "hits": sum(group.count for group in seen.hits),
        "hit_last": max((group.last for group in seen.hits), default=""),
        "partly": seen.partly,
    }


def _more(seen: Seen) -> Facts:
    return {
        "values": [value.text for value in seen.item.values],
        "newest": [
            {"id": c.object.id, "number": c.seq, "type": c.object.type, "marking": intel.marking(c)}
            for c in seen.named
        ],
        "groups": [group.seq for group in seen.hits],
    }


@app.command("service", cls=Command)
def service(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME")],
    at: Annotated[list[str] | None, typer.Argument(metavar="VALUE…")] = None,
    *,
    owner: Annotated[str, typer.Option(metavar="TEXT")] = "",
    importance: Annotated[
        str, typer.Option(metavar="LEVEL", callback=one_of(IMPORTANCE))
    ] = "normal",
    drop: Flag = False,
) -> None:
    """Keep a critical service with its addresses and names, or let go of it."""
    desk = desk_of(ctx)
    level = next(each for each in IMPORTANCE if each == importance)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_APPROVE)
        if drop:
            boundary.drop_service(unit, actor, name, node.clock())
        else:
            boundary.set_service(
                unit, actor, name, at or (), node.clock(), owner=owner, importance=level
            )
        kept = boundary.services(unit)
    rows = [
        {
            "name": each.name,
            "values": [*each.at],
            "owner": each.owner,
            "importance": each.importance,
        }
        for each in kept
    ]
    columns = ("name", "values", "owner", "importance")
    desk.screen.rows(columns, rows, empty="none.services")


# --- blocking -----------------------------------------------------------------------------------------
@app.command("firewall", cls=Command)
def firewall(
    ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="CLIENT")], *, off: Flag = False
) -> None:
    """Say that a client is a firewall of ours."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.PEER_ADD)
        some = boundary.set_firewall(unit, actor, name, node.clock(), on=not off)
    desk.screen.rows(("client",), [{"client": each} for each in some], empty="none.firewalls")


class _Shown(Exception):
    """What would be done was done, and is only shown."""

    def __init__(self, done: boundary.Done, lists: Sequence[str]) -> None:
        super().__init__()
        self.done, self.lists = done, lists


@app.command("block", cls=Command)
def block(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    values: Values,
    *,
    until: Instant = "",
    reason: Text,
    to: Annotated[list[str] | None, typer.Option(metavar="CLIENT")] = None,
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    preview: Flag = False,
) -> None:
    """Put values onto the lists that our firewalls poll."""
    desk = desk_of(ctx)
    meant = [meant_by(each, kind) for each in values]
    wanted = Wanted(values=meant, until=until, why=reason, clients=to or ())
    with desk.node() as node:
        try:
            done, lists = _block(desk, node, wanted, preview=preview)
        except _Shown as shown:
            done, lists = shown.done, shown.lists
    _told(desk, done, lists, preview=preview)


def _block(
    desk: Desk, node: "Node", wanted: Wanted, *, preview: bool
) -> tuple[boundary.Done, Sequence[str]]:
    now = node.clock()
    with node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
        done = boundary.block(unit, node.us, actor, wanted, now)
        lists = boundary.feeds(node.us, done.blocked, now)
        if preview:
            raise _Shown(done, lists)
    return done, lists


@app.command("unblock", cls=Command)
def unblock(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    values: Values,
    *,
    reason: Text,
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Take values off the lists that our firewalls poll."""
    desk = desk_of(ctx)
    meant = [meant_by(each, kind) for each in values]
    with desk.node() as node:
        with node.core.read() as unit:
            some = [each for value in meant for each in _standing(unit, value)]
        _off(desk, node, some, reason, preview=preview, yes=yes)


def _standing(unit: "Connection", value: Value) -> list[Blocked]:
    return [each for each in store.every(unit, value=value) if not each.undone]


@app.command("undo", cls=Command)
def undo(
    ctx: typer.Context,
    act: Annotated[str, typer.Argument(metavar="ACT|INSTANT")],
    *,
    reason: Text,
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Take all off that one act blocked."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            some = boundary.of_act(unit, act)
        _off(desk, node, some, reason, preview=preview, yes=yes)


def _off(  # noqa: PLR0913 what both commands have
    desk: Desk, node: "Node", some: Sequence[Blocked], reason: str, *, preview: bool, yes: bool
) -> None:
    """Show what would change, and do it."""
    if desk.screen.as_json and not (yes or preview):
        raise BadUsage("json-yes")
    now = node.clock()
    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
        lists = boundary.feeds(node.us, (each for each in some if not each.undone), now)
        rests = _rests(unit, node, actor, some)
    if not desk.screen.as_json:
        rows = [{"value": e.value, "act": e.act, "until": e.until} for e in some if not e.undone]
        desk.screen.rows(("value", "act", "until"), rows, empty="none.blocked")
        if lists:
            desk.screen.say("say.lists-change", lists=", ".join(lists))
        if rests:
            desk.screen.say("say.stays-blocked")
            desk.screen.rows(("value", "client", "marking", "id"), rests)
    if preview:
        if desk.screen.as_json:
            values = [each.value for each in some if not each.undone]
            desk.screen.json({"preview": True, "values": values, "lists": lists, "rests": rests})
        desk.screen.say("say.nothing-sent")
        return
    desk.confirm("ask.unblock", yes=yes, count=sum(not each.undone for each in some))
    with node.core.begin() as unit:
        done = boundary.unblock(unit, node.us, actor, some, reason, now)
    shelf.project(node.core, node.shelf, now, additions=False)
    if desk.screen.as_json:
        values = [each.value for each in done.blocked]
        desk.screen.json({"act": done.act.seq, "values": values, "lists": lists, "rests": rests})
        return
    desk.screen.say("say.unblocked", count=len(done.blocked), act=done.act.seq)


def _rests(
    unit: "Connection", node: "Node", actor: "Actor", some: Sequence[Blocked]
) -> list[Facts]:
    return [
        {
            "value": each.value.text,
            "client": each.client,
            "marking": intel.marking(each.copy),
            "id": each.copy.object.id,
        }
        for each in boundary.resting(unit, node.us, actor, some)
    ]


def _told(desk: Desk, done: boundary.Done, lists: Sequence[str], *, preview: bool) -> None:
    """Say what was blocked where, and what the grants kept back."""
    seqs = [copy.seq for copy in done.copies]
    peers = [p for o in done.outcomes for p in tally(o.decisions, seqs, language_of(desk))]
    if desk.screen.as_json:
        desk.screen.json(
            {
                "act": 0 if preview else done.act.seq,
                "preview": preview,
                "values": [each.value for each in done.blocked],
                "until": done.act.until,
                "lists": lists,
                "firewalls": peers,
            }
        )
        return
    desk.screen.rows(("peer", "goes", "waits", "stays"), peers, empty="none.audience")
    for peer in peers:
        for why in peer["reasons"]:
            facts = {"peer": peer["peer"], "count": why["count"], "why": why["sentence"]}
            desk.screen.say("say.reason", **facts)
    desk.screen.say("say.lists-change", lists=", ".join(lists))
    if preview:
        desk.screen.say("say.nothing-sent")
    else:
        desk.screen.say("say.blocked", count=len(done.blocked), act=done.act.seq)


@app.command("blocked", cls=Command)
def blocked(ctx: typer.Context, *, every: Annotated[bool, typer.Option("--all")] = False) -> None:
    """List what is blocked, by whom, why and until when, and which firewalls fetched it."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.HIT_READ)
        now = text(node.clock())
        acts = {each.seq: each for each in store.acts(unit)}
        found = store.every(unit)
        had = boundary.fetched(unit, found)
    rows = []
    for each in found:
        state = "off" if each.undone else "over" if each.until and each.until <= now else "stands"
        if every or state == "stands":
            act, by = acts[each.act], had.get(each.indicator, {})
            rows.append(
                {
                    "value": each.value,
                    "block_state": state,
                    "until": each.until,
                    "act": each.act,
                    "by": act.by,
                    "at": act.at,
                    "why": act.why,
                    "fetched_by": [f"{name} {at}" for name, at in sorted(by.items()) if at],
                    "not_fetched": sorted(name for name, at in by.items() if not at),
                    "id": each.indicator,
                }
            )
    columns = ("value", "block_state", "until", "act", "by", "why", "fetched_by", "not_fetched")
    desk.screen.rows(columns, rows, empty="none.blocked", wide=("at", "id"))


@app.command("history", cls=Command)
def history(ctx: typer.Context) -> None:
    """List every act of blocking and taking off, the newest first."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.HIT_READ)
        acts, found = store.acts(unit), store.every(unit)
    rows = [
        {
            "act": act.seq,
            "at": act.at,
            "block_act": act.kind,
            "by": act.by,
            "why": act.why,
            "values": [e.value for e in found if act.seq in (e.act, e.undone)],
            "until": act.until,
            "to": [*filter(None, act.clients.split(","))],
        }
        for act in acts
    ]
    columns = ("act", "at", "block_act", "by", "why", "values", "until", "to")
    desk.screen.rows(columns, rows, empty="none.blocked")


# --- how soon -----------------------------------------------------------------------------------------
@app.command("times", cls=Command)
def times(ctx: typer.Context, *, since: Instant = "") -> None:
    """Tell how long it takes from a partner's signature to a firewall's first fetch."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        now = node.clock()
        start = parse(since) if since else now - timedelta(days=_DAYS)
        ways = boundary.ways(unit, node.us, start, now)
        polls = boundary.polls(unit, actor, ways, now)
        legs = boundary.legs(ways)
    rows = [_leg(each) for each in legs]
    states = [
        {"client": p.client, "poll_state": p.state, "last_fetched": p.last, "unfetched": p.waiting}
        for p in polls
    ]
    if desk.screen.as_json:
        desk.screen.json({"since": text(start), "legs": rows, "firewalls": states})
        return
    columns = ("partner", "client", "n", "admitting", "showing", "fetching", "whole", "unfetched")
    desk.screen.rows(columns, rows, empty="none.ways")
    desk.screen.line("")
    desk.screen.rows(
        ("client", "poll_state", "last_fetched", "unfetched"), states, empty="none.firewalls"
    )


def _leg(leg: Leg) -> Facts:
    named = {"admitting": leg.admitting, "showing": leg.showing}
    named |= {"fetching": leg.fetching, "whole": leg.whole}
    said = {name: _took(share) for name, share in named.items()}
    return {
        "partner": leg.partner,
        "client": leg.client,
        "n": leg.n,
        **said,
        "unfetched": leg.waiting,
    }


def _took(share: Share | None) -> str:
    """Write median and ninth tenth in seconds, with of how many."""
    return "" if share is None else f"{share.median:.0f} s / {share.p90:.0f} s ({share.n})"
