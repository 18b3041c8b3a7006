"""Lists and tables of values: one to a line, or CSV and its kin with a column for what is said of each.

Where a table names its columns, or its lines are plain, nothing needs to be told; else a ``Layout`` says what stands
where. What a value is about is told by its form, but for hashes: see ``mithaq.model.values``.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import islice
from typing import TypeAlias

from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read, Refusal, Undated
from mithaq.model import values
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Json, Limits
from mithaq.model.labels import tlp
from mithaq.model.markings import tlp_id
from mithaq.model.values import Value

ROLES = (
    "value", "kind", "name", "description", "labels", "since", "tlp", "confidence", "reference", "detects",
    *values.KINDS,
)  # fmt: skip
_WORDS = {  # how the field's tables head their columns and name their kinds, without signs and capitals
    "value": "ioc iocvalue hash filehash indicator indicatorvalue observable attributevalue value",
    "kind": "type kind ioctype indicatortype observabletype attributetype valuetype",
    "name": "name threat threatname malware malwareprintable malwarefamily family signature trail",
    "description": "description comment comments note notes info",
    "labels": "tags tag labels label category categories attributetag",
    "since": "firstseen firstseenutc firstseendate dateadded date created validfrom",
    "tlp": "tlp marking tlpmarking tlplevel",
    "confidence": "confidence confidencelevel",
    "reference": "reference references sourceurl report",
    "detects": "toids",
    "ip": "ip ipaddress ipaddr ipsrc ipdst srcip dstip cidr netblock network ipv4cidr inteladdr intelsubnet",
    "ipv4": "ipv4 ipv4addr ipv4address",
    "ipv6": "ipv6 ipv6addr ipv6address",
    "ip-port": "ipport ipdstport ipsrcport",
    "domain": "domain domainname hostname host fqdn inteldomain",
    "url": "url uri intelurl",
    "email": "email emailaddr emailaddress emailsrc emaildst intelemail",
    "md5": "md5 md5hash filehashmd5 hashmd5",
    "sha1": "sha1 sha1hash filehashsha1 hashsha1",
    "sha224": "sha224",
    "sha256": "sha256 sha256hash filehashsha256 hashsha256",
    "sha384": "sha384",
    "sha512": "sha512 sha512hash filehashsha512",
    "sha3-256": "sha3256",
    "sha3-512": "sha3512",
    "imphash": "imphash filehashimphash",
    "ssdeep": "ssdeep",
    "tlsh": "tlsh",
    "filename": "filename file intelfilename",
    "mutex": "mutex",
    "registry-key": "regkey registrykey windowsregistrykey",
    "user-agent": "useragent httpuseragent",
    "asn": "asn asnumber",
    "mac": "mac macaddress macaddr",
    "certificate-sha1": "x509fingerprintsha1 certificatesha1",
    "certificate-sha256": "x509fingerprintsha256 certificatesha256",
}
_OF_VALUES = frozenset({"value", *values.KINDS})
_BY_FORM = frozenset({"value", "ip", "ipv4", "ipv6", "ip-port", "domain", "url", "email"})
_MEANT = {word: role for role, words in _WORDS.items() for word in words.split()}
_NO = frozenset({"0", "no", "false"})
_SURE = {"low": 15, "medium": 50, "high": 85}  # STIX 2.1 appendix A, the middles
_MOST_SURE = 100
_DELIMITERS = "\t,;|"
_DELIMITING = frozenset(_DELIMITERS)
_WHICH = "lines hold several values: say which is meant, as with --column value=1"
_LOOK = 50  # entries by which a layout is guessed
_FEW = 4  # so many URLs do not hold as many commas each by chance
_MOST_LINES = 4_000_000
_LONGEST = 1 << 17  # characters of a line, and of a cell
_TALLEST = 20  # lines of an entry with line breaks in its cells
_MOST_COLUMNS = 256  # with names
_WORD = 64  # characters of a word with a meaning
_TOLD = "description"
_EMPTY = frozenset({"n/a", "N/A", "none", "None", "NONE", "null", "NULL", "nan", "NaN", "-"})
_SIGNS = re.compile(r"[\W_]+")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){16,64}")
_LINK = re.compile(r"https?://\S+")
_COMMENT = re.compile(r"\s*(?:#fields\t|#|//|;|!)\s*(.*)")  # Zeek names its columns as fields
_PARTED_BY = re.compile(r"sep=.\n")  # the first line of a table that a spreadsheet wrote
# As hosts files and advertisement blockers write a domain.
_BLOCKED = re.compile(
    r"(?:(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+([^\s^#/]+)|\|\|([^\s^#/$]+)\^?(?:\$\S*)?)\s*(?:#.*)?"
)
_DATE = re.compile(r"(?:19|20)[0-9]{2}(?:[-/]?[0-9]{2}){2}(?![0-9])")
_EPOCH = re.compile(r"1[0-9]{9}")  # seconds, of this century

Body: TypeAlias = dict[str, Json]
Writer: TypeAlias = Callable[[Body, str], None]


class BadEntry(InputError):
    """A line that cannot be taken; its code is ``list-`` and the fact ``cause``."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause)
        self.code = f"list-{cause}"


