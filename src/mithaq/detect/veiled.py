"""Values that are looked for by keyed hashes alone: what is looked for is not said, and equality is enough to find it.

A hash is of what a value is compared by (``keys``), so what an observed value answers to is asked for one by one: a
name below a veiled name is found, a network is not, for no address equals it. Whoever has the key may try values; the
few that there are of a kind (four thousand million addresses) fall to that at once.
"""

import hmac
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from mithaq.detect import assets
from mithaq.detect.keys import key, keys
from mithaq.detect.matches import Match
from mithaq.detect.observables import named
from mithaq.model.telemetry import Event
from mithaq.model.values import Value

_REMEMBERED = 1 << 16  # observed values, of which telemetry has the same again and again


class Hidden(NamedTuple):
    """One value that is looked for, by its hash."""

    hash: str
    id: str  # of what looks for it
    title: str = ""


def veil(secret: bytes, value: Value) -> str:
    """Return the keyed hash of a value that is looked for, in hexadecimal."""
    return _hash(secret, key(value))


def _hash(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode("utf-8", "replace"), sha256).hexdigest()


class Veiled:
    """A compiled set of hidden values."""

    def __init__(self, secret: bytes, hidden: Iterable[Hidden]) -> None:
        """Take hidden values, all hashed with one key."""
        self._secret = secret
        self._by: dict[str, list[Hidden]] = {}
        for each in hidden:
            self._by.setdefault(each.hash, []).append(each)
        self._of = lru_cache(maxsize=_REMEMBERED)(self._look)

    def __len__(self) -> int:
        """Return how many hashes they are."""
        return len(self._by)

    def _look(self, value: Value) -> tuple[Hidden, ...]:
        hashes = (_hash(self._secret, text) for text in keys(value))
        return tuple(each for one in hashes for each in self._by.get(one, ()))

    def match(self, batch: Sequence[Event]) -> Iterator[Match]:
        """Yield what is found in each event, in their order."""
        for event in batch:
            found: dict[str, tuple[Hidden, dict[str, None]]] = {}
            for fields, value in named(event):
                for hidden in self._of(value):
                    found.setdefault(hidden.id, (hidden, {}))[1].update(dict.fromkeys(fields))
            for hidden, names in found.values():
                yield Match(
                    rule=hidden.id,
                    digest="sha256:" + sha256(hidden.id.encode()).hexdigest(),
                    title=hidden.title,
                    event=event.digest,
                    at=event.at,
                    source=event.source,
                    asset=assets.of(event),
                    found={name: event.fields[name] for name in names},
                )
