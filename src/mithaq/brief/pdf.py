"""The brief as a PDF: the same page, set by WeasyPrint, which fetches nothing.

WeasyPrint is loaded here alone and only when a PDF is asked for. It needs Pango, and fonts of Arabic and Latin, neither
of which a fresh Debian has.
"""

import os
from pathlib import Path

from mithaq.errors import Fault, InputError
from mithaq.languages import RIGHT_TO_LEFT

_LATIN = ("NotoSans-Regular", "NotoSerif-Regular")
_ARABIC = ("NotoSansArabic-Regular", "NotoNaskhArabic-Regular")


class NoPdf(InputError):
    """What sets PDFs is not installed here."""

    code = "no-pdf"


class NoFonts(InputError):
    """Letters of the language are not installed here: the page would show boxes."""

    code = "no-fonts"


def pdf(page: str, language: str) -> bytes:
    """Set a page that ``page.page`` wrote.

    Raises:
        NoPdf, NoFonts: something is not installed; the message says what.
    """
    missing = [name for name in _needed(language) if not _is_here(name)]
    if missing:
        raise NoFonts(f"no font {', '.join(missing)}: apt install fonts-noto-core")
    try:
        from weasyprint import HTML  # noqa: PLC0415 heavy, and only here
        from weasyprint.urls import FatalURLFetchingError, URLFetcher  # noqa: PLC0415 as above
    except (ImportError, OSError) as error:
        raise NoPdf(
            "a PDF needs mithaq[pdf], and Debian's libpango-1.0-0 libpangoft2-1.0-0"
        ) from error

    nothing = URLFetcher(allowed_protocols=(), allow_redirects=False, fail_on_errors=True)
    try:
        written = HTML(string=page, url_fetcher=nothing).write_pdf(pdf_variant="pdf/ua-1")
    except FatalURLFetchingError as error:
        raise Fault("a page that names something elsewhere is not set") from error
    assert isinstance(written, bytes)  # noqa: S101 for types: no target was named
    return written


def _needed(language: str) -> tuple[str, ...]:
    return _LATIN + (_ARABIC if language in RIGHT_TO_LEFT else ())


def _is_here(font: str) -> bool:
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    roots = [Path(each) / "fonts" for each in shared.split(":")]
    roots += [Path("~/.fonts").expanduser(), Path("~/.local/share/fonts").expanduser()]
    return any(next(root.rglob(f"{font}.[to]tf"), None) for root in roots if root.is_dir())
