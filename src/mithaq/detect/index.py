"""The witness index: which rules of a route an event may match, found by its values.

A route is the set of rules that events of one kind can match at all. Per field it has the whole values that are
witnesses in a table and all other literals in one Aho-Corasick automaton. It begins with witnesses by their presumed
rarity; having seen some events it chooses them anew by how often each literal was in those. What is found is the same.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

from ahocorasick_rs import AhoCorasick

from mithaq.detect.closures import texts
from mithaq.detect.language import Predicate
from mithaq.detect.witnesses import At, Cost, Literal, literals, presumed, witnesses
from mithaq.model.telemetry import Value

Numbers: TypeAlias = frozenset[int]  # of rules, as the engine counts them
NONE: Final[Numbers] = frozenset()
LEARN: Final = 512  # events of a route after which witnesses are chosen anew
_LEARN_VALUES: Final = 4096  # distinct values of one field that are looked at for it
_MEMO_LENGTH: Final = 512  # characters of a value that is remembered
_MEMO_ROOM: Final = 1 << 16  # values remembered in all


class Memory:
    """Room for what is remembered of values, shared by all fields of all routes; full, all is forgotten."""

    def __init__(self, room: int = _MEMO_ROOM) -> None:
        self._room = self._left = room
        self._memos: list[dict[str, Numbers]] = []

    def memo(self) -> dict[str, Numbers]:
        """Return a memo of this room, empty."""
        memo: dict[str, Numbers] = {}
        self._memos.append(memo)
        return memo

    def put(self, memo: dict[str, Numbers], value: str, found: Numbers) -> None:
        """Remember what was found by a value."""
        if len(value) > _MEMO_LENGTH:
            return
        if not self._left:
            for each in self._memos:
                each.clear()
            self._left = self._room
        memo[value] = found
        self._left -= 1

    def release(self, memos: Iterable[dict[str, Numbers]]) -> None:
        """Give back the room of memos that are no longer used."""
        gone = {id(each) for each in memos}
        self._left += sum(len(each) for each in self._memos if id(each) in gone)
        self._memos = [each for each in self._memos if id(each) not in gone]


class Literals:
    """Literals, and who asks for each: found in a value all at once."""

    def __init__(self, known: Mapping[Literal, Numbers]) -> None:
        self.always = _joined(asks for each, asks in known.items() if each.at is At.ANYWHERE)
        self._whole = {each.text: asks for each, asks in known.items() if each.at is At.WHOLE}
        placed: dict[str, dict[At, Numbers]] = defaultdict(dict)
        for each, asks in known.items():
            if each.at not in {At.ANYWHERE, At.WHOLE}:
                placed[each.text][each.at] = asks
        self._placed = [
            (places.get(At.INSIDE, NONE), places.get(At.START, NONE), places.get(At.END, NONE))
            for places in placed.values()
        ]
        self._automaton = AhoCorasick(list(placed), store_patterns=False) if placed else None

    def found_in(self, value: str) -> Numbers:
        """Return who asks for what a value, in small letters, is or has."""
        found = {self.always, self._whole.get(value, NONE)}
        if self._automaton is not None:
            for number, start, end in self._in(value):
                inside, first, last = self._placed[number]
                found.add(inside)
                if first and start == 0:
                    found.add(first)
                if last and end == len(value):
                    found.add(last)
        return _joined(found)

    def _in(self, value: str) -> list[tuple[int, int, int]]:
        assert self._automaton is not None  # noqa: S101 the caller asked
        try:
            return self._automaton.find_matches_as_indexes(value, overlapping=True)
        except UnicodeEncodeError:  # half a surrogate pair, which no literal has
            mended = value.encode("utf-8", "replace").decode()
            return self._automaton.find_matches_as_indexes(mended, overlapping=True)


class Route:
    """The rules that events of one kind can match, filed under their witnesses."""

    def __init__(self, rules: Mapping[int, Predicate], memory: Memory) -> None:
        self.rules = rules
        self._memory = memory
        self._left = LEARN
        self._sample: dict[str, Counter[str]] = defaultdict(Counter)
        self._wanted = {each.field for rule in rules.values() for each in literals(rule)}
        self._fields: dict[str, tuple[dict[str, Numbers], Literals]] = {}
        self._file(presumed)

    def candidates(self, fields: Mapping[str, Value]) -> Numbers:
        """Return the rules that an event may match."""
        if self._left:
            self._learn(fields)
        found = self.unwitnessed
        filed = self._fields
        for name in fields.keys() & filed.keys():
            memo, known = filed[name]
            value = fields[name]
            if isinstance(value, str):
                hits = memo.get(value)
                if hits is None:
                    hits = self._look(memo, known, value)
            else:
                hits = _joined(self._look(memo, known, each) for each in texts(value))
            if hits:
                found = found | hits if found else hits
        if self._anywhere is not None:  # one search through all values together
            found |= self._anywhere.found_in(_whole(fields).lower())
        return found

    def _look(self, memo: dict[str, Numbers], known: Literals, value: str) -> Numbers:
        found = known.found_in(value.lower())
        self._memory.put(memo, value, found)
        return found

    def _learn(self, fields: Mapping[str, Value]) -> None:
        self._left -= 1
        for name in self._wanted:
            values = [fields.get(name)] if name else list(fields.values())
            known = self._sample[name]
            for each in (text.lower() for value in values for text in texts(value)):
                if each in known or len(known) < _LEARN_VALUES:
                    known[each] += 1
        if not self._left:
            self._memory.release(memo for memo, _ in self._fields.values())
            self._file(_measured(self.rules.values(), self._sample))
            self._sample.clear()

    def _file(self, cost: Cost) -> None:
        asks: dict[str, dict[Literal, set[int]]] = defaultdict(lambda: defaultdict(set))
        without: set[int] = set()
        for number, rule in self.rules.items():
            found = witnesses(rule, cost)
            if found is None:
                without.add(number)
            for each in found or ():
                asks[each.field][each].add(number)
        self.unwitnessed = frozenset(without)
        everywhere = asks.pop("", None)
        self._anywhere = None if everywhere is None else Literals(_numbered(everywhere))
        self._fields = {
            name: (self._memory.memo(), Literals(_numbered(known))) for name, known in asks.items()
        }


def _numbered(asks: Mapping[Literal, set[int]]) -> dict[Literal, Numbers]:
    return {literal: frozenset(who) for literal, who in asks.items()}


def _measured(rules: Iterable[Predicate], sample: Mapping[str, Counter[str]]) -> Cost:
    """Return how often literals were in a sample; of those that never were, the presumed rarity breaks the tie."""
    wanted: dict[str, list[Literal]] = defaultdict(list)
    for each in {each for rule in rules for each in literals(rule)}:
        wanted[each.field].append(each)
    often: Counter[Literal] = Counter()
    for name, asked in wanted.items():
        known = Literals({each: frozenset({number}) for number, each in enumerate(asked)})
        for value, times in sample.get(name, Counter[str]()).items():
            for number in known.found_in(value):
                often[asked[number]] += times
    return lambda literal: often[literal] + presumed(literal) / 100


def _whole(fields: Mapping[str, Value]) -> str:
    values = [
        value if isinstance(value, str) else "\n".join(texts(value)) for value in fields.values()
    ]
    return "\n".join(values)


def _joined(parts: Iterable[Numbers]) -> Numbers:
    held: Sequence[Numbers] = [each for each in parts if each]
    return held[0] if len(held) == 1 else NONE.union(*held)
