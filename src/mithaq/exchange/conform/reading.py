"""TAXII 2.1, sections 3.2 to 3.4, 5.3, 5.4, 5.6 and 5.8: what stands in a collection, and what filters choose of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mithaq.exchange.conform.probe import DATES, Answer, Probe
from mithaq.exchange.conform.report import Why
from mithaq.exchange.conform.rules import READING
from mithaq.exchange.conform.server import Place, never_empty

_OK, _BAD, _NOT_FOUND = 200, 400, 404
FUTURE = "2199-01-01T00:00:00.000000Z"
_MALFORMED = ("yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "")


@dataclass(frozen=True, slots=True)
class Record:
    """One version of an object as a manifest names it."""

    id: str
    version: str
    date_added: str

    @property
    def type(self) -> str:
        """The type in its id."""
        return self.id.partition("--")[0]


def records(answer: Answer) -> Sequence[Record]:
    """Return the records of a manifest; what is none is left out."""
    found = (
        tuple(each.get(name) for name in ("id", "version", "date_added"))
        for each in answer.list("objects")
    )
    return [
        Record(*(str(value) for value in each))
        for each in found
        if all(isinstance(value, str) for value in each)
    ]


def pairs(answer: Answer) -> Sequence[tuple[str, str]]:
    """Return (id, version) of the objects of an envelope; the version of what has none is empty."""
    return [
        (str(each.get("id")), str(each.get("modified") or each.get("created") or ""))
        for each in answer.list("objects")
    ]


def examine(probe: Probe, place: Place) -> bool:
    """Examine one collection for reading; return whether anything stands in it."""
    manifest = probe.get(place.path + "manifest/", {"match[version]": "all"})
    found = records(manifest)
    _manifest(probe, manifest, found)
    _objects(probe, place)
    _malformed(probe, place)
    _nobody(probe, place)
    if not found:
        probe.book.pass_over(READING, Why.NO_OBJECTS)
        return False
    _one(probe, place, found)
    _filters(probe, place, found)
    _versions(probe, place, found)
    _added_after(probe, place, found)
    return True


def _manifest(probe: Probe, manifest: Answer, found: Sequence[Record]) -> None:
    whole = len(found) == len(manifest.list("objects"))
    holds = manifest.status == _OK and whole and isinstance(manifest.value, dict)
    probe.book.judge("manifest", manifest.evidence(f"{len(found)} records"), holds=holds)
    never_empty(probe, manifest, "objects")
    dates = [record.date_added for record in found]
    if found:
        for date in (dates[0], dates[-1]):
            probe.stamp(manifest, date)
        probe.book.judge("ascending", manifest.evidence(), holds=dates == sorted(dates))
        dated(probe, manifest, dates)


def dated(probe: Probe, answer: Answer, dates: Sequence[str]) -> None:
    """Judge that the headers name the first and the last date of the page given (section 3.2)."""
    given = tuple(answer.headers.get(name) for name in DATES)
    fact = ", ".join(f"{name}: {value}" for name, value in zip(DATES, given, strict=True))
    holds = given == (dates[0], dates[-1])
    probe.book.judge("date-headers", answer.evidence(fact), holds=holds)


def _objects(probe: Probe, place: Place) -> None:
    """Ask for both with the same filters: they name the same versions (section 5.3)."""
    envelope = probe.get(place.path + "objects/")
    manifest = probe.get(place.path + "manifest/")
    objects = envelope.list("objects")
    listed = envelope.fields.get("objects", [])
    formed = all(isinstance(e.get("id"), str) and isinstance(e.get("type"), str) for e in objects)
    whole = isinstance(listed, list) and len(listed) == len(objects)
    probe.book.judge(
        "objects",
        envelope.evidence(f"{len(objects)} objects"),
        holds=envelope.status == _OK and isinstance(envelope.value, dict) and whole and formed,
    )
    never_empty(probe, envelope, "objects")
    named = records(manifest)
    shorter = min(len(objects), len(named))  # pages may end where their bytes do
    if not shorter:
        return
    same = [id_ for id_, _ in pairs(envelope)][:shorter] == [r.id for r in named][:shorter]
    probe.book.judge("manifest-agrees", manifest.evidence(), holds=same)
    dates = [record.date_added for record in named]
    if len(objects) == len(named):
        dated(probe, envelope, dates)


def _malformed(probe: Probe, place: Place) -> None:
    for end in ("objects/", "manifest/"):
        for written in _MALFORMED:
            answer = probe.get(place.path + end, {"added_after": written})
            probe.book.judge(
                "added-after-malformed", answer.evidence(), holds=answer.status == _BAD
            )
        for limit in ("0", "-1", "x", "1.5"):
            answer = probe.get(place.path + end, {"limit": limit})
            probe.book.judge("limit-malformed", answer.evidence(), holds=answer.status == _BAD)
        for version in ("x", "2026-02-30T00:00:00Z"):
            answer = probe.get(place.path + end, {"match[version]": version})
            probe.book.judge("filter-malformed", answer.evidence(), holds=answer.status == _BAD)


def _nobody(probe: Probe, place: Place) -> None:
    """Ask for what is not there."""
    for name in (f"tool--{uuid.uuid4()}", "no-id", "%25"):
        one = probe.get(f"{place.path}objects/{name}/")
        empty = one.status == _OK and not one.list("objects")
        probe.book.judge(
            "object-unknown", one.evidence(), holds=one.status == _NOT_FOUND and not empty
        )
        versions = probe.get(f"{place.path}objects/{name}/versions/")
        probe.book.judge(
            "versions-unknown", versions.evidence(), holds=versions.status == _NOT_FOUND
        )
    nothing = probe.get(place.path + "objects/", {"match[type]": "x-no-such-type"})
    fine = nothing.status == _OK and not nothing.list("objects")
    probe.book.judge("filter-type", nothing.evidence(), holds=fine)
    never_empty(probe, nothing, "objects")


def _one(probe: Probe, place: Place, found: Sequence[Record]) -> None:
    record = found[-1]
    path = f"{place.path}objects/{record.id}/"
    one = probe.get(path)
    ids = {id_ for id_, _ in pairs(one)}
    probe.book.judge("object", one.evidence(), holds=one.status == _OK and ids == {record.id})
    mine = sorted(r.version for r in found if r.id == record.id)
    versions = probe.get(path + "versions/")
    named = versions.fields.get("versions")
    texts = sorted(map(str, named)) if isinstance(named, list) else []
    whole = set(mine) <= set(texts) and len(set(texts)) == len(texts)
    fact = f"versions: {texts}; manifest: {mine}"
    probe.book.judge(
        "versions", versions.evidence(fact), holds=versions.status == _OK and bool(texts) and whole
    )
    for answer in (one, versions):
        present = all(name in answer.headers for name in DATES)
        probe.book.judge("date-headers", answer.evidence(), holds=present)


def _filters(probe: Probe, place: Place, found: Sequence[Record]) -> None:
    ids = list(dict.fromkeys(record.id for record in found))
    two = ids[:2]
    _chosen(probe, place, "filter-id", {"match[id]": two[0]}, {two[0]})
    _chosen(probe, place, "filter-id", {"match[id]": ",".join(two)}, set(two))
    type_ = found[0].type
    answer = probe.get(place.path + "manifest/", {"match[type]": type_})
    types = {record.type for record in records(answer)}
    probe.book.judge("filter-type", answer.evidence(), holds=types == {type_})
    together = {"match[id]": two[0], "match[type]": "x-no-such-type"}
    _chosen(probe, place, "filter-together", together, set())
    both = {"match[id]": two[0], "match[type]": f"x-no-such-type,{type_}"}
    _chosen(probe, place, "filter-together", both, {two[0]})
    _chosen(
        probe,
        place,
        "filter-spec-version",
        {"match[id]": two[0], "match[spec_version]": "1.0"},
        set(),
    )


def _chosen(
    probe: Probe, place: Place, code: str, query: Mapping[str, str], wanted: set[str]
) -> None:
    for end in ("objects/", "manifest/"):
        answer = probe.get(place.path + end, query)
        ids = {id_ for id_, _ in pairs(answer)}
        never_empty(probe, answer, "objects")
        probe.book.judge(
            code,
            answer.evidence(f"{len(ids)} ids, {len(wanted)} wanted"),
            holds=answer.status == _OK and ids == wanted,
        )


def _versions(probe: Probe, place: Place, found: Sequence[Record]) -> None:
    """Ask for first, last, all and one exact version of the object that has most of them."""
    counts = {r.id: sum(o.id == r.id for o in found) for r in found}
    id_ = max(counts, key=lambda each: counts[each])
    path = place.path + "manifest/"
    every = records(probe.get(path, {"match[id]": id_, "match[version]": "all"}))
    versions = sorted((r.version for r in every), key=lambda written: written.rstrip("Z"))
    if not versions:
        return
    for asked, wanted in (
        ("", versions[-1:]),
        ("last", versions[-1:]),
        ("first", versions[:1]),
        ("first,last", sorted({versions[0], versions[-1]})),
        (versions[0], versions[:1]),
        ("1999-01-01T00:00:00.000Z", []),
    ):
        query = {"match[id]": id_} | ({"match[version]": asked} if asked else {})
        answer = probe.get(path, query)
        got = sorted(record.version for record in records(answer))
        fact = f"asked: {asked or 'nothing'}; got: {got}"
        probe.book.judge(
            "filter-version",
            answer.evidence(fact),
            holds=answer.status == _OK and got == sorted(wanted),
        )


def _added_after(probe: Probe, place: Place, found: Sequence[Record]) -> None:
    """Ask for what came after a date: that date's own objects are not among it (section 3.4)."""
    path = place.path + "manifest/"
    for date in dict.fromkeys((found[0].date_added, found[-1].date_added)):
        answer = probe.get(path, {"added_after": date, "match[version]": "all"})
        later = [record.date_added for record in records(answer)]
        wanted = [r.date_added for r in found if r.date_added > date]
        fact = f"{len(later)} records, the first of {later[:1]}"
        holds = all(each > date for each in later) and later[: len(wanted)] == wanted[: len(later)]
        holds = holds and (bool(later) or not wanted)
        probe.book.judge("added-after", answer.evidence(fact), holds=answer.status == _OK and holds)
    for end in ("objects/", "manifest/"):
        nothing = probe.get(place.path + end, {"added_after": FUTURE})
        fine = nothing.status == _OK and not nothing.list("objects")
        probe.book.judge("added-after", nothing.evidence(), holds=fine)
        never_empty(probe, nothing, "objects")
