"""Telemetry on a JetStream of NATS: one log that many write to and many read from, live and from any time in the past.

A message is a chunk of lines (``mithaq.ingest.telemetry.chunks``), packed or not, under ``STREAM.SENSOR``; its headers
say of what kind they are and where they come from. Whoever can publish there may send lines without headers too. The
client speaks asynchronously, so it lives in a thread of its own (``Line``), and this is its face for all others.
"""

import asyncio
import re
import ssl
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import nats
import structlog
import zstandard
from nats import errors
from nats.aio.client import Client
from nats.js import JetStreamContext

from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.ingest.telemetry.chunks import Chunk
from mithaq.ingest.telemetry.source import NoSource


class NoLog(NoSource):
    """What should be the address of a log is none."""

    code = "no-log"


PORT: Final = 4222
CONNECT_SECONDS: Final = 10.0
REQUEST_SECONDS: Final = 5.0
TROUBLE: Final = (errors.Error, TimeoutError, OSError)  # what a server that is away comes to
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SUBJECT: Final = re.compile(r"[A-Za-z0-9_*>-]+(?:\.[A-Za-z0-9_*>-]+)*")
_ASKED: Final = frozenset(
    {"subject", "consumer", "since", "wait", "login", "tls", "ca", "certificate", "key"}
)
_LONGEST_WAIT: Final = 3600
_MOST_LOGIN: Final = 4096  # bytes
_KIND, _OF, _SENSOR, _ID = "Mithaq-Kind", "Mithaq-Name", "Mithaq-Sensor", "Nats-Msg-Id"
_log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a log is, and how it is read."""

    server: str
    stream: str
    subject: str = ""  # empty: all of it
    consumer: str = "mithaq"  # the group of those who share the work
    since: datetime | None = None
    wait: float = 30.0  # seconds until what a worker has that says nothing is given to another
    login: Path | None = None  # a file: USER:PASSWORD, or a token
    tls: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @property
    def filter(self) -> str:
        """The subjects that are read."""
        return self.subject or f"{self.stream}.>"


def address(text: str, consumer: str = "mithaq") -> Address:
    """Read ``nats://HOST:PORT/STREAM?consumer=…&subject=…&since=…&login=FILE&tls=yes&ca=FILE&certificate=FILE&key=FILE``.

    Raises:
        NoSource: it is none.
    """
    try:
        parts = urlsplit(text)
        asked = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
        host, port, stream = parts.hostname or "", parts.port or PORT, parts.path.strip("/")
    except ValueError as error:
        raise NoLog("not of the form nats://HOST:PORT/STREAM") from error
    if parts.username or parts.password:
        raise NoLog("a password does not belong in an address: name a file with login=FILE")
    if parts.scheme != "nats" or not host or not _NAME.fullmatch(stream):
        raise NoLog("not of the form nats://HOST:PORT/STREAM")
    if unknown := sorted(asked.keys() - _ASKED):
        raise NoLog(f"an address of a stream has no {unknown[0]}")
    for name, form in (("subject", _SUBJECT), ("consumer", _NAME)):
        if name in asked and not form.fullmatch(asked[name]):
            raise NoLog(f"{name} is not of letters, digits, - and _")
    files = {
        name: Path(asked[name]) for name in ("login", "ca", "certificate", "key") if name in asked
    }
    return Address(
        server=f"nats://{f'[{host}]' if ':' in host else host}:{port}",
        stream=stream,
        subject=asked.get("subject", ""),
        consumer=asked.get("consumer", consumer),
        since=_instant(asked["since"]) if "since" in asked else None,
        wait=_seconds(asked.get("wait", "30")),
        tls=asked.get("tls") == "yes" or bool(files.keys() - {"login"}),
        **files,
    )


def _instant(written: str) -> datetime:
    try:
        return parse(written)
    except InputError as error:
        raise NoLog("since is an instant such as 2026-11-30T06:00:00Z") from error


def _seconds(written: str) -> float:
    if not (written.isascii() and written.isdecimal() and 0 < int(written) <= _LONGEST_WAIT):
        raise NoLog("wait is a number of seconds")
    return float(written)


class Line:
    """A connection to the server of a log, in a thread of its own; it comes back by itself when it was lost."""

    def __init__(self, where: Address, name: str) -> None:
        """Connect.

        Raises:
            NoSource: nobody answers there, it does not let us in, or has no JetStream.
        """
        self.where = where
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mithaq-nats", daemon=True)
        self._thread.start()
        self._client: Client | None = None
        self._leaving = False
        try:
            self._client = self.do(self._connect(name))
            self.js: JetStreamContext = self._client.jetstream(timeout=REQUEST_SECONDS)
            self.do(self.js.account_info())
        except (*TROUBLE, ssl.SSLError) as error:
            self.close()
            why = str(error) or "no answer"
            raise NoLog(f"no JetStream at {where.server}: {why}") from error

    async def _connect(self, name: str) -> Client:
        where = self.where
        more: dict[str, Any] = _login(where.login) if where.login else {}
        if where.tls:
            more["tls"] = _context(where)
        made = nats.connect(
            [where.server],
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.5,
            ping_interval=20,
            max_outstanding_pings=2,
            error_cb=_note,
            disconnected_cb=self._lost,
            reconnected_cb=self._found,
            **more,
        )
        return await asyncio.wait_for(made, CONNECT_SECONDS)

    async def _lost(self) -> None:
        if not self._leaving:
            _log.warning("stream-away", server=self.where.server)

    async def _found(self) -> None:
        _log.info("stream-back", server=self.where.server)

    @property
    def there(self) -> bool:
        """Say whether the server answers, as far as we know."""
        return self._client is not None and self._client.is_connected

    def do(self, asked: Coroutine[Any, Any, T]) -> T:
        """Do something with the client, and wait for it."""
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    def close(self) -> None:
        """Say what is still to be said, and let go."""
        self._leaving = True
        if self._client is not None:
            with suppress(*TROUBLE):  # it may be gone already
                self.do(asyncio.wait_for(self._client.close(), REQUEST_SECONDS))
        self.do(_ended())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(REQUEST_SECONDS)


async def _ended() -> None:
    """End what still goes on in this loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for each in others:
        each.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _note(error: Exception) -> None:
    _log.warning("stream-trouble", kind=type(error).__name__)


