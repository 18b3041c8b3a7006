"""Three enrolled nations in memory: Aurelia is us, Borea and Corvia speak with real keys, and may lie."""

import itertools
import sqlite3
from contextlib import ExitStack
from dataclasses import dataclass, field

from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from mithaq.audit import subjects
from mithaq.auth.actors import Role
from mithaq.border import admit, people, shelf
from mithaq.border.approval import approve
from mithaq.border.peers import document_of
from mithaq.border.publish import publish
from mithaq.clock import text as stamp
from mithaq.model.canonical import digest
from mithaq.model.labels import Beside, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.objects import from_body
from mithaq.node import Node
from mithaq.policy.agreement import Agreement, Clause, Party
from mithaq.seal.envelope import sign
from mithaq.seal.frames import frame
from mithaq.seal.keys import generate
from mithaq.seal.merkle import in_memory, path
from mithaq.seal.messages import (
    BATCH,
    SEAL,
    ZERO,
    Batch,
    Body,
    Proof,
    Put,
    Seal,
    batch_leaf,
    batch_root,
    encode,
)  # fmt: skip
from mithaq.store import objects
from mithaq.store.engine import ROOMS, Store, rooms_are_files
from mithaq.store.sources import Source
from tests.federation.world import START, Clock, Federation
from tests.values import replace

US, B, C = "aurelia", "borea", "corvia"
COUNTRIES = {US: "QM", B: "QN", C: "QO"}
PAIR, FORUM = "aurelia-borea", "three-seas"
FRESH = "f" * 32  # a channel nobody has used
AT = "2026-03-01T12:00:00.000Z"
_numbers = itertools.count(1)


def party(name):
    return Party(name=name, country=COUNTRIES.get(name, "QX"), organisation=f"CSIRT of {name}")


def agreement(id_=PAIR, *names, **more):
    """A text with one wide clause; ``clause`` overrides parts of it."""
    clause = {"id": "all", "kinds": ["*"], "max_tlp": "AMBER", "max_pap": "RED", "onward": "scope"}
    clause |= more.pop("clause", {})
    return Agreement(
        **{
            "id": id_,
            "version": 1,
            "title": id_,
            "kind": "forum" if len(names) > 2 else "bilateral",
            "parties": [party(name) for name in names or (US, B)],
            "clauses": [Clause(**clause)],
            "start": "2026-01-01T00:00:00.000Z",
            **more,
        }
    )


WIDE = {"named_levels": ["AMBER+STRICT", "RED"]}


def build(folder):
    """Make the template: three nations enrolled, a pair and a forum in force."""
    made = Federation(folder)
    for name, country in COUNTRIES.items():
        made.nation(name, country)
    made.enrol_all()
    made.sign(agreement(PAIR, US, B, clause=WIDE), US, B)
    made.sign(agreement(FORUM, US, B, C), US, B, C)
    made.settle(2)
    return made


def in_memory_copy(path_, room):
    """Return a room like the one in a file, in memory."""
    target = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    source = sqlite3.connect(path_)
    source.backup(target)
    source.close()
    engine = create_engine("sqlite://", creator=lambda: target, poolclass=StaticPool)
    return Store(room, rooms_are_files(engine))


