"""A partner with real keys that tells the truth until a knob is turned, in the manner of TUF's repository simulator.

Borea talks to Aurelia, the victim: it pushes to Aurelia's listener, and it answers as its own node would when Aurelia
comes to ask. Whatever it says is well-formed and rightly signed by default; a lie changes one thing of that. ``heard``
keeps all that it ever gets to see of Aurelia, which is all that it can learn.
"""

import json
import sqlite3
import struct
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from sqlalchemy import create_engine
from sqlalchemy.pool import QueuePool

from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.exchange.listener import Listener
from mithaq.exchange.transport import sign as sign_request
from mithaq.exchange.visit import Settings as ListenerSettings
from mithaq.exchange.wire import PeerUnreachable, Request, Response
from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.node.build import CURSOR_KEY, ROOT_KEY
from mithaq.node.worker import Worker
from mithaq.seal.documents import KEYS
from mithaq.seal.envelope import Envelope, read, sign
from mithaq.seal.frames import frame, split
from mithaq.seal.keys import encode as b64
from mithaq.seal.keys import from_pem, generate
from mithaq.seal.messages import HEARTBEAT, SEAL, ZERO, Doc, Head, Heartbeat, KeyRef, encode
from mithaq.store import parties
from mithaq.store.engine import ROOMS, Store, rooms_are_files
from tests.federation.world import Clock
from tests.rooms.border.stage import AT, FORUM, PAIR, US, WIDE, B, C, Stage, agreement, put, sealed
from tests.values import replace

BASE = ""
IDS = {PAIR: "b" * 32, FORUM: "d" * 32}  # channels in which Borea speaks
ELSEWHERE = "c" * 32  # Corvia's channel to Aurelia, which is not Borea's to know
JSON = "application/json"


@dataclass
class Stream:
    """One channel as the liar tells it: where the truth stands, and the frames that it gives out."""

    id: str
    terms: object
    seq: int = 0
    head: str = ZERO
    frames: list[bytes] = field(default_factory=list)
    sent: int = 0  # of ``frames``, by push
    first: int = 1  # the number of the first of ``frames``


