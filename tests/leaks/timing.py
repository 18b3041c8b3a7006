"""Two nodes of a pair behind one server, and the time that a peer waits for each: can it tell them apart?

Both are served by one process, so that nothing but what they hold can make one slower: two processes differ by their
memory alone. The peer sends the same bytes to either, one right after the other, which first is a coin's. The
statistic was chosen before anything was measured: Wilcoxon's signed ranks on the differences of each pair, for each
kind of request and for all together, two-sided, at one in a hundred over all of them (Bonferroni). A run that tells
them apart is run once more, and counts if that one does too.
"""

import asyncio
import json
import math
import os
import random
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import msgspec

from mithaq import clock
from mithaq.border.keys import Change, draft
from mithaq.exchange import gate
from mithaq.exchange.asgi import VARIABLE, app_from_environment
from mithaq.exchange.prints import Prints
from mithaq.exchange.transport import sign
from mithaq.exchange.visit import Settings
from mithaq.exchange.wire import Request
from mithaq.node.build import CURSOR_KEY, ROOT_KEY
from mithaq.seal import drafts
from mithaq.seal.keys import from_pem
from tests.leaks.lists import HIDDEN, VALUES
from tests.leaks.pair import TAXII, body, id_of

ALPHA = 0.01
PAIR = "MITHAQ_PAIR"
NEVER_KEPT = "indicators.csv"  # of the exports
SIDES = ("left", "right")
ROOT = Path(__file__).parents[2]


# --- the server's side -----------------------------------------------------------------------------------
def both():
    """Build one application around two nodes, which goes by a header; ``leak`` seconds more for the right one."""
    told = json.loads(os.environ[PAIR])
    began, now = time.monotonic(), datetime.fromisoformat(told["now"])
    clock.now = lambda: now + timedelta(seconds=time.monotonic() - began)
    gate._RATES.update(
        dict.fromkeys(gate._RATES, (1e9, 1e9))
    )  # what is measured is not how much one may ask
    keep = Prints.keep
    Prints.keep = lambda prints, client, name, made: (  # each answer is printed anew
        name == NEVER_KEPT or keep(prints, client, name, made)
    )
    apps = {}
    for side in SIDES:
        os.environ[VARIABLE] = json.dumps(told[side])
        apps[side.encode()] = app_from_environment()

    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        side = dict(scope["headers"])[b"x-side"]
        if side == b"right" and told["leak"]:
            await asyncio.sleep(told["leak"])
        await apps[side](scope, receive, send)

    return app


def serve(port):
    from granian import Granian  # noqa: PLC0415 only the server's process needs it

    Granian(
        "tests.leaks.timing:both",
        address="127.0.0.1",
        port=port,
        interface="asgi",
        factory=True,
        log_enabled=False,
    ).serve()


@contextmanager
def served(pair, leak=0.0):
    """Serve both sides of a pair; yield a line to them."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {"leak": leak, "now": pair.left.clock().isoformat()}
    for name, side in zip(SIDES, pair.sides, strict=True):
        config = side.nodes["aurelia"].config
        settings = Settings(
            url=side.nodes["aurelia"].us.url,
            shelf_url=config.shelf_url,
            spool_url=config.spool_url,
            cursor_key_path=str(config.home / CURSOR_KEY),
        )
        told[name] = msgspec.to_builtins(settings)
    path = os.pathsep.join([str(ROOT), str(ROOT / "src")])
    server = subprocess.Popen(
        [sys.executable, "-c", f"from tests.leaks.timing import serve; serve({port})"],
        env=os.environ | {PAIR: json.dumps(told), "PYTHONPATH": path},
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        line = Line(port)
        for side in SIDES * 20:  # warm
            line.ask(side, plain("GET", "/mithaq/keys/"))
        yield line
        line.close()
    finally:
        server.terminate()
        server.wait(30)


# --- the peer's side -------------------------------------------------------------------------------------
class Line:
    """One connection that stays open."""

    def __init__(self, port):
        for _ in range(600):
            try:
                self._socket = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                time.sleep(0.1)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, side, raw):
        """Send a request; return after how many seconds the whole answer was there, and its status."""
        whole = raw.replace(b"\r\n\r\n", b"\r\nx-side: " + side.encode() + b"\r\n\r\n", 1)
        began = time.perf_counter()
        self._socket.sendall(whole)
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self._some()
        head, _, rest = answer.partition(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        missing = int(lines.get(b"content-length", 0)) - len(rest)
        while missing > 0:
            missing -= len(self._some())
        return time.perf_counter() - began, int(head.split(b" ", 2)[1])

    def _some(self):
        some = self._socket.recv(1 << 16)
        assert some, "the server hung up"
        return some

    def close(self):
        self._socket.close()


def plain(method, path, raw=b"", **headers):
    """Write a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "host: aurelia.example", f"content-length: {len(raw)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + raw


