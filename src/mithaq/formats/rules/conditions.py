"""Conditions of Sigma rules: whether one can be read, and speaks of what is there (Sigma 2.1, "Condition")."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

_WORD = re.compile(r"[()]|[^\s()]+")
_PATTERN = re.compile(r"[A-Za-z0-9_*-]+")
_SOME = re.compile(r"any|all|[1-9][0-9]{0,3}", re.IGNORECASE)
_DEEPEST = 32  # brackets in one another


def stands(condition: str, names: Collection[str]) -> bool:
    """Say whether a condition is one about searches of these names.

    What stands behind a bar is a correlation of Sigma's first version, which no later one describes.
    """
    reader = _Reader(_WORD.findall(condition.partition("|")[0]), names)
    return reader.whole(0) and reader.at == len(reader.words)


@dataclass(slots=True)
class _Reader:
    """Reads searches joined by AND and OR; which of the two binds closer does not matter here."""

    words: Sequence[str]
    names: Collection[str]
    at: int = 0

    def whole(self, depth: int) -> bool:
        """Say whether what stands next, up to a closing bracket or the end, is a condition."""
        while self._one(depth):
            if not self._take("and", "or"):
                return True
        return False

    def _one(self, depth: int) -> bool:
        while self._take("not"):
            pass
        if self._take("("):
            return depth < _DEEPEST and self.whole(depth + 1) and self._take(")")
        word = self._next()
        if _SOME.fullmatch(word) and self._take("of"):
            return self._are(self._next())
        return word in self.names

    def _are(self, which: str) -> bool:
        """Say whether some searches bear names of a pattern; ``them`` are all that bear no underscore in front."""
        if which == "them":
            return any(not name.startswith("_") for name in self.names)
        known = _PATTERN.fullmatch(which) is not None
        return known and any(fnmatchcase(name, which) for name in self.names)

    def _next(self) -> str:
        self.at += 1
        return self.words[self.at - 1] if self.at <= len(self.words) else ""

    def _take(self, *words: str) -> bool:
        here = self.at < len(self.words) and self.words[self.at].lower() in words
        self.at += here
        return here
