"""The rules of STIX 2.1 for one object standing alone; total over any JSON object."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from mithaq.model import types
from mithaq.model.canonical import Json
from mithaq.model.selectors import selected

Body = Mapping[str, Json]
IDENTIFIER = re.compile(
    r"(?P<type>[a-z][a-z0-9-]{1,248}[a-z0-9])--"
    r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
)
_TYPE = re.compile(r"(?!.*--)[a-z0-9][a-z0-9-]{1,248}[a-z0-9]")
_PROPERTY = re.compile(r"[a-z0-9_]{1,250}|[a-zA-Z0-9_-]{1,250}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong (``cause``: a stable slug), where (JSON pointer), and in words without content."""

    cause: str
    where: str
    says: str


def problems(body: Body) -> Iterator[Problem]:
    """Yield what STIX 2.1 forbids in ``body``; nothing at all for a valid object."""
    kind = body.get("type")
    if not isinstance(kind, str) or not _TYPE.fullmatch(kind):
        yield Problem("type", "/type", "no STIX type name (section 3.1)")
        return
    if kind == "bundle":
        yield Problem("type", "/type", "a bundle is no object")
        return
    yield from _identifier(kind, body)
    yield from _common(kind, body)
    yield from _required(kind, body)
    for name, value in body.items():
        yield from _property(name, value, kind)
    yield from _order(body)
    yield from _markings(body)
    yield from _relationship(kind, body)


def _identifier(kind: str, body: Body) -> Iterator[Problem]:
    value = body.get("id")
    match = IDENTIFIER.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        yield Problem("id", "/id", "no identifier of the form type--UUID (section 2.9)")
    elif match["type"] != kind:
        yield Problem("id", "/id", "the identifier's type is not the object's")


def _common(kind: str, body: Body) -> Iterator[Problem]:
    version = body.get("spec_version")
    sco = kind in types.SCO or (
        kind not in types.REQUIRED and "created" not in body and "modified" not in body
    )
    if version != "2.1" and not (sco and "spec_version" not in body):
        yield Problem("spec-version", "/spec_version", "must be 2.1")
    if not sco:
        needed = (
            ("created",) if kind == "marking-definition" else ("created", "modified")
        )
        for name in needed:
            if name not in body:
                yield Problem("required", f"/{name}", "is missing")
    if kind == "marking-definition" and "modified" in body:
        yield Problem(
            "modified",
            "/modified",
            "a marking definition has no versions (section 7.2.1)",
        )


def _required(kind: str, body: Body) -> Iterator[Problem]:
    for name in sorted(types.REQUIRED.get(kind, ())):
        if name not in body:
            yield Problem("required", f"/{name}", "is missing")
    groups = types.ONE_OF.get(kind)
    if groups and not any(group <= body.keys() for group in groups):
        said = " or ".join(" with ".join(sorted(group)) for group in groups)
        yield Problem("required", "", f"needs {said}")


def _property(name: str, value: Json, kind: str) -> Iterator[Problem]:
    where = f"/{name}"
    if not _PROPERTY.fullmatch(name):
        yield Problem(
            "property-name",
            "",
            "a property name of other characters than section 3.1 allows",
        )
        return
    if value is None or value in ([], {}):
        yield Problem(
            "empty", where, "an empty value; the property must be left out (section 2)"
        )
    elif name.endswith("_refs"):
        yield from _reference_list(name, value)
    elif name.endswith("_ref") and not name.startswith("x_"):
        yield from _reference(name, value, where)
    elif name in types.TIMES:
        if not is_timestamp(value):
            yield Problem("timestamp", where, "no timestamp in UTC (section 3.2)")
    elif name in types.BOOLEANS:
        if not isinstance(value, bool):
            yield Problem("boolean", where, "must be true or false")
    elif name in types.INTEGERS:
        low, high = types.INTEGERS[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int)
            or not low <= value <= high
        ):
            yield Problem("integer", where, f"must be an integer from {low} to {high}")
    elif kind in types.REQUIRED or name in {"labels", "external_references"}:
        yield from _shape(name, value, where)


def _shape(name: str, value: Json, where: str) -> Iterator[Problem]:
    if name in types.STRINGS:
        if not isinstance(value, str):
            yield Problem("string", where, "must be a string")
    elif name in types.LISTS:
        if not isinstance(value, list):
            yield Problem("list", where, "must be a list")
        elif name == "external_references":
            yield from _external_references(value)
        elif name == "kill_chain_phases":
            yield from _kill_chain(value)
        elif name != "granular_markings" and not all(
            isinstance(item, str) for item in value
        ):
            yield Problem("string", where, "must be a list of strings")
    elif name == "extensions":
        yield from _extensions(value, where)


