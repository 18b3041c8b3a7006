"""Identifiers of STIX 2.1, section 2.9: random ones for what we author, the value's own for observables."""

import re
import uuid
from collections.abc import Mapping

from mithaq.model.canonical import Json, canonical
from mithaq.model.schema import CONTRIBUTING

# of parties and agreements, which stand in paths, files and on screens
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_NAMESPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")  # STIX 2.1 section 2.9
# one hash contributes: the first of these that is there (section 2.9)
_HASHES = ("MD5", "SHA-1", "SHA-256", "SHA-512")


def new_id(type_: str) -> str:
    """Return a fresh identifier of ``type_`` with a random UUIDv4."""
    return f"{type_}--{uuid.uuid4()}"


def sco_id(body: Mapping[str, Json]) -> str:
    """Return the identifier that the value of the observable ``body`` has everywhere.

    One without any contributing property (a process; an artifact known by its URL alone) gets a random one.
    """
    kind = str(body["type"])
    names = CONTRIBUTING.get(kind, ())
    parts = {name: _part(name, body[name]) for name in names if name in body}
    if not parts:
        return new_id(kind)
    return f"{kind}--{uuid.uuid5(_NAMESPACE, canonical(parts).decode())}"


def _part(name: str, value: Json) -> Json:
    if name != "hashes" or not isinstance(value, dict):
        return value
    chosen = next((known for known in _HASHES if known in value), min(value, default=""))
    return {chosen: value[chosen]} if chosen else {}
