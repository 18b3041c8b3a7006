"""Recall across nations: gone at once, gone at the partners, passed on, and answered (border.md 7)."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.border import recall, signing
from mithaq.clock import text
from mithaq.errors import NotFound, Refused
from mithaq.exchange.wire import PeerUnreachable
from mithaq.model.labels import Tlp
from mithaq.model.markings import tlp_id
from mithaq.store import objects, recalls, releases
from tests.federation.test_delivery import agreement, enrolled, tool

ID = tool(1)["id"]


def let_go(federation, *bodies, tlp=Tlp.GREEN, by="aurelia", under="forum"):
    federation.release(by, under, federation.give(by, *bodies, tlp=tlp))
    federation.settle()


def order(federation, name="aurelia", **asked):
    node = federation.nodes[name]
    with node.core.begin() as unit:
        asked = recall.Asked(**{"id": ID, "cause": "wrong", **asked})
        return recall.recall(unit, node.us, "dora", asked, federation.clock())


def answers(federation, given, name="aurelia"):
    with federation.nodes[name].core.read() as unit:
        return {r.peer: r.outcome for each in given for r in recalls.receipts_to(unit, each.order)}


def test_what_is_recalled_is_gone_everywhere_and_everybody_answers(three):
    let_go(three, tool(1), tool(2))
    assert {id_ for id_, _ in three.held_by("borea")} == {ID, tool(2)["id"]}

    given = order(three)
    assert answers(three, given) == {"borea": "", "corvia": ""}
    three.settle()

    for name in ("borea", "corvia"):
        assert {id_ for id_, _ in three.held_by(name)} == {tool(2)["id"]}
    assert answers(three, given) == {"borea": "deleted", "corvia": "deleted"}


def test_a_recalled_version_leaves_no_bytes_at_the_partner(three):
    body = tool(1) | {"description": "a sentence that nobody else says"}
    let_go(three, body)
    order(three)
    three.settle()

    node = three.nodes["borea"]
    for room in (node.core, node.shelf):
        with room.read() as unit:
            tables = [
                r[0]
                for r in unit.exec_driver_sql("select name from sqlite_master where type='table'")
            ]
            for table in tables:
                for row in unit.exec_driver_sql(f'select * from "{table}"'):
                    assert not any(
                        b"nobody else says" in (v if isinstance(v, bytes) else str(v).encode())
                        for v in row
                    ), table


def test_the_row_is_gone_in_the_transaction_of_the_order(three):
    let_go(three, tool(1))
    order(three)

    with three.nodes["aurelia"].core.read() as unit:
        assert releases.rows_of_ids(unit, [ID]) == []


def test_a_recalled_version_is_not_released_again_but_a_later_one_is(three):
    [seq] = three.give("aurelia", tool(1), tlp=Tlp.GREEN)
    three.release("aurelia", "forum", [seq])
    three.settle()
    order(three)
    three.settle()

    three.release("aurelia", "forum", [seq])
    three.settle()
    assert three.held_by("borea") == {}

    later = tool(1) | {"modified": text(three.clock()), "name": "mended"}
    let_go(three, later)
    assert list(three.held_by("borea").values())


def test_who_is_away_gets_the_order_when_it_is_back(three):
    let_go(three, tool(1))

    def away(wire, sender, request):
        if "corvia" in (sender, request.url.split("/")[2].split(".")[0]):
            raise PeerUnreachable("away")

    three.wire.fault = away
    given = order(three)
    three.settle()
    assert answers(three, given) == {"borea": "deleted", "corvia": ""}

    three.wire.fault = None
    three.clock.step(600)
    three.settle()
    assert answers(three, given) == {"borea": "deleted", "corvia": "deleted"}
    assert three.held_by("corvia") == {}


def test_after_a_suspension_and_after_the_end_recalls_and_receipts_still_pass(three):
    let_go(three, tool(1), tool(2))
    node = three.nodes["aurelia"]
    for act, number in (("suspend", 1), ("end", 2)):
        with node.core.begin() as unit:
            signing.narrow(unit, node.us, "forum", act, three.clock(), by="lena")
        three.settle()
        given = order(three, id=tool(number)["id"])
        three.settle()
        assert set(answers(three, given).values()) == {"deleted"}
    assert three.held_by("borea") == {}


def test_a_recall_overtakes_what_a_suspension_left_unfetched(three):
    let_go(three, tool(1))
    three.wire.fault = lambda wire, sender, request: (_ for _ in ()).throw(PeerUnreachable("away"))
    let_go(three, tool(2))
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "forum", "suspend", three.clock(), by="lena")
    three.settle(1)
    given = order(three)
    three.wire.fault = None
    three.clock.step(600)
    three.settle()

    assert three.held_by("borea") == {}
    assert set(answers(three, given).values()) == {"deleted"}

    with node.core.begin() as unit:
        signing.narrow(unit, node.us, "forum", "resume", three.clock(), by="lena")
    three.settle()
    assert {id_ for id_, _ in three.held_by("borea")} == {tool(2)["id"]}


@pytest.mark.parametrize("fetched", [False, True])
@pytest.mark.parametrize("before", [False, True])
def test_what_is_released_between_a_resumption_and_the_next_look_arrives(three, before, fetched):
    """Whoever fetches it in that moment is shown nothing, for the shelf is closed still."""
    if before:
        let_go(three, tool(2))
    node = three.nodes["aurelia"]
    for act in ("suspend", "resume"):
        with node.core.begin() as unit:
            signing.narrow(unit, node.us, "forum", act, three.clock(), by="lena")
        if act == "suspend":
            three.settle()
    three.release("aurelia", "forum", three.give("aurelia", tool(1), tlp=Tlp.GREEN))
    if fetched:
        three.workers["aurelia"].show()
        three.workers["borea"].visitor.visit("aurelia")
    three.settle()

    expected = {tool(1)["id"], *([tool(2)["id"]] if before else [])}
    assert {id_ for id_, _ in three.held_by("borea")} == expected
    assert {id_ for id_, _ in three.held_by("corvia")} == expected


def test_only_the_owner_recalls(three):
    let_go(three, tool(1))
    node = three.nodes["borea"]
    with node.core.begin() as unit, pytest.raises(NotFound):
        recall.recall(unit, node.us, "dora", recall.Asked(id=ID, cause="wrong"), three.clock())


def test_an_order_names_one_version_and_leaves_the_other(three):
    let_go(three, tool(1))
    later = tool(1) | {"modified": text(three.clock()), "name": "mended"}
    let_go(three, later)
    order(three, version=tool(1)["modified"])
    three.settle()

    assert [version for _, version in three.held_by("borea")] == [later["modified"]]


def test_a_raised_marking_recalls_earlier_versions_from_whom_it_leaves_out(three):
    three.sign(agreement("pair", "aurelia", "borea"), "aurelia", "borea")
    low = agreement("low", "aurelia", "corvia")
    clause = low.clauses[0]
    low = msgspec.structs.replace(low, clauses=[msgspec.structs.replace(clause, max_tlp="GREEN")])
    three.sign(low, "aurelia", "corvia")
    [seq] = three.give("aurelia", tool(1), tlp=Tlp.GREEN)
    three.release("aurelia", "pair", [seq])
    three.release("aurelia", "low", [seq])
    three.settle()
    assert len(three.held_by("borea")) == len(three.held_by("corvia")) == 1

    later = tool(1) | {"modified": text(three.clock()), "name": "worse"}
    [new] = three.give("aurelia", later, tlp=Tlp.AMBER)
    three.release("aurelia", "pair", [new])
    three.settle()

    assert three.held_by("corvia") == {}
    assert {version for _, version in three.held_by("borea")} >= {later["modified"]}


def test_answers_that_are_late_are_counted_as_overdue(three):
    let_go(three, tool(1))
    three.wire.fault = lambda wire, sender, request: (_ for _ in ()).throw(PeerUnreachable("away"))
    order(three, deadline=timedelta(hours=1))
    with three.nodes["aurelia"].core.read() as unit:
        assert recalls.missing(unit, text(three.clock())) == (2, 0)
        assert recalls.missing(unit, text(three.clock() + timedelta(hours=2))) == (2, 2)


@pytest.fixture
def line(copied):
    """Aurelia shares openly with Borea, and Borea with Corvia; Aurelia and Corvia have no agreement."""
    return copied(in_line)


def in_line(federation):
    enrolled(federation)
    for pair in (("aurelia", "borea"), ("borea", "corvia")):
        text_ = agreement("-".join(pair), *pair)
        openly = msgspec.structs.replace(text_.clauses[0], onward="open")
        federation.sign(msgspec.structs.replace(text_, clauses=[openly]), *pair)
    let_go(
        federation,
        tool(1) | {"object_marking_refs": [tlp_id(Tlp.CLEAR)]},
        tlp=None,
        under="aurelia-borea",
    )
    with federation.nodes["borea"].core.read() as unit:
        [copy] = objects.of_id(unit, ID)
    federation.release("borea", "borea-corvia", [copy.seq])
    federation.settle()
    assert len(federation.held_by("corvia")) == 1


def test_a_relay_passes_the_order_on_and_reports_how_many_answered(line):
    given = order(line)
    line.settle(8)

    assert line.held_by("borea") == line.held_by("corvia") == {}
    with line.nodes["aurelia"].core.read() as unit:
        [receipt] = recalls.receipts_to(unit, given[0].order)
    onward = msgspec.json.decode(receipt.onward)
    assert (receipt.peer, receipt.outcome) == ("borea", "deleted")
    assert onward == {
        "asked": 1,
        "deleted": 1,
    }  # how many, not who: the agreement does not name them


@pytest.mark.parametrize(("named", "names"), [(False, None), (True, ["corvia"])])
def test_who_has_not_answered_yet_is_named_only_where_the_agreement_says_so(line, named, names):
    text_ = agreement("aurelia-borea", "aurelia", "borea")
    line.sign(msgspec.structs.replace(text_, version=2, recall_names=named), "aurelia", "borea")
    del line.workers["corvia"]  # it never comes for the order

    given = order(line)
    line.settle(8)

    with line.nodes["aurelia"].core.read() as unit:
        [receipt] = recalls.receipts_to(unit, given[0].order)
    assert msgspec.json.decode(receipt.onward).get("names") == names


def test_a_relay_cannot_recall_what_it_does_not_own(line):
    with pytest.raises(Refused, match="aurelia"):
        order(line, "borea")
    line.settle()
    assert len(line.held_by("corvia")) == 1
