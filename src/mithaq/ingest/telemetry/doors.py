"""Who is let in by a listener to streams: so many at once, so many of one address, and TLS before anything else.

A place is taken before a byte is read, so a handshake that does not end costs its address one of its own places, for
some seconds, and no other address anything.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from mithaq.ingest.telemetry.listening import Place, tls
from mithaq.ingest.telemetry.spool import Inbox

CONNECTIONS: Final = 256  # at once
OF_ONE: Final = 32  # at once, of one address
HANDSHAKE_SECONDS: Final = 10.0
PIECE: Final = 64 << 10  # bytes that are read at once
_CLOSING_SECONDS: Final = 2.0
_ORDERLY_SECONDS: Final = 7.5  # in which what was begun is ended
_GONE: Final = (OSError, TimeoutError, asyncio.IncompleteReadError)  # as one who says nothing is

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter, str], Awaitable[None]]


class Doors:
    """The places of one listener, in one loop of asyncio."""

    def __init__(self, where: Place, inbox: Inbox, serve: Serve) -> None:
        """Take what serves whoever is in, and where it is counted who is not."""
        self.busy: set[asyncio.Task[None] | None] = set()  # who may not be sent away now
        self._inbox, self._serve, self._where = inbox, serve, where
        self._places: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to let in.

        Raises:
            OSError: it is not possible there. NoSource: a file for TLS cannot be used.
        """
        self._context = tls(self._where)
        self._server = await asyncio.start_server(
            self._come, self._where.host, self._where.port, limit=PIECE
        )

    async def close(self) -> None:
        """Let nobody in, wait a moment for who is busy, and send all away."""
        self._server.close()
        if busy := {task for task in self.busy if task}:
            await asyncio.wait(busy, timeout=_ORDERLY_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = str((writer.get_extra_info("peername") or ("unknown",))[0])
        task = asyncio.current_task()
        if self._places.total() >= CONNECTIONS or self._places[sender] >= OF_ONE or not task:
            self._inbox.turn_away("connections beyond those that are taken at once")
            writer.transport.abort()
            return
        self._places[sender] += 1
        self._tasks.add(task)
        try:
            await self._in(reader, writer, sender)
        except (*_GONE, asyncio.CancelledError):  # or sent away, which ends the task all the same
            pass
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            self._places[sender] -= 1
            if not self._places[sender]:
                del self._places[sender]

    async def _in(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: str
    ) -> None:
        if self._context is not None:
            try:
                async with asyncio.timeout(HANDSHAKE_SECONDS):
                    await writer.start_tls(self._context)
            except (*_GONE, ssl.SSLError):
                self._inbox.turn_away("TLS that was not agreed on")
                return
        await self._serve(reader, writer, sender)
        with suppress(*_GONE):
            async with asyncio.timeout(_CLOSING_SECONDS):
                writer.close()
                await writer.wait_closed()
