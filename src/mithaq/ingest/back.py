"""Looks back: indicators are held against the index of what was seen, and what is found is kept as hits.

Whoever is interrupted begins anew: a hit of the index is known by its value, its hour and its log source.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from mithaq.defence.past import back
from mithaq.detect.indicators import Indicators
from mithaq.detect.matches import Match
from mithaq.ingest.keeping import Keeper
from mithaq.store.past import Past

_AT_ONCE: Final = 500  # hits that are kept together
_DAYS: Final = 10  # that are held against the indicators together


def look_back(
    past: Past,
    values: Indicators,
    days: Sequence[str],
    keeper: Keeper | None = None,
    lost: list[str] | None = None,
) -> Iterator[Match | int]:
    """Yield what is found on some days, once it is kept; and after some of the days how many are done.

    Args:
        lost: takes the days that cannot be read; without it they end it.
    """
    for at in range(0, len(days), _DAYS):
        some = days[at : at + _DAYS]
        found = (before.match for before in back(past, values, some, lost=lost))
        while kept := list(islice(found, _AT_ONCE)):
            if keeper:
                keeper.keep(kept)
            yield from kept
        yield at + len(some)
