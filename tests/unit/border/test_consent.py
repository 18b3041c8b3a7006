"""Requests and answers that must not be believed: by others, of others, for another realm, or without end."""

import pytest

from mithaq.auth.actors import Role
from mithaq.border import consent, restriction
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, Refused
from mithaq.model.labels import Tlp
from mithaq.seal.envelope import read, sign
from mithaq.seal.messages import ASK, CONSENT, Ask, BadMessage, Consent, decode, encode
from mithaq.store import channels, consents, objects, parties
from tests.federation.world import second_person
from tests.unit.border.lies import forum, pair, quarantined, sign_both
from tests.unit.border.stage import (
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
from tests.unit.border.test_on_record import on_record
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


def test_requests_without_end_come_to_one(stage, given, monkeypatch):
    monkeypatch.setattr(consent, "MOST_OPEN", 2)
    for name in ("one", "two"):
        stage.do(
            consent.receive_request, stage.us, B, asked(stage, given, recipient=name), stage.now
        )
    with pytest.raises(BadMessage):
        stage.do(
            consent.receive_request, stage.us, B, asked(stage, given, recipient="three"), stage.now
        )
    assert len(rows(stage)) == 2


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
        raws = [raw for p in parcels for raw in objects.bodies_of(unit, p.bodies).values()]
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
    stage.do(parties.set_peer_state, B, "met")
    with pytest.raises(Conflict):
        stage.do(
            consent.answer, stage.us, row.seq, ("mona", stage.people["mona"]), stage.now, yes=True
        )
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
