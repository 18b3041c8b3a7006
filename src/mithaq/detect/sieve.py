"""Lines of telemetry in which no indicator can be, set aside before they are read.

Most telemetry speaks of nothing that anybody looks for, and reading it is what costs. Of JSON as Windows' event log and
Zeek have it, only the fields that hold values are decoded; a line is let through if one of their values is an
indicator's, and any line that is not surely of that form. So whoever reads what comes through finds what they would
find in all of it.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import msgspec

from mithaq.detect import fields as tables
from mithaq.detect.indicators import Indicators
from mithaq.detect.observables import read

_REMEMBERED: Final = 1 << 14  # lines of one form, and texts of one way of reading
_SHORT: Final = 8192  # bytes of a line that is remembered
_OF_ZEEK: Final = ("dns", "smtp", "smb_files")  # its logs that have tables of their own


class Sieve:
    """A set of indicators, for lines of JSON."""

    def __init__(self, indicators: Indicators) -> None:
        """Let through what speaks of ``indicators``."""
        self._indicators = indicators
        zeek = dict(tables.ZEEK)
        for log in _OF_ZEEK:
            zeek |= tables.TABLES[log]
        zeek |= {name.replace("id.", "id_"): how for name, how in zeek.items() if name[:3] == "id."}
        memos: dict[str, dict[str, bool]] = {}
        self._forms = [
            _form(tables.WINDOWS, memos, _of_windows),
            _form(zeek, memos, _of_zeek),
        ]

    def through(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the lines in which there may be an indicator, in their order."""
        form = self._forms[0]
        for line in lines:
            try:
                row = form.decode(line)
                known = form.rows.get(row)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError):
                yield line
                continue
            if known is None:
                for form in self._forms:  # lines of one form stand together
                    row = form.decode(line)
                    if form.fits(form.signs(row)):
                        known = self._known(form, row, line)
                        break
            if known is not False:
                yield line

    def _known(self, form: "_Form", row: msgspec.Struct, line: bytes) -> bool:
        """Say whether a line speaks of an indicator, and remember it if that takes little room."""
        known = self._speaks(form, row)
        if len(line) <= _SHORT:
            if len(form.rows) >= _REMEMBERED:
                form.rows.clear()
            try:
                form.rows[row] = known
            except TypeError:  # a list in it
                return known
        return known

    def _speaks(self, form: "_Form", row: msgspec.Struct) -> bool:
        for (how, memo), value in zip(form.hows, form.values(row), strict=True):
            if value is not None and (
                self._asked(how, memo, value)
                if type(value) is str
                else self._each(how, memo, value)
            ):
                return True
        return any(
            self._asked(how, memo, f"{one}\0{two}")
            for how, memo, pair in form.pairs
            for one, two in (pair(row),)
            if one is not None and two is not None
        )

    def _each(self, how: str, memo: dict[str, bool], value: object) -> bool:
        """Say whether a field speaks of an indicator that is no text: a number, a list, or what no reader expects."""
        if isinstance(value, list):
            return any(self._asked(how, memo, str(each)) for each in value)
        return isinstance(value, dict) or self._asked(how, memo, str(value))

    def _asked(self, how: str, memo: dict[str, bool], text: str) -> bool:
        known = memo.get(text)
        if known is None:
            known = any(map(self._indicators.of, read(how, text)))
            if len(memo) >= _REMEMBERED:
                memo.clear()
            memo[text] = known
        return known


def _of_windows(signs: tuple[object, object]) -> bool:
    number, _ = signs
    return number is not None


def _of_zeek(signs: tuple[object, object]) -> bool:
    number, path = signs
    of_others = isinstance(path, str) and path in tables.TABLES and path not in _OF_ZEEK
    return number is None and isinstance(path, str) and not of_others


@dataclass(frozen=True, slots=True)
class _Form:
    """One way in which lines are written: what of them is decoded, and how each field is read."""

    decode: Any  # bytes -> its struct
    signs: Any  # of a struct: what says of what form it is
    fits: Callable[[tuple[object, object]], bool]
    values: Any  # of a struct, in the order of ``hows``
    hows: list[tuple[str, dict[str, bool]]]
    pairs: list[tuple[str, dict[str, bool], Any]]
    rows: dict[msgspec.Struct, bool] = field(
        default_factory=dict
    )  # of its form: does it speak of an indicator


def _form(
    table: tables.Table,
    memos: dict[str, dict[str, bool]],
    fits: Callable[[tuple[object, object]], bool],
) -> _Form:
    pairs = [each for each in tables.PAIRS if each[1] in table]
    extra = {name for pair in pairs for name in pair[1:]}.difference(table)
    names = list(dict.fromkeys(["EventID", "_path", *table, *sorted(extra)]))
    attributes = {name: f"f{number}" for number, name in enumerate(names)}
    struct = msgspec.defstruct(
        "Line",
        [(attribute, Any, None) for attribute in attributes.values()],
        rename={attribute: name for name, attribute in attributes.items()},
        frozen=True,
        gc=False,
    )
    at = attributes.__getitem__
    return _Form(
        decode=msgspec.json.Decoder(struct).decode,
        signs=attrgetter(at("EventID"), at("_path")),
        fits=fits,
        values=attrgetter(*map(at, table)),
        hows=[(how, memos.setdefault(how, {})) for how in table.values()],
        pairs=[
            (how, memos.setdefault(how, {}), attrgetter(at(one), at(two)))
            for how, one, two in pairs
        ],
    )
