"""What parties of an agreement tell each other of an owner, and whom they believe (border.md 5.3)."""

import pytest

from mithaq.border import rupture, signing, stories
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
    encode,
)
from mithaq.store import alarms
from tests.unit.border.stage import (
    FORUM,
    PAIR,
    US,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    sealed,
)  # fmt: skip

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
