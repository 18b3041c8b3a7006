"""Judging what matched: one group, several, or all that one rule or indicator found."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer
from sqlalchemy import Connection

from mithaq import defence, intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command
from mithaq.cli.hits import Facts, against, app, row, say_against
from mithaq.cli.options import Flag, TlpLevel
from mithaq.defence import STATES, VERDICTS, Hits, Said, Verdict, Which
from mithaq.errors import InputError
from mithaq.model.labels import Tlp, tlp
from mithaq.node import Node

_MOST = 10_000  # groups that one command judges


class TooMany(InputError):
    """More is asked for at once than one command does."""

    code = "too-many-hits"


class _Previewed(Exception):
    """Ends a transaction of which nothing is to be kept."""


@app.command("judge", cls=Command)
def judge(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    what: Annotated[list[str], typer.Argument(metavar="[NUMBER…] VERDICT")],
    *,
    rule: Annotated[str, typer.Option(metavar="ID")] = "",
    because: Annotated[str, typer.Option("--because", metavar="TEXT")] = "",
    marking: TlpLevel = "",
    preview: Flag = False,
) -> None:
    """Judge groups of hits."""
    desk = desk_of(ctx)
    numbers, verdict = _read(what)
    if bool(numbers) == bool(rule):
        raise BadUsage("numbers-or-rule")
    level = tlp(marking) if marking else None
    told: list[Facts] = []
    with suppress(_Previewed), desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        which = numbers or _of_rule(unit, node, actor, rule, verdict)
        told += (_judge(desk, unit, node, actor, (each, verdict, because, level)) for each in which)
        _keep_unless(preview)
    _show(desk, told, verdict, preview=preview)


def _keep_unless(preview: bool) -> None:  # noqa: FBT001 the option
    if preview:
        raise _Previewed


def _read(what: Sequence[str]) -> tuple[list[int], Verdict]:
    *numbers, last = what
    verdict = next((each for each in VERDICTS if each == last), None)
    if verdict is None:
        raise BadUsage("one-of", name="VERDICT", known=", ".join(VERDICTS))
    if not all(each.isascii() and each.isdecimal() for each in numbers):
        raise BadUsage("no-number", name="NUMBER")
    return [int(each) for each in dict.fromkeys(numbers)], verdict


def _of_rule(
    unit: Connection, node: Node, actor: Actor, rule: str, verdict: Verdict
) -> Sequence[int]:
    """Return the groups of a rule that are judged otherwise."""
    defence.known(unit, node.us, actor, rule)
    states = tuple(each for each in STATES if each != verdict)
    which = Which(states=states, rule=rule)
    found = defence.hits(unit, node.us, actor, node.clock(), which, most=_MOST + 1)
    if len(found) > _MOST:
        raise TooMany(f"more than {_MOST} groups of hits", most=_MOST)
    return [each.group.seq for each in found]


def _judge(
    desk: Desk,
    unit: Connection,
    node: Node,
    actor: Actor,
    how: tuple[int, Verdict, str, Tlp | None],
) -> Facts:
    number, verdict, because, level = how
    before = defence.show(unit, node.us, actor, number, node.clock())
    said = defence.judge(
        unit, node.us, actor, number, verdict, node.clock(), why=because, level=level
    )
    told = row(Hits(group=before.group, tally=before.tally))
    return {
        "number": number,
        "name": told["name"],
        "day": told["day"],
        "count": told["count"],
        "was": told["judged"],
        "judged": verdict,
        "said": _said(said),
        "against": against(desk, said.against),
    }


def _said(said: Said) -> Facts | None:
    copy = said.copy
    if copy is None:
        return None
    return {"id": copy.object.id, "number": copy.seq, "marking": intel.marking(copy)}


def _show(desk: Desk, told: Sequence[Facts], verdict: Verdict, *, preview: bool) -> None:
    screen = desk.screen
    if screen.as_json:
        screen.json([each | {"preview": preview} for each in told])
        return
    if len(told) == 1 and not preview:
        _one(desk, told[0])
        return
    rows = [
        each
        | {
            "says": (each["said"] or {}).get("id", "").partition("--")[0],
            "no_sighting": [reason["sentence"] for reason in each["against"]],
        }
        for each in told
    ]
    columns = ("number", "name", "day", "count", "was", "says", "no_sighting")
    screen.rows(columns, rows, empty="none.hits")
    screen.say(f"say.judged-{'preview' if preview else 'all'}", count=len(told), verdict=verdict)


def _one(desk: Desk, told: Facts) -> None:
    desk.screen.say(f"say.judged-{told['judged']}", number=told["number"])
    if told["said"]:
        about = {name: told["said"][name] for name in ("id", "marking")}
        desk.screen.say("say.said-of-it", **about, number=told["number"])
    say_against(desk, told["against"])


__all__ = ["app"]  # the topic of ``cli.hits``, with what it has for judging
