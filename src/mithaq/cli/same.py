"""What is the same thing by whatever voucher: who says what of it, and what our people say against how it looks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.naming import by_number, one
from mithaq.cli.options import Flag, Named
from mithaq.intel import Copy, Judgement
from mithaq.intel.relating import merging
from mithaq.intel.relating.alike import claims
from mithaq.intel.relating.merging import Same, Why

app = topic()
judgements = topic("merge")

_CELL = 200  # characters of a value on a screen
Because = Annotated[str, typer.Option("--because", metavar="TEXT")]


@app.command("same", cls=Command)
def same(
    ctx: typer.Context,
    what: Annotated[str, typer.Argument(metavar="ID|NUMBER|VALUE|NAME")],
    *,
    agreed: Flag = False,
) -> None:
    """Show what is the same thing, by what, and who says what of it."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        value = None if by_number(what) else intel.value(what)
        if value is not None:
            found = merging.same_value(unit, node.us, actor, value)
        else:
            [copy, *_] = intel.versions(unit, node.us, actor, one(unit, node, actor, what))
            found = merging.same_as(unit, node.us, actor, copy.object.id)
        voices = merging.voices(unit, _copies(found))
    said = _said(_copies(found), voices)
    if desk.screen.as_json:
        desk.screen.json(_as_json(found, said, voices))
        return
    columns = ("marking", "number", "type", "name", "from", "reliability", "tied_by")
    rows = [
        row(copy) | {"reliability": voices[copy.seq], "tied_by": [_tie(desk, w) for w in each.why]}
        for each in found.members
        for copy in each.copies
    ]
    desk.screen.rows(columns, rows, empty="none.same", wide=("id",))
    _notes(desk, found)
    shown = [each for each in said if agreed or not each["agreed"]]
    if shown:
        desk.screen.line("")
        desk.screen.rows(("property", "says", "number", "from", "reliability", "confidence"), shown)


def _copies(found: Same) -> list[Copy]:
    return [copy for each in found.members for copy in each.copies]


def _tie(desk: Desk, why: Why) -> str:
    said = f"{desk.screen.value('tied_by', why.kind)} {why.by}"
    return f"{said} → {why.entity}" if why.entity and why.entity != why.by else said


def _notes(desk: Desk, found: Same) -> None:
    for each in found.apart:
        desk.screen.say(
            "say.apart", number=each.seq, id=each.second, other=each.first, why=each.why
        )
    for name, ids in (found.unsure or {}).items():
        desk.screen.say("say.unsure", name=name, ids=", ".join(ids))
    for name in found.common:
        desk.screen.say("say.common-name", name=name, count=merging.COMMON)
    if found.more:
        desk.screen.say("say.same-more", count=merging.MOST)


def _said(copies: Sequence[Copy], voices: dict[int, str]) -> list[dict[str, Any]]:
    """Return, by property, what is said and by whom: the most reliable first, and nothing made one of several."""
    found: list[dict[str, Any]] = []
    for name, lists in claims([copy.object.body for copy in copies]).items():
        rows = []
        for at in (at for each in lists for at in each):
            copy = copies[at]
            rows.append(
                {
                    "property": name,
                    "says": _short(copy.object.body[name]),
                    "number": copy.seq,
                    "from": copy.voucher,
                    "reliability": voices[copy.seq],
                    "confidence": copy.object.body.get("confidence", ""),
                    "agreed": len(lists) == 1,
                }
            )
        found += sorted(rows, key=lambda r: (r["reliability"] or "G", -(r["confidence"] or 0)))
    return found


def _short(value: object) -> str:
    said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return said if len(said) <= _CELL else f"{said[:_CELL]}…"


def _as_json(found: Same, said: Iterable[dict[str, Any]], voices: dict[int, str]) -> dict[str, Any]:
    properties: dict[str, list[dict[str, Any]]] = defaultdict(list)
    bodies = {copy.seq: copy.object.body for copy in _copies(found)}
    for each in said:
        whole = {name: each[name] for name in ("number", "from", "reliability", "confidence")}
        properties[each["property"]].append(
            {"says": bodies[each["number"]][each["property"]], **whole}
        )
    return {
        "members": [
            {
                "id": each.id,
                "why": [{"kind": w.kind, "by": w.by, "entity": w.entity} for w in each.why],
                "copies": [row(c) | {"reliability": voices[c.seq]} for c in each.copies],
            }
            for each in found.members
        ],
        "apart": [_row(each) for each in found.apart],
        "unsure": {name: list(ids) for name, ids in (found.unsure or {}).items()},
        "common": list(found.common),
        "more": found.more,
        "properties": properties,
    }


def _row(each: Judgement) -> dict[str, Any]:
    return {
        "number": each.seq,
        "judged": "same" if each.same else "apart",
        "one": each.first,
        "other": each.second,
        "why": each.why,
        "by": each.author,
        "at": each.at,
        "undone_by": each.undone_by,
        "undone_at": each.undone_at,
        "undone_why": each.undone_why,
    }


@judgements.command("join", cls=Command)
def join(ctx: typer.Context, one: Named, other: Named, *, because: Because) -> None:
    """Say that two objects are the same thing."""
    _judge(desk_of(ctx), (one, other), because, same=True)


@judgements.command("split", cls=Command)
def split(ctx: typer.Context, one: Named, other: Named, *, because: Because) -> None:
    """Say that two objects are not the same thing."""
    _judge(desk_of(ctx), (one, other), because, same=False)


def _judge(desk: Desk, ends: tuple[str, str], because: str, *, same: bool) -> None:
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        ids = [
            intel.versions(unit, node.us, actor, each)[0].object.id if each.isdecimal() else each
            for each in ends
        ]
        made = merging.judge(
            unit, node.us, actor, (ids[0], ids[1]), node.clock(), same=same, why=because
        )
    desk.screen.say("say.joined" if same else "say.split", number=made.seq)
    if desk.screen.as_json:
        desk.screen.json(_row(made))


@judgements.command("undo", cls=Command)
def undo(
    ctx: typer.Context,
    number: Annotated[int, typer.Argument(metavar="NUMBER", min=1)],
    *,
    because: Because,
) -> None:
    """Take a judgement back; it stays on record."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        undone = merging.undo(unit, node.us, actor, number, because, node.clock())
    desk.screen.say("say.unjudged", number=number)
    if desk.screen.as_json:
        desk.screen.json(_row(undone))


@judgements.command("list", cls=Command)
def list_(ctx: typer.Context, *, undone: Flag = False) -> None:
    """List what was judged, newest first."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = merging.judged(unit, node.us, actor)
    rows = [_row(each) for each in found if undone or not each.undone_at]
    columns = ("number", "judged", "one", "other", "why", "by", "at", "undone_by", "undone_why")
    desk.screen.rows(columns, rows, empty="none.judged", wide=("undone_at",))
