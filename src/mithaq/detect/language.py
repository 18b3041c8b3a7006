"""Predicates over the fields of one event: what Sigma rules and the comparisons of STIX patterns come to.

A field that is not there makes a test false, whatever it asks but ``ABSENT``. Letters are told apart only where a test
is ``cased``. A field of several values holds if one of them does. ``holds`` is the plain meaning, tried in full; the
engine (``mithaq.detect.engine``) finds the same with less work.
"""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from mithaq.model.telemetry import LogSource, Scalar


class Op(Enum):
    """What is asked of a value."""

    EQUALS = "equals"
    CONTAINS = "contains"
    STARTS = "starts"
    ENDS = "ends"
    GLOB = "glob"  # ``*`` for any signs, ``?`` for one; a backslash before either makes it itself
    REGEX = "regex"  # somewhere in it; RE2's syntax
    CIDR = "cidr"
    LESS = "less"
    AT_MOST = "at-most"
    MORE = "more"
    AT_LEAST = "at-least"
    SAME_AS = "same-as"  # as the field that ``value`` names
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
