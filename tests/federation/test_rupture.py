"""Breaking off with a partner: nothing reaches it from then on, whoever holds it; and the way back."""

import json
import threading

import pytest

from mithaq.border import consent, exits, parting, peers, rupture, shelf, signing
from mithaq.border.channels import send_document
from mithaq.clock import monotonic
from mithaq.errors import Conflict, NotFound, PeerError, Refused
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.model.labels import Tlp
from mithaq.policy.agreement import to_bytes
from mithaq.seal.keys import generate
from mithaq.seal.messages import RUPTURE
from mithaq.store import blocks, channels, consents, objects, releases
from tests.federation.test_delivery import NATIONS, agreement, in_forum, tool
from tests.federation.world import second_person

WHY = rupture.Why(reason="case 7", basis="decree 12")


@pytest.fixture
def three(copied):
    """Three nations with a forum and a pair in force."""
    return copied(_with_pair)


def _with_pair(federation):
    in_forum(federation)
    federation.sign(agreement("pair", "aurelia", "borea"), "aurelia", "borea")


def act(federation, doing, *args, name="aurelia", **more):
    node = federation.nodes[name]
    with node.core.begin() as unit:
        done = doing(unit, node.us, *args, federation.clock(), **more)
    shelf.project(node.core, node.shelf, federation.clock(), additions=False)
    return done


def break_off(federation, party="borea", name="aurelia"):
    return act(federation, rupture.declare, party, WHY, name=name, by="dora")


def lift(federation, party="borea"):
    with federation.nodes["aurelia"].core.begin() as unit:
        second = second_person(unit)
    return act(federation, rupture.lift, party, second, by="dora")


def let_go(federation, *numbers, under="forum", by="aurelia"):
    seqs = federation.give(by, *map(tool, numbers), tlp=Tlp.GREEN)
    federation.release(by, under, seqs)
    return seqs


def ids(federation, name):
    return {id_ for id_, _ in federation.held_by(name)}


def names(*numbers):
    return {tool(number)["id"] for number in numbers}


def test_from_the_act_on_no_view_reaches_the_party_under_any_agreement(three):
    let_go(three, 1)
    let_go(three, 2, under="pair")
    three.workers["aurelia"].show()  # both stand on its shelves, and it has fetched neither

    done = break_off(three)
    seen = len(three.wire.seen)
    three.settle()

    assert (done.suspended, done.closed) == (["pair"], ["forum"])
    assert ids(three, "borea") == set()
    assert ids(three, "corvia") == names(1)
    said = b"".join(
        raw for a, b, _, raw in three.wire.seen[seen:] if (a, b) == ("aurelia", "borea")
    )
    assert b"number 1" not in said
    assert b"number 2" not in said


def test_what_is_proposed_after_it_goes_to_the_others_alone(three):
    break_off(three)
    let_go(three, 3)
    three.settle()

    assert ids(three, "borea") == set()
    assert ids(three, "corvia") == names(3)
    with three.nodes["aurelia"].core.read() as unit:
        reasons = [i.reasons for i in releases.verdicts_where(unit) if i.peer == "borea"]
    assert all("rupture" in why for why in reasons)


def test_nothing_of_the_party_comes_in_and_its_neighbours_do(three):
    break_off(three)
    three.wire.fault = lambda wire, sender, request: None
    with three.nodes["borea"].core.begin() as unit:  # it feigns that it never heard
        unit.exec_driver_sql("DELETE FROM ruptures")
    let_go(three, 4, by="borea")
    let_go(three, 5, by="corvia")
    three.settle()

    assert ids(three, "aurelia") == names(5)


def test_a_relay_is_told_and_passes_on_nothing_of_ours_any_more(three):
    three.wire.fault = lambda wire, sender, request: (
        wire.deliver("nowhere", request)
        if "borea" in (sender, request.url.split("/")[2][:5])
        else None
    )
    let_go(three, 6)
    three.settle()
    assert ids(three, "corvia") == names(6)
    with three.nodes["corvia"].core.read() as unit:
        seqs = [
            copy.seq
            for copy in objects.load(unit, objects.everything())
            if copy.standing == "received"
        ]
    three.release("corvia", "forum", seqs)
    assert [row.peer for row in _rows(three, "corvia")] == ["borea"]

    done = break_off(three)
    three.settle()

    assert done.told == ["corvia"]
    assert _rows(three, "corvia") == []
    three.release("corvia", "forum", seqs)
    assert _rows(three, "corvia") == []
    three.wire.fault = None
    three.settle()
    assert ids(three, "borea") == set()


def _rows(federation, name):
    with federation.nodes[name].core.read() as unit:
        return [row for peer in NATIONS for row in releases.rows_of_peer(unit, peer) if row.copy]


