"""Hostile input of our own making: each case by one mechanism, with the verdict that the specification gives it.

A case is bytes, or a builder of them, and the door they come to. ``doors`` pass them through the real code in a child
process that may take little memory and little time; what comes out is compared word by word.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Case:
    """One hostile input.

    Args:
        door: a function of ``doors``.
        what: what the door takes: bytes, an object, or a request.
        verdict: what must come out of the door.
        why: the rule or the danger.
    """

    id: str
    category: str
    door: str
    what: object
    verdict: str
    why: str = ""

    def made(self):
        return self.what() if callable(self.what) else self.what


class Cases(list):
    """The cases of one category."""

    def __init__(self, category: str, door: str) -> None:
        super().__init__()
        self.category, self.door = category, door

    def __call__(
        self,
        id_: str,
        what: object | Callable[[], object],
        verdict: str,
        why: str = "",
        door: str = "",
    ) -> None:
        self.append(
            Case(
                id=f"{self.category}-{id_}",
                category=self.category,
                door=door or self.door,
                what=what,
                verdict=verdict,
                why=why,
            )
        )
