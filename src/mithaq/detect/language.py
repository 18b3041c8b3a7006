"""Predicates over the fields of one event: what Sigma rules and the comparisons of STIX patterns come to.

A field that is not there makes a test false, whatever it asks but ``ABSENT``. Letters are told apart only where a test
is ``cased``: else both sides are made small first, as ``str.lower`` does. A field of several values holds if one of
them does. ``holds`` is the plain meaning, tried in full; the engine (``mithaq.detect.engine``) finds the same with less
work.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from operator import ge, gt, le, lt
from typing import Final, TypeAlias

from mithaq.detect.regexes import Regex, regex
from mithaq.model.telemetry import Event, LogSource, Scalar


class Op(StrEnum):
    """What is asked of a value."""

    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    GLOB = "glob"  # all of it: ``*`` for any signs, ``?`` for one; ``pieces`` takes it apart
    REGEX = "regex"  # somewhere in it; RE2's syntax
    CIDR = "cidr"  # an address in that network
    LESS = "less"  # numbers by size; of a test whose value is a text, texts by code points
    AT_MOST = "at-most"
    MORE = "more"
    AT_LEAST = "at-least"
    SAME_AS = "same-as"  # as the field that ``value`` names
    CONTAINS_OF = "contains-of"  # what that field holds
    STARTS_AS = "starts-as"
    ENDS_AS = "ends-as"
    PRESENT = "present"
    ABSENT = "absent"  # or null


@dataclass(frozen=True, slots=True)
class Test:
    """One question to one field; of ``field`` empty, to every value of the event."""

    field: str
    op: Op
    value: Scalar = None
    cased: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds; none at all holds for nothing."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    """One part holds."""

    parts: "tuple[Predicate, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: "Predicate"


Predicate: TypeAlias = Test | All | Any | Not


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule that can be evaluated."""

    id: str
    giver: str = ""  # as ``model.whose.Word``
    digest: str  # of its text and of what it was compiled with
    title: str
    source: LogSource  # of the events it is about
    predicate: Predicate
    level: str = ""  # informational | low | medium | high | critical
    techniques: tuple[str, ...] = ()  # of ATT&CK, as T1059.001
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unserved:
    """A rule that no event here can be held against, and why: it is told of, never dropped."""

    id: str
    title: str
    code: str
    why: str
    line: int = 0  # in its text, from 1; 0: not said


# --- the plain meaning --------------------------------------------------------------------------------
def holds(predicate: Predicate, event: Event) -> bool:
    """Say whether a predicate holds for an event.

    Raises:
        BadRegex: it has an expression that RE2 refuses.
    """
    match predicate:
        case All(parts):
            return bool(parts) and all(holds(part, event) for part in parts)
        case Any(parts):
            return any(holds(part, event) for part in parts)
        case Not(part):
            return not holds(part, event)
    return _answers(predicate, event)


def _answers(test: Test, event: Event) -> bool:
    values = [*_values(event, test.field)]
    if test.op is Op.PRESENT:
        return bool(values)
    if test.op is Op.ABSENT:
        return not values
    if test.op in _AS:
        others = [*_values(event, str(test.value))]
        compare = _AS[test.op]
        return any(
            compare(_small(value, test), _small(other, test))
            for value in values
            for other in others
        )
    return any(_one(test, value) for value in values)


def _values(event: Event, field: str) -> Iterator[Scalar]:
    """Yield what a field holds, or all fields do; what is null is not there."""
    held = (event.fields.get(field),) if field else event.fields.values()
    for value in held:
        for each in value if isinstance(value, list) else (value,):
            if each is not None:
                yield each


