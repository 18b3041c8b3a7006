"""Which chunks of files a log holds: the server itself knows for an hour, this for as long as the log keeps them.

It stands beside the log, so whoever forwards the same file finds out, from whatever machine. What it says is believed
only of a message that the log still has: of one that it dropped, or of a log that was made anew, it says nothing. Where
it cannot be asked (a server whose users may not) files are sent as before.
"""

from dataclasses import dataclass
from typing import Final

import structlog
from nats.js.api import StreamInfo
from nats.js.errors import KeyNotFoundError, NotFoundError
from nats.js.kv import KeyValue

from mithaq.ingest.telemetry.jetstream import TROUBLE, Line

_TRIES: Final = 2  # in vain, one after the other, until it is asked no more
_log = structlog.get_logger()


@dataclass(slots=True)
class Sent:
    """What was sent to one log."""

    line: Line
    _bucket: KeyValue | None = None
    _vain: int = 0

    async def has(self, chunk: str) -> bool:
        """Say whether the log holds the chunk with an id; no, if that cannot be told."""
        if self._vain >= _TRIES:
            return False
        try:
            entry = await (await self._known()).get(chunk)
            there = await self._info()
        except KeyNotFoundError:
            self._vain = 0
            return False
        except TROUBLE:
            self._in_vain()
            return False
        self._vain = 0
        made, _, number = (entry.value or b"").decode("ascii", "replace").partition(" ")
        return (
            made == _made(there)
            and number.isdecimal()
            and there.state.first_seq <= int(number) <= there.state.last_seq
        )

    async def note(self, chunk: str, number: int) -> None:
        """Keep that the log holds a chunk, as the message of a number."""
        if self._vain >= _TRIES:
            return
        try:
            bucket = await self._known()
            await bucket.put(chunk, f"{_made(await self._info())} {number}".encode())
        except TROUBLE:
            self._in_vain()
        else:
            self._vain = 0

    async def _known(self) -> KeyValue:
        if self._bucket is None:
            name, js = f"{self.line.where.stream}-sent", self.line.js
            try:
                self._bucket = await js.key_value(name)
            except NotFoundError:
                most = (await self._info()).config.max_age or None
                self._bucket = await js.create_key_value(bucket=name, ttl=most)
        return self._bucket

    async def _info(self) -> StreamInfo:
        return await self.line.js.stream_info(self.line.where.stream)

    def _in_vain(self) -> None:
        self._vain += 1
        if self._vain == _TRIES:
            _log.warning("stream-sent-unknown")


def _made(there: StreamInfo) -> str:
    return there.created.isoformat() if there.created else ""
