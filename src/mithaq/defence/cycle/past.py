"""The cycle is scored again each day: how it stood, as who is cleared for a level could see it, and what changed.

A day is kept for each level by itself, up to AMBER+STRICT: what RED adds is for named readers, and so is compared with
nothing. What is kept is worked out from evidence like any answer; nobody enters it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Role
from mithaq.defence.cycle.standing import Cycle
from mithaq.detect.coverage import Gap, Seen
from mithaq.model.labels import Clearance, Tlp
from mithaq.store import cycle as store

HIGHEST = Tlp.AMBER_STRICT
_MONTH = timedelta(days=30)


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One day."""

    score: int | None
    techniques: Mapping[str, tuple[str, str, int]]  # seen, gap, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of the techniques that threats use, since a day."""

    since: str
    before: int | None  # the score then
    after: int | None
    closed: Sequence[str]  # gaps that are none any more
    new: Sequence[str]  # gaps that were none
    proved: Sequence[str]
    lost: Sequence[str]  # proved then, and no more
    gone: Sequence[str]  # gaps of threats that do not count any more


def kept_at(unit: Connection, day: str, levels: Collection[Tlp]) -> set[Tlp]:
    """Return those of some levels for which a day is kept."""
    return {Tlp(each) for each in store.kept_at(unit, day, [int(each) for each in levels])}


def reader(level: Tlp) -> Actor:
    """Return whoever is cleared for a level and looks at hits: as whom a day is kept."""
    return Actor(name="", roles=frozenset({Role.ANALYST}), clearance=Clearance(tlp=level))


def keep(unit: Connection, stands: Cycle) -> None:
    """Keep how it stands today, for those who are cleared for its level."""
    told = _Kept(
        score=stands.score,
        techniques={
            each.number: (str(each.standing.seen), str(each.standing.gap), each.standing.score)
            for each in stands.used()
        },
    )
    store.keep_day(unit, stands.day, int(stands.level), msgspec.json.encode(told).decode())


def change(unit: Connection, stands: Cycle, since: str = "") -> Change | None:
    """Return what changed since the last day that is kept up to one; None: none is.

    Args:
        since: a day; a month ago if not said, or as far back as is kept.
    """
    days = [each for each in store.days(unit, int(stands.level)) if each < stands.day]
    wanted = since or (date.fromisoformat(stands.day) - _MONTH).isoformat()
    some = [each for each in days if each <= wanted] or ([] if since else days[:1])
    if not some:
        return None
    kept = msgspec.json.decode(store.day(unit, some[-1], int(stands.level)), type=_Kept)
    now = {each.number: each.standing for each in stands.used()}
    then = kept.techniques
    gaps = {n for n, (_, gap, _) in then.items() if gap == Gap.OPEN}
    proved = {n for n, (seen, _, _) in then.items() if seen == Seen.PROVED}
    open_now = {n for n, each in now.items() if each.gap is Gap.OPEN}
    proved_now = {n for n, each in now.items() if each.seen is Seen.PROVED}
    return Change(
        since=some[-1],
        before=kept.score,
        after=stands.score,
        closed=sorted((gaps & now.keys()) - open_now),
        new=sorted(open_now - gaps),
        proved=sorted(proved_now - proved),
        lost=sorted((proved & now.keys()) - proved_now),
        gone=sorted(gaps - now.keys()),
    )
