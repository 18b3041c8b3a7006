"""A proposal goes to the owner of an object and to nobody else; the owner decides, and answers."""

import json

import pytest

from mithaq import intel
from mithaq.auth.actors import Actor, roles
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.intel import Overtaken, Terms
from mithaq.intel.authoring import proposals, writing
from mithaq.intel.authoring.drafts import NoSuchField
from mithaq.intel.authoring.proposals import Asked, NoOwner
from mithaq.intel.partners import balance
from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.model.markings import tlp_id
from mithaq.model.proposals import EXTENSION, Proposal, written
from mithaq.policy.agreement import Clause
from tests.federation.test_delivery import agreement, in_forum, tool
from tests.values import replace

TOOL = tool(1)["id"]
SECRET = "قيمة لا يراها ثالث"


def person(name="ana", level=Tlp.RED):
    return Actor(name=name, roles=roles(["analyst"]), clearance=Clearance(tlp=level))


class Desk:
    """An analyst at one nation's desk."""

    def __init__(self, federation, name, actor=None):
        self.federation, self.name = federation, name
        self.node, self.actor = federation.nodes[name], actor or person()

    def ask(self, verb, *args, **more):
        with self.node.core.read() as unit:
            return verb(unit, self.node.us, self.actor, *args, **more)

    def do(self, verb, *args, **more):
        with self.node.core.begin() as unit:
            return verb(unit, self.node.us, self.actor, *args, self.federation.clock(), **more)

    def propose(self, id_=TOOL, /, why="رأيناه", beside=None, named=False, **fields):
        asked = Asked(name=id_, fields=fields, why=why, named=named)
        made = self.ask(proposals.propose, asked, self.federation.clock(), beside=beside)
        copy, outcome = self.do(proposals.send, made)
        self.federation.settle(2)
        return copy, outcome

    def open(self, **more):
        return self.ask(proposals.proposals, **more)

    def one(self, number):
        return self.ask(proposals.proposal, str(number))

    def take(self, standing, credit=False, **more):
        now = self.federation.clock()
        draft = self.ask(proposals.taken, standing, now, credit=credit)
        done = self.do(proposals.settle, standing, draft=draft, **more)
        self.federation.settle(2)
        return done

    def decline(self, standing, **more):
        done = self.do(proposals.settle, standing, **more)
        self.federation.settle(2)
        return done

    def set(self, **fields):
        draft = self.ask(intel.revised, TOOL, fields, self.federation.clock())
        return self.do(intel.store, draft)


@pytest.fixture
def shared(copied):
    """Aurelia's tool is at Borea's and at Corvia's, under the forum."""
    return copied(_shared)


def _shared(three):
    in_forum(three)
    body = tool(1) | {"created_by_ref": owner(three), "labels": ["a"]}
    three.release("aurelia", "forum", three.give("aurelia", body, tlp=Tlp.GREEN))
    three.settle()


def owner(federation, name="aurelia"):
    node = federation.nodes[name]
    with node.core.read() as unit:
        return writing.identity(unit, node.us)


def of(federation, *names):
    return [Desk(federation, name) for name in names]


def seen_by(federation, name):
    """Return all that came to a nation over the wire."""
    parts = [body for _, to, _, body in federation.wire.seen if to in (f"{name}.example", name)]
    return b"".join(parts)


def weighed(office, partner):
    return office.ask(balance.balance, partner, "2026-01-01T00:00:00.000Z")


def taken(office, partner):
    """Return how many proposals of theirs we took, and they of ours, by the balance."""
    found = weighed(office, partner)
    return found.theirs.taken, found.ours.taken


