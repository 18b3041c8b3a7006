"""The defence cycle as figures: of each technique, would we see it, would we stop it, is it a gap, is it proved.

A figure is worked out from evidence that is named beside it, and never entered:

- **seen** is the best that any rule, or any proof, gives: 0 without a rule, or if no telemetry serves one; 25 if one
  could be evaluated and nobody looks for it; 60 if a hunt or a watch looks for it; 100 if it was proved lately.
- **stopped** is the share of the mitigations that ATT&CK knows for it which are in place; one that is partly so counts
  half, one that does not apply here counts nowhere. Where ATT&CK knows none, nothing can be said.
- **score** is the mean of both, or what is seen alone where nothing is known that would stop it.

More rules, more telemetry, more proofs or more mitigations in place never lower a figure; a rule without telemetry is
as good as none.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from mithaq.detect.collected import Needs, serves, wanting


class Seen(StrEnum):
    """How far a technique would be seen, from least to most."""

    NONE = "none"  # no rule is about it
    BLIND = "blind"  # no rule about it has telemetry
    IDLE = "idle"  # one could be evaluated, and nobody looks for it
    WATCHED = "watched"  # one is looked for
    PROVED = "proved"  # and was shown to find it


class Stopped(StrEnum):
    """How far a technique would be stopped."""

    UNKNOWN = "unknown"  # ATT&CK knows no mitigation that applies here
    NOT = "not"
    PARTLY = "partly"
    FULLY = "fully"


class State(StrEnum):
    """What people say of a mitigation here."""

    IN_PLACE = "in-place"
    PARTLY = "partly"
    PLANNED = "planned"
    ABSENT = "absent"
    NOT_APPLICABLE = "not-applicable"
    UNASSESSED = "unassessed"


class Gap(StrEnum):
    """What is wanting of a technique."""

    OPEN = "open"  # nothing of ours would see it, nor fully stop it
    ACCEPTED = "accepted"  # the same, and somebody took that upon themselves, for a time
    UNPROVED = "unproved"  # it should be seen, and nothing ever showed that it is
    CLOSED = "closed"


SEEN_POINTS: Final[Mapping[Seen, int]] = {
    Seen.NONE: 0, Seen.BLIND: 0, Seen.IDLE: 25, Seen.WATCHED: 60, Seen.PROVED: 100,
}  # fmt: skip
STATE_POINTS: Final[Mapping[State, int]] = {
    State.IN_PLACE: 100, State.PARTLY: 50, State.PLANNED: 0, State.ABSENT: 0, State.UNASSESSED: 0,
}  # fmt: skip
_SEES: Final = frozenset({Seen.WATCHED, Seen.PROVED})
FIRST, LAST = 1, 5  # priorities


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRule:
    """A rule as far as the cycle needs it."""

    key: str  # what it is known by
    techniques: tuple[str, ...]
    needs: Needs  # log sources; empty: it cannot be evaluated on anything
    used: str = ""  # the day on which somebody last looked for it, if that is lately
    source: str = ""  # who gave it
    number: int = 0  # of the object that it is here; 0: of a file
    level: int = 0  # of TLP
    title: str = field(default="", repr=False)
    kind: str = "sigma"  # or yara, stix: a rule over files, a pattern over what logs tell of


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What showed that a technique is seen."""

    kind: str  # hit | hunt | recording | test | drill
    what: str  # a group of hits, a file by its digest, or what a person wrote
    day: str
    number: int = 0  # of what people noted; 0: of hits
    level: int = 0  # of TLP
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that is known of one technique here."""

    rules: Sequence[HeldRule] = ()
    mitigations: Mapping[str, State] = field(
        default_factory=dict
    )  # of all that ATT&CK knows for it
    proofs: Sequence[Proof] = ()  # that still count
    accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How we stand to one technique."""

    seen: Seen
    stopped: Stopped
    gap: Gap
    see: int  # points of a hundred
    stop: int | None  # None: nothing is known that would
    score: int
    rules: int = 0
    evaluable: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)  # how many of those are of each


