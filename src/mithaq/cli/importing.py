"""Import: files and folders of them, each file by itself, and what came of each."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.benign import BENIGN, finding
from mithaq.cli.common import BadUsage
from mithaq.cli.desk import Desk, NoFile, desk_of
from mithaq.cli.frame import Command, topic
from mithaq.cli.groups import AllCaveats, together
from mithaq.cli.options import Flag, Names
from mithaq.cli.problems import in_words
from mithaq.errors import InputError
from mithaq.formats import LISTS, PLAIN
from mithaq.formats.lists import lines_of
from mithaq.intel import Added, Incoming
from mithaq.model.labels import Beside
from mithaq.node import Node
from mithaq.serve.alone import serving

app = topic()

_COUNTS = ("stored", "known", "markings", "rejected")  # what may become of an object
_STATES = ("unmarked", "unreadable")  # how stored ones may be of no use
SHOWN = 20  # refusals and files that a screen names
SIGNS = 60  # of a line that was refused
EXAMPLES = 5  # of harmless values
Row = dict[str, Any]
Result = tuple[Path, Added | InputError]  # of a file: what came of it, or why nothing did


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
    preview: Flag = False,
) -> None:
    """Take files in, object by object."""
    desk = desk_of(ctx)
    if own and source:
        raise BadUsage("own-source")
    beside, readers = intel.caveats(given), intel.readers(reader or ())
    layout = intel.layout(kind, column or ())
    results: list[Result] = []
    with desk.node() as node:
        known_recipients(node, beside)

        def read(file: Path) -> Incoming:
            return Incoming(
                raw=desk.read(file),
                source=source_of(node, source or file.stem, community),
                format=format_ or (LISTS if layout != PLAIN else None),
                layout=layout,
                beside=beside,
                readers=readers,
                own=own,
            )

        try:
            _each(desk, node, [*_files(files)], read, results, preview=preview)
            if not preview and serving(node.config.home) is None:
                with desk.screen.progress("progress.read-out") as tick:
                    intel.read_all_out(node.core, node.clock, tick)
        finally:  # whatever ends it: what came in is here
            rows = told(desk, results, marked=beside != Beside(), preview=preview, source=source)
    ended(desk, rows)


def _files(named: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that are named, and of a folder all in it and below, but links and hidden ones."""
    for path in named:
        if not path.is_dir():
            yield path
            continue
        below = [each for each in sorted(path.rglob("*")) if _counts(each, path)]
        if not below:
            raise NoFile(f"there is no file to read in {path}", file=str(path))
        yield from below


def _counts(file: Path, folder: Path) -> bool:
    parts = file.relative_to(folder).parts
    return file.is_file() and not file.is_symlink() and not any(p[0] == "." for p in parts)


def _each(  # noqa: PLR0913 where, which files, how they are read, and what becomes of them
    desk: Desk,
    node: Node,
    files: Sequence[Path],
    read: Callable[[Path], Incoming],
    results: list[Result],
    *,
    preview: bool,
) -> None:
    """Take each file in; of several, one that nobody can read stops none of the others.

    Raises:
        InputError: there is but one, and nobody can read it.
    """
    sizes = [file.stat().st_size if file.is_file() else 0 for file in files]
    whole, before = max(1, sum(sizes)), 0
    with desk.screen.progress("progress.import") as tick:
        for file, size in zip(files, sizes, strict=True):
            share = _share(tick, before, size, whole)
            try:
                take = partial(_add, node=node, incoming=read(file), tick=share, keep=not preview)
                added = add_with(desk, node, take)
                results.append((file, added))
            except InputError as error:
                if len(files) == 1:
                    raise _named(error, file) from error
                results.append((file, error))
            before += size
            tick(before, whole)


