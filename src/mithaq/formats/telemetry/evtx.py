"""EVTX, the event log of Windows: a head of 4 KiB, then chunks of 64 KiB that each stand for themselves.

Each chunk is read alone, so a log may be larger than memory, and a chunk that is damaged takes none with it.
"""

import io
from collections.abc import Iterator
from typing import Final

from evtx import PyEvtxParser

from mithaq.formats.telemetry import flat, shapes
from mithaq.formats.telemetry.reading import Broken, Found, Kind, Said, refused

_HEAD: Final = 4096
_CHUNK: Final = 65536
_MAGIC: Final = b"ElfFile\0"
_CHUNK_MAGIC: Final = b"ElfChnk\0"


class Evtx:
    """Reads one EVTX file."""

    def __init__(self, _name: str = "", _said: Said | None = None) -> None:
        """Begin at its head."""
        self.number = 0  # of the last record read
        self._bytes = bytearray()
        self._head = b""

    @property
    def held(self) -> int:
        """The bytes of a chunk that is not whole yet."""
        return len(self._bytes)

    def feed(self, chunk: bytes) -> Iterator[Found]:
        """Yield the records of the chunks that are whole now."""
        self._bytes += chunk
        if not self._head and len(self._bytes) >= _HEAD:
            self._head = bytes(self._bytes[:_HEAD])
            del self._bytes[:_HEAD]
            if not self._head.startswith(_MAGIC):
                raise Broken("no EVTX file")
        while self._head and len(self._bytes) >= _CHUNK:
            whole = bytes(self._bytes[:_CHUNK])
            del self._bytes[:_CHUNK]
            if whole.startswith(_CHUNK_MAGIC):  # others were set aside and never written
                yield from self._records(whole)

    def end(self) -> Iterator[Found]:
        """Yield a refusal if the last chunk is cut off."""
        if self._bytes.startswith(_CHUNK_MAGIC) or (self._bytes and not self._head):
            yield refused(self.number + 1, "cut-off", "the file ends within a chunk")

    def _records(self, whole: bytes) -> Iterator[Found]:
        records = iter(PyEvtxParser(io.BytesIO(self._head + whole)).records_json())
        while True:
            self.number += 1
            try:
                record = next(records, None)
                if record is None:
                    self.number -= 1
                    return
                raw: bytes = record["data"].encode()
                yield shapes.event(flat.nested(raw), raw, shapes.evtx)
            except (RuntimeError, OSError, ValueError):
                yield refused(self.number, "record", "a damaged record")


KIND = Kind("evtx", lambda opening, _name: opening.startswith(_MAGIC), Evtx)
