"""A question goes to the partners who are asked and to nobody else; what they reply is tagged."""

from types import SimpleNamespace

import msgspec
import pytest

from mithaq import intel
from mithaq.auth.actors import Actor, roles
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.intel.finding import noticed
from mithaq.intel.needs import answers, requests, requirements
from mithaq.intel.needs.questions import Sought, Terms
from mithaq.intel.needs.requests import Wish
from mithaq.intel.partners import balance
from mithaq.model.labels import Beside, Clearance, Tlp
from mithaq.model.requests import EXTENSION, Reply
from mithaq.policy.decision import Hold, Release
from mithaq.store import parties
from mithaq.store.parties import ActorRow
from mithaq.store.requirements import Row
from tests.federation.test_delivery import agreement, tool
from tests.federation.test_proposals import Desk, seen_by

INNER = "نجهل من اخترق شبكتنا"  # never leaves
OUTER = "من يستهدف شبكات الكهرباء؟"
AMBER = Beside(tlp=Tlp.AMBER)


class Office(Desk):
    """An analyst at one nation's desk, who asks and replies."""

    def require(self, **sought):
        row = Row(
            name="grid", owner="ana", priority=1, level=int(Tlp.GREEN), terms="", made_at="", changed_at=""
        )  # fmt: skip
        terms = Terms(question=INNER, why=INNER, sought=Sought(**sought))
        now = self.federation.clock()
        with self.node.core.begin() as unit:
            one = requirements.draft(unit, self.actor, row, terms, now)
            requirements.keep(unit, self.actor, one, now)

    def grid(self):
        with self.node.core.read() as unit:
            return requirements.named(unit, self.actor, "grid")

    def asks(self, *to, beside=AMBER, **more):
        wish = Wish(to=to, question=OUTER, beside=beside, **more)
        made = self.ask(requests.ask, self.grid(), wish, self.federation.clock())
        copy, outcomes = self.do(requests.send, self.grid(), made)
        self.federation.settle(2)
        return copy, outcomes

    def received(self, **more):
        return self.ask(requests.received, **more)

    def replies(self, request, text, *objects, outcome="answered"):
        said = Reply(request="", outcome=outcome, text=text, objects=list(map(str, objects)))
        made = self.ask(requests.answer, request, said, self.federation.clock())
        done = self.do(requests.reply, made)
        self.federation.settle(2)
        return done

    def report(self):
        return self.ask(answers.report, self.grid(), self.federation.clock())

    def tagged(self):
        return {each.copy.object.id for each in self.report().tagged}

    def asked(self):
        return self.ask(requests.asked, ["grid"])


@pytest.fixture
def offices(three):
    """Return an office in each of three nations of a forum."""
    for node in three.nodes.values():
        with node.core.begin() as unit:
            row = ActorRow(name="ana", roles="analyst", clearance="RED", public=b"a", added_at="")
            parties.put_actor(unit, row)
    return [Office(three, name) for name in ("aurelia", "borea", "corvia")]


def weighed(office, partner):
    """Return how many requests each side was asked and answered, by the balance."""
    found = office.ask(balance.balance, partner, "2026-01-01T00:00:00.000Z")
    sides = {s: getattr(found, s) for s in ("theirs", "ours")}
    return SimpleNamespace(**{s: (each.asked, each.answered) for s, each in sides.items()})


def test_a_request_goes_to_whom_it_is_for_and_what_the_reply_names_is_tagged(offices, three):
    a, b, c = offices
    a.require(words=("nothing such",))
    assert a.report().reasons == ["nothing-came"]
    note, [outcome] = a.asks("borea")

    [found] = b.received()
    assert (found.request.question, found.note.owner, found.state) == (OUTER, "aurelia", "open")
    assert intel.marking(found.note) == "TLP:AMBER"
    assert {
        peer for (peer, seq), each in outcome.decisions.items() if isinstance(each, Release)
    } == {"borea"}
    assert a.tagged() == set()  # what is asked answers nothing

    one, _ = three.give("borea", tool(1), tool(2), tlp=Tlp.GREEN)
    b.replies(found, "هذه أداتهم", one)

    [(_, standing)] = a.asked()
    reply, copy = standing.replies["borea"]
    assert (reply.outcome, reply.text, reply.objects) == ("answered", "هذه أداتهم", [tool(1)["id"]])
    assert a.tagged() == {tool(1)["id"], copy.object.id}
    assert [(each.source, each.count) for each in a.report().sources] == [("borea", 2)]
    assert a.report().reasons == ["one-source"]
    assert [each.state for each in b.received(every=True)] == ["answered"]
    assert (weighed(a, "borea").theirs, weighed(b, "aurelia").ours) == ((1, 1), (1, 1))
    assert (weighed(a, "borea").ours, weighed(a, "corvia").theirs) == ((0, 0), (0, 0))
    assert b.received() == c.received(every=True) == []
    [ours] = three.give("aurelia", tool(3), tlp=Tlp.GREEN)
    with a.node.core.begin() as unit:
        answers.tag(unit, a.node.us, a.actor, a.grid(), str(ours), three.clock(), off=False)
    three.release("aurelia", "forum", [ours])
    three.settle(2)
    assert tool(3)["id"] in a.tagged()
    # what is proposed under a forum goes to all that may have it; the notes do not
    assert {id_ for id_, _ in three.held_by("corvia")} == {tool(1)["id"], tool(3)["id"]}
    for name in ("borea", "corvia"):
        for secret in (INNER, "grid", "nothing such"):
            assert secret.encode() not in seen_by(three, name)
    for secret in (OUTER, "هذه أداتهم", EXTENSION, note.object.id, copy.object.id):
        assert secret.encode() not in seen_by(three, "corvia")
    assert not any(EXTENSION.encode() in raw for raw in three.held_by("corvia").values())


