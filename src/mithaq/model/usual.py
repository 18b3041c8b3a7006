"""The usual object: that it is sound and valid is proven in one walk, without a list of what might be wrong.

Nearly all objects have one of a few shapes: a type, and its properties in an order, each of a kind of value. What
depends on the shape alone is judged once for all objects of it; each of them is judged by its values. Whatever is not
proven here is left to ``canonical`` and ``rules``, which say what is wrong with it, if anything is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from operator import eq
from typing import Any, TypeAlias, TypeGuard, cast

from mithaq.model import rules, schema
from mithaq.model.canonical import MAX_INTEGER, Json, is_sound
from mithaq.model.kinds import (
    IDENTIFIER,
    KINDS,
    PROPERTY_NAME,
    TIME,
    Kind,
)
from mithaq.model.particulars import is_particular, particular

Holds: TypeAlias = Callable[[Json], object]
_Named: TypeAlias = tuple[str, str]
MARKINGS = "object_marking_refs"
DEPTH = 8  # levels that a usual object has at most
_SHAPES = 1024  # kept at once
_MOST = 64  # properties of a shape that is kept
_TEXT = frozenset({str})
# As forms go, these are narrow: what they let through is looked through fast, and is right for sure.
_PLAIN_TYPE = r"(?:[a-z0-9]{3,30}|x-[a-z0-9]{2,30})(?:-[a-z0-9]{1,30}){0,6}"
_PLAIN_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_UUID = IDENTIFIER.pattern.rpartition("--")[2]
# A timestamp of a day that every year has, and no leap second.
_PLAIN_TIME = re.compile(
    r"(?!0000)[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]{1,100})?Z"
)
# their values may hold anything, or a number that not every reader holds alike
_DEEP = (KINDS["dictionary"], KINDS["list"], KINDS["metres"])


class _Unusual(Exception):
    """The shape alone does not do."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What the properties of an object and the types of their values say: what is left to judge, and what it names."""

    holds: tuple[tuple[int, Holds], ...]  # of the values, by their places
    ordered: tuple[tuple[str, str, bool], ...]  # as in ``schema.ORDERED``
    particular: bool  # whether the type has rules of its own
    refs: tuple[tuple[str, str, bool], ...]  # (property, pointer, list) of what names others
    unread: tuple[str, ...]  # those of ``refs`` that no table knows: they may name nothing

    def named(self, body: Mapping[str, Any]) -> tuple[list[_Named], list[_Named], list[str]]:
        """Return the (JSON pointer, text) pairs of what is named for identifiers, in order.

        Then those of them that are no markings, and the markings.
        """
        every: list[_Named] = []
        links: list[_Named] = []
        markings: list[str] = []
        for name, at, listed in self.refs:
            if not listed:
                pair = (at, body[name])
                every.append(pair)
                links.append(pair)
                continue
            ids = body[name]
            pairs = [(f"{at}/{index}", each) for index, each in enumerate(ids)]
            every += pairs
            if name == MARKINGS:
                markings = ids
            else:
                links += pairs
        return every, links, markings


def usual_shape(body: Mapping[str, Json]) -> Shape | None:
    """Return the shape of ``body``, which holds no NUL, if it is a sound and valid object for sure.

    None says nothing: it may be one all the same.
    """
    kind = body.get("type")
    if not isinstance(kind, str) or len(body) > _MOST:
        return None
    values = [*body.values()]
    try:
        shape = _shape(kind, tuple(body), tuple(map(type, values)))
    except _Unusual:
        return None
    for at, holds in shape.holds:
        if not holds(values[at]):
            return None
    for earlier, later, may_be_equal in shape.ordered:
        first, second = str(body[earlier]), str(body[later])
        if len(first) != len(second) or not (first < second or (may_be_equal and first == second)):
            return None
    particular_ = next(particular(kind, body), None) if shape.particular else None
    return shape if particular_ is None else None


@lru_cache(maxsize=_SHAPES)
def _shape(kind: str, names: tuple[str, ...], types: tuple[type, ...]) -> Shape:
    bare = dict(zip(names, types, strict=True))
    known = rules.table(kind, dict.fromkeys(names))
    if known is None or not known.required | {"id"} <= bare.keys():
        raise _Unusual
    if next(rules.presence(kind, dict.fromkeys(names)), None) is not None:
        raise _Unusual
    refs = [
        name
        for name in names
        if (name.endswith("_ref") and bare[name] is str)
        or (name.endswith("_refs") and name in known.properties)
    ]
    judges = (_judge((kind, name), bare[name], known.properties) for name in names)
    return Shape(
        holds=tuple((at, holds) for at, holds in enumerate(judges) if holds is not None),
        ordered=tuple(o for o in schema.ORDERED if o[0] in bare and o[1] in bare),
        particular=is_particular(kind) and not any(each == kind for each, _ in _NEVER),
        refs=tuple((name, f"/{name}", bare[name] is list) for name in refs),
        unread=tuple(name for name in refs if name not in known.properties),
    )


