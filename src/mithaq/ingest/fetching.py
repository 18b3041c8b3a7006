"""Fetch from strangers: over HTTPS, from public addresses, so much, for so long, and no further than was said.

What a feed's server answers is an attacker's if the server is. So every connection goes to an address that was
looked at (a name that points into our own networks is refused, also after a redirect), every read has an end in
time and in size, also once unpacked, and a credential goes to the host it was given for alone.
"""

import copy
import ipaddress
import re
import socket
import ssl
import string
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import quote, urljoin, urlsplit

import httpcore2

from mithaq import clock
from mithaq.errors import PeerError
from mithaq.exchange import tls
from mithaq.exchange.transport import origin_of
from mithaq.ingest.rules import Secret

AGENT = "mithaq"
MOST_BYTES = 64 << 20
SECONDS = 20.0  # until something comes
WHOLE_SECONDS = 300.0  # until all has come
RUN_SECONDS, RUN_BYTES = 3600.0, 4 << 30  # of all answers of one reading: others wait meanwhile
HOPS = 5
_OK, _NOT_MODIFIED = 200, 304
_PARTIAL = 206
_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({429, 503})
_MOST_WAIT = 86_400
_DIGITS = re.compile(r"[0-9]{1,9}")
_AS_IT_IS = string.punctuation  # of a redirect; what is no ASCII is written by its number
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_OF_NOBODY = tuple(  # of sites, of hosts and of translators, whatever the library calls them
    map(
        ipaddress.IPv6Network,
        ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "fec0::/10", "3fff::/20", "5f00::/16"),
    )
)


class NotFetched(PeerError):
    """A feed's server gave nothing that may be used; fact ``cause`` says what was wrong."""

    code = "not-fetched"


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """An answer, whole and unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    url: str

    @property
    def unchanged(self) -> bool:
        """Say whether there is nothing new."""
        return self.status == _NOT_MODIFIED


@dataclass(slots=True, kw_only=True)
class Bounds:
    """What one answer may cost."""

    most_bytes: int = MOST_BYTES
    seconds: float = SECONDS
    whole_seconds: float = WHOLE_SECONDS
    run_seconds: float = RUN_SECONDS
    run_bytes: int = RUN_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """By what way a feed's server is met: whose word counts for it, and through which proxy."""

    ca: str = ""  # PEM; empty: whom the system trusts
    proxy: str = ""


DIRECT = Way()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manner:
    """How something is asked: by which method, what is an answer, and until when one may begin."""

    method: str = "GET"
    fine: frozenset[int] = frozenset()
    seconds: float


