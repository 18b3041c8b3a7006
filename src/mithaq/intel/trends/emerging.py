"""What is emerging: what is named more often than it was, and what is named for the first time, by what one may read.

The numbers come of tallies (``store.tallies``), the names of the objects that are counted by id; both only of what the
actor may read, up to a marking they may set. Method and limits: docs/emerging.md.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import newest_by_id, visible
from mithaq.intel.trends import emerged
from mithaq.intel.trends.emerged import Emerging, Finding, Named, OfFamily, Spoken
from mithaq.intel.trends.subjects import Entity, entities
from mithaq.model.claims import whole
from mithaq.model.labels import Tlp
from mithaq.model.mentions import Family, Key, day_of, day_written
from mithaq.store import counting, objects, tallies
from mithaq.store.engine import Store
from mithaq.store.objects import Copy, Rows
from mithaq.store.sources import all_sources
from mithaq.store.tallies import Daily, Days, mark_of

AT_ONCE = 4096  # copies that are counted at a time
MOST = 200  # things of a family that are looked at, for each level of marking
_MENTIONS = 400  # that are looked through for evidence
_FIRST_BY_NAME = ("called", "technique", "malware", "sector", "country")


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What is asked for; days are whole, in UTC."""

    until: datetime
    period: int = 7  # days, the day of ``until`` the last
    baseline: int = 90  # days before it
    families: Sequence[Family] = tuple(Family)
    source: str = ""  # a party, or a source by its name
    partners: bool = False  # what came from other nations alone
    up_to: Tlp = Tlp.RED
    most: int = 10  # findings of a family
    evidence: int = 10  # objects of each

    @property
    def days(self) -> Days:
        """The days of the baseline and of the period."""
        last = day_of({}, self.until.date().isoformat())
        return Days(last - self.period - self.baseline + 1, last)

    @property
    def since(self) -> int:
        """The first day of the period."""
        return self.days.last - self.period + 1


def emerging(unit: Connection, us: Us, actor: Actor, asked: Horizon) -> Emerging:
    """Return what is emerging by what the actor may read.

    Raises:
        Forbidden: they may read nothing.
    """
    level = min(asked.up_to, actor.clearance.tlp)
    rows = objects.up_to(visible(us, actor), level)
    look = _Look(unit=unit, us=us, rows=rows, level=level, asked=asked)
    families = [look.at(family) for family in asked.families]
    return Emerging(
        baseline=day_written(asked.days.first),
        since=day_written(asked.since),
        until=day_written(asked.days.last),
        level=Tlp(look.highest),
        behind=counting.behind(unit),
        families=families,
    )


def count_on(core: Store) -> None:
    """Count some of what came and was not counted yet."""
    with core.read() as unit:
        behind = counting.behind(unit)
    if behind:
        counting.count_on(core, AT_ONCE)


def is_partner(us: Us, voucher: str) -> bool:
    """Say whether a voucher is another nation."""
    return ":" not in voucher and voucher != us.party


