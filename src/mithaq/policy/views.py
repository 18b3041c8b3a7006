"""The view of one candidate under one clause: what labels and keep-lists cut, then what references cut."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mithaq.model.canonical import Json
from mithaq.model.markings import (
    FIXED,
    Label,
    Marking,
    Tlp,
    join,
    marking_refs,
    object_label,
    pap_id,
    path_labels,
    tlp_id,
)
from mithaq.model.objects import references, required_refs
from mithaq.model.rules import first_problem, is_sco
from mithaq.policy.agreement import Clause
from mithaq.policy.decision import View
from mithaq.policy.permit import permits_level
from mithaq.policy.redact import cut_by_keep_list, project, to_bytes, with_markings
from mithaq.policy.situation import Candidate, Situation

Body = Mapping[str, Json]
_MARKED = ("/object_marking_refs", "/granular_markings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of a candidate before anybody is looked at."""

    candidate: Candidate
    label: Label  # of the object as a whole
    paths: Mapping[str, Label]  # pointer -> label by granular markings
    sco: bool
    refs: tuple[tuple[str, str], ...]  # (pointer, id), markings left out
    required: frozenset[str]  # pointers that must stay if the object goes
    lists: frozenset[str]  # required lists of references, as "/name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A reading under one clause: what is cut before references are looked at."""

    reading: Reading
    clause: Clause
    cut: frozenset[str]
    refs: tuple[tuple[str, str], ...] = field(default=())  # those not cut


def reading(situation: Situation, candidate: Candidate) -> Reading:
    """Read a candidate's markings and references."""
    return read_alone(
        candidate, situation.markings if candidate.markings is None else candidate.markings
    )


def read_alone(candidate: Candidate, table: Mapping[str, Marking]) -> Reading:
    """Read a candidate's markings and references, where definitions besides the fixed ones are ``table``."""
    body = candidate.object.body
    paths = path_labels(body, table)
    whole = join(
        object_label(body, candidate.beside, table),
        candidate.label_floor,
        paths.get("", Label()),
        Label(unresolved=frozenset().union(*(label.unresolved for label in paths.values()))),
    )
    needed = required_refs(candidate.object.type)
    refs = tuple(ref for ref in references(body) if not ref[0].startswith(_MARKED))
    return Reading(
        candidate=candidate,
        label=whole,
        paths={pointer: label for pointer, label in paths.items() if pointer},
        sco=is_sco(candidate.object.type, body),
        refs=refs,
        required=frozenset(f"/{name}" for name in needed if name.endswith("_ref")),
        lists=frozenset(f"/{name}" for name in needed if name.endswith("_refs")),
    )


def labels_of(candidate: Candidate) -> tuple[Label, ...]:
    """Return the label of a candidate as a whole and those of its parts, by the definitions it came with."""
    read = read_alone(candidate, candidate.markings or {})
    return (read.label, *read.paths.values())


def draft(read: Reading, clause: Clause) -> Draft:
    """Cut what the clause's levels and keep-list do not permit (border.md 2.6)."""
    body = read.candidate.object.body
    keep = clause.keep.get(read.candidate.object.type)
    cut = cut_by_keep_list(body, keep) | {
        pointer
        for pointer, label in read.paths.items()
        if not permits_level(clause, join(read.label, label))
    }
    frozen = frozenset(cut)
    refs = tuple(ref for ref in read.refs if not below(ref[0], frozen)) if cut else read.refs
    return Draft(reading=read, clause=clause, cut=frozen, refs=refs)


def below(pointer: str, cut: frozenset[str]) -> bool:
    """Say whether ``pointer`` is one of ``cut`` or stands below one."""
    return any(pointer == top or pointer.startswith(f"{top}/") for top in cut)


def view(made: Draft, without: frozenset[str]) -> View:
    """Return the view that lacks what the draft cuts and the pointers ``without``."""
    read = made.reading
    stored = read.candidate.object
    projection = project(stored.body, made.cut | without)
    added = _added(read)
    body = with_markings(projection.body, added)
    raw, digest = to_bytes(body, stored.raw, changed=bool(projection.removed or added))
    kept = [
        label
        for pointer, label in read.paths.items()
        if not below(pointer, frozenset(projection.removed))
    ]
    return View(
        raw=raw,
        body=body,
        digest=digest,
        removed=projection.removed,
        added=added,
        carries=tuple(ref for ref in marking_refs(body) if ref not in FIXED),
        label=join(read.label, *kept),
    )


def _added(read: Reading) -> tuple[str, ...]:
    """Return the fixed ids of markings that stand beside the bytes and are stricter than these bear."""
    beside = read.candidate.beside
    if beside.tlp is None and beside.pap is None:
        return ()
    refs = read.candidate.object.body.get("object_marking_refs")
    borne = join(
        *(FIXED[str(r)].label for r in (refs if isinstance(refs, list) else []) if r in FIXED)
    )
    added = []
    if beside.tlp is not None and beside.tlp > (borne.tlp or Tlp.CLEAR):
        added.append(tlp_id(beside.tlp))
    if beside.pap is not None and beside.pap > borne.pap:
        added.append(pap_id(beside.pap))
    return tuple(added)


def is_valid(made: View) -> bool:
    """Say whether a view is valid STIX by itself; unchanged bytes were checked when they came."""
    return not (made.removed or made.added) or first_problem(made.body) is None
