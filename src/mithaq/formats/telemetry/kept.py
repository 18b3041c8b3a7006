"""Events as the node keeps them itself: with what a reader made of them, unless their bytes say it again."""

from typing import Final, TypeAlias

import msgspec

from mithaq.formats.telemetry import flat, shapes
from mithaq.model.telemetry import Event, LogSource

Row: TypeAlias = tuple[str, str, str, str, bytes | None, bytes]
COLUMNS: Final = {
    **dict.fromkeys(("at", "product", "category", "service"), "text"),
    **dict.fromkeys(("fields", "raw"), "bytes"),
}
MARK: Final = (b"mithaq", b"telemetry 1")  # what says in a file that it is of this form


def row(event: Event) -> Row:
    """Return what is kept of an event."""
    fields = None if _again(event) else msgspec.json.encode(event.fields)
    return (event.at, *event.source, fields, event.raw)


def event(at: str, source: tuple[str, ...], fields: bytes | None, raw: bytes) -> Event:
    """Return the event that was kept.

    Raises:
        NoObject: nothing of that form was.
    """
    if fields is None:
        return shapes.event(flat.fields(raw), raw)
    return Event(fields=flat.fields(fields), source=LogSource(*source), at=at, raw=raw)


def _again(kept: Event) -> bool:
    """Say whether reading the bytes as a line of JSON gives the very event."""
    if kept.raw[:1] != b"{":
        return False
    try:
        again = shapes.event(flat.fields(kept.raw), kept.raw)
    except flat.NoObject:
        return False
    return (again.fields, again.source, again.at) == (kept.fields, kept.source, kept.at)
