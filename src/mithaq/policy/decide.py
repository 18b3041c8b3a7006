"""decide: what of the candidates goes to whom under one agreement (border.md 1, 2, 3, 5, 7, 8).

Removals first, then the greatest fixpoint: begin with everything that clauses and labels permit, and take
away what lacks a required reference, makes no fit view, or waits for a person, until nothing changes. An
audience is a set of peers; in an agreement of many its members may differ in whether they receive, never
in what (1.7).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mithaq.policy.agreement import Agreement, Clause
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, View, Withhold
from mithaq.policy.emission import NOBODY, Audience, Emission
from mithaq.policy.grounds import Grounds
from mithaq.policy.known import Known
from mithaq.policy.situation import Candidate, Key, Situation
from mithaq.policy.views import Draft, below, draft, reading, view

Keys = dict[Key, None]  # a set that keeps its order
NAMED = 8  # missing targets that reasons name at most


def decide(
    situation: Situation, agreement: Agreement, candidates: Sequence[Candidate]
) -> Mapping[tuple[str, Key], Decision]:
    """Decide every candidate for every peer of ``agreement``, which is in force; pure and total.

    Returns:
        a decision by (peer, candidate key); under a shadow agreement what would go is withheld, and says so.
    """
    made = _Deciding(situation, agreement, candidates).run()
    return {at: _shadow(one) for at, one in made.items()} if agreement.shadow else made


def _shadow(decision: Decision) -> Decision:
    if isinstance(decision, Withhold):
        return decision
    return Withhold(
        reasons=(Reason(rule=Rule.SHADOW, clause=decision.clause),),
        would=decision,
    )


class _Deciding:
    def __init__(
        self, situation: Situation, agreement: Agreement, candidates: Sequence[Candidate]
    ) -> None:
        self._situation = situation
        self._agreement = agreement
        self._candidates = candidates
        names = (n for n in agreement.names if n != situation.us and n in situation.peers)
        self._peers = {name: situation.peers[name] for name in names}
        self._grounds = Grounds(situation, agreement)
        self._known = Known(situation, agreement, candidates)
        self._why: dict[tuple[str, Key], list[Reason]] = defaultdict(list)
        self._drafts: dict[Key, Draft] = {}
        self._views: dict[tuple[Key, frozenset[str]], View] = {}
        self._held: dict[Key, Audience] = {}
        permitted = {c.key: self._permitted(c) for c in candidates}
        self._emission = Emission(
            {c.key: c.object.id for c in candidates},
            {key: (target for _, target in d.refs) for key, d in self._drafts.items()},
            permitted,
        )

    def run(self) -> Mapping[tuple[str, Key], Decision]:
        self._settle()
        self._supersede()
        return {
            (peer, c.key): self._decision(c.key, peer)
            for c in self._candidates
            for peer in self._peers
        }

    # --- what clauses and labels permit ----------------------------------------------------------
    def _permitted(self, candidate: Candidate) -> Audience:
        """Return the peers that nothing but references and views stands against; note why for others."""
        read = reading(self._situation, candidate)
        clauses: dict[str, Clause] = {}
        for name, peer in self._peers.items():
            clause, reasons = self._grounds.against(read, peer)
            self._why[name, candidate.key] += reasons
            if clause is not None:
                clauses[name] = clause
        if not clauses:
            return NOBODY
        order = [clause.id for clause in self._agreement.clauses]
        chosen = min(clauses.values(), key=lambda clause: order.index(clause.id))
        self._drafts[candidate.key] = draft(read, chosen)
        for name, clause in clauses.items():
            if clause is not chosen:  # another clause would show another view
                facts = {"because": "one-view", "first": chosen.id}
                self._why[name, candidate.key].append(
                    Reason(rule=Rule.NO_CLAUSE, clause=clause.id, facts=facts)
                )
        return frozenset(name for name in self._peers if not self._why[name, candidate.key])

    # --- the fixpoint ----------------------------------------------------------------------------
    def _settle(self) -> None:
        """Narrow until every view stands: references first, then views, then persons, all at once each."""
        unjudged: Keys = dict.fromkeys(self._drafts)
        unasked: Keys = {}
        while unjudged or unasked:
            unjudged = self._follow(unjudged)
            unasked |= unjudged
            lost = {key: self._unfit(key) for key in unjudged}
            if not any(lost.values()):
                lost = {key: self._waiting(key) for key in unasked}
                unasked = {}
            unjudged = self._take(lost)

    def _follow(self, keys: Iterable[Key]) -> Keys:
        """Narrow by references from ``keys`` on until nothing changes; return what that touched."""
        touched: Keys = dict.fromkeys(keys)
        queue = touched.copy()
        while queue:
            key, _ = queue.popitem()
            left = self._having(key, self._emission.to(key))
            if left != self._emission.to(key):
                hit = dict.fromkeys(self._emission.narrow(key, left))
                touched |= {key: None} | hit
                queue |= hit
        return touched

    def _take(self, lost: Mapping[Key, Audience]) -> Keys:
        """Take candidates from peers; return what has to be looked at again."""
        touched: Keys = {}
        for key, who in lost.items():
            if who:
                hit = self._emission.narrow(key, self._emission.to(key) - who)
                touched |= {key: None} | dict.fromkeys(hit)
        return touched

    def _unfit(self, key: Key) -> Audience:
        """Return those for whom the view is not fit, and note why."""
        who = self._emission.to(key)
        against = {peer: self._against_view(key, peer, who) for peer in who}
        for peer, reasons in against.items():
            self._why[peer, key] += reasons
        return frozenset(peer for peer, reasons in against.items() if reasons)

    def _against_view(self, key: Key, peer: str, who: Audience) -> list[Reason]:
        made = self._drafts[key]
        emptied = self._emptied(made, who)
        if emptied:
            rule, clause = Rule.REFERENCE_REQUIRED, made.clause.id
            return [Reason(rule=rule, clause=clause, facts={"target": t}) for t in emptied[:NAMED]]
        return list(self._grounds.against_view(made, self._view(key, who), self._peers[peer]))

    def _waiting(self, key: Key) -> Audience:
        """Return those for whom the view waits for a person, and note them."""
        who = self._emission.to(key)
        if not who:
            return NOBODY
        made, seen = self._drafts[key], self._view(key, who)
        waits = frozenset(peer for peer in who if self._grounds.needs(made, seen, peer))
        if waits:
            self._held[key] = self._held.get(key, NOBODY) | waits
        return waits

    # --- references ------------------------------------------------------------------------------
    def _has(self, target: str) -> Audience:
        return self._emission.have(target) | self._known.who_has(target)

    def _having(self, key: Key, who: Audience) -> Audience:
        """Return those of ``who`` that have all the candidate cannot go to them without."""
        made = self._drafts[key]
        for pointer, target in made.refs:
            lacking = who - self._has(target)
            who -= frozenset(peer for peer in lacking if self._must(made, pointer, peer))
        return who

    def _must(self, made: Draft, pointer: str, peer: str) -> bool:
        """Say whether the candidate cannot go to ``peer`` without what stands at ``pointer``."""
        if pointer in made.reading.required or self._grounds.exact(made, self._peers[peer]):
            return True
        first = self._grounds.shown.first(made.reading.candidate.key)
        return first is not None and not below(pointer, first.removed)

    def _emptied(self, made: Draft, who: Audience) -> list[str]:
        """Return the targets of a required list that ``who`` would be left without."""
        for name in made.reading.lists:
            named = [target for pointer, target in made.refs if pointer.startswith(f"{name}/")]
            if not any(who <= self._has(target) for target in named):
                return named or [""]
        return []

    def _view(self, key: Key, who: Audience) -> View:
        """Return what ``who`` see; in an agreement of many a version stays as first released (5.3)."""
        first = self._grounds.shown.first(key)
        without = (
            first.removed
            if first is not None
            else frozenset(p for p, t in self._drafts[key].refs if not who <= self._has(t))
        )
        made = self._views.get((key, without))
        if made is None:
            made = self._views[key, without] = view(self._drafts[key], without)
        return made

    # --- the answer ------------------------------------------------------------------------------
    def _supersede(self) -> None:
        """Where the agreement shows only the latest version, older ones leave once a newer one goes."""
        if self._agreement.versions != "latest":
            return
        newest: dict[tuple[str, str, str], str] = {}
        for c in self._candidates:
            for peer in self._emission.to(c.key):
                at = (peer, c.voucher, c.object.id)
                newest[at] = max(newest.get(at, ""), c.object.version)
        for c in self._candidates:
            who = self._emission.to(c.key)
            old = {p for p in who if c.object.version < newest[p, c.voucher, c.object.id]}
            for peer in old:
                self._why[peer, c.key].append(Reason(rule=Rule.SUPERSEDED))
            self._emission.narrow(c.key, who - old)

    def _decision(self, key: Key, peer: str) -> Decision:
        who = self._emission.to(key)
        if peer in who:
            clause = self._drafts[key].clause
            return Release(view=self._view(key, who), clause=clause.id, onward=clause.onward)
        if peer in self._held.get(key, NOBODY):
            return self._hold(key, peer)
        return Withhold(reasons=tuple(self._why[peer, key]) or self._missing(key, peer))

    def _hold(self, key: Key, peer: str) -> Decision:
        """Withhold comes before hold: what lacks a reference by now waits for nobody (border.md 2.5)."""
        made = self._drafts[key]
        left = self._having(key, self._held[key])
        if peer not in left:
            return Withhold(reasons=self._missing(key, peer))
        who = left | self._emission.to(key)
        against = self._against_view(key, peer, who)
        if against:
            return Withhold(reasons=tuple(against))
        seen, clause = self._view(key, who), made.clause
        needs = self._grounds.needs(made, seen, peer)
        return Hold(
            view=seen,
            clause=clause.id,
            needs=needs,
            reasons=tuple(Reason(rule=Rule(need), clause=clause.id) for need in sorted(needs)),
            onward=clause.onward,
        )

    def _missing(self, key: Key, peer: str) -> tuple[Reason, ...]:
        """Say which references the peer lacks."""
        made = self._drafts[key]
        lacking = {
            target: self._rule(made, pointer, peer)
            for pointer, target in made.refs
            if peer not in self._has(target) and self._must(made, pointer, peer)
        }
        return tuple(
            Reason(rule=rule, clause=made.clause.id, facts={"target": target})
            for target, rule in sorted(lacking.items())[:NAMED]
        )

    def _rule(self, made: Draft, pointer: str, peer: str) -> Rule:
        exact = self._grounds.exact(made, self._peers[peer])
        if exact is None and pointer not in made.reading.required:
            return Rule.FIRST_VIEW
        return exact or Rule.REFERENCE_REQUIRED
