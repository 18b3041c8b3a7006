"""What clients gave a moment ago and may read back before the worker has taken it in.

It is bounded for each client by itself, so nobody sees by what is still kept of his own how much others give.
"""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

KEPT_BYTES = 16 << 20  # of what one client gave
KEPT = 20_000  # things of one client


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """Something given, by its name and by another it is called by."""

    name: str
    alias: str
    at: int  # when it was changed last, by its own account
    raw: bytes = field(repr=False)


@dataclass(slots=True)
class Gifts:
    """What clients gave; one stands behind one listener."""

    _kept: "dict[str, OrderedDict[str, Gift]]" = field(
        default_factory=lambda: defaultdict(OrderedDict)
    )
    _sizes: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, client: str, gift: Gift) -> None:
        """Keep it in place of the one of its name; the oldest of this client go, if there are too many."""
        with self._lock:
            mine = self._kept[client]
            before = mine.pop(gift.name, None)
            mine[gift.name] = gift
            self._sizes[client] += len(gift.raw) - (len(before.raw) if before else 0)
            while len(mine) > 1 and (self._sizes[client] > KEPT_BYTES or len(mine) > KEPT):
                _, oldest = mine.popitem(last=False)
                self._sizes[client] -= len(oldest.raw)

    def of(self, client: str, name: str) -> Gift | None:
        """Return what a client gave under a name, or under another it is called by."""
        with self._lock:
            mine = self._kept.get(client, OrderedDict())
            return mine.get(name) or next((g for g in mine.values() if g.alias == name), None)

    def every(self, client: str) -> Iterator[Gift]:
        """Yield what a client gave, the newest first."""
        with self._lock:
            found = [*self._kept.get(client, {}).values()]
        yield from reversed(found)
