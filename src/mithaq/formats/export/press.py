"""Exports by name, printed several at once from one reading of what stands on a shelf.

What an export is used for bounds the PAP of what it may hold (PAP taxonomy): who blocks acts where the other side sees
it, which RED and AMBER forbid; a sensor on the network watches, which RED forbids; what only tells carries its
markings along and leaves the rest to the reader. An agreement's own ``max_pap`` has been applied before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import msgspec

from mithaq.errors import NotFound
from mithaq.formats.export.lists import Plain, Table
from mithaq.formats.export.network import Zeek, Zone
from mithaq.formats.export.suricata import DomainSet, ListRules, Rules
from mithaq.formats.export.told import Entry, entry, turns
from mithaq.model.labels import Pap
from mithaq.model.markings import FIXED, Body, Marking, classify
from mithaq.model.markings import Table as Markings

TEXT = "text/plain; charset=utf-8"
BLOCK, WATCH, TELL = Pap.GREEN, Pap.AMBER, Pap.RED  # the highest PAP of what it may hold
LEFT = ("pap", "pattern", "value")  # why an export says nothing of an indicator


class Writer(Protocol):
    """Takes entries one by one, and gives the bytes of them all."""

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""

    def done(self, at: datetime) -> bytes:
        """Return the bytes of what was taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One file that a tool takes; ``most`` is the highest PAP of what may stand in it."""

    name: str
    media: str
    most: Pap
    writer: Callable[[], Writer]


@dataclass(slots=True, kw_only=True)
class Printed:
    """An export, where the objects stand that it tells of, and by reason the ids of the indicators it does not."""

    body: bytes = field(default=b"", repr=False)
    told: dict[str, list[int]] = field(default_factory=dict)  # shelf -> positions, as they came
    left: dict[str, list[str]] = field(default_factory=dict)


def _exports() -> Iterator[Export]:
    def of(name: str, most: Pap, writer: Callable[[], Writer], media: str = TEXT) -> Export:
        return Export(name=name, media=media, most=most, writer=writer)

    yield of("domains.txt", BLOCK, lambda: Plain("domain"))
    yield of("addresses.txt", BLOCK, lambda: Plain("ipv4", "ipv6"))
    yield of("urls.txt", BLOCK, lambda: Plain("url"))
    yield of("emails.txt", BLOCK, lambda: Plain("email"))
    for kind in ("md5", "sha1", "sha256"):
        yield of(f"{kind}.txt", BLOCK, lambda kind=kind: Plain(kind))  # type: ignore[misc]
    yield of("rpz.zone", BLOCK, Zone)
    yield of("zeek.intel", WATCH, Zeek)
    yield of("suricata.rules", WATCH, Rules)
    yield of("suricata-lists.rules", WATCH, ListRules)
    yield of("suricata-domains.lst", WATCH, DomainSet)
    for kind in ("md5", "sha1", "sha256"):
        yield of(f"suricata-{kind}.lst", WATCH, lambda kind=kind: Plain(kind))  # type: ignore[misc]
    yield of("indicators.csv", TELL, Table, "text/csv; charset=utf-8")


EXPORTS: Mapping[str, Export] = {each.name: each for each in _exports()}


class NoSuchExport(NotFound):
    """There is no export of that name."""

    code = "no-such-export"


def definitions(raws: Iterable[bytes]) -> dict[str, Marking]:
    """Return what marking definitions on a shelf mean, but for the fixed ones."""
    bodies = (msgspec.json.decode(raw) for raw in raws)
    return {str(body["id"]): classify(body) for body in bodies if body["id"] not in FIXED}


class Press:
    """Prints exports at one instant: takes objects one by one, and keeps no more of them than is printed."""

    def __init__(self, names: Sequence[str], at: datetime, markings: Markings) -> None:
        """Begin with nothing.

        Args:
            markings: what markings besides the fixed ones mean.

        Raises:
            NoSuchExport: one of ``names`` is none.
        """
        for name in names:
            if name not in EXPORTS:
                raise NoSuchExport(f"no such export; known are {', '.join(EXPORTS)}")
        self._at = at
        self._markings = markings
        self._under_way = [(EXPORTS[name], EXPORTS[name].writer(), Printed()) for name in names]
        self.until: datetime | None = (
            None  # the first instant at which something begins or ends to count
        )

    def take(self, shelf: str, position: int, raw: bytes) -> None:
        """Take an object by the bytes that were released, and by where it stands."""
        body: Body = msgspec.json.decode(raw)
        for turn in turns(body, self._at):
            self.until = turn if self.until is None else min(turn, self.until)
        found = entry(body, self._at, self._markings)
        if found is None:
            return
        for export, writer, printed in self._under_way:
            reason = _against(export, found)
            if not reason and writer.take(found):
                printed.told.setdefault(shelf, []).append(position)
            else:
                printed.left.setdefault(reason or "value", []).append(found.id)

    def done(self) -> dict[str, Printed]:
        """Return the exports by name."""
        for _, writer, printed in self._under_way:
            printed.body = writer.done(self._at)
        return {export.name: printed for export, _, printed in self._under_way}


def _against(export: Export, found: Entry) -> str:
    """Return why an export says nothing of an indicator; empty: it may."""
    if found.pap > export.most:
        return "pap"
    return "pattern" if found.groups is None else ""
