"""TAXII 2.1, sections 1.6, 3.6, 4, 5.1 and 5.2: who is let in, what the server says of itself, its collections."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from mithaq.exchange.conform.probe import Answer, Probe
from mithaq.exchange.conform.report import Why
from mithaq.exchange.conform.rules import READING, WRITING
from mithaq.exchange.problems import TAXII

_OK, _NOT_FOUND, _NOT_ACCEPTABLE = 200, 404, 406
_SHUT = {401, 403, 404}
_NOT_LET_IN = {401, 404}
_ACCEPTED = (
    TAXII,
    "application/taxii+json",
    "application/taxii+json; version=2.1",
    "text/html;q=0.9, application/taxii+json;version=2.1;q=0.5",
)
_MOST_ROOTS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A collection that may be read: its path, and what the server says of it."""

    root: str
    path: str
    can_write: bool
    most_bytes: int


def examine(probe: Probe) -> Sequence[Place]:
    """Examine the server itself; return the collections that we may read."""
    start = urlsplit(probe.base).path.rstrip("/") + "/taxii2/"
    found = probe.get(start)
    if probe.credential is None and found.status == 401:  # noqa: PLR2004 a server may ask even for discovery
        unseen = {"discovery", "api-roots", "api-root-unknown", *READING, *WRITING}
        probe.book.pass_over(unseen, Why.NO_CREDENTIAL)
        return []
    roots = _discovery(probe, found)
    places: list[Place] = []
    for root in roots[:_MOST_ROOTS]:
        places += _root(probe, root)
    nowhere = f"{start}{uuid.uuid4().hex}/"
    for path in (nowhere, f"{nowhere}collections/"):
        unknown = probe.get(path)
        probe.book.judge("api-root-unknown", unknown.evidence(), holds=unknown.status == _NOT_FOUND)
    if not places:
        probe.book.pass_over(READING | WRITING, Why.NO_COLLECTION)
    return places


def _discovery(probe: Probe, found: Answer) -> Sequence[str]:
    title = found.fields.get("title")
    fine = found.status == _OK and isinstance(title, str) and bool(title)
    probe.book.judge("discovery", found.evidence(f"title: {title}"), holds=fine)
    named = found.fields.get("api_roots", [])
    default = found.fields.get("default")
    roots = [each for each in named if isinstance(each, str)] if isinstance(named, list) else []
    never_empty(probe, found, "api_roots")
    well_formed = isinstance(named, list) and len(roots) == len(named) and all(map(_is_root, roots))
    probe.book.judge(
        "api-roots",
        found.evidence(f"default: {default}; api_roots: {named}"),
        holds=well_formed and (default is None or default in roots),
    )
    here = [path for root in roots if (path := probe.here(root)) is not None]
    return [path if path.endswith("/") else path + "/" for path in here]


def _is_root(written: str) -> bool:
    try:
        parts = urlsplit(written)
    except ValueError:
        return False
    absolute = parts.scheme in {"https", "http"} and bool(parts.netloc)
    return not parts.query and (absolute or (written.startswith("/") and not parts.netloc))


def _root(probe: Probe, root: str) -> Sequence[Place]:
    found = probe.get(root)
    versions, most = found.fields.get("versions"), found.fields.get("max_content_length")
    title = found.fields.get("title")
    known = isinstance(versions, list) and any(
        isinstance(v, str) and v.replace(" ", "") == TAXII for v in versions
    )
    length = most if type(most) is int and most > 0 else 0
    probe.book.judge(
        "api-root",
        found.evidence(f"versions: {versions}; max_content_length: {most}"),
        holds=found.status == _OK
        and isinstance(title, str)
        and bool(title)
        and known
        and bool(length),
    )
    for accept in _ACCEPTED:
        answer = probe.get(root, accept=accept)
        holds = answer.status != _NOT_ACCEPTABLE
        probe.book.judge("accept", answer.evidence(f"accept: {accept}"), holds=holds)
    return _collections(probe, root, length)


def _collections(probe: Probe, root: str, most_bytes: int) -> Sequence[Place]:
    path = root + "collections/"
    first, again = probe.get(path), probe.get(path)
    listed = first.list("collections")
    never_empty(probe, first, "collections")
    names = [str(each.get("id")) for each in listed]
    probe.book.judge(
        "collections",
        first.evidence(f"{len(listed)} collections"),
        holds=first.status == _OK
        and all(map(_is_collection, listed))
        and len(set(names)) == len(names),
    )
    probe.book.judge(
        "collections-order", again.evidence(), holds=again.list("collections") == listed
    )
    places: list[Place] = []
    for each in listed:
        name = quote(str(each.get("id")), safe="")
        one = probe.get(f"{path}{name}/")
        probe.book.judge(
            "collection", one.evidence(), holds=one.status == _OK and one.fields == each
        )
        if each.get("can_read") is True:
            place = Place(
                root=root,
                path=f"{path}{name}/",
                can_write=each.get("can_write") is True,
                most_bytes=most_bytes,
            )
            places.append(place)
            _strangers(probe, place)
    for name in (str(uuid.uuid4()), "no-such-collection", "%2e%2e"):
        for end in ("", "objects/", "manifest/"):
            none = probe.get(f"{path}{name}/{end}")
            probe.book.judge("collection-unknown", none.evidence(), holds=none.status == _NOT_FOUND)
    return places


def _is_collection(each: Mapping[str, object]) -> bool:
    kinds = each.get("media_types", ["-"])
    return (
        is_v4(each.get("id"))
        and isinstance(each.get("title"), str)
        and isinstance(each.get("can_read"), bool)
        and isinstance(each.get("can_write"), bool)
        and isinstance(kinds, list)
        and bool(kinds)
    )


def is_v4(written: object) -> bool:
    """Say whether that is an identifier: a UUID of version 4 (section 2)."""
    try:
        return isinstance(written, str) and uuid.UUID(written).version == 4  # noqa: PLR2004 as it says
    except ValueError:
        return False


def _strangers(probe: Probe, place: Place) -> None:
    """Ask as nobody, and with a credential that is none (sections 1.6.9, 5)."""
    wrong = "Basic bm9ib2R5Ondyb25n"
    for code, credential in (("auth-none", None), ("auth-wrong", wrong)):
        for path in (place.path, place.path + "objects/", place.path + "manifest/"):
            answer = probe.get(path, authorization=credential)
            # A collection may be open to all; a credential that fails never opens one.
            shut = answer.status in (_NOT_LET_IN if credential else _SHUT)
            if shut or probe.credential is not None:
                probe.book.judge(code, answer.evidence(), holds=shut)
            if answer.status == 401:  # noqa: PLR2004 the one status that needs a challenge
                challenge = answer.headers.get("www-authenticate", "")
                probe.book.judge(
                    "auth-challenge",
                    answer.evidence(f"www-authenticate: {challenge}"),
                    holds=bool(challenge),
                )
    if probe.credential is None:
        probe.book.pass_over(("auth-none", "auth-wrong", "auth-challenge"), Why.NO_CREDENTIAL)


def never_empty(probe: Probe, answer: Answer, *names: str) -> None:
    """Judge that a list is left out rather than empty (sections 2, 3.7)."""
    for name in names:
        if name in answer.fields:
            probe.book.judge(
                "no-empty-lists", answer.evidence(name), holds=bool(answer.fields[name])
            )
