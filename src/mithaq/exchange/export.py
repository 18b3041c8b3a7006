"""Exports at addresses that a client's tools poll: printed from its shelves, and kept until these change.

An answer bears an ETag; who shows it again learns in an instant that nothing has changed. There is no Last-Modified: a
value that is taken back in the second in which a list was read would stay in that list.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from mithaq.border import exports
from mithaq.border.exports import ShelfBlocked, TooMuch
from mithaq.exchange.prints import Kept
from mithaq.exchange.problems import HttpProblem
from mithaq.exchange.visit import Visit
from mithaq.exchange.wire import Response
from mithaq.formats.export import EXPORTS, LEFT
from mithaq.store import pages
from mithaq.store.shelf import Shelf

JSON = "application/json"
MOST_BYTES = (
    128 << 20
)  # of objects that one answer is printed from; more is read over TAXII, in pages

Names = Mapping[str, str]


def index(_visit: Visit, _names: Names) -> Response:
    """List the exports: the same for every client."""
    listed = [{"name": each.name, "media_type": each.media} for each in EXPORTS.values()]
    body = msgspec.json.encode({"exports": listed})
    return Response(status=200, headers={"content-type": JSON}, body=body)


def export(visit: Visit, name: str) -> Response:
    """Answer with an export, or that it is what the client has."""
    try:
        which = exports.shelves_of(visit.shelf, visit.knock.name, visit.now)
    except ShelfBlocked as error:
        raise HttpProblem(503, headers={"retry-after": "5"}) from error
    state = tuple((s.shelf, s.position, pages.count(visit.shelf, s.shelf)) for s in which)
    prints, client = visit.prints, visit.knock.name
    kept = prints.of(client, name)
    if kept is None or not kept.holds(state, visit.now):
        with prints.turn(client):
            kept = prints.of(client, name)
            if kept is None or not kept.holds(state, visit.now):
                kept = _print(visit, which, state, name)
                prints.keep(client, name, kept)
    if _has(visit.request.headers.get("if-none-match", ""), kept.tag):
        return Response(status=304, headers={"etag": kept.tag})
    for shelf, positions in kept.told.items():
        visit.note_fetched(shelf, positions)
    kept.told = {}
    return Response(status=200, headers=kept.headers, body=kept.body)


def _print(visit: Visit, which: list[Shelf], state: object, name: str) -> Kept:
    try:
        press = exports.press(visit.shelf, which, [name], visit.now, most=MOST_BYTES)
    except TooMuch as error:
        detail = "too much for one answer: read it over TAXII, or let the grant be narrowed"
        raise HttpProblem(503, detail, headers={"retry-after": "3600"}) from error
    printed = press.done()[name]
    tag = f'"{hashlib.sha256(printed.body).hexdigest()[:32]}"'
    left = (f"{reason}={len(printed.left.get(reason, ()))}" for reason in LEFT)
    headers = {
        "content-type": EXPORTS[name].media,
        "etag": tag,
        "x-mithaq-told": str(sum(map(len, printed.told.values()))),
        "x-mithaq-left": ", ".join(left),
    }
    return Kept(
        state=state,
        until=press.until,
        tag=tag,
        headers=headers,
        body=printed.body,
        told=printed.told,
    )


def _has(written: str, tag: str) -> bool:
    """Say whether an If-None-Match names a tag (RFC 9110 section 13.1.2)."""
    named = {each.strip().removeprefix("W/") for each in written.split(",")}
    return tag in named or "*" in named