def test_that_nothing_is_known_or_said_is_a_reply_and_no_answer(offices, three):
    a, b, c = offices
    a.require(words=("الكهرباء",))  # as the wording says, and a reply that says nothing
    by = "2026-03-02T00:00:00.000Z"
    a.asks("borea", "corvia", needed_by=by)
    b.replies(b.received()[0], "لا نعلم من يستهدف الكهرباء", outcome="nothing")

    assert (weighed(a, "borea").theirs, weighed(b, "aurelia").ours) == ((1, 0), (1, 0))
    [followed] = a.ask(answers.followed)
    assert [each.unread for each in a.ask(noticed.notices, [followed], 9)] == [0]
    [(sent, standing)] = a.asked()
    assert (sent.parties, {p: r.outcome for p, (r, _) in standing.replies.items()}) == (
        "borea,corvia",
        {"borea": "nothing"},
    )
    assert (a.tagged(), a.report().reasons) == (set(), ["nothing-came"])
    three.clock.step(86400)
    assert a.report().reasons == ["nothing-came", "no-reply"]
    c.replies(c.received()[0], "not for you", outcome="declined")
    assert a.report().reasons == ["nothing-came"]
    assert [each.state for each in c.received(every=True)] == ["declined"]
    assert b"not for you" not in seen_by(three, "borea")


def test_what_a_reply_names_may_come_after_it_or_before(offices, three):
    a, b, _ = offices
    [early, late] = three.give("borea", tool(1), tool(2), tlp=Tlp.GREEN)
    three.release("borea", "forum", [early])
    three.settle(2)
    a.require()
    a.asks("borea")
    [found] = b.received()
    b.replies(found, "both", early, late)

    assert a.tagged() >= {tool(1)["id"], tool(2)["id"]}


def test_what_must_be_approved_waits_for_a_second_person(offices, three):
    a, b, _ = offices
    a.require()
    strict = Beside(tlp=Tlp.AMBER_STRICT)
    _, [outcome] = a.asks("borea", beside=strict)
    assert not any(isinstance(each, Release) for each in outcome.decisions.values())
    assert b.received() == []

    named = agreement("pair", "aurelia", "borea")
    clause = msgspec.structs.replace(named.clauses[0], named_levels=["AMBER+STRICT"])
    three.sign(msgspec.structs.replace(named, clauses=[clause]), "aurelia", "borea")
    _, [outcome] = a.asks("borea", beside=strict)
    assert outcome.agreement.id == "pair"  # of two alone before one of many
    assert [type(each) for (peer, _), each in outcome.decisions.items() if peer == "borea"][
        -1
    ] is Hold


def test_what_cannot_be_asked_is_said_and_what_is_withdrawn_is_open_no_more(offices, three):
    a, b, _ = offices
    a.require()
    wish = Wish(to=["borea"], question=OUTER, beside=AMBER)
    made = a.ask(requests.ask, a.grid(), wish, three.clock())
    _, [outcome] = a.do(requests.tried, a.grid(), made)
    three.settle(2)

    assert any(isinstance(each, Release) for each in outcome.decisions.values())
    assert (b.received(), a.asked(), a.ask(intel.search, OUTER)) == ([], [], [])

    now = three.clock()
    for wish in (
        Wish(to=["borea"], question=" "),
        Wish(to=[], question=OUTER),
        Wish(to=["nobody"], question=OUTER),
        Wish(to=["aurelia"], question=OUTER),
        Wish(to=["borea"], question=OUTER, needed_by="2020-01-01T00:00:00.000Z"),
        Wish(to=["borea"], question=OUTER, agreements=["none"]),
    ):
        with pytest.raises(InputError):
            a.ask(requests.ask, a.grid(), wish, now)
    with pytest.raises(NotFound):
        a.ask(requests.ask, a.grid(), Wish(to=["borea"], question=OUTER, about=["9999"]), now)
    [seq] = three.give("borea", tool(1), tlp=Tlp.GREEN)
    with pytest.raises(NotFound):
        b.ask(requests.request, str(seq))
    note, _ = a.asks("borea")
    with pytest.raises(InputError):
        b.replies(b.received()[0], " ")
    draft = a.ask(intel.revoked, note.object.id, three.clock())
    copy = a.do(intel.store, draft)
    three.release("aurelia", "forum", [copy.seq])
    three.settle(2)

    assert b.received() == []
    [found] = b.received(every=True)
    assert found.state == "withdrawn"
    with pytest.raises(Conflict):
        b.replies(found, "too late")
    with a.node.core.begin() as unit:
        requirements.retire(unit, a.actor, a.grid(), now)
    with pytest.raises(Conflict):
        a.ask(requests.ask, a.grid(), Wish(to=["borea"], question=OUTER), now)


def test_who_is_not_cleared_for_the_reply_is_not_told_that_there_is_one(offices, three):
    a, b, _ = offices
    a.require()
    a.asks("borea", about=[])
    [found] = b.received()
    b.replies(found, "secret", *three.give("borea", tool(1), tlp=Tlp.AMBER))
    low = Office(
        three,
        "aurelia",
        Actor(name="ana", roles=roles(["analyst"]), clearance=Clearance(tlp=Tlp.GREEN)),
    )

    assert a.report().count == 2
    assert (low.report().count, low.report().sources, low.asked()) == (0, [], [])
