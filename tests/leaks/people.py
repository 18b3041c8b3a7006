"""What people do, at random: bring, revise, propose, raise, approve, narrow and amend."""

import shutil
from pathlib import Path
from random import Random
from tempfile import mkdtemp

import structlog
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from mithaq.border import approval, local, peers, shelf, signing
from mithaq.border.publish import publish
from mithaq.errors import MithaqError
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.node import open_node
from mithaq.node.worker import Worker
from mithaq.seal.keys import from_pem
from mithaq.store import objects, provenance
from mithaq.store.sources import Source
from tests.federation.world import Federation
from tests.leaks.lives import (
    AGREEMENTS,
    MOST,
    NATIONS,
    Log,
    agreed,
    features,
    levels,
    names,
    nth,
    seeds,
    template,
    to_text,
    words,
)
from tests.leaks.model import (
    CLEAR,
    STRICT,
    UNMARKED,
    Model,
    Planted,
    Text,
    canary,
)


class People(RuleBasedStateMachine):
    """Three nations, and what their people do."""

    @initialize(seed=seeds)
    def begin(self, seed):
        origin, token, now = template()
        self.folder = Path(mkdtemp(prefix="mithaq-leaks-"))
        self.world = Federation(self.folder)
        self.world.clock.now = now
        self.token = token
        self.said, self.errors, self.read_upto = [], [], 0
        structlog.configure(processors=[Log(self.said)], cache_logger_on_first_use=False)
        for name in NATIONS:
            shutil.copytree(origin / name, self.folder / name)
            self.open(name)
        self.keys = {name: from_pem((origin / f"{name}.pem").read_bytes()) for name in NATIONS}
        self.model = Model(texts={id_: {1: text} for id_, text in AGREEMENTS.items()})
        for id_, text in AGREEMENTS.items():
            for name in text.parties:
                self.model.holding[name, id_] = {1}
        self.before = self.model.copy()
        self.newest = dict.fromkeys(AGREEMENTS, 1)
        self.creators = {name: self.identity(name) for name in NATIONS}
        self.count = 0
        for name in (*NATIONS, *NATIONS):
            self.bring(name, seed + self.count)

    def open(self, name):
        """Open a nation's node from disk; what it shows is brought up to date before it answers anybody."""
        node = open_node(self.folder / name, clock=self.world.clock, wire=self.world.wire.of(name))
        self.world.nodes[name], self.world.workers[name] = node, Worker(node)
        self.world.workers[name].look()
        self.world.workers[name].show()
        self.world.listen(name)

    def teardown(self):
        if hasattr(self, "world"):
            self.world.close()
            shutil.rmtree(self.folder)
            structlog.reset_defaults()

    def identity(self, name):
        with self.world.nodes[name].core.read() as unit:
            return peers.document_of(unit, name).identities[0]

    def act(self, name, verb, *given, **more):
        """Do one act at a nation; return whether it was done. What is taken away is gone at once."""
        node = self.world.nodes[name]
        try:
            with node.core.begin() as unit:
                verb(unit, node.us, *given, now=self.world.clock(), **more)
        except MithaqError as error:
            self.errors.append(f"{error} {error.facts}".encode())
            return False
        shelf.project(node.core, node.shelf, self.world.clock(), additions=False)
        return True

    def held(self, name, number):
        """Return the copies at a nation that bear the id of a number."""
        kind = self.model.planted[number].kind
        with self.world.nodes[name].core.read() as unit:
            rows = provenance.versions_of(
                unit, [f"{kind}--{canary(self.model.planted[number].of, 'i')}"]
            )
            copies = objects.by_seq(unit, [row[0] for row in rows])
        token = canary(number, "v" if kind == "domain-name" else "d").encode()
        return [copy.seq for copy in copies if token in copy.object.raw or kind == "domain-name"]

    def pick(self, at):
        """Return the number of something brought, the newest first."""
        known = sorted(self.model.planted)
        return known[-1 - at % len(known)] if known else None

    # --- what people do ------------------------------------------------------------------------------
    @rule(name=names, seed=seeds)
    def bring(self, name, seed):
        """Bring a few objects that refer to each other, and propose them where one is a party."""
        chance = Random(seed)
        numbers = [self._make(name, **features(chance)) for _ in range(chance.randint(2, 5))]
        mine = [id_ for id_, text in AGREEMENTS.items() if name in text.parties]
        if chance.random() < 0.9:
            self._ask(name, chance.choice(mine), numbers)

    def _make(self, name, *, kind, level, granular, own, beside, refers):
        target = self.pick(refers)
        if kind == "relationship" and (
            target is None or self.model.planted[target].kind == "relationship"
        ):
            kind = "tool"
        self.count += 40
        granular = {} if kind == "domain-name" else granular
        planted = Planted(self.count, self.count, name, own, kind, level, granular)
        self._bring(planted, target, beside=beside)
        return self.count

    @rule(at=nth, level=levels, agreement=agreed, beside=st.booleans())
    def revise(self, at, level, agreement, beside):
        """A new version of one's own, at any level: lowering waits for two persons."""
        old = self.model.planted.get(self.pick(at))
        if old is None or not old.own or old.party not in NATIONS or old.kind == "domain-name":
            return
        number = max(n for n, p in self.model.planted.items() if p.of == old.of) + 1
        self._bring(Planted(number, old.of, old.party, True, old.kind, level), None, beside=beside)
        self._ask(old.party, agreement, [number])

    def _bring(self, planted, target, *, beside):
        name = planted.party
        ref = (
            f"{self.model.planted[target].kind}--{canary(self.model.planted[target].of, 'i')}"
            if target
            else ""
        )
        if planted.kind == "relationship" and not ref:
            ref = f"tool--{canary(planted.of, 'i')}"
        body = words(planted, self.creators[name] if planted.own else "", ref, beside=beside)
        mark = Tlp(planted.level) if beside and planted.level != UNMARKED else None
        given = [local.Given(object=from_body(body), beside=Beside(tlp=mark))]
        source = Source(
            name=name if planted.own else "feed", kind="file" if planted.own else "feed"
        )
        self.model.planted[planted.number] = planted
        self.act(name, local.local, source, given, author="ana", own=planted.own)

    @rule(name=names, agreement=agreed, at=st.lists(nth, min_size=1, max_size=4))
    def ask(self, name, agreement, at):
        if self.model.planted:
            self._ask(name, agreement, [self.pick(each) for each in at])

    def _ask(self, name, agreement, numbers):
        numbers = [number for number in numbers if self.held(name, number)]
        if name not in AGREEMENTS[agreement].parties or not numbers:
            return
        self.model.asked |= {(name, number, agreement) for number in numbers}
        seqs = sorted({seq for number in numbers for seq in self.held(name, number)})

        def proposed(unit, us, now):
            publish(unit, us, "ana", seqs, agreement, now)

        self.act(name, proposed)

    @rule(at=nth, level=st.sampled_from([1, 2, 2, 3, 4]))
    def raise_level(self, at, level):
        """What was asked for is what matters: some of it is out."""
        asked = sorted(self.model.asked)
        if not asked:
            return
        name, number, _ = asked[-1 - at % len(asked)]
        for seq in self.held(name, number):
            if self.act(name, local.mark, seq, Beside(tlp=Tlp(level)), author="ana"):
                self.model.levels.setdefault((name, number), []).append(level)

    @rule(at=nth, yes=st.sampled_from([True, True, False]))
    def second_person(self, at, yes):
        """Say yes or no to something that may wait for it."""
        asked = [
            each for each in sorted(self.model.asked) if self.model.planted[each[1]].level == STRICT
        ]
        if not asked:
            return
        name, number, agreement = asked[-1 - at % len(asked)]

        def decided(unit, us, now):
            for seq in self.held(name, number):
                if yes:
                    approval.approve(unit, us, ("omar", self.keys[name]), seq, agreement, now)
                else:
                    approval.decline(unit, "omar", seq, agreement, now)

        if yes:
            self.model.approved.add((name, number, agreement))
        self.act(name, decided)

    @rule(agreement=agreed, at=nth)
    def narrow(self, agreement, at):
        """Suspend what holds, resume what is suspended, end rarely; and people still try."""
        nations = [name for name in AGREEMENTS[agreement].parties if name in NATIONS]
        name = nations[at % len(nations)]
        suspended = (name, agreement) in self.model.shut and agreement not in self.model.ended
        act = "resume" if suspended else "end" if at == MOST else "suspend"
        if act == "resume":
            self.model.shut.discard((name, agreement))
        if self.act(name, signing.narrow, agreement, act, by="l") and act != "resume":
            self.model.shut.add((name, agreement))
            if act == "end":
                self.model.ended.add(agreement)
        if self.model.planted:
            self._ask(name, agreement, [self.pick(at), self.pick(at + 1)])

    @rule(
        agreement=agreed,
        level=st.sampled_from([0, 1, 2]),
        strict=st.booleans(),
        shadow=st.booleans(),
    )
    def amend(self, agreement, level, strict, shadow):
        """A new text, signed by all over a wire that loses nothing; it may leave a party of many out."""
        self.newest[agreement] += 1
        version, first = self.newest[agreement], AGREEMENTS[agreement]
        text = Text(
            first.parties[:2] if first.forum and not strict else first.parties,
            level,
            frozenset({3}) if strict else frozenset(),
            first.keep if strict else {},
            first.forum,
            shadow and strict and level == CLEAR,
        )
        self.model.texts[agreement][version] = text
        nations = [name for name in text.parties if name in NATIONS]
        for name in nations:
            self.model.holding[name, agreement] |= {version}
        self.before = self.model.copy()
        raw = to_text(agreement, version, text)
        done = [
            self.act(name, signing.sign_text, raw, by=["l", "m"]) and not self.world.settle(2)
            for name in nations
        ]
        self.world.settle(3)
        if all(done):
            for name in nations:
                self.model.holding[name, agreement] = {version}
