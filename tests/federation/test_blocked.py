"""From the moment another text holds, a shelf shows nothing until it is decided anew (border.md 3.4)."""

import json

import pytest

from mithaq.border import opening, shelf, signing, watch
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.model.labels import Tlp
from mithaq.policy import agreement as policy

TAXII = "application/taxii+json;version=2.1"
BODY = {
    "type": "tool",
    "spec_version": "2.1",
    "id": "tool--00000000-0000-4000-8000-000000000001",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
    "name": "Tool",
}


def pact(version, *, kinds=("*",)):
    names = ("aurelia", "borea")
    return policy.Agreement(
        id="pact",
        version=version,
        title="A pact",
        kind="bilateral",
        parties=[policy.Party(name=n, country="QM", organisation=n) for n in names],
        clauses=[policy.Clause(id="c1", kinds=list(kinds))],
        start="2026-01-01T00:00:00.000Z",
    )


@pytest.fixture
def world(copied):
    """Borea has read Aurelia's tool under the pact."""
    return copied(_having_read)


def _having_read(made):
    made.nation("aurelia", "QM")
    made.nation("borea", "QN")
    made.enrol_all()
    made.sign(pact(1), "aurelia", "borea")
    made.release("aurelia", "pact", made.give("aurelia", BODY, tlp=Tlp.GREEN))
    made.settle()
    assert read(made) == (200, {BODY["id"]})


def ask(world, path):
    """Borea asks Aurelia's listener, signed as a node signs."""
    url = f"http://aurelia.example{path}"
    request = Request(method="GET", url=url, headers={"accept": TAXII}, body=b"")
    world.clock.step(0.001)
    signed = sign(request, world.nodes["borea"].us.signer, world.clock())
    return world.wire.deliver("aurelia.example", signed)


def root(world):
    with world.nodes["aurelia"].shelf.read() as unit:
        query = "SELECT shelf FROM shelves WHERE peer = 'borea'"
        return unit.exec_driver_sql(query).scalar_one()


def read(world):
    """What Borea reads on its shelf: the status, and the tools there."""
    answer = ask(world, f"/taxii2/{root(world)}/collections/intel/objects/?match%5Btype%5D=tool")
    if answer.status != 200:
        return answer.status, answer.headers.get("retry-after", "")
    return 200, {each["id"] for each in json.loads(answer.body).get("objects", [])}


def test_a_narrower_text_shows_nothing_of_before_from_its_last_signature_on(world):
    node = world.nodes["aurelia"]
    worker = world.workers["aurelia"]
    narrower = policy.to_bytes(pact(2, kinds=["indicator"]))
    with world.nodes["borea"].core.begin() as unit:
        signing.sign_text(unit, world.nodes["borea"].us, narrower, world.clock(), by="lead")
    world.workers["borea"].show()
    worker.visitor.visit("borea", ask=True)
    assert read(world) == (200, {BODY["id"]})

    with node.core.begin() as unit:
        signing.sign_text(unit, node.us, narrower, world.clock(), by="lead")
    shelf.project(node.core, node.shelf, world.clock(), additions=False)

    assert read(world) == (503, "5")
    assert ask(world, f"/taxii2/{root(world)}/frames/?after=0").status == 503
    worker.look()
    assert read(world) == (503, "5")  # decided anew, and what replaces it waits for its tick
    worker.show()
    assert read(world) == (200, set())


def test_a_narrower_text_whose_last_signature_arrives_blocks_as_it_is_admitted(world):
    narrower = pact(2, kinds=["indicator"])
    for name in ("aurelia", "borea"):
        node = world.nodes[name]
        with node.core.begin() as unit:
            signing.sign_text(unit, node.us, policy.to_bytes(narrower), world.clock(), by="lead")
    assert read(world) == (200, {BODY["id"]})
    world.workers["borea"].show()

    world.workers["aurelia"].visitor.visit("borea", ask=True)

    assert read(world) == (503, "5")


def test_a_notice_that_suspends_closes_the_shelf_before_the_next_tick(world):
    node = world.nodes["borea"]
    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "pact", "suspend", world.clock(), by="lena")
    world.workers["borea"].show()

    world.workers["aurelia"].visitor.visit("borea", ask=True)

    assert read(world)[0] == 404


def test_the_same_text_signed_again_leaves_the_shelf_open(world):
    node = world.nodes["aurelia"]
    with node.core.begin() as unit:
        signing.sign_text(unit, node.us, policy.to_bytes(pact(1)), world.clock(), by="lead")
        opening.refresh(unit, node.us, "pact", world.clock())
        assert watch.changed(unit, world.clock()) == []
    shelf.narrow(node.core, node.shelf, world.clock())

    assert read(world) == (200, {BODY["id"]})