# all that the rules of their types say beyond their tables: to what these may not refer
_NEVER: Mapping[tuple[str, str], frozenset[str]] = {
    ("relationship", "source_ref"): schema.NEVER_RELATED,
    ("relationship", "target_ref"): schema.NEVER_RELATED,
    ("sighting", "sighting_of_ref"): schema.NEVER_SIGHTED,
}
_BY_TYPE: Mapping[Kind, type] = {KINDS["text"]: str, KINDS["boolean"]: bool}


def _judge(where: tuple[str, str], type_: type, known: Mapping[str, Kind]) -> Holds | None:
    """Return what proves a value of a property of an object sound and valid; None if its type does."""
    kind, name = where
    if name == "id":
        if type_ is not str:
            raise _Unusual
        return _fits(re.compile(f"{kind}--{_UUID}"))
    if name == "spec_version":
        return partial(eq, "2.1")
    if where in _NEVER and type_ is str:
        never = "|".join(map(re.escape, sorted(_NEVER[where])))
        return _fits(re.compile(f"(?!(?:{never})--){_PLAIN_TYPE}--{_UUID}"))
    if name in known:
        return _judge_known(known[name], type_)
    if name in _OTHERS:
        return _OTHERS[name]
    if name in rules.NESTED or not PROPERTY_NAME.fullmatch(name) or name in schema.RESERVED:
        raise _Unusual
    return None if type_ in (str, bool) else _is_simple


def _judge_known(found: Kind, type_: type) -> Holds | None:
    if found in _DEEP:
        raise _Unusual
    if _BY_TYPE.get(found) is type_:
        return None
    if found is TIME and type_ is str:
        return _fits(_PLAIN_TIME)
    return found.holds if found.each is None else partial(_every, found.each.holds)


def _fits(form: re.Pattern[str]) -> Holds:
    """Return what proves a text to be of a form; it is not wrapped, for that would cost as much again."""
    return cast("Holds", form.fullmatch)


def _every(holds: Holds, value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(map(holds, value))


def _is_simple(value: Json) -> bool:
    """Say whether ``value``, which is no text, will do for a property that nobody knows."""
    if isinstance(value, list):
        return bool(value) and (_TEXT.issuperset(map(type, value)) or all(map(_is_flat, value)))
    return isinstance(value, int) and -MAX_INTEGER <= value <= MAX_INTEGER


def _is_flat(value: Json) -> TypeGuard[dict[str, str]]:
    return isinstance(value, dict) and _TEXT.issuperset(map(type, value.values()))


def _are_sources(value: Json) -> bool:
    """Say whether ``value`` is a list of external references of texts alone, to sources whose numbers have no form."""
    if not isinstance(value, list):
        return False
    for each in value:
        if not _is_flat(each):
            return False
        source, url = each.get("source_name"), each.get("url")
        if not source or source.lower() in rules.NUMBERED or "hashes" in each:
            return False
        if url is None:
            if "external_id" not in each and "description" not in each:
                return False
        elif not _PLAIN_URL.fullmatch(url):
            return False
    return bool(value)


def _is_phase(value: Json) -> bool:
    return _is_flat(value) and "kill_chain_name" in value and "phase_name" in value


def _are_extensions(value: Json) -> bool:
    """Say whether ``value`` holds extensions by definitions alone, which nobody here can judge further."""
    return (
        isinstance(value, dict)
        and bool(value)
        and all(map(rules.EXTENSION.fullmatch, value))
        and all(map(_is_extension, value.values()))
        and is_sound(value, DEPTH - 1, may_hold_nul=False)
    )


def _is_extension(content: Json) -> bool:
    if not isinstance(content, dict) or not content:
        return False
    return "extension_type" not in content or bool(_EXTENSION_KIND.holds(content["extension_type"]))


_EXTENSION_KIND = KINDS["extension-kind"]
_OTHERS: Mapping[str, Holds] = {
    "extensions": _are_extensions,
    "external_references": _are_sources,
    "kill_chain_phases": partial(_every, _is_phase),
}
