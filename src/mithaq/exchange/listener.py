"""The peers' listener as a value with one entry: a request in, an answer out; no sockets, no framework.

It verifies who is calling, serves shelves and spools what comes in; it never admits, and opens neither the node's
core nor its exchange key (border.md 10). Its memory of nonces and of budgets is its own: one process, one listener.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mithaq.clock import Clock
from mithaq.errors import MithaqError, NotFound
from mithaq.exchange.cursor import Cursors
from mithaq.exchange.gate import ANYBODY, Gate, Knock
from mithaq.exchange.gifts import Gifts
from mithaq.exchange.prints import Prints
from mithaq.exchange.problems import HttpProblem, respond
from mithaq.exchange.routes import Heard, Open, find
from mithaq.exchange.visit import Hearing, Settings, Visit
from mithaq.exchange.wire import Request, Response
from mithaq.model.benign import Benign
from mithaq.store.engine import Store

_AT_ONCE = 7  # answers that read at the same time
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Someone known, by the head of a request, may send a body of this length."""

    name: str
    most_bytes: int


class Listener:
    """Answers peers and anybody else; safe to be asked from many threads."""

    def __init__(
        self,
        settings: Settings,
        shelf: Store,
        spool: Store,
        clock: Clock,
        known: Callable[[str], Benign] = lambda _: Benign(),
    ) -> None:
        """Read the cursor key; the stores are opened and closed by whoever gives them.

        Args:
            known: what is known to be harmless, by what is ours; without it, reserved addresses alone.
        """
        self._settings = settings
        self._shelf = shelf
        self._spool = spool
        self._clock = clock
        self._cursors = Cursors(Path(settings.cursor_key_path).read_bytes())
        self._prints = Prints(known)
        self._gifts = Gifts()
        self._gate = Gate(realm=settings.realm)
        # One answer may need two connections, and a pool that runs dry would let threads wait for each other.
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def answer(self, request: Request) -> Response:
        """Return the answer; each is bounded, and tells the caller nothing but what is its own."""
        return self._guarded(lambda: self._answer(self._here(request)))

    def look(self, head: Request, announced: int) -> Welcome | Response:
        """Judge a request by its head, before its body is read: strangers cannot make us hold their bytes.

        Args:
            announced: the length that the head states; 1 if there is a body without one.
        """
        welcome: list[Welcome] = []

        def first() -> Response:
            welcome.append(self._look(self._here(head), announced))
            return Response(status=100)

        refused = self._guarded(first)
        return welcome[0] if welcome else refused

    def _look(self, head: Request, announced: int) -> Welcome:
        verb, _ = find(head.method, head.path.removeprefix(self._settings.prefix))
        if isinstance(verb, Open):
            raise HttpProblem(413)
        if isinstance(verb, Heard):
            if announced > verb.most_bytes:
                raise HttpProblem(413)
            return Welcome(name=ANYBODY, most_bytes=verb.most_bytes)
        _as_it_is(head)
        most = verb.most_bytes(self._settings)
        if announced > most:
            raise HttpProblem(413)
        with self._turns, self._shelf.read() as unit:
            knock = self._gate.identify(unit, head, self._clock(), body=False)
        return Welcome(name=knock.name, most_bytes=most)

    def _answer(self, request: Request) -> Response:
        verb, names = find(request.method, request.path.removeprefix(self._settings.prefix))
        if isinstance(verb, Open):
            with self._turns, self._shelf.read() as unit:
                return verb.answer(unit, names)
        now = self._clock()
        if isinstance(verb, Heard):
            return self._hear(verb, request, now)
        if request.body:
            _as_it_is(request)
        if len(request.body) > verb.most_bytes(self._settings):
            raise HttpProblem(413)
        with self._turns, self._shelf.read() as unit:
            knock = self._gate.identify(unit, request, now)
            with self._gate.turn(knock, now):
                if verb.only not in {"", knock.kind}:
                    raise NotFound("for others")
                visit = Visit(
                    settings=self._settings,
                    cursors=self._cursors,
                    prints=self._prints,
                    gifts=self._gifts,
                    shelf=unit,
                    shelf_room=self._shelf,
                    spool=self._spool,
                    knock=knock,
                    request=request,
                    now=now,
                )
                return verb.answer(visit, names)

    def _hear(self, verb: Heard, request: Request, now: datetime) -> Response:
        """Take what anybody may bring; all of them together are counted as one caller."""
        if request.body:
            _as_it_is(request)
        if len(request.body) > verb.most_bytes:
            raise HttpProblem(413)
        with (
            self._turns,
            self._shelf.read() as unit,
            self._gate.turn(Knock(name=ANYBODY, kind="anybody"), now),
        ):
            return verb.answer(
                Hearing(
                    settings=self._settings, shelf=unit, spool=self._spool, request=request, now=now
                )
            )

    def _here(self, request: Request) -> Request:
        """Return the request as addressed to us: what was signed for another node does not verify here."""
        parts = urlsplit(request.url)
        path = parts.path.removeprefix(self._settings.prefix)
        query = f"?{parts.query}" if parts.query else ""
        return replace(request, url=f"{self._settings.base}{path}{query}")

    def _guarded(self, act: Callable[[], Response]) -> Response:
        try:
            answer = act()
        except MithaqError as error:
            answer = respond(error)
        except (DBAPIError, PoolTimeout) as error:
            # The worker has not opened the shelf yet, or the database is away.
            _log.warning("store-away", kind=type(error).__name__)
            answer = respond(HttpProblem(503, headers={"retry-after": "5"}))
        return replace(answer, headers={**answer.headers, "cache-control": "no-store"})


def _as_it_is(request: Request) -> None:
    """Refuse a body that would have to be unpacked: what it unpacks to is bounded by nothing (RFC 9110, 8.4).

    Raises:
        HttpProblem: 415.
    """
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in {"", "identity"}:
        raise HttpProblem(415, headers={"accept-encoding": "identity"})
