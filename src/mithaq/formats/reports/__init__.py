"""Reports of people for people: plain text, HTML and PDF, read for the indicators that stand in them."""

from mithaq.formats.reports.judge import Advice, Reason
from mithaq.formats.reports.pages import MOST_BYTES, NoReport, Pages, pages
from mithaq.formats.reports.reading import Finding, Report, read
from mithaq.formats.reports.review import (
    Taken,
    checked,
    entries,
    in_order,
    place_of,
    reviewed,
    sheet,
    suggested,
)

__all__ = [
    "MOST_BYTES", "Advice", "Finding", "NoReport", "Pages", "Reason", "Report", "Taken", "checked", "entries",
    "in_order", "pages", "place_of", "read", "reviewed", "sheet", "suggested",
]  # fmt: skip
