"""Two federations that are the same but for what peer P may not know: what P observes must be the same bytes.

P is everybody the trace speaks for: the node of borea, and the ordinary client misp. What happens in both
federations is *common*; what happens in the right one alone is *hidden*.
"""

import atexit
import base64
import shutil
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import func, select

from mithaq.border import local, peers, people, signing
from mithaq.border.publish import publish
from mithaq.errors import MithaqError
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.model.labels import Beside, Tlp
from mithaq.model.objects import from_body
from mithaq.node import open_node
from mithaq.node.worker import Worker
from mithaq.policy import agreement as policy
from mithaq.seal.keys import generate
from mithaq.store import provenance, tables
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.federation.world import Federation, second_person

NATIONS = {"aurelia": "QM", "borea": "QN", "corvia": "QO", "dorado": "QP"}
START = "2026-01-01T00:00:00.000Z"
VERSION = "2026-02-01T00:00:00.000Z"
TAXII = "application/taxii+json;version=2.1"
KINDS = ("malware", "tool", "relationship", "report", "ipv4-addr", "x-notice")


def id_of(number, kind=None):
    """Return the id that belongs to ``number`` in both federations; its kind follows from it."""
    return f"{kind or KINDS[number % len(KINDS)]}--00000000-0000-4000-8000-{number:012d}"


def body(number, creator="", version=VERSION, level=None, **more):
    """Return an object; relationships and reports refer to the numbers before theirs."""
    kind = more.pop("kind", KINDS[number % len(KINDS)])
    made = {"type": kind, "spec_version": "2.1", "id": id_of(number, kind)}
    if kind == "ipv4-addr":
        return made | {"value": f"198.51.100.{number}"} | more
    made |= {"created": START, "modified": version}
    if creator:
        made["created_by_ref"] = creator
    if kind == "relationship":
        made |= {"relationship_type": "uses", "source_ref": id_of(number - 2)}
        made["target_ref"] = id_of(number - 1)
    elif kind == "report":
        made |= {"name": f"Report {number}", "published": START}
        made["object_refs"] = [id_of(n) for n in range(max(0, number - 4), number)]
    elif kind == "malware":
        made |= {"name": f"Malware {number}", "is_family": False, "description": "first seen here"}
    else:
        made |= {"name": f"Name {number}", "description": "as told"}
    made["x_seen_with"] = id_of(number + 1)
    return made | more


def text(id_, names, version=1, **more):
    """Return an agreement of ``names`` with one clause for everybody, ``more`` about that clause."""
    kind = more.pop("kind", "bilateral")
    whole = {k: more.pop(k) for k in ("recall", "effective", "end", "compare") if k in more}
    clause = {"kinds": ["*"], "max_tlp": "AMBER"} | more
    return policy.Agreement(
        id=id_,
        version=version,
        title=f"{id_} {version}",
        kind=kind,
        parties=[
            policy.Party(
                name=n,
                country=NATIONS.get(n, "QM"),
                organisation=n,
                role="national-csirt" if n in NATIONS else "client",
            )
            for n in names
        ],
        clauses=[policy.Clause(id="c1", **clause)],
        start=START,
        **whole,
    )


def _signed(unit, us, raw, now):
    signing.sign_text(unit, us, raw, now, by="l", second=second_person(unit))


