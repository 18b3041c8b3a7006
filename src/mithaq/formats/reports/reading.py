"""A report's text read for findings: each value once, with the sentence it stands in and what is advised."""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeVar

import msgspec

from mithaq.formats.reports.judge import Advice, Around, Own, Reason, host_of, judged
from mithaq.formats.reports.layout import Lines, hash_word, lines_of
from mithaq.formats.reports.meant import Meant, meant
from mithaq.formats.reports.pages import Pages
from mithaq.formats.reports.scan import OTHER, Candidate, candidates
from mithaq.model import values
from mithaq.model.labels import pap, tlp
from mithaq.model.values import Value


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a report holds, and what a reviewer needs in order to decide about it."""

    value: str
    kind: str  # of ``mithaq.model.values``, or cve, technique, other-hash
    advice: Advice
    reason: Reason
    sentence: str  # as it is written
    written: str  # the value, likewise
    page: int  # from 1; 0 where there are no pages
    line: int  # from 1, of the page or of the whole
    count: int = 1  # how often the report says it


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says of itself, and what was found in it."""

    form: str  # text, html or pdf
    title: str
    published: str  # an instant, or empty
    pages: int
    tlp: str  # the strictest level that it names, or empty
    pap: str
    findings: list[Finding]


_RANK = {Advice.TAKE: 0, Advice.LOOK: 1, Advice.LEAVE: 2}
_BEFORE, _AFTER = 90, 40  # signs of a line that tell something of a value in it
_CAREFUL = 3  # so many values put out of action are a habit
_MARKS = r"[\s\-\u2022*\u00b7>|\"'`:,;=]{0,40}"  # bullets and what parts cells
_ALONE = re.compile(
    rf"{_MARKS}(?:\d{{1,4}}[.)])?{_MARKS}(?:(?:ipv?[46]?|domain|url|host|c2|c&c|ioc|md5|sha-?\d+|e-?mail)s?{_MARKS})?",
    re.IGNORECASE,
)
_TLP = re.compile(
    r"\bTLP ?[:\-] ?(RED|AMBER ?[+-] ?STRICT|AMBER|GREEN|CLEAR|WHITE)\b", re.IGNORECASE
)
_PAP = re.compile(r"\bPAP ?[:\-] ?(RED|AMBER|GREEN|CLEAR|WHITE)\b", re.IGNORECASE)
_Level = TypeVar("_Level", bound=IntEnum)
_MOST = 50_000  # findings of one report


class _Seen(NamedTuple):
    value: Value
    around: Around
    lines: Lines
    start: int
    end: int
    page: int

    def sentence(self) -> str:
        """Return the sentence or the row in which it stands."""
        return (self.lines.row if self.around.alone else self.lines.sentence)(self.start, self.end)


def read(pages: Pages) -> Report:
    """Return what stands in a report."""
    seen = [*_seen(pages)]
    contacts = {
        host_of(each.value) for each in seen if each.value.kind == "email" and not each.around.ways
    }
    careful = sum(bool(each.around.ways - {"unseen", "joined"}) for each in seen) >= _CAREFUL
    own = Own(hosts=frozenset(pages.hosts) | _own(contacts, seen), careful=careful)
    best: dict[Value, Finding] = {}
    for each in seen:
        advice, reason = judged(each.value, each.around, own)
        before = best.get(each.value)
        count = before.count + 1 if before is not None else 1
        if before is not None and _RANK[before.advice] <= _RANK[advice]:
            best[each.value] = msgspec.structs.replace(before, count=count)
        elif before is not None or len(best) < _MOST:
            best[each.value] = Finding(
                value=each.value.text, kind=each.value.kind, advice=advice, reason=reason,
                sentence=each.sentence(), written=each.around.written, page=each.page,
                line=each.lines.at(each.start) + 1, count=count,
            )  # fmt: skip
    return Report(
        form=pages.form,
        title=pages.title,
        published=pages.published,
        pages=len(pages.texts),
        tlp=_strictest(_TLP, pages.texts, tlp),
        pap=_strictest(_PAP, pages.texts, pap),
        findings=[*best.values()],
    )


def _strictest(form: re.Pattern[str], texts: Sequence[str], level: Callable[[str], _Level]) -> str:
    """Return the strictest level that a text names: whoever explains them all is taken at their strictest word."""
    named = {"".join(found[1].upper().split()) for text in texts for found in form.finditer(text)}
    return str(max(map(level, named))) if named else ""


def _own(contacts: set[str], seen: Sequence[_Seen]) -> frozenset[str]:
    """Return the hosts of mail addresses that can be written to, if the report refers to them as well."""
    referred = {
        host_of(each.value) for each in seen if each.value.kind == "url" and not each.around.ways
    }
    return frozenset(contacts).intersection(above for host in referred for above in _above(host))


def _above(host: str) -> Iterator[str]:
    """Yield a host and those that it stands below."""
    while host:
        yield host
        host = host.partition(".")[2]


def _seen(pages: Pages) -> Iterator[_Seen]:
    section = ""
    for number, text in enumerate(pages.texts, 1):
        page = meant(text, broken=pages.form == "pdf")
        lines, section = lines_of(text, section)
        for candidate in candidates(page.text):
            yield _found(candidate, page, lines, number if pages.form == "pdf" else 0)


def _found(candidate: Candidate, page: Meant, lines: Lines, number: int) -> _Seen:
    value, (start, end) = candidate.value, page.source(candidate.start, candidate.end)
    line = lines.at(start)
    begins, ends = lines.span(line)
    before = page.written[max(begins, start - _BEFORE) : start]
    after = page.written[end : min(max(ends, end), end + _AFTER)]
    whole = start - begins <= _BEFORE and ends - end <= _AFTER
    said = hash_word(before) or lines.hashes[line] or hash_word(after)
    value, said = _hash(value, said)
    around = Around(
        ways=page.ways(candidate.start, candidate.end),
        before=before,
        after=after,
        written=page.written[start:end],
        alone=whole and all(_ALONE.fullmatch(side) for side in _cell(before, after)),
        section=lines.sections[line],
        hashes=said,
    )
    return _Seen(value, around, lines, start, end, number)


def _cell(before: str, after: str) -> tuple[str, str]:
    """Return what stands beside a value in its cell of a table, or in its line."""
    return re.split(r"[\t|]", before)[-1], re.split(r"[\t|]", after, maxsplit=1)[0]


def _hash(value: Value, said: str) -> tuple[Value, str]:
    """Return a hash with the kind that the text says; without one it is what is usual for its length."""
    if value.kind not in {"md5", "sha1", "sha256", "sha224", "sha384", "sha512"}:
        return value, said if value.kind in values.HASHES else ""
    if said == "imphash" and value.kind == "md5":
        return Value("imphash", value.text), said
    if said == "cert" and value.kind in {"sha1", "sha256"}:
        return Value(f"certificate-{value.kind}", value.text), said
    if said in {"other", "cert"}:
        return Value(OTHER, value.text), said
    return value, said if said == value.kind else ""
