"""TLS before the peers' listener, where clients show certificates (border.md 9.1).

A certificate counts by the pin of its key in a peer's key document, whoever issued it, or by an authority of ours. The
server behind it (Granian, on rustls) knows authorities alone, so the handshake is done here, on OpenSSL, and what is
inside goes to the server over a socket that is this process's own.

Whoever shows a wrong, expired or foreign certificate, or none where one is required, gets an alert and not one byte of
HTTP: under TLS 1.3 the client believes the handshake to be over before we have judged, and still nothing but the alert
follows. No session is ever resumed, so no judgement is skipped.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import msgspec
import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from OpenSSL import SSL, crypto

from mithaq.clock import monotonic
from mithaq.errors import MithaqError
from mithaq.seal import documents
from mithaq.seal.envelope import read
from mithaq.seal.pins import pin
from mithaq.store import shelf as shelves
from mithaq.store.engine import Store

VARIABLE = "MITHAQ_FRONT"
HANDSHAKE_SECONDS = 10.0
STALL_SECONDS = 60.0  # that a client may take for one chunk; then its line is given to others
CONNECTIONS = 512  # at once; more are closed unheard
CHUNK = 64 << 10
REMEMBER = 1.0  # seconds that pins are remembered
# Nobody whom we trust vouches for the certificate, or it was not issued for clients: a pin makes up for that.
_NO_AUTHORITY = frozenset({2, 18, 19, 20, 21, 24, 26, 79, 88})
_CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"  # of TLS 1.2; those of TLS 1.3 are all sound
_log = structlog.get_logger()


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What the front is told: PEM files, and whether clients may or must show a certificate."""

    certificate: str
    key: str
    clients: Literal["optional", "required"]
    authority: str = ""
    shelf_url: str  # where the key documents of confirmed peers are

    def __repr__(self) -> str:
        """Say whether a certificate must be shown: the shelf's address may hold a password."""
        return f"Settings(clients={self.clients!r})"


@dataclass(slots=True)
class _Judged:
    """What is known of a client's certificate while its chain is walked."""

    vouched: bool = True  # by an authority of ours
    accepted: bool = False


@dataclass(slots=True)
class Pins:
    """The pins of confirmed peers' certificates and of our own, as the shelf shows their key documents."""

    shelf: Store
    _known: frozenset[str] = frozenset()
    _until: float = float("-inf")

    def __call__(self) -> frozenset[str]:
        """Return the pins that count now."""
        if monotonic() >= self._until:
            with self.shelf.read() as unit:
                raws = [raw.encode() for raw in shelves.caller_documents(unit)]
                ours = shelves.document(unit, "keys")
            found = [
                documents.unverified(read(raw)).spki_pins for raw in (*raws, *filter(None, [ours]))
            ]
            self._known = frozenset(pin for pins in found for pin in pins)
            self._until = monotonic() + REMEMBER
        return self._known


