"""Requests to partners for what is wanting, and what partners ask us."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.border.publish import Outcome
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Instant, Name, Named, Text, Yes, one_of
from mithaq.cli.release import language_of, tally
from mithaq.cli.requirement import app
from mithaq.intel import Copy
from mithaq.intel.needs import requests, requirements
from mithaq.intel.needs.requests import Standing, Wish
from mithaq.model.labels import Beside, tlp
from mithaq.model.requests import OUTCOMES, Reply

request = topic("request")
Parties = Annotated[list[str], typer.Option(metavar="PARTY")]
Facts = dict[str, Any]


@app.command("ask", cls=Command)
def ask(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Name,
    *,
    to: Parties,
    wording: Text = "",
    needed_by: Instant = "",
    on: Annotated[list[str] | None, typer.Option("--about", metavar="ID|NUMBER")] = None,
    agreement: Annotated[list[str] | None, typer.Option(metavar="ID")] = None,
    tlp_: Annotated[str, typer.Option("--tlp", metavar="LEVEL")] = "AMBER+STRICT",
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Ask partners for what is wanting."""
    desk = desk_of(ctx)
    _sure(desk, yes=yes, preview=preview)
    with desk.node() as node:
        now = node.clock()
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
            one = requirements.named(unit, actor, name)
            wish = Wish(
                to=[each for part in to for each in part.split(",") if each],
                question=wording or one.terms.wording,
                needed_by=needed_by,
                about=on or (),
                agreements=agreement or (),
                beside=Beside(tlp=tlp(tlp_)),
            )
            asking = requests.ask(unit, node.us, actor, one, wish, now)
            copy, outcomes = requests.tried(unit, node.us, actor, one, asking, now)
        would = _sent(desk, copy, outcomes)
        if preview or not desk.screen.as_json:
            _look(desk, copy, would)
        if preview:
            desk.screen.note("say.nothing-sent")
            return
        desk.confirm("ask.request", yes=yes, peers=", ".join(asking.to))
        with node.core.begin() as unit:
            copy, outcomes = requests.send(unit, node.us, actor, one, asking, now)
    _told(desk, row(copy) | {"requirement": name}, _sent(desk, copy, outcomes))


def _sure(desk: Desk, *, yes: bool, preview: bool) -> None:
    if desk.screen.as_json and not (yes or preview):
        raise BadUsage("json-yes")


def _sent(desk: Desk, copy: Copy, outcomes: Sequence[Outcome]) -> list[Facts]:
    """Return what becomes of it for each peer; those that it is not for are not named."""
    return [
        {"agreement": outcome.agreement.id, **each}
        for outcome in outcomes
        for each in tally(outcome.decisions, [copy.seq], language_of(desk))
        if each["peer"] in (copy.beside.releasable_to or ())
    ]


def _look(desk: Desk, copy: Copy, would: Sequence[Facts]) -> None:
    """Show exactly what they would see, and what the border would say."""
    body = dict(copy.object.body)
    if desk.screen.as_json:
        desk.screen.json({"object": body, "sent": list(would), "preview": True})
        return
    desk.screen.say("say.request-look")
    desk.screen.facts(
        {"marking": intel.marking(copy), "question": body["content"], "about": body["object_refs"]}
    )
    _border(desk, would)


def _border(desk: Desk, sent: Sequence[Facts]) -> None:
    for each in sent:
        for which in ("goes", "waits", "stays"):
            if each[which]:
                facts = {"peer": each["peer"], "agreement": each["agreement"]}
                desk.screen.say(f"say.request-{which}", count=each[which], **facts)
        for reason in each["reasons"]:
            desk.screen.line(f"  {reason['sentence']}")


def _told(desk: Desk, facts: Facts, sent: Sequence[Facts]) -> None:
    if desk.screen.as_json:
        desk.screen.json(facts | {"sent": list(sent)})
        return
    desk.screen.facts(facts)
    _border(desk, sent)