@dataclass
class Stage:
    """Aurelia's rooms in memory, and everybody's signers."""

    nodes: dict[str, Node]
    clock: Clock
    ends: ExitStack
    people: dict = field(default_factory=dict)

    @classmethod
    def copy(cls, template, only=(US,)):
        ends = ExitStack()
        clock = Clock(template.clock.now)
        nodes = {}
        for name, node in template.nodes.items():
            rooms = {}
            for room in ROOMS if name in only else ():
                file = node.config.home / room / ("node.db" if room == "core" else f"{room}.db")
                rooms[room] = in_memory_copy(file, room)
                ends.callback(rooms[room].close)
            nodes[name] = replace(node, clock=clock, **rooms)
        return cls(nodes=nodes, clock=clock, ends=ends)

    @property
    def node(self):
        return self.nodes[US]

    @property
    def us(self):
        return self.node.us

    @property
    def now(self):
        return self.clock.now

    def signer(self, name):
        return self.nodes[name].us.signer

    def identity(self, name):
        with self.node.core.read() as unit:
            return document_of(unit, name).identities[0]

    def do(self, act, *args, **more):
        """Run an act of the border in one unit of ours."""
        with self.node.core.begin() as unit:
            return act(unit, *args, **more)

    def ask(self, query, *args, **more):
        with self.node.core.read() as unit:
            return query(unit, *args, **more)

    def rows(self, table):
        with self.node.core.read() as unit:
            return [dict(row._mapping) for row in unit.execute(text(f"SELECT * FROM {table}"))]

    def dump(self, *without):
        """Every row of every table of core, save the named tables."""
        with self.node.core.read() as unit:
            query = (
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
            )
            names = sorted(set(unit.execute(text(query)).scalars()) - {*without})
        return {name: self.rows(name) for name in names}

    def admitted(self):
        with self.node.core.read() as unit:
            return [c for c in objects.load(unit, objects.everything()) if c.standing == "received"]

    def records(self, subject):
        """What the log says of a subject, oldest first."""
        with self.node.core.read() as unit:
            return [record for _, record in subjects.find(unit, subject)]

    def leaves(self, subject):
        return [record["kind"] for record in self.records(subject)]

    # --- objects -------------------------------------------------------------------------------------
    def body(self, kind="tool", by=B, level=Tlp.GREEN, **more):
        """A small object of ``by`` (None: of nobody)."""
        number = next(_numbers)
        written = {
            "type": kind,
            "spec_version": "2.1",
            "id": f"{kind}--00000000-0000-4000-8000-{number:012d}",
            "created": AT,
            "modified": AT,
            "name": f"number {number}",
        }
        if by:
            written["created_by_ref"] = self.identity(by)
        if level is not None:
            written["object_marking_refs"] = [tlp_id(level)]
        written |= more
        return {key: value for key, value in written.items() if value is not None}

    def give(self, *bodies, tlp=None, own=True, source="file:report", readers=None, **terms):
        """Import objects; return their copies."""
        given = [
            admit.Given(object=from_body(b), beside=Beside(tlp=tlp), readers=readers or {})
            for b in bodies
        ]
        outcome = self.do(
            admit.local, self.us, Source(name=source, kind="file", **terms), given,
            author="ana", own=own, now=self.now,
        )  # fmt: skip
        assert not outcome.refused, outcome.refused
        return list(outcome.stored)

    # --- the way out ---------------------------------------------------------------------------------
    def publish(self, *copies, agreement=PAIR, proposer="ana"):
        return self.do(publish, self.us, proposer, [c.seq for c in copies], agreement, self.now)

    def approve(self, name, copy, agreement=PAIR, key=None):
        signer = key or self.people[name]
        return self.do(approve, self.us, (name, signer), copy.seq, agreement, self.now)

    def enrol(self, name, role=Role.DUTY_OFFICER, clearance="RED"):
        self.people[name] = generate()
        newcomer = people.Newcomer(
            name=name, roles=frozenset({role}), clearance=clearance, public=self.people[name].public
        )
        self.do(people.enrol, newcomer, self.now, by="owner")

    def project(self, additions=True):
        return shelf.project(self.node.core, self.node.shelf, self.now, additions=additions)

    # --- the way in ----------------------------------------------------------------------------------
    def admit(self, raw, peer=B, now=None):
        return self.do(admit.frame, self.us, peer, raw, now or self.now)


def put(body, role="owner", onward="scope", readers=(), **more):
    """An entry for ``body`` (a dict, or bytes that may be no object at all), and its bytes."""
    raw = body if isinstance(body, bytes) else from_body(body).raw
    seen = from_body(body) if isinstance(body, dict) else None
    fields = {
        "id": seen.id if seen else "tool--00000000-0000-4000-8000-00000000000a",
        "type": seen.type if seen else "tool",
        "modified": seen.version if seen else AT,
        "digest": digest(raw),
        "size": len(raw),
        "com": "0" * 64,
        "role": role,
        "onward": onward,
        "readers": list(readers),
    }
    return Put(**(fields | more)), raw


def batch_of(puts, by, signer, terms, **more):
    """A batch as ``by`` signs it; ``more`` overrides its fields."""
    fields = {
        "realm": "live", "by": by, "scope": terms, "issued": AT, "n": len(puts),
        "root": batch_root([batch_leaf(p) for p in puts]) if puts else "0" * 64,
    }  # fmt: skip
    return sign(BATCH, encode(Batch(**(fields | more))), signer).to_bytes().decode()


def relayed(puts, index, batch):
    """The entry ``puts[index]`` as a relay shows it, with the owner's proof."""
    steps = path(index, len(puts), in_memory([batch_leaf(p) for p in puts]))
    proof = Proof(batch=batch, index=index, path=[s.hex() for s in steps])
    return replace_put(puts[index], proof=proof)


def replace_put(entry, **more):
    fields = {name: getattr(entry, name) for name in Put.__struct_fields__}
    return Put(**(fields | more))


def sealed(terms, entries, signer, *, batch=None, signed_as=SEAL, **more):
    """A frame as a peer with a real key seals it, and the seal; ``more`` overrides fields of the seal."""
    puts = [e for e, _ in entries]
    sender = more.get("sender", B)
    body = more.pop("bytes_", b"".join(raw for _, raw in entries))
    own = [p for p in puts if isinstance(p, Put) and p.proof is None]
    if batch is None:
        batch = batch_of(own, sender, signer, terms) if own else ""
    fields = {
        "realm": "live", "sender": sender, "to": US, "channel": FRESH, "agreement": terms, "seq": 1,
        "prev": ZERO, "issued": stamp(START), "audit": "0" * 64, "batch": batch, "entries": puts,
        "body": Body(digest=digest(body), size=len(body)) if body else None,
    }  # fmt: skip
    seal = Seal(**(fields | more))
    payload = encode(seal)
    return frame(sign(signed_as, payload, signer).to_bytes(), body), digest(payload)
