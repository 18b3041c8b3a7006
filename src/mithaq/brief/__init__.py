"""The daily and the weekly brief: what the head of a CSIRT reads in three minutes, marked by what is in it."""

from mithaq.brief.gathering import Brief, Ordered, brief, period_of
from mithaq.brief.page import page
from mithaq.brief.pdf import NoFonts, NoPdf, pdf
from mithaq.brief.schedule import due, write

__all__ = [
    "Brief", "NoFonts", "NoPdf", "Ordered", "brief", "due", "page", "pdf", "period_of", "write",
]  # fmt: skip
