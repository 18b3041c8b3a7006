"""The oracle's views: what is cut, what is left, and what that shows (border.md 1.5, 2.6, 2.10)."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mithaq.model.canonical import canonical
from mithaq.model.labels import Tlp, join
from mithaq.model.markings import FIXED, pap_id, path_labels, tlp_id
from mithaq.policy.agreement import Clause
from mithaq.policy.situation import Candidate, Situation
from tests.unit.policy.oracle_rules import label_of, level_ok

KEPT = {
    "type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked",
    "object_marking_refs", "granular_markings",
}  # fmt: skip
ACTORS = {"threat-actor", "intrusion-set", "campaign", "malware"}


@dataclass
class Answer:
    """What is said of one pair; ``rules`` are all that bite before references are looked at."""

    outcome: str
    rules: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    body: Any = None
    raw: bytes = b""
    needs: set[str] = field(default_factory=set)
    clause: str = ""


def inside(pointer: str, tops: set[str]) -> bool:
    return any(pointer == top or pointer.startswith(top + "/") for top in tops)


def redact(value: Any, at: str, gone: set[str], moved: dict[str, str], new: str) -> Any:
    """Return what is left of ``value``, or None; ``moved`` collects old pointer -> new selector."""
    if at in gone:
        return None
    left: Any = value
    if isinstance(value, dict) and value:
        left = {}
        for name, item in value.items():
            kept = redact(item, f"{at}/{name}", gone, moved, f"{new}.{name}" if new else name)
            if kept is not None:
                left[name] = kept
    elif isinstance(value, list) and value:
        left = []
        for index, item in enumerate(value):
            place = f"{new}.[{len(left)}]"
            kept = redact(item, f"{at}/{index}", gone, moved, place)
            if kept is not None:
                left.append(kept)
    if value and left in ({}, []):
        return None
    moved[at] = new
    return left


def cuts(s: Situation, c: Candidate, clause: Clause) -> set[str]:
    """Section 2.6: what labels and keep-lists cut."""
    label = label_of(s, c)
    found = {
        pointer
        for pointer, mark in path_labels(c.object.body, s.markings).items()
        if pointer and not level_ok(clause, join(label, mark))
    }
    keep = clause.keep.get(c.object.type)
    if keep is not None:
        found |= {f"/{name}" for name in c.object.body if name not in KEPT | set(keep)}
    if c.object.type == "sighting" and clause.sighting_places != "named":
        creator, where = (c.object.body.get(n) for n in ("created_by_ref", "where_sighted_refs"))
        found |= {f"/where_sighted_refs/{n}" for n, x in enumerate(where or ()) if x != creator}
    return found


def rough(c: Candidate, clause: Clause, cut: set[str]) -> dict[str, Any]:
    """What the clause shows less exactly: counts in steps (1, 2, 10, 100, and so on), times by the day; by name."""
    found: dict[str, Any] = _steps(c, clause, cut)
    if c.object.type == "sighting" and clause.sighting_times == "day":
        for name in ("first_seen", "last_seen"):
            said = c.object.body.get(name)
            if said is not None and f"/{name}" not in cut:
                at = datetime.fromisoformat(said)
                day = at.replace(hour=0, minute=0, second=0, microsecond=0)
                if at != day:
                    found[name] = f"{day:%Y-%m-%d}T00:00:00.000Z"
    return found


def _steps(c: Candidate, clause: Clause, cut: set[str]) -> dict[str, int]:
    name = {"sighting": "count", "observed-data": "number_observed"}.get(c.object.type, "")
    count = c.object.body.get(name, 0)
    step = max([0, *(n for n in (1, 2, *(10**k for k in range(1, 10))) if n <= count)])
    shown = clause.sighting_counts == "coarse" and step != count and f"/{name}" not in cut
    return {name: step} if shown else {}


def view(s: Situation, c: Candidate, gone: set[str], rough: dict[str, Any] | None = None) -> Answer:
    steps = rough or {}
    gone = gone - {f"/{name}" for name in steps}
    body = {k: v for k, v in c.object.body.items() if k != "granular_markings"}
    moved: dict[str, str] = {}
    left = redact(body, "", gone, moved, "")
    granular = []
    for item in c.object.body.get("granular_markings", []):
        pointers = [
            "/" + x.replace(".[", "/").replace("]", "").replace(".", "/") for x in item["selectors"]
        ]
        kept = [moved[p] for p in pointers if p in moved]
        if kept:
            granular.append({**item, "selectors": list(dict.fromkeys(kept))})
    if granular:
        left["granular_markings"] = granular
    removed = _topmost(body, "", moved) | {f"/{name}" for name in steps}
    left |= steps
    refs = c.object.body.get("object_marking_refs", [])
    borne = join(*(FIXED[r].label for r in refs if r in FIXED))
    added = []
    if c.beside.tlp is not None and c.beside.tlp > max(borne.tlp or Tlp.CLEAR, Tlp.CLEAR):
        added.append(tlp_id(c.beside.tlp))
    if c.beside.pap is not None and c.beside.pap > borne.pap:
        added.append(pap_id(c.beside.pap))
    if added:
        left["object_marking_refs"] = [*refs, *added]
    raw = canonical(left) if removed or added else c.object.raw
    return Answer("view", removed=removed, body=left, raw=raw)


def _topmost(value: Any, at: str, moved: dict[str, str]) -> set[str]:
    if at not in moved:
        return {at}
    items: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    return {p for name, item in items for p in _topmost(item, f"{at}/{name}", moved)}


def attributed(body: Any) -> bool:
    """Section 2.10."""
    kind = body["type"]
    if kind == "relationship":
        source, target = (str(body.get(end)).split("--")[0] for end in ("source_ref", "target_ref"))
        if body.get("relationship_type") == "attributed-to":
            return target == "identity"
        places = body.get("relationship_type") in {"located-at", "originates-from"}
        return places and target == "location" and source in ACTORS
    return kind in ACTORS and any(n == "country" or n.endswith("_country") for n in _names(body))


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {n for item in value.values() for n in _names(item)}
    return {n for item in value for n in _names(item)} if isinstance(value, list) else set()
