"""Telemetry that is posted over HTTP: lines, arrays, packed or not, one body one chunk.

Answers: 202 when the body can be unpacked and is safe on disk, and not before; 400 for what is damaged; 401 without the
token; 413 for what is larger than a body may be, or unpacks to more; 429 when there is no room; 408 for whoever drips.
What is wrong is told as RFC 9457 has it, with a code; how often, the watch tells.
"""

import asyncio
import hmac
from http import HTTPStatus
from pathlib import Path
from typing import Final

import h11
import msgspec

from mithaq.formats.telemetry.packed import Bomb, Large
from mithaq.formats.telemetry.reading import Broken
from mithaq.ingest.telemetry.chunks import Chunk, unpacked
from mithaq.ingest.telemetry.doors import PIECE, Doors
from mithaq.ingest.telemetry.listening import Listener, Place, place, tls
from mithaq.ingest.telemetry.source import NoSource, Ways
from mithaq.ingest.telemetry.spool import Full

MOST_BODY: Final = 16 << 20  # bytes
IN_FLIGHT: Final = 64 << 20  # bytes of all bodies that are being received
BODY_SECONDS: Final = 30.0
HEAD_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60.0  # until the next request of one whose last was taken
_LEAVING_SECONDS: Final = 2.0  # for which what a refused one still sends is thrown away
_MOST_HEAD: Final = 32 << 10
_UNPACKING: Final = 2  # bodies at once
_MOST_TOKEN: Final = 4096
_LEAST_TOKEN: Final = 16  # characters
_JSON: Final = (b"content-type", b"application/json")
_PROBLEM: Final = (b"content-type", b"application/problem+json")


class _Refused(Exception):
    """A request that is not taken."""

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, *headers: tuple[bytes, bytes]
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.headers = status, f"telemetry-{code}", headers


