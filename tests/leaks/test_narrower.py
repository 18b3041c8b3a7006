"""What was narrowed stays narrow: suspensions, raises and parties who left, at the moments between two looks."""

import pytest

from mithaq.border import local, shelf, signing
from mithaq.model.labels import Beside, Tlp
from mithaq.policy import agreement as policy
from tests.federation.world import Federation

BODY = {
    "type": "tool",
    "spec_version": "2.1",
    "id": "tool--00000000-0000-4000-8000-000000000001",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-01T00:00:00.000Z",
    "name": "Tool",
}


def text(*names, version=1, kind="bilateral"):
    return policy.Agreement(
        id="pact",
        version=version,
        title="A pact",
        kind=kind,
        parties=[policy.Party(name=n, country="QM", organisation=n) for n in names],
        clauses=[policy.Clause(id="c1", kinds=["*"])],
        start="2026-01-01T00:00:00.000Z",
    )


@pytest.fixture
def world(tmp_path):
    made = Federation(tmp_path)
    for name, country in (("aurelia", "QM"), ("borea", "QN"), ("corvia", "QO")):
        made.nation(name, country)
    made.enrol_all()
    yield made
    made.close()


def on_show(world, peer):
    """Return what aurelia shows a peer on shelves that are open."""
    with world.nodes["aurelia"].shelf.read() as unit:
        rows = unit.exec_driver_sql(
            "SELECT r.id FROM shelves s JOIN shelf_rows r ON r.shelf = s.shelf"
            f" WHERE s.peer = '{peer}' AND s.state = 'open' AND r.type = 'tool'"
        )
        return [row[0] for row in rows]


def narrow(world, act):
    node = world.nodes["aurelia"]
    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "pact", act, world.clock(), by="l")


def test_a_raise_during_a_suspension_counts_when_it_is_resumed(world):
    """Also where nobody looked in between: no worker runs, and people use the command line."""
    world.sign(text("aurelia", "borea"), "aurelia", "borea")
    [seq] = world.give("aurelia", BODY, tlp=Tlp.GREEN)
    world.release("aurelia", "pact", [seq])
    world.settle()
    assert on_show(world, "borea") == [BODY["id"]]

    narrow(world, "suspend")
    node = world.nodes["aurelia"]
    with node.core.begin() as unit:
        local.mark(unit, node.us, seq, Beside(tlp=Tlp.RED), author="ana", now=world.clock())
    narrow(world, "resume")

    shelf.project(node.core, node.shelf, world.clock())
    assert on_show(world, "borea") == []
    world.settle()
    assert on_show(world, "borea") == []


def test_what_was_suspended_and_resumed_between_two_looks_is_on_show_again(world):
    world.sign(text("aurelia", "borea"), "aurelia", "borea")
    world.release("aurelia", "pact", world.give("aurelia", BODY, tlp=Tlp.GREEN))
    world.settle()

    narrow(world, "suspend")
    narrow(world, "resume")
    world.settle()

    assert on_show(world, "borea") == [BODY["id"]]


def test_a_party_that_a_new_text_leaves_out_reads_nothing_more(world):
    world.sign(text("aurelia", "borea", "corvia", kind="forum"), "aurelia", "borea", "corvia")
    world.release("aurelia", "pact", world.give("aurelia", BODY, tlp=Tlp.GREEN))
    world.settle()
    assert on_show(world, "corvia") == [BODY["id"]]

    world.sign(text("aurelia", "borea", version=2, kind="forum"), "aurelia", "borea")
    world.settle()

    assert on_show(world, "borea") == [BODY["id"]]
    assert on_show(world, "corvia") == []
