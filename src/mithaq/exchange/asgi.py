"""The peers' listener on HTTP: a small ASGI application around it, for Granian or any other server.

``mithaq.exchange.asgi:app_from_environment`` is the factory; the environment variable ``MITHAQ_LISTENER`` holds its
settings as JSON. Run it in one process: nonces and budgets are remembered in it.
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mithaq import clock
from mithaq.errors import InputError
from mithaq.exchange.listener import Listener, Welcome
from mithaq.exchange.problems import HttpProblem, respond
from mithaq.exchange.visit import Settings
from mithaq.exchange.wire import Request, Response
from mithaq.model.benign import Benign
from mithaq.store.engine import open_store

VARIABLE = "MITHAQ_LISTENER"
BODY_SECONDS = 60.0  # a body must be here by then
BODIES_AT_ONCE = 4  # of one caller
STRANGERS_AT_ONCE = 16  # of all together who need not be known: small ones, and not for long
STRANGERS_SECONDS = 10.0
_log = structlog.get_logger()


class NoSettings(InputError):
    """The environment holds no settings for the listener."""

    code = "no-listener-settings"


def app_from_environment(known: Callable[[str], Benign] = lambda _: Benign()) -> ASGIApp:
    """Build the application from ``MITHAQ_LISTENER``; stores are opened by the first requests.

    Args:
        known: what is known to be harmless, by what is ours; without it, reserved addresses alone.

    Raises:
        NoSettings: the variable is missing, or its JSON has missing, unknown or wrong keys.
    """
    try:
        settings = msgspec.json.decode(os.environ[VARIABLE], type=Settings)
    except (KeyError, msgspec.DecodeError) as error:
        raise NoSettings(f"{VARIABLE}: {error}") from error
    shelf = open_store(settings.shelf_url, "shelf", read_only=True)
    spool = open_store(settings.spool_url, "spool")

    def close() -> None:
        shelf.close()
        spool.close()

    return app(Listener(settings, shelf, spool, clock.now, known), settings.base, close)


def app(listener: Listener, base: str, close: Callable[[], None] = lambda: None) -> ASGIApp:
    """Return the application around ``listener``; ``close`` is called when the server stops.

    Args:
        base: the public address, of which the peers' signatures speak.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        close()

    made = Starlette(lifespan=lifespan)
    made.router.default = _Door(listener, base)  # whatever the path looks like, the answer is ours
    return made


class _Door:
    """Turns HTTP into the listener's values and back."""

    def __init__(self, listener: Listener, base: str) -> None:
        self._listener = listener
        self._base = base
        self._prefix = urlsplit(
            base
        ).path.encode()  # a proxy in front may have taken it away already
        self._bodies: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        try:
            answer = await self._answer(HttpRequest(scope, receive))
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 whatever went wrong, no word of it leaves
            _log.error("listener-fault", kind=type(error).__name__, exc_info=True)
            answer = respond(HttpProblem(500))
        if answer.status in {408, 413} and scope["http_version"].startswith("1"):
            answer = replace(answer, headers={**answer.headers, "connection": "close"})
        response = HttpResponse(answer.body, answer.status, dict(answer.headers))
        await response(scope, receive, send)

    async def _answer(self, http: HttpRequest) -> Response:
        head = self._head(http)
        announced = _announced(head)
        if announced == 0:
            return await run_in_threadpool(self._listener.answer, head)
        welcome = await run_in_threadpool(self._listener.look, head, announced)
        if isinstance(welcome, Response):
            return welcome
        if self._bodies[welcome.name] >= (BODIES_AT_ONCE if welcome.name else STRANGERS_AT_ONCE):
            return respond(HttpProblem(503, headers={"retry-after": "1"}))
        self._bodies[welcome.name] += 1
        try:
            body = await _read(http, welcome)
            return await run_in_threadpool(self._listener.answer, replace(head, body=body))
        except HttpProblem as problem:
            return respond(problem)
        finally:
            self._bodies[welcome.name] -= 1
            self._bodies += Counter()  # forget who has none

    def _head(self, http: HttpRequest) -> Request:
        path = http.scope.get("raw_path") or http.scope["path"].encode()
        query = http.scope["query_string"]
        path = path.partition(b"?")[0].removeprefix(self._prefix)
        target = path + (b"?" + query if query else b"")
        headers: dict[str, str] = {}
        for name, value in http.headers.items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Request(
            method=http.method, url=self._base + target.decode("latin-1"), headers=headers
        )


def _announced(head: Request) -> int:
    """Return the length that the head states; 1 for a body without a stated length."""
    if "transfer-encoding" in head.headers:
        return 1
    stated = head.headers.get("content-length", "0")
    return int(stated) if re.fullmatch(r"[0-9]{1,18}", stated) else 1


async def _read(http: HttpRequest, welcome: Welcome) -> bytes:
    """Read the body as it comes, never more than the caller may send.

    Raises:
        HttpProblem: 413, 408.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS if welcome.name else STRANGERS_SECONDS):
            async for chunk in http.stream():
                body += chunk
                if len(body) > welcome.most_bytes:
                    raise HttpProblem(413)
    except TimeoutError as error:
        raise HttpProblem(408) from error
    return bytes(body)
