"""What is measured: each a ratio inside one run, on the whole of MITRE ATT&CK, against a peer or a physical limit."""

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import msgspec
import stix2

from mithaq.border import admit, peers, signing
from mithaq.border.publish import publish
from mithaq.exchange.asgi import VARIABLE
from mithaq.exchange.onshow import frames_after
from mithaq.exchange.visit import Settings
from mithaq.formats import BUILT_IN
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import Object
from mithaq.node.build import CURSOR_KEY
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Agreement, Clause, Party
from mithaq.seal.envelope import sign
from mithaq.seal.messages import AGREEMENT
from mithaq.store import channels
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.federation.world import Federation, second_person

ATTACK = Path(__file__).parents[2].parent / "shared/data/attack/enterprise-attack.json"
START = "2026-01-01T00:00:00.000Z"
MANY = 57  # parties of the forum besides us
SOME = 1000  # objects that go to them


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


def brought(federation, read):
    """Let Aurelia import objects as CLEAR; return their numbers."""
    node = federation.nodes["aurelia"]
    given = [admit.Given(object=each, beside=Beside(tlp=Tlp.CLEAR)) for each in read]
    source = Source(name="file:attack", kind="file")
    with node.core.begin() as unit:
        outcome = admit.local(
            unit, node.us, source, given, author="ana", own=False, now=federation.clock()
        )
    return [copy.seq for copy in outcome.stored]


def releases_to_one(folder, read):
    """Decide, record and place the whole bundle for one peer; and admit it there, frame by frame."""
    federation = Federation(folder / "one")
    federation.nation("aurelia", "QM")
    federation.nation("borea", "QN")
    federation.enrol_all()
    federation.sign(text("all", ("aurelia", "borea")), "aurelia", "borea")
    seqs = brought(federation, read)
    took, _ = timed(lambda: federation.release("aurelia", "all", seqs))
    yield Figure(
        "release to one peer: decision, row, leaf, seal", f"{len(seqs) / took:,.0f} a second",
        "20,000", f"{len(seqs):,} objects in {took:.1f} s, one core",
    )  # fmt: skip
    federation.workers["aurelia"].show()
    yield from _admits(federation, read)
    federation.close()


def _admits(federation, read):
    aurelia, borea = federation.nodes["aurelia"], federation.nodes["borea"]
    with aurelia.core.read() as unit:
        channel = channels.find(unit, "borea", "all", "out")
    frames, after = [], 0
    with aurelia.shelf.read() as unit:
        while page := list(frames_after(unit, "borea", channel.id, after)):
            frames += page
            after += len(page)

    def take():
        for raw in frames:
            with borea.core.begin() as unit:
                done = admit.frame(unit, borea.us, "aurelia", raw, federation.clock())
            assert done.outcome is admit.Outcome.ADMITTED, done
            assert not done.quarantined

    bodies = [each.raw for each in read]
    theirs = min(
        timed(lambda: [stix2.parse(raw, allow_custom=True) for raw in bodies])[0] for _ in range(2)
    )
    ours, _ = timed(take)
    yield Figure(
        "strict admission, against stix2.parse alone", f"{theirs / ours:.1f}x", "3x",
        f"{len(read):,} objects: {ours:.1f} s in {len(frames)} frames, each a transaction on disk;"
        f" stix2 {theirs:.1f} s",
    )  # fmt: skip


def releases_to_many(folder, read):
    """One forum agreement with 57 other parties: rows for each, bytes once."""
    federation = Federation(folder / "many")
    names = ["aurelia", *(f"party-{number:02d}" for number in range(MANY))]
    for name in names:
        federation.nation(name, "QM" if name == "aurelia" else "QN")
    aurelia = federation.nodes["aurelia"]
    for worker in federation.workers.values():
        worker.show()
    for name in names[1:]:
        federation.enrol(aurelia, federation.nodes[name])
    forum = text("forum", tuple(names))
    exact = policy.to_bytes(policy.read(policy.to_bytes(forum)))  # in its exact form
    with aurelia.core.begin() as unit:
        signing.sign_text(unit, aurelia.us, exact, federation.clock(), by="lena")
        for name in names[1:]:
            theirs = sign(AGREEMENT, exact, federation.nodes[name].us.signer)
            signing.receive(unit, aurelia.us, name, theirs, federation.clock())
    federation.workers["aurelia"].look()
    seqs = brought(federation, read[:SOME])
    took, made = timed(lambda: federation.release("aurelia", "forum", seqs))
    with aurelia.core.read() as unit:
        rows = unit.exec_driver_sql('SELECT count(*) FROM "rows"').scalar_one()
        bodies = unit.exec_driver_sql(
            'SELECT count(DISTINCT view) FROM "rows" WHERE copy > 0'
        ).scalar_one()
    yield Figure(
        f"release to {MANY} peers of one forum", f"{rows / took:,.0f} a second", "20,000",
        f"{rows:,} rows of {bodies:,} bodies in {took:.1f} s, one core",
    )  # fmt: skip
    assert made.decisions
    federation.close()


