"""Proposals to change another's object, and the owner's answers: notes and opinions of STIX 2.1 with an extension.

A reader who does not know the extension reads a note on the object, and an opinion on the note. One who does reads
which fields of which version are meant, exactly. What is not of this form is a note, and proposes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

import msgspec

from mithaq.model.canonical import Json
from mithaq.model.extensions import PROJECT
from mithaq.model.kinds import IDENTIFIER, is_timestamp
from mithaq.model.objects import Body

EXTENSION = "extension-definition--7c5b1f8e-2b0a-4c57-9d8e-5e6a1c7f4b92"
PROPOSAL, ANSWER = "mithaq-proposal", "mithaq-answer"  # labels, by which both are found
Outcome: TypeAlias = Literal["taken", "declined"]
OPINIONS: Mapping[Outcome, str] = {"taken": "agree", "declined": "disagree"}
_KIND = "property-extension"
# what only an owner says: what it is, whose, since when, and for whom
NEVER = frozenset(
    {
        "type",
        "id",
        "spec_version",
        "created",
        "modified",
        "created_by_ref",
        "object_marking_refs",
        "granular_markings",
    }
)
_FIRST_PUBLISHED = "2026-11-30T00:00:00.000Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """That fields of a version of another's object be set, or taken away (None)."""

    target: str
    version: str  # that the proposer read
    fields: Mapping[str, Json]
    why: str
    named: bool = False  # who proposes it may be named


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the owner of an object answers to a proposal."""

    proposal: str  # the note's id
    outcome: Outcome
    why: str = ""
    version: str = ""  # that took it


class _Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    extension_type: str
    target: str
    version: str
    set: dict[str, object] = {}
    remove: list[str] = []
    named: bool = False


class _Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    extension_type: str
    outcome: Outcome
    version: str = ""


def definition() -> dict[str, Json]:
    """Return the body of the extension's definition (section 7.3)."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": EXTENSION,
        "created_by_ref": PROJECT,
        "created": _FIRST_PUBLISHED,
        "modified": _FIRST_PUBLISHED,
        "name": "Proposal",
        "description": "A change of another's object that a note proposes to its owner, and the owner's answer.",
        "schema": (
            "In a note: target (required, identifier), version (required, timestamp: the modified that was read), set "
            "(object: fields and their values), remove (list of string: fields), named (boolean: whether the proposer "
            "may be named). In an opinion: outcome (required: taken or declined), version (timestamp: of the version "
            "that took it)."
        ),
        "version": "1.0.0",
        "extension_types": [_KIND],
    }


def written(proposal: Proposal) -> dict[str, Json]:
    """Return the fields of the note that makes a proposal."""
    extension: dict[str, Json] = {
        "extension_type": _KIND,
        "target": proposal.target,
        "version": proposal.version,
    }
    put: Json = {name: value for name, value in proposal.fields.items() if value is not None}
    gone: list[Json] = [name for name, value in proposal.fields.items() if value is None]
    extension |= {"set": put} if put else {}
    extension |= {"remove": gone} if gone else {}
    extension |= {"named": True} if proposal.named else {}
    return {
        "abstract": f"Proposal: {', '.join(proposal.fields)}",
        "content": proposal.why,
        "object_refs": [proposal.target],
        "labels": [PROPOSAL],
        "extensions": {EXTENSION: extension},
    }


def read(note: Body) -> Proposal | None:
    """Return what a note proposes; None if it proposes nothing that an owner could take."""
    try:
        found = msgspec.convert(_extension(note, "note"), _Extension)
    except msgspec.ValidationError:
        return None
    refs = note.get("object_refs")
    named = {*found.set, *found.remove}
    if (
        found.extension_type != _KIND
        or IDENTIFIER.fullmatch(found.target) is None
        or not is_timestamp(found.version)
        or not named
        or named & NEVER
        or found.set.keys() & set(found.remove)
        or refs != [found.target]
        or found.set.get("revoked", True) is not True
    ):
        return None
    fields: dict[str, Json] = {name: cast("Json", value) for name, value in found.set.items()}
    return Proposal(
        target=found.target,
        version=found.version,
        fields=fields | dict.fromkeys(found.remove),
        why=str(note.get("content", "")),
        named=found.named,
    )


def answer(reply: Reply) -> dict[str, Json]:
    """Return the fields of the opinion that answers a proposal."""
    extension: dict[str, Json] = {"extension_type": _KIND, "outcome": reply.outcome}
    extension |= {"version": reply.version} if reply.version else {}
    said: dict[str, Json] = {"explanation": reply.why} if reply.why else {}
    return {
        **said,
        "opinion": OPINIONS[reply.outcome],
        "object_refs": [reply.proposal],
        "labels": [ANSWER],
        "extensions": {EXTENSION: extension},
    }


def read_answer(opinion: Body) -> Reply | None:
    """Return what an opinion answers; None if it answers no proposal."""
    refs = opinion.get("object_refs")
    try:
        found = msgspec.convert(_extension(opinion, "opinion"), _Reply)
    except msgspec.ValidationError:
        return None
    if found.extension_type != _KIND or not isinstance(refs, list) or len(refs) != 1:
        return None
    why = opinion.get("explanation")
    return Reply(
        proposal=str(refs[0]),
        outcome=found.outcome,
        why=why if isinstance(why, str) else "",
        version=found.version,
    )


def _extension(body: Body, type_: str) -> Json:
    extensions = body.get("extensions")
    if body.get("type") != type_ or not isinstance(extensions, dict):
        return None
    return extensions.get(EXTENSION)
