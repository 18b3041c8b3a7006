"""What a clause lets be seen of a sighting: how exactly how often, and where (house.md 3)."""

from collections.abc import Mapping

from mithaq.model.canonical import Json
from mithaq.policy.agreement import Clause

_COUNTS = {"sighting": "count", "observed-data": "number_observed"}  # STIX 2.1 sections 5.2, 4.14
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
    """Return pointers to counts that the clause shows otherwise than they are."""
    name = _COUNTS.get(str(body.get("type")), "")
    count = body.get(name)
    if clause.sighting_counts == "exact" or not isinstance(count, int) or coarse(count) == count:
        return frozenset()
    return frozenset({f"/{name}"})


def less_exact(body: Mapping[str, Json], pointers: frozenset[str]) -> Mapping[str, Json]:
    """Return ``body`` with the counts at ``pointers`` made coarse."""
    less = {name: body[name] for name in body if f"/{name}" in pointers}
    return {**body, **{n: coarse(count) for n, count in less.items() if isinstance(count, int)}}


def coarse(count: int) -> int:
    """Return the least of the counts that are told as one: 1, 2 to 9, 10 to 99, 100 to 999, and so on."""
    return _TEN ** (len(str(count)) - 1) if count >= _TEN else min(count, _FEW)
