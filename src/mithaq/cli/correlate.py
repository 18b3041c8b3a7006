"""What an object shares values with, and which reports are about that."""

from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import SHOWN, row
from mithaq.cli.naming import Called, one
from mithaq.intel.relating import correlating
from mithaq.intel.relating.correlating import Correlation, Evidence

app = topic()


@app.command("correlate", cls=Command)
def correlate(
    ctx: typer.Context,
    name: Called,
    *,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=correlating.MOST)] = SHOWN,
) -> None:
    """Show what shares values with an object, or with what a report is about."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        id_ = intel.versions(unit, node.us, actor, one(unit, node, actor, name))[0].object.id
        found = correlating.correlate(unit, node.us, actor, id_)
    told = _told(found)
    if desk.screen.as_json:
        desk.screen.json(told)
    else:
        _show(desk, told, limit)


def _evidence(each: Evidence) -> dict[str, str]:
    return {
        "kind": each.value.kind,
        "value": each.value.text,
        "says": each.said.text,
        "within": each.within,
    }


def _told(found: Correlation) -> dict[str, Any]:
    return {
        "tied": [row(t.copy) | {"evidence": [*map(_evidence, t.evidence)]} for t in found.tied],
        "reports": [row(copy) | {"about": list(ids)} for copy, ids in found.reports],
        "sources": [
            {"from": name, "copies": copies, "values": shared}
            for name, (copies, shared) in found.sources.items()
        ],
        "common": [{"kind": value.kind, "value": value.text} for value in found.common],
        "benign": [
            {"kind": value.kind, "value": value.text, "list": hit.list, "entry": hit.entry}
            for value, hit in found.harmless
        ],
        "looked_up": found.looked_up,
        "more": found.more,
    }


def _show(desk: Desk, told: dict[str, Any], limit: int) -> None:
    screen = desk.screen
    columns = ("marking", "number", "type", "name", "from", "shares")
    tied = [e | {"shares": [_written(one) for one in e["evidence"]]} for e in told["tied"]]
    screen.rows(columns, tied[:limit], empty="none.tied", wide=("id",))
    if len(tied) > limit:
        screen.say("say.more", count=len(tied) - limit)
    if told["reports"]:
        screen.line("")
        screen.say("say.reports-of", count=len(told["reports"]))
        reports = [each | {"copies": len(each["about"])} for each in told["reports"][:limit]]
        screen.rows(("marking", "number", "type", "name", "from", "copies"), reports, wide=("id",))
    if told["sources"]:
        screen.line("")
        screen.rows(("from", "copies", "values"), told["sources"])
    for each in told["common"]:
        screen.say("say.common-value", value=each["value"], count=correlating.COMMON)
    for each in told["benign"]:
        screen.say("say.harmless-value", value=each["value"], list=each["list"])
    if told["more"]:
        screen.say("say.correlate-more", values=correlating.VALUES, copies=correlating.MOST)


def _written(each: dict[str, str]) -> str:
    """Say which value is shared, and as what the other has it, if that is not the same."""
    return each["value"] if each["says"] == each["value"] else f"{each['value']} ({each['says']})"
