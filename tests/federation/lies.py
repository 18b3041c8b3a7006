"""The lies that a partner can tell with keys of its own: each by one knob, and what must become of it.

``at`` is the step of admission that must stop it (border.md 6), or who else: the fetcher, the heartbeat, documents,
recall. The names in brackets are those of TUF's list of attacks (specification 1.5.2).
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from mithaq.border import keys, signing
from mithaq.border.agreements import terms_of
from mithaq.clock import text as stamp
from mithaq.exchange.wire import PeerUnreachable, Response
from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Tlp
from mithaq.model.markings import TLP_EXTENSION, tlp_id
from mithaq.model.objects import from_body
from mithaq.policy import agreement as policy
from mithaq.seal.documents import KEYS
from mithaq.seal.envelope import Signature, pae, read, sign
from mithaq.seal.frames import blank, frame, split
from mithaq.seal.messages import (
    AGREEMENT,
    ASK,
    BATCH,
    CONSENT,
    HEARTBEAT,
    NOTICE,
    ORDER,
    SEAL,
    Ask,
    Body,
    Consent,
    Head,
    KeyRef,
    Notice,
    Order,
    Recall,
    Receipt,
    Terms,
    encode,
)  # fmt: skip
from tests.federation.judge import (
    Verdict,
    answered,
    aside,
    document,
    frozen,
    kept,
    known,
    lost,
    own,
    proposed,
    refused,
    turned_away,
)
from tests.federation.liar import (
    BASE,
    ELSEWHERE,
    IDS,
    Liar,
    b64,
    enveloped,
    fields,
    generate,
    resealed,
    swap,
    unsigned,
    written,
)
from tests.rooms.border.lies import replace_proof, sign_both
from tests.rooms.border.stage import (
    AT,
    FORUM,
    PAIR,
    US,
    B,
    C,
    agreement,
    batch_of,
    put,
    relayed,
    replace_put,
    sealed,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Lie:
    name: str
    at: str
    tells: Callable[[Liar], object]
    becomes: Verdict
    polled: Verdict | None = None  # where it becomes something else when it is fetched
    before: Callable[[Liar], object] | None = None  # what was so before
    ways: tuple[str, ...] = ("push", "poll")
    goes_on: bool = True  # whether the truth is taken afterwards
    says: str = ""  # why, where the name does not tell

    def verdict(self, way):
        return self.polled if way == "poll" and self.polled else self.becomes


LIES: list[Lie] = []


def lie(name, at, tells, becomes, polled=None, **more):
    LIES.append(Lie(name=name, at=at, tells=tells, becomes=becomes, polled=polled, **more))


def history(liar):
    """One true frame, so that the channel is known."""
    liar.says(put(liar.body(901)))


def corvia_speaks(liar):
    """Corvia has a channel of its own to Aurelia, under the forum."""
    raw, _ = sealed(
        liar.streams[FORUM].terms, [put(liar.body(902, by=C))], liar.stage.signer(C), sender=C,
        channel=ELSEWHERE,
    )  # fmt: skip
    assert liar.stage.admit(raw, C).stored == 1


# --- step 2: no envelope, or not by its peer ---------------------------------------------------------------
def _relabelled(raw, by):
    """Signed as a batch, called a seal afterwards."""
    envelope, body = split(raw)
    signed = sign(BATCH, envelope.payload, by)
    return frame(unsigned(SEAL, envelope.payload, *signed.signatures), body)


def _other_payload(raw, _by):
    envelope, body = split(raw)
    changed = envelope.payload.replace(b'"seq":1', b'"seq":2')
    return frame(unsigned(SEAL, changed, *envelope.signatures), body)


def _of(signature):
    """In place of the one signature."""

    def mangle(raw, by):
        envelope, body = split(raw)
        made = signature(envelope, by)
        return frame(unsigned(SEAL, envelope.payload, *made), body)

    return mangle


def _url_safe(raw, by):
    """Sign until the signature has a letter that the two alphabets write differently."""
    envelope, body = split(raw)
    said = json.loads(envelope.payload)
    for number in range(100):
        said["audit"] = f"{number:064x}"
        text = sign(SEAL, canonical(said), by).to_bytes()
        sig = json.loads(text)["signatures"][0]["sig"]
        if "+" in sig or "/" in sig:
            safe = sig.replace("+", "-").replace("/", "_")
            return frame(text.replace(sig.encode(), safe.encode()), body)
    raise AssertionError


def _length(number):
    return lambda raw, _by: struct.pack(">I", number) + raw[4:]


LOST = lost("bad-envelope")
lie(
    "arbitrary-bytes",
    "2",
    lambda liar: liar.gives(b"\x00\x00\x00\x09not json!"),
    refused("encoding"),
    LOST,
    says="arbitrary content",
)
lie("no-frame-at-all", "2", lambda liar: liar.gives(b"\x01\x02"), refused("frame"), LOST)
lie(
    "length-beyond-the-bytes",
    "2",
    lambda liar: liar.lies(mangle=_length(2**31)),
    refused("frame"),
    LOST,
    says="endless data: the length promises two gigabytes",
)
lie(
    "length-of-four-gigabytes",
    "2",
    lambda liar: liar.lies(mangle=_length(2**32 - 1)),
    refused("frame"),
    LOST,
)
lie("length-nought", "2", lambda liar: liar.lies(mangle=_length(0)), refused("encoding"), LOST)
lie(
    "length-one-less",
    "2",
    lambda liar: liar.lies(
        mangle=lambda raw, _: struct.pack(">I", struct.unpack(">I", raw[:4])[0] - 1) + raw[4:]
    ),
    refused("encoding"),
    LOST,
)
lie(
    "wrong-key",
    "2",
    lambda liar: liar.lies(signer=generate()),
    refused("signature"),
    says="a key of nobody's",
)
lie(
    "key-of-a-third", "2", lambda liar: liar.lies(signer=liar.stage.signer(C)), refused("signature")
)
lie(
    "our-own-key-id",
    "2",
    lambda liar: liar.lies(
        mangle=_of(
            lambda e, by: [Signature(liar.stage.signer(US).keyid, by.sign(pae(SEAL, e.payload)))]
        )
    ),
    refused("signature"),
)
lie(
    "right-key-id-wrong-key",
    "2",
    lambda liar: liar.lies(
        mangle=_of(lambda e, by: [Signature(by.keyid, generate().sign(pae(SEAL, e.payload)))])
    ),
    refused("signature"),
)
lie(
    "signed-the-payload-alone",
    "2",
    lambda liar: liar.lies(mangle=_of(lambda e, by: [Signature(by.keyid, by.sign(e.payload))])),
    refused("signature"),
)
lie(
    "signature-cut-short",
    "2",
    lambda liar: liar.lies(
        mangle=_of(lambda e, _by: [Signature(s.keyid, s.sig[:63]) for s in e.signatures])
    ),
    refused("signature"),
)
lie(
    "no-signature",
    "2",
    lambda liar: liar.lies(mangle=written(lambda e: {"signatures": []})),
    refused("signatures"),
    LOST,
)
lie(
    "a-hundred-signatures",
    "2",
    lambda liar: liar.lies(mangle=written(lambda e: {"signatures": e["signatures"] * 100})),
    refused("signatures"),
    LOST,
)
lie(
    "unknown-field-in-the-envelope",
    "2",
    lambda liar: liar.lies(mangle=written(lambda e: {"alg": "none"})),
    refused("shape"),
    LOST,
)
lie(
    "unknown-field-in-a-signature",
    "2",
    lambda liar: liar.lies(
        mangle=written(lambda e: {"signatures": [{**e["signatures"][0], "cert": "x"}]})
    ),
    refused("signatures"),
    LOST,
)
lie(
    "two-payloads-in-an-envelope",
    "2",
    lambda liar: liar.lies(mangle=enveloped(lambda text: b'{"payload":"e30=",' + text[1:])),
    refused("encoding"),
    LOST,
)
lie("url-safe-base64", "2", lambda liar: liar.lies(mangle=_url_safe), refused("encoding"), LOST)
lie(
    "base64-without-padding",
    "2",
    lambda liar: liar.lies(
        mangle=written(
            lambda e: {
                "signatures": [
                    {"keyid": s["keyid"], "sig": s["sig"].rstrip("=")} for s in e["signatures"]
                ]
            }
        )
    ),
    refused("encoding"),
    LOST,
)
lie("signed-as-a-batch", "2", lambda liar: liar.lies(signed_as=BATCH), refused("payload-type"))
lie(
    "relabelled-after-signing",
    "2",
    lambda liar: liar.lies(mangle=_relabelled),
    refused("signature"),
)
lie(
    "payload-changed-under-its-signature",
    "2",
    lambda liar: liar.lies(mangle=_other_payload),
    refused("signature"),
)
lie(
    "a-heartbeat-as-a-frame",
    "2",
    lambda liar: liar.gives(frame(liar.heartbeat(), b"")),
    refused("payload-type"),
    lost("bad-message"),
)


def _revokes_its_key(liar):
    """Borea's next document revokes the key that the liar goes on with: it is a thief's now."""
    liar.caller = generate()  # it knocks with the new one
    made = _next(liar, exchange=[_window(liar, liar.caller)], revoked=[
        {"key": liar.signer.keyid, "since": stamp(liar.now)}])  # fmt: skip
    liar.stage.do(keys.learn, liar.stage.us, B, made, liar.now)


def _document(liar):
    return read(liar.documents[max(liar.documents)])


def _window(liar, key, days=30):
    return {
        "public": b64(key.public), "not_before": stamp(liar.now - timedelta(minutes=9)),
        "not_after": stamp(liar.now + timedelta(days=days)),
    }  # fmt: skip


def _next(liar, *, signers=None, version=None, **more):
    """Borea's next key document, changed, by whoever signs it."""
    said = json.loads(_document(liar).payload)
    said |= {"version": version or said["version"] + 1} | more
    return sign(KEYS, canonical(said), *(signers or [liar.root()])).to_bytes()


