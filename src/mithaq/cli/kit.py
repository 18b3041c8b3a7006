"""Hunt kits: given to constituents without a node, run by them on their own logs, and what they send back."""

import errno
import json
import os
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mithaq import clock
from mithaq.auth.actors import Permission
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, NoEvents, NoFile, desk_of
from mithaq.cli.exits import FOUND, INTERRUPTED
from mithaq.cli.frame import Command, topic
from mithaq.cli.options import Flag, Instant, TlpLevel, Yes
from mithaq.clock import text
from mithaq.ingest.telemetry import files
from mithaq.model.labels import Tlp, tlp

if TYPE_CHECKING:
    from mithaq.defence.kits import Kit, Result
    from mithaq.ingest.kits import KitHunt
    from mithaq.store.kits import Taken

app = topic("kit")

Facts = dict[str, Any]
_DAYS = 30  # that a kit counts, if nobody says how long
_ROWS = ("line", "name", "marking", "day", "count", "hit_first", "hit_last")
_REASONS = ("marking", "tlp", "benign", "language", "many")


@app.command("make", cls=Command)
def make(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    *,
    for_: Annotated[str, typer.Option("--for", metavar="CLIENT")],
    up_to: TlpLevel = "",
    until: Instant = "",
    veiled: Flag = False,
) -> None:
    """Write what a constituent may look for as one signed file."""
    from mithaq.border import shelf  # noqa: PLC0415 help needs none of it
    from mithaq.defence import kits  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    if file.exists():
        raise NoFile(f"cannot write {file}: {os.strerror(errno.EEXIST)}", file=str(file))
    with desk.node() as node:
        now = node.clock()
        shelf.project(node.core, node.shelf, now, additions=False)
        wanted = kits.Wanted(
            client=for_,
            until=until or text(now + timedelta(days=_DAYS)),
            up_to=tlp(up_to) if up_to else Tlp.AMBER,
            veiled=veiled,
        )
        with node.shelf.read() as shown, node.core.begin() as unit:
            actor = desk.actor(unit, Permission.PEER_ADD)
            made = kits.make(unit, shown, node.us, actor, wanted, now)
        desk.write(file, made.body, secret=True)  # nothing is handed out that is not on record
        with node.core.read() as unit:
            phrase = _phrase(desk, unit, node.us.party)
    facts = {
        "kit": made.given.name,
        "client": for_,
        "until": made.given.until,
        "lines": len(made.given.held()),
        **{f"left_{why}": made.left[why] for why in _REASONS},
        "bytes": len(made.body),
        "digest": made.given.digest,
    }
    if desk.screen.as_json:
        desk.screen.json(facts | {"words": list(phrase)})
        return
    desk.screen.facts({name: value for name, value in facts.items() if value != 0})
    desk.screen.say("say.kit-words", client=for_)
    desk.screen.phrase(phrase)


def _phrase(desk: Desk, unit: Any, party: str) -> Sequence[str]:  # noqa: ANN401 a connection
    from mithaq.border import peers  # noqa: PLC0415 as above

    return peers.fingerprint_words(unit, party, desk.phrase_language)


def _read(file: Path, most: int) -> bytes:
    """Return a file's bytes, one more than ``most`` at most: whoever made it is a stranger."""
    try:
        with file.open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise NoFile(f"cannot read {file}: {error.strerror}", file=str(file)) from error


