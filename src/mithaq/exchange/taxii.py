"""The TAXII 2.1 endpoints: plain functions from a visit to an answer (TAXII 2.1 sections 4 and 5).

What a shelf holds was decided when it was put there; nothing here filters by who asks. Stored bytes are joined, never
read or written anew.
"""

import uuid
from collections.abc import Mapping
from dataclasses import replace

import msgspec

from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.exchange import collection as collections
from mithaq.exchange.collection import STIX, Collection, Page
from mithaq.exchange.gate import shelf_for
from mithaq.exchange.problems import TAXII, HttpProblem
from mithaq.exchange.query import Query, accepts, is_taxii_content, read_query
from mithaq.exchange.visit import Visit, taxii
from mithaq.exchange.wire import Response
from mithaq.store import shelf as shelves
from mithaq.store import spool

_LONG_AGO = "1970-01-01T00:00:00.000000Z"
_WORDS = frozenset({"all", "first", "last"})
_MOST_COMMAS = (
    500_000  # in a post: more than any 8 MiB of STIX have; keeps the list of its objects small
)

Names = Mapping[str, str]


class _Envelope(msgspec.Struct):
    """What is read of a posted envelope: how many objects there are (section 3.7).

    A bundle is taken too: the field's most used library sends nothing else.
    """

    objects: list[msgspec.Raw] | None = None
    type: msgspec.Raw = msgspec.Raw()


# --- server information (section 4) ------------------------------------------------------------------
def discovery(visit: Visit, _names: Names) -> Response:
    """Section 4.1: the caller's own API roots."""
    _negotiate(visit)
    held = shelves.shelves_of(visit.shelf, visit.knock.name)
    roots = [f"{visit.settings.prefix}/taxii2/{shelf.shelf}/" for shelf in held]
    body: dict[str, object] = {"title": "Mithaq"}
    if roots:
        body |= {"default": roots[0], "api_roots": roots}
    return taxii(body)


def api_root(visit: Visit, names: Names) -> Response:
    """Section 4.2."""
    _negotiate(visit)
    shelf = shelf_for(visit.shelf, visit.knock, names["root"], visit.now)
    return taxii(
        {
            "title": shelf.title or "Mithaq",
            "versions": [TAXII],
            "max_content_length": visit.settings.max_frame_bytes,
        }
    )


def status(visit: Visit, names: Names) -> Response:
    """Section 4.3: what became of a post; pending until the worker has settled it."""
    _negotiate(visit)
    shelf = shelf_for(visit.shelf, visit.knock, names["root"], visit.now)
    id_ = names["id"]
    if not _is_status_id(id_):
        raise NotFound("no such status")
    with visit.spool.read() as unit:  # before the shelf: the worker writes there, then settles here
        waiting = spool.waiting(unit, visit.knock.name, "post", id_)
    with visit.shelf_room.read() as unit:
        raw = shelves.status(unit, id_, shelf.shelf)
    if raw is not None:
        return Response(status=200, headers={"content-type": TAXII}, body=raw)
    if not any(facts["shelf"] == shelf.shelf for facts in waiting):
        raise NotFound("no such status")
    return taxii(_pending(waiting[0]))


# --- collections (section 5) -------------------------------------------------------------------------
def all_collections(visit: Visit, names: Names) -> Response:
    """Section 5.1."""
    _negotiate(visit)
    shelf = shelf_for(visit.shelf, visit.knock, names["root"], visit.now)
    found = collections.of_shelf(shelf, visit.knock.kind)
    return taxii({"collections": [each.resource() for each in found]})


def one_collection(visit: Visit, names: Names) -> Response:
    """Section 5.2."""
    _negotiate(visit)
    return taxii(_collection(visit, names).resource())


def manifest(visit: Visit, names: Names) -> Response:
    """Section 5.3."""
    _negotiate(visit, STIX.partition(";")[0])
    where = _collection(visit, names)
    query = _query(visit)
    page, ends = _page(visit, where, query, "manifest", bodies=False)
    records = [
        {
            "id": piece.id,
            "date_added": piece.date_added,
            "version": piece.version,
            "media_type": STIX,
        }
        for piece in page.pieces
    ]
    return _dated(taxii(ends | ({"objects": records} if records else {})), page, query)


def objects(visit: Visit, names: Names) -> Response:
    """Section 5.4: any STIX objects, their bytes as they are stored."""
    _negotiate(visit)
    return _objects(visit, _collection(visit, names), _query(visit), "objects")


def one_object(visit: Visit, names: Names) -> Response:
    """Section 5.6: one object by its id; 404 if no such version of it stands there."""
    _negotiate(visit)
    where = _collection(visit, names)
    query = replace(_query(visit), ids=(names["id"],), types=())
    _chosen(visit, where, query)
    return _objects(visit, where, query, "object")


def object_versions(visit: Visit, names: Names) -> Response:
    """Section 5.8."""
    _negotiate(visit)
    where = _collection(visit, names)
    query = replace(_query(visit), ids=(names["id"],), types=(), versions=("all",))
    _chosen(visit, where, query)
    page, ends = _page(visit, where, query, "versions", bodies=False)
    found = [piece.version for piece in page.pieces]
    return _dated(taxii(ends | ({"versions": found} if found else {})), page, query)


def add_objects(visit: Visit, names: Names) -> Response:
    """Section 5.5: spooled and pending; only the number of objects is looked at here (border.md 8.4)."""
    _negotiate(visit)
    where = _collection(visit, names)
    if not where.can_write:
        raise HttpProblem(403)
    if not is_taxii_content(visit.request.headers.get("content-type")):
        raise HttpProblem(415)
    facts = {
        "shelf": where.shelf,
        "status": str(uuid.uuid4()),
        "total": str(_count(visit.request.body)),
        "at": text(visit.now)[:-1] + "000Z",
    }
    visit.leave("post", facts, visit.request.body)
    return taxii(_pending(facts), status=202)


