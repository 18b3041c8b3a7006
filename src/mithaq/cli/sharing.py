"""Who else has an object and under which agreement, and what came from whom."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border import publish
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.naming import Called, meant
from mithaq.cli.options import Instant, TlpLevel
from mithaq.cli.release import language_of
from mithaq.intel import Asked, Came, Holding, Other, Whereabouts
from mithaq.policy import explain as sentences
from mithaq.store.releases import Verdict

app = topic()

Facts = dict[str, Any]


# --- who has it ------------------------------------------------------------------------------------------
@app.command("who-has", cls=Command)
def who_has(ctx: typer.Context, name: Called) -> None:
    """Say who else has an object, under which agreement, and how we know."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PREVIEW)
        copies = meant(unit, node, actor, name)
        found = intel.who_has(unit, node.us, actor, copies, node.clock())
    titles = {copy.object.id: intel.title(copy.object.body) for copy in copies}
    _told(desk, found, titles)


def _told(desk: Desk, found: Whereabouts, titles: Mapping[str, str]) -> None:
    went = [_went(each) for each in found.went]
    stays = [_stays(desk, each) for each in found.stays]
    others = [_other(each) for each in found.others]
    screen = desk.screen
    if screen.as_json:
        screen.json({"went": went, "stays": stays, "others": others})
        return
    several = len(titles) > 1
    for rows in (went, others) if several else ():
        for each in rows:
            each["name"] = titles.get(each["id"], "")
    named = ("name",) if several else ()
    screen.line(screen.words.say("title.went"), style="bold")
    columns = ("peer", *named, "agreement", "clause", "went_at", "arrived", "became", "without")
    more = (
        "id",
        "version",
        "view_removed",
        "arrived_at",
        "became_at",
        "cause",
        "outcome",
        "recall",
    )
    screen.rows(columns, went, empty="none.went", wide=more)
    if stays:
        screen.line("")
        screen.line(screen.words.say("title.stays"), style="bold")
        screen.rows(("peer", "agreement", "decision", "reasons"), stays, wide=("number", "since"))
    screen.line("")
    screen.line(screen.words.say("title.others"), style="bold")
    columns = ("who", *named, "known_by", "agreement", "received")
    screen.rows(columns, others, empty="none.others", wide=("id", "version"))


def _went(each: Holding) -> Facts:
    return {
        "peer": each.peer,
        "peer_kind": each.kind,
        "agreement": each.agreement,
        "agreement_version": each.agreement_version,
        "clause": each.clause,
        "id": each.id,
        "version": each.version,
        "number": each.number,
        "went_at": each.at,
        "without": len(each.removed) or "",
        "view_removed": [*each.removed],
        "arrived": each.arrived,
        "arrived_at": each.arrived_at,
        "became": each.state,
        "became_at": each.state_at,
        "cause": each.cause,
        "order": each.order,
        "outcome": each.answer,
        "answered": each.answer_at,
    }


def _stays(desk: Desk, each: Verdict) -> Facts:
    reasons = publish.decode_reasons(each.reasons)
    return {
        "peer": each.peer,
        "agreement": each.agreement,
        "number": each.copy,
        "decision": each.state,
        "needs": sorted(filter(None, each.needs.split(","))),
        "since": each.at,
        "view_removed": msgspec.json.decode(each.removed, type=list[str]),
        "declined_by": each.declined_by,
        "reasons": [sentences.sentence(reason, language_of(desk)) for reason in reasons],
    }


def _other(each: Other) -> Facts:
    return {
        "who": each.who,
        "known_by": each.how,
        "agreement": each.agreement,
        "id": each.id,
        "version": each.version,
        "received": each.at,
    }


# --- what came from whom ---------------------------------------------------------------------------------
@app.command("came", cls=Command)
def came(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    *,
    whom: Annotated[str, typer.Option("--from", metavar="NAME")] = "",
    since: Instant = "",
    until: Instant = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE")] = "",
    marking: TlpLevel = "",
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)] = 20,
    page: Annotated[int, typer.Option(metavar="NUMBER", min=0)] = 0,
) -> None:
    """Say what came from whom, by type, marking and agreement, and list it."""
    desk = desk_of(ctx)
    asked = Asked(
        whom=whom, since=since, until=until, type=type_, marking=marking, agreement=agreement
    )
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = intel.came(unit, node.us, actor, asked, (limit, page))
    counts = _counts(found)
    rows = [row(copy) | {"from": copy.sent_by or copy.voucher} for copy in found.page]
    screen = desk.screen
    if screen.as_json:
        screen.json(
            {"counts": counts, "aside": dict(found.aside), "objects": rows, "after": found.after}
        )
        return
    if not page:
        _counted(desk, counts, alone=bool(whom))
        for who, count in sorted(found.aside.items()):
            screen.say("say.aside", peer=who, count=count)
    if not rows:
        return
    told_from = () if whom else ("from",)
    columns = ("marking", "number", "type", "name", *told_from, "agreement", "received")
    screen.line("")
    screen.rows(columns, rows, wide=("id", "version"))
    if found.after:
        screen.note("say.next-page", number=found.after)


def _counts(found: Came) -> list[Facts]:
    """Return one row for each that something came from: how much, and of what."""
    whoms = intel.by(found.counts, "whom")
    rows: list[Facts] = []
    for who, count in whoms.items():
        theirs = [each for each in found.counts if each.whom == who]
        made: Facts = {"from": who, "versions": count}
        made["by_type"] = intel.by(theirs, "type")
        levels = intel.by(theirs, "level")
        made["by_marking"] = {intel.level(int(name)): n for name, n in levels.items()}
        made["by_agreement"] = {
            name: n for name, n in intel.by(theirs, "agreement").items() if name
        }
        made["by_owner"] = {name: n for name, n in intel.by(theirs, "owner").items() if name}
        made["first"] = min(each.first for each in theirs)
        made["last"] = max(each.last for each in theirs)
        rows.append(made)
    return rows


def _counted(desk: Desk, counts: Sequence[Facts], *, alone: bool) -> None:
    screen = desk.screen
    parts = ("by_type", "by_marking", "by_agreement", "by_owner")
    if alone and len(counts) == 1:
        whole = counts[0]
        said = {name: _listed(whole[name]) for name in parts}
        screen.facts({name: whole[name] for name in ("from", "versions", "first", "last")} | said)
        return
    rows = [each | {name: _listed(each[name]) for name in parts} for each in counts]
    columns = ("from", "versions", "by_type", "by_marking", "by_agreement", "last")
    screen.rows(columns, rows, empty="none.came", wide=("by_owner", "first"))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