lie(
    "a-revoked-key",
    "2",
    lambda liar: liar.lies(),
    refused("signature"),
    lost("peer-refuses"),
    before=_revokes_its_key,
    goes_on=False,
    says="key compromise: a thief goes on with it",
)


def _long_after(liar):
    liar.stage.clock.step(91 * 86400)


def _year_after(liar):
    liar.stage.clock.step(366 * 86400)


lie(
    "a-key-past-its-window",
    "2",
    lambda liar: liar.lies(),
    turned_away(),
    lost("peer-refuses"),
    before=_long_after,
    goes_on=False,
)
lie(
    "an-expired-key-document",
    "2",
    lambda liar: liar.lies(),
    turned_away(),
    lost("peer-refuses"),
    before=_year_after,
    goes_on=False,
)

# --- step 3: no seal, or not for us -------------------------------------------------------------------------
lie(
    "for-another-nation",
    "3",
    lambda liar: liar.lies(to=C),
    refused("to"),
    says="wrong to: Corvia's frame, replayed here",
)
lie(
    "from-another-nation",
    "3",
    lambda liar: liar.lies(sender=C, batch=""),
    refused("to"),
    says="wrong from",
)
lie(
    "another-nations-own-frame",
    "3",
    lambda liar: liar.gives(liar.seal(sender=C, signer=liar.stage.signer(C))[0]),
    refused("signature"),
    says="replay of another's",
)
lie(
    "of-a-drill", "3", lambda liar: liar.lies(realm="drill:dawn"), refused("to"), says="wrong realm"
)
lie(
    "an-unknown-field-in-the-seal",
    "3",
    lambda liar: liar.lies(mangle=fields(priority="high")),
    refused("seal"),
    lost("bad-message"),
)
lie(
    "a-field-left-out",
    "3",
    lambda liar: liar.lies(
        mangle=resealed(
            lambda p: canonical({k: v for k, v in json.loads(p).items() if k != "audit"})
        )
    ),
    refused("seal"),
    lost("bad-message"),
)
lie(
    "two-numbers-in-a-seal",
    "3",
    lambda liar: liar.lies(mangle=resealed(swap(b'"seq":1', b'"seq":1,"seq":2'))),
    refused("seal"),
    lost("bad-message"),
    says="one reader takes the first, one the last",
)
for _name, _seq in {
    "nought": 0,
    "below-nought": -1,
    "beyond-2-53": 2**53,
    "a-text": "1",
    "true": True,
    "one-and-a-half": 1.5,
    "one-point-nought": 1.0,
}.items():
    lie(
        f"number-{_name}",
        "3",
        lambda liar, n=_seq: liar.lies(
            mangle=resealed(lambda p: json.dumps({**json.loads(p), "seq": n}).encode())
        ),
        refused("seal"),
        lost("bad-message"),
    )
