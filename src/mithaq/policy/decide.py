"""decide: what of the candidates goes to whom under one agreement (border.md 1, 2, 3, 5, 7, 8).

Removals first, then the greatest fixpoint: begin with everything that clauses and labels permit, and take
away what lacks a required reference, makes no fit view, or waits for a person, until nothing changes. An
audience is a set of peers; in an agreement of many its members may differ in whether they receive, never
in what (1.7).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mithaq.model.objects import moment
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, View, Withhold
from mithaq.policy.emission import NOBODY, Audience, Emission
from mithaq.policy.grounds import Grounds, Stand
from mithaq.policy.known import Known
from mithaq.policy.persons import because
from mithaq.policy.situation import Candidate, Key, Situation
from mithaq.policy.views import Borne, Draft, below, draft, reading, view

Keys = dict[Key, None]  # a set that keeps its order
NOTHING = frozenset[str]()  # that a view leaves out
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
        self._grounds = Grounds(situation, agreement, self._peers)
        self._known = Known(situation, agreement, candidates)
        self._why: dict[tuple[str, Key], list[Reason]] = defaultdict(list)
        self._borne: Borne = {}
        self._stands: dict[Key, Stand] = {}
        self._drafts: dict[Key, Draft] = {}  # what all see of a candidate
        self._by_clause: dict[
            Key, dict[str, Draft]
        ] = {}  # the same under each clause that permits it
        self._views: dict[tuple[Key, frozenset[str]], View] = {}
        self._stored: dict[Key, View] = {}  # of what is plain
        self._held: dict[Key, Audience] = {}
        self._audiences: dict[Audience, Audience] = {}
        self._whole: set[Key] = set()  # whoever gets it has all that it names
        self._plain: set[Key] = set()  # nobody has to look at it, as long as it is whole
        permitted = {c.key: self._permitted(c) for c in candidates}
        self._emission = Emission(
            {c.key: c.object.id for c in candidates},
            {key: made.refs for key, made in self._drafts.items()},
            permitted,
        )

    def run(self) -> Mapping[tuple[str, Key], Decision]:
        self._settle(dict.fromkeys(self._drafts))
        self._settle(self._supersede())
        made: dict[tuple[str, Key], Decision] = {}
        for c in self._candidates:
            who, going = self._emission.to(c.key), dict[str, Release]()
            for peer in self._peers:
                made[peer, c.key] = (
                    self._goes(c.key, peer, who, going) if peer in who else self._stays(c.key, peer)
                )
        return made

    # --- what clauses and labels permit ----------------------------------------------------------
    def _permitted(self, candidate: Candidate) -> Audience:
        """Return the peers that nothing but references and views stands against."""
        key = candidate.key
        read = reading(self._situation, candidate, self._borne)
        stand = self._stands[key] = self._grounds.stand(read)
        drafts = self._by_clause[key] = {c.id: draft(read, c) for c in stand.apart}
        if not drafts:
            return NOBODY
        chosen = self._drafts[key] = drafts[stand.apart[0].id]
        if self._grounds.nothing_new(chosen, stand):
            self._plain.add(key)
        if len(drafts) == 1 or all(made.shape == chosen.shape for made in drafts.values()):
            return self._shared(stand.open)
        return self._shared(stand.open - self._otherwise(key, chosen))

    def _otherwise(self, key: Key, chosen: Draft) -> Audience:
        """Return whose own clause would cut otherwise than the first, which decides: they get nothing (1.7)."""
        names: list[str] = []
        for name in self._stands[key].clauses:
            made = self._own(name, key)
            if made.shape != chosen.shape:
                facts = {"because": "one-view", "first": chosen.clause.id}
                reason = Reason(rule=Rule.NO_CLAUSE, clause=made.clause.id, facts=facts)
                self._why[name, key].append(reason)
                names.append(name)
        return frozenset(names)

    def _own(self, peer: str, key: Key) -> Draft:
        """Return what is cut under the peer's own clause."""
        return self._by_clause[key][self._stands[key].clauses[peer].id]

    def _shared(self, who: Audience) -> Audience:
        """Return an audience, the very same object for the same peers: equal ones are compared all the time."""
        return self._audiences.setdefault(who, who)

    # --- the fixpoint ----------------------------------------------------------------------------
    def _settle(self, unjudged: Keys) -> None:
        """Narrow until every view stands: references first, then views, then persons, all at once each."""
        unasked: Keys = {}
        while unjudged or unasked:
            unjudged = self._follow(unjudged)
            unasked |= unjudged
            lost = {key: self._unfit(key) for key in unjudged if not self._is_plain(key)}
            if not any(lost.values()):
                lost = {key: self._waiting(key) for key in unasked if not self._is_plain(key)}
                unasked = {}
            unjudged = self._take(lost)

    def _follow(self, keys: Iterable[Key]) -> Keys:
        """Narrow by references from ``keys`` on until nothing changes; return what that touched."""
        touched: Keys = dict.fromkeys(keys)
        queue = touched.copy()
        while queue:
            key, _ = queue.popitem()
            who = self._emission.to(key)
            if self._has_all(who, key):
                self._whole.add(key)
                continue
            left = self._having(key, who)
            if left != who:
                hit = self._narrow(key, left)
                touched |= {key: None} | hit
                queue |= hit
        return touched

    def _narrow(self, key: Key, who: Audience) -> Keys:
        """Give the candidate to ``who`` alone; return what names what somebody lost by that."""
        hit = dict.fromkeys(self._emission.narrow(key, who))
        self._whole.difference_update(hit)
        return hit

    def _take(self, lost: Mapping[Key, Audience]) -> Keys:
        """Take candidates from peers; return what has to be looked at again."""
        touched: Keys = {}
        for key, who in lost.items():
            if who:
                touched |= {key: None} | self._narrow(key, self._emission.to(key) - who)
        return touched

    def _is_plain(self, key: Key) -> bool:
        """Say whether all see the stored bytes, and nothing is to be judged that was not judged before."""
        return key in self._plain and key in self._whole

    def _unfit(self, key: Key) -> Audience:
        """Return those for whom the view is not fit, and note why."""
        who = self._emission.to(key)
        against = {peer: self._against_view(key, peer, who) for peer in who}
        for peer, reasons in against.items():
            self._why[peer, key] += reasons
        return frozenset(peer for peer, reasons in against.items() if reasons)

    def _against_view(self, key: Key, peer: str, who: Audience) -> list[Reason]:
        made = self._own(peer, key)
        emptied = self._emptied(made, who)
        if emptied:
            return _lacking(made, ((target, Rule.REFERENCE_REQUIRED) for target in emptied))
        return list(self._grounds.against_view(made, self._view(key, who), self._peers[peer]))

    def _waiting(self, key: Key) -> Audience:
        """Return those for whom the view waits for a person, and note them."""
        who = self._emission.to(key)
        if not who:
            return NOBODY
        seen = self._view(key, who)
        waits = frozenset(p for p in who if self._grounds.needs(self._own(p, key), seen, p))
        if waits:
            self._held[key] = self._held.get(key, NOBODY) | waits
        return waits

    # --- references ------------------------------------------------------------------------------
    def _has(self, target: str) -> Audience:
        return self._emission.have(target) | self._known.who_has(target)

    def _all_have(self, who: Audience, target: str) -> bool:
        return who <= self._emission.have(target) or who <= self._has(target)

    def _has_all(self, who: Audience, key: Key) -> bool:
        """Say whether ``who`` have all that the candidate names."""
        have = self._emission.whose
        for _, target in self._drafts[key].refs:
            if who is not have.get(target) and not self._all_have(who, target):
                return False
        return True

    def _having(self, key: Key, who: Audience) -> Audience:
        """Return those of ``who`` that have all the candidate cannot go to them without."""
        for pointer, target in self._drafts[key].refs:
            if self._all_have(who, target):
                continue
            lacking = who - self._has(target)
            who -= frozenset(peer for peer in lacking if self._must(key, pointer, peer))
        return who

    def _must(self, key: Key, pointer: str, peer: str) -> Rule | None:
        """Return the rule by which the candidate cannot go to ``peer`` without what stands at ``pointer``."""
        made = self._drafts[key]
        exact = self._grounds.exact(made, self._peers[peer])
        if exact is not None or pointer in made.reading.required:
            return exact or Rule.REFERENCE_REQUIRED
        first = self._grounds.shown.first(made.reading.candidate)
        return Rule.FIRST_VIEW if first and not below(pointer, first.removed) else None

    def _emptied(self, made: Draft, who: Audience) -> list[str]:
        """Return the targets of a required list that ``who`` would be left without."""
        for name in made.reading.lists:
            named = [target for pointer, target in made.refs if pointer.startswith(f"{name}/")]
            if named and not any(who <= self._has(target) for target in named):
                return named
        return []

    def _view(self, key: Key, who: Audience) -> View:
        """Return what ``who`` see; in an agreement of many a version stays as first released (5.3)."""
        if self._is_plain(key):
            return self._stored.get(key) or self._as_stored(key)
        without = self._without(key, who)
        made = self._views.get((key, without))
        if made is None:
            made = self._views[key, without] = view(self._drafts[key], without)
        return made

    def _as_stored(self, key: Key) -> View:
        made = self._stored[key] = view(self._drafts[key], NOTHING)
        return made

    def _without(self, key: Key, who: Audience) -> frozenset[str]:
        made = self._drafts[key]
        first = self._grounds.shown.first(made.reading.candidate)
        if first is not None:
            return first.removed
        return frozenset(p for p, target in made.refs if not self._all_have(who, target))

    def _supersede(self) -> Keys:
        """Where the agreement shows only the latest version, older ones leave once a newer one goes."""
        if self._agreement.versions != "latest":
            return {}
        newest: dict[tuple[str, str, str], str] = {}
        for c in self._candidates:
            for peer in self._emission.to(c.key):
                at = (peer, c.voucher, c.object.id)
                newest[at] = max(newest.get(at, ""), c.object.version, key=moment)
        lost: dict[Key, Audience] = {}
        for c in self._candidates:
            for peer in self._emission.to(c.key):
                newer = newest[peer, c.voucher, c.object.id]
                if moment(c.object.version) < moment(newer):
                    reason = Reason(rule=Rule.SUPERSEDED, facts={"by": newer})
                    self._why[peer, c.key].append(reason)
                    lost[c.key] = lost.get(c.key, NOBODY) | {peer}
        return self._take(lost)

    # --- the answer ------------------------------------------------------------------------------
    def _goes(self, key: Key, peer: str, who: Audience, going: dict[str, Release]) -> Release:
        """Return the release, one for all whom the same clause permits it."""
        clause = self._stands[key].clauses[peer]
        if clause.id not in going:
            seen = self._view(key, who)
            going[clause.id] = Release(view=seen, clause=clause.id, onward=clause.onward)
        return going[clause.id]

    def _stays(self, key: Key, peer: str) -> Decision:
        if peer in self._held.get(key, NOBODY):
            return self._hold(key, peer)
        why = [*self._stands[key].reasons[peer], *self._why.get((peer, key), ())]
        return Withhold(reasons=tuple(why or self._missing(key, peer)))

    def _hold(self, key: Key, peer: str) -> Decision:
        """Withhold comes before hold: what lacks a reference by now waits for nobody (border.md 2.5).

        By now the view may be one that was approved already; then it goes.
        """
        made = self._own(peer, key)
        who = self._emission.to(key) or self._having(key, self._held[key])
        against = self._missing(key, peer) or self._against_view(key, peer, who)
        seen, clause = self._view(key, who), made.clause
        against = against or self._unseen(made, seen, peer)
        if against:
            return Withhold(reasons=tuple(against))
        needs = self._grounds.needs(made, seen, peer)
        if not needs:
            return Release(view=seen, clause=clause.id, onward=clause.onward)
        return Hold(
            view=seen,
            clause=clause.id,
            needs=needs,
            reasons=tuple(because(need, made, seen) for need in sorted(needs)),
            onward=clause.onward,
        )

    def _missing(self, key: Key, peer: str) -> list[Reason]:
        """Say which references the peer lacks."""
        made = self._drafts[key]
        lacking = ((t, self._must(key, p, peer)) for p, t in made.refs if peer not in self._has(t))
        return _lacking(made, ((target, rule) for target, rule in lacking if rule))

    def _unseen(self, made: Draft, seen: View, peer: str) -> list[Reason]:
        """Say which references of what others see the peer lacks; it would have to see another view (1.7)."""
        removed = frozenset(seen.removed)
        unseen = (t for p, t in made.refs if not below(p, removed) and peer not in self._has(t))
        return _lacking(made, ((target, Rule.FIRST_VIEW) for target in unseen))


def _lacking(made: Draft, lacking: Iterable[tuple[str, Rule]]) -> list[Reason]:
    return [
        Reason(
            rule=rule,
            clause=made.clause.id,
            facts={"target": target}
            if rule is Rule.REFERENCE_REQUIRED
            else {"because": "target", "target": target},
        )
        for target, rule in sorted(set(lacking))[:NAMED]
    ]
