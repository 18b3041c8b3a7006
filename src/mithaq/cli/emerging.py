"""What is emerging: bursts and newcomers, with the figures and the objects that say so."""

from datetime import timedelta
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage, span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, TlpLevel, each_of
from mithaq.clock import parse
from mithaq.intel import Copy, Emerging, Finding
from mithaq.intel.trends.emerged import RAREST, in_odds, news
from mithaq.model.bursts import Stratum
from mithaq.model.labels import Tlp, tlp
from mithaq.model.mentions import Family, day_of, day_written

app = topic()
LONGEST = timedelta(days=731)  # period and baseline together
Span = Annotated[str, typer.Option(metavar="TIME")]
ONE = {"technique": "techniques", "target": "targets"}  # as people also write it


def _families(param: typer.CallbackParam, values: list[str] | None) -> list[str] | None:
    """Read sorts, of one thing or of many; whatever else is refused by its name."""
    named = [ONE.get(part, part) for value in values or () for part in value.split(",") if part]
    return each_of(Family)(param, named)


Of = Annotated[list[str] | None, typer.Option(metavar="SORT,…", callback=_families)]


@app.command("emerging", cls=Command)
def emerging(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    since: Span = "7d",
    until: Instant = "",
    baseline: Span = "90d",
    of: Of = None,
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    partners: Flag = False,
    up_to: TlpLevel = "",
    evidence: Flag = False,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=100)] = 10,
) -> None:
    """Tell what is emerging."""
    desk = desk_of(ctx)
    wanted = [Family(each) for each in of or ()]
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        asked = intel.Horizon(
            until=parse(until) if until else node.clock(),
            period=_days("--since", since),
            baseline=_days("--baseline", baseline),
            families=wanted or tuple(Family),
            source=source,
            partners=partners,
            up_to=tlp(up_to) if up_to else Tlp.RED,
            most=limit,
        )
        found = intel.emerging(unit, node.us, actor, asked)
    if desk.screen.as_json:
        desk.screen.json(as_json(found, node.us.party))
        return
    _show(desk, found, evidence=evidence)


def _days(option: str, written: str) -> int:
    days = span(written)
    if days % timedelta(days=1) or not timedelta() < days <= LONGEST:
        raise BadUsage("whole-days", name=option, value=written)
    return days.days


# --- for programs --------------------------------------------------------------------------------------
def as_json(found: Emerging, us: str) -> dict[str, Any]:
    """Return all that is known of what is emerging."""
    return {
        "baseline": found.baseline,
        "since": found.since,
        "until": found.until,
        "marking": f"TLP:{found.level}",
        "behind": found.behind,
        "families": [
            {
                "family": str(each.family),
                "named": each.named,
                "tested": each.tested,
                "established": list(each.established),
                "young": list(each.young),
                "findings": [finding_row(one, us) for one in each.findings],
            }
            for each in found.families
        ],
    }


def finding_row(one: Finding, us: str) -> dict[str, Any]:
    """Return what is known of one."""
    return {
        "news": news(one),
        "kind": one.entity.kind,
        "name": one.entity.name,
        "ids": sorted(one.entity.ids),
        "claims": one.claims,
        "claims_before": one.before,
        "source_days": _stratum(one.days),
        "chance": one.chance,
        "sources": [
            {
                "source": each.source,
                "partner": ":" not in each.source and each.source != us,
                "claims": each.claims,
                "source_days": _stratum(each.days),
                "chance": each.chance,
            }
            for each in one.sources
        ],
        "partners": partners_of(one, us),
        "agreements": list(one.agreements),
        "daily": list(one.daily),
        "evidence": [evidence_row(copy) for copy in one.evidence],
    }


def _stratum(days: Stratum) -> dict[str, int]:
    return days._asdict()


def partners_of(one: Finding, us: str) -> int:
    """Return how many nations named it."""
    return sum(":" not in each.source and each.source != us for each in one.sources)


def evidence_row(copy: Copy) -> dict[str, Any]:
    """Return where an object that was counted is found."""
    body = copy.object.body
    return {
        "marking": intel.marking(copy),
        "number": copy.seq,
        "day": day_written(day_of(body, copy.received_at)),
        "type": copy.object.type,
        "name": intel.title(body),
        "from": copy.voucher,
        "agreement": copy.agreement,
        "id": copy.object.id,
        "received": copy.received_at,
    }


# --- for people ----------------------------------------------------------------------------------------
def _show(desk: Desk, found: Emerging, *, evidence: bool) -> None:
    screen = desk.screen
    facts = {name: getattr(found, name) for name in ("since", "until", "baseline")}
    screen.say("say.emerging", marking=f"TLP:{found.level}", **facts)
    for each in found.families:
        screen.line("")
        screen.line(screen.words.say(f"title.{each.family}"), style="bold")
        if not each.established:
            screen.say("say.no-baseline")
        elif each.young:
            screen.say("say.young", sources=", ".join(each.young))
        columns = (
            *("news", "subject_kind", "name", "claims"),
            *("named_on", "named_before", "odds", "sources"),
        )
        if each.established:
            screen.rows(columns, [_row(one) for one in each.findings], empty="none.emerging")
        for one in each.findings if evidence else ():
            _explain(desk, one)
        screen.say("say.emerging-tested", named=each.named, tested=each.tested)
    if found.behind:
        screen.note("say.emerging-behind")


def _row(one: Finding) -> dict[str, Any]:
    days = one.days
    return {
        "news": news(one),
        "subject_kind": one.entity.kind,
        "name": one.entity.name,
        "claims": one.claims,
        "named_on": f"{days.loud_now}/{days.now}",
        "named_before": f"{days.loud_before}/{days.before}",
        "odds": "" if one.chance is None else _odds(one.chance),
        "sources": [each.source for each in one.sources],
    }


def _odds(chance: float) -> str:
    odds = in_odds(chance)
    return f"1/{odds:,}" if odds <= RAREST else f"< 1/{RAREST:,}"


def _explain(desk: Desk, one: Finding) -> None:
    screen, days = desk.screen, one.days
    screen.line("")
    screen.say(
        "say.emerging-figures",
        name=one.entity.name,
        claims=one.claims,
        sources=len(one.sources),
        agreements=len(one.agreements),
        before=one.before,
        loud_now=days.loud_now,
        now=days.now,
        loud_before=days.loud_before,
        before_days=days.before,
    )
    if one.chance is not None:
        odds = in_odds(one.chance)
        key = "say.emerging-chance" if odds <= RAREST else "say.emerging-chance-under"
        screen.say(key, odds=f"{min(odds, RAREST):,}")
    columns = ("marking", "number", "day", "type", "name", "from", "agreement")
    screen.rows(columns, [evidence_row(copy) for copy in one.evidence], wide=("id",))
