"""Give and take with partners: by what came of it, and only last by how much it was."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any

import typer

from mithaq.auth.actors import Permission
from mithaq.cli.common import span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.screen import NOTHING
from mithaq.clock import text
from mithaq.intel.partners import balance as intel
from mithaq.intel.partners.balance import Balance, Side
from mithaq.store import parties

app = topic()

BAR = 12  # signs of the longest bar
MEASURES = (  # in this order: what came of it before how much it was
    "hits", "hit_objects", "hit_times", "in_use", "in_use_read", "answered", "asked", "taken", "first", "lead", "new",
    "known_before", "corrections", "recalls", "harmless", "disputed", "age", "age_late", "objects",
)  # fmt: skip
SPANS = frozenset({"lead", "age", "age_late"})  # of time
Facts = dict[str, Any]


@app.command("balance", cls=Command)
def balance(
    ctx: typer.Context,
    partner: Annotated[str, typer.Argument(metavar="PARTNER")] = "",
    *,
    since: Annotated[str, typer.Option(metavar="TIME")] = "90d",
    how: Annotated[bool, typer.Option("--how")] = False,
) -> None:
    """Weigh what a partner and we gave each other by its use."""
    desk = desk_of(ctx)
    if how and not desk.screen.as_json:
        desk.screen.pairs([(_name(desk, each), _how(desk, each)) for each in MEASURES])
        return
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.RELEASE_PREVIEW)
        begin = text(node.clock() - span(since))
        names = [parties.peer(unit, partner).name] if partner else intel.partners(unit)
        found = [intel.balance(unit, node.us, actor, name, begin) for name in names]
    if desk.screen.as_json:
        told = [_facts(each) for each in found]
        explained = {each: _how(desk, each) for each in MEASURES}
        desk.screen.json({"balances": told, "how": explained})
    elif partner:
        _picture(desk, found[0])
    else:
        _several(desk, found)


def _name(desk: Desk, measure: str) -> str:
    return desk.screen.words.say(f"measure.{measure}")


def _how(desk: Desk, measure: str) -> str:
    return desk.screen.words.say(f"measured.{measure}")


def _facts(found: Balance) -> Facts:
    return {
        "partner": found.partner,
        "since": found.since,
        "more": found.more,
        "they_gave": _side(found.theirs),
        "we_gave": _side(found.ours),
    }


def _side(side: Side) -> Facts:
    return {each: getattr(side, each) for each in MEASURES} | {"by_type": dict(side.by_type)}


# --- one partner -----------------------------------------------------------------------------------------
def _picture(desk: Desk, found: Balance) -> None:
    screen = desk.screen
    about = {"partner": found.partner, "since": found.since[:10]}
    screen.line(screen.words.say("say.balance", **about), style="bold")
    rows = [_row(desk, found, each) for each in MEASURES]
    columns = ("measure", "they_gave", "we_gave")
    screen.rows(columns, rows, wide=("measure_code",))
    types = {
        side: ", ".join(f"{name} {count}" for name, count in sorted(each.by_type.items()))
        for side, each in (("they_gave", found.theirs), ("we_gave", found.ours))
    }
    screen.facts(types)
    if found.more:
        screen.say("say.balance-more", count=intel.LOOKED_AT)
    screen.note("say.balance-how")


def _row(desk: Desk, found: Balance, measure: str) -> Facts:
    got, gave = getattr(found.theirs, measure), getattr(found.ours, measure)
    said = [_said(measure, each) for each in (got, gave)]
    if desk.screen.out.is_terminal and measure not in SPANS:
        most = max(got or 0, gave or 0)
        left, right = _bar(got, most), _bar(gave, most)
        if not desk.screen.right_to_left:
            said = [f"{left:>{BAR}} {said[0]}", f"{said[1]} {right}"]
        else:
            said = [f"{said[0]} {left}", f"{right:>{BAR}} {said[1]}"]
    return {
        "measure": _name(desk, measure),
        "they_gave": said[0],
        "we_gave": said[1],
        "measure_code": measure,
    }


def _bar(count: int | None, most: int) -> str:
    """Return a bar as long as a count is of the most; what is there at all has one sign."""
    return "▇" * max(round(BAR * count / most), 1) if count else ""


def _said(measure: str, value: float | None) -> str:
    if value is None:
        return NOTHING
    return _time(value) if measure in SPANS else str(value)


def _time(seconds: float) -> str:
    """Write a span of time by its largest units."""
    whole = timedelta(seconds=round(seconds))
    hours, minutes = whole.seconds // 3600, whole.seconds // 60 % 60
    if whole.days:
        return f"{whole.days}d {hours}h"
    return f"{hours}h {minutes}min" if hours else f"{minutes}min {whole.seconds % 60}s"


# --- all of them -----------------------------------------------------------------------------------------
SHORT = (
    "hits",
    "in_use",
    "answered",
    "first",
    "known_before",
    "corrections",
    "harmless",
    "objects",
)


def _several(desk: Desk, found: Sequence[Balance]) -> None:
    """Show what matters of each partner, what they gave before what we gave; in the order of their names."""
    rows = [
        {"partner": each.partner}
        | {
            f"m_{name}": f"{_said(name, getattr(each.theirs, name))} : {_said(name, getattr(each.ours, name))}"
            for name in SHORT
        }
        for each in found
    ]
    columns = ("partner", *(f"m_{name}" for name in SHORT))
    desk.screen.rows(columns, rows, empty="none.peers")
    if rows:
        desk.screen.note("say.balance-columns")
