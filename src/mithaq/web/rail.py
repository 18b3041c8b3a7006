"""The parts of the console, in their order (screens.md 2); none is shown to whom it does not open."""

from dataclasses import dataclass

from mithaq.auth.actors import Permission


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A part: its name is the sentence ``NAME.name``, its first page the route ``NAME``, its icon ``NAME``."""

    name: str
    needs: Permission


RAIL = (Entry(name="watch", needs=Permission.OBJECT_READ),)
