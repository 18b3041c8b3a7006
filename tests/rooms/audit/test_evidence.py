"""Evidence convicts by the accused's own signatures, or proves nothing (border.md 5.3, 6)."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mithaq.audit import evidence
from mithaq.audit.evidence import Ahead, Equivocation, Fork, Rewritten, Silence, Unproven
from mithaq.audit.log import CHECKPOINT, Checkpoint
from mithaq.model.canonical import digest
from mithaq.seal.envelope import read, sign
from mithaq.seal.keys import generate
from mithaq.seal.merkle import consistency, in_memory, leaf_hash, path, root
from mithaq.seal.messages import (
    BATCH,
    HEARTBEAT,
    LOG_HEAD,
    ORDER,
    SEAL,
    ZERO,
    Batch,
    Head,
    Heartbeat,
    KeyRef,
    LogHead,
    Order,
    Proof,
    Put,
    Seal,
    Terms,
    batch_leaf,
    batch_root,
    encode,
)

OWNER, OTHER = generate(), generate()
KEYS = {OWNER.keyid: OWNER.public}
ID = "tool--00000000-0000-4000-8000-000000000001"
AT = "2026-03-01T12:00:00.000Z"


def minute(number):
    return f"2026-03-01T12:{number:02d}:00.000Z"


def terms(id_="forum"):
    return Terms(id=id_, version=1, digest=ZERO)


def entry(*, digest="1", com="1", scope=None, issued=0, signer=OWNER, by="aurelia", **more):
    """A version as its owner vouches for it, between two others of the same batch."""
    fields = {
        "id": ID, "type": "tool", "modified": AT, "digest": f"sha256:{digest * 64}", "size": 1,
        "com": com * 64, "role": "owner", "onward": "scope",
    }  # fmt: skip
    put = Put(**(fields | more))
    others = [Put(**(fields | {"id": ID[:-1] + n})) for n in "23"]
    puts = [others[0], put, others[1]]
    batch = Batch(
        realm="live",
        by=by,
        scope=scope or terms(),
        issued=minute(issued),
        n=3,
        root=batch_root([batch_leaf(each) for each in puts]),
    )
    envelope = sign(BATCH, encode(batch), signer).to_bytes().decode()
    steps = path(1, 3, in_memory([batch_leaf(each) for each in puts]))
    proof = Proof(batch=envelope, index=1, path=[step.hex() for step in steps])
    return changed(put, proof=proof)


def changed(put, **more):
    return type(put)(**({name: getattr(put, name) for name in put.__struct_fields__} | more))


def order(issued, *, signer=OWNER, **more):
    fields = {
        "realm": "live", "by": "aurelia", "order": "a" * 32, "agreement": "forum", "id": ID,
        "modified": AT, "cause": "wrong", "issued": minute(issued), "deadline": minute(59),
    }  # fmt: skip
    return sign(ORDER, encode(Order(**(fields | more))), signer).to_bytes().decode()


def stories(*entries, orders=(), by="aurelia"):
    return Equivocation(realm="live", by=by, entries=[*entries], orders=[*orders])


def check(about, keys=KEYS):
    return evidence.check(evidence.read_file(evidence.to_bytes(about)), keys)


def fails(about, keys=KEYS):
    with pytest.raises(Unproven) as caught:
        check(about, keys)
    return caught.value.facts["cause"]


def test_two_commitments_of_an_owner_convict_it_under_whatever_agreements():
    one, other = entry(), entry(com="2", scope=terms("pair"), issued=5)

    assert check(stories(one, other)).why == "two-commitments"
    assert check(stories(other, one)).why == "two-commitments"
    assert check(stories(one, other, orders=[order(3)])).why == "two-commitments"


def test_two_views_convict_within_one_agreement_alone():
    assert check(stories(entry(), entry(digest="2"))).why == "two-views"
    assert fails(stories(entry(), entry(digest="2", scope=terms("pair")))) == "scope"
    assert fails(stories(entry(), entry(digest="2", scope="open"))) == "scope"


def test_a_carrier_is_convicted_by_what_it_shows_parties_of_one_agreement_alone():
    one = entry(role="carrier")

    assert check(stories(one, entry(role="carrier", com="2"))).why == "two-commitments"
    assert fails(stories(one, entry(role="carrier", com="2", scope=terms("pair")))) == "scope"


@pytest.mark.parametrize(
    ("given", "excuses"),
    [
        (order(3), True),
        (order(3, digest=f"sha256:{'1' * 64}"), True),
        (order(3, modified=None), True),
        (order(3, digest=f"sha256:{'2' * 64}"), False),  # of the later view
        (order(3, id=ID[:-1] + "2"), False),
        (order(3, modified="2026-03-01T11:00:00.000Z"), False),
        (order(3, agreement="pair"), False),
        (order(6), False),  # after the later view went
        (order(3, signer=OTHER), False),
        (order(3, by="borea"), False),
    ],
)
def test_a_recall_between_two_views_excuses_them_and_no_other_does(given, excuses):
    about = stories(entry(), entry(digest="2", issued=5), orders=[given])

    assert (fails(about) == "recalled") if excuses else (check(about).why == "two-views")


def test_views_of_one_instant_are_excused_by_a_recall_of_either():
    views = [entry(), entry(digest="2")]

    for digit in "12":
        recalled = order(0, digest=f"sha256:{digit * 64}")
        assert fails(stories(*views, orders=[recalled])) == "recalled"


@pytest.mark.parametrize(
    ("about", "cause"),
    [
        (stories(entry()), "entries"),
        (stories(entry(), entry()), "same"),
        (stories(entry(), entry(digest="2", modified=minute(1))), "version"),
        (stories(entry(modified=""), entry(digest="2", modified="")), "version"),
        (stories(entry(), changed(entry(digest="2"), com="3" * 64)), "proof"),
        (stories(entry(), changed(entry(digest="2"), proof=None)), "proof"),
        (stories(entry(), entry(digest="2", by="borea")), "proof"),
        (stories(entry(), entry(digest="2", signer=OTHER)), "signature"),
        (stories(entry(), entry(digest="2"), by="borea"), "proof"),
    ],
)
def test_what_the_accused_did_not_sign_convicts_nobody(about, cause):
    assert fails(about) == cause


def seal(seq=1, prev=ZERO, *, signer=OWNER, **more):
    fields = {
        "realm": "live", "sender": "aurelia", "to": "borea", "channel": "c" * 32, "seq": seq,
        "prev": prev, "issued": AT, "audit": "0" * 64, "entries": [],
    }  # fmt: skip
    return sign(SEAL, encode(Seal(**(fields | more))), signer).to_bytes().decode()


def fork(*seals, by="aurelia"):
    return Fork(realm="live", by=by, seals=[*seals])


def test_two_seals_of_one_number_or_a_broken_chain_convict():
    assert check(fork(seal(), seal(issued=minute(1)))).why == "two-seals"
    assert check(fork(seal(), seal(2))).why == "broken-chain"


@pytest.mark.parametrize(
    ("about", "cause"),
    [
        (fork(seal()), "seals"),
        (fork(seal(), seal()), "same"),
        (fork(seal(), seal(channel="d" * 32)), "channel"),
        (fork(seal(), seal(3)), "follows"),
        (fork(seal(), seal(2, signer=OTHER)), "signature"),
        (fork(seal(), seal(issued=minute(1)), by="borea"), "sender"),
        (fork(seal(), "no envelope"), "encoding"),
    ],
)
def test_seals_of_one_history_convict_nobody(about, cause):
    assert fails(about) == cause


def test_a_seal_that_follows_the_one_before_is_no_fork():
    first = seal()

    assert fails(fork(first, seal(2, digest(read(first.encode()).payload)))) == "follows"


def beat(**more):
    fields = {
        "realm": "live", "sender": "aurelia", "to": "borea", "issued": AT, "expires": minute(10),
        "keys": KeyRef(version=1, digest=ZERO), "heads": [], "log": "0" * 64,
        "have": [Head(channel="c" * 32, seq=7, seal=ZERO)],
    }  # fmt: skip
    return sign(HEARTBEAT, encode(Heartbeat(**(fields | more))), OWNER).to_bytes().decode()


def test_a_heartbeat_proves_silence_once_it_has_run_out_and_what_it_acknowledges():
    def silence(at, **more):
        return Silence(realm="live", by="aurelia", heartbeat=beat(**more), at=at)

    def ahead(seq, channel="c" * 32):
        return Ahead(realm="live", by="aurelia", heartbeat=beat(), channel=channel, seq=seq)

    assert check(silence(minute(10))).why == "expired"
    assert fails(silence(minute(9))) == "expires"
    assert fails(silence(minute(10), sender="borea")) == "sender"
    assert check(ahead(5)).facts["have"] == 7
    assert fails(ahead(8)) == "have"
    assert fails(ahead(5, "d" * 32)) == "have"


LEAVES = [leaf_hash(bytes([n])) for n in range(8)]


def log_head(size, *, leaves=LEAVES, at=0, **more):
    whole = root(size, in_memory(leaves[:size])).hex()
    fields = {"origin": "aurelia", "realm": "live", "size": size, "root": whole, "at": minute(at)}
    return sign(CHECKPOINT, encode(Checkpoint(**(fields | more))), OWNER).to_bytes().decode()


def rewritten(held, shown, *, path=(), by="aurelia"):
    said = LogHead(realm="live", by=by, checkpoint=shown, old=1, path=[*path])
    statement = sign(LOG_HEAD, encode(said), OWNER).to_bytes().decode()
    return Rewritten(realm="live", by="aurelia", held=held, shown=statement)


def test_a_log_that_does_not_extend_its_own_past_convicts():
    other = [leaf_hash(b"other"), *LEAVES[1:]]

    assert check(rewritten(log_head(4), log_head(4, leaves=other, at=1))).why == "two-roots"
    assert check(rewritten(log_head(4), log_head(3, at=1))).why == "shrunk"
    assert check(rewritten(log_head(4), log_head(6, leaves=other, at=1))).why == "no-extension"


def test_a_log_that_extends_its_past_convicts_nobody():
    way = [step.hex() for step in consistency(4, 6, in_memory(LEAVES))]

    assert fails(rewritten(log_head(4), log_head(6, at=1), path=way)) == "extends"
    assert fails(rewritten(log_head(4), log_head(4, at=1))) == "same"
    assert fails(rewritten(log_head(4, at=1), log_head(3))) == "older"
    assert fails(rewritten(log_head(4), log_head(6), by="borea")) == "sender"
    assert fails(rewritten(log_head(4, origin="borea"), log_head(6))) == "sender"


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1", b'{"format":"mithaq-alarm/2","about":{}}'])
def test_what_is_no_file_of_evidence_is_said_to_be_none(raw):
    with pytest.raises(Unproven):
        evidence.read_file(raw)


@settings(max_examples=200)
@given(st.data())
def test_no_change_of_one_letter_makes_evidence_of_what_is_none(data):
    """Whatever is bent in a file that proves nothing, it proves nothing."""
    raw = evidence.to_bytes(stories(entry(), entry(issued=5)))
    at = data.draw(st.integers(0, len(raw) - 1))
    bent = raw[:at] + bytes([data.draw(st.integers(32, 126))]) + raw[at + 1 :]

    with pytest.raises(Unproven):
        evidence.check(evidence.read_file(bent), KEYS)


def test_evidence_holds_nothing_of_the_accusers():
    raw = evidence.to_bytes(stories(entry(), entry(digest="2")))

    assert set(json.loads(raw)["about"]) == {"kind", "realm", "by", "entries"}
    assert dataclasses.is_dataclass(check(stories(entry(), entry(digest="2"))))
