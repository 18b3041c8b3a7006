"""TAXII 2.1, sections 3.4, 3.5 and 3.7: a collection is read whole, once and in order, by ``next`` and by date."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mithaq.exchange.conform.probe import Answer, Probe
from mithaq.exchange.conform.reading import Record, records
from mithaq.exchange.conform.server import Place

_OK = 200
_MOST_PAGES = 40
_LONG_AGO = "1970-01-01T00:00:00.000000Z"
Query = Mapping[str, object]
Onward = Callable[[Answer], Query | None]  # the next page's query, None at the end


@dataclass(frozen=True, slots=True)
class Reading:
    """What page after page gave."""

    found: Sequence[Record]
    pages: Sequence[Answer]
    ended: bool


def examine(probe: Probe, place: Place) -> None:
    """Examine how one collection, which holds something, is read page by page."""
    path = place.path + "manifest/"
    whole = records(probe.get(path, {"match[version]": "all"}))
    size = max(1, len(whole) // 6)
    query: dict[str, object] = {"match[version]": "all", "limit": size}
    read = _read(probe, path, query, _by_next(query))
    _limits(probe, read, size)
    _more(probe, read, len(whole))
    if len(read.pages) > 1:
        _goes_on(probe, path, whole, read, size)


def _read(probe: Probe, path: str, query: Query, onward: Onward) -> Reading:
    found: list[Record] = []
    pages: list[Answer] = []
    asked: Query | None = query
    while asked is not None and len(pages) < _MOST_PAGES:
        answer = probe.get(path, asked)
        pages.append(answer)
        found += records(answer)
        asked = onward(answer) if answer.status == _OK else None
    return Reading(found, pages, ended=asked is None)


def _by_next(query: Query) -> Onward:
    def onward(answer: Answer) -> Query | None:
        cursor = answer.fields.get("next")
        if answer.fields.get("more") is not True or not isinstance(cursor, str):
            return None
        return {**query, "next": cursor}

    return onward


def _by_date(query: Query) -> Onward:
    def onward(answer: Answer) -> Query | None:
        last = answer.headers.get("x-taxii-date-added-last")
        if answer.fields.get("more") is not True or last is None:
            return None
        return {**query, "added_after": last}

    return onward


def _limits(probe: Probe, read: Reading, size: int) -> None:
    for page in read.pages:
        count = len(page.list("objects"))
        fact = f"limit {size}: {count} objects"
        probe.book.judge("limit", page.evidence(fact), holds=page.status == _OK and count <= size)


def _more(probe: Probe, read: Reading, whole: int) -> None:
    """Judge that every page but the last says that there is more, and the last one does not (section 3.7)."""
    given = 0
    for page in read.pages:
        given += len(page.list("objects"))
        last = read.ended and page is read.pages[-1]
        said = page.fields.get("more") is True
        fact = f"more: {page.fields.get('more')}; {given} of {whole} given"
        probe.book.judge(
            "more", page.evidence(fact), holds=said is not last and (not last or given >= whole)
        )


def _goes_on(probe: Probe, path: str, whole: Sequence[Record], read: Reading, size: int) -> None:
    wanted = list(whole)
    got = list(read.found)
    compared = min(len(wanted), len(got)) if not read.ended else len(wanted)
    fact = f"{len(got)} records in {len(read.pages)} pages, {len(wanted)} in one"
    once = len(set(got)) == len(got)
    same = got[:compared] == wanted[:compared]
    probe.book.judge("next", read.pages[-1].evidence(fact), holds=once and same)
    first = read.pages[0]
    cursor = first.fields.get("next")
    if not isinstance(cursor, str):
        return
    rest = wanted[size:]
    every: dict[str, object] = {"match[version]": "all"}
    again = [probe.get(path, {**every, "limit": size, "next": cursor}) for _ in range(2)]
    alike = all(records(answer) == rest[:size] for answer in again)
    probe.book.judge("next-again", again[-1].evidence(), holds=alike)
    fresh = probe.get(path, {**every, "limit": size}).fields.get("next")
    free = probe.get(path, {**every, "next": fresh})
    holds = (
        free.status == _OK and records(free) == rest[: len(records(free))] and bool(records(free))
    )
    probe.book.judge("next-without-limit", free.evidence(), holds=holds)
    _beside_a_date(probe, path, whole)
    _dates_alone(probe, path, whole, size)


def _beside_a_date(probe: Probe, path: str, whole: Sequence[Record]) -> None:
    """Go on by ``next`` with the date that the reading began with (section 3.5)."""
    date = whole[0].date_added
    wanted = [record for record in whole if record.date_added > date]
    query: dict[str, object] = {"match[version]": "all", "added_after": date}
    query["limit"] = max(1, len(wanted) // 3)
    read = _read(probe, path, query, _by_next(query))
    fact = f"{len(read.found)} records, {len(wanted)} wanted"
    holds = list(read.found)[: len(wanted)] == wanted and len(set(read.found)) == len(read.found)
    if len(read.pages) > 1:
        probe.book.judge("next-with-added-after", read.pages[-1].evidence(fact), holds=holds)


def _dates_alone(probe: Probe, path: str, whole: Sequence[Record], size: int) -> None:
    """Go on by the last date alone, as a client does that knows no ``next``: equal dates would be passed over."""
    query: dict[str, object] = {"match[version]": "all", "limit": size, "added_after": _LONG_AGO}
    read = _read(probe, path, query, _by_date(query))
    wanted = list(whole)[: len(read.found)] if not read.ended else list(whole)
    fact = f"{len(read.found)} records, {len(wanted)} wanted"
    probe.book.judge("by-date", read.pages[-1].evidence(fact), holds=list(read.found) == wanted)
