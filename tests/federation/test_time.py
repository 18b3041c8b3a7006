"""What time changes by itself: embargoes that end, expiries that come, of objects and of clauses (border.md 2.7)."""

from dataclasses import dataclass, replace
from datetime import timedelta

import msgspec
import pytest

from mithaq.border import agreements, clocks, local, signing, watch
from mithaq.cli.status import gather
from mithaq.clock import text
from mithaq.exchange.transport import sign
from mithaq.exchange.wire import Request
from mithaq.model.labels import Beside, Tlp
from mithaq.node.worker import Worker
from mithaq.policy.agreement import to_bytes
from mithaq.store import channels, journal, pending, releases
from tests.federation.test_delivery import agreement, enrolled, tool
from tests.federation.world import Clock

HOUR = timedelta(hours=1)


@pytest.fixture
def two(copied):
    return copied(_two)


def _two(federation):
    enrolled(federation, "aurelia", "borea")


def in_an_hour(federation):
    return text(federation.clock() + HOUR)


def let_go(federation, beside, *numbers, under="pact"):
    seqs = []
    for number in numbers or (1,):
        [seq] = federation.give("aurelia", tool(number), tlp=Tlp.GREEN)
        with federation.nodes["aurelia"].core.begin() as unit:
            local.mark(
                unit,
                federation.nodes["aurelia"].us,
                seq,
                beside,
                author="ana",
                now=federation.clock(),
            )
        seqs.append(seq)
    federation.release("aurelia", under, seqs)
    federation.settle()


def pact(federation, **clause):
    made = agreement("pact", "aurelia", "borea")
    changed = msgspec.structs.replace(made.clauses[0], **clause)
    federation.sign(msgspec.structs.replace(made, clauses=[changed]), "aurelia", "borea")


def later(federation, by=HOUR):
    federation.clock.step(by.total_seconds())
    federation.settle()


def test_what_was_under_embargo_goes_when_it_ends(two):
    pact(two)
    let_go(two, Beside(embargo=in_an_hour(two)))
    later(two, HOUR / 2)
    assert two.held_by("borea") == {}

    later(two, HOUR / 2)

    assert len(two.held_by("borea")) == 1


def test_what_expires_is_shown_no_longer(two):
    pact(two)
    let_go(two, Beside(expiry=in_an_hour(two)))
    with two.nodes["aurelia"].core.read() as unit:
        assert len(releases.rows_of_agreement(unit, "pact")) == 1

    later(two)

    with two.nodes["aurelia"].core.read() as unit:
        assert releases.rows_of_agreement(unit, "pact") == []


@pytest.mark.parametrize(("limit", "before", "after"), [("embargo", 0, 1), ("expiry", 1, 0)])
def test_a_clause_opens_and_ends_at_its_instant(two, limit, before, after):
    pact(two, **{limit: in_an_hour(two)})
    let_go(two, Beside())
    counts = []
    for step in (HOUR / 2, HOUR):
        later(two, step)
        with two.nodes["aurelia"].core.read() as unit:
            counts.append(len(releases.rows_of_agreement(unit, "pact")))

    assert counts == [before, after]


def test_only_what_time_touches_is_decided_again_and_whoever_stops_goes_on(two, monkeypatch):
    pact(two)
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    let_go(two, Beside(embargo=in_an_hour(two)), *range(1, 6))
    let_go(two, Beside(), *range(6, 9))
    node, asked = two.nodes["aurelia"], []
    real = watch.reconsider

    def counted(unit, us, name, seqs, now):
        asked.append(len(seqs))
        return real(unit, us, name, seqs, now)

    monkeypatch.setattr(watch, "reconsider", counted)
    two.clock.step(3600)
    with node.core.begin() as unit:
        watch.turn(unit, node.us, two.clock())  # and then the power goes
    later(two, timedelta(seconds=1))

    assert asked == [2, 2, 1]
    assert len(two.held_by("borea")) == 8
    with node.core.read() as unit:
        assert pending.count_turned(unit, text(two.clock())) == 0


# --- witnesses of time -------------------------------------------------------------------------------------
@dataclass
class Astray:
    """A nation's own clock, wrong by so much."""

    true: Clock
    by: timedelta = timedelta()

    def __call__(self):
        return self.true() + self.by


