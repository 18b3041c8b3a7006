"""Key documents: walked version by version, each signed by its own roots and those before (border.md 9)."""

import hashlib
from datetime import timedelta

import msgspec
import pytest

from mithaq.clock import text
from mithaq.seal.documents import (
    KEYS,
    BadKeyDocument,
    ExchangeKey,
    Revoked,
    RootKey,
    fingerprint,
    first,
    following,
    unverified,
)
from mithaq.seal.envelope import BadEnvelope, Envelope, sign
from mithaq.seal.keys import encode, keyid
from mithaq.seal.messages import BadMessage
from mithaq.seal.messages import encode as payload_of
from tests.unit.seal.values import KEY, NOW, document, exchange, signed


def refused_for(written, *signers):
    with pytest.raises(BadKeyDocument) as refused:
        first(signed(written, *(signers or KEY[:2])))
    return refused.value.facts["cause"]


# --- the first document ------------------------------------------------------------------------------
def test_the_first_document_is_signed_by_the_roots_it_names():
    assert first(signed(document(), KEY[0], KEY[2])) == document()


@pytest.mark.parametrize("signers", [KEY[:1], [KEY[0], KEY[3]], KEY[3:]])
def test_fewer_roots_than_the_threshold_are_not_enough(signers):
    with pytest.raises(BadEnvelope):
        first(signed(document(), *signers))


def test_one_root_that_signs_twice_is_one_root():
    envelope = signed(document(), KEY[0])
    twice = Envelope(
        payload_type=KEYS, payload=envelope.payload, signatures=envelope.signatures * 2
    )

    with pytest.raises(BadEnvelope):
        first(twice)


def test_another_kind_of_message_is_no_key_document():
    with pytest.raises(BadEnvelope):
        first(sign("application/json", payload_of(document()), *KEY[:2]))


def test_a_document_of_more_than_64_kb_is_not_even_read():
    big = document(organisation="x" * 65_000)

    with pytest.raises(BadEnvelope) as refused:
        first(signed(big, *KEY[:2]))
    assert refused.value.facts["cause"] == "payload-type"


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"threshold": 4}, "threshold"),
        ({"roots": KEY[:1] * 2}, "threshold"),
        ({"roots": [*KEY[:2], KEY[0]]}, "threshold"),
        ({"standing": "single-root"}, "standing"),
        ({"threshold": 1, "standing": "full"}, "standing"),
        ({"expires": text(NOW - timedelta(days=1))}, "expires"),
        ({"exchange": [exchange(KEY[3], days=91)]}, "window"),
        ({"exchange": [exchange(KEY[3], days=0)]}, "window"),
        ({"exchange": [exchange(KEY[3], days=-1)]}, "window"),
        ({"identities": ["tool--00000000-0000-4000-8000-000000000001"]}, "identities"),
        ({"identities": ["identity--x"]}, "identities"),
        ({"expires": "2026-13-01T00:00:00.000Z"}, "field"),
        (
            {"revoked": [Revoked(key=keyid(b""), since="2026-02-30T00:00:00.000Z")]},
            "field",
        ),
    ],
)
def test_a_document_that_breaks_a_rule_is_refused_by_its_cause(changed, cause):
    assert refused_for(document(**changed)) == cause


def test_a_window_of_90_days_is_allowed():
    first(signed(document(exchange=[exchange(KEY[3], days=90)]), *KEY[:2]))


@pytest.mark.parametrize("public", [encode(b"x" * 31), encode(b"")])
def test_a_key_of_another_length_is_refused(public):
    odd = ExchangeKey(public=public, not_before=text(NOW), not_after=text(NOW + timedelta(days=1)))

    assert refused_for(document(exchange=[odd])) == "key"


def test_a_root_that_is_no_base64_is_refused():
    assert refused_for(msgspec.structs.replace(document(), roots=[RootKey(public="%")])) == "field"


@pytest.mark.parametrize(
    "changed",
    [
        {"version": 0},
        {"threshold": 0},
        {"standing": "none"},
        {"issued": "2026-03-01T12:00:00Z"},
        {"expires": "2027-03-01T12:00:00.000+02:00"},
        {"revoked": [Revoked(key="sha256:ab", since=text(NOW))]},
        {"revoked": [Revoked(key=keyid(b""), since="soon")]},
    ],
)
def test_what_has_not_the_form_of_a_document_is_refused(changed):
    """Instants have one form, so that they compare as texts."""
    with pytest.raises(BadMessage):
        first(signed(document(**changed), *KEY[:2]))