def standing(evidence: Evidence, collected: Collection[str]) -> Standing:
    """Return how we stand to a technique, by the evidence and the log sources that are collected."""
    able = [each for each in evidence.rules if serves(collected, each.needs)]
    seen = _seen(evidence, able)
    see, stop = SEEN_POINTS[seen], _stop(evidence.mitigations.values())
    stopped = _stopped(stop)
    return Standing(
        seen=seen,
        stopped=stopped,
        gap=_gap(seen, stopped, accepted=evidence.accepted),
        see=see,
        stop=stop,
        score=see if stop is None else (see + stop) // 2,
        rules=len(evidence.rules),
        evaluable=len(able),
        kinds=Counter(each.kind for each in able),
    )


def _seen(evidence: Evidence, able: Sequence[HeldRule]) -> Seen:
    if evidence.proofs:
        return Seen.PROVED
    if any(each.used for each in able):
        return Seen.WATCHED
    if able:
        return Seen.IDLE
    return Seen.BLIND if evidence.rules else Seen.NONE


def _stop(states: Iterable[State]) -> int | None:
    points = [STATE_POINTS[each] for each in states if each is not State.NOT_APPLICABLE]
    return sum(points) // len(points) if points else None


def _stopped(stop: int | None) -> Stopped:
    if stop is None:
        return Stopped.UNKNOWN
    return (
        Stopped.FULLY
        if stop == STATE_POINTS[State.IN_PLACE]
        else Stopped.PARTLY
        if stop
        else Stopped.NOT
    )


def _gap(seen: Seen, stopped: Stopped, *, accepted: bool) -> Gap:
    if seen is Seen.PROVED or stopped is Stopped.FULLY:
        return Gap.CLOSED
    if seen in _SEES:
        return Gap.UNPROVED
    return Gap.ACCEPTED if accepted else Gap.OPEN


# --- threats -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Threat:
    """Whoever uses techniques against us, or may."""

    key: str  # ATT&CK's number, else a STIX id
    name: str
    type: str
    techniques: frozenset[str]
    reasons: tuple[str, ...] = ()  # codes: each lifts it by one
    facts: Mapping[str, str] = field(default_factory=dict)  # what the reasons rest on
    ids: frozenset[str] = frozenset()
    level: int = 0  # of TLP, of what is said of it beside ATT&CK
    set_priority: int = 0  # by a person; 0: by nobody
    why: str = ""
    by: str = ""

    @property
    def priority(self) -> int:
        """From 1, the first, to 5: what a person says; else each reason lifts it by one from the last."""
        return self.set_priority or max(FIRST, LAST - len(self.reasons))


def weight(threats: Iterable[Threat]) -> int:
    """Return what a technique weighs by those who use it: one of priority 1 as much as five of priority 5."""
    return sum(LAST + 1 - each.priority for each in threats)


def mean(weighed: Iterable[tuple[int, int]]) -> int | None:
    """Return the mean of some points by their weights, (points, weight), rounded down; None of nothing."""
    some = [(points, each) for points, each in weighed if each]
    whole = sum(each for _, each in some)
    return sum(points * each for points, each in some) // whole if whole else None


# --- what closes gaps ----------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What one log source more would give."""

    source: str
    rules: int
    techniques: frozenset[str]  # of which no rule could be evaluated before
    weight: int


def gains(
    rules: Iterable[HeldRule], collected: Collection[str], open_: Mapping[str, int]
) -> list[Gain]:
    """Return what each log source that is not collected would give, the most first.

    Args:
        open_: the techniques that no rule would see now, with their weights.
    """
    by: dict[str, list[HeldRule]] = {}
    for each in rules:
        for source in wanting(collected, each.needs):
            by.setdefault(source, []).append(each)
    found = [_gain(source, some, open_) for source, some in by.items()]
    return sorted(found, key=lambda g: (-g.weight, -len(g.techniques), -g.rules, g.source))


def _gain(source: str, rules: Sequence[HeldRule], open_: Mapping[str, int]) -> Gain:
    techniques = frozenset(t for each in rules for t in each.techniques if t in open_)
    whole = sum(open_[each] for each in techniques)
    return Gain(source=source, rules=len(rules), techniques=techniques, weight=whole)


def with_parents(techniques: Iterable[str]) -> tuple[str, ...]:
    """Return techniques with those that they are part of: what sees T1059.001 sees some of T1059."""
    both = (part for each in techniques for part in (each, each.partition(".")[0]))
    return tuple(dict.fromkeys(both))
