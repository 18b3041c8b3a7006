"""JSON that is no line each: arrays, objects over many lines, any number of them one after the other, streamed."""

import re
from collections.abc import Iterator
from typing import Final

from mithaq.formats.telemetry import flat, shapes
from mithaq.formats.telemetry.reading import MAX_LINE, Broken, Found, Kind, Said, refused

# A text as a whole, or a sign that opens or closes; a quotation mark alone is a text that has not ended.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
# Wrappings of which the events are the only content, as AWS and Microsoft put around theirs.
_WRAPPED: Final = re.compile(rb'\s*\{\s*"(?:Records|records|events|value)"\s*:\s*\[')
_ARRAY: Final = re.compile(rb"\s*\[\s*[\[\]{]")
_SPREAD: Final = re.compile(rb'\s*\{\s*\n\s*["}]')
_BEFORE: Final = 256  # bytes in which a wrapping shows


class Documents:
    """Reads the objects of one input, each as it ends."""

    def __init__(self, name: str = "", _said: Said | None = None) -> None:
        """Begin before the first."""
        self.number = 0
        self._name = name
        self._bytes, self._scanned = b"", 0  # not yielded yet; where the next token may begin
        self._begun = False
        self._depth = 0  # of what is open within the object that is being read

    @property
    def held(self) -> int:
        """The bytes of an object that has not ended."""
        return len(self._bytes)

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield the objects that end in ``chunk``."""
        self._bytes += chunk
        if self._begun or len(self._bytes) >= _BEFORE:
            yield from self._scan()

    def end(self) -> Iterator[Found]:
        """Yield a refusal if the last object has no end."""
        if not self._begun:
            yield from self._scan()
        if self._bytes.strip():
            yield refused(self.number + 1, "cut-off", "the file ends within an object")
        self._bytes = b""

    def _scan(self) -> Iterator[Found]:
        if not self._begun:
            self._begun = True
            if wrapped := _WRAPPED.match(self._bytes):
                self._scanned = wrapped.end()
        start, done = 0, self._scanned
        for token in _TOKEN.finditer(self._bytes, self._scanned):
            sign = token[0]
            if sign == b'"':
                break
            done = token.end()
            if sign == b"{" or (sign == b"[" and self._depth):
                start = start if self._depth else token.start()
                self._depth += 1
            elif sign in {b"}", b"]"} and self._depth:
                self._depth -= 1
                if not self._depth:
                    yield self._one(self._bytes[start:done])
                    start = done
        else:
            done = len(self._bytes)
        self._keep(start if self._depth else done, done)

    def _keep(self, start: int, done: int) -> None:
        self._bytes, self._scanned = self._bytes[start:], done - start
        if len(self._bytes) > MAX_LINE:
            self._bytes = b""
            raise Broken(f"an object longer than {MAX_LINE} bytes")

    def _one(self, raw: bytes) -> Found:
        self.number += 1
        try:
            return shapes.event(flat.fields(raw), raw, name=self._name)
        except flat.NoObject as why:
            return refused(self.number, "object", str(why))


def _fits(opening: bytes, _name: str) -> bool:
    return any(form.match(opening) for form in (_ARRAY, _WRAPPED, _SPREAD))


KIND = Kind("json-array", _fits, Documents)
