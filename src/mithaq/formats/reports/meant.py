"""What a text means where its values are written so that nobody follows them by mistake.

``hxxps://evil[.]example`` means ``https://evil.example``. Every place in what is meant leads back to where that is
written, so that a finding can be shown as its author wrote it, and be told how it was put out of action.
"""

import re
from base64 import b64decode
from bisect import bisect_right
from dataclasses import dataclass, field
from urllib.parse import unquote

_OPEN, _CLOSE = r"[\[({<]{1,2}", r"[\])}>]{1,2}"
_GAP = r"[ \t]?"
_DOT = rf"{_OPEN}{_GAP}(?:[.,\u3002]|d[o0]t|punkt|punto|point){_GAP}{_CLOSE}"
_BREAK = r"(?:[ \t]?\n[ \t]*)?"
_WORD = "(?<=[a-z0-9])"  # what stands in place of a dot stands between the signs of a name
_MEANT = re.compile(
    "|".join(
        (
            # What nobody sees: soft hyphens, joiners, marks of direction.
            "(?P<unseen>[\u00ad\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]+)",
            # A URL encoded as a whole, which begins as "http" does.
            r"(?<![a-z0-9])(?P<percent>h(?:tt|xx)ps?%3a%2f%2f[a-z0-9%._~+-]{1,2000})",
            r"(?<![0-9a-z])(?P<hex>68747470(?:73)?3a2f2f(?:[0-9a-f]{2}){1,1000})(?![0-9a-z])",
            r"(?<![a-z0-9+/])(?P<base64>aHR0c(?:DovL|HM6Ly)[a-z0-9+/]{4,2000}={0,2})(?![a-z0-9+/=])",
            # The beginning of a URL: its scheme, disfigured or not, and what parts it from the host.
            (
                rf"(?<![a-z0-9])(?:(?P<http>h(?:tt|xx|\*\*|__|--|xt|tx)p|hxp|x{{4}}|fxp(?=s?:)|meow)"
                r"(?P<other_s>s?)|(?P<scheme>[st]?ftps?|tcp|udp|wss?))"
                rf"(?P<parts>{_GAP}(?:[\[({{]?:[\])}}]?(?:[\[({{]?[/\\][\])}}]?){{2,3}}"
                rf"|:?[\[({{]:?(?://|\\\\)[\])}}]|[\[({{]:/[\])}}]/|__(?=[a-z0-9])){_GAP}"
                r"|:[ \t]*//[ \t]*)"
            ),
            # A full stop in brackets, alone or as a word; what surrounds it does so on both sides.
            rf"(?P<dot>[ \t]{_DOT}[ \t]|{_BREAK}{_DOT}{_BREAK})",
            rf"(?P<half>{_WORD}(?:[\[({{]\.(?=[a-z0-9])|\.[\])}}](?=[a-z0-9])))",
            rf"(?P<end>{_WORD}\.[\[({{](?P<last>[a-z0-9-]{{2,63}})[\])}}])",
            rf"(?P<escaped>{_WORD}(?:\\\.|\^\.|[\u3002\uff0e\uff61\u2024])(?=[a-z0-9]))",
            rf"(?P<spoken>{_WORD}(?:[ \t]dot[ \t]|[ \t]d0t[ \t]|[ \t]?_dot_[ \t]?|-dot-)(?=[a-z0-9]))",
            # The sign of mail.
            rf"(?P<at>{_GAP}{_OPEN}{_GAP}(?:@|at|arroba|arobase){_GAP}{_CLOSE}{_GAP})",
            (
                rf"(?P<at_spoken>{_WORD}(?:[ \t]at[ \t]|_at_)"
                r"(?=[a-z0-9-]{1,63}(?: ?[\[({]\.|[ \t]?[\[({]?dot[\])} ])))"
            ),
            # What else is put in brackets.
            r"(?P<colon>[\[({]:[\])}])|(?P<slash>[\[({]/[\])}])|(?P<hyphen>[\[({]-[\])}])",
            r"(?P<www>[\[({]www(?:\.[\])}]|[\])}]\.))",
        )
    ),
    re.IGNORECASE,
)
_INSTEAD = {
    "unseen": "", "dot": ".", "half": ".", "escaped": ".", "spoken": ".", "at": "@", "at_spoken": "@",
    "colon": ":", "slash": "/", "hyphen": "-", "www": "www.",
}  # fmt: skip
_SURE = re.compile(r"(?:https?|[st]?ftps?|tcp|udp|wss?)://\Z", re.IGNORECASE)
# A value broken at the end of a line: of hexadecimal digits, or of a URL before or behind one of its own signs.
_HEX = re.compile(
    r"(?<![0-9a-z])[0-9a-f]{4,127}(?:[ \t]*\n[ \t]*[0-9a-f]{2,127}){1,8}(?![0-9a-z])", re.IGNORECASE
)
_LENGTHS = frozenset({32, 40, 56, 64, 96, 128})
_URL = re.compile(
    r"(?<![a-z0-9])(?:h(?:tt|xx)ps?|ftp)[\[(]?:[^\s<>\"]{3,500}(?=[ \t]*\n)", re.IGNORECASE
)
_NEXT = re.compile(r"[ \t]*\n[ \t]*(?=([^\s<>\"]{1,500}))")
_GOES_ON = frozenset(
    "/-_=&?%+~"
)  # a URL that ends so goes on, if what follows may be a part of one
_OF_URLS = re.compile(r"[0-9/_=&?%~]|\w\.\w|\[\.\]")
_PART = re.compile(
    r"[/_=&?%+~.-]|\[\.\]|[^\s:]*[/=&?%]|(?=[a-z-]*[0-9])[a-z0-9_-]{6,}", re.IGNORECASE
)
_ANOTHER = re.compile(
    r"[a-z0-9*]{2,5}s?\[?:|[a-z0-9-]{1,63}\[?\.\]?[a-z0-9.\[\]-]*/", re.IGNORECASE
)
_ENOUGH = 60  # signs of a line that had to be broken
_FULL = 0.85  # of the widest line


