"""JSON lines: one object a line, from whatever writer."""

from collections.abc import Iterable, Iterator

from mithaq.formats.telemetry import flat, shapes
from mithaq.formats.telemetry.reading import ByLine, Found, Kind, Said, refused


class JsonLines(ByLine):
    """Reads one JSON object a line; blank lines are passed over."""

    def __init__(self, name: str = "", _said: Said | None = None) -> None:
        """Begin at the first line."""
        super().__init__()
        self._name = name

    def lines(self, lines: Iterable[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each line."""
        fields, event, name = flat.fields, shapes.event, self._name
        for line in lines:
            self.number += 1
            raw = line[:-1] if line.endswith(b"\r") else line
            if not raw:
                continue
            try:
                found = fields(raw)
            except flat.NoObject as why:
                if not raw.isspace():
                    yield refused(self.number, "line", str(why))
            else:
                yield event(found, raw, None, name)


def _fits(opening: bytes, _name: str) -> bool:
    """Say whether the first line is an object of its own."""
    first = opening.lstrip().split(b"\n", 1)[0]
    try:
        flat.fields(first)
    except flat.NoObject:
        # Longer than what was given of it, or cut off.
        return first.startswith(b'{"') and len(first) >= len(opening.strip())
    return True


KIND = Kind("json", _fits, JsonLines)
