"""The cycle as it stands: threats by priority, what of each we would see and stop, and what is wanting.

Every figure comes of evidence that the reader may read, so two people may see different ones.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, may, require
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.config import Cycle as Terms
from mithaq.defence.cycle import reading
from mithaq.defence.cycle.threats import indicated, threats
from mithaq.defence.seeing import visible as visible_hits
from mithaq.detect import collected, coverage
from mithaq.detect.about import SIGMA
from mithaq.detect.attack import Lore
from mithaq.detect.coverage import Evidence, Gap, HeldRule, Proof, Standing, State, Threat
from mithaq.model.labels import Tlp
from mithaq.model.objects import IDENTIFIER, Body, moment
from mithaq.model.whose import Word
from mithaq.store import coverage as store
from mithaq.store import cycle, matches, objects
from mithaq.store.cycle import GapRow
from mithaq.store.matches import TRUE

_DAY = 10  # signs of an instant that are its day
_PREFIX = "indicator--"
OURS = Tlp.AMBER  # whatever says how we do
BACKGROUND = coverage.LAST  # what nobody names: it counts only where nothing else does


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """One technique with all that is known of it here."""

    number: str
    name: str
    tactics: Sequence[str]
    threats: Sequence[Threat]  # that use it, of those that count
    weight: int
    evidence: Evidence = field(repr=False)
    standing: Standing
    gap: GapRow | None = None

    @property
    def wanting(self) -> bool:
        """Say whether it is a gap that nobody took upon themselves."""
        return self.standing.gap is Gap.OPEN

    def overdue(self, day: str) -> bool:
        """Say whether somebody was to have closed it before a day."""
        return self.wanting and self.gap is not None and bool(self.gap.due) and self.gap.due < day


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """All of it, as one reader may see it."""

    day: str
    level: Tlp  # up to which was read
    lore: Lore = field(repr=False)
    versions: Mapping[str, str]
    threats: Sequence[Threat]  # that count, the first of priority first
    others: Sequence[Threat] = field(repr=False)  # that nobody names, and that do not count
    techniques: Mapping[str, Technique] = field(repr=False)
    telemetry: Mapping[str, tuple[int, str, str]]  # log source -> events, first day, last day
    declared: Collection[str]
    rules: Sequence[HeldRule] = field(repr=False)
    unread: int = 0  # copies that were not looked at yet

    @property
    def collected(self) -> frozenset[str]:
        """The log sources that there is telemetry of."""
        return frozenset({*self.telemetry, *self.declared})

    @property
    def marking(self) -> Tlp:
        """The highest level of TLP of what it is made from; how we do is AMBER by itself."""
        proofs = (p.level for each in self.techniques.values() for p in each.evidence.proofs)
        levels = [*(t.level for t in self.threats), *(r.level for r in self.rules), *proofs]
        return Tlp(min(max([int(OURS), *levels]), int(Tlp.RED)))

    @property
    def score(self) -> int | None:
        """The mean of the techniques that threats use, by their weights."""
        return coverage.mean((e.standing.score, e.weight) for e in self.used())

    def used(self, threat: Threat | None = None) -> list[Technique]:
        """Return the techniques that threats use, or that one does."""
        if threat is None:
            return [each for each in self.techniques.values() if each.threats]
        return [e for number in sorted(threat.techniques) if (e := self.techniques.get(number))]

    def gaps(self) -> list[Technique]:
        """Return what is wanting: what is overdue first, then what weighs most."""
        some = [each for each in self.used() if each.wanting]
        return sorted(some, key=lambda e: (not e.overdue(self.day), -e.weight, e.number))


def stand(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    now: datetime,
    terms: Terms,
    *,
    rising: Collection[str] = (),
    up_to: Tlp = Tlp.RED,
) -> Cycle:
    """Return how the defence stands by what an actor may read, up to a marking.

    Args:
        rising: names of what is emerging.

    Raises:
        Forbidden: the actor may read nothing.
    """
    require(actor, Permission.OBJECT_READ)
    level = min(up_to, actor.clearance.tlp)
    rows = objects.up_to(objects.visible_to(actor.clearance, us.party), level)
    known = reading.lore(unit)
    every = threats(unit, us, rows, level, known, terms, now, rising)
    counting = [each for each in every if each.priority < BACKGROUND] or every
    since = _day(now, terms.days)
    seen = store.telemetry(unit, since)
    rules = _rules(unit, us, rows, known, since, text(now))
    names = {*collected.known(), *(n for rule in rules for part in rule.needs for n in part)}
    declared = collected.declared(terms.telemetry, names)
    judged = _judged(unit, us, actor, _day(now, terms.proof_days), level)
    proving = {rule.key: dict.fromkeys(rule.techniques, 0) for rule in rules}
    others = {group.rule for group in judged} - {e.key for e in rules if e.kind == SIGMA}
    for key, numbers in _indicated(unit, rows, known, others).items():
        proving[key] = numbers | proving.get(key, {})
    look = _Look(
        known=known,
        threats=counting,
        rules=rules,
        proofs=_proofs(unit, known, judged, proving, _day(now, terms.proof_days)),
        said=_said(unit),
        gaps=cycle.gaps(unit),
        day=_day(now, 0),
    )
    return Cycle(
        day=_day(now, 0),
        level=Tlp(level),
        lore=known,
        versions=reading.versions(unit),
        threats=counting,
        others=[each for each in every if each.priority >= BACKGROUND and counting is not every],
        techniques=look.techniques(frozenset({*seen, *declared})),
        telemetry=seen,
        declared=declared,
        rules=rules,
        unread=store.behind(unit),
    )


def _day(now: datetime, before: int) -> str:
    return text(now - timedelta(days=before))[:_DAY]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What techniques are held against."""

    known: Lore
    threats: Sequence[Threat]
    rules: Sequence[HeldRule]
    proofs: Mapping[str, Sequence[Proof]]
    said: Mapping[tuple[str, str], State]
    gaps: Mapping[str, GapRow]
    day: str

    def techniques(self, telemetry: Collection[str]) -> dict[str, Technique]:
        """Return all techniques, in the order of their numbers."""
        by_rule: dict[str, list[HeldRule]] = defaultdict(list)
        for rule in self.rules:
            for number in rule.techniques:
                by_rule[number].append(rule)
        by_threat: dict[str, list[Threat]] = defaultdict(list)
        for threat in self.threats:
            for number in threat.techniques:
                by_threat[number].append(threat)
        return {
            number: self._one(number, by_rule[number], by_threat[number], telemetry)
            for number in sorted(self.known.techniques)
        }

    def _one(
        self,
        number: str,
        rules: Sequence[HeldRule],
        who: Sequence[Threat],
        telemetry: Collection[str],
    ) -> Technique:
        told, gap = self.known.techniques[number], self.gaps.get(number)
        evidence = Evidence(
            rules=rules,
            mitigations={m: self._state(m, number) for m in self.known.mitigated.get(number, ())},
            proofs=self.proofs.get(number, ()),
            accepted=gap is not None and gap.accepted_until >= self.day,
        )
        return Technique(
            number=number,
            name=told.name,
            tactics=told.tactics,
            threats=who,
            weight=coverage.weight(who),
            evidence=evidence,
            standing=coverage.standing(evidence, telemetry),
            gap=gap,
        )

    def _state(self, mitigation: str, technique: str) -> State:
        of_it = self.said.get((mitigation, technique))
        return of_it or self.said.get((mitigation, ""), State.UNASSESSED)


