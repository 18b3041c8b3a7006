"""What speaks against a candidate, or against a view of it, for one peer; and whom a view still waits for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from mithaq.model.labels import Label, Tlp
from mithaq.policy import blocks, permit
from mithaq.policy.agreement import Agreement, Clause, digest_of
from mithaq.policy.attribution import attributes, attributes_anything
from mithaq.policy.decision import Reason, Rule, View
from mithaq.policy.known import Orders
from mithaq.policy.persons import needs_of
from mithaq.policy.shown import Shown
from mithaq.policy.situation import Candidate, Peer, Situation
from mithaq.policy.views import Draft, Reading, is_as_stored, is_valid

# What of a candidate is read elsewhere: what is not named here tells candidates apart, also what is added one day.
_ITS_OWN = {
    "key", "object", "author", "beside", "benign", "label_floor", "lowers", "markings", "readers",
}  # fmt: skip
_told_apart_by = attrgetter(*sorted(set(Candidate.__struct_fields__) - _ITS_OWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """Where a candidate stands with every peer, as far as no reference and no view is looked at."""

    clauses: Mapping[str, Clause]  # the one that permits it, for each peer whose own it is not
    reasons: Mapping[str, list[Reason]]  # against it
    apart: tuple[Clause, ...]  # the different ones among ``clauses``, in the order of the agreement
    open: frozenset[str]  # the peers that nothing speaks against
    quiet: bool  # of a low level, and nothing was ever shown, recalled, approved or consented of it


class Grounds:
    """The rules of one agreement in one situation; reads no other candidate."""

    def __init__(
        self, situation: Situation, agreement: Agreement, peers: Mapping[str, Peer]
    ) -> None:
        """Collect recalls and past rows once for all candidates."""
        self._situation = situation
        self._agreement = agreement
        self._peers = peers
        self._terms = digest_of(agreement)
        self._blocks = [b for b in situation.blocks if blocks.stands(b, situation.instants)]
        self._orders = Orders(situation, agreement)
        self.shown = Shown(situation, agreement, self._orders)
        self._by_content = any(map(permit.reads_content, agreement.clauses))
        consented = {consent.id for consent in situation.consents}
        self._touched = consented | {order.id for order in situation.recalls}
        self._approved = {approval.key for approval in situation.approvals}
        self._stands: dict[tuple[object, ...], tuple[Label, Stand]] = {}

    def stand(self, read: Reading) -> Stand:
        """Return where a candidate stands; worked out once for those that no rule tells apart."""
        c = read.candidate
        past = c.object.id in self._touched or c.key in self._approved or self.shown.ever(c)
        if past or self._by_content or self._blocks:
            return self._stand(read, past=past)
        alike = (c.object.type, id(read.label), *_told_apart_by(c))
        found = self._stands.get(alike)
        if found is None:  # the label is kept with it, so that no other takes over its identity
            found = self._stands[alike] = (read.label, self._stand(read, past=False))
        return found[1]

    def _stand(self, read: Reading, *, past: bool) -> Stand:
        clauses: dict[str, Clause] = {}
        against: dict[str, list[Reason]] = {}
        for name, peer in self._peers.items():
            clause, reasons = self.against(read, peer)
            against[name] = reasons
            if clause is not None and all(reason.rule is not Rule.ECHO for reason in reasons):
                clauses[name] = clause
        wanted = {clause.id for clause in clauses.values()}
        return Stand(
            clauses=clauses,
            reasons=against,
            apart=tuple(clause for clause in self._agreement.clauses if clause.id in wanted),
            open=frozenset(name for name in clauses if not against[name]),
            quiet=not past and (read.label.tlp or Tlp.CLEAR) < Tlp.AMBER_STRICT,
        )

    def nothing_new(self, made: Draft, stand: Stand) -> bool:
        """Say whether the stored bytes show nothing that ``stand`` has not looked at, and wait for nobody."""
        candidate = made.reading.candidate
        return (
            stand.quiet
            and is_as_stored(made)
            and not candidate.lowers
            and not candidate.benign
            and not attributes_anything(candidate.object)
        )

    def against(self, read: Reading, peer: Peer) -> tuple[Clause | None, list[Reason]]:
        """Return the clause that permits a candidate, and what its label, origin and past say against it.

        What stands above agreements is said first: no clause gets around it.
        """
        candidate, label = read.candidate, read.label
        whole_and_parts = (label, *read.paths.values())
        reasons = list(blocks.against(self._blocks, candidate, whole_and_parts, peer))
        reasons += self.shown.against_version(candidate, peer.name)
        if self._orders.take(candidate, peer.name):
            reasons.append(Reason(rule=Rule.RECALLED))
        reasons += permit.origin(candidate, peer)
        reasons += permit.caveats(self._situation, label, peer)
        clause, unmet = permit.permitting(self._situation, self._agreement, candidate, label, peer)
        reasons += unmet
        if clause is not None:
            reasons += permit.client(self._agreement, clause, label, peer)
        reasons += permit.onward(self._situation, candidate, label, peer)
        return clause, reasons

    def exact(self, made: Draft, peer: Peer) -> Rule | None:
        """Return the rule by which the candidate goes to ``peer`` whole or not at all (border.md 1.4, 5.5)."""
        if made.reading.sco:
            return Rule.SCO_PARTIAL
        sink = peer.constituency_of == self._situation.us
        return Rule.RELAY_EXACT if made.reading.candidate.relayed and not sink else None

    def against_view(self, made: Draft, seen: View, peer: Peer) -> Iterator[Reason]:
        """Yield what speaks against the view."""
        candidate, clause = made.reading.candidate, made.clause
        yield from self._against_form(made, seen, peer)
        yield from permit.caveats(self._situation, seen.label, peer)
        yield from permit.client(self._agreement, clause, seen.label, peer)
        yield from permit.onward(self._situation, candidate, seen.label, peer)
        yield from permit.readers(candidate, seen.label, peer)
        if clause.attribution == "withhold" and attributes(seen.body):
            yield Reason(rule=Rule.ATTRIBUTION, clause=clause.id)
        orders = self._orders.touching(candidate, peer.name)
        if any(order.view == seen.digest for order in orders):
            yield Reason(rule=Rule.RECALLED)
        yield from self.shown.against_view(candidate, seen, peer.name)

    def _against_form(self, made: Draft, seen: View, peer: Peer) -> Iterator[Reason]:
        """Yield what forbids the change that makes the view; unchanged bytes are fit (border.md 1.4, 1.5)."""
        exact, clause = self.exact(made, peer), made.clause.id
        if exact is not None and (seen.removed or (seen.added and exact is Rule.RELAY_EXACT)):
            yield Reason(rule=exact, clause=clause, facts={"because": "cut"})
        elif not is_valid(seen):
            facts = {"removed": ", ".join(seen.removed)}
            yield Reason(rule=Rule.INVALID_VIEW, clause=clause, facts=facts)

    def needs(self, made: Draft, seen: View, peer: str) -> frozenset[str]:
        """Return whom the view waits for; what stands had its second person when it was placed.

        What attributes something to a State may stand without a policy owner's yes: a text before let it go. Under
        one that does not, it waits (border.md 2.10).
        """
        needs = needs_of(self._situation, self._terms, made, seen, peer)
        row = self.shown.stands(made.reading.candidate.key, peer)
        stands = row is not None and row.view == seen.digest
        return needs & {str(Rule.POLICY_OWNER)} if stands else needs
