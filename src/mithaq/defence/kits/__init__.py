"""Hunt kits: what constituents without a node look for in their own logs, and the counts that they send back."""

from mithaq.defence.kits.making import LEFT, Made, Wanted, make
from mithaq.defence.kits.pack import Kit, Line, opened, whose
from mithaq.defence.kits.result import MOST, Result, Row, sealed, without
from mithaq.defence.kits.taking import Took, pseudonym, take

__all__ = [
    "LEFT", "MOST", "Kit", "Line", "Made", "Result", "Row", "Took", "Wanted", "make", "opened", "pseudonym", "sealed",
    "take", "whose", "without",
]  # fmt: skip