def _external_references(value: list[Json]) -> Iterator[Problem]:
    for index, item in enumerate(value):
        where = f"/external_references/{index}"
        if not isinstance(item, dict) or not isinstance(item.get("source_name"), str):
            yield Problem(
                "external-reference", where, "needs a source_name (section 2.5)"
            )
        elif not item.keys() & {"description", "url", "external_id"}:
            yield Problem(
                "external-reference", where, "needs a description, url or external_id"
            )


def _kill_chain(value: list[Json]) -> Iterator[Problem]:
    for index, item in enumerate(value):
        named = isinstance(item, dict) and all(
            isinstance(item.get(key), str) for key in ("kill_chain_name", "phase_name")
        )
        if not named:
            where = f"/kill_chain_phases/{index}"
            yield Problem(
                "kill-chain",
                where,
                "needs kill_chain_name and phase_name (section 2.11)",
            )


def _extensions(value: Json, where: str) -> Iterator[Problem]:
    if not isinstance(value, dict) or not all(
        isinstance(v, dict) and v for v in value.values()
    ):
        yield Problem(
            "extensions", where, "must be a dictionary of dictionaries (section 7.3)"
        )


def _reference_list(name: str, value: Json) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield Problem("list", f"/{name}", "must be a list of identifiers")
        return
    for index, item in enumerate(value):
        yield from _reference(name, item, f"/{name}/{index}")


def _reference(name: str, value: Json, where: str) -> Iterator[Problem]:
    match = IDENTIFIER.fullmatch(value) if isinstance(value, str) else None
    allowed = types.TARGETS.get(name)
    if match is None:
        yield Problem("reference", where, "no identifier (section 2.9)")
    elif allowed is not None and match["type"] not in allowed:
        yield Problem(
            "reference", where, "refers to an object of a type not allowed here"
        )


def _order(body: Body) -> Iterator[Problem]:
    for earlier, later, equal in types.ORDERED:
        first, second = body.get(earlier), body.get(later)
        if is_timestamp(first) and is_timestamp(second):
            a, b = sortable(str(first)), sortable(str(second))
            if a > b or (a == b and not equal):
                yield Problem("order", f"/{later}", f"stands before {earlier}")


def _markings(body: Body) -> Iterator[Problem]:
    own = body.get("id")
    refs = body.get("object_marking_refs")
    if isinstance(refs, list) and own in refs:
        yield Problem(
            "marking", "/object_marking_refs", "a marking definition marks itself"
        )
    granular = body.get("granular_markings")
    if granular is None:
        return
    if not isinstance(granular, list):
        yield Problem("list", "/granular_markings", "must be a list")
        return
    for index, item in enumerate(granular):
        yield from _granular(body, item, f"/granular_markings/{index}")


def _granular(body: Body, item: Json, where: str) -> Iterator[Problem]:
    if not isinstance(item, dict):
        yield Problem("granular-marking", where, "must be an object")
        return
    if ("marking_ref" in item) == ("lang" in item):
        yield Problem(
            "granular-marking",
            where,
            "needs either marking_ref or lang (section 7.2.3.1)",
        )
    if "marking_ref" in item:
        yield from _reference(
            "marking_ref", item["marking_ref"], f"{where}/marking_ref"
        )
        if item["marking_ref"] == body.get("id"):
            yield Problem(
                "granular-marking", where, "a marking definition marks itself"
            )
    selectors = item.get("selectors")
    if not isinstance(selectors, list) or not selectors:
        yield Problem("selector", where, "needs a list of selectors")
        return
    for selector in selectors:
        if not isinstance(selector, str) or not selected(body, selector):
            yield Problem(
                "selector", where, "a selector that points at nothing (section 7.2.3.1)"
            )


def _relationship(kind: str, body: Body) -> Iterator[Problem]:
    ends = {
        "relationship": ("source_ref", "target_ref"),
        "sighting": ("sighting_of_ref",),
    }
    for name in ends.get(kind, ()):
        value = body.get(name)
        if isinstance(value, str) and value.partition("--")[0] in types.NEVER_RELATED:
            yield Problem(
                "reference",
                f"/{name}",
                "refers to an object of a type not allowed here",
            )


def is_timestamp(value: Json) -> bool:
    """Say whether ``value`` is a STIX timestamp of a real day (section 3.2)."""
    if not isinstance(value, str) or not _TIME.fullmatch(value) or not value.isascii():
        return False
    try:
        datetime.fromisoformat(value[:19])
    except ValueError:
        return value[17:19] == "60"  # a leap second
    return True


def milliseconds(written: str) -> str:
    """Cut or fill a STIX timestamp to three decimals (STIX 2.1 section 3.2)."""
    whole, _, fraction = written.removesuffix("Z").partition(".")
    return f"{whole}.{fraction[:3]:0<3}Z"


def sortable(written: str) -> str:
    """Fill a timestamp to nine decimals, so that texts sort as instants do."""
    whole, _, fraction = written.removesuffix("Z").partition(".")
    return f"{whole}.{fraction:0<9}"
