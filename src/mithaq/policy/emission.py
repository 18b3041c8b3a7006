"""Who gets what, and so who has each id: audiences that only ever narrow (border.md 2.5)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

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
        targets: Mapping[Key, Iterable[str]],
        audiences: Mapping[Key, Audience],
    ) -> None:
        """Begin with everything that is permitted.

        Args:
            ids: the object's id of each candidate; several candidates may share one.
            targets: the ids each candidate names.
            audiences: who may have each candidate as far as references do not matter.
        """
        self._ids = ids
        self.changes = 0  # how often an audience has narrowed
        self._audience = dict(audiences)
        self._keys_of: dict[str, list[Key]] = defaultdict(list)
        self._users: dict[str, list[Key]] = defaultdict(list)
        self._have: dict[str, Audience] = defaultdict(frozenset)
        for key, id_ in ids.items():
            self._keys_of[id_].append(key)
            had, audience = self._have[id_], self._audience[key]
            self._have[id_] = (
                had | audience if had else audience
            )  # one set for many, where it is one
        for key, named in targets.items():
            for target in set(named):
                self._users[target].append(key)

    def to(self, key: Key) -> Audience:
        """Return who gets the candidate."""
        return self._audience[key]

    def have(self, id_: str) -> Audience:
        """Return who gets some candidate of that id."""
        return self._have.get(id_, NOBODY)

    def narrow(self, key: Key, who: Audience) -> list[Key]:
        """Give the candidate to ``who`` alone; return the candidates whose target somebody has lost."""
        self.changes += 1
        self._audience[key] &= who
        id_ = self._ids[key]
        now = NOBODY.union(*(self._audience[k] for k in self._keys_of[id_]))
        if now == self._have[id_]:
            return []
        self._have[id_] = now
        return self._users.get(id_, [])
