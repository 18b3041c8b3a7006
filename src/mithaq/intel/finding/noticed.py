"""Notice of what met watches, past what each person may read when they ask."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import searching
from mithaq.store import noticing, texts, watching
from mithaq.store.bounds import within_seconds
from mithaq.store.noticing import Hit, Reader, Watched

MOST_COUNTED = 500  # notices of one name: there are more than anybody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What a person has notice of: a saved search, or a requirement of theirs."""

    name: str
    kind: str = "search"  # search | requirement
    watches: Sequence[int]
    without: Collection[str] = field(default_factory=frozenset)  # ids a person took out


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices:
    """What met it; ``unread`` is how many they have not read, ``MOST_COUNTED`` or more at most."""

    of: Followed
    unread: int
    hits: Sequence[Hit] = ()


def reader(us: Us, actor: Actor) -> Reader:
    """Return who asks, past what they may read."""
    return Reader(actor.name, texts.newest(searching.visible(us, actor)))


def watched(
    unit: Connection, us: Us, actor: Actor, numbers: Iterable[int], without: Collection[str] = ()
) -> Watched:
    """Return watches as one, each past the ties that the actor may read."""
    rows = searching.visible(us, actor)
    among = {n: searching.among(unit, rows, watching.query_of(unit, n).topics) for n in numbers}
    return Watched(among, frozenset(without))


def notices(
    unit: Connection, us: Us, actor: Actor, followed: Sequence[Followed], most: int
) -> list[Notices]:
    """Return what met each, as far as the actor may read it now; up to ``most`` of each, unread first.

    Raises:
        TookTooLong: there is too much of what they may not read.
    """
    who = reader(us, actor)
    found: list[Notices] = []
    with within_seconds(unit, searching.SECONDS):
        for one in followed:
            what = watched(unit, us, actor, one.watches, one.without)
            count, hits = noticing.counted(unit, who, what, (MOST_COUNTED, most))
            found.append(Notices(of=one, unread=count, hits=hits))
    return found


def mark_read(
    unit: Connection,
    us: Us,
    actor: Actor,
    followed: Sequence[Followed],
    numbers: Collection[int] | None,
) -> None:
    """Note that a person has read some notices (numbers of copies), or (None) all of what they may read now.

    What they may not read stays unread, for whenever they may; an older version of something newer counts as read too.
    """
    watches = [watch for one in followed for watch in one.watches]
    noticing.mark_read(unit, Reader(actor.name, searching.visible(us, actor)), watches, numbers)
