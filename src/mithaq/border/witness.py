"""Witnesses: partners that an agreement names keep the heads of our log, and we of theirs (border.md 4.4).

At each tick the owner shows its newest head and proves that it extends the one shown before; the witness signs it too
and keeps it. A log that was rolled back or edited no longer extends what the witness holds, and both sides see it.
"""

from datetime import datetime

from sqlalchemy import Connection

from mithaq.audit import evidence, log
from mithaq.audit.evidence import Rewritten
from mithaq.audit.log import CHECKPOINT, Checkpoint, head_of
from mithaq.border import agreements, alarms, peers
from mithaq.border.channels import send_document
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.model.canonical import Json
from mithaq.seal.envelope import Envelope, countersign, read, sign, signed_by, verify
from mithaq.seal.messages import LOG_HEAD, BadMessage, LogHead, decode, encode
from mithaq.store import alarms as alarm_store
from mithaq.store import blocks, parties, witnesses
from mithaq.store.alarms import CLOSED
from mithaq.store.journal import keep, setting
from mithaq.store.witnesses import Cosigned, Kept


# --- ours --------------------------------------------------------------------------------------------------
def witnesses_of(unit: Connection, party: str, now: datetime) -> list[str]:
    """Return who may see the head of a party's log: whoever an agreement in force between them names."""
    texts = [held.text for held in agreements.every(unit, now) if held.text is not None]
    named = {
        name
        for terms in texts
        if terms.party(party) is not None
        for name in terms.witnesses
        if name != party
    }
    return sorted(named)


def show(unit: Connection, us: Us, now: datetime) -> None:
    """Show every witness of ours the newest head, and that it extends the one it was last shown.

    One that is broken off with sees no head, which counts what we do (border.md 4.4).
    """
    newest = log.newest_checkpoint(unit)
    nodes = {p.name for p in parties.all_peers(unit) if p.kind == "node" and p.state == "confirmed"}
    nodes -= blocks.closed_to(unit, us.party)
    for witness in witnesses_of(unit, us.party, now):
        if newest is not None and witness in nodes:
            _show(unit, us, witness, newest, now)


def _show(unit: Connection, us: Us, witness: str, newest: bytes, now: datetime) -> None:
    head, mark = head_of(read(newest)), f"shown:{witness}"
    old = int(setting(unit, mark, "0"))
    statement = _statement(unit, us, newest, old)
    send_document(unit, us, witness, (LOG_HEAD, statement), now)
    keep(unit, mark, str(head.size))


def _statement(unit: Connection, us: Us, newest: bytes, old: int) -> bytes:
    size = head_of(read(newest)).size
    path = log.extension(unit, old, size)
    said = LogHead(realm=us.realm, by=us.party, checkpoint=newest.decode(), old=old, path=path)
    return sign(LOG_HEAD, encode(said), us.signer).to_bytes()


def receive_cosigned(
    unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime
) -> None:
    """Take a head of ours as a witness keeps it; raise an alarm if our log does not hold it any more.

    Raises:
        BadEnvelope, BadMessage: it is no head that we signed, or the sender is no witness of ours.
    """
    verify(envelope, CHECKPOINT, peers.keys_of(unit, sender, now))
    head = head_of(envelope)
    ours = peers.every_key_of(unit, us.party)
    mine = (head.origin, head.realm) == (us.party, us.realm) and signed_by(envelope, ours)
    if not mine or sender not in witnesses_of(unit, us.party, now):
        raise BadMessage("no head of ours, or from no witness", cause="witness")
    size = log.length(unit)
    if head.size <= size and log.root_at(unit, head.size) == head.root:
        came = Cosigned(
            witness=sender,
            size=head.size,
            at=head.at,
            envelope=envelope.to_bytes(),
            came=text(now),
        )
        witnesses.cosign(unit, came)
        return
    newest = log.head(unit, (us.party, us.realm), us.signer, now)
    about = Rewritten(
        realm=us.realm,
        by=us.party,
        held=envelope.to_bytes().decode(),
        shown=_statement(unit, us, newest, min(head.size, size)).decode(),
    )
    alarms.ring(unit, about, evidence.check(about, ours), now, matter=f"{sender} {head.root}")


# --- theirs ------------------------------------------------------------------------------------------------
def receive(unit: Connection, us: Us, sender: str, envelope: Envelope, now: datetime) -> None:
    """Take the head of a partner's log as its witness: keep and sign what extends the one we hold, else ring.

    Raises:
        BadEnvelope, BadMessage: it is not the sender's, or nobody named us its witness.
    """
    keys = peers.keys_of(unit, sender, now)
    said = decode(verify(envelope, LOG_HEAD, keys), LogHead)
    shown = read(said.checkpoint.encode())
    verify(shown, CHECKPOINT, peers.proving_keys_of(unit, sender, now))
    head = head_of(shown)
    if {(said.by, said.realm), (head.origin, head.realm)} != {(sender, us.realm)}:
        raise BadMessage("the head of another log", cause="log")
    if us.party not in witnesses_of(unit, sender, now):
        raise BadMessage("we are no witness of that log", cause="witness")
    held = witnesses.kept_of(unit, sender)
    if held is None or _extends(held, head, said):
        _keep(unit, us, sender, shown, head, now)
        return
    about = Rewritten(
        realm=us.realm,
        by=sender,
        held=held.envelope.decode(),
        shown=envelope.to_bytes().decode(),
    )
    matter = f"{sender} {head_of(read(held.envelope)).root}"
    if any(alarm.state == CLOSED for alarm in alarm_store.named(unit, f"log:{matter}")):
        _keep(unit, us, sender, shown, head, now)  # a person has looked: from here on anew
        return
    shows = evidence.check(about, peers.every_key_of(unit, sender))
    alarms.ring(unit, about, shows, now, matter=matter)
    send_document(unit, us, sender, (CHECKPOINT, held.envelope), now)


def _extends(held: Kept, head: Checkpoint, said: LogHead) -> bool:
    before = head_of(read(held.envelope))
    if head.size == before.size:
        return head.root == before.root
    return log.extends(before, head, said.path)


def _keep(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection, us: Us, sender: str, shown: Envelope, head: Checkpoint, now: datetime
) -> None:
    signed = countersign(shown, us.signer).to_bytes()
    witnesses.keep(unit, Kept(party=sender, size=head.size, at=head.at, envelope=signed))
    facts: dict[str, Json] = {"size": head.size, "root": head.root, "log_at": head.at}
    peers.administrative(unit, now, "witnessed", sender, facts)
    send_document(unit, us, sender, (CHECKPOINT, signed), now)


__all__ = ["receive", "receive_cosigned", "show", "witnesses_of"]