@app.command("asked", cls=Command)
def asked(ctx: typer.Context, name: Name = "") -> None:
    """List what we asked partners for, and what each replied."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        known = [requirements.named(unit, actor, name)] if name else requirements.every(unit, actor)
        found = requests.asked(unit, node.us, actor, [each.name for each in known])
    rows = [
        {
            "requirement": sent.requirement,
            "marking": intel.marking(standing.note),
            "number": standing.note.seq,
            "party": party,
            "question": standing.request.question,
            "needed_by": sent.needed_by,
            "asked_at": sent.at,
            "reply": standing.replies[party][0].outcome if party in standing.replies else "",
            "reply_text": standing.replies[party][0].text if party in standing.replies else "",
            "reply_number": standing.replies[party][1].seq if party in standing.replies else "",
            "id": sent.id,
        }
        for sent, standing in found
        for party in sent.parties.split(",")
    ]
    columns = ("requirement", "number", "party", "question", "needed_by", "reply", "reply_text")
    desk.screen.rows(columns, rows, empty="none.asked", wide=("id", "reply_number"))


# --- what we are asked ---------------------------------------------------------------------------------
def _row(each: Standing) -> Facts:
    return {
        "marking": intel.marking(each.note),
        "number": each.note.seq,
        "party": each.note.owner or each.note.voucher,
        "question": each.request.question,
        "needed_by": each.request.needed_by,
        "state": each.state,
        "agreement": each.note.agreement,
        "received": each.note.received_at,
        "about": list(each.request.about),
        "id": each.note.object.id,
    }


@request.command("list", cls=Command)
def list_(ctx: typer.Context, *, every: Annotated[bool, typer.Option("--all")] = False) -> None:
    """List what partners ask us."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = requests.received(unit, node.us, actor, every=every)
    columns = ("marking", "number", "party", "question", "needed_by", "state", "received")
    desk.screen.rows(columns, [_row(each) for each in found], empty="none.requests", wide=("id",))


@request.command("show", cls=Command)
def show(ctx: typer.Context, name: Named) -> None:
    """Show one, and what we replied."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        found = requests.request(unit, node.us, actor, name)
        ours = found.replies.get(node.us.party)
    said = {"reply_text": ours[0].text, "reply_number": ours[1].seq} if ours else {}
    desk.screen.facts(_row(found) | said)


@request.command("reply", cls=Command)
def reply(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    objects: Annotated[list[str] | None, typer.Argument(metavar="ID|NUMBER")] = None,
    *,
    text: Text,
    outcome: Annotated[str, typer.Option(metavar="OUTCOME", callback=one_of(OUTCOMES))] = "",
    preview: Flag = False,
    yes: Yes = False,
) -> None:
    """Reply to whoever asks, them alone, with objects that answer it."""
    desk = desk_of(ctx)
    _sure(desk, yes=yes, preview=preview)
    if outcome not in ("", OUTCOMES[0]) and objects:
        raise BadUsage("nothing-with-objects")
    meant = next((each for each in OUTCOMES if each == outcome), OUTCOMES[0])
    with desk.node() as node:
        now = node.clock()
        with node.core.begin() as unit:
            actor = desk.actor(unit, Permission.RELEASE_PROPOSE)
            found = requests.request(unit, node.us, actor, name)
            said = Reply(
                request=found.note.object.id, outcome=meant, text=text, objects=objects or ()
            )
            made = requests.answer(unit, node.us, actor, found, said, now)
            copy, tried = requests.reply_tried(unit, node.us, actor, made, now)
        would = _goes(desk, copy, made.objects, tried)
        if preview or not desk.screen.as_json:
            _look(desk, copy, would)
        if preview:
            desk.screen.note("say.nothing-sent")
            return
        desk.confirm("ask.request", yes=yes, peers=made.to)
        with node.core.begin() as unit:
            copy, done = requests.reply(unit, node.us, actor, made, now)
    _told(desk, row(copy) | {"to": made.to}, _goes(desk, copy, made.objects, done))


def _goes(desk: Desk, copy: Copy, along: Sequence[Copy], outcome: Outcome) -> list[Facts]:
    """Return what becomes of a reply for whom it is, and of what it names for all who would get that."""
    seqs = [copy.seq, *(each.seq for each in along)]
    return [
        {"agreement": outcome.agreement.id, **each}
        for each in tally(outcome.decisions, seqs, language_of(desk))
        if each["peer"] in (copy.beside.releasable_to or ()) or each["goes"] or each["waits"]
    ]


__all__ = ["app", "request"]
