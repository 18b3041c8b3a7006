"""The rules of STIX 2.1 for one object standing alone; total over any JSON object.

What cannot be judged from one object alone is not here: that a reference leads anywhere, that versions
follow each other, whose object it is. The grammar of an indicator's pattern is ``pattern``'s.
"""

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from mithaq.model import schema
from mithaq.model.canonical import Json
from mithaq.model.kinds import (
    HASHES,
    IDENTIFIER,
    KINDS,
    LANGUAGE,
    PROPERTY_NAME,
    TYPE_NAME,
    URL,
    Problem,
    Problems,
    instant,
    is_timestamp,
    pointer,
    reference,
)
from mithaq.model.particulars import contents, particular
from mithaq.model.selectors import selected

Body: TypeAlias = Mapping[str, Json]
_Judge: TypeAlias = Callable[[dict[str, Json], str], Problems]
# sources whose external_id has a form (sections 4.1 and 4.19)
NUMBERED: Mapping[str, re.Pattern[str]] = {
    "cve": re.compile(r"CVE-[0-9]{4}-(?:0[0-9]{3}|[1-9][0-9]{3,})"),
    "capec": re.compile(r"CAPEC-[0-9]+"),
}
EXTENSION = re.compile(r"extension-definition--" + IDENTIFIER.pattern.rpartition("--")[2])
_LEGACY_EXTENSION = re.compile(r"[a-z0-9-]{1,246}-ext")
_MARKING = reference(frozenset({"marking-definition"}))
_UNMARKABLE = ("object_marking_refs", "granular_markings")


def problems(body: Body) -> tuple[Problem, ...]:
    """Return what STIX 2.1 forbids in ``body``; nothing at all for a valid object."""
    return tuple(_problems(body))


def first_problem(body: Body) -> Problem | None:
    """Return the first of ``problems``, without looking for more."""
    return next(_problems(body), None)


def is_sco(type_: str, body: Body | None = None) -> bool:
    """Say whether ``type_`` is a cyber-observable; one of no standard type is, if its body bears no times."""
    if type_ in schema.TYPES or body is None:
        return type_ in schema.SCO
    return "created" not in body and "modified" not in body


def table(kind: str, body: Body) -> schema.ObjectType | None:
    """Return the properties that an object of type ``kind`` has; None if there is no such type."""
    if not TYPE_NAME.fullmatch(kind) or kind == "bundle":
        return None
    custom = schema.CUSTOM_SCO if is_sco(kind, body) else schema.CUSTOM
    return schema.TYPES.get(kind, custom)


def _problems(body: Body) -> Problems:
    kind = body.get("type")
    rules = table(kind, body) if isinstance(kind, str) else None
    if not isinstance(kind, str) or rules is None:
        yield Problem("type", "/type", "no type of an object (section 3.1)")
        return
    yield from _identity(kind, body)
    if body.get("spec_version", "2.1") != "2.1":
        yield Problem("spec-version", "/spec_version", "must be 2.1")
    for name in sorted(rules.required - body.keys()):
        yield Problem("required", pointer(name), "is missing")
    for name, value in body.items():
        known = rules.properties.get(name)
        if known is None:
            yield from _other(name, value, body)
        elif not known.holds(value) or known.each is not None:
            yield from known.problems(value, pointer(name))
    yield from presence(kind, body)
    yield from _order(body)
    yield from particular(kind, body)


# what ``_other`` judges by what stands inside
NESTED = frozenset({"external_references", "kill_chain_phases", "granular_markings", "extensions"})


def _identity(kind: str, body: Body) -> Problems:
    value = body.get("id")
    match = IDENTIFIER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        yield Problem("id", "/id", "must be an identifier: type--UUID (section 2.9)")
    elif match["type"] != kind:
        yield Problem("id", "/id", "the identifier's type is not the object's")


def _other(name: str, value: Json, body: Body) -> Problems:
    """Judge a property that the type's own table does not hold."""
    match name:
        case "type" | "id":
            return
        case "external_references":
            yield from _each(name, value, _external_reference)
        case "kill_chain_phases":
            yield from _each(name, value, _phase)
        case "granular_markings":
            yield from _granular_markings(value, body)
        case "extensions":
            yield from _extensions(value, str(body["type"]))
        case _:
            if not PROPERTY_NAME.fullmatch(name) or name in schema.RESERVED:
                yield Problem(
                    "property-name",
                    "",
                    "a property name that is not allowed (section 3.1)",
                )
            elif value is None or value in ([], {}):
                yield Problem(
                    "empty",
                    pointer(name),
                    "must be left out rather than empty (section 2)",
                )


def _each(name: str, value: Json, judge: _Judge) -> Problems:
    if not isinstance(value, list) or not value:
        yield Problem("list", pointer(name), "must be a list, and not an empty one")
        return
    for index, item in enumerate(value):
        where = pointer(name, index)
        if isinstance(item, dict):
            yield from judge(item, where)
        else:
            yield Problem("object", where, "must be an object")


