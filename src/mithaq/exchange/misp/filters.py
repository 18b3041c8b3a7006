"""The filters that a search may bear: what is asked, and whether something meets it.

A filter that we do not know is refused; to pass over it would widen the answer.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, TypeVar

from mithaq.exchange.misp import shown, ways
from mithaq.exchange.misp.ways import Element, Made
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit

MOST_NAMED = 1000  # values of one filter

Test: TypeAlias = Callable[[Element], bool]
T = TypeVar("T")
_PARTS = ("uuid", "value", "type", "category")  # filters by what an attribute is
PLAIN = {"returnFormat", "limit", "page", "eventid", "tags", "timestamp", "to_ids", *_PARTS}
_OFF = {  # what PyMISP always says, and we do not know how to do: good as long as it is off
    *(
        "enforceWarninglist",
        "excludeDecayed",
        "headerless",
        "includeContext",
        "includeCorrelations",
    ),
    *("includeDecayScore", "includeEventTags", "includeSightings", "includeWarninglistHits"),
    *("metadata", "sgReferenceOnly", "withAttachments"),
}
_ALWAYS = "includeEventUuid"  # on or off, for it is told anyway
_FLAGS: Mapping[object, bool] = {0: False, 1: True, "0": False, "1": True}


def asked_of(visit: Visit, known: set[str]) -> Made:
    """Return the filters of a request; those that are null or switched off are none.

    Raises:
        HttpProblem: 400.
    """
    asked = ways.asked(visit)
    off = (*_OFF, _ALWAYS)
    asked = {
        name: what
        for name, what in asked.items()
        if what is not None
        and not (name in off and (str(what) in {"0", "False"} or name == _ALWAYS))
    }
    if unknown := asked.keys() - known:
        raise refusal("no such filter here: " + ", ".join(sorted(unknown)[:5])[:200])
    return asked


def refusal(detail: str) -> HttpProblem:
    """Return what is answered to what we do not know."""
    return HttpProblem(400, detail)


def texts(asked: Element, name: str) -> set[str] | None:
    """Return what a filter names, folded; None if there is no such filter.

    Raises:
        HttpProblem: 400, it has wildcards or negations, which are not known here.
    """
    if name not in asked:
        return None
    what = asked[name]
    some = what if isinstance(what, list) else [what]
    if not some or len(some) > MOST_NAMED or not all(isinstance(each, str | int) for each in some):
        raise refusal(f"{name}: a text, or a list of at most {MOST_NAMED}")
    found = {str(each).strip().casefold() for each in some}
    if any(not each or each.startswith("!") or "%" in each or "&&" in each for each in found):
        raise refusal(f"{name}: no negations, wildcards or joined texts here")
    return found


def of_event(asked: Element) -> Callable[[str], bool]:
    """Return the test of an event's UUID, which may be asked for by its number."""
    some = texts(asked, "eventid")
    return lambda uuid: some is None or uuid in some or ways.number(uuid) in some


def parts(asked: Element) -> Test | None:
    """Return the test of an attribute, which bears the UUID of its event; None if each passes."""
    wanted = {name: some for name in _PARTS if (some := texts(asked, name)) is not None}
    flag = asked.get("to_ids")
    if flag is not None and (not isinstance(flag, int | str) or flag not in _FLAGS):
        raise refusal("to_ids: 0 or 1")
    if not wanted and flag is None:
        return None

    def fits(one: Element) -> bool:
        if flag is not None and bool(one.get("to_ids")) != _FLAGS[flag]:
            return False
        return all(not some.isdisjoint(_said(one, name)) for name, some in wanted.items())

    return fits


def _said(one: Element, name: str) -> Iterator[str]:
    """Yield what an attribute says under a filter's name: of a composite value each half too."""
    text = str(one.get(name, "")).casefold()
    yield text
    if name == "uuid":
        yield str(one["event"]).casefold()
    if name == "value" and "|" in str(one.get("type")):
        yield from text.split("|")


def tags(asked: Element) -> Test:
    """Return the test of an element's tags."""
    some = texts(asked, "tags")
    if some is None:
        return lambda _element: True
    return lambda element: any(
        str(tag.get("name", "")).casefold() in some for tag in shown.parts(element, "Tag")
    )


def time(asked: Element) -> Test:
    """Return the test of a ``timestamp``: not before a second, or from one to another.

    Raises:
        HttpProblem: 400.
    """
    if "timestamp" not in asked:
        return lambda _element: True
    what = asked["timestamp"]
    ends = what if isinstance(what, list) else [what, "9" * 12]
    written = re.fullmatch(r"([0-9]{1,12})(?:\.0)? ([0-9]{1,12})(?:\.0)?", " ".join(map(str, ends)))
    if written is None:
        raise refusal("timestamp: seconds, or a list of two")
    first, last = map(int, written.groups())
    return lambda element: first <= int(str(element.get("timestamp") or 0)) <= last


def page(found: Sequence[T], asked: Element) -> Sequence[T]:
    """Return the page that is asked for; all, if there is no limit.

    Raises:
        HttpProblem: 400.
    """
    limit, number = (str(asked.get(name, "1")) for name in ("limit", "page"))
    if not all(re.fullmatch(r"[1-9][0-9]{0,8}", each) for each in (limit, number)):
        raise refusal("limit, page: numbers from 1 on")
    if "limit" not in asked:
        return found if number == "1" else []
    start = (int(number) - 1) * int(limit)
    return found[start : start + int(limit)]
