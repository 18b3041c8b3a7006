"""A federation in one process: nodes as values, a wire that can lose, double, reorder and forge, one clock."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from mithaq import config
from mithaq.border import admit, peers, signing
from mithaq.border.publish import publish
from mithaq.config import Settings
from mithaq.exchange.client import fetch_keys
from mithaq.exchange.listener import Listener
from mithaq.exchange.visit import Settings as ListenerSettings
from mithaq.exchange.wire import PeerUnreachable, Request, Response
from mithaq.model.benign import Benign
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.node import Node, harmless, init, open_node, warninglists
from mithaq.node.build import CURSOR_KEY, ROOT_KEY
from mithaq.node.warninglists import known_where
from mithaq.node.worker import Worker
from mithaq.policy import agreement as policy
from mithaq.seal.keys import KeySigner, from_pem
from mithaq.store import objects, parties
from mithaq.store.parties import ActorRow
from mithaq.store.sources import Source

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Fault = Callable[["Wire", str, Request], Response | None]


def _sharing(benign: Benign, settings: config.Benign) -> None:
    """Let nodes of one process read the lists that ship once, where their settings say nothing of them."""
    _know_anew(benign, settings)
    if settings == config.Benign():
        benign._read = _READ


_READ: dict = {}
_know_anew = warninglists.know_anew
warninglists.know_anew = harmless.know_anew = _sharing


@dataclass
class Clock:
    """A clock that the test moves."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def step(self, seconds: float = 1.0) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Wire:
    """Carries requests between the nodes of one process; ``fault`` may answer in its place or raise."""

    listeners: dict[str, Listener] = field(default_factory=dict)
    fault: Fault | None = None
    seen: list[tuple[str, str, str, bytes]] = field(default_factory=list)  # from, to, path, bytes

    def of(self, sender: str) -> "End":
        return End(self, sender)

    def carry(self, sender: str, request: Request) -> Response:
        host = urlsplit(request.url).hostname or ""
        answer = None if self.fault is None else self.fault(self, sender, request)
        if answer is None:
            answer = self.deliver(host, request)
        self.seen.append((sender, host, request.path, request.body))
        self.seen.append((host, sender, request.path, answer.body))
        return answer

    def deliver(self, host: str, request: Request) -> Response:
        if host not in self.listeners:
            raise PeerUnreachable("no such host")
        return self.listeners[host].answer(request)


@dataclass
class End:
    """One node's end of the wire."""

    wire: Wire
    sender: str

    def send(self, request: Request, limit: int) -> Response:
        answer = self.wire.carry(self.sender, request)
        if len(answer.body) > limit:
            raise PeerUnreachable("answer too long")
        return answer

    def close(self) -> None:
        pass


def second_person(unit: Connection) -> tuple[str, KeySigner]:
    """Let Mona act here, who is the second person behind grants; return her name and key."""
    raw = hashlib.sha256(b"mona").digest()
    key = KeySigner(Ed25519PrivateKey.from_private_bytes(raw))
    row = ActorRow(
        name="mona", roles="policy-owner", clearance="RED", public=key.public, added_at=""
    )
    parties.put_actor(unit, row)
    return "mona", key


class Federation:
    """Nations on one wire and one clock, enrolled with each other on demand."""

    def __init__(self, folder: Path, database: Callable[[str], str] | None = None) -> None:
        self.folder = folder
        self.database = database
        self.clock = Clock()
        self.wire = Wire()
        self.tokens: dict[str, str] = {}  # of clients, by name
        self.nodes: dict[str, Node] = {}
        self.workers: dict[str, Worker] = {}

    def nation(self, name: str, country: str) -> Node:
        settings = Settings(
            nation=name,
            organisation=f"CSIRT of {name.title()}",
            country=country,
            url=f"http://{name}.example",
            database=self.database(name) if self.database else "",
        )
        node = init(self.folder / name, settings, clock=self.clock, wire=self.wire.of(name))
        self.nodes[name] = node
        self.workers[name] = Worker(node)
        self.listen(name)
        return node

    @classmethod
    def copied(cls, made: "Federation", folder: Path) -> "Federation":
        """Open a copy of a closed federation, at the instant at which that one was left."""
        shutil.copytree(made.folder, folder, dirs_exist_ok=True)
        copy = cls(folder)
        copy.clock.now = made.clock.now
        copy.tokens |= made.tokens
        for name in made.nodes:
            node = open_node(folder / name, clock=copy.clock, wire=copy.wire.of(name))
            copy.nodes[name], copy.workers[name] = node, Worker(node)
            copy.listen(name)
        return copy

    def root(self, name: str) -> KeySigner:
        """Return a nation's root key."""
        return from_pem((self.nodes[name].config.home / ROOT_KEY).read_bytes())

    def listen(self, name: str) -> None:
        node = self.nodes[name]
        self.wire.listeners[f"{name}.example"] = Listener(
            ListenerSettings(
                url=node.us.url,
                shelf_url=node.config.shelf_url,
                spool_url=node.config.spool_url,
                cursor_key_path=str(node.config.home / CURSOR_KEY),
                realm="live",
            ),
            node.shelf,
            node.spool,
            self.clock,
            known_where,
        )

    def enrol_all(self) -> None:
        """Let every pair meet and compare words."""
        for worker in self.workers.values():
            worker.show()
        for one in self.nodes.values():
            for other in self.nodes.values():
                if one is not other:
                    self.enrol(one, other)

    def enrol(self, one: Node, other: Node) -> None:
        raw = fetch_keys(one.wire, other.us.url)
        with other.core.read() as unit:
            spoken = " ".join(peers.fingerprint_words(unit, other.us.party, "en"))
        with one.core.begin() as unit:
            peers.meet(unit, one.us, raw, self.clock(), by="omar")
            signing.confirm(unit, one.us, other.us.party, spoken, self.clock(), by="omar")

    def sign(self, text: policy.Agreement, *names: str) -> None:
        """Let the named parties sign, the first proposing, and messages pass."""
        raw = policy.to_bytes(text)
        for name in names:
            node = self.nodes[name]
            with node.core.begin() as unit:
                signing.sign_text(unit, node.us, raw, self.clock(), by="lead")
            self.settle()

    def settle(self, rounds: int = 4) -> None:
        """Let every worker turn a few times, a second apart."""
        for _ in range(rounds):
            self.clock.step()
            for worker in self.workers.values():
                worker.turn()

    def give(
        self, name: str, *bodies: dict, tlp: Tlp | None = None, own: bool = True, **more
    ) -> list[int]:
        """Let a nation import objects; return their numbers."""
        node = self.nodes[name]
        given = [
            admit.Given(object=from_body(body), beside=Beside(tlp=tlp), **more) for body in bodies
        ]
        source = Source(name="file:report", kind="file")
        with node.core.begin() as unit:
            outcome = admit.local(
                unit, node.us, source, given, author="ana", own=own, now=self.clock()
            )
        assert not outcome.refused, outcome.refused
        return [copy.seq for copy in outcome.stored]

    def release(self, name: str, agreement: str, seqs: list[int], proposer: str = "ana"):
        node = self.nodes[name]
        with node.core.begin() as unit:
            return publish(unit, node.us, proposer, seqs, agreement, self.clock())

    def held_by(self, name: str) -> dict[tuple[str, str], bytes]:
        """Return what a nation holds from others: bytes by (id, version)."""
        with self.nodes[name].core.read() as unit:
            copies = objects.load(unit, objects.everything())
        return {
            (c.object.id, c.object.version): c.object.raw
            for c in copies
            if c.standing == "received"
        }

    def close(self) -> None:
        for node in self.nodes.values():
            node.close()
