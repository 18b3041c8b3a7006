"""A second reading of border.md sections 1 to 3, 5, 7 and 8, naive on purpose: sets, and all anew each round.

Nothing of the policy's own logic is used, only its value types; markings and references are read by the model.
"""

from typing import Any

from mithaq.model.canonical import digest
from mithaq.model.labels import Label, Tlp, join
from mithaq.model.markings import path_labels
from mithaq.model.objects import references
from mithaq.model.rules import problems
from mithaq.model.schema import SCO, TYPES
from mithaq.policy.agreement import Agreement, Clause, digest_of
from mithaq.policy.situation import Candidate, Situation
from tests.unit.policy.oracle_rules import (
    caveats,
    client,
    label_of,
    onward,
    orders,
    recalled,
    static,
)
from tests.unit.policy.oracle_views import Answer, attributed, cuts, inside, rough, view

Pair = tuple[str, Any]  # (peer, candidate key)


class Oracle:
    """One decision; ``live`` are the pairs that go."""

    def __init__(self, s: Situation, a: Agreement, candidates: list[Candidate]) -> None:
        self.s, self.a = s, a
        self.c = {c.key: c for c in candidates}
        self.peers = {n: s.peers[n] for n in a.names if n != s.us and n in s.peers}
        self.static: dict[Pair, set[str]] = {}
        self.clause: dict[Pair, Clause] = {}
        for c in candidates:
            for name, peer in self.peers.items():
                rules, clause = static(s, a, c, peer)
                self.static[name, c.key] = rules
                if clause is not None and "echo" not in rules:
                    self.clause[name, c.key] = clause
        self.cut: dict[Any, set[str]] = {}
        self.rough: dict[Any, dict[str, int]] = {}
        for key in self.c:
            self._one_view(key)

    def _one_view(self, key: Any) -> None:
        """Section 1.7: whose clause would cut otherwise than the first one gets nothing."""
        mine = {p: self.clause[p, key] for p in self.peers if (p, key) in self.clause}
        for clause in self.a.clauses:
            if clause in mine.values() and key not in self.cut:
                self.cut[key] = cuts(self.s, self.c[key], clause)
                self.rough[key] = rough(self.c[key], clause, self.cut[key])
        for peer, clause in mine.items():
            cut = cuts(self.s, self.c[key], clause)
            if (cut, rough(self.c[key], clause, cut)) != (self.cut[key], self.rough[key]):
                self.static[peer, key].add("no-clause")

    # --- references, section 2.5
    def known(self, peer: str, target: str) -> bool:
        s, many = self.s, self.a.kind == "forum"
        if self._all_recalled(peer, target):
            return False
        shown = any(
            r.peer == peer and r.id == target
            and (r.agreement == self.a.id or not many)
            and not (r.agreement == self.a.id and r.key in self.c)
            for r in s.shelves
        )  # fmt: skip
        parties = [q for q in self.peers.values() if many or q.name == peer]
        everybody = {*s.reference_ids, *s.identities, *(i for q in parties for i in q.identities)}
        if target in everybody or shown:
            return True
        if not many:
            return target in s.known.get(peer, ())
        return target in s.came.get(peer, ()) or any(
            c.object.id == target
            and c.via_agreement == self.a.id
            and not (c.forged or c.disowned or c.own)
            and (c.onward == "scope" or peer in {c.owner, c.sent_by, c.voucher})
            for c in self.c.values()
        )

    def _all_recalled(self, peer: str, target: str) -> bool:
        versions = [c for c in self.c.values() if c.object.id == target]
        return bool(versions) and all(recalled(self.s, self.a, c, peer) for c in versions)

    def has(self, peer: str, target: str, live: set[Pair]) -> bool:
        gets = any(p == peer and self.c[k].object.id == target for p, k in live)
        return gets or self.known(peer, target)

    def refs(self, key: Any) -> list[tuple[str, str]]:
        marks = ("/object_marking_refs", "/granular_markings")
        return [
            (pointer, target)
            for pointer, target in references(self.c[key].object.body)
            if not pointer.startswith(marks) and not inside(pointer, self.cut[key])
        ]

    def required(self, key: Any, suffix: str) -> set[str]:
        known = TYPES.get(self.c[key].object.type)
        return {f"/{n}" for n in (known.required if known else ()) if n.endswith(suffix)}

    def exact(self, peer: str, key: Any) -> str:
        c = self.c[key]
        if c.object.type in SCO:
            return "sco-partial"
        sink = self.peers[peer].constituency_of == self.s.us
        return "relay-exact" if c.relayed and not sink else ""

    def first(self, key: Any) -> Any:
        """Section 5.3: the first view of an agreement of many, unless a recall names it."""
        rows = [
            r
            for r in (*self.s.shelves, *self.s.past)
            if (r.agreement, r.key) == (self.a.id, key)
            and all(o.view != r.view for o in orders(self.s, self.a, self.c[key], r.peer))
        ]
        rows.sort(key=lambda r: r.since)
        return rows[0] if rows and self.a.kind == "forum" else None

    def lacks(self, peer: str, key: Any, live: set[Pair]) -> set[str]:
        """Return the rules by which the peer cannot have it, as long as it lacks what it lacks."""
        first, rules = self.first(key), set()
        for pointer, target in self.refs(key):
            if self.has(peer, target, live):
                continue
            if self.exact(peer, key):
                rules.add(self.exact(peer, key))
            elif pointer in self.required(key, "_ref"):
                rules.add("reference-required")
            elif first is not None and not inside(pointer, set(first.removed)):
                rules.add("first-view")
        return rules

    # --- views
    def seen(self, key: Any, who: set[str], live: set[Pair]) -> Answer:
        first = self.first(key)
        if first is not None:
            gone = set(first.removed)
        else:
            gone = {p for p, t in self.refs(key) if not all(self.has(x, t, live) for x in who)}
        return view(self.s, self.c[key], gone | self.cut[key], self.rough[key])

    def unfit(self, peer: str, key: Any, who: set[str], live: set[Pair]) -> set[str]:
        """Everything that speaks against the view for this peer."""
        c, p, clause = self.c[key], self.peers[peer], self.clause[peer, key]
        for name in self.required(key, "_refs"):
            targets = [t for q, t in self.refs(key) if q.startswith(name + "/")]
            if targets and not any(all(self.has(x, t, live) for x in who) for t in targets):
                return {"reference-required"}
        made = self.seen(key, who, live)
        label = self.label(key, made)
        rules = caveats(self.s, label, p) | client(self.a, clause, label, p)
        rules |= onward(self.s, c, label, p)
        changed = made.raw != c.object.raw
        if self.exact(peer, key) == "sco-partial" and made.removed:
            rules.add("sco-partial")
        elif self.exact(peer, key) == "relay-exact" and changed:
            rules.add("relay-exact")
        elif changed and problems(made.body):
            rules.add("invalid-view")
        chosen = c.readers.get(peer, frozenset())
        if label.tlp is Tlp.RED and not (p.node and chosen and chosen <= p.readers):
            rules.add("readers")
        if clause.attribution == "withhold" and attributed(made.body):
            rules.add("attribution")
        if any(o.view == digest(made.raw) for o in orders(self.s, self.a, c, peer)):
            rules.add("recalled")
        return rules | self._against_past(peer, key, made)

    def label(self, key: Any, made: Answer) -> Label:
        marks = path_labels(self.c[key].object.body, self.s.markings)
        kept = [m for p, m in marks.items() if p and not inside(p, made.removed)]
        return join(label_of(self.s, self.c[key]), *kept)

    def _against_past(self, peer: str, key: Any, made: Answer) -> set[str]:
        first = self.first(key)
        rules = {"first-view"} if first is not None and first.view != digest(made.raw) else set()
        mine = [r for r in self.s.shelves if (r.agreement, r.peer) == (self.a.id, peer)]
        if made.removed and not any(r.key == key for r in mine):
            this = self.c[key].object
            old = [r for r in mine if r.id == this.id and r.version < this.version]
            old.sort(key=lambda r: r.version)
            if old and _timeless(old[-1].body) == _timeless(made.body):
                rules.add("silent-version")
        return rules

    # --- persons, sections 2.2, 2.8 and 2.10
    def needs(self, peer: str, key: Any, made: Answer) -> set[str]:
        c, clause = self.c[key], self.clause[peer, key]
        rows = {(r.agreement, r.peer, r.key, r.view) for r in self.s.shelves}
        stands = (self.a.id, peer, key, digest(made.raw)) in rows
        level = self.label(key, made).tlp or Tlp.CLEAR
        wanted = set()
        if level in {Tlp.AMBER_STRICT, Tlp.RED} or c.lowers:
            wanted.add("second-person")
        if attributed(made.body) and (clause.attribution == "hold" or not c.own):
            wanted.add("policy-owner")
        if c.benign:
            wanted.add("known-benign")
        for x in self.s.approvals:
            if (
                (x.key, x.agreement_digest, x.view) == (key, digest_of(self.a), digest(made.raw))
                and peer in x.peers
                and x.approver.name not in {x.proposer, c.author}
                and x.approver.clearance >= level
            ):
                wanted -= {"second-person", "known-benign"}
                if "policy-owner" in x.approver.roles:
                    wanted.discard("policy-owner")
        return wanted & {"policy-owner"} if stands else wanted

    # --- the greatest fixpoint
    def run(self) -> dict[Pair, Answer]:
        allowed = {pair for pair, rules in self.static.items() if not rules}
        held: set[Pair] = set()
        old: set[Pair] = set()
        unfit: dict[Pair, set[str]] = {}
        while True:
            live = self._closed(allowed - held)
            bad = {(p, k): f for p, k in live if (f := self.unfit(p, k, _who(live, k), live))}
            if bad:
                unfit |= bad
                allowed -= bad.keys()
                continue
            waits = {(p, k) for p, k in live if self.needs(p, k, self.seen(k, _who(live, k), live))}
            held |= waits
            late = set() if waits else self._superseded(live)
            if not waits and not late:
                break
            old |= late
            allowed -= late
        found: dict[Pair, Answer] = {}
        for pair, rules in self.static.items():
            if rules:
                found[pair] = Answer("withhold", rules=rules)
            elif pair in old:
                found[pair] = Answer("withhold", rules={"superseded"})
            elif pair in unfit:
                found[pair] = Answer("withhold", rules=unfit[pair])
            elif pair in live:
                found[pair] = self._goes("release", pair, _who(live, pair[1]), live)
            elif pair in held:
                found[pair] = self._held(pair, held, live)
            else:
                found[pair] = Answer("withhold", rules=self.lacks(*pair, live))
        return found

    def _closed(self, live: set[Pair]) -> set[Pair]:
        while True:
            rest = {(p, k) for p, k in live if not self.lacks(p, k, live)}
            if rest == live:
                return live
            live = rest

    def _superseded(self, live: set[Pair]) -> set[Pair]:
        if self.a.versions != "latest":
            return set()
        return {
            (p, k)
            for p, k in live
            for q, j in live
            if p == q
            and self.c[j].object.id == self.c[k].object.id
            and self.c[j].voucher == self.c[k].voucher
            and self.c[j].object.version > self.c[k].object.version
        }

    def _goes(self, outcome: str, pair: Pair, who: set[str], live: set[Pair]) -> Answer:
        made = self.seen(pair[1], who, live)
        made.outcome, made.clause = outcome, self.clause[pair].id
        return made

    def _held(self, pair: Pair, held: set[Pair], live: set[Pair]) -> Answer:
        """Withhold comes before hold; and all see one view, so who waits waits for what others have."""
        peer, key = pair
        lacking = self.lacks(peer, key, live)
        if lacking:
            return Answer("withhold", rules=lacking)
        others = _who(live, key)
        who = others or {p for p, k in held if k == key and not self.lacks(p, k, live)}
        rules = self.unfit(peer, key, who, live)
        if rules:
            return Answer("withhold", rules=rules)
        made = self._goes("hold", pair, who, live)
        if any(
            not self.has(peer, t, live) for p, t in self.refs(key) if not inside(p, made.removed)
        ):
            return Answer("withhold", rules={"first-view"})
        made.needs = self.needs(peer, key, made)
        made.outcome = "hold" if made.needs else "release"
        return made


def _who(live: set[Pair], key: Any) -> set[str]:
    return {p for p, k in live if k == key}


def _timeless(body: Any) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "modified"}


def decide(s: Situation, a: Agreement, candidates: list[Candidate]) -> dict[Pair, Answer]:
    """Answer for every pair of the agreement."""
    return Oracle(s, a, candidates).run()
