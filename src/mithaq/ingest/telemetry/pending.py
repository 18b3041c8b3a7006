"""Lines that were pushed and are not spooled yet: so many of a sender, so many of all, spooled a few times a second."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from mithaq.ingest.telemetry.chunks import Chunk
from mithaq.ingest.telemetry.spool import Full

MOST: Final = 4 << 20  # bytes
OF_SENDER: Final = 1 << 20  # of those, of one address
SENDERS: Final = (
    1024  # whose lines wait at once: each is a file of the spool, and datagrams forge addresses
)
_FLUSH_SECONDS: Final = 0.2


class Pending:
    """What waits, by sender, in one loop of asyncio."""

    def __init__(self, spooled: Callable[[Chunk], Awaitable[None]], kind: str) -> None:
        """Take what spools a chunk, and of which kind the lines are."""
        self._spooled, self._kind = spooled, kind
        self._lines: dict[str, list[bytes]] = {}
        self._sizes: Counter[str] = Counter()
        self._room = asyncio.Condition()

    def has_room(self, sender: str) -> bool:
        """Say whether one more line of a sender may wait."""
        known = sender in self._sizes or len(self._sizes) < SENDERS
        return known and self._sizes.total() < MOST and self._sizes[sender] < OF_SENDER

    def add(self, line: bytes, sender: str) -> None:
        """Let a line wait."""
        if line:
            self._lines.setdefault(sender, []).append(line)
            self._sizes[sender] += len(line) + 1

    async def add_later(self, line: bytes, sender: str) -> None:
        """Let a line wait as soon as there is room: until then its sender is held back."""
        async with self._room:
            await self._room.wait_for(lambda: self.has_room(sender))
            self.add(line, sender)

    async def flush_on(self) -> None:
        """Spool what waits, again and again."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            with suppress(Full, OSError):  # what waits goes on waiting, and holds back who sends it
                await self.flush()

    async def flush(self) -> None:
        """Spool what waits.

        Raises:
            Full: there is no room for it now. OSError: the disk fails.
        """
        for sender in list(self._lines):
            lines = self._lines.pop(sender)
            raw = b"\n".join(lines) + b"\n"
            try:
                await self._spooled(Chunk(raw=raw, kind=self._kind, name=sender, sensor=sender))
            except BaseException:
                self._lines[sender] = lines + self._lines.get(sender, [])
                raise
            async with self._room:
                self._sizes[sender] -= len(raw)
                if not self._sizes[sender]:
                    del self._sizes[sender]
                self._room.notify_all()
