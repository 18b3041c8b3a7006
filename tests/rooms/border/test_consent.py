"""Requests and answers that must not be believed: by others, of others, for another realm, or without end."""

from datetime import timedelta

import msgspec
import pytest

from mithaq.auth.actors import Role
from mithaq.border import admit, consent, restriction, rupture, signing
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, NotFound, Refused
from mithaq.model.labels import Tlp
from mithaq.model.objects import from_body
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Clause
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import ASK, CONSENT, Ask, BadMessage, Consent, decode, encode
from mithaq.store import blobs, channels, consents, parties
from mithaq.store.parties import Peer
from mithaq.store.sources import Source
from tests.federation.world import second_person
from tests.rooms.border.lies import forum, pair, quarantined, sign_both
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
    replace_put,
    sealed,
)
from tests.rooms.border.test_on_record import on_record
from tests.rooms.border.test_publish import rows_of
from tests.values import replace


@pytest.fixture
def given(stage):
    """What we gave to Borea."""
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy)
    return copy


def asked(stage, copy, signer=B, **more):
    fields = {
        "realm": "live", "by": B, "owner": US, "id": copy.object.id, "modified": copy.object.version,
        "digest": copy.object.digest, "recipient": C, "reason": "x", "issued": text(stage.now),
    }  # fmt: skip
    message = Ask(**fields | more)
    return sign(ASK, encode(message), stage.signer(signer))


def answered(stage, copy, signer=B, **more):
    fields = {
        "realm": "live", "by": B, "id": copy.object.id, "modified": copy.object.version,
        "digest": copy.object.digest, "recipient": C, "answer": "yes", "issued": text(stage.now),
    }  # fmt: skip
    return sign(CONSENT, encode(Consent(**fields | more)), stage.signer(signer))


def rows(stage):
    return stage.ask(consents.every)


def test_a_request_about_what_it_had_from_us_is_kept(stage, given):
    stage.do(consent.receive_request, stage.us, B, asked(stage, given), stage.now)

    [row] = rows(stage)
    assert (row.asker, row.recipient, row.state) == (B, C, "asked")


@pytest.mark.parametrize(
    "lie",
    [
        {"by": C}, {"signer": C}, {"owner": C}, {"realm": "drill:x"}, {"modified": ""},
        {"digest": "sha256:" + "0" * 64}, {"id": "tool--00000000-0000-4000-8000-999999999999"},
    ],
)  # fmt: skip
def test_a_request_by_another_to_another_or_about_what_it_never_had_is_refused(stage, given, lie):
    with pytest.raises(BadMessage):
        stage.do(consent.receive_request, stage.us, B, asked(stage, given, **lie), stage.now)
    assert rows(stage) == []


def test_of_one_peer_64_requests_wait_and_no_more(stage, given):
    receive(stage, asked(stage, given))
    [first] = rows(stage)
    for number in range(62):
        stage.do(consents.put, replace(first, seq=0, recipient=f"party-{number}"))
    receive(stage, asked(stage, given, recipient="the-last"))

    with pytest.raises(BadMessage):
        receive(stage, asked(stage, given, recipient="one-more"))
    assert len(rows(stage)) == 64


def test_a_request_that_comes_again_after_the_yes_hides_no_consent_and_is_told_the_answer_again(
    stage, given
):
    """Else whoever asks again would have a yes of which nobody here knows any more, and nobody takes back."""
    stage.do(consent.receive_request, stage.us, B, asked(stage, given), stage.now)
    [row] = rows(stage)
    mona = stage.do(second_person)
    stage.do(consent.answer, stage.us, row.seq, mona, stage.now, yes=True)
    told = len(sent_documents(stage))

    stage.do(consent.receive_request, stage.us, B, asked(stage, given), stage.now)

    assert [row.state for row in rows(stage)] == ["given"]
    assert len(sent_documents(stage)) == told + 1
    entry = restriction.Entry(to=[C], ids=[given.object.id], reason="sanctions", basis="Act 1")
    taken = stage.do(restriction.add, stage.us, entry, stage.now, by="lena")
    assert taken.consents == 1
    assert [row.state for row in rows(stage)] == ["refused"]


