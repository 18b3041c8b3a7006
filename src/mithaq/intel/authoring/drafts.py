"""Objects as people write them: fields by their kind, first versions and later ones, and what differs between two.

STIX 2.1, sections 2.9 (identifiers), 3.2 (common properties) and 3.6 (versions). Pure: nothing here reads or stores.
"""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from mithaq.clock import parse, text
from mithaq.errors import InputError
from mithaq.intel.rules import instant
from mithaq.model.canonical import Json
from mithaq.model.canonical import parse as parse_json
from mithaq.model.ids import new_id, sco_id
from mithaq.model.kinds import Kind
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import FIXED, MarkingKind, pap_id, tlp_id
from mithaq.model.objects import Body, Object, from_body, is_sco
from mithaq.model.schema import SCO, TYPES
from mithaq.model.values import HASHES, PATHS, Value, pattern

Fields: TypeAlias = Mapping[str, Json]  # None: the field is to go
GIVEN = frozenset({"type", "id", "spec_version", "created_by_ref", "created", "modified"})  # by us
MARKINGS = "object_marking_refs"
_NESTED = ("external_references", "kill_chain_phases", "granular_markings", "extensions")
WRITTEN = tuple(
    sorted(frozenset(TYPES) - {"marking-definition", "extension-definition", "language-content"})
)
_SINCE = {"indicator": "valid_from", "report": "published"}  # begins with the object, if not said
_MILLISECOND = timedelta(milliseconds=1)


class NoSuchField(InputError):
    """The type has no such field, or it is not a person's to set."""

    code = "field"


