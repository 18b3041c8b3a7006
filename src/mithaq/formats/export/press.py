"""Exports by name, printed several at once from one reading of what stands on a shelf.

What an export is used for bounds the PAP of what it may hold (PAP taxonomy): who blocks acts where the other side sees
it, which RED and AMBER forbid; a sensor on the network watches, which RED forbids; who searches logs at hand is seen by
nobody; what only tells carries its markings along and leaves the rest to the reader. An agreement's own ``max_pap`` has
been applied before.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

import msgspec

from mithaq.errors import NotFound
from mithaq.formats.export.lists import Plain, Table
from mithaq.formats.export.network import Zeek, Zone
from mithaq.formats.export.sigma import Sigma
from mithaq.formats.export.suricata import DomainSet, ListRules, Rules
from mithaq.formats.export.told import Entry, entry, turns
from mithaq.formats.export.whole import Bundle, Feed
from mithaq.model.benign import Benign
from mithaq.model.labels import Pap
from mithaq.model.listed import Effect
from mithaq.model.markings import FIXED, Body, Marking, classify
from mithaq.model.markings import Table as Markings
from mithaq.model.values import Value
from mithaq.model.worth import falls, worth

TEXT = "text/plain; charset=utf-8"
BLOCK, WATCH, SEARCH, TELL = (
    Pap.GREEN,
    Pap.AMBER,
    Pap.RED,
    Pap.RED,
)  # the highest PAP of what it may hold
LEFT = (
    "pap",
    "marking",
    "pattern",
    "benign",
    "worth",
    "value",
)  # why an export says nothing of an object


class Writer(Protocol):
    """Takes entries one by one, and gives the bytes of them all."""

    def take(self, entry: Entry) -> bool:
        """Take what an entry says; say whether that is anything."""

    def done(self, at: datetime) -> bytes:
        """Return the bytes of what was taken."""


class Whole(Protocol):
    """Takes all objects of a shelf, and tells which of them its files tell of."""

    def take(self, body: Body, raw: bytes) -> None:
        """Take an object."""

    def done(self) -> tuple[dict[str, bytes], set[str], dict[str, list[str]]]:
        """Return files by name, the ids of what they tell of, and by reason of what they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What a tool takes: a file, or several; ``most`` is the highest PAP of what may stand in it."""

    name: str
    media: str
    most: Pap
    writer: Callable[[], Writer] | None = None  # of indicators
    whole: Callable[[], Whole] | None = None  # of all objects
    acts: bool = True  # on values, so none that is known to be harmless stands in it


@dataclass(slots=True, kw_only=True)
class Printed:
    """An export, where the objects stand that it tells of, and by reason the ids of the indicators it does not."""

    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    told: dict[str, list[int]] = field(default_factory=dict)  # shelf -> positions, as they came
    left: dict[str, list[str]] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The one file, or the first."""
        return next(iter(self.files.values()), b"")


def _exports() -> Iterator[Export]:
    def of(name: str, most: Pap, writer: Callable[[], Writer], media: str = TEXT) -> Export:
        return Export(name=name, media=media, most=most, writer=writer, acts=writer is not Table)

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
    yield of("sigma.yml", SEARCH, Sigma, "application/yaml")
    yield of("indicators.csv", TELL, Table, "text/csv; charset=utf-8")
    stix = "application/stix+json;version=2.1"
    yield Export(name="bundle.json", media=stix, most=TELL, whole=Bundle)
    yield Export(name="misp", media="application/json", most=TELL, whole=Feed)


EXPORTS: Mapping[str, Export] = {each.name: each for each in _exports()}


class Least(NamedTuple):
    """What an indicator is to be worth at least, and what sightings and opinions say of each, by its id."""

    score: int
    said: Mapping[str, Sequence[Body]]


NO_MATTER = Least(0, {})


class NoSuchExport(NotFound):
    """There is no export of that name."""

    code = "no-such-export"


