"""Indicators that are one value, looked up among the values of events.

They are found by equality, names with what is below them, networks by what they hold; never by a part of a text. A
million stand in one block of bytes and three rows of numbers, sorted by a digest of the key; what is found there is
compared in full, so two keys of one digest are no hit. An indicator that is found in an event twice, by two of its
values or in two fields, is one match.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from itertools import accumulate
from typing import Final, NamedTuple

from mithaq.detect import asked, assets
from mithaq.detect.keys import digest, key, keys
from mithaq.detect.matches import Match
from mithaq.detect.networks import Networks
from mithaq.detect.observables import READERS, SHORT, kinds_of, plan, read, together
from mithaq.model.patterns import groups
from mithaq.model.telemetry import Event
from mithaq.model.values import Value
from mithaq.model.whose import Word

_REMEMBERED: Final = 1 << 16  # observed values, of which telemetry has the same again and again
_BITS: Final = 16  # of a digest, which say about where it stands
_SHIFT: Final = 63 - _BITS


class Listed(NamedTuple):
    """One value of an indicator."""

    value: Value
    id: str  # of the indicator
    title: str = ""
    giver: str = ""  # as ``model.whose.Word``

    @property
    def digest(self) -> str:
        """What the indicator is known by in matches: a newer version that still has the value finds the same match."""
        return _known_by(self.id, self.giver)


@lru_cache(maxsize=1 << 12)  # few are found, and those again and again
def _known_by(id_: str, giver: str) -> str:
    return Word(id_, giver).digest


def of_pattern(word: Word, pattern: str, title: str = "") -> list[Listed] | None:
    """Return the values of an indicator, any of which is what it looks for; None if its pattern asks for more."""
    found = groups(pattern)
    if found is None or any(len(group) != 1 for group in found):
        return None
    return [Listed(value, word.rule, title, word.giver) for (value,) in found]


def _firsts(digests: "array[int]") -> "array[int]":
    """Return where the first digest stands that begins with each number of bits, and at last how many there are."""
    counts = [0] * ((1 << _BITS) + 1)
    for each in digests:
        counts[(each >> _SHIFT) + 1] += 1
    return array("q", accumulate(counts))


class Indicators:
    """A compiled set of indicators. It does not change; what is new makes another one."""

    def __init__(self, listed: Iterable[Listed], whole: Container[str] = ()) -> None:
        """Take values of indicators.

        Args:
            listed: in any order; the same twice is there once.
            whole: names that are no owner of what is below them, such as ``co.uk``: they match themselves alone.
        """
        self._whole = whole
        self._titles: list[tuple[str, str]] = []  # with who gave what is called so
        self.kinds: set[str] = set()  # of all values
        self._block = bytearray()
        digests, starts = array("q"), array("q")
        networks = self._take(listed, digests, starts)
        order = sorted(range(len(digests)), key=digests.__getitem__)
        self._digests = array("q", map(digests.__getitem__, order))
        self._starts = array("q", map(starts.__getitem__, order))
        self._firsts = _firsts(self._digests)
        starts.append(len(self._block))
        self._ends = array("q", (starts[number + 1] for number in order))
        self.networks = Networks(networks)
        self._asked = frozenset(how for how in READERS if not kinds_of(how).isdisjoint(self.kinds))
        self._known: dict[Value, tuple[Listed, ...]] = {}
        self._read: dict[
            tuple[str, str], tuple[Listed, ...]
        ] = {}  # how a text is read, and the text

    def __len__(self) -> int:
        """Return how many values they are."""
        return len(self._digests)

    @property
    def size(self) -> int:
        """Return the bytes that they take, but for networks and titles."""
        return len(self._block) + 24 * len(self._digests)

    @property
    def fingerprint(self) -> bytes:
        """Return what they are known by together."""
        return sha256(self._digests.tobytes()).digest()

    @property
    def digests(self) -> Sequence[int]:
        """Return where the keys are looked for (``keys.digest``), in order."""
        return self._digests

    def _take(
        self, listed: Iterable[Listed], digests: "array[int]", starts: "array[int]"
    ) -> list[Value]:
        """Append the row of each to the block; return those that are networks."""
        networks, titles, block = [], dict[tuple[str, str], int](), self._block
        for value, id_, title, giver in listed:
            text = key(value)
            number = titles.setdefault((title, giver), len(titles))
            self.kinds.add(value.kind)
            digests.append(digest(text))
            starts.append(len(block))
            block += f"{text}\0{number}\0{id_}".encode("utf-8", "replace")
            if value.kind[:3] == "ipv" and "/" in value.text:
                networks.append(value)
        self._titles = list(titles)
        return networks

    def of(self, value: Value) -> tuple[Listed, ...]:
        """Return the values of indicators that an observed value answers to."""
        known = self._known.get(value)
        if known is None:
            known = tuple(dict.fromkeys(self._found(value)))
            if len(value.text) <= SHORT:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[value] = known
        return known

    def _found(self, value: Value) -> Iterator[Listed]:
        for text in keys(value, self._whole):
            yield from self._of_key(text)
        if len(self.networks):
            for network in self.networks.around(value):
                if network != value:
                    yield from self._of_key(key(network))

    def _of_key(self, text: str) -> list[Listed]:
        return [
            one for one in self.at(digest(text)) if f"{one.value.kind} {one.value.text}" == text
        ]

    def at(self, wanted: int) -> Iterator[Listed]:
        """Yield what stands at a digest; most often what is looked for there, in proof of nothing."""
        first = wanted >> _SHIFT
        at = bisect_left(self._digests, wanted, self._firsts[first], self._firsts[first + 1])
        while at < len(self._digests) and self._digests[at] == wanted:
            row = self._block[self._starts[at] : self._ends[at]].decode()
            text, number, id_ = row.split("\0", 2)
            kind, _, plain = text.partition(" ")
            yield Listed(Value(kind, plain), id_, *self._titles[int(number)])
            at += 1

    def answers(self, how: str, text: str) -> tuple[Listed, ...]:
        """Return the values of indicators that a text answers to, read as its field says (``observables.read``)."""
        known = self._read.get((how, text))
        if known is None:
            known = tuple(listed for value in read(how, text) for listed in self.of(value))
            if len(text) <= SHORT:
                if len(self._read) >= _REMEMBERED:
                    self._read.clear()
                self._read[how, text] = known
        return known

    def match(self, batch: Collection[Event]) -> Iterator[Match]:
        """Yield what is found in each event, in their order."""
        known = self._read
        for event in batch:
            found: dict[tuple[str, str], tuple[Listed, dict[str, None]]] = {}
            said = event.fields
            for fields, how in plan(event):
                if how not in self._asked:
                    continue
                one = said[fields[0]] if len(fields) == 1 else None
                if isinstance(one, str):
                    some = known.get((how, one))  # as nearly always, sooner than by a call
                    if some is None:
                        some = self.answers(how, one)
                else:
                    values = together(how, [said[name] for name in fields])
                    some = tuple(listed for value in values for listed in self.of(value))
                for listed in some:
                    word = listed.id, listed.giver
                    found.setdefault(word, (listed, {}))[1].update(dict.fromkeys(fields))
            asset = assets.of(event) if found else ""
            for listed, names in found.values():
                yield Match(
                    rule=listed.id,
                    giver=listed.giver,
                    digest=listed.digest,
                    title=listed.title or listed.value.text,
                    event=event.digest,
                    at=event.at,
                    source=event.source,
                    asset=asset,
                    found={name: event.fields[name] for name in names} | asked.beside(event, names),
                )
