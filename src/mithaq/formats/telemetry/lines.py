"""JSON lines: one object a line, from whatever writer."""

from collections.abc import Iterator, Sequence

from mithaq.formats.telemetry import flat, shapes
from mithaq.formats.telemetry.reading import ByLine, Found, Kind, Said, refused


class JsonLines(ByLine):
    """Reads one JSON object a line; blank lines are passed over."""

    def __init__(self, name: str = "", said: Said | None = None) -> None:
        """Begin at the first line."""
        super().__init__()
        self._name = name
        self._sifting = said.sifting if said else None

    def lines(self, lines: Sequence[bytes]) -> Iterator[Found]:
        """Yield an event or a refusal for each line, or for each that is asked for."""
        fields, event, name, last = flat.fields, shapes.event, self._name, self.number + len(lines)
        sifting = self._sifting
        left = sifting.left(lines, self.number) if sifting else enumerate(lines, self.number + 1)
        for self.number, line in left:
            raw = line.removesuffix(b"\n").removesuffix(b"\r")
            if not raw:
                continue
            try:
                found = fields(raw)
            except flat.NoObject as why:
                if not raw.isspace():
                    yield refused(self.number, "line", str(why))
            else:
                yield event(found, raw, None, name)
        self.number = last


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