class Revoked(InputError):
    """Nothing follows the version that revokes an object (STIX 2.1 section 3.6)."""

    code = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One field that differs between two versions; None: it is not there."""

    field: str
    before: Json
    after: Json


# --- what a person writes ------------------------------------------------------------------------
def known_type(type_: str) -> str:
    """Return the name of a type that people write objects of.

    Raises:
        InputError: there is none of that name, or it is made in another way.
    """
    if type_ in WRITTEN:
        return type_
    near = difflib.get_close_matches(type_, WRITTEN, 1)
    if near:
        raise InputError(f"no type {type_!r}; is {near[0]} meant?", cause="type")
    known = ", ".join(WRITTEN)
    raise InputError(f"no type {type_!r} that is written by hand; known are {known}", cause="type")


def fields(type_: str, written: Sequence[str]) -> dict[str, Json]:
    """Read ``NAME=VALUE`` pairs, each value by the kind of its field; a list takes one item a pair, or is JSON.

    Nothing after the sign means that the field is to go.

    Raises:
        InputError: a pair is none. NoSuchField: the type has no such field.
    """
    found: dict[str, Json] = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise InputError(f"a field is written NAME=VALUE, not {each!r}", cause="pair")
        allowed(type_, name)
        found[name] = _joined(found.get(name), _read(_kind(type_, name), name, value))
    return found


def _joined(before: Json, value: Json) -> Json:
    return [*before, *value] if isinstance(before, list) and isinstance(value, list) else value


def allowed(type_: str, name: str) -> None:
    """Go on only if a person may set a field of a type.

    Raises:
        NoSuchField: it is given by the node, or there is none; names of one's own begin with ``x_``.
    """
    if name in GIVEN:
        raise NoSuchField(f"/{name}: is given by the node", where=f"/{name}")
    names = {*TYPES[type_].properties, *_NESTED} if type_ in TYPES else {name}
    if name in names or name.startswith("x_"):
        return
    where = f"/{name}"
    near = difflib.get_close_matches(name, sorted(names - GIVEN), 1)
    if near:
        raise NoSuchField(f"{where}: {type_} has no such field; is {near[0]} meant?", where=where)
    own = f"{where}: {type_} has no such field; one of your own begins with x_"
    raise NoSuchField(own, where=where)


def _kind(type_: str, name: str) -> Kind | None:
    return TYPES[type_].properties.get(name) if type_ in TYPES else None


def _read(kind: Kind | None, name: str, written: str) -> Json:
    if written == "":
        return None
    cause = kind.cause if kind is not None else ""
    if written[0] in "[{" or cause in {"boolean", "integer", "number"}:
        return _json(name, written.lower() if cause == "boolean" else written)
    if kind is not None and cause == "list":
        return [_read(kind.each, name, written)]
    return instant(written) if cause == "timestamp" else written


def _json(name: str, written: str) -> Json:
    try:
        return parse_json(written.encode())
    except InputError as error:
        raise InputError(
            f"/{name}: {written!r} cannot be read as a value: {error}", where=f"/{name}"
        ) from error


def object_in(raw: bytes) -> dict[str, Json]:
    """Return the fields that a file holds as one JSON object.

    Raises:
        InputError: it is none.
    """
    value = parse_json(raw)
    if not isinstance(value, dict):
        raise InputError("the fields of one object are written as one JSON object", where="")
    return value


def of_value(value: Value, type_: str = "indicator") -> dict[str, Json]:
    """Return the fields of what speaks of one value: an indicator, or the observable itself.

    Raises:
        InputError: the value is of no observable of that type.
    """
    if type_ == "indicator":
        return {"name": value.text, "pattern": pattern([value]), "pattern_type": "stix"}
    host, _, field = PATHS.get(value.kind, ":").partition(":")
    if host != type_ or not (field.isidentifier() or value.kind in HASHES):
        raise InputError(
            f"{value.text!r} is a value of the kind {value.kind}, which makes no {type_}",
            cause="value",
        )
    if value.kind in HASHES:
        return {"hashes": {HASHES[value.kind]: value.text}}
    return {field: int(value.text) if value.kind == "asn" else value.text}


# --- versions ------------------------------------------------------------------------------------
def first(type_: str, given: Fields, creator: str, now: datetime) -> Object:
    """Return the first version of an object of ours; of an observable the only one, named by its value.

    Raises:
        InvalidObject, NoSuchField: what is given makes no object.
    """
    if type_ != "language-content":
        known_type(type_)
    for name in given:
        allowed(type_, name)
    own = {name: value for name, value in given.items() if value is not None}
    if type_ in SCO:
        bare: dict[str, Json] = {"type": type_, "spec_version": "2.1", **own}
        return from_body({**bare, "id": sco_id(bare)})
    at = text(now)
    body: dict[str, Json] = {
        "type": type_,
        "spec_version": "2.1",
        "id": new_id(type_),
        "created": at,
        "modified": at,
    }
    if creator:
        body["created_by_ref"] = creator
    if type_ in _SINCE:
        body[_SINCE[type_]] = at
    return from_body(body | own)


def later(before: Object, given: Fields, now: datetime) -> Object:
    """Return the version that follows ``before``, with some of its fields set or gone.

    Raises:
        Revoked: nothing may follow it. InputError: an observable has no versions, or nothing is changed.
        InvalidObject, NoSuchField: what comes of it is no object.
    """
    body = before.body
    if is_sco(before.type, body):
        raise InputError(
            "an observable is its value and has no versions: write another one", object=before.id
        )
    if body.get("revoked") is True:
        raise Revoked(
            "it is revoked, and nothing follows that: write a new object", object=before.id
        )
    for name in given:
        if name not in body or name in GIVEN:
            allowed(before.type, name)
    made = {name: value for name, value in {**body, **given}.items() if value is not None}
    if made == body:
        raise InputError("nothing of it changes", object=before.id)
    after = max(now, parse(before.version) + _MILLISECOND)
    return from_body(made | {"modified": text(after)})


def set_to(before: Body, whole: Fields) -> dict[str, Json]:
    """Return the fields to set so that ``before`` says what ``whole`` does; what the node gives is left as it is.

    Raises:
        NoSuchField: ``whole`` says otherwise what only the node says.
    """
    for name in GIVEN:
        if name in whole and whole[name] != before.get(name):
            raise NoSuchField(f"/{name}: is given by the node", where=f"/{name}")
    said = {name: whole.get(name) for name in (*before, *whole) if name not in GIVEN}
    return {name: value for name, value in said.items() if value != before.get(name)}


def changes(before: Body, after: Body, without: Collection[str] = ("modified",)) -> list[Change]:
    """Return what differs between two versions, field by field, in their order."""
    names = dict.fromkeys((*before, *after))
    return [
        Change(field=name, before=before.get(name), after=after.get(name))
        for name in names
        if name not in without and before.get(name) != after.get(name)
    ]


# --- markings ------------------------------------------------------------------------------------
def marked(refs: Iterable[str], levels: Beside) -> list[Json]:
    """Return the markings of an object that is to bear ``levels`` in place of those it bore."""
    given = {MarkingKind.TLP: levels.tlp, MarkingKind.PAP: levels.pap}
    over = {kind for kind, level in given.items() if level is not None}
    kept: list[Json] = [ref for ref in refs if ref not in FIXED or FIXED[ref].kind not in over]
    if levels.tlp is not None:
        kept.append(tlp_id(levels.tlp))
    if levels.pap is not None:
        kept.append(pap_id(levels.pap))
    return kept


def level_named(ref: str) -> str:
    """Return what people call a fixed marking: ``TLP:AMBER``."""
    meant = FIXED[ref]
    if meant.kind is MarkingKind.PAP:
        return f"PAP:{meant.label.pap}"
    return f"TLP:{meant.label.tlp}"


def level_of(object_: Object) -> Tlp | None:
    """Return the TLP level that the bytes of an object bear by fixed markings."""
    borne = (FIXED[ref].label.tlp for ref in object_.marking_refs if ref in FIXED)
    return max((level for level in borne if level is not None), default=None)