def test_a_relays_own_intelligence_still_goes_where_it_wishes(three):
    break_off(three)
    three.settle()
    let_go(three, 7, by="corvia")
    three.settle()

    assert ids(three, "borea") == names(7)


def test_nobody_can_be_dealt_with_again_by_the_back_door(three):
    break_off(three)

    with pytest.raises(Conflict):
        act(three, signing.narrow, "pair", "resume", by="lead")
    with pytest.raises(Conflict):
        act(three, signing.sign_text, to_bytes(agreement("pair2", "aurelia", "borea")), by="lead")
    with pytest.raises(Conflict):
        break_off(three)


def test_two_persons_lift_it_and_what_stood_goes_on(three):
    let_go(three, 8)
    three.workers["aurelia"].show()
    break_off(three)
    three.settle()
    assert ids(three, "borea") == set()

    lift(three)
    three.settle()
    let_go(three, 9, under="pair")
    three.settle()

    assert ids(three, "borea") == names(8, 9)


def test_one_person_alone_cannot_lift_it_nor_another_with_a_foreign_key(three):
    break_off(three)
    with three.nodes["aurelia"].core.begin() as unit:
        name, key = second_person(unit)

    with pytest.raises(Refused):
        act(three, rupture.lift, "borea", (name, key), by=name)
    with pytest.raises(Refused):
        act(three, rupture.lift, "borea", (name, generate()), by="dora")
    with pytest.raises(NotFound):
        act(three, rupture.lift, "corvia", (name, key), by="dora")


def test_a_party_that_is_removed_and_met_again_finds_nothing_open(three):
    let_go(three, 10)
    three.workers["aurelia"].show()
    break_off(three)
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        parting.remove(unit, "borea", three.clock(), by="olga")
    three.enrol(node, three.nodes["borea"])
    three.settle()

    assert ids(three, "borea") == set()


def test_an_old_word_does_not_undo_a_later_one(three):
    let_go(three, 11)
    three.settle()
    break_off(three)
    three.settle()
    with three.nodes["corvia"].core.read() as unit:
        told = blocks.latest(unit, "aurelia", "borea")
    lift(three)
    three.settle()
    with three.nodes["corvia"].core.read() as unit:
        assert blocks.ruptures_standing(unit) == []
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        send_document(unit, node.us, "corvia", (RUPTURE, told.envelope), three.clock())
    three.settle()

    with three.nodes["corvia"].core.read() as unit:
        assert blocks.ruptures_standing(unit) == []


# --- at size -----------------------------------------------------------------------------------------
MANY = 2000  # objects on each of two shelves


def test_thousands_of_rows_on_several_shelves_are_out_of_reach_in_seconds(three):
    """Borea asks without end while the act happens: what it asks after the act has returned brings it no view."""
    seqs = three.give("aurelia", *map(tool, range(MANY)), tlp=Tlp.GREEN)
    for name in ("forum", "pair"):
        three.release("aurelia", name, seqs)
    three.workers["aurelia"].show()
    node, borea = three.nodes["aurelia"], three.nodes["borea"]
    with node.core.read() as unit:
        shelves = [c.id for c in channels.of_peer(unit, "borea", "out") if c.agreement]
    answers, done, ended = [], threading.Event(), []

    def ask():
        while len(ended) < 1 or not any(at > ended[0] for at, *_ in answers[-6:]):
            for name in shelves:
                for path in (f"/taxii2/{name}/frames/?after=0", f"/taxii2/{name}/collections/"):
                    url = f"http://aurelia.example{path}"
                    request = sign(
                        Request(method="GET", url=url, headers={}), borea.us.signer, three.clock()
                    )
                    begun = monotonic()
                    answer = three.wire.deliver("aurelia.example", request)
                    answers.append((begun, answer.status, answer.body))
            done.set()

    asking = threading.Thread(target=ask)
    asking.start()
    done.wait(60)
    begun = monotonic()
    break_off(three)
    ended.append(monotonic())
    asking.join(60)

    assert ended[0] - begun < 5.0
    after = [(status, body) for at, status, body in answers if at > ended[0]]
    assert after
    assert any(b"number 1" in body for _, _, body in answers)
    assert not [body for _, body in after if b"number" in body or b"Intelligence" in body]


# --- the exit pack -----------------------------------------------------------------------------------
def order_all(federation, party="borea"):
    node = federation.nodes["aurelia"]
    with node.core.read() as unit:
        waiting = exits.to_order(unit, node.us, party)
    return act(federation, exits.order_back, party, waiting, by="dora")


def packed(federation, party="borea"):
    return act(federation, exits.pack, party)


def keys(federation):
    with federation.nodes["aurelia"].core.read() as unit:
        return peers.every_key_of(unit, "aurelia")


def lines(raw):
    return [line for line in raw.decode().splitlines() if line]


