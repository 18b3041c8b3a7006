"""What parties of an agreement tell each other of an owner, and whom they believe (border.md 5.3)."""

from datetime import timedelta

import pytest

from mithaq.border import rupture, signing, stories
from mithaq.border.admit import Outcome
from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.errors import PeerError
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import (
    AGREEMENT,
    COMPARISON,
    RUPTURE,
    Comparison,
    Rupture,
    Shown,
    Told,
    about_hash,
    decode,
    encode,
    story_hash,
)
from mithaq.store import alarms, parties
from tests.rooms.border.lies import pair, sign_both
from tests.rooms.border.stage import (
    FORUM,
    PAIR,
    US,
    WIDE,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    sealed,
)  # fmt: skip
from tests.rooms.border.test_recall import order
from tests.rooms.border.test_witness import documents

SAME = Told(about="0" * 64, story="1" * 64)
COMPARES = agreement(FORUM, US, B, C, version=2, compare=True)


@pytest.fixture
def comparing(stage):
    """All three have signed that they compare."""
    raw = policy.to_bytes(COMPARES)
    signed = sign(AGREEMENT, raw, *(stage.signer(name) for name in (B, C)))
    stage.do(signing.sign_text, stage.us, raw, stage.now, by="lena")
    stage.do(signing.receive, stage.us, B, signed, stage.now)
    return stage


def hear(stage, sender=C, *, signer=None, kind=COMPARISON, **more):
    fields = {"realm": "live", "by": sender, "agreement": FORUM, "issued": stamp(stage.now)}
    envelope = sign(kind, encode(Comparison(**(fields | more))), signer or stage.signer(sender))
    stage.do(stories.receive, stage.us, sender, read(envelope.to_bytes()), stage.now)


def came(stage, *puts, sender=B, seq=1):
    """Let a view of B's come in under the forum; return its entry."""
    frame, _ = sealed(terms_of(COMPARES), puts, stage.signer(sender), sender=sender, seq=seq)
    done = stage.admit(frame, sender)
    assert done.stored == len(puts), done


def other_story(stage, entry, **more):
    """Another entry for the same version, in another batch of B's."""
    fields = {name: getattr(entry, name) for name in entry.__struct_fields__} | more
    other = type(entry)(**fields)
    batch = batch_of([other], B, stage.signer(B), terms_of(COMPARES))
    return relayed([other], 0, batch)


def raised(stage):
    return stage.ask(alarms.every)


def sent(stage, peer=C):
    query = (
        "SELECT count(*) FROM outbox o JOIN channels c ON c.id = o.channel"
        f" WHERE c.peer = '{peer}' AND c.agreement = ''"
    )
    return stage.ask(lambda unit: unit.exec_driver_sql(query).scalar_one())


@pytest.mark.parametrize(
    "fields",
    [
        {"by": B},
        {"realm": "drill:x"},
        {"agreement": "unknown"},
        {"agreement": PAIR},  # whose parties have not agreed to compare, nor is C one
        {"told": [SAME] * (stories.AT_ONCE + 1)},
    ],
)
def test_a_comparison_that_nobody_agreed_on_is_refused(comparing, fields):
    with pytest.raises(PeerError):
        hear(comparing, **fields)


def test_a_comparison_signed_by_another_is_refused(comparing):
    with pytest.raises(PeerError):
        hear(comparing, signer=comparing.signer(B))


def test_what_is_shown_without_proof_is_refused(comparing):
    entry, _ = put(comparing.body())
    with pytest.raises(PeerError):
        hear(comparing, shown=[Shown(entry=entry)])


def test_another_view_of_the_owners_convicts_it_and_is_answered_with_ours(comparing):
    entry, raw = put(comparing.body())
    came(comparing, (entry, raw))
    before = sent(comparing)

    hear(comparing, shown=[Shown(entry=other_story(comparing, entry, digest="sha256:" + "7" * 64))])

    [alarm] = raised(comparing)
    assert (alarm.subject, alarm.facts["why"]) == (B, "two-views")
    assert sent(comparing) == before + 1