def _said(unit: Connection) -> dict[tuple[str, str], State]:
    return {key: State(each.state) for key, each in cycle.assessments(unit).items()}


# --- rules ---------------------------------------------------------------------------------------------
def _rules(  # noqa: PLR0913 as ``stand``
    unit: Connection, us: Us, rows: objects.Rows, known: Lore, since: str, now: str
) -> list[HeldRule]:
    """Return the rules that may be read here and are not over, and those of files that somebody looked for lately."""
    used = store.used(unit, since)
    lately = {each.rule: each.last for each in used}
    held = [
        HeldRule(
            key=each.id,
            techniques=reading.about(each.facts.techniques, known),
            needs=each.facts.needs,
            used=lately.get(each.id, ""),
            source="" if each.voucher == us.party else each.voucher,
            number=each.seq,
            level=each.level,
            kind=each.facts.kind,
        )
        for each in store.rules(unit, rows)
        if not each.until or moment(each.until) > moment(now)
    ]
    ours = [
        HeldRule(
            key=each.rule,
            techniques=reading.about(each.facts.techniques, known),
            needs=each.facts.needs,
            used=each.last,
            title=each.title,
            kind=each.facts.kind,
        )
        for each in used
        if not each.rule.startswith(_PREFIX)
    ]
    return [*held, *ours]