def sent_documents(stage):
    return [row for row in stage.rows("outbox") if row["bodies"]]


@pytest.mark.parametrize("lie", [{}, {"by": C}, {"signer": C}, {"realm": "drill:x"}])
def test_an_answer_by_another_of_another_realm_or_never_asked_for_is_refused(stage, given, lie):
    with pytest.raises(BadMessage):
        stage.do(consent.receive_answer, stage.us, B, answered(stage, given, **lie), stage.now)
    assert rows(stage) == []


@pytest.mark.parametrize(
    ("owner", "lie"),
    [(C, {"by": C, "signer": B}), (B, {"signer": C}), (B, {"realm": "drill:x"})],
)
def test_nobody_answers_for_another_what_we_asked(stage, received, owner, lie):
    copy = replace(received, owner=owner)
    stage.do(consent.ask, stage.us, copy, (C, "they are hit"), stage.now, by="lena")

    with pytest.raises(BadMessage):
        stage.do(consent.receive_answer, stage.us, B, answered(stage, copy, **lie), stage.now)
    assert [row.state for row in rows(stage)] == ["asked"]


@pytest.mark.parametrize(
    "other",
    [
        {"digest": "sha256:" + "0" * 64}, {"modified": "2026-03-02T12:00:00.000Z"}, {"recipient": US},
        {"id": "tool--00000000-0000-4000-8000-999999999999"},
    ],
)  # fmt: skip
def test_an_answer_about_another_view_version_or_nation_is_refused(stage, other):
    body = stage.body(level=Tlp.AMBER)
    stage.admit(sealed(pair(), [put(body)], stage.signer(B))[0])
    [copy] = stage.admitted()
    stage.do(consent.ask, stage.us, copy, (C, "they are hit as well"), stage.now, by="lena")

    with pytest.raises(BadMessage):
        stage.do(consent.receive_answer, stage.us, B, answered(stage, copy, **other), stage.now)
    assert [row.state for row in rows(stage)] == ["asked"]

    stage.do(consent.receive_answer, stage.us, B, answered(stage, copy), stage.now)
    assert [row.state for row in rows(stage)] == ["given"]


def test_a_consent_to_pass_on_an_attribution_to_a_state_is_a_policy_owners_to_give(stage):
    stage.enrol("omar")
    stage.enrol("lena", Role.POLICY_OWNER)
    [copy] = stage.give(stage.body("threat-actor", by=US, level=Tlp.AMBER, x_country="QX"))
    stage.publish(copy)
    stage.approve("lena", copy)
    stage.do(consent.receive_request, stage.us, B, asked(stage, copy), stage.now)

    def answer(name, *, yes):
        person = (name, stage.people[name])
        return stage.do(consent.answer, stage.us, 1, person, stage.now, yes=yes)

    with pytest.raises(Refused):
        answer("omar", yes=True)
    assert answer("omar", yes=False).state == "refused"
    assert answer("lena", yes=True).state == "given"


# --- what is kept, said and looked at again ------------------------------------------------------------
@pytest.fixture
def received(stage):
    """What Borea gave to us at AMBER."""
    stage.admit(sealed(pair(), [put(stage.body(level=Tlp.AMBER))], stage.signer(B))[0])
    [copy] = stage.admitted()
    return copy


def sent(stage, peer, kind):
    """The documents of a kind that we sent a peer, decoded."""
    [base] = [
        c for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (peer, "", "out")
    ]  # fmt: skip
    with stage.node.core.read() as unit:
        parcels = channels.parcels(unit, base["id"], 1, base["seq"])
        raws = [raw for p in parcels for raw in blobs.some(unit, p.bodies).values()]
    found = [read(raw) for raw in raws]
    return [envelope for envelope in found if envelope.payload_type == kind]


