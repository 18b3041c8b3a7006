"""Two stories: parties of one agreement notice what an owner told them apart (border.md 5.3)."""

import json

import msgspec
import pytest

from mithaq.audit import evidence
from mithaq.audit.evidence import Unproven
from mithaq.border import outbox, peers, publish, recall, stories
from mithaq.exchange.wire import PeerUnreachable
from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Tlp
from mithaq.seal.envelope import read
from mithaq.seal.messages import COMPARISON, Comparison, decode
from mithaq.store import alarms, provenance
from tests.federation.test_delivery import NATIONS, agreement, enrolled, in_forum, tool
from tests.values import replace

HOUR = 3600


def forum(**more):
    return msgspec.structs.replace(agreement("forum", *NATIONS), compare=True, **more)


@pytest.fixture
def three(copied):
    return copied(_compared)


def _compared(federation):
    enrolled(federation)
    federation.sign(forum(), *NATIONS)


def round_(federation):
    """One tick of the log, and what it sets going."""
    federation.clock.step(HOUR)
    federation.settle()


def let_go(federation, *numbers, by="aurelia", under="forum"):
    bodies = [tool(number) for number in numbers]
    seqs = federation.give(by, *bodies, tlp=Tlp.GREEN)
    federation.release(by, under, seqs)
    federation.settle()


def told(federation, name):
    with federation.nodes[name].core.read() as unit:
        return [a for a in alarms.every(unit, closed=True) if a.kind == "equivocation"]


def another_commitment(monkeypatch, to="corvia"):
    """Let the owner commit to another full version towards one party."""
    real = outbox._part

    def lying(work, placed, peer):
        if peer != to:
            return real(work, placed, peer)
        with monkeypatch.context() as patched:
            patched.setattr(outbox, "_commitment", lambda us, copy: "7" * 64)
            return real(replace(work, parts={}), placed, peer)

    monkeypatch.setattr(outbox, "_part", lying)


def another_view(monkeypatch, to="corvia"):
    """Let the owner show one party another view."""
    real = publish.place

    def lying(unit, us, terms, going, now):
        real(
            unit,
            us,
            terms,
            {
                p: [bent(each) if to in (p, None) else each for each in many]
                for p, many in going.items()
            },
            now,
        )

    def bent(placed):
        view = placed.decision.view
        raw = canonical({**view.body, "name": "for you alone"})
        other = replace(view, raw=raw, digest=digest(raw))
        return replace(placed, decision=replace(placed.decision, view=other))

    monkeypatch.setattr(publish, "place", lying)


@pytest.mark.parametrize(
    ("lie", "why"), [(another_commitment, "two-commitments"), (another_view, "two-views")]
)
def test_two_stories_of_one_version_are_noticed_by_both_who_were_told_them(
    three, monkeypatch, lie, why
):
    lie(monkeypatch)
    let_go(three, 1)
    assert len(three.held_by("borea")) == len(three.held_by("corvia")) == 1

    round_(three)
    round_(three)

    for name in ("borea", "corvia"):
        [alarm] = told(three, name)
        assert (alarm.subject, alarm.facts["why"]) == ("aurelia", why)
        assert (alarm.facts["id"], alarm.state) == (tool(1)["id"], "open")
    assert told(three, "aurelia") == []


@pytest.mark.parametrize("lie", [another_commitment, another_view])
def test_the_alarm_convicts_by_the_owners_signatures_alone_and_offline(three, monkeypatch, lie):
    lie(monkeypatch)
    let_go(three, 1)
    round_(three)
    [alarm] = told(three, "borea")
    with three.nodes["corvia"].core.read() as unit:  # any third party that has the owner's document
        keys = {name: peers.every_key_of(unit, name) for name in NATIONS}

    about = evidence.read_file(alarm.evidence)
    assert evidence.check(about, keys["aurelia"]).by == "aurelia"

    for other in ("borea", "corvia"):
        with pytest.raises(Unproven):
            evidence.check(about, keys[other])
    entries = json.loads(alarm.evidence)["about"]["entries"]
    assert {json.loads(e["proof"]["batch"])["payloadType"] for e in entries} == {
        "application/vnd.mithaq.batch+json;v=1"
    }


