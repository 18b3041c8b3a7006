"""TAXII servers as feeds: 2.1 by pages and ``added_after``, 2.0 by ranges (TAXII 2.1 section 3, 2.0 section 3).

Servers differ, and each difference met here is one that a real server has:

- ``next`` may lose its meaning between two requests, or answer 500 without ``limit``: a page that fails ends the run,
  and the next begins at ``added_after``, which moves only when all pages were taken in.
- ``X-TAXII-Date-Added-Last`` may be missing: then the run goes on by ``next`` alone, and the next run reads anew.
- Many objects may bear one ``date_added``: ``next`` is followed to its end within a run, so none of them is lost.
- ``next`` may never end: the same page with the same ``next`` again, or more pages than allowed, ends the run.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from mithaq.clock import parse as instant
from mithaq.errors import InputError
from mithaq.exchange.transport import origin_of
from mithaq.ingest.fetching import Fetcher, Got, NotFetched
from mithaq.ingest.pulling import Known, Part, Pulled, Same
from mithaq.ingest.rules import Terms
from mithaq.model.canonical import Json, digest, parse

_V21 = "application/taxii+json;version=2.1"
_V20_OBJECTS = "application/vnd.oasis.stix+json; version=2.0"
_V20 = "application/vnd.oasis.taxii+json; version=2.0"
LIMIT = 1000  # objects that we ask for at a time; the server may give fewer
MOST_PAGES = 10_000  # in one run
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(?:\.[0-9]{1,9})?Z")
_RANGE = re.compile(r"items ([0-9]{1,12})-([0-9]{1,12})/([0-9]{1,12}|\*)")
_COLLECTION = re.compile(r".*/collections/[^/]+")
_PARTIAL = 206
_AHEAD = timedelta(days=1)  # that a server's clock may go before ours
_NAMELESS = "bundle--00000000-0000-4000-8000-000000000000"
_LONGEST = 1 << 10  # characters of a cursor
_NO_SUCH_RANGE = 416


def v21(terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield the pages of a collection that were added since the last run."""
    url = f"{_collection(terms, fetcher, _V21)}/objects/"
    since = known.position.get("added_after", "")
    asked = {"limit": str(LIMIT), **({"added_after": since} if since else {})}
    seen: set[str] = set()
    for number in range(MOST_PAGES):
        got = fetcher.get(f"{url}?{urlencode(asked)}", {"accept": _V21})
        page = _json(got)
        since = _later(since, got, known.now)
        position = {"added_after": since} if since else None
        if not page.get("objects"):
            if number == 0 and since:
                yield Same(status=got.status)
            return
        more = page.get("next") if page.get("more") is True else ""
        # While pages follow by ``next``, the next one may bear the instant of this one's last object: not yet noted.
        yield Part(
            raw=got.body, format="stix", position=None if more else position, status=got.status
        )
        if page.get("more") is not True:
            return
        if isinstance(more, str) and more:
            turn = digest(
                more.encode() + got.body
            )  # medallion says one ``next`` for all pages of a read
            if turn in seen or len(more) > _LONGEST:
                raise NotFetched("its pages go round in circles", cause="pages")
            seen.add(turn)
            asked["next"] = more
        elif since > asked.get("added_after", ""):
            asked = {"limit": str(LIMIT), "added_after": since}
        else:
            return
    raise NotFetched("its pages have no end", cause="pages")


