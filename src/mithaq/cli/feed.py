"""Feeds: what the node fetches by itself, and how each does."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from mithaq import ingest, intel
from mithaq.auth.actors import Permission
from mithaq.border import exports
from mithaq.cli.common import BadUsage, span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Name, TlpLevel, Yes, each_of, one_of
from mithaq.cli.problems import in_words
from mithaq.clock import text
from mithaq.ingest import VIAS, Health, Secret, Terms
from mithaq.ingest.feeds import Feed
from mithaq.ingest.rules import RELIABILITY, basic_of, changed, header_of

app = topic("feed")
DROPPED: Mapping[str, Mapping[str, Any]] = {  # what may be taken back of what was said
    "tlp": {"tlp": ""},
    "reliability": {"reliability": ""},
    "format": {"format": "", "kind": "", "columns": {}},
    "credential": {"secret": False},
    "ca": {"ca": ""},
    "proxy": {"proxy": ""},
}


def _row(desk: Desk, feed: Feed) -> dict[str, Any]:
    terms, health = feed.terms, feed.health
    return {
        "feed": terms.name,
        "state": feed.state,
        "reading": health.outcome,
        "taken": health.taken,
        "known": health.known,
        "rejected": health.refused,
        "tried": health.tried_at,
        "due": feed.due_at if feed.state == "active" else "",
        "url": terms.shown.url,
        "via": terms.via,
        "format": terms.format,
        "kind": terms.kind,
        "columns": [f"{role}={where}" for role, where in terms.columns.items()],
        "every_seconds": terms.every,
        "marking": f"TLP:{terms.tlp.removeprefix('TLP:')}" if terms.tlp else "",
        "reliability": terms.reliability,
        "credential": terms.secret,
        "local": terms.local,
        "authority": bool(terms.ca),
        "proxy": terms.proxy,
        "to": terms.to,
        "by": terms.by,
        "since": terms.at,
        **_did(desk, health),
    }


def _did(desk: Desk, health: Health) -> dict[str, Any]:
    return {
        "status": health.status or "",
        "code": health.code,
        "why": in_words(health.why, desk.screen.words.language),
        "answered": health.answered_at,
        "changed": health.changed_at,
        "yielded": health.yielded_at,
        "parts": health.parts,
        "bytes": health.size,
        "markings": health.markings,
        "failures": health.failures,
        "failing_since": health.failing_since,
    }


def _reasons(desk: Desk, health: Health) -> list[dict[str, Any]]:
    return [
        {
            "code": each.code,
            "count": each.count,
            "where": each.where,
            "why": in_words(each.why, desk.screen.words.language),
        }
        for each in health.reasons
    ]


@app.command("add", cls=Command)
def add(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL")],
    *,
    via: Annotated[str, typer.Option(metavar="WAY", callback=one_of(VIAS))] = "",
    every: Annotated[str, typer.Option(metavar="TIME")] = "1h",
    tlp: TlpLevel = "",
    reliability: Annotated[str, typer.Option(metavar="A-F", callback=one_of(RELIABILITY))] = "",
    format_: Annotated[str, typer.Option("--format", metavar="NAME")] = "",
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    column: Annotated[list[str] | None, typer.Option(metavar="ROLE=COLUMN")] = None,
    user: Annotated[str, typer.Option(metavar="NAME")] = "",
    header: Annotated[str, typer.Option(metavar="NAME")] = "",
    secret_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    local: Flag = False,
    ca: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    proxy: Annotated[str, typer.Option(metavar="URL")] = "",
    to: Annotated[str, typer.Option(metavar="CLIENT")] = "",
) -> None:
    """Add a feed; the worker reads it at once, and then at its pace."""
    desk = desk_of(ctx)
    if user and header:
        raise BadUsage("user-header")
    if secret_file is not None and not (user or header):
        raise BadUsage("secret-alone")
    layout = intel.layout(kind, column or ())
    with desk.node() as node:
        now = node.clock()
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
            if to:
                exports.client(unit, to)
        terms = ingest.checked(
            Terms(
                name=name,
                url=url,
                via=via or ("folder" if url.startswith("file:") else "http"),
                format=format_,
                kind=layout.kind,
                columns=dict(layout.columns),
                every=int(_pace(every).total_seconds()),
                tlp=tlp,
                reliability=reliability,
                secret=bool(user or header),
                local=local,
                ca=_pem(desk, ca),
                proxy=proxy,
                to=to,
                by=actor.name,
                at=text(now),
            )
        )
        if format_:
            node.formats.known(format_)
        secret = _secret(desk, user, header, secret_file)
        with node.core.begin() as unit:
            feed = ingest.add(unit, node.config.home, terms, secret, now)
    if desk.screen.as_json:
        desk.screen.json(_row(desk, feed))
    desk.screen.say("say.feed-added-out" if to else "say.feed-added", feed=name, client=to)
    if not (tlp or to):
        desk.screen.say("say.feed-unmarked", feed=name)


def _pem(desk: Desk, file: Path | None) -> str:
    return "" if file is None else desk.read(file).decode("utf-8", "replace")


def _pace(written: str) -> timedelta:
    minutes = written.removesuffix("min")
    if minutes != written and minutes.isdecimal() and len(minutes) < 6:  # noqa: PLR2004 digits
        return timedelta(minutes=int(minutes))
    return span(written)


def _secret(desk: Desk, user: str, header: str, file: Path | None) -> Secret | None:
    """Return the credential, whose secret part is never on a command line."""
    if not (user or header):
        return None
    if file is not None:
        word = desk.passphrase(file)
    else:
        question = desk.screen.bound(desk.screen.words.say("ask.feed-secret", name=user or header))
        word = str(typer.prompt(question, hide_input=True, prompt_suffix=" ", err=True))
    return basic_of(user, word) if user else header_of(header, word)


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the feeds and how they do."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.FEED_RUN)
        rows = [_row(desk, feed) for feed in ingest.every(unit)]
    columns = ("feed", "state", "reading", "taken", "known", "rejected", "tried", "changed", "due")
    desk.screen.rows(columns, rows, empty="none.feeds", wide=("url", "status", "why"))


@app.command("show", cls=Command)
def show(ctx: typer.Context, name: Name) -> None:
    """Show one: what was said of it, how it does, and what it gave that was not taken."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.FEED_RUN)
        feed = ingest.named(unit, name)
    _show(desk, feed)


