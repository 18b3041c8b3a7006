"""Requests to partners and their replies: notes of STIX 2.1 with an extension.

A reader who does not know the extension reads a note with a question, and a note that answers it. One who does reads
what is asked for and by when, and which request is answered how. What is not of this form is a note, and asks nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from mithaq.model.canonical import Json
from mithaq.model.extensions import PROJECT
from mithaq.model.kinds import IDENTIFIER, is_timestamp

EXTENSION = "extension-definition--4f0d6a52-8c1b-4e0c-9b57-2a9d3f6e81c4"
REQUEST, REPLY = "mithaq-request", "mithaq-reply"  # labels, by which both are found
INFORMATION = "information"  # what is asked for; further kinds may come
Outcome: TypeAlias = Literal["answered", "nothing", "declined"]
OUTCOMES: tuple[Outcome, ...] = ("answered", "nothing", "declined")
_KIND = "property-extension"
_FIRST_PUBLISHED = "2026-11-30T00:00:00.000Z"
Body: TypeAlias = Mapping[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of partners."""

    question: str
    kind: str = INFORMATION
    needed_by: str = ""
    about: Sequence[str] = ()  # objects, else who asks: a note is on something


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a partner replies to a request."""

    request: str  # the note's id
    outcome: Outcome
    text: str
    objects: Sequence[str] = ()


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    extension_type: str
    kind: str
    needed_by: str = ""


class _Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    extension_type: str
    request: str
    outcome: Outcome


def definition() -> dict[str, Json]:
    """Return the body of the extension's definition (section 7.3)."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": PROJECT,
        "created": _FIRST_PUBLISHED,
        "modified": _FIRST_PUBLISHED,
        "name": "Request",
        "description": "A question that a note puts to partners, and a partner's reply in a note of its own.",
        "schema": (
            "In a note that asks: kind (required, string: information), needed_by (timestamp). In a note that replies: "
            "request (required, identifier of the note that asks, which object_refs name too), outcome (required: "
            "answered, nothing or declined)."
        ),
        "version": "1.0.0",
        "extension_types": [_KIND],
    }


def written(request: Request) -> dict[str, Json]:
    """Return the fields of the note that asks."""
    extension: dict[str, Json] = {"extension_type": _KIND, "kind": request.kind}
    extension |= {"needed_by": request.needed_by} if request.needed_by else {}
    return {
        "abstract": f"Request for {request.kind}",
        "content": request.question,
        "object_refs": [*request.about],
        "labels": [REQUEST],
        "extensions": {EXTENSION: extension},
    }


def read(note: Body) -> Request | None:
    """Return what a note asks; None if it asks nothing."""
    try:
        found = msgspec.convert(_extension(note), _Request)
    except msgspec.ValidationError:
        return None
    if found.extension_type != _KIND or (found.needed_by and not is_timestamp(found.needed_by)):
        return None
    return Request(
        question=str(note.get("content", "")),
        kind=found.kind,
        needed_by=found.needed_by,
        about=_refs(note),
    )


def reply(said: Reply) -> dict[str, Json]:
    """Return the fields of the note that replies."""
    return {
        "abstract": "Reply",
        "content": said.text,
        "object_refs": [said.request, *said.objects],
        "labels": [REPLY],
        "extensions": {
            EXTENSION: {"extension_type": _KIND, "request": said.request, "outcome": said.outcome}
        },
    }


def read_reply(note: Body) -> Reply | None:
    """Return what a note replies; None if it replies to no request."""
    try:
        found = msgspec.convert(_extension(note), _Reply)
    except msgspec.ValidationError:
        return None
    refs = _refs(note)
    named = IDENTIFIER.fullmatch(found.request) is not None and found.request in refs
    if found.extension_type != _KIND or not named:
        return None
    return Reply(
        request=found.request,
        outcome=found.outcome,
        text=str(note.get("content", "")),
        objects=[each for each in refs if each != found.request],
    )


def _refs(note: Body) -> list[str]:
    refs = note.get("object_refs")
    return [str(each) for each in refs] if isinstance(refs, list) else []


def _extension(body: Body) -> Json:
    extensions = body.get("extensions")
    if body.get("type") != "note" or not isinstance(extensions, dict):
        return None
    return extensions.get(EXTENSION)
