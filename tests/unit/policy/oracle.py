"""A second reading of border.md sections 1 to 3, 5, 7 and 8, naive on purpose: sets, and everything anew each round.

Nothing of the policy's own logic is used, only its value types; markings and references are read by the model.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Label, Tlp, join, pap, tlp
from mithaq.model.markings import FIXED, object_label, pap_id, path_labels, tlp_id
from mithaq.model.objects import references
from mithaq.model.rules import problems
from mithaq.model.schema import SCO, TYPES
from mithaq.policy.agreement import Agreement, Clause, digest_of
from mithaq.policy.situation import Candidate, Peer, Situation

Pair = tuple[str, Any]  # (peer, candidate key)
KEPT = {
    "type", "spec_version", "id", "created_by_ref", "created", "modified", "revoked",
    "object_marking_refs", "granular_markings",
}  # fmt: skip
ACTORS = {"threat-actor", "intrusion-set", "campaign", "malware"}


@dataclass
class Answer:
    """What is said of one pair; ``rules`` are all that bite before references are looked at."""

    outcome: str
    rules: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    body: Any = None
    raw: bytes = b""
    needs: set[str] = field(default_factory=set)
    clause: str = ""


# --- labels -----------------------------------------------------------------------------------------


def label_of(s: Situation, c: Candidate) -> Label:
    """Section 2.1: markings, what stands beside, a later raise; an unreadable marking anywhere counts for all."""
    paths = path_labels(c.object.body, s.markings)
    unread = Label(unresolved=frozenset(m for label in paths.values() for m in label.unresolved))
    whole = object_label(c.object.body, c.beside, s.markings)
    return join(whole, c.label_floor, unread, paths.get("", Label()))


def level_ok(clause: Clause, label: Label) -> bool:
    if label.tlp is None or label.unresolved:
        return False
    low = label.tlp in {Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER} and label.tlp <= tlp(clause.max_tlp)
    named = label.tlp in {tlp(name) for name in clause.named_levels}
    return (low or named) and label.pap <= pap(clause.max_pap)


# --- rules that look at one candidate and one peer ------------------------------------------------------


def caveats(s: Situation, label: Label, p: Peer) -> set[str]:
    places = {p.name, p.country}
    bites = {
        "marking-unknown": bool(label.unresolved),
        "unmarked": label.tlp is None,
        "releasable-to": label.releasable_to is not None and not label.releasable_to & places,
        "purpose": label.purposes is not None and s.purpose not in label.purposes,
        "embargo": label.embargo is not None and label.embargo > s.instants.opens,
        "expiry": label.expiry is not None and label.expiry <= s.instants.closes,
    }
    return {rule for rule, bite in bites.items() if bite}


def consent(s: Situation, c: Candidate, p: Peer) -> bool:
    owner = c.owner or c.voucher
    wanted = (owner, c.object.id, c.object.version, p.name)
    return wanted in {(x.by, x.id, x.version, x.recipient) for x in s.consents}


def onward(s: Situation, c: Candidate, label: Label, p: Peer) -> set[str]:
    """The table of 2.2, columns *received*, with 5.5 for relays."""
    if c.own or label.tlp is None:
        return set()
    yes = consent(s, c, p)
    community = c.via or frozenset()
    member = p.name in community or p.constituency_of in community
    scope = c.relayed and c.onward == "scope"
    green = member and (p.name in c.via_parties if scope else c.onward != "none")
    if p.constituency_of == s.us:
        may = {
            Tlp.CLEAR: True, Tlp.GREEN: True, Tlp.AMBER: p.need_to_know,
            Tlp.AMBER_STRICT: False, Tlp.RED: False,
        }  # fmt: skip
    else:
        may = {
            Tlp.CLEAR: True,
            Tlp.GREEN: yes or green,
            Tlp.AMBER: yes or (scope and p.name in c.via_parties),
            Tlp.AMBER_STRICT: yes,
            Tlp.RED: False,
        }
    names = {
        Tlp.GREEN: "onward-green", Tlp.AMBER: "onward-amber",
        Tlp.AMBER_STRICT: "onward-strict", Tlp.RED: "onward-red",
    }  # fmt: skip
    found = set() if may[label.tlp] else {names[label.tlp]}
    return found | ({"originator-control"} if label.originator_control and not yes else set())


def client(a: Agreement, clause: Clause, label: Label, p: Peer) -> set[str]:
    """Section 8.1."""
    if p.node or label.tlp is None:
        return set()
    bad = (
        label.tlp in {Tlp.AMBER_STRICT, Tlp.RED}
        or label.originator_control
        or "receipt" in {duty.kind for duty in clause.duties}
        or (label.tlp is Tlp.AMBER and a.recall != "best-effort")
    )
    return {"client"} if bad else set()


def clause_for(s: Situation, a: Agreement, c: Candidate, label: Label, p: Peer) -> Clause | None:
    """Section 3.1: the first that permits decides alone."""
    body = c.object.body
    techniques = {
        str(ref["external_id"])
        for ref in body.get("external_references", [])
        if ref["source_name"].startswith("mitre") and "external_id" in ref
    }
    techniques |= {name.split(".")[0] for name in techniques}
    for clause in a.clauses:
        d = clause.direction
        has = (
            (set(body.get("labels", [])), clause.labels_any, clause.labels_none),
            (set(body.get("sectors", [])), clause.sectors_any, clause.sectors_none),
            (techniques, clause.attack_any, clause.attack_none),
        )
        permits = (
            (d.sender == "*" or s.us in d.sender)
            and (d.to == "*" or p.name in d.to)
            and (c.object.type in clause.kinds or "*" in clause.kinds)
            and level_ok(clause, label)
            and s.purpose in clause.purposes
            and (not clause.embargo or clause.embargo <= s.instants.opens)
            and (not clause.expiry or clause.expiry > s.instants.closes)
            and (not clause.releasable_to or {p.name, p.country} & set(clause.releasable_to))
            and all(not want or mine & set(want) for mine, want, _ in has)
            and not any(mine & set(bar) for mine, _, bar in has)
        )
        if permits:
            return clause
    return None


def orders(s: Situation, a: Agreement, c: Candidate, peer: str) -> list[Any]:
    """Section 7: an owner's orders that touch this version for this peer."""
    found = []
    for o in s.recalls:
        mine = o.by == s.us
        under = {a.id} if mine else {a.id, c.via_agreement}
        towards = {peer} if mine else {peer, s.us}
        version = (
            c.object.version <= o.issued if o.version is None else c.object.version == o.version
        )
        if (
            (o.by, o.id) == (c.owner or c.voucher, c.object.id)
            and version
            and (o.agreement is None or o.agreement in under)
            and (o.peers is None or o.peers & towards)
        ):
            found.append(o)
    return found