# --- at the constituent's -----------------------------------------------------------------------------
@app.command("run", cls=Command)
def run(  # noqa: PLR0913 an argument per option
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    logs: Annotated[list[Path], typer.Argument(metavar="LOG|FOLDER…")],
    *,
    fingerprint: Annotated[str, typer.Option(metavar="WORDS")] = "",
    out: Annotated[Path | None, typer.Option(metavar="RESULT")] = None,
    without: Annotated[list[int] | None, typer.Option(metavar="LINE", min=1)] = None,
    site: Annotated[int, typer.Option(metavar="NUMBER", min=0, max=999)] = 0,
    yes: Yes = False,
) -> None:
    """Look through logs for what a kit says, and show what would be sent back."""
    from mithaq.defence import kits  # noqa: PLC0415 as above
    from mithaq.defence.kits import pack  # noqa: PLC0415 as above
    from mithaq.ingest.kits import begun  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    if desk.screen.as_json and out and not yes:
        raise BadUsage("json-yes")
    if missing := next((path for path in logs if not path.exists()), None):
        raise NoFile(f"cannot read {missing}: no such file or folder", file=str(missing))
    raw = _read(file, pack.MOST)
    typed = fingerprint or _heard(desk, raw)
    kit = kits.opened(raw, typed, clock.now())
    with desk.screen.progress("progress.rules"):
        hunt = begun(kit, clock.now())
    whole = _follow(desk, hunt, logs)
    if whole and not (hunt.run.events or hunt.run.scanned):
        raise NoEvents("no event was read from these files, so nothing was searched")
    result = kits.without(hunt.result(clock.now(), site), without or ())
    _preview(desk, kit, hunt, result)
    if out and whole:
        if not yes:
            result = _struck(desk, kit, result)
        body = kits.sealed(result, kit.manifest)
        desk.write(out, body)
        desk.screen.note("say.kit-written", file=out, organisation=kit.manifest.organisation)
    if not whole:
        desk.screen.note("say.hunt-stopped")
        raise typer.Exit(INTERRUPTED)
    if result.rows:
        raise typer.Exit(FOUND)


def _heard(desk: Desk, raw: bytes) -> str:
    """Ask for the words of whoever gave the kit: what the kit itself says proves nothing."""
    from mithaq.defence import kits  # noqa: PLC0415 as above

    if desk.screen.as_json:
        raise BadUsage("missing", name="--fingerprint")
    organisation, _ = kits.whose(raw)
    return desk.ask("ask.kit-words", organisation=organisation)


def _follow(desk: Desk, hunt: "KitHunt", logs: Sequence[Path]) -> bool:
    size = sum(each.stat().st_size for each in files(logs))
    try:
        with desk.screen.progress("progress.hunt") as tick:
            for _ in hunt.follow(logs):
                tick(hunt.run.done, size)
    except KeyboardInterrupt:
        return False
    return True


def _preview(desk: Desk, kit: "Kit", hunt: "KitHunt", result: "Result") -> None:
    """Show what the result says, all of it; and beside it, for the constituent alone, what the lines are."""
    if desk.screen.as_json:
        desk.screen.json({"result": _said(result), "rows": _rows(kit, result)})
        return
    desk.screen.rows(_ROWS, _rows(kit, result), empty="none.hunt")
    said = _said(result)
    desk.screen.note("say.kit-preview")
    desk.screen.line(json.dumps({**said, "rows": len(said["rows"])}), console=desk.screen.err)
    if hunt.run.content.unserved:
        desk.screen.note("say.kit-unserved", count=len(hunt.run.content.unserved))


def _said(result: "Result") -> Facts:
    from mithaq.seal.messages import encode  # noqa: PLC0415 as above

    said: Facts = json.loads(encode(result))
    return said


def _rows(kit: "Kit", result: "Result") -> list[Facts]:
    return [
        {
            "line": row.line,
            "name": kit.lines[row.line - 1].title,
            "marking": f"TLP:{kit.lines[row.line - 1].tlp}",
            "day": row.day,
            "count": row.count,
            "hit_first": row.first or "",
            "hit_last": row.last or "",
        }
        for row in result.rows
    ]


def _struck(desk: Desk, kit: "Kit", result: "Result") -> "Result":
    """Let the constituent take lines out, and go on only with their yes."""
    from mithaq.defence import kits  # noqa: PLC0415 as above

    answer = desk.ask("ask.kit-strike") if result.rows else "0"
    try:
        numbers = [int(each) for each in answer.replace(",", " ").split()]
    except ValueError as error:
        raise BadUsage("bad-value", name="--without") from error
    left = kits.without(result, numbers)
    desk.confirm("ask.kit-write", yes=False, count=len(left.rows), organisation=kit.manifest.organisation)  # fmt: skip
    return left


