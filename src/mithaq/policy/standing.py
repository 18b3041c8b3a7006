"""A director's yes given beforehand: whether it is the second person of a release proposed now (border.md 2.8).

It never reaches RED, a lowered marking, or attribution to a State, and never counts for what its giver proposed or
wrote. Hours are a week of the giver's wall clock; what is judged here is the weekday and minute that the wall shows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mithaq.errors import InputError
from mithaq.model.labels import Tlp
from mithaq.policy.decision import Hold, Rule
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import Candidate, Person

DIRECTOR = "director"  # the role whose holders may give one
HIGHEST = Tlp.AMBER_STRICT
EVERY = "*"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(
    r"(?P<days>daily|[a-z]{3}(?:-[a-z]{3})?(?:,[a-z]{3}(?:-[a-z]{3})?)*) "
    r"(?P<begins>[0-9]{2}:[0-9]{2})-(?P<ends>[0-9]{2}:[0-9]{2})"
)
_DAY = 24 * 60  # minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Minutes of a day, on the days on which they begin; ``ends`` up to ``begins`` is on the day after."""

    days: frozenset[int]  # 0 is Monday
    begins: int
    ends: int

    def holds(self, weekday: int, minute: int) -> bool:
        """Say whether the window is open at a minute of a weekday."""
        if self.begins < self.ends:
            return weekday in self.days and self.begins <= minute < self.ends
        today = weekday in self.days and minute >= self.begins
        return today or ((weekday - 1) % 7 in self.days and minute < self.ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a director has signed."""

    director: Person
    kinds: frozenset[str]
    level: Tlp
    peers: frozenset[str]
    windows: tuple[Window, ...]
    begins: str
    expires: str
    left: int  # how often it may still be used


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something is proposed: the cautious pair, and what the director's wall clock shows at either."""

    instants: Instants
    walls: tuple[datetime, ...]


def windows(written: Sequence[str]) -> tuple[Window, ...]:
    """Read hours such as ``mon-fri 18:00-08:00``, ``sat,sun 00:00-24:00`` or ``daily 22:00-06:00``.

    Raises:
        InputError: one of them is none, or there are none.
    """
    if not written:
        raise InputError("name the hours in which it counts", cause="hours")
    return tuple(map(_window, written))


def covers(standing: Standing, waiting: Hold, candidate: Candidate, proposer: str) -> bool:
    """Say whether a director may be the second person of this view for this proposer at all."""
    director, level = standing.director, waiting.view.label.tlp
    return (
        waiting.needs == {str(Rule.SECOND_PERSON)}
        and not candidate.lowers
        and level is not None
        and level <= min(standing.level, HIGHEST, director.clearance)
        and DIRECTOR in director.roles
        and director.name not in {proposer, candidate.author}
        and (EVERY in standing.kinds or candidate.object.type in standing.kinds)
    )


def counts(standing: Standing, when: Moment) -> bool:
    """Say whether it counts for what is proposed at a moment: used up it does not, nor outside its hours."""
    at = when.instants
    return (
        standing.left > 0
        and at.opens >= standing.begins
        and at.closes < standing.expires
        and bool(when.walls)
        and all(_open(standing.windows, wall) for wall in when.walls)
    )


def _open(windows_: Sequence[Window], wall: datetime) -> bool:
    minute = wall.hour * 60 + wall.minute
    return any(window.holds(wall.weekday(), minute) for window in windows_)


def _window(written: str) -> Window:
    found = _SPAN.fullmatch(" ".join(written.lower().split()))
    if found is None:
        raise InputError(f"{written!r} are no hours like 'mon-fri 18:00-08:00'", cause="hours")
    begins, ends = _minute(found["begins"], written), _minute(found["ends"], written)
    if begins in (ends, _DAY):
        raise InputError(f"{written!r} begins where it ends", cause="hours")
    return Window(days=_days(found["days"], written), begins=begins, ends=ends)


def _minute(written: str, whole: str) -> int:
    hours, minutes = map(int, written.split(":"))
    minute = hours * 60 + minutes
    if minutes >= 60 or minute > _DAY:  # noqa: PLR2004 minutes of an hour
        raise InputError(f"{whole!r} holds no time of day: {written}", cause="hours")
    return minute


def _days(written: str, whole: str) -> frozenset[int]:
    if written == "daily":
        return frozenset(range(len(DAYS)))
    found: set[int] = set()
    for part in written.split(","):
        first, _, last = part.partition("-")
        for name in filter(None, (first, last)):
            if name not in DAYS:
                raise InputError(f"{whole!r}: {name!r} is none of {', '.join(DAYS)}", cause="hours")
        start, end = DAYS.index(first), DAYS.index(last or first)
        found |= {(start + step) % 7 for step in range((end - start) % 7 + 1)}
    return frozenset(found)