def test_a_request_says_what_shall_go_to_whom_and_why_and_who_asked_is_on_record(stage, received):
    row = stage.do(
        consent.ask, stage.us, received, (C, "they are hit as well"), stage.now, by="lena"
    )

    [envelope] = sent(stage, B, ASK)
    assert decode(envelope.payload, Ask) == Ask(
        realm="live", by=US, owner=B, id=received.object.id, modified=received.object.version,
        digest=received.object.digest, recipient=C, reason="they are hit as well",
        issued=text(stage.now),
    )  # fmt: skip
    assert [s.keyid for s in envelope.signatures] == [stage.signer(US).keyid]
    assert (row.seq > 0, row.state, row.person) == (True, "asked", "lena")
    assert (row.asked_at, row.at, row.reason) == (
        text(stage.now),
        text(stage.now),
        "they are hit as well",
    )
    facts = {
        "owner": B, "asker": US, "recipient": C, "version": received.object.version,
        "digest": received.object.digest, "purpose": "defence", "by": "lena",
    }  # fmt: skip
    on_record(stage, "consent-asked", received.object.id, **facts)

    stage.do(consent.receive_answer, stage.us, B, answered(stage, received), stage.now)
    on_record(stage, "consent-given", received.object.id, **facts | {"by": ""})
    refusal = answered(stage, received, answer="no")
    stage.do(consent.receive_answer, stage.us, B, refusal, stage.now)
    on_record(stage, "consent-refused", received.object.id, **facts | {"by": ""})
    [kept] = rows(stage)
    assert (kept.state, bytes(kept.envelope)) == ("refused", refusal.to_bytes())


def test_an_answer_is_signed_by_us_names_the_person_here_and_goes_to_who_asked(stage, given):
    stage.enrol("mona")
    stage.do(consent.receive_request, stage.us, B, asked(stage, given), stage.now)
    [row] = rows(stage)
    person = ("mona", stage.people["mona"])

    for yes, word in ((True, "yes"), (False, "no")):
        kept = stage.do(consent.answer, stage.us, row.seq, person, stage.now, yes=yes)
        envelope = sent(stage, B, CONSENT)[-1]
        assert decode(envelope.payload, Consent) == Consent(
            realm="live", by=US, id=given.object.id, modified=given.object.version,
            digest=given.object.digest, recipient=C, answer=word, issued=text(stage.now),
        )  # fmt: skip
        assert (kept.state, kept.person, kept.envelope) == (
            "given" if yes else "refused", "mona", envelope.to_bytes(),
        )  # fmt: skip
    on_record(
        stage, "consent-refused", given.object.id, owner=US, asker=B, recipient=C, by="mona",
        version=given.object.version, digest=given.object.digest, purpose="defence",
    )  # fmt: skip


def test_nobody_is_answered_with_anothers_key_and_nobody_who_is_no_peer_any_more(stage, given):
    stage.enrol("mona")
    stage.enrol("omar")
    stage.do(consent.receive_request, stage.us, B, asked(stage, given), stage.now)
    [row] = rows(stage)
    with pytest.raises(Refused):
        stage.do(
            consent.answer, stage.us, row.seq, ("mona", stage.people["omar"]), stage.now, yes=True
        )
    for change in ("state = 'met'", "state = 'confirmed', kind = 'client'"):
        stage.do(lambda unit, new: unit.exec_driver_sql(f"UPDATE peers SET {new}"), change)
        with pytest.raises(Conflict):
            say(stage)
    assert [r.state for r in rows(stage)] == ["asked"]


def test_red_is_never_asked_for_and_strict_may_be(stage, received):
    strict = replace(received, level=int(Tlp.AMBER_STRICT))
    stage.do(consent.ask, stage.us, strict, (C, "x"), stage.now, by="lena")
    for what in (
        replace(received, level=int(Tlp.RED)),
        replace(received, standing="own"),
        replace(received, owner=US),
    ):
        with pytest.raises(InputError):
            stage.do(consent.ask, stage.us, what, (C, "x"), stage.now, by="lena")
    with pytest.raises(InputError):
        stage.do(consent.ask, stage.us, strict, (C, "x"), stage.now, by="lena", purpose="sale")
    nobody = replace(received, owner="", voucher="feed")
    with pytest.raises(Conflict):
        stage.do(consent.ask, stage.us, nobody, (C, "x"), stage.now, by="lena")
    assert len(rows(stage)) == 1