class Fetcher:
    """Fetches for one feed; its connections end with it."""

    def __init__(
        self,
        url: str,
        *,
        local: bool,
        secret: Secret | None = None,
        bounds: Bounds | None = None,
        way: Way = DIRECT,
    ) -> None:
        """Know for whom: ``url`` is where the credential goes.

        Args:
            local: our own networks are meant; then no redirect leads to another host.
        """
        self._home = origin_of(url)
        self._local = local
        self._secret = secret
        self._bounds = bounds or Bounds()
        self._proxied = bool(way.proxy)
        # A proxy is ours, wherever it stands; what is behind it, it alone meets.
        self._guard = _Guard(local=local or self._proxied)
        trusted = tls.vouched_for(way.ca) if way.ca else tls.context(frozenset(), None)
        self._pool = _pool(way.proxy, trusted, self._guard)

    def __enter__(self) -> Self:
        """Return the fetcher, to be closed at the end of the block."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close its connections."""
        self._pool.close()

    def at_most(self, most: int) -> "Fetcher":
        """Return the same, over the same connections, of which no answer may have more bytes than that."""
        other = copy.copy(self)
        bounds = replace(self._bounds, most_bytes=min(most, self._bounds.most_bytes))
        vars(other).update(_bounds=bounds)
        return other

    def hushed(self, said: str) -> str:
        """Return what a server says without our credential, should it say that back."""
        value = self._secret.value if self._secret is not None else ""
        for each in filter(None, (value, value.rpartition(" ")[2])):
            said = said.replace(each, "…")
        return said

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Got:
        """Fetch ``url``; an answer is 200, 206 or 304.

        Raises:
            NotFetched: there was none that may be used.
        """
        self._guard.until = clock.monotonic() + self._bounds.whole_seconds
        for _ in range(HOPS + 1):
            if self._proxied and not self._local:
                _not_ours(urlsplit(url).hostname or "")
            got = self._once(url, headers or {})
            if got.status not in _MOVED:
                return got
            url = self._onward(url, got.headers.get("location", ""))
        raise NotFetched("it sends us round in circles", cause="redirects")

    def post(self, url: str, body: bytes, headers: Mapping[str, str] | None = None) -> Got:
        """Ask ``url`` with a body that is JSON; whoever sends elsewhere is not followed.

        Raises:
            NotFetched: there was no answer that may be used.
        """
        return self.ask("POST", url, body, headers)

    def ask(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        fine: frozenset[int] = frozenset(),
    ) -> Got:
        """Ask ``url`` by a method, with a body that is JSON; whoever sends elsewhere is not followed.

        What is asked like that is looked for and written down first, so its answer may begin as late as it may end.

        Args:
            fine: statuses that are answers too.

        Raises:
            NotFetched: there was no answer that may be used.
        """
        self._guard.until = clock.monotonic() + self._bounds.whole_seconds
        if self._proxied and not self._local:
            _not_ours(urlsplit(url).hostname or "")
        kind = {} if body is None else {"content-type": "application/json"}
        manner = _Manner(method=method, fine=fine, seconds=self._bounds.whole_seconds)
        got = self._once(url, {**kind, **(headers or {})}, body, manner)
        if got.status in _MOVED:
            raise NotFetched("it sends elsewhere what is asked of it", cause="redirects")
        return got

    def _onward(self, url: str, said: str) -> str:
        """Return where a redirect leads, if it may be followed."""
        try:
            onward = urljoin(url, quote(said, safe=_AS_IT_IS, encoding="latin-1"))
            parts = urlsplit(onward)
            scheme, host = (parts.scheme, parts.hostname) if parts.port != 0 else ("", "")
        except ValueError:
            scheme, host, onward = "", None, ""
        if not said or not host or scheme not in {"http", "https"}:
            raise NotFetched("it sends us to what is no address", cause="redirects")
        if scheme == "http" and (urlsplit(url).scheme == "https" or not self._local):
            raise NotFetched("it sends us to http://, where anybody may change it", cause="plain")
        if self._local and host != urlsplit(self._home).hostname:
            raise NotFetched("in our own networks no redirect leads to another host", cause="hosts")
        return onward

    def _once(
        self,
        url: str,
        headers: Mapping[str, str],
        posted: bytes | None = None,
        manner: "_Manner | None" = None,
    ) -> Got:
        manner = manner or _Manner(seconds=self._bounds.seconds)
        sent = {"user-agent": AGENT, "accept": "*/*", "accept-encoding": "gzip", **headers}
        if self._secret is not None and origin_of(url) == self._home:
            sent[self._secret.header] = self._secret.value
        with (
            _said(url),
            self._pool.stream(
                manner.method,
                url,
                content=posted,
                headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                extensions={
                    "timeout": {
                        **dict.fromkeys(("connect", "write", "pool"), self._bounds.seconds),
                        "read": manner.seconds,
                    }
                },
            ) as answer,
        ):
            told = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in answer.headers}
            if answer.status in _MOVED | {_NOT_MODIFIED}:
                return Got(status=answer.status, headers=told, url=url)
            if answer.status not in {_OK, _PARTIAL, *manner.fine}:
                raise NotFetched(
                    f"it answers {answer.status}",
                    cause="status",
                    status=answer.status,
                    wait=_wait(answer.status, told),
                )
            body = b"" if manner.method == "HEAD" else self._read(told, answer.iter_stream())
        return Got(status=answer.status, headers=told, body=body, url=url)

    def _read(self, headers: Mapping[str, str], parts: Iterable[bytes]) -> bytes:
        """Read an answer as far as it may go, unpacking as it comes."""
        most = self._bounds.most_bytes
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > most:
            raise NotFetched(f"it is longer than {most} bytes", cause="too-long")
        packed = headers.get("content-encoding", "identity").strip().lower()
        if packed not in {"gzip", "x-gzip", "identity", ""}:
            raise NotFetched("it is packed in a way that we did not ask for", cause="encoding")
        unpack = zlib.decompressobj(31) if "gzip" in packed else None
        body = bytearray()
        for part in parts:
            if unpack is None:
                body += part
            else:
                body += unpack.decompress(part, most + 1 - len(body))
            if len(body) > most:
                raise NotFetched(f"it is longer than {most} bytes", cause="too-long")
        if unpack is not None and not unpack.eof:
            raise NotFetched("it ends before it is whole", cause="cut-off")
        return bytes(body)


