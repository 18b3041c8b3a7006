"""STIX objects as immutable values: the bytes as received, and the few typed fields that logic needs."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property
from typing import TypeAlias, TypedDict

import msgspec

from mithaq.errors import InputError
from mithaq.model.canonical import (
    DEFAULT_LIMITS,
    Json,
    Limits,
    canonical,
    decode,
    digest,
    escape,
    vet,
)
from mithaq.model.kinds import IDENTIFIER, LONGEST_IDENTIFIER, Problem, normal, type_named
from mithaq.model.rules import first_problem, is_sco, problems
from mithaq.model.schema import TYPES
from mithaq.model.usual import DEPTH, MARKINGS, Shape, usual_shape

Body: TypeAlias = Mapping[str, Json]
# looser than IDENTIFIER on purpose: what a careless reader would follow counts as a reference too
_REFERENCE = re.compile(r"[a-z0-9-]{1,499}--[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class InvalidObject(InputError):
    """It is strict JSON, but no STIX 2.1 object; ``code`` is ``stix-`` and the problem's cause."""

    code = "stix"

    def __init__(self, problem: Problem) -> None:
        """Name what is wrong and where, without content."""
        says = f"{problem.where or '/'}: {problem.says}"
        super().__init__(says, cause=problem.cause, where=problem.where)
        self.code = f"stix-{problem.cause}"