# --- proofs --------------------------------------------------------------------------------------------
def _proofs(
    unit: Connection,
    known: Lore,
    judged: Iterable[matches.Group],
    proving: Mapping[str, Mapping[str, int]],
    since: str,
) -> dict[str, list[Proof]]:
    """Return what showed lately that a technique is seen: hits judged true, and what people noted.

    What was tried and not seen takes away what was proved before it.

    Args:
        proving: by rule or indicator, the techniques that its hits show, each with the level of who says so.
    """
    found: dict[str, list[Proof]] = defaultdict(list)
    for noted in cycle.proofs(unit, since):
        for number in coverage.with_parents([known.number_of(noted.technique)]):
            if not noted.found and number == noted.technique:
                found[number] = []
            elif noted.found:
                proof = Proof(
                    kind=noted.kind, what=noted.what, day=noted.day, number=noted.seq, by=noted.by
                )
                found[number].append(proof)
    by_number = {key.removeprefix(_PREFIX): about for key, about in proving.items()}
    for group in judged:
        about = by_number.get(group.rule.removeprefix(_PREFIX).lower()) or by_number.get(group.rule)
        for number, level in (about or {}).items():
            day, whose = group.day or group.last[:_DAY], max(group.level, level)
            found[number].append(Proof(kind="hit", what=str(group.seq), day=day, level=whose))
    return found


def _judged(unit: Connection, us: Us, actor: Actor, since: str, level: int) -> list[matches.Group]:
    """Return hits that were judged true, of late, as far as an actor may see them."""
    if not may(actor, Permission.HIT_READ):
        return []
    groups = [
        each
        for each in matches.asked(unit, matches.Which(states=(TRUE,)))
        if each.level <= level and (each.day or each.last[:_DAY]) >= since
    ]
    return visible_hits(unit, us, actor, groups)


def _indicated(
    unit: Connection, rows: objects.Rows, known: Lore, ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return by indicator what its hits show: the techniques that it indicates, and those that they are part of."""
    some = [each for each in ids if IDENTIFIER.fullmatch(each)]
    if not some:
        return {}
    found: dict[str, dict[str, int]] = {}
    for id_, numbers in indicated(unit, rows, known, some).items():
        for number, level in numbers.items():
            for part in coverage.with_parents([number]):
                found.setdefault(id_, {}).setdefault(part, level)
    return found


def named(unit: Connection, us: Us, actor: Actor, rules: Iterable[HeldRule]) -> list[HeldRule]:
    """Return rules with the titles of those that are objects here, as far as the actor may read them."""
    some = list(rules)
    titles: dict[int, str] = {}
    visible = objects.visible_to(actor.clearance, us.party)
    for rows in objects.numbered(visible, [each.number for each in some if each.number]):
        for copy in objects.load(unit, rows):
            titles[copy.seq] = str(copy.object.body.get("name", ""))
    return [replace(each, title=titles.get(each.number, each.title)) for each in some]


def texts(
    unit: Connection, us: Us, actor: Actor, rules: Iterable[HeldRule]
) -> list[tuple[Word, Body]]:
    """Return whose word those rules are that are objects here, and their bodies, as far as the actor may read them."""
    visible = objects.visible_to(actor.clearance, us.party)
    numbers = [each.number for each in rules if each.number]
    found = (c for rows in objects.numbered(visible, numbers) for c in objects.load(unit, rows))
    return [(Word(copy.object.id, copy.voucher), copy.object.body) for copy in found]
