"""The view of one candidate under one clause: what labels and keep-lists cut, then what references cut."""

from collections.abc import Iterable, Mapping
from functools import cache

import msgspec

from mithaq.model.canonical import Json
from mithaq.model.markings import (
    FIXED,
    Label,
    Marking,
    Tlp,
    join,
    label_of,
    marking_refs,
    pap_id,
    path_labels,
    tlp_id,
)
from mithaq.model.objects import required_refs
from mithaq.model.rules import first_problem
from mithaq.policy.agreement import Clause
from mithaq.policy.decision import View
from mithaq.policy.permit import permits_level
from mithaq.policy.redact import cut_by_keep_list, project, to_bytes, with_markings
from mithaq.policy.sighted import coarsened, is_counted, less_exact, places
from mithaq.policy.situation import Candidate, Situation

Body = Mapping[str, Json]


class Reading(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a candidate before anybody is looked at."""

    candidate: Candidate
    label: Label  # of the object as a whole
    paths: Mapping[str, Label]  # pointer -> label by granular markings
    sco: bool
    added: tuple[
        str, ...
    ]  # fixed markings that stand beside the bytes and are stricter than these bear
    refs: tuple[tuple[str, str], ...]  # (pointer, id), markings left out
    required: frozenset[str]  # pointers that must stay if the object goes
    lists: frozenset[str]  # required lists of references, as "/name"


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A reading under one clause: what is cut before references are looked at."""

    reading: Reading
    clause: Clause
    cut: frozenset[str]
    coarse: frozenset[str] = frozenset()  # counts that are shown less exactly
    refs: tuple[tuple[str, str], ...] = ()  # those not cut

    @property
    def shape(self) -> tuple[frozenset[str], frozenset[str]]:
        """What tells the views of two clauses apart."""
        return self.cut, self.coarse


# By what candidates that bear the same markings have in common: the label, and what is added to them.
Borne = dict[tuple[object, ...], tuple[Label, tuple[str, ...]]]


def reading(situation: Situation, candidate: Candidate, known: Borne | None = None) -> Reading:
    """Read a candidate's markings and references.

    Args:
        known: of one decision, so that what bears the same markings has the very same label.
    """
    table = situation.markings if candidate.markings is None else candidate.markings
    return read_alone(candidate, table, {} if known is None else known)


def read_alone(candidate: Candidate, table: Mapping[str, Marking], known: Borne) -> Reading:
    """Read a candidate's markings and references, where definitions besides the fixed ones are ``table``."""
    stored = candidate.object
    paths = path_labels(stored.body, table) if stored.is_marked_in_part else _NO_PATHS
    alike = (id(table), stored.marking_refs, id(candidate.beside), id(candidate.label_floor))
    borne = None if paths else known.get(alike)
    if borne is None:
        unresolved = frozenset[str]().union(*(label.unresolved for label in paths.values()))
        whole = join(
            label_of(stored.marking_refs, candidate.beside, table),
            candidate.label_floor,
            paths.get("", Label()),
            Label(unresolved=unresolved),
        )
        borne = (whole, _added(candidate))
        if not paths:
            known[alike] = borne
    label, added = borne
    required, lists = _needed(required_refs(stored.type))
    return Reading(
        candidate=candidate,
        label=label,
        paths={pointer: at for pointer, at in paths.items() if pointer} if paths else paths,
        sco=not stored.version,
        added=added,
        refs=stored.links,
        required=required,
        lists=lists,
    )


_NO_PATHS: Mapping[str, Label] = {}


@cache
def _needed(names: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return pointers to the required references, and to the required lists of them."""
    return (
        frozenset(f"/{name}" for name in names if name.endswith("_ref")),
        frozenset(f"/{name}" for name in names if name.endswith("_refs")),
    )


def labels_of(candidate: Candidate) -> tuple[Label, ...]:
    """Return the label of a candidate as a whole and those of its parts, by the definitions it came with."""
    read = read_alone(candidate, candidate.markings or {}, {})
    return (read.label, *read.paths.values())


def draft(read: Reading, clause: Clause) -> Draft:
    """Cut what the clause's levels and keep-list do not permit (border.md 2.6), and say how often by its measure."""
    kind = read.candidate.object.type
    keep, counted = clause.keep.get(kind), is_counted(kind)
    if keep is None and not read.paths and not counted:
        return Draft(reading=read, clause=clause, cut=frozenset(), refs=read.refs)
    body = read.candidate.object.body
    cut = cut_by_keep_list(body, keep) | {
        pointer
        for pointer, label in read.paths.items()
        if not permits_level(clause, join(read.label, label))
    }
    cut |= places(body, clause) if counted else set()
    frozen = frozenset(cut)
    refs = tuple(ref for ref in read.refs if not below(ref[0], frozen)) if cut else read.refs
    coarse = coarsened(body, clause) - frozen if counted else frozenset[str]()
    return Draft(reading=read, clause=clause, cut=frozen, coarse=coarse, refs=refs)


def below(pointer: str, cut: frozenset[str]) -> bool:
    """Say whether ``pointer`` is one of ``cut`` or stands below one."""
    return any(pointer == top or pointer.startswith(f"{top}/") for top in cut)


def is_as_stored(made: Draft) -> bool:
    """Say whether the view is the stored bytes under their own label, where no reference is cut."""
    return not (made.cut or made.coarse or made.reading.added or made.reading.paths)


def view(made: Draft, without: frozenset[str]) -> View:
    """Return the view that lacks what the draft cuts and the pointers ``without``."""
    read = made.reading
    stored = read.candidate.object
    added = read.added
    if not without and is_as_stored(made):
        return View(
            raw=stored.raw,
            digest=stored.digest,
            carries=_carried(stored.marking_refs),
            label=read.label,
        )
    projection = project(stored.body, made.cut | (without - made.coarse))
    body = with_markings(less_exact(projection.body, made.coarse), added)
    removed = tuple(sorted((*projection.removed, *made.coarse)))
    raw, digest = to_bytes(body, stored.raw, changed=bool(removed or added))
    kept = [
        label
        for pointer, label in read.paths.items()
        if not below(pointer, frozenset(projection.removed))
    ]
    return View(
        raw=raw,
        digest=digest,
        removed=removed,
        added=added,
        carries=_carried(marking_refs(body)),
        label=join(read.label, *kept),
    )


def _carried(refs: Iterable[str]) -> tuple[str, ...]:
    return tuple(ref for ref in refs if ref not in FIXED)


def _added(candidate: Candidate) -> tuple[str, ...]:
    beside = candidate.beside
    if beside.tlp is None and beside.pap is None:
        return ()
    borne = join(*(FIXED[r].label for r in candidate.object.marking_refs if r in FIXED))
    added = []
    if beside.tlp is not None and beside.tlp > (borne.tlp or Tlp.CLEAR):
        added.append(tlp_id(beside.tlp))
    if beside.pap is not None and beside.pap > borne.pap:
        added.append(pap_id(beside.pap))
    return tuple(added)


def is_valid(made: View) -> bool:
    """Say whether a view is valid STIX by itself; unchanged bytes were checked when they came."""
    return not (made.removed or made.added) or first_problem(made.body) is None