lie(
    "an-instant-in-another-form",
    "3",
    lambda liar: liar.lies(mangle=fields(issued="2026-03-01T12:00:00Z")),
    refused("seal"),
    lost("bad-message"),
    says="instants compare as texts",
)
lie(
    "a-seal-that-is-a-list",
    "3",
    lambda liar: liar.lies(mangle=resealed(lambda p: b"[" + p + b"]")),
    refused("seal"),
    lost("bad-message"),
)
lie(
    "a-seal-of-a-hundred-levels",
    "3",
    lambda liar: liar.lies(
        mangle=resealed(lambda p: b'{"realm":' + b"[" * 100 + b"]" * 100 + b"}")
    ),
    refused("seal"),
    lost("bad-message"),
)
lie("a-channel-in-capitals", "3", lambda liar: liar.lies(channel="B" * 32), refused("channel"))
lie(
    "a-channel-that-is-a-path",
    "3",
    lambda liar: liar.lies(channel="../../keys/1"),
    refused("channel"),
)
lie(
    "another-nations-channel",
    "3",
    lambda liar: liar.lies(under=FORUM, channel=ELSEWHERE),
    refused("channel"),
    before=corvia_speaks,
)
lie(
    "our-own-channel",
    "3",
    lambda liar: liar.lies(channel=_our_channel(liar, PAIR)),
    refused("channel"),
)
lie(
    "a-second-channel",
    "3",
    lambda liar: liar.lies(channel="a" * 32, seq=1, prev="sha256:" + "0" * 64),
    refused("second-channel"),
    before=history,
)
lie(
    "a-restart-that-cites-what-never-was",
    "3",
    lambda liar: liar.lies(channel="a" * 32, seq=1, prev="sha256:" + "9" * 64),
    refused("second-channel"),
    before=history,
)
lie(
    "one-channel-for-two-agreements",
    "3",
    lambda liar: liar.lies(under=FORUM, channel=IDS[PAIR]),
    refused("channel"),
    before=history,
)
lie(
    "a-document-beside-intelligence",
    "3",
    lambda liar: liar.lies(liar.document(KEYS, b"{}"), batch=""),
    refused("entry"),
)
lie("intelligence-beside-documents", "3", lambda liar: liar.lies(under=BASE), refused("entry"))
lie(
    "an-agreement-by-another-number",
    "3",
    lambda liar: liar.lies(terms=Terms(id=PAIR, version=7, digest=liar.streams[PAIR].terms.digest)),
    refused("agreement"),
)
lie(
    "an-agreement-by-another-name",
    "3",
    lambda liar: liar.lies(
        terms=Terms(id="aurelia-borea-2", version=1, digest=liar.streams[PAIR].terms.digest)
    ),
    kept("agreement"),
)


def _our_channel(liar, under):
    return next(
        c["id"] for c in liar.stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (B, under, "out")
    )  # fmt: skip


def between_others(liar):
    """Aurelia has an agreement with Corvia alone."""
    text = agreement("aurelia-corvia", US, C)
    sign_both(liar.stage, text, C)


lie(
    "an-agreement-between-others",
    "3",
    lambda liar: liar.lies(terms=terms_of(agreement("aurelia-corvia", US, C))),
    refused("agreement"),
    before=between_others,
)


def amended(liar):
    """Version 2 is in force, and Borea has spoken under it."""
    newer = agreement(PAIR, US, B, version=2, clause={"named_levels": ["AMBER+STRICT", "RED"]})
    sign_both(liar.stage, newer)
    liar.older, liar.streams[PAIR].terms = liar.streams[PAIR].terms, terms_of(newer)
    history(liar)


lie(
    "an-agreement-rolled-back",
    "3",
    lambda liar: liar.lies(terms=liar.older),
    refused("rollback"),
    before=amended,
    says="rollback to terms that allowed more",
)


def narrowed(act):
    return lambda liar: liar.stage.do(signing.narrow, liar.stage.us, PAIR, act, liar.now, by="lena")


lie(
    "after-the-end",
    "3",
    lambda liar: liar.lies(),
    refused("ended"),
    before=narrowed("end"),
    goes_on=False,
)
lie("while-suspended", "3", lambda liar: liar.lies(), kept("suspended"), before=narrowed("suspend"))

# --- step 4: order ------------------------------------------------------------------------------------------
lie(
    "two-stories-under-one-number",
    "4",
    lambda liar: liar.lies(put(liar.body(7)), seq=1, prev="sha256:" + "0" * 64),
    frozen("fork"),
    before=history,
    says="fork",
)
lie(
    "a-story-that-follows-another",
    "4",
    lambda liar: liar.lies(prev="sha256:" + "2" * 64),
    frozen("fork"),
    before=history,
    says="fork by the one before",
)
lie(
    "the-first-follows-another",
    "4",
    lambda liar: liar.lies(prev="sha256:" + "1" * 64),
    refused("prev"),
)
lie(
    "the-same-again",
    "4",
    lambda liar: liar.gives(liar.before_this),
    known(),
    before=lambda liar: setattr(liar, "before_this", liar.says(put(liar.body(901)))),
    says="replay: nothing comes of it, and an honest network doubles too",
)
lie("a-number-too-far", "4", lambda liar: liar.lies(seq=40), kept("gap"), says="fast-forward")
lie(
    "a-number-of-the-far-future",
    "4",
    lambda liar: liar.lies(seq=2**53 - 1),
    refused("gap"),
    says="fast-forward",
)
lie(
    "issued-tomorrow",
    "4",
    lambda liar: liar.lies(issued=stamp(liar.now + timedelta(days=1))),
    kept("future"),
)
lie(
    "issued-in-9999", "4", lambda liar: liar.lies(issued="9999-12-31T23:59:59.999Z"), kept("future")
)

# --- step 5: bytes ------------------------------------------------------------------------------------------


def _exchanged(liar):
    one, two = put(liar.body(5)), put(liar.body(6))
    liar.lies(one, two, bytes_=two[1] + one[1])


def _with_empty(liar):
    entry, raw = put(liar.body(5))
    liar.lies((entry, raw), (replace_put(entry, size=0), b""))


def _sizes(said, size):
    said["entries"][0]["size"] = size
    return said


