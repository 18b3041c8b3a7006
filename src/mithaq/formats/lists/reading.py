"""Lists and tables of values: one to a line, or CSV and its kin with a column for what is said of each.

Where a table names its columns, or its lines are plain, nothing needs to be told; else a ``Layout`` says what stands
where. What a value is about is told by its form, but for hashes: see ``mithaq.model.values``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice

from mithaq.errors import InputError
from mithaq.formats.lists.saying import TOLD, Body, is_value, looks, say, value_of
from mithaq.formats.lists.sheets import LOOK, Sheet, rows_of, sheet_of
from mithaq.formats.lists.words import OF_VALUES, BadEntry, role_of
from mithaq.formats.registry import PLAIN, Layout, Read, Refusal, Undated
from mithaq.model import values
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Limits
from mithaq.model.values import Value

_WHICH = "lines hold several values: say which is meant, as with --column value=1"


class Lists:
    """The format ``list``."""

    name = "list"

    def fits(self, raw: bytes) -> bool:
        """Say whether most of some lines begin with a value or a hash, or the first names columns that are known."""
        try:
            sheet = sheet_of(raw, PLAIN)
        except InputError:
            return False
        step = max(1, len(sheet.lines) // LOOK)  # a list in order begins with what is odd
        some = replace(sheet, lines=sheet.lines[sheet.begins :: step], begins=0)
        firsts = [row[0] for _, row in rows_of(some) if isinstance(row, list)]
        told = sum(map(looks, firsts))
        return bool(sheet.names) or 2 * told > len(firsts)

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, layout: Layout = PLAIN) -> Read:
        """Read every line.

        Raises:
            GateRefused: ``raw`` is too long. NotThisFormat: it is no text.
            InputError: ``layout`` names a column that is not there, or none where it must; there are too many lines.
        """
        if len(raw) > limits.max_bytes:
            raise GateRefused("too-long", str(limits.max_bytes))
        sheet = sheet_of(raw, layout)
        if sheet.delimiter and not sheet.names and not layout.columns:
            some = [row for _, row in islice(rows_of(sheet), LOOK) if isinstance(row, list)]
            if 2 * sum(any(map(is_value, row[1:])) for row in some) > len(some):
                raise InputError(_WHICH, cause="columns")
        return _once(_entry(sheet, line, cells) for line, cells in rows_of(sheet))


def _entry(sheet: Sheet, line: int, cells: list[str] | BadEntry) -> Undated | Refusal:
    try:
        if isinstance(cells, BadEntry):
            raise cells
        about = tuple(_values(sheet, cells))
        pattern = values.pattern(about)
        body: Body = {
            "type": "indicator",
            "spec_version": "2.1",
            "pattern": pattern,
            "pattern_type": "stix",
        }
        if sheet.writers or len(cells) > 1:
            _tell(body, sheet, cells)
    except InputError as error:
        return _refusal(line, error)
    return Undated(position=line, key=pattern, body=body, about=about)


def _refusal(line: int, error: InputError) -> Refusal:
    code = error.code if isinstance(error, BadEntry) else "list-value"
    return Refusal(position=line, id=None, code=code, where="", why=str(error), line=line + 1)


def _values(sheet: Sheet, cells: Sequence[str]) -> list[Value]:
    said = _cell(cells, sheet.kind)
    found = []
    for column, kind in sheet.about:
        written = _cell(cells, column)
        if written:
            value = value_of(written, kind or (said and _kind(said)))
            if values.is_everybodys(value):
                raise BadEntry("an address or a network that singles nobody out", cause="everybody")
            found.append(value)
    if not found:
        raise BadEntry("no value", cause="empty")
    return found


def _kind(said: str) -> str:
    role = role_of(said)
    if role not in OF_VALUES or role == "value":
        raise BadEntry("a kind of value that is not known", cause="kind")
    return role


def _cell(cells: Sequence[str], column: int | None) -> str:
    return cells[column] if column is not None and column < len(cells) else ""


def _tell(body: Body, sheet: Sheet, cells: Sequence[str]) -> None:
    """Write down what a line says of its value."""
    for column, write in sheet.writers:
        if column < len(cells) and cells[column]:
            write(body, cells[column])
    names, placed = sheet.names, sheet.placed
    others = [
        f"{names[n]}: {cell}" if n < len(names) and names[n] else cell
        for n, cell in enumerate(cells)
        if cell and n not in placed
    ]
    if others:
        say(body, ("\n" if names else ", ").join(others))


def _once(entries: Iterable[Undated | Refusal]) -> Read:
    """Join entries about the same thing that follow each other; refuse one that comes again later."""
    seen: set[int] = set()
    held: list[Undated] = []
    for entry in entries:
        if held and not isinstance(entry, Refusal) and entry.key == held[0].key:
            held.append(entry)
            continue
        if held:
            yield _joined(held)
            held = []
        if isinstance(entry, Refusal):
            yield entry
        elif (mark := hash(entry.key)) in seen:
            twice = BadEntry("an earlier line is about the same", cause="twice")
            yield _refusal(entry.position, twice)
        else:
            seen.add(mark)
            held = [entry]
    if held:
        yield _joined(held)


def _joined(held: Sequence[Undated]) -> Undated:
    """Return what all say; of a name, a date and a confidence, the first."""
    first = held[0]
    if len(held) == 1:
        return first
    body: Body = {}
    for each in reversed(held):
        body.update(each.body)
    told = dict.fromkeys(str(each.body[TOLD]) for each in held if TOLD in each.body)
    if told:
        body[TOLD] = "\n".join(told)
    for name in ("labels", "object_marking_refs", "external_references"):
        said = [each.body.get(name) for each in held]
        both = {repr(one): one for some in said if isinstance(some, list) for one in some}
        if both:
            body[name] = [*both.values()]
    return Undated(position=first.position, key=first.key, body=body, about=first.about)
