"""What happened to an object or to what a search finds, in one order."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.naming import MOST, NotCalled, meant
from mithaq.cli.options import Instant
from mithaq.intel import Copy, Event
from mithaq.node import Node

app = topic()

OURS, THEIRS = "●", "○"
NAME = 60  # characters of a name that a sentence has room for


@app.command("timeline", cls=Command)
def timeline(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    words: Annotated[list[str], typer.Argument(metavar="ID|NUMBER|VALUE|WORD")],
    *,
    related: Annotated[bool, typer.Option("--related")] = False,
    since: Instant = "",
    until: Instant = "",
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)] = 200,
) -> None:
    """Say what happened, oldest first, and by whose clock."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        copies = _meant(unit, node, actor, words)
        events = intel.timeline(unit, node.us, actor, copies, node.clock(), related=related)
    if since or until:
        events = intel.between(events, since, until)
    several = related or len({copy.object.id for copy in copies}) > 1
    _told(desk, events[-limit:], several=several)
    if len(events) > limit:
        desk.screen.note("say.earlier", count=len(events) - limit)


def _meant(unit: Connection, node: Node, actor: Actor, words: Sequence[str]) -> list[Copy]:
    """Return what a person means: one object, what speaks of a value, or what holds words."""
    whole = " ".join(words)
    try:
        return meant(unit, node, actor, whole)
    except NotCalled:
        found = intel.search(unit, node.us, actor, whole, page=(MOST, 0))
        if not found:
            raise
        return found


def _told(desk: Desk, events: Sequence[Event], *, several: bool) -> None:
    screen = desk.screen
    rows = [_row(desk, event, several=several) for event in events]
    if not screen.as_json and screen.out.is_terminal:
        days = ["", *(str(row["day"]) for row in rows)]
        for row, (before, day) in zip(rows, pairwise(days), strict=True):
            row["day"] = "" if before == day else day
        for row in rows:
            row["day"] = row["day"] or " "
        columns = ("day", "time", "whose", "event")
        screen.rows(columns, rows, empty="none.found")
        screen.say("say.whose-clock", ours=OURS, theirs=THEIRS)
        return
    if screen.as_json:
        rows = [{k: v for k, v in row.items() if k not in ("day", "time", "whose")} for row in rows]
    else:
        ours = screen.words.say("event.ours")
        rows = [row | {"said_by": row["said_by"] or ours} for row in rows]
    screen.rows(
        ("at", "said_by", "event"), rows, empty="none.found", wide=("what", "id", "version")
    )


def _row(desk: Desk, event: Event, *, several: bool) -> dict[str, Any]:
    day, _, time = event.at.partition("T")
    return {
        "at": event.at,
        "said_by": event.clock,
        "day": day,
        "time": f"{time[:8]}Z",
        "whose": THEIRS if event.clock else OURS,
        "event": _sentence(desk, event, several=several),
        "what": event.what,
        "who": event.who,
        "id": event.id,
        "version": event.version,
        "name": event.name,
        "agreement": event.agreement,
        "detail": event.detail,
        "odd": event.odd,
    }


def _sentence(desk: Desk, event: Event, *, several: bool) -> str:
    words = desk.screen.words
    name = event.name if len(event.name) <= NAME else f"{event.name[:NAME]}…"
    detail = desk.screen.value(_DETAILS.get(event.what, ""), event.detail)
    facts = {"who": event.who or event.clock, "agreement": event.agreement, "detail": detail}
    said = words.say(f"event.{event.what}", **facts, name=name or event.id)
    if event.agreement:
        said = f"{said} {words.say('event.under', agreement=event.agreement)}"
    if event.odd:
        said = f"{said} {words.say(f'event.odd-{event.odd}')}"
    about = several and event.what != "named"  # which says what it is about
    return f"{name or event.id}: {said}" if about else said


_DETAILS = {"answered": "outcome", "recalled": "cause", "corrected": "cause"}
