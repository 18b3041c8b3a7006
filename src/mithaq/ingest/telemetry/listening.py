"""Telemetry that is pushed: who listens, where, and what every listener shares.

A listener lives in a thread of its own. What comes is spooled before anybody is told that it is here, and is read from
the spool. It listens where it is told to and nowhere else.
"""

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from mithaq.ingest.telemetry.chunks import Chunk
from mithaq.ingest.telemetry.source import Behind, NoSource, Taken, Ways
from mithaq.ingest.telemetry.spool import Inbox, Spool

START_SECONDS: Final = 10.0
_ASKED: Final = frozenset({"spool", "token", "certificate", "key"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one listens."""

    text: str  # without what is asked for: for people
    host: str
    port: int
    path: str
    spool: Path
    token: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def place(text: str, ways: Ways) -> Place:
    """Read ``SCHEME://HOST:PORT/PATH?spool=FOLDER&token=FILE&certificate=FILE&key=FILE``.

    Raises:
        NoSource: it is none, or there is nowhere to spool.
    """
    try:
        parts = urlsplit(text)
        asked = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        )
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise NoSource("not of the form SCHEME://HOST:PORT") from error
    if not host or not port:
        raise NoSource("not of the form SCHEME://HOST:PORT")
    if unknown := sorted(asked.keys() - _ASKED):
        raise NoSource(f"an address to listen at has no {unknown[0]}")
    name = f"{parts.scheme}-{host.replace(':', '_')}-{port}"
    folder = Path(asked["spool"]) if "spool" in asked else ways.folder and ways.folder / name
    if folder is None:
        raise NoSource("without a node, spool=FOLDER says where what is pushed waits")
    files = {name: Path(asked[name]) for name in ("token", "certificate", "key") if name in asked}
    return Place(
        text=f"{parts.scheme}://{parts.netloc}{parts.path}",
        host=host,
        port=port,
        path=parts.path or "/",
        spool=folder,
        **files,
    )


class Listener(ABC):
    """A source of what is pushed to it."""

    def __init__(self, where: Place, ways: Ways) -> None:
        """Listen.

        Raises:
            NoSource: it is not possible there.
        """
        self.where = where
        self.kind = ways.as_kind.name if ways.as_kind else ""
        self.inbox = Inbox(Spool.open(where.spool), ways)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="mithaq-listener", daemon=True)
        self._thread.start()
        try:
            started = asyncio.run_coroutine_threadsafe(self.start(), self._loop)
            started.result(START_SECONDS)
        except (OSError, TimeoutError) as error:
            self.close()
            why = getattr(error, "strerror", None) or "no answer"
            raise NoSource(f"cannot listen at {where.text}: {why}") from error

    @abstractmethod
    async def start(self) -> None:
        """Begin to listen; returns once it does."""

    @abstractmethod
    async def stop(self) -> None:
        """Listen no more, and spool what is at hand."""

    async def spooled(self, chunk: Chunk) -> None:
        """Keep a chunk without holding up the others.

        Raises:
            Full: there is no room for it now. OSError: the disk fails.
        """
        await asyncio.get_running_loop().run_in_executor(None, self.inbox.put, chunk)

    def batches(self, wait: float) -> Iterator[Taken]:
        """Yield what was pushed."""
        yield from self.inbox.batches(self.where.text, wait)

    def keep(self, taken: Taken) -> None:
        """Forget what waited."""
        if isinstance(taken.mark, Path):
            self.inbox.drop(taken.mark)

    def behind(self) -> Behind:
        """Return what waits in the spool."""
        return self.inbox.spool.behind()

    def close(self) -> None:
        """Listen no more."""
        asyncio.run_coroutine_threadsafe(self.stop(), self._loop).result(START_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(START_SECONDS)
        self.inbox.spool.close()


class Datagrams(asyncio.DatagramProtocol):
    """Hands on each datagram with the address of its sender."""

    def __init__(self, take: Callable[[bytes, str], None]) -> None:
        """Take what takes them."""
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Hand one on."""
        self._take(data, str(addr[0]))


def tls(where: Place) -> ssl.SSLContext | None:
    """Return what ends TLS where a certificate is named; None: nothing does.

    Raises:
        NoSource: a file cannot be used.
    """
    if where.certificate is None:
        return None
    try:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(where.certificate, where.key)
    except (OSError, ssl.SSLError) as error:
        raise NoSource("a file for TLS cannot be used") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
