"""How a report's text is laid out: its lines, under which headings they stand, and the sentence around a place."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from mithaq.formats.reports.judge import INDICATORS, REFERENCES

_MOST = 400  # signs of a sentence on either side of a value
_HEADING = 80  # signs of one at most
_OF_INDICATORS = re.compile(
    r"\bio[ac]s?\b|indicators?\b|indicateurs?\b|observables?\b|artifacts?\b"
    r"|c2 (?:servers?|infrastructure|domains?)"
    r"|command[ -]and[ -]control|malicious (?:domains?|urls?|ips?|hosts?|infrastructure)|network infrastructure"
    r"|(?:sample|file) hashes|samples\b|مؤشرات",
    re.IGNORECASE,
)
_OF_REFERENCES = re.compile(
    r"references?\b|further reading|read(?:ing)? more|related (?:posts?|articles?|reading|content)|bibliograph"
    r"|footnotes?\b|notes?\Z|sources?\Z|about (?:us|the authors?|the company)|contact|acknowledge?ments?|see also"
    r"|links\Z|disclaimer"
    r"|références?\b|pour en savoir plus|à propos|المراجع|المصادر|للتواصل",
    re.IGNORECASE,
)
_FIRM = re.compile(  # nothing but a heading reads so, even where no blank line stands before it
    r"(?:(?:appendix|annex)\b.{0,20})?(?:indicators? of compromise|iocs?|indicateurs? de compromission"
    r"|references|références|further reading|network indicators|host indicators|file hashes)(?:\s*\(iocs?\))?\Z",
    re.IGNORECASE,
)
_OF_KINDS = re.compile(
    r"\b(?:domains?|domaines?|ips?|ipv[46]|addresses|adresses?|urls?|hash(?:es)?|md5|sha-?\d+|e-?mails?|files?|fichiers?"
    r"|networks?|hosts?|host-based|network-based|c2|c&c|servers?|registry|imphash|type|value|indicator)\b|نطاق|عناوين",
    re.IGNORECASE,
)
_MARKS = re.compile(r"\A[\s#*_=>\-\u2022\d.)]{0,20}|[\s:*_=#]{1,20}\Z")
_HASHES = re.compile(
    r"(?P<md5>\bmd[- ]?5)|(?P<sha512>\bsha-?512)|(?P<sha384>\bsha-?384)|(?P<sha256>\bsha-?256|\bsha2\b)"
    r"|(?P<sha224>\bsha-?224)|(?P<sha1>\bsha-?1\b)|(?P<imphash>\bimp(?:ort)?[- ]?hash)|(?P<cert>\bcertificat\w*"
    r"|\bthumbprint|\bx\.?509|\bfingerprint|\bssl\b)"
    r"|(?P<other>\bauthenti ?hash|\bpe ?hash|\brich[- ]?(?:pe|header|hash)\w*|\bvhash|\btelfhash"
    r"|\bja[34]s?\b|\bjarm\b|\bhassh\w*|\bicon ?hash|\bdhash|\bcommit|\brevision\b|\bgit\b|\bguid|\bclsid|\bsha3\b"
    r"|\bmutex|\bpassword|\bkey\b|\btoken)",
    re.IGNORECASE,
)
_ENDS = re.compile(  # the end of a sentence, a paragraph, an item, a cell, or a line too short to be broken
    r"[.!?\u061f\u06d4][\"')\]\u201d\u00bb]?\s|\n[ \t]*(?:\n|[-*\u2022#|]|\[?\d{1,3}[.)\]])|\t|(?<![^\n]{40})\n"
)
_PLAIN_WORDS = 8


@dataclass(frozen=True, slots=True)
class Lines:
    """Where the lines of one page begin, and what stands over each."""

    text: str
    begins: Sequence[int]
    sections: Sequence[str]
    heads: Sequence[
        str
    ]  # the last heading, or the line that says of what kind the hashes below are
    hashes: Sequence[str]

    def at(self, place: int) -> int:
        """Return the line of a place, from 0."""
        return bisect_right(self.begins, place) - 1

    def span(self, line: int) -> tuple[int, int]:
        """Return where a line begins and ends."""
        last = line + 1 == len(self.begins)
        return self.begins[line], len(self.text) if last else self.begins[line + 1] - 1

    def row(self, start: int, end: int) -> str:
        """Return the line or the row of a table in which something stands, and what it stands under."""
        begins, ends = self.span(self.at(start))
        low, high = max(begins, start - _MOST), max(end, min(ends, end + _MOST))
        cells = (" ".join(cell.split()) for cell in self.text[low:high].strip("\t ").split("\t"))
        said = " | ".join(cell for cell in cells if cell)
        head = self.heads[self.at(start)]
        return f"{head}: {said}" if head else said

    def sentence(self, start: int, end: int) -> str:
        """Return the sentence around what stands from ``start`` to ``end``."""
        low, high = max(0, start - _MOST), min(len(self.text), end + _MOST)
        for found in _ENDS.finditer(self.text, low, start):
            low = found.end()
        behind = _ENDS.search(self.text, end, high)
        if behind is not None:
            high = behind.start() + (self.text[behind.start()] not in "\n\t")
        return " ".join(self.text[low:high].split())


def lines_of(text: str, section: str = "") -> tuple[Lines, str]:
    """Return the lines of a page, and the section in which it ends."""
    begins = [0, *(found.end() for found in re.finditer("\n", text))]
    sections, heads, over = [], [], []
    head = said = ""
    blank = True
    for line in text.split("\n"):
        bare = line.strip() if len(line) <= 2 * _HEADING else line[: 2 * _HEADING]
        if bare and len(bare) <= _HEADING:
            section, changed = _section(bare, section, blank=blank)
            word = "" if _LONG_HEX.search(bare) else hash_word(bare)
            said = word or ("" if changed else said)
            head = " ".join(_MARKS.sub("", bare).split()) if changed or word else head
        elif bare and not _LONG_HEX.search(line[:512]):
            said = ""
        blank = not bare
        sections.append(section)
        heads.append(head)
        over.append(said)
    return Lines(text, begins, sections, heads, over), section


_LONG_HEX = re.compile(r"[0-9a-fA-F]{16}")


def hash_word(text: str) -> str:
    """Return what the last word about hashes in a text says that they are; empty if there is none."""
    last = ""
    for found in _HASHES.finditer(text):
        last = found.lastgroup or ""
    return last


def _section(bare: str, section: str, *, blank: bool) -> tuple[str, bool]:  # noqa: PLR0911 a rule each
    """Return the section behind a line, and whether the line is a heading."""
    title = _MARKS.sub("", bare)
    words = title.split()
    if not words or len(words) > _PLAIN_WORDS or title[-1] in ".,;" or _LONG_HEX.search(title):
        return section, False
    if _OF_KINDS.fullmatch(title):
        return section, True
    marked = bare[0] == "#" or (bare.isupper() and len(title) > 3)  # noqa: PLR2004 no abbreviation
    firm = _FIRM.match(title) is not None and words[0][:1].isupper()
    heading = marked or firm or (blank and words[0][:1].isupper()) or bare.endswith(":")
    if not heading or "://" in title or "[.]" in title:
        return section, False
    if _OF_REFERENCES.search(title):
        return REFERENCES, True
    if _OF_INDICATORS.search(title):
        return INDICATORS, True
    if section == INDICATORS and _OF_KINDS.search(title):
        return section, True
    if not marked and (bare.endswith(":") or _VALUE.search(title)):
        return section, False
    return ("", True) if marked or blank else (section, False)


_VALUE = re.compile(r"\d\.\d|\w\.\w")
