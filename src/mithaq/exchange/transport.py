"""Freshness and origin of requests between nodes: RFC 9421 signatures over pinned keys, on httpx2.

A signature covers method, target URI and content digest, with created, expires and nonce. It says who
asks and when; authenticity of what is said rests on the envelopes (border.md 5), never on this.
"""

import hashlib
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException, InvalidSignature

from mithaq import clock
from mithaq.errors import Refused
from mithaq.exchange import tls
from mithaq.exchange.wire import PeerUnreachable, Request, Response
from mithaq.seal.keys import Signer

TAG = "mithaq"
SKEW = timedelta(minutes=5)
LIFE = timedelta(minutes=2)
COVERED = ("@method", "@target-uri", "content-digest")
KeyOf: TypeAlias = Callable[[str], bytes | None]


class BadSignature(Refused):
    """The request bears no valid signature of a known key, or one seen before."""

    code = "bad-request-signature"


@dataclass(slots=True)
class _Message:
    """What the signature library reads and writes."""

    method: str
    url: str
    headers: dict[str, str]


def sign(request: Request, signer: Signer, now: datetime) -> Request:
    """Return ``request`` with Content-Digest, Signature-Input and Signature (RFC 9421, RFC 9530)."""
    message = _Message(request.method, request.url, dict(request.headers))
    hms = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)
    prepared = hms.prepare(
        message,
        key_id=signer.keyid,
        created=now,
        expires=now + LIFE,
        nonce=secrets.token_urlsafe(18),
        label="mithaq",
        tag=TAG,
        covered_component_ids=COVERED[:2],
        body=request.body,
    )
    hms.apply(message, prepared, signer.sign(prepared.signature_base))
    headers = {name.lower(): value for name, value in message.headers.items()}
    return Request(method=request.method, url=request.url, headers=headers, body=request.body)


class _Pinned(HTTPSignatureKeyResolver):
    def __init__(self, key_of: KeyOf) -> None:
        self._key_of = key_of

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        raw = self._key_of(key_id)
        return None if raw is None else Ed25519PublicKey.from_public_bytes(raw)


class _Verifier(HTTPMessageVerifier):
    """The library's verifier by the instant it is given, not by the system's clock."""

    def __init__(self, key_of: KeyOf, now: datetime) -> None:
        super().__init__(signature_algorithm=algorithms.ED25519, key_resolver=_Pinned(key_of))
        self._now = now

    def validate_created_and_expires(
        self,
        sig_input: Any,  # noqa: ANN401 the library's own, untyped
        max_age: timedelta | None = None,  # noqa: ARG002 LIFE and SKEW say it
    ) -> None:
        """Take what is live now, give or take ``SKEW``, and lives no longer than ``LIFE``."""
        created, expires = (sig_input.params.get(name) for name in ("created", "expires"))
        now, skew = self._now.timestamp(), SKEW.total_seconds()
        if (
            type(created) is not int
            or type(expires) is not int
            or not 0 <= expires - created <= LIFE.total_seconds()
            or not created - skew <= now <= expires + skew
        ):
            raise InvalidSignature("not now")


@dataclass(frozen=True, slots=True)
class Signed:
    """Which key signed a request, and the nonce that may be used once."""

    keyid: str
    nonce: str


@dataclass(slots=True)
class Nonces:
    """Nonces seen while a signature of theirs may still live; bounded by what a peer may ask in that time."""

    _seen: dict[bytes, datetime] = field(default_factory=dict)

    def first_time(self, signed: Signed, now: datetime) -> bool:
        """Remember a nonce of a key; say whether it is new."""
        for oldest, at in list(islice(self._seen.items(), 2)):
            if at < now - LIFE - 2 * SKEW:
                del self._seen[oldest]
        name = f"{signed.keyid} {signed.nonce}".encode()
        short = hashlib.blake2b(name, digest_size=16).digest()
        if short in self._seen:
            return False
        self._seen[short] = now
        return True


