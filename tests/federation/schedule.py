"""One schedule: what five nations do in a storm, all of it by a seed, and an oracle that says who must hold what.

The oracle is sets: who brought what, who let it go to whom, who took it back. It knows five sentences of border.md
and asks no rule of the product: an owner's release goes to the parties of the text it was sealed under (3); CLEAR may
be passed on to anybody, GREEN to the parties of the agreement it came under, AMBER to nobody (2.2); who joins gets what
goes from then on (3.5); what its owner took back nobody holds (7); one version is the same bytes for all (1.7).
"""

import atexit
import hashlib
import json
import random
import shutil
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text as sql

from mithaq.border import keys, parting, recall, signing, verify
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.garbage import collect_seldom
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.node import open_node
from mithaq.node.build import ROOT_KEY
from mithaq.node.worker import Worker
from mithaq.policy import agreement as policy
from mithaq.seal.keys import from_pem, generate
from mithaq.store import channels, inbound, objects, parties, recalls
from tests.federation.storm import Storm
from tests.federation.world import Federation

NATIONS = {"aurelia": "QM", "borea": "QN", "corvia": "QO", "doria": "QP", "elysia": "QR"}
NAMES = list(NATIONS)
LATE = "elysia"  # joins the forum in the course of a schedule
FORUM = ("aurelia", "borea", "corvia", "doria")
TEXTS = {
    "forum": FORUM,
    "ab": ("aurelia", "borea"),
    "ac": ("aurelia", "corvia"),
    "de": ("doria", "elysia"),
    "be": ("borea", "elysia"),
}
ACTS = 10
ROUNDS = 30  # after the storm, at most
QUIET = 2  # rounds in which nobody had anything to tell
LEVELS = {"CLEAR": Tlp.CLEAR, "GREEN": Tlp.GREEN, "AMBER": Tlp.AMBER}
ROOM = "/dev/shm" if Path("/dev/shm").is_dir() else None  # what is thrown away need reach no disk


@contextmanager
def seeded(seed):
    """Draw every random value of this process, keys too, from a seed."""
    draw = random.Random(f"values {seed}").randbytes
    with (
        patch("os.urandom", draw),
        patch("random._urandom", draw),
        patch.object(
            Ed25519PrivateKey, "generate", lambda: Ed25519PrivateKey.from_private_bytes(draw(32))
        ),
    ):
        yield


# --- the world they begin with ---------------------------------------------------------------------------
def agreement(id_, names, version=1, joined=""):
    clause = policy.Clause(id="all", kinds=["*"], max_tlp="AMBER", max_pap="RED", onward="open")
    return policy.Agreement(
        id=id_,
        version=version,
        title=id_,
        kind="forum" if len(names) > 2 else "bilateral",
        parties=[
            policy.Party(
                name=n,
                country=NATIONS[n],
                organisation=n,
                joined=joined if (n, id_) == (LATE, "forum") else "",
            )
            for n in names
        ],
        clauses=[clause],
        start="2026-01-01T00:00:00.000Z",
    )


@cache
def template():
    """Found five nations that know each other and have their agreements; return their folder and hour."""
    collect_seldom()  # as a node does
    room = Path(mkdtemp(prefix="mithaq-storm-", dir=ROOM))
    atexit.register(shutil.rmtree, room, ignore_errors=True)
    folder = room / "before"
    with seeded("template"):
        made = Federation(folder)
        for name, country in NATIONS.items():
            made.nation(name, country)
        made.enrol_all()
        made.settle(2)
        for id_, names in TEXTS.items():
            raw = policy.to_bytes(agreement(id_, names))
            for name in names:
                node = made.nodes[name]
                with node.core.begin() as unit:
                    signing.sign_text(unit, node.us, raw, made.clock(), by="lena")
        made.settle(3)
        made.close()
    return folder, made.clock.now


@contextmanager
def opened_again():
    """Let homes be opened without looking for migrations: the template has them all."""
    with patch("mithaq.node.build.upgrade", lambda store: None):
        yield


