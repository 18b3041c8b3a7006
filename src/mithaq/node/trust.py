"""Which TLS certificates count where: the pins of peers' newest key documents, by the origin of their address."""

import threading
from dataclasses import dataclass, field

from mithaq.border import peers
from mithaq.clock import monotonic
from mithaq.exchange.transport import origin_of
from mithaq.store import parties
from mithaq.store.engine import Store

REMEMBER = 2.0  # seconds


@dataclass(slots=True)
class Pins:
    """The pins of every peer, looked up again after a while."""

    core: Store
    _known: dict[str, frozenset[str]] = field(default_factory=dict)
    _until: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, origin: str) -> frozenset[str]:
        """Return the pins of whoever is reached at ``origin``; none if its key document names none."""
        with self._lock:
            if monotonic() >= self._until:
                self._known = self._read()
                self._until = monotonic() + REMEMBER
            return self._known.get(origin, frozenset())

    def _read(self) -> dict[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        with self.core.read() as unit:
            for peer in parties.all_peers(unit):
                document = peers.document_of(unit, peer.name) if peer.kind == "node" else None
                if document is not None and document.spki_pins:
                    origin = origin_of(peer.url)
                    found[origin] = found.get(origin, frozenset()) | {*document.spki_pins}
        return found
