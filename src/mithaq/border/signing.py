"""What parties do with an agreement: propose, countersign, narrow and end it, here and from afar (border.md 3)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border.agreements import ended, held, terms_of, versions
from mithaq.border.channels import send_document
from mithaq.border.opening import NOTHING, noted, refresh
from mithaq.border.peers import administrative, every_key_of, proving_keys_of
from mithaq.border.peers import confirm as confirm_words
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, InputError, Refused
from mithaq.model.canonical import Json, digest
from mithaq.policy import agreement as policy
from mithaq.policy.agreement import Agreement
from mithaq.policy.lifecycle import Signed, State, may
from mithaq.seal.envelope import Envelope, read, sign, signed_by, union
from mithaq.seal.keys import Signer
from mithaq.seal.messages import (
    AGREEMENT,
    ASSENT,
    NOTICE,
    Assent,
    BadMessage,
    Notice,
    decode,
    encode,
)
from mithaq.store import agreements as store
from mithaq.store import blocks, parties
from mithaq.store.journal import keep
from mithaq.store.parties import Peer

MOST_PROPOSALS = 32  # texts of one peer that we have not signed


def sign_text(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    raw: bytes,
    now: datetime,
    *,
    by: str,
    second: tuple[str, Signer] | None = None,
) -> Agreement:
    """Sign a text and tell every other party: this proposes it, or countersigns what another proposed.

    Args:
        by: the person who decided it.
        second: for a grant the second person, by a key of their own (border.md 3.6).

    Raises:
        InvalidAgreement: it is none; InputError: we are no party, or a grant has one person only.
        Refused: the key is not the second person's, or they are the first.
        Conflict: another text stands under the same id and version and was signed by us, a party ended it, or we
            have broken off with the only other party.
    """
    agreement = policy.read(raw)
    if agreement.party(us.party) is None:
        raise InputError(f"{us.party!r} is no party of {agreement.id!r}", agreement=agreement.id)
    if agreement.kind == "grant" and agreement.names[0] != us.party:
        raise InputError("a grant is ours to give: name us first", agreement=agreement.id)
    if agreement.kind == "grant" and second is None:
        raise InputError("a grant rests on two persons: name a second one", agreement=agreement.id)
    _no_other_text(unit, us, agreement)
    _no_rupture(unit, us, agreement)
    if ended(unit, agreement.id, now):
        raise Conflict("this agreement was ended for good: take another id", agreement=agreement.id)
    exact = policy.to_bytes(agreement)
    name = _keep_text(unit, exact, agreement, us.party, now)
    envelope = sign(AGREEMENT, exact, us.signer)
    store.put_signature(unit, name, us.party, envelope.to_bytes(), now)
    facts: dict[str, Json] = {
        "version": agreement.version,
        "digest": name,
        "by": by,
    }
    if second is not None:
        facts |= _assent(unit, us, agreement, by, second)
    administrative(unit, now, "agreement-signed", agreement.id, facts)
    for peer in _other_nodes(unit, us, agreement.names):
        send_agreement(unit, us, peer, name, now)
    refresh(unit, us, agreement.id, now)
    return agreement


def _assent(
    unit: Connection, us: Us, agreement: Agreement, by: str, second: tuple[str, Signer]
) -> dict[str, Json]:
    """Let the second person sign the text; return who they are and their signature, for the record."""
    name, signer = second
    keys = {row.name: row.public for row in parties.all_actors(unit)}
    if keys.get(name) != signer.public:
        raise Refused("that key is not this person's", actor=name)
    if name == by:
        raise Refused("who gives it cannot be the second person", actor=name)
    assent = Assent(realm=us.realm, person=name, terms=terms_of(agreement))
    return {"second": name, "assent": sign(ASSENT, encode(assent), signer).to_bytes().decode()}


def _no_other_text(unit: Connection, us: Us, agreement: Agreement) -> None:
    mine = policy.digest_of(agreement)
    for row in store.texts(unit, agreement.id):
        signed = us.party in store.signatures_of(unit, row.digest)
        if row.version == agreement.version and row.digest != mine and signed:
            raise Conflict(
                "another text of this version is signed by us; raise the version",
                agreement=agreement.id,
            )


def _no_rupture(unit: Connection, us: Us, agreement: Agreement) -> None:
    """Go on only if somebody is left to deal with; in an agreement of many only the others get anything."""
    others = set(agreement.names) - {us.party}
    if others <= blocks.broken_off(unit, us.party):
        raise Conflict(
            f"we have broken off with {', '.join(sorted(others))}; two persons can lift that first",
            agreement=agreement.id,
        )


def _keep_text(
    unit: Connection, exact: bytes, agreement: Agreement, sender: str, now: datetime
) -> str:
    name = digest(exact)
    store.add_text(
        unit,
        store.Text(
            digest=name,
            id=agreement.id,
            version=agreement.version,
            raw=exact,
            added_at=text(now),
            from_party=sender,
        ),
    )
    return name


def _other_nodes(unit: Connection, us: Us, parties_: Iterable[str]) -> list[Peer]:
    names = set(parties_) - {us.party}
    return [
        p
        for p in parties.all_peers(unit)
        if p.name in names and p.kind == "node" and p.state == "confirmed"
    ]


def _ours(us: Us, known: Sequence[Signed]) -> list[Agreement]:
    """Return the texts of an id that bind us: complete, or signed by us. A mere proposal binds nobody."""
    return [each.text for each in known if each.complete or us.party in each.by]


def send_agreement(unit: Connection, us: Us, peer: Peer, name: str, now: datetime) -> None:
    """Send a text with every signature of it that we hold."""
    envelopes = [read(raw) for raw in store.signatures_of(unit, name).values()]
    if envelopes:
        send_document(unit, us, peer.name, (AGREEMENT, union(envelopes).to_bytes()), now)


def confirm(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, name: str, typed: str, now: datetime, *, by: str
) -> Peer:
    """Confirm a peer by the words heard from it, and send it every agreement it is a party of, as it stands.

    Raises:
        WrongWords: they are not the words of the key we hold; NotFound: there is no such peer.
    """
    peer = confirm_words(unit, name, typed, now, by=by)
    shared: dict[str, None] = {}
    for row in store.texts(unit):
        if policy.read(row.raw).party(peer.name) is not None:
            send_agreement(unit, us, peer, row.digest, now)
            shared[row.id] = None
    for notice in (notice for id_ in shared for notice in store.notices_of(unit, id_)):
        if notice.party == us.party:
            send_document(unit, us, peer.name, (NOTICE, notice.envelope), now)
    for id_ in shared:
        # If it was removed before, its shelf is closed: ``watch`` opens it again, with all decided anew.
        keep(unit, noted(id_), NOTHING)
        refresh(unit, us, id_, now)
    return peer


def receive(unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime) -> None:
    """Take a text and its signatures from a peer.

    Raises:
        InvalidAgreement: it is none.
        BadMessage: sender or we are no party of it, no signature of an enrolled party holds, it is a grant,
            or it takes the id of an agreement that the sender is no party of.
    """
    agreement = policy.read_exact(envelope.payload)
    ours = agreement.party(us.party) is not None and agreement.party(sender) is not None
    if ours and _stands(unit, envelope):
        return
    _may_propose(unit, us, sender, agreement)
    if not ours or policy.to_bytes(agreement) != envelope.payload:
        raise BadMessage("an agreement between others, or not in its exact form", cause="agreement")
    keys = {party: _keys(unit, us, party, now) for party in agreement.names}
    signers = [party for party in agreement.names if signed_by(envelope, keys[party])]
    if not signers:
        raise BadMessage("an agreement that nobody we know has signed", cause="agreement")
    name = _keep_text(unit, envelope.payload, agreement, sender, now)
    before = store.signatures_of(unit, name)
    stand = {party for party, raw in before.items() if signed_by(read(raw), keys[party])}
    new = set(signers) - stand - {us.party}
    for party in new:
        store.put_signature(unit, name, party, _of(envelope, keys[party]), now)
    if new:
        told: dict[str, Json] = {
            "version": agreement.version,
            "digest": name,
            "signers": ", ".join(sorted(new)),
        }
        administrative(unit, now, "agreement-received", agreement.id, told)
        if us.party in before:  # complete now, perhaps: hand everyone the full set
            for peer in _other_nodes(unit, us, agreement.names):
                send_agreement(unit, us, peer, name, now)
    refresh(unit, us, agreement.id, now)


def _stands(unit: Connection, envelope: Envelope) -> bool:
    """Say whether a text is here with all these signatures: parties tell each other what they know many times over."""
    held_ = store.signatures_of(unit, digest(envelope.payload)).values()
    known = {signature for raw in held_ for signature in read(raw).signatures}
    return bool(envelope.signatures) and known.issuperset(envelope.signatures)


def _may_propose(unit: Connection, us: Us, sender: str, agreement: Agreement) -> None:
    """Refuse what would let a stranger speak under an id of ours, give us a grant, or fill the store."""
    if agreement.kind == "grant":
        raise BadMessage("a grant is given here, never sent", cause="grant")
    binding = _ours(us, versions(unit, agreement.id))
    if binding and not any(text_.party(sender) for text_ in binding):
        raise BadMessage("another agreement stands under that id", cause="agreement")
    texts = [row for row in store.texts(unit) if row.from_party == sender]
    if policy.digest_of(agreement) in {row.digest for row in texts}:
        return
    open_ = [row for row in texts if us.party not in store.signatures_of(unit, row.digest)]
    if len(open_) >= MOST_PROPOSALS:
        raise BadMessage("too many proposals of one peer are open", cause="proposals")


def _keys(unit: Connection, us: Us, party: str, now: datetime) -> dict[str, bytes]:
    """Return the keys by which a party's signature counts as it arrives, whenever it was made."""
    if party == us.party:
        return every_key_of(unit, party)
    return proving_keys_of(unit, party, now)


