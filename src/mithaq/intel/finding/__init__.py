"""How people find what they may read: searches, those they save, notice of what meets them, and indicators by worth.

Every read of the pillar starts from ``visible``.
"""

from mithaq.intel.finding.searching import (
    NOTHING,
    SECONDS,
    among,
    beside,
    called,
    look_up,
    looked_for,
    newest_by_id,
    relate,
    search,
    topics,
    value,
    visible,
)

__all__ = [
    "NOTHING", "SECONDS", "among", "beside", "called", "look_up", "looked_for", "newest_by_id", "relate", "search",
    "topics", "value", "visible",
]  # fmt: skip