def recalled(s: Situation, a: Agreement, c: Candidate, peer: str) -> bool:
    return any(
        o.view is None or (o.by != s.us and o.view == c.object.digest)
        for o in orders(s, a, c, peer)
    )


def static(s: Situation, a: Agreement, c: Candidate, p: Peer) -> tuple[set[str], Clause | None]:
    """Everything that bites whatever else is released."""
    label = label_of(s, c)
    clause = clause_for(s, a, c, label, p)
    here = [r for r in s.shelves if (r.agreement, r.key) == (a.id, c.key)]
    ever = here + [r for r in s.past if (r.agreement, r.key) == (a.id, c.key)]
    stands = any(r.peer == p.name for r in here)
    party = next(x for x in a.parties if x.name == p.name)
    bites = {
        "private-kind": c.object.type.startswith("mithaq-"),
        "marking-forged": c.forged,
        "ownership": c.disowned,
        "not-adopted": c.from_client,
        "echo": p.name in {c.owner, c.sent_by, c.voucher},
        "recalled": recalled(s, a, c, p.name),
        "not-newest": not c.newest and not stands,
        "history": not stands and not a.history and any(r.since < party.joined for r in ever),
        "no-clause": clause is None,
    }
    rules = {rule for rule, bite in bites.items() if bite}
    rules |= caveats(s, label, p) | onward(s, c, label, p)
    return rules | (client(a, clause, label, p) if clause else set()), clause


# --- views ------------------------------------------------------------------------------------------


def inside(pointer: str, tops: set[str]) -> bool:
    return any(pointer == top or pointer.startswith(top + "/") for top in tops)


def redact(value: Any, at: str, gone: set[str], moved: dict[str, str], new: str) -> Any:
    """Return what is left of ``value``, or None; ``moved`` collects old pointer -> new selector."""
    if at in gone:
        return None
    left: Any = value
    if isinstance(value, dict) and value:
        left = {}
        for name, item in value.items():
            kept = redact(item, f"{at}/{name}", gone, moved, f"{new}.{name}" if new else name)
            if kept is not None:
                left[name] = kept
    elif isinstance(value, list) and value:
        left, rank = [], count()
        for index, item in enumerate(value):
            place = f"{new}.[{len(left)}]"
            kept = redact(item, f"{at}/{index}", gone, moved, place)
            if kept is not None:
                left.append(kept)
                next(rank)
    if value and left in ({}, []):
        return None
    moved[at] = new
    return left


