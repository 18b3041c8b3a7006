"""Observations as patterns see them: objects at an instant or in an interval (STIX 2.1 sections 4.14 and 9.2)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.model.telemetry import UNSAID, LogSource

Objects: TypeAlias = Mapping[str, Mapping[str, Any]]  # by their identifiers
_EPOCH = parse("1970-01-01T00:00:00Z")
_MICROSECOND = timedelta(microseconds=1)
NEVER = -(1 << 62) - 1  # when what has no time was seen: before all times


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Objects that were seen together."""

    ref: str  # what it is told by: the digest of an event, the identifier of observed data
    objects: Objects
    first: int  # microseconds since 1970
    last: int
    count: int = 1  # how often, within its interval
    source: LogSource = UNSAID  # who wrote it, of an event
    asset: str = ""  # the machine that the event is about


def microseconds(instant: datetime) -> int:
    """Return an instant as a number that sorts as it does."""
    return (instant - _EPOCH) // _MICROSECOND


def instant(at: int) -> str:
    """Write when something was seen as ``mithaq.clock`` does; empty: not known."""
    return "" if at <= NEVER else text(_EPOCH + at * _MICROSECOND)


def of_bundle(objects: Iterable[Mapping[str, Any]]) -> Iterator[Observation]:
    """Yield the observations of STIX objects: each observed-data with the objects that it refers to, or holds (2.0).

    Raises:
        InputError: one has no interval or a count that is none.
    """
    known = {each["id"]: each for each in objects if isinstance(each.get("id"), str)}
    for each in known.values():
        if each.get("type") == "observed-data":
            yield of_observed_data(each, known)


def of_observed_data(observed: Mapping[str, Any], known: Objects) -> Observation:
    """Return the observation that an observed-data object is, with what it refers to among ``known``.

    Raises:
        InputError: it has no interval or a count that is none.
    """
    count = observed.get("number_observed")
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InputError("observed-data has no number_observed")
    first, last = (observed.get(name) for name in ("first_observed", "last_observed"))
    if not isinstance(first, str) or not isinstance(last, str):
        raise InputError("observed-data has no first_observed and last_observed")
    held = observed.get("objects")
    if not isinstance(held, Mapping) or not held:
        refs = observed.get("object_refs") or ()
        held = {ref: known[ref] for ref in refs if isinstance(ref, str) and ref in known}
    return Observation(
        ref=str(observed.get("id", "")),
        objects={key: each for key, each in held.items() if isinstance(each, Mapping)},
        first=microseconds(parse(first)),
        last=microseconds(parse(last)),
        count=count,
    )