def test_an_alarm_is_raised_once_however_often_the_story_is_told(three, monkeypatch):
    another_view(monkeypatch)
    let_go(three, 1)
    for _ in range(4):
        round_(three)

    assert len(told(three, "borea")) == len(told(three, "corvia")) == 1


def test_a_view_that_was_recalled_before_another_went_is_no_second_story(three):
    body = tool(1) | {"description": "soon to be left out"}
    [seq] = three.give("aurelia", body, tlp=Tlp.GREEN)
    three.release("aurelia", "forum", [seq])
    three.settle()
    first = three.held_by("corvia")
    three.wire.fault = cut("aurelia", "corvia")
    narrower = msgspec.structs.replace(forum().clauses[0], keep={"tool": ["name"]})
    three.sign(forum(version=2, clauses=[narrower]), "aurelia", "corvia", "borea")
    node = three.nodes["aurelia"]
    with node.core.begin() as unit:
        asked = recall.Asked(id=body["id"], cause="wrong", narrower=True)
        recall.recall(unit, node.us, "dora", asked, three.clock())

    round_(three)
    round_(three)
    assert first == three.held_by("corvia") != three.held_by("borea") != {}
    assert len(comparisons(three, "corvia", "borea")) == 2  # what it tells, and what it was told
    three.wire.fault = None
    round_(three)

    assert three.held_by("corvia") == three.held_by("borea") != {}
    assert told(three, "borea") == told(three, "corvia") == []


def cut(one, other):
    """Cut the line between two nations alone."""

    def fault(_wire, sender, request):
        if {sender, request.url.split("/")[2].split(".")[0]} == {one, other}:
            raise PeerUnreachable("cut")

    return fault


def test_who_compares_nothing_is_told_nothing(copied):
    federation = copied(in_forum)
    let_go(federation, 1)

    round_(federation)

    assert comparisons(federation, "borea", "corvia") == []


def comparisons(federation, sender, to):
    """What one nation's base channel carried of comparisons to another, as signed."""
    with federation.nodes[sender].core.read() as unit:
        rows = unit.exec_driver_sql(
            "SELECT b.body FROM outbox o JOIN channels c ON c.id = o.channel"
            " JOIN bodies b ON instr(o.bodies, b.digest) WHERE c.peer = ? AND c.agreement = ''",
            (to,),
        )
        raws = [read(bytes(row.body)) for row in rows]
    return [decode(e.payload, Comparison) for e in raws if e.payload_type == COMPARISON]


def test_a_party_that_lacks_a_version_learns_not_which_it_is(three):
    three.sign(
        msgspec.structs.replace(agreement("pair", "aurelia", "borea"), compare=True),
        "aurelia",
        "borea",
    )
    let_go(three, 1)
    let_go(three, 2, under="pair")

    round_(three)

    [told_] = comparisons(three, "borea", "corvia")
    assert len(told_.told) == 1  # of the forum's; the pair's is nobody else's business
    raw = msgspec.json.encode(told_)
    assert not any(word in raw for word in (b"tool--", b"pair", b"aurelia"))
    assert comparisons(three, "borea", "aurelia") == []


def test_an_owner_that_tells_one_party_two_stories_under_two_agreements_is_noticed_at_once(
    three, monkeypatch
):
    three.sign(agreement("pair", "aurelia", "borea"), "aurelia", "borea")
    [seq] = three.give("aurelia", tool(1) | {"created_by_ref": identity(three)}, tlp=Tlp.GREEN)
    three.release("aurelia", "forum", [seq])
    three.settle()
    another_commitment(monkeypatch, to="borea")
    three.release("aurelia", "pair", [seq])
    three.settle()

    [alarm] = told(three, "borea")
    assert alarm.facts["why"] == "two-commitments"


def identity(federation, name="aurelia"):
    with federation.nodes[name].core.read() as unit:
        return peers.document_of(unit, name).identities[0]


def test_nobody_is_accused_by_a_partys_word_alone(three):
    let_go(three, 1)
    node = three.nodes["borea"]
    with node.core.begin() as unit:
        [mine] = provenance.accounts(unit, "forum")
        lie = stories._told(replace(mine, com="7" * 64))
        stories._send(unit, node.us, ("corvia", "forum"), three.clock(), told=[lie])
    three.settle()

    assert told(three, "corvia") == told(three, "borea") == []
    assert len(comparisons(three, "corvia", "borea")) == 1  # it shows what it was told, and no more