Row: TypeAlias = tuple[int, list[str] | BadEntry]  # the line where it begins, from 0, and its cells


class Lists:
    """The format ``list``."""

    name = "list"

    def fits(self, raw: bytes) -> bool:
        """Say whether most of some lines begin with a value or a hash, or the first names columns that are known."""
        try:
            sheet = _sheet(raw, PLAIN)
        except InputError:
            return False
        step = max(1, len(sheet.lines) // _LOOK)  # a list in order begins with what is odd
        some = replace(sheet, lines=sheet.lines[sheet.begins :: step], begins=0)
        firsts = [row[0] for _, row in _rows(some) if isinstance(row, list)]
        told = sum(map(_looks, firsts))
        return bool(sheet.names) or 2 * told > len(firsts)

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, layout: Layout = PLAIN) -> Read:
        """Read every line.

        Raises:
            GateRefused: ``raw`` is too long. NotThisFormat: it is no text.
            InputError: ``layout`` names a column that is not there, or none where it must; there are too many lines.
        """
        if len(raw) > limits.max_bytes:
            raise GateRefused("too-long", str(limits.max_bytes))
        sheet = _sheet(raw, layout)
        if sheet.delimiter and not sheet.names and not layout.columns:
            some = [row for _, row in islice(_rows(sheet), _LOOK) if isinstance(row, list)]
            if 2 * sum(any(map(_is_value, row[1:])) for row in some) > len(some):
                raise InputError(_WHICH, cause="columns")
        return _once(_entry(sheet, line, cells) for line, cells in _rows(sheet))


# --- which cell is what --------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class _Sheet:
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


def _sheet(raw: bytes, layout: Layout) -> _Sheet:
    lines = _lines(raw)
    asked = frozenset(_plain(where) for where in layout.columns.values() if not where.isdecimal())
    begins, delimiter, names = _header(lines, asked)
    if not names:
        entries = (
            line.strip(" ") for line in lines[begins:] if len(line) <= _LONGEST and _is_entry(line)
        )
        delimiter = _delimiter([*islice(entries, _LOOK)], layout)
    roles = _roles(names, layout)
    about = [(n, "" if role == "value" else role) for n, role in roles if role in _OF_VALUES]
    about = [(n, layout.kind or kind) for n, kind in about or [(0, "")]]
    if all(kind for _, kind in about):
        roles = [(n, role) for n, role in roles if role != "kind"]  # it says something else
    return _Sheet(
        lines=lines,
        delimiter=delimiter,
        begins=begins,
        names=names,
        about=about,
        kind=next((n for n, role in roles if role == "kind"), None),
        writers=[(n, _WRITERS[role]) for n, role in roles if role in _WRITERS],
        placed=frozenset({*(n for n, _ in about), *(n for n, _ in roles)}),
        free=layout.kind in values.FREE,
    )


def _lines(raw: bytes) -> list[str]:
    if max(raw.count(b"\n"), raw.count(b"\r")) >= _MOST_LINES:
        raise InputError(f"a list has at most {_MOST_LINES} lines: part it", cause="lines")
    if b"\0" in raw:
        raise NotThisFormat("no text", where="")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotThisFormat("no text in UTF-8", where="") from None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _PARTED_BY.match(text):
        text = text[len("sep=,") :]
    return text.split("\n")  # not at what else counts as the end of a line: cells may hold it


def _is_entry(line: str) -> bool:
    return line != "" and not line.isspace() and _COMMENT.match(line) is None


