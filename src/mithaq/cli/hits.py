"""What matched in our own telemetry: looked at, judged, suppressed, and told to partners."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mithaq import defence, intel
from mithaq.auth.actors import Permission
from mithaq.border.publish import Outcome
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, Text, TlpLevel, one_of
from mithaq.cli.release import language_of, tally
from mithaq.defence import STATES, VERDICTS, Hits, No, Suppression
from mithaq.model.labels import tlp

app = topic("hits")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1)]
Because = Annotated[str, typer.Option("--because", metavar="TEXT")]
Facts = dict[str, Any]
_SHOWN = 20  # matches of a group that a screen names


def row(each: Hits) -> Facts:
    """Return what people are shown of a group in a list."""
    group, tally_ = each.group, each.tally
    return {
        "number": group.seq,
        "severity": group.severity,
        "name": group.title,
        "day": group.day,
        "log_source": group.source,
        "count": tally_.count,
        "machines": tally_.assets,
        "last": tally_.last,
        "judged": group.state,
        "assignee": group.assignee,
        "rule": group.rule,
        "first": tally_.first,
        "suppressed": tally_.suppressed,
    }


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    *,
    judged: Annotated[
        str, typer.Option(metavar="STATE", callback=one_of((*STATES, "all")))
    ] = "open",
    rule: Annotated[str, typer.Option(metavar="ID")] = "",
    assignee: Annotated[str, typer.Option(metavar="NAME")] = "",
    suppressed: Flag = False,
) -> None:
    """List what matched, by rule, day and log source."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        found = defence.hits(
            unit,
            node.us,
            actor,
            node.clock(),
            states=() if judged == "all" else (judged,),
            assignee=assignee,
            rule=rule,
            suppressed=suppressed,
        )
    columns = ("number", "severity", "name", "day", "log_source", "count", "machines", "judged")
    wide = ("assignee", "rule", "first", "last", "suppressed")
    desk.screen.rows(columns, [row(each) for each in found], empty="none.hits", wide=wide)


@app.command("show", cls=Command)
def show(ctx: typer.Context, number: Number) -> None:
    """Show a group of hits: what was found, what was done, and why it is no sighting."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        seen = defence.show(unit, node.us, actor, number, node.clock())
    told = row(Hits(group=seen.group, tally=seen.tally))
    told["said"] = [
        {"id": c.object.id, "number": c.seq, "marking": intel.marking(c)} for c in seen.said
    ]
    told["against"] = _against(desk, seen.against)
    acts = [{"at": a.at, "by": a.by, "act": a.kind, "text": a.said} for a in seen.acts]
    found: list[Facts] = [
        {"at": m.at, "machine": m.asset, "found": dict(m.found), "event": m.event, "match": m.id}
        for m in seen.found
    ]
    if desk.screen.as_json:
        desk.screen.json(told | {"acts": acts, "matches": found})
        return
    desk.screen.facts(
        told
        | {
            "said": [f"{each['number']} {each['id']}" for each in told["said"]],
            "against": "",
            "no_sighting": [each["sentence"] for each in told["against"]],
        }
    )
    desk.screen.line("")
    lines = [m | {"found": [f"{n}={v}" for n, v in m["found"].items()]} for m in found[:_SHOWN]]
    desk.screen.rows(("at", "machine", "found"), lines, empty="none.hits", wide=("event",))
    if len(found) > _SHOWN:
        desk.screen.note("say.more-matches", count=len(found) - _SHOWN)
    if acts:
        desk.screen.line("")
        desk.screen.rows(("at", "by", "act", "text"), acts)


def _against(desk: Desk, some: Sequence[No]) -> list[Facts]:
    language = desk.screen.words.language
    return [{"code": e.code, **e.facts, "sentence": e.sentence(language)} for e in some]


# --- acts ---------------------------------------------------------------------------------------------
@app.command("assign", cls=Command)
def assign(
    ctx: typer.Context,
    number: Number,
    to: Annotated[str, typer.Argument(metavar="NAME")] = "",
) -> None:
    """Say who looks at a group of hits."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        defence.assign(unit, node.us, actor, number, to, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"number": number, "assignee": to})
    desk.screen.say("say.assigned" if to else "say.unassigned", number=number, name=to)