# --- the oracle ------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Given:
    """That somebody let a version go under an agreement, and it was acknowledged."""

    id: str
    version: str
    under: str
    text: int  # the version of the agreement's text that it went under
    giver: str
    at: str
    via: tuple = ()  # for what came from another: the parties of the agreement it came under
    sender: str = ""  # and who had sent it


@dataclass
class Oracle:
    """Who must hold what, by what was acknowledged."""

    brought: dict = field(default_factory=dict)  # (id, version) -> (owner, level, body)
    given: list = field(default_factory=list)
    gone: set = field(default_factory=set)  # ids that their owner took back
    joined: str = ""  # since when the late one is of the forum

    def due(self, name):
        """Return (agreement, id, version) of all that ``name`` must hold from others, and of all that it may.

        They differ only for who joined: what went between its joining and the day when the giver had all
        signatures is decided then, and only the newest version is decided anew (1.10).
        """
        may = [g for g in self.given if self._reaches(name, g)]
        must = [g for g in may if not self._between(name, g)]
        return tuple({(g.under, g.id, g.version) for g in some} for some in (must, may))

    def _reaches(self, name, given):
        owner, level, _ = self.brought[given.id, given.version]
        if given.id in self.gone or name in (given.giver, owner, given.sender):
            return False
        if (name, given.under) == (LATE, "forum"):
            if not self.joined or given.at < self.joined:
                return False
        elif name not in TEXTS[given.under]:
            return False
        return given.giver == owner or level == "CLEAR" or (level == "GREEN" and name in given.via)

    def _between(self, name, given):
        newest = max(version for id_, version in self.brought if id_ == given.id)
        owner = self.brought[given.id, given.version][0]
        decided_anew = given.giver == owner and given.version == newest
        return (name, given.under, given.text) == (LATE, "forum", 1) and not decided_anew


