"""Reading a log on a JetStream: by a group that shares the work, or whole and in its order."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RawStreamMsg
from nats.js.errors import NotFoundError

from mithaq.clock import monotonic
from mithaq.formats.telemetry import Found, Refusal
from mithaq.ingest.telemetry.chunks import handed
from mithaq.ingest.telemetry.jetstream import (
    REQUEST_SECONDS,
    TROUBLE,
    Address,
    Line,
    NoLog,
    address,
    chunk_of,
)
from mithaq.ingest.telemetry.source import Behind, NoSource, Taken, Ways

SET_ASIDE: Final = "telemetry-set-aside"
GONE: Final = "telemetry-gone"
DELIVERIES: Final = 5  # of one message that was never kept; then it is set aside
_HOLD_SECONDS: Final = 600.0  # for which a worker may say that it is still at a message
_AT_ONCE: Final = 16  # messages until others have their turn
_SHORT: Final = 0.25  # seconds that an answer may take when nobody waits
_PACE: Final = 0.25
_log = structlog.get_logger()


@dataclass(slots=True)
class _Held:
    """A message that is being worked on, and what tells the server so."""

    message: Msg
    telling: "asyncio.Task[None]"


class Shared:
    """A log that a group reads: each message is one member's, until it is kept or that one says nothing any more.

    Messages come one at a time. One that was given out ``DELIVERIES`` times and never kept, because whoever had it was
    gone each time, is set aside: it comes as a refusal, and is not given out again.
    """

    def __init__(self, line: Line, ways: Ways | None = None) -> None:
        """Join the group, or found it.

        Raises:
            NoSource: there is no such log, or the group began elsewhere than is asked for.
        """
        self._line, self._where, self._ways = line, line.where, ways or Ways()
        self._telling: dict[int, _Held] = {}
        self._newest = 0.0  # when the log took what came last
        self._at_hand: Iterator[Taken] = iter(())  # the rest of a message that was begun
        try:
            self._pull = line.do(self._joined())
        except NotFoundError as error:
            raise NoLog(f"no stream {self._where.stream} at {self._where.server}") from error
        except TROUBLE as error:
            raise NoSource(f"cannot read {self._where.stream}: {error}") from error

    async def _joined(self) -> JetStreamContext.PullSubscription:
        where, js = self._where, self._line.js
        await js.stream_info(where.stream)
        try:
            there = (await js.consumer_info(where.stream, where.consumer)).config
        except NotFoundError:
            begin = DeliverPolicy.BY_START_TIME if where.since else DeliverPolicy.ALL
            there = ConsumerConfig(
                durable_name=where.consumer,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=where.wait,
                max_deliver=-1,
                max_ack_pending=1024,
                deliver_policy=begin,
                opt_start_time=where.since,
                filter_subject=where.filter,
            )
            await js.add_consumer(where.stream, there)
        if there.filter_subject != where.filter or (
            where.since and there.opt_start_time != where.since
        ):
            raise NoSource(
                f"the group {where.consumer} reads something else: name another with consumer="
            )
        return await js.pull_subscribe_bind(durable=where.consumer, stream=where.stream)

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what this member is given; whoever stops within a message is given the rest of it next."""
        for taken in self._at_hand:  # not by ``yield from``, which would end it with us
            yield taken
            wait = 0.0
        for _ in range(_AT_ONCE):
            held = self._line.do(self._next(max(wait, _SHORT)))
            if held is None:
                return
            wait = 0.0
            self._at_hand = self._taken(held)
            for taken in self._at_hand:
                yield taken

    async def _next(self, wait: float) -> _Held | None:
        begin = monotonic()
        try:
            (message,) = await self._pull.fetch(1, timeout=wait)
        except NotFoundError:
            self._pull = await self._joined()
        except TROUBLE as error:
            if not isinstance(error, TimeoutError):
                _log.info("stream-trouble", kind=type(error).__name__)
                await asyncio.sleep(max(0.0, wait - (monotonic() - begin)))
        else:
            return _Held(message, asyncio.create_task(_tell(message, self._where.wait / 3)))
        return None

    def _taken(self, held: _Held) -> Iterator[Taken]:
        message, facts = held.message, held.message.metadata
        self._telling[facts.sequence.stream] = held
        self._newest = facts.timestamp.timestamp()
        chunk = chunk_of(message.data, message.headers, message.subject)
        if facts.num_delivered > DELIVERIES:
            why = f"given out {facts.num_delivered - 1} times and never kept"
            refusal = Refusal(
                number=facts.sequence.stream, code=SET_ASIDE, why=why, name=chunk.name
            )
            yield Taken(found=[refusal], name=chunk.name, mark=held)
            return
        yield from handed(chunk, held, _at(self._ways, facts.timestamp))

    def keep(self, taken: Taken) -> None:
        """Tell the server that a message need not be given again, once all that it holds is kept."""
        if isinstance(taken.mark, _Held):
            self._line.do(self._kept(taken.mark))

    async def _kept(self, held: _Held) -> None:
        held.telling.cancel()
        self._telling.pop(held.message.metadata.sequence.stream, None)
        try:
            await held.message.ack_sync(timeout=REQUEST_SECONDS)
        except TROUBLE:
            _log.info("stream-trouble", kind="ack")  # it comes again, and is known then

    def left(self) -> int:
        """Return how many messages nobody has kept yet."""
        info = self._line.do(self._line.js.consumer_info(self._where.stream, self._where.consumer))
        return (info.num_pending or 0) + (info.num_ack_pending or 0)

    def behind(self) -> Behind:
        """Return what nobody has kept yet; of when, what came last before it tells."""
        if not self._line.there:
            return Behind(away=True)
        try:
            left = self.left()
        except TROUBLE:
            return Behind(away=True)
        return Behind(chunks=left, since=self._newest if left else 0.0)

    def close(self) -> None:
        """Give back what was not kept, so that others have it at once."""
        self._line.do(self._given_back())

    async def _given_back(self) -> None:
        for held in self._telling.values():
            held.telling.cancel()
            try:
                await held.message.nak()
            except TROUBLE:
                break
        self._telling.clear()


