"""Freshness and origin of requests between nodes: RFC 9421 signatures over pinned keys, on httpx2.

A signature covers method, target URI and content digest, with created, expires and nonce. It says who
asks and when; authenticity of what is said rests on the envelopes (border.md 5), never on this.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from mithaq.errors import Refused
from mithaq.exchange.wire import PeerUnreachable, Request, Response
from mithaq.seal.keys import Signer

TAG = "mithaq"
SKEW = timedelta(minutes=5)
LIFE = timedelta(minutes=2)
COVERED = ("@method", "@target-uri", "content-digest")


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
    return Request(
        method=request.method, url=request.url, headers=headers, body=request.body
    )


class _Pinned(HTTPSignatureKeyResolver):
    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        raw = self._keys.get(key_id)
        return None if raw is None else Ed25519PublicKey.from_public_bytes(raw)


@dataclass(slots=True)
class Nonces:
    """Nonces seen within the life of a signature; bounded by what fits in that time."""

    _seen: dict[str, datetime] = field(default_factory=dict)

    def first_time(self, nonce: str, now: datetime) -> bool:
        """Remember ``nonce``; say whether it is new."""
        if len(self._seen) > 10_000:
            self._seen = {n: at for n, at in self._seen.items() if at > now - 2 * SKEW}
        if nonce in self._seen:
            return False
        self._seen[nonce] = now
        return True


def verify(
    request: Request, keys: Mapping[str, bytes], nonces: Nonces, now: datetime
) -> str:
    """Return the key id that signed ``request``.

    Args:
        keys: raw Ed25519 public keys by key id, pinned from key documents.

    Raises:
        BadSignature: whatever is wrong; the message does not say what, since it may be shown to the sender.
    """
    message = _Message(request.method, request.url, dict(request.headers))
    verifier = HTTPMessageVerifier(
        signature_algorithm=algorithms.ED25519, key_resolver=_Pinned(keys)
    )
    verifier.max_clock_skew = SKEW
    try:
        (result,) = verifier.verify(
            message,
            max_age=SKEW,
            expect_tag=TAG,
            require_components=COVERED,
            body=request.body,
        )
    except (HTTPMessageSignaturesException, ValueError, TypeError, KeyError) as error:
        raise BadSignature("no valid signature") from error
    nonce = result.parameters.get("nonce")
    keyid = result.parameters.get("keyid")
    if (
        not isinstance(nonce, str)
        or not isinstance(keyid, str)
        or "expires" not in result.parameters
    ):
        raise BadSignature("no valid signature")
    if not nonces.first_time(f"{keyid} {nonce}", now):
        raise BadSignature("no valid signature")
    return keyid


class HttpWire:
    """A Wire over real HTTP; redirects are never followed, answers are read up to the limit."""

    def __init__(self, timeout_seconds: float = 20.0) -> None:
        """Keep one connection pool for all peers."""
        self._client = httpx2.Client(
            timeout=timeout_seconds, follow_redirects=False, trust_env=False
        )

    def send(self, request: Request, limit: int) -> Response:
        """Carry ``request``; see ``Wire.send``."""
        try:
            with self._client.stream(
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
                headers = {
                    name.lower(): value for name, value in answer.headers.items()
                }
                return Response(
                    status=answer.status_code, headers=headers, body=bytes(body)
                )
        except httpx2.HTTPError as error:
            raise PeerUnreachable(type(error).__name__) from error

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
