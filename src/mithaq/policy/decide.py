"""decide: what of the candidates goes to whom under one agreement (border.md 1, 2, 3, 5, 7, 8).

Removals first, then the greatest fixpoint: begin with everything that clauses and labels permit, and take
away what lacks a required reference, makes no valid view, tells of hidden changes, or waits for a person,
until nothing changes. An audience is a set of peers; in an agreement of many its members may differ in
whether they receive, never in what (1.7).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mithaq.policy import permit
from mithaq.policy.agreement import Agreement, Clause, digest_of
from mithaq.policy.attribution import attributes
from mithaq.policy.decision import Decision, Hold, Reason, Release, Rule, View, Withhold
from mithaq.policy.known import Known, recalled, recalls_of
from mithaq.policy.persons import needs_of
from mithaq.policy.situation import Candidate, Key, Peer, Situation, Standing
from mithaq.policy.views import Draft, Reading, draft, is_valid, reading, view

Audience = frozenset[str]
Why = dict[tuple[str, Key], list[Reason]]
NOBODY: Audience = frozenset()


def decide(
    situation: Situation, agreement: Agreement, candidates: Sequence[Candidate]
) -> Mapping[tuple[str, Key], Decision]:
    """Decide every candidate for every peer of ``agreement``, which is in force; pure and total.

    Returns:
        a decision by (peer, candidate key).
    """
    return _Deciding(situation, agreement, candidates).run()


class _Deciding:
    def __init__(
        self,
        situation: Situation,
        agreement: Agreement,
        candidates: Sequence[Candidate],
    ) -> None:
        self.situation = situation
        self.agreement = agreement
        self.terms = digest_of(agreement)
        names = [
            n for n in agreement.names if n != situation.us and n in situation.peers
        ]
        self.peers: dict[str, Peer] = {name: situation.peers[name] for name in names}
        self.why: Why = defaultdict(list)
        self.rows: dict[Key, list[Standing]] = defaultdict(list)
        self.rows_of_id: dict[str, list[Standing]] = defaultdict(list)
        for row in situation.shelves:
            if row.agreement == agreement.id:
                self.rows[row.key].append(row)
                self.rows_of_id[row.id].append(row)
        self.drafts: dict[Key, Draft] = {}
        self.candidates = candidates
        self.allowed: dict[Key, Audience] = {}
        self.emitted: dict[Key, Audience] = {}
        self.views: dict[tuple[Key, frozenset[str]], View] = {}
        self.known = Known(situation, agreement, candidates)

    def run(self) -> Mapping[tuple[str, Key], Decision]:
        for candidate in self.candidates:
            self.allowed[candidate.key] = self._allowed(
                reading(self.situation, candidate)
            )
        held: dict[Key, Audience] = defaultdict(frozenset)
        while True:
            self.emitted = {key: who - held[key] for key, who in self.allowed.items()}
            self._shrink(list(self.emitted))
            self._judge_views(held)
            waiting = {
                key: self._waiting(key, who) for key, who in self.emitted.items() if who
            }
            new = {key: who for key, who in waiting.items() if who}
            if not new:
                break
            for key, who in new.items():
                held[key] |= who
        self._supersede()
        return {
            (peer, c.key): self._decision(c, peer, held[c.key])
            for c in self.candidates
            for peer in self.peers
        }

    # --- what clauses and labels permit --------------------------------------------------------------
    def _allowed(self, read: Reading) -> Audience:
        """Return the peers that nothing but references and views stands against; note why for the others."""
        candidate = read.candidate
        clauses: dict[str, Clause] = {}
        for peer in self.peers.values():
            reasons = [
                *self._versions(candidate, peer),
                *permit.origin(candidate, peer),
            ]
            reasons += permit.caveats(self.situation, read.label, peer)
            clause, against = permit.permitting(
                self.situation, self.agreement, candidate, read.label, peer
            )
            reasons += against
            if clause is not None:
                clauses[peer.name] = clause
                reasons += permit.client(self.agreement, clause, read.label, peer)
            reasons += permit.onward(self.situation, candidate, read.label, peer)
            self.why[peer.name, candidate.key] += reasons
        if not clauses:
            return NOBODY
        order = [clause.id for clause in self.agreement.clauses]
        chosen = min(clauses.values(), key=lambda clause: order.index(clause.id))
        self.drafts[candidate.key] = draft(read, chosen)
        for name, clause in clauses.items():
            if clause is not chosen:  # another clause would show another view
                because = {"because": "one-view", "first": chosen.id}
                self.why[name, candidate.key].append(
                    Reason(rule=Rule.NO_CLAUSE, clause=clause.id, facts=because)
                )
        return frozenset(
            name for name in self.peers if not self.why[name, candidate.key]
        )

    def _versions(self, candidate: Candidate, peer: Peer) -> Iterable[Reason]:
        """Yield what the history of the version says (border.md 1.10, 3.5, 7)."""
        here = self.rows[candidate.key]
        shown = any(row.peer == peer.name for row in here)
        if recalled(self.situation, self.agreement, candidate, peer.name):
            yield Reason(rule=Rule.RECALLED)
        if not candidate.newest and not shown:
            yield Reason(rule=Rule.NOT_NEWEST)
        party = self.agreement.party(peer.name)
        joined = party.joined if party else ""
        if (
            joined
            and not shown
            and not self.agreement.history
            and any(row.since < joined for row in here)
        ):
            yield Reason(rule=Rule.HISTORY, facts={"joined": joined})

    # --- references ----------------------------------------------------------------------------------
    def _shrink(self, keys: list[Key]) -> None:
        """Narrow audiences by required references until nothing changes."""
        users: dict[str, set[Key]] = defaultdict(set)
        for key, made in self.drafts.items():
            if self.allowed[key]:
                for _, target in made.refs:
                    users[target].add(key)
        have: dict[str, Audience] = defaultdict(frozenset)
        keys_of: dict[str, list[Key]] = defaultdict(list)
        for c in self.candidates:
            keys_of[c.object.id].append(c.key)
            have[c.object.id] |= self.emitted[c.key]
        self.have = have
        ids = {c.key: c.object.id for c in self.candidates}
        queue = dict.fromkeys(key for key in keys if self.emitted[key])
        while queue:
            key = next(iter(queue))
            del queue[key]
            narrowed = self._narrow(key, self.emitted[key])
            if narrowed == self.emitted[key]:
                continue
            self.emitted[key] = narrowed
            now = frozenset().union(*(self.emitted[k] for k in keys_of[ids[key]]))
            if now != have[ids[key]]:
                have[ids[key]] = now
                queue |= dict.fromkeys(k for k in users[ids[key]] if self.emitted[k])

    def _has(self, target: str) -> Audience:
        return self.have.get(target, NOBODY) | self.known.who_has(target)

    def _needs_all(self, key: Key, peer: str) -> bool:
        """Say whether the candidate goes to ``peer`` whole or not at all: an SCO, or a relay."""
        read = self.drafts[key].reading
        return read.sco or (
            read.candidate.relayed
            and self.peers[peer].constituency_of != self.situation.us
        )

    def _narrow(self, key: Key, who: Audience) -> Audience:
        """Return those of ``who`` that may have everything the candidate cannot go without."""
        made = self.drafts[key]
        for pointer, target in made.refs:
            if who and pointer in made.reading.required:
                who &= self._has(target)
        whole = frozenset(peer for peer in who if self._needs_all(key, peer))
        if whole:
            for _, target in made.refs:
                who -= whole - self._has(target)
        return NOBODY if who and self._lists_emptied(made, who) else who

    def _lists_emptied(self, made: Draft, who: Audience) -> bool:
        return any(
            not any(
                who <= self._has(target)
                for pointer, target in made.refs
                if pointer.startswith(f"{name}/")
            )
            for name in made.reading.lists
        )

    def _dangling(self, key: Key, who: Audience) -> frozenset[str]:
        """Return the pointers whose target not all of ``who`` have."""
        return frozenset(
            pointer
            for pointer, target in self.drafts[key].refs
            if not who <= self._has(target)
        )

    # --- views ---------------------------------------------------------------------------------------
    def _view(self, key: Key, who: Audience) -> View:
        without = self._dangling(key, who)
        made = self.views.get((key, without))
        if made is None:
            made = self.views[key, without] = view(self.drafts[key], without)
        return self._first_shown(key, made)

    def _first_shown(self, key: Key, made: View) -> View:
        """In an agreement of many a version stays as first released (border.md 5.3)."""
        rows = self.rows[key]
        if self.agreement.kind != "forum" or not rows or made.digest == rows[0].view:
            return made
        if not set(made.removed) <= _closure(made.removed, rows[0].removed):
            return made
        return view(self.drafts[key], rows[0].removed)

    def _judge_views(self, held: Mapping[Key, Audience]) -> None:
        """Take away what makes no fit view, and shrink again, until every view stands."""
        while True:
            changed: list[Key] = []
            for key, who in self.emitted.items():
                if who:
                    fit = frozenset(
                        peer for peer in who if not self._faults(key, peer, who)
                    )
                    if fit != who:
                        self.emitted[key] = fit
                        changed.append(key)
            if not changed:
                return
            for key in changed:
                self.allowed[key] = self.allowed[key] & (self.emitted[key] | held[key])
            self.emitted = {
                key: who & self.allowed[key] for key, who in self.emitted.items()
            }
            self._shrink(list(self.emitted))

    def _faults(self, key: Key, peer: str, who: Audience) -> list[Reason]:
        """Return what speaks against the view for ``peer``, and note it."""
        made = self.drafts[key]
        seen = self._view(key, who)
        found = list(self._view_faults(made, seen, self.peers[peer]))
        noted = self.why[peer, key]
        noted += [reason for reason in found if reason not in noted]
        return found

    def _view_faults(self, made: Draft, seen: View, peer: Peer) -> Iterable[Reason]:
        candidate, clause = made.reading.candidate, made.clause
        changed = bool(seen.removed or seen.added)
        if made.reading.sco and seen.removed:
            yield Reason(rule=Rule.SCO_PARTIAL, clause=clause.id)
        elif (
            changed and self._needs_all(candidate.key, peer.name) and candidate.relayed
        ):
            yield Reason(rule=Rule.RELAY_EXACT, clause=clause.id)
        elif changed and not is_valid(seen):
            yield Reason(
                rule=Rule.INVALID_VIEW,
                clause=clause.id,
                facts={"removed": ", ".join(seen.removed)},
            )
        if seen.label != made.reading.label:
            yield from permit.client(self.agreement, clause, seen.label, peer)
            yield from permit.onward(self.situation, candidate, seen.label, peer)
        yield from permit.readers(candidate, seen.label, peer)
        if clause.attribution == "withhold" and attributes(seen.body):
            yield Reason(rule=Rule.ATTRIBUTION, clause=clause.id)
        if any(
            order.view == seen.digest
            for order in recalls_of(
                self.situation, self.agreement, candidate, peer.name
            )
        ):
            yield Reason(rule=Rule.RECALLED)
        yield from self._against_shown(candidate, seen, peer.name)

    def _against_shown(
        self, candidate: Candidate, seen: View, peer: str
    ) -> Iterable[Reason]:
        """Yield what the rows on the shelf say of the view (border.md 1.9, 5.3)."""
        rows = self.rows[candidate.key]
        if self.agreement.kind == "forum" and rows and seen.digest != rows[0].view:
            yield Reason(rule=Rule.FIRST_VIEW)
        if not seen.removed or any(row.peer == peer for row in rows):
            return
        earlier = [
            row
            for row in self.rows_of_id[candidate.object.id]
            if row.peer == peer and row.version < candidate.object.version and row.body
        ]
        latest = max(earlier, key=lambda row: row.version, default=None)
        if latest is not None and _but_time(latest.body) == _but_time(seen.body):
            yield Reason(rule=Rule.SILENT_VERSION)

    # --- persons -------------------------------------------------------------------------------------
    def _waiting(self, key: Key, who: Audience) -> Audience:
        """Return those of ``who`` for whom the view still needs a person."""
        seen = self._view(key, who)
        return frozenset(peer for peer in who if self._needs(key, peer, seen))

    def _needs(self, key: Key, peer: str, seen: View) -> frozenset[str]:
        made = self.drafts[key]
        if any(row.peer == peer and row.view == seen.digest for row in self.rows[key]):
            return frozenset()  # what stands there was approved when it was placed
        return needs_of(self.situation, self.terms, made, seen, peer)

    def _supersede(self) -> None:
        """Where the agreement shows only the latest version, older ones leave once a newer one goes."""
        if self.agreement.versions != "latest":
            return
        newest: dict[tuple[str, str, str], str] = {}
        for c in self.candidates:
            for peer in self.emitted[c.key]:
                at = (peer, c.voucher, c.object.id)
                newest[at] = max(newest.get(at, ""), c.object.version)
        for c in self.candidates:
            for peer in self.emitted[c.key]:
                if c.object.version < newest[peer, c.voucher, c.object.id]:
                    self.why[peer, c.key].append(Reason(rule=Rule.SUPERSEDED))
                    self.emitted[c.key] -= {peer}

    # --- the answer ----------------------------------------------------------------------------------
    def _decision(self, candidate: Candidate, peer: str, held: Audience) -> Decision:
        key = candidate.key
        made = self.drafts.get(key)
        if made is not None and peer in self.emitted[key]:
            return Release(
                view=self._view(key, self.emitted[key]),
                clause=made.clause.id,
                onward=made.clause.onward,
            )
        if made is not None and peer in held & self.allowed[key]:
            still = self._narrow(key, held & self.allowed[key])
            if peer in still:
                return self._hold(made, peer, still)
        reasons = tuple(self.why[peer, key])
        return Withhold(reasons=reasons or self._missing(key, peer))

    def _hold(self, made: Draft, peer: str, who: Audience) -> Decision:
        key = made.reading.candidate.key
        seen = self._view(key, who | self.emitted[key])
        faults = tuple(self._view_faults(made, seen, self.peers[peer]))
        if faults:
            return Withhold(reasons=faults)
        needs = self._needs(key, peer, seen)
        reasons = tuple(
            Reason(rule=Rule(need), clause=made.clause.id) for need in sorted(needs)
        )
        return Hold(
            view=seen,
            clause=made.clause.id,
            needs=needs,
            reasons=reasons,
            onward=made.clause.onward,
        )

    def _missing(self, key: Key, peer: str) -> tuple[Reason, ...]:
        """Say which references the peer lacks."""
        made = self.drafts[key]
        rule = Rule.REFERENCE_REQUIRED
        if made.reading.sco:
            rule = Rule.SCO_PARTIAL
        elif made.reading.candidate.relayed and self._needs_all(key, peer):
            rule = Rule.RELAY_EXACT
        lacking = sorted(
            {target for _, target in made.refs if peer not in self._has(target)}
        )
        needed = {t for p, t in made.refs if p in made.reading.required}
        named = [t for t in lacking if t in needed] or lacking or [""]
        return tuple(
            Reason(rule=rule, clause=made.clause.id, facts={"target": t})
            for t in named[:8]
        )


def _but_time(body: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in body.items() if name != "modified"}


def _closure(made: Sequence[str], shown: frozenset[str]) -> set[str]:
    """Return ``shown`` with those of ``made`` that stand below one of them."""
    return set(shown) | {
        p for p in made if any(p.startswith(f"{top}/") for top in shown)
    }
