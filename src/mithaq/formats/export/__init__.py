"""Writers of what tools take: objects that were released to one audience become the files that its tools read."""

from mithaq.formats.export.press import EXPORTS, LEFT, Export, Least, Press, Printed, definitions
from mithaq.formats.export.told import Entry, entry

__all__ = [
    "EXPORTS",
    "LEFT",
    "Entry",
    "Export",
    "Least",
    "Press",
    "Printed",
    "definitions",
    "entry",
]