lie(
    "one-byte-more",
    "5",
    lambda liar: liar.lies(mangle=lambda raw, _: raw + b" "),
    refused("body"),
    LOST,
)
lie(
    "one-byte-less",
    "5",
    lambda liar: liar.lies(mangle=lambda raw, _: raw[:-1]),
    refused("body"),
    LOST,
)
lie("no-body", "5", lambda liar: liar.lies(body=None), refused("body"), LOST)
lie(
    "views-exchanged",
    "5",
    _exchanged,
    refused("slice"),
    says="mix-and-match within a frame",
)
lie(
    "the-views-of-another-frame",
    "5",
    lambda liar: liar.lies(put(liar.body(5, name="one")), bytes_=put(liar.body(5, name="two"))[1]),
    refused("slice"),
    says="mix-and-match over frames",
)
lie(
    "a-digest-of-another-body",
    "5",
    lambda liar: liar.lies(body=Body(digest=digest(b"x"), size=len(put(liar.body(5))[1]))),
    refused("body"),
    LOST,
    ways=("push",),
)
lie("a-view-of-no-bytes", "5", _with_empty, refused("slice"))
lie(
    "a-size-below-nought",
    "5",
    lambda liar: liar.lies(
        mangle=resealed(lambda p: json.dumps(_sizes(json.loads(p), -1)).encode())
    ),
    refused("seal"),
    lost("bad-message"),
)
lie(
    "a-size-of-nine-quadrillion",
    "5",
    lambda liar: liar.lies(
        mangle=resealed(lambda p: json.dumps(_sizes(json.loads(p), 2**53 - 1)).encode())
    ),
    refused("body"),
    says="endless data: sizes that nobody could hold",
)


# --- step 6: who vouches ------------------------------------------------------------------------------------
def batched(make):
    """A frame with the batch that ``make`` returns for its entry."""

    def tells(liar):
        entry = put(liar.body(5))
        liar.lies(entry, batch=make(liar, entry[0]))

    return tells


lie("no-batch", "6", lambda liar: liar.lies(batch=""), refused("encoding"))
lie(
    "a-batch-by-another-key",
    "6",
    batched(lambda liar, e: batch_of([e], B, generate(), liar.streams[PAIR].terms)),
    refused("signature"),
)
lie(
    "a-batch-in-anothers-name",
    "6",
    batched(lambda liar, e: batch_of([e], C, liar.signer, liar.streams[PAIR].terms)),
    refused("batch"),
)
lie(
    "a-batch-of-another-realm",
    "6",
    batched(
        lambda liar, e: batch_of([e], B, liar.signer, liar.streams[PAIR].terms, realm="drill:x")
    ),
    refused("batch"),
)
lie(
    "a-batch-for-another-agreement",
    "6",
    batched(lambda liar, e: batch_of([e], B, liar.signer, liar.streams[FORUM].terms)),
    refused("batch"),
)
lie(
    "a-batch-of-more",
    "6",
    batched(lambda liar, e: batch_of([e], B, liar.signer, liar.streams[PAIR].terms, n=2)),
    refused("batch"),
)
lie(
    "a-batch-of-none",
    "6",
    batched(lambda liar, e: batch_of([], B, liar.signer, liar.streams[PAIR].terms)),
    refused("batch"),
)
lie(
    "the-batch-of-another-frame",
    "6",
    batched(
        lambda liar, e: batch_of([put(liar.body(8))[0]], B, liar.signer, liar.streams[PAIR].terms)
    ),
    refused("batch"),
    says="mix-and-match of a batch",
)
lie(
    "a-seal-as-a-batch",
    "6",
    batched(lambda liar, e: sign(SEAL, b"{}", liar.signer).to_bytes().decode()),
    refused("payload-type"),
)


def relays(
    liar,
    body,
    *,
    under=FORUM,
    onward="scope",
    scope=None,
    signer=None,
    by=C,
    tamper=None,
    raw=None,
    **more,
):
    """Show an object of Corvia's with a proof of Corvia's, or what is said to be one."""
    entry, bytes_ = put(body, onward=onward, **more)
    puts = [put(liar.body(99, by=C))[0], entry]
    batch = batch_of(puts, by, signer or liar.stage.signer(C), scope or liar.streams[FORUM].terms)
    shown = relayed(puts, 1, batch)
    liar.lies((tamper(shown) if tamper else shown, raw or bytes_), under=under)


def relay_lie(name, becomes, at="6", says="", before=None, level=Tlp.GREEN, **how):
    def tells(liar):
        made = {key: value(liar) if callable(value) and key in {"signer", "scope"} else value
                for key, value in how.items()}  # fmt: skip
        relays(liar, liar.body(3, by=C, level=level), **made)

    lie(name, at, tells, becomes, says=says, before=before)


relay_lie(
    "a-proof-with-another-path",
    refused("proof"),
    tamper=lambda p: replace_put(p, proof=replace_proof(p.proof, path=[])),
)
relay_lie(
    "a-proof-at-another-place",
    refused("proof"),
    tamper=lambda p: replace_put(p, proof=replace_proof(p.proof, index=0)),
)
relay_lie(
    "a-proof-for-other-terms",
    refused("proof"),
    tamper=lambda p: replace_put(p, onward="open"),
    says="overstepping relay: the owner said scope",
)
relay_lie(
    "a-proof-for-another-commitment",
    refused("proof"),
    tamper=lambda p: replace_put(p, com="1" * 64),
)
relay_lie(
    "a-proof-of-our-own",
    refused("proof"),
    by=US,
    signer=lambda liar: liar.signer,
    says="our own object, vouched for by us, they say",
)
relay_lie("a-proof-of-its-own", refused("proof"), by=B, signer=lambda liar: liar.signer)
relay_lie(
    "a-proof-signed-by-the-relay",
    aside("proof"),
    "7",
    signer=lambda liar: liar.signer,
    says="forged third party",
)
relay_lie(
    "a-proof-of-nobody-we-know", aside("proof"), "7", by="nobody", signer=lambda liar: generate()
)


def _altered(liar):
    """The owner's proof, and the object with one word changed."""
    entry, raw = put(liar.body(3, by=C, name="harmful"), onward="scope")
    batch = batch_of([entry], C, liar.stage.signer(C), liar.streams[FORUM].terms)
    shown = relayed([entry], 0, batch)
    other = raw.replace(b"harmful", b"useless")
    liar.lies((replace_put(shown, digest=digest(other)), other), under=FORUM)


