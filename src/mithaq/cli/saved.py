"""Saved searches, and notice of what meets them."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission
from mithaq.border.us import Us
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.intel import row
from mithaq.cli.options import Flag, Name, Yes
from mithaq.intel import title
from mithaq.intel.authoring import translations
from mithaq.intel.finding import noticed, saved
from mithaq.intel.finding.noticed import MOST_COUNTED, Followed, Notices
from mithaq.intel.finding.saved import Saved
from mithaq.intel.needs import answers
from mithaq.store.bounds import TookTooLong

app = topic("saved")
notice = topic()
Limit = Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)]


def written(one: Saved) -> str:
    """Return what a saved search asks for, as it would be written on a line."""
    wanted = saved.asked(one)
    parts = [wanted.words] if wanted.words else []
    if wanted.value is not None:
        parts += [f"--kind {wanted.value[0]} {wanted.value[1]}"]
    filters = wanted.filters
    for name in (
        "type",
        "source",
        "marking",
        "agreement",
        "technique",
        "country",
        "sector",
        "since",
        "until",
    ):
        said = getattr(filters, name)
        parts += [f"--{name} {said}"] if said else []
    parts += [f"--label {label}" for label in filters.labels]
    parts += [f"--confidence {filters.confidence}"] if filters.confidence is not None else []
    if filters.revoked is not None:
        parts += ["--revoked" if filters.revoked else "--not-revoked"]
    return " ".join(parts)


def _row(one: Saved, actor: Actor, followed: Sequence[Saved]) -> dict[str, Any]:
    return {
        "search": saved.label(actor, one),
        "owner": one.owner,
        "shared": one.shared,
        "notice": one in followed,
        "asks": written(one),
        "since": one.made_at,
    }


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List your own and those that others share."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        followed = saved.followed(unit, actor)
        rows = [_row(one, actor, followed) for one in saved.every(unit, actor)]
    columns = ("search", "shared", "notice", "asks", "since")
    desk.screen.rows(columns, rows, empty="none.saved", wide=("owner",))


@app.command("run", cls=Command)
def run(
    ctx: typer.Context,
    name: Name,
    *,
    limit: Limit = 50,
    page: Annotated[int, typer.Option(metavar="NUMBER", min=0)] = 0,
) -> None:
    """Search again, among all that is held."""
    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        one = saved.named(unit, actor, name)
        found = saved.run(unit, node.us, actor, one, (limit, page))
        led = translations.resolved(unit, node.us, actor, found)
    columns = ("marking", "number", "type", "name", "from")
    rows = [row(copy) | {"via": via.object.id if via else ""} for copy, via in led]
    desk.screen.rows(columns, rows, empty="none.found", wide=("id", "via"))
    if len(found) == limit and saved.asked(one).value is None:
        desk.screen.note("say.next-page", number=found[-1].seq)


@app.command("change", cls=Command)
def change(
    ctx: typer.Context,
    name: Name,
    *,
    rename: Annotated[str, typer.Option(metavar="NAME")] = "",
    notify: Annotated[bool | None, typer.Option("--notify/--no-notify")] = None,
    share: Annotated[bool | None, typer.Option("--share/--no-share")] = None,
) -> None:
    """Rename it, have notice of it or not, share it or not."""
    desk = desk_of(ctx)
    if not rename and notify is None and share is None:
        raise BadUsage("saved-nothing")
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        one = saved.named(unit, actor, name)
        if notify is not None:
            saved.notify(unit, actor, one, on=notify)
        if share is not None:
            saved.share(unit, saved.own(unit, actor, name), shared=share)
        if rename:
            saved.rename(unit, actor, saved.own(unit, actor, name), rename)
        name = rename or name
        found = _row(saved.named(unit, actor, name), actor, saved.followed(unit, actor))
    desk.screen.facts(found)


@app.command("remove", cls=Command)
def remove(ctx: typer.Context, name: Name, *, yes: Yes = False) -> None:
    """Forget it and all notices of it."""
    desk = desk_of(ctx)
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_READ)
            one = saved.own(unit, actor, name)
        desk.confirm("ask.saved-remove", yes=yes, search=name)
        with node.core.begin() as unit:
            saved.remove(unit, one)
    if desk.screen.as_json:
        desk.screen.json({"search": name, "removed": True})
    desk.screen.say("say.saved-removed", search=name)


# --- notices -------------------------------------------------------------------------------------------
@notice.command("notices", cls=Command)
def notices(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    numbers: Annotated[list[int] | None, typer.Argument(metavar="NUMBER")] = None,
    *,
    search: Annotated[str, typer.Option(metavar="NAME")] = "",
    limit: Limit = 20,
    every: Annotated[bool, typer.Option("--all")] = False,
    read: Flag = False,
) -> None:
    """List what met your saved searches since; mark it as read."""
    desk = desk_of(ctx)
    if numbers and not read:
        raise BadUsage("notices-numbers")
    with desk.node() as node:
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_READ)
            wanted = _followed(unit, node.us, actor, search)
            found = [] if read else noticed.notices(unit, node.us, actor, wanted, limit)
            names = _translated(unit, node.us, actor, found)
        if read:
            with node.core.begin() as unit:
                noticed.mark_read(unit, node.us, actor, wanted, numbers or None)
            with node.core.read() as unit:
                found = noticed.notices(unit, node.us, actor, wanted, 0)
    if read:
        _told(desk, found)
        return
    _show(desk, found, names, read_too=every)


def _followed(unit: Connection, us: Us, actor: Actor, name: str) -> list[Followed]:
    """Return the search or the requirement of a name, or all that a person has notice of."""
    mine = answers.followed(unit, us, actor)
    if not name:
        return [saved.notice_of(actor, one) for one in saved.followed(unit, actor)] + mine
    of_name = [each for each in mine if each.name == name]
    return of_name or [saved.notice_of(actor, saved.named(unit, actor, name))]


def unread(unit: Connection, us: Us, actor: Actor) -> int | None:
    """Count what a person has notice of and has not read; None: that would take too long for a look at the node."""
    try:
        found = noticed.notices(unit, us, actor, _followed(unit, us, actor, ""), 0)
    except TookTooLong:
        return None
    return sum(each.unread for each in found)


def _told(desk: Desk, found: Sequence[Notices]) -> None:
    left = sum(each.unread for each in found)
    if desk.screen.as_json:
        desk.screen.json({"unread": left, "searches": [_count(each) for each in found]})
    desk.screen.say("say.notices-read", count=left)


def _count(each: Notices) -> dict[str, Any]:
    more = each.unread >= MOST_COUNTED
    return {"search": each.of.name, "kind": each.of.kind, "unread": each.unread, "more": more}


def _translated(unit: Connection, us: Us, actor: Actor, found: Sequence[Notices]) -> dict[int, str]:
    """Return, for each notice of a translation, what the object is called that it translates."""
    told = [
        hit.copy for each in found for hit in each.hits if hit.copy.object.type == translations.KIND
    ]
    led = [(copy, translations.resolved(unit, us, actor, [copy])[0][0]) for copy in told]
    return {copy.seq: title(of.object.body) for copy, of in led}


def _show(
    desk: Desk, found: Sequence[Notices], names: Mapping[int, str], *, read_too: bool
) -> None:
    shown = [
        (each, [hit for hit in each.hits if read_too or not hit.read])
        for each in found
        if each.unread or read_too
    ]
    rows = [
        row(hit.copy)
        | ({"name": names[hit.copy.seq]} if hit.copy.seq in names else {})
        | {"search": each.of.name, "noticed": hit.at, "read": hit.read}
        for each, hits in shown
        for hit in hits
    ]
    if desk.screen.as_json:
        desk.screen.json({"searches": [_count(each) for each in found], "notices": rows})
        return
    if not rows:
        desk.screen.say("none.notices" if found else "none.followed")
        return
    columns = ("search", "marking", "number", "type", "name", "from", "received")
    desk.screen.rows((*columns, "read") if read_too else columns, rows, wide=("id", "noticed"))
    for each, hits in shown:
        rest = each.unread - sum(1 for hit in hits if not hit.read)
        if rest > 0:
            said = "say.notices-many" if each.unread >= MOST_COUNTED else "say.notices-more"
            desk.screen.note(said, search=each.of.name, count=rest)