def _rows(sheet: _Sheet) -> Iterator[Row]:
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
    needless = like != "" and _role(alone[0]) in _BY_FORM
    if _DELIMITING.isdisjoint(like or line) and not needless and _names_columns(alone, asked):
        return "", alone
    return "", []


def _names_columns(cells: Sequence[str], asked: frozenset[str]) -> bool:
    """Say whether cells name columns: all that are asked for, or one of values while none holds a value."""
    if len(cells) > _MOST_COLUMNS:
        return False
    if asked and asked.issubset(map(_plain, cells)):
        return True
    return any(_role(cell) in _OF_VALUES for cell in cells) and not any(map(_looks, cells))


def _delimiter(some: Sequence[str], layout: Layout) -> str:
    """Return the sign by which all of some entries fall into equally many cells, or most begin with a value.

    There is none if they are values whole.
    """
    if 2 * sum(_BLOCKED.fullmatch(line) is not None for line in some) > len(some):
        return ""
    bare = [line for line in some if not _is_value(line)]
    signs = _DELIMITERS
    if not layout.columns and (layout.kind in values.FREE or (len(some) < _FEW and not bare)):
        signs = "\t"
    for sign in signs:
        parted = [found[0] for line in some if (found := _cells([line], sign)) is not None]
        counts = set(map(len, parted))
        if len(counts) == 1 and counts != {1}:
            return sign
        firsts = [cells[0] for line in bare if len(cells := line.split(sign)) > 1]
        if 2 * sum(map(_looks, firsts)) > len(some):
            return sign
    return ""


def _roles(names: Sequence[str], layout: Layout) -> list[tuple[int, str]]:
    """Return what columns are for: as a person says, else as their names do; the first of each role, all of labels."""
    given = [(_column(where, names), role) for role, where in layout.columns.items()]
    taken, said = {n for n, _ in given}, {role for _, role in given}
    named = []
    for n, role in enumerate(map(_role, names)):
        if role and n not in taken and (role not in said or role == "labels"):
            named.append((n, role))
            said.add(role)
    of_values = _OF_VALUES.intersection(role for _, role in named)
    unmeant: frozenset[str] = frozenset()
    if not _OF_VALUES.isdisjoint(layout.columns):
        unmeant = of_values
    elif "value" in of_values:
        unmeant = of_values - {"value"}  # they tell of it
    elif not values.EXACT.isdisjoint(of_values):
        unmeant = values.LOOSE  # of the file that the hash names
    return sorted([*given, *((n, role) for n, role in named if role not in unmeant)])


def _column(where: str, names: Sequence[str]) -> int:
    plain = [_plain(name) for name in names]
    if where.isdecimal() and int(where[:_WORD]) > 0:
        return int(where[:_WORD]) - 1
    if _plain(where) in plain:
        return plain.index(_plain(where))
    known = ", ".join(names) or "none: give its number, from 1"
    raise InputError(f"no column {where!r}; the list names {known}", column=where)


def _role(word: str) -> str:
    return _MEANT.get(_plain(word), "") if len(word) <= _WORD else ""


@lru_cache(maxsize=1024)
def _plain(word: str) -> str:
    return _SIGNS.sub("", word.casefold())


# --- an entry ------------------------------------------------------------------------------------------
def _entry(sheet: _Sheet, line: int, cells: list[str] | BadEntry) -> Undated | Refusal:
    try:
        if isinstance(cells, BadEntry):
            raise cells
        pattern = values.pattern(_values(sheet, cells))
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
    return Undated(position=line, key=pattern, body=body)


def _refusal(line: int, error: InputError) -> Refusal:
    code = error.code if isinstance(error, BadEntry) else "list-value"
    return Refusal(position=line, id=None, code=code, where="", why=str(error), line=line + 1)


def _values(sheet: _Sheet, cells: Sequence[str]) -> list[Value]:
    said = _cell(cells, sheet.kind)
    found = []
    for column, kind in sheet.about:
        written = _cell(cells, column)
        if written:
            value = _value(written, kind or (said and _kind(said)))
            if values.is_everybodys(value):
                raise BadEntry("an address or a network that singles nobody out", cause="everybody")
            found.append(value)
    if not found:
        raise BadEntry("no value", cause="empty")
    return found


