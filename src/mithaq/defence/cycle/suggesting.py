"""What would close gaps: rules that are here and idle, logs that are not collected, mitigations, work of partners."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.defence.cycle.standing import Cycle, Technique
from mithaq.detect.collected import serves
from mithaq.detect.coverage import Gain, HeldRule, Seen, State, gains
from mithaq.model.mentions import Family, Key, day_of
from mithaq.store import objects, tallies
from mithaq.store.objects import Copy

_UNSEEN = frozenset({Seen.NONE, Seen.BLIND})
_MOST_WORK = 400  # copies that are looked through for what partners say


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """Rules of one source that could be evaluated, and nobody looks for."""

    source: str  # empty: our own
    rules: int
    techniques: frozenset[str]  # gaps that they would see
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A mitigation that is not in place."""

    number: str
    name: str
    state: State
    techniques: frozenset[str]  # gaps that it mitigates
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What partners said lately of a technique that is a gap here."""

    technique: str
    by: Mapping[str, int]  # partner -> mentions


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What would close gaps; of each sort the most first."""

    idle: Sequence[Idle] = ()
    sources: Sequence[Gain] = ()
    measures: Sequence[Measure] = ()
    work: Sequence[Work] = ()
    without: Sequence[Technique] = field(default_factory=list)  # gaps that no rule here is about


def suggest(unit: Connection, us: Us, cycle: Cycle, now: datetime, days: int) -> Next:
    """Return what would close the gaps of a cycle.

    Args:
        days: how long what partners said counts.
    """
    gaps = {each.number: each for each in cycle.gaps()}
    unseen = {n: each.weight for n, each in gaps.items() if each.standing.seen in _UNSEEN}
    return Next(
        idle=_idle(cycle, gaps),
        sources=[each for each in gains(cycle.rules, cycle.collected, unseen) if each.techniques],
        measures=_measures(cycle, gaps.values()),
        work=_work(unit, us, cycle, gaps, now, days),
        without=[each for each in gaps.values() if each.standing.seen is Seen.NONE],
    )


def _idle(cycle: Cycle, gaps: Mapping[str, Technique]) -> list[Idle]:
    by: dict[str, list[HeldRule]] = defaultdict(list)
    for rule in cycle.rules:
        if (
            not rule.used
            and serves(cycle.collected, rule.needs)
            and any(t in gaps for t in rule.techniques)
        ):
            by[rule.source].append(rule)
    found = [
        Idle(
            source=source,
            rules=len(rules),
            techniques=named,
            weight=sum(gaps[t].weight for t in named),
        )
        for source, rules in by.items()
        if (named := frozenset(t for rule in rules for t in rule.techniques if t in gaps))
    ]
    return sorted(found, key=lambda each: (-each.weight, each.source))


def _measures(cycle: Cycle, gaps: Iterable[Technique]) -> list[Measure]:
    by: dict[str, dict[str, State]] = defaultdict(dict)
    weights = {each.number: each.weight for each in gaps}
    for number in weights:
        for mitigation, state in cycle.techniques[number].evidence.mitigations.items():
            if state not in {State.IN_PLACE, State.NOT_APPLICABLE}:
                by[mitigation][number] = state
    found = [
        Measure(
            number=number,
            name=cycle.lore.mitigations.get(number, ""),
            state=max(of.values(), key=list(of.values()).count),
            techniques=frozenset(of),
            weight=sum(weights[each] for each in of),
        )
        for number, of in by.items()
    ]
    return sorted(found, key=lambda each: (-each.weight, each.number))


# --- partners ------------------------------------------------------------------------------------------
def _work(  # noqa: PLR0913 unit, us and now come with every question
    unit: Connection, us: Us, cycle: Cycle, gaps: Mapping[str, Technique], now: datetime, days: int
) -> list[Work]:
    marks = {mark: number for mark, number in _marks(cycle).items() if number in gaps}
    by: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in tallies.daily(unit, marks, _lately(now, days), int(cycle.level)):
        if ":" not in row.voucher and row.voucher != us.party and row.all > 0:
            by[marks[row.mark]][row.voucher] += row.all
    found = [Work(technique=number, by=dict(said)) for number, said in by.items()]
    return sorted(found, key=lambda w: (-len(w.by), -gaps[w.technique].weight, w.technique))


def _marks(cycle: Cycle) -> dict[int, str]:
    """Return by what techniques are counted: by id, and by number."""
    found = {
        tallies.mark_of(Key(Family.TECHNIQUES, "ref", id_)): n for id_, n in cycle.lore.ids.items()
    }
    for number in cycle.lore.techniques:
        found[tallies.mark_of(Key(Family.TECHNIQUES, "technique", number))] = number
    return found


def _lately(now: datetime, days: int) -> tallies.Days:
    last = day_of({}, now.date().isoformat())
    return tallies.Days(last - days + 1, last)


def said_of(  # noqa: PLR0913 as above
    unit: Connection,
    us: Us,
    actor: Actor,
    cycle: Cycle,
    technique: str,
    now: datetime,
    days: int,
    most: int,
) -> list[Copy]:
    """Return what was said lately of a technique by whomever, as far as the actor may read it, the newest first."""
    marks = [mark for mark, number in _marks(cycle).items() if number == technique]
    seqs = tallies.copies_of(unit, marks, _lately(now, days), _MOST_WORK)
    visible = objects.up_to(objects.visible_to(actor.clearance, us.party), int(cycle.level))
    found = {c.seq: c for rows in objects.numbered(visible, seqs) for c in objects.load(unit, rows)}
    return [found[seq] for seq in seqs if seq in found][:most]
