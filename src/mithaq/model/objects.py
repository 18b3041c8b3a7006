"""STIX objects as immutable values: the bytes as received, and the few typed fields that logic needs."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

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
from mithaq.model.rules import IDENTIFIER, Problem, milliseconds, problems
from mithaq.model.types import REQUIRED, SCO

Body = Mapping[str, Json]
_ANY_ID = re.compile(
    r"[a-z][a-z0-9-]{1,248}--[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
)


class InvalidObject(InputError):
    """It is JSON, but no STIX 2.1 object."""

    code = "invalid-stix"


@dataclass(frozen=True, slots=True, kw_only=True)
class Object:
    """One STIX 2.1 object; unknown fields and custom types survive in ``raw`` and ``body``."""

    raw: bytes = field(repr=False)  # exactly as received
    body: Body = field(
        repr=False, compare=False, hash=False
    )  # parsed once from raw; never changed
    id: str
    type: str
    digest: str  # of raw: "sha256:" + hex
    version: str  # modified, else created, else "" (an SCO has no version)
    created_by: str | None


def read(raw: bytes, limits: Limits = DEFAULT_LIMITS) -> Object:
    """Read one object through the gate and the rules of STIX 2.1.

    Raises:
        GateRefused: the bytes are no strict JSON.
        InvalidObject: with facts ``cause`` and ``where`` of the first problem.
    """
    body = parse(raw, limits)
    if not isinstance(body, dict):
        raise InvalidObject(
            "an object must be a JSON object", cause="not-an-object", where=""
        )
    return checked(raw, body)


def checked(raw: bytes, body: Body) -> Object:
    """Return the object of ``raw`` whose parsed form, past the gate, is ``body``.

    Raises:
        InvalidObject: as ``read``.
    """
    found = next(problems(body), None)
    if found is not None:
        raise InvalidObject(
            f"{found.where or '/'}: {found.says}", cause=found.cause, where=found.where
        )
    return _known(raw, body)


def from_body(body: Body) -> Object:
    """Return the object whose bytes are the RFC 8785 form of ``body``; raises as ``read``."""
    return checked(canonical(dict(body)), body)


def _known(raw: bytes, body: Body) -> Object:
    creator = body.get("created_by_ref")
    return Object(
        raw=raw,
        body=body,
        id=str(body["id"]),
        type=str(body["type"]),
        digest=digest(raw),
        version=version_of(body),
        created_by=creator if isinstance(creator, str) else None,
    )


def version_of(body: Body) -> str:
    """Return ``modified``, else ``created``, else the empty text; three decimals, so that texts sort."""
    written = body.get("modified") or body.get("created") or ""
    return milliseconds(str(written)) if written else ""


def is_sco(type_: str, body: Body | None = None) -> bool:
    """Say whether ``type_`` is a cyber-observable; a custom type is one if it bears no ``created``."""
    return type_ in SCO or (
        type_ not in REQUIRED and body is not None and "created" not in body
    )


def required_refs(type_: str) -> frozenset[str]:
    """Return the required properties of ``type_`` that hold references."""
    return frozenset(
        p for p in REQUIRED.get(type_, ()) if p.endswith(("_ref", "_refs"))
    )


def references(body: Body) -> Iterator[tuple[str, str]]:
    """Yield (JSON pointer, identifier) of every string value that is a STIX identifier, however deep.

    The object's own ``id`` is none of them; markings are, under their properties.
    """
    for key, value in body.items():
        if key != "id":
            yield from _references(value, f"/{escape(key)}")


def _references(value: Json, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if "--" in value and _ANY_ID.fullmatch(value):
            yield pointer, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _references(item, f"{pointer}/{index}")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _references(item, f"{pointer}/{escape(key)}")


__all__ = [
    "IDENTIFIER",
    "Body",
    "InvalidObject",
    "Object",
    "Problem",
    "checked",
    "from_body",
    "is_sco",
    "problems",
    "read",
    "references",
    "required_refs",
    "version_of",
]
