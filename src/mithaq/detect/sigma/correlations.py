"""Correlations of Sigma rules (Sigma 2.1, "Correlation Rules Specification"), as pySigma reads them.

Served are those that can be known while events still come: a count or a number of values that is reached, and rules
that all match, in any order or in theirs. That something stays below a number, nobody knows before all is over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationConditionOperator,
    SigmaCorrelationRule,
    SigmaCorrelationType,
)
from sigma.exceptions import SigmaError

from mithaq.detect.language import Rule
from mithaq.detect.sigma.trouble import NotServed
from mithaq.model.yaml import Valued

_MOST_RULES, _MOST_COUNT, _MOST_SECONDS = 64, 10_000, 31 * 86_400


class Kind(Enum):
    """What of a group of events is looked at."""

    EVENTS = "event_count"
    VALUES = "value_count"
    TOGETHER = "temporal"
    IN_ORDER = "temporal_ordered"


@dataclass(frozen=True, slots=True)
class Part:
    """One rule that a correlation is about."""

    rules: tuple[Rule, ...]  # one for each source that serves it
    fields: Mapping[str, tuple[str, ...]]  # a field of the correlation -> what events may call it

    @property
    def digest(self) -> str:
        """Return the digest that all its rules bear."""
        return self.rules[0].digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Correlation:
    """What is told of when enough matches of some rules come within a time, in one group."""

    id: str
    digest: str
    title: str
    level: str
    techniques: tuple[str, ...]
    author: str
    kind: Kind
    parts: tuple[Part, ...]
    group_by: tuple[str, ...]
    seconds: int
    count: int  # events, values or rules that must be reached
    field: str = ""  # whose values are counted
    giver: str = ""  # as ``model.whose.Word``


@dataclass(frozen=True, slots=True)
class Said:
    """What a correlation says, before its rules are looked up."""

    kind: Kind
    rules: tuple[str, ...]
    group_by: tuple[str, ...]
    seconds: int
    count: int
    field: str
    aliases: Mapping[str, Mapping[str, str]]  # a field -> rule -> what the rule calls it

    @property
    def names(self) -> tuple[str, ...]:
        """Return the fields of events that it needs."""
        return (*self.group_by, self.field) if self.field else self.group_by


def said(correlation: Mapping[str, Valued]) -> Said:
    """Read what a correlation says.

    Raises:
        NotServed: it is none, or asks what is not served.
    """
    try:
        read = SigmaCorrelationRule.from_dict({"title": "t", "correlation": dict(correlation)})
    except SigmaError as error:
        raise NotServed(str(error), cause="correlation") from None
    except (TypeError, ValueError, AttributeError, KeyError, RecursionError):
        raise NotServed("a correlation that pySigma cannot read", cause="correlation") from None
    kind, rules = _kind(read.type), tuple(each.reference for each in read.rules or ())
    aliases = {
        each.alias: {ref.reference: str(name) for ref, name in each.mapping.items()}
        for each in read.aliases
    }
    seconds = read.timespan.seconds
    if not 0 < seconds <= _MOST_SECONDS:
        raise NotServed("a timespan is a month at most", cause="large")
    if not 0 < len(rules) <= _MOST_RULES:
        raise NotServed(f"a correlation is of {_MOST_RULES} rules at most", cause="large")
    ordered = kind in {Kind.TOGETHER, Kind.IN_ORDER}
    count, field = _condition(read.condition, ordered=ordered and "condition" not in correlation)
    return Said(
        kind=kind,
        rules=rules,
        group_by=tuple(map(str, read.group_by or ())),
        seconds=seconds,
        count=len(rules) if ordered and "condition" not in correlation else count,
        field=field if kind is Kind.VALUES else "",
        aliases=aliases,
    )


def _kind(read: SigmaCorrelationType) -> Kind:
    try:
        return Kind(read.name.lower())
    except ValueError:
        raise NotServed(f"{read.name.lower()} is not served", cause="correlation") from None


def _condition(read: object, *, ordered: bool) -> tuple[int, str]:
    """Return the number that must be reached, and the field whose values are counted."""
    if ordered:
        return 0, ""
    if not isinstance(read, SigmaCorrelationCondition) or not isinstance(read.count, int):
        raise NotServed("a condition that is no number to be reached", cause="correlation")
    more = {SigmaCorrelationConditionOperator.GTE: 0, SigmaCorrelationConditionOperator.GT: 1}
    if read.op not in more:
        says = "only that a number is reached (gte, gt) can be known while events still come"
        raise NotServed(says, cause="correlation")
    count = read.count + more[read.op]
    if not 0 < count <= _MOST_COUNT:
        raise NotServed(f"a count is {_MOST_COUNT} at most", cause="large")
    if isinstance(read.fieldref, list):
        raise NotServed("values of several fields at once", cause="correlation")
    return count, read.fieldref or ""


def fields(
    spoken: Said, name: str, known: Sequence[Mapping[str, tuple[str, ...]]]
) -> Mapping[str, tuple[str, ...]]:
    """Return what the events of one of its rules may call each field: ``known`` is what routes call them."""
    found: dict[str, tuple[str, ...]] = {}
    for each in spoken.names:
        own = spoken.aliases.get(each, {}).get(name, each)
        names = {theirs: None for route in known for theirs in route.get(own, ())}
        found[each] = (*names, own) if own not in names else tuple(names)
    return found