def _pool(proxy: str, trusted: ssl.SSLContext, guard: "_Guard") -> httpcore2.ConnectionPool:
    if not proxy:
        return httpcore2.ConnectionPool(ssl_context=trusted, network_backend=guard)
    return httpcore2.HTTPProxy(
        proxy,
        ssl_context=trusted,
        proxy_ssl_context=tls.context(frozenset(), None) if proxy.startswith("https:") else None,
        network_backend=guard,
    )


def _not_ours(host: str) -> None:
    """Refuse what names our own networks by itself; what a name stands for, a proxy alone knows.

    Raises:
        NotFetched: it does.
    """
    try:
        ours = not public(host)
    except ValueError:
        ours = host == "localhost" or host.endswith(".localhost")
    if ours:
        raise NotFetched(f"{host} points into our own networks; --local allows it", cause="local")


def _wait(status: int, headers: Mapping[str, str]) -> int:
    """Return how many seconds we are asked to wait (RFC 9110 section 10.2.3); dates count as no word."""
    said = headers.get("retry-after", "")
    if status not in _LATER or _DIGITS.fullmatch(said) is None:
        return 0
    return min(int(said), _MOST_WAIT)


@contextmanager
def _said(url: str) -> Iterator[None]:
    """Say what went wrong on the way in our words."""
    try:
        yield
    except httpcore2.TimeoutException as error:
        raise NotFetched(f"{origin_of(url)} is too slow", cause="too-slow") from error
    except httpcore2.RemoteProtocolError as error:
        raise NotFetched("it ends before it is whole, or is no HTTP", cause="cut-off") from error
    except zlib.error as error:
        raise NotFetched("it cannot be unpacked", cause="encoding") from error
    except ssl.SSLError as error:
        raise NotFetched("its certificate does not count", cause="certificate") from error
    except (
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
        httpcore2.UnsupportedProtocol,
    ) as error:
        cause = "certificate" if _about_tls(error) else "no-answer"
        raise NotFetched(f"no answer from {origin_of(url)}", cause=cause) from error


def _about_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


# --- where to -----------------------------------------------------------------------------------------------
def public(address: str) -> bool:
    """Say whether an address is of the Internet at large, and not one that stands for another."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return public(str(inner))
        if ip.teredo is not None or any(ip in network for network in _OF_NOBODY):
            return False
    return ip.is_global and not ip.is_multicast


def _addresses(host: str, port: int, *, local: bool) -> list[str]:
    """Return where a name points, if that is where we may go: the very addresses that are then met."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise httpcore2.ConnectError(f"no address of {host}") from error
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    if not local and not all(map(public, addresses)):
        raise NotFetched(f"{host} points into our own networks; --local allows it", cause="local")
    return addresses


class _Guard(httpcore2.NetworkBackend):
    """Meets looked-at addresses alone, and lets nothing take longer than the whole may."""

    def __init__(self, *, local: bool) -> None:
        self._local = local
        self._inner = httpcore2.SyncBackend()
        self._own = threading.local()  # several may fetch at once, each for so long

    @property
    def until(self) -> float:
        """When what this thread fetches must be there."""
        return float(getattr(self._own, "until", 0.0))

    @until.setter
    def until(self, instant: float) -> None:
        self._own.until = instant

    def left(self, timeout: float | None) -> float:
        """Return how long the next step may take."""
        left = self.until - clock.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("too slow as a whole")
        return min(left, timeout or left)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address of a name that answers."""
        failed: Exception = httpcore2.ConnectError(f"no address of {host}")
        for address in _addresses(host, port, local=self._local):
            try:
                stream = self._inner.connect_tcp(
                    address, port, self.left(timeout), local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return _Stream(stream, self)
        raise failed


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends in time."""

    def __init__(self, inner: httpcore2.NetworkStream, guard: _Guard) -> None:
        self._inner = inner
        self._guard = guard

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what has come."""
        return self._inner.read(max_bytes, self._guard.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        self._inner.write(buffer, self._guard.left(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        """Go on under TLS."""
        left = self._guard.left(timeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._guard)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 the library's own form
        """Hand on what the library asks of a connection."""
        return self._inner.get_extra_info(info)

    def close(self) -> None:
        """Close."""
        self._inner.close()