def test_an_unknown_field_is_refused():
    payload = payload_of(document()).replace(b'{"country"', b'{"colour":"red","country"', 1)

    with pytest.raises(BadMessage):
        first(sign(KEYS, payload, *KEY[:2]))


def test_what_people_compare_is_the_digest_of_the_exact_bytes():
    payload = payload_of(document())

    assert fingerprint(payload) == hashlib.sha256(payload).digest()


# --- the walk ----------------------------------------------------------------------------------------


def test_the_next_version_is_signed_by_its_own_roots_and_those_before():
    after = document(roots=KEY[3:], version=2)

    assert following(document(), signed(after, KEY[0], KEY[1], KEY[3], KEY[4])) == after


@pytest.mark.parametrize(
    "signers",
    [
        [KEY[0], KEY[1]],
        [KEY[3], KEY[4]],
        [KEY[0], KEY[3]],
        [KEY[0], KEY[1], KEY[3]],
        [KEY[0], KEY[3], KEY[4]],
    ],
)
def test_neither_the_old_roots_nor_the_new_ones_suffice_alone(signers):
    after = document(roots=KEY[3:], version=2)

    with pytest.raises(BadEnvelope):
        following(document(), signed(after, *signers))


def test_a_lower_threshold_does_not_let_one_old_root_take_over():
    after = document(roots=[KEY[0]], threshold=1, version=2)

    with pytest.raises(BadEnvelope):
        following(document(), signed(after, KEY[0]))


@pytest.mark.parametrize("version", [1, 3])
def test_versions_are_walked_one_by_one_and_never_back(version):
    before = document() if version == 3 else document(version=2)

    with pytest.raises(BadKeyDocument) as refused:
        following(before, signed(document(version=version), *KEY[:3]))
    assert refused.value.facts["cause"] == "version"


@pytest.mark.parametrize("changed", [{"party": "borealis"}, {"realm": "drill:x"}])
def test_the_walk_stays_with_one_nation_in_one_realm(changed):
    with pytest.raises(BadKeyDocument):
        following(document(), signed(document(version=2, **changed), *KEY[:3]))


def test_what_was_verified_when_it_was_stored_is_read_again_without_keys():
    assert unverified(signed(document())) == document()


# --- which keys count --------------------------------------------------------------------------------
def test_an_exchange_key_counts_within_its_window_alone():
    written = document(exchange=[exchange(KEY[3], start=0, days=10)])
    start, end = NOW, NOW + timedelta(days=10)
    tick = timedelta(milliseconds=1)

    assert written.exchange_keys(start) == {KEY[3].keyid: KEY[3].public}
    assert written.exchange_keys(end - tick) == {KEY[3].keyid: KEY[3].public}
    assert written.exchange_keys(start - tick) == {}
    assert written.exchange_keys(end) == {}


def test_while_a_key_is_rotated_both_count():
    written = document(exchange=[exchange(KEY[3]), exchange(KEY[4], start=0)])

    assert written.exchange_keys(NOW).keys() == {KEY[3].keyid, KEY[4].keyid}
    assert written.all_exchange_keys() == {key.keyid: key.public for key in KEY[3:5]}


def test_a_revoked_key_counts_no_more_from_that_instant_on():
    written = document(
        exchange=[exchange(KEY[3]), exchange(KEY[4])],
        revoked=[Revoked(key=KEY[3].keyid, since=text(NOW))],
    )

    assert written.exchange_keys(NOW).keys() == {KEY[4].keyid}
    earlier = NOW - timedelta(milliseconds=1)
    assert written.exchange_keys(earlier).keys() == {KEY[3].keyid, KEY[4].keyid}
    assert KEY[3].keyid in written.all_exchange_keys()


def test_a_document_expires_at_its_instant():
    written = document(expires=text(NOW))

    assert written.expired(NOW)
    assert not written.expired(NOW - timedelta(milliseconds=1))


# --- beginning anew ----------------------------------------------------------------------------------
def test_no_root_before_vouches_for_a_document_that_begins_anew():
    after = document(version=2, begins=2)

    with pytest.raises(BadKeyDocument) as refused:
        following(document(), signed(after, *KEY[:3]))
    assert refused.value.facts["cause"] == "anew"
    assert first(signed(after, *KEY[:2])) == after


def test_a_document_does_not_begin_after_itself():
    assert refused_for(document(version=2, begins=3)) == "version"
