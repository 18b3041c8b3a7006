"""Servers to examine: a node of ours with a client, nodes that are peers, and medallion, each behind a wire."""

import base64
import json
import logging
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import medallion
from flask import Flask
from medallion.backends.memory_backend import MemoryBackend

from mithaq.border import peers, signing
from mithaq.exchange.conform import Scope, examine
from mithaq.exchange.wire import Response
from mithaq.node.pairs import of_peer
from mithaq.policy import agreement as policy
from mithaq.store.parties import Peer
from tests.federation.world import Federation, second_person

AT = "2026-02-01T00:00:00.000Z"
GRANT = "grant-misp"


def basic(name, word):
    return "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()


def tool(number, version=AT, **more):
    return {
        "type": "tool",
        "spec_version": "2.1",
        "id": f"tool--00000000-0000-4000-8000-{number:012d}",
        "created": AT,
        "modified": version,
        "name": f"Tool {number}",
        "object_marking_refs": ["marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb"],
        **more,
    }


def _party(name, role="national-csirt"):
    return policy.Party(name=name, country="QM", organisation=name, role=role)


def text(id_, kind, *names, receipts="receipts"):
    """Return an agreement that lets every kind of object pass up to TLP:AMBER."""
    roles = {"misp": "client"}
    return policy.Agreement(
        id=id_,
        version=1,
        title=id_,
        kind=kind,
        parties=[_party(name, roles.get(name, "national-csirt")) for name in names],
        clauses=[policy.Clause(id="c1", kinds=["*"], max_tlp="TLP:AMBER", onward="none")],
        start="2026-01-01T00:00:00.000Z",
        recall=receipts,
    )


@dataclass
class Ours:
    """A nation's node with an ordinary client, and another nation; time passes when an examiner waits."""

    federation: Federation
    token: str
    url: str = "http://aurelia.example"
    slept: list = field(default_factory=list)

    def examine(self, *, through=lambda wire: wire, **scope):
        scope = {"credential": basic("misp", self.token)} | scope
        return examine(
            through(self.federation.wire.of("examiner")),
            Scope(url=self.url, **scope),
            monotonic=lambda: sum(self.slept),
            pause=self.wait,
        )

    def pair(self, us="borea", them="aurelia"):
        """Return the pair of a peer and the node, as the peer's own home knows it."""
        with self.federation.nodes[us].core.read() as unit:
            return of_peer(unit, self.federation.nodes[us].us, them, self.federation.clock)

    def wait(self, seconds):
        self.slept.append(seconds)
        self.federation.settle(1)

    def release(self, *bodies, agreement=GRANT):
        seqs = self.federation.give("aurelia", *bodies)
        self.federation.release("aurelia", agreement, seqs)
        self.federation.settle(2)


def ours(folder):
    """Return a node that has released twelve versions to a client."""
    federation = Federation(folder)
    for name, country in (("aurelia", "QM"), ("borea", "QN")):
        federation.nation(name, country)
    federation.enrol_all()
    node = federation.nodes["aurelia"]
    client = Peer(name="misp", kind="client", state="confirmed", country="QM", added_at=AT)
    with node.core.begin() as unit:
        peers.add_client(unit, client, federation.clock(), by="lena")
        token = peers.new_token(unit, "misp", federation.clock(), by="lena")
        grant = policy.to_bytes(text(GRANT, "grant", "aurelia", "misp", receipts="best-effort"))
        signing.sign_text(
            unit, node.us, grant, federation.clock(), by="lena", second=second_person(unit)
        )
    federation.settle()
    made = Ours(federation, token)
    made.release(*(tool(number) for number in range(10)))
    made.release(tool(1, "2026-02-02T00:00:00.000Z"), tool(1, "2026-02-03T00:00:00.000Z"))
    return made


@dataclass
class Wsgi:
    """A wire to a WSGI application."""

    app: Flask
    asked: list = field(default_factory=list)

    def send(self, request, limit):
        self.asked.append(request)
        parts = urlsplit(request.url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        try:
            answer = self.app.test_client().open(
                target,
                method=request.method,
                headers=dict(request.headers),
                data=request.body,
                base_url=f"{parts.scheme}://{parts.netloc}",
            )
        except Exception:  # noqa: BLE001 as any server around the application answers then
            return Response(status=500, headers={"content-type": "text/html"}, body=b"fault")
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Response(status=answer.status_code, headers=headers, body=answer.data)

    def close(self):
        pass


MEDALLION_LOGIN = ("user", "word")
_COLLECTION = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"


def medallion_wire():
    """Return a wire to medallion with twelve objects of ours in one collection."""
    logging.getLogger("medallion").setLevel(logging.CRITICAL)
    manifest = [
        {
            "id": tool(number)["id"],
            "date_added": f"2026-02-01T00:00:{number:02d}.000000Z",
            "version": AT,
            "media_type": "application/stix+json;version=2.1",
        }
        for number in range(12)
    ]
    data = {
        "/discovery": {
            "title": "medallion",
            "default": "http://peer.example/root/",
            "api_roots": ["http://peer.example/root/"],
        },
        "root": {
            "information": {
                "title": "Root",
                "versions": ["application/taxii+json;version=2.1"],
                "max_content_length": 1 << 20,
            },
            "status": [],
            "collections": [
                {
                    "id": _COLLECTION,
                    "title": "Everything",
                    "can_read": True,
                    "can_write": True,
                    "media_types": ["application/stix+json;version=2.1"],
                    "manifest": manifest,
                    "objects": [tool(number) for number in range(12)],
                }
            ],
        },
    }
    backend = MemoryBackend()
    backend.data = json.loads(json.dumps(data))
    app = medallion.application_instance
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.medallion_backend = backend
    app.taxii_config = {"max_page_size": 100}
    app.users_backend = dict([MEDALLION_LOGIN])
    if "objects" not in app.blueprints:
        medallion.register_blueprints(app)
    return Wsgi(app)


def examine_medallion(*, wire=None, **scope):
    scope = {"credential": basic(*MEDALLION_LOGIN), "writes": True} | scope
    return examine(
        wire or medallion_wire(),
        Scope(url="http://peer.example/", **scope),
        monotonic=lambda: 0.0,
        pause=lambda _: None,
    )