@app.command("note", cls=Command)
def note(
    ctx: typer.Context, number: Number, text: Annotated[str, typer.Argument(metavar="TEXT")]
) -> None:
    """Write a note beside a group of hits."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        defence.note(unit, node.us, actor, number, text, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"number": number, "text": text})
    desk.screen.say("say.hit-noted", number=number)


@app.command("judge", cls=Command)
def judge(
    ctx: typer.Context,
    number: Number,
    verdict: Annotated[str, typer.Argument(metavar="|".join(VERDICTS), callback=one_of(VERDICTS))],
    *,
    because: Because = "",
    marking: TlpLevel = "",
) -> None:
    """Judge a group of hits."""
    desk = desk_of(ctx)
    meant = next(each for each in VERDICTS if each == verdict)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        said = defence.judge(
            unit,
            node.us,
            actor,
            number,
            meant,
            node.clock(),
            why=because,
            level=tlp(marking) if marking else None,
        )
    copy, against = said.copy, _against(desk, said.against)
    if desk.screen.as_json:
        made = {"id": copy.object.id, "number": copy.seq} if copy else None
        desk.screen.json({"number": number, "judged": verdict, "said": made, "against": against})
        return
    desk.screen.say(f"say.judged-{verdict}", number=number)
    if copy is not None:
        about = {"id": copy.object.id, "marking": intel.marking(copy), "number": number}
        desk.screen.say("say.said-of-it", **about)
    _say_against(desk, against)


def _say_against(desk: Desk, against: Sequence[Facts]) -> None:
    if against:
        desk.screen.say("say.no-sighting")
    for each in against:
        desk.screen.line(f"  {each['sentence']}")


@app.command("release", cls=Command)
def release(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=0)] = 0,
    *,
    agreement: Annotated[list[str] | None, typer.Option(metavar="ID")] = None,
    preview: Flag = False,
) -> None:
    """Tell partners what we say of a group of hits."""
    desk = desk_of(ctx)
    if not number:
        _go_on(desk)
        return
    may = Permission.RELEASE_PREVIEW if preview else Permission.RELEASE_PROPOSE
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, may)
        made = defence.release(
            unit, node.us, actor, number, agreement or (), node.clock(), preview=preview
        )
    seqs = [copy.seq for copy in made.copies]
    told = [_told(desk, each, seqs) for each in made.outcomes]
    against = _against(desk, made.against)
    if desk.screen.as_json:
        whole = {"number": number, "preview": preview, "agreements": told, "against": against}
        desk.screen.json(whole)
        return
    _say_against(desk, against)
    for each in told:
        desk.screen.say("say.under", agreement=each["agreement"])
        desk.screen.rows(("peer", "goes", "waits", "stays"), each["peers"], empty="none.audience")
        for peer in each["peers"]:
            for reason in peer["reasons"]:
                facts = {"peer": peer["peer"], "count": reason["count"], "why": reason["sentence"]}
                desk.screen.say("say.reason", **facts)
    if preview:
        desk.screen.say("say.nothing-sent")


def _go_on(desk: Desk) -> None:
    """Tell of further days of what a person told of before."""
    with desk.node() as node, node.core.begin() as unit:
        desk.actor(unit, Permission.RELEASE_PROPOSE)
        count = defence.go_on(unit, node.us, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"followed": count})
    desk.screen.say("say.followed", count=count)


def _told(desk: Desk, made: Outcome, seqs: Sequence[int]) -> Facts:
    peers = tally(made.decisions, seqs, language_of(desk))
    return {"agreement": made.agreement.id, "peers": peers, "shadow": made.agreement.shadow}


# --- suppressing --------------------------------------------------------------------------------------
@app.command("suppress", cls=Command)
def suppress(
    ctx: typer.Context,
    *,
    rule: Annotated[str, typer.Option(metavar="ID")] = "",
    field: Annotated[str, typer.Option(metavar="NAME=VALUE")] = "",
    until: Instant = "",
    reason: Text,
) -> None:
    """Show no more what a rule, an indicator or a value finds."""
    desk = desk_of(ctx)
    name, _, value = field.partition("=")
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        wanted = Suppression(
            rule=rule, field=name, value=value, until=until, why=reason, by="", at=""
        )
        made, count = defence.suppress(unit, node.us, actor, wanted, node.clock())
    if desk.screen.as_json:
        desk.screen.json(_suppression(made) | {"matches": count})
    desk.screen.say("say.suppressed", number=made.seq, count=count)


@app.command("allow", cls=Command)
def allow(ctx: typer.Context, number: Number, *, because: Because) -> None:
    """Show again what was suppressed."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        undone = defence.allow(unit, node.us, actor, number, because, node.clock())
    if desk.screen.as_json:
        desk.screen.json(_suppression(undone))
    desk.screen.say("say.allowed", number=number)


@app.command("suppressed", cls=Command)
def suppressed(ctx: typer.Context) -> None:
    """List what is suppressed, and was."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        found = defence.suppressions(unit, node.us, actor)
    columns = ("number", "rule", "field", "value", "until", "why", "by", "at", "undone_by")
    rows = [_suppression(each) for each in found]
    desk.screen.rows(columns, rows, empty="none.suppressed", wide=("undone_at", "undone_why"))


def _suppression(each: Suppression) -> Facts:
    names = ("rule", "field", "value", "until", "why", "by", "at", "undone_by", "undone_at")
    facts: Facts = {name: getattr(each, name) for name in (*names, "undone_why")}
    return {"number": each.seq, **facts}
