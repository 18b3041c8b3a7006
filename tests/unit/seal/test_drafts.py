"""Drafts of key documents: what root keys are shown, and whose signatures count."""

import json

import msgspec
import pytest

from mithaq.clock import text
from mithaq.errors import Refused
from mithaq.seal.documents import Reader, Revoked, following
from mithaq.seal.drafts import NoDraft, changes, from_bytes, joined, lacking, new, signed
from mithaq.seal.keys import encode
from tests.unit.seal.values import KEY, NOW, document, exchange
from tests.unit.seal.values import signed as enveloped

SECOND = "identity--00000000-0000-4000-8000-000000000002"
HELD = enveloped(document(), *KEY[:2])


def kinds(after, before=HELD):
    return [each.kind for each in changes(new(after, before))]


def test_a_draft_is_whole_once_both_thresholds_are_met_by_distinct_keys():
    draft = new(document(roots=[KEY[0], KEY[4], KEY[5]], version=2), HELD)
    steps = []
    for key in (KEY[0], KEY[0], KEY[1], KEY[5]):
        draft = signed(draft, key)
        steps.append((lacking(draft).before, lacking(draft).own))

    assert steps == [(1, 1), (1, 1), (0, 1), (0, 0)]
    assert following(document(), draft.envelope) == draft.document


def test_a_key_that_is_a_root_of_neither_document_signs_nothing():
    with pytest.raises(Refused):
        signed(new(document(version=2), HELD), KEY[3])


def test_a_draft_is_carried_in_a_file_and_its_copies_are_put_together():
    draft = new(document(version=2), HELD)
    apart = [from_bytes(signed(draft, key).to_bytes()) for key in KEY[:2]]

    assert from_bytes(draft.to_bytes()) == draft
    assert lacking(joined(apart)).nothing
    assert lacking(joined([*apart, draft])).nothing
    other = new(document(version=2, url="https://x.example"), HELD)
    for drafts in ([], [apart[0], other]):
        with pytest.raises(NoDraft):
            joined(drafts)


def test_a_bad_signature_in_a_copy_does_not_hide_the_good_one():
    draft = signed(signed(new(document(version=2), HELD), KEY[0]), KEY[1])
    file = json.loads(draft.to_bytes())
    for each in file["signatures"]:
        each["signature"] = encode(b"\x01" * 64)
    spoiled = from_bytes(json.dumps(file).encode())

    assert not spoiled.envelope.signatures
    assert lacking(joined([draft, spoiled])).nothing
    assert lacking(joined([spoiled, draft])).nothing


@pytest.mark.parametrize(
    "before",
    [
        enveloped(document(), KEY[0]),
        enveloped(document(), KEY[3], KEY[4]),
        enveloped(document(party="borealis"), *KEY[:2]),
        enveloped(document(realm="drill:x"), *KEY[:2]),
        enveloped(document(version=2), *KEY[:2]),
        enveloped(document(threshold=4), *KEY[:3]),
    ],
)
def test_a_lie_about_the_document_in_force_is_found_out_where_it_is_signed(before):
    with pytest.raises(NoDraft):
        new(document(version=2), before)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda file: file | {"form": "x"},
        lambda file: file | {"more": 1},
        lambda file: file | {"document": "%"},
        lambda file: file | {"follows": "{}"},
        lambda file: file | {"signatures": [{"key": "a", "signature": "%"}]},
        lambda _file: [],
    ],
)
def test_what_is_no_draft_is_refused(spoil):
    file = spoil(json.loads(new(document(version=2), HELD).to_bytes()))

    with pytest.raises(NoDraft):
        from_bytes(json.dumps(file).encode())


def test_everything_that_peers_act_on_is_named_where_it_changes():
    later = text(NOW)
    cases = {
        "root-new root-gone": {"roots": [*KEY[:2], KEY[4]]},
        "root-new threshold": {"roots": KEY[:4]},
        "threshold": {"threshold": 3},
        "root-gone root-gone threshold threshold-lowered": {"roots": KEY[:1], "threshold": 1},
        "exchange-new exchange-gone": {"exchange": [exchange(KEY[4])]},
        "exchange-window": {"exchange": [exchange(KEY[3], days=61)]},
        "revoked": {"revoked": [Revoked(key=KEY[3].keyid, since=later)]},
        "pin-new": {"spki_pins": [KEY[3].keyid]},
        "identity-new": {"identities": [*document().identities, SECOND]},
        "reader-new": {"readers": [Reader(id="a", name="b", role="c")]},
        "organisation": {"organisation": "x"},
        "country": {"country": "XX"},
        "url": {"url": "https://x.example"},
        "expires": {"expires": later},
    }
    for named, changed in cases.items():
        assert kinds(document(version=2, **changed)) == named.split()


def test_what_is_taken_out_again_is_named_too():
    full = document(
        revoked=[Revoked(key=KEY[3].keyid, since=text(NOW))],
        spki_pins=[KEY[3].keyid],
        readers=[Reader(id="a", name="b", role="c")],
    )

    held = enveloped(full, *KEY[:2])
    assert kinds(document(version=2), held) == ["revoked-gone", "pin-gone", "reader-gone"]
    assert kinds(msgspec.structs.replace(full, version=2), held) == []


def test_a_first_document_says_everything_anew():
    said = kinds(document(), None)

    assert said.count("root-new") == 3
    assert {"threshold", "exchange-new", "identity-new", "url", "expires"} <= set(said)
    assert lacking(new(document(), None)).before == 0


def test_a_root_twice_in_the_list_is_no_document():
    twice = document(version=2, roots=[KEY[0], KEY[0], KEY[1]])

    with pytest.raises(NoDraft):
        new(twice, HELD)
