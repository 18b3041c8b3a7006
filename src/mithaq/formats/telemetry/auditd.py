"""The audit log of Linux: records of ``name=value``, of which those of one event bear one number."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from mithaq.formats.telemetry.instants import epoch
from mithaq.formats.telemetry.reading import ByLine, Found, Kind, Said, refused
from mithaq.model.telemetry import Event, LogSource, Value

_RECORD: Final = re.compile(
    r"(?:node=(\S+) )?type=(\S+) msg=audit\((\d{1,12}\.\d{1,9}):(\d{1,20})\):\s?(.*)", re.DOTALL
)
_PAIR: Final = re.compile(r"([A-Za-z][\w-]*)=(?:\"([^\"]*)\"|'([^']*)'|([^\s\x1d]*))")
_HEX: Final = re.compile(r"(?:[0-9A-F]{2})+")
# Texts that a user chose are written in hexadecimal where they hold a blank or a quotation mark.
_CHOSEN: Final = frozenset(
    {"acct", "cmd", "comm", "cwd", "data", "dir", "exe", "key", "name", "path", "proctitle", "vm"}
)
_LAST: Final = frozenset({"EOE", "PROCTITLE"})  # record types that end an event
_OPEN: Final = 64  # events that may begin while one is open
_RECORDS: Final = 1024  # of one event
_SOURCE: Final = LogSource(product="linux", service="auditd")


class _Begun:
    """An event that is not yielded yet."""

    __slots__ = ("begin", "end", "fields", "lines", "open", "when")

    def __init__(self, when: str, begin: int) -> None:
        self.when, self.begin, self.end = when, begin, begin
        self.open = True  # its last record has not come
        self.fields: dict[str, Value] = {}
        self.lines: list[bytes] = []

    def add(self, name: str, value: str) -> None:
        there = self.fields.get(name)
        if isinstance(there, list):
            there.append(value)
        elif name in self.fields:
            self.fields[name] = [there, value]
        else:
            self.fields[name] = value


class Auditd(ByLine):
    """Reads one audit log; an event's records are joined, and a name that several have holds all their values.

    They are yielded as they begin, and only where none lies across: whoever reads on at what is held finds each whole.
    """

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin at the first record."""
        super().__init__()
        self._open: dict[tuple[str, str, str], _Begun] = {}
        self._begun: list[_Begun] = []  # in their order
        self._at = 0  # bytes of the lines before this one

    @property
    def held(self) -> int:
        """The bytes from the first record of the oldest event that is not yielded."""
        begin = self._begun[0].begin if self._begun else self._at
        return super().held + self._at - begin

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield the events that these lines end."""
        for line in lines:
            self.number += 1
            begin, self._at = self._at, self._at + len(line)
            raw = line.rstrip(b"\r\n")
            if not raw or raw.isspace() or raw.startswith(b"----"):
                continue
            record = _RECORD.match(raw.decode("utf-8", "replace"))
            if record is None:
                yield refused(self.number, "line", "no audit record")
            else:
                yield from self._record(record, raw, begin)

    def end(self) -> Iterator[Found]:
        """Yield the events that are still open."""
        yield from super().end()
        while self._open:
            self._close(next(iter(self._open)))
        yield from self._whole()

    def _record(self, record: re.Match[str], raw: bytes, begin: int) -> Iterator[Found]:
        node, kind, when, serial, rest = record.groups(default="")
        key = (node, when, serial)
        if key not in self._open:
            if len(self._begun) >= _OPEN and self._open:
                self._close(next(iter(self._open)))
                yield from self._whole()
            self._open[key] = _Begun(when, begin)
            self._begun.append(self._open[key])
        one = self._open[key]
        one.lines.append(raw)
        one.end = self._at
        one.add("type", kind)
        if node:
            one.add("node", node)
        for name, value in _pairs(rest, kind):
            one.add(name, value)
        if kind in _LAST or len(one.lines) >= _RECORDS:
            self._close(key)
            yield from self._whole()

    def _close(self, key: tuple[str, str, str]) -> None:
        self._open.pop(key).open = False

    def _whole(self) -> Iterator[Event]:
        """Yield the events before the first place that no event lies across."""
        count, end = 0, 0
        for number, one in enumerate(self._begun):
            if one.begin >= end:
                count = number
            if one.open:
                break
            end = max(end, one.end)
        else:
            count = len(self._begun)
        whole, self._begun = self._begun[:count], self._begun[count:]
        for one in whole:
            raw = b"\n".join(one.lines)
            yield Event(fields=one.fields, source=_SOURCE, at=epoch(one.when), raw=raw)


def _pairs(rest: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a record; those that a program wrote into ``msg='…'`` as its own."""
    for name, quoted, inner, bare in _PAIR.findall(rest):
        if inner:
            yield from _pairs(inner, kind)
        elif quoted or not bare:
            yield name, quoted
        elif _HEX.fullmatch(bare) and (
            name in _CHOSEN or (kind == "EXECVE" and name[:1] == "a" and name != "argc")
        ):
            text = bytes.fromhex(bare).decode("utf-8", "replace")
            yield name, text.replace("\0", " ").replace("\x01", " ")
        elif bare not in {"(null)", "?"}:
            yield name, bare


def _fits(opening: bytes, _name: str) -> bool:
    first = opening.lstrip().split(b"\n", 1)[0].decode("utf-8", "replace")
    return bool(_RECORD.match(first)) or (first.startswith("----") and b"msg=audit(" in opening)


KIND = Kind("auditd", _fits, Auditd)
