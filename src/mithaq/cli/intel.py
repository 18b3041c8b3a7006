"""Intelligence: find objects, by words, facts and values."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, TlpLevel
from mithaq.clock import text as text_of
from mithaq.intel import Copy, Filters, Known
from mithaq.intel.authoring import translations
from mithaq.intel.finding import saved, unmet, worthy
from mithaq.intel.finding.saved import Asked
from mithaq.intel.finding.unmet import Unmet
from mithaq.intel.relating import merging
from mithaq.model.values import Value

app = topic()

SHOWN = 20  # relations that a screen names


def row(copy: Copy) -> dict[str, Any]:
    """Return what people are shown of a copy in a list."""
    return {
        "marking": intel.marking(copy),
        "number": copy.seq,
        "type": copy.object.type,
        "name": intel.title(copy.object.body),
        "id": copy.object.id,
        "version": copy.object.version,
        "from": copy.voucher,
        "standing": copy.standing,
        "agreement": copy.agreement,
        "received": copy.received_at,
    }


@app.command("search", cls=Command)
def search(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="WORD|VALUE")] = None,
    *,
    value: Flag = False,
    text: Flag = False,
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    type_: Annotated[str, typer.Option("--type", metavar="TYPE")] = "",
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    marking: TlpLevel = "",
    agreement: Annotated[str, typer.Option(metavar="ID")] = "",
    label: Annotated[list[str] | None, typer.Option(metavar="LABEL")] = None,
    technique: Annotated[str, typer.Option(metavar="NUMBER|NAME")] = "",
    country: Annotated[str, typer.Option(metavar="CODE")] = "",
    sector: Annotated[str, typer.Option(metavar="NAME")] = "",
    since: Instant = "",
    until: Instant = "",
    confidence: Annotated[int | None, typer.Option(metavar="LEAST", min=0, max=100)] = None,
    revoked: Annotated[bool | None, typer.Option("--revoked/--not-revoked")] = None,
    worth: Annotated[int, typer.Option(metavar="LEAST", min=0, max=100)] = 0,
    limit: Annotated[int, typer.Option(metavar="COUNT", min=1, max=10_000)] = 50,
    page: Annotated[int, typer.Option(metavar="NUMBER", min=0)] = 0,
    merged: Flag = False,
    save: Annotated[str, typer.Option(metavar="NAME")] = "",
    notify: Flag = False,
    share: Flag = False,
) -> None:
    """Find objects by words, facts or a value."""
    desk = desk_of(ctx)
    wanted = " ".join(words or ())
    filters = Filters(
        type=type_,
        source=source,
        marking=marking,
        agreement=agreement,
        labels=tuple(label or ()),
        technique=technique,
        country=country,
        sector=sector,
        since=since,
        until=until,
        confidence=confidence,
        revoked=revoked,
    )
    if (notify or share) and not save:
        raise BadUsage("save-alone")
    if worth:
        if save or value or kind:
            raise BadUsage("worth-alone")
        _worthy(desk, wanted, filters, worth, (limit, page))
        return
    by_value = value or kind != ""
    by_words = bool(text or page or merged or filters != Filters())
    if by_value and (not wanted or by_words):
        raise BadUsage("value-alone")
    sought = None
    if by_value or (wanted and not by_words):
        sought = intel.value(wanted, kind)
    if by_value and sought is None:
        raise BadUsage("no-value-known", name=wanted)
    if save:  # before it is answered, which may take too long
        asked = Asked(words=wanted, filters=filters) if sought is None else saved.of_value(sought)
        keep(desk, save, asked, notify=notify, share=share)
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        known = intel.look_up(unit, node.us, actor, sought, limit) if sought else []
        by_value = by_value or bool(known)
        found = (
            []
            if by_value
            else intel.search(unit, node.us, actor, wanted, filters, page=(limit, page))
        )
        led = translations.resolved(unit, node.us, actor, found)
        lists = merging.merged(unit, node.us, actor, [copy for copy, _ in led if merged])
        amiss = [] if by_value or found else unmet.unmet(unit, node.us, actor, filters)
    if by_value:
        _show_known(desk, sought, known, alone=value or kind != "")
        return
    _show_found(desk, led, lists if merged else None, amiss)
    if len(found) == limit:
        desk.screen.note("say.next-page", number=found[-1].seq)


def _amiss(desk: Desk, amiss: Sequence[Unmet]) -> None:
    """Say which filters nothing meets; programs are told beside the empty result."""
    if desk.screen.as_json:
        desk.screen.json([])
    tell = desk.screen.note if desk.screen.as_json else desk.screen.say
    for each in amiss:
        tell(f"say.unmet-{each.filter}", asked=each.asked)
        if each.like:
            tell("say.unmet-like", like=", ".join(each.like))


def _show_found(
    desk: Desk,
    led: Sequence[tuple[Copy, Copy | None]],
    lists: Sequence[Sequence[Copy]] | None,
    amiss: Sequence[Unmet],
) -> None:
    if amiss:
        _amiss(desk, amiss)
        return
    columns: tuple[str, ...] = ("marking", "number", "type", "name", "from")
    rows = [row(copy) | {"via": via.object.id if via else ""} for copy, via in led]
    if lists is not None:
        columns = (*columns, "also")
        rows = [row(first) | {"also": [each.seq for each in rest]} for first, *rest in lists]
    desk.screen.rows(columns, rows, empty="none.found", wide=("id", "via"))


def _worthy(desk: Desk, wanted: str, filters: Filters, least: int, page: tuple[int, int]) -> None:
    """Find indicators that are worth so much now."""
    with desk.node() as node, node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        now = node.clock()
        found = worthy.search(unit, node.us, actor, wanted, filters, least, now, page=page)
        amiss = [] if found else unmet.unmet(unit, node.us, actor, filters)
    if amiss:
        _amiss(desk, amiss)
        return
    rows = [
        row(copy) | {"score": each.score, "last_true": text_of(each.seen)} for copy, each in found
    ]
    columns = ("score", "marking", "number", "name", "last_true", "from")
    desk.screen.rows(columns, rows, empty="none.found", wide=("id",))
    if len(found) == page[0]:
        desk.screen.note("say.next-page", number=found[-1][0].seq)


def keep(desk: Desk, name: str, wanted: Asked, *, notify: bool, share: bool) -> None:
    """Save a search that was just made, and say so."""
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.OBJECT_READ)
        one = saved.save(unit, actor, name, wanted, node.clock(), shared=share)
        if notify:
            saved.notify(unit, actor, one, on=True)
    desk.screen.note("say.saved-notice" if notify else "say.saved", search=name)


def _show_known(desk: Desk, sought: Value | None, known: Sequence[Known], *, alone: bool) -> None:
    columns = ("marking", "number", "type", "value", "exactly", "name", "from")
    rows = [
        row(one.copy) | {"kind": one.value.kind, "value": one.value.text, "exactly": one.exactly}
        for one in known
    ]
    desk.screen.rows(columns, rows, empty="none.known", wide=("id",))
    if sought is not None and not alone:
        desk.screen.note("say.by-value", value=sought.text)