class Liar:
    """Borea's node as its people want it to be."""

    def __init__(self, stage, way, name=B):
        self.stage, self.way, self.name = stage, way, name
        self.signer = self.caller = stage.signer(name)  # of what it says, and of its requests
        self.heard = []  # (what Aurelia asked or answered), in order
        self.answers = {}  # part of a path -> Response, exception or function, in place of the truth
        self.beat = {}  # fields of the next heartbeats that are not as they should be
        self.beat_as = {}  # how they are signed: kind, signer, mangle
        self.documents = {1: self._first_document()}
        self.streams = {
            PAIR: Stream(IDS[PAIR], terms_of(agreement(PAIR, US, B, clause=WIDE))),
            FORUM: Stream(IDS[FORUM], terms_of(agreement(FORUM, US, B, C))),
            BASE: self._base(),
        }
        self._numbers = 0
        self.victim = replace(stage.node, wire=self)
        self.worker = Worker(self.victim)
        self.listener = listener_of(self.victim)

    def _first_document(self):
        return self.stage.ask(parties.key_document_envelopes, self.name)[1]

    def _base(self):
        [row] = [
            c for c in self.stage.rows("channels")
            if (c["peer"], c["agreement"], c["direction"]) == (self.name, "", "in")
        ]  # fmt: skip
        return Stream(row["id"], None, row["seq"], row["head"], first=row["seq"] + 1)

    # --- what it says ---------------------------------------------------------------------------------
    @property
    def now(self):
        return self.stage.now

    def body(self, number=0, level=Tlp.GREEN, kind="tool", by=B, **more):
        """A small object whose id is the same at every victim."""
        self._numbers += 1
        written = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--00000000-0000-4000-9000-{number or self._numbers:012d}",
            "created": AT,
            "modified": AT,
            "name": f"number {number or self._numbers}",
        }
        if by:
            written["created_by_ref"] = self.stage.identity(by)
        if level is not None:
            written["object_marking_refs"] = [tlp_id(level)]
        return {key: value for key, value in (written | more).items() if value is not None}

    def entries(self, entries):
        return list(entries) or [put(self.body())]

    def seal(self, *entries, under=PAIR, signer=None, **knobs):
        """The next frame of a channel and its digest; ``knobs`` change fields of the seal."""
        stream = self.streams[under]
        fields = {
            "channel": stream.id, "seq": stream.seq + 1, "prev": stream.head,
            "issued": stamp(self.now), "sender": self.name,
        }  # fmt: skip
        terms = knobs.pop("terms", stream.terms)
        if under == BASE and "batch" not in knobs:
            knobs["batch"] = ""
        return sealed(terms, self.entries(entries), signer or self.signer, **(fields | knobs))

    def says(self, *entries, under=PAIR, **knobs):
        """Say something true: the next frame of a channel."""
        stream = self.streams[under]
        raw, head = self.seal(*entries, under=under, **knobs)
        stream.frames.append(raw)
        stream.seq, stream.head = stream.seq + 1, head
        return raw

    def lies(self, *entries, under=PAIR, mangle=None, **knobs):
        """Give out a frame that is not as it should be; the truth stands where it stood.

        Args:
            mangle: changes the frame's bytes at last; it may sign anew.
        """
        raw, _ = self.seal(*entries, under=under, **knobs)
        return self.gives(mangle(raw, self.signer) if mangle else raw, under=under)

    def gives(self, raw, under=PAIR):
        """Give out bytes as the next frame of a channel."""
        self.streams[under].frames.append(raw)
        return raw

    def document(self, kind, raw):
        """An entry of the base channel, and its bytes."""
        return Doc(payload_type=kind, digest=digest(raw), size=len(raw)), raw

    def shows(self, kind, raw):
        """Give out a document in the base channel; to say it is no lie, what it says may be one."""
        return self.says(self.document(kind, raw), under=BASE)

    def publishes(self, raw, version):
        """Give out a key document in the way that Aurelia comes to it."""
        if self.way == "push":
            return self.shows(KEYS, raw)
        self.documents[version] = raw
        self.beat["keys"] = KeyRef(version=version, digest=digest(read(raw).payload))
        return raw

    def root(self, name=None):
        return from_pem((self.stage.nodes[name or self.name].config.home / ROOT_KEY).read_bytes())

    def recants(self):
        """Go on from where Aurelia stands, with the truth alone."""
        stands = {row["id"]: row for row in self.stage.rows("channels")}
        for stream in self.streams.values():
            held = stands.get(stream.id, {"seq": 0, "head": ZERO})
            stream.seq, stream.head = held["seq"], held["head"]
            stream.frames, stream.sent, stream.first = [], 0, stream.seq + 1
        self.answers, self.beat, self.beat_as = {}, {}, {}
        self.documents = {1: self.documents[1]}

    # --- how Aurelia comes to it ------------------------------------------------------------------------
    def heartbeat(self):
        heads = [
            Head(channel=s.id, seq=s.first - 1 + len(s.frames), seal=s.head)
            for s in self.streams.values()
            if s.frames or s.seq
        ]
        newest = max(self.documents)
        fields = {
            "realm": "live",
            "sender": self.name,
            "to": US,
            "issued": stamp(self.now),
            "expires": stamp(self.now + timedelta(hours=1)),
            "keys": KeyRef(version=newest, digest=digest(read(self.documents[newest]).payload)),
            "heads": heads,
            "have": [],
            "log": "0" * 64,
        }
        knobs = {"kind": HEARTBEAT, "signer": self.signer, "mangle": lambda raw: raw} | self.beat_as
        made = encode(Heartbeat(**(fields | self.beat)))
        return knobs["mangle"](sign(knobs["kind"], made, knobs["signer"]).to_bytes())

    def tell(self):
        """Let it come to Aurelia, pushed or fetched, and let Aurelia work on it."""
        self.stage.clock.step()
        if self.way == "push":
            self._push()
        else:
            self.worker.visitor.visit(self.name, ask=True)
        self.worker.settle()
        self.worker.look()

    def _push(self):
        for stream in self.streams.values():
            for raw in stream.frames[stream.sent :]:
                self.post(f"/taxii2/{stream.id}/frames/", raw, "application/vnd.mithaq.frames")
            stream.sent = len(stream.frames)
        self.post("/mithaq/heartbeat/", self.heartbeat(), JSON)

    def post(self, path, body, kind=JSON):
        """Push something; keep what Aurelia answers."""
        answer = self.listener.answer(self.request(path, body, kind))
        self.heard.append((path, answer.status, answer.body))
        return answer

    def request(self, path, sent, kind=JSON, *, signer=None, at=None, **changed):
        """A signed request; ``changed`` is what happens to it on its way."""
        made = Request(
            method="POST", url=self.victim.us.url + path, headers={"content-type": kind}, body=sent
        )
        return replace(sign_request(made, signer or self.caller, at or self.now), **changed)

    def send(self, request, limit):
        """Answer Aurelia's requests: this is its wire."""
        parts = urlsplit(request.url)
        asked = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self.heard.append((request.method, asked, request.body))
        answer = self._answer(request, parts)
        if len(answer.body) > limit:
            raise PeerUnreachable("answer too long")
        return answer

    def close(self):
        pass

    def _answer(self, request, parts):
        for part, instead in self.answers.items():
            if part in request.url:
                if isinstance(instead, Exception):
                    raise instead
                return instead(request) if callable(instead) else instead
        steps = [step for step in parts.path.split("/") if step]
        match steps:
            case ["mithaq", "heartbeat"]:
                return Response(status=200, body=self.heartbeat())
            case ["mithaq", "keys", version] if int(version) in self.documents:
                return Response(status=200, body=self.documents[int(version)])
            case ["taxii2", channel, "frames"]:
                after = int(parts.query.removeprefix("after="))
                return Response(status=200, body=self._frames(channel, after))
            case ["mithaq", "nudge"]:
                return Response(status=202)
        return Response(status=404)

    def _frames(self, channel, after):
        for stream in self.streams.values():
            if stream.id == channel:
                return b"".join(stream.frames[max(0, after + 1 - stream.first) :])
        return b""

    # --- what it learns ---------------------------------------------------------------------------------
    def learns(self):
        """Everything that it sees of Aurelia; what chance alone decides is left out."""
        self.worker.show()
        shelf = self.stage.node.shelf
        with shelf.read() as unit:
            frames = unit.exec_driver_sql(
                f"select channel, seq, envelope from frames where peer = '{self.name}' order by 1, 2"
            ).all()
            [beat] = unit.exec_driver_sql(
                f"select envelope from heartbeats where peer = '{self.name}'"
            ).all()
        seen = [_plain(bytes(envelope)) for _, _, envelope in frames]
        return self._named([self.heard, seen, _plain(bytes(beat.envelope))])

    def _named(self, seen):
        """Name Aurelia's channels by when they were seen: their ids are chance."""
        known = {row["id"] for row in self.stage.rows("channels") if row["direction"] == "out"}
        said = repr(seen)
        for number, name in enumerate(sorted(known, key=said.find)):
            said = said.replace(name, f"channel {number}")
        return said


