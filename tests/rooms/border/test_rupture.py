"""Words about ruptures that must not be believed, and what those that may be believed come to."""

import json

import pytest

from mithaq.border import agreements, consent, exits, recall, rupture, signing, watch
from mithaq.border.admit import Outcome
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound
from mithaq.model.labels import Tlp
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Clause, Direction
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import AGREEMENT, RUPTURE, BadMessage, Return, Rupture, decode, encode
from mithaq.store import blocks, channels, consents, parties, releases
from tests.federation.world import second_person
from tests.rooms.border.lies import forum, one, sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, B, C, agreement, put, sealed
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_agreements import heed, notice
from tests.rooms.border.test_consent import asked
from tests.rooms.border.test_on_record import journal, on_record
from tests.rooms.border.test_publish import rows_of
from tests.rooms.border.test_witness import documents

WHY = rupture.Why(reason="case 7")


def word(stage, signer=B, **more):
    fields = {"realm": "live", "by": B, "party": C, "act": "break", "issued": text(stage.now)}
    return sign(RUPTURE, encode(Rupture(**fields | more)), stage.signer(signer))


def hear(stage, sender=B, **more):
    stage.do(rupture.receive, stage.us, sender, word(stage, **more), stage.now)


def declare(stage, party=B):
    return stage.do(rupture.declare, stage.us, party, WHY, stage.now, by="dora")


def reasons(stage, copy, peer):
    """Why a copy stays from a peer."""
    verdicts = stage.ask(releases.verdicts_where, copies=[copy.seq])
    return [r for v in verdicts if v.peer == peer for r in json.loads(v.reasons)]


def catch_up(stage):
    """Follow the agreements that came into force or fell out of it."""
    for name in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, name, stage.now)


def ruptures(stage):
    return {(row.by, row.party) for row in stage.ask(blocks.ruptures_standing)}


def closed(stage):
    """Channels whose last word to the shelf is that it is closed."""
    state = {r["shelf"]: r["facts"] for r in stage.rows("shelf_ops") if r["op"] == "shelf"}
    return {
        (c["peer"], c["agreement"])
        for c in stage.rows("channels")
        if '"closed"' in state.get(c["id"], "")
    }


@pytest.mark.parametrize(
    "lie", [{"by": C}, {"signer": C}, {"realm": "drill:x"}, {"by": US, "signer": US}]
)
def test_a_word_by_another_or_of_another_realm_is_not_believed(stage, lie):
    with pytest.raises(BadMessage):
        hear(stage, **lie)
    assert ruptures(stage) == set()


def test_the_last_word_counts_and_an_older_one_changes_nothing(stage):
    hear(stage)
    early = text(stage.now)
    stage.clock.step()
    hear(stage, act="lift")
    assert ruptures(stage) == set()

    for issued in (early, text(stage.now)):
        with pytest.raises(BadMessage):
            hear(stage, issued=issued)
    assert ruptures(stage) == set()


def test_one_peer_cannot_fill_the_list(stage, monkeypatch):
    monkeypatch.setattr(rupture, "MOST_TOLD", 2)
    hear(stage)
    hear(stage, party="somebody")
    stage.clock.step()

    with pytest.raises(BadMessage):
        hear(stage, party="another")
    hear(stage, act="lift")  # about whom it has spoken of before
    assert ruptures(stage) == {(B, "somebody")}


def test_an_owners_rupture_takes_what_it_owns_from_the_party_and_its_end_brings_it_back(stage):
    body = stage.body(level=Tlp.CLEAR)
    stage.admit(sealed(forum(), [put(body)], stage.signer(B))[0])
    [theirs] = stage.admitted()
    [ours] = stage.give(stage.body(by=US))
    stage.publish(theirs, ours, agreement=FORUM)
    assert rows_of(stage, theirs) == [(FORUM, C)]

    hear(stage)
    assert rows_of(stage, theirs) == []
    stage.do(watch.turn, stage.us, stage.now)
    assert rows_of(stage, ours) == [(FORUM, B), (FORUM, C)]

    stage.clock.step()
    hear(stage, act="lift")
    stage.do(watch.turn, stage.us, stage.now)
    assert rows_of(stage, theirs) == [(FORUM, C)]


