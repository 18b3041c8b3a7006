"""How often something was claimed: distinct claims, by who vouches for them, not doubled by versions or copies.

A claim is an object of an owner; where nobody here is its owner, of whoever brought it. Each voucher gives it once,
by the newest version it gave; who may not read that does not read the older ones. Of several vouchers, or several
agreements, one gives it first (``again`` is 0), and the others say it again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from mithaq.model.labels import Tlp
from mithaq.model.mentions import Family, Key, day_of, keys_of
from mithaq.model.objects import Object, moment

FORM = "1"  # to be raised when other things are counted of the same objects: all are counted anew
FIRST, BY_ANOTHER, UNDER_ANOTHER = (
    0,
    1,
    2,
)  # first of all; again by another voucher; again by the same


class Told(Protocol):
    """A copy of an object, as far as counting goes."""

    @property
    def object(self) -> Object:
        """What it says."""

    @property
    def seq(self) -> int:
        """Its number."""

    @property
    def voucher(self) -> str:
        """Who gave it."""

    @property
    def owner(self) -> str:
        """The party that speaks for it, if any."""

    @property
    def agreement(self) -> str:
        """What it came under."""

    @property
    def standing(self) -> str:
        """Whether it is ours."""

    @property
    def level(self) -> int:
        """Its effective TLP."""

    @property
    def received_at(self) -> str:
        """When it came."""


class Tally(NamedTuple):
    """Where a claim is counted."""

    key: Key
    day: int
    voucher: str
    agreement: str
    level: int
    again: int


class Mention(NamedTuple):
    """A copy that speaks of something, on a day."""

    key: Key
    day: int
    copy: int


class Counted(NamedTuple):
    """What some copies count for."""

    tallies: Counter[Tally]
    mentions: set[Mention]


def whole(family: Family) -> Key:
    """Return the key that stands for whatever is said of a family."""
    return Key(family, "whole", "*")


def counted(copies: Iterable[Told]) -> Counted:
    """Count what copies claim. All copies of an id must be among them, or none."""
    claims: dict[tuple[str, str], list[Told]] = defaultdict(list)
    for copy in copies:
        claims[copy.object.id, copy.owner].append(copy)
    found = Counted(Counter(), set())
    for claim in claims.values():
        _count(_newest(claim) if len(claim) > 1 else claim, found)
    return found


def _newest(claim: Sequence[Told]) -> list[Told]:
    last: dict[str, str] = {}
    for copy in claim:
        at = moment(copy.object.version)
        last[copy.voucher] = max(at, last.get(copy.voucher, at))
    kept = [copy for copy in claim if moment(copy.object.version) == last[copy.voucher]]
    return sorted(kept, key=lambda copy: (copy.level, copy.seq))


def _count(claim: Sequence[Told], found: Counted) -> None:
    said: set[tuple[Key, str]] = set()
    first: set[Key] = set()
    for copy in claim:
        if not _is_counted(copy):
            continue
        keys = keys_of(copy.object.body)
        day = day_of(copy.object.body, copy.received_at) if keys else 0
        found.mentions.update(Mention(key, day, copy.seq) for key in keys)
        for key in keys | {whole(family) for family in {key.family for key in keys}}:
            again = UNDER_ANOTHER if (key, copy.voucher) in said else int(key in first)
            said.add((key, copy.voucher))
            first.add(key)
            found.tallies[Tally(key, day, copy.voucher, copy.agreement, copy.level, again)] += 1


def _is_counted(copy: Told) -> bool:
    """Leave out what nobody can read, and what is RED for persons whom others named: no index for others has it.

    Border.md 2.4.
    """
    return copy.level < Tlp.RED or (copy.level == Tlp.RED and copy.standing == "own")
