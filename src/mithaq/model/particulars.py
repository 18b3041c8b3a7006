"""The rules of STIX 2.1 that one type alone has, beyond its table of properties."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from mithaq.model import schema
from mithaq.model.canonical import Json
from mithaq.model.kinds import LANGUAGE, PROPERTY_NAME, Problem, Problems, pointer

Body: TypeAlias = Mapping[str, Json]


def particular(kind: str, body: Body) -> Problems:
    """Yield what the rules of ``kind`` alone forbid in ``body``."""
    rule = _RULES.get(kind)
    if rule is not None:
        yield from rule(body)
    if kind in schema.SCO:
        yield from _observable_id(kind, body)


def is_particular(kind: str) -> bool:
    """Say whether ``kind`` has rules of its own."""
    return kind in _RULES or kind in schema.SCO


def contents(content: Body, rules: schema.ObjectType, where: str) -> Problems:
    """Yield what ``rules`` forbid in an object inside an object; properties they do not name pass."""
    for name in sorted(rules.required - content.keys()):
        yield Problem("required", where + pointer(name), "is missing")
    for name, kind in rules.properties.items():
        if name in content:
            yield from kind.problems(content[name], where + pointer(name))


def _relationship(body: Body) -> Problems:
    yield from _not_to(body, "source_ref", schema.NEVER_RELATED)
    yield from _not_to(body, "target_ref", schema.NEVER_RELATED)


def _sighting(body: Body) -> Problems:
    yield from _not_to(body, "sighting_of_ref", schema.NEVER_SIGHTED)


def _not_to(body: Body, name: str, never: frozenset[str]) -> Problems:
    value = body.get(name)
    if isinstance(value, str) and value.partition("--")[0] in never:
        yield Problem("reference", pointer(name), "refers to a type that is not allowed here")


def _marking_definition(body: Body) -> Problems:
    refs = body.get("object_marking_refs")
    if isinstance(refs, list) and body.get("id") in refs:
        yield Problem("marking", "/object_marking_refs", "a marking definition marks itself")
    if "modified" in body:
        yield Problem(
            "excluded",
            "/modified",
            "a marking definition has no versions (section 7.2.1)",
        )


def _malware(body: Body) -> Problems:
    if body.get("is_family") is True and "name" not in body:
        yield Problem("required", "/name", "a family needs a name (section 4.11)")


def _email_message(body: Body) -> Problems:
    name = "body" if body.get("is_multipart") is True else "body_multipart"
    if name in body:
        yield Problem("excluded", pointer(name), "does not go with is_multipart (section 6.6)")


def _network_traffic(body: Body) -> Problems:
    if body.get("is_active") is True and "end" in body:
        yield Problem("excluded", "/end", "must not stand while is_active is true (section 6.12)")


def _observed_data(body: Body) -> Problems:
    refs = body.get("object_refs")
    for index, ref in enumerate(refs if isinstance(refs, list) else ()):
        kind = str(ref).partition("--")[0]
        if (
            kind in schema.TYPES
            and kind not in schema.SCO
            and kind not in ("relationship", "sighting")
        ):
            yield Problem(
                "reference",
                pointer("object_refs", index),
                "must be an observable (section 4.14)",
            )


def _language_content(body: Body) -> Problems:
    by_code = body.get("contents")
    for code, translated in by_code.items() if isinstance(by_code, dict) else ():
        where = pointer("contents", code)
        yield from LANGUAGE.problems(code, where)
        if not isinstance(translated, dict) or not translated:
            yield Problem("object", where, "must be an object, and not an empty one")
        elif not all(map(PROPERTY_NAME.fullmatch, translated)):
            yield Problem(
                "property-name",
                where,
                "a property name that is not allowed (section 3.1)",
            )


def _extension_definition(body: Body) -> Problems:
    types = body.get("extension_types")
    top_level = isinstance(types, list) and "toplevel-property-extension" in types
    if "extension_properties" in body and not top_level:
        yield Problem(
            "excluded",
            "/extension_properties",
            "goes with toplevel properties (section 7.3)",
        )


def _x509_certificate(body: Body) -> Problems:
    extensions = body.get("x509_v3_extensions")
    if isinstance(extensions, dict):
        yield from contents(extensions, schema.X509_V3, "/x509_v3_extensions")


def _observable_id(kind: str, body: Body) -> Problems:
    """With no contributing property there is nothing a UUIDv5 could be made of (section 2.9)."""
    if not any(name in body for name in schema.CONTRIBUTING[kind]):
        value = body.get("id")
        if isinstance(value, str) and value[-22:-21] != "4":
            yield Problem(
                "id",
                "/id",
                "must be a UUIDv4: it has no contributing property (section 2.9)",
            )


_RULES: Mapping[str, Callable[[Body], Problems]] = {
    "relationship": _relationship,
    "sighting": _sighting,
    "marking-definition": _marking_definition,
    "malware": _malware,
    "email-message": _email_message,
    "network-traffic": _network_traffic,
    "observed-data": _observed_data,
    "language-content": _language_content,
    "extension-definition": _extension_definition,
    "x509-certificate": _x509_certificate,
}
