"""MISP feeds: a manifest of events, of which those are fetched that are new or changed.

``manifest.json`` maps an event's UUID to what it is about; ``timestamp`` there is that of its last change (MISP's feed
format). ``hashes.csv`` is for look-ups and not needed. An event is read by the format ``misp``.
"""

import re
from collections.abc import Iterator

from mithaq.errors import InputError
from mithaq.ingest.fetching import Fetcher, NotFetched
from mithaq.ingest.pulling import TRIED, Known, Missed, Part, Pulled, Same, gone, refuse_pages
from mithaq.ingest.rules import Terms
from mithaq.model.canonical import Json, parse

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAMP = re.compile(r"[0-9]{1,12}")


def feed(terms: Terms, known: Known, fetcher: Fetcher) -> Iterator[Pulled]:
    """Yield the events that are new or changed, the oldest change first, behind them what could not be had before."""
    base = terms.url.removesuffix("manifest.json").rstrip("/")
    got = fetcher.get(f"{base}/manifest.json")
    manifest = _manifest(got.headers.get("content-type", ""), got.body)
    yield from gone(known, manifest.keys())
    changed: list[tuple[bool, int, str]] = []
    for name, about in manifest.items():
        said = about.get("timestamp") if isinstance(about, dict) else None
        stamp = str(said) if isinstance(said, (int, str)) else ""
        if _UUID.fullmatch(name.lower()) is None or _STAMP.fullmatch(stamp) is None:
            yield Missed(
                name=name[:64], code="misp-manifest", why="the manifest says no event like that"
            )
        elif known.items.get(name) != stamp:
            changed.append((known.items.get(name) == TRIED + stamp, int(stamp), name))
    for _, stamp_, name in sorted(changed):
        try:
            event = fetcher.get(f"{base}/{name}.json")
            refuse_pages(event.headers.get("content-type", ""), event.body)
        except NotFetched as error:
            cause, tried = str(error.facts.get("cause", "")), f"{TRIED}{stamp_}"
            yield Missed(name=name, code=cause, why=str(error), version=tried)
            continue
        yield Part(
            raw=event.body, name=name, version=str(stamp_), format="misp", status=event.status
        )
    if manifest and not changed:
        yield Same(status=got.status)


def _manifest(kind: str, raw: bytes) -> dict[str, Json]:
    refuse_pages(kind, raw)
    try:
        value = parse(raw)
    except InputError as error:
        raise NotFetched("its manifest is no JSON", cause="manifest") from error
    if not isinstance(value, dict):
        # PHP writes an empty map as a list
        if value == []:
            return {}
        raise NotFetched("its manifest is no map of events", cause="manifest")
    return value