@dataclass
class Caller:
    """Everything that is asked, as borea or as the client: one kind after the other."""

    pair: object
    line: Line

    def __post_init__(self):
        side = self.pair.left
        root, shelf = self._root("misp"), self._root("borea")
        inbox = json.dumps({"objects": [body(4)]}).encode()
        hint = json.dumps({"channel": shelf.split("/")[2], "seq": 1}).encode()
        with self.pair.right.nodes["aurelia"].shelf.read() as unit:
            rows = unit.exec_driver_sql("SELECT shelf FROM shelves WHERE peer = 'corvia'").all()
        others = rows[0][0]
        hidden = id_of(HIDDEN[0], "indicator").partition("--")[2]
        value = json.dumps({"value": VALUES[300][1]}).encode()
        tag = side.ask("misp", "GET", "/export/addresses.txt").headers["etag"]
        self._tags = {"same list": {"if-none-match": tag}}
        self._began = (side.clock(), time.monotonic())
        self.kinds = {
            "discovery": ("misp", "GET", "/taxii2/", b""),
            "root": ("misp", "GET", root, b""),
            "collections": ("misp", "GET", f"{root}collections/", b""),
            "objects": ("misp", "GET", f"{root}collections/intel/objects/?limit=4", b""),
            "manifest": ("misp", "GET", f"{root}collections/intel/manifest/", b""),
            "one": ("misp", "GET", f"{root}collections/intel/objects/{id_of(1)}/", b""),
            "hidden": ("misp", "GET", f"{root}collections/intel/objects/{id_of(100)}/", b""),
            "never": ("misp", "GET", f"{root}collections/intel/objects/{id_of(999)}/", b""),
            "post": ("misp", "POST", f"{root}collections/inbox/objects/", inbox),
            "delete": ("misp", "DELETE", f"{root}collections/inbox/objects/{id_of(100)}/", b""),
            "heartbeat": ("borea", "GET", "/mithaq/heartbeat/", b""),
            "frames": ("borea", "GET", f"{shelf}frames/?after=0", b""),
            "another's": ("borea", "GET", f"/taxii2/{others}/frames/?after=0", b""),
            "push": ("borea", "POST", f"/taxii2/{'0' * 32}/frames/", b"no frame"),
            "nudge": ("borea", "POST", "/mithaq/nudge/", hint),
            "keys": ("", "GET", "/mithaq/keys/", b""),
            "met": ("", "POST", "/mithaq/keys/", self._next_document("dorado")),
            "printed": ("misp", "GET", f"/export/{NEVER_KEPT}", b""),
            "list": ("misp", "GET", "/export/domains.txt", b""),
            "same list": ("misp", "GET", "/export/addresses.txt", b""),
            "feed": ("misp", "GET", "/export/misp/manifest.json", b""),
            "no event": ("misp", "GET", f"/events/view/{hidden}", b""),
            "events": ("misp", "POST", "/events/restSearch", b'{"tags": "tlp:green"}'),
            "value": ("misp", "POST", "/attributes/restSearch", value),
            "hidden value": ("misp", "POST", "/attributes/restSearch", b'{"value": "other.test"}'),
        }

    def _next_document(self, name):
        """Return a nation's next key document, which anybody may bring to anybody."""
        node = self.pair.left.nodes[name]
        root = from_pem((node.config.home / ROOT_KEY).read_bytes())
        with node.core.read() as unit:
            made = draft(unit, node.us, Change(identities=[id_of(7, "identity")]), node.clock())
        return drafts.signed(made, root).envelope.to_bytes()

    def _root(self, who):
        told = json.loads(self.pair.left.ask(who, "GET", "/taxii2/").body)
        return urlsplit(told["default"]).path if "://" in told["default"] else told["default"]

    def write(self, kind):
        """Return the bytes of one request of a kind; a nation's is signed anew each time."""
        who, method, path, raw = self.kinds[kind]
        headers = {"accept": TAXII} | ({"content-type": TAXII} if method == "POST" else {})
        headers |= self._tags.get(kind, {})
        if who in self.pair.left.tokens:
            headers |= self.pair.left.bearer(who)
        elif who:
            at, began = self._began
            now = at + timedelta(seconds=time.monotonic() - began)
            url = f"http://aurelia.example{path}"
            request = Request(method=method, url=url, headers=headers, body=raw)
            headers = sign(request, self.pair.left.nodes[who].us.signer, now).headers
        return plain(method, path, raw, **headers)

    def measure(self, pairs, seed):
        """Return the differences, right less left in seconds, by kind of request."""
        chance = random.Random(seed)
        found = {kind: [] for kind in self.kinds}
        for number in range(pairs):
            kind = list(self.kinds)[number % len(self.kinds)]
            raw = self.write(kind)
            took, statuses = {}, set()
            for side in chance.sample(SIDES, 2):
                took[side], status = self.line.ask(side, raw)
                statuses.add(status)
            assert len(statuses) == 1, (kind, statuses)
            found[kind].append(took["right"] - took["left"])
        return found


# --- the statistic ---------------------------------------------------------------------------------------
def signed_ranks(differences):
    """Return Wilcoxon's two-sided p for paired differences, by its normal approximation; 1 for too few."""
    kept = sorted((d for d in differences if d), key=abs)
    n = len(kept)
    if n < 10:
        return 1.0
    above = sum(rank for rank, d in enumerate(kept, start=1) if d > 0)
    mean, spread = n * (n + 1) / 4, math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    return math.erfc(abs(above - mean) / spread / math.sqrt(2))


def verdict(found):
    """Return the figures of a run; ``told`` says whether any kind, or all together, told the two apart."""
    every = [d for some in found.values() for d in some]
    p = {kind: signed_ranks(some) for kind, some in found.items()} | {"all": signed_ranks(every)}
    least = min(p, key=p.get)
    return {
        "pairs": len(every),
        "least p": {least: p[least], "median": round(median(found.get(least, every)), 6)},
        "bound": ALPHA / len(p),
        "median difference": round(median(every), 6),
        "spread": round(median(abs(d) for d in every), 6),
        "told": p[least] < ALPHA / len(p),
    }