def _proof_of_another(liar):
    """The owner's proof of one object, beside another one."""
    good = put(liar.body(3, by=C), onward="scope")[0]
    batch = batch_of([good], C, liar.stage.signer(C), liar.streams[FORUM].terms)
    bad, raw = put(liar.body(4, by=C), onward="scope")
    liar.lies((replace_put(bad, proof=relayed([good], 0, batch).proof), raw), under=FORUM)


lie("a-relayed-object-altered", "6", _altered, refused("proof"), says="forged third party")
lie("a-proof-of-another-object", "6", _proof_of_another, refused("proof"))

# --- step 7: the object --------------------------------------------------------------------------------------
relay_lie(
    "passed-on-though-none-may", aside("onward"), "7", onward="none", says="overstepping relay"
)
relay_lie(
    "passed-on-out-of-its-scope",
    aside("onward"),
    "7",
    says="overstepping relay: the owner's scope is not ours",
    scope=lambda liar: terms_of(agreement("borea-corvia", B, C)),
)
relay_lie(
    "amber-passed-on-as-open",
    aside("onward"),
    "7",
    level=Tlp.AMBER,
    onward="open",
    says="overstepping relay: above GREEN open permits nothing",
)
relay_lie("strict-passed-on-in-scope", aside("onward"), "7", level=Tlp.AMBER_STRICT, under=PAIR)
relay_lie("red-passed-on", aside("onward"), "7", level=Tlp.RED, under=PAIR, readers=["r1"])


def consented(**wrong):
    """A relay with a consent that is not the owner's to us for these bytes."""

    def tells(liar):
        body = liar.body(3, by=C, level=Tlp.AMBER_STRICT)
        seen = from_body(body)
        signer = wrong.get("signer", lambda liar: liar.stage.signer(C))(liar)
        said = {
            "realm": "live", "by": C, "id": seen.id, "modified": seen.version, "digest": seen.digest,
            "recipient": US, "answer": "yes", "issued": AT,
        } | {key: value for key, value in wrong.items() if key != "signer"}  # fmt: skip
        consent = sign(CONSENT, encode(Consent(**said)), signer).to_bytes().decode()
        relays(
            liar, body, under=PAIR, onward="none", tamper=lambda p: replace_put(p, consent=consent)
        )

    return tells


for _name, _wrong in {
    "forged": {"signer": lambda liar: liar.signer},
    "of-its-own": {"signer": lambda liar: liar.signer, "by": B},
    "to-another": {"recipient": "doria"},
    "for-another-version": {"modified": "2020-01-01T00:00:00.000Z"},
    "for-another-view": {"digest": "sha256:" + "5" * 64},
    "for-another-object": {"id": "tool--00000000-0000-4000-9000-000000000077"},
    "of-a-drill": {"realm": "drill:x"},
    "that-says-no": {"answer": "no"},
}.items():
    lie(f"a-consent-{_name}", "7", consented(**_wrong), aside("onward"), says="originator control")


def object_lie(name, becomes, make, **more):
    """An object that may not be one here, beside an honest neighbour."""

    def tells(liar):
        neighbour = put(liar.body(50))
        made = make(liar)
        liar.lies(
            neighbour, made if isinstance(made, tuple) else put(made), under=more.get("under", PAIR)
        )

    lie(name, "7", tells, becomes, says=more.get("says", ""), before=more.get("before"))


def _identity_of(nation, name, by=None):
    """Describe a nation by its own identity."""
    return lambda liar: liar.body(
        kind="identity",
        by=by,
        id=liar.stage.identity(nation),
        name=name,
        identity_class="organization",
    )


def _marked(liar, definition, **more):
    """A definition that is not what it seems, and an object under it."""
    tool = liar.body(4, level=None, object_marking_refs=[definition["id"]])
    liar.lies(put(liar.body(50)), put(definition, **more), put(tool))


def _definition(liar, number=6, **more):
    return liar.body(
        number, kind="marking-definition", level=None, modified=None, name=None, **more
    )


object_lie(
    "a-third-partys-object",
    aside("ownership"),
    lambda liar: liar.body(3, by=C),
    says="forged third party",
)
object_lie(
    "a-third-partys-object-carried",
    aside("ownership"),
    lambda liar: put(liar.body(3, by=C), role="carrier"),
)
object_lie("our-own-object", aside("ownership"), lambda liar: liar.body(3, by=US))
object_lie("a-third-partys-identity", aside("ownership"), _identity_of(C, "Corvia, new"))
object_lie("our-own-identity", aside("ownership"), _identity_of(US, "Aurelia, new"))
object_lie("an-identity-of-two-nations", aside("ownership"), _identity_of(C, "By Borea", by=B))
object_lie(
    "owner-of-what-it-carries", aside("role"), lambda liar: put(liar.body(3, by=None), role="owner")
)
object_lie("carrier-of-what-it-owns", aside("role"), lambda liar: put(liar.body(3), role="carrier"))
object_lie(
    "sealed-as-another-object",
    aside("entry"),
    lambda liar: put(liar.body(3), id="tool--00000000-0000-4000-9000-000000000044"),
)
object_lie(
    "sealed-as-another-version",
    aside("entry"),
    lambda liar: put(liar.body(3), modified="2030-01-01T00:00:00.000Z"),
)
object_lie("sealed-as-another-type", aside("entry"), lambda liar: put(liar.body(3), type="malware"))
object_lie("a-seal-as-an-object", aside("private-kind"), lambda liar: liar.body(kind="mithaq-seal"))
object_lie("no-json", aside("gate-not-json"), lambda liar: put(b"not json at all"))
object_lie(
    "a-name-given-twice", aside("gate-duplicate-key"), lambda liar: put(b'{"id":"a","id":"b"}')
)
object_lie("no-stix", aside("stix-type"), lambda liar: _as_sealed(liar, {"spec_version": "2.1"}))
object_lie(
    "strict-where-no-clause-names-it",
    aside("no-clause"),
    lambda liar: liar.body(3, level=Tlp.AMBER_STRICT),
    under=FORUM,
)
object_lie("red-for-nobody", aside("readers"), lambda liar: liar.body(3, level=Tlp.RED))
object_lie(
    "an-unknown-marking",
    aside("marking-unknown"),
    lambda liar: liar.body(
        3,
        level=None,
        object_marking_refs=["marking-definition--00000000-0000-4000-9000-000000000066"],
    ),
)


