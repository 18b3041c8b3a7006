"""Three nations and a client do what nations do, at random, and crash; the wire, the shelves and the logs are read."""

import base64
import json

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from mithaq.border import signing
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import PeerUnreachable, Request
from tests.leaks.lives import (
    AGREEMENTS,
    NATIONS,
    Crash,
    Leak,
    agreed,
    dying,
    levels,
    names,
    nth,
    words,
)
from tests.leaks.model import (
    ID,
    Planted,
    canaries_in,
    canary,
)
from tests.leaks.people import People


class NothingLeaks(People):
    """Whatever people do, no peer receives a canary that certainly was not for it."""

    # --- what time and the wire do -------------------------------------------------------------------
    @rule()
    def settle(self):
        """Let everything pass."""
        self.world.settle(2)

    @rule(
        lost=st.lists(
            st.sampled_from(["", "", "request", "answer", "twice"]), min_size=1, max_size=12
        )
    )
    def a_bad_wire(self, lost):
        left = list(lost)

        def fault(wire, _sender, request):
            what = left.pop() if left else ""
            if what == "request":
                raise PeerUnreachable("lost")
            answer = wire.deliver(request.url.split("/")[2], request)
            if what == "twice":
                answer = wire.deliver(request.url.split("/")[2], request)
            if what == "answer":
                raise PeerUnreachable("lost")
            return answer

        self.world.wire.fault = fault
        self.world.settle(1)
        self.world.wire.fault = None

    @rule(name=names, seconds=st.sampled_from([1, 1, 1, 3700, 90_000]))
    def tick(self, name, seconds):
        """The shelf is shown at any moment, also between an act and the next look at agreements."""
        self.world.clock.step(seconds)
        self.world.workers[name].show()

    @rule(
        name=names,
        after=st.integers(1, 60),
        agreement=agreed,
        act=st.sampled_from(["ask", "narrow", "turn"]),
        at=nth,
    )
    def crash(self, name, after, agreement, act, at):
        """The process ends in the middle of an act, and starts again from what is on disk."""
        node = self.world.nodes[name]
        try:
            with dying(node.core, after), dying(node.shelf, after):
                if act == "ask" and self.model.planted:
                    self._ask(name, agreement, [self.pick(at), self.pick(at + 1)])
                elif act == "narrow" and name in AGREEMENTS[agreement].parties:
                    self.act(name, signing.narrow, agreement, "suspend", by="l")
                else:
                    self.world.workers[name].turn()
        except Crash:
            pass
        node.close()
        self.open(name)

    # --- what peers ask ------------------------------------------------------------------------------
    @rule(name=st.sampled_from([*NATIONS, "misp"]), of=names, at=nth)
    def browse(self, name, of, at):
        """A peer reads all its shelves, and tries others' and single ids."""
        answer = self._get(name, of, "/taxii2/")
        if answer.status != 200:
            return
        roots = json.loads(answer.body).get("api_roots", [])
        with self.world.nodes[of].shelf.read() as unit:
            rows = unit.exec_driver_sql("SELECT shelf FROM shelves").all()
        for root in [*roots, *(f"/taxii2/{row[0]}/" for row in rows)]:
            for alias in ("intel", "seals", "inbox"):
                self._get(name, of, f"{root}collections/{alias}/objects/?match%5Bversion%5D=all")
            self._get(name, of, f"{root}frames/?after=0")
            if number := self.pick(at):
                planted = self.model.planted[number]
                id_ = f"{planted.kind}--{canary(planted.of, 'i')}"
                # The question names the id: what matters is that the answer does not.
                path = f"{root}collections/intel/objects/{id_}/versions/"
                answer = self._get(name, of, path)
                if answer.status == 404 and ID.encode() in answer.body:
                    raise Leak("a refusal names what was asked for")

    def _get(self, name, of, path, method="GET", body=b""):
        headers = {"content-type": "application/taxii+json;version=2.1"} if body else {}
        if name == "misp":
            pair = base64.b64encode(f"misp:{self.token}".encode()).decode()
            headers["authorization"] = f"Basic {pair}"
        request = Request(
            method=method, url=f"http://{of}.example{path}", headers=headers, body=body
        )
        if name != "misp":
            request = sign(request, self.world.nodes[name].us.signer, self.world.clock())
        return self.world.wire.carry(name, request)

    @rule(level=levels)
    def a_client_posts(self, level):
        answer = self._get("misp", "aurelia", "/taxii2/")
        roots = json.loads(answer.body).get("api_roots", [])
        self.count += 40
        planted = Planted(self.count, self.count, "misp", True, "tool", level)
        self.model.planted[self.count] = planted
        raw = json.dumps({"objects": [words(planted, "", "", beside=False)]}).encode()
        for root in roots:
            self._get("misp", "aurelia", f"{root}collections/inbox/objects/", "POST", raw)

    # --- what nobody may find ------------------------------------------------------------------------
    @invariant()
    def the_wire_is_clean(self):
        if not hasattr(self, "world"):
            return
        seen = self.world.wire.seen
        for source, target, path, raw in seen[self.read_upto :]:
            nation, peer = (each.removesuffix(".example") for each in (source, target))
            known = self.model.seen.setdefault(peer, set())
            for token in canaries_in(raw) - known:
                self._judge(nation, token, peer, path)
                known.add(token)
        self.read_upto = len(seen)
        self._shelves()
        for said in (*self.said, *self.errors):
            if b"mqc" in said:
                raise Leak(f"a log or an error speaks of content: {said[:300]}")
        self.said.clear()
        self.errors.clear()
        self.before = self.model.copy()

    def _judge(self, nation, token, peer, place):
        planted = self.model.planted[
            int(token[len(ID) :]) if token.startswith(ID) else int(token[3:9])
        ]
        if peer == planted.party:
            if (
                nation in NATIONS
                and place.endswith("frames/")
                and self.model.echoes(nation, token, peer)
            ):
                raise Leak(f"{nation} tells {peer} its own {token} at {place}")
            return
        if nation == "misp":
            return  # a client wrote it, to us
        if not (self.model.may(nation, token, peer) or self.before.may(nation, token, peer)):
            raise Leak(f"{nation} gives {peer} {token} at {place}: {planted}")

    def _shelves(self):
        """Nothing stands on an open shelf that may not be read there now."""
        for nation, node in self.world.nodes.items():
            with node.shelf.read() as unit:
                rows = unit.exec_driver_sql(
                    "SELECT s.peer, v.body FROM shelves s JOIN shelf_rows r ON r.shelf = s.shelf"
                    " JOIN views v ON v.digest = r.view WHERE s.state = 'open' AND r.type <> 'marking-definition'"
                ).all()
            for peer, body in rows:
                for token in canaries_in(bytes(body)):
                    if not token.startswith(ID):
                        self._judge(nation, token, peer, "the shelf")
