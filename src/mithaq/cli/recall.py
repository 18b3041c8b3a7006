"""Taking back what was released: the order, who must answer it, and who has."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, get_args

import msgspec
import typer
from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.border import recall as border
from mithaq.border import shelf
from mithaq.border.recall import Asked, Given
from mithaq.cli.common import span
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Named, Text, Yes, one_of
from mithaq.clock import text
from mithaq.errors import InputError, NotFound
from mithaq.node import Node
from mithaq.seal.messages import Answer, Cause, Tally
from mithaq.store import recalls
from mithaq.store.recalls import EVERY, OrderRow, ReceiptRow, Released

app = topic()

CAUSES: tuple[Cause, ...] = tuple(
    each for each in get_args(Cause) if each not in {"raised", "replaced", "rupture"}
)
CORRECTED = timedelta(hours=24)  # to answer that something was wrong
ANSWERS: tuple[Answer, ...] = get_args(Answer)
SHORT = 12  # characters of an order's name that a table shows; any beginning that is one order's will do
Facts = dict[str, Any]


@app.command("recall", cls=Command)
def recall(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    *,
    cause: Annotated[str, typer.Option(metavar="CAUSE", callback=one_of(CAUSES))],
    version: Annotated[str, typer.Option(metavar="INSTANT")] = "",
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    basis: Text = "",
    deadline: Annotated[str, typer.Option(metavar="TIME")] = "72h",
    narrower: Annotated[bool, typer.Option("--narrower")] = False,
    preview: Annotated[bool, typer.Option("--preview")] = False,
    yes: Yes = False,
) -> None:
    """Take a release back from everybody who had it."""
    asked = Asked(
        id=name,
        version=version or EVERY,
        agreement=agreement,
        cause=next(each for each in CAUSES if each == cause),
        basis=basis,
        deadline=span(deadline),
        narrower=narrower,
    )
    _order_back(desk_of(ctx), asked, preview=preview, yes=yes)


@app.command("correct", cls=Command)
def correct(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    name: Named,
    *,
    basis: Text,
    version: Annotated[str, typer.Option(metavar="INSTANT")] = "",
    preview: Annotated[bool, typer.Option("--preview")] = False,
    yes: Yes = False,
) -> None:
    """Say that what we released was wrong: it is out of use everywhere at once."""
    asked = Asked(id=name, version=version or EVERY, cause="wrong", basis=basis, deadline=CORRECTED)
    _order_back(desk_of(ctx), asked, preview=preview, yes=yes)


def _order_back(desk: Desk, asked: Asked, *, preview: bool, yes: bool) -> None:
    """Order back what is asked; its ``id`` may be a number still."""
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.RELEASE_RECALL)
            found = intel.versions(unit, node.us, actor, asked.id)[0]
            asked = replace(asked, id=found.object.id)
            had = border.reached(unit, node.us, asked)
            before = [order for order in recalls.orders_on(unit, [asked.id]) if not order.sent_by]
        if preview or not desk.screen.as_json:
            _shown(desk, had)
        if before and not desk.screen.as_json:
            last = before[-1]
            desk.screen.say("say.recalled-before", order=last.name[:SHORT], at=last.issued)
        if preview:
            desk.screen.say("say.nothing-sent")
            return
        peers = ", ".join(sorted({each.peer for each in had}))
        desk.confirm("ask.recall", yes=yes, id=asked.id, peers=peers)
        with node.core.begin() as unit, desk.screen.progress("progress.recall"):
            given = border.recall(unit, node.us, actor.name, asked, node.clock())
        shelf.project(node.core, node.shelf, node.clock(), additions=False)
    _told(desk, given)


def _shown(desk: Desk, had: Sequence[Released]) -> None:
    rows = [
        {
            "peer": each.peer,
            "agreement": each.agreement,
            "version": each.version,
            "at": each.at,
            "fetched": each.fetched_at,
            "view": each.view,
        }
        for each in had
    ]
    desk.screen.rows(("peer", "agreement", "version", "at", "fetched"), rows, wide=("view",))


def _told(desk: Desk, given: Sequence[Given]) -> None:
    if desk.screen.as_json:
        desk.screen.json([_order(each.order) | {"asked": [*each.owing]} for each in given])
    for each in given:
        desk.screen.say(
            "say.recalled",
            order=each.order.name[:SHORT],
            agreement=each.order.agreement,
            peers=", ".join(each.owing),
            deadline=each.order.deadline,
        )


def _order(order: OrderRow) -> Facts:
    return {
        "order": order.name,
        "at": order.at,
        "by": order.by,
        "from": order.sent_by,
        "id": order.id,
        "version": order.version,
        "view": order.view,
        "agreement": order.agreement,
        "cause": order.cause,
        "basis": order.basis,
        "deadline": order.deadline,
        "person": order.person,
    }


@app.command("receipts", cls=Command)
def receipts(
    ctx: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER")] = "",
    *,
    received: Annotated[bool, typer.Option("--received")] = False,
) -> None:
    """List recalls and what was answered."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.RELEASE_RECALL)
        now = text(node.clock())
        if order:
            _one(desk, unit, order, now)
            return
        orders = recalls.all_orders(unit, ours=not received)
        rows = [
            _counted(each, recalls.receipts_to(unit, each), now)
            | {"name": _name(unit, node, actor, each.id)}
            for each in orders
        ]
    counts = ("asked", "missing", "overdue")
    columns = ("order", "name", *(("from",) if received else ()), "cause", *counts)
    empty = "none.recalls-received" if received else "none.recalls"
    more = ("at", "id", "agreement", "version", "deadline", "basis")
    desk.screen.rows(columns, rows, empty=empty, wide=more)


