"""What the node fetches by itself: feeds, each with its schedule, terms and health (house.md 2)."""

from mithaq.ingest.feeds import NoFeed, add, every, named, pause, remove, resume
from mithaq.ingest.revising import revise
from mithaq.ingest.rules import VIAS, Health, Reason, Secret, Terms, checked

__all__ = [
    "VIAS", "Health", "NoFeed", "Reason", "Secret", "Terms", "add", "checked", "every", "named",
    "pause", "remove", "resume", "revise",
]  # fmt: skip
