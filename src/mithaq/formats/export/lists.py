"""Lists and tables: a value to a line, for firewalls that poll a list, and a CSV table of all values."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator
from datetime import datetime

from mithaq.formats.export.told import Entry
from mithaq.model.values import Value

_COLUMNS = (
    "value", "kind", "name", "tlp", "pap", "confidence", "valid_from", "valid_until", "labels", "id",
)  # fmt: skip
_PLAIN_MAIL = re.compile(r"\w[\w.+=~'&-]*@[^@]+")
_FORMULA = frozenset("=+-@\t\r|%")


class Plain:
    """The values of some kinds, one to a line, in order and each once."""

    def __init__(self, *kinds: str) -> None:
        """Take values of ``kinds``."""
        self._kinds = frozenset(kinds)
        self._found: set[str] = set()

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        found = [v.text for v in entry.alone() if v.kind in self._kinds and _is_one(v)]
        self._found.update(found)
        return bool(found)

    def done(self, _at: datetime) -> bytes:
        """Return the list."""
        return "".join(f"{text}\n" for text in sorted(self._found)).encode()


class Table:
    """A row for each value of each entry, in CSV (RFC 4180), which our own reader of tables takes as well.

    Programs that people open tables with calculate what looks like a formula. A text that does gets a quote before it;
    a value is left out, for with a quote it would be another.
    """

    def __init__(self) -> None:
        """Begin with the names of the columns."""
        self._text = io.StringIO()
        self._rows = csv.writer(self._text)
        self._rows.writerow(_COLUMNS)

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""
        values = [value for value in entry.alone() if not _calculates(value.text)]
        self._rows.writerows(_row(entry, kind, text) for kind, text in values)
        return bool(values)

    def done(self, _at: datetime) -> bytes:
        """Return the table."""
        return self._text.getvalue().encode()


def _is_one(value: Value) -> bool:
    """Say whether tools read a value as one thing: a mail address with a wildcard may be everybody's."""
    return value.kind != "email" or _PLAIN_MAIL.fullmatch(value.text) is not None


def _row(entry: Entry, kind: str, text: str) -> Iterator[str]:
    yield text
    yield kind
    yield _cell(entry.name)
    yield entry.tlp
    yield str(entry.pap)
    yield entry.confidence
    yield entry.since
    yield entry.until
    yield _cell(", ".join(entry.labels))
    yield entry.id


def _cell(text: str) -> str:
    """Return a text that stays in its cell, on one line, and is one."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"'{line}" if _calculates(line) else line


def _calculates(text: str) -> bool:
    first = unicodedata.normalize("NFKC", text.lstrip(" '\""))[:1]
    return first in _FORMULA