def test_the_same_story_or_one_that_is_not_the_owners_convicts_nobody(comparing):
    entry, raw = put(comparing.body())
    came(comparing, (entry, raw))
    before = sent(comparing)
    forged = other_story(comparing, entry, com="7" * 64)
    by_c = batch_of([forged], B, comparing.signer(C), terms_of(COMPARES))

    hear(comparing, shown=[Shown(entry=other_story(comparing, entry))])
    hear(comparing, shown=[Shown(entry=relayed([forged], 0, by_c))])
    hear(comparing, shown=[Shown(entry=other_story(comparing, put(comparing.body())[0]))])

    assert raised(comparing) == []
    assert sent(comparing) == before


def test_what_is_ours_accuses_us_nowhere(comparing):
    [copy] = comparing.give(comparing.body(by=US))
    comparing.publish(copy, agreement=FORUM)
    entry, _ = put(copy.object.body)
    batch = batch_of([entry], US, comparing.signer(US), terms_of(COMPARES))

    hear(comparing, shown=[Shown(entry=relayed([entry], 0, batch))])

    assert raised(comparing) == []


def test_nothing_is_told_before_all_agreed_to_compare(stage):
    entry, raw = put(stage.body())
    frame, _ = sealed(terms_of(agreement(FORUM, US, B, C)), [(entry, raw)], stage.signer(B))
    stage.admit(frame)
    before = sent(stage)

    assert stage.do(stories.tell, stage.us, stage.now) == 0
    assert sent(stage) == before


def test_each_version_is_told_once_to_every_party_but_its_owner(comparing):
    came(comparing, put(comparing.body()), put(comparing.body()))
    before = {name: sent(comparing, name) for name in (B, C)}

    assert comparing.do(stories.tell, comparing.us, comparing.now) == 2
    assert comparing.do(stories.tell, comparing.us, comparing.now) == 0
    assert {name: sent(comparing, name) - before[name] for name in (B, C)} == {B: 0, C: 1}


def test_two_views_in_one_channel_are_noticed_as_they_come(comparing):
    entry, raw = put(comparing.body())
    other, more = put(comparing.body(id=entry.id, name="another"), com=entry.com)

    came(comparing, (entry, raw), (other, more))

    [alarm] = raised(comparing)
    assert alarm.facts["why"] == "two-views"


@pytest.mark.parametrize("by", [US, C])
def test_a_party_broken_off_with_hears_and_is_shown_no_more_of_what_comes_here(comparing, by):
    """Neither by the hour, nor where it asks by a story that is none."""
    entry, raw = put(comparing.body())
    came(comparing, (entry, raw))
    break_off(comparing, by)
    before, others = sent(comparing), sent(comparing, B)

    assert comparing.do(stories.tell, comparing.us, comparing.now) == 0
    hear(comparing, told=[Told(about=about_of(entry), story="1" * 64)])

    assert (sent(comparing), sent(comparing, B)) == (before, others)


def break_off(stage, by):
    if by == US:
        why = rupture.Why(reason="case 7")
        stage.do(rupture.declare, stage.us, C, why, stage.now, by="dora")
    else:
        said = Rupture(realm="live", by=C, party=US, act="break", issued=stamp(stage.now))
        word = sign(RUPTURE, encode(said), stage.signer(C))
        stage.do(rupture.receive, stage.us, C, word, stage.now)


def about_of(entry):
    return about_hash(FORUM, B, entry.id, entry.modified)


def test_who_asks_by_another_story_is_shown_the_owners_word(comparing):
    entry, raw = put(comparing.body())
    came(comparing, (entry, raw))
    before = sent(comparing)

    hear(comparing, told=[Told(about=about_of(entry), story="1" * 64)])

    assert sent(comparing) == before + 1


