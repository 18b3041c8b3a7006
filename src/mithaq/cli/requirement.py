"""Priority intelligence requirements: what we need to know, what answers it, and where it is wanting."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import Options, together
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Instant, Name, TlpLevel, Yes
from mithaq.intel import Change
from mithaq.intel.needs import answers, requirements
from mithaq.intel.needs.answers import Report
from mithaq.intel.needs.questions import Terms
from mithaq.intel.needs.requirements import Handed, Requirement
from mithaq.model.labels import Tlp, tlp
from mithaq.node import Node
from mithaq.store.bounds import TookTooLong
from mithaq.store.requirements import Row

app = topic("requirement")
Text = Annotated[str | None, typer.Option(metavar="TEXT")]
Many = Annotated[list[str] | None, typer.Option(metavar="NAME")]
Words = Annotated[list[str] | None, typer.Option(metavar="WORDS")]
Values = Annotated[list[str] | None, typer.Option(metavar="VALUE")]
Priority = Annotated[int | None, typer.Option(metavar="1-5", min=1, max=5)]
Days = Annotated[int | None, typer.Option(metavar="DAYS", min=1, max=3650)]
HELD = 5  # of what is held already, that a preview names
FIRST = 3  # priority, if none is said


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a line says of a question; what is left out is not said, and what is empty is to be nothing."""

    words: Words = None
    value: Values = None
    technique: Many = None
    country: Many = None
    sector: Many = None
    label: Many = None
    type_: Annotated[list[str] | None, typer.Option("--type", metavar="TYPE")] = None
    source: Many = None
    wording: Text = None
    valid_from: Instant = ""
    valid_until: Instant = ""
    review_by: Instant = ""
    within: Days = None

    def of(self, terms: Terms, **more: str | None) -> Terms:
        """Return a question as it is said anew."""
        plain: dict[str, object] = {
            **more, "wording": self.wording, "valid_from": self.valid_from or None,
            "valid_until": self.valid_until or None, "review_by": self.review_by or None, "within_days": self.within,
        }  # fmt: skip
        listed: dict[str, list[str] | None] = {
            "words": self.words, "techniques": self.technique, "countries": self.country, "sectors": self.sector,
            "labels": self.label, "types": self.type_, "sources": self.source,
        }  # fmt: skip
        sought: dict[str, Sequence[object]] = {
            name: tuple(filter(None, each)) for name, each in listed.items() if each is not None
        }
        if self.value is not None:
            sought["values"] = _values(filter(None, self.value))
        known = {name: each for name, each in plain.items() if each is not None}
        return requirements.with_said(terms, known, sought)


