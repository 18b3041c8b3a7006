"""Projection: a view only removes, and stays valid STIX (border.md 1.5, 2.6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mithaq.model.canonical import Json, canonical, digest, escape
from mithaq.model.selectors import Path, pointer_of, selected, selector_of

ALWAYS_KEPT = frozenset(
    {
        "type",
        "spec_version",
        "id",
        "created_by_ref",
        "created",
        "modified",
        "revoked",
        "object_marking_refs",
        "granular_markings",
    }
)
_GONE = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """What is left of an object, and what fell: JSON pointers, topmost only."""

    body: Mapping[str, Json]
    removed: tuple[str, ...]


def cut_by_keep_list(body: Mapping[str, Json], keep: Iterable[str] | None) -> set[str]:
    """Return pointers to the top-level properties that a keep-list leaves out; None cuts nothing."""
    if keep is None:
        return set()
    kept = ALWAYS_KEPT | frozenset(keep)
    return {f"/{escape(name)}" for name in body if name not in kept}


def project(body: Mapping[str, Json], removed: frozenset[str]) -> Projection:
    """Return ``body`` without the pointers ``removed``; what is left empty by that falls too."""
    if not removed:
        return Projection(body=body, removed=())
    pruning = _Pruning(removed)
    rest = {name: value for name, value in body.items() if name != "granular_markings"}
    kept: dict[str, Json] = {}
    for name, value in rest.items():
        left = pruning.prune(value, f"/{escape(name)}", (name,))
        if left is not _GONE:
            kept[name] = left  # type: ignore[assignment]
    marked = _granular(body, pruning.moves)
    if marked:
        kept["granular_markings"] = marked
    return Projection(body=kept, removed=tuple(sorted(pruning.fell)))


class _Pruning:
    """One walk over an object: what falls, and where what stays has moved."""

    def __init__(self, removed: frozenset[str]) -> None:
        self.removed = removed
        self.moves: dict[str, Path] = {}  # pointer in the stored object -> path in the view
        self.fell: list[str] = []

    def prune(self, value: Json, old: str, new: Path) -> object:
        if old in self.removed:
            self.fell.append(old)
            return _GONE
        self.moves[old] = new
        before = len(self.fell)
        left: object = value
        if isinstance(value, list) and value:
            left = self._list(value, old, new)
        elif isinstance(value, dict) and value:
            left = self._dict(value, old, new)
        if len(self.fell) > before and not left:  # nothing of it is left: it goes whole
            del self.fell[before:]
            del self.moves[old]
            self.fell.append(old)
            return _GONE
        return left

    def _list(self, value: list[Json], old: str, new: Path) -> list[object]:
        items: list[object] = []
        for index, item in enumerate(value):
            below = self.prune(item, f"{old}/{index}", (*new, len(items)))
            if below is not _GONE:
                items.append(below)
        return items

    def _dict(self, value: dict[str, Json], old: str, new: Path) -> dict[str, object]:
        named: dict[str, object] = {}
        for key, item in value.items():
            below = self.prune(item, f"{old}/{escape(key)}", (*new, key))
            if below is not _GONE:
                named[key] = below
        return named


def _granular(body: Mapping[str, Json], moves: Mapping[str, Path]) -> list[Json]:
    """Keep granular markings of kept paths only, with their selectors renumbered."""
    granular = body.get("granular_markings")
    kept: list[Json] = []
    for item in granular if isinstance(granular, list) else []:
        if not isinstance(item, dict):
            continue
        selectors = item.get("selectors")
        named = [str(s) for s in selectors] if isinstance(selectors, list) else []
        pointers = [pointer_of(path) for selector in named for path in selected(body, selector)]
        left = dict.fromkeys(selector_of(moves[at]) for at in pointers if at in moves)
        if left:
            kept.append({**item, "selectors": [*left]})
    return kept


def with_markings(body: Mapping[str, Json], added: Iterable[str]) -> Mapping[str, Json]:
    """Return ``body`` bearing further marking ids."""
    new = list(added)
    if not new:
        return body
    refs = body.get("object_marking_refs")
    return {
        **body,
        "object_marking_refs": [*(refs if isinstance(refs, list) else []), *new],
    }


def to_bytes(body: Mapping[str, Json], stored: bytes, *, changed: bool) -> tuple[bytes, str]:
    """Return a view's bytes and digest: the stored ones byte for byte if nothing changed."""
    raw = canonical(dict(body)) if changed else stored
    return raw, digest(raw)