def witnessed(federation, *names):
    """Let peers of Aurelia witness the time, and let each of them speak."""
    node = federation.nodes["aurelia"]
    with node.core.begin() as unit:
        for name in names:
            clocks.appoint(unit, name, federation.clock(), by="omar")
    later(federation, timedelta(minutes=2))


def goes_astray(federation, name="aurelia"):
    """Give a nation a clock of its own."""
    made = Astray(federation.clock)
    federation.nodes[name] = replace(federation.nodes[name], clock=made)
    federation.workers[name] = Worker(federation.nodes[name])
    return made


def test_a_clock_a_day_ahead_sends_nothing_while_a_witness_has_spoken_and_all_when_it_is_right(two):
    """The partner's node admits nothing early, because nothing is sent."""
    pact(two)
    witnessed(two, "borea")
    let_go(two, Beside(embargo=in_an_hour(two)))
    let_go(two, Beside(), 2)
    ours = goes_astray(two)

    ours.by = timedelta(days=1)
    two.workers["aurelia"].turn()
    assert [id_ for id_, _ in two.held_by("borea")] == [tool(2)["id"]]
    with two.nodes["aurelia"].core.read() as unit:
        assert [row.id for row in releases.rows_of_agreement(unit, "pact")] == [tool(2)["id"]]

    ours.by = timedelta()
    later(two, HOUR)

    assert len(two.held_by("borea")) == 2


def test_of_two_witnesses_that_disagree_the_one_behind_holds_an_embargo_until_people_drop_it(
    copied,
):
    federation = copied(enrolled)
    pact(federation)
    witnessed(federation, "borea", "corvia")
    let_go(federation, Beside(embargo=in_an_hour(federation)))
    behind = goes_astray(federation, "corvia")
    behind.by = -timedelta(hours=2)  # nothing of it is believed, so it speaks no more

    later(federation)
    assert federation.held_by("borea") == {}

    node = federation.nodes["aurelia"]
    with node.core.begin() as unit:
        clocks.appoint(unit, "corvia", federation.clock(), by="omar", off=True)
    federation.settle()

    assert len(federation.held_by("borea")) == 1


# --- a change of the agreement ----------------------------------------------------------------------------
def narrower(federation, **clause):
    """Let both sign the next version of the pact, narrower by its clause; the last signature is ours."""
    with federation.nodes["aurelia"].core.read() as unit:
        now = agreements.held(unit, "pact", federation.clock()).text
    changed = msgspec.structs.replace(now.clauses[0], **clause)
    return msgspec.structs.replace(now, version=now.version + 1, clauses=[changed])


def signed_by_both(federation, text_):
    raw = to_bytes(text_)
    for name in ("borea", "aurelia"):
        node = federation.nodes[name]
        with node.core.begin() as unit:
            signing.sign_text(unit, node.us, raw, federation.clock(), by="lead")
        federation.workers[name].show()
        if name == "borea":
            federation.workers["aurelia"].visitor.visit("borea", ask=True)


def decisions(federation, agreement_="pact"):
    """Return how many candidates were decided under an agreement since the journal was last asked."""
    with federation.nodes["aurelia"].core.read() as unit:
        every = journal.since(unit, 0, limit=100_000)
    return sum(
        e.facts["candidates"] for e in every if (e.kind, e.subject) == ("decided", agreement_)
    )


def status(federation):
    return gather(federation.nodes["aurelia"], federation.clock())


def shelf_of(federation):
    [row] = [row for row in status(federation)["shelves"] if row["agreement"] == "pact"]
    return row["state"], row["decided"], row["objects"]


@pytest.fixture
def many(two, monkeypatch):
    """Seven tools under the pact and three under another agreement; two decisions are made in a unit."""
    monkeypatch.setattr(watch, "AT_ONCE", 2)
    pact(two)
    two.sign(agreement("other", "aurelia", "borea"), "aurelia", "borea")
    two.settle()
    let_go(two, Beside(), *range(1, 8))
    let_go(two, Beside(), *range(11, 14), under="other")
    return two


