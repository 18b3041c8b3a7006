"""Searches of Sigma rules, as pySigma reads them, become predicates over the names that the rule uses.

pySigma applies the modifiers. What can be larger than its text is bounded before: a modifier stands once in a chain,
and what ``windash`` and ``base64offset`` spread out is counted. Whatever its own checks let through and then stumble
over is refused as well.
"""

from collections.abc import Mapping

from sigma import types as sigma
from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.rule.detection import SigmaDetection, SigmaDetectionItem, SigmaDetections

from mithaq.detect.language import All, Any, Not, Op, Predicate, Test, escaped
from mithaq.detect.regexes import BadRegex, regex
from mithaq.detect.sigma.trouble import NotServed
from mithaq.model.yaml import Valued

_MOST_VALUES = 1 << 15  # of one rule, with what modifiers make of them
_MOST_LITERAL = 1 << 14  # characters of one value
_SPREADS = {"windash": 125, "base64offset": 3}
_STUMBLES = (TypeError, ValueError, AttributeError, KeyError, IndexError, RecursionError)
_MANY, _ONE = sigma.SpecialChars.WILDCARD_MULTI, sigma.SpecialChars.WILDCARD_SINGLE
_ORDERS = {
    sigma.CompareOperators.LT: Op.LESS,
    sigma.CompareOperators.LTE: Op.AT_MOST,
    sigma.CompareOperators.GT: Op.MORE,
    sigma.CompareOperators.GTE: Op.AT_LEAST,
}
# How a text asks, by whether anything may stand before it and behind it.
_SIDES = {
    (False, False): Op.EQUALS,
    (False, True): Op.STARTS,
    (True, False): Op.ENDS,
    (True, True): Op.CONTAINS,
}
_REFERS = {
    (False, False): Op.SAME_AS,
    (True, False): Op.STARTS_AS,
    (False, True): Op.ENDS_AS,
    (True, True): Op.CONTAINS_OF,
}
_FLAGS = sigma.SigmaRegularExpressionFlag