# --- what is told -----------------------------------------------------------------------------------------
def said(stage, to=C):
    """The comparisons that a peer was sent."""
    return [
        decode(e.payload, Comparison) for e in documents(stage, to) if e.payload_type == COMPARISON
    ]


def told_of(entry, agreement_=FORUM):
    about = about_hash(agreement_, B, entry.id, entry.modified)
    return Told(about=about, story=story_hash(entry.com, entry.digest))


def arrives(stage, terms, *puts, channel="9" * 32, **more):
    raw, head = sealed(terms, puts, stage.signer(B), channel=channel, **more)
    assert stage.admit(raw).outcome is Outcome.ADMITTED
    return head


def tell(stage):
    return stage.do(stories.tell, stage.us, stage.now)


def test_what_is_told_is_a_pair_of_hashes_a_version_and_nothing_is_shown(comparing):
    puts = [put(comparing.body()), put(comparing.body())]
    came(comparing, *puts)

    tell(comparing)

    [message] = said(comparing)
    assert (message.by, message.agreement, message.shown) == (US, FORUM, [])
    assert message.told == [told_of(entry) for entry, _ in puts]


def test_much_is_told_in_several_documents(comparing, monkeypatch):
    monkeypatch.setattr(stories, "AT_ONCE", 2)
    puts = [put(comparing.body()) for _ in range(5)]
    came(comparing, *puts)

    assert tell(comparing) == 5

    assert [[*message.told] for message in said(comparing)] == [
        [told_of(entry) for entry, _ in puts[at : at + 2]] for at in (0, 2, 4)
    ]


def test_what_an_owner_vouched_for_to_everybody_is_no_story_under_this_agreement(comparing):
    entry, raw = put(comparing.body())
    batch = batch_of([entry], B, comparing.signer(B), "open")
    arrives(comparing, terms_of(COMPARES), (entry, raw), batch=batch)

    assert tell(comparing) == 0
    hear(comparing, told=[Told(about=about_of(entry), story="1" * 64)])

    assert said(comparing) == []


def test_nobody_is_told_whose_words_are_not_compared_or_who_is_no_party(comparing):
    sign_both(comparing, agreement(PAIR, US, B, version=2, compare=True, clause=WIDE))
    pair_ = terms_of(agreement(PAIR, US, B, version=2, compare=True, clause=WIDE))
    arrives(comparing, pair_, put(comparing.body()))
    assert tell(comparing) == 0
    came(comparing, put(comparing.body()))
    comparing.do(parties.set_peer_state, C, "met")

    assert tell(comparing) == 0
    assert said(comparing) == said(comparing, B) == []


# --- what is heard ----------------------------------------------------------------------------------------
def test_who_has_not_agreed_to_compare_or_is_no_party_is_not_compared_with(stage):
    raw = policy.to_bytes(COMPARES)
    proposed = sign(AGREEMENT, raw, stage.signer(C))
    stage.do(signing.receive, stage.us, C, proposed, stage.now)
    sign_both(stage, agreement("compared", US, B, compare=True))

    for sender, name in ((C, FORUM), (B, PAIR), (C, "compared")):
        with pytest.raises(PeerError):
            hear(stage, sender, agreement=name, told=[SAME])
    hear(stage, B, agreement="compared", told=[SAME])


def test_one_document_tells_and_shows_no_more_than_its_measure(comparing, monkeypatch):
    entry, raw = put(comparing.body())
    came(comparing, (entry, raw))
    shown = Shown(entry=other_story(comparing, entry))
    monkeypatch.setattr(stories, "AT_ONCE", 1)
    monkeypatch.setattr(stories, "MOST_SHOWN", 1)

    hear(comparing, told=[SAME], shown=[shown])
    for more in ({"told": [SAME, SAME]}, {"shown": [shown, shown]}):
        with pytest.raises(PeerError):
            hear(comparing, **more)