def _show(desk: Desk, feed: Feed) -> None:
    reasons = _reasons(desk, feed.health)
    if desk.screen.as_json:
        desk.screen.json({**_row(desk, feed), "reasons": reasons})
        return
    desk.screen.facts(_row(desk, feed))
    if reasons:
        desk.screen.line("")
        desk.screen.rows(("code", "count", "where", "why"), reasons)


@app.command("run", cls=Command)
def run(
    ctx: typer.Context,
    name: Name = "",
    *,
    every: Annotated[bool, typer.Option("--all")] = False,
    again: Flag = False,
    preview: Flag = False,
) -> None:
    """Read feeds now."""
    desk = desk_of(ctx)
    if bool(name) == every:
        raise BadUsage("feed-or-all")
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.FEED_RUN)
            active = [each.terms.name for each in ingest.every(unit) if each.state == "active"]
        names = active if every else [name]
        if preview:
            rows = [_trial(desk, node.collector.trial(each), each) for each in names]
            _tried(desk, rows)
            return
        feeds: list[Feed] = []
        with desk.screen.progress("progress.feeds") as tick:
            for each in names:
                tick(len(feeds), len(names))
                feeds.append(node.collector.run(each, again=again))
    _ran(desk, feeds)


def _trial(desk: Desk, health: Health, name: str) -> dict[str, Any]:
    return {
        "feed": name,
        "reading": health.outcome,
        "entries": health.taken,
        "rejected": health.refused,
        "parts": health.parts,
        "bytes": health.size,
        "reasons": _reasons(desk, health),
    }


def _tried(desk: Desk, rows: Sequence[dict[str, Any]]) -> None:
    if desk.screen.as_json:
        desk.screen.json(rows)
        return
    desk.screen.rows(("feed", "reading", "entries", "rejected", "parts", "bytes"), rows)
    for row in rows:
        if row["reasons"]:
            desk.screen.line("")
            desk.screen.rows(("code", "count", "where", "why"), row["reasons"])
    desk.screen.say("say.nothing-done")


