"""Agreements between parties: whose word counts, what narrows, who hears (border.md 3)."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from mithaq.audit import log
from mithaq.border import agreements, opening, parting, peers, signing, watch
from mithaq.clock import text as stamp
from mithaq.errors import Conflict, InputError, NotFound, PeerError, Refused
from mithaq.model.canonical import digest
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Party
from mithaq.policy.lifecycle import State
from mithaq.seal.envelope import read, sign, union, verify
from mithaq.seal.keys import generate
from mithaq.seal.messages import AGREEMENT, ASSENT, NOTICE, Assent, Notice, decode, encode
from mithaq.store import agreements as store
from mithaq.store import channels
from tests.federation.world import second_person
from tests.unit.border.lies import sign_both
from tests.unit.border.stage import FORUM, PAIR, US, WIDE, B, C, agreement


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
    record = stage.ask(log.find, "grant")[0][1]
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

    with pytest.raises(InputError):
        stage.do(signing.sign_text, stage.us, grant, stage.now, by="lena")


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
