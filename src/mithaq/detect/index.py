"""The witness index: which rules of a route an event may match, found by its values.

A route is the set of rules that events of one kind can match at all. The values of an event are searched together, for
all witnesses of the route at once: they are written as JSON writes them, so that a whole value, the beginning of one or
its end are texts with a quotation mark. What is found is then looked for in the field that it is asked of.

A route begins with the witnesses that are presumed to be rare. Of some events, ever fewer, all literals are counted;
rules that were candidates then get the witnesses that are rarest by that. What rules find is the same.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, TypeVar

import msgspec
from ahocorasick_rs import BytesAhoCorasick, Implementation

from mithaq.detect.closures import Seen
from mithaq.detect.language import Rule
from mithaq.detect.witnesses import (
    ALWAYS,
    At,
    Literal,
    Required,
    literals,
    required,
    witnesses,
)
from mithaq.model.telemetry import Value

Numbers: TypeAlias = frozenset[int]  # of rules, as the engine counts them
Said_contra = TypeVar("Said_contra", contravariant=True)
Asked = TypeVar("Asked")
FIRST: Final = 8  # events of a route before literals are counted
_LATER: Final = 4  # times as many events, before witnesses are chosen again
_PRIOR: Final = 1  # what is presumed of a literal counts as much as so many events
_MOST_TABLE: Final = (
    1 << 15
)  # bytes of literals whose automaton is a table: twice as fast, some hundred times as large
_SMALL_TABLE: Final = 1 << 11  # bytes whose table is made at once
BUSY: Final = 256  # events of a route from which on a larger table is worth making
SMALL_IN_ASCII: Final = ("\u0130", "\u212a")  # signs outside ASCII whose small letters are in it
_SIGNS: Final = tuple(sign.encode() for sign in SMALL_IN_ASCII)
_MARKS: Final = {At.WHOLE: b'"%b"', At.START: b'"%b', At.END: b'%b"', At.INSIDE: b"%b"}
_NUMBER: Final = re.compile(r"[-+.0-9e]*(?:inf|nan)?")
_encode: Final = msgspec.json.Encoder().encode


class Finder(Protocol[Said_contra]):
    """Literals, found all at once in what is said."""

    def found_in(self, said: Said_contra, /) -> Collection[Literal] | None:
        """Return the literals that it has, or some more; none: that cannot be told."""


def written(literal: Literal) -> bytes:
    """Return a literal as it stands among values that JSON writes, in small letters."""
    return _MARKS[literal.at] % _encode(literal.text)[1:-1].lower()


def is_of_number(literal: Literal) -> bool:
    """Say whether it may be in a number or a truth, which JSON may write otherwise than they are compared."""
    text = literal.text
    return bool(_NUMBER.fullmatch(text)) or text in "true" or text in "false"


class Index:
    """Literals, found in an event all at once."""

    def __init__(self, known: Collection[Literal], busy: bool) -> None:  # noqa: FBT001 as Route has it
        self._there = [each for each in known if each.at is At.ANYWHERE]
        marks: dict[bytes, list[Literal]] = defaultdict(list)
        numbers: dict[str, list[Literal]] = defaultdict(list)
        for each in known:
            if each.at is not At.ANYWHERE:
                marks[written(each)].append(each)
                if is_of_number(each):
                    numbers[each.field].append(each)
        self._marked, self._numbers = list(marks.values()), list(numbers.items())
        self._automaton = automaton([*marks], busy=busy) if marks else None
        self._is_plain = all(each.text.isascii() for each in known)

    def found_in(self, seen: Seen, /) -> list[Literal]:
        """Return the literals that an event has."""
        fields = seen.fields
        found = [each for each in self._there if fields.get(each.field) is not None]
        for field, some in self._numbers:
            if not field or not isinstance(fields.get(field, ""), str):
                found += [each for each in some if _stands(each, seen)]
        if self._automaton is not None:
            hits = self._automaton.find_matches_as_indexes(self._small(fields), overlapping=True)
            for number in {number for number, _, _ in hits}:
                found += [each for each in self._marked[number] if _stands(each, seen)]
        return found

    def _small(self, fields: Mapping[str, Value]) -> bytes:
        """Return the values of fields as JSON, in small letters.

        Half a surrogate pair, which no literal has, becomes a question mark. Signs outside ASCII stay as they are if
        all literals are in it, but for those whose small letters are: making them small takes most of the time.
        """
        values = list(fields.values())
        try:
            whole = _encode(values)
        except UnicodeEncodeError:
            whole = _encode([_mended(each) for each in values])
        if whole.isascii() or (self._is_plain and not any(sign in whole for sign in _SIGNS)):
            return whole.lower()
        return whole.decode().lower().encode()


class Requirement(NamedTuple):
    """What a rule requires, and the witnesses that are rarest by what is presumed; none: it requires nothing."""

    what: Required | None
    presumed: frozenset[Literal] | None


class Requirements:
    """What each of some rules requires, worked out when that is first asked."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._known: dict[int, Requirement] = {}

    def of(self, numbers: Iterable[int]) -> dict[int, Requirement]:
        """Return what rules require, by their places."""
        return {number: self._of(number) for number in sorted(numbers)}

    def _of(self, number: int) -> Requirement:
        known = self._known.get(number)
        if known is None:
            what = required(self._rules[number].predicate)
            by_presumption = witnesses(what, lambda _, rare: rare) if what else None
            known = self._known[number] = Requirement(what, by_presumption)
        return known


