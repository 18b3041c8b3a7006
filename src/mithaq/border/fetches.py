"""Who has read what over TAXII, so that whoever has what was wrong can be told (border.md 8.2)."""

from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from mithaq.store import channels, recalls, shelf
from mithaq.store.spool import Arrival


def note(unit: Connection, shown: Connection, arrival: Arrival) -> None:
    """Note what the listener saw a caller read: rows of its shelf, by their positions.

    Args:
        shown: the room ``shelf``, which knows what stands there, or stood there until a moment ago.
    """
    note_rows(unit, shown, arrival.facts["shelf"], _runs(arrival.facts["rows"]), arrival.at)


def note_rows(
    unit: Connection, shown: Connection, name: str, rows: Iterable[tuple[int, int]], at: str
) -> None:
    """Note that what stands in these runs of rows of a shelf was handed to whom it is for.

    Args:
        name: the shelf's.
    """
    channel = channels.by_id(unit, name)
    if channel is not None:
        what = shelf.named_at(shown, channel.id, rows)
        recalls.fetched(unit, (channel.peer, channel.agreement), what, at)


def _runs(written: str) -> Iterator[tuple[int, int]]:
    for run in written.split(","):
        first, _, last = run.partition("-")
        yield int(first), int(last)
