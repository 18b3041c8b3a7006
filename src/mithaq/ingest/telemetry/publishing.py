"""Writing to a log on a JetStream: chunk by chunk, each acknowledged by the server before the next is sent.

So the order of the log is that in which they were given, which matters to rules that are about several events. What was
sent and not acknowledged is sent again, and the server knows it by its digest: it stands in the log once. It knows so
for an hour; of files that are sent again after that the log keeps a memory of its own (``sent``).
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import structlog
from nats.errors import MaxPayloadError
from nats.js.api import PubAck, StorageType, StreamConfig
from nats.js.errors import APIError, NotFoundError

from mithaq.formats.telemetry import Refusal
from mithaq.ingest.telemetry.chunks import Chunk
from mithaq.ingest.telemetry.jetstream import TROUBLE, Line, packed
from mithaq.ingest.telemetry.sent import Sent
from mithaq.ingest.telemetry.source import NoSource

KEPT_DAYS: Final = 30
KNOWN_SECONDS: Final = 3600.0  # for which the server knows what was sent
_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between two tries
_FULL: Final = frozenset({10023, 10047, 10077})  # the log or the server has no more room
_log = structlog.get_logger()


class Publisher:
    """Puts chunks on a log; makes the log if there is none."""

    def __init__(self, line: Line, days: int = KEPT_DAYS) -> None:
        """Find the log, or make it: on disk, ``days`` of it.

        Raises:
            NoSource: it cannot be written to.
        """
        self.sent = self.known = 0  # chunks, and those that stood there already
        self.halted: Callable[[], bool] = lambda: False  # whether to wait no longer
        self._line = line
        self._known = Sent(line)
        try:
            line.do(self._found(days))
        except TROUBLE as error:
            raise NoSource(f"cannot write to {line.where.stream}: {error}") from error

    async def _found(self, days: int) -> None:
        stream = self._line.where.stream
        try:
            await self._line.js.stream_info(stream)
        except NotFoundError:
            config = StreamConfig(
                name=stream,
                subjects=[f"{stream}.>"],
                storage=StorageType.FILE,
                max_age=days * 86400.0,
                duplicate_window=KNOWN_SECONDS,
            )
            await self._line.js.add_stream(config)

    def put(self, chunk: Chunk, *, once: bool = False) -> list[Refusal]:
        """Put a chunk on the log, however long the server is away; return a refusal of what is too long for it.

        Args:
            chunk: what is put there.
            once: it is of a file, and not put there again while the log holds it.

        Raises:
            NoSource: the server does not take it, or was still away when we were told to stop.
        """
        try:
            acked = self._line.do(self._put_once(chunk) if once else self._put(chunk))
        except MaxPayloadError:
            halves = _halves(chunk)
            if not halves:
                why = "longer than the server takes"
                return [Refusal(number=0, code="telemetry-large", why=why, name=chunk.name)]
            return [refusal for half in halves for refusal in self.put(half, once=once)]
        self.sent += 1
        self.known += bool(acked.duplicate)
        return []

    async def _put_once(self, chunk: Chunk) -> PubAck:
        stream = self._line.where.stream
        if await self._known.has(chunk.id):
            return PubAck(stream=stream, seq=0, duplicate=True)
        acked = await self._put(chunk)
        await self._known.note(chunk.id, acked.seq)
        return acked

    async def _put(self, chunk: Chunk) -> PubAck:
        stream = self._line.where.stream
        message, pause = packed(chunk, stream), _PAUSE
        while True:
            try:
                acked = await self._line.js.publish(
                    message.subject, message.payload, stream=stream, headers=dict(message.headers)
                )
            except MaxPayloadError:
                raise
            except APIError as error:
                if error.err_code not in _FULL and error.code != 503:  # noqa: PLR2004 not ready
                    raise NoSource(f"{stream} takes nothing: {error.description}") from error
                _log.warning("stream-full", kind=str(error.err_code))
            except TROUBLE as error:
                _log.info("stream-trouble", kind=type(error).__name__)
            else:
                return acked
            if self.halted():
                raise NoSource(f"{stream} is away")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _halves(chunk: Chunk) -> list[Chunk]:
    """Cut what grows by lines in two; nothing if it is one line, or cannot be cut."""
    middle = chunk.raw.rfind(b"\n", 0, len(chunk.raw) // 2) + 1
    middle = middle or chunk.raw.find(b"\n") + 1
    if chunk.kind not in {"json", "syslog", "access-log", "squid"} or not 0 < middle < len(
        chunk.raw
    ):
        return []
    return [replace(chunk, raw=chunk.raw[:middle]), replace(chunk, raw=chunk.raw[middle:])]