def text(value: Scalar) -> str:
    """Return what a value is compared as: a whole number without its fraction, a truth as JSON writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else str(value)


def _small(value: Scalar, test: Test) -> str:
    return text(value) if test.cased else text(value).lower()


def _one(test: Test, value: Scalar) -> bool:
    if test.op in _TEXTS:
        return _TEXTS[test.op](_small(value, test), _small(test.value, test))
    if test.op is Op.GLOB:
        return glob(text(test.value), cased=test.cased).is_all_of(_small(value, test))
    if test.op is Op.REGEX:
        return regex(text(test.value), cased=test.cased).found_in(text(value))
    if test.op is Op.CIDR:
        return within(text(value), text(test.value))
    return _ordered(test, value)


def _ordered(test: Test, value: Scalar) -> bool:
    compare = _ORDERS[test.op]
    if isinstance(test.value, str):
        return compare(_small(value, test), _small(test.value, test))
    one, other = number(value), number(test.value)
    return one is not None and other is not None and compare(one, other)


_TEXTS: dict[Op, Callable[[str, str], bool]] = {
    Op.EQUALS: str.__eq__,
    Op.CONTAINS: str.__contains__,
    Op.STARTS: str.startswith,
    Op.ENDS: str.endswith,
}
_AS: dict[Op, Callable[[str, str], bool]] = {
    Op.SAME_AS: str.__eq__,
    Op.CONTAINS_OF: str.__contains__,
    Op.STARTS_AS: str.startswith,
    Op.ENDS_AS: str.endswith,
}
_ORDERS: dict[Op, Callable[..., bool]] = {
    Op.LESS: lt,
    Op.AT_MOST: le,
    Op.MORE: gt,
    Op.AT_LEAST: ge,
}


# --- values -------------------------------------------------------------------------------------------
class Wild(Enum):
    """What stands for signs in a glob."""

    MANY = "*"
    ONE = "?"


Piece: TypeAlias = str | Wild
_GLOB = re.compile(r"\\([*?\\])|([*?])|([^*?\\]+|\\)", re.DOTALL)
_SPECIAL = re.compile(r"[*?\\]")
_DECIMAL = re.compile(r"\s*[+-]?[0-9]{1,300}(?:\.[0-9]{1,300})?\s*", re.ASCII)
_HEX = re.compile(r"0x[0-9a-f]{1,32}", re.IGNORECASE)
_MOST_ADDRESS: Final = 64  # characters


def pieces(glob: str) -> list[Piece]:
    """Take a glob apart: a backslash makes the wildcard or backslash behind it a plain sign, and is one elsewhere."""
    found: list[Piece] = []
    for escaped, wild, plain in _GLOB.findall(glob):
        piece: Piece = Wild(wild) if wild else escaped or plain
        if isinstance(piece, str) and found and isinstance(found[-1], str):
            found[-1] += piece
        else:
            found.append(piece)
    return found


def escaped(literal: str) -> str:
    """Return the glob that stands for one text alone."""
    return _SPECIAL.sub(r"\\\g<0>", literal)


@lru_cache(maxsize=1 << 14)
def glob(written: str, *, cased: bool) -> Regex:
    """Return the expression that a glob is; where letters are not told apart it awaits a text of small ones."""
    known = {Wild.MANY: ".*", Wild.ONE: "."}
    parts = pieces(written if cased else written.lower())
    whole = "".join(known[p] if isinstance(p, Wild) else re.escape(p) for p in parts)
    return regex(whole, lines=True)


def number(value: Scalar) -> float | int | None:
    """Return the number that a value is, or writes: decimal, or hexadecimal behind ``0x``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return float(value) if "." in value else int(value)
    return int(value, 16) if isinstance(value, str) and _HEX.fullmatch(value) else None


def within(written: str, network: str) -> bool:
    """Say whether a text is an address in a network; one of IPv4 in the clothes of IPv6 is itself."""
    if len(written) > _MOST_ADDRESS:
        return False
    try:
        address = ip_address(written.strip().partition("%")[0])
        around = _network(network)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and around.version == 4:  # noqa: PLR2004 the version of IP
        return address.ipv4_mapped is not None and address.ipv4_mapped in around
    return address in around


@lru_cache(maxsize=1 << 12)
def _network(written: str) -> IPv4Network | IPv6Network:
    return ip_network(written, strict=False)
