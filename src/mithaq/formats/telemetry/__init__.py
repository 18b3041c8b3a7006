"""Telemetry in whatever way it was written: bytes to events. Pure: no I/O but the bytes it is given."""

from mithaq.formats.telemetry.kinds import KINDS, UnknownKind, fitting, kind, read, sifted
from mithaq.formats.telemetry.reading import (
    PLAIN,
    Broken,
    Found,
    Kind,
    Passed,
    Reader,
    Refusal,
    Said,
    Sieve,
    Sifted,
    Sifting,
)

__all__ = [
    "KINDS",
    "PLAIN",
    "Broken",
    "Found",
    "Kind",
    "Passed",
    "Reader",
    "Refusal",
    "Said",
    "Sieve",
    "Sifted",
    "Sifting",
    "UnknownKind",
    "fitting",
    "kind",
    "read",
    "sifted",
]