def _as_sealed(liar, body):
    entry, raw = put(canonical(body))
    return entry, raw


lie(
    "green-said-to-be-red",
    "7",
    lambda liar: _marked(
        liar,
        {
            "type": "marking-definition",
            "spec_version": "2.1",
            "id": tlp_id(Tlp.RED),
            "created": "2022-10-01T00:00:00.000Z",
            "name": "TLP:GREEN",
            "extensions": {
                TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": "green"}
            },
        },
        role="carrier",
    ),
    aside("marking-forged"),
    says="a fixed definition with another body",
)
lie(
    "a-level-of-its-own",
    "7",
    lambda liar: _marked(
        liar, _definition(liar, definition_type="tlp", definition={"tlp": "green"})
    ),
    aside("marking-unknown"),
)
lie(
    "a-statement-that-reads-as-a-level",
    "7",
    lambda liar: _marked(
        liar, _definition(liar, definition_type="statement", definition={"statement": "TLP:GREEN"})
    ),
    aside("marking-unknown"),
)
lie(
    "a-level-in-other-letters",
    "7",
    lambda liar: _marked(
        liar,
        _definition(
            liar,
            definition_type="statement",
            definition={"statement": "T\u200bL\u200bP\uff1a\uff32\uff25\uff24"},
        ),
    ),
    aside("marking-unknown"),
    says="look-alikes",
)

# --- heartbeats ----------------------------------------------------------------------------------------------
HB = refused("heartbeat")
BAD = lost("bad-message")


def beats(**knobs):
    return lambda liar: liar.beat.update(knobs)


lie("a-heartbeat-for-another", "heartbeat", beats(to=C), HB, BAD)
lie("a-heartbeat-of-another", "heartbeat", beats(sender=C), HB, BAD)
lie("a-heartbeat-of-a-drill", "heartbeat", beats(realm="drill:x"), HB, BAD)
lie(
    "a-heartbeat-by-another-key",
    "heartbeat",
    lambda liar: liar.beat_as.update(signer=generate()),
    HB,
    lost("peer-refuses"),
)
lie(
    "a-heartbeat-as-a-seal",
    "heartbeat",
    lambda liar: liar.beat_as.update(kind=SEAL),
    HB,
    lost("peer-refuses"),
)
lie(
    "a-heartbeat-long-expired",
    "heartbeat",
    lambda liar: liar.beat.update(
        issued=stamp(liar.now - timedelta(days=2)), expires=stamp(liar.now - timedelta(days=1))
    ),
    HB,
    BAD,
    says="freeze",
)
lie(
    "a-heartbeat-of-tomorrow",
    "heartbeat",
    lambda liar: liar.beat.update(
        issued=stamp(liar.now + timedelta(days=1)), expires=stamp(liar.now + timedelta(days=2))
    ),
    HB,
    BAD,
)
lie(
    "a-heartbeat-that-is-none",
    "heartbeat",
    lambda liar: liar.beat_as.update(mangle=lambda _raw: b"{}"),
    HB,
    lost("peer-refuses"),
)


def heard_before(liar):
    liar.beat["issued"] = stamp(liar.now - timedelta(minutes=3))


lie(
    "more-than-it-gives",
    "heartbeat",
    lambda liar: liar.beat.update(
        heads=[Head(channel=IDS[PAIR], seq=7, seal="sha256:" + "7" * 64)]
    ),
    known("behind"),
    before=history,
    says="indefinite freeze: it says that there is more, and never gives it",
)
lie(
    "heads-of-another-nation",
    "heartbeat",
    lambda liar: liar.beat.update(
        heads=[Head(channel=ELSEWHERE, seq=9, seal="sha256:" + "7" * 64)]
    ),
    known(),
    before=corvia_speaks,
    says="Corvia's channel is not Borea's to speak of: nothing is fetched",
)
lie(
    "heads-in-a-path",
    "heartbeat",
    lambda liar: liar.beat_as.update(
        mangle=lambda _raw: _with_heads(liar, [("../../mithaq/keys/1/?x=", 9)])
    ),
    HB,
    BAD,
)
lie(
    "heads-without-end",
    "heartbeat",
    lambda liar: liar.beat_as.update(
        mangle=lambda _raw: _with_heads(liar, [(f"{n:032x}", 1) for n in range(1100)])
    ),
    HB,
    BAD,
    says="endless data: each would be fetched",
)


def _with_heads(liar, heads):
    said = json.loads(read(_honest_beat(liar)).payload)
    said["heads"] = [{"channel": c, "seq": n, "seal": "sha256:" + "7" * 64} for c, n in heads]
    return sign(HEARTBEAT, canonical(said), liar.signer).to_bytes()


def _honest_beat(liar):
    knobs, liar.beat_as = liar.beat_as, {}
    made = liar.heartbeat()
    liar.beat_as = knobs
    return made


lie(
    "a-version-of-keys-without-end",
    "heartbeat",
    lambda liar: (
        liar.beat.update(keys=KeyRef(version=10**15, digest="sha256:" + "7" * 64)),
        liar.answers.update({"/mithaq/keys/": Response(status=200, body=liar.documents[1])}),
    ),
    known(),
    lost("bad-key-document"),
    says="endless data: it shows the same document for each of them",
)
lie(
    "it-holds-more-than-we-sent",
    "heartbeat",
    lambda liar: liar.beat.update(
        have=[Head(channel=_our_channel(liar, PAIR), seq=9, seal="sha256:" + "7" * 64)]
    ),
    own("channel-frozen"),
    says="it may be that we were restored from a backup: only its own channel begins anew",
)
lie(
    "it-holds-what-is-anothers",
    "heartbeat",
    lambda liar: liar.beat.update(
        have=[Head(channel=_corvias(liar), seq=9, seal="sha256:" + "7" * 64)]
    ),
    known(),
)


def _corvias(liar):
    return next(
        c["id"] for c in liar.stage.rows("channels")
        if (c["peer"], c["agreement"], c["direction"]) == (C, FORUM, "out")
    )  # fmt: skip


# --- documents -----------------------------------------------------------------------------------------------
KEY = "bad-key-document"


