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

import msgspec
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server
from starlette.types import Receive, Scope, Send

from mithaq.formats.telemetry.packed import Bomb, Large
from mithaq.formats.telemetry.reading import Broken
from mithaq.ingest.telemetry.chunks import Chunk, unpacked
from mithaq.ingest.telemetry.listening import Listener, Place, place, tls
from mithaq.ingest.telemetry.source import NoSource, Ways
from mithaq.ingest.telemetry.spool import Full

MOST_BODY: Final = 16 << 20  # bytes
IN_FLIGHT: Final = 64 << 20  # bytes of all bodies that are being received
BODY_SECONDS: Final = 30.0
_HEAD_MILLISECONDS: Final = 10_000
_CONNECTIONS: Final = 256
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
        """Begin to listen; it must be possible there, which the server itself would not tell."""
        where = self.where
        probe = await asyncio.start_server(lambda *_: None, where.host, where.port)
        probe.close()
        await probe.wait_closed()
        self._server = Server(
            self._asked,
            address=where.host,
            port=where.port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            backpressure=_CONNECTIONS,
            http1_settings=HTTP1Settings(
                header_read_timeout=_HEAD_MILLISECONDS, max_buffer_size=64 << 10
            ),
            ssl_cert=where.certificate,
            ssl_key=where.key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._serving = asyncio.create_task(self._server.serve())
        await self._answering()

    async def _answering(self) -> None:
        """Wait until the server takes connections."""
        while not self._serving.done():
            try:
                _, writer = await asyncio.open_connection(self.where.host, self.where.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
        self._serving.result()

    async def stop(self) -> None:
        """Take no more; what was begun is answered."""
        if hasattr(self, "_serving"):
            self._server.stop()  # type: ignore[no-untyped-call]
            await asyncio.wait([self._serving], timeout=BODY_SECONDS / 4)

    async def _asked(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            chunk_id = await self._kept(scope, receive)
        except _Refused as why:
            self.inbox.turn_away(str(why))
            await _problem(send, why)
        else:
            said = msgspec.json.encode({"id": f"sha256:{chunk_id}"})
            await _answer(send, HTTPStatus.ACCEPTED, said, _JSON)

    async def _kept(self, scope: Scope, receive: Receive) -> str:
        """Keep what is posted; return what it is known by.

        Raises:
            _Refused: it is not taken.
        """
        self._welcome(scope)
        sender = str((scope.get("client") or ("unknown",))[0])
        body = bytearray()
        try:
            await self._received(receive, body)
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

    def _welcome(self, scope: Scope) -> None:
        """See that it is asked for what is done here, by one who may.

        Raises:
            _Refused: it is not.
        """
        headers = dict(scope["headers"])
        if not hmac.compare_digest(headers.get(b"authorization", b""), b"Bearer " + self._token):
            shown = (b"www-authenticate", b"Bearer")
            raise _Refused(HTTPStatus.UNAUTHORIZED, "token", "a token is needed", shown)
        if scope["path"] != self.where.path:
            raise _Refused(HTTPStatus.NOT_FOUND, "path", "nothing is taken here")
        if scope["method"] != "POST":
            said, allowed = "telemetry is posted", (b"allow", b"POST")
            raise _Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method", said, allowed)
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BODY:
            raise _large()

    async def _received(self, receive: Receive, body: bytearray) -> None:
        """Fill a body, and count what of it stands in memory."""
        try:
            async with asyncio.timeout(BODY_SECONDS):
                more = True
                while more:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Refused(HTTPStatus.BAD_REQUEST, "cut-off", "cut off")
                    part = message.get("body", b"")
                    body += part
                    self._receiving += len(part)
                    self._bounded(len(body))
                    more = message.get("more_body", False)
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


async def _problem(send: Send, why: _Refused) -> None:
    said = {
        "title": why.status.phrase, "status": int(why.status), "detail": str(why), "code": why.code,
    }  # fmt: skip
    await _answer(send, why.status, msgspec.json.encode(said), _PROBLEM, *why.headers)


async def _answer(
    send: Send, status: HTTPStatus, body: bytes, *headers: tuple[bytes, bytes]
) -> None:
    length = (b"content-length", str(len(body)).encode())
    start = {
        "type": "http.response.start",
        "status": int(status),
        "headers": [*headers, length],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


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
