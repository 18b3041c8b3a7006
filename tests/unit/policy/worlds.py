"""Small random worlds for the decision: few ids, so that references, versions and rows meet often."""

from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Beside, Label, Pap, Tlp
from mithaq.policy.agreement import Agreement, digest_of
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import (
    Approval,
    Candidate,
    Consent,
    Peer,
    Person,
    Recall,
    Situation,
    Standing,
)
from tests.unit.policy import oracle, oracle_views
from tests.unit.policy.world_objects import (
    AFTER,
    BEFORE,
    IDENTITIES,
    NOW,
    PARTIES,
    POOL,
    SECTOR,
    TABLE,
    VERSIONS,
    Objects,
)
from tests.values import replace


@dataclass(frozen=True)
class World:
    situation: Situation
    agreement: Agreement
    candidates: list[Candidate]


def world(seed: int, kind: str) -> World:
    """The world of a seed: a failing example names it, and the same one comes back."""
    return _Making(Random(seed)).world(kind)


def worlds(kind: str = "") -> st.SearchStrategy[World]:
    """Worlds of up to a dozen candidates; ``kind`` of their agreement."""
    kinds = st.just(kind) if kind else st.sampled_from(("bilateral", "forum", "grant"))
    return st.builds(world, st.integers(0, 2**32 - 1), kinds)