@dataclass(slots=True)
class Front:
    """Ends TLS and hands on what is inside.

    Args:
        pins: returns the pins that count now.
        to: the server's socket.
    """

    settings: Settings
    pins: Callable[[], frozenset[str]]
    to: str
    _open: int = 0
    _context: SSL.Context = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the files.

        Raises:
            SSL.Error: one cannot be used.
        """
        self._context = _context(self.settings, self._judge)

    def _judge(
        self, tls: SSL.Connection, certificate: crypto.X509, error: int, depth: int, good: int
    ) -> bool:
        """Say whether the walk along a client's chain goes on; OpenSSL asks at each fault and at each link."""
        judged: _Judged = tls.get_app_data()
        if not good:
            judged.vouched = False
            return error in _NO_AUTHORITY
        if depth == 0:
            vouched = judged.vouched and bool(self.settings.authority)
            judged.accepted = vouched or self._pinned(certificate)
            return judged.accepted
        return True

    def _pinned(self, certificate: crypto.X509) -> bool:
        try:
            return pin(certificate.to_cryptography()) in self.pins()
        except (ValueError, UnsupportedAlgorithm, MithaqError):
            return False
        except Exception as error:  # noqa: BLE001 the shelf is away: nobody is pinned
            _log.warning("pins-away", kind=type(error).__name__)
            return False

    async def serve(self, host: str, port: int) -> None:
        """Listen until cancelled, once the server behind answers."""
        while True:
            try:
                _, writer = await asyncio.open_unix_connection(self.to)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            break
        server = await asyncio.start_server(self._take, host, port, limit=CHUNK)
        async with server:
            await server.serve_forever()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= CONNECTIONS:
                await self._connection(reader, writer)
        except (OSError, SSL.Error, TimeoutError):
            pass  # the client's doing, or it is gone
        finally:
            self._open -= 1
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tls = SSL.Connection(self._context, None)
        tls.set_accept_state()
        judged = _Judged()
        tls.set_app_data(judged)
        line = _Line(tls, reader, writer)
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                await line.shake_hands()
        finally:
            await line.flush()
        if not judged.accepted and (
            self.settings.clients == "required" or tls.get_peer_certificate() is not None
        ):
            return  # cannot be: OpenSSL has refused it; but nothing shall rest on that alone
        inner_reader, inner = await asyncio.open_unix_connection(self.to, limit=CHUNK)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(line.inwards(inner))
                both.create_task(line.outwards(inner_reader))
        except* (OSError, SSL.Error):
            pass  # one side is gone, so the other is let go
        finally:
            inner.close()


@dataclass(slots=True)
class _Line:
    """One TLS connection over a stream: what OpenSSL wants read is read, what it wants written is written."""

    tls: SSL.Connection
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def shake_hands(self) -> None:
        """Finish the handshake.

        Raises:
            SSL.Error: it failed; an alert waits to be flushed. ConnectionError: the client went away.
        """
        while True:
            try:
                self.tls.do_handshake()
            except SSL.WantReadError:
                await self.flush()
                await self._more()
            else:
                return

    async def _more(self) -> None:
        raw = await self.reader.read(CHUNK)
        if not raw:
            raise ConnectionError
        self.tls.bio_write(raw)

    async def flush(self) -> None:
        """Send what OpenSSL has ready."""
        with suppress(SSL.WantReadError):
            while True:
                self.writer.write(self.tls.bio_read(CHUNK))
        await self.writer.drain()

    async def inwards(self, inner: asyncio.StreamWriter) -> None:
        """Hand the client's bytes to the server until the client has no more."""
        while True:
            try:
                inner.write(self.tls.recv(CHUNK))
                await inner.drain()
            except SSL.WantReadError:
                try:
                    await self._more()
                except ConnectionError:
                    break
            except SSL.ZeroReturnError:
                break
        inner.write_eof()

    async def outwards(self, inner: asyncio.StreamReader) -> None:
        """Hand the server's bytes to the client until the server has no more; then the line ends."""
        while raw := await inner.read(CHUNK):
            self.tls.sendall(raw)
            async with asyncio.timeout(STALL_SECONDS):
                await self.flush()
        with suppress(SSL.Error):
            self.tls.shutdown()
        await self.flush()
        raise ConnectionError  # the client need not say that it has no more


def _context(settings: Settings, judge: Callable[..., bool]) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)  # TAXII 2.1 section 8.2.2
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(_CIPHERS)
    context.use_certificate_chain_file(settings.certificate)
    context.use_privatekey_file(settings.key)
    context.check_privatekey()
    if settings.authority:
        context.load_verify_locations(settings.authority)
    required = SSL.VERIFY_FAIL_IF_NO_PEER_CERT if settings.clients == "required" else 0
    context.set_verify(SSL.VERIFY_PEER | required, judge)
    context.set_alpn_select_callback(_protocol)
    return context


def _protocol(_tls: SSL.Connection, offered: list[bytes]) -> bytes:
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS  # type: ignore[return-value]
