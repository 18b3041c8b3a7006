"""STIX 2.0, lifted to STIX 2.1: what 2.0 feeds and TAXII 2.0 servers give.

The bytes are ours from then on, so they are the same each time. What 2.1 moved is moved (its sections 1.6.1, 3 to 6):
the kinds of a thing from ``labels`` into a property of their own, observables out of their ``observed-data`` into
objects with the identifier of their value. Whatever is unknown stays as it is.
"""

import hashlib
import uuid
from collections.abc import Iterator, Mapping

import msgspec

from mithaq.errors import InputError
from mithaq.formats.registry import PLAIN, Layout, NotThisFormat, Read
from mithaq.formats.stix import Piece, pieces, refusal
from mithaq.model.canonical import DEFAULT_LIMITS, GateRefused, Json, Limits, canonical
from mithaq.model.ids import sco_id
from mithaq.model.objects import read
from mithaq.model.schema import CONTRIBUTING

_SAYS = "2.0"
_KINDS = {  # what was a label in 2.0 (its section 4)
    "identity": "roles",
    "indicator": "indicator_types",
    "malware": "malware_types",
    "report": "report_types",
    "threat-actor": "threat_actor_types",
    "tool": "tool_types",
}
_RENAMED: Mapping[str, Mapping[str, str]] = {  # of observables
    "directory": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "file": {"created": "ctime", "modified": "mtime", "accessed": "atime"},
    "process": {"created": "created_time", "binary_ref": "image_ref"},
    "user-account": {"password_last_changed": "credential_last_changed"},
    "windows-registry-key": {"modified": "modified_time"},
}
_OURS = uuid.UUID(
    "00abedb4-aa42-466c-9c01-fed23315a9b7"
)  # for an observable that no property names
_DEEPEST = 32  # observables that refer to each other in a row


class _Entangled(Exception):
    """Observables refer to what is not there, to themselves, or on and on."""


class _Head(msgspec.Struct):
    type: str = ""
    spec_version: str = ""


class Stix20:
    """The format ``stix-2.0``."""

    name = "stix-2.0"

    def fits(self, raw: bytes) -> bool:
        """Say whether ``raw`` is a bundle that says it is of 2.0."""
        try:
            head = msgspec.json.decode(raw, type=_Head)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return False
        return (head.type, head.spec_version) == ("bundle", _SAYS)

    def read(self, raw: bytes, limits: Limits = DEFAULT_LIMITS, _layout: Layout = PLAIN) -> Read:
        """Read every object of the bundle ``raw``.

        Raises:
            GateRefused: as ``Stix.read``.
            NotThisFormat: it is no bundle of 2.0.
        """
        if not self.fits(raw):
            raise NotThisFormat("no bundle of STIX 2.0", where="/spec_version")
        return (each for piece in pieces(raw, limits) for each in _lifted(piece))


def _lifted(piece: Piece) -> Read:
    position, raw, value = piece
    if isinstance(value, GateRefused):
        yield refusal(position, None, value)
        return
    lifted = map(canonical, lift(value)) if isinstance(value, dict) else iter((raw,))
    while True:
        try:
            yield read(next(lifted))
        except StopIteration:
            return
        except InputError as error:
            yield refusal(position, value, error)


def lift(body: Mapping[str, Json]) -> list[dict[str, Json]]:
    """Return an object of 2.0 as objects of 2.1: itself, and before it the observables it held."""
    kind = str(body.get("type"))
    lifted: dict[str, Json] = {**body, "spec_version": "2.1"}
    if kind in _KINDS:
        _take_kinds(lifted, _KINDS[kind])
    if kind == "indicator":
        lifted.setdefault("pattern_type", "stix")
    if kind == "malware":
        lifted.setdefault("is_family", True)  # 2.0 names families, and knows no samples
    if kind == "observed-data" and "objects" in lifted:
        return [*_observables(lifted), lifted]
    return [lifted]


def _take_kinds(body: dict[str, Json], name: str) -> None:
    """Move labels that say of what kind a thing is; one of the form ``namespace:…`` is a tag and stays."""
    labels = body.get("labels")
    if not isinstance(labels, list) or name in body:
        return
    kinds: list[Json] = []
    tags: list[Json] = []
    for each in labels:
        (tags if isinstance(each, str) and ":" in each else kinds).append(each)
    body.pop("labels")
    body |= {name: value for name, value in ((name, kinds), ("labels", tags)) if value}


def _observables(body: dict[str, Json]) -> Iterator[dict[str, Json]]:
    """Take the observables out of ``body``, which refers to them instead; each bears its markings.

    They stay where they are if a marking is about one of them alone, or if their references lead nowhere.
    """
    held = body["objects"]
    if not isinstance(held, dict) or _marks_within(body):
        return
    made: dict[str, dict[str, Json]] = {}
    try:
        ids = [_made(body, key, made, ()) for key in held]
    except _Entangled:
        return
    del body["objects"]
    body["object_refs"] = [*dict.fromkeys(ids)]
    yield from {str(each["id"]): each for each in made.values()}.values()


def _marks_within(body: Mapping[str, Json]) -> bool:
    marks = body.get("granular_markings")
    selectors = [
        each
        for mark in (marks if isinstance(marks, list) else ())
        if isinstance(mark, dict) and isinstance(mark.get("selectors"), list)
        for each in mark["selectors"]  # type: ignore[union-attr]
    ]
    return any(str(each).partition(".")[0] == "objects" for each in selectors)


def _made(
    body: Mapping[str, Json],
    key: str,
    made: dict[str, dict[str, Json]],
    above: tuple[str, ...],
) -> str:
    """Make the observable that stands under ``key``, and before it what it refers to; return its id."""
    if key in made:
        return str(made[key]["id"])
    held = body["objects"]
    seen = held.get(key) if isinstance(held, dict) else None
    if key in above or len(above) > _DEEPEST or not isinstance(seen, dict):
        raise _Entangled
    kind = str(seen.get("type"))
    renamed = _RENAMED.get(kind, {})
    new: dict[str, Json] = {}
    for name, value in seen.items():
        new[renamed.get(name, name)] = _resolved(body, name, value, made, (*above, key))
    new["spec_version"] = "2.1"
    if "object_marking_refs" in body:
        new["object_marking_refs"] = body["object_marking_refs"]
    new["id"] = sco_id(new) if _is_named(kind, new) else _by_place(kind, body, key)
    made[key] = new
    return str(new["id"])


def _resolved(
    body: Mapping[str, Json],
    name: str,
    value: Json,
    made: dict[str, dict[str, Json]],
    above: tuple[str, ...],
) -> Json:
    """Return a value with keys of the same container replaced by identifiers."""
    if name.endswith("_ref") and isinstance(value, str):
        return _made(body, value, made, above)
    if name.endswith("_refs") and isinstance(value, list):
        return [_made(body, str(each), made, above) for each in value]
    if isinstance(value, dict):
        return {key: _resolved(body, key, each, made, above) for key, each in value.items()}
    if isinstance(value, list):
        return [_resolved(body, "", each, made, above) for each in value]
    return value


def _is_named(kind: str, seen: Mapping[str, Json]) -> bool:
    return any(name in seen for name in CONTRIBUTING.get(kind, ()))


def _by_place(kind: str, body: Mapping[str, Json], key: str) -> str:
    """Return an identifier of the form of a random one (section 2.9) that is the same each time."""
    place = hashlib.sha256(f"{body.get('id')} {key}".encode()).digest()
    return f"{kind}--{uuid.UUID(bytes=place[:16], version=4)}"
