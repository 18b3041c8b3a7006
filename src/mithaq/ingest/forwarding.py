"""Telemetry on its way to a log that workers read, and the places in a group of those."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from mithaq.formats import telemetry
from mithaq.formats.telemetry import Found, Kind, Refusal
from mithaq.ingest.telemetry.chunks import Chunk, chunks
from mithaq.ingest.telemetry.consuming import Shared, Whole
from mithaq.ingest.telemetry.files import files
from mithaq.ingest.telemetry.jetstream import Line, address
from mithaq.ingest.telemetry.listening import Listener
from mithaq.ingest.telemetry.opening import SCHEMES
from mithaq.ingest.telemetry.publishing import Publisher
from mithaq.ingest.telemetry.source import NoSource, Ways
from mithaq.ingest.telemetry.spool import TURNED_AWAY
from mithaq.ingest.telemetry.turns import Turn

__all__ = ["Forwarder", "Group", "files", "listening", "opened"]

_PIECE: Final = 128 << 10
_WAIT: Final = 0.5  # seconds for what is pushed


@dataclass(slots=True)
class Forwarder:
    """Puts files on a log, chunk by chunk."""

    line: Line
    publisher: Publisher
    as_kind: Kind | None = None
    refused: Counter[str] = field(default_factory=Counter)

    @property
    def sent(self) -> int:
        """How many chunks the log has taken."""
        return self.publisher.sent

    @property
    def known(self) -> int:
        """How many of those it had already."""
        return self.publisher.known

    def file(self, path: Path, sensor: str = "") -> None:
        """Put what a file holds on the log; what cannot be is counted."""
        for each in _chunks(path, self.as_kind, sensor):
            some = [each] if isinstance(each, Refusal) else self.publisher.put(each, once=True)
            for refusal in some:
                self._refuse(refusal)

    def listen(self, sources: Sequence[Listener], halted: Callable[[], bool]) -> None:
        """Put what is pushed on a log, until told to stop; what the log does not have waits in the spool."""
        while not halted():
            for source in sources:
                for path, chunk in source.inbox.chunks(_WAIT / len(sources)):
                    self._chunk(chunk)
                    source.inbox.drop(path)
                for each in source.inbox.turned_away(source.where.text):
                    self._refuse(each)

    def _chunk(self, chunk: Chunk) -> None:
        """Put what was pushed at once on the log, in chunks as large as it takes."""
        said = telemetry.kind(chunk.kind) if chunk.kind else self.as_kind
        for each in chunks([chunk.raw], chunk.name, as_kind=said, sensor=chunk.sensor):
            for refusal in [each] if isinstance(each, Refusal) else self.publisher.put(each):
                self._refuse(refusal)

    def _refuse(self, found: Found) -> None:
        if isinstance(found, Refusal):
            self.refused[found.code] += found.number if found.code == TURNED_AWAY else 1

    def close(self) -> None:
        """Hang up."""
        self.line.close()


def opened(to: str, days: int) -> Forwarder:
    """Return what puts telemetry on a log, which is made if it is not there.

    Raises:
        NoSource: it cannot be reached, or cannot be written to.
    """
    line = Line(address(to), "mithaq forward")
    return Forwarder(line, Publisher(line, days))


def listening(text: str, ways: Ways) -> Listener:
    """Listen for what is pushed.

    Raises:
        NoSource: it is not possible there, or nothing is pushed to such an address.
    """
    scheme = text.partition("://")[0]
    source = SCHEMES[scheme](text, ways) if scheme in {"syslog", "http", "netflow"} else None
    if not isinstance(source, Listener):
        raise NoSource(f"nothing is read from {scheme}://")
    return source


def _chunks(path: Path, as_kind: Kind | None, sensor: str) -> Iterator[Chunk | Refusal]:
    try:
        with path.open("rb") as file:
            pieces = iter(lambda: file.read(_PIECE), b"")
            place = file if file.seekable() else None
            yield from chunks(pieces, str(path), as_kind=as_kind, place=place, sensor=sensor)
    except OSError as error:
        why = error.strerror or "not read"
        yield Refusal(number=0, code="telemetry-file", why=why, name=str(path))


class Group:
    """A place in a group of workers."""

    def __init__(self, where: str, ways: Ways) -> None:
        """Join.

        Raises:
            NoSource: the log cannot be reached, or is not there.
        """
        self._ways = ways
        self._line = Line(address(where), "mithaq worker")
        self.shared = Shared(self._line, self._ways)
        self.turn = Turn(self._line)

    def whole(self) -> Whole:
        """Open the log as one reads it in its order."""
        return Whole(self._line, self._ways)

    def close(self) -> None:
        """Give back what was not kept, let another have the turn, and hang up."""
        self.shared.close()
        self.turn.close()
        self._line.close()