def reads(folder, read):
    """GET the whole bundle with a token over loopback, against the same server sending the same pages."""
    federation = Federation(folder / "read")
    node = federation.nation("aurelia", "QM")
    client = Peer(name="misp", kind="client", state="confirmed", country="QM", added_at=START)
    with node.core.begin() as unit:
        peers.add_client(unit, client, federation.clock(), by="omar")
        token = peers.new_token(unit, "misp", federation.clock(), by="omar")
        grant = policy.to_bytes(text("grant", ("aurelia", "misp"), kind="grant", misp="client"))
        signing.sign_text(
            unit, node.us, grant, federation.clock(), by="lena", second=second_person(unit)
        )
    federation.workers["aurelia"].look()
    seqs = brought(federation, read)
    with node.core.begin() as unit:
        publish(unit, node.us, "ana", seqs, "grant", federation.clock())
    federation.workers["aurelia"].show()
    basic = base64.b64encode(f"misp:{token}".encode()).decode()
    headers = {"authorization": f"Basic {basic}", "accept": "application/taxii+json;version=2.1"}
    told = Settings(
        url=node.us.url,
        shelf_url=node.config.shelf_url,
        spool_url=node.config.spool_url,
        cursor_key_path=str(node.config.home / CURSOR_KEY),
        realm="live",
    )
    with _server(
        "mithaq.exchange.asgi:app_from_environment", {VARIABLE: msgspec.json.encode(told).decode()}
    ) as port:
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base, headers=headers, timeout=60) as http:
            pages = _pages(http)
            ours = min(timed(lambda: _pages(http))[0] for _ in range(3))
    size = sum(map(len, pages))
    kept = folder / "pages.json"
    kept.write_text(json.dumps([page.decode("latin-1") for page in pages]))
    with _server("tests.bench.still:app", {"BENCH_PAGES": str(kept)}) as port:
        base = f"http://127.0.0.1:{port}"
        with httpx2.Client(base_url=base, timeout=60) as http:
            still = min(
                timed(lambda: [http.get(f"/{at}").content for at in range(len(pages))])[0]
                for _ in range(3)
            )
    count = sum(len(json.loads(page).get("objects", [])) for page in pages)
    yield Figure(
        "GET with a token, against the same server sending the same pages", f"{still / ours:.2f}", "0.20",
        f"{count:,} objects, {size / 1e6:.0f} MB in {len(pages)} pages: {ours:.2f} s, {still:.2f} s;"
        f" {count / ours:,.0f} objects a second",
    )  # fmt: skip
    federation.close()


def _pages(http):
    root = http.get("/taxii2/").json()["default"]
    path = f"{root}collections/intel/objects/"
    found, more = [], {}
    while True:
        answer = http.get(path, params=more)
        answer.raise_for_status()
        found.append(answer.content)
        page = msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw])
        if "next" not in page:
            return found
        more = {"next": msgspec.json.decode(page["next"])}


@contextmanager
def _server(target, environment):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--factory",
        "--workers",
        "1",
    ]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--http", "1", target]
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


MEASURES = {"one": releases_to_one, "many": releases_to_many, "read": reads}


def run(names):
    """Yield the figures of the named measures, each in a folder of its own."""
    read = attack()
    for name in names:
        with tempfile.TemporaryDirectory(prefix="mithaq-bench-") as folder:
            yield from MEASURES[name](Path(folder), read)


__all__ = ["ATTACK", "MEASURES", "Figure", "run"]
