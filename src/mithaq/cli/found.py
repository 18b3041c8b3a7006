"""What a hit rests on, as a person is told it in a line."""

from collections.abc import Mapping
from typing import Any

_FIELDS = 3  # of a hit that a person is shown
_LONG = 80  # characters of each
_PLACE = frozenset({"Channel", "EventID", "Provider_Name"})  # they tell where, not what


def told_fields(found: Mapping[str, Any]) -> str:
    """Return the fields that a hit rests on, as many and as long as a person reads."""
    told = {name: value for name, value in found.items() if name not in _PLACE} or found
    some = [f"{name}={_short(value)}" for name, value in list(told.items())[:_FIELDS]]
    return "; ".join([*some, *(["…"] if len(told) > _FIELDS else [])])


def _short(value: object) -> str:
    written = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return written if len(written) <= _LONG else f"{written[:_LONG]}…"