def _ran(desk: Desk, feeds: Sequence[Feed]) -> None:
    rows = [{**_row(desk, feed), "reasons": _reasons(desk, feed.health)} for feed in feeds]
    columns = ("feed", "reading", "taken", "known", "rejected", "why")
    desk.screen.rows(columns, rows, empty="none.feeds")
    if len(feeds) == 1 and rows[0]["reasons"] and not desk.screen.as_json:
        desk.screen.line("")
        desk.screen.rows(("code", "count", "where", "why"), rows[0]["reasons"])
    bad = [row["feed"] for row in rows if row["reading"] in {"failed", "empty"}]
    if bad:
        desk.stop("say.feeds-bad", names=", ".join(bad))


@app.command("pause", cls=Command)
def pause(ctx: typer.Context, name: Name) -> None:
    """Read it no more until it is resumed."""
    _turned(desk_of(ctx), name, paused=True)


@app.command("resume", cls=Command)
def resume(ctx: typer.Context, name: Name) -> None:
    """Read it again, at once."""
    _turned(desk_of(ctx), name, paused=False)


def _turned(desk: Desk, name: str, *, paused: bool) -> None:
    turn = ingest.pause if paused else ingest.resume
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.SOURCE_SET)
        feed = turn(unit, name, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json(_row(desk, feed))
    desk.screen.say("say.feed-paused" if paused else "say.feed-resumed", feed=name)


@app.command("revise", cls=Command)
def revise(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Name,
    *,
    url: Annotated[str, typer.Option(metavar="URL")] = "",
    every: Annotated[str, typer.Option(metavar="TIME")] = "",
    tlp: TlpLevel = "",
    reliability: Annotated[str, typer.Option(metavar="A-F", callback=one_of(RELIABILITY))] = "",
    format_: Annotated[str, typer.Option("--format", metavar="NAME")] = "",
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    column: Annotated[list[str] | None, typer.Option(metavar="ROLE=COLUMN")] = None,
    user: Annotated[str, typer.Option(metavar="NAME")] = "",
    header: Annotated[str, typer.Option(metavar="NAME")] = "",
    secret_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    local: Annotated[bool | None, typer.Option("--local/--not-local")] = None,
    ca: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    proxy: Annotated[str, typer.Option(metavar="URL")] = "",
    without: Annotated[
        list[str] | None, typer.Option(metavar="WHAT", callback=each_of(DROPPED))
    ] = None,
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Change what was said of a feed, after a look at what changes."""
    desk = desk_of(ctx)
    if user and header:
        raise BadUsage("user-header")
    layout = intel.layout(kind, column or ())
    said: dict[str, Any] = {
        "url": url,
        "every": int(_pace(every).total_seconds()) if every else 0,
        "tlp": tlp,
        "reliability": reliability,
        "format": format_,
        "kind": layout.kind,
        "columns": dict(layout.columns),
        "ca": _pem(desk, ca),
        "proxy": proxy,
        "secret": bool(user or header),
    }
    said = {key: value for key, value in said.items() if value}
    if local is not None:
        said["local"] = local
    for each in (part for given in without or () for part in given.split(",")):
        said.update(DROPPED[each])
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
            before = ingest.named(unit, name).terms
        now = node.clock()
        terms = msgspec.structs.replace(before, **said, by=actor.name, at=text(now))
        ingest.checked(terms)
        if format_:
            node.formats.known(format_)
        differs = changed(before, terms)
        if user or header:
            differs["secret"] = ("", user or header)
        rows = [{"field": key, "said_before": a, "said_now": b} for key, (a, b) in differs.items()]
        if preview or not desk.screen.as_json:
            desk.screen.rows(
                ("field", "said_before", "said_now"), rows, empty="none.nothing-changes"
            )
        if preview or not rows:
            desk.screen.say("say.nothing-done")
            return
        desk.confirm("ask.feed-revise", yes=yes, feed=name)
        secret = _secret(desk, user, header, secret_file)
        with node.core.begin() as unit:
            feed = ingest.revise(unit, node.config.home, terms, secret, now)
    if desk.screen.as_json:
        desk.screen.json(_row(desk, feed) | {"changed": rows})
    desk.screen.say("say.feed-revised", feed=name)


@app.command("remove", cls=Command)
def remove(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Forget it and its credential; what it gave stays."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.SOURCE_SET)
            feed = ingest.named(unit, name)
        desk.confirm("ask.feed-remove", yes=yes, feed=name)
        with node.core.begin() as unit:
            ingest.remove(unit, node.config.home, name, node.clock(), by=actor.name)
    if desk.screen.as_json:
        desk.screen.json(_row(desk, feed))
    desk.screen.say("say.feed-removed", feed=name)
