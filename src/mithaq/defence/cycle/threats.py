"""Who may come at us, by priority: what ATT&CK knows, and what we hold and hear of it.

From the last priority, each reason lifts a threat by one: it was named lately in what came here, a partner names it, it
targets our country or sectors, or it is emerging. What a person says stands above that. All is counted
from what the reader may read.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.us import Us
from mithaq.config import Cycle as Terms
from mithaq.detect.attack import Lore
from mithaq.detect.coverage import Threat, with_parents
from mithaq.model.folding import folded
from mithaq.model.mentions import Family, Key, day_of, technique_of
from mithaq.model.named import FAMILIES, is_of_set, names_of, spelling
from mithaq.model.objects import Body, moment
from mithaq.store import coverage as store
from mithaq.store import cycle, objects, sets, tallies
from mithaq.store.objects import Copy, Rows
from mithaq.store.tables import copies

NAMED, PARTNER, TARGETS, EMERGING = "named", "partner", "targets-us", "emerging"
_MOST_HELD = 5_000  # threats that are no part of a set
_MOST_TIES = 20_000  # relationships and reports, the newest
_TOOL = "tool"  # which everybody has: no threat by itself
_TIES = ("relationship", "report", "grouping")
_USES, _TARGETS, _INDICATES = "uses", "targets", "indicates"
_PLACES = ("identity--", "location--")


@dataclass(slots=True)
class _Made:
    """A threat on its way."""

    key: str
    name: str
    type: str
    ids: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)  # as all would write them
    techniques: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)  # code -> what it rests on
    level: int = 0  # of TLP, of what is said of it beside ATT&CK


def threats(  # noqa: PLR0913 unit, us and now come with every question
    unit: Connection,
    us: Us,
    rows: Rows,
    level: int,
    known: Lore,
    terms: Terms,
    now: datetime,
    rising: Collection[str] = (),
) -> list[Threat]:
    """Return who may come at us as far as ``rows`` and a level of TLP tell, the first of priority first.

    Args:
        rising: names of what is emerging.
    """
    look = _Look(unit, us, rows, known)
    look.held()
    look.ties(terms.sectors)
    look.named(level, terms.named_days, now)
    for made in look.made.values():
        if not made.names.isdisjoint(map(spelling, rising)):
            made.reasons[EMERGING] = ""
    said = cycle.priorities(unit)
    found = [
        _threat(made, said) for made in look.made.values() if made.type != _TOOL or made.key in said
    ]
    return sorted(found, key=lambda t: (t.priority, -len(t.reasons), -len(t.techniques), t.name))


def _threat(made: _Made, said: Mapping[str, cycle.Priority]) -> Threat:
    own = said.get(made.key)
    return Threat(
        key=made.key,
        name=made.name,
        type=made.type,
        techniques=frozenset(made.techniques),
        reasons=tuple(made.reasons),
        facts=made.reasons,
        ids=frozenset(made.ids),
        level=made.level,
        set_priority=own.priority if own else 0,
        why=own.why if own else "",
        by=own.by if own else "",
    )


class _Look:
    """Gathers threats from what a reader may read."""

    def __init__(self, unit: Connection, us: Us, rows: Rows, known: Lore) -> None:
        self.unit, self.us, self.known = unit, us, known
        self.rows = sets.of_others(rows)
        self.made: dict[str, _Made] = {}
        self._by_id: dict[str, _Made] = {}
        self._by_name: dict[str, _Made] = {}
        for id_, group in known.groups.items():
            made = _Made(
                group.number or id_, group.name, group.type, techniques=set(group.techniques)
            )
            self._take(made, id_, group.names)

    def _take(self, made: _Made, id_: str, names: Iterable[str]) -> None:
        made = self.made.setdefault(made.key, made)
        made.ids.add(id_)
        self._by_id[id_] = made
        for name in filter(None, map(spelling, names)):
            made.names.add(name)
            self._by_name.setdefault(name, made)

    def held(self) -> None:
        """Take up what is held of threats: one that bears a name that ATT&CK knows is that one."""
        rows = self.rows.where(copies.c.type.in_([*FAMILIES])).order_by(copies.c.seq.desc())
        newest: dict[str, Copy] = {}
        for copy in objects.load(self.unit, rows.limit(_MOST_HELD)):
            before = newest.get(copy.object.id)
            if before is None or moment(before.object.version) < moment(copy.object.version):
                newest[copy.object.id] = copy
        for id_, copy in newest.items():
            body = copy.object.body
            names = names_of(body)
            if not names or body.get("revoked") is True:
                continue
            same = self._by_id.get(id_) or self._by_name.get(spelling(names[0]))
            made = same or _Made(id_, names[0], str(body["type"]))
            self._take(made, id_, names if same is None else names[:1])
            if same is None or id_ not in self.known.groups:
                made.level = max(made.level, copy.level)

    def ties(self, sectors: Sequence[str]) -> None:
        """Take up what relationships and reports say: who uses what, and whom they target."""
        theirs, far = patterns(self.unit, self.rows, self.known), set[str]()
        pairs: list[tuple[_Made, str]] = []
        ids = {*theirs, *self._by_id}
        for tie in store.ties(self.unit, self.rows, ids, _TIES, _MOST_TIES):
            who = [made for id_ in tie.ends if (made := self._by_id.get(id_))]
            used = {theirs[id_] for id_ in tie.ends if id_ in theirs}
            if not _counts(tie, who):
                continue
            for made in who:
                made.techniques.update(with_parents(used))
                places = (
                    [i for i in tie.ends if i.startswith(_PLACES)] if tie.kind == _TARGETS else []
                )
                pairs += [(made, id_) for id_ in places]
                far.update(places)
                if used or places:
                    made.level = max(made.level, tie.level)
        self._targets(pairs, far, sectors)

    def _targets(
        self, pairs: Sequence[tuple[_Made, str]], ids: Collection[str], sectors: Sequence[str]
    ) -> None:
        ours = {spelling(each) for each in sectors}
        here: dict[str, str] = {}
        for rows in objects.named(self.rows, ids):
            for copy in objects.load(self.unit, rows):
                if place := of_ours(copy.object.body, self.us.country, ours):
                    here[copy.object.id] = place
        for made, id_ in pairs:
            if id_ in here:
                made.reasons[TARGETS] = here[id_]

    def named(self, level: int, days: int, now: datetime) -> None:
        """Count how often each was named of late, and by whom."""
        marks: dict[int, _Made] = {}
        for id_, made in self._by_id.items():
            marks[tallies.mark_of(Key(Family.MALWARE, "ref", id_))] = made
        for name, made in self._galaxies().items():
            marks[tallies.mark_of(Key(Family.MALWARE, "malware", name))] = made
        last = day_of({}, now.date().isoformat())
        whole = tallies.Days(last - days + 1, last)
        claims: dict[str, int] = defaultdict(int)
        by: dict[str, set[str]] = defaultdict(set)
        for row in tallies.daily(self.unit, marks, whole, level):
            key = marks[row.mark].key
            if not is_of_set(row.voucher) and row.all > 0:
                claims[key] += row.all
                self.made[key].level = max(self.made[key].level, row.level)
                by[key].add(row.voucher)
        for key, count in claims.items():
            self.made[key].reasons[NAMED] = str(count)
            partners = sorted(v for v in by[key] if ":" not in v and v != self.us.party)
            if partners:
                self.made[key].reasons[PARTNER] = ", ".join(partners)

    def _galaxies(self) -> dict[str, _Made]:
        """Return by what names labels may call threats, as tallies compare names."""
        found: dict[str, _Made] = {}
        for id_, group in self.known.groups.items():
            for name in group.names:
                found.setdefault(folded(name), self._by_id[id_])
        return found


def patterns(unit: Connection, rows: Rows, known: Lore) -> dict[str, str]:
    """Return the techniques that may be named by id: ATT&CK's own, and copies of them under others' ids."""
    found = dict(known.ids)
    some = rows.where(copies.c.type == "attack-pattern").order_by(copies.c.seq.desc())
    for copy in objects.load(unit, some.limit(_MOST_HELD)):
        number = known.number_of(technique_of(copy.object.body))
        if number in known.techniques:
            found[copy.object.id] = number
    return found


def indicated(
    unit: Connection, rows: Rows, known: Lore, ids: Collection[str]
) -> dict[str, dict[str, int]]:
    """Return by indicator the techniques that it indicates, each with the level of TLP of who says so.

    What it says of itself counts (a reference to ATT&CK), and relationships to techniques. A tactic is no technique,
    and what malware may do else is not shown by the malware being there.
    """
    found: dict[str, dict[str, int]] = defaultdict(dict)
    others = sets.of_others(rows)
    theirs = patterns(unit, others, known)
    for tie in store.ties(unit, others, ids, ("relationship",), _MOST_TIES):
        who, what = tie.ends[0], theirs.get(tie.ends[-1])
        if tie.kind == _INDICATES and who in ids and what is not None:
            found[who][what] = min(tie.level, found[who].get(what, tie.level))
    for some in objects.named(others, ids):
        for copy in objects.load(unit, some):
            number = known.number_of(technique_of(copy.object.body))
            if number in known.techniques:
                found[copy.object.id].setdefault(number, copy.level)
    return found


def _counts(tie: store.Tie, who: Sequence[_Made]) -> bool:
    """Say whether a tie says who does what; of several in one report nobody knows."""
    return tie.kind in {_USES, _TARGETS} or (not tie.kind and len(who) == 1)


def of_ours(body: Body, country: str, sectors: Collection[str]) -> str:
    """Return which of our sectors or countries an identity or a place is; empty: none.

    Args:
        sectors: as all would write them (``spelling``).
    """
    said = body.get("country")
    if isinstance(said, str) and said.upper() == country.upper():
        return country
    listed = body.get("sectors")
    for each in listed if isinstance(listed, list) else ():
        if isinstance(each, str) and spelling(each) in sectors:
            return each
    return ""
