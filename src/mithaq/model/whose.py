"""Whose word it is that something is looked for: many may give one id, and each says by it what they say."""

from hashlib import sha256
from typing import NamedTuple


class Word(NamedTuple):
    """Whose word a match rests on: a rule's own, or what one giver says under the id of an indicator."""

    rule: str  # its id: a rule's, or that of an indicator
    giver: str = ""  # who vouches for that indicator here; empty: it is none that is held

    @property
    def digest(self) -> str:
        """What an indicator's matches are known by: a newer version that finds the same finds the same match."""
        said = self.rule if not self.giver else f"{self.rule} {self.giver}"
        return "sha256:" + sha256(said.encode()).hexdigest()
