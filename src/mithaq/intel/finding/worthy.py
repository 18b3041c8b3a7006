"""Indicators by what they are worth now: worked out from what the reader may read of them (``mithaq.model.worth``)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import searching
from mithaq.intel.finding.searching import SECONDS, visible
from mithaq.intel.rules import Filters
from mithaq.model.worth import ABOUT, Body, Worth, about, at_most, worth
from mithaq.store import neighbours, texts
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows
from mithaq.store.sources import all_sources

AT_ONCE = 500  # indicators that are looked at together


def search(  # noqa: PLR0913 words, filters and page of one search
    unit: Connection,
    us: Us,
    actor: Actor,
    words: str,
    filters: Filters,
    least: int,
    now: datetime,
    *,
    page: tuple[int, int] = (50, 0),
) -> list[tuple[Copy, Worth]]:
    """Return the indicators that a search finds and that are worth so much at least, each with what it is worth.

    Raises:
        InputError: a filter cannot be read. TookTooLong: it asks for too much.
    """
    if filters.type not in ("", "indicator"):
        return []
    rows = visible(us, actor)
    limit, before = page
    found: list[tuple[Copy, Worth]] = []
    with within_seconds(unit, SECONDS):
        wanted = searching.looked_for(words, replace(filters, type="indicator"))
        among = searching.among(unit, rows, searching.topics(filters))
        wanted = replace(wanted, among=among)
        while len(found) < limit:
            some = texts.search(unit, rows, wanted, (AT_ONCE, before))
            found += _worth_it(unit, rows, some, least, now)
            if len(some) < AT_ONCE:
                break
            before = some[-1].seq
    return found[:limit]


def _worth_it(
    unit: Connection, rows: Rows, some: Sequence[Copy], least: int, now: datetime
) -> list[tuple[Copy, Worth]]:
    might = [copy for copy in some if at_most(copy.object.body) >= least]
    said = said_of(unit, rows, {copy.object.id for copy in might})
    judged = ((copy, worth(copy.object.body, said.get(copy.object.id, ()), now)) for copy in might)
    return [(copy, each) for copy, each in judged if each is not None and each.score >= least]


def said_of(unit: Connection, rows: Rows, ids: Iterable[str]) -> Mapping[str, list[Body]]:
    """Return, by id, the sightings and opinions of some objects that are visible."""
    wanted, found = set(ids), defaultdict[str, list[Body]](list)
    for copy in neighbours.saying(unit, rows, wanted, tuple(ABOUT)):
        for id_ in about(copy.object.body) & wanted:
            found[id_].append(copy.object.body)
    return found


def reliability(unit: Connection, copy: Copy) -> str:
    """Return how reliable its source is held to be, A to F on the Admiralty scale; empty: nobody said."""
    held = all_sources(unit).get(copy.voucher)
    return "" if held is None else held.reliability
