"""The review: a sheet that a person edits, and what becomes of the findings that they take.

A sheet is a table like any list (``mithaq.formats.lists``), so it can be imported as one; a row that nobody has decided
about says ``?`` and is taken by no way.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mithaq.clock import parse
from mithaq.clock import text as instant_text
from mithaq.errors import InputError
from mithaq.formats.registry import Undated
from mithaq.formats.reports.judge import Advice, Reason
from mithaq.formats.reports.pages import NoReport
from mithaq.formats.reports.reading import Finding, Report
from mithaq.formats.reports.scan import CVE, OTHER, TECHNIQUE
from mithaq.model import values
from mithaq.model.benign import Hit
from mithaq.model.canonical import Json
from mithaq.model.labels import pap, tlp
from mithaq.model.listed import Effect
from mithaq.model.markings import pap_id, tlp_id
from mithaq.model.values import Value

COLUMNS = ("value", "kind", "take", "tlp", "sentence", "because", "place")
_TAKE = {Advice.TAKE: "yes", Advice.LOOK: "?", Advice.LEAVE: "no"}
_YES = frozenset({"yes", "y", "true", "1", "x", "oui", "o", "نعم"})
_NO = frozenset({"no", "n", "false", "0", "non", "لا"})
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would work out
_SHOWN = 10  # lines that an error names


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A value that a person takes out of a report."""

    value: str
    kind: str
    sentence: str
    place: str


def suggested(report: Report) -> list[Taken]:
    """Return what is advised to be taken, which nobody has reviewed."""
    return [
        Taken(value=each.value, kind=each.kind, sentence=each.sentence, place=place_of(each))
        for each in report.findings
        if each.advice is Advice.TAKE
    ]


def checked(report: Report, match: Callable[[Value], list[Hit]]) -> Report:
    """Return a report in which nothing that is known to be harmless is advised to be taken."""
    findings = [
        each
        if each.advice is Advice.LEAVE or not _is_harmless(each, match)
        else replace(
            each,
            advice=Advice.LOOK if each.reason is Reason.DEFANGED else Advice.LEAVE,
            reason=Reason.HARMLESS,
        )
        for each in report.findings
    ]
    return replace(report, findings=findings)


def _is_harmless(finding: Finding, match: Callable[[Value], list[Hit]]) -> bool:
    return any(hit.effect is Effect.SUPPRESS for hit in match(Value(finding.kind, finding.value)))


def place_of(finding: Finding) -> str:
    """Return where a finding stands, as people say it."""
    return f"page {finding.page}, line {finding.line}" if finding.page else f"line {finding.line}"


def sheet(report: Report) -> bytes:
    """Return the sheet that a person reviews."""
    into = io.StringIO()
    rows = csv.writer(into, lineterminator="\r\n")
    rows.writerow(COLUMNS)
    for each in in_order(report.findings):
        told = (each.sentence, str(each.reason), place_of(each))
        rows.writerow((each.value, each.kind, _TAKE[each.advice], report.tlp, *map(_inert, told)))
    return into.getvalue().encode("utf-8-sig")


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings by what is advised, as they stand in the report."""
    ranks = list(Advice)
    return sorted(findings, key=lambda each: ranks.index(each.advice))


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULAS) else cell


def reviewed(raw: bytes) -> list[Taken]:
    """Return the rows of a sheet that a person takes.

    Raises:
        NoReport: it is no sheet, or rows are not decided.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NoReport("the review is no text in UTF-8", cause="sheet") from error
    head = text.partition("\n")[0]
    sign = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=sign)
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    if not {"value", "kind", "take"}.issubset(reader.fieldnames):
        raise NoReport("the review lacks one of the columns value, kind and take", cause="sheet")
    taken, open_ = [], []
    try:
        for row in reader:
            said = (row["take"] or "").strip().casefold()
            if said in _YES:
                taken.append(_taken(row))
            elif said not in _NO and any(row.values()):
                open_.append(reader.line_num)
    except csv.Error as error:
        raise NoReport("the review is no table", cause="sheet") from error
    if open_:
        lines = ", ".join(map(str, open_[:_SHOWN])) + ("…" if len(open_) > _SHOWN else "")
        raise NoReport(f"not decided, say yes or no: line {lines}", cause="open")
    return taken


def _taken(row: dict[str, str | None]) -> Taken:
    cells = {name: (row.get(name) or "").strip() for name in COLUMNS}
    return Taken(
        value=cells["value"],
        kind=cells["kind"].lower(),
        sentence=cells["sentence"].removeprefix("'"),
        place=cells["place"],
    )


def entries(  # noqa: PLR0913 what a person says of the report
    report: Report,
    taken: Sequence[Taken],
    *,
    digest: str,
    name: str = "",
    published: str = "",
    url: str = "",
) -> Iterator[Undated]:
    """Yield an indicator for each value that was taken, and the report that names them all.

    Raises:
        NoReport: nothing was taken, or the report has no name.
        InputError: what was taken is no value of its kind.
    """
    name = name or report.title
    if not name:
        raise NoReport("the report bears no title: give it a name", cause="name")
    marks: list[Json] = [tlp_id(tlp(report.tlp))] if report.tlp else []
    marks += [pap_id(pap(report.pap))] if report.pap else []
    marked: dict[str, Json] = {"object_marking_refs": marks} if marks else {}
    itself: dict[str, Json] = {"source_name": name, "hashes": {"SHA-256": digest}}
    itself |= {"url": url} if url else {"description": "the document"}
    refs: list[Json] = [itself]
    named: dict[tuple[str, str], None] = {}
    for each in taken:
        if each.kind in {CVE, TECHNIQUE}:
            catalogue = "cve" if each.kind == CVE else "mitre-attack"
            refs.append({"source_name": catalogue, "external_id": each.value.upper()})
            continue
        pattern = values.pattern([_value(each)])
        key = ("indicator", f"{digest} {pattern}")
        if key in named:
            continue
        named[key] = None
        about: dict[str, Json] = {"source_name": name, "description": each.place or "in the text"}
        body: dict[str, Json] = {
            "type": "indicator", "spec_version": "2.1", "pattern": pattern, "pattern_type": "stix",
            "external_references": [about],
        }  # fmt: skip
        told: dict[str, Json] = {"description": each.sentence} if each.sentence else {}
        yield Undated(position=len(named), key=key[1], body=body | told | marked)
    if not named:
        raise NoReport("nothing is taken that could become an indicator", cause="nothing")
    when = _instant(published or report.published)
    whole: dict[str, Json] = {
        "type": "report", "spec_version": "2.1", "name": name, "report_types": ["indicator"],
        "external_references": refs,
    }  # fmt: skip
    whole |= {"published": when} if when else {}
    yield Undated(position=len(named) + 1, key=digest, body=whole | marked, names=tuple(named))


def _value(taken: Taken) -> Value:
    if taken.kind == OTHER:
        raise NoReport(
            f"of what kind is the hash {taken.value}? say it in the column kind", cause="kind"
        )
    value = values.of_kind(taken.kind, taken.value)
    if values.is_everybodys(value):
        raise NoReport(f"{value.text} singles nobody out", cause="everybody")
    return value


def _instant(written: str) -> str:
    """Return when a report was published, as STIX says it; empty if that cannot be read."""
    try:
        return instant_text(parse(written if "T" in written else f"{written}T00:00:00Z"))
    except InputError:
        return ""