def test_whoever_broke_off_with_us_gets_nothing_until_it_says_otherwise(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)

    hear(stage, party=US)
    assert closed(stage) >= {(B, PAIR), (B, FORUM)}
    [later] = stage.give(stage.body(by=US))
    stage.publish(later, agreement=FORUM)
    assert rows_of(stage, later) == [(FORUM, C)]

    stage.clock.step()
    hear(stage, party=US, act="lift")
    catch_up(stage)
    assert not closed(stage) & {(B, PAIR), (B, FORUM)}
    assert (FORUM, B) in rows_of(stage, later)


def test_what_a_broken_off_party_sends_waits_and_its_requests_are_refused(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    declare(stage)

    kept = stage.admit(one(stage, terms=forum()))
    with pytest.raises(BadMessage):
        stage.do(consent.receive_request, stage.us, B, asked(stage, copy), stage.now)

    assert (kept.outcome, kept.code) == (Outcome.KEPT, "rupture")
    assert stage.admitted() == []


def test_a_rupture_of_ours_is_about_everything_whoever_owns_it(stage):
    theirs = stage.body(by=C, level=Tlp.CLEAR)
    entry = put(theirs)
    stage.admit(sealed(forum(), [entry], stage.signer(C), sender=C)[0], peer=C)
    [copy] = stage.admitted()
    declare(stage)

    stage.publish(copy, agreement=FORUM)

    assert rows_of(stage, copy) == []
    [reason] = reasons(stage, copy, B)
    assert (reason["rule"], reason["facts"]) == ("rupture", {"because": "ours", "peer": B})


def test_whose_rupture_keeps_something_back_is_among_the_reasons(stage):
    stage.admit(sealed(forum(), [put(stage.body(level=Tlp.CLEAR))], stage.signer(B))[0])
    [theirs] = stage.admitted()
    [ours] = stage.give(stage.body(by=US))
    hear(stage, party=C)
    hear(stage, party=US)

    stage.publish(theirs, ours, agreement=FORUM)

    owner = {"because": "owner", "by": B, "peer": C}
    assert [r["facts"] for r in reasons(stage, theirs, C)] == [owner]
    assert [r["facts"] for r in reasons(stage, ours, B)] == [{"because": "theirs", "peer": B}]


def test_no_consent_is_given_that_names_a_broken_off_party(stage):
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    stage.do(consent.receive_request, stage.us, B, asked(stage, copy), stage.now)
    person = stage.do(second_person)
    declare(stage, C)

    with pytest.raises(Conflict):
        stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)
    stage.do(consent.answer, stage.us, 1, person, stage.now, yes=False)


def test_all_shelves_of_the_party_are_closed_in_the_unit_of_the_act(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)

    declare(stage)

    assert closed(stage) == {(B, PAIR), (B, FORUM)}
    assert stage.leaves(B)[-1] == "rupture"


def test_what_waited_for_a_person_towards_the_party_waits_no_more_and_others_still_get_it(stage):
    stage.enrol("mona")
    [held] = stage.give(stage.body("threat-actor", by=US, x_country="QX"))
    stage.publish(held, agreement=FORUM)
    assert {(i["peer"], i["state"]) for i in stage.rows("verdicts")} == {(B, "held"), (C, "held")}

    declare(stage)
    stage.do(watch.turn, stage.us, stage.now)

    assert {(i["peer"], i["state"]) for i in stage.rows("verdicts")} == {
        (B, "withheld"),
        (C, "held"),
    }


def lift(stage, party=B):
    person = stage.do(second_person)
    return stage.do(rupture.lift, stage.us, party, person, stage.now, by="dora")


def state_of(stage, name):
    return str(stage.ask(agreements.held, name, stage.now).state)


