"""What an intelligence requirement asks, what answers it, and why it is a gap; nothing here reads or stores."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.intel import finding
from mithaq.intel.authoring.drafts import Change
from mithaq.intel.rules import Filters
from mithaq.model import found as by
from mithaq.store.matching import Query

LONGEST = 4000  # signs of a question
MOST = 200  # alternatives of one requirement
PRIORITIES = range(1, 6)  # 1 is first


class Sought(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What answers a question: one of these, of one of ``types`` and from one of ``sources`` if any are named."""

    words: tuple[str, ...] = ()  # all words of each
    values: tuple[tuple[str, str], ...] = ()  # kind and text
    techniques: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    sectors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question, in any language, and what goes with it."""

    question: str
    why: str = ""
    wording: str = ""  # how partners are asked: it need not tell what we do not know
    valid_from: str = ""
    valid_until: str = ""
    review_by: str = ""
    within_days: int = 30  # what is older answers it no more
    sought: Sought = Sought()


def checked(terms: Terms) -> Terms:
    """Return terms that hold together.

    Raises:
        InputError: they do not.
    """
    if not terms.question.strip() or len(terms.question) > LONGEST or len(terms.wording) > LONGEST:
        raise InputError(f"a question has up to {LONGEST} signs, and some", cause="question")
    if terms.valid_until and terms.valid_from >= terms.valid_until:
        raise InputError("it would end before it begins", cause="valid-until")
    queries(terms.sought)
    return terms


def queries(sought: Sought) -> list[Query]:
    """Return what is looked for, one for each alternative; none if nothing is sought.

    Raises:
        InputError: a filter is none, or there are too many.
    """
    found = [Query(words=each) for each in sought.words]
    found += [Query(value=each) for each in sought.values]
    found += [Query(labels=(each,)) for each in sought.labels]
    found += [Query(topics=finding.topics(Filters(technique=each))) for each in sought.techniques]
    found += [Query(topics=(by.of_country(each),)) for each in sought.countries]
    found += [Query(topics=(by.of_sector(each),)) for each in sought.sectors]
    if not found and (sought.types or sought.sources):
        found = [Query()]
    if len(found) > MOST:
        raise InputError(
            f"more than {MOST} alternatives: make several requirements", cause="sought"
        )
    sources = tuple(v for name in sought.sources for v in (name, f"file:{name}", f"feed:{name}"))
    return [
        msgspec.structs.replace(each, types=tuple(sought.types), sources=sources) for each in found
    ]


def changes(before: Terms, after: Terms) -> list[Change]:
    """Return what differs between two texts of a requirement, field by field."""
    old, new = (_flat(each) for each in (before, after))
    return [
        Change(field=name, before=old[name], after=new[name])
        for name in old
        if old[name] != new[name]
    ]


def _flat(terms: Terms) -> dict[str, str]:
    said: dict[str, str] = {}
    for name in Terms.__struct_fields__:
        if name != "sought":
            said[name] = str(getattr(terms, name))
    for name in Sought.__struct_fields__:
        listed = getattr(terms.sought, name)
        said[name] = ", ".join(each if isinstance(each, str) else each[1] for each in listed)
    return said


# --- gaps ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a requirement stands, as far as one person may read."""

    count: int  # objects that were tagged
    last: str  # when the last one came
    sources: int
    parts: int  # questions that are a part of it
    waiting: Sequence[str] = ()  # until when partners were asked to answer who have not


def is_valid(terms: Terms, now: str) -> bool:
    """Say whether a requirement holds at an instant."""
    return terms.valid_from <= now and (not terms.valid_until or now < terms.valid_until)


def reasons(terms: Terms, stands: Standing, now: datetime, at: str) -> list[str]:
    """Return why an open requirement is a gap, the weightiest first; none: it is answered as it should be.

    Args:
        at: ``now`` as a text.
    """
    found: list[str] = []
    if not terms.valid_from <= at:
        return found
    if terms.valid_until and at >= terms.valid_until:
        return ["lapsed"]
    sought = terms.sought != Sought()
    if not sought and not stands.count and not stands.parts:
        found.append("not-sought")
    if sought and not stands.count:
        found.append("nothing-came")
    elif stands.last and parse(stands.last) < now - timedelta(days=terms.within_days):
        found.append("nothing-lately")
    elif stands.sources == 1:
        found.append("one-source")
    if any(each and each <= at for each in stands.waiting):
        found.append("no-reply")
    if terms.review_by and terms.review_by <= at:
        found.append("review-due")
    return found