def definitions(raws: Iterable[bytes]) -> dict[str, Marking]:
    """Return what marking definitions on a shelf mean, but for the fixed ones."""
    bodies = (msgspec.json.decode(raw) for raw in raws)
    return {str(body["id"]): classify(body) for body in bodies if body["id"] not in FIXED}


class Press:
    """Prints exports at one instant: takes objects one by one, and keeps no more of them than is printed."""

    def __init__(
        self,
        names: Sequence[str],
        at: datetime,
        markings: Markings,
        benign: Benign,
        least: Least = NO_MATTER,
    ) -> None:
        """Begin with nothing.

        Args:
            markings: what markings besides the fixed ones mean.
            benign: what is known to be harmless.
            least: what an indicator is to be worth for exports that act on it.

        Raises:
            NoSuchExport: one of ``names`` is none.
        """
        for name in names:
            if name not in EXPORTS:
                raise NoSuchExport(f"no such export; known are {', '.join(EXPORTS)}")
        self._at = at
        self._markings = markings
        self._benign = benign
        self._least = least
        some = [EXPORTS[name] for name in names]
        self._printed = {each.name: Printed() for each in some}
        self._writers = [(each, each.writer()) for each in some if each.writer is not None]
        self._wholes = [(each, each.whole()) for each in some if each.whole is not None]
        self._places: dict[str, list[tuple[str, int]]] = {}
        # the first instant at which something begins or ends to count
        self.until: datetime | None = None

    @property
    def types(self) -> tuple[str, ...]:
        """Of which types objects are taken; empty: of all."""
        return () if self._wholes else ("indicator",)

    def take(self, shelf: str, position: int, raw: bytes) -> None:
        """Take an object by the bytes that were released, and by where it stands."""
        body: Body = msgspec.json.decode(raw)
        if self._wholes:
            self._places.setdefault(str(body["id"]), []).append((shelf, position))
        for _, whole in self._wholes:
            whole.take(body, raw)
        if not self._writers:
            return
        for turn in turns(body, self._at):
            self.until = turn if self.until is None else min(turn, self.until)
        found = entry(body, self._at, self._markings)
        if found is None:
            return
        worse = found.without(self._harmless)
        worthless = not self._is_worth_it(body)
        for export, writer in self._writers:
            printed = self._printed[export.name]
            reason = _against(export, found) or ("worth" if export.acts and worthless else "")
            here = worse if export.acts else found
            if not reason and writer.take(here):
                printed.told.setdefault(shelf, []).append(position)
            else:
                reason = reason or ("value" if here is found else "benign")
                printed.left.setdefault(reason, []).append(found.id)

    def _is_worth_it(self, body: Body) -> bool:
        """Say whether an indicator is worth enough, and note until when that holds."""
        least, said = self._least
        if least < 1:
            return True
        found = worth(body, said.get(str(body["id"]), ()), self._at)
        if found is None or found.score < least:
            return False
        turn = falls(found, least)
        if turn is not None and turn > self._at:
            self.until = turn if self.until is None else min(turn, self.until)
        return True

    def _harmless(self, value: Value) -> bool:
        return any(hit.effect is Effect.SUPPRESS for hit in self._benign.match(value))

    def done(self) -> dict[str, Printed]:
        """Return the exports by name."""
        for export, writer in self._writers:
            self._printed[export.name].files = {export.name: writer.done(self._at)}
        for export, whole in self._wholes:
            printed = self._printed[export.name]
            printed.files, told, printed.left = whole.done()
            for shelf, position in sorted(p for id_ in told for p in self._places[id_]):
                printed.told.setdefault(shelf, []).append(position)
        return self._printed


def _against(export: Export, found: Entry) -> str:
    """Return why an export says nothing of an indicator; empty: it may."""
    if found.pap > export.most:
        return "pap"
    return "pattern" if found.groups is None else ""