def delete_object(visit: Visit, names: Names) -> Response:
    """Section 5.7: a client withdraws what it posted; gone for it at once (border.md 8.5).

    Without ``match[version]`` the object goes with all its versions.
    """
    _negotiate(visit)
    where = _collection(visit, names)
    if not where.can_write:
        raise HttpProblem(403)
    query = replace(_query(visit), ids=(names["id"],))
    if "match[version]" not in visit.request.query:
        query = replace(query, versions=("all",))
    chosen = _chosen(visit, where, query)
    facts = {"shelf": where.shelf, "id": names["id"], "versions": ",".join(chosen)}
    if chosen:
        visit.leave("withdraw", facts, b"")
    return Response(status=200, headers={"content-type": TAXII})


# --- what they share ---------------------------------------------------------------------------------
def _negotiate(visit: Visit, *kinds: str) -> None:
    if not accepts(visit.request.headers.get("accept"), *kinds):
        raise HttpProblem(406)


def _query(visit: Visit) -> Query:
    return read_query(visit.request.query, visit.settings.page_limit)


def _collection(visit: Visit, names: Names) -> Collection:
    shelf = shelf_for(visit.shelf, visit.knock, names["root"], visit.now)
    for each in collections.of_shelf(shelf, visit.knock.kind):
        if names["collection"] in {each.id, each.alias}:
            return each
    raise NotFound("no such collection")


def _objects(visit: Visit, where: Collection, query: Query, endpoint: str) -> Response:
    page, ends = _page(visit, where, query, endpoint, bodies=True)
    if not page.pieces:
        return _dated(taxii(ends), page, query)
    if where.alias == "intel":
        visit.note_fetched(where.shelf, [piece.position for piece in page.pieces])
    opening = msgspec.json.encode(ends)[:-1] + (b"," if ends else b"") + b'"objects":['
    bodies = [piece.body for piece in page.pieces]
    bodies[0] = opening + bodies[0]  # so that the rest is copied once
    bodies[-1] += b"]}"
    answer = Response(status=200, headers={"content-type": TAXII}, body=b",".join(bodies))
    return _dated(answer, page, query)


def _page(
    visit: Visit, where: Collection, query: Query, endpoint: str, *, bodies: bool
) -> tuple[Page, dict[str, object]]:
    """Return a page, and ``more`` and ``next`` if there is more (section 3.5)."""
    place = f"{where.shelf}/{where.alias}/{endpoint}?{query.filters}"
    after = visit.cursors.read(place, query.next)
    page = collections.page(visit, where, query, after, bodies=bodies)
    if not page.more:
        return page, {}
    return page, {"more": True, "next": visit.cursors.make(place, page.end)}


def _dated(answer: Response, page: Page, query: Query) -> Response:
    """Say when the page's first and last piece were added (section 3.2).

    An empty page names the instant asked for, so that who goes on from there misses nothing.
    """
    at = query.added_after or _LONG_AGO
    first, last = (
        (page.pieces[0].date_added, page.pieces[-1].date_added) if page.pieces else (at, at)
    )
    dates = {"x-taxii-date-added-first": first, "x-taxii-date-added-last": last}
    return replace(answer, headers={**answer.headers, **dates})


def _chosen(visit: Visit, where: Collection, query: Query) -> list[str]:
    """Return the versions of one object that its filters choose.

    Raises:
        NotFound: there is no such object, or none of the exact versions asked for.
    """
    (id_,) = query.ids
    held = collections.versions(visit, where, id_)
    if not held:
        raise NotFound("no such object")
    ends = {"first": min(held, key=_instant), "last": max(held, key=_instant)}
    wanted = {ends.get(each, each) for each in query.versions}
    chosen = [each for each in held if each in wanted or "all" in wanted]
    if not chosen and not _WORDS & set(query.versions):
        raise NotFound("no such version")
    if query.spec_versions and collections.SPEC_VERSION not in query.spec_versions:
        return []
    return chosen


def _instant(version: str) -> str:
    return version.rstrip("Z")  # so that longer fractions sort after shorter ones


# --- posts -------------------------------------------------------------------------------------------
def _count(raw: bytes) -> int:
    """Return how many objects an envelope holds; what they are is for the worker to judge.

    Raises:
        HttpProblem: 400, no JSON; 422, no envelope, or an empty one.
    """
    if raw.count(b",") > _MOST_COMMAS:
        raise HttpProblem(422, "too many objects at once")
    try:
        envelope = msgspec.json.decode(raw, type=_Envelope)
    except msgspec.ValidationError as error:
        raise HttpProblem(422, "not a TAXII envelope") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpProblem(400, "not JSON") from error
    if bytes(envelope.type) not in {b"", b'"bundle"'} or not envelope.objects:
        raise HttpProblem(422, "not a TAXII envelope with objects")
    return len(envelope.objects)


def _pending(facts: Mapping[str, str]) -> dict[str, object]:
    """Return the status of a post that waits for the worker (section 4.3.1)."""
    total = int(facts["total"])
    return {
        "id": facts["status"],
        "status": "pending",
        "request_timestamp": facts["at"],
        "total_count": total,
        "success_count": 0,
        "failure_count": 0,
        "pending_count": total,
    }


def _is_status_id(written: str) -> bool:
    try:
        return str(uuid.UUID(written)) == written
    except ValueError:
        return False