@app.command("pack", cls=Command)
def pack_(
    ctx: typer.Context,
    kit: Annotated[Path, typer.Argument(metavar="KIT")],
    file: Annotated[Path, typer.Argument(metavar="FILE")],
) -> None:
    """Pack a kit with the command into one file that bare Python runs."""
    from mithaq.cli import carried, carrying  # noqa: PLC0415 as above
    from mithaq.defence import kits  # noqa: PLC0415 as above
    from mithaq.defence.kits import pack  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    raw = _read(kit, pack.MOST)
    kits.whose(raw)
    with desk.screen.progress("progress.kit"):
        body = carrying.packed(raw)
    desk.write(file, body, secret=True)
    facts = {"bytes": len(body), "digest": f"sha256:{sha256(body).hexdigest()}", **carried.here()}
    desk.screen.facts(facts, whole=True)
    if not desk.screen.as_json:
        desk.screen.say("say.kit-packed", file=file.name)


# --- back at the node ---------------------------------------------------------------------------------
@app.command("take", cls=Command)
def take(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="RESULT")],
    *,
    named: Flag = False,
) -> None:
    """Take what a constituent's kit found."""
    from mithaq.defence import kits  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    raw = _read(file, kits.MOST)
    with desk.node() as node, node.core.begin() as unit:
        actor = desk.actor(unit, Permission.HIT_JUDGE)
        took = kits.take(unit, node.us, actor, raw, node.clock(), named=named)
    result = took.result
    facts: Facts = {
        "kit": took.kit.name,
        "constituent": took.constituent,
        "new": took.new,
        "more": took.more,
        "known": took.known,
        "events": result.events,
        "struck": result.struck,
    }
    if desk.screen.as_json:
        whole = {"again": took.again, "not_read": result.refused, "unserved": result.left}
        desk.screen.json(facts | whole | {"site": result.site, "sources": result.sources})
        return
    desk.screen.facts(facts, whole=True)
    desk.screen.say("say.kit-again" if took.again else "say.kit-taken")


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the kits that were made."""
    from mithaq.store import kits  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.HIT_READ)
        found = kits.every(unit)
        now = text(node.clock())
    rows = [
        {
            "kit": kit.name,
            "client": kit.client,
            "made": kit.made,
            "until": kit.until,
            "lines": len(kit.held()),
            "results": count,
            "over": kit.until <= now,
            "by": kit.by,
            "up_to": kit.up_to,
        }
        for kit, count in found
    ]
    columns = ("kit", "client", "made", "until", "lines", "results", "over")
    desk.screen.rows(columns, rows, empty="none.kits", wide=("by", "up_to"))


@app.command("show", cls=Command)
def show(ctx: typer.Context, name: Annotated[str, typer.Argument(metavar="KIT")]) -> None:
    """Show a kit and what came back."""
    from mithaq.store import kits  # noqa: PLC0415 as above

    desk = desk_of(ctx)
    with desk.node() as node, node.core.read() as unit:
        desk.actor(unit, Permission.HIT_READ)
        kit = kits.given(unit, name)
        results = kits.taken(unit, name)
    facts: Facts = {
        "kit": kit.name,
        "client": kit.client,
        "made": kit.made,
        "by": kit.by,
        "until": kit.until,
        "up_to": f"TLP:{kit.up_to}",
        "lines": len(kit.held()),
        "digest": kit.digest,
    }
    rows = [_result(each) for each in results]
    if desk.screen.as_json:
        desk.screen.json(facts | {"results": rows})
        return
    desk.screen.facts(facts)
    desk.screen.line("")
    columns = ("taken", "site", "counts", "new", "more", "events", "not_read", "struck")
    desk.screen.rows(columns, rows, empty="none.kit-results", wide=("unserved", "by"))


def _result(each: "Taken") -> Facts:
    said: Facts = json.loads(each.facts)
    counts = {
        "counts": said.pop("rows"),
        "not_read": said.pop("refused"),
        "unserved": said.pop("left"),
    }
    return {"taken": each.taken, "by": each.by, "site": each.site, **counts, **said}