@dataclass
class Schedule:
    """One run; ``trace`` names everything that crossed the wire and what came of it."""

    seed: int
    lines: list = field(default_factory=list)  # what people did, for whoever reads a failure
    oracle: Oracle = field(default_factory=Oracle)

    def __post_init__(self):
        self.chance = random.Random(self.seed)
        self.storm = Storm(self.seed)
        self.unsigned = list(NAMES)  # who has not signed the forum's second text
        self.number = 0

    def run(self):
        """Run it, judge it, and return the digest of its trace."""
        folder, now = template()
        home = folder.with_name("now")
        self.world = Federation(home)
        try:
            shutil.copytree(folder, home)
            with seeded(self.seed), opened_again():
                self.world.clock.now = now
                self._open(home)
                self._storm()
                self._calm()
                self._judge()
        finally:
            self.world.close()
            shutil.rmtree(home)
        return self.trace()

    def trace(self):
        whole = hashlib.sha256()
        for sender, host, path, raw in self.world.wire.seen:
            whole.update(f"{sender} {host} {path} {len(raw)} ".encode() + raw)
        return whole.hexdigest()

    def _open(self, home):
        world = self.world
        for name in NAMES:
            node = open_node(home / name, clock=world.clock, wire=world.wire.of(name))
            world.nodes[name], world.workers[name] = node, Worker(node)
            world.listen(name)
            self.storm.signers[name] = (node.us.signer, world.clock)
            for other in NAMES:
                if other != name:
                    with node.core.begin() as unit:
                        way = self.chance.choice(parting.WAYS)
                        parting.set_delivery(unit, other, way, world.clock(), by="olga")
        world.wire.fault = self.storm

    # --- what happens ------------------------------------------------------------------------------------
    def _storm(self):
        joins = self.chance.randrange(ACTS)
        for turn in range(ACTS):
            if self.chance.random() < 0.35:
                self.storm.part(NAMES)
            elif self.chance.random() < 0.5:
                self.storm.apart.clear()
            self._act()
            if turn >= joins and self.unsigned:
                self._sign_second()
            for _ in range(self.chance.randint(1, 5)):
                self._step()

    def _step(self):
        """Let one worker do one thing, some moments later."""
        world = self.world
        world.clock.step(self.chance.choice([0.2, 1, 1, 3, 20]))
        name = self.chance.choice(NAMES)
        worker, peer = world.workers[name], self.chance.choice([n for n in NAMES if n != name])
        match self.chance.choice(["settle", "show", "show", "visit", "visit"]):
            case "settle":
                worker.settle()
                worker.look()
            case "show":
                worker.look()
                nudges = worker.show()
                worker.visitor.visit(peer, [n for n in nudges if n.peer == peer])
            case _:
                worker.visitor.visit(peer)
                worker.settle()

    def _calm(self):
        """Let the weather clear, and everybody turn until all that was said has been heard."""
        while self.unsigned:
            self._sign_second()
        self.storm.calm()
        quiet = 0
        for _ in range(ROUNDS):
            self.world.clock.step(40)
            for worker in self.world.workers.values():
                worker.settle()
                worker.look()
                worker.show()
            pairs = {(name, peer) for name, peer, *_ in self._unheard()}
            for one, other in sorted(pairs | {(other, one) for one, other in pairs}):
                self.world.workers[one].visitor.visit(other)
                self.world.workers[other].settle()
            quiet = 0 if pairs else quiet + 1
            if quiet == QUIET:
                break
        self.world.wire.fault = None

    def _unheard(self):
        """Return the two ends of each channel that differ, and who owes whom an answer."""
        found = []
        for name, node in self.world.nodes.items():
            with node.core.read() as unit:
                out = [
                    c
                    for peer in parties.all_peers(unit)
                    for c in channels.of_peer(unit, peer.name, "out")
                ]
                found += [(name, r.peer) for o in recalls.all_orders(unit, ours=True)
                          for r in recalls.receipts_to(unit, o) if r.outcome != "deleted"]  # fmt: skip
            for channel in out:
                with self.world.nodes[channel.peer].core.read() as unit:
                    there = channels.by_id(unit, channel.id)
                if channel.seq and (
                    there is None or (there.seq, there.head) != (channel.seq, channel.head)
                ):
                    found.append(
                        (
                            name,
                            channel.peer,
                            channel.agreement,
                            channel.seq,
                            channel.state,
                            there and (there.seq, there.state),
                        )
                    )
        return found

    # --- acts --------------------------------------------------------------------------------------------
    def _act(self):
        name = self.chance.choice(NAMES)
        mine = sorted({
            id_ for (id_, _), (owner, *_) in self.oracle.brought.items()
            if owner == name and id_ not in self.oracle.gone
        })  # fmt: skip
        what = self.chance.random()
        if what < 0.12 and mine:
            self._recall(name, self.chance.choice(mine))
        elif what < 0.18:
            self._turn_key(name)
        elif what < 0.4:
            self._relay(name)
        elif what < 0.5 and mine:
            self._bring(name, self.chance.choice(mine))
        else:
            self.number += 1
            self._bring(name, f"tool--{self.seed % 10**8:08d}-0000-4000-8000-{self.number:012d}")

    def _under(self, name):
        late = ["forum"] if name == LATE and self.oracle.joined else []
        return [id_ for id_, names in TEXTS.items() if name in names] + late

    def _bring(self, name, id_):
        """Write an object, or a newer version of it, and let it go under one agreement or two."""
        at = self.world.clock().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        before = [v for known, v in self.oracle.brought if known == id_]
        first = min(before, default=at)
        level = self.oracle.brought[id_, first][1] if before else self.chance.choice(list(LEVELS))
        body = {
            "type": "tool",
            "spec_version": "2.1",
            "id": id_,
            "created": first,
            "modified": at,
            "name": f"{id_[-4:]} as of {at}",
            "object_marking_refs": [tlp_id(LEVELS[level])],
        }
        if at in before:
            return
        seqs = self.world.give(name, body)
        self.oracle.brought[id_, at] = (name, level, body)
        self.lines.append(f"{name} brings {id_[-4:]} {at} {level}")
        under = self._under(name)
        for each in self.chance.sample(under, self.chance.randint(1, min(2, len(under)))):
            self._release(name, seqs, each, (id_, at), ())

    def _relay(self, name):
        """Let something go on that came from another, under another agreement."""
        with self.world.nodes[name].core.read() as unit:
            held = objects.load(unit, objects.everything())
        here = [c for c in held if c.standing == "received" and c.sent_by and c.agreement]
        if not here:
            return
        copy = self.chance.choice(here)
        under = [t for t in self._under(name) if t != copy.agreement]
        if under:
            late = (LATE,) if (copy.agreement, copy.agreement_version) == ("forum", 2) else ()
            came = ((*TEXTS[copy.agreement], *late), copy.sent_by)
            what = (copy.object.id, copy.object.version)
            versions = [c.object.version for c in here if c.object.id == copy.object.id]
            newest = copy.object.version == max(versions)
            self._release(name, [copy.seq], self.chance.choice(under), what, came, goes=newest)

    def _release(self, name, seqs, under, what, came, *, goes=True):
        """Let something go; what a newer version is here of stays, whoever asks (1.10)."""
        with suppress(Conflict, NotFound):  # no text of it is in force here now
            made = self.world.release(name, under, seqs)
            if not goes:
                self.lines.append(f"{name} wants old {what[0][-4:]} {what[1]} to go under {under}")
                return
            version = made.agreement.version
            at = text(self.world.clock())
            self.oracle.given.append(Given(*what, under, version, name, at, *came))
            self.lines.append(f"{name} lets {what[0][-4:]} {what[1]} go under {under} {version}")

    def _recall(self, name, id_):
        node = self.world.nodes[name]
        with suppress(NotFound), node.core.begin() as unit:  # it never went anywhere
            recall.recall(
                unit, node.us, "dora", recall.Asked(id=id_, cause="wrong"), self.world.clock()
            )
            self.oracle.gone.add(id_)
            self.lines.append(f"{name} takes {id_[-4:]} back")

    def _turn_key(self, name):
        """Let another exchange key follow in a minute; peers hear of it as the weather lets them."""
        node, fresh = self.world.nodes[name], generate()
        root = from_pem((node.config.home / ROOT_KEY).read_bytes())
        begins = self.world.clock() + timedelta(seconds=60)
        with node.core.begin() as unit:
            change = keys.Change(public=fresh.public, begins=begins)
            keys.rotate(unit, node.us, [root], change, self.world.clock(), by="olga")
        node.keys.beside(fresh.keyid).write_bytes(fresh.pem())
        self.lines.append(f"{name} turns its key")

    def _sign_second(self):
        """Let one more nation sign the forum's second text, in which the late one joins."""
        name = self.unsigned.pop(self.chance.randrange(len(self.unsigned)))
        node = self.world.nodes[name]
        self.oracle.joined = self.oracle.joined or text(self.world.clock())
        raw = policy.to_bytes(agreement("forum", (*FORUM, LATE), 2, self.oracle.joined))
        with node.core.begin() as unit:
            signing.sign_text(unit, node.us, raw, self.world.clock(), by="lena")
        self.lines.append(f"{name} signs the forum's second text")

    # --- the judgement -----------------------------------------------------------------------------------
    def _judge(self):
        unheard = self._unheard()
        assert not unheard, unheard
        assert len(self.storm.did) >= 3
        seen = {}  # one version under one agreement: the same bytes for everybody
        for name, node in self.world.nodes.items():
            there = self._held(node)
            must, may = self.oracle.due(name)
            assert must <= there.keys() <= may, (name, must - there.keys(), there.keys() - may)
            for key, raw in there.items():
                assert seen.setdefault(key[1:], raw) == raw, key
                assert json.loads(raw) == self.oracle.brought[key[1:]][2], key
            with node.core.read() as unit:
                assert unit.execute(sql("SELECT count(*) FROM held_frames")).scalar_one() == 0, name
                assert not [aside.code for aside in inbound.in_quarantine(unit)], name
                states = {
                    c.state
                    for p in parties.all_peers(unit)
                    for c in channels.of_peer(unit, p.name, "in")
                }
                assert states <= {"open"}, (name, states)
            checked = verify.everything(node.core, node.shelf, node.us)
            assert not checked.problems, (name, checked.problems)

    def _held(self, node):
        with node.core.read() as unit:
            copies = objects.load(unit, objects.everything())
        received = [c for c in copies if c.standing == "received" and c.sent_by]
        found = {(c.agreement, c.object.id, c.object.version): c.object.raw for c in received}
        assert len(found) == len(received)  # each once
        return found
