"""What a clause lets be seen of a sighting: how exactly how often and when, and where (house.md 3)."""

from collections.abc import Mapping

from mithaq.model.canonical import Json
from mithaq.policy.agreement import Clause

_COUNTS = {"sighting": "count", "observed-data": "number_observed"}  # STIX 2.1 sections 5.2, 4.14
_TIMES = ("first_seen", "last_seen")  # STIX 2.1 section 5.2
_MIDNIGHT = "T00:00:00.000Z"
_WHERE = "where_sighted_refs"
_FEW, _TEN = 2, 10


def is_counted(kind: str) -> bool:
    """Say whether objects of a type say how often something was."""
    return kind in _COUNTS


def places(body: Mapping[str, Json], clause: Clause) -> set[str]:
    """Return pointers to where something was seen, beyond whose word it is, that the clause keeps back."""
    where = body.get(_WHERE)
    if (
        clause.sighting_places == "named"
        or body.get("type") != "sighting"
        or not isinstance(where, list)
    ):
        return set()
    ours = body.get("created_by_ref")
    return {f"/{_WHERE}/{at}" for at, each in enumerate(where) if each != ours}


def coarsened(body: Mapping[str, Json], clause: Clause) -> frozenset[str]:
    """Return pointers to counts and times that the clause shows otherwise than they are."""
    kind = str(body.get("type"))
    names = {_COUNTS.get(kind, "")} if clause.sighting_counts == "coarse" else set[str]()
    names |= {*_TIMES} if kind == "sighting" and clause.sighting_times == "day" else set[str]()
    return frozenset(f"/{n}" for n in names if n in body and _less(body[n]) != body[n])


def less_exact(body: Mapping[str, Json], pointers: frozenset[str]) -> Mapping[str, Json]:
    """Return ``body`` with the counts and times at ``pointers`` made coarse."""
    return {**body, **{name: _less(body[name]) for name in body if f"/{name}" in pointers}}


def _less(said: Json) -> Json:
    if isinstance(said, str):
        return said if not said[10:].strip("T0:.Z") else said[:10] + _MIDNIGHT
    return coarse(said) if isinstance(said, int) else said


def coarse(count: int) -> int:
    """Return the least of the counts that are told as one: 1, 2 to 9, 10 to 99, 100 to 999, and so on."""
    return _TEN ** (len(str(count)) - 1) if count >= _TEN else min(count, _FEW)