def test_the_pack_says_what_each_holds_of_the_other_and_what_was_answered(three):
    let_go(three, 1)
    let_go(three, 2, by="borea")
    three.settle()
    break_off(three)

    assert order_all(three) == 1
    before = {
        name: json.loads(raw) for name, raw in packed(three).items() if name.endswith(".json")
    }
    three.settle()
    files = packed(three)
    after = {name: json.loads(raw) for name, raw in files.items() if name.endswith(".json")}

    [theirs], [ours] = after["held-by-them.json"], after["held-by-us.json"]
    assert (theirs["id"], theirs["ours"], ours["id"]) == (tool(1)["id"], True, tool(2)["id"])
    assert [each["id"] for each in before["outstanding.json"]] == [tool(1)["id"]]
    assert after["outstanding.json"] == []
    assert [each["outcome"] for each in after["receipts.json"]] == ["deleted"]
    assert len(lines(files["orders.jsonl"])) == len(lines(files["seals.jsonl"])) == 1
    assert len(lines(files["notices.jsonl"])) == 2
    assert ids(three, "borea") == names(2) - names(2)
    assert b"number 1" not in b"".join(files.values())


def test_what_is_ordered_back_once_is_not_ordered_twice_and_others_keep_it(three):
    let_go(three, 1)
    three.settle()
    break_off(three)

    assert (order_all(three), order_all(three)) == (1, 0)
    with three.nodes["aurelia"].core.read() as unit:
        again = exits.to_order(unit, three.nodes["aurelia"].us, "borea")
    three.settle()

    assert again == []
    assert ids(three, "corvia") == names(1)


def test_what_another_nation_owns_stands_in_the_pack_and_is_not_ordered_back(three):
    let_go(three, 3, by="corvia")
    three.settle()
    with three.nodes["aurelia"].core.read() as unit:
        [seq] = [c.seq for c in objects.of_id(unit, tool(3)["id"])]
    three.release("aurelia", "forum", [seq])
    three.settle()
    break_off(three)

    assert order_all(three) == 0
    [held] = json.loads(packed(three)["held-by-them.json"])
    assert (held["id"], held["ours"], held["orders"]) == (tool(3)["id"], False, [])


@pytest.mark.parametrize("change", ["altered", "missing", "added", "unsigned", "foreign"])
def test_a_pack_that_is_not_as_it_was_signed_is_refused(three, change):
    let_go(three, 1)
    break_off(three)
    files = packed(three)
    known = keys(three)
    exits.check(files, known)
    match change:
        case "altered":
            files["receipts.json"] = b"[]\n\n"
        case "missing":
            del files["outstanding.json"]
        case "added":
            files["more.json"] = b"[]"
        case "unsigned":
            del files["manifest.json"]
        case _:
            known = {}

    with pytest.raises(PeerError):
        exits.check(files, known)


def test_there_is_no_pack_of_a_partner_that_we_deal_with(three):
    with pytest.raises(NotFound):
        packed(three)
    with pytest.raises(NotFound):
        act(three, exits.order_back, "borea", [], by="dora")


# --- consent -----------------------------------------------------------------------------------------
def test_consents_to_pass_on_to_the_party_are_taken_back_and_none_is_given_any_more(three):
    three.sign(agreement("side", "aurelia", "corvia"), "aurelia", "corvia")
    three.sign(agreement("other", "corvia", "borea"), "corvia", "borea")
    let_go(three, 4, under="side")
    three.settle()
    corvia, aurelia = three.nodes["corvia"], three.nodes["aurelia"]
    with corvia.core.begin() as unit:
        [copy] = objects.of_id(unit, tool(4)["id"])
        consent.ask(unit, corvia.us, copy, ("borea", "they are hit"), three.clock(), by="carl")
    three.settle()
    with aurelia.core.begin() as unit:
        person = second_person(unit)
        [row] = consents.every(unit)
        consent.answer(unit, aurelia.us, row.seq, person, three.clock(), yes=True)
    three.settle()
    three.release("corvia", "other", [copy.seq])
    assert [row.agreement for row in _rows(three, "corvia")] == ["other"]

    done = break_off(three)
    three.settle()

    assert (done.consents, done.told) == (1, ["corvia"])
    assert _rows(three, "corvia") == []
    with aurelia.core.begin() as unit, pytest.raises(Conflict):
        consent.answer(unit, aurelia.us, row.seq, person, three.clock(), yes=True)


def test_who_may_not_pass_anything_on_to_the_party_is_told_nothing(three):
    three.sign(agreement("side", "aurelia", "corvia"), "aurelia", "corvia")
    let_go(three, 5, under="side")
    three.settle()

    assert break_off(three).told == []
    three.settle()
    with three.nodes["corvia"].core.read() as unit:
        assert blocks.ruptures_standing(unit) == []