def cuts(s: Situation, c: Candidate, clause: Clause) -> set[str]:
    """Section 2.6: what labels and keep-lists cut."""
    label = label_of(s, c)
    found = {
        pointer
        for pointer, mark in path_labels(c.object.body, s.markings).items()
        if pointer and not level_ok(clause, join(label, mark))
    }
    keep = clause.keep.get(c.object.type)
    if keep is not None:
        found |= {f"/{name}" for name in c.object.body if name not in KEPT | set(keep)}
    return found


def view(s: Situation, c: Candidate, gone: set[str]) -> Answer:
    body = {k: v for k, v in c.object.body.items() if k != "granular_markings"}
    moved: dict[str, str] = {}
    left = redact(body, "", gone, moved, "")
    granular = []
    for item in c.object.body.get("granular_markings", []):
        pointers = [
            "/" + x.replace(".[", "/").replace("]", "").replace(".", "/") for x in item["selectors"]
        ]
        kept = [moved[p] for p in pointers if p in moved]
        if kept:
            granular.append({**item, "selectors": list(dict.fromkeys(kept))})
    if granular:
        left["granular_markings"] = granular
    removed = _topmost(body, "", moved)
    refs = c.object.body.get("object_marking_refs", [])
    borne = join(*(FIXED[r].label for r in refs if r in FIXED))
    added = []
    if c.beside.tlp is not None and c.beside.tlp > max(borne.tlp or Tlp.CLEAR, Tlp.CLEAR):
        added.append(tlp_id(c.beside.tlp))
    if c.beside.pap is not None and c.beside.pap > borne.pap:
        added.append(pap_id(c.beside.pap))
    if added:
        left["object_marking_refs"] = [*refs, *added]
    raw = canonical(left) if removed or added else c.object.raw
    return Answer("view", removed=removed, body=left, raw=raw)


def _topmost(value: Any, at: str, moved: dict[str, str]) -> set[str]:
    if at not in moved:
        return {at}
    items: Any = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        items = enumerate(value)
    return {p for name, item in items for p in _topmost(item, f"{at}/{name}", moved)}


def attributed(body: Any) -> bool:
    """Section 2.10."""
    kind = body["type"]
    if kind == "relationship":
        source, target = (str(body.get(end)).split("--")[0] for end in ("source_ref", "target_ref"))
        if body.get("relationship_type") == "attributed-to":
            return target == "identity"
        places = body.get("relationship_type") in {"located-at", "originates-from"}
        return places and target == "location" and source in ACTORS
    return kind in ACTORS and any(n == "country" or n.endswith("_country") for n in _names(body))


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {n for item in value.values() for n in _names(item)}
    return {n for item in value for n in _names(item)} if isinstance(value, list) else set()


# --- the whole ----------------------------------------------------------------------------------------


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
        for key in self.c:
            self._one_view(key)

    def _one_view(self, key: Any) -> None:
        """Section 1.7: whose clause would cut otherwise than the first one gets nothing."""
        mine = {p: self.clause[p, key] for p in self.peers if (p, key) in self.clause}
        for clause in self.a.clauses:
            if clause in mine.values() and key not in self.cut:
                self.cut[key] = cuts(self.s, self.c[key], clause)
        for peer, clause in mine.items():
            if cuts(self.s, self.c[key], clause) != self.cut[key]:
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
        return any(
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
        return view(self.s, self.c[key], gone | self.cut[key])

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
        if (self.a.id, peer, key, digest(made.raw)) in rows:
            return set()
        level = self.label(key, made).tlp or Tlp.CLEAR
        wanted = set()
        if level in {Tlp.AMBER_STRICT, Tlp.RED} or c.lowers:
            wanted.add("second-person")
        if attributed(made.body) and (clause.attribution == "hold" or not c.own):
            wanted.add("policy-owner")
        for x in self.s.approvals:
            if (
                (x.key, x.agreement_digest, x.view) == (key, digest_of(self.a), digest(made.raw))
                and peer in x.peers
                and x.approver.name not in {x.proposer, c.author}
                and x.approver.clearance >= level
            ):
                wanted.discard("second-person")
                if "policy-owner" in x.approver.roles:
                    wanted.discard("policy-owner")
        return wanted

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
