"""Intelligence: import, look at, find and mark objects."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.benign import BENIGN, finding
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import AllCaveats, together
from mithaq.cli.options import Flag, Instant, Names, TlpLevel
from mithaq.cli.problems import in_words
from mithaq.clock import text as text_of
from mithaq.formats import LISTS, PLAIN
from mithaq.intel import Added, Copy, Filters, Known
from mithaq.intel.authoring import translations
from mithaq.intel.finding import saved, worthy
from mithaq.intel.finding.saved import Asked
from mithaq.intel.relating import merging
from mithaq.model.labels import Beside
from mithaq.model.values import Value
from mithaq.node import Node
from mithaq.serve.alone import serving

app = topic()

_COUNTS = ("stored", "known", "markings", "rejected")  # what may become of an object
SHOWN = 20  # relations and rejections that a screen names
EXAMPLES = 5  # of harmless values


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


@app.command("import", cls=Command)
@together
def import_(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE")],
    *,
    given: AllCaveats,
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    community: Names = "",
    own: Flag = False,
    format_: Annotated[str, typer.Option("--format", metavar="NAME")] = "",
    kind: Annotated[str, typer.Option(metavar="KIND")] = "",
    column: Annotated[list[str] | None, typer.Option(metavar="ROLE=COLUMN")] = None,
    reader: Annotated[list[str] | None, typer.Option(metavar="PARTY:ID")] = None,
) -> None:
    """Take files in, object by object."""
    desk = desk_of(ctx)
    if own and source:
        raise BadUsage("own-source")
    beside, readers = intel.caveats(given), intel.readers(reader or ())
    layout = intel.layout(kind, column or ())
    results: list[tuple[Path, Added]] = []
    with desk.node() as node:
        known_recipients(node, beside)
        for file in files:
            incoming = intel.Incoming(
                raw=desk.read(file),
                source=source_of(node, source or file.stem, community),
                format=format_ or (LISTS if layout != PLAIN else None),
                layout=layout,
                beside=beside,
                readers=readers,
                own=own,
            )
            results.append((file, _add(desk, node, incoming)))
        if serving(node.config.home) is None:
            with desk.screen.progress("progress.read-out") as tick:
                intel.read_all_out(node.core, node.clock, tick)
    report_of(desk, results, marked=beside != Beside())


def known_recipients(node: Node, beside: Beside) -> None:
    """Refuse to mark for whom nobody knows."""
    with node.core.read() as unit:
        unknown, known = intel.unknown_recipients(unit, node.us, beside.releasable_to or ())
    if unknown:
        raise BadUsage("recipient", name=", ".join(unknown), known=", ".join(known))


def source_of(node: Node, name: str, community: str) -> intel.Source:
    """Return the source by its name, with the community given now, of parties or of an agreement's."""
    names = frozenset(each.strip() for each in community.split(",") if each.strip())
    with node.core.read() as unit:
        members = intel.members(unit, names, node.clock()) if names else None
        return intel.source(unit, name, members)


def _add(desk: Desk, node: Node, incoming: intel.Incoming) -> Added:
    with desk.screen.progress("progress.import") as tick:
        return add_with(
            desk,
            node,
            lambda actor: intel.add(
                node.core,
                node.us,
                actor,
                incoming,
                node.clock(),
                formats=node.formats,
                progress=tick,
            ),
        )


def add_with(desk: Desk, node: Node, act: Callable[[Actor], Added]) -> Added:
    """Let whoever acts, and may import, do so."""
    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_IMPORT)
    return act(actor)


def report_of(desk: Desk, results: Sequence[tuple[Path, Added]], *, marked: bool) -> None:
    """Say what came of files."""
    rows: list[dict[str, Any]] = [
        {
            "file": str(file),
            "stored": len(added.stored),
            "known": added.known,
            "markings": added.markings,
            "unmarked": added.unmarked,
            "unreadable": added.unreadable,
            "rejected": [
                {
                    "id": each.id,
                    "code": each.code,
                    "where": each.where,
                    "why": in_words(each.why, desk.screen.words.language),
                }
                for each in added.rejected
            ],
            "benign": [finding(found) | {"id": id_} for id_, found in added.benign],
            "objects": added.stored,
        }
        for file, added in results
    ]
    if desk.screen.as_json:
        desk.screen.json(rows)
    for result in rows if not desk.screen.as_json else ():
        counts = {name: result[name] for name in _COUNTS[:3]}
        desk.screen.say(
            "say.imported", file=result["file"], rejected=len(result["rejected"]), **counts
        )
        if result["rejected"]:
            desk.screen.rows(("code", "where", "id", "why"), result["rejected"][:SHOWN])
        if len(result["rejected"]) > SHOWN:
            desk.screen.say("say.more", count=len(result["rejected"]) - SHOWN)
        for state in ("unmarked", "unreadable"):
            if result[state]:
                desk.screen.say(f"say.{state}", count=result[state])
        _told_benign(desk, result["benign"])
        if result["known"] and marked:
            desk.screen.say("say.known-keep")
    if any(added.rejected for _, added in results):
        desk.stop("say.some-rejected")
    empty = [result["file"] for result in rows if not any(result[name] for name in _COUNTS)]
    if empty:
        desk.stop("say.nothing-in", files=", ".join(empty))


def _told_benign(desk: Desk, found: Sequence[dict[str, Any]]) -> None:
    if found:
        desk.screen.say("say.benign", count=len({each["id"] for each in found}))
        desk.screen.rows(BENIGN, found[:EXAMPLES])


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
    if save:
        asked = Asked(words=wanted, filters=filters) if sought is None else saved.of_value(sought)
        keep(desk, save, asked, notify=notify, share=share)
    if by_value:
        _show_known(desk, sought, known, alone=value or kind != "")
        return
    _show_found(desk, led, lists if merged else None)
    if len(found) == limit:
        desk.screen.note("say.next-page", number=found[-1].seq)


def _show_found(
    desk: Desk, led: Sequence[tuple[Copy, Copy | None]], lists: Sequence[Sequence[Copy]] | None
) -> None:
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
