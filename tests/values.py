"""Values with other fields, whatever kind of immutable value they are."""

import dataclasses

import msgspec


def replace(value, **changes):
    """Return ``value``, a dataclass or a Struct, with some fields changed."""
    if isinstance(value, msgspec.Struct):
        return msgspec.structs.replace(value, **changes)
    return dataclasses.replace(value, **changes)
