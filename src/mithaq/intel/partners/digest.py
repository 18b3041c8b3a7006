"""What partners and we gave each other in a period, and who saw what: figures, with some of what they count.

All of it comes of what the actor may read; the highest marking among it is told with it.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import SECONDS, visible
from mithaq.intel.partners.balance import is_hit
from mithaq.intel.partners.balance import partners as known_partners
from mithaq.store import balance as given
from mithaq.store import objects, sharing
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows
from mithaq.store.sharing import Counted, Wanted

MOST = 20_000  # releases and sightings of a partner, the newest, that are looked at
EXAMPLES = 3  # of what a figure counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A figure, and the newest of what it counts."""

    count: int = 0
    examples: Sequence[Copy] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """What passed between a partner and us in a period."""

    partner: str
    came: Given  # versions of objects
    types: Mapping[str, int]  # of these
    agreements: Sequence[str]  # they came under
    went: Given
    seen_by_them: Given  # their sightings of what is ours
    seen_by_us: Given  # our sightings of what they gave


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What came and went in a period."""

    partners: Sequence[Exchanged]
    own_sources: Mapping[str, int]  # versions of objects that came from feeds, files and clients
    level: int  # the highest marking of what was counted


def digest(unit: Connection, us: Us, actor: Actor, since: str, until: str) -> Digest:
    """Return what came and went from ``since`` to before ``until``, as far as the actor may read.

    Raises:
        Forbidden: they may read nothing. TookTooLong: there is too much of it.
    """
    rows = visible(us, actor)
    with within_seconds(unit, SECONDS):
        counted = sharing.counted(unit, rows, Wanted(since=since, until=until))
        work = _Work(unit=unit, rows=rows, since=since, until=until, counted=counted)
        partners = [work.of(name) for name in known_partners(unit)]
    others: Counter[str] = Counter()
    for each in counted:
        if ":" in each.whom:
            others[each.whom] += each.count
    levels = [each.level for each in counted] + [work.highest]
    return Digest(partners=partners, own_sources=dict(others.most_common()), level=max(levels))


def readable(unit: Connection, us: Us, actor: Actor, seqs: Collection[int]) -> set[int]:
    """Return the numbers, among ``seqs``, of copies that the actor may read."""
    rows = visible(us, actor)
    return {row[0] for some in objects.numbered(rows, seqs) for row in objects.keys(unit, some)}


@dataclass(slots=True, kw_only=True)
class _Work:
    unit: Connection
    rows: Rows
    since: str
    until: str
    counted: Sequence[Counted]
    highest: int = 0

    def of(self, partner: str) -> Exchanged:
        """Return what passed between a partner and us."""
        theirs = [each for each in self.counted if each.whom == partner]
        types: Counter[str] = Counter()
        for each in theirs:
            types[each.type] += each.count
        wanted = Wanted(whom=[partner], since=self.since, until=self.until)
        newest = sharing.came(self.unit, self.rows, wanted, (EXAMPLES, 0)) if theirs else []
        went = given.given_to(self.unit, self.rows, partner, self.since, MOST)
        return Exchanged(
            partner=partner,
            came=Given(count=types.total(), examples=newest),
            types=dict(types.most_common()),
            agreements=sorted({each.agreement for each in theirs if each.agreement}),
            went=self._given([copy for copy, at in went if at < self.until]),
            seen_by_them=self._seen(partner, by_them=True),
            seen_by_us=self._seen(partner, by_them=False),
        )

    def _seen(self, partner: str, *, by_them: bool) -> Given:
        """Return the sightings by one side of what the other gave."""
        sides = given.of(partner), given.ours()
        by, of = sides if by_them else sides[::-1]
        said = given.spoken(self.unit, self.rows, by, self.since, MOST)
        hits = [each for each in said if is_hit(each.object.body) and each.received_at < self.until]
        here = given.among(self.unit, self.rows, of, map(_seen_of, hits))
        return self._given([each for each in hits if _seen_of(each) in here])

    def _given(self, some: Sequence[Copy]) -> Given:
        self.highest = max(self.highest, *(copy.level for copy in some), 0)
        newest = sorted(some, key=lambda copy: copy.seq, reverse=True)[:EXAMPLES]
        return Given(count=len(some), examples=newest)


def _seen_of(sighting: Copy) -> str:
    return str(sighting.object.body.get("sighting_of_ref"))