def v20(terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield the ranges of a collection that were added since the last run (TAXII 2.0 section 3.4)."""
    url = f"{_collection(terms, fetcher, _V20)}/objects/"
    before = since = known.position.get("added_after", "")
    asked = f"?{urlencode({'added_after': before})}" if before else ""
    start = 0
    for number in range(MOST_PAGES):
        headers = {"accept": _V20_OBJECTS, "range": f"items {start}-{start + LIMIT - 1}"}
        try:
            got = fetcher.get(url + asked, headers)
        except NotFetched as error:
            if error.facts.get("status") != _NO_SUCH_RANGE:
                raise
            if number == 0 and before:
                yield Same(status=_NO_SUCH_RANGE)
            return
        page = _json(got)
        since = _later(since, got, known.now)
        objects = page.get("objects")
        if not isinstance(objects, list) or not objects:
            if number == 0 and before:
                yield Same(status=got.status)
            return
        end = _end(got, start, len(objects))
        noted = {"added_after": since} if end is None and since else None
        raw = _bundle(got.body, page)
        yield Part(raw=raw, format="stix-2.0", position=noted, status=got.status)
        if end is None:
            return
        start = end
    raise NotFetched("its pages have no end", cause="pages")


def _end(got: Got, start: int, count: int) -> int | None:
    """Return where the next range begins; None if this was the last."""
    if got.status != _PARTIAL:
        return None
    found = _RANGE.fullmatch(got.headers.get("content-range", "").strip())
    if found is None or int(found[1]) != start or int(found[2]) < start:
        raise NotFetched("it gives another range than was asked for", cause="pages")
    following = int(found[2]) + 1
    whole = found[3]
    if (whole != "*" and following >= int(whole)) or (whole == "*" and count < LIMIT):
        return None
    return following


def _bundle(raw: bytes, page: Mapping[str, Json]) -> bytes:
    """Return a page as a bundle that says it is of STIX 2.0, as some servers leave out; its objects are kept."""
    if (page.get("type"), page.get("spec_version")) == ("bundle", "2.0") and "id" in page:
        return raw
    said = {"id": _NAMELESS, **page, "type": "bundle", "spec_version": "2.0"}
    return msgspec.json.encode(said)


def _later(since: str, got: Got, now: datetime) -> str:
    """Return the later of what is known and what an answer says was added last.

    An instant that is yet to come is none: whoever noted it would never be told anything again.
    """
    last = got.headers.get("x-taxii-date-added-last", "")
    if not _INSTANT.fullmatch(last) or last <= since:
        return since
    try:
        return last if instant(last) <= now + _AHEAD else since
    except InputError:
        return since


def _json(got: Got) -> dict[str, Json]:
    try:
        value = parse(got.body)
    except InputError as error:
        raise NotFetched("it answers with what is no JSON", cause="page") from error
    if not isinstance(value, dict):
        raise NotFetched("it answers with what is no page of TAXII", cause="page")
    return value


# --- which collection -----------------------------------------------------------------------------------------
def _collection(terms: Terms, fetcher: Fetcher, accept: str) -> str:
    """Return the address of the collection: as it was said, or the only one that may be read there.

    Raises:
        NotFetched: there is none, or several; the message names them.
    """
    url = terms.url.rstrip("/").removesuffix("/objects")
    if _COLLECTION.fullmatch(urlsplit(url).path):
        return url

    def ask(address: str) -> dict[str, Json]:
        return _json(fetcher.get(address, {"accept": accept}))

    found = list(_readable(url, ask))
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFetched("there is no collection that we may read", cause="collection")
    listed = ", ".join(found[:20])
    raise NotFetched(f"name one collection as its address: {listed}", cause="collection")


def _readable(url: str, ask: Callable[[str], dict[str, Json]]) -> Iterator[str]:
    """Yield the addresses of the collections below a discovery resource or an API root."""
    told = ask(f"{url}/")
    roots = told.get("api_roots")
    names = [each for each in roots if isinstance(each, str)] if isinstance(roots, list) else [url]
    for name in names[:20]:
        root = urljoin(f"{url}/", name).rstrip("/")
        if origin_of(root) != origin_of(url):
            continue  # another server is another feed
        held = ask(f"{root}/collections/").get("collections")
        for each in held if isinstance(held, list) else []:
            id_ = each.get("id") if isinstance(each, dict) else None
            if isinstance(each, dict) and isinstance(id_, str) and each.get("can_read") is True:
                yield f"{root}/collections/{id_}"
