"""Who vouches for the views in an envelope: the sender's batch, or an owner's proof (border.md 5.2, 5.5, 6.6)."""

from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import agreements, consent, peers
from mithaq.border.us import Us
from mithaq.model.labels import Tlp
from mithaq.policy.agreement import Agreement, digest_of
from mithaq.seal.envelope import read, signed_by, verify
from mithaq.seal.merkle import includes
from mithaq.seal.messages import (
    BATCH,
    BadMessage,
    Batch,
    Proof,
    Put,
    Seal,
    Terms,
    batch_leaf,
    batch_root,
    decode,
)


def own(seal: Seal) -> list[Put]:
    """Return the entries that the sender vouches for by its own batch."""
    return [entry for entry in seal.entries if isinstance(entry, Put) and entry.proof is None]


def check(
    unit: Connection, us: Us, seal: Seal, terms: Agreement | None, now: datetime
) -> list[bytes]:
    """Check step 6: every view is vouched for, and each relay may be one, as far as the sender's bytes tell.

    Returns:
        The leaves of the sender's own batch.

    Raises:
        BadEnvelope, BadMessage: it is not.
    """
    leaves = [] if terms is None else [batch_leaf(each) for each in own(seal)]
    if leaves:
        batch = decode(
            verify(read(seal.batch.encode()), BATCH, peers.keys_of(unit, seal.sender, now)), Batch
        )
        if (batch.by, batch.realm) != (seal.sender, seal.realm) or not _scope_fits(batch, seal):
            raise BadMessage("a batch of another sender or scope", cause="batch")
        if (batch.n, batch.root) != (len(leaves), batch_root(leaves)):
            raise BadMessage("a batch of other views", cause="batch")
    for entry in seal.entries:
        if isinstance(entry, Put) and entry.proof is not None:
            _relay(us, seal, entry, entry.proof)
    return leaves


def _scope_fits(batch: Batch, seal: Seal) -> bool:
    return batch.scope in ("open", seal.agreement)


def voucher(seal: Seal, entry: Put) -> str:
    """Return who vouches for a checked entry: the sender, or the owner whose proof it shows."""
    if entry.proof is None:
        return seal.sender
    return decode(read(entry.proof.batch.encode()).payload, Batch).by


def _relay(us: Us, seal: Seal, entry: Put, proof: Proof) -> None:
    """Check of a relayed entry what its sender can check as well; the owner's signature is ``proven``'s."""
    envelope = read(proof.batch.encode())
    if envelope.payload_type != BATCH:
        raise BadMessage("a proof that is no batch", cause="proof")
    batch = decode(envelope.payload, Batch)
    if batch.by in (us.party, seal.sender):
        raise BadMessage("a relay of our own, or of its own", cause="proof")
    leaf, root = batch_leaf(entry), bytes.fromhex(batch.root)
    way = [bytes.fromhex(step) for step in proof.path]
    if batch.realm != seal.realm or not includes(root, batch.n, leaf, proof.index, way):
        raise BadMessage("the owner's proof does not hold", cause="proof")


def proven(unit: Connection, proof: Proof, now: datetime) -> bool:
    """Say whether the owner of a relayed entry signed its ``proof``, as far as we know that owner's keys.

    It depends on whom we are enrolled with, so it sets an object aside and refuses no envelope: else the channel
    would stop, and our heartbeat tell the sender which nations we do not know (border.md 6).
    """
    envelope = read(proof.batch.encode())
    by = decode(envelope.payload, Batch).by
    return bool(signed_by(envelope, peers.proving_keys_of(unit, by, now)))


def reach(unit: Connection, us: Us, entry: Put, proof: Proof, now: datetime) -> Tlp:
    """Return the highest level at which the owner's ``proof`` lets a relay bring ``entry`` to us (border.md 5.5).

    CLEAR counts as ``open``; ``open`` goes up to GREEN, ``scope`` up to AMBER among the parties it was signed for, and
    what bears its owner's consent that names us up to AMBER+STRICT.
    """
    batch = decode(read(proof.batch.encode()).payload, Batch)
    if consent.lets_in(unit, us, batch.by, entry, now):
        return Tlp.AMBER_STRICT
    if entry.onward == "scope" and isinstance(batch.scope, Terms):
        scope = batch.scope
        texts = (
            t for t in agreements.versions(unit, scope.id) if digest_of(t.text) == scope.digest
        )
        if any(t.complete and t.text.party(us.party) is not None for t in texts):
            return Tlp.AMBER
    return Tlp.GREEN if entry.onward == "open" else Tlp.CLEAR
