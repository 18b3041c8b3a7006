"""What changed between two versions of a reference set, such as ATT&CK: pure, from the objects of both.

Objects and the relationships that tie them are told apart, for a release of ATT&CK has twenty of the latter to each
of the former. An object stands once, under the gravest of what became of it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mithaq.model.canonical import Json
from mithaq.model.named import number
from mithaq.model.objects import Body

Bodies = Mapping[str, Body]  # by id


class Became(StrEnum):
    """What became of an object, the gravest first."""

    REMOVED = "removed"
    REVOKED = "revoked"
    DEPRECATED = "deprecated"
    RESTORED = "restored"  # what was revoked or deprecated is so no more
    RENAMED = "renamed"
    CHANGED = "changed"
    ADDED = "added"
    TOUCHED = "touched"  # its housekeeping alone: dates, and by whom


TO_REVISE = frozenset({Became.REMOVED, Became.REVOKED, Became.DEPRECATED, Became.RENAMED})
# What a version says of itself rather than of its subject.
_HOUSEKEEPING = frozenset(
    {
        "created", "created_by_ref", "modified", "object_marking_refs", "spec_version", "x_mitre_attack_spec_version",
        "x_mitre_contributors", "x_mitre_modified_by_ref", "x_mitre_version",
    }
)  # fmt: skip
_STATES = frozenset({"revoked", "x_mitre_deprecated"})
_UNTOLD: tuple[Json, ...] = (None, False, "", [], {})  # say what their absence says
_ABOUT_SETS = frozenset({"marking-definition", "x-mitre-collection"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one object."""

    became: Became
    id: str
    type: str
    number: str  # T1059.001; empty without one
    name: str  # now, or last
    was: str = ""  # the name before, where it is another
    by: Sequence[str] = ()  # ids of what replaces it
    fields: Sequence[str] = ()  # that say something else


@dataclass(frozen=True, slots=True, kw_only=True)
class Tie:
    """A relationship that is new, gone, or says something else."""

    became: Became
    id: str
    tie: str  # its type
    source: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """All that differs between two versions."""

    objects: Sequence[Change]
    ties: Sequence[Tie]

    @property
    def counts(self) -> Mapping[Became, int]:
        """How many objects became what."""
        return _counted(each.became for each in self.objects)

    @property
    def tie_counts(self) -> Mapping[Became, int]:
        """How many relationships became what."""
        return _counted(each.became for each in self.ties)


def _counted(became: Iterable[Became]) -> Mapping[Became, int]:
    counts = Counter(became)
    return {each: counts[each] for each in Became if counts[each]}


def compare(before: Bodies, after: Bodies) -> Changes:
    """Say what differs, objects by what became of them, then by type and number."""
    replaced = _replaced(after)
    objects: list[Change] = []
    ties: list[Tie] = []
    for id_ in before.keys() | after.keys():
        old, new = before.get(id_), after.get(id_)
        body = old if new is None else new
        if body is None or body.get("type") in _ABOUT_SETS or old == new:
            continue
        if body.get("type") == "relationship":
            ties.append(_tie(id_, old, new, body))
        else:
            objects.append(_change(id_, old, new, replaced.get(id_, ())))
    order = list(Became)
    objects.sort(key=lambda c: (order.index(c.became), c.type, c.number, c.name, c.id))
    ties.sort(key=lambda t: (order.index(t.became), t.tie, t.source, t.target, t.id))
    return Changes(objects=objects, ties=ties)


def _replaced(bodies: Bodies) -> dict[str, tuple[str, ...]]:
    """Return by what each revoked object is replaced."""
    found: dict[str, tuple[str, ...]] = {}
    for body in bodies.values():
        if body.get("relationship_type") == "revoked-by" and not is_over(body):
            source, target = str(body.get("source_ref")), str(body.get("target_ref"))
            found[source] = tuple(sorted({*found.get(source, ()), target}))
    return found


def _change(id_: str, old: Body | None, new: Body | None, by: Sequence[str]) -> Change:
    body: Body = new or old or {}
    fields = _fields(old, new) if old and new else ()
    name, was = _name(body), _name(old or {})
    became = _became(old, new, fields)
    return Change(
        became=became,
        id=id_,
        type=str(body.get("type")),
        number=number(body),
        name=name,
        was=was if old and new and was != name else "",
        by=by if became is Became.REVOKED else (),
        fields=fields,
    )


def _became(old: Body | None, new: Body | None, fields: Sequence[str]) -> Became:
    if new is None:
        return Became.REMOVED
    if old is None:
        return Became.ADDED
    for state, became in (("revoked", Became.REVOKED), ("x_mitre_deprecated", Became.DEPRECATED)):
        if new.get(state) is True and old.get(state) is not True:
            return became
    if is_over(old) and not is_over(new):
        return Became.RESTORED
    if _name(old) != _name(new):
        return Became.RENAMED
    return Became.CHANGED if fields else Became.TOUCHED


def _fields(old: Body, new: Body) -> tuple[str, ...]:
    """Return the names of properties that say something else."""
    names = (old.keys() | new.keys()) - _HOUSEKEEPING
    return tuple(sorted(n for n in names if _said(old.get(n)) != _said(new.get(n))))


def _said(value: Json) -> Json:
    return None if value in _UNTOLD else value


def _tie(id_: str, old: Body | None, new: Body | None, body: Body) -> Tie:
    return Tie(
        became=_became(old, new, _fields(old, new) if old and new else ()),
        id=id_,
        tie=str(body.get("relationship_type")),
        source=str(body.get("source_ref")),
        target=str(body.get("target_ref")),
    )


def is_over(body: Body) -> bool:
    """Say whether an object was revoked or is deprecated."""
    return any(body.get(state) is True for state in _STATES)


def _name(body: Body) -> str:
    return str(body.get("name") or "")
