"""Whom we may let know that a target exists: who has it already (border.md 2.5), and what is recalled (7)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mithaq.policy.agreement import Agreement
from mithaq.policy.situation import Candidate, Recall, Situation

Audience = frozenset[str]


def recalls_of(
    situation: Situation, agreement: Agreement, candidate: Candidate, peer: str
) -> Iterator[Recall]:
    """Yield the valid orders that touch this version for this peer; only its owner's are valid."""
    stored = candidate.object
    owner = candidate.owner or candidate.voucher
    for order in situation.recalls:
        if order.by != owner or order.id != stored.id:
            continue
        ours = order.agreement is None or order.agreement == agreement.id
        theirs = order.peers is None or peer in order.peers
        this = (
            order.version == stored.version
            if order.version is not None
            else stored.version <= order.issued
        )
        if ours and theirs and this:
            yield order


def recalled(
    situation: Situation, agreement: Agreement, candidate: Candidate, peer: str
) -> bool:
    """Say whether an order takes the version from this peer whatever its view."""
    return any(
        order.view is None
        for order in recalls_of(situation, agreement, candidate, peer)
    )


class Known:
    """Who has a target besides what this decision emits."""

    def __init__(
        self,
        situation: Situation,
        agreement: Agreement,
        candidates: Sequence[Candidate],
    ) -> None:
        """Collect it once for all candidates."""
        names = frozenset(
            n for n in agreement.names if n != situation.us and n in situation.peers
        )
        self._everybody = names
        self._have: dict[str, Audience] = defaultdict(frozenset)
        for id_ in situation.reference_ids | situation.identities:
            self._have[id_] = names
        many = agreement.kind == "forum"
        for name in names:
            for id_ in situation.peers[name].identities:
                self._have[id_] |= names if many else {name}
        deciding = {c.key for c in candidates}
        for row in situation.shelves:
            ours = row.agreement == agreement.id
            if (
                row.peer in names
                and (ours or not many)
                and not (ours and row.key in deciding)
            ):
                self._have[row.id] |= {row.peer}
        if many:
            self._relayed(agreement, candidates)
        else:
            for name in names:
                for id_ in situation.known.get(name, frozenset()):
                    self._have[id_] |= {name}
        for id_ in _wholly_recalled(situation, agreement, candidates):
            self._have.pop(id_, None)

    def _relayed(self, agreement: Agreement, candidates: Sequence[Candidate]) -> None:
        """Whoever owns or relayed what came under this agreement has it; under ``scope`` everybody has."""
        for c in candidates:
            if c.via_agreement == agreement.id and not (
                c.forged or c.disowned or c.own
            ):
                has = {c.owner, c.sent_by, c.voucher} & self._everybody
                self._have[c.object.id] |= (
                    self._everybody if c.onward == "scope" else has
                )

    def who_has(self, target: str) -> Audience:
        """Return the peers that have ``target`` already."""
        return self._have.get(target, frozenset())


def _wholly_recalled(
    situation: Situation, agreement: Agreement, candidates: Sequence[Candidate]
) -> set[str]:
    """Return ids of which every version we hold is recalled: dangling from then on, even towards the owner."""
    ordered = {order.id for order in situation.recalls}
    versions: dict[str, list[Candidate]] = defaultdict(list)
    for c in candidates:
        if c.object.id in ordered:
            versions[c.object.id].append(c)
    return {
        id_
        for id_, held in versions.items()
        if all(
            recalled(situation, agreement, c, p) for c in held for p in situation.peers
        )
    }