def _of(envelope: Envelope, keys: Mapping[str, bytes]) -> bytes:
    names = signed_by(envelope, keys)
    mine = tuple(s for s in envelope.signatures if s.keyid in names)
    return Envelope(
        payload_type=envelope.payload_type, payload=envelope.payload, signatures=mine
    ).to_bytes()


def narrow(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, id_: str, act: str, now: datetime, *, by: str
) -> State:
    """Suspend, resume or end an agreement for our part, at once, and tell the others.

    Raises:
        NotFound: there is no such agreement; Conflict: this cannot happen to it as it stands.
    """
    what = held(unit, id_, now)
    ours = [act for party, act in what.acts if party == us.party]
    if not may(act, what.state) or (act == "resume" and ours[-1:] != ["suspend"]):
        why = "we did not suspend it" if may(act, what.state) else f"it is {what.state}"
        raise Conflict(f"cannot {act} the agreement: {why}", agreement=id_)
    if act == "resume":
        _no_rupture(unit, us, what.newest.text)
    payload = encode(
        Notice(realm=us.realm, agreement=id_, party=us.party, act=act, issued=text(now))  # type: ignore[arg-type]
    )
    envelope = sign(NOTICE, payload, us.signer)
    _keep_notice(unit, us, (id_, us.party, act), envelope, now, by)
    told = {
        name for text_ in _ours(us, what.versions) or [what.newest.text] for name in text_.names
    }
    for peer in _other_nodes(unit, us, told):
        send_document(unit, us, peer.name, (NOTICE, envelope.to_bytes()), now)
    return held(unit, id_, now).state


