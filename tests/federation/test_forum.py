"""Forums without a host: any member relays to a member that lacks, each object keeps its terms, anybody may go.

One object under two agreements is two copies with their own terms (border.md 1.8); a relay sends the owner's exact
bytes with the owner's proof (5.5); what its owner recalls is gone wherever it went (7.3).
"""

import msgspec
import pytest

from mithaq.border import recall
from mithaq.exchange.wire import PeerUnreachable
from mithaq.model.labels import Tlp
from mithaq.store import objects, recalls
from tests.federation.test_delivery import NATIONS, agreement, tool

ID = tool(1)["id"]


def copies(federation, name, id_=ID):
    with federation.nodes[name].core.read() as unit:
        return [copy for copy in objects.of_id(unit, id_) if copy.standing == "received"]


def cut(*names):
    """Cut nations off from everybody, or two of them from each other."""

    def fault(_wire, sender, request):
        ends = {sender, request.url.split("/")[2].split(".")[0]}
        if ends & set(names) if len(names) == 1 else ends == set(names):
            raise PeerUnreachable("cut")

    return fault


def test_one_object_under_two_agreements_is_two_copies_each_under_its_own_terms(three):
    narrow = agreement("pair", "aurelia", "borea")
    clause = msgspec.structs.replace(narrow.clauses[0], onward="none", keep={"tool": ["name"]})
    three.sign(msgspec.structs.replace(narrow, clauses=[clause]), "aurelia", "borea")
    body = tool(1) | {"description": "for the forum"}
    [seq] = three.give("aurelia", body, tlp=Tlp.GREEN)

    three.release("aurelia", "forum", [seq])
    three.release("aurelia", "pair", [seq])
    three.settle()

    held = {copy.agreement: copy for copy in copies(three, "borea")}
    assert set(held) == {"forum", "pair"}
    assert (held["forum"].onward, held["pair"].onward) == ("scope", "none")
    assert "description" in held["forum"].object.body
    assert "description" not in held["pair"].object.body
    assert held["forum"].com == held["pair"].com  # one commitment, whatever the agreement


def test_any_member_relays_the_owners_exact_bytes_to_a_member_that_lacks_them(three):
    [seq] = three.give("aurelia", tool(1), tlp=Tlp.GREEN)
    three.wire.fault = cut("aurelia", "corvia")
    three.release("aurelia", "forum", [seq])
    three.settle()
    assert copies(three, "corvia") == []
    [theirs] = copies(three, "borea")

    three.release("borea", "forum", [theirs.seq])
    three.settle()

    [relayed] = copies(three, "corvia")
    assert relayed.object.raw == theirs.object.raw
    assert (relayed.voucher, relayed.sent_by) == ("aurelia", "borea")
    three.wire.fault = None
    three.settle()
    assert len(copies(three, "corvia")) == 1  # the owner's own word comes to the same copy


@pytest.mark.parametrize("gone", sorted(NATIONS))
def test_whichever_member_goes_the_others_go_on(three, gone):
    one, other = sorted(set(NATIONS) - {gone})
    three.wire.fault = cut(gone)

    for name, number in ((one, 1), (other, 2)):
        three.release(name, "forum", three.give(name, tool(number), tlp=Tlp.GREEN))
    three.settle()

    assert len(copies(three, other, tool(1)["id"])) == 1
    assert len(copies(three, one, tool(2)["id"])) == 1
    three.wire.fault = None
    three.clock.step(600)
    three.settle()
    assert {id_ for id_, _ in three.held_by(gone)} == {tool(1)["id"], tool(2)["id"]}


def test_a_recall_follows_every_copy_also_the_relayed_ones(three):
    three.sign(agreement("pair", "aurelia", "borea"), "aurelia", "borea")
    [seq] = three.give("aurelia", tool(1), tlp=Tlp.GREEN)
    three.wire.fault = cut("aurelia", "corvia")
    three.release("aurelia", "forum", [seq])
    three.release("aurelia", "pair", [seq])
    three.settle()
    theirs = next(copy for copy in copies(three, "borea") if copy.agreement == "forum")
    three.release("borea", "forum", [theirs.seq])
    three.settle()
    assert (len(copies(three, "borea")), len(copies(three, "corvia"))) == (2, 1)

    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        asked = recall.Asked(id=ID, cause="wrong")
        given = recall.recall(unit, node.us, "dora", asked, three.clock())
    three.settle(6)
    assert (
        copies(three, "borea") == copies(three, "corvia") == []
    )  # though the owner reaches one alone
    three.wire.fault = None
    three.clock.step(600)
    three.settle(6)

    assert copies(three, "corvia") == []
    with node.core.read() as unit:
        answers = [r.outcome for each in given for r in recalls.receipts_to(unit, each.order)]
    assert set(answers) == {"deleted"}
