"""What a peer with valid keys can say that is not so."""

import json

from mithaq.border import signing
from mithaq.border.agreements import terms_of
from mithaq.model.canonical import digest
from mithaq.model.markings import FIXED, tlp_id
from mithaq.policy import agreement as policy
from mithaq.seal.envelope import sign
from mithaq.seal.messages import AGREEMENT, Doc
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

ANOTHER = "e" * 32
BOOKS = ("refusals", "journal")  # where a refusal may leave a trace


def pair():
    return terms_of(agreement(PAIR, US, B, clause=WIDE))


def forum():
    return terms_of(agreement(FORUM, US, B, C))


def one(stage, body=None, terms=None, **more):
    """A frame of one object of Borea's."""
    entry = put(body or stage.body())
    return sealed(terms or pair(), [entry], stage.signer(B), **more)[0]


def quarantined(stage):
    return {row["id"]: row["code"] for row in stage.rows("quarantine")}


def balance(done, raw_entries):
    """Entries received = stored + quarantined."""
    return done.stored + done.quarantined == raw_entries


def sign_both(stage, text, *names):
    exact = policy.to_bytes(text)
    stage.do(signing.sign_text, stage.us, exact, stage.now, by="lena")
    envelope = sign(AGREEMENT, exact, *(stage.signer(name) for name in names or (B,)))
    stage.do(signing.receive, stage.us, (names or (B,))[0], envelope, stage.now)


def relay(
    stage, body, *, onward="scope", scope=None, tamper=None, by=C, signer=None, terms=None, **put_more
):  # fmt: skip
    """Borea shows an object of Corvia's with Corvia's proof, under the forum if nothing else is said."""
    entry, raw = put(body, onward=onward, **put_more)
    puts = [put(stage.body(by=C))[0], entry]
    batch = batch_of(puts, by, signer or stage.signer(C), scope or forum())
    shown = relayed(puts, 1, batch)
    shown = tamper(shown) if tamper else shown
    return sealed(terms or forum(), [(shown, raw)], stage.signer(B))[0]


def replace_proof(proof, **more):
    return type(proof)(**({"batch": proof.batch, "index": proof.index, "path": proof.path} | more))


def several(stage, *entries, terms=None, **more):
    return stage.admit(sealed(terms or pair(), list(entries), stage.signer(B), **more)[0])


def fixed(level):
    return json.loads(FIXED[tlp_id(level)].raw)


def statement(stage, by=B, says="Copyright Borea", **more):
    return stage.body(
        "marking-definition", by=by, level=None, modified=None, name=None,
        definition_type="statement", definition={"statement": says}, **more,
    )  # fmt: skip


class PowerCut(Exception):
    """The machine stops here."""


def power_cut(*_args, **_more):
    raise PowerCut


def documents(stage, *pairs, peer=B):
    """The next frame of a peer's base channel, with documents of (type, bytes)."""
    [base] = [
        c for c in stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (peer, "", "in")
    ]  # fmt: skip
    entries = [
        (Doc(payload_type=kind, digest=digest(raw), size=len(raw)), raw) for kind, raw in pairs
    ]
    return sealed(
        None, entries, stage.signer(peer), batch="", sender=peer, channel=base["id"],
        seq=base["seq"] + 1, prev=base["head"],
    )[0]  # fmt: skip