class _Making(Objects):
    def world(self, kind: str) -> World:
        agreement = self.agreement(kind)
        peers = {name: self.peer(name, agreement) for name in agreement.names[1:]}
        candidates = self.candidates()
        bare = Situation(
            us="aurelia",
            country="XA",
            identities=frozenset({IDENTITIES["aurelia"]}),
            peers=peers,
            purpose=self.one(*["defence"] * 9, "exercise"),
            instants=Instants(opens=NOW, closes=NOW),
            markings=TABLE,
            reference_ids=frozenset({SECTOR}) if self.maybe() else frozenset(),
            known={name: frozenset(self.some(POOL)) for name in peers if self.maybe()},
            came={name: frozenset(self.some(POOL)) for name in peers if self.maybe()},
        )
        rows = [self.row(bare, agreement, c) for c in candidates for _ in peers if self.maybe(0.15)]
        past = [self.row(bare, agreement, c) for c in candidates if self.maybe(0.05)]
        situation = replace(
            bare,
            shelves=tuple({(r.peer, r.agreement, r.key): r for r in rows}.values()),
            past=tuple(past),
            consents=tuple(self.consent(c, agreement) for c in candidates if self.maybe(0.2)),
            recalls=tuple(self.recall(c, agreement, rows) for c in candidates if self.maybe(0.1)),
        )
        approvals = tuple(
            self.approval(situation, agreement, c) for c in candidates if self.maybe(0.4)
        )
        return World(replace(situation, approvals=approvals), agreement, candidates)

    # --- parties and terms
    def agreement(self, kind: str) -> Agreement:
        names = {"bilateral": PARTIES[:2], "forum": PARTIES, "grant": ("aurelia", "harbour")}[kind]
        document = {
            "id": "pact",
            "version": 1,
            "title": "",
            "kind": kind,
            "parties": [
                {
                    "name": n,
                    "country": "X" + n[0].upper(),
                    "organisation": n,
                    "joined": self.one("", "", "", BEFORE),
                }
                for n in names
            ],
            "clauses": [self.clause(n, names) for n in range(self.one(1, 1, 2))],
            "start": BEFORE,
            "history": self.maybe(0.2),
            "versions": self.one("all", "latest"),
            "recall": self.one("best-effort", "none"),
            "shadow": False,
        }
        return msgspec.convert(document, Agreement)

    def clause(self, number: int, names: tuple[str, ...]) -> dict[str, Any]:
        kinds = {id_.split("--")[0] for id_ in POOL}
        clause: dict[str, Any] = {
            "id": f"c{number}",
            "kinds": ["*"] if self.maybe(0.9) else sorted(self.chance.sample(sorted(kinds), 7)),
            "max_tlp": self.one("GREEN", "AMBER", "AMBER", "AMBER"),
            "named_levels": self.one(
                [], ["AMBER+STRICT"], ["AMBER+STRICT", "RED"], ["AMBER+STRICT", "RED"]
            ),
            "max_pap": self.one("CLEAR", "AMBER", "RED", "RED", "RED"),
            "attribution": self.one("withhold", "hold", "release"),
            "onward": self.one("none", "scope", "open"),
            "sighting_counts": self.one("exact", "exact", "coarse"),
            "sighting_times": self.one("day", "exact"),
            "sighting_places": self.one("nation", "named"),
            "purposes": ["defence"] if self.maybe(0.8) else ["defence", "exercise"],
        }
        if self.maybe(0.2):
            clause["direction"] = {"from": "*", "to": self.some(names[1:], 2)}
        if self.maybe(0.3):
            clause["keep"] = {
                "indicator": ["name", "labels", "pattern", "pattern_type", "valid_from"]
            }
        if self.maybe(0.1):
            clause["keep"] = {"report": ["name", "published"], "ipv4-addr": ["value"]}
        if self.maybe(0.1):
            clause["duties"] = [{"kind": "receipt"}]
        if self.maybe(0.1):
            clause[self.one("labels_any", "labels_none")] = ["apt", "exercise"]
        if self.maybe(0.06):
            clause[self.one("attack_any", "attack_none")] = [self.one("T1071", "T1071.001")]
        if self.maybe(0.04):
            clause[self.one("sectors_any", "sectors_none")] = ["energy"]
        if self.maybe(0.06):
            clause["releasable_to"] = self.some(("XB", "corvia", "XH"))
        if self.maybe(0.06):
            clause[self.one("embargo", "expiry")] = self.one(BEFORE, NOW, AFTER)
        return clause

    def peer(self, name: str, agreement: Agreement) -> Peer:
        party = agreement.party(name)
        node = agreement.kind != "grant"
        return Peer(
            name=name,
            country=party.country if party else "",
            node=node,
            identities=frozenset({IDENTITIES[name]}) if node else frozenset(),
            readers=frozenset({"r1", "r2"}) if self.maybe(0.8) else frozenset(),
            constituency_of="" if node else self.one("", "aurelia", "borea"),
            need_to_know=self.maybe(),
        )

    # --- objects
    def candidates(self) -> list[Candidate]:
        found: list[Candidate] = []
        for id_ in self.chance.sample(POOL, self.chance.randint(1, 6)):
            first = self.candidate(id_, VERSIONS[0])
            if first.object.version and self.maybe(0.35):
                later = self.candidate(id_, VERSIONS[1])
                if self.maybe(0.4):  # almost the same once more
                    later = replace(later, object=self.revised(first.object, VERSIONS[1]))
                if self.maybe(0.7):  # of the same voucher
                    later = replace(first, key=later.key, object=later.object, beside=later.beside)
                    floor = Label(tlp=self.one(None, Tlp.GREEN, Tlp.AMBER))
                    first = replace(first, newest=False, label_floor=floor)
                    later = replace(later, lowers=later.own and self.maybe(0.3))
                found.append(later)
            found.append(first)
        return found

    def candidate(self, id_: str, version: str) -> Candidate:
        own = self.maybe(0.7)
        party = "" if own else self.one("", "borea", "corvia", "outsider")
        voucher = "aurelia" if own else (party or "feed")
        via = frozenset(PARTIES[:3]) if self.maybe(0.7) else None
        return Candidate(
            key=(id_, version, voucher),
            object=self.object(id_, version),
            voucher=voucher,
            own=own,
            owner="aurelia" if own else (party if self.maybe(0.7) else ""),
            sent_by="" if own else self.one(party, party, "delmara"),
            via=None if own else via,
            via_agreement=self.one("pact", "other") if party else "",
            via_parties=frozenset(self.some(PARTIES, 4)) if party else frozenset(),
            onward=self.one("none", "scope", "open"),
            from_client=not own and self.maybe(0.03),
            relayed=bool(party),
            author=self.one("amal", "bashir", ""),
            beside=self.beside(),
            readers={
                name: frozenset(self.some(("r1", "r2", "r9"), 2)) for name in self.some(PARTIES, 4)
            },
            forged=self.maybe(0.02),
            disowned=self.maybe(0.02),
            benign=("google",) if self.maybe(0.05) else (),
        )

    def beside(self) -> Beside:
        if self.maybe(0.7):
            return Beside()
        return Beside(
            tlp=self.one(None, *Tlp),
            pap=self.one(None, None, *Pap),
            releasable_to=frozenset(self.some(("XB", "corvia", "XH"))) if self.maybe(0.2) else None,
            originator_control=self.maybe(0.15),
            embargo=self.one(BEFORE, NOW, AFTER) if self.maybe(0.15) else None,
            expiry=self.one(BEFORE, NOW, AFTER) if self.maybe(0.15) else None,
            purposes=frozenset({self.one("defence", "exercise")}) if self.maybe(0.15) else None,
        )

    # --- what stands, and what people have said
    def row(self, bare: Situation, agreement: Agreement, c: Candidate) -> Standing:
        asked = oracle.Oracle(bare, agreement, [c])
        cut = asked.cut.get(c.key, set())
        gone = cut | self.one(
            set(), {p for p, _ in asked.refs(c.key)} if c.key in asked.cut else set()
        )
        seen = oracle_views.view(bare, c, gone)
        raw = seen.raw if self.maybe(0.9) else b"another view"
        return Standing(
            peer=self.one(*bare.peers),
            agreement=agreement.id if self.maybe(0.8) else "another",
            key=c.key,
            id=c.object.id,
            version=c.object.version,
            view=digest(raw),
            removed=frozenset(seen.removed),
            since=self.one(VERSIONS[0], VERSIONS[1], AFTER),
            body=seen.body,
        )

    def consent(self, c: Candidate, agreement: Agreement) -> Consent:
        return Consent(
            by=self.one(c.owner or c.voucher, "borea"),
            id=c.object.id,
            version=self.one(c.object.version, c.object.version, VERSIONS[0]),
            recipient=self.one(*agreement.names[1:]),
        )

    def recall(self, c: Candidate, agreement: Agreement, rows: list[Standing]) -> Recall:
        views = [row.view for row in rows if row.key == c.key] or [c.object.digest]
        return Recall(
            by=self.one(c.owner or c.voucher, c.owner or c.voucher, "borea"),
            id=c.object.id,
            version=self.one(None, c.object.version, c.object.version),
            issued=self.one(BEFORE, "2031-03-01T12:00:00.000Z"),
            agreement=self.one(None, agreement.id, "another"),
            peers=self.one(None, frozenset({"borea"}), frozenset({"aurelia", "corvia"})),
            view=self.one(None, *views),
        )

    def approval(self, s: Situation, agreement: Agreement, c: Candidate) -> Approval:
        asked = oracle.Oracle(s, agreement, [c])
        cut = asked.cut.get(c.key, set())
        missing = {p for p, t in asked.refs(c.key) if t != SECTOR} if c.key in asked.cut else set()
        seen = oracle_views.view(s, c, cut | self.one(set(), missing))
        roles = self.one(frozenset(), frozenset({"policy-owner"}))
        return Approval(
            key=c.key,
            agreement_digest=digest_of(agreement) if self.maybe(0.9) else digest(canonical({})),
            peers=frozenset(self.some(s.peers, 3)),
            view=digest(seen.raw),
            proposer=self.one("amal", "dalia"),
            approver=Person(
                name=self.one("bashir", "chloe", "dalia"),
                roles=roles,
                clearance=self.one(Tlp.AMBER, Tlp.RED, Tlp.RED),
            ),
        )
