"""Whose turn it is to do what one of a group must do alone, and how far it came."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import uuid4

from nats.js.errors import KeyWrongLastSequenceError, NotFoundError
from nats.js.kv import KeyValue

from mithaq.ingest.telemetry.jetstream import TROUBLE, Line


@dataclass(slots=True)
class Turn:
    """The turn in a group: who has it says so again and again, or it passes on.

    That two have it for a moment changes nothing that is found: both find the same.
    """

    line: Line
    _name: bytes = field(default_factory=lambda: uuid4().bytes)
    _revision: int = 0  # of what we said last; 0: it is not our turn
    _saying: "asyncio.Task[None] | None" = None
    _turns: KeyValue | None = None
    _reads: KeyValue | None = None

    @property
    def life(self) -> float:
        """Seconds after which the turn of one that says nothing is another's."""
        return self.line.where.wait

    def mine(self) -> bool:
        """Say whether it is our turn, and take it if it is nobody's."""
        if not self._revision:
            with suppress(*TROUBLE):
                self.line.do(self._take())
        return bool(self._revision)

    async def _take(self) -> None:
        turns = await self._bucket("turns", self.life)
        with suppress(KeyWrongLastSequenceError):  # another has it
            self._revision = await turns.create(self.line.where.consumer, self._name)
            self._saying = asyncio.create_task(self._say(turns))

    async def _say(self, turns: KeyValue) -> None:
        """Say that we still have it, until another has."""
        while self._revision:
            await asyncio.sleep(self.life / 4)
            try:
                self._revision = await turns.update(
                    self.line.where.consumer, self._name, last=self._revision
                )
            except KeyWrongLastSequenceError:
                self._revision = 0
            except TROUBLE:
                continue  # while nobody reaches the server, nobody else takes it

    async def _bucket(self, name: str, life: float | None = None) -> KeyValue:
        known = self._turns if name == "turns" else self._reads
        if known is not None:
            return known
        bucket, js = f"{self.line.where.stream}-{name}", self.line.js
        try:
            known = await js.key_value(bucket)
        except NotFoundError:
            known = await js.create_key_value(bucket=bucket, ttl=life)
        if name == "turns":
            self._turns = known
        else:
            self._reads = known
        return known

    def note(self, read: int) -> None:
        """Say up to which message of the log all was done."""
        with suppress(*TROUBLE):
            self.line.do(self._note(read))

    async def _note(self, read: int) -> None:
        reads = await self._bucket("reads")
        await reads.put(self.line.where.consumer, str(read).encode())

    def done(self) -> bool:
        """Say whether whoever has or had the turn did all that the log holds."""
        try:
            return self.line.do(self._done())
        except TROUBLE:
            return False

    async def _done(self) -> bool:
        where = self.line.where
        last = (await self.line.js.stream_info(where.stream)).state.last_seq
        try:
            entry = await (await self._bucket("reads")).get(where.consumer)
        except NotFoundError:
            return False
        return int(entry.value or b"0") >= last

    def close(self) -> None:
        """Let another have it."""
        if self._revision:
            with suppress(*TROUBLE):
                self.line.do(self._leave())

    async def _leave(self) -> None:
        if self._saying:
            self._saying.cancel()
        last, self._revision = self._revision, 0
        turns = await self._bucket("turns", self.life)
        await turns.delete(self.line.where.consumer, last=last)
