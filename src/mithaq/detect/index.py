"""The witness index: which rules of a route an event may match, found by its values.

A route is the set of rules that events of one kind can match at all. The values of an event are searched together, for
all witnesses of the route at once: they stand on lines of their own, so that a whole value, the beginning of one or its
end are texts with the end of a line. What is found is then looked for in the field that it is asked of.

A route begins with the witnesses that are presumed to be rare. Of some events, ever fewer, all literals are counted;
rules that were candidates then get the witnesses that are rarest by that. What rules find is the same.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final, TypeAlias

from ahocorasick_rs import BytesAhoCorasick, Implementation

from mithaq.detect.closures import Seen, texts
from mithaq.detect.language import Predicate
from mithaq.detect.witnesses import ALWAYS, At, Literal, literals, presumed, witnesses
from mithaq.model.telemetry import Value

Numbers: TypeAlias = frozenset[int]  # of rules, as the engine counts them
FIRST: Final = 8  # events of a route before literals are counted
_LATER: Final = 4  # times as many events, before witnesses are chosen again
_PRIOR: Final = 4  # what is presumed of a literal counts as much as so many events
_MOST_TABLE: Final = (
    1 << 14
)  # bytes of literals whose automaton is a table: twice as fast, some hundred times as large
_SMALL_IN_ASCII: Final = ("\u0130", "\u212a")  # signs outside ASCII whose small letters are in it
_LINES: Final = {At.WHOLE: "\n{}\n", At.START: "\n{}", At.END: "{}\n", At.INSIDE: "{}"}


class Index:
    """Literals, found in an event all at once."""

    def __init__(self, known: Collection[Literal]) -> None:
        self._there = [each for each in known if each.at is At.ANYWHERE]
        lines: dict[str, list[Literal]] = defaultdict(list)
        for each in known:
            if each.at is not At.ANYWHERE:
                lines[_LINES[each.at].format(each.text)].append(each)
        self._lines = list(lines.values())
        self._automaton = _automaton([line.encode() for line in lines]) if lines else None
        self._is_plain = all(each.text.isascii() for each in known)
        names = {each.field for each in known}
        self._names = None if "" in names else sorted(names)

    def found_in(self, seen: Seen) -> list[Literal]:
        """Return the literals that an event has."""
        fields = seen.fields
        found = [each for each in self._there if fields.get(each.field) is not None]
        if self._automaton is not None:
            whole = _whole(fields, self._names, plain=self._is_plain)
            hits = self._automaton.find_matches_as_indexes(whole, overlapping=True)
            for number in {number for number, _, _ in hits}:
                found += [each for each in self._lines[number] if _stands(each, seen)]
        return found


class Route:
    """The rules that events of one kind can match, filed under their witnesses."""

    def __init__(self, rules: Mapping[int, Predicate]) -> None:
        self.rules = rules
        self._events = 0
        self._count_at, self._file_at = FIRST, 2 * FIRST
        self._often: Counter[Literal] = Counter()
        self._counted = 0  # events
        self._witnesses: dict[int, frozenset[Literal] | None] = {}
        self._candidates: set[int] = set()  # since the witnesses were chosen
        self._file(rules)

    def candidates(self, seen: Seen) -> set[int]:
        """Return the rules that an event may match."""
        self._events += 1
        if self._events >= self._count_at:
            self._learn(seen)
        found: set[int] = set()
        for literal in self._index.found_in(seen):
            found |= self._filed[literal]
        self._candidates |= found
        return found | self.unwitnessed

    @cached_property
    def _all(self) -> Index:
        return Index({each for rule in self.rules.values() for each in literals(rule)})

    def _learn(self, seen: Seen) -> None:
        self._often.update(self._all.found_in(seen))
        self._counted += 1
        self._count_at += max(1, self._events // FIRST)
        if self._events >= self._file_at:
            self._file_at *= _LATER
            self._file(self._candidates)
            self._candidates = set()

    def _file(self, chosen: Iterable[int]) -> None:
        for number in chosen:
            self._witnesses[number] = witnesses(self.rules[number], self._cost)
        filed: dict[Literal, set[int]] = defaultdict(set)
        for number, found in self._witnesses.items():
            for literal in found or ():
                filed[literal].add(number)
        self.unwitnessed = frozenset(n for n, found in self._witnesses.items() if found is None)
        self._filed, self._index = filed, Index(filed)

    def _cost(self, literal: Literal) -> float:
        """Return in what share of events a literal may be."""
        rare = presumed(literal)
        if rare >= ALWAYS:
            return rare
        return (rare * _PRIOR + self._often[literal]) / (_PRIOR + self._counted)


def _automaton(patterns: Sequence[bytes]) -> BytesAhoCorasick:
    small = sum(map(len, patterns)) <= _MOST_TABLE
    return BytesAhoCorasick(patterns, implementation=Implementation.DFA if small else None)


def _whole(fields: Mapping[str, Value], names: Sequence[str] | None, *, plain: bool) -> bytes:
    """Return the values of fields, of all if none is named, in small letters, with a line's end around each.

    Half a surrogate pair, which no literal has, becomes a question mark. If all literals are ``plain``, signs outside
    ASCII stay as they are, but for those whose small letters are in it: making them small takes most of the time.
    """
    values = fields.values() if names is None else [*map(fields.get, names)]
    whole = "\n".join([each if type(each) is str else _text(each) for each in values])
    if plain and not any(sign in whole for sign in _SMALL_IN_ASCII):
        return f"\n{whole}\n".encode("utf-8", "replace").lower()
    return f"\n{whole}\n".lower().encode("utf-8", "replace")


def _text(value: Value) -> str:
    return str(value) if type(value) is int else "\n".join(texts(value))


def _stands(literal: Literal, seen: Seen) -> bool:
    """Say whether an event has a literal that is somewhere in its values in the field that it is asked of."""
    return not literal.field or any(map(literal.stands_in, seen.small(literal.field)))
