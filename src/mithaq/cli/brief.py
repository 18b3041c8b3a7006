"""The daily and the weekly brief."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import brief as briefs
from mithaq.auth.actors import Permission
from mithaq.brief import Brief, Ordered
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import desk_of
from mithaq.cli.emerging import as_json, evidence_row
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Instant, TlpLevel, one_of
from mithaq.clock import parse
from mithaq.intel.partners.digest import Given
from mithaq.model.labels import tlp

app = topic()
Period = Annotated[str, typer.Option(metavar="day|week", callback=one_of(("day", "week")))]


@app.command("brief", cls=Command)
def brief(
    ctx: typer.Context,
    *,
    period: Period = "week",
    until: Instant = "",
    up_to: TlpLevel = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
) -> None:
    """Write the daily or the weekly brief."""
    desk = desk_of(ctx)
    if out is not None and out.suffix not in {".html", ".pdf"}:
        raise BadUsage("brief-file", name=str(out))
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        now = node.clock()
        ordered = Ordered(
            period=period,
            until=(parse(until) if until else now).date(),
            up_to=tlp(up_to) if up_to else None,
        )
        made = briefs.brief(unit, node.us, actor, ordered, now)
    if desk.screen.as_json:
        desk.screen.json(_facts(made))
    if out is None:
        if not desk.screen.as_json:
            desk.screen.exact(briefs.page(made, desk.screen.words.language).encode())
        return
    language = desk.screen.words.language
    page = briefs.page(made, language)
    desk.write(
        out, briefs.pdf(page, language) if out.suffix == ".pdf" else page.encode(), secret=True
    )
    told = {"first": made.ordered.since, "last": made.ordered.until, "level": made.level}
    desk.screen.say("say.brief-written", file=out, **told)


def _facts(made: Brief) -> dict[str, Any]:
    duties = made.duties
    return {
        "period": made.ordered.period,
        "since": made.ordered.since.isoformat(),
        "until": made.ordered.until.isoformat(),
        "marking": f"TLP:{made.level}",
        "emerging": as_json(made.emerging, made.nation),
        "partners": [
            {
                "partner": each.partner,
                "came": _given(each.came),
                "types": dict(each.types),
                "agreements": list(each.agreements),
                "went": _given(each.went),
                "seen_by_them": _given(each.seen_by_them),
                "seen_by_us": _given(each.seen_by_us),
            }
            for each in made.digest.partners
        ],
        "own_sources": dict(made.digest.own_sources),
        "duties": None
        if duties is None
        else {
            "second": duties.second,
            "quarantined": duties.quarantined,
            "review": duties.review,
            "receipts": duties.receipts,
            "silent": [each.name for each in duties.peers if each.silent],
            "alarms": None if duties.alarms is None else [each.seq for each in duties.alarms],
            "feeds": None
            if duties.feeds is None
            else {each.name: each.health.outcome for each in duties.feeds},
            "gaps": [each.requirement.row.name for each in duties.gaps],
        },
    }


def _given(given: Given) -> dict[str, Any]:
    return {"count": given.count, "examples": [evidence_row(each) for each in given.examples]}