def key_lie(name, code, make, polled="", **more):
    def tells(liar):
        version, raw = make(liar)
        liar.publishes(raw, version)

    lie(name, "documents", tells, document(code), lost(polled or code), **more)


key_lie("keys-that-skip-a-version", KEY, lambda liar: (2, _next(liar, version=3)))
key_lie("keys-without-the-old-root", "bad-envelope", lambda liar: _new_root(liar, old=False))
key_lie("keys-without-the-new-root", "bad-envelope", lambda liar: _new_root(liar, new=False))
key_lie(
    "keys-signed-by-the-exchange-key",
    "bad-envelope",
    lambda liar: (2, _next(liar, signers=[liar.signer])),
    says="key compromise: the online key makes no document",
)
key_lie(
    "keys-that-claim-a-third-party",
    "peer-error",
    lambda liar: (2, _next(liar, identities=[liar.stage.identity(C)])),
)
key_lie(
    "keys-that-claim-us",
    "peer-error",
    lambda liar: (2, _next(liar, identities=[liar.stage.identity(US)])),
)
key_lie(
    "keys-that-list-anothers-key",
    "peer-error",
    lambda liar: (2, _next(liar, exchange=[_window(liar, liar.stage.signer(C))])),
)
key_lie("keys-of-another-party", KEY, lambda liar: (2, _next(liar, party=C)))
key_lie("keys-of-a-drill", KEY, lambda liar: (2, _next(liar, realm="drill:x")))
key_lie(
    "keys-for-ten-years",
    KEY,
    lambda liar: (2, _next(liar, exchange=[_window(liar, liar.signer, days=3650)])),
)
key_lie(
    "keys-below-their-threshold", KEY, lambda liar: (2, _next(liar, threshold=2, standing="full"))
)
key_lie("keys-that-claim-a-full-root", KEY, lambda liar: (2, _next(liar, standing="full")))
key_lie(
    "keys-that-never-count",
    KEY,
    lambda liar: (2, _next(liar, expires=json.loads(_document(liar).payload)["issued"])),
)
key_lie(
    "other-keys-of-the-same-version",
    KEY,
    lambda liar: (1, _next(liar, version=1, url="http://borea.example/x")),
    ways=("push",),
    says="equivocation of key documents",
)
key_lie(
    "keys-of-a-thousand-people",
    "bad-envelope",
    lambda liar: (
        2,
        _next(liar, readers=[{"id": f"r{n}", "name": "n" * 90, "role": "r"} for n in range(1000)]),
    ),
    polled="peer-unreachable",
    says="endless data",
)


def _new_root(liar, *, old=True, new=True):
    fresh = generate()
    signers = [liar.root()] * old + [fresh] * new
    return 2, _next(liar, signers=signers, roots=[{"public": b64(fresh.public)}])


def doc_lie(name, code, kind, make, **more):
    lie(name, "documents", lambda liar: liar.shows(kind, make(liar)), document(code), **more)


def _text(*names, id_="new-terms", **more):
    return policy.to_bytes(agreement(id_, *names, **more))


def _forged_ours(liar):
    """A text that Aurelia never signed, with a signature said to be Aurelia's."""
    raw = _text(US, B, id_=PAIR, version=2)
    signature = Signature(liar.stage.signer(US).keyid, liar.signer.sign(pae(AGREEMENT, raw)))
    mine = sign(AGREEMENT, raw, liar.signer).signatures
    return unsigned(AGREEMENT, raw, *mine, signature)


def _by(liar, kind, message, signer=None):
    return sign(
        kind, message if isinstance(message, bytes) else encode(message), signer or liar.signer
    ).to_bytes()


def _notice(liar, signer=None, **more):
    said = {
        "realm": "live",
        "agreement": PAIR,
        "party": B,
        "act": "end",
        "issued": stamp(liar.now),
    } | more
    return _by(liar, NOTICE, Notice(**said), signer)


def _consent(liar, **more):
    seen = from_body(liar.body(5, by=B))
    said = {
        "realm": "live", "by": B, "id": seen.id, "modified": seen.version, "digest": seen.digest, "recipient": C,
        "answer": "yes", "issued": stamp(liar.now),
    } | more  # fmt: skip
    return _by(liar, CONSENT, Consent(**said))


def _ask(liar, **more):
    seen = from_body(liar.body(5, by=US))
    said = {
        "realm": "live", "by": B, "owner": US, "id": seen.id, "modified": seen.version, "digest": seen.digest,
        "recipient": C, "reason": "x", "issued": stamp(liar.now),
    } | more  # fmt: skip
    return _by(liar, ASK, Ask(**said))


doc_lie(
    "a-document-of-no-kind",
    "bad-message",
    "application/octet-stream",
    lambda liar: _by(liar, "application/vnd.mithaq.advice+json;v=1", b"{}"),
)
doc_lie("a-document-that-is-none", "bad-envelope", AGREEMENT, lambda liar: b"%PDF-1.7")
doc_lie(
    "terms-between-others", "bad-message", AGREEMENT, lambda liar: _by(liar, AGREEMENT, _text(B, C))
)
doc_lie(
    "terms-without-it", "bad-message", AGREEMENT, lambda liar: _by(liar, AGREEMENT, _text(US, C))
)
doc_lie(
    "terms-that-nobody-signed",
    "bad-message",
    AGREEMENT,
    lambda liar: _by(liar, AGREEMENT, _text(US, B), generate()),
)
doc_lie(
    "terms-in-another-form",
    "bad-message",
    AGREEMENT,
    lambda liar: _by(liar, AGREEMENT, _text(US, B) + b"\n"),
)
doc_lie(
    "terms-under-anothers-name",
    "bad-message",
    AGREEMENT,
    lambda liar: _by(liar, AGREEMENT, _text(US, B, id_="aurelia-corvia", version=2)),
    before=between_others,
)
doc_lie(
    "a-grant-to-itself",
    "bad-message",
    AGREEMENT,
    lambda liar: _by(liar, AGREEMENT, _text(US, B, id_="grant-1", kind="grant")),
)
doc_lie(
    "a-notice-in-anothers-name",
    "bad-message",
    NOTICE,
    lambda liar: _notice(liar, party=C, agreement=FORUM),
)
doc_lie("a-notice-in-our-name", "bad-message", NOTICE, lambda liar: _notice(liar, party=US))
doc_lie(
    "a-notice-by-another-key", "bad-message", NOTICE, lambda liar: _notice(liar, signer=generate())
)
doc_lie("a-notice-of-a-drill", "bad-message", NOTICE, lambda liar: _notice(liar, realm="drill:x"))
doc_lie(
    "a-notice-about-others",
    "bad-message",
    NOTICE,
    lambda liar: _notice(liar, agreement="aurelia-corvia"),
    before=between_others,
)
doc_lie(
    "a-notice-about-nothing",
    "bad-message",
    NOTICE,
    lambda liar: _notice(liar, agreement="never-was"),
)
doc_lie("a-consent-nobody-asked-for", "bad-message", CONSENT, _consent)
doc_lie("a-consent-in-anothers-name", "bad-message", CONSENT, lambda liar: _consent(liar, by=C))
doc_lie("a-request-about-what-it-never-had", "bad-message", ASK, _ask)
doc_lie("a-request-in-anothers-name", "bad-message", ASK, lambda liar: _ask(liar, by=C))
doc_lie("a-request-to-another", "bad-message", ASK, lambda liar: _ask(liar, owner=C))
lie(
    "terms-with-our-signature-forged",
    "documents",
    lambda liar: liar.shows(AGREEMENT, _forged_ours(liar)),
    proposed("agreement-received"),
    says="it is a proposal, and binds nobody",
)
lie(
    "it-resumes-what-we-suspended",
    "documents",
    lambda liar: liar.shows(NOTICE, _notice(liar, act="resume")),
    proposed("agreement-resume"),
    before=narrowed("suspend"),
    goes_on=False,
    says="we stay suspended for our part",
)