@dataclass(slots=True, kw_only=True)
class _Look:
    """Looks at one family after the other."""

    unit: Connection
    us: Us
    rows: Rows
    level: int
    asked: Horizon
    highest: int = 0

    def at(self, family: Family) -> OfFamily:
        """Return what there is to tell of a family."""
        rows, all_ = self._rows(family), mark_of(whole(family))
        again = bool(self.asked.source)
        spoken = Spoken(
            by_source=emerged.by_day((row for row in rows if row.mark == all_), again=again),
            days=self.asked.days,
            since=self.asked.since,
        )
        gathered = self._gathered(family, [row for row in rows if row.mark != all_])
        named = emerged.named_now(gathered, spoken, again=again)
        found, tested = emerged.bursts(named)
        new = self._new([each for each in named if emerged.may_be_new(each, spoken)])
        findings = [
            emerged.finding(each, spoken, found.get(at), newcomer=each.entity in new)
            for at, each in enumerate(named)
            if at in found or each.entity in new
        ]
        best = sorted(findings, key=emerged.order)[: self.asked.most]
        return OfFamily(
            family=family,
            named=len(named),
            tested=tested,
            established=spoken.established,
            young=spoken.young,
            findings=[replace(each, evidence=self._evidence(each.entity)) for each in best],
        )

    def _rows(self, family: Family) -> list[Daily]:
        """Return what was claimed of a family, and of what most was claimed of late."""
        days = self.asked.days
        marks = tallies.likely(self.unit, family, self.level, MOST, days.first)
        found = tallies.daily(self.unit, [*marks, mark_of(whole(family))], days, self.level)
        unwanted = {n for n, each in all_sources(self.unit).items() if each.reference}
        kept = [row for row in found if row.voucher not in unwanted and self._counts(row.voucher)]
        self.highest = max(self.highest, max((row.level for row in kept), default=0))
        return kept

    def _counts(self, voucher: str) -> bool:
        if self.asked.partners and not is_partner(self.us, voucher):
            return False
        name = self.asked.source
        return not name or voucher in {name, f"file:{name}", f"feed:{name}", f"client:{name}"}

    def _gathered(self, family: Family, rows: Sequence[Daily]) -> dict[Entity, list[Daily]]:
        """Return what was claimed by what it was claimed of, under whatever id or name."""
        keys = tallies.named(self.unit, {row.mark for row in rows})
        held = newest_by_id(
            self.unit, self.rows, (key.name for key in keys.values() if key.kind == "ref")
        )
        self.highest = max(self.highest, max((copy.level for copy in held.values()), default=0))
        bodies = {id_: copy.object.body for id_, copy in held.items()}
        chosen = [id_ for id_, copy in held.items() if not is_partner(self.us, copy.voucher)]
        by_mark: dict[int, list[Entity]] = defaultdict(list)
        for entity in entities(family, keys, bodies, chosen):
            for mark in entity.marks:
                by_mark[mark].append(entity)
        gathered: dict[Entity, list[Daily]] = defaultdict(list)
        for row in rows:
            for entity in by_mark.get(row.mark, ()):
                gathered[entity].append(row)
        return gathered

    def _new(self, named: Sequence[Named]) -> set[Entity]:
        """Return what was never named before the period, by no source at all and under no name."""
        marks = {each.entity: _all_marks(each.entity) for each in named}
        every = {mark for some in marks.values() for mark in some}
        first = tallies.first_days(self.unit, every, self.level)
        return {
            entity
            for entity, some in marks.items()
            if all(first.get(mark, self.asked.since) >= self.asked.since for mark in some)
        }

    def _evidence(self, entity: Entity) -> list[Copy]:
        """Return some of the claims of the period, the newest first, one of each source before a second."""
        now = Days(self.asked.since, self.asked.days.last)
        said = tallies.copies_of(self.unit, entity.marks, now, _MENTIONS)
        loaded = [
            copy
            for rows in objects.numbered(self.rows, said)
            for copy in objects.load(self.unit, rows)
            if self._counts(copy.voucher)
        ]
        places = {seq: at for at, seq in enumerate(said)}
        turns: dict[str, int] = defaultdict(int)
        ranked: list[tuple[int, int, Copy]] = []
        for copy in sorted(loaded, key=lambda each: places[each.seq]):
            ranked.append((turns[copy.voucher], places[copy.seq], copy))
            turns[copy.voucher] += 1
        return [copy for *_, copy in sorted(ranked, key=_turn)][: self.asked.evidence]


def _turn(each: tuple[int, int, Copy]) -> tuple[int, int]:
    return each[:2]


def _all_marks(entity: Entity) -> Collection[int]:
    """Return all under which something may have been counted before."""
    kinds = {*_FIRST_BY_NAME, entity.kind}
    named = (mark_of(Key(entity.family, kind, n)) for n in entity.names for kind in kinds)
    return {*entity.marks, *named}


__all__ = ["Emerging", "Finding", "Horizon", "OfFamily", "count_on", "emerging", "is_partner"]
