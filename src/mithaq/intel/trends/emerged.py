"""What follows from the numbers: which things are named more often than they were, and which for the first time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from mithaq.intel.trends.subjects import Entity
from mithaq.model.bursts import Stratum, alarms, chance, loud_days
from mithaq.model.labels import Tlp
from mithaq.model.mentions import Family
from mithaq.store.objects import Copy
from mithaq.store.tallies import Daily, Days

SHARE = 0.1  # of false alarms among bursts, at most
ESTABLISHED = 3  # days of the baseline on which a source has to have spoken
_LEAST_DAYS = 2  # source-days of a burst
_LEAST_CLAIMS = 3  # of a place or a target that only one source names for the first time

ByDay = Mapping[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfSource:
    """What one source said of it: on how many of the days on which it spoke, before and now."""

    source: str
    claims: int  # in the period
    days: Stratum
    chance: float  # by its own days alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is emerging, with all that says so."""

    entity: Entity
    newcomer: bool  # never named before, as far as the record goes
    chance: float | None  # that so much is chance; None: it is no burst
    claims: int  # in the period
    before: int  # in the baseline
    sources: Sequence[OfSource]
    agreements: Sequence[str]
    daily: Sequence[int]  # claims, from the first day of the baseline on
    evidence: Sequence[Copy] = field(default=(), repr=False)

    @property
    def days(self) -> Stratum:
        """The days of its sources, taken together."""
        return Stratum(*map(sum, zip(*(each.days for each in self.sources), strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfFamily:
    """What there is to tell of a family beside what emerges."""

    family: Family
    named: int  # things that are named in the period
    tested: int  # that could have been a burst
    established: Sequence[str]  # sources with a baseline
    young: Sequence[str]  # that spoke in the period, and have none
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Emerging:
    """The answer."""

    baseline: str  # its first day
    since: str
    until: str
    level: Tlp  # the highest marking of what was counted
    behind: bool  # copies wait to be counted
    families: Sequence[OfFamily]


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """On which days sources spoke of a family, and how many claims there were."""

    by_source: Mapping[str, ByDay]
    days: Days  # of the baseline and the period
    since: int  # the first of the period

    @cached_property
    def established(self) -> list[str]:
        """Sources that spoke on enough days of the baseline."""
        return [name for name in sorted(self.by_source) if self._before(name) >= ESTABLISHED]

    @cached_property
    def young(self) -> list[str]:
        """Sources that spoke in the period, but hardly before."""
        return [
            name
            for name in sorted(self.by_source)
            if self._before(name) < ESTABLISHED and max(self.by_source[name]) >= self.since
        ]

    def _before(self, name: str) -> int:
        return self._parted[name][1]

    @cached_property
    def _parted(self) -> Mapping[str, tuple[int, int]]:
        """On how many days of the period, and before it, each spoke: hundreds of things are held against these."""
        return {name: self._part(days) for name, days in self.by_source.items()}

    def _part(self, days: Collection[int]) -> tuple[int, int]:
        now = sum(day >= self.since for day in days)
        return now, len(days) - now

    def stratum(self, source: str, named: ByDay) -> Stratum:
        """Return the days of a source, and the loud ones."""
        spoke = self.by_source.get(source, {})
        now, before = self._parted.get(source, (0, 0))
        more = {day: claims for day, claims in named.items() if claims > spoke.get(day, 0)}
        if more:
            spoke = {**spoke, **more}
            now, before = self._part(spoke)
        return Stratum(now, before, *self._part(loud_days(named, spoke)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What was said of one thing."""

    entity: Entity
    by_source: Mapping[str, ByDay]
    agreements: Collection[str]
    strata: Mapping[str, Stratum]

    def claims(self, days: Days) -> int:
        """Return how many claims there were on some days."""
        return sum(
            claims
            for by_day in self.by_source.values()
            for day, claims in by_day.items()
            if days.first <= day <= days.last
        )


def by_day(rows: Iterable[Daily], *, again: bool) -> dict[str, dict[int, int]]:
    """Return claims by source and day; those too that another source gave first, if ``again``."""
    found: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        claims = row.all if again else row.claims
        if claims:
            found[row.voucher][row.day] += claims
    return {source: dict(days) for source, days in found.items()}


def named_now(
    gathered: Mapping[Entity, Sequence[Daily]], spoken: Spoken, *, again: bool
) -> list[Named]:
    """Return what was said of the things that are named in the period."""
    found: list[Named] = []
    for entity, rows in gathered.items():
        said = by_day(rows, again=again)
        if not any(day >= spoken.since for days in said.values() for day in days):
            continue
        under = {row.agreement for row in rows if row.agreement and row.day >= spoken.since}
        strata = {source: spoken.stratum(source, days) for source, days in said.items()}
        found.append(Named(entity=entity, by_source=said, agreements=under, strata=strata))
    return found


def bursts(named: Sequence[Named]) -> tuple[dict[int, float], int]:
    """Return what is named more often than it was, by its place in ``named``; and among how many."""
    tested = {at: list(each.strata.values()) for at, each in enumerate(named)}
    found, among = alarms(tested, SHARE)
    enough = {
        at: p for at, p in found.items() if sum(s.loud_now for s in tested[at]) >= _LEAST_DAYS
    }
    return enough, among


def may_be_new(each: Named, spoken: Spoken) -> bool:
    """Say whether something may be a newcomer, if the record has nothing of it before the period.

    Of sources without a baseline everything would be new. Places and targets are many: one that a single source names
    once or twice is no news.
    """
    established = set(spoken.established)
    if any(day < spoken.since for days in each.by_source.values() for day in days):
        return False
    if established.isdisjoint(each.by_source):
        return False
    many = each.entity.family in {Family.INFRASTRUCTURE, Family.TARGETS}
    claims = each.claims(Days(spoken.since, spoken.days.last))
    return not many or len(each.by_source) > 1 or claims >= _LEAST_CLAIMS


def finding(each: Named, spoken: Spoken, burst: float | None, *, newcomer: bool) -> Finding:
    """Return what there is to say of something that emerges."""
    now = Days(spoken.since, spoken.days.last)
    total: dict[int, int] = defaultdict(int)
    for days in each.by_source.values():
        for day, claims in days.items():
            total[day] += claims
    sources = [
        OfSource(
            source=source,
            claims=sum(claims for day, claims in days.items() if day >= spoken.since),
            days=each.strata[source],
            chance=chance([each.strata[source]]),
        )
        for source, days in each.by_source.items()
        if max(days) >= spoken.since
    ]
    return Finding(
        entity=each.entity,
        newcomer=newcomer,
        chance=burst,
        claims=each.claims(now),
        before=each.claims(Days(spoken.days.first, spoken.since - 1)),
        sources=sorted(sources, key=lambda s: (s.chance, -s.claims, s.source)),
        agreements=sorted(each.agreements),
        daily=[total.get(day, 0) for day in range(spoken.days.first, spoken.days.last + 1)],
    )


def order(each: Finding) -> tuple[float, int, int, str]:
    """Put bursts first by how unlikely they are, then newcomers by how many name them."""
    unlikely = 1.0 if each.chance is None else each.chance
    return unlikely, -len(each.sources), -each.claims, each.entity.key


def news(each: Finding) -> str:
    """Return the word for what is new of it."""
    if each.chance is None:
        return "newcomer"
    return "newcomer-burst" if each.newcomer else "burst"


RAREST = 10_000  # odds that people are told; beyond, they say no more


def in_odds(found: float) -> int:
    """Return a chance as one in so many, of two figures."""
    many = int(min(1 / found, 1e12)) if found > 0 else 10**12
    return int(round(many, 2 - len(str(many))))
