"""Reports of people for people: what stands in one, its review, and what is taken out of it."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import AllCaveats, together
from mithaq.cli.importing import add_with, ended, known_recipients, source_of, told
from mithaq.cli.options import Flag, Instant, Names, Text
from mithaq.cli.screen import Screen
from mithaq.formats.reports import (
    Advice,
    Finding,
    Report,
    checked,
    entries,
    in_order,
    place_of,
    reviewed,
    sheet,
    suggested,
)
from mithaq.intel.keeping import limited
from mithaq.model.benign import Benign
from mithaq.model.labels import Beside
from mithaq.node import warninglists

app = topic()


@app.command("read", cls=Command)
def read(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE")] = None,
) -> None:
    """Show what stands in a report, and what to do with it."""
    desk = desk_of(ctx)
    report = _read(desk.read(file))
    if out is not None:
        desk.write(out, sheet(report))
    if desk.screen.as_json:
        told = {
            name: getattr(report, name) for name in ("form", "title", "published", "tlp", "pap")
        }
        desk.screen.json(told | {"findings": [_row(each) for each in in_order(report.findings)]})
        return
    _show(desk, report)
    if out is not None:
        desk.screen.say("say.report-sheet", file=out, report=file)


def _read(raw: bytes) -> Report:
    return checked(limited.read(raw), Benign(warninglists.lists).match)


def _row(found: Finding) -> dict[str, Any]:
    return {
        "advice": str(found.advice),
        "because": str(found.reason),
        "kind": found.kind,
        "value": found.value,
        "written": found.written,
        "sentence": found.sentence,
        "place": place_of(found),
        "count": found.count,
    }


def _show(desk: Desk, report: Report) -> None:
    """Print findings by what is advised, each with its sentence: as it is written, so that nobody can follow it."""
    screen = desk.screen
    screen.facts(
        {"title": report.title, "published": report.published, "tlp": report.tlp, "pap": report.pap}
    )
    if not report.findings:
        screen.say("none.findings")
    for advice in Advice:
        rows = [
            _row(each) | {"place": _place(screen, each)}
            for each in report.findings
            if each.advice is advice
        ]
        if not rows:
            continue
        screen.line("")
        screen.say(f"say.report-{advice}", count=len(rows))
        screen.rows(
            ("kind", "written", "because", "place", "sentence"), rows, wide=("value", "count")
        )


def _place(screen: Screen, found: Finding) -> str:
    key = "say.report-page" if found.page else "say.report-line"
    return screen.words.say(key, page=found.page, line=found.line)


@app.command("take", cls=Command)
@together
def take(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    review: Annotated[Path | None, typer.Option("--review", metavar="FILE")] = None,
    suggested_: Annotated[bool, typer.Option("--suggested")] = False,
    given: AllCaveats,
    source: Annotated[str, typer.Option(metavar="NAME")] = "",
    community: Names = "",
    own: Flag = False,
    name: Text = "",
    published: Instant = "",
    url: Annotated[str, typer.Option(metavar="URL")] = "",
) -> None:
    """Make indicators, and a report that names them, of what a person takes."""
    desk = desk_of(ctx)
    if (review is None) is not suggested_:
        raise BadUsage("report-review")
    if own and source:
        raise BadUsage("own-source")
    beside = intel.caveats(given)
    taken = None if review is None else reviewed(desk.read(review))
    raw = desk.read(file)
    report = _read(raw)
    found = entries(
        report,
        suggested(report) if taken is None else taken,
        digest=hashlib.sha256(raw).hexdigest(),
        name=name,
        published=published,
        url=url,
    )
    with desk.node() as node:
        known_recipients(node, beside)
        incoming = intel.Incoming(
            raw=b"", source=source_of(node, source or file.stem, community), beside=beside, own=own
        )
        added = add_with(
            desk,
            node,
            lambda actor: intel.take(node.core, node.us, actor, incoming, found, node.clock()),
        )
    ended(desk, told(desk, [(file, added)], marked=beside != Beside(), source=source))
