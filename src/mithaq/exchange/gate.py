"""Who is calling, how much they may ask, and which shelf is theirs (border.md 6, step 1; 9.2; 10.3).

Nodes sign their requests with a pinned exchange key (RFC 9421); ordinary clients send their token, as Basic
``NAME:TOKEN``, as Bearer or, as MISP's tools do, by itself. Whoever is unknown, unconfirmed or wrong gets the same
answer, byte for byte.
"""

import base64
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.peers import token_digest
from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.transport import BadSignature, Nonces, Signed, verify
from mithaq.exchange.wire import Request
from mithaq.seal.keys import decode, generate
from mithaq.store import shelf as shelves
from mithaq.store.shelf import Caller, Shelf

AT_ONCE = 16  # requests of one caller under way; threads are left for the others
ANYBODY = ""  # the name of all who need not be known
_RATES = {  # requests a second; at most at one go
    "node": (50.0, 500.0),
    "client": (500.0, 2000.0),
    "anybody": (20.0, 100.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """A caller whose proof holds; ``signed`` is there for nodes and may be used once."""

    name: str
    kind: str  # node | client
    signed: Signed | None = None


@dataclass(slots=True)
class _Purse:
    """What is left of a caller's requests."""

    left: float
    at: datetime
    under_way: int = 0


@dataclass(slots=True)
class Gate:
    """Knows callers and counts their requests; one stands before one listener, which is one process."""

    realm: str
    _nonces: Nonces = field(default_factory=Nonces)
    _purses: dict[str, _Purse] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    # No caller's key, and its private half is gone: to look for an unknown one takes as long as for a known one.
    _nobody: bytes = field(default_factory=lambda: generate().public, repr=False)

    def identify(
        self, unit: Connection, request: Request, now: datetime, *, body: bool = True
    ) -> Knock:
        """Return who sent ``request``; nothing is counted yet.

        Args:
            body: the body is here; without it a first look at the head is taken.

        Raises:
            HttpProblem: 401.
        """
        written = request.headers.get("authorization")
        if written is not None:
            return self._client(unit, written)
        if "signature-input" in request.headers:
            return self._node(unit, request, now, body=body)
        raise self.unknown()

    def unknown(self) -> HttpProblem:
        """Return the one answer to whoever is not known (TAXII 2.1 section 1.6.9)."""
        ways = f'Basic realm="{self.realm}", charset="UTF-8", Bearer realm="{self.realm}"'
        return HttpProblem(401, headers={"www-authenticate": ways})

    def _node(self, unit: Connection, request: Request, now: datetime, *, body: bool) -> Knock:
        found: dict[str, str] = {}

        def key_of(keyid: str) -> bytes:
            known = shelves.caller_by_key(unit, keyid) if keyid.isprintable() else None
            if known is None or known[0].kind != "node" or _is_over(known[0], keyid, now):
                return self._nobody
            found[keyid] = known[0].name
            return decode(known[1])

        try:
            signed = verify(request, key_of, now, body=body)
        except BadSignature as error:
            raise self.unknown() from error
        if signed.keyid not in found:
            raise self.unknown()
        return Knock(name=found[signed.keyid], kind="node", signed=signed)

    def _client(self, unit: Connection, written: str) -> Knock:
        scheme, _, rest = written.strip().partition(" ")
        name: str | None = None
        token = rest.strip()
        if not token:
            token = scheme  # MISP's tools send their key by itself
        elif scheme.lower() == "basic":
            name, token = _basic(token) or ("", "")
        elif scheme.lower() != "bearer":
            raise self.unknown()
        digest = token_digest(token.encode("utf-8", "replace").decode())
        known = shelves.caller_by_token(unit, digest)
        if known is None or known.kind != "client" or not token:
            raise self.unknown()
        if name is not None and not secrets.compare_digest(name.encode(), known.name.encode()):
            raise self.unknown()
        return Knock(name=known.name, kind="client")

    @contextmanager
    def turn(self, knock: Knock, now: datetime) -> Iterator[None]:
        """Take one of the caller's turns; another caller's are not touched.

        Raises:
            HttpProblem: 401 for a request seen before; 429 or 503 if the caller asks too much.
        """
        with self._lock:
            self._take(knock, now)
        try:
            yield
        finally:
            with self._lock:
                self._purses[knock.name].under_way -= 1

    def _take(self, knock: Knock, now: datetime) -> None:
        rate, most = _RATES[knock.kind]
        purse = self._purses.setdefault(knock.name, _Purse(most, now))
        passed = max(0.0, (now - purse.at).total_seconds())
        purse.left, purse.at = min(most, purse.left + passed * rate), now
        if knock.signed is not None and not self._nonces.first_time(knock.signed, now):
            raise self.unknown()
        if purse.left < 1:
            raise HttpProblem(429, headers={"retry-after": "1"})
        if purse.under_way >= AT_ONCE:
            raise HttpProblem(503, headers={"retry-after": "1"})
        purse.left -= 1
        purse.under_way += 1


def _is_over(caller: Caller, keyid: str, now: datetime) -> bool:
    """Say whether a caller's key had its time: a thief of an old one reads nothing (border.md 9.1)."""
    return keyid in caller.ends and text(now) >= caller.ends[keyid]


def _basic(written: str) -> tuple[str, str] | None:
    try:
        name, colon, token = base64.b64decode(written, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (name, token) if colon else None


def shelf_for(unit: Connection, knock: Knock, root: str, now: datetime) -> Shelf:
    """Return the caller's shelf of that name: the one place where a request meets a shelf.

    Raises:
        NotFound: there is none, it is closed, or it is another's: all the same.
        HttpProblem: 503, its policy is being worked out again (border.md 3.4).
    """
    found = shelves.shelf_of(unit, knock.name, root)
    if found is None:
        raise NotFound("no such API root")
    if found.blocked(text(now)):
        raise HttpProblem(503, headers={"retry-after": "5"})
    return found
