"""What was wrong goes at once, wherever it went, and every node says who had read it (border.md 7, 8.2)."""

import base64
import json

import pytest

from mithaq.border import peers
from mithaq.border.signing import sign_text
from mithaq.exchange.wire import Request
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import agreement as policy
from mithaq.store import channels, objects, recalls, releases
from mithaq.store.parties import Peer
from tests.federation.test_delivery import NATIONS, tool
from tests.federation.test_recall import ID, in_line, order
from tests.federation.world import second_person

TAXII = "application/taxii+json;version=2.1"
CLEAR = {"object_marking_refs": [tlp_id(Tlp.CLEAR)]}


class Client:
    """An ordinary TAXII client of a nation, under a grant of its own."""

    def __init__(self, federation, nation, name):
        self.federation, self.nation, self.name = federation, nation, name

    def granted(self):
        """Return the client once it has a token, and a grant of the nation."""
        federation, nation, name = self.federation, self.nation, self.name
        node, now = federation.nodes[nation], federation.clock()
        grant = policy.Agreement(
            id=f"grant-{name}",
            version=1,
            title=name,
            kind="grant",
            parties=[
                policy.Party(name=nation, country=NATIONS[nation], organisation=nation),
                policy.Party(name=name, country=NATIONS[nation], organisation=name, role="client"),
            ],
            clauses=[policy.Clause(id="all", kinds=["*"], max_tlp="CLEAR", onward="open")],
            start="2026-01-01T00:00:00.000Z",
            recall="best-effort",
            basis=policy.Basis(title="A letter"),
        )
        with node.core.begin() as unit:
            client = Peer(
                name=name,
                kind="client",
                state="confirmed",
                country=NATIONS[nation],
                constituency_of=nation,
                added_at="",
            )
            peers.add_client(unit, client, now, by="omar")
            federation.tokens[name] = peers.new_token(unit, name, now, by="omar")
            raw = policy.to_bytes(grant)
            sign_text(unit, node.us, raw, now, by="lead", second=second_person(unit))
        federation.settle(1)
        return self

    def offer(self, id_=ID):
        """Let the nation release what it holds of an object to the client."""
        with self.federation.nodes[self.nation].core.read() as unit:
            seqs = [copy.seq for copy in objects.of_id(unit, id_)]
        self.federation.release(self.nation, f"grant-{self.name}", seqs)
        self.federation.settle(1)

    def get(self, path):
        basic = base64.b64encode(
            f"{self.name}:{self.federation.tokens[self.name]}".encode()
        ).decode()
        headers = {"accept": TAXII, "authorization": f"Basic {basic}"}
        url = f"http://{self.nation}.example{path}"
        self.federation.clock.step(0.01)
        request = Request(method="GET", url=url, headers=headers, body=b"")
        return self.federation.wire.deliver(f"{self.nation}.example", request)

    def read(self, query="?match%5Btype%5D=tool", what="objects/"):
        """Return the ids of what the client reads on its shelf."""
        root = json.loads(self.get("/taxii2/").body)["default"].removeprefix(
            f"http://{self.nation}.example"
        )
        answer = self.get(f"{root}collections/intel/{what}{query}")
        assert answer.status == 200
        return [each["id"] for each in json.loads(answer.body).get("objects", [])]


def read_there(federation, name):
    """Return who had read what a nation's orders, own or received, are about: (peer, version)."""
    with federation.nodes[name].core.read() as unit:
        every = (*recalls.all_orders(unit, ours=True), *recalls.all_orders(unit, ours=False))
        had = [each for given in every for each in recalls.had_fetched(unit, given)]
    return [(each.peer, each.id, each.version, each.fetched_at) for each in had]


@pytest.fixture
def sold(copied):
    """All along the line a bank has read the tool from its shelf; a port in Aurelia has it there unread."""
    federation = copied(_sold)
    named = {name: (name.partition("-")[0], name) for name in federation.tokens}
    return federation, {name: Client(federation, *each) for name, each in named.items()}


def _sold(federation):
    in_line(federation)
    clients = {}
    for name in (*(f"{nation}-bank" for nation in NATIONS), "aurelia-port"):
        clients[name] = Client(federation, name.partition("-")[0], name).granted()
        clients[name].offer()
    for nation in NATIONS:
        assert clients[f"{nation}-bank"].read() == [ID]
    federation.settle(1)


def test_who_had_read_what_was_wrong_is_listed_at_every_node_with_version_and_hour(sold):
    federation, clients = sold
    before = federation.clock()
    order(federation)
    federation.settle(8)

    for nation in NATIONS:
        [(client, id_, version, at)] = read_there(federation, nation)
        assert (client, id_, version) == (f"{nation}-bank", ID, tool(1)["modified"])
        assert at < f"{before:%Y-%m-%dT%H:%M:%S}"
    assert [client.read() for client in clients.values()] == [[]] * len(clients)


def test_what_was_read_a_moment_before_it_went_is_noted_all_the_same(sold):
    federation, clients = sold
    assert clients["aurelia-port"].read() == [ID]
    order(federation)
    federation.settle(8)

    listed = {client for client, *_ in read_there(federation, "aurelia")}
    assert listed == {"aurelia-bank", "aurelia-port"}


