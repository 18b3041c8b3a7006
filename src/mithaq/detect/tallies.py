"""What a hunt comes to: its matches by rule, each match once, in bounded memory."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from mithaq.detect.matches import Match
from mithaq.model.telemetry import Event

LEVELS: Final = ("informational", "low", "medium", "high", "critical")
_REMEMBERED: Final = 1 << 20  # matches that are known again
_FEW: Final = 8  # sources and files that a group names


class Matcher(Protocol):
    """Something that finds in events what it was compiled from."""

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what is found in each event, in their order."""


@dataclass(slots=True)
class Group:
    """The matches of one rule."""

    example: Match  # the first that was found
    count: int = 0
    first: str = ""  # instants of events; empty: none is known
    last: str = ""
    sources: dict[str, None] = field(default_factory=dict)  # a few log sources, in words
    files: dict[str, None] = field(default_factory=dict)  # and a few files

    def add(self, match: Match, file: str) -> None:
        """Count one more."""
        self.count += max(match.times, 1)
        if match.at:
            self.first = min(self.first or match.at, match.at)
            self.last = max(self.last, match.at, match.last)
        for named, one in (
            (self.sources, "/".join(filter(None, match.source))),
            (self.files, file),
        ):
            if one and len(named) < _FEW:
                named[one] = None


class Tally:
    """Matches by rule. One that comes again, as in two copies of a log, counts once, up to a million of them."""

    def __init__(self) -> None:
        """Begin with none."""
        self.groups: dict[str, Group] = {}
        self._seen: set[str] = set()

    def add(self, match: Match, file: str = "") -> bool:
        """Count a match; say whether it is a new one."""
        if match.id in self._seen:
            return False
        if len(self._seen) < _REMEMBERED:
            self._seen.add(match.id)
        group = self.groups.setdefault(match.digest, Group(match))
        group.add(match, file)
        return True

    @property
    def count(self) -> int:
        """How many matches there are."""
        return sum(group.count for group in self.groups.values())

    def sorted(self) -> list[Group]:
        """Return the groups, the gravest first, then those that were first."""
        return sorted(self.groups.values(), key=_gravest)


def rank(level: str) -> int:
    """Say how grave a level is; one that is not said is as none."""
    return LEVELS.index(level) if level in LEVELS else -1


def _gravest(group: Group) -> tuple[int, str, str]:
    return (-rank(group.example.level), group.first, group.example.title)
