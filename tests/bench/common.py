"""What measures share: the data, a line of the table, a node's client, a server in a process of its own."""

import base64
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mithaq.border import local, peers, signing
from mithaq.border.publish import publish
from mithaq.formats import BUILT_IN
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import Object
from mithaq.node.worker import Worker
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Agreement, Clause, Party
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.federation.world import second_person

ATTACK = Path(__file__).parents[2].parent / "shared/data/attack/enterprise-attack.json"
START = "2026-01-01T00:00:00.000Z"
TAXII = "application/taxii+json;version=2.1"


@dataclass(frozen=True)
class Figure:
    """One line of the table."""

    what: str
    figure: str
    least: str
    detail: str


def attack():
    """Return the bundle's objects as our gate reads them."""
    return [each for each in BUILT_IN.read(ATTACK.read_bytes()) if isinstance(each, Object)]


def timed(act):
    begin = time.perf_counter()
    made = act()
    return time.perf_counter() - begin, made


def text(id_, names, **more):
    countries = {"aurelia": "QM"}
    return Agreement(
        id=id_,
        version=1,
        title=id_,
        kind=more.pop("kind", "forum" if len(names) > 2 else "bilateral"),
        parties=[
            Party(
                name=n,
                country=countries.get(n, "QN"),
                organisation=n,
                role=more.get(n, "national-csirt"),
            )
            for n in names
        ],
        clauses=[Clause(id="all", kinds=["*"], attribution="release")],
        start=START,
    )


def brought(node, read):
    """Let a node import objects as CLEAR; return their numbers."""
    given = [local.Given(object=each, beside=Beside(tlp=Tlp.CLEAR)) for each in read]
    source = Source(name="file:attack", kind="file")
    with node.core.begin() as unit:
        outcome = local.local(
            unit, node.us, source, given, author="ana", own=False, now=node.clock()
        )
    return [copy.seq for copy in outcome.stored]


def client_of(node, name="misp"):
    """Give a node a client with a grant of everything, which bears its name; return the headers of its requests."""
    client = Peer(name=name, kind="client", state="confirmed", country="QM", added_at=START)
    terms = text(name, (node.us.party, name), kind="grant", **{name: "client"})
    grant = policy.to_bytes(terms)
    with node.core.begin() as unit:
        peers.add_client(unit, client, node.clock(), by="omar")
        token = peers.new_token(unit, name, node.clock(), by="omar")
        second = second_person(unit)
        signing.sign_text(unit, node.us, grant, node.clock(), by="lena", second=second)
    Worker(node).look()
    basic = base64.b64encode(f"{name}:{token}".encode()).decode()
    return {"authorization": f"Basic {basic}", "accept": TAXII, "content-type": TAXII}


def given_to_client(node):
    """Let a node import the bundle and release it to its client."""
    seqs = brought(node, attack())
    with node.core.begin() as unit:
        publish(unit, node.us, "ana", seqs, "misp", node.clock())
    Worker(node).show()


def collection(http, alias="intel"):
    """Return the path of a collection of the first API root."""
    root = http.get("/taxii2/").raise_for_status().json()["default"]
    return f"{root}collections/{alias}/objects/"


_NEXT = re.compile(rb'"next": ?"([^"]+)"')


def pages(http, path, **asked):
    """Return all pages of a collection, as they come; what each says of the next one stands at one of its ends."""
    found, more = [], {}
    while True:
        answer = http.get(path, params={**asked, **more}).raise_for_status()
        found.append(answer)
        said = _NEXT.search(answer.content[:512] + answer.content[-512:])
        if said is None:
            return found
        more = {"next": said[1].decode()}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


@contextmanager
def granian(target, environment):
    """Run an ASGI application as the node runs its listener; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory"]
    command += ["--workers", "1", "--host", "127.0.0.1", "--port", str(port), "--no-ws"]
    with running([*command, "--http", "1", target], port, environment):
        yield port


@contextmanager
def running(command, port, environment, cwd=None):
    """Run a server until the end of the block, once it listens."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "the server does not start"
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        process.wait(30)
