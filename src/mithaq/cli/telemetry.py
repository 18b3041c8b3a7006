"""What the node keeps of its own telemetry: how much of each day, and away with what is too old."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.cli.back import NothingKept, blind, first_day
from mithaq.cli.desk import desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag

if TYPE_CHECKING:
    from mithaq.ingest.noting import Noting
    from mithaq.node import Node

app = topic("telemetry")

_COLUMNS = ("day", "events", "index_bytes", "event_bytes")
_LOOKED = ("looked_in", "waiting", "rules", "far", "new_hits", "began", "ended_at")


@app.command("kept", cls=Command)
def kept(ctx: typer.Context) -> None:
    """List the days of which something is kept, and how much."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.HIT_READ)
        noting = _noting(node)
        rows = _rows(noting)
    desk.screen.rows(_COLUMNS, rows, empty="none.kept")
    for row in rows:
        if row["events"] is None and not desk.screen.as_json:
            desk.screen.note("say.hunt-damaged", name=noting.past.file(row["day"]))
    for day, files in noting.past.spoilt().items() if not desk.screen.as_json else ():
        for file in files:
            desk.screen.note("say.past-lost", day=day, name=file)


@app.command("looked", cls=Command)
def looked(ctx: typer.Context) -> None:
    """Say how far what is new was looked for in what is kept."""
    from mithaq.node import hindsight  # noqa: PLC0415 heavy

    desk = desk_of(ctx)
    with desk.node() as node:
        noting = _noting(node)
        with node.core.read() as unit:
            desk.actor(unit, Permission.HIT_READ)
            left, (known, waiting) = hindsight.left(unit), hindsight.reread(unit, node.clock())
        kept = noting.files("") if noting.raw_days else []
    rows = [
        {"looked_in": "index", "waiting": left},
        {
            "looked_in": "events",
            "waiting": waiting if kept else 0,
            "rules": known.rules,
            "far": f"{100 * known.done // known.size} %" if known.size else "",
            "new_hits": known.new,
            "began": known.began,
            "ended_at": known.ended,
            "unserved": known.unserved,
            "since_day": known.since,
            "files": known.files,
            "bytes": known.size,
            "done_bytes": known.done,
            "damaged": known.damaged,
        },
    ]
    desk.screen.rows(_LOOKED, rows, wide=("since_day", "files", "bytes", "done_bytes", "unserved"))
    if desk.screen.as_json:
        return
    if not kept:
        desk.screen.note(blind(noting))
    for each in known.damaged:
        desk.screen.note("say.hunt-damaged", name=each)


@app.command("forget", cls=Command)
def forget(
    ctx: typer.Context,
    before: Annotated[str, typer.Argument(metavar="TIME|DAY")],
    *,
    preview: Flag = False,
) -> None:
    """Throw away what is kept of the days before one."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            desk.actor(unit, Permission.NODE_RUN)
        first = first_day(before, node.clock())
        noting = _noting(node)
        rows = [row for row in _rows(noting) if row["day"] < first]
        if not preview:
            noting.past.forget(first)
            noting.raw.forget(first)
    desk.screen.rows(_COLUMNS, rows, empty="none.kept-before")
    if not desk.screen.as_json:
        said = "say.would-forget" if preview else "say.forgotten"
        desk.screen.note(said, count=len(rows), day=first)


def _noting(node: "Node") -> "Noting":
    from mithaq.ingest.noting import noting  # noqa: PLC0415 heavy

    found = noting(node.config)
    if found is None:
        raise NothingKept("this node keeps no index of its telemetry: telemetry.past_days is 0")
    return found


def _rows(noting: "Noting") -> list[dict[str, Any]]:
    from mithaq.store.past import DamagedPast  # noqa: PLC0415 as above

    past, raw = noting.past, noting.raw
    indexed = set(past.days())
    rows = []
    for day in sorted(indexed | set(raw.days())):
        events = None if day in indexed else 0  # None: its index is damaged
        if day in indexed:
            with suppress(DamagedPast), past.reading(day) as file:
                events = file.events()
        rows.append(
            {
                "day": day,
                "events": events,
                "index_bytes": past.size(day),
                "event_bytes": raw.size(day),
            }
        )
    return rows