@dataclass
class Side(Federation):
    """One federation of the pair, and what crossed the wire to or from P."""

    folder: Path
    seen: list = field(default_factory=list)
    tokens: dict = field(default_factory=dict)
    nonce: int = 0

    def __post_init__(self):
        Federation.__init__(self, self.folder)
        self.wire.fault = self._watch

    def _watch(self, wire, sender, request):
        host = request.url.split("/")[2].removesuffix(".example")
        answer = wire.deliver(f"{host}.example", request)
        if "aurelia" in (sender, host) and "borea" in (sender, host):
            # What signs a request holds a nonce of its own; the answer is compared whole.
            kept = {k: v for k, v in request.headers.items() if not k.startswith("signature")}
            asked = (sender, request.method, request.url, kept, request.body)
            self.seen.append((asked, answer.status, dict(answer.headers), answer.body))
        return answer

    def open_all(self):
        for name in NATIONS:
            node = open_node(self.folder / name, clock=self.clock, wire=self.wire.of(name))
            self.nodes[name] = node
            self.workers[name] = Worker(node)
            self.listen(name)

    # --- acts at aurelia -----------------------------------------------------------------------------
    def act(self, verb, *given, at="aurelia", **more):
        """Do one act of ``at``'s people; what is refused is refused in both, and changes nothing."""
        node = self.nodes[at]
        try:
            with node.core.begin() as unit:
                return verb(unit, node.us, *given, now=self.clock(), **more)
        except MithaqError as error:
            return error.code

    def creator(self, name):
        with self.nodes[name].core.read() as unit:
            return peers.document_of(unit, name).identities[0]

    def bring(self, number, level, *, at="aurelia", own=True, source="feed", **more):
        creator = self.creator(at) if own else ""
        made = from_body(body(number, creator, **more))
        return self.act(
            local.local,
            Source(name=at if own else source, kind="file" if own else "feed"),
            [local.Given(object=made, beside=Beside(tlp=level))],
            author="ana",
            own=own,
            at=at,
        )

    def copies(self, number, *, at="aurelia", own=True):
        """Return the newest copy of a number, or an id, that ``at`` vouches for, or that it carries."""
        with self.nodes[at].core.read() as unit:
            rows = provenance.versions_of(
                unit, [number if isinstance(number, str) else id_of(number)]
            )
        mine = [seq for seq, voucher, *_ in rows if (voucher == at) == own]
        return mine[-1:]

    def propose(self, agreement, *numbers, at="aurelia", own=True):
        seqs = [seq for number in numbers for seq in self.copies(number, at=at, own=own)]

        def proposed(unit, us, now):
            return publish(unit, us, "ana", seqs, agreement, now)

        return self.act(proposed, at=at)

    def raise_to(self, number, level):
        for seq in self.copies(number):
            self.act(local.mark, seq, Beside(tlp=level), author="ana")

    def sign_all(self, agreement):
        for name in agreement.names:
            if name in NATIONS:
                self.act(_signed, policy.to_bytes(agreement), at=name)
                self.turn(*[n for n in agreement.names if n in NATIONS])

    def narrow(self, agreement, act, at="aurelia"):
        self.act(signing.narrow, agreement, act, by="l", at=at)

    def turn(self, *names):
        """Let workers turn, once each."""
        for name in names:
            self.workers[name].turn()

    # --- requests ------------------------------------------------------------------------------------
    def ask(self, who, method, path, raw=b"", **headers):
        """Ask aurelia's listener as ``who``; a nation signs, a client sends its token, else nobody."""
        given = {"accept": TAXII} | ({"content-type": TAXII} if method == "POST" else {})
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        if who in self.tokens:
            given |= self.bearer(who)
        url = "http://aurelia.example" + path.replace("[", "%5B").replace("]", "%5D")
        request = Request(method=method, url=url, headers=given, body=raw)
        if who in NATIONS:
            request = sign(request, self.nodes[who].us.signer, self.clock())
        return self.wire.listeners["aurelia.example"].answer(request)

    def bearer(self, who):
        """Return what a client sends to say who it is."""
        pair = base64.b64encode(f"{who}:{self.tokens[who]}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    def wait(self, seconds):
        self.clock.step(seconds)

    def channels(self):
        """Return aurelia's channels and shelves, and one that never was."""
        with self.nodes["aurelia"].shelf.read() as unit:
            rows = unit.exec_driver_sql(
                "SELECT shelf FROM shelves UNION SELECT channel FROM frames"
            )
            return ["0" * 32, *(row[0] for row in rows)]

    def rows(self, at="aurelia"):
        """Return how many rows each table of a nation holds."""
        node, found = self.nodes[at], {}
        for room in ("core", "shelf", "spool"):
            with getattr(node, room).read() as unit:
                for table in getattr(tables, room).sorted_tables:
                    count = unit.execute(select(func.count()).select_from(table)).scalar_one()
                    found[room, table.name] = count
        return found


def _found(folder):
    """Make the world both sides begin with: everybody enrolled but dorado, agreements, clients."""
    made = Side(folder)
    for name, country in NATIONS.items():
        made.nation(name, country)
    for worker in made.workers.values():
        worker.show()
    for other in ("borea", "corvia"):
        for one, two in (("aurelia", other), (other, "aurelia")):
            made.enrol(made.nodes[one], made.nodes[two])
    made.turn("aurelia", "borea", "corvia")
    made.sign_all(text("ab", ("aurelia", "borea"), max_tlp="GREEN", named_levels=["AMBER+STRICT"]))
    made.sign_all(text("ac", ("aurelia", "corvia")))
    node = made.nodes["aurelia"]
    for client in ("misp", "siem"):
        with node.core.begin() as unit:
            peer = Peer(
                name=client,
                kind="client",
                url="",
                state="confirmed",
                country="QM",
                organisation=client,
                added_at=START,
                constituency_of="aurelia",
            )
            peers.add_client(unit, peer, made.clock(), by="l")
            made.tokens[client] = peers.new_token(unit, client, made.clock(), by="l")
        grant = text(
            f"g-{client}",
            ("aurelia", client),
            kind="grant",
            max_tlp="GREEN" if client == "misp" else "AMBER",
            recall="best-effort",
        )
        made.sign_all(grant)
    key = generate()
    with node.core.begin() as unit:
        newcomer = people.Newcomer(
            name="omar", roles=frozenset({"policy-owner"}), clearance="RED", public=key.public
        )
        people.enrol(unit, newcomer, made.clock(), by="owner")
    for _ in range(3):
        made.wait(1)
        made.turn("aurelia", "borea", "corvia")
    made.close()
    return made.tokens, made.clock.now


@cache
def _template():
    folder = Path(mkdtemp(prefix="mithaq-pair-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder, *_found(folder)


def _begun(folder):
    template, tokens, now = _template()
    shutil.copytree(template, folder)
    side = Side(folder)
    side.tokens = dict(tokens)
    side.clock.now = now
    side.open_all()
    return side


class Pair:
    """Two federations from one template."""

    def __init__(self, folder):
        self.sides = [_begun(folder / name) for name in ("left", "right")]

    @property
    def left(self):
        return self.sides[0]

    @property
    def right(self):
        return self.sides[1]

    def strangers(self):
        """Return the channels and shelves that only one side may have: another's, and what never was."""
        return self.right.channels()

    def both(self, act):
        """Do what is common."""
        for side in self.sides:
            act(side)

    def compare(self, who, method, path, raw=b"", **headers):
        """Ask both and compare; return the left answer."""
        one, two = (side.ask(who, method, path, raw, **headers) for side in self.sides)
        assert (one.status, dict(one.headers), one.body) == (
            two.status,
            dict(two.headers),
            two.body,
        ), (who, method, path)
        return one

    def compare_wire(self):
        """Compare what workers said to each other, as far as borea was one of them."""
        one, two = (side.seen for side in self.sides)
        for here, there in zip(one, two, strict=True):
            assert here == there, (here[0][:3], there[0][:3])
        one.clear()
        two.clear()

    def close(self):
        for side in self.sides:
            side.close()


class Half(Pair):
    """One side of a pair, and all that the trace learned of it: two halves that lived apart are held together later.

    One half is asked about the channels that the other has: ``asked_about`` says which, at each time; without it
    they are its own.
    """

    def __init__(self, folder, asked_about=None):
        self.sides = [_begun(folder)]
        self.told, self.asked_about = [], []
        self._given = None if asked_about is None else iter(asked_about)

    @property
    def right(self):
        return self.sides[0]

    def strangers(self):
        found = self.right.channels() if self._given is None else next(self._given)
        self.asked_about.append(tuple(found))
        return found

    def compare(self, who, method, path, raw=b"", **headers):
        """Ask, and note what was asked and answered."""
        answer = self.right.ask(who, method, path, raw, **headers)
        asked = (who, method, path, raw, headers)
        self.told.append((asked, answer.status, dict(answer.headers), answer.body))
        return answer

    def compare_wire(self):
        """Note what workers said to each other."""
        self.told += self.right.seen
        self.right.seen.clear()


def held_together(one, two):
    """Compare what the trace learned of two halves, word for word."""
    for here, there in zip(one, two, strict=False):
        assert here == there, here[0][:3]
    assert len(one) == len(two)


__all__ = ["NATIONS", "Half", "Pair", "Tlp", "body", "held_together", "id_of", "text"]
