"""Parsers of what comes in: bytes to objects. Pure: no I/O, clock or SQL."""

from mithaq.formats.registry import (
    Format,
    NotThisFormat,
    Read,
    Refusal,
    Registry,
    UnknownFormat,
)
from mithaq.formats.stix import Stix
from mithaq.formats.stix20 import Stix20

BUILT_IN = Registry((Stix20(), Stix()))  # the narrower one first

__all__ = [
    "BUILT_IN",
    "Format",
    "NotThisFormat",
    "Read",
    "Refusal",
    "Registry",
    "UnknownFormat",
]
