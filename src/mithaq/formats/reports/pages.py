"""The text of a report, page by page: plain, out of HTML, out of PDF.

What hostile input can do to a parser it does here: a node calls this only in a process with limits of its own
(``mithaq.formats.reports.__main__``).
"""

import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from mithaq.errors import InputError
from mithaq.formats.registry import NotThisFormat

MOST_BYTES = 64 << 20
_MOST_TEXT = 32 << 20  # characters of text
_MOST_PAGES = 2000
if TYPE_CHECKING:
    from pypdf import PdfReader

_PDF = re.compile(rb"%PDF-\d")
_HTML = re.compile(
    r"\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body|article|div|p|h[1-6]|table)\b",
    re.IGNORECASE | re.DOTALL,
)
_TITLE = 200  # characters of one


class NoReport(InputError):
    """A document that cannot be read; ``code`` is ``report-`` and the cause."""

    def __init__(self, says: str, *, cause: str) -> None:
        """Say what is wrong with it."""
        super().__init__(says, cause=cause)
        self.code = f"report-{cause}"


class Pages(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a document, and what it says of itself."""

    form: str  # text, html or pdf
    texts: list[str]
    title: str = ""
    published: str = ""
    hosts: list[str] = []  # where it was published


def pages(raw: bytes) -> Pages:
    """Return the text of a report.

    Raises:
        NoReport: it is too long, encrypted, broken or empty. NotThisFormat: it is neither text, HTML nor PDF.
    """
    if len(raw) > MOST_BYTES:
        raise NoReport(f"a report has at most {MOST_BYTES >> 20} MiB", cause="long")
    if _PDF.search(raw[:1024]):
        found = _pdf(raw)
    else:
        text = _decoded(raw)
        found = _html(text) if _HTML.match(text) else _plain(text)
    if sum(map(len, found.texts)) > _MOST_TEXT:
        raise NoReport(f"a report has at most {_MOST_TEXT >> 20} million characters", cause="long")
    if not any(text.strip() for text in found.texts):
        raise NoReport("no text in it: a picture of pages holds none", cause="empty")
    return found


def _decoded(raw: bytes) -> str:
    if raw[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return raw.decode("utf-16", "replace").replace("\r\n", "\n").replace("\r", "\n")
    if b"\0" in raw:
        raise NotThisFormat("neither text, HTML nor PDF", where="")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", "replace")
    return (
        text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\f", "\n\n")
    )


def _plain(text: str) -> Pages:
    first = next(
        (line.strip(" #*=\t") for line in text.split("\n", 50) if line.strip(" #*=\t-")), ""
    )
    return Pages(form="text", texts=[text], title=first[:_TITLE])


# --- HTML ------------------------------------------------------------------------------------------
_UNREAD = frozenset(
    {
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "nav",
        "footer",
        "iframe",
        "select",
        "button",
        "object",
    }
)
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt", "fieldset",
        "figcaption", "figure", "form", "header", "hr", "html", "main", "ol", "p", "pre", "section", "summary", "table",
        "tbody", "tfoot", "thead", "title", "ul",
    }
)  # fmt: skip
_HEADS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_DATES = frozenset({"article:published_time", "date", "dc.date", "datepublished", "pubdate"})


_VOID = frozenset(
    {
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    }
)  # fmt: skip
_WHOLE = frozenset({"html", "body"})  # what scripts show once all is there
_OPEN_ENDED: Mapping[
    str, frozenset[str]
] = {  # elements whose end may be left out, and before what they end
    "p": _BLOCKS | _HEADS,
    "li": frozenset({"li"}),
    **dict.fromkeys(("dd", "dt"), frozenset({"dd", "dt"})),
    **dict.fromkeys(("td", "th"), frozenset({"td", "th", "tr", "tbody", "tfoot"})),
    "tr": frozenset({"tr", "tbody", "tfoot"}),
}
_HIDDEN = re.compile(
    r"(?:\A|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    r"|(?:opacity|font-size)\s*:\s*0{0,9}(?:\.0{0,9})?(?:px|r?em|pt|%)?\s*(?=[;!]|\Z))",
    re.IGNORECASE,
)


def _is_hidden(attrs: Sequence[tuple[str, str | None]]) -> bool:
    """Say whether an element says itself that nobody sees it; what style sheets say of it is not known."""
    return any(
        name == "hidden" or (name == "style" and _HIDDEN.search((value or "")[: _TITLE * 10]))
        for name, value in attrs
    )


class _Text(HTMLParser):
    """Writes down what a reader of a page sees, a block to a line, headings with a hash sign before them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.title = ""
        self.published = ""
        self.hosts: list[str] = []
        self._unread: list[str] = []  # elements that are open, from one on that is not read
        self._within: Counter[str] = Counter()
        self._kept = 0  # blocks whose blanks and line ends count
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._is_unread(tag, attrs):
            if tag not in _VOID:
                self._unread.append(tag)
                self._within[tag] += 1
        elif tag == "title":
            self._in_title = True
        elif tag in {"meta", "link"}:
            self._told({name: value or "" for name, value in attrs})
        elif tag == "br":
            self.parts.append("\n")
        elif tag in {"li", "tr"}:
            self.parts.append("\n- " if tag == "li" else "\n")
        elif tag in {"td", "th"}:
            self.parts.append("\t")
        elif tag in _HEADS:
            self.parts.append("\n\n# ")
        elif tag in _BLOCKS:
            self.parts.append("\n\n")
            self._kept += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if self._within[tag]:
            while (last := self._unread.pop()) != tag:
                self._within[last] -= 1
            self._within[tag] -= 1
            return
        if self._unread and self._unread[0] in _OPEN_ENDED:  # what it stood in ends
            self._read_again()
        if tag == "title":
            self._in_title = False
        elif tag in _BLOCKS or tag in _HEADS:
            self.parts.append("\n\n")
            self._kept -= tag == "pre" and self._kept > 0

    def _is_unread(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> bool:
        """Say whether an element that begins is not read; what was not may end there without saying so."""
        if self._unread:
            first = self._unread[0]
            if tag not in _OPEN_ENDED.get(first, ()) or (first != "p" and len(self._unread) > 1):
                return True
            self._read_again()
        return tag in _UNREAD or (tag not in _WHOLE and _is_hidden(attrs))

    def _read_again(self) -> None:
        self._unread.clear()
        self._within.clear()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            if len(self.title) < _TITLE:
                self.title += data[:_TITLE]
        elif not self._unread:
            self.parts.append(data if self._kept else re.sub(r"\s+", " ", data))

    def _told(self, attrs: dict[str, str]) -> None:
        name = (attrs.get("property") or attrs.get("name") or attrs.get("itemprop") or "").lower()
        if name in _DATES and not self.published:
            self.published = attrs.get("content", "")[:64].strip()
        where = attrs.get("href") if attrs.get("rel", "").lower() == "canonical" else None
        where = attrs.get("content") if name == "og:url" else where
        try:
            host = urlsplit((where or "")[:4096]).hostname
        except ValueError:
            return
        if host:
            self.hosts.append(host.removeprefix("www."))


def _html(text: str) -> Pages:
    parser = _Text()
    # It is never closed: a tag or comment that never ends no browser shows, and to look in it for another takes a
    # look at all the rest each time. A line end behind the text lets it tell all that is text.
    parser.feed(text + "\n")
    lines = (" ".join(line.split(" ")).strip(" ") for line in "".join(parser.parts).split("\n"))
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(line if line.strip() else "" for line in lines))
    first = re.search(r"^# (.+)", whole, re.MULTILINE)
    title = " ".join(parser.title.split()) or (first[1].strip() if first else "")
    return Pages(
        form="html",
        texts=[whole],
        title=title[:_TITLE],
        published=parser.published,
        hosts=parser.hosts,
    )


# --- PDF -------------------------------------------------------------------------------------------
def _pdf(raw: bytes) -> Pages:
    from pypdf import PdfReader  # noqa: PLC0415 heavy, and needed for PDFs alone
    from pypdf.errors import DependencyError  # noqa: PLC0415 as above

    try:
        reader = PdfReader(io.BytesIO(raw), strict=False)
        texts = [*_texts(reader)]
        told = reader.metadata
        title = " ".join(str((told and told.title) or "").split())
        date = told.creation_date if told else None
    except NoReport:
        raise
    except DependencyError as error:
        raise NoReport(
            "it is encrypted in a way that is not read here", cause="encrypted"
        ) from error
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # a parser of hostile bytes may raise whatever it likes
        raise NoReport(f"the PDF is broken: {type(error).__name__}", cause="broken") from error
    title = title or _plain(texts[0] if texts else "").title
    published = date.isoformat() if date is not None else ""
    return Pages(form="pdf", texts=texts, title=title[:_TITLE], published=published)


def _texts(reader: "PdfReader") -> Iterator[str]:
    if reader.is_encrypted and not reader.decrypt(""):
        raise NoReport("it is encrypted: save it without a password", cause="encrypted")
    if len(reader.pages) > _MOST_PAGES:
        raise NoReport(f"a report has at most {_MOST_PAGES} pages", cause="long")
    length = 0
    for page in reader.pages:
        text = page.extract_text()
        length += len(text)
        if length > _MOST_TEXT:
            raise NoReport("the PDF holds more text than a report does", cause="long")
        yield text