def test_only_what_differs_is_shown_and_to_nobody_its_own(comparing):
    puts = [put(comparing.body()) for _ in range(3)]
    came(comparing, *puts)
    (one, _), (two, _), _ = puts
    lie = Told(about=about_of(two), story="1" * 64)

    hear(comparing, told=[told_of(one), lie, SAME])
    hear(comparing, B, told=[lie])

    [message] = said(comparing)
    assert (message.told, [shown.entry.id for shown in message.shown]) == ([], [two.id])
    assert message.shown[0].entry.proof is not None
    assert said(comparing, B) == []


def test_what_is_here_under_another_agreement_is_shown_to_nobody(comparing):
    entry, raw = put(comparing.body())
    arrives(comparing, pair(), (entry, raw))

    hear(comparing, shown=[Shown(entry=other_story(comparing, entry, com="7" * 64))])

    assert said(comparing) == []


def test_with_a_view_go_the_orders_of_its_owner_under_that_agreement_alone(comparing):
    body = comparing.body()
    later = put(body | {"modified": stamp(comparing.now), "name": "mended"})
    terms = terms_of(COMPARES)
    head = arrives(comparing, terms, put(body), later)
    mine = order(comparing, body["id"], agreement=FORUM, modified=body["modified"])
    arrives(comparing, terms, (mine, b""), batch="", seq=2, prev=head)
    other = order(comparing, body["id"], order="b" * 32, modified=body["modified"])
    arrives(comparing, pair(), (other, b""), batch="", channel="8" * 32)

    hear(comparing, told=[Told(about=about_of(later[0]), story="1" * 64)])

    [message] = said(comparing)
    assert [shown.orders for shown in message.shown] == [[mine.order]]


def test_a_view_that_its_owner_had_recalled_before_the_other_came_is_no_second_story(comparing):
    old, raw = put(comparing.body())
    terms = terms_of(COMPARES)
    head = arrives(comparing, terms, (old, raw))
    mine = order(comparing, old.id, agreement=FORUM, modified=old.modified, digest=old.digest)
    head = arrives(comparing, terms, (mine, b""), batch="", seq=2, prev=head)
    new = put(comparing.body(id=old.id, name="cut"))
    after = stamp(comparing.now + timedelta(seconds=1))
    batch = batch_of([new[0]], B, comparing.signer(B), terms, issued=after)
    arrives(comparing, terms, new, seq=3, prev=head, batch=batch)

    hear(comparing, shown=[Shown(entry=other_story(comparing, old))])

    assert raised(comparing) == []


def test_one_lie_is_one_alarm_whoever_shows_which_half_of_it(comparing):
    entry, raw = put(comparing.body())
    other, more = put(comparing.body(id=entry.id, name="another"), com=entry.com)
    came(comparing, (entry, raw), (other, more))
    assert len(raised(comparing)) == 1

    for each in (entry, other):
        hear(comparing, shown=[Shown(entry=other_story(comparing, each))])

    assert len(raised(comparing)) == 1


# --- what comes -------------------------------------------------------------------------------------------
def test_a_later_version_is_no_other_story(comparing):
    body = comparing.body()
    head = arrives(comparing, terms_of(COMPARES), put(body))

    later = put(body | {"modified": stamp(comparing.now), "name": "mended"}, com="7" * 64)
    arrives(comparing, terms_of(COMPARES), later, seq=2, prev=head)

    assert raised(comparing) == []


@pytest.mark.parametrize(("com", "why"), [("0" * 64, []), ("7" * 64, ["two-commitments"])])
def test_under_two_agreements_two_views_are_no_lie_and_two_commitments_are(comparing, com, why):
    entry, raw = put(comparing.body())
    arrives(comparing, pair(), (entry, raw))

    other = put(comparing.body(id=entry.id, name="cut"), com=com)
    arrives(comparing, terms_of(COMPARES), other, channel="8" * 32)

    assert [alarm.facts["why"] for alarm in raised(comparing)] == why