class Route(Generic[Asked]):
    """The rules that events of one kind can match, filed under their witnesses."""

    def __init__(
        self,
        rules: Mapping[int, Requirement],
        index: Callable[[Collection[Literal], bool], Finder[Asked]],
    ) -> None:
        self.rules = rules
        self._indexed = index  # of literals, and whether many events are looked for in
        self._events = 0
        self._count_at, self._file_at = FIRST, 2 * FIRST
        self._often: Counter[Literal] = Counter()
        self._counted = 0  # events
        self._witnesses = {number: rule.presumed for number, rule in rules.items()}
        self._candidates: set[int] = set()  # since the witnesses were chosen
        self._busy = False
        self._index_them()

    def candidates(self, said: Asked) -> Collection[int]:
        """Return the rules that may match what an event says."""
        self._events += 1
        if self._events >= self._count_at:
            self._learn(said)
        literals = self._index.found_in(said)
        if literals is None:
            return self.rules.keys()
        if not literals:
            return self.unwitnessed
        found = set().union(*[self._filed[literal] for literal in literals])
        self._candidates |= found
        return found | self.unwitnessed

    @cached_property
    def _all(self) -> Finder[Asked]:
        known = {each for rule in self.rules.values() if rule.what for each in literals(rule.what)}
        return self._indexed(known, False)  # noqa: FBT003 the face of an index

    def _learn(self, said: Asked) -> None:
        literals = self._all.found_in(said)
        if literals is not None:
            self._often.update(literals)
            self._counted += 1
        self._count_at += max(1, self._events // FIRST)
        if self._events >= self._file_at:
            self._file_at *= _LATER
            self._file(self._candidates)
            self._candidates = set()

    def _file(self, chosen: Iterable[int]) -> None:
        busy = self._events >= BUSY
        changed = busy != self._busy
        self._busy = busy
        for number in chosen:
            what = self.rules[number].what
            found = None if what is None else witnesses(what, self._cost)
            changed |= found != self._witnesses[number]
            self._witnesses[number] = found
        if changed:
            self._index_them()

    def _index_them(self) -> None:
        filed: dict[Literal, set[int]] = defaultdict(set)
        for number, some in self._witnesses.items():
            for literal in some or ():
                filed[literal].add(number)
        self.unwitnessed = frozenset(n for n, found in self._witnesses.items() if found is None)
        self._filed, self._index = filed, self._indexed(filed, self._busy)

    def _cost(self, literal: Literal, rare: float) -> float:
        """Return in what share of events a literal may be, of which ``rare`` is presumed."""
        if rare >= ALWAYS:
            return rare
        return (rare * _PRIOR + self._often[literal]) / (_PRIOR + self._counted)


def automaton(patterns: Sequence[bytes], *, busy: bool) -> BytesAhoCorasick:
    """Return what finds texts all at once; ``busy`` if in many events, for which making a table is worth it."""
    small = sum(map(len, patterns)) <= (_MOST_TABLE if busy else _SMALL_TABLE)
    return BytesAhoCorasick(patterns, implementation=Implementation.DFA if small else None)


def _mended(value: Value) -> object:
    if isinstance(value, list):
        return [_mended(each) for each in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _stands(literal: Literal, seen: Seen) -> bool:
    """Say whether an event has a literal that is somewhere in its values in the field that it is asked of."""
    return not literal.field or any(map(literal.stands_in, seen.small(literal.field)))