def _plain(envelope):
    """What a seal or a heartbeat says, without what is drawn by chance."""
    said = json.loads(read(envelope).payload)
    return {name: value for name, value in said.items() if name not in {"audit", "log", "prev"}} | {
        name: [{k: v for k, v in each.items() if k != "seal"} for each in said.get(name, [])]
        for name in ("heads", "have")
    }


def on_files(template, folder):
    """A copy of Aurelia whose rooms lie in files, as its worker needs them; nothing is kept safe there."""
    folder.mkdir(parents=True)
    ends, clock = ExitStack(), Clock(template.clock.now)
    nodes = {name: replace(node, clock=clock) for name, node in template.nodes.items()}
    rooms = {}
    for room in ROOMS:
        held = template.nodes[US].config.home / room
        held /= "node.db" if room == "core" else f"{room}.db"
        copied = sqlite3.connect(folder / room)  # of the size of the pages that are copied
        with closing(sqlite3.connect(held)) as source, closing(copied) as target:
            source.backup(target)
        engine = create_engine(
            "sqlite://", creator=partial(_open, folder / room), poolclass=QueuePool
        )
        rooms[room] = Store(room, rooms_are_files(engine))
        ends.callback(rooms[room].close)
    nodes[US] = replace(nodes[US], **rooms)
    return Stage(nodes=nodes, clock=clock, ends=ends)


def _open(path):
    made = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    made.execute("PRAGMA journal_mode = WAL")
    made.execute("PRAGMA synchronous = OFF")
    return made


def listener_of(node):
    """Aurelia's listener over rooms in memory."""
    settings = ListenerSettings(
        url=node.us.url, shelf_url="", spool_url="", realm="live", max_frame_bytes=1 << 16,
        cursor_key_path=str(node.config.home / CURSOR_KEY),
    )  # fmt: skip
    return Listener(settings, node.shelf, node.spool, node.clock)


# --- hands on bytes ---------------------------------------------------------------------------------------
def enveloped(edit):
    """Change the text of a frame's envelope."""

    def mangle(raw, _by):
        (length,) = struct.unpack_from(">I", raw)
        return frame(edit(raw[4 : 4 + length]), raw[4 + length :])

    return mangle


def written(edit):
    """Change a frame's envelope as JSON; the signature stays as it is."""

    def change(text):
        value = json.loads(text)
        value.update(edit(value) or {})
        return canonical(value)

    return enveloped(change)


def resealed(edit):
    """Change what a seal says, as text, and sign that anew with the liar's own key."""

    def mangle(raw, by):
        envelope, body = split(raw)
        return frame(sign(SEAL, edit(envelope.payload), by).to_bytes(), body)

    return mangle


def fields(**more):
    """Change fields of a seal's payload to what no honest encoder would write."""
    return resealed(lambda payload: canonical(json.loads(payload) | more))


def swap(old, new):
    return lambda payload: payload.replace(old, new, 1)


def unsigned(kind, payload, *signatures):
    return Envelope(payload_type=kind, payload=payload, signatures=signatures).to_bytes()


__all__ = [
    "BASE", "ELSEWHERE", "IDS", "Liar", "Stream", "b64", "enveloped", "fields", "from_body", "generate",
    "listener_of", "on_files", "resealed", "swap", "unsigned", "written",
]  # fmt: skip
