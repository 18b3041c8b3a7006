"""Reads STIX patterns (STIX 2.1 section 9): the whole grammar, with limits, in one pass and without recursion.

Precedence (section 9.5 and 9.6): NOT, comparison, AND, OR within brackets; outside of them qualifiers, AND, OR,
FOLLOWEDBY; each from left to right. Open brackets lie on a stack of our own, so their depth costs no other.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mithaq.detect.stix.comparisons import comparison
from mithaq.detect.stix.language import (
    LIMITS,
    Between,
    Comparison,
    Constant,
    Either,
    Every,
    Followed,
    Limits,
    Observed,
    Observing,
    Operator,
    Path,
    Pattern,
    PatternRefused,
    Repeated,
    Some,
    Step,
    Together,
    Within,
    refusal,
)
from mithaq.detect.stix.paths import path_of, plain
from mithaq.detect.stix.tokens import Token, constant_of, instant, text_of, tokens
from mithaq.model.patterns import alone

_BINDS = {"FOLLOWEDBY": 1, "OR": 2, "AND": 3}
_JOINS: dict[tuple[bool, str], Callable[[tuple[Any, ...]], Any]] = {
    (True, "AND"): Every,
    (True, "OR"): Some,
    (False, "AND"): Together,
    (False, "OR"): Either,
    (False, "FOLLOWEDBY"): Followed,
}
_SIGNS = {
    "=": Operator.EQUAL, "==": Operator.EQUAL, "!=": Operator.UNEQUAL, "<>": Operator.UNEQUAL,
    "<": Operator.LESS, "<=": Operator.AT_MOST, ">": Operator.MORE, ">=": Operator.AT_LEAST,
}  # fmt: skip
_WORDS = {
    word.value: word
    for word in (
        Operator.IN, Operator.LIKE, Operator.MATCHES, Operator.SUBSET, Operator.SUPERSET,
    )
}  # fmt: skip


def equality(pattern: str) -> tuple[Path, str, frozenset[str]] | None:
    """Return what nearly every pattern says, that something has one text, and what was tolerated; else None.

    It is not read in full for that.
    """
    found = alone(pattern)
    if found is None:
        return None
    path, tolerated = plain(found[0])
    return path, found[1], tolerated


def read(pattern: str, limits: Limits = LIMITS) -> Pattern:
    """Return what a pattern says.

    Raises:
        PatternRefused: it is none, or asks for more than ``limits`` allow.
    """
    if len(pattern) > limits.characters:
        raise refusal("length", "a pattern too long", most=limits.characters)
    return _Reader(list(tokens(pattern)), limits).whole()


@dataclass(slots=True)
class _Frame:
    """What stands within one pair of brackets: parts, and the operators between them."""

    sign: str
    compares: bool
    parts: list[Any] = field(default_factory=list)
    operators: list[str] = field(default_factory=list)

    def fold(self, least: int) -> None:
        """Join the parts between which operators bind at least so closely."""
        while self.operators and _BINDS[self.operators[-1]] >= least:
            operator = self.operators.pop()
            joined = [self.parts.pop()]
            while self.operators and self.operators[-1] == operator:
                self.operators.pop()
                joined.append(self.parts.pop())
            joined.append(self.parts.pop())
            self.parts.append(_JOINS[self.compares, operator](tuple(reversed(joined))))


@dataclass(slots=True)
class _Reader:
    tokens: list[Token]
    limits: Limits
    at: int = 0
    compared: int = 0
    constants: int = 0
    tolerated: set[str] = field(default_factory=set)

    def whole(self) -> Pattern:
        frames = [_Frame("", compares=False)]
        while True:
            self._opened(frames)
            frame = frames[-1]
            if frame.compares:
                frame.parts.append(self._comparison())
            if self._closed(frames):
                break
        expression: Observing = frames[0].parts[0]
        if repetitions(expression) > self.limits.repeats:
            raise refusal(
                "repeats", "a pattern repeats so often as can be counted", most=self.limits.repeats
            )
        return Pattern(expression, tuple(sorted(self.tolerated)))

    def _opened(self, frames: list[_Frame]) -> None:
        """Take the brackets before an operand."""
        while True:
            sign = self._here.written
            if sign == "[" and not frames[-1].compares:
                frames.append(_Frame("[", compares=True))
            elif sign == "(":
                frames.append(_Frame("(", compares=frames[-1].compares))
            elif frames[-1].compares:
                return
            else:
                raise self._unexpected("an observation in square brackets")
            self.at += 1
            if len(frames) > self.limits.nesting:
                raise refusal("nesting", "too many brackets in one another", at=self._here.at)

    def _closed(self, frames: list[_Frame]) -> bool:
        """Take what follows an operand up to the next one; say whether that was the end."""
        while True:
            frame = frames[-1]
            if not frame.compares:
                self._qualified(frame)
            operator = self._word("AND", "OR", *(() if frame.compares else ("FOLLOWEDBY",)))
            if operator:
                frame.fold(_BINDS[operator] + 1)
                frame.operators.append(operator)
                return False
            frame.fold(0)
            if not frame.sign:
                if self._here.kind:
                    raise self._unexpected("the end, or an operator between observations")
                return True
            if not self._take("]" if frame.sign == "[" else ")"):
                raise self._unexpected("an operator, or a closing bracket")
            frames.pop()
            whole = frame.parts[0]
            frames[-1].parts.append(Observed(whole) if frame.sign == "[" else whole)

    def _qualified(self, frame: _Frame) -> None:
        """Take the qualifiers of an operand (section 9.5.1), each kind of them once."""
        seen = set[str]()
        while word := self._word("REPEATS", "WITHIN", "START"):
            if word in seen:
                raise refusal("qualifier", "the same qualifier twice", at=self._here.at)
            seen.add(word)
            part = frame.parts.pop()
            if word == "REPEATS":
                frame.parts.append(Repeated(part, self._times()))
            elif word == "WITHIN":
                frame.parts.append(Within(part, self._seconds()))
            else:
                frame.parts.append(Between(part, *self._interval()))

    def _times(self) -> int:
        times = self._number("REPEATS")
        if not isinstance(times, int) or not 0 < times <= self.limits.repeats:
            raise refusal(
                "repeats", "a pattern repeats so often as can be counted", most=self.limits.repeats
            )
        self._must("TIMES")
        return times

    def _seconds(self) -> float:
        seconds = self._number("WITHIN")
        if not 0 < seconds <= self.limits.seconds:
            raise refusal(
                "window",
                "a window has more than no seconds, and an end",
                most=int(self.limits.seconds),
            )
        self._must("SECONDS")
        return float(seconds)

    def _interval(self) -> tuple[datetime, datetime]:
        start = self._instant()
        self._must("STOP")
        stop = self._instant()
        if start >= stop:
            raise refusal("interval", "STOP is not after START: nothing lies between")
        return start, stop

    def _instant(self) -> datetime:
        token = self._next()
        if token.kind != "text" or token.written[0] not in "t'":
            raise self._unexpected("a timestamp", token)
        if token.written[0] == "t":
            return instant(token.written[2:-1], token.at)
        self.tolerated.add("text-for-timestamp")  # as STIX 2.0 has it
        return instant(token.written[1:-1], token.at)

    def _comparison(self) -> Comparison:
        self.compared += 1
        if self.compared > self.limits.comparisons:
            raise refusal("comparisons", "too many comparisons", most=self.limits.comparisons)
        negated = bool(self._word("NOT"))
        if self._word("EXISTS"):
            return Comparison(self._path(), Operator.EXISTS, (), negated)
        if negated:
            raise self._unexpected("EXISTS after a NOT at the beginning")
        at = self._here.at
        path = self._path()
        negated = bool(self._word("NOT"))
        operator = _SIGNS.get(self._here.written) or _WORDS.get(self._word(*_WORDS) or "")
        if operator is None:
            raise self._unexpected("an operator of comparison")
        self.at += operator.value not in _WORDS
        constants = self._set() if operator is Operator.IN else (self._constant(),)
        return comparison(Comparison(path, operator, constants, negated), at)

    def _path(self) -> Path:
        type_ = self._next()
        if type_.kind != "name" or not self._take(":"):
            raise self._unexpected("an object path, such as file:name", type_)
        unquoted = set[str]()
        steps: list[Step] = [self._key(unquoted)]
        while self._here.written in {".", "["}:
            if self._take("."):
                steps.append(self._key(unquoted))
                continue
            self.at += 1
            index = self._next()
            if index.written != "*" and not (index.kind == "number" and index.written.isdigit()):
                raise self._unexpected("an index, or * for any", index)
            steps.append(None if index.written == "*" else int(index.written[:9]))
            if not self._take("]"):
                raise self._unexpected("a closing bracket")
        path, tolerated = path_of(type_.written, tuple(steps), frozenset(unquoted))
        self.tolerated |= tolerated
        return path

    def _key(self, unquoted: set[str]) -> str:
        token = self._next()
        if token.kind == "name":
            unquoted.add(token.written)
            return token.written
        if token.kind == "text" and token.written[0] == "'":
            return text_of(token.written)[0]
        raise self._unexpected("the name of a property", token)

    def _set(self) -> tuple[Constant, ...]:
        if not self._take("("):
            raise self._unexpected("a set in brackets after IN")
        found = list[Constant]()
        while not self._take(")"):
            if found and not self._take(","):
                raise self._unexpected("a comma or a closing bracket")
            found.append(self._constant())
        self.constants += len(found)
        if self.constants > self.limits.constants:
            raise refusal("constants", "too many values in sets", most=self.limits.constants)
        return tuple(found)

    def _constant(self) -> Constant:
        token = self._next()
        if token.kind == "text" and token.written[0] == "'":
            text, lone = text_of(token.written)
            if lone:
                self.tolerated.add("lone-backslash")
            return text
        if token.kind in {"text", "number"} or token.written.lower() in {"true", "false"}:
            return constant_of(token)
        raise self._unexpected("a value", token)

    def _number(self, of: str) -> int | float:
        token = self._next()
        if token.kind != "number":
            raise self._unexpected(f"a number after {of}", token)
        number = constant_of(token)
        return number if isinstance(number, int | float) else 0

    @property
    def _here(self) -> Token:
        return self.tokens[self.at]

    def _next(self) -> Token:
        token = self.tokens[self.at]
        self.at += bool(token.kind)
        return token

    def _take(self, sign: str) -> bool:
        taken = self._here.written == sign
        self.at += taken
        return taken

    def _word(self, *words: str) -> str | None:
        """Take one of some words of the language, in whichever case."""
        token = self._here
        word = token.written.upper()
        if token.kind != "name" or word not in words:
            return None
        if token.written != word:
            self.tolerated.add("small-keyword")
        self.at += 1
        return word

    def _must(self, word: str) -> None:
        if not self._word(word):
            raise self._unexpected(word)

    def _unexpected(self, wanted: str, token: Token | None = None) -> PatternRefused:
        at = (token or self._here).at
        return refusal("syntax", "this is no STIX pattern from there on", at=at, wanted=wanted)


def repetitions(expression: Observing) -> int:
    """Return of how many observations a pattern asks at most."""
    if isinstance(expression, Observed):
        return 1
    if isinstance(expression, Repeated):
        return expression.times * repetitions(expression.part)
    if isinstance(expression, Within | Between):
        return repetitions(expression.part)
    counts = map(repetitions, expression.parts)
    return max(counts) if isinstance(expression, Either) else sum(counts)