def _external_reference(item: dict[str, Json], where: str) -> Problems:
    source, number = item.get("source_name"), item.get("external_id")
    if not isinstance(source, str) or not source:
        yield Problem("external-reference", where, "needs a source_name (section 2.5)")
        return
    if not item.keys() & {"description", "url", "external_id"}:
        yield Problem("external-reference", where, "needs a description, url or external_id")
    for name, kind in (
        ("url", URL),
        ("hashes", HASHES),
        ("external_id", KINDS["text"]),
    ):
        if name in item:
            yield from kind.problems(item[name], f"{where}/{name}")
    form = NUMBERED.get(source.lower())
    if form and not (source in NUMBERED and isinstance(number, str) and form.fullmatch(number)):
        yield Problem(
            "external-reference",
            where,
            "has no external_id of the form its source gives",
        )


def _phase(item: dict[str, Json], where: str) -> Problems:
    if not all(isinstance(item.get(name), str) for name in ("kill_chain_name", "phase_name")):
        yield Problem("kill-chain", where, "needs kill_chain_name and phase_name (section 2.11)")


def _extensions(value: Json, kind: str) -> Problems:
    if not isinstance(value, dict) or not value:
        yield Problem("extensions", "/extensions", "must be a dictionary, and not an empty one")
        return
    for name, content in value.items():
        where = pointer("extensions", name)
        host, own = schema.EXTENSIONS.get(name, (kind, None))
        if not isinstance(content, dict) or not content:
            yield Problem("extensions", where, "must be an object, and not an empty one")
        elif host != kind:
            yield Problem("extensions", where, f"stands in {host} only")
        elif own is not None:
            yield from contents(content, own, where)
        elif EXTENSION.fullmatch(name):
            if "extension_type" in content:
                named = content["extension_type"]
                yield from KINDS["extension-kind"].problems(named, f"{where}/extension_type")
        elif not _LEGACY_EXTENSION.fullmatch(name):
            yield Problem("extensions", where, "no name of an extension (section 3.4)")


def presence(kind: str, body: Body) -> Problems:
    """Yield what must stand, or not stand, beside each other in an object of type ``kind``, and does otherwise."""
    groups = schema.ONE_OF.get(kind)
    if groups and not any(group <= body.keys() for group in groups):
        said = " or ".join(" with ".join(sorted(group)) for group in groups)
        yield Problem("required", "", f"needs {said}")
    if kind in schema.NOT_BARE:
        common = {"type", "id", *schema.CUSTOM_SCO.properties, "granular_markings"}
        if not body.keys() - common:
            yield Problem("required", "", "needs at least one property of its own")
    for name, other in schema.NEEDS.get(kind, ()):
        if name in body and other not in body:
            yield Problem("required", pointer(other), f"is missing beside {name}")
    for name, other in schema.EXCLUDES.get(kind, ()):
        if name in body and other in body:
            yield Problem("excluded", pointer(other), f"must not stand beside {name}")


def _order(body: Body) -> Problems:
    for earlier, later, may_be_equal in schema.ORDERED:
        first, second = body.get(earlier), body.get(later)
        if first is None or second is None or (first == second and may_be_equal):
            continue
        if is_timestamp(first) and is_timestamp(second):
            a, b = instant(str(first)), instant(str(second))
            if a > b or (a == b and not may_be_equal):
                yield Problem("order", pointer(later), f"stands before {earlier}")


def _granular_markings(value: Json, body: Body) -> Problems:
    """STIX 2.1 section 7.2.3; a marking on the markings themselves would be one no reader can apply."""
    yield from _each("granular_markings", value, lambda item, where: _granular(item, where, body))


def _granular(item: dict[str, Json], where: str, body: Body) -> Problems:
    if ("marking_ref" in item) == ("lang" in item):
        yield Problem("granular-marking", where, "needs one of marking_ref and lang")
    if "marking_ref" in item:
        yield from _MARKING.problems(item["marking_ref"], f"{where}/marking_ref")
        if item["marking_ref"] == body.get("id"):
            yield Problem("granular-marking", where, "a marking definition marks itself")
    if "lang" in item:
        yield from LANGUAGE.problems(item["lang"], f"{where}/lang")
    selectors = item.get("selectors")
    if not isinstance(selectors, list) or not selectors:
        yield Problem("selector", where, "needs a list of selectors")
        return
    for index, selector in enumerate(selectors):
        if not isinstance(selector, str) or not selected(body, selector):
            says = "points at nothing (section 7.2.3.1)"
        elif selector.split(".", 1)[0] in _UNMARKABLE:
            says = "points at the markings themselves"
        else:
            continue
        yield Problem("selector", f"{where}/selectors/{index}", says)


__all__ = ["Problem", "first_problem", "is_sco", "problems"]
