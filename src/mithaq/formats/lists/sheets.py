"""How a list is laid out: which lines are entries, into which cells they fall, and what each cell is for."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from mithaq.errors import InputError
from mithaq.formats.lists.saying import BLOCKED, WRITERS, Writer, is_value, looks
from mithaq.formats.lists.words import BY_FORM, OF_VALUES, WORD, BadEntry, plain_word, role_of
from mithaq.formats.registry import Layout, NotThisFormat
from mithaq.model import values

_DELIMITERS = "\t,;|"
_DELIMITING = frozenset(_DELIMITERS)
LOOK = 50  # entries by which a layout is guessed
_FEW = 4  # so many URLs do not hold as many commas each by chance
_MOST_LINES = 4_000_000
_LONGEST = 1 << 17  # characters of a line, and of a cell
_TALLEST = 20  # lines of an entry with line breaks in its cells
_MOST_COLUMNS = 256  # with names
_EMPTY = frozenset({"n/a", "N/A", "none", "None", "NONE", "null", "NULL", "nan", "NaN", "-"})
_COMMENT = re.compile(r"\s*(?:#fields\t|#|//|;|!)\s*(.*)")  # Zeek names its columns as fields
_PARTED_BY = re.compile(r"sep=.\n")  # the first line of a table that a spreadsheet wrote
Row: TypeAlias = tuple[int, list[str] | BadEntry]  # the line where it begins, from 0, and its cells


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """Lines, and what their cells say."""

    lines: Sequence[str]
    delimiter: str  # empty: a line is one cell
    begins: int  # how many lines stand before the first entry
    names: Sequence[str]  # of the columns, if a line bears them
    about: Sequence[tuple[int, str]]  # columns of values and their kinds; "" is told by form
    kind: int | None  # the column that says of what kind the value is
    writers: Sequence[tuple[int, Writer]]  # columns of what is said of it
    placed: frozenset[int]  # all of these columns; what the others hold is told
    free: bool  # a value may hold any sign


def sheet_of(raw: bytes, layout: Layout) -> Sheet:
    """Return how a list is laid out: as ``layout`` says, else as its first lines do.

    Raises:
        NotThisFormat: it is no text. InputError: it is too long, or a column is not there.
    """
    lines = lines_of(raw)
    asked = frozenset(
        plain_word(where) for where in layout.columns.values() if not where.isdecimal()
    )
    begins, delimiter, names = _header(lines, asked)
    if not names:
        entries = (
            line.strip(" ") for line in lines[begins:] if len(line) <= _LONGEST and _is_entry(line)
        )
        delimiter = _delimiter([*islice(entries, LOOK)], layout)
    roles = _roles(names, layout)
    about = [(n, "" if role == "value" else role) for n, role in roles if role in OF_VALUES]
    about = [(n, layout.kind or kind) for n, kind in about or [(0, "")]]
    if all(kind for _, kind in about):
        roles = [(n, role) for n, role in roles if role != "kind"]  # it says something else
    return Sheet(
        lines=lines,
        delimiter=delimiter,
        begins=begins,
        names=names,
        about=about,
        kind=next((n for n, role in roles if role == "kind"), None),
        writers=[(n, WRITERS[role]) for n, role in roles if role in WRITERS],
        placed=frozenset({*(n for n, _ in about), *(n for n, _ in roles)}),
        free=layout.kind in values.FREE,
    )


def lines_of(raw: bytes) -> list[str]:
    """Return the lines of a list.

    Raises:
        NotThisFormat: it is no text. InputError: they are too many.
    """
    if max(raw.count(b"\n"), raw.count(b"\r")) >= _MOST_LINES:
        raise InputError(f"a list has at most {_MOST_LINES} lines: part it", cause="lines")
    wide = raw.startswith(
        (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    )  # as spreadsheets save "Unicode"
    if b"\0" in raw and not wide:
        raise NotThisFormat("no text", where="")
    try:
        text = raw.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError:
        raise NotThisFormat("no text in UTF-8 or UTF-16", where="") from None
    if wide and "\0" in text:
        raise NotThisFormat("no text", where="")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _PARTED_BY.match(text):
        text = text[len("sep=,") :]
    return text.split("\n")  # not at what else counts as the end of a line: cells may hold it


def _is_entry(line: str) -> bool:
    return line != "" and not line.isspace() and _COMMENT.match(line) is None


def rows_of(sheet: Sheet) -> Iterator[Row]:
    """Yield each entry and the line where it begins."""
    lines, sign = sheet.lines, sheet.delimiter
    at, end = sheet.begins, len(lines)
    while at < end:
        begins, line = at, lines[at]
        at += 1
        bare = line.strip()
        if not bare or (bare[0] in "#/;!" and _COMMENT.match(bare)):
            continue
        if len(line) > _LONGEST:
            yield begins, BadEntry(f"a line has at most {_LONGEST} characters", cause="long")
            continue
        if not sign:
            yield begins, _alone(bare, free=sheet.free)
            continue
        found = _cells(lines[begins : begins + _TALLEST] if '"' in line else [line], sign)
        if found is None:
            why = "a quote that is never closed, or more behind one that is"
            yield begins, BadEntry(why, cause="quote")
            continue
        at = begins + found[1]
        if any(found[0]):
            yield begins, found[0]


def _alone(line: str, *, free: bool = False) -> list[str]:
    """Return the value of a line without a delimiter, and the comment behind it."""
    if line[0] == line[-1] == '"':
        return [line.strip('" ')]
    if " #" in line and not free:
        return [part.strip() for part in line.split(" #", 1)]
    return [line]


def _cells(lines: Sequence[str], sign: str) -> tuple[list[str], int] | None:
    """Return the cells of the first entry of ``lines``, and of how many lines it is; None if its quotes are wrong."""
    taken = 1
    if '"' in lines[0]:
        whole = (f"{line}\n" for line in lines)
        reader = csv.reader(whole, delimiter=sign, skipinitialspace=True, strict=True)
        try:
            cells, taken = next(reader), reader.line_num
        except csv.Error:
            if sign != "\t":
                return None
            cells = lines[0].split(sign)  # most who part by tabs quote nothing
    else:
        cells = lines[0].split(sign)
    return ["" if (bare := cell.strip()) in _EMPTY else bare for cell in cells], taken


def _header(lines: Sequence[str], asked: frozenset[str]) -> tuple[int, str, list[str]]:
    """Return how many lines stand before the first entry, the delimiter, and the names of the columns.

    The first entry bears them, or the last comment before it, if that has as many cells; one word alone in a comment is
    a name where no form tells what follows.
    """
    said = ""
    for number, line in enumerate(lines):
        if _is_entry(line):
            if len(line) > _LONGEST:
                return number, "", []
            sign, names = _named(line, asked, like="")
            if names:
                return number + 1, sign, names
            return number, *_named(said, asked, like=line)
        comment = _COMMENT.match(line[:_LONGEST])
        said = comment[1] if comment is not None else said
    return 0, "", []


def _named(line: str, asked: frozenset[str], *, like: str) -> tuple[str, list[str]]:
    """Return the delimiter and the cells of ``line`` if they name columns, of which ``like`` has as many."""
    for sign in _DELIMITERS:
        found, other = _cells([line], sign), _cells([like or line], sign)
        alike = found and other and len(found[0]) == len(other[0])
        if sign in line and found and alike and _names_columns(found[0], asked):
            return sign, found[0]
    alone = [line.strip(' "')]
    needless = like != "" and role_of(alone[0]) in BY_FORM
    if _DELIMITING.isdisjoint(like or line) and not needless and _names_columns(alone, asked):
        return "", alone
    return "", []


def _names_columns(cells: Sequence[str], asked: frozenset[str]) -> bool:
    """Say whether cells name columns: all that are asked for, or one of values while none holds a value."""
    if len(cells) > _MOST_COLUMNS:
        return False
    if asked and asked.issubset(map(plain_word, cells)):
        return True
    return any(role_of(cell) in OF_VALUES for cell in cells) and not any(map(looks, cells))


def _delimiter(some: Sequence[str], layout: Layout) -> str:
    """Return the sign by which all of some entries fall into equally many cells, or most begin with a value.

    There is none if they are values whole.
    """
    if 2 * sum(BLOCKED.fullmatch(line) is not None for line in some) > len(some):
        return ""
    bare = [line for line in some if not is_value(line)]
    signs = _DELIMITERS
    if not layout.columns and (layout.kind in values.FREE or (len(some) < _FEW and not bare)):
        signs = "\t"
    for sign in signs:
        parted = [found[0] for line in some if (found := _cells([line], sign)) is not None]
        counts = set(map(len, parted))
        if len(counts) == 1 and counts != {1}:
            return sign
        firsts = [cells[0] for line in bare if len(cells := line.split(sign)) > 1]
        if 2 * sum(map(looks, firsts)) > len(some):
            return sign
    return ""


def _roles(names: Sequence[str], layout: Layout) -> list[tuple[int, str]]:
    """Return what columns are for: as a person says, else as their names do; the first of each role, all of labels."""
    given = [(_column(where, names), role) for role, where in layout.columns.items()]
    taken, said = {n for n, _ in given}, {role for _, role in given}
    named = []
    for n, role in enumerate(map(role_of, names)):
        if role and n not in taken and (role not in said or role == "labels"):
            named.append((n, role))
            said.add(role)
    of_values = OF_VALUES.intersection(role for _, role in named)
    unmeant: frozenset[str] = frozenset()
    if not OF_VALUES.isdisjoint(layout.columns):
        unmeant = of_values
    elif "value" in of_values:
        unmeant = of_values - {"value"}  # they tell of it
    elif not values.EXACT.isdisjoint(of_values):
        unmeant = values.LOOSE  # of the file that the hash names
    return sorted([*given, *((n, role) for n, role in named if role not in unmeant)])


def _column(where: str, names: Sequence[str]) -> int:
    plain = [plain_word(name) for name in names]
    if where.isdecimal() and int(where[:WORD]) > 0:
        return int(where[:WORD]) - 1
    if plain_word(where) in plain:
        return plain.index(plain_word(where))
    known = ", ".join(names) or "none: give its number, from 1"
    raise InputError(f"no column {where!r}; the list names {known}", column=where)
