"""What was wrong is out of use two borders on within the minute: three nodes as processes."""

import base64
import json
import time

import pytest

from mithaq.border import peers, recall, shelf, signing
from mithaq.border.publish import publish
from mithaq.config import Exchange
from mithaq.exchange.wire import Request
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.policy import agreement as policy
from mithaq.store import objects, recalls
from mithaq.store.parties import Peer
from tests.federation.world import second_person
from tests.journeys.test_processes import Nation, tool, wait

BAR = 60.0  # seconds


def text(id_, *sides, **more):
    parties = [
        policy.Party(name=name, country="QM", organisation=name, role=role) for name, role in sides
    ]
    clauses = [policy.Clause(id="all", kinds=["*"], max_tlp="CLEAR", onward="open")]
    start = "2026-01-01T00:00:00.000Z"
    whole = policy.Agreement(
        id=id_, version=1, title=id_, parties=parties, clauses=clauses, start=start, **more
    )
    return policy.to_bytes(whole)


@pytest.fixture
def chain(tmp_path):
    """Aurelia shares with Borea, Borea with Corvia, and Corvia with a bank that reads over TAXII."""
    pace = Exchange(poll_seconds=600.0, tick_seconds=0.5)
    nations = [
        Nation(tmp_path, name, country, exchange=pace)
        for name, country in (("aurelia", "QM"), ("borea", "QN"), ("corvia", "QO"))
    ]
    try:
        for nation in nations:
            nation.serve()
        for one in nations:
            for other in nations:
                if one is not other:
                    one.meet(other)
        for pair in (nations[:2], nations[1:]):
            name = "-".join(nation.name for nation in pair)
            sides = [(nation.name, "national-csirt") for nation in pair]
            for nation in pair:
                nation.sign(text(name, *sides, kind="bilateral"))
            for nation in pair:
                wait(lambda n=nation, name=name: n.holds(name), "no agreement")
        yield nations
    finally:
        for nation in nations:
            nation.close()


def let_in(nation, name):
    """Give a client a grant and a token."""
    node, now = nation.node, nation.node.clock()
    basis = policy.Basis(title="A letter")
    sides = ((nation.name, "national-csirt"), (name, "client"))
    grant = text(f"grant-{name}", *sides, kind="grant", basis=basis, recall="best-effort")
    client = Peer(name=name, kind="client", state="confirmed", country="QO", added_at="")
    with node.core.begin() as unit:
        peers.add_client(unit, client, now, by="omar")
        token = peers.new_token(unit, name, now, by="omar")
        signing.sign_text(unit, node.us, grant, now, by="lena", second=second_person(unit))
    return base64.b64encode(f"{name}:{token}".encode()).decode()


def pass_on(nation, id_, agreement):
    node = nation.node
    with node.core.begin() as unit:
        seqs = [copy.seq for copy in objects.of_id(unit, id_)]
        publish(unit, node.us, "ana", seqs, agreement, node.clock())


def reads(nation, basic):
    """Return the ids of the tools that a client reads."""
    headers = {"accept": "application/taxii+json;version=2.1", "authorization": f"Basic {basic}"}

    def get(path):
        url = nation.node.us.url + path
        request = Request(method="GET", url=url, headers=headers, body=b"")
        return json.loads(nation.node.wire.send(request, 1 << 20).body)

    roots = get("/taxii2/").get("api_roots", [])
    paths = [root[root.index("/taxii2/") :] for root in roots]
    pages = [get(f"{path}collections/intel/objects/?match%5Btype%5D=tool") for path in paths]
    return {each["id"] for page in pages for each in page.get("objects", [])}


def test_a_correction_is_out_of_use_two_borders_on_within_the_minute(chain):
    aurelia, borea, corvia = chain
    bank = let_in(corvia, "bank")
    id_ = tool(1)["id"]
    made = tool(1) | {"object_marking_refs": [tlp_id(Tlp.CLEAR)]}
    aurelia.take(made, "aurelia-borea")
    wait(lambda: borea.received()[id_], "it does not arrive")
    pass_on(borea, id_, "borea-corvia")
    wait(lambda: corvia.received()[id_], "it is not passed on")
    pass_on(corvia, id_, "grant-bank")
    wait(lambda: id_ in reads(corvia, bank), "the client does not read it")

    node, start = aurelia.node, time.monotonic()
    with node.core.begin() as unit:
        asked = recall.Asked(id=id_, cause="wrong", basis="a false positive")
        [given] = recall.recall(unit, node.us, "dora", asked, node.clock())
    shelf.project(node.core, node.shelf, node.clock(), additions=False)
    wait(lambda: not borea.received()[id_], "the recipient holds it still")
    first = time.monotonic() - start
    wait(lambda: not corvia.received()[id_], "the recipient's recipient holds it still")
    second = time.monotonic() - start
    wait(lambda: not reads(corvia, bank), "a client reads it still")
    third = time.monotonic() - start

    assert max(first, second, third) < BAR, (first, second, third)
    with corvia.node.core.read() as unit:
        [order] = recalls.all_orders(unit, ours=False)
        [had] = recalls.had_fetched(unit, order)
    assert (had.peer, had.id, had.version) == ("bank", id_, made["modified"])
    assert order.name == given.order.name
    wait(lambda: answered(aurelia, given), "the owner hears nothing of it")


def answered(nation, given):
    with nation.node.core.read() as unit:
        [receipt] = recalls.receipts_to(unit, given.order)
    return receipt.outcome == "deleted" and '"asked":2' in receipt.onward
