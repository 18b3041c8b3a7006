"""What a STIX pattern says (STIX 2.1 section 9), as frozen trees.

Two levels: comparisons of one object in one observation, and what observations must come together, in which order and
in what time. AND, OR and FOLLOWEDBY hold any number of parts, so that a long pattern is no deep one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import NamedTuple, TypeAlias

from mithaq.errors import InputError

Constant: TypeAlias = str | int | float | bool | bytes | datetime
Step: TypeAlias = str | int | None  # a key, an index; None: any of a list


class PatternRefused(InputError):
    """A pattern cannot be evaluated; ``code`` says why, the fact ``at`` where (a number of characters)."""

    code = "pattern"


def refusal(code: str, message: str, **facts: str | int) -> PatternRefused:
    """Return the refusal of a pattern with its reason's code."""
    refused = PatternRefused(message, **facts)
    refused.code = f"pattern-{code}"
    return refused


class Path(NamedTuple):
    """An object path (section 9.7): what type of object, and the way to a value in it."""

    type: str
    steps: tuple[Step, ...]


class Operator(Enum):
    """What is asked of a value (section 9.6.1)."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "IN"
    LIKE = "LIKE"
    MATCHES = "MATCHES"
    SUBSET = "ISSUBSET"
    SUPERSET = "ISSUPERSET"
    EXISTS = "EXISTS"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A value of one object, asked one thing; one of several values will do."""

    path: Path
    operator: Operator
    constants: tuple[Constant, ...] = ()
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Every:
    """All of it holds for one object."""

    parts: "tuple[Compared, ...]"


@dataclass(frozen=True, slots=True)
class Some:
    """A part of it holds for one object."""

    parts: "tuple[Compared, ...]"


Compared: TypeAlias = Comparison | Every | Some


@dataclass(frozen=True, slots=True)
class Observed:
    """One observation of an object for which a comparison holds."""

    compared: Compared


@dataclass(frozen=True, slots=True)
class Together:
    """All parts, by different observations."""

    parts: "tuple[Observing, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """One part."""

    parts: "tuple[Observing, ...]"


@dataclass(frozen=True, slots=True)
class Followed:
    """Each part not before the parts to its left, by different observations."""

    parts: "tuple[Observing, ...]"


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part so many times, each by different observations."""

    part: "Observing"
    times: int


@dataclass(frozen=True, slots=True)
class Within:
    """All observations of a part within so many seconds."""

    part: "Observing"
    seconds: float


@dataclass(frozen=True, slots=True)
class Between:
    """All observations of a part from one instant until before another."""

    part: "Observing"
    start: datetime
    stop: datetime


Observing: TypeAlias = Observed | Together | Either | Followed | Repeated | Within | Between


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that was read."""

    expression: Observing
    tolerated: tuple[str, ...] = ()  # codes of what the grammar does not say and people write


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a pattern may ask for; one that asks for more is refused."""

    characters: int = 1 << 16
    nesting: int = 64  # brackets in one another
    comparisons: int = 1 << 12
    constants: int = 1 << 14  # of all its sets together
    repeats: int = 10_000  # observations, all repetitions multiplied
    seconds: float = 366 * 86_400.0  # of a window


LIMITS = Limits()
