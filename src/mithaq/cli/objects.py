"""What analysts write by hand: objects, and notes and opinions on them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.benign import BENIGN, finding, meant_by
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import AllCaveats, FewCaveats, together
from mithaq.cli.importing import known_recipients
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Instant, Named, Text, one_of
from mithaq.intel import Caveats, Change, Copy, Draft, Terms, Waiting
from mithaq.intel.authoring import drafts
from mithaq.model.benign import findings, suppressing
from mithaq.model.canonical import Json
from mithaq.model.markings import FIXED
from mithaq.node import Node

app = topic("object")
texts = topic()  # commands of their own: note, opinion

Facts = dict[str, Any]
Sets = Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE")]
Labels = Annotated[list[str] | None, typer.Option(metavar="LABEL")]
Confidence = Annotated[int | None, typer.Option(metavar="PERCENT", min=0, max=100)]
Readers = Annotated[list[str] | None, typer.Option(metavar="PARTY:ID")]
DIFF = ("field", "earlier", "later")
OPINIONS = ("strongly-disagree", "disagree", "neutral", "agree", "strongly-agree")


# --- what is new ---------------------------------------------------------------------------------
@app.command("new", cls=Command)
@together
def new(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    type_: Annotated[str, typer.Argument(metavar="TYPE")] = "",
    *,
    value: Annotated[str, typer.Option(metavar="VALUE")] = "",
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    name: Text = "",
    description: Text = "",
    of: Annotated[list[str] | None, typer.Option(metavar="ID|NUMBER")] = None,
    label: Labels = None,
    confidence: Confidence = None,
    valid_from: Instant = "",
    valid_until: Instant = "",
    set_: Sets = None,
    from_: Annotated[str, typer.Option("--from", metavar="FILE|-")] = "",
    caveats: AllCaveats,
    reader: Readers = None,
    preview: Flag = False,
) -> None:
    """Write a new object of our own."""
    desk = desk_of(ctx)
    whole = drafts.object_in(_read(desk, from_)) if from_ else {}
    type_ = type_ or str(whole.pop("type", "")) or ("indicator" if value else "")
    if not type_:
        raise BadUsage("no-type", known=", ".join(drafts.WRITTEN))
    if whole.pop("type", type_) != type_:
        raise BadUsage("two-types", name=type_)
    drafts.known_type(type_)
    whole |= _of_value(value, kind, type_)
    options = {
        "name": name, "description": description, "labels": [*(label or ())], "confidence": confidence,
        "valid_from": valid_from, "valid_until": valid_until,
    }  # fmt: skip
    asked = Asked(type=type_, given=whole | _given(options, type_, set_), of=of or ())
    _write(desk, asked, (caveats, reader), preview=preview)


@app.command("relate", cls=Command)
@together
def relate(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    source: Named,
    relation: Annotated[str, typer.Argument(metavar="RELATION")],
    target: Named,
    *,
    description: Text = "",
    label: Labels = None,
    confidence: Confidence = None,
    set_: Sets = None,
    caveats: FewCaveats,
    preview: Flag = False,
) -> None:
    """Say how two objects are related."""
    options = {
        "relationship_type": relation, "description": description, "labels": [*(label or ())], "confidence": confidence,
    }  # fmt: skip
    asked = Asked(
        type="relationship",
        given=_given(options, "relationship", set_),
        ends=(source, target),
    )
    _write(desk_of(ctx), asked, (caveats, None), preview=preview)


@texts.command("note", cls=Command)
@together
def note(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    *,
    title: Text = "",
    label: Labels = None,
    confidence: Confidence = None,
    set_: Sets = None,
    caveats: FewCaveats,
    preview: Flag = False,
) -> None:
    """Write a note on an object, ours or a partner's."""
    options = {
        "abstract": title,
        "content": text,
        "labels": [*(label or ())],
        "confidence": confidence,
    }
    asked = Asked(type="note", given=_given(options, "note", set_), of=(name,))
    _write(desk_of(ctx), asked, (caveats, None), preview=preview)


