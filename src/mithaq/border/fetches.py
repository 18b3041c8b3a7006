"""Who has read what over TAXII, so that whoever has what was wrong can be told (border.md 8.2)."""

from collections.abc import Iterator

from sqlalchemy import Connection

from mithaq.store import channels, recalls, shelf
from mithaq.store.spool import Arrival


def note(unit: Connection, shown: Connection, arrival: Arrival) -> None:
    """Note what the listener saw a caller read: rows of its shelf, by their positions.

    Args:
        shown: the room ``shelf``, which knows what stands there, or stood there until a moment ago.
    """
    channel = channels.by_id(unit, arrival.facts["shelf"])
    if channel is not None:
        what = shelf.named_at(shown, channel.id, _runs(arrival.facts["rows"]))
        recalls.fetched(unit, (channel.peer, channel.agreement), what, arrival.at)


def _runs(written: str) -> Iterator[tuple[int, int]]:
    for run in written.split(","):
        first, _, last = run.partition("-")
        yield int(first), int(last)
