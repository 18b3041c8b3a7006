"""STIX objects as immutable values: the bytes as received, and the few typed fields that logic needs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mithaq.errors import InputError
from mithaq.model.canonical import (
    DEFAULT_LIMITS,
    Json,
    Limits,
    canonical,
    digest,
    escape,
    parse,
)
from mithaq.model.kinds import IDENTIFIER, Problem, normal
from mithaq.model.rules import first_problem, is_sco, problems
from mithaq.model.schema import TYPES

Body: TypeAlias = Mapping[str, Json]
# looser than IDENTIFIER on purpose: what a careless reader would follow counts as a reference too
_REFERENCE = re.compile(r"[a-z0-9-]{1,250}--[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


class InvalidObject(InputError):
    """It is strict JSON, but no STIX 2.1 object; ``code`` is ``stix-`` and the problem's cause."""

    code = "stix"

    def __init__(self, problem: Problem) -> None:
        """Name what is wrong and where, without content."""
        says = f"{problem.where or '/'}: {problem.says}"
        super().__init__(says, cause=problem.cause, where=problem.where)
        self.code = f"stix-{problem.cause}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One STIX 2.1 object; unknown fields and custom types survive in ``raw`` and ``body``."""

    raw: bytes = field(repr=False)  # exactly as received
    body: Body = field(repr=False, compare=False, hash=False)  # parsed once from raw; never changed
    id: str
    type: str
    digest: str  # of raw: "sha256:" + hex
    # modified, else created, with at least three decimals; "" for an SCO, which has none
    version: str
    created_by: str | None  # what the bytes claim


def read(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Object:
    """Read one object through the gate and the rules of STIX 2.1.

    Raises:
        GateRefused: the bytes are no strict JSON.
        InvalidObject: with facts ``cause`` and ``where`` of the first problem.
    """
    return checked(raw, parse(raw, limits))


def checked(raw: bytes, value: Json) -> Object:
    """Return the object of ``raw``, which has passed the gate as ``value``.

    Raises:
        InvalidObject: as ``read``.
    """
    if not isinstance(value, dict):
        raise InvalidObject(Problem("object", "", "must be an object"))
    found = first_problem(value)
    if found is not None:
        raise InvalidObject(found)
    creator = value.get("created_by_ref")
    return Object(
        raw=raw,
        body=value,
        id=str(value["id"]),
        type=str(value["type"]),
        digest=digest(raw),
        version=version_of(value),
        created_by=creator if isinstance(creator, str) else None,
    )


def from_body(body: Body) -> Object:
    """Return the object whose bytes are the RFC 8785 form of ``body``; raises as ``read``."""
    return read(canonical(dict(body)))


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


def required_refs(type_: str) -> frozenset[str]:
    """Return the required properties of ``type_`` that hold references; none for a custom type."""
    known = TYPES.get(type_)
    names = known.required if known else frozenset[str]()
    return frozenset(name for name in names if name.endswith(("_ref", "_refs")))


def references(body: Body) -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, identifier) of every string value that is a STIX identifier, however deep.

    The object's own ``id`` is none of them; its markings are.
    """
    for key, value in body.items():
        if key != "id":
            yield from _references(value, f"/{escape(key)}")


def _references(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if "--" in value and _REFERENCE.fullmatch(value):
            yield pointer, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _references(item, f"{pointer}/{escape(key)}")


__all__ = [
    "IDENTIFIER", "Body", "InvalidObject", "Object", "Problem", "checked", "from_body", "is_sco", "moment",
    "problems", "read", "references", "required_refs", "version_of",
]  # fmt: skip
