"""Why a search found nothing: a filter that nothing meets which the asker may read, and what may be meant instead.

Neither may tell of what they may not read: a source of which they may read nothing is one that there is not.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import searching
from mithaq.intel.rules import Filters
from mithaq.model.schema import TYPES
from mithaq.store import agreements, parties, texts
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Rows
from mithaq.store.sources import all_sources

_MOST = 3  # names that are offered
_ALONE = ("type", "source", "agreement", "labels")  # filters that a misspelt name leaves empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmet:
    """A filter that nothing meets by itself."""

    filter: str  # type | source | agreement | labels
    asked: str
    like: tuple[str, ...]  # of which there is something


def unmet(unit: Connection, us: Us, actor: Actor, filters: Filters) -> list[Unmet]:
    """Return the filters of a search that nothing meets which the actor may read.

    Raises:
        TookTooLong: it asks for too much.
    """
    rows = searching.visible(us, actor)
    with within_seconds(unit, searching.SECONDS):
        return [
            Unmet(filter=name, asked=asked, like=tuple(_like(unit, us, rows, name, asked)))
            for name in _ALONE
            for asked in _asked(filters, name)
            if not _is_met(unit, rows, name, asked)
        ]


def _asked(filters: Filters, name: str) -> Collection[str]:
    asked = getattr(filters, name)
    return asked if isinstance(asked, tuple) else (asked,) if asked else ()


def _is_met(unit: Connection, rows: Rows, name: str, asked: str) -> bool:
    alone = Filters(
        type=asked if name == "type" else "",
        source=asked if name == "source" else "",
        agreement=asked if name == "agreement" else "",
        labels=(asked,) if name == "labels" else (),
    )
    return bool(texts.search(unit, rows, searching.looked_for("", alone), (1, 0)))


def _like(unit: Connection, us: Us, rows: Rows, name: str, asked: str) -> Iterator[str]:
    written = {each.lower(): each for each in _known(unit, us, name)}
    near = get_close_matches(asked.lower(), written, n=_MOST)
    yield from (written[each] for each in near if _is_met(unit, rows, name, written[each]))


def _known(unit: Connection, us: Us, name: str) -> Collection[str]:
    """Return what a filter may name, as people write it."""
    match name:
        case "type":
            return TYPES
        case "source":
            bare = (each.partition(":")[2] or each for each in all_sources(unit))
            return {us.party, *bare, *(each.name for each in parties.all_peers(unit))}
        case "agreement":
            return {each.id for each in agreements.texts(unit)}
        case _:
            return ()
