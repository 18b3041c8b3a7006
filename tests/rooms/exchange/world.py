"""A listener with callers and shelves, asked in-process: what a peer sees without sockets between."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from mithaq.border.peers import token_digest
from mithaq.exchange.listener import Listener
from mithaq.exchange.transport import sign
from mithaq.exchange.visit import Settings
from mithaq.exchange.wire import Request
from mithaq.model.canonical import digest
from mithaq.seal.envelope import sign as dsse
from mithaq.seal.keys import encode, generate
from mithaq.seal.messages import SEAL, ZERO, Body, Doc, Seal
from mithaq.seal.messages import encode as to_payload
from mithaq.store import shelf as shelves
from mithaq.store import spool as spools
from mithaq.store.engine import open_store
from mithaq.store.shelf import Caller, Frame, Shelf, Shown
from tests import migrated

BASE = "https://aurelia.example"
TAXII = "application/taxii+json;version=2.1"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
TICK = datetime(2026, 3, 1, 11, 0, 0, tzinfo=UTC)
B_SHELF, C_SHELF, CLIENT_SHELF, BASE_CHANNEL = "b" * 32, "c" * 32, "d" * 32, "e" * 32


def stamp(position):
    """The date_added of a row: a tick and the row's ordinal in microseconds."""
    return f"{TICK + timedelta(microseconds=position):%Y-%m-%dT%H:%M:%S.%f}Z"


def stix(number, type_="tool", version="2026-01-01T00:00:00.000Z", **more):
    """Return (id, type, version, bytes) of an object; the bytes are deliberately not canonical."""
    id_ = f"{type_}--00000000-0000-4000-8000-{number:012d}"
    body = {"type": type_, "spec_version": "2.1", "id": id_, "created": version}
    body |= {"modified": version, "name": f"Name {number}", **more}
    return id_, type_, version, json.dumps(body, indent=1).encode()


