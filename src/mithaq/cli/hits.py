"""What matched in our own telemetry: looked at, judged, suppressed, and told to partners."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mithaq import defence, intel
from mithaq.auth.actors import Permission
from mithaq.border import people
from mithaq.border.publish import Outcome
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, Text, moment, one_of
from mithaq.cli.release import language_of, tally
from mithaq.defence import STATES, Detail, Hits, No, Suppression, Which
from mithaq.defence.weighing import limits
from mithaq.detect.tallies import LEVELS

app = topic("hits")

Number = Annotated[int, typer.Argument(metavar="NUMBER", min=1)]
Because = Annotated[str, typer.Option("--because", metavar="TEXT")]
Level = Annotated[str, typer.Option(metavar="LEVEL", callback=one_of(LEVELS))]
Day = Annotated[str, typer.Option(metavar="DAY", callback=moment)]
Limit = Annotated[int, typer.Option(metavar="N", min=1)]
Skip = Annotated[int, typer.Option(metavar="N", min=0)]
Facts = dict[str, Any]
_TOLD = ("type", "count", "first_seen", "last_seen", "opinion")  # of what goes to partners
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
        "giver": group.giver,
        "first": tally_.first,
        "suppressed": tally_.suppressed,
    }


@app.command("list", cls=Command)
def list_(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    judged: Annotated[
        str, typer.Option(metavar="STATE", callback=one_of((*STATES, "all")))
    ] = "open",
    level: Level = "",
    since: Day = "",
    until: Day = "",
    rule: Annotated[str, typer.Option(metavar="ID")] = "",
    assignee: Annotated[str, typer.Option(metavar="NAME")] = "",
    suppressed: Flag = False,
    limit: Limit = 50,
    skip: Skip = 0,
) -> None:
    """List what matched, by rule, day and log source."""
    desk = desk_of(ctx)
    which = Which(
        states=() if judged == "all" else (judged,),
        severities=LEVELS[LEVELS.index(level) :] if level else (),
        since=since[:10],
        until=until[:10],
        rule=rule,
        assignee=assignee,
        suppressed=suppressed,
    )
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.HIT_READ)
        if rule:
            defence.known(unit, node.us, actor, rule)
        if assignee:
            people.named(unit, assignee)
        found = defence.hits(unit, node.us, actor, node.clock(), which, skip=skip, most=limit + 1)
        aside = len(defence.asides(unit, node.us, actor))
    rows = [row(each) for each in found[:limit]]
    columns = ["number", "severity", "name", "day", "log_source", "count", "machines"]
    wide = ["judged", "assignee", "giver", "rule", "first", "last", "suppressed"]
    if judged == "all":  # else it is the same in each row
        columns[-1], wide[0] = "judged", "machines"
    desk.screen.rows(columns, rows, empty="none.hits", wide=wide)
    if len(found) > limit and not desk.screen.as_json:
        desk.screen.note("say.more-hits", skip=skip + limit)
    if aside and not desk.screen.as_json:
        desk.screen.note("say.watch-aside", count=aside)


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
    told["against"] = against(desk, seen.against)
    told["weighed"] = _weighed(desk, seen)
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
            "no_sighting": " ".join(each.sentence(language(desk)) for each in seen.against),
            "weighed": " ".join(seen.weighed.sentences(language(desk))) if seen.weighed else "",
            "limits": limits(node.us, language(desk)) if seen.weighed else "",
        }
    )
    desk.screen.line("")
    lines = [m | {"found": [f"{n}={v}" for n, v in m["found"].items()]} for m in found[:_SHOWN]]
    desk.screen.rows(("at", "machine", "found"), lines, empty="none.hits", wide=("event",))
    if len(found) > _SHOWN:
        desk.screen.note("say.more-matches", count=len(found) - _SHOWN)
    if acts:
        desk.screen.line("")
        said = [
            a | {"text": desk.screen.value("judged", a["text"])} if a["act"] == "judged" else a
            for a in acts
        ]
        desk.screen.rows(("at", "by", "act", "text"), said)


def language(desk: Desk) -> str:
    """Return the reader's language."""
    return desk.screen.words.language


def against(desk: Desk, some: Sequence[No]) -> list[Facts]:
    """Return reasons for programs, each with its sentence."""
    return [{"code": e.code, **e.facts, "sentence": e.sentence(language(desk))} for e in some]


def _weighed(desk: Desk, seen: Detail) -> Facts | None:
    of = seen.weighed
    if of is None:
        return None
    listed = [{"value": value, "list": name, "entry": entry} for value, name, entry in of.listed]
    return {
        "confidence": of.confidence,
        "source": of.giver,
        "judged_true": of.true,
        "judged_false": of.false,
        "prevalence": of.prevalence._asdict(),
        "listed": listed,
        "sentences": of.sentences(language(desk)),
    }


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


def say_against(desk: Desk, some: Sequence[Facts]) -> None:
    """Say why partners are told nothing, if there is a reason."""
    if some:
        desk.screen.say("say.no-sighting")
    for each in some:
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
    says: list[Facts] = [dict(copy.object.body) for copy in made.copies] if made.outcomes else []
    reasons = against(desk, made.against)
    if desk.screen.as_json:
        whole = {"number": number, "preview": preview, "agreements": told, "against": reasons}
        desk.screen.json(whole | {"says": says})
        return
    say_against(desk, reasons)
    for said in says:
        desk.screen.facts({name: said[name] for name in _TOLD if name in said})
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
    name, said, value = field.partition("=")
    if field and not (name and said):
        raise BadUsage("bad-value", name="--field")
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        if rule:
            defence.known(unit, node.us, actor, rule)
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
    columns = ["number", "rule", "field", "value", "until", "why", "by", "at"]
    wide = ["undone_by", "undone_at", "undone_why"]
    if any(each.undone_by for each in found):
        columns.append(wide.pop(0))
    rows = [_suppression(each) for each in found]
    desk.screen.rows(columns, rows, empty="none.suppressed", wide=wide)


def _suppression(each: Suppression) -> Facts:
    names = ("rule", "field", "value", "until", "why", "by", "at", "undone_by", "undone_at")
    facts: Facts = {name: getattr(each, name) for name in (*names, "undone_why")}
    return {"number": each.seq, **facts}