def test_a_manifest_and_an_empty_page_are_no_reading(sold):
    federation, clients = sold
    clients["aurelia-port"].read(what="manifest/")
    clients["aurelia-port"].read("?match%5Btype%5D=malware")
    order(federation)
    federation.settle(8)

    assert {client for client, *_ in read_there(federation, "aurelia")} == {"aurelia-bank"}


def test_of_a_view_that_went_twice_only_the_release_that_was_read_counts(sold):
    federation, clients = sold
    bank = clients["aurelia-bank"]
    given = order(federation)
    federation.settle(4)
    with federation.nodes["aurelia"].core.read() as unit:
        first = [each.fetched_at for each in recalls.who_had(unit, ID) if each.peer == bank.name]
    later = tool(1) | CLEAR | {"modified": "2026-03-02T12:00:00.000Z"}
    federation.give("aurelia", later)
    bank.offer()
    assert bank.read() == [ID]
    federation.settle(1)

    with federation.nodes["aurelia"].core.read() as unit:
        ended = [each for each in recalls.who_had(unit, ID) if each.peer == bank.name]
        named = [h.version for g in given for h in recalls.had_fetched(unit, g.order)]
    assert [each.fetched_at for each in ended[:1]] == first
    assert [each.version for each in ended if each.fetched_at] == [
        tool(1)["modified"],
        later["modified"],
    ]
    assert named == [tool(1)["modified"]]


def test_an_order_is_shown_before_the_tick_and_nobody_else_sees_anything_early(sold):
    federation, clients = sold
    worker, node = federation.workers["aurelia"], federation.nodes["aurelia"]
    federation.release("aurelia", "aurelia-borea", federation.give("aurelia", tool(2) | CLEAR))
    federation.release("aurelia", "grant-aurelia-bank", federation.give("aurelia", tool(3) | CLEAR))
    [given] = [each for each in order(federation) if each.order.agreement == "aurelia-borea"]

    [nudge] = worker.hurry()
    federation.workers["borea"].visitor.visit("aurelia", heard=[nudge])

    assert nudge.peer == "borea"
    held = {id_ for id_, _ in federation.held_by("borea")}
    assert held == {tool(2)["id"]}  # it stands before the order in its channel
    assert tool(3)["id"] not in clients["aurelia-bank"].read()
    assert worker.hurry() == []
    worker.show()
    assert tool(3)["id"] in clients["aurelia-bank"].read()
    assert given.owing == ["borea"]
    with node.shelf.read() as unit:
        rows = unit.exec_driver_sql(
            "SELECT id, position FROM shelf_rows WHERE shelf = ? ORDER BY position",
            (nudge.channel,),
        ).all()
    assert [id_ for id_, _ in rows if id_.startswith("tool")] == [tool(2)["id"]]


def test_a_row_that_changed_before_an_order_is_shown_once_and_stays(sold):
    """Its removal and its return were shown ahead of the tick; the tick does neither again."""
    federation, _ = sold
    worker, node = federation.workers["aurelia"], federation.nodes["aurelia"]
    seqs = federation.give("aurelia", tool(4) | CLEAR, tool(5) | CLEAR)
    federation.release("aurelia", "aurelia-borea", seqs)
    federation.settle(1)
    with node.core.begin() as unit:
        channel = channels.find(unit, "borea", "aurelia-borea", "out").id
        [row] = [r for r in releases.rows_of_ids(unit, [tool(4)["id"]]) if r.shelf == channel]
        take_and_place(unit, row)
    order(federation)
    worker.hurry()
    with node.shelf.read() as unit:
        before = unit.exec_driver_sql("SELECT * FROM shelf_rows ORDER BY 1, 2").all()
    worker.show()
    with node.shelf.read() as unit:
        after = unit.exec_driver_sql("SELECT * FROM shelf_rows ORDER BY 1, 2").all()

    assert [r for r in before if r.shelf == channel] == [r for r in after if r.shelf == channel]
    assert tool(4)["id"] in {r.id for r in after if r.shelf == channel}


def take_and_place(unit, row):
    releases.take_away(unit, row.shelf, row.id, row.version)
    releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)
    releases.place(unit, [row])
    placed = [(row.id, row.version, "tool", row.view)]
    releases.show(unit, "place", row.shelf, rows=placed)


def test_what_was_read_is_noted_bite_by_bite_and_lets_others_write_between(sold, monkeypatch):
    """A client that reads a million objects would else keep everybody from writing for as long as that takes."""
    federation, clients = sold
    worker = federation.workers["aurelia"]
    for _ in range(5):
        assert clients["aurelia-port"].read() == [ID]
    monkeypatch.setattr("mithaq.node.settling.LOOK", 0.0)
    units = []
    worker.node.core.watchers.append(lambda _unit: units.append(1))

    worker.settle(0.0)
    assert not units

    worker.settle()
    assert len(units) >= 5
    with worker.node.core.read() as unit:
        had = [each.peer for each in recalls.who_had(unit, ID) if each.fetched_at]
    assert "aurelia-port" in had