@texts.command("opinion", cls=Command)
@together
def opinion(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    opinion_: Annotated[str, typer.Argument(metavar="OPINION", callback=one_of(OPINIONS))],
    *,
    why: Text = "",
    label: Labels = None,
    set_: Sets = None,
    caveats: FewCaveats,
    preview: Flag = False,
) -> None:
    """Say whether we agree with an object, ours or a partner's."""
    options: dict[str, Json] = {"opinion": opinion_, "explanation": why, "labels": [*(label or ())]}
    asked = Asked(type="opinion", given=_given(options, "opinion", set_), of=(name,))
    _write(desk_of(ctx), asked, (caveats, None), preview=preview)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An object as a line asks for it, what it names by id or number still."""

    type: str
    given: Mapping[str, Json]
    of: Sequence[str] = ()  # what it is about, or holds
    ends: tuple[str, str] | None = None  # what it relates


def _write(
    desk: Desk, asked: Asked, beside: tuple[Caveats, Sequence[str] | None], *, preview: bool
) -> None:
    with desk.node() as node:
        terms = terms_of(node, *beside)
        with node.core.read() if preview else node.core.begin() as unit:
            actor, now = desk.actor(unit, Permission.OBJECT_ADD), node.clock()
            fields = {**asked.given, **_named(unit, node, actor, asked)}
            draft = intel.new(unit, node.us, actor, asked.type, fields, now, terms=terms)
            if preview:
                show_body(desk, draft)
                return
            copy = intel.store(unit, node.us, actor, draft, now)
        found = suppressing(findings(copy.object.body, node.us.benign.match))
    stored(desk, copy)
    if found and not desk.screen.as_json:
        desk.screen.say("say.benign", count=1)
        desk.screen.rows(BENIGN, [finding(each) for each in found])


def _named(unit: Connection, node: Node, actor: Actor, asked: Asked) -> dict[str, Json]:
    """Return the references of what a line names, which the actor must be able to read."""
    if asked.ends is not None:
        source, target = (intel.targets(unit, node.us, actor, [end])[0] for end in asked.ends)
        return {"source_ref": source.object.id, "target_ref": target.object.id}
    held = intel.targets(unit, node.us, actor, asked.of)
    return {"object_refs": [copy.object.id for copy in held]} if held else {}


def _read(desk: Desk, file: str) -> bytes:
    if file == "-":
        return typer.get_binary_stream("stdin").read()
    return desk.read(Path(file))


def _of_value(written: str, kind: str, type_: str) -> dict[str, Json]:
    if kind and not written:
        raise BadUsage("kind-of-value")
    if not written:
        return {}
    return drafts.of_value(meant_by(written, kind), type_)


def _given(options: Mapping[str, Json], type_: str, sets: Sequence[str] | None) -> dict[str, Json]:
    """Return the fields that options and ``--set`` give; an option left out gives none."""
    fields = {n: v for n, v in options.items() if v not in ("", None, [])}
    for name in fields:
        drafts.allowed(type_, name)
    return fields | drafts.fields(type_, sets or ())


# --- how it is shown -----------------------------------------------------------------------------
def terms_of(node: Node, given: Caveats, readers: Sequence[str] | None) -> Terms:
    """Return what is to stand beside what a person writes.

    Raises:
        BadUsage: it may go to somebody whom nobody here knows.
    """
    beside = intel.caveats(given)
    known_recipients(node, beside)
    return Terms(beside=beside, readers=intel.readers(readers or ()))


def change_row(change: Change) -> Facts:
    """Return one change as a row of a table, markings by their names."""
    return {
        "field": change.field,
        "earlier": _readable(change.before),
        "later": _readable(change.after),
    }


def _readable(value: Json) -> Json:
    match value:
        case list():
            return [_readable(each) for each in value]
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case str() if value in FIXED:
            return drafts.level_named(value)
        case _:
            return value


def show_changes(desk: Desk, draft: Draft) -> None:
    """Show what a version changes of the one before it."""
    if desk.screen.as_json:
        rows = [{"field": c.field, "before": c.before, "after": c.after} for c in draft.changes]
        desk.screen.json(
            {"id": draft.object.id, "changes": rows, "object": dict(draft.object.body)}
        )
        return
    desk.screen.rows(DIFF, [change_row(each) for each in draft.changes])


def show_body(desk: Desk, draft: Draft) -> None:
    """Show an object that is not stored."""
    desk.screen.raw(json.dumps(draft.object.body, ensure_ascii=False, indent=2))
    desk.screen.note("say.nothing-done")


def stored(desk: Desk, copy: Copy, waits: Sequence[Waiting] = ()) -> None:
    """Say what was stored, that it is unmarked, and where an earlier version stands still."""
    if desk.screen.as_json:
        desk.screen.json(row(copy) | {"waiting": [wait_row(each) for each in waits]})
        return
    desk.screen.facts(row(copy))
    if not intel.marking(copy):
        desk.screen.say("say.unmarked-one", number=copy.seq)
    tell_waiting(desk, copy, waits)


def wait_row(each: Waiting) -> Facts:
    """Return what programs are told of a peer that has an earlier version only."""
    return {
        "peer": each.peer,
        "agreement": each.agreement,
        "version": each.version,
        "at": each.at,
        "state": each.state,
    }


def tell_waiting(desk: Desk, copy: Copy, waits: Sequence[Waiting]) -> None:
    """Say who has an earlier version only, and what lets this one go there."""
    groups = dict.fromkeys((each.agreement, each.state) for each in waits)
    for agreement, state in groups:
        peers = ", ".join(e.peer for e in waits if (e.agreement, e.state) == (agreement, state))
        facts = {"peers": peers, "agreement": agreement, "number": copy.seq}
        if state == "unasked":
            desk.screen.say("say.waits-for-release", **facts)
        else:
            desk.screen.say("say.earlier-only", **facts, state=desk.screen.value("verdict", state))
