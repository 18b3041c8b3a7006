"""What a client has given in MISP's words, as it may read it back: that, and never what we hold besides.

Until the worker has taken it in it is known here alone, as it came; then it stands in the client's inbox, and is
written from there. Whatever becomes of it behind the border, the client reads the same.
"""

from collections.abc import Iterator, Sequence

import msgspec

from mithaq.errors import NotFound
from mithaq.exchange import export
from mithaq.exchange.gifts import Gift
from mithaq.exchange.misp import shown, ways
from mithaq.exchange.misp.ways import Made
from mithaq.exchange.visit import Visit
from mithaq.formats.misp import writing
from mithaq.formats.misp.parts import Body
from mithaq.store import pages
from mithaq.store.pages import Piece, Wanted


def keep(visit: Visit, event: Made) -> None:
    """Keep an event until the client's inbox shows it."""
    uuid = str(event["uuid"])
    raw, at = msgspec.json.encode(event), int(str(event["timestamp"]))
    gift = Gift(name=uuid, alias=ways.number(uuid), at=at, raw=raw)
    visit.gifts.keep(visit.knock.name, gift)


def place(visit: Visit) -> str:
    """Return the shelf into whose inbox a client writes.

    Raises:
        NotFound: the client has no grant in force. HttpProblem: 503.
    """
    which, _ = export.standing(visit)
    return which[0].shelf


def own(visit: Visit, name: str) -> Made | None:
    """Return an event that a client has given, as it gave it or as its inbox shows it; None if it has not.

    Raises:
        HttpProblem: 503, what it names there is more than one answer holds.
    """
    gift = visit.gifts.of(visit.knock.name, name.lower())
    if gift is not None:
        return msgspec.json.decode(gift.raw, type=dict[str, object])
    if not ways.UUID.fullmatch(name.lower()):
        return None
    bodies: dict[str, Body] = {}
    size = 0
    wanted = [f"{type_}--{name.lower()}" for type_ in shown.REPORTS]
    while wanted:
        some: dict[str, Body] = {}
        for piece in inbox(visit, wanted):
            size += len(piece.body)
            shown.hold(size)
            some[piece.id] = _body(piece.body)
        bodies |= some
        named = (id_ for body in some.values() for id_ in _refs(body))
        wanted = [id_ for id_ in dict.fromkeys(named) if id_ not in bodies and id_ not in wanted]
    written = writing.write(bodies.values())
    for each in written.events:
        if each["uuid"] == name.lower():
            return {**each}
    return None


def inbox(visit: Visit, ids: Sequence[str]) -> Iterator[Piece]:
    """Yield what stands in a client's inbox under some ids, in its newest version."""
    try:
        shelf = place(visit)
    except NotFound:
        return
    for start in range(0, len(ids), 500):
        some = tuple(ids[start : start + 500])
        after, more = 0, True
        while more:
            wanted = Wanted(ids=some, limit=1000, after=after)
            found, more = pages.page(visit.shelf, "inbox", shelf, wanted, bodies=True)
            yield from found
            after = found[-1].position if found else after


def dressed(made: Made) -> Made:
    """Return an event of a client's own as MISP's tools expect it."""
    shown.numbered(made)
    made.setdefault("distribution", "0")
    made.setdefault("published", False)
    return made


def _body(raw: bytes) -> Body:
    body: Body = msgspec.json.decode(raw)
    return body


def _refs(body: Body) -> Iterator[str]:
    yield from shown.texts(body.get("object_refs"))
    yield from shown.texts(body.get("where_sighted_refs"))
    if creator := body.get("created_by_ref"):
        yield str(creator)