def test_a_proposal_reaches_the_owner_alone_and_becomes_its_own_version(shared):
    a, b, c = of(shared, "aurelia", "borea", "corvia")
    b.propose(name="مطرقة", description=SECRET, labels=None)

    [found] = a.open()
    assert (found.party, found.state, found.stale) == ("borea", "open", False)
    assert intel.marking(found.note) == "TLP:AMBER"
    assert c.open(every=True) == c.open(sent=True, every=True) == []
    assert SECRET.encode() in seen_by(shared, "aurelia")
    assert EXTENSION.encode() not in seen_by(shared, "corvia")
    assert SECRET.encode() not in seen_by(shared, "corvia")
    assert not any(EXTENSION.encode() in raw for raw in shared.held_by("corvia").values())

    done = a.take(found, why="شكرا")
    assert done.version.object.body["name"] == "مطرقة"
    assert "labels" not in done.version.object.body
    assert (done.version.author, intel.marking(done.version)) == ("ana", "TLP:GREEN")
    assert b"borea" not in done.version.object.raw
    assert a.ask(proposals.credits_of, TOOL) == {done.version.object.version: "borea"}
    assert a.open() == []
    assert [each.state for each in a.open(every=True)] == ["taken"]
    [ours] = b.open(sent=True, every=True)
    assert (ours.state, ours.party) == ("taken", "aurelia")
    assert (taken(a, "borea"), taken(b, "aurelia")) == ((1, 0), (0, 1))
    assert ours.answer.object.body["explanation"] == "شكرا"
    assert EXTENSION.encode() not in seen_by(shared, "corvia")

    shared.release("aurelia", "forum", [done.version.seq])
    shared.settle()
    assert (TOOL, done.version.object.version) in shared.held_by("corvia")


def test_who_declines_answers_and_the_object_stays_unless_the_answer_is_kept(shared):
    a, b = of(shared, "aurelia", "borea")
    b.propose(description="x")
    [found] = a.open()

    done = a.decline(found, why="no")

    assert done.version is None
    assert len(a.ask(intel.versions, TOOL)) == 1
    [ours] = b.open(sent=True, every=True)
    assert (ours.state, ours.answer.object.body["explanation"]) == ("declined", "no")
    assert (taken(a, "borea"), taken(b, "aurelia")) == ((0, 0), (0, 0))
    assert weighed(b, "aurelia").ours.disputed == 0  # the proposal is declined, and nothing else
    for verb in (a.take, a.decline):
        with pytest.raises(Conflict):
            verb(a.one(found.note.seq))

    b.propose(name="y")
    [again] = a.open()
    assert a.take(again, silent=True).sent is None
    assert [each.state for each in b.open(sent=True)] == ["open"]
    assert a.open() == []


def test_they_are_named_only_if_they_may_be_and_an_outdated_proposal_says_what_changed_since(
    shared,
):
    a, b = of(shared, "aurelia", "borea")
    b.propose(description="x")
    b.propose(description="y", named=True)
    named, unnamed = a.open()

    with pytest.raises(Refused, match="named"):
        a.take(unnamed, credit=True)
    [reference] = a.take(named, credit=True).version.object.body["external_references"]

    assert reference == {"source_name": "proposal", "description": "Proposed by borea"}

    b.propose(description="from borea", name="x")
    a.set(description="ours")
    found, _ = a.open()

    assert found.stale
    assert sorted(found.since) == ["description", "external_references"]
    assert a.take(found).version.object.body["description"] == "from borea"


def test_two_who_decide_at_once_decide_once(shared):
    a, b = of(shared, "aurelia", "borea")
    b.propose(description="x")
    [found] = a.open()
    a.decline(found)

    with pytest.raises(Conflict, match="answered"):
        a.take(found)

    b.propose(description="y")
    [again] = a.open()
    draft = a.ask(proposals.taken, again, shared.clock())
    a.set(name="meanwhile")
    with pytest.raises(Overtaken):
        a.do(proposals.settle, again, draft=draft)
    assert [each.state for each in a.open()] == ["open"]


