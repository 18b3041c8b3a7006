"""Matches are kept as they come: once each, with all their detail, for our own people alone."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection

from mithaq.clock import text
from mithaq.defence.seeing import levels
from mithaq.detect import assets
from mithaq.detect.matches import Match
from mithaq.model.telemetry import Scalar, Value
from mithaq.model.whose import Word
from mithaq.store import coverage, matches, suppressions
from mithaq.store.journal import record as journal
from mithaq.store.matches import Group, Kept
from mithaq.store.suppressions import Suppression

_FIELDS = 64  # of one match that are kept
_NAME, _LONGEST = 1_000, 16_384  # characters of the name of one, and of all its values
_MOST = 65_536  # characters of them all
_Place = tuple[Word, str, str]  # whose word, day, log source


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Of which machines, days and log sources there was telemetry: what is common, or seen at all, is told by it."""

    assets: frozenset[str] = field(default_factory=frozenset)
    days: frozenset[str] = field(default_factory=frozenset)
    sources: Mapping[tuple[str, str], int] = field(
        default_factory=dict
    )  # (log source, day) -> events


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What came of some matches."""

    new: int = 0
    known: int = 0
    suppressed: int = 0  # of the new ones
    fresh: Sequence[
        Match
    ] = ()  # the new ones that are shown: neither suppressed nor of what finds too much


_UNSAID = Watched()


def record(
    unit: Connection, found: Iterable[Match], now: datetime, watched: Watched = _UNSAID
) -> Recorded:
    """Keep matches; one that is here already stays as it is, so whoever was interrupted begins anew.

    A match has a day, that on which the event happened, and belongs with the others of its rule, day and log source; of
    an indicator with those that rest on the same giver's word.
    """
    matches.watch(unit, filter(assets.is_inside, watched.assets), watched.days)
    today = text(now)[:10]
    coverage.collect(unit, {(s, day or today): n for (s, day), n in watched.sources.items()})
    some = {each.id: each for each in found}
    fresh = matches.new_among(unit, some)
    matches.grow(unit, [_kept(e, 0, ()) for e in some.values() if e.times and e.id not in fresh])
    if not fresh:
        return Recorded(known=len(some))
    places: dict[_Place, list[Match]] = defaultdict(list)
    for id_, each in some.items():  # in the order in which they came
        if id_ in fresh:
            places[_place(each)].append(each)
    level = levels(unit, {word for word, _, _ in places})
    standing = active(unit, now)
    kept: list[Kept] = []
    for place, alike in places.items():
        seq = matches.join(unit, _group(place, alike, level.get(place[0], 0)))
        kept += [_kept(match, seq, standing) for match in alike]
    matches.put(unit, kept)
    shown = {each.id for each in kept if not each.suppressed}
    suppressed = len(kept) - len(shown)
    journal(unit, now, "matched", "", new=len(kept), suppressed=suppressed)
    return Recorded(
        new=len(kept),
        known=len(some) - len(kept),
        suppressed=suppressed,
        fresh=[each for id_, each in some.items() if id_ in shown and not each.quiet],
    )


def active(unit: Connection, now: datetime) -> list[Suppression]:
    """Return the suppressions that stand now; those that stand longest first."""
    at = text(now)
    some = [
        each
        for each in suppressions.every(unit)
        if not each.undone_at and (not each.until or each.until > at)
    ]
    return sorted(some, key=lambda each: (each.until == "", each.until), reverse=True)


def suppressing(word: Word, match: Match | Kept, standing: Iterable[Suppression]) -> int:
    """Return the number of the first suppression that is about a match; 0: none is."""
    return next((each.seq for each in standing if each.meets(word, match.found)), 0)


def _place(match: Match) -> _Place:
    return match.word, match.at[:10], "/".join(filter(None, match.source))


def _group(place: _Place, some: Sequence[Match], level: int) -> Group:
    word, day, source = place
    instants = [each.at for each in some if each.at]
    return Group(
        rule=word.rule,
        giver=word.giver,
        day=day,
        source=source,
        title=some[0].title,
        severity=some[0].level,
        level=level,
        count=len(some),
        first=min(instants, default=""),
        last=max([*instants, *(each.last for each in some)], default=""),
    )


def bounded(found: Mapping[str, Value]) -> dict[str, Value]:
    """Return what was found as far as it is kept: logs come from outside, and each match is kept with it."""
    kept: dict[str, Value] = {}
    left = _MOST
    for name, value in islice(found.items(), _FIELDS):
        some = list(_cut(value if isinstance(value, list) else [value], min(left, _LONGEST)))
        if left <= 0:
            break
        kept[name[:_NAME]] = some if isinstance(value, list) else some[0]
        left -= sum(map(_size, some))
    return kept


def _cut(values: Iterable[Scalar], left: int) -> Iterator[Scalar]:
    for each in values:
        if left <= 0:
            return
        yield each[:left] if isinstance(each, str) else each
        left -= _size(each)


def _size(value: Scalar) -> int:
    return len(value) if isinstance(value, str) else 1


def _kept(match: Match, seq: int, standing: Iterable[Suppression]) -> Kept:
    return Kept(
        id=match.id,
        grouped=seq,
        digest=match.digest,
        event=match.event,
        at=match.at,
        asset=match.asset,
        found=bounded(match.found),
        suppressed=suppressing(match.word, match, standing),
        times=match.times,
        last=match.last,
    )
