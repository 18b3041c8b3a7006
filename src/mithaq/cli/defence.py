"""The defence cycle on one screen, and what each of its figures rests on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.border import people
from mithaq.cli.common import BadUsage
from mithaq.cli.covered import (
    bar,
    layer_words,
    marking,
    next_facts,
    say_change,
    say_next,
    say_wanting,
    say_whole,
    technique_facts,
    technique_row,
    threat_facts,
    threat_row,
)
from mithaq.cli.defending import add as add_acts
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, TlpLevel
from mithaq.cli.stood import changed_since, standing, threat_of
from mithaq.cli.technique import technique
from mithaq.defence import cycle as cycles
from mithaq.defence.cycle import Cycle, Technique
from mithaq.detect.collected import known
from mithaq.detect.coverage import Threat

app = topic("defence")
add_acts(app)

Limit = Annotated[int, typer.Option(metavar="COUNT", min=1, max=1000)]
_FIRST = 5  # gaps and suggestions on the one screen


@app.command("cycle", cls=Command)
def cycle(
    ctx: typer.Context,
    threat: Annotated[str, typer.Argument(metavar="THREAT")] = "",
    *,
    limit: Limit = 15,
    up_to: TlpLevel = "",
) -> None:
    """Show the whole cycle on one screen, or that of one threat."""
    desk = desk_of(ctx)
    with standing(desk, up_to) as (node, unit, actor, stands):
        terms = node.config.settings.cycle
        made = cycles.suggest(unit, node.us, stands, node.clock(), terms.named_days)
        one = threat_of(stands, threat) if threat else None
        changed = changed_since(node, unit, actor, stands)
    if one is not None:
        _one(desk, stands, one)
        return
    if desk.screen.as_json:
        told = {"next": next_facts(made), "change": asdict(changed) if changed else None}
        desk.screen.json(_whole(stands) | told)
        return
    if stands.lore.techniques:
        say_whole(desk, stands)
        say_change(desk, changed)
        _threats(desk, stands, limit)
        _gaps(desk, stands, stands.gaps(), _FIRST, "say.first-gaps")
        if made.idle or made.sources or made.measures:
            desk.screen.line("")
            desk.screen.say("say.next")
            say_next(desk, made, 2)
    say_wanting(desk, stands)


def _whole(stands: Cycle) -> dict[str, Any]:
    return {
        "day": stands.day,
        "marking": marking(stands),
        "sets": dict(stands.versions),
        "score": stands.score,
        "threats": [threat_facts(stands, each) for each in stands.threats],
        "other_threats": len(stands.others),
        "techniques": [technique_facts(stands, each) for each in stands.used()],
        "unread": stands.unread,
    }


def _threats(desk: Desk, stands: Cycle, limit: int) -> None:
    desk.screen.line("")
    columns = (
        "priority",
        "threat",
        "because",
        "seen",
        "stopped",
        "open_gaps",
        "overdue",
        "cycle_score",
    )
    rows = [threat_row(desk, stands, each) for each in stands.threats[:limit]]
    desk.screen.rows(
        columns, rows, wide=("known_as", "techniques", "proved", "accepted", "unproved")
    )
    if len(stands.threats) > limit:
        desk.screen.note("say.more-threats", count=len(stands.threats) - limit)


def _gaps(desk: Desk, stands: Cycle, some: list[Technique], most: int, title: str) -> None:
    if some and not desk.screen.as_json:
        desk.screen.line("")
        desk.screen.say(title, count=len(some))
    columns = ("technique", "name", "threats", "seen", "stopped", "owner", "due_by")
    rows = [technique_row(desk, stands, each) for each in some[:most]]
    desk.screen.rows(
        columns, rows, empty="none.defence-gaps", wide=("weight", "cycle_score", "note")
    )


def _one(desk: Desk, stands: Cycle, threat: Threat) -> None:
    used = sorted(stands.used(threat), key=lambda e: (not e.wanting, e.standing.score, -e.weight))
    if desk.screen.as_json:
        told = threat_facts(stands, threat)
        desk.screen.json(told | {"used": [technique_facts(stands, each) for each in used]})
        return
    told = threat_row(desk, stands, threat)
    names = (
        "priority",
        "threat",
        "known_as",
        "because",
        "seen",
        "stopped",
        "open_gaps",
        "cycle_score",
    )
    desk.screen.facts({name: told[name] for name in names})
    desk.screen.line("")
    columns = ("technique", "name", "seen", "stopped", "gap", "owner", "due_by")
    desk.screen.rows(columns, [technique_row(desk, stands, each) for each in used])


app.command("technique", cls=Command)(technique)


# --- lists ---------------------------------------------------------------------------------------------
@app.command("gaps", cls=Command)
def gaps(
    ctx: typer.Context,
    *,
    owner: Annotated[str, typer.Option(metavar="NAME")] = "",
    overdue: Flag = False,
    limit: Limit = 50,
) -> None:
    """List what nothing of ours would see or stop; what is overdue first."""
    desk = desk_of(ctx)
    with standing(desk) as (_, unit, _, stands):
        if owner:
            people.named(unit, owner)
        some = [
            each
            for each in stands.gaps()
            if (not owner or (each.gap is not None and each.gap.owner == owner))
            and (not overdue or each.overdue(stands.day))
        ]
    if desk.screen.as_json:
        desk.screen.json([technique_facts(stands, each) for each in some])
        return
    _gaps(desk, stands, some, limit, "say.every-gap")
    if len(some) > limit:
        desk.screen.note("say.more-gaps", count=len(some) - limit)
    say_wanting(desk, stands)


@app.command("sources", cls=Command)
def sources(ctx: typer.Context, *, limit: Limit = 20) -> None:
    """Show what telemetry there is, and what each log source more would give."""
    desk = desk_of(ctx)
    with standing(desk) as (node, unit, _, stands):
        days = node.config.settings.cycle.named_days
        made = cycles.suggest(unit, node.us, stands, node.clock(), days)
    names = sorted({*stands.telemetry, *stands.declared})
    serving = {
        name: [rule for rule in stands.rules if any(name in part for part in rule.needs)]
        for name in names
    }
    here = [
        {
            "log_source": name,
            "events": stands.telemetry.get(name, (0, "", ""))[0],
            "last": stands.telemetry.get(name, (0, "", ""))[2],
            "declared": name in stands.declared,
            "rules": len(serving[name]),
            "techniques": len({t for rule in serving[name] for t in rule.techniques}),
        }
        for name in names
    ]
    here.sort(key=lambda each: (-int(each["techniques"]), each["log_source"]))  # type: ignore[call-overload]
    more = [
        {"log_source": e.source, "rules": e.rules, "gaps": len(e.techniques), "weight": e.weight}
        for e in made.sources
    ]
    if desk.screen.as_json:
        desk.screen.json({"here": here, "more": more, "known": len(known())})
        return
    columns = ("log_source", "events", "last", "declared", "rules", "techniques")
    desk.screen.rows(columns, here, empty="none.cycle-telemetry")
    if more:
        most = max(int(str(each["gaps"])) for each in more)
        desk.screen.line("")
        desk.screen.say("say.sources-more")
        shown = [each | {"open_gaps": bar(int(str(each["gaps"])), most)} for each in more[:limit]]
        desk.screen.rows(("log_source", "open_gaps", "rules"), shown)


@app.command("next", cls=Command)
def next_(ctx: typer.Context, *, limit: Limit = 5) -> None:
    """Say what would close most gaps."""
    desk = desk_of(ctx)
    with standing(desk) as (node, unit, _, stands):
        days = node.config.settings.cycle.named_days
        made = cycles.suggest(unit, node.us, stands, node.clock(), days)
    if desk.screen.as_json:
        desk.screen.json(next_facts(made))
        return
    say_next(desk, made, limit)
    say_wanting(desk, stands)


# --- day by day, and as a picture ----------------------------------------------------------------------
@app.command("progress", cls=Command)
def progress(
    ctx: typer.Context, *, since: Annotated[str, typer.Option(metavar="DAY")] = ""
) -> None:
    """Show what changed since a day that is kept."""
    desk = desk_of(ctx)
    with standing(desk) as (node, unit, actor, stands):
        changed = changed_since(node, unit, actor, stands, since)
    if desk.screen.as_json:
        desk.screen.json(asdict(changed) if changed else None)
        return
    if changed is None:
        desk.screen.say("none.cycle-days")
        return
    say_change(desk, changed)
    for name in ("closed", "new", "proved", "lost", "gone"):
        some = getattr(changed, name)
        rows = [
            {"technique": n, "name": stands.techniques[n].name}
            for n in some
            if n in stands.techniques
        ]
        if rows:
            desk.screen.line("")
            desk.screen.say(f"say.change-{name}", count=len(some))
            desk.screen.rows(("technique", "name"), rows)


@app.command("snapshot", cls=Command)
def snapshot(ctx: typer.Context) -> None:
    """Keep how it stands today."""
    from mithaq.node import defending  # noqa: PLC0415 the others read alone

    desk = desk_of(ctx)
    with desk.node() as node:
        cycles.read_all_out(node.core)
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.HIT_READ)
        level = min(actor.clearance.tlp, cycles.HIGHEST)
        stands = defending.snapshot(node, level)
    if desk.screen.as_json:
        desk.screen.json({"day": stands.day, "marking": marking(stands), "score": stands.score})
    desk.screen.say("say.cycle-kept", day=stands.day, level=level, score=stands.score or 0)


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    up_to: TlpLevel = "",
) -> None:
    """Write the cycle as a page of HTML or as a layer of the ATT&CK Navigator."""
    desk = desk_of(ctx)
    if file.suffix not in {".html", ".json"}:
        raise BadUsage("cycle-file", name=str(file))
    with standing(desk, up_to) as (node, _, _, stands):
        organisation = node.us.organisation or node.us.party
    if file.suffix == ".html":
        from mithaq.brief.matrix import matrix  # noqa: PLC0415 the others write none

        written = matrix(stands, organisation, desk.screen.words.language)
    else:
        made = cycles.layer(stands, organisation, layer_words(desk))
        written = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    desk.write(file, written.encode(), secret=True)
    if desk.screen.as_json:
        desk.screen.json({"file": str(file), "marking": marking(stands)})
    desk.screen.say("say.cycle-written", file=file, level=stands.marking)
