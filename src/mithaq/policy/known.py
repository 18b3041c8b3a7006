"""Whom we may let know that a target exists: who has it already (border.md 2.5), and what is recalled (7)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from mithaq.model.objects import moment
from mithaq.policy.agreement import Agreement
from mithaq.policy.situation import Candidate, Recall, Situation

Audience = frozenset[str]


class Orders:
    """The recalls that touch versions under one agreement: an owner's, and ours of what feeds gave (border.md 7)."""

    def __init__(self, situation: Situation, agreement: Agreement) -> None:
        """Collect them once for all candidates."""
        self._us = situation.us
        self._agreement = agreement.id
        self._of: dict[str, list[Recall]] = defaultdict(list)
        for order in situation.recalls:
            self._of[order.id].append(order)

    def touching(self, candidate: Candidate, peer: str) -> Iterator[Recall]:
        """Yield the valid orders that touch this version for this peer."""
        stored = candidate.object
        # What a file or a feed gave us came from no party that could take it back: whom we gave it, we may.
        given = candidate.owner or candidate.voucher
        fetched = not (candidate.own or candidate.sent_by or candidate.via_agreement)
        for order in self._of.get(stored.id, ()):
            owner = self._us if fetched and order.by == self._us else given
            this = (
                order.version == stored.version
                if order.version is not None
                else moment(stored.version) <= moment(order.issued)
            )
            brought = order.brought_by in ("", candidate.sent_by)
            if order.by == owner and this and brought and self._reaches(order, candidate, peer):
                yield order

    def _reaches(self, order: Recall, candidate: Candidate, peer: str) -> bool:
        """Ours takes a version from those it names; another's takes the copy it names out of our use."""
        if order.by == self._us:
            under, towards = {self._agreement}, {peer}
        else:
            under, towards = {candidate.via_agreement, self._agreement}, {self._us, peer}
        return (order.agreement is None or order.agreement in under) and (
            order.peers is None or bool(order.peers & towards)
        )

    def name(self, candidate: Candidate) -> bool:
        """Say whether any order names the candidate's id."""
        return candidate.object.id in self._of

    def keepers(self, candidate: Candidate, peers: Audience) -> Audience:
        """Return those of ``peers`` from whom no order takes the version."""
        return frozenset(peer for peer in peers if not self.take(candidate, peer))

    def take(self, candidate: Candidate, peer: str) -> bool:
        """Say whether an order takes the version from this peer whatever its view."""
        return any(
            order.view is None or (order.by != self._us and order.view == candidate.object.digest)
            for order in self.touching(candidate, peer)
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
        names = frozenset(n for n in agreement.names if n != situation.us and n in situation.peers)
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
            if row.peer in names and (ours or not many) and not (ours and row.key in deciding):
                self._have[row.id] |= {row.peer}
        if many:
            self._relayed(agreement, candidates)
        here_already = situation.came if many else situation.known
        for name in names:
            for id_ in here_already.get(name, frozenset()):
                self._have[id_] |= {name}
        self._recall(Orders(situation, agreement), candidates)

    def _relayed(self, agreement: Agreement, candidates: Sequence[Candidate]) -> None:
        """Whoever owns or relayed what came under this agreement has it; under ``scope`` everybody has.

        ``Situation.came`` says the same of what is no candidate.
        """
        for c in candidates:
            if c.via_agreement == agreement.id and not (c.forged or c.disowned or c.own):
                has = {c.owner, c.sent_by, c.voucher} & self._everybody
                self._have[c.object.id] |= self._everybody if c.onward == "scope" else has

    def _recall(self, orders: Orders, candidates: Sequence[Candidate]) -> None:
        """What is recalled in every version we hold is dangling from then on, even towards its owner (7.4)."""
        left: dict[str, Audience] = {}
        for c in filter(orders.name, candidates):
            kept = orders.keepers(c, self._everybody)
            left[c.object.id] = left.get(c.object.id, frozenset()) | kept
        for id_, kept in left.items():
            self._have[id_] &= kept

    def who_has(self, target: str) -> Audience:
        """Return the peers that have ``target`` already."""
        return self._have.get(target, frozenset())