@dataclass(frozen=True, slots=True)
class Meant:
    """A text with what it means, and the way back."""

    written: str
    text: str
    _starts: list[int] = field(repr=False)  # in ``text``, where a piece begins
    _sources: list[int] = field(repr=False)  # in ``written``, where that piece begins
    _ways: list[str] = field(repr=False)  # how that piece was written; "" as it is meant

    def source(self, start: int, end: int) -> tuple[int, int]:
        """Return from where to where in ``written`` a part of ``text`` stands."""
        return self._source(start, self._at(start)), self._after(end)

    def ways(self, start: int, end: int) -> frozenset[str]:
        """Return how a part of ``text`` was put out of action; empty if it was not."""
        first, last = self._at(start), self._at(max(start, end - 1))
        return frozenset(way for way in self._ways[first : last + 1] if way)

    def _at(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1

    def _source(self, place: int, piece: int) -> int:
        begins = self._sources[piece]
        return begins if self._ways[piece] else begins + place - self._starts[piece]

    def _after(self, end: int) -> int:
        piece = self._at(max(0, end - 1))
        if not self._ways[piece]:
            return self._sources[piece] + end - self._starts[piece]
        return self._sources[piece + 1] if piece + 1 < len(self._sources) else len(self.written)


def meant(written: str, *, broken: bool = False) -> Meant:
    """Return what a text means.

    Args:
        broken: its lines were broken where they were full, as those of a PDF, and values with them.
    """
    changes = [*_disguised(written)]
    if broken:
        changes = _merged(changes, _joined(written))
    pieces: list[str] = []
    starts, sources, ways = [0], [0], [""]
    length = last = 0
    for start, end, instead, way in changes:
        for text, source, how in ((written[last:start], last, ""), (instead, start, way)):
            if text:
                pieces.append(text)
                starts.append(length)
                sources.append(source)
                ways.append(how)
                length += len(text)
        last = end
    pieces.append(written[last:])
    starts.append(length)
    sources.append(last)
    ways.append("")
    return Meant(written, "".join(pieces), starts, sources, ways)


_Change = tuple[int, int, str, str]


def _disguised(written: str) -> list[_Change]:
    found = []
    for match in _MEANT.finditer(written):
        way = match.lastgroup or ""
        if match["http"] or match["scheme"]:
            if _SURE.match(match[0]):
                continue
            begins = "http" if match["http"] else match["scheme"].lower()
            begins = "ftp" if (match["http"] or "").lower() == "fxp" else begins
            instead, way = f"{begins}{(match['other_s'] or '').lower()}://", "scheme"
        elif encoded := match["percent"] or match["hex"] or match["base64"]:
            instead, way = _decoded(encoded), "encoded"
        elif match["end"]:
            instead, way = f".{match['last']}", "half"
        else:
            way = next(name for name in _INSTEAD if match[name] is not None)
            instead = _INSTEAD[way]
        found.append((match.start(), match.end(), instead, way))
    return found


def _decoded(encoded: str) -> str:
    """Return a URL that was encoded as a whole; what it was, if that says nothing."""
    try:
        if "%" in encoded:
            plain = unquote(encoded, errors="strict")
        elif encoded[:1] == "6":
            plain = bytes.fromhex(encoded).decode("ascii")
        else:
            plain = b64decode(encoded, validate=True).decode("ascii")
    except ValueError:
        return encoded
    plain = plain.strip()
    return plain.replace("hxxp", "http", 1) if plain.isprintable() else encoded


def _joined(written: str) -> list[_Change]:
    """Return line breaks inside values."""
    found = []
    for match in _HEX.finditer(written):
        parts = match[0].split()
        lengths = list(map(len, parts))
        if sum(lengths) in _LENGTHS and not _LENGTHS.issuperset(lengths):
            found += [
                (match.start() + gap.start(), match.start() + gap.end(), "", "joined")
                for gap in re.finditer(r"\s+", match[0])
            ]
    most = max(map(len, written.split("\n")), default=0) * _FULL
    for match in _URL.finditer(written):
        end = match.end()
        while (gap := _NEXT.match(written, end)) is not None:
            begins = written.rfind("\n", 0, end) + 1
            more, full = gap[1], end - begins >= max(_ENOUGH, most)
            goes_on = written[end - 1] in _GOES_ON and _OF_URLS.search(more)
            if not full or _ANOTHER.match(more) or not (goes_on or _PART.match(more)):
                break
            found.append((end, gap.end(), "", "joined"))
            end = gap.end(1)
    return found


def _merged(changes: list[_Change], more: list[_Change]) -> list[_Change]:
    """Return both, without those of ``more`` that overlap another."""
    merged: list[_Change] = []
    for change in sorted([*changes, *more], key=lambda each: (each[0], each[3] == "joined")):
        if not merged or change[0] >= merged[-1][1]:
            merged.append(change)
    return merged