def test_what_we_had_suspended_ourselves_before_stays_so_when_the_rupture_is_lifted(stage):
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lead")

    done = declare(stage)
    stage.clock.step()
    lift(stage)

    assert (done.suspended, done.closed) == ([], [FORUM])
    assert state_of(stage, PAIR) == "suspended"


def test_what_was_ended_meanwhile_stays_ended(stage):
    assert declare(stage).suspended == [PAIR]
    stage.do(signing.narrow, stage.us, PAIR, "end", stage.now, by="lead")
    stage.clock.step()

    lift(stage)

    assert state_of(stage, PAIR) == "ended"


def test_a_shelf_whose_channel_was_given_up_is_closed_as_well(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    [channel] = [
        c["id"]
        for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (B, PAIR, "out")
    ]
    stage.do(channels.freeze, channel, "restored")

    declare(stage)

    assert (B, PAIR) in closed(stage)


def test_a_client_is_broken_off_with_too_and_is_asked_by_people(stage):
    grant(stage)
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy, agreement="grant")
    assert rows_of(stage, copy) == [("grant", "sensor")]

    declare(stage, "sensor")
    waiting = stage.ask(exits.to_order, stage.us, "sensor")
    ordered = stage.do(exits.order_back, stage.us, "sensor", waiting, stage.now, by="dora")

    assert ordered == 1
    assert rows_of(stage, copy) == []
    assert [(r["peer"], r["outcome"]) for r in stage.rows("receipts")] == [("sensor", "")]
    assert [c for c in stage.rows("channels") if c["peer"] == "sensor" and c["seq"]] == []


def test_what_was_ordered_back_once_or_from_others_is_told_apart(stage):
    ours, others = stage.give(stage.body(by=US), stage.body(by=US))
    stage.publish(ours, others, agreement=FORUM)
    asked = recall.Asked(id=others.object.id, cause="wrong", peers=frozenset({C}))
    stage.do(recall.recall, stage.us, "lena", asked, stage.now)
    stage.clock.step()
    declare(stage)
    both = [(FORUM, ours.object.id), (FORUM, others.object.id)]

    assert stage.ask(exits.to_order, stage.us, B) == both
    order = (exits.order_back, stage.us, B, both, stage.now)
    assert [stage.do(*order, by="dora") for _ in range(2)] == [2, 0]

    assert stage.ask(exits.to_order, stage.us, B) == []
    assert len(stage.rows("orders")) == 3


def test_the_end_of_a_rupture_opens_no_agreement_that_the_party_has_no_part_in(stage):
    declare(stage, C)
    catch_up(stage)
    stage.clock.step()

    lift(stage, C)

    assert stage.ask(watch.changed, stage.now) == [FORUM]


# --- what it comes to -------------------------------------------------------------------------------------
def reach(stage, party=B):
    return stage.ask(rupture.reach, stage.us, party, stage.now)


def told_of(stage, to):
    """What a peer was told about ruptures: (party, act)."""
    said = [e for e in documents(stage, to) if e.payload_type == RUPTURE]
    return [(r.party, r.act) for r in (decode(e.payload, Rupture) for e in said)]


def test_nobody_breaks_off_or_is_shown_what_it_would_come_to_with_whom_nobody_knows(stage):
    for act in (reach, declare):
        with pytest.raises(NotFound):
            act(stage, "nobody")


def test_what_a_rupture_came_to_is_kept_and_on_record_and_the_party_and_its_relays_are_told(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)
    why = rupture.Why(reason="case 7", basis="decree 12")

    stage.do(rupture.declare, stage.us, B, why, stage.now, by="dora")

    row = stage.ask(blocks.latest, US, B)
    assert (row.suspended, row.told, row.reason, row.basis, row.person) == (
        PAIR, C, "case 7", "decree 12", "dora",
    )  # fmt: skip
    on_record(
        stage, "rupture", B, by="dora", reason="case 7", basis="decree 12", suspended=[PAIR],
        closed=[FORUM], told=[C],
    )  # fmt: skip
    assert state_of(stage, PAIR) == "suspended"
    assert told_of(stage, B) == told_of(stage, C) == [(B, "break")]