def _share(
    tick: Callable[[int, int], None], before: int, size: int, whole: int
) -> Callable[[int, int], None]:
    """Return what moves the bar of all files by what is done of one."""
    return lambda done, of: tick(before + size * done // max(1, of), whole)


def _add(
    actor: Actor, *, node: Node, incoming: Incoming, tick: Callable[[int, int], None], keep: bool
) -> Added:
    return intel.add(
        node.core,
        node.us,
        actor,
        incoming,
        node.clock(),
        formats=node.formats,
        progress=tick,
        keep=keep,
    )


def _named(error: InputError, file: Path) -> InputError:
    """Return an error that says of which file it is."""
    said = str(error)
    if str(file) not in said:
        error.args = (f"{file}: {said}",)
    return error


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


def add_with(desk: Desk, node: Node, act: Callable[[Actor], Added]) -> Added:
    """Let whoever acts, and may import, do so."""
    with node.core.read() as unit:
        actor = desk.actor(unit, Permission.OBJECT_IMPORT)
    return act(actor)


# --- what came of them ----------------------------------------------------------------------------------
def told(
    desk: Desk,
    results: Sequence[Result],
    *,
    marked: bool,
    preview: bool = False,
    source: str = "",
) -> list[Row]:
    """Say what came of files."""
    rows = [_row(desk, file, came) for file, came in results]
    if desk.screen.as_json:
        if rows:
            desk.screen.json(rows)
        return rows
    much = len(rows) > SHOWN
    for each in rows:
        if not much or each["rejected"] or "failed" in each:
            _file(desk, each, preview=preview)
    if len(rows) > 1:
        read = [each for each in rows if "failed" not in each]
        counts = {name: sum(each[name] for each in rows) for name in _COUNTS[:2]}
        refused = sum(len(each["rejected"]) for each in rows)
        key = "say.would-be-imported-all" if preview else "say.imported-all"
        desk.screen.say(key, files=len(rows), read=len(read), rejected=refused, **counts)
    for state in _STATES:
        count = sum(each[state] for each in rows)
        if count:
            desk.screen.say(f"say.{state}", count=count, source=source or _source(results))
    _harmless(desk, [found for each in rows for found in each["benign"]])
    if marked and any(each["known"] for each in rows):
        desk.screen.say("say.known-keep")
    return rows


def _source(results: Sequence[Result]) -> str:
    return results[0][0].stem if len(results) == 1 else "NAME"


def _row(desk: Desk, file: Path, came: Added | InputError) -> Row:
    language = desk.screen.words.language
    if isinstance(came, InputError):
        failed = {"code": came.code, "why": in_words(str(came), language)}
        return _row(desk, file, Added()) | {"failed": failed}
    lines = _lines(file, {each.line for each in came.rejected if each.line})
    return {
        "file": str(file),
        "stored": len(came.stored),
        "known": came.known,
        "markings": came.markings,
        "unmarked": came.unmarked,
        "unreadable": came.unreadable,
        "rejected": [
            {
                "id": each.id,
                "code": each.code,
                "where": each.where,
                "why": in_words(each.why, language),
                **({"written": lines[each.line]} if each.line in lines else {}),
            }
            for each in came.rejected
        ],
        "benign": [finding(found) | {"id": id_} for id_, found in came.benign],
        "objects": came.stored,
    }


def _lines(file: Path, numbers: Collection[int]) -> dict[int, str]:
    """Return how some lines of a list begin, as they stand in the file: whoever gave it looks for them there."""
    if not numbers:
        return {}
    try:
        lines = lines_of(file.read_bytes())
    except (OSError, InputError):  # it is another by now
        return {}
    found = {number: lines[number - 1].strip() for number in numbers if number <= len(lines)}
    return {n: s if len(s) <= SIGNS else f"{s[: SIGNS - 1]}…" for n, s in found.items()}


def _file(desk: Desk, row: Row, *, preview: bool) -> None:
    screen, refused = desk.screen, row["rejected"]
    if "failed" in row:
        screen.say("say.not-imported", file=row["file"], why=row["failed"]["why"])
        return
    counts = {name: row[name] for name in _COUNTS[:3]}
    key = "say.would-be-imported" if preview else "say.imported"
    screen.say(key, file=row["file"], rejected=len(refused), **counts)
    if len(refused) > SHOWN:
        screen.rows(("code", "count", "where", "written", "why"), _by_reason(refused))
    elif refused:
        said = "written" if any("written" in each for each in refused) else "id"
        screen.rows(("code", "where", said, "why"), refused)


def _by_reason(refused: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return each reason once, with how often it was given and where first, the most frequent first."""
    counts = Counter((each["code"], each["why"]) for each in refused)
    first: dict[tuple[str, str], Row] = {}
    for each in refused:
        example = {"where": each["where"] or each["id"], "written": each.get("written", "")}
        first.setdefault((each["code"], each["why"]), example)
    return [
        {"code": code, "count": count, **first[code, why], "why": why}
        for (code, why), count in counts.most_common(SHOWN)
    ]


def _harmless(desk: Desk, found: Sequence[Row]) -> None:
    if found:
        desk.screen.say("say.benign", count=len({each["id"] for each in found}))
        desk.screen.rows(BENIGN, found[:EXAMPLES])


def ended(desk: Desk, rows: Sequence[Row]) -> None:
    """End as what came of files wants it: with a finding where something of them was not taken."""
    if any(each["rejected"] or "failed" in each for each in rows):
        desk.stop("say.some-rejected")
    empty = [each["file"] for each in rows if not any(each[name] for name in _COUNTS)]
    if empty:
        desk.stop("say.nothing-in", files=", ".join(empty[:SHOWN]))
