"""Requests and answers that must not be believed: by others, of others, for another realm, or without end."""

import pytest

from mithaq.auth.actors import Role
from mithaq.border import consent
from mithaq.clock import text
from mithaq.errors import Refused
from mithaq.model.labels import Tlp
from mithaq.seal.envelope import sign
from mithaq.seal.messages import ASK, CONSENT, Ask, BadMessage, Consent, encode
from mithaq.store import consents
from tests.unit.border.lies import pair
from tests.unit.border.stage import US, B, C, put, sealed


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
