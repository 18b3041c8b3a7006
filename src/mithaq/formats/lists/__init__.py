"""Lists and tables of values, read as indicators."""

from mithaq.formats.lists.reading import Lists
from mithaq.formats.lists.sheets import lines_of
from mithaq.formats.lists.words import ROLES

__all__ = ["ROLES", "Lists", "lines_of"]