@pytest.mark.parametrize(
    ("lie", "lets"),
    [
        ({}, True), ({"by": B}, False), ({"realm": "drill:x"}, False), ({"recipient": B}, False),
        ({"answer": "no"}, False), ({"modified": "2026-03-02T12:00:00.000Z"}, False),
        ({"digest": "sha256:" + "0" * 64}, False), ({"signer": B}, False),
        ({"id": "tool--00000000-0000-4000-8000-999999999999"}, False),
    ],
)  # fmt: skip
def test_what_a_relay_brings_with_consent_comes_in_only_by_the_owners_own_for_us(stage, lie, lets):
    """Corvia's AMBER without scope, brought by Borea (border.md 5.5)."""
    body = stage.body(by=C, level=Tlp.AMBER)
    entry, raw = put(body, onward="none")
    fields = {
        "realm": "live", "by": C, "id": entry.id, "modified": entry.modified,
        "digest": entry.digest, "recipient": US, "answer": "yes", "issued": text(stage.now),
    }  # fmt: skip
    signer = stage.signer(lie.get("signer", C))
    message = Consent(**fields | {k: v for k, v in lie.items() if k != "signer"})
    word = sign(CONSENT, encode(message), signer).to_bytes().decode()
    batch = batch_of([entry], C, stage.signer(C), forum())
    shown = replace_put(relayed([entry], 0, batch), consent=word)

    stage.admit(sealed(forum(), [(shown, raw)], stage.signer(B))[0])

    assert quarantined(stage) == ({} if lets else {body["id"]: "onward"})


def test_consent_that_is_no_envelope_lets_nothing_in(stage):
    body = stage.body(by=C, level=Tlp.AMBER)
    entry, raw = put(body, onward="none")
    batch = batch_of([entry], C, stage.signer(C), forum())
    shown = replace_put(relayed([entry], 0, batch), consent="nothing")

    stage.admit(sealed(forum(), [(shown, raw)], stage.signer(B))[0])

    assert quarantined(stage) == {body["id"]: "onward"}


def test_a_yes_to_judicial_use_needs_a_text_that_allows_it_to_whoever_asks(stage, given):
    request = asked(stage, given, purpose="judicial")
    stage.do(consent.receive_request, stage.us, B, request, stage.now)
    person = stage.do(second_person)

    with pytest.raises(Conflict):
        stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)

    law = {**WIDE, "purposes": ["defence", "judicial"], "basis": "article 9"}
    sign_both(stage, agreement(PAIR, US, B, version=2, clause=law))
    done = stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)
    assert (done.state, done.purpose) == ("given", "judicial")


def test_a_consent_for_one_purpose_is_none_for_another(stage, given):
    for purpose in ("defence", "warning"):
        request = asked(stage, given, purpose=purpose)
        stage.do(consent.receive_request, stage.us, B, request, stage.now)
    person = stage.do(second_person)
    stage.do(consent.answer, stage.us, 1, person, stage.now, yes=True)

    assert {(r.purpose, r.state) for r in rows(stage)} == {
        ("defence", "given"),
        ("warning", "asked"),
    }


def test_a_request_for_no_purpose_that_there_is_is_refused(stage, given):
    request = asked(stage, given, purpose="attack")

    with pytest.raises(BadMessage):
        stage.do(consent.receive_request, stage.us, B, request, stage.now)


def test_what_an_owner_says_yes_to_goes_at_once(stage):
    entry = put(stage.body(level=Tlp.AMBER), onward="none")
    stage.admit(sealed(forum(), [entry], stage.signer(B))[0])
    [copy] = stage.admitted()
    stage.publish(copy, agreement=FORUM)
    assert rows_of(stage, copy) == []
    stage.do(consent.ask, stage.us, copy, (C, "they are hit"), stage.now, by="lena")

    stage.do(consent.receive_answer, stage.us, B, answered(stage, copy), stage.now)

    assert rows_of(stage, copy) == [(FORUM, C)]