class _Regexes(RegexEngine):
    """Has pySigma try expressions by the budget of all, and without a word to anybody's terminal."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002 flags cannot make one bad
        compiled: RegexPattern = regex(pattern).compiled
        return compiled

    @property
    def error(self) -> type[Exception]:
        return BadRegex


_POLICY = SigmaPolicy(regex_engine=_Regexes())


def searches(detection: Mapping[str, Valued]) -> dict[str, Predicate]:
    """Return the searches of a rule by their names.

    Raises:
        NotServed: one cannot be read, or is more than anybody may ask.
    """
    some = {n: v for n, v in detection.items() if n not in {"condition", "timeframe"}}
    budget = _Budget()
    for each in some.values():
        budget.take(each, 1)
    try:
        read = SigmaDetections.from_dict({**some, "condition": "x"}, policy=_POLICY)
    except SigmaError as error:
        cause = "regex" if isinstance(error.__cause__, BadRegex) else "value"
        raise NotServed(str(error.__cause__ or error), cause=cause) from None
    except _STUMBLES:
        raise NotServed("a search that pySigma cannot read", cause="value") from None
    return {name: _detection(each) for name, each in read.detections.items()}


class _Budget:
    """What a rule may still say before modifiers make more of it."""

    def __init__(self) -> None:
        self._left = _MOST_VALUES

    def take(self, said: Valued, times: int) -> None:
        """Count a search, each of whose values is made ``times`` as many."""
        if isinstance(said, dict):
            for key, value in said.items():
                self.take(value, times * _spread(key))
        elif isinstance(said, list):
            for each in said:
                self.take(each, times)
        else:
            self._left -= times
            if self._left < 0:
                raise NotServed(f"more than {_MOST_VALUES} values", cause="large")
            if isinstance(said, str) and len(said) > _MOST_LITERAL:
                raise NotServed(f"a value has at most {_MOST_LITERAL} characters", cause="large")


def _spread(key: str) -> int:
    modifiers = key.split("|")[1:]
    if len(modifiers) != len(set(modifiers)):
        raise NotServed("a modifier that stands twice in a chain", cause="value")
    times = 1
    for each in modifiers:
        times *= _SPREADS.get(each, 1)
    return times


def _joined(parts: "list[Predicate]", linked: object) -> Predicate:
    if len(parts) == 1:
        return parts[0]
    return All(tuple(parts)) if linked is ConditionAND else Any(tuple(parts))


def _detection(read: SigmaDetection) -> Predicate:
    parts = [
        _item(each) if isinstance(each, SigmaDetectionItem) else _detection(each)
        for each in read.detection_items
    ]
    return _joined(parts, read.item_linking)


def _item(read: SigmaDetectionItem) -> Predicate:
    if not read.value:
        parts: list[Predicate] = [_null(read.field or "")]
    else:
        parts = [_value(read.field or "", each) for each in read.value]
    whole = _joined(parts, read.value_linking)
    return Not(whole) if read.negated else whole


def _null(field: str) -> Predicate:
    if not field:
        raise NotServed("a null that is in no field", cause="value")
    return Test(field, Op.ABSENT)


def _value(field: str, value: sigma.SigmaType) -> Predicate:
    match value:
        case sigma.SigmaExpansion():
            return Any(tuple(_value(field, each) for each in value.values))
        case sigma.SigmaString():
            return _string(field, value)
        case sigma.SigmaRegularExpression():
            return _regex(field, value)
        case sigma.SigmaTimestampPart():
            says = "a part of a date: minute, hour, day, week, month, year"
            raise NotServed(says, cause="modifier")
        case sigma.SigmaNull():
            return _null(field)
    return _other(field, value)


def _other(field: str, value: sigma.SigmaType) -> Predicate:
    match value:
        case sigma.SigmaNumber():
            return Test(field, Op.EQUALS if field else Op.CONTAINS, value.number)
        case sigma.SigmaBool():
            return Test(field, Op.EQUALS, value.boolean)
        case sigma.SigmaExists():
            there = Test(field, Op.PRESENT)
            return there if value.exists else Not(there)
        case sigma.SigmaCIDRExpression():
            return Test(field, Op.CIDR, str(value.network))
        case sigma.SigmaCompareExpression() if value.op in _ORDERS:
            return Test(field, _ORDERS[value.op], value.number.number)
        case sigma.SigmaFieldReference():
            return Test(field, _REFERS[value.starts_with, value.ends_with], value.field)
    raise NotServed("a value of a kind that is not served", cause="value")


def _string(field: str, value: sigma.SigmaString) -> Predicate:
    cased = isinstance(value, sigma.SigmaCasedString)
    parts = list(value.s)
    if any(isinstance(each, sigma.Placeholder) for each in parts):
        raise NotServed("a placeholder that somebody else is to fill in", cause="placeholder")
    if not field:  # a keyword stands anywhere in a value
        parts = [_MANY, *parts, _MANY]
    before = behind = False
    while parts and parts[0] is _MANY:
        before = bool(parts.pop(0))
    while parts and parts[-1] is _MANY:
        behind = bool(parts.pop())
    if not parts and (before or behind):
        return Test(field, Op.PRESENT)
    if all(isinstance(each, str) for each in parts):
        return Test(field, _SIDES[before, behind], "".join(map(str, parts)), cased)
    inner = "".join(escaped(e) if isinstance(e, str) else "*" if e is _MANY else "?" for e in parts)
    return Test(field, Op.GLOB, "*" * before + inner + "*" * behind, cased)


def _regex(field: str, value: sigma.SigmaRegularExpression) -> Predicate:
    if not isinstance(value.regexp, sigma.SigmaString):
        raise NotServed("an expression that is no text", cause="value")
    flags = "".join(
        sign
        for flag, sign in ((_FLAGS.MULTILINE, "m"), (_FLAGS.DOTALL, "s"))
        if flag in value.flags
    )
    pattern = (f"(?{flags})" if flags else "") + str(value.regexp)
    if value.regexp.contains_placeholder():
        raise NotServed("a placeholder that somebody else is to fill in", cause="placeholder")
    return Test(field, Op.REGEX, pattern, _FLAGS.IGNORECASE not in value.flags)
