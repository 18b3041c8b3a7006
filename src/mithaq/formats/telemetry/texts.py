"""Lines of text, each an event of one form."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from mithaq.formats.telemetry.reading import ByLine, Found, Said, refused
from mithaq.model.telemetry import Event, LogSource, Value

Told: TypeAlias = tuple[dict[str, Value], LogSource, str]  # fields, who wrote, when
Line: TypeAlias = Callable[[str, Said], Told | None]  # None: not of the form


class Lines(ByLine):
    """Reads one event a line, of one form."""

    def __init__(self, line: Line, said: Said, begins: str = "") -> None:
        """Begin at the first line; if ``begins`` has characters, what begins with none of them is no event."""
        super().__init__()
        self._line, self._said, self._begins = line, said, begins

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each line."""
        for line in lines:
            self.number += 1
            raw = line.rstrip(b"\r\n")
            if not raw or raw.isspace():
                continue
            written = raw.decode("utf-8", "replace")
            if self._begins and written[0] not in self._begins:
                continue
            found = self._line(written, self._said)
            if found is None:
                yield refused(self.number, "line", "not of the form of the others")
            else:
                fields, source, at = found
                yield Event(fields=fields, source=source, at=at, raw=raw)