def _keep_notice(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    notice: tuple[str, str, str],
    envelope: Envelope,
    now: datetime,
    by: str = "",
) -> None:
    id_, party, act = notice
    store.add_notice(
        unit,
        store.NoticeRow(
            agreement=id_,
            party=party,
            act=act,
            envelope=envelope.to_bytes(),
            at=text(now),
        ),
    )
    administrative(
        unit, now, f"agreement-{act}", id_, {"party": party, "by": by} if by else {"party": party}
    )
    if held(unit, id_, now).text is None:
        refresh(unit, us, id_, now)
        keep(unit, noted(id_), NOTHING)
    # What opens again opens with ``watch``, which decides anew what stood there: much may have changed since.


def receive_notice(
    unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime
) -> None:
    """Take a peer's notice; it narrows at once.

    Raises:
        BadMessage: it is not by the sender, or of an agreement between others.
    """
    notice = decode(envelope.payload, Notice)
    if notice.party != sender or not signed_by(envelope, _keys(unit, us, sender, now)):
        raise BadMessage("a notice by somebody else", cause="notice")
    if notice.realm != us.realm:
        raise BadMessage("a notice of another realm", cause="realm")
    known_ = versions(unit, notice.agreement)
    texts = _ours(us, known_) or [signed.text for signed in known_]
    if not any(text_.party(sender) and text_.party(us.party) for text_ in texts):
        raise BadMessage("a notice of an agreement we do not have with it", cause="notice")
    known = [(n.act, n.party) for n in store.notices_of(unit, notice.agreement)]
    if not known or known[-1] != (notice.act, notice.party):
        _keep_notice(unit, us, (notice.agreement, sender, notice.act), envelope, now)