def _values(written: Iterable[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for each in written:
        value = intel.value(each)
        if value is None:
            raise BadUsage("no-value-known", name=each)
        found.append((value.kind, value.text))
    return tuple(found)


def facts(one: Requirement) -> dict[str, Any]:
    """Return what is shown of a requirement."""
    terms, kept = one.terms, one.row
    sought = terms.sought
    return {
        "requirement": one.name,
        "question": terms.question,
        "part_of": kept.parent,
        "state": kept.state,
        "priority": kept.priority,
        "owner": kept.owner,
        "marking": f"TLP:{Tlp(kept.level)}",
        "why": terms.why,
        "wording": terms.wording,
        "valid_from": terms.valid_from,
        "valid_until": terms.valid_until,
        "review_by": terms.review_by,
        "within_days": terms.within_days,
        "words": list(sought.words),
        "values": [text for _, text in sought.values],
        "techniques": list(sought.techniques),
        "countries": list(sought.countries),
        "sectors": list(sought.sectors),
        "labels": list(sought.labels),
        "types": list(sought.types),
        "sources": list(sought.sources),
        "answer": kept.answer,
        "since": kept.made_at,
    }


@app.command("new", cls=Command)
@together
def new(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Name,
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    *,
    why: Text = None,
    owner: Annotated[str, typer.Option(metavar="NAME")] = "",
    priority: Priority = None,
    part_of: Annotated[str, typer.Option(metavar="NAME")] = "",
    said: Annotated[Said, Options()],
    tlp_: Annotated[str, typer.Option("--tlp", metavar="LEVEL")] = "AMBER+STRICT",
    preview: Flag = False,
) -> None:
    """Ask a new question."""
    desk = desk_of(ctx)
    terms = said.of(Terms(question=question), why=why)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            kept = Row(
                name=name,
                parent=part_of,
                owner=owner or actor.name,
                priority=priority or FIRST,
                level=int(tlp(tlp_)),
                terms="",
                made_at="",
                changed_at="",
            )
            made = requirements.draft(unit, actor, kept, terms, node.clock())
        if not preview:
            with node.core.begin() as unit:
                made = requirements.draft(unit, actor, kept, terms, node.clock())
                requirements.keep(unit, actor, made, node.clock())
        held = _held_already(desk, node, terms)
    shown = facts(made) | {"held": [row(copy) for copy in held], "preview": preview}
    if desk.screen.as_json:
        desk.screen.json(shown)
        return
    desk.screen.facts(facts(made))
    _held(desk, held)
    desk.screen.say("say.requirement-preview" if preview else "say.requirement-made", name=name)


def _held_already(desk: Desk, node: Node, terms: Terms) -> list[intel.Copy]:
    """Return some of what is held and answers; where that takes too long, say so: the question stands without it."""
    try:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            return answers.held(unit, node.us, actor, terms.sought, HELD)
    except TookTooLong:
        desk.screen.note("say.requirement-held-slow")
        return []


def _held(desk: Desk, held: Sequence[intel.Copy]) -> None:
    if held:
        desk.screen.line("")
        desk.screen.say("say.requirement-held")
        columns = ("marking", "number", "type", "name", "from", "received")
        desk.screen.rows(columns, [row(copy) for copy in held], wide=("id",))


@app.command("list", cls=Command)
def list_(ctx: typer.Context, *, every: Annotated[bool, typer.Option("--all")] = False) -> None:
    """List the questions, the first of priority first."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = [
            answers.report(unit, node.us, actor, one, node.clock(), 0)
            for one in requirements.every(unit, actor)
            if every or one.row.state != "retired"
        ]
    rows = [facts(each.requirement) | _measures(each) for each in found]
    columns = ("priority", "requirement", "state", "question", "owner", "count", "last")
    desk.screen.rows(columns, rows, empty="none.requirements", wide=("part_of", "gaps"))
    _note_many(desk, found)


def _note_many(desk: Desk, found: Sequence[Report]) -> None:
    for each in found:
        if each.more:
            name = each.requirement.name
            desk.screen.note("say.requirement-many", name=name, count=answers.MOST_COUNTED)


def _measures(each: Report) -> dict[str, Any]:
    took = each.seconds
    return {
        "count": each.count,
        "more": each.more,
        "last": each.last,
        "sources_seen": len(each.sources),
        "tagged_after": round(took[0], 1) if took else "",
        "tagged_latest": round(took[1], 1) if took else "",
        "gaps": list(each.reasons),
    }


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    name: Name,
    *,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)] = 20,
    history: Flag = False,
) -> None:
    """Show one: what came, from whom and when."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        one = requirements.named(unit, actor, name)
        found = answers.report(unit, node.us, actor, one, node.clock(), limit)
        acts = answers.acts(unit, node.us, actor, one) if history else []
    did = [{"at": a.at, "by": a.by, "act": a.act, **a.said} for a in acts]
    shown = facts(one) | _measures(found)
    sources = [{"source": s.source, "count": s.count, "last": s.last} for s in found.sources]
    parts = [
        {"requirement": p.name, "state": p.row.state, "question": p.terms.question}
        for p in found.parts
    ]
    tagged = [row(t.copy) | {"tagged": t.at, "tagged_by": t.by or "machine"} for t in found.tagged]
    if desk.screen.as_json:
        desk.screen.json(
            shown | {"by_source": sources, "parts": parts, "tagged": tagged, "history": did}
        )
        return
    desk.screen.facts({name: said for name, said in shown.items() if name != "more"})
    _note_many(desk, [found])
    columns = ("marking", "number", "type", "name", "from", "received", "tagged_by")
    for title, head, rows in (
        ("parts", ("requirement", "state", "question"), parts),
        ("by_source", ("source", "count", "last"), sources),
        ("tagged", columns, tagged),
        ("history", ("at", "by", "act"), did),
    ):
        if rows:
            desk.screen.line("")
            desk.screen.line(desk.screen.words.say(f"title.requirement-{title}"), style="bold")
            desk.screen.rows(head, rows, wide=("id",) if title == "tagged" else ())


@app.command("revise", cls=Command)
@together
def revise(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Name,
    *,
    question: Text = None,
    why: Text = None,
    owner: Annotated[str, typer.Option(metavar="NAME")] = "",
    priority: Priority = None,
    said: Annotated[Said, Options()],
    tlp_: TlpLevel = "",
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Change it: what is given takes the place of what was said."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            one = requirements.named(unit, actor, name)
        terms = said.of(one.terms, question=question, why=why)
        handed = Handed(owner=owner or None, priority=priority, level=tlp(tlp_) if tlp_ else None)
        with node.core.read() as unit:
            made, changed = requirements.revised(unit, actor, one, terms, handed)
        _changes(desk, changed)
        if not preview:
            desk.confirm("ask.requirement-revise", yes=yes, name=name)
            with node.core.begin() as unit:
                made, changed = requirements.revised(unit, actor, one, terms, handed)
                requirements.keep_revised(unit, actor, made, node.clock())
    if desk.screen.as_json:
        desk.screen.json(facts(made) | {"changes": _rows(changed), "preview": preview})
    desk.screen.say("say.nothing-done" if preview else "say.requirement-revised", name=name)


def _rows(changed: Sequence[Change]) -> list[dict[str, Any]]:
    return [{"field": c.field, "earlier": c.before, "later": c.after} for c in changed]


def _changes(desk: Desk, changed: Sequence[Change]) -> None:
    if not desk.screen.as_json:
        desk.screen.rows(("field", "earlier", "later"), _rows(changed))


@app.command("answer", cls=Command)
def answer(
    ctx: typer.Context,
    name: Name,
    text: Annotated[str, typer.Argument(metavar="ANSWER")],
) -> None:
    """Say what answers it; what comes is tagged still."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        requirements.answer(unit, actor, requirements.named(unit, actor, name), text, node.clock())
        made = requirements.named(unit, actor, name)
    _done(desk, made, "say.requirement-answered")


def _done(desk: Desk, made: Requirement, key: str) -> None:
    if desk.screen.as_json:
        desk.screen.json(facts(made))
    desk.screen.say(key, name=made.name)


@app.command("retire", cls=Command)
def retire(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Ask it no more; what was tagged stays."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_ADD)
            one = requirements.named(unit, actor, name)
        desk.confirm("ask.requirement-retire", yes=yes, name=name)
        with node.core.begin() as unit:
            requirements.retire(unit, actor, one, node.clock())
            made = requirements.named(unit, actor, name)
    _done(desk, made, "say.requirement-retired")


@app.command("reopen", cls=Command)
def reopen(ctx: typer.Context, name: Name) -> None:
    """Ask it again."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        requirements.reopen(unit, actor, requirements.named(unit, actor, name), node.clock())
        made = requirements.named(unit, actor, name)
    _done(desk, made, "say.requirement-open")


Objects = Annotated[list[str], typer.Argument(metavar="ID|NUMBER")]


@app.command("tag", cls=Command)
def tag(ctx: typer.Context, name: Name, objects: Objects) -> None:
    """Say by hand that objects answer it."""
    _tag(desk_of(ctx), name, objects, off=False)


@app.command("untag", cls=Command)
def untag(ctx: typer.Context, name: Name, objects: Objects) -> None:
    """Say that objects do not; they are not tagged by themselves again."""
    _tag(desk_of(ctx), name, objects, off=True)


def _tag(desk: Desk, name: str, objects: Sequence[str], *, off: bool) -> None:
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_ADD)
        one = requirements.named(unit, actor, name)
        now = node.clock()
        ids = [answers.tag(unit, node.us, actor, one, each, now, off=off) for each in objects]
    if desk.screen.as_json:
        desk.screen.json({"requirement": name, "tagged": not off, "objects": ids})
    desk.screen.say(
        "say.requirement-untagged" if off else "say.requirement-tagged", name=name, count=len(ids)
    )


@app.command("gaps", cls=Command)
def gaps(ctx: typer.Context) -> None:
    """List the open questions that are not answered as they should be, and why."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = answers.gaps(unit, node.us, actor, node.clock())
    rows = [facts(each.requirement) | _measures(each) for each in found]
    columns = ("priority", "requirement", "question", "owner", "count", "last", "gaps")
    desk.screen.rows(columns, rows, empty="none.gaps")
