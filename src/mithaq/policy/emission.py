"""Who gets what, and so who has each id: audiences that only ever narrow (border.md 2.5)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from mithaq.policy.situation import Key

Audience = frozenset[str]
NOBODY: Audience = frozenset()


class Emission:
    """The audience of every candidate, with the index that says whom a narrowing touches.

    Each narrowing costs the candidates that name the narrowed id, so a whole decision costs the number of
    references times the number of peers, whatever chains a sender builds.
    """

    def __init__(
        self,
        ids: Mapping[Key, str],
        refs: Mapping[Key, Sequence[tuple[str, str]]],
        audiences: Mapping[Key, Audience],
    ) -> None:
        """Begin with everything that is permitted.

        Args:
            ids: the object's id of each candidate; several candidates may share one.
            refs: the (pointer, id) pairs that each candidate names.
            audiences: who may have each candidate as far as references do not matter.
        """
        self._ids = ids
        self._refs = refs
        self._audience = dict(audiences)
        self.whose: dict[str, Audience] = {}  # who gets some candidate of each id
        for key, id_ in ids.items():
            had, audience = self.whose.get(id_), self._audience[key]
            # one set for many, where it is one
            self.whose[id_] = had | audience if had else audience

    @cached_property
    def _keys_of(self) -> Mapping[str, list[Key]]:
        """The candidates of each id; like ``_users`` made when something narrows, which may be never."""
        found: dict[str, list[Key]] = defaultdict(list)
        for key, id_ in self._ids.items():
            found[id_].append(key)
        return found

    @cached_property
    def _users(self) -> Mapping[str, list[Key]]:
        """The candidates that name each id."""
        found: dict[str, dict[Key, None]] = defaultdict(dict)
        for key, named in self._refs.items():
            for _, target in named:
                found[target][key] = None
        return {target: list(keys) for target, keys in found.items()}

    def to(self, key: Key) -> Audience:
        """Return who gets the candidate."""
        return self._audience[key]

    def have(self, id_: str) -> Audience:
        """Return who gets some candidate of that id."""
        return self.whose.get(id_, NOBODY)

    def narrow(self, key: Key, who: Audience) -> list[Key]:
        """Give the candidate to ``who`` alone; return the candidates whose target somebody has lost."""
        self._audience[key] &= who
        id_ = self._ids[key]
        now = NOBODY.union(*(self._audience[k] for k in self._keys_of[id_]))
        if now == self.whose[id_]:
            return []
        self.whose[id_] = now
        return self._users.get(id_, [])