class Posted(Listener):
    """Listens for bodies that are posted to one path by whoever has the token."""

    def __init__(self, where: Place, ways: Ways) -> None:
        """Listen.

        Raises:
            NoSource: there is no token, or it is not possible there.
        """
        self._token = _token(where.token)
        self._receiving = 0  # bytes of bodies that are not on disk yet
        self._unpacking = asyncio.Semaphore(_UNPACKING)
        tls(where)  # its files can be used
        super().__init__(where, ways)

    async def start(self) -> None:
        """Begin to listen."""
        self._doors = Doors(self.where, self.inbox, self._talk)
        await self._doors.open()

    async def stop(self) -> None:
        """Take no more; what was begun is answered."""
        if hasattr(self, "_doors"):
            await self._doors.close()

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sender: str
    ) -> None:
        """Answer one request after the other, until one is refused or none comes."""
        talk, task = _Talk(reader, writer), asyncio.current_task()
        seconds = HEAD_SECONDS
        try:
            while request := await talk.request(seconds):
                self._doors.busy.add(task)
                chunk_id = await self._kept(talk, request, sender)
                said = msgspec.json.encode({"id": f"sha256:{chunk_id}"})
                await talk.answer(HTTPStatus.ACCEPTED, said, _JSON)
                self._doors.busy.discard(task)
                seconds = IDLE_SECONDS
        except _Refused as why:
            self.inbox.turn_away(str(why))
            await talk.refuse(why)
        finally:
            self._doors.busy.discard(task)

    async def _kept(self, talk: "_Talk", request: h11.Request, sender: str) -> str:
        """Keep what is posted; return what it is known by.

        Raises:
            _Refused: it is not taken.
        """
        self._welcome(request)
        body = bytearray()
        try:
            await self._received(talk, body)
            chunk = Chunk(raw=bytes(body), kind=self.kind, name=sender, sensor=sender)
            async with self._unpacking:
                await asyncio.to_thread(unpacked, chunk)
            await self.spooled(chunk)
        except Broken as why:
            large = isinstance(why, Bomb | Large)
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE if large else HTTPStatus.BAD_REQUEST
            raise _Refused(status, why.code.removeprefix("telemetry-"), str(why)) from None
        except Full:
            later = (b"retry-after", b"5")
            said = "no room; try again later"
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, "no-room", said, later) from None
        except OSError:
            raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE, "not-kept", "not kept") from None
        finally:
            self._receiving -= len(body)
        return chunk.id

    def _welcome(self, request: h11.Request) -> None:
        """See that it is asked for what is done here, by one who may.

        Raises:
            _Refused: it is not.
        """
        headers = dict(request.headers)
        if not hmac.compare_digest(headers.get(b"authorization", b""), b"Bearer " + self._token):
            shown = (b"www-authenticate", b"Bearer")
            raise _Refused(HTTPStatus.UNAUTHORIZED, "token", "a token is needed", shown)
        if request.target.partition(b"?")[0] != self.where.path.encode():
            raise _Refused(HTTPStatus.NOT_FOUND, "path", "nothing is taken here")
        if request.method != b"POST":
            said, allowed = "telemetry is posted", (b"allow", b"POST")
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", said, allowed)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BODY:
            raise _large()

    async def _received(self, talk: "_Talk", body: bytearray) -> None:
        """Fill a body, and count what of it stands in memory."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while part := await talk.part():
                    body += part
                    self._receiving += len(part)
                    self._bounded(len(body))
        except TimeoutError:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT, "slow", "it took too long") from None
        if not body:
            raise _Refused(HTTPStatus.BAD_REQUEST, "empty", "an empty body")

    def _bounded(self, size: int) -> None:
        if size > MOST_BODY:
            raise _large()
        if self._receiving > IN_FLIGHT:
            later = (b"retry-after", b"1")
            raise _Refused(HTTPStatus.TOO_MANY_REQUESTS, "busy", "too much at once", later)


def _large() -> _Refused:
    said = f"a body is {MOST_BODY} bytes at most"
    return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "large", said)


class _Talk:
    """What is said over one connection, as HTTP/1.1 has it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._line = h11.Connection(h11.SERVER, max_incomplete_event_size=_MOST_HEAD)
        self._bare = False  # only the head of an answer is asked for

    async def request(self, seconds: float) -> h11.Request | None:
        """Return the head of the next request; None: there is none.

        Raises:
            _Refused: it is no HTTP. TimeoutError: it does not come.
        """
        if self._line.our_state is h11.MUST_CLOSE:
            return None
        if self._line.our_state is h11.DONE:
            self._line.start_next_cycle()
        async with asyncio.timeout(seconds):
            event = await self._event()
        if not isinstance(event, h11.Request):
            return None
        self._bare = event.method == b"HEAD"
        return event

    async def part(self) -> bytes:
        """Return the next part of a body; empty: that was all.

        Raises:
            _Refused: it does not end as it should.
        """
        event = await self._event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def _event(self) -> object:
        while True:
            try:
                if self._line.they_are_waiting_for_100_continue:
                    go_on = h11.InformationalResponse(
                        status_code=100, headers=[], reason="Continue"
                    )
                    self._writer.write(self._line.send(go_on) or b"")
                event = self._line.next_event()
                if event is not h11.NEED_DATA:
                    return event
                self._line.receive_data(await self._reader.read(PIECE))
            except h11.RemoteProtocolError as why:
                status = HTTPStatus(why.error_status_hint)
                raise _Refused(status, "http", "not as HTTP/1.1 has it") from None

    async def answer(self, status: HTTPStatus, body: bytes, *headers: tuple[bytes, bytes]) -> None:
        """Say something, and all of it."""
        length = (b"content-length", str(len(body)).encode())
        head = h11.Response(status_code=status, headers=[*headers, length], reason=status.phrase)
        said = [self._line.send(head)]
        if not self._bare:
            said.append(self._line.send(h11.Data(data=body)))
        said.append(self._line.send(h11.EndOfMessage()))
        self._writer.write(b"".join(each for each in said if each))
        await self._writer.drain()

    async def refuse(self, why: _Refused) -> None:
        """Say why something is not taken, and let its sender hear it before the line is closed."""
        said = {
            "title": why.status.phrase, "status": int(why.status), "detail": str(why), "code": why.code,
        }  # fmt: skip
        close = (b"connection", b"close")
        await self.answer(why.status, msgspec.json.encode(said), _PROBLEM, close, *why.headers)
        if self._writer.can_write_eof():
            self._writer.write_eof()
        async with asyncio.timeout(_LEAVING_SECONDS):
            while await self._reader.read(PIECE):
                pass


def _token(path: Path | None) -> bytes:
    if path is None:
        raise NoSource("token=FILE is missing: who may post telemetry shows what it holds")
    try:
        with path.open("rb") as file:
            said = file.read(_MOST_TOKEN).strip()
    except OSError as error:
        raise NoSource(f"cannot read {path}: {error.strerror}") from error
    if len(said) < _LEAST_TOKEN:
        raise NoSource(f"a token has {_LEAST_TOKEN} characters or more")
    return said


def opened(text: str, ways: Ways) -> Posted:
    """Listen at ``http://HOST:PORT/PATH``.

    Raises:
        NoSource: it is not possible there.
    """
    return Posted(place(text, ways), ways)
