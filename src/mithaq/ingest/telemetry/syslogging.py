"""Syslog that is pushed: datagrams (RFC 5426) and streams (RFC 6587; over TLS, RFC 5425), by the message.

A stream is of lines, or of messages that say their length first; the first byte of each tells. Syslog acknowledges
nothing: whoever speaks over a stream is held back when there is no more room, a datagram is dropped and counted.
Whoever drips holds one of the places that its address may have, and no other's.
"""

import asyncio
from contextlib import suppress
from typing import Final

from mithaq.clock import monotonic
from mithaq.ingest.telemetry.doors import PIECE, Doors
from mithaq.ingest.telemetry.listening import Datagrams, Listener, place
from mithaq.ingest.telemetry.pending import Pending
from mithaq.ingest.telemetry.source import Ways
from mithaq.ingest.telemetry.spool import Full

MOST_MESSAGE: Final = 64 << 10  # bytes; RFC 5425 asks for 8192
SILENT_SECONDS: Final = 600.0  # after which a stream is closed
MESSAGE_SECONDS: Final = 60.0  # that one message may take to come
_DIGITS: Final = 8


class _Long(Exception):
    """A message says that it is longer than one may be, or its length is none."""


class Syslog(Listener):
    """Listens for datagrams and streams; with a certificate, for streams over TLS alone."""

    async def start(self) -> None:
        """Begin to listen."""
        self._pending = Pending(self.spooled, self.kind or "syslog")
        self._doors = Doors(self.where, self.inbox, self._taken)
        where, loop = self.where, asyncio.get_running_loop()
        await self._doors.open()
        self._datagrams: asyncio.DatagramTransport | None = None
        if where.certificate is None:
            try:
                self._datagrams, _ = await loop.create_datagram_endpoint(
                    lambda: Datagrams(self.datagram), local_addr=(where.host, where.port)
                )
            except OSError:
                await self._doors.close()
                raise
        self._flushing = asyncio.create_task(self._pending.flush_on())

    async def stop(self) -> None:
        """Close all streams and spool what is at hand."""
        if not hasattr(self, "_flushing"):
            return
        if self._datagrams:
            self._datagrams.close()
        await self._doors.close()
        self._flushing.cancel()
        with suppress(Full, OSError):
            await self._pending.flush()

    # --- what was received ------------------------------------------------------------------------------------------

    def datagram(self, raw: bytes, sender: str) -> None:
        """Take a datagram, or drop and count it."""
        if len(raw) > MOST_MESSAGE:
            self.inbox.turn_away("longer than a message may be")
        elif not self._pending.has_room(sender):
            self.inbox.turn_away("datagrams that there was no room for")
        else:
            self._pending.add(_line(raw), sender)

    # --- streams ----------------------------------------------------------------------------------------------------

    async def _taken(
        self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter, sender: str
    ) -> None:
        try:
            await self._messages(reader, sender)
        except _Long:
            self.inbox.turn_away("longer than a message may be")

    async def _messages(self, reader: asyncio.StreamReader, sender: str) -> None:
        held = b""
        begin = monotonic()
        while True:
            async with asyncio.timeout(MESSAGE_SECONDS if held else SILENT_SECONDS):
                piece = await reader.read(PIECE)
            if not piece:
                if held and not _counted(held):  # the last line has no end
                    await self._pending.add_later(_line(held), sender)
                return
            begin = begin if held else monotonic()
            before, (messages, held) = len(held), _cut(held + piece)
            for each in messages:
                await self._pending.add_later(_line(each), sender)
            if messages:
                begin = monotonic()
            elif before and monotonic() - begin > MESSAGE_SECONDS:
                return  # it drips


def _line(raw: bytes) -> bytes:
    """Return a message as a line, as rsyslog writes it."""
    return raw.rstrip(b"\r\n\0").replace(b"\n", b"#012")


def _counted(held: bytes) -> bool:
    """Say whether a message begins with its length."""
    return held[:1].isdigit() and held[:1] != b"0"


def _cut(held: bytes) -> tuple[list[bytes], bytes]:
    """Return the messages that are whole, and what is left.

    Raises:
        _Long: one is longer than a message may be, or has no length.
    """
    found: list[bytes] = []
    at = 0
    while at < len(held):
        if _counted(held[at : at + 1]):
            length, blank, _ = held[at : at + _DIGITS].partition(b" ")
            if not blank and len(held) - at < _DIGITS:
                break  # the length has not come whole
            if not blank or not length.isdigit() or int(length) > MOST_MESSAGE:
                raise _Long
            begin = at + len(length) + 1
            end = begin + int(length)
            if end > len(held):
                break
            found.append(held[begin:end])
        else:
            end = held.find(b"\n", at, at + MOST_MESSAGE + 1) + 1
            if not end:
                if len(held) - at > MOST_MESSAGE:
                    raise _Long
                break
            found.append(held[at:end])
        at = end
    return found, held[at:]


def opened(text: str, ways: Ways) -> Syslog:
    """Listen at ``syslog://HOST:PORT``.

    Raises:
        NoSource: it is not possible there.
    """
    return Syslog(place(text, ways), ways)