def test_what_one_may_not_propose(shared):
    a, b = of(shared, "aurelia", "borea")
    with pytest.raises(NoOwner, match="ours"):
        a.propose(description="x")
    [stray] = shared.give("borea", tool(7), tlp=Tlp.GREEN, own=False)
    with pytest.raises(NoOwner, match="no partner"):
        b.propose(str(stray), description="x")
    with pytest.raises(NoSuchField, match="only its owner"):
        b.propose(object_marking_refs=[tlp_id(Tlp.CLEAR)])
    with pytest.raises(InputError, match="nothing of it changes"):
        b.propose(name=tool(1)["name"])
    with pytest.raises(InputError, match="may lack"):
        b.propose(x_see="tool--00000000-0000-4000-8000-000000000009")
    with pytest.raises(InputError):
        b.propose(beside=Beside(tlp=Tlp.CLEAR), description="x")
    with pytest.raises(NotFound):
        Desk(shared, "borea", person(level=Tlp.CLEAR)).propose(description="x")
    assert a.open() == []


def test_what_the_owner_knows_may_be_named(shared):
    a, b = of(shared, "aurelia", "borea")
    own = {
        **tool(8),
        "created_by_ref": owner(shared, "borea"),
    }
    shared.release("borea", "forum", shared.give("borea", own, tlp=Tlp.GREEN))
    shared.settle()

    b.propose(x_see=[tool(8)["id"], TOOL])

    [found] = a.open()
    assert found.proposal.fields["x_see"] == [tool(8)["id"], TOOL]


def test_an_agreement_that_takes_no_notes_keeps_a_proposal_at_home(federation):
    for name, country in (("aurelia", "QM"), ("borea", "QN")):
        federation.nation(name, country)
    federation.enrol_all()
    text = agreement("pair", "aurelia", "borea")
    tools = Clause(id="all", kinds=["tool"], max_tlp="AMBER", onward="none")
    federation.sign(replace(text, clauses=[tools]), "aurelia", "borea")
    body = tool(1) | {"created_by_ref": owner(federation)}
    federation.release("aurelia", "pair", federation.give("aurelia", body, tlp=Tlp.GREEN))
    federation.settle()
    a, b = of(federation, "aurelia", "borea")

    _, outcome = b.propose(description=SECRET)

    assert [type(each).__name__ for each in outcome.decisions.values()] == ["Withhold"]
    assert a.open(every=True) == []
    assert [each.state for each in b.open(sent=True)] == ["open"]


def test_a_hostile_proposal_is_a_note_like_any_other(shared):
    a, b = of(shared, "aurelia", "borea")
    good = written(
        Proposal(target=TOOL, version=tool(1)["modified"], fields={"name": "x"}, why="w")
    )
    bad = []
    for change in (
        {"set": {"object_marking_refs": [tlp_id(Tlp.CLEAR)]}},
        {"set": {"id": "tool--00000000-0000-4000-8000-000000000002"}},
        {"remove": ["created_by_ref"]},
        {"set": {"revoked": False}},
        {"target": "tool--00000000-0000-4000-8000-000000000002"},
        {"more": 1},
    ):
        note = json.loads(json.dumps(good))
        note["extensions"][EXTENSION] |= change
        bad.append(note)
    for fields in bad:
        terms = Terms(beside=Beside(tlp=Tlp.AMBER))
        draft = b.ask(intel.new, "note", fields, shared.clock(), terms=terms)
        copy = b.do(intel.store, draft)
        shared.release("borea", "forum", [copy.seq])
    wrong = {
        **good,
        "extensions": {EXTENSION: {**good["extensions"][EXTENSION], "set": {"labels": "no list"}}},
    }
    draft = b.ask(
        intel.new, "note", wrong, shared.clock(), terms=Terms(beside=Beside(tlp=Tlp.AMBER))
    )
    shared.release("borea", "forum", [b.do(intel.store, draft).seq])
    shared.settle()

    [invalid] = a.open(every=True)
    with pytest.raises(InputError, match="/labels"):
        a.take(invalid)
    assert len(a.ask(intel.versions, TOOL)) == 1
