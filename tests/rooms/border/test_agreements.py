"""Agreements between parties: whose word counts, what narrows, who hears (border.md 3)."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from mithaq.audit import log, subjects
from mithaq.border import agreements, opening, parting, peers, rupture, signing, watch
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, InputError, NotFound, PeerError, Refused
from mithaq.model.canonical import digest
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Party
from mithaq.policy.lifecycle import State
from mithaq.seal.envelope import Envelope, read, sign, union, verify
from mithaq.seal.keys import generate
from mithaq.seal.messages import AGREEMENT, ASSENT, NOTICE, Assent, Notice, decode, encode
from mithaq.store import agreements as store
from mithaq.store import channels, parties
from tests.federation.world import second_person
from tests.rooms.border.lies import sign_both
from tests.rooms.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement
from tests.rooms.border.test_again import grant
from tests.rooms.border.test_on_record import journal, on_record


def notice(stage, sender=B, agreement_=PAIR, act="suspend", *, signer=None, realm="live"):
    payload = encode(
        Notice(realm=realm, agreement=agreement_, party=sender, act=act, issued=stamp(stage.now))
    )
    return sign(NOTICE, payload, signer or stage.signer(sender))


def heed(stage, envelope, sender=B):
    stage.do(signing.receive_notice, stage.us, sender, envelope, stage.now)


def state(stage, id_=PAIR):
    return stage.ask(agreements.held, id_, stage.now).state


def shown(stage):
    """The states of our shelves by (peer, title of the agreement)."""
    with stage.node.shelf.read() as unit:
        rows = unit.execute(text("SELECT peer, title, state FROM shelves"))
        return {(r.peer, r.title): r.state for r in rows}


def sent_to(stage, peer):
    """How many frames stand in the base channel to a peer."""
    return next(
        c["seq"] for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (peer, "", "out")
    )  # fmt: skip


def test_a_notice_of_a_party_closes_the_shelf_at_once(stage):
    stage.project()
    assert shown(stage)[B, PAIR] == "open"

    heed(stage, notice(stage))
    stage.project(additions=False)

    assert state(stage) is State.SUSPENDED
    assert shown(stage)[B, PAIR] == "closed"
    assert shown(stage)[B, FORUM] == "open"
    heed(stage, notice(stage, act="resume"))
    stage.project()
    assert shown(stage)[B, PAIR] == "closed"  # until what stood there is decided anew
    stage.do(watch.catch_up, stage.us, PAIR, stage.now)
    stage.project()
    assert shown(stage)[B, PAIR] == "open"


@pytest.mark.parametrize("act", ["suspend", "end"])
def test_a_nation_narrows_no_agreement_between_others(stage, act):
    sign_both(stage, agreement("ours-and-corvias", US, C), C)
    before = stage.dump()

    with pytest.raises(PeerError):
        heed(stage, notice(stage, B, "ours-and-corvias", act))
    with pytest.raises(PeerError):
        heed(stage, notice(stage, C, PAIR, act), C)

    assert stage.dump() == before


def test_a_notice_by_somebody_else_of_another_realm_or_of_nothing_is_refused(stage):
    for envelope in (
        notice(stage, C),
        notice(stage, signer=stage.signer(C)),
        notice(stage, realm="drill:x"),
        notice(stage, agreement_="unheard-of"),
    ):
        with pytest.raises(PeerError):
            heed(stage, envelope)
    assert state(stage) is State.IN_FORCE


def test_a_notice_that_comes_again_is_kept_once(stage):
    for _ in range(3):
        heed(stage, notice(stage))

    assert len(stage.rows("notices")) == 1


def test_who_is_left_out_of_a_later_text_narrows_until_that_text_is_complete(stage):
    heed(stage, notice(stage, C, FORUM), C)
    later = policy.to_bytes(agreement(FORUM, US, B, version=2))
    stage.do(signing.sign_text, stage.us, later, stage.now, by="lena")
    assert state(stage, FORUM) is State.SUSPENDED
    assert stage.ask(agreements.held, FORUM, stage.now).newest.text.version == 2

    theirs = sign(AGREEMENT, later, stage.signer(B))
    stage.do(signing.receive, stage.us, B, theirs, stage.now)

    assert state(stage, FORUM) is State.IN_FORCE


def test_narrowing_is_ours_alone_and_is_told_to_the_other_parties(stage):
    before = {peer: sent_to(stage, peer) for peer in (B, C)}

    assert (
        stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena") is State.SUSPENDED
    )
    assert {p: sent_to(stage, p) - before[p] for p in before} == {B: 1, C: 0}
    assert (
        stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena") is State.IN_FORCE
    )
    assert stage.do(signing.narrow, stage.us, PAIR, "end", stage.now, by="lena") is State.ENDED
    for act in ("suspend", "resume", "end"):
        with pytest.raises(Conflict):
            stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lena")
    with pytest.raises(NotFound):
        stage.do(signing.narrow, stage.us, "unheard-of", "end", stage.now, by="lena")


def test_whoever_suspended_must_resume(stage):
    heed(stage, notice(stage))
    for act, after in (("suspend", State.SUSPENDED), ("resume", State.SUSPENDED)):
        done = stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lena")
        assert done is after


def test_only_who_suspended_resumes_and_what_ended_is_not_proposed_again(stage):
    heed(stage, notice(stage))
    suspended = stage.ask(log.length)
    with pytest.raises(Conflict):
        stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena")
    assert stage.ask(log.length) == suspended
    stage.do(signing.narrow, stage.us, PAIR, "end", stage.now, by="lena")
    ended = stage.ask(log.length)
    again = policy.to_bytes(agreement(PAIR, US, B, version=2))
    with pytest.raises(Conflict):
        stage.do(signing.sign_text, stage.us, again, stage.now, by="lena")

    assert stage.ask(log.length) == ended
    assert state(stage) is State.ENDED


def test_two_texts_of_one_version_are_not_both_signed_by_us(stage):
    other = policy.to_bytes(agreement(PAIR, US, B, title="another", clause=WIDE))

    with pytest.raises(Conflict):
        stage.do(signing.sign_text, stage.us, other, stage.now, by="lena")


def test_nobody_signs_for_others_and_a_grant_takes_two_persons(stage):
    between = policy.to_bytes(agreement("between", B, C))
    client = Party(name="sensor", country="QM", organisation="Sensor", role="client")
    grant = agreement("grant", kind="grant", parties=[agreement().parties[0], client])

    with pytest.raises(InputError):
        stage.do(signing.sign_text, stage.us, between, stage.now, by="lena")
    exact = policy.to_bytes(grant)
    with pytest.raises(InputError):
        stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")
    mona, key = stage.do(second_person)
    for by, second in (
        ("mona", (mona, key)),
        ("lena", (mona, generate())),
        ("lena", ("omar", key)),
    ):
        with pytest.raises(Refused):
            stage.do(signing.sign_text, stage.us, exact, stage.now, by=by, second=second)
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena", second=(mona, key))
    record = stage.ask(subjects.find, "grant")[0][1]
    signed = decode(
        verify(read(record["assent"].encode()), ASSENT, {key.keyid: key.public}), Assent
    )
    assert (record["by"], record["second"], signed.terms.digest) == ("lena", "mona", digest(exact))
    assert state(stage, "grant") is State.IN_FORCE


def test_the_full_set_is_handed_on_once_and_comes_to_rest(stage):
    exact = policy.to_bytes(agreement("four", US, B, C))
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")
    before = {peer: sent_to(stage, peer) for peer in (B, C)}
    theirs = sign(AGREEMENT, exact, stage.signer(B))

    for _ in range(3):
        stage.do(signing.receive, stage.us, B, theirs, stage.now)
    assert {p: sent_to(stage, p) - before[p] for p in before} == {B: 1, C: 1}

    whole = union([theirs, sign(AGREEMENT, exact, stage.signer(C), stage.signer(US))])
    for _ in range(3):
        stage.do(signing.receive, stage.us, C, whole, stage.now)
    assert {p: sent_to(stage, p) - before[p] for p in before} == {B: 2, C: 2}
    assert state(stage, "four") is State.IN_FORCE


def test_a_party_confirmed_late_is_told_every_text_and_that_one_is_suspended(stage):
    stage.do(
        lambda unit: unit.execute(text("UPDATE peers SET state = 'met' WHERE name = 'corvia'"))
    )
    stage.do(signing.narrow, stage.us, FORUM, "suspend", stage.now, by="lena")
    before = sent_to(stage, C)
    words = " ".join(stage.ask(peers.fingerprint_words, C, "en"))

    stage.do(signing.confirm, stage.us, C, words, stage.now, by="omar")

    kinds = []
    with stage.node.core.read() as unit:
        base = channels.find(unit, C, "", "out")
        for seq in range(before + 1, base.seq + 1):
            [digest] = channels.parcel(unit, base.id, seq).bodies
            body = unit.execute(text("SELECT body FROM bodies WHERE digest = :d"), {"d": digest})
            kinds.append(read(bytes(body.scalar_one())).payload_type)
    assert kinds == [AGREEMENT, NOTICE]


def test_texts_come_into_force_and_end_by_the_clock(stage):
    start, end = (stamp(stage.now + timedelta(hours=h)) for h in (1, 2))
    sign_both(stage, agreement("brief", US, B, start=start, end=end))
    [copy] = stage.give(stage.body(by=US))
    stage.ask(watch.changed, stage.now)
    seen = []

    for hours in (0, 1, 2):
        now = stage.now + timedelta(hours=hours)
        for id_ in stage.ask(watch.changed, now):
            stage.do(watch.catch_up, stage.us, id_, now)
        assert stage.ask(watch.changed, now) == []
        stage.project()
        seen.append(
            (stage.ask(agreements.held, "brief", now).state, shown(stage).get((B, "brief")))
        )

    assert seen == [(State.PROPOSED, None), (State.IN_FORCE, "open"), (State.ENDED, "closed")]
    assert copy.seq


def test_a_removed_peer_finds_its_shelves_closed_and_its_keys_unknown(stage):
    stage.project()

    stage.do(parting.remove, B, stage.now, by="olga")
    stage.project(additions=False)

    assert {s for (peer, _), s in shown(stage).items() if peer == B} == {"closed"}
    with stage.node.shelf.read() as unit:
        names = set(unit.execute(text("SELECT name FROM caller_keys")).scalars())
    assert names == {C}
    stage.do(opening.refresh, stage.us, PAIR, stage.now)
    stage.project()
    assert {s for (peer, _), s in shown(stage).items() if peer == B} == {"closed"}


def test_a_grant_names_us_first(stage):
    grant = policy.to_bytes(agreement("gift", B, US, kind="grant"))
    second = stage.do(second_person)

    with pytest.raises(InputError):
        stage.do(signing.sign_text, stage.us, grant, stage.now, by="lena", second=second)
    assert not [row for row in stage.rows("agreements") if row["id"] == "gift"]


def test_a_proposal_that_we_never_signed_is_ended_and_its_author_told(stage):
    exact = policy.to_bytes(agreement("idea", B, US))
    stage.do(signing.receive, stage.us, B, sign(AGREEMENT, exact, stage.signer(B)), stage.now)
    before = sent_to(stage, B)

    ended = stage.do(signing.narrow, stage.us, "idea", "end", stage.now, by="lena")

    assert ended is State.ENDED
    assert sent_to(stage, B) == before + 1


def test_a_party_confirmed_late_is_told_no_notice_of_another_and_no_text_that_nobody_signed(stage):
    heed(stage, notice(stage, agreement_=FORUM))
    stage.do(
        lambda unit: unit.execute(text("UPDATE peers SET state = 'met' WHERE name = 'corvia'"))
    )
    [forum] = [r["digest"] for r in stage.rows("agreements") if r["id"] == FORUM]
    for name in (US, B, C):
        stage.do(store.drop_signature, forum, name)
    before = sent_to(stage, C)
    words = " ".join(stage.ask(peers.fingerprint_words, C, "en"))

    stage.do(signing.confirm, stage.us, C, words, stage.now, by="omar")

    assert sent_to(stage, C) == before


def test_every_text_is_among_the_texts_signed_or_not(stage):
    exact = policy.to_bytes(agreement("idea", B, US))
    stage.do(signing.receive, stage.us, B, sign(AGREEMENT, exact, stage.signer(B)), stage.now)

    assert {each.id for each in stage.ask(agreements.texts)} == {PAIR, FORUM, "idea"}


# --- signed and handed on ---------------------------------------------------------------------------------
def signs(stage, text_, **more):
    return stage.do(
        signing.sign_text, stage.us, policy.to_bytes(text_), stage.now, by="lena", **more
    )


def proposes(stage, text_, *signers, peer=B):
    """A peer sends a text with some signatures, its own if nobody is named."""
    envelope = sign(AGREEMENT, policy.to_bytes(text_), *map(stage.signer, signers or (peer,)))
    stage.do(signing.receive, stage.us, peer, envelope, stage.now)


def opened(stage, id_):
    """Whom a shelf stands open for under an agreement."""
    return {
        c["peer"]
        for c in stage.rows("channels")
        if (c["agreement"], c["direction"]) == (id_, "out")
    }


def test_a_text_that_another_party_is_named_first_in_is_signed_and_may_be_signed_again(stage):
    text_, before = agreement("theirs-first", B, US), sent_to(stage, B)

    assert signs(stage, text_) == signs(stage, text_) == text_
    assert state(stage, "theirs-first") is State.PROPOSED
    assert sent_to(stage, B) > before


@pytest.mark.parametrize("last", [US, B])
def test_the_last_signature_opens_the_shelf_at_once(stage, last):
    text_ = agreement("fresh", US, B)
    for name in (B, US) if last == US else (US, B):
        assert opened(stage, "fresh") == set()
        signs(stage, text_) if name == US else proposes(stage, text_)

    assert opened(stage, "fresh") == {B}


def test_a_text_of_our_own_may_be_signed_where_another_proposed_one_of_that_version(stage):
    proposes(stage, agreement("fresh", US, B, title="theirs"))

    signs(stage, agreement("fresh", US, B, title="ours"))

    assert state(stage, "fresh") is State.PROPOSED


def test_nobody_signs_with_a_party_broken_off_with_alone_and_with_others_one_may(stage):
    why = rupture.Why(reason="case 7")
    stage.do(rupture.declare, stage.us, B, why, stage.now, by="dora")

    with pytest.raises(Conflict):
        signs(stage, agreement("fresh", US, B))
    signs(stage, agreement("three", US, B, C))

    assert not [row for row in stage.rows("agreements") if row["id"] == "fresh"]


def test_a_party_whose_words_are_not_compared_is_sent_nothing(stage):
    stage.do(parties.set_peer_state, C, "met")
    before = sent_to(stage, C)

    signs(stage, agreement("three", US, B, C))

    assert sent_to(stage, C) == before


def test_a_client_is_sent_no_text(stage):
    grant(stage)

    base = [c for c in stage.rows("channels") if (c["peer"], c["agreement"]) == ("sensor", "")]
    assert [c for c in base if c["seq"]] == []


def test_a_mere_proposal_takes_no_id_from_anybody_and_our_own_does(stage):
    proposes(stage, agreement("idea", B, US))
    proposes(stage, agreement("idea", C, US), peer=C)
    signs(stage, agreement("ours", US, B))

    with pytest.raises(PeerError):
        proposes(stage, agreement("ours", C, US), peer=C)
    assert len([row for row in stage.rows("agreements") if row["id"] == "idea"]) == 2


def test_a_text_that_stands_is_taken_from_its_parties_alone_and_never_without_signatures(stage):
    text_ = agreement(PAIR, US, B, clause=WIDE)
    bare = Envelope(payload_type=AGREEMENT, payload=policy.to_bytes(text_), signatures=())

    with pytest.raises(PeerError):
        proposes(stage, text_, US, B, peer=C)
    with pytest.raises(PeerError):
        stage.do(signing.receive, stage.us, B, bare, stage.now)


def test_whose_signatures_are_new_is_on_record_by_name(stage):
    text_ = agreement("four", US, B, C)
    proposes(stage, text_)
    proposes(stage, text_, B, C)
    proposes(stage, agreement("five", US, B, C), C, B)

    told = [(id_, facts["signers"]) for id_, facts in journal(stage, "agreement-received")]
    assert told[-3:] == [("four", B), ("four", C), ("five", f"{B}, {C}")]
    unknown = sign(AGREEMENT, policy.to_bytes(text_), stage.signer(B), generate())
    stage.do(signing.receive, stage.us, B, unknown, stage.now)
    assert len(journal(stage, "agreement-received")) == len(told)


def test_our_signature_counts_as_it_was_made_here_and_not_as_another_brings_it(stage):
    proposes(stage, agreement("fresh", US, B), US, B)

    assert state(stage, "fresh") is State.PROPOSED


def test_what_we_have_not_signed_we_hand_on_to_nobody(stage):
    before = {peer: sent_to(stage, peer) for peer in (B, C)}

    proposes(stage, agreement("four", US, B, C))

    assert {peer: sent_to(stage, peer) for peer in (B, C)} == before


def test_a_party_of_an_earlier_text_of_ours_may_propose_the_next(stage):
    sign_both(stage, agreement(FORUM, US, B, kind="forum", version=2), B)

    proposes(stage, agreement(FORUM, US, B, C, version=3), peer=C)

    assert {each.text.version for each in stage.ask(agreements.versions, FORUM)} == {1, 2, 3}


def test_each_peer_has_its_own_measure_of_proposals_and_what_we_sign_counts_for_none(
    stage, monkeypatch
):
    monkeypatch.setattr(signing, "MOST_PROPOSALS", 2)
    ideas = [agreement(f"idea-{n}", B, US) for n in range(4)]
    for text_ in ideas[:2]:
        proposes(stage, text_)
    with pytest.raises(PeerError):
        proposes(stage, ideas[2])

    proposes(stage, agreement("another", C, US), peer=C)
    signs(stage, ideas[0])
    proposes(stage, ideas[2])
    with pytest.raises(PeerError):
        proposes(stage, ideas[3])


def test_what_a_peer_proposed_already_is_taken_with_more_signatures_though_its_measure_is_full(
    stage, monkeypatch
):
    monkeypatch.setattr(signing, "MOST_PROPOSALS", 1)
    idea = agreement("idea", B, US, C)
    proposes(stage, idea)

    proposes(stage, idea, B, C)

    assert journal(stage, "agreement-received")[-1][1]["signers"] == C


def test_a_party_confirmed_late_finds_the_shelf_of_what_stands_with_it_open_at_once(stage):
    sign_both(stage, agreement("three", US, B, C), B, C)
    stage.do(parties.set_peer_state, C, "met")
    with stage.node.core.begin() as unit:
        unit.execute(text("DELETE FROM channels WHERE agreement = 'three'"))
    stage.do(opening.refresh, stage.us, "three", stage.now)
    assert opened(stage, "three") == {B}
    words = " ".join(stage.ask(peers.fingerprint_words, C, "en"))

    confirmed = stage.do(signing.confirm, stage.us, C, words, stage.now, by="omar")

    assert (confirmed.name, confirmed.state) == (C, "confirmed")
    assert opened(stage, "three") == {B, C}


# --- narrowed ---------------------------------------------------------------------------------------------
def test_what_was_suspended_a_second_time_is_resumed_a_second_time(stage):
    for act in ("suspend", "resume", "suspend", "resume"):
        stage.do(signing.narrow, stage.us, PAIR, act, stage.now, by="lena")

    assert state(stage) is State.IN_FORCE


def test_why_an_agreement_cannot_be_narrowed_is_said(stage):
    heed(stage, notice(stage))
    with pytest.raises(Conflict, match="we did not suspend it"):
        stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena")
    stage.do(signing.narrow, stage.us, PAIR, "end", stage.now, by="lena")
    with pytest.raises(Conflict, match="it is ended"):
        stage.do(signing.narrow, stage.us, PAIR, "resume", stage.now, by="lena")


def test_a_proposal_without_a_party_keeps_no_word_from_it(stage):
    proposes(stage, agreement(FORUM, US, B, kind="forum", version=2))
    before = sent_to(stage, C)

    stage.do(signing.narrow, stage.us, FORUM, "suspend", stage.now, by="lena")

    assert sent_to(stage, C) == before + 1


def test_a_proposal_gives_nobody_a_say_in_what_stands_under_its_id(stage):
    """Borea proposes that Corvia join: until all have signed, Corvia ends nothing."""
    proposes(stage, agreement(PAIR, US, B, C, kind="forum", version=2))

    with pytest.raises(PeerError):
        heed(stage, notice(stage, C, PAIR, "end"), C)

    assert state(stage) is State.IN_FORCE


def test_who_proposed_may_take_it_back(stage):
    proposes(stage, agreement("idea", B, US))

    heed(stage, notice(stage, B, "idea", "end"))

    assert state(stage, "idea") is State.ENDED


def test_what_a_party_narrowed_is_on_record_and_its_resumption_is_seen_at_the_next_look(stage):
    heed(stage, notice(stage))
    on_record(stage, "agreement-suspend", PAIR, party=B)
    shelves = [r for r in stage.rows("shelf_ops") if r["op"] == "shelf"]
    stage.clock.step()

    heed(stage, notice(stage, act="resume"))

    assert [r for r in stage.rows("shelf_ops") if r["op"] == "shelf"] == shelves
    assert stage.ask(watch.changed, stage.now) == [PAIR]


def test_a_resumption_of_what_nobody_suspended_has_nothing_decided_again(stage):
    for id_ in stage.ask(watch.changed, stage.now):
        stage.do(watch.catch_up, stage.us, id_, stage.now)

    heed(stage, notice(stage, act="resume"))

    assert stage.ask(watch.changed, stage.now) == []
