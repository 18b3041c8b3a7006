"""Owners' proofs as copies keep them: of a batch that came whole, its leaves once instead of a path for each view."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from mithaq.model.canonical import digest
from mithaq.seal.merkle import SIZE, Fetch, in_memory, path
from mithaq.seal.messages import Proof, Seal
from mithaq.store import provenance


class _Kept(msgspec.Struct, frozen=True):
    """A proof as a copy keeps it."""

    batch: str  # its envelope as JSON text; its digest, if the path is made from its leaves
    index: int
    path: list[str] | None = None


def shown(seal: Seal, count: int) -> list[str]:
    """Return the proofs to keep beside the copies of the entries of the sender's batch, in order."""
    name = digest(seal.batch.encode())
    return [f'{{"batch":"{name}","index":{index}}}' for index in range(count)]


def keep(unit: Connection, seal: Seal, leaves: Sequence[bytes]) -> None:
    """Keep the sender's batch, for there are copies that came by it."""
    provenance.put_batch(unit, digest(seal.batch.encode()), seal.batch, leaves)


def relayed(proof: Proof) -> str:
    """Return a relayed entry's proof as it is kept beside its copy."""
    return msgspec.json.encode(_Kept(proof.batch, proof.index, proof.path)).decode()


class Proofs:
    """The proofs of copies that are here, whole again; each batch is looked up once."""

    def __init__(self, unit: Connection) -> None:
        """Read them through ``unit``."""
        self._unit = unit
        self._batches: dict[str, tuple[str, int, Fetch]] = {}

    def batch(self, proof: str) -> str:
        """Return the envelope, as JSON text, of the batch that a copy came by."""
        shown = msgspec.json.decode(proof, type=_Kept)
        return self._batch(shown.batch)[0] if shown.path is None else shown.batch

    def whole(self, proof: str) -> Proof:
        """Return the proof of a copy as a relay shows it."""
        shown = msgspec.json.decode(proof, type=_Kept)
        if shown.path is not None:
            return Proof(batch=shown.batch, index=shown.index, path=shown.path)
        envelope, size, fetch = self._batch(shown.batch)
        way = path(shown.index, size, fetch)
        return Proof(batch=envelope, index=shown.index, path=[step.hex() for step in way])

    def _batch(self, name: str) -> tuple[str, int, Fetch]:
        if name not in self._batches:
            envelope, leaves = provenance.batch(self._unit, name)
            each = [leaves[at : at + SIZE] for at in range(0, len(leaves), SIZE)]
            self._batches[name] = (envelope, len(each), in_memory(each))
        return self._batches[name]
