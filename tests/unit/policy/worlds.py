"""Small random worlds for the decision: few ids, so that references, versions and rows meet often."""

import uuid
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from mithaq.model.canonical import canonical, digest
from mithaq.model.labels import Beside, Label, Pap, Tlp
from mithaq.model.markings import classify, pap_id, tlp_id
from mithaq.model.objects import Object, from_body
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
from tests.unit.policy import oracle

NOW, BEFORE, AFTER = (f"2031-03-{day}T00:00:00.000Z" for day in ("10", "05", "15"))
VERSIONS = ("2031-03-01T00:00:00.000Z", "2031-03-02T00:00:00.000Z")
PARTIES = ("aurelia", "borea", "corvia", "delmara")
STATEMENT = "marking-definition--00000000-0000-4000-8000-00000000000a"
TERMS = "marking-definition--00000000-0000-4000-8000-00000000000b"
NOBODY_KNOWS = "marking-definition--00000000-0000-4000-8000-00000000000c"
TABLE = {
    id_: classify({"type": "marking-definition", "id": id_} | body)
    for id_, body in {
        STATEMENT: {
            "definition_type": "statement",
            "definition": {"statement": "Copyright 2031 of somebody"},
        },
        TERMS: {
            "extensions": {
                "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a": {
                    "extension_type": "property-extension",
                    "tlp": "amber",
                    "start_date": AFTER,
                    "provider_attribution": "must-not",
                }
            }
        },
    }.items()
}


def named(kind: str, number: int) -> str:
    return f"{kind}--{uuid.UUID(int=(4 << 76) | (8 << 60) | number)}"


IDENTITIES = {name: named("identity", 90 + n) for n, name in enumerate((*PARTIES, "outsider"))}
SECTOR = named("identity", 99)
POOL = tuple(
    named(kind, number)
    for kind, number in (
        ("indicator", 1), ("indicator", 2), ("malware", 3), ("threat-actor", 4), ("location", 5),
        ("relationship", 6), ("relationship", 7), ("report", 8), ("note", 9), ("sighting", 10),
        ("ipv4-addr", 11), ("autonomous-system", 12), ("x-thing", 13), ("mithaq-note", 14),
        ("identity", 15),
    )
)  # fmt: skip


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


class _Making:
    def __init__(self, chance: Random) -> None:
        self.chance = chance

    def maybe(self, likely: float = 0.5) -> bool:
        return self.chance.random() < likely

    def one(self, *of: Any) -> Any:
        return self.chance.choice(of)

    def some(self, of: Any, most: int = 3) -> list[Any]:
        return self.chance.sample(list(of), self.chance.randint(1, min(most, len(of))))

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

    def revised(self, earlier: Object, version: str) -> Object:
        body: dict[str, Any] = dict(earlier.body) | {"modified": version}
        if "description" in body:
            body["description"] = f"text of {version}"
        return from_body(body)

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

    def object(self, id_: str, version: str) -> Object:
        kind = id_.split("--", maxsplit=1)[0]
        body: dict[str, Any] = {"type": kind, "spec_version": "2.1", "id": id_}
        if kind in {"ipv4-addr", "autonomous-system"}:
            body |= self.observable(kind)
        else:
            body |= {"created": VERSIONS[0], "modified": version} | self.domain(kind)
            if self.maybe(0.2):
                body["created_by_ref"] = self.one(*IDENTITIES.values())
            if self.maybe(0.4):
                body["description"] = f"text of {version}" if self.maybe(0.3) else "text"
            if self.maybe(0.4):
                body["labels"] = self.some(("apt", "exercise", "other"), 2)
            if self.maybe(0.25):
                body["external_references"] = self.some(
                    [
                        {"source_name": "mitre-attack", "external_id": "T1071.001"},
                        {"source_name": "site", "url": "https://a.example/"},
                    ],
                    2,
                )
            if self.maybe(0.2):
                body["x_seen_with"] = {"refs": self.some(POOL, 2), "note": "n"}
        return from_body(self.marked(body))

    def observable(self, kind: str) -> dict[str, Any]:
        if kind == "autonomous-system":
            return {"number": 64500}
        systems = {"belongs_to_refs": [named("autonomous-system", 12)]} if self.maybe() else {}
        return {"value": "192.0.2.1"} | systems

    def domain(self, kind: str) -> dict[str, Any]:
        near = POOL[:6] + POOL[10:]
        made: dict[str, Any]
        match kind:
            case "indicator":
                made = {"name": "name", "valid_from": VERSIONS[0], "pattern_type": "stix"}
                made["pattern"] = "[ipv4-addr:value = '192.0.2.1']"
            case "malware":
                made = {"is_family": False} | ({"x_country": "XC"} if self.maybe(0.3) else {})
            case "threat-actor":
                made = {"name": "actor"} | ({"country": "XC"} if self.maybe() else {})
            case "location":
                made = {"region": "europe"}
            case "relationship":
                kinds = ("related-to", "attributed-to", "located-at", "originates-from")
                made = {"relationship_type": self.one(*kinds), "source_ref": self.one(*POOL[:5])}
                made["target_ref"] = self.one(*POOL[:5], POOL[14])
            case "report":
                made = {"name": "r", "published": NOW, "object_refs": self.some(near)}
            case "note":
                made = {"content": "c", "object_refs": self.some(near)}
            case "sighting":
                made = {"sighting_of_ref": self.one(*POOL[:4])}
                if self.maybe():
                    made["where_sighted_refs"] = [self.one(*IDENTITIES.values(), SECTOR)]
            case "identity":
                made = {"name": "victim", "sectors": self.some(("energy", "water"), 2)}
            case _:
                made = {"x_value": 1, "x_other_ref": self.one(*POOL)}
        return made

    def marked(self, body: dict[str, Any]) -> dict[str, Any]:
        refs = [tlp_id(self.one(*Tlp, Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER))] if self.maybe(0.9) else []
        refs += [pap_id(self.one(*Pap))] if self.maybe(0.15) else []
        refs += [self.one(STATEMENT, STATEMENT, TERMS, NOBODY_KNOWS)] if self.maybe(0.07) else []
        if refs:
            body["object_marking_refs"] = refs
        if self.maybe(0.4):
            body["granular_markings"] = [self.granular(body) for _ in range(self.one(1, 1, 2))]
        return body

    def granular(self, body: dict[str, Any]) -> dict[str, Any]:
        places = [n for n in body if n not in {"id", "type", "spec_version", "granular_markings"}]
        places.remove("object_marking_refs") if "object_marking_refs" in places else None
        if "created" in places:
            places = [n for n in places if n not in {"created", "modified"}]
        places += [
            f"{name}.[{n}]"
            for name in ("labels", "object_refs", "external_references")
            for n in range(len(body.get(name, ())))
        ]
        places += ["x_seen_with.note", "x_seen_with.refs.[0]"] if "x_seen_with" in body else []
        mark = (
            tlp_id(self.one(*Tlp))
            if self.maybe(0.85)
            else self.one(TERMS, STATEMENT, pap_id(Pap.RED))
        )
        return {"marking_ref": mark, "selectors": self.some(places, 2)}

    # --- what stands, and what people have said
    def row(self, bare: Situation, agreement: Agreement, c: Candidate) -> Standing:
        asked = oracle.Oracle(bare, agreement, [c])
        cut = asked.cut.get(c.key, set())
        gone = cut | self.one(
            set(), {p for p, _ in asked.refs(c.key)} if c.key in asked.cut else set()
        )
        seen = oracle.view(bare, c, gone)
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
        seen = oracle.view(s, c, cut | self.one(set(), missing))
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
