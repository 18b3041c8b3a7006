"""The careful line to whom is examined: one host, no redirects, bounded bytes and time; each answer is looked at."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from mithaq.errors import PeerError
from mithaq.exchange.conform.report import Book, Evidence
from mithaq.exchange.problems import TAXII
from mithaq.exchange.wire import Request, Response, Wire

MOST_ANSWER = 24 << 20
MOST_BYTES = 512 << 20
MOST_REQUESTS = 4000
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_PATIENCE = 3  # how often an answer that asks for patience is asked for again
_ERROR, _FAULT, _BUSY, _TOO_MANY = 400, 500, 503, 429
DATES = ("x-taxii-date-added-first", "x-taxii-date-added-last")


class EnoughSeen(PeerError):
    """The examination has used up what it may ask, read or wait for."""

    code = "enough-seen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, and what it answers."""

    method: str
    target: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    value: object = None  # the body, if it is JSON

    @property
    def fields(self) -> Mapping[str, object]:
        """The members of a JSON object; none of anything else."""
        return self.value if isinstance(self.value, dict) else {}

    def list(self, name: str) -> list[dict[str, object]]:
        """Return the objects of a list in it, what is none left out."""
        found = self.fields.get(name)
        return [e for e in found if isinstance(e, dict)] if isinstance(found, list) else []

    def evidence(self, fact: str = "") -> Evidence:
        """Return it as evidence."""
        return Evidence(request=f"{self.method} {self.target}", status=self.status, fact=fact[:300])


@dataclass(slots=True)
class Probe:
    """Asks one server, at most so much, and judges what holds of every answer."""

    wire: Wire
    base: str
    book: Book
    pause: Callable[[float], None]
    seconds_left: Callable[[], float]
    credential: str | None = field(default=None, repr=False)
    _last: str = ""
    _requests: int = 0
    _answers: int = 0
    _bytes: int = 0

    def get(
        self, path: str, query: Mapping[str, object] | None = None, **headers: str | None
    ) -> Answer:
        """Ask for a resource of TAXII."""
        target = f"{path}?{urlencode(query)}" if query else path
        return self.ask("GET", target, headers=headers)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str | None] | None = None,
    ) -> Answer:
        """Send a TAXII request with our credential; a header given as None is left out.

        Raises:
            PeerUnreachable: no answer came. EnoughSeen: the bounds are used up.
        """
        given: dict[str, str | None] = {"accept": TAXII, "authorization": self.credential}
        if body or method == "POST":
            given["content-type"] = TAXII
        given |= {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        sent = {name: value for name, value in given.items() if value is not None}
        answer = self.plain(
            Request(method=method, url=self.url(target), headers=sent, body=body), target
        )
        self._look(answer)
        return answer

    def plain(
        self,
        request: Request,
        target: str,
        dress: Callable[[Request], Request] = lambda request: request,
        limit: int = 0,
    ) -> Answer:
        """Send a request as it is; nothing is judged.

        Args:
            dress: called before each sending: a signature serves once.
            limit: bytes of the answer; the usual ones if it is 0.

        Raises:
            PeerUnreachable, EnoughSeen: as above.
        """
        answer = self._send(dress(request), limit or MOST_ANSWER)
        for _ in range(_PATIENCE):
            wait = answer.headers.get("retry-after", "")
            if answer.status not in {_BUSY, _TOO_MANY} or not re.fullmatch(r"[0-9]{1,2}", wait):
                break
            self.pause(min(5.0, float(wait)))
            answer = self._send(dress(request), limit or MOST_ANSWER)
        return Answer(
            method=request.method,
            target=target,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
            value=_json(answer.body),
        )

    def _send(self, request: Request, limit: int) -> Response:
        if self._requests >= MOST_REQUESTS or self._bytes >= MOST_BYTES or self.seconds_left() <= 0:
            raise EnoughSeen("asked enough", requests=self._requests)
        self._requests += 1
        self._last = f"{request.method} {request.url}"
        answer = self.wire.send(request, limit)
        self._answers += 1
        self._bytes += len(answer.body)
        return answer

    @property
    def answered(self) -> bool:
        """Say whether anything was answered at all."""
        return self._answers > 0

    def last(self, fact: str = "") -> Evidence:
        """Return the newest request as evidence, and how many there were."""
        return Evidence(request=self._last, status=0, fact=fact or f"{self._requests} answers")

    def url(self, target: str) -> str:
        """Return the whole address of a target on the server that is examined."""
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}{target}"

    def here(self, written: str) -> str | None:
        """Return the path of an address that the server names; None if it is none, or on another host."""
        try:
            whole = urlsplit(urljoin(self.base + "/", written))
        except ValueError:
            return None
        ours = urlsplit(self.base)
        if (whole.scheme, whole.netloc) != (ours.scheme, ours.netloc):
            return None
        return whole.path

    def _look(self, answer: Answer) -> None:
        """Judge what holds of every answer of TAXII: no faults, its media type, its error messages, its timestamps."""
        busy = answer.status == _BUSY and "retry-after" in answer.headers
        self.book.judge("no-fault", answer.evidence(), holds=answer.status < _FAULT or busy)
        kind = answer.headers.get("content-type", "")
        fact = f"content-type: {kind}"
        if answer.status >= _ERROR:
            title, status = answer.fields.get("title"), answer.fields.get("http_status")
            fine = isinstance(title, str) and bool(title) and status in {None, str(answer.status)}
            fine = fine or not answer.body  # a message may be left out
            self.book.judge("error-message", answer.evidence(fact), holds=fine and is_taxii(kind))
        elif answer.body:
            self.book.judge("media-type", answer.evidence(fact), holds=is_taxii(kind))
        for name in DATES:
            if (date := answer.headers.get(name)) is not None:
                self.stamp(answer, date)

    def stamp(self, answer: Answer, written: object) -> bool:
        """Judge a timestamp of TAXII (section 2)."""
        holds = isinstance(written, str) and _STAMP.fullmatch(written) is not None
        return self.book.judge("timestamps", answer.evidence(str(written)), holds=holds)


def is_taxii(kind: str) -> bool:
    """Say whether a Content-Type is TAXII's with its version."""
    name, *parameters = (part.strip().lower() for part in kind.split(";"))
    return name == "application/taxii+json" and any(
        p.replace(" ", "").replace('"', "") == "version=2.1" for p in parameters
    )


def _json(body: bytes) -> object:
    try:
        value: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value