def verify(request: Request, key_of: KeyOf, now: datetime, *, body: bool = True) -> Signed:
    """Return who signed ``request``; whether its nonce is new is for the caller to ask.

    Args:
        key_of: gives the raw Ed25519 public key of a key id, pinned from key documents.
        body: the body is here; without it its digest stays unchecked, for a first look at the head.

    Raises:
        BadSignature: whatever is wrong; the message does not say what, since it may be shown to the sender.
    """
    message = _Message(request.method, request.url, dict(request.headers))
    try:
        (result,) = _Verifier(key_of, now).verify(
            message,
            expect_tag=TAG,
            require_components=COVERED,
            body=request.body if body else None,
        )
    except (HTTPMessageSignaturesException, ValueError, TypeError, KeyError) as error:
        raise BadSignature("no valid signature") from error
    keyid, nonce = (result.parameters.get(name) for name in ("keyid", "nonce"))
    if not isinstance(nonce, str) or not isinstance(keyid, str):
        raise BadSignature("no valid signature")
    return Signed(keyid, nonce)


class HttpWire:
    """A Wire over real HTTP; redirects are never followed, answers are read up to the limit and for so long."""

    def __init__(
        self,
        timeout_seconds: float = 20.0,
        whole_seconds: float = 120.0,
        identity: tuple[Path, Path] | None = None,
        pins: Callable[[str], frozenset[str]] = lambda _origin: frozenset(),
    ) -> None:
        """Keep one pool of connections for all peers without pins, and one for each that has some.

        Args:
            timeout_seconds: until something comes.
            whole_seconds: until all has come: who sends a byte now and then holds nobody up for ever.
            identity: files of the certificate that we show to whoever asks, and of its key.
            pins: returns the pins of an origin's certificates; none: the system's authorities judge.
        """
        self._timeout = timeout_seconds
        self._whole_seconds = whole_seconds
        self._identity = identity
        self._pins = pins
        self._lock = threading.Lock()
        self._clients: dict[str, tuple[frozenset[str], httpx2.Client]] = {}

    def _client(self, url: str) -> httpx2.Client:
        origin = origin_of(url)
        pins = self._pins(origin) if origin.startswith("https:") else frozenset()
        name = origin if pins else ""
        with self._lock:
            known = self._clients.get(name)
            if known is None or known[0] != pins:
                known = pins, self._made(tls.context(pins, self._identity))
                self._clients[name] = known
            return known[1]

    def _made(self, context: ssl.SSLContext) -> httpx2.Client:
        return httpx2.Client(
            timeout=self._timeout, follow_redirects=False, trust_env=False, verify=context
        )

    def of_strangers(self) -> tuple["HttpWire", tls.Pinned]:
        """Return a wire that takes any certificate, and where to see the pin of the last one.

        For a stranger's key document alone, which people judge by its words.
        """
        wire, anybody = (
            HttpWire(self._timeout, identity=self._identity),
            tls.anybody(self._identity),
        )
        wire._clients[""] = frozenset(), self._made(anybody)
        return wire, anybody

    def send(self, request: Request, limit: int) -> Response:
        """Carry ``request``; see ``Wire.send``."""
        until = clock.monotonic() + self._whole_seconds
        try:
            with self._client(request.url).stream(
                request.method,
                request.url,
                headers=dict(request.headers),
                content=request.body,
            ) as answer:
                body = bytearray()
                for chunk in answer.iter_raw():
                    body += chunk
                    if len(body) > limit:
                        raise PeerUnreachable("answer too long", limit=limit)
                    if clock.monotonic() > until:
                        raise PeerUnreachable("answer too slow")
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(status=answer.status_code, headers=headers, body=bytes(body))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error) or type(error).__name__
            said = f"no answer from {origin_of(request.url)}: {why}"
            raise PeerUnreachable(said, cause=_cause(error)) from error

    def close(self) -> None:
        """Close all connections."""
        for _, client in self._clients.values():
            client.close()


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, in one form; empty if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.hostname}:{port}"


def _cause(error: BaseException) -> str:
    """Return ``certificate`` if somebody answers there whose certificate does not count; ``tls`` for other alerts."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return "certificate"
        if isinstance(seen, ssl.SSLError):
            return "tls"
        seen = seen.__cause__ or seen.__context__
    return ""