def test_its_end_is_kept_and_on_record_and_told_to_whom_the_rupture_was_told(stage):
    stage.publish(*stage.give(stage.body(by=US)), agreement=FORUM)
    declare(stage)
    since = stage.ask(blocks.latest, US, B).issued
    stage.clock.step()

    ended = lift(stage)

    assert (ended.state, ended.person) == ("lifted", "dora, mona")
    assert state_of(stage, PAIR) == "in-force"
    assert told_of(stage, B) == told_of(stage, C) == [(B, "break"), (B, "lift")]
    [(party, facts)] = journal(stage, "rupture-lifted")
    yes = decode(read(facts.pop("yes").encode()).payload, Return)
    assert (party, facts) == (B, {"by": "dora", "second": "mona", "since": since})
    assert (yes.person, yes.party, yes.since) == ("mona", B, since)
    with pytest.raises(NotFound):
        lift(stage)


def test_what_was_told_us_is_on_record(stage):
    hear(stage)
    on_record(stage, "rupture-told", C, **{"from": B})
    stage.clock.step()
    hear(stage, act="lift")
    on_record(stage, "rupture-lift-told", C, **{"from": B})


def test_the_end_of_what_we_never_heard_of_takes_nothing_down(stage):
    body = stage.body(level=Tlp.CLEAR)
    stage.admit(sealed(forum(), [put(body)], stage.signer(B))[0])
    stage.publish(*stage.admitted(), agreement=FORUM)
    before = stage.rows("rows")

    hear(stage, act="lift")

    assert stage.rows("rows") == before != []


def test_what_stands_on_its_shelves_stays_for_the_day_when_they_open_again(stage):
    [copy] = stage.give(stage.body(by=US))
    stage.publish(copy)
    stage.publish(copy, agreement=FORUM)

    declare(stage)
    while stage.do(watch.turn, stage.us, stage.now):
        pass

    assert rows_of(stage, copy) == [(PAIR, B), (FORUM, B), (FORUM, C)]


def consented(stage, to=C):
    """Borea may pass one of our objects on to a party."""
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    stage.do(consent.receive_request, stage.us, B, asked(stage, copy, recipient=to), stage.now)
    person = stage.do(second_person)
    number = len(stage.ask(consents.every))
    stage.do(consent.answer, stage.us, number, person, stage.now, yes=True)
    return number, person


def test_consents_that_name_the_party_are_counted_and_taken_back(stage):
    for _ in range(2):
        consented(stage)
    number, person = consented(stage)
    consented(stage, to="elsewhere")
    stage.do(consent.answer, stage.us, number, person, stage.now, yes=False)
    assert (reach(stage, C).consents, reach(stage, C).told) == (2, [B])

    declare(stage, C)

    assert [r.state for r in stage.ask(consents.every)] == ["given", *["refused"] * 3]
    assert told_of(stage, B) == [(C, "break")]


def test_a_consent_that_another_gave_us_is_none_of_ours(stage):
    body = stage.body(level=Tlp.AMBER)
    stage.admit(sealed(forum(), [put(body)], stage.signer(B))[0])
    [copy] = stage.admitted()
    stage.do(consent.ask, stage.us, copy, (C, "a case"), stage.now, by="ana")
    with stage.node.core.begin() as unit:
        unit.exec_driver_sql("UPDATE consents SET state = 'given'")

    assert reach(stage, C).consents == 0


def test_of_agreements_those_with_the_party_alone_are_suspended_as_they_are_in_force(stage):
    """Not a proposal, nor what a proposal would make of it, nor one with others."""
    for text_, signer in (
        (agreement("idea", B, US), B),
        (agreement(PAIR, US, B, C, kind="forum", version=2), B),
    ):
        envelope = sign(AGREEMENT, policy.to_bytes(text_), stage.signer(signer))
        stage.do(signing.receive, stage.us, signer, envelope, stage.now)

    assert (reach(stage).suspended, reach(stage).closed) == ([PAIR], [FORUM])
    assert (reach(stage, C).suspended, reach(stage, C).closed) == ([], [FORUM])
    declare(stage, C)
    assert (reach(stage).suspended, reach(stage).closed) == ([PAIR, FORUM], [])