def _at(ways: Ways, now: datetime | None) -> Ways:
    """Return how a message is read that the log took at a time."""
    return replace(ways, said=replace(ways.said, now=now))


async def _tell(message: Msg, pause: float) -> None:
    """Say now and then that somebody is still at it; whoever takes too long for that is taken for dead."""
    until = monotonic() + _HOLD_SECONDS
    while monotonic() < until:
        await asyncio.sleep(pause)
        try:
            await message.in_progress()
        except TROUBLE:
            continue


class Whole:
    """A log as one reads it from its beginning, in its order."""

    def __init__(self, line: Line, ways: Ways | None = None) -> None:
        """Begin where the group began."""
        self._line, self._where, self._ways = line, line.where, ways or Ways()
        self._next = 0  # sequence of the next message; 0: the beginning is not known yet
        self.read = 0  # sequence up to which all was read when the end was met last
        self._at_hand: Iterator[Taken] = iter(())  # the rest of a message that was begun

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what comes next."""
        until = monotonic() + wait
        for taken in self._at_hand:  # not by ``yield from``, as above
            yield taken
            until = 0.0
        for _ in range(_AT_ONCE):
            try:
                some = self._line.do(self._read(until))
            except TROUBLE as error:
                _log.info("stream-trouble", kind=type(error).__name__)
                return
            if some is None:
                return
            until = 0.0
            self._at_hand = some
            for taken in some:
                yield taken

    async def _read(self, until: float) -> Iterator[Taken] | None:
        js, where = self._line.js, self._where
        self._next = self._next or await _beginning(js, where)
        while (raw := await self._at()) is None:
            last = (await js.stream_info(where.stream)).state.last_seq
            if (raw := await self._at()) is not None:  # it came meanwhile
                break
            self.read = last
            if monotonic() >= until:
                return None
            await asyncio.sleep(_PACE)
        at = raw.seq or self._next
        lost = await self._lost(at)
        self._next = at + 1
        chunk = chunk_of(raw.data or b"", raw.headers, raw.subject or "")
        some = handed(chunk, at, _at(self._ways, raw.time))
        return chain([Taken(found=lost, name=chunk.name)], some) if lost else some

    async def _at(self) -> RawStreamMsg | None:
        where = self._where
        try:
            return await self._line.js.get_msg(
                where.stream, seq=self._next, subject=where.filter, next=True
            )
        except NotFoundError:
            return None

    async def _lost(self, at: int) -> list[Found]:
        """Say what the log dropped before it was read here."""
        if at == self._next:
            return []
        first = (await self._line.js.stream_info(self._where.stream)).state.first_seq
        if first <= self._next:
            return []
        why = f"up to {first - self._next} messages were dropped before they were read"
        return [Refusal(number=self._next, code=GONE, why=why, name=self._where.stream)]

    def keep(self, taken: Taken) -> None:
        """Nothing is told: what is read in its order is read from the beginning again."""

    def behind(self) -> Behind:
        """The group says what waits."""
        return Behind()

    def close(self) -> None:
        """The server knows nothing of it."""


async def _beginning(js: JetStreamContext, where: Address) -> int:
    """Return the sequence of the first message that counts."""
    first = (await js.stream_info(where.stream)).state.first_seq
    if where.since is None:
        return max(first, 1)
    config = ConsumerConfig(
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_TIME,
        opt_start_time=where.since,
        inactive_threshold=REQUEST_SECONDS,
    )
    info = await js.add_consumer(where.stream, config)
    await js.delete_consumer(where.stream, info.name)
    before = info.delivered.stream_seq if info.delivered else 0
    return max(first, before + 1)


def opened(text: str, ways: Ways) -> "Alone":
    """Return a log as a source: unless a group is named, one of its own, apart from the workers'."""
    return Alone(Line(address(text, consumer="watch"), "mithaq watch"), ways)


class Alone(Shared):
    """A log that is read over a line of its own."""

    def close(self) -> None:
        """Give back what was not kept, and hang up."""
        super().close()
        self._line.close()
