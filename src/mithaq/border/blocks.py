"""What stands above agreements here, as the policy takes it: ruptures and restrictions, each a block."""

from sqlalchemy import Connection

from mithaq.border.us import Us
from mithaq.policy.decision import Rule
from mithaq.policy.situation import Block
from mithaq.store import blocks as store
from mithaq.store.blocks import RestrictionRow, RuptureRow


def standing(unit: Connection, us: Us) -> tuple[Block, ...]:
    """Return every block that nobody has lifted, whether its time has come or not."""
    broken = (of_rupture(us, row) for row in store.ruptures_standing(unit))
    return (*broken, *map(of_restriction, store.restrictions_standing(unit)))


def of_rupture(us: Us, row: RuptureRow) -> Block:
    """Return a rupture as a block: with us it is about everything, between others about what its maker owns."""
    with_us = row.party == us.party
    return Block(
        power=Rule.RUPTURE,
        name=row.party,
        by=row.by,
        to=frozenset({row.by if with_us else row.party}),
        sources=frozenset() if with_us or row.by == us.party else frozenset({row.by}),
    )


def of_restriction(row: RestrictionRow) -> Block:
    """Return an entry of the restriction list as a block."""
    return Block(
        power=Rule.RESTRICTION,
        name=str(row.seq),
        to=frozenset(row.to),
        kinds=frozenset(row.kinds),
        ids=frozenset(row.ids),
        sources=frozenset(row.sources),
        markings=frozenset(row.markings),
        labels=frozenset(row.labels),
        since=row.since,
        until=row.until,
        basis=row.basis,
    )