def test_the_purpose_is_asked_for_and_given(stage, received, given):
    stage.do(
        consent.ask, stage.us, received, (C, "x"), stage.now, by="lena", purpose="warning"
    )  # fmt: skip
    [envelope] = sent(stage, B, ASK)
    assert decode(envelope.payload, Ask).purpose == "warning"

    receive(stage, asked(stage, given, purpose="warning"))
    assert say(stage, 2).purpose == "warning"
    assert decode(sent(stage, B, CONSENT)[-1].payload, Consent).purpose == "warning"


def test_nobody_asks_about_what_another_had_from_us(stage):
    sign_both(stage, agreement("with-corvia", US, C, clause=WIDE), C)
    [copy] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(copy, agreement="with-corvia")
    assert rows_of(stage, copy) == [("with-corvia", C)]

    with pytest.raises(BadMessage):
        receive(stage, asked(stage, copy))


def test_what_was_refused_may_be_asked_for_again(stage, given):
    receive(stage, asked(stage, given))
    facts = {
        "owner": US, "asker": B, "recipient": C, "version": given.object.version,
        "digest": given.object.digest, "purpose": "defence", "by": "",
    }  # fmt: skip
    on_record(stage, "consent-asked", given.object.id, **facts)
    say(stage, yes=False)
    told = len(sent(stage, B, CONSENT))

    receive(stage, asked(stage, given))

    assert [row.state for row in rows(stage)] == ["asked"]
    assert len(sent(stage, B, CONSENT)) == told


def test_what_is_anothers_to_answer_is_not_answered_here(stage, received):
    stage.do(consent.ask, stage.us, received, (C, "x"), stage.now, by="lena")

    for number in (1, 2):
        with pytest.raises(NotFound):
            say(stage, number)


def test_a_restriction_takes_back_what_we_gave_and_nothing_else(stage, received, given):
    receive(stage, asked(stage, given))
    say(stage)
    [other] = stage.give(stage.body(by=US, level=Tlp.AMBER))
    stage.publish(other)
    receive(stage, asked(stage, other))
    stage.do(consent.ask, stage.us, received, (C, "x"), stage.now, by="lena")
    stage.do(consent.receive_answer, stage.us, B, answered(stage, received), stage.now)

    done = restrict(stage, to=[C])

    assert done.consents == 1
    assert {row.id: row.state for row in rows(stage)} == {
        given.object.id: "refused", other.object.id: "asked", received.object.id: "given",
    }  # fmt: skip


@pytest.mark.parametrize(("broken", "named"), [([B], B), ([C], C), ([C, B], B)])
def test_no_consent_is_given_to_or_for_whom_we_have_broken_off_with(stage, given, broken, named):
    """Of two the first by name is named."""
    receive(stage, asked(stage, given))
    for party in broken:
        stage.do(rupture.declare, stage.us, party, rupture.Why(reason="x"), stage.now, by="dora")

    with pytest.raises(Conflict) as error:
        say(stage)
    assert error.value.facts["party"] == named


def test_a_restriction_speaks_against_a_yes_until_its_time_has_passed(stage, given):
    receive(stage, asked(stage, given))
    until = text(stage.now + timedelta(hours=1))
    restrict(stage, to=[C], until=until)
    with pytest.raises(Conflict):
        say(stage)

    stage.clock.now += timedelta(hours=1)

    assert say(stage).state == "given"


def test_a_restriction_of_one_version_says_nothing_against_another(stage):
    body = stage.body(by=US, level=Tlp.AMBER, labels=["secret"])
    stage.give(body)
    [later] = stage.give({**body, "modified": "2026-03-02T12:00:00.000Z", "labels": ["public"]})
    stage.publish(later)
    restrict(stage, labels=["secret"])
    receive(stage, asked(stage, later))

    assert say(stage).state == "given"


