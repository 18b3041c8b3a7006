"""Our own object types as STIX extension definitions (STIX 2.1 section 7.3), for any reader.

A seal stands in a shelf's ``seals`` collection as an object of this type (border.md 5.4); what it proves is
in the signed envelope alone, the other properties only help to find it.
"""

import base64
import uuid
from collections.abc import Mapping

from mithaq.errors import InputError
from mithaq.model.canonical import Json

PROJECT = "identity--80be408a-0db8-4674-b229-52e38b3e987e"
SEAL_EXTENSION = "extension-definition--df67413a-d20a-497c-8ba9-ce837a560df7"
SEAL_TYPE = "mithaq-seal"
MISP_EXTENSION = "extension-definition--b15f5536-c129-4fb4-9cb0-56bbd9905886"
_SEALS = uuid.UUID("54bf4e38-8229-4fa6-a69c-e7ec2dfed8b2")  # namespace of seals' ids
_FIRST_PUBLISHED = "2026-11-24T00:00:00.000Z"


def definitions() -> tuple[dict[str, Json], ...]:
    """Return the bodies of the project's identity and its extension definitions, to be offered everywhere."""
    times: dict[str, Json] = {"created": _FIRST_PUBLISHED, "modified": _FIRST_PUBLISHED}
    project: dict[str, Json] = {
        "type": "identity",
        "spec_version": "2.1",
        "id": PROJECT,
        **times,
        "name": "Mithaq",
        "identity_class": "system",
    }
    seal: dict[str, Json] = {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": SEAL_EXTENSION,
        "created_by_ref": PROJECT,
        **times,
        "name": "Mithaq seal",
        "description": "One signed link of a channel between two nodes: what was released, in which order.",
        "schema": (
            "channel (required, string): 128 bits in hex. seq (required, integer): the link's number in its "
            "channel, from 1. envelope_bin (required, binary): the DSSE envelope whose payload is the seal."
        ),
        "version": "1.0.0",
        "extension_types": ["new-sdo"],
    }
    return project, seal


def misp_definition() -> dict[str, Json]:
    """Return the body of the extension that keeps beside an object what of MISP has no place of its own in STIX."""
    return {
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": MISP_EXTENSION,
        "created_by_ref": PROJECT,
        "created": _FIRST_PUBLISHED,
        "modified": _FIRST_PUBLISHED,
        "name": "MISP element",
        "description": "What an element of a MISP event says besides, so that it can be written as MISP again.",
        "schema": (
            "One of event, attribute, object, report, sighting (object): the element in the MISP core format, without "
            "its parts, identifiers of one server, sharing groups and payloads."
        ),
        "version": "1.0.0",
        "extension_types": ["property-extension"],
    }


def seal_id(channel: str, seq: int) -> str:
    """Return the one name of link ``seq`` of ``channel``, wherever it is shown."""
    return f"{SEAL_TYPE}--{uuid.uuid5(_SEALS, f'{channel}/{seq}')}"


def seal_body(channel: str, seq: int, issued: str, envelope: bytes) -> dict[str, Json]:
    """Return the object that shows the DSSE ``envelope`` of link ``seq`` of ``channel``.

    ``issued`` is the seal's own instant, with three decimals. The id follows from channel and number, so
    a seal has one name wherever it is shown.
    """
    return {
        "type": SEAL_TYPE,
        "spec_version": "2.1",
        "id": seal_id(channel, seq),
        "created": issued,
        "modified": issued,
        "channel": channel,
        "seq": seq,
        "envelope_bin": base64.b64encode(envelope).decode("ascii"),
        "extensions": {SEAL_EXTENSION: {"extension_type": "new-sdo"}},
    }


def seal_envelope(body: Mapping[str, Json]) -> bytes:
    """Return the DSSE envelope that a seal object shows; nothing about it is verified here.

    Raises:
        InputError: ``body`` is no seal object.
    """
    written = body.get("envelope_bin")
    if body.get("type") != SEAL_TYPE or not isinstance(written, str):
        raise InputError("not a seal object", where="/envelope_bin")
    try:
        return base64.b64decode(written, validate=True)
    except ValueError as error:
        raise InputError("not base64", where="/envelope_bin") from error