def test_what_the_party_suspended_is_suspended_by_us_too(stage):
    heed(stage, notice(stage))

    assert reach(stage).suspended == [PAIR]


def test_what_we_suspended_a_second_time_ourselves_stays_ours_to_resume(stage):
    for act in ("suspend", "resume", "suspend"):
        stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lead")

    assert reach(stage).suspended == []


def test_what_the_party_ended_meanwhile_stays_ended_and_all_else_goes_on(stage):
    declare(stage)
    heed(stage, notice(stage, act="end"))
    stage.clock.step()

    lift(stage)

    assert state_of(stage, PAIR) == "ended"
    assert ruptures(stage) == set()


def test_a_proposal_without_the_party_keeps_no_shelf_of_it_closed(stage):
    text_ = agreement(FORUM, US, B, version=2, kind="forum")
    envelope = sign(AGREEMENT, policy.to_bytes(text_), stage.signer(B))
    stage.do(signing.receive, stage.us, B, envelope, stage.now)
    declare(stage, C)
    catch_up(stage)
    stage.clock.step()

    lift(stage, C)

    assert stage.ask(watch.changed, stage.now) == [FORUM]


# --- who is told ------------------------------------------------------------------------------------------
def with_corvia(stage, *names, **more):
    """Let something of ours go to Corvia under a text of its own."""
    sign_both(
        stage, agreement("with-corvia", *(names or (US, C)), **more), *set(names or (C,)) - {US}
    )
    stage.publish(*stage.give(stage.body(by=US)), agreement="with-corvia")


def clauses(*more):
    return [Clause(id=f"c{n}", kinds=["*"], max_tlp="AMBER", **each) for n, each in enumerate(more)]


@pytest.mark.parametrize(
    ("names", "more", "told"),
    [
        ((US, C), {"clause": {"onward": "scope"}}, []),
        ((US, C), {"clause": {"onward": "scope"}, "community": [US, C, B]}, [C]),
        ((US, C), {"clause": {"onward": "none"}, "community": [US, C, B]}, []),
        ((US, B, C), {"clause": {"onward": "scope"}}, [C]),
        ((US, B, C), {"clause": {"onward": "scope"}, "community": [US, C]}, [C]),
        ((US, B, C), {"clause": {"onward": "none"}}, []),
        ((US, B, C), {"clauses": clauses({"onward": "none"}, {"onward": "open"})}, [C]),
        (
            (US, B, C),
            {"clauses": clauses({}, {"onward": "open", "direction": Direction(sender=[C])})},
            [],
        ),
        (
            (US, B, C),
            {"clauses": clauses({"onward": "open", "direction": Direction(sender=[US])})},
            [C],
        ),
    ],
)
def test_those_are_told_who_hold_what_is_ours_and_may_pass_it_on_to_the_party(
    stage, names, more, told
):
    with_corvia(stage, *names, **more)

    assert reach(stage).told == told


def test_who_may_pass_on_by_an_earlier_text_is_told_and_by_a_mere_proposal_is_not(stage):
    with_corvia(stage, US, B, C, clause={"onward": "none"})
    wider = agreement("with-corvia", US, B, C, version=2)
    exact = policy.to_bytes(wider)
    stage.do(signing.receive, stage.us, B, sign(AGREEMENT, exact, stage.signer(B)), stage.now)
    assert reach(stage).told == []

    sign_both(stage, wider, B, C)
    sign_both(stage, agreement("with-corvia", US, B, C, version=3, clause={"onward": "none"}), B, C)
    assert reach(stage).told == [C]


def test_who_is_confirmed_no_more_is_told_nothing(stage):
    with_corvia(stage, US, B, C)
    stage.do(parties.set_peer_state, C, "met")

    assert reach(stage).told == []
    declare(stage, C)
    assert told_of(stage, C) == []
