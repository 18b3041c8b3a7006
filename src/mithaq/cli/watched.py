"""How a watch does, as it is told at another terminal: its sources, what was refused, sinks, and what is set aside."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from mithaq.cli.desk import Desk
from mithaq.cli.problems import in_words
from mithaq.cli.screen import NOTHING
from mithaq.clock import parse

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mithaq.auth.actors import Actor
    from mithaq.cli.screen import Screen
    from mithaq.store.live import Aside

Facts = Mapping[str, Any]  # as ``Watch`` keeps them
Rows = list[dict[str, Any]]
ASIDE: Final = ("number", "title", "because", "after_events", "at")
_SOURCES: Final = ("source", "running", "events", "event_last")  # what fits into 80 columns
_BEYOND: Final = (
    "unread_bytes", "waiting", "waiting_since", "unreadable", "heard", "began", "example",
    "unwatched_days", "watched_last",
)  # fmt: skip
_REFUSED: Final = ("source", "code", "why", "count")
_SINKS: Final = ("sink", "waiting", "since", "why", "not_told")
OLD: Final = 30  # days after which it is said that a source may be forgotten
_ALIVE: Final = timedelta(seconds=30)  # since a watch last said how its sources do


def who_asks(desk: Desk, unit: "Connection") -> "Actor":
    """Return who asks: one who may see hits, or one who runs the node, who then sees none.

    Raises:
        Forbidden: it is neither.
    """
    from mithaq.auth.actors import Permission, may  # noqa: PLC0415 heavy, as above
    from mithaq.border import people  # noqa: PLC0415 as above

    name = desk.common.actor
    runs = bool(name) and may(people.named(unit, name), Permission.NODE_RUN)
    sees = not name or may(people.named(unit, name), Permission.HIT_READ)
    return desk.actor(unit, Permission.NODE_RUN if runs and not sees else Permission.HIT_READ)


def show(screen: "Screen", some: Rows, sinks: Rows, aside: Rows) -> None:
    """Print how sources do, what could not be read, how sinks do, and what is set aside."""
    language = screen.words.language
    screen.rows(_SOURCES, some, empty="none.watched", wide=_BEYOND)
    if old := sum(each["unwatched_days"] >= OLD for each in some):
        screen.note("say.watch-old", count=old, days=OLD)
    for each in some:
        if each["unread_bytes"] or each["waiting"]:
            which = ("source", "unread_bytes", "waiting")
            facts = {name: each[name] for name in which}
            screen.note("say.watch-behind", **facts, since=each["waiting_since"] or NOTHING)
    for each in some:
        if each["trouble"]:
            screen.note("say.watch-trouble", why=in_words(each["trouble"], language))
            break
    refused = [
        {"source": each["source"], "code": code, "why": in_words(why, language), "count": count}
        for each in some
        for code, why, count in each["refused_for"]
    ]
    told = [each | {"why": in_words(str(each["why"]), language)} for each in sinks]
    for columns, rows in ((_REFUSED, refused), (_SINKS, told), (ASIDE, aside)):
        if rows:
            screen.line("")
            screen.rows(columns, rows)


def source(name: str, at: str, facts: Facts, now: datetime) -> dict[str, Any]:
    """Return how a source does, as it was kept at ``at``."""
    alive = bool(facts.get("running")) and now - parse(at) < _ALIVE
    state = "away" if facts.get("away") else "silent" if facts.get("silent") else "running"
    return {
        "source": name,
        "running": state if alive else "stopped",
        "watched_last": at,
        "unwatched_days": max((now - parse(at)).days, 0),
        "events": facts.get("events", 0),
        "event_last": facts.get("last", ""),
        "heard": facts.get("heard", ""),
        "unread_bytes": facts.get("behind", 0),
        "waiting": facts.get("waiting", 0),
        "waiting_since": facts.get("waiting_since", ""),
        "unreadable": sum(facts.get("refused", {}).values()),
        "refused_for": facts.get("reasons", []),
        "began": facts.get("since", ""),
        "example": facts.get("example", ""),
        "trouble": facts.get("trouble", "") if alive else "",
    }


def aside(each: "Aside") -> dict[str, Any]:
    """Return what is set aside as a row."""
    return {
        "number": each.seq,
        "title": each.title,
        "because": each.code,
        "after_events": each.after,
        "at": each.at,
        "rule": each.rule,
        "back_at": each.back_at,
        "back_by": each.back_by,
        "back_why": each.back_why,
    }