# --- recall --------------------------------------------------------------------------------------------------
def order(liar, id_, *, signer=None, name="a", **more):
    said = {
        "realm": "live", "by": B, "order": name * 32, "agreement": PAIR, "id": id_, "cause": "wrong",
        "issued": stamp(liar.now), "deadline": stamp(liar.now + timedelta(days=3)),
    } | more  # fmt: skip
    return Recall(order=_by(liar, ORDER, Order(**said), signer).decode())


def orders(make, under=PAIR):
    return lambda liar: liar.lies((make(liar), b""), under=under, batch="")


ANOTHERS = "tool--00000000-0000-4000-9000-000000000902"  # Corvia's, as ``corvia_speaks``
lie(
    "an-order-of-a-drill",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, realm="drill:x")),
    refused("realm"),
    before=corvia_speaks,
)
lie(
    "an-order-under-another-agreement",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS), FORUM),
    refused("order"),
    before=corvia_speaks,
)
lie(
    "an-order-by-another-key",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, signer=generate())),
    refused("signature"),
    before=corvia_speaks,
)
lie(
    "an-order-for-what-it-does-not-own",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, agreement=FORUM), FORUM),
    answered("recalled"),
    before=corvia_speaks,
    says="answered like any other; nothing of Corvia's goes",
)
lie(
    "an-order-in-the-owners-name",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, by=C, agreement=FORUM), FORUM),
    answered("recall-false"),
    before=corvia_speaks,
)
lie(
    "an-order-in-our-name",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, by=US, agreement=FORUM), FORUM),
    answered("recall-false"),
    before=corvia_speaks,
)
lie(
    "an-order-in-nobodys-name",
    "recall",
    orders(lambda liar: order(liar, ANOTHERS, by="nobody", agreement=FORUM), FORUM),
    answered("recall-false"),
    before=corvia_speaks,
)
lie(
    "the-owners-order-of-another-agreement",
    "recall",
    orders(
        lambda liar: order(
            liar, ANOTHERS, by=C, agreement="borea-corvia", signer=liar.stage.signer(C)
        ),
        FORUM,
    ),
    answered("recalled"),
    before=corvia_speaks,
    says="replay: what Corvia recalls from Borea it has not recalled from us",
)
lie(
    "a-receipt-nobody-asked-for",
    "recall",
    orders(lambda liar: Receipt(order="d" * 32, outcome="deleted")),
    answered("receipt-unasked"),
)


def withdrawn(liar):
    """Borea gave something, and has recalled it."""
    liar.says(put(liar.body(903)))
    liar.says((order(liar, liar.body(903)["id"]), b""), batch="")


lie(
    "what-was-recalled-comes-again",
    "recall",
    lambda liar: liar.lies(put(liar.body(903))),
    aside("recalled"),
    before=withdrawn,
    says="replay under a new number",
)


def _blanked(liar):
    entry, raw = put(liar.body(5))
    liar.lies((entry, raw), mangle=lambda whole, _by: whole[: -len(raw)] + blank(len(raw)))


lie(
    "noughts-for-every-view",
    "recall",
    _blanked,
    Verdict("blank", "taken-back"),
    says="withheld under a seal: as if it were taken back, and on record",
)


# --- fetching ------------------------------------------------------------------------------------------------
def fetch_lie(name, part, answer, code, **more):
    def tells(liar):
        liar.says(put(liar.body(5)))
        liar.answers[part] = answer(liar) if callable(answer) else answer

    lie(name, "1", tells, Verdict("lost", code), ways=("poll",), **more)


fetch_lie(
    "a-redirect",
    "/frames/",
    Response(status=302, headers={"location": "http://x.example/"}),
    "peer-refuses",
)
fetch_lie(
    "a-page-for-people",
    "/frames/",
    Response(status=200, body=b"<!doctype html><p>hello"),
    "bad-envelope",
)
fetch_lie(
    "an-answer-without-end",
    "/frames/",
    Response(status=200, body=bytes(97 << 20)),
    "peer-unreachable",
    says="endless data",
)
fetch_lie(
    "a-heartbeat-without-end",
    "/mithaq/heartbeat/",
    Response(status=200, body=b" " * (5 << 20)),
    "peer-unreachable",
    says="endless data",
)
fetch_lie(
    "silence", "/frames/", PeerUnreachable("timed out"), "peer-unreachable", says="slow retrieval"
)
fetch_lie(
    "an-error-for-ever",
    "/mithaq/heartbeat/",
    Response(status=500),
    "peer-refuses",
    says="indefinite freeze",
)
fetch_lie(
    "the-frames-of-another-node",
    "/frames/",
    lambda liar: Response(status=200, body=liar.seal(sender=C, signer=liar.stage.signer(C))[0]),
    "",
    says="malicious mirror",
)