@dataclass
class World:
    """One node's listener and what stands behind it."""

    listener: Listener
    shelf: object
    spool: object
    settings: Settings
    signers: dict = field(default_factory=dict)
    tokens: dict = field(default_factory=dict)
    now: datetime = NOW

    def open_shelf(self, name, peer, state="open", title="Aurelia and you"):
        with self.shelf.begin() as unit:
            shelves.put_shelf(unit, Shelf(shelf=name, peer=peer, title=title, state=state))

    def place(self, name, *objects):
        """Put objects on a shelf, as the projection does; return their dates."""
        with self.shelf.begin() as unit:
            held = shelves.any_shelf(unit, name)
            at = held.position
            shown, stix_versions = [], {}
            for id_, type_, version, raw in objects:
                at += 1
                shelves.add_views(unit, {digest(raw): raw})
                stix_versions[at] = version
                row = Shown(
                    position=at,
                    id=id_,
                    version=version or stamp(at),
                    type=type_,
                    view=digest(raw),
                    date_added=stamp(at),
                )
                shown.append(row)
            shelves.add_rows(unit, name, shown, stix_versions)
            changed = Shelf(
                shelf=name, peer=held.peer, title=held.title, state=held.state, position=at
            )
            shelves.put_shelf(unit, changed)
        return [row.date_added for row in shown]

    def remove(self, name, id_, version):
        with self.shelf.begin() as unit:
            shelves.remove_row(unit, name, id_, version, "2026-03-01T12:00:00.000000Z")

    def post_settled(self, name, *objects):
        """Show a client what it wrote, as the worker does."""
        with self.shelf.begin() as unit:
            at, _ = shelves.inbox_end(unit, name)
            for id_, type_, version, raw in objects:
                at += 1
                shelves.add_views(unit, {digest(raw): raw})
                row = Shown(
                    position=at,
                    id=id_,
                    version=version,
                    type=type_,
                    view=digest(raw),
                    date_added=stamp(at),
                )
                shelves.add_to_inbox(unit, name, [row])

    def frame(self, channel, peer, seq, *bodies, envelope=None):
        """Show a sealed envelope of our channel to ``peer``."""
        body = b"".join(bodies)
        seal = Seal(
            realm="live",
            sender="aurelia",
            to=peer,
            channel=channel,
            seq=seq,
            prev=ZERO,
            issued=stamp(0)[:-4] + "Z",
            audit="0" * 64,
            entries=[
                Doc(payload_type="application/octet-stream", digest=digest(b), size=len(b))
                for b in bodies
            ],
            body=Body(digest=digest(body), size=len(body)) if body else None,
        )
        raw = envelope or dsse(SEAL, to_payload(seal), generate()).to_bytes()
        shown = Frame(
            channel=channel,
            seq=seq,
            peer=peer,
            envelope=raw,
            bodies=tuple(digest(b) for b in bodies),
            size=len(raw) + len(body),
            date_added=stamp(seq),
        )
        with self.shelf.begin() as unit:
            shelves.add_views(unit, {digest(b): b for b in bodies})
            shelves.add_frame(unit, shown)
        return raw

    def arrivals(self):
        with self.spool.read() as unit:
            return spools.since(unit, 0)

    def request(self, who, method, path, body=b"", **headers):
        """Return a request as ``who`` would send it: a node signs, a client sends its token."""
        given = {"accept": TAXII}
        if method == "POST":
            given["content-type"] = TAXII
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {name: value for name, value in given.items() if value is not None}
        if who in self.tokens:
            pair = f"{who}:{self.tokens[who]}".encode()
            given.setdefault("authorization", f"Basic {base64.b64encode(pair).decode()}")
        url = BASE + path.replace("[", "%5B").replace("]", "%5D")
        request = Request(method=method, url=url, headers=given, body=body)
        if who in self.signers:
            request = sign(request, self.signers[who], self.now)
        return request

    def ask(self, who, method, path, body=b"", **headers):
        return self.listener.answer(self.request(who, method, path, body, **headers))

    def get(self, who, path, **headers):
        return self.ask(who, "GET", path, **headers)

    def json(self, who, path):
        answer = self.get(who, path)
        assert answer.status == 200, (answer.status, answer.body)
        return json.loads(answer.body)


def build(folder, *, page_limit=1000, max_frame_bytes=1 << 16, spool_bytes=1 << 20):
    """Return a world of two nodes and two clients; each but one client has a shelf."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = Settings(
        url=BASE + "/",
        shelf_url=f"sqlite:///{folder}/shelf.db",
        spool_url=f"sqlite:///{folder}/spool.db",
        cursor_key_path=str(folder / "cursor.key"),
        page_limit=page_limit,
        max_frame_bytes=max_frame_bytes,
        spool_bytes_per_peer=spool_bytes,
    )
    (folder / "cursor.key").write_bytes(b"k" * 32)
    for room in ("shelf", "spool"):
        (folder / f"{room}.db").write_bytes(migrated.image(room))
    shelf, spool = open_store(settings.shelf_url, "shelf"), open_store(settings.spool_url, "spool")
    world = World(Listener(settings, shelf, spool, lambda: world.now), shelf, spool, settings)
    with shelf.begin() as unit:
        for name in ("borealis", "cyrene"):
            signer = world.signers[name] = generate()
            keys = {signer.keyid: encode(signer.public)}
            shelves.put_caller(unit, Caller(name=name, kind="node", keys=keys))
        for name in ("misp", "siem"):
            world.tokens[name] = f"mq_token_of_{name}"
            token = token_digest(world.tokens[name])
            shelves.put_caller(unit, Caller(name=name, kind="client", keys={}, token=token))
    world.open_shelf(B_SHELF, "borealis")
    world.open_shelf(C_SHELF, "cyrene")
    world.open_shelf(CLIENT_SHELF, "misp")
    return world


def envelope(*objects):
    """Return a TAXII envelope of objects made by ``stix``."""
    return b'{"objects":[' + b",".join(raw for *_, raw in objects) + b"]}"
