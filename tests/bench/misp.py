"""MISP's way between two nodes: one serves events as a sync server, the other pulls them as a MISP would."""

import lzma
import os
import random
import time
import uuid
from collections import Counter

import msgspec

from mithaq import ingest, intel
from mithaq.border.publish import publish
from mithaq.exchange.asgi import VARIABLE
from mithaq.exchange.visit import Settings
from mithaq.formats import BUILT_IN
from mithaq.ingest.rules import Secret, Terms
from mithaq.intel import Source
from mithaq.node.build import CURSOR_KEY
from mithaq.node.worker import Worker
from tests.bench.common import Figure, client_of, granian, timed
from tests.bench.imports import ANA, DETECTION
from tests.federation.world import Federation

EVENTS = int(os.environ.get("BENCH_EVENTS", "10000"))
ATTRIBUTES = 59  # of an event, on average: 12.1 million in the 206,062 events of a real MISP (MISP/MISP#7201)
SPREAD = (
    1.2  # of the logarithm: half of the events have 29 or fewer, one in a hundred more than 460
)
TOGETHER = 100  # events that the serving node imports and releases at once
START = 1_700_000_000
KINDS = {
    "domain": ("domain", "Network activity"),
    "ipv4": ("ip-dst", "Network activity"),
    "url": ("url", "Network activity"),
    "md5": ("md5", "Payload delivery"),
    "sha1": ("sha1", "Payload delivery"),
    "sha256": ("sha256", "Payload delivery"),
}


def misp(folder):
    """Let one node import and release events of real indicators, and another pull them, twice."""
    federation = Federation(folder / "misp")
    serving = federation.nation("aurelia", "QM")
    pulling = federation.nation("borealis", "QN")
    headers = client_of(serving)
    attributes, size = _given(federation, serving)
    told = Settings(
        url=serving.us.url,
        shelf_url=serving.config.shelf_url,
        spool_url=serving.config.spool_url,
        cursor_key_path=str(serving.config.home / CURSOR_KEY),
        realm="live",
    )
    environment = {VARIABLE: msgspec.json.encode(told).decode()}
    with granian("mithaq.exchange.asgi:app_from_environment", environment) as port:
        terms = Terms(
            name="aurelia", url=f"http://127.0.0.1:{port}", via="misp-server", secret=True, local=True
        )  # fmt: skip
        secret = Secret(header="authorization", value=headers["authorization"])
        with pulling.core.begin() as unit:
            ingest.add(unit, pulling.config.home, terms, secret, federation.clock())
        begun = time.process_time()
        first, feed = timed(lambda: pulling.collector.run("aurelia"))
        busy = time.process_time() - begun
        again, same = timed(lambda: pulling.collector.run("aurelia"))
    health = feed.health
    assert (health.parts, health.refused, same.health.outcome) == (EVENTS, 0, "same"), health
    federation.close()
    yield Figure(
        "sync of events in MISP's way between two nodes", f"{EVENTS / first:,.0f} events a second", "70",
        f"{EVENTS:,} events with {attributes:,} attributes of real lists, {size >> 20} MiB, in {first:.0f} s over HTTP:"
        f" {attributes / first:,.0f} attributes a second, {health.taken:,} objects stored; {busy:.0f} s of CPU in the"
        " pulling node",
    )  # fmt: skip
    yield Figure(
        "sync without news in MISP's way between two nodes", f"{again * 1000:,.0f} ms", "< 1 s",
        f"{EVENTS:,} events on the other side",
    )  # fmt: skip


def _given(federation, node):
    """Let a node import events and release them to its client; return how many attributes, and bytes."""
    count = size = 0
    some = []
    for number, event in enumerate(_events(), 1):
        count += len(event["Attribute"])
        some.append({"Event": event})
        if len(some) == TOGETHER or number == EVENTS:
            raw = msgspec.json.encode({"response": some})
            size += len(raw)
            _release(federation, node, raw)
            some = []
    Worker(node).show()
    return count, size


def _release(federation, node, raw):
    source = Source(name="file:events", kind="file")
    incoming = intel.Incoming(raw=raw, source=source, format="misp")
    added = intel.add(node.core, node.us, ANA, incoming, federation.clock(), formats=BUILT_IN)
    assert not added.rejected, added.rejected[:3]
    with node.core.begin() as unit:
        outcome = publish(unit, node.us, "ana", added.stored, "misp", federation.clock())
    assert outcome is not None


def _events():
    """Yield events of real indicators, each once, about as many as real events have."""
    drawn = random.Random(4)
    values = _values()
    drawn.shuffle(values)
    for number in range(EVENTS):
        many = min(2000, max(1, round(drawn.lognormvariate(0, SPREAD) * ATTRIBUTES / 2.054)))
        at = str(START + number * 600)
        yield {
            "uuid": _uuid(drawn),
            "info": f"Campaign {number}",
            "date": "2023-11-14",
            "timestamp": at,
            "publish_timestamp": at,
            "published": True,
            "threat_level_id": "2",
            "analysis": "2",
            "distribution": "3",
            "Orgc": {"uuid": "55f6ea5e-2c60-40e5-964f-47a8950d210f", "name": "CIRCL"},
            "Tag": [{"name": "tlp:clear"}, {"name": 'osint:source-type="blog-post"'}],
            "Attribute": [_attribute(drawn, at, *values.pop()) for _ in range(many)],
        }


def _attribute(drawn, at, kind, value):
    type_, category = KINDS[kind]
    return {
        "uuid": _uuid(drawn),
        "type": type_,
        "category": category,
        "value": value,
        "to_ids": True,
        "comment": "",
        "timestamp": at,
        "distribution": "5",
        "disable_correlation": False,
        "deleted": False,
    }


def _uuid(drawn):
    return str(uuid.UUID(int=drawn.getrandbits(128), version=4))


def _values():
    found = Counter()
    for path in sorted((DETECTION / "iocs").glob("*.tsv.xz")):
        kind = path.name.partition(".")[0].rpartition("-")[2]
        if kind in KINDS:
            lines = lzma.decompress(path.read_bytes()).decode().split("\n")
            found.update((kind, line.partition("\t")[0]) for line in lines if line.strip())
    return [*found]
