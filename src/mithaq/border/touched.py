"""What a block touches: it is taken down at once, and decided again, and nothing else is."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.situation import candidates_of
from mithaq.clock import text
from mithaq.policy import blocks
from mithaq.policy.situation import Block
from mithaq.policy.views import labels_of
from mithaq.store import objects, parties, pending, releases
from mithaq.store.releases import ShelfRow, Touching

AT_ONCE = 1000  # copies read at once


def take_down(unit: Connection, block: Block, now: datetime) -> list[ShelfRow]:
    """Take down what stands against a block that holds; return the rows that are gone.

    What was asked for and is touched, and what refers to it, is decided again at the next look of the worker.
    """
    gone = standing_against(unit, block)
    for row in gone:
        releases.take_away(unit, row.shelf, row.id, row.version)
        releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)
    decide_again(unit, block, [now])
    _referring(unit, gone, now)
    return gone


def standing_against(unit: Connection, block: Block) -> list[ShelfRow]:
    """Return the rows that a block is about, also of the marking definitions that it names."""
    found = _touching(unit, block)
    rows = releases.rows_touched(unit, found)
    named = _named(unit, block, {row.copy for row in rows})
    standing = [row for row in rows if row.copy in named]
    return standing + releases.statements_touched(unit, found.peers, {*block.ids, *block.markings})


def decide_again(
    unit: Connection, block: Block, at: Iterable[datetime], *, state: str = ""
) -> None:
    """Have what a block touches, of all that was asked for, decided again at some instants.

    Args:
        state: only what stands at this.
    """
    asked = releases.asked_touched(unit, _touching(unit, block), state)
    named = _named(unit, block, {copy for copy, _ in asked})
    by_agreement: dict[str, list[int]] = defaultdict(list)
    for copy, agreement in asked:
        if copy in named:
            by_agreement[agreement].append(copy)
    for agreement, copies in by_agreement.items():
        pending.turn_at(unit, agreement, [(copy, text(when)) for when in at for copy in copies])


def _referring(unit: Connection, gone: Iterable[ShelfRow], now: datetime) -> None:
    """Have what refers to what is gone decided again under its agreement: it may not stand without it."""
    by_agreement: dict[str, set[str]] = defaultdict(set)
    for row in gone:
        by_agreement[row.agreement].add(row.id)
    for agreement, ids in by_agreement.items():
        copies = set(objects.referring_to(unit, ids))
        pending.turn_at(unit, agreement, [(copy, text(now)) for copy in sorted(copies)])


def _touching(unit: Connection, block: Block) -> Touching:
    """Return what the store can choose by: peers, ids, kinds and sources."""
    peers = [p.name for p in parties.all_peers(unit) if blocks.reaches(block, p.name, p.country)]
    return Touching(
        peers=tuple(peers),
        ids=tuple(sorted(block.ids)),
        kinds=() if blocks.EVERY in block.kinds else tuple(sorted(block.kinds)),
        sources=tuple(sorted(block.sources)),
    )


def _named(unit: Connection, block: Block, copies: set[int]) -> set[int]:
    """Return those of the copies that the block is about, also by what only their bytes tell."""
    if not block.markings and not block.labels:
        return copies  # the store chose by all that the block names
    chosen, found = sorted(copies), set[int]()
    for start in range(0, len(chosen), AT_ONCE):
        for candidate in candidates_of(unit, chosen[start : start + AT_ONCE]):
            if blocks.names(block, candidate, labels_of(candidate)):
                found.add(int(str(candidate.key)))
    return found