def _login(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            said = file.read(_MOST_LOGIN).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NoSource(f"cannot read {path}") from error
    user, colon, password = said.partition(":")
    return {"user": user, "password": password} if colon else {"token": said}


def _context(where: Address) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=str(where.ca) if where.ca else None)
        if where.certificate:
            context.load_cert_chain(where.certificate, where.key)
    except (OSError, ssl.SSLError) as error:
        raise NoSource("a file for TLS cannot be used") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Message(NamedTuple):
    """A chunk as it travels."""

    subject: str
    payload: bytes
    headers: dict[str, str]


def packed(chunk: Chunk, stream: str) -> Message:
    """Return a chunk as it is sent."""
    said = {_KIND: chunk.kind, _OF: quote(chunk.name), _SENSOR: quote(chunk.sensor)}
    headers = {name: text for name, text in said.items() if text} | {_ID: chunk.id}
    token = re.sub(r"[^A-Za-z0-9_-]", "_", chunk.sensor)[:64] or "all"
    return Message(f"{stream}.{token}", zstandard.compress(chunk.raw, 1), headers)


def chunk_of(payload: bytes, headers: dict[str, str] | None, subject: str) -> Chunk:
    """Return what a message brings; what it says of itself is not believed further than that."""
    said = headers or {}
    return Chunk(
        raw=payload,
        kind=said.get(_KIND, ""),
        name=unquote(said.get(_OF, ""))[:1024] or subject,
        sensor=unquote(said.get(_SENSOR, ""))[:256] or subject.rpartition(".")[2],
    )