class Object(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One STIX 2.1 object; unknown fields and custom types survive in ``raw`` and ``body``."""

    raw: bytes  # exactly as received; it has passed the gate
    id: str
    type: str
    digest: str  # of raw: "sha256:" + hex
    # modified, else created, with at least three decimals; "" for an SCO, which has none
    version: str

    @property
    def created_by(self) -> str | None:
        """What the bytes claim."""
        creator = self.body.get("created_by_ref")
        return creator if isinstance(creator, str) else None

    @cached_property
    def body(self) -> Body:
        """The parsed bytes, which are never changed."""
        found: dict[str, Json] = msgspec.json.decode(self.raw)
        return found

    @cached_property
    def references(self) -> tuple[tuple[str, str], ...]:
        """The (JSON pointer, identifier) pairs of ``references``."""
        return tuple(references(self.body))

    def know_references(self, found: Iterable[tuple[str, str]]) -> None:
        """Take ``references`` from where they were kept, rather than from the bytes."""
        vars(self).update(_sorted(found))

    @cached_property
    def links(self) -> tuple[tuple[str, str], ...]:
        """Those of ``references`` that name no marking."""
        return _sorted(self.references)["links"]

    @cached_property
    def marking_refs(self) -> tuple[str, ...]:
        """The ids of the markings it bears as a whole."""
        if "references" not in vars(self):
            refs = self.body.get(MARKINGS)
            return tuple(map(str, refs)) if isinstance(refs, list) else ()
        return _sorted(self.references)["marking_refs"]

    @cached_property
    def is_marked_in_part(self) -> bool:
        """Whether it bears markings on some of its paths."""
        if "references" not in vars(self) and "granular_markings" not in self.body:
            return False
        return _sorted(self.references)["is_marked_in_part"]


_MARKED = f"/{MARKINGS}/"


class _Sorted(TypedDict):
    """References, by what they are for; the names are those of ``Object``."""

    references: tuple[tuple[str, str], ...]
    links: tuple[tuple[str, str], ...]
    marking_refs: tuple[str, ...]
    is_marked_in_part: bool


def _sorted(found: Iterable[tuple[str, str]]) -> _Sorted:
    every = tuple(found)
    links: list[tuple[str, str]] = []
    whole: list[str] = []
    in_part = False
    for reference in every:
        at, id_ = reference
        if at.startswith(_MARKED):
            whole.append(id_)
        elif at.startswith("/granular_markings/"):
            in_part = True
        else:
            links.append(reference)
    return _Sorted(
        references=every,
        links=tuple(links),
        marking_refs=tuple(whole),
        is_marked_in_part=in_part,
    )


def read(raw: bytes, limits: Limits = DEFAULT_LIMITS, *, known: str = "") -> Object:
    """Read one object through the gate and the rules of STIX 2.1.

    Args:
        known: the digest of ``raw``, if that is known.

    Raises:
        GateRefused: the bytes are no strict JSON.
        InvalidObject: with facts ``cause`` and ``where`` of the first problem.
    """
    value = decode(raw, limits)
    shape = _usual(value, raw, limits)
    if shape is None:
        vet(raw, value, limits)
    return _object(raw, value, shape, known)


def checked(raw: bytes, value: Json) -> Object:
    """Return the object of ``raw``, which has passed the gate as ``value``.

    Raises:
        InvalidObject: as ``read``.
    """
    return _object(raw, value, _usual(value, raw))


def _usual(value: Json, raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Shape | None:
    if limits.whole_numbers or limits.max_depth < DEPTH or (b"\\" in raw and b"\\u" in raw):
        return (
            None  # what is written by numbers may be anything: NUL, or the hyphens of an identifier
        )
    return usual_shape(value) if isinstance(value, dict) else None


def _valid(value: Json, shape: Shape | None) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise InvalidObject(Problem("object", "", "must be an object"))
    found = first_problem(value) if shape is None else None
    if found is not None:
        raise InvalidObject(found)
    return value


def _object(raw: bytes, value: Json, shape: Shape | None, known: str = "") -> Object:
    body = _valid(value, shape)
    made = Object(
        raw=raw,
        id=str(body["id"]),
        type=str(body["type"]),
        digest=known or digest(raw),
        version=version_of(body),
    )
    vars(made)["body"] = body  # parsed already
    if shape is not None:
        _know(made, shape)
    return made


def _know(made: Object, shape: Shape) -> None:
    """Take the references of an object from its shape, if it holds no others."""
    body = made.body
    named, links, markings = shape.named(body)
    extensions = body.get("extensions")
    keys = len(extensions) if isinstance(extensions, dict) else 0  # identifiers, and no references
    if not _holds(made.raw, len(named) + keys + 1):
        return
    if not all(
        len(id_ := str(body[name])) <= LONGEST_IDENTIFIER and type_named(id_)
        for name in shape.unread
    ):
        return
    found: _Sorted = {
        "references": tuple(named),
        "links": tuple(links),
        "marking_refs": tuple(markings),
        "is_marked_in_part": False,
    }
    vars(made).update(found)


def _holds(raw: bytes, identifiers: int) -> bool:
    """Say that ``raw`` holds no more identifiers than so many: each has two hyphens before its UUID."""
    return raw.count(b"--") == identifiers or len(_TAIL.findall(raw)) == identifiers


_TAIL = re.compile(rb"--[0-9a-fA-F]{8}-")


def from_body(body: Body) -> Object:
    """Return the object whose bytes are the RFC 8785 form of ``body``; raises as ``read``."""
    return read(canonical(dict(body)))


def made(body: dict[str, Json]) -> Object:
    """Return ``from_body`` of a body that nobody else holds: it is not read again from its bytes.

    Raises:
        GateRefused, InvalidObject: as ``read``.
    """
    raw = canonical(body)
    if b"\\u" in raw or len(raw) > DEFAULT_LIMITS.max_bytes:
        return read(raw)
    return _object(raw, body, usual_shape(body))


def version_of(body: Body) -> str:
    """Return ``modified``, else ``created``, of a valid body, in normal form; "" for an SCO.

    Section 3.2 wants exactly three decimals; the field's most used library writes six. More than three
    are kept, so that no two versions fall together.
    """
    if is_sco(str(body.get("type")), body):
        return ""
    return normal(str(body.get("modified") or body.get("created")))


def moment(version: str) -> str:
    """Return a form of ``version`` that sorts as instants do; "" sorts before all.

    Without the Z a longer fraction of one millisecond stands after a shorter one.
    """
    return version.removesuffix("Z")


@cache  # of the standard's types; the rest is none of a few
def _required(type_: str) -> frozenset[str]:
    return frozenset(n for n in TYPES[type_].required if n.endswith(("_ref", "_refs")))


def required_refs(type_: str) -> frozenset[str]:
    """Return the required properties of ``type_`` that hold references; none for a custom type."""
    return _required(type_) if type_ in TYPES else frozenset()


def references(body: Body) -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, identifier) of every string value that is a STIX identifier, however deep.

    The object's own ``id`` is none of them; its markings are.
    """
    for key, value in body.items():
        if key != "id" and _may_refer(value):
            yield from _references(value, f"/{escape(key)}")


def _references(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if _REFERENCE.fullmatch(value):
            yield pointer, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if _may_refer(item):
                yield from _references(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            if _may_refer(item):
                yield from _references(item, f"{pointer}/{escape(key)}")


def _may_refer(value: Json) -> bool:
    return "--" in value if isinstance(value, str) else isinstance(value, dict | list)


__all__ = [
    "IDENTIFIER", "Body", "InvalidObject", "Object", "Problem", "checked", "from_body", "is_sco", "made", "moment",
    "problems", "read", "references", "required_refs", "version_of",
]  # fmt: skip