@pytest.mark.parametrize(
    ("said", "error"), [({"labels": ["secret"]}, Conflict), ({"x_country": "QX"}, Refused)]
)
def test_what_another_source_says_of_the_same_version_counts_as_well(stage, said, error):
    """What it says is restricted, or attributes something to a State."""
    stage.enrol("omar")
    body = stage.body("threat-actor", by=US, level=Tlp.AMBER)
    [copy] = stage.give(body)
    stage.publish(copy)
    receive(stage, asked(stage, copy))
    del body["created_by_ref"]
    feed = Source(name="feed:x", kind="feed")
    new = [admit.Given(object=from_body(body | said))]
    stage.do(admit.local, stage.us, feed, new, author="ana", own=False, now=stage.now)
    restrict(stage, labels=["secret"])

    with pytest.raises(error):
        say(stage, name="omar")


def test_an_attribution_in_another_version_takes_no_policy_owner(stage):
    stage.enrol("omar")
    body = stage.body("threat-actor", by=US, level=Tlp.AMBER, x_country="QX")
    stage.give(body)
    del body["x_country"]
    [later] = stage.give({**body, "modified": "2026-03-02T12:00:00.000Z"})
    stage.publish(later)
    receive(stage, asked(stage, later))

    assert say(stage, name="omar").state == "given"


@pytest.mark.parametrize(
    ("clauses", "allowed"),
    [
        ([{"purposes": ["defence"]}, {"purposes": ["judicial"]}], True),
        ([{"purposes": ["judicial"], "direction": {"from": [B], "to": [US]}}], False),
    ],
)
def test_judicial_use_is_allowed_by_any_clause_that_covers_what_goes_there(
    stage, given, clauses, allowed
):
    wide = {"kinds": ["*"], "max_tlp": "AMBER", "max_pap": "RED", "basis": "article 9"}
    made = [
        msgspec.convert({"id": f"c{n}", **wide, **each}, Clause) for n, each in enumerate(clauses)
    ]
    sign_both(stage, agreement(PAIR, US, B, version=2, clauses=made))
    receive(stage, asked(stage, given, purpose="judicial"))

    if allowed:
        assert say(stage).state == "given"
    else:
        with pytest.raises(Conflict):
            say(stage)


def test_judicial_use_is_allowed_by_no_text_of_anothers_and_by_none_that_is_suspended(stage, given):
    law = {**WIDE, "purposes": ["defence", "judicial"], "basis": "article 9"}
    sign_both(stage, agreement("with-corvia", US, C, clause=law), C)
    stage.publish(given, agreement="with-corvia")
    receive(stage, asked(stage, given, purpose="judicial"))
    with pytest.raises(Conflict):
        say(stage)

    sign_both(stage, agreement(PAIR, US, B, version=2, clause=law))
    stage.do(signing.narrow, stage.us, PAIR, "suspend", stage.now, by="lena")
    with pytest.raises(Conflict):
        say(stage)


@pytest.mark.parametrize("known", ["peer", "party", ""])
def test_a_restriction_to_a_country_is_about_whoever_may_be_there(stage, given, known):
    """Where nobody here knows a recipient to be it may be anywhere; else it is where it is."""
    if known == "peer":
        dorea = Peer(name="dorea", kind="node", country="QZ", state="met")
        stage.do(parties.put_peer, dorea)
    elif known:
        exact = policy.to_bytes(agreement("between", US, B, "dorea"))
        stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")
    receive(stage, asked(stage, given, recipient="dorea"))
    restrict(stage, to=["QO"])

    if known:
        assert say(stage).state == "given"
    else:
        with pytest.raises(Conflict):
            say(stage)


def receive(stage, request, sender=B):
    stage.do(consent.receive_request, stage.us, sender, request, stage.now)


def say(stage, number=1, *, yes=True, name="mona"):
    """Answer a request, as a policy owner if nothing else is said."""
    if name not in stage.people:
        stage.enrol(name, Role.POLICY_OWNER)
    person = (name, stage.people[name])
    return stage.do(consent.answer, stage.us, number, person, stage.now, yes=yes)


def restrict(stage, **more):
    entry = restriction.Entry(reason="sanctions", basis="Act 1", **more)
    return stage.do(restriction.add, stage.us, entry, stage.now, by="lena")
