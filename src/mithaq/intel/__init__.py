"""Intelligence: what we hold, added, found, related and marked by our own people (house.md 2)."""

from mithaq.intel.rules import Caveats, caveats, layout, readers, title
from mithaq.intel.service import (
    Added,
    Incoming,
    Rejected,
    Related,
    add,
    mark,
    marking,
    members,
    read_out,
    received,
    recent,
    relate,
    search,
    source,
    unknown_recipients,
    versions,
    worked_on,
)
from mithaq.store.objects import Copy
from mithaq.store.sources import Source

__all__ = [
    "Added", "Caveats", "Copy", "Incoming", "Rejected", "Related", "Source", "add", "caveats", "layout", "mark",
    "marking", "members", "read_out", "readers", "received", "recent", "relate", "search", "source",
    "title", "unknown_recipients", "versions", "worked_on",
]  # fmt: skip
