"""Conditions of Sigma rules, put together from their searches (Sigma 2.1, "Condition").

``not`` binds closest, then ``and``, then ``or``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mithaq.detect.language import All, Any, Not, Predicate
from mithaq.detect.sigma.trouble import NotServed

_MOST_CHARACTERS = 4096
_DEEPEST = 32  # brackets in one another
_WORD = re.compile(r"[()]|[^\s()]+")
_PATTERN = re.compile(r"[A-Za-z0-9_*-]+")


def condition(written: str, searches: Mapping[str, Predicate]) -> Predicate:
    """Return what a condition about these searches asks.

    Raises:
        NotServed: it is none, or about searches that are not there.
    """
    if len(written) > _MOST_CHARACTERS:
        raise NotServed(f"a condition has at most {_MOST_CHARACTERS} characters", cause="large")
    if "|" in written:
        raise NotServed(
            "it aggregates behind a bar, as no version of Sigma after the first", cause="condition"
        )
    reader = _Reader(_WORD.findall(written), searches)
    found = reader.whole(0)
    if reader.at != len(reader.words):
        raise _bad()
    return found


def _bad() -> NotServed:
    return NotServed("no condition about searches that are there", cause="condition")


@dataclass(slots=True)
class _Reader:
    words: list[str]
    searches: Mapping[str, Predicate]
    at: int = 0

    def whole(self, depth: int) -> Predicate:
        """Read alternatives, up to a closing bracket or the end."""
        parts = [self._every(depth)]
        while self._take("or"):
            parts.append(self._every(depth))
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _every(self, depth: int) -> Predicate:
        parts = [self._one(depth)]
        while self._take("and"):
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self, depth: int) -> Predicate:
        if self._take("not"):
            odd = True
            while self._take("not"):
                odd = not odd
            part = self._one(depth)
            return Not(part) if odd else part
        if self._take("("):
            if depth >= _DEEPEST:
                raise NotServed(f"more than {_DEEPEST} brackets in one another", cause="large")
            found = self.whole(depth + 1)
            if not self._take(")"):
                raise _bad()
            return found
        word = self._next()
        if self._take("of"):
            return self._some(word.lower(), self._next())
        if word not in self.searches:
            raise _bad()
        return self.searches[word]

    def _some(self, quantity: str, which: str) -> Predicate:
        """Read how many of some searches: ``them`` are all that bear no underscore in front."""
        pattern = "*" if which == "them" else which
        if not _PATTERN.fullmatch(pattern):
            raise _bad()
        hidden = pattern.startswith("_")
        found = tuple(
            search
            for name, search in self.searches.items()
            if fnmatchcase(name, pattern) and (hidden or not name.startswith("_"))
        )
        if not found:
            raise _bad()
        if quantity == "all":
            return found[0] if len(found) == 1 else All(found)
        if quantity in {"1", "any"}:
            return found[0] if len(found) == 1 else Any(found)
        raise NotServed("it counts searches: 1, any and all are served", cause="condition")

    def _next(self) -> str:
        self.at += 1
        return self.words[self.at - 1] if self.at <= len(self.words) else ""

    def _take(self, word: str) -> bool:
        here = self.at < len(self.words) and self.words[self.at].lower() == word
        self.at += here
        return here