def test_an_amendment_is_worked_through_in_parts_and_status_says_how_far_it_is(many):
    before = decisions(many), decisions(many, "other")
    signed_by_both(many, narrower(many, kinds=["indicator"]))
    node = many.nodes["aurelia"]
    assert shelf_of(many) == ("blocked", "", 0)

    seen = []
    with node.core.begin() as unit:
        [changed] = watch.changed(unit, many.clock())
        watch.catch_up(unit, node.us, changed, many.clock())
    seen.append(shelf_of(many))
    for _ in range(3):
        with node.core.begin() as unit:
            watch.proceed(unit, node.us, many.clock())
        seen.append(shelf_of(many))

    assert seen == [("blocked", f"{n}/7", 0) for n in (0, 2, 4, 6)]
    many.settle()
    assert not [row for row in status(many)["shelves"] if row["agreement"] == "pact"]
    with node.core.read() as unit:
        assert releases.rows_of_agreement(unit, "pact") == []
        assert len(releases.rows_of_agreement(unit, "other")) == 3
    assert (decisions(many), decisions(many, "other")) == (before[0] + 7, before[1])


def test_whoever_is_killed_in_an_amendment_goes_on_where_they_were(many):
    before = decisions(many)
    signed_by_both(many, narrower(many, max_tlp="CLEAR"))
    node = many.nodes["aurelia"]
    with node.core.begin() as unit:
        watch.catch_up(unit, node.us, "pact", many.clock())
    with node.core.begin() as unit:
        watch.proceed(unit, node.us, many.clock())
    with pytest.raises(KeyboardInterrupt):
        _power_goes(node, many.clock())
    many.workers["aurelia"] = Worker(node)
    assert shelf_of(many) == ("blocked", "2/7", 0)

    many.settle()

    assert decisions(many) == before + 7
    with node.core.read() as unit:
        assert releases.rows_of_agreement(unit, "pact") == []


def _power_goes(node, now):
    """In the middle of a part, before its unit ends."""
    with node.core.begin() as unit:
        watch.proceed(unit, node.us, now)
        raise KeyboardInterrupt


def test_a_change_that_comes_in_the_middle_of_another_begins_anew_and_shows_nothing_before(many):
    signed_by_both(many, narrower(many, kinds=["indicator"]))
    node = many.nodes["aurelia"]
    with node.core.begin() as unit:
        watch.catch_up(unit, node.us, "pact", many.clock())
    with node.core.begin() as unit:
        watch.proceed(unit, node.us, many.clock())
    wider = msgspec.structs.replace(narrower(many, kinds=["*"]), version=3)
    signed_by_both(many, wider)
    many.workers["aurelia"].look(0.0)

    assert shelf_of(many) == ("blocked", "0/7", 0)
    many.settle()
    assert shelf_of(many) == ("open", "", 7)


def test_from_the_instant_at_which_a_text_takes_over_nothing_of_the_one_before_is_shown(many):
    """Whatever the worker is doing then: the listener knows the instant beforehand."""
    soon = text(many.clock() + HOUR)
    later_ = msgspec.structs.replace(narrower(many, kinds=["indicator"]), effective=soon)
    signed_by_both(many, later_)
    many.settle()
    assert fetch(many).status == 200

    many.clock.step(3600)

    assert fetch(many).status == 503
    assert fetch(many).headers["retry-after"]
    many.settle()
    assert fetch(many).status == 200
    assert b"tool--" not in fetch(many).body


def test_from_the_end_of_a_text_and_of_a_clause_on_nothing_is_shown_that_they_permitted(two):
    soon, later_ = (text(two.clock() + HOUR * n) for n in (1, 2))
    made = agreement("pact", "aurelia", "borea")
    clause = msgspec.structs.replace(made.clauses[0], expiry=soon)
    two.sign(msgspec.structs.replace(made, clauses=[clause], end=later_), "aurelia", "borea")
    two.settle()
    let_go(two, Beside())
    assert b"tool--" in fetch(two).body

    two.clock.step(3600)
    assert fetch(two).status == 503
    two.settle()
    assert b"tool--" not in fetch(two).body
    two.clock.step(3600)
    assert fetch(two).status == 503
    two.settle()
    assert fetch(two).status == 404


