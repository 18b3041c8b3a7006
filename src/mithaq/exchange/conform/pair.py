"""The line between two nodes: requests signed with our exchange key, to one that knows it (border.md 6, 9.2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mithaq.exchange.conform.probe import Answer, Probe
from mithaq.exchange.problems import TAXII
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.seal.keys import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Who we are to the node that is examined, and what we know of it."""

    us: str
    them: str
    realm: str
    signer: Signer = field(repr=False)
    keys: Mapping[str, bytes] = field(
        repr=False
    )  # their exchange keys, for what they signed to last
    document: bytes = field(repr=False)  # the newest key document that we hold of them
    clock: Callable[[], datetime] = field(repr=False)
    orders: Mapping[str, str] = field(default_factory=dict)  # ours that they had: name, deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Asks as the pair's own node does; each sending is signed anew."""

    probe: Probe
    pair: Pair

    def ask(
        self, method: str, target: str, body: bytes = b"", kind: str = "", limit: int = 0
    ) -> Answer:
        """Send a signed request."""
        request = self.request(method, target, body, kind)
        return self.probe.plain(request, target, dress=self.dress, limit=limit)

    def get(self, target: str, limit: int = 0) -> Answer:
        """Ask for something."""
        return self.ask("GET", target, limit=limit)

    def request(self, method: str, target: str, body: bytes = b"", kind: str = "") -> Request:
        """Return a request that is not signed yet."""
        headers = {"accept": TAXII} | ({"content-type": kind} if kind else {})
        return Request(method=method, url=self.probe.url(target), headers=headers, body=body)

    def dress(self, request: Request) -> Request:
        """Sign a request for this instant."""
        return sign(request, self.pair.signer, self.pair.clock())


def same(one: Answer, other: Answer) -> bool:
    """Say whether two answers cannot be told apart but by what any server adds to them."""
    return (one.status, one.body, _told(one)) == (other.status, other.body, _told(other))


def _told(answer: Answer) -> Mapping[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in _SERVERS_OWN}


_SERVERS_OWN = {"date", "server", "connection", "content-length", "transfer-encoding"}
