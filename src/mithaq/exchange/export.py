"""Exports at addresses that a client's tools poll: printed from its shelves, and kept until these change.

An answer bears an ETag; who shows it again learns in an instant that nothing has changed. There is no Last-Modified: a
value that is taken back in the second in which a list was read would stay in that list.
"""

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from mithaq.border import exports
from mithaq.border.exports import ShelfBlocked, TooMuch
from mithaq.errors import NotFound
from mithaq.exchange.prints import Kept
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response
from mithaq.formats.export import EXPORTS, LEFT
from mithaq.store.shelf import Shelf

JSON = "application/json"
MOST_BYTES = (
    128 << 20
)  # of objects that one answer is printed from; more is read over TAXII, in pages
MOST_WHOLE = 32 << 20  # where all of an object is printed, and not its values alone
CSV = "text/csv; charset=utf-8"
FIRST = {"misp": "misp/manifest.json"}  # of several files the one that names the others
MEDIA = {"misp/hashes.csv": CSV}  # of a file that is not of its export's type

Names = Mapping[str, str]


def index(visit: Visit, _names: Names) -> Response:
    """List the exports: the same for every client."""
    listed = [
        {"path": f"/export/{FIRST.get(each.name, each.name)}", "media_type": each.media}
        for each in EXPORTS.values()
    ]
    body = msgspec.json.encode({"exports": listed})
    return _answer(visit, {"content-type": JSON}, body)


def export(visit: Visit, name: str, file: str = "") -> Response:
    """Answer with an export, or that it is what the client has.

    Args:
        file: which of several; else the only one.

    Raises:
        NotFound: there is no such file, or the client has no grant in force.
    """
    file = file or name
    made = kept(visit, name)
    if file not in made.files:
        raise NotFound("no such file")
    tag = {"etag": made.tags[file]}
    if _has(visit.request.headers.get("if-none-match", ""), tag["etag"]):
        return Response(status=304, headers=tag)
    if visit.request.method != "HEAD":  # else nothing of it is handed out
        note(visit, made)
    media = MEDIA.get(file, EXPORTS[name].media)
    return _answer(visit, {**made.headers, **tag, "content-type": media}, made.files[file])


def kept(visit: Visit, name: str) -> Kept:
    """Return an export as it is to be printed now.

    Raises:
        NotFound: the client has no grant in force.
        HttpProblem: 503.
    """
    which, state = standing(visit)
    at = (state, visit.now)
    return visit.prints.fresh(visit.knock.name, name, at, lambda: _print(visit, which, state, name))


def standing(visit: Visit) -> tuple[list[Shelf], object]:
    """Return a client's shelves, and what differs as soon as another row stands there, or one less.

    Raises:
        NotFound: the client has no grant in force.
        HttpProblem: 503.
    """
    try:
        which = exports.shelves_of(visit.shelf, visit.knock.name, visit.now)
    except ShelfBlocked as error:
        raise HttpProblem(503, headers={"retry-after": "5"}) from error
    shown = tuple((s.shelf, s.position, s.removed) for s in which)
    return which, (shown, exports.profile(visit.shelf, visit.knock.name))


def note(visit: Visit, made: Kept) -> None:
    """Note once, before any of it is handed out, who reads what is told in a print."""
    for shelf, positions in made.told.items():
        visit.note_fetched(shelf, positions)
    made.told = {}


def _answer(visit: Visit, headers: Mapping[str, str], body: bytes) -> Response:
    """Return an answer, or its head alone with the length that its body would have."""
    if visit.request.method == "HEAD":
        return Response(status=200, headers={**headers, "content-length": str(len(body))}, body=b"")
    return Response(status=200, headers=headers, body=body)


def _print(visit: Visit, which: list[Shelf], state: object, name: str) -> Kept:
    ours, least = exports.profile(visit.shelf, visit.knock.name)
    most = MOST_BYTES if EXPORTS[name].writer is not None else MOST_WHOLE
    try:
        benign = visit.prints.benign(ours)
        press = exports.press(visit.shelf, which, [name], visit.now, benign, least=least, most=most)
    except TooMuch as error:
        detail = "too much for one answer: read it over TAXII, or let the grant be narrowed"
        raise HttpProblem(503, detail, headers={"retry-after": "3600"}) from error
    printed = press.done()[name]
    left = (f"{reason}={len(printed.left.get(reason, ()))}" for reason in LEFT)
    headers = {
        "x-mithaq-told": str(sum(map(len, printed.told.values()))),
        "x-mithaq-left": ", ".join(left),
    }
    return Kept(
        state=state,
        until=press.until,
        tags={file: f'"{sha256(body).hexdigest()[:32]}"' for file, body in printed.files.items()},
        headers=headers,
        files=printed.files,
        told=printed.told,
    )


def _has(written: str, tag: str) -> bool:
    """Say whether an If-None-Match names a tag (RFC 9110 section 13.1.2)."""
    named = {each.strip().removeprefix("W/") for each in written.split(",")}
    return tag in named or "*" in named