def _name(unit: Connection, node: Node, actor: Actor, id_: str) -> str:
    """Return what an object is called, if it is here still and the actor may read it; else its id."""
    try:
        return intel.title(intel.versions(unit, node.us, actor, id_)[0].object.body) or id_
    except NotFound:
        return id_


def _one(desk: Desk, unit: Connection, beginning: str, now: str) -> None:
    found = _named(unit, beginning)
    peers = [_answer(each, found, now) for each in recalls.receipts_to(unit, found)]
    read = [_fetched(each) for each in recalls.had_fetched(unit, found)]
    if desk.screen.as_json:
        desk.screen.json(_order(found) | {"receipts": peers, "fetched": read})
        return
    desk.screen.facts(_order(found))
    desk.screen.line("")
    columns = ("peer", "outcome", "at", "asked", "deleted", "proof")
    desk.screen.rows(columns, peers, empty="none.receipts", wide=("agreement", "basis", "seal"))
    desk.screen.line("")
    desk.screen.line(desk.screen.words.say("title.fetched"), style="bold")
    about = ("peer", "version", "fetched", "agreement")
    desk.screen.rows(about, read, empty="none.fetched", wide=("view",))


def _fetched(each: Released) -> Facts:
    return {
        "peer": each.peer,
        "version": each.version,
        "fetched": each.fetched_at,
        "agreement": each.agreement,
        "view": each.view,
    }


def _named(unit: Connection, beginning: str) -> OrderRow:
    """Return the order that a name, or a beginning of one, means.

    Raises:
        NotFound: none; InputError: several.
    """
    every = (*recalls.all_orders(unit, ours=True), *recalls.all_orders(unit, ours=False))
    found = {each.name: each for each in every if each.name.startswith(beginning)}
    if not found:
        raise NotFound(f"no recall of the name {beginning!r}", order=beginning)
    if len(found) > 1:
        raise InputError(f"several begin so: {', '.join(sorted(found))}", order=beginning)
    return next(iter(found.values()))


def _counted(order: OrderRow, answers: Sequence[ReceiptRow], now: str) -> Facts:
    missing = sum(not each.outcome for each in answers)
    tally = border.sum_up(answers)
    return _order(order) | {
        "order": order.name[:SHORT],
        "asked": tally.asked,
        "missing": tally.asked - tally.deleted - tally.kept - tally.held,
        "overdue": missing if order.deadline < now else 0,
    }


def _answer(receipt: ReceiptRow, order: OrderRow, now: str) -> Facts:
    late = "overdue" if order.deadline < now else "missing"
    onward = msgspec.json.decode(receipt.onward, type=Tally) if receipt.onward else Tally(asked=0)
    proof = "signed" if receipt.seal else "by-hand"
    return {
        "peer": receipt.peer,
        "agreement": receipt.agreement,
        "outcome": receipt.outcome or late,
        "at": receipt.at,
        "basis": receipt.basis,
        "asked": onward.asked,
        "deleted": onward.deleted,
        "kept": onward.kept,
        "held": onward.held,
        "names": [*onward.names],
        "proof": proof if receipt.outcome else "",
        "seal": receipt.seal,
        "person": receipt.person,
    }


@app.command("receipt", cls=Command)
def receipt(
    ctx: typer.Context,
    order: Annotated[str, typer.Argument(metavar="ORDER")],
    *,
    sender: Annotated[str, typer.Option("--from", metavar="CLIENT")],
    outcome: Annotated[str, typer.Option(metavar="OUTCOME", callback=one_of(ANSWERS))],
    basis: Text,
) -> None:
    """Record what a client that sends no receipts has answered."""
    desk = desk_of(ctx)
    answer = next(each for each in ANSWERS if each == outcome)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.RELEASE_RECALL)
        name = _named(unit, order).name
        told = (sender, answer, basis)
        border.record(unit, node.us, name, told, actor.name, node.clock())
    if desk.screen.as_json:
        desk.screen.json({"order": name, "peer": sender, "outcome": outcome, "basis": basis})
    desk.screen.say("say.receipt", order=name[:SHORT], peer=sender)