def _value(written: str, kind: str) -> Value:
    if kind:
        return values.of_kind(kind, written)
    found = values.recognised(written) or _blocked(written)
    if found is not None:
        return found
    if _HEX.fullmatch(written):
        raise BadEntry("a hash, and nothing says of what kind: give it with --kind", cause="hash")
    raise BadEntry("no address, domain, URL or mail address", cause="form")


def _blocked(written: str) -> Value | None:
    found = _BLOCKED.fullmatch(written)
    known = values.recognised(found[1] or found[2]) if found is not None else None
    return None if known is None or (found and found[1] and known.kind != "domain") else known


def _is_value(written: str) -> bool:
    return values.recognised(written) is not None or _BLOCKED.fullmatch(written) is not None


def _looks(written: str) -> bool:
    return _HEX.fullmatch(written) is not None or _is_value(written)


def _kind(said: str) -> str:
    role = _role(said)
    if role not in _OF_VALUES or role == "value":
        raise BadEntry("a kind of value that is not known", cause="kind")
    return role


def _cell(cells: Sequence[str], column: int | None) -> str:
    return cells[column] if column is not None and column < len(cells) else ""


def _tell(body: Body, sheet: _Sheet, cells: Sequence[str]) -> None:
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
        _say(body, ("\n" if names else ", ").join(others))


def _say(body: Body, told: str) -> None:
    body[_TOLD] = f"{body[_TOLD]}\n{told}" if _TOLD in body else told


def _labels(body: Body, written: str) -> None:
    """Take tags; one of TLP is a marking."""
    marks = [each.strip(" \"'[]") for each in re.split(r"[,;|]", written)]
    for mark in marks:
        if mark[:4].lower() == "tlp:":
            _tlp(body, mark)
    borne = body.get("labels")
    tags = [m for m in marks if m and m[:4].lower() != "tlp:"]
    if tags:
        body["labels"] = [*dict.fromkeys([*(borne if isinstance(borne, list) else ()), *tags])]


def _tlp(body: Body, written: str) -> None:
    try:
        marking = tlp_id(tlp(written))
    except InputError as error:
        raise BadEntry(str(error), cause="tlp") from None
    borne = body.setdefault("object_marking_refs", [])
    if isinstance(borne, list) and marking not in borne:
        borne.append(marking)


def _since(body: Body, written: str) -> None:
    """Take a date, in UTC unless it says another; one that is not understood is told as it stands."""
    instant = _instant(written)
    if instant is None:
        _say(body, f"since: {written}")
    else:
        body["valid_from"] = instant_text(instant)


def _instant(written: str) -> datetime | None:
    if _EPOCH.fullmatch(written):
        return datetime.fromtimestamp(int(written), UTC)
    if not _DATE.match(written):
        return None
    try:
        instant = datetime.fromisoformat(written.removesuffix("UTC").strip().replace("/", "-"))
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _confidence(body: Body, written: str) -> None:
    """Take how sure a source is; what is not understood is told as it stands."""
    number = written.removesuffix("%")
    plain = number.isascii() and number.isdecimal() and len(number) <= len(str(_MOST_SURE))
    sure = int(number) if plain else _SURE.get(written.casefold(), _MOST_SURE + 1)
    if sure > _MOST_SURE:
        _say(body, f"confidence: {written}")
    else:
        body["confidence"] = sure


def _reference(body: Body, written: str) -> None:
    known = values.refanged(written)
    where = "url" if _LINK.fullmatch(known) else "description"
    body["external_references"] = [{"source_name": "list", where: known}]


def _detects(_body: Body, written: str) -> None:
    if written.casefold() in _NO:
        raise BadEntry("its source says that nothing is to be detected by it", cause="context")


_WRITERS: Mapping[str, Writer] = {
    "name": lambda body, written: body.update(name=written),
    "description": _say,
    "labels": _labels,
    "since": _since,
    "confidence": _confidence,
    "tlp": _tlp,
    "reference": _reference,
    "detects": _detects,
}


# --- what is said twice --------------------------------------------------------------------------------
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
    told = dict.fromkeys(str(each.body[_TOLD]) for each in held if _TOLD in each.body)
    if told:
        body[_TOLD] = "\n".join(told)
    for name in ("labels", "object_marking_refs", "external_references"):
        said = [each.body.get(name) for each in held]
        both = {repr(one): one for some in said if isinstance(some, list) for one in some}
        if both:
            body[name] = [*both.values()]
    return Undated(position=first.position, key=first.key, body=body)