def fetch(federation):
    """Borea reads its shelf under the pact at Aurelia's listener."""
    with federation.nodes["aurelia"].core.read() as unit:
        root = channels.find(unit, "borea", "pact", "out").id
    url = f"http://aurelia.example/taxii2/{root}/collections/intel/objects/?match%5Btype%5D=tool"
    headers = {"accept": "application/taxii+json;version=2.1"}
    request = Request(method="GET", url=url, headers=headers, body=b"")
    federation.clock.step(0.001)
    signer = federation.nodes["borea"].us.signer
    return federation.wire.deliver("aurelia.example", sign(request, signer, federation.clock()))


# --- what refers to what goes -----------------------------------------------------------------------------
def related(number, source, target):
    at = tool(1)["created"]
    return {
        "type": "relationship", "spec_version": "2.1", "created": at, "modified": at,
        "id": f"relationship--00000000-0000-4000-8000-{number:012d}",
        "relationship_type": "related-to", "source_ref": source["id"], "target_ref": target["id"],
    }  # fmt: skip


@pytest.mark.parametrize("beside", [Beside(releasable_to=frozenset({"corvia"})), "expiry"])
def test_what_refers_to_an_object_goes_with_it_under_every_agreement_and_nothing_else_does(
    two, beside
):
    pact(two)
    two.sign(agreement("other", "aurelia", "borea"), "aurelia", "borea")
    seqs = two.give("aurelia", *(tool(n) for n in (1, 2, 3)), tlp=Tlp.GREEN)
    two.release("aurelia", "pact", seqs)
    edges = [related(9, tool(2), tool(1)), related(8, tool(2), tool(3))]
    two.release("aurelia", "other", two.give("aurelia", *edges, tlp=Tlp.GREEN))
    two.settle()
    before = decisions(two), decisions(two, "other")
    if beside == "expiry":
        beside = Beside(expiry=in_an_hour(two))

    node = two.nodes["aurelia"]
    with node.core.begin() as unit:
        local.mark(unit, node.us, seqs[0], beside, author="ana", now=two.clock())
    later(two)

    with node.core.read() as unit:
        stands = {
            row.id for name in ("pact", "other") for row in releases.rows_of_agreement(unit, name)
        }
    assert stands == {tool(2)["id"], tool(3)["id"], edges[1]["id"]}
    assert (decisions(two), decisions(two, "other")) == (before[0] + 2, before[1] + 1)


@pytest.mark.parametrize("at_once", [1, 3])
def test_what_is_decided_in_parts_is_what_is_decided_at_once(copied, at_once, monkeypatch):
    """Targets come first, so each part knows what of the others goes."""
    shown = []
    for parts in (at_once, 1000):
        monkeypatch.setattr(watch, "AT_ONCE", parts)
        made = copied(_two)
        pact(made)
        tools = [tool(n) for n in range(1, 5)]
        web = [
            related(20, tools[0], tools[1]), related(21, tools[1], tools[2]),
            related(22, tools[2], tools[3]),
        ]  # fmt: skip
        report = tool(30) | {
            "type": "report", "id": "report--00000000-0000-4000-8000-000000000030",
            "published": tool(1)["created"],
            "object_refs": [each["id"] for each in (*tools, *web)],
        }  # fmt: skip
        seqs = made.give("aurelia", report, *reversed(web), tlp=Tlp.GREEN)
        seqs += made.give("aurelia", *tools[:3], tlp=Tlp.GREEN)
        seqs += made.give("aurelia", tools[3], tlp=Tlp.AMBER)
        made.release("aurelia", "pact", seqs)
        made.settle()
        for level in ("GREEN", "AMBER"):
            signed_by_both(made, narrower(made, max_tlp=level))
            made.settle(8)
            with made.nodes["aurelia"].core.read() as unit:
                rows = releases.rows_of_agreement(unit, "pact")
            shown.append(sorted((row.id, row.view) for row in rows))

    assert shown[:2] == shown[2:]
    assert [len(rows) for rows in shown[:2]] == [6, 7]  # the report's first view was recalled
