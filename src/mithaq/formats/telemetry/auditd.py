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
_OPEN: Final = 64  # events that may be open at once
_RECORDS: Final = 1024  # of one event
_SOURCE: Final = LogSource(product="linux", service="auditd")


class _Open:
    """An event whose last record has not come."""

    __slots__ = ("begin", "fields", "lines", "when")

    def __init__(self, when: str, begin: int) -> None:
        self.when, self.begin = when, begin
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
    """Reads one audit log; an event's records are joined, and a name that several have holds all their values."""

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin at the first record."""
        super().__init__()
        self._open: dict[tuple[str, str, str], _Open] = {}
        self._at = 0  # bytes of the lines before this one

    @property
    def held(self) -> int:
        """The bytes from the first record of the oldest event that is open."""
        begin = min((one.begin for one in self._open.values()), default=self._at)
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
            yield self._close(next(iter(self._open)))

    def _record(self, record: re.Match[str], raw: bytes, begin: int) -> Iterator[Found]:
        node, kind, when, serial, rest = record.groups(default="")
        key = (node, when, serial)
        if key not in self._open and len(self._open) >= _OPEN:
            yield self._close(next(iter(self._open)))
        one = self._open.setdefault(key, _Open(when, begin))
        one.lines.append(raw)
        one.add("type", kind)
        if node:
            one.add("node", node)
        for name, value in _pairs(rest, kind):
            one.add(name, value)
        if kind in _LAST or len(one.lines) >= _RECORDS:
            yield self._close(key)

    def _close(self, key: tuple[str, str, str]) -> Event:
        one = self._open.pop(key)
        return Event(
            fields=one.fields, source=_SOURCE, at=epoch(one.when), raw=b"\n".join(one.lines)
        )


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
