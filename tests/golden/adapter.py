"""From the neutral form of a golden world to our types, and from our decisions back."""

from collections import defaultdict
from typing import Any

from mithaq.model.labels import Beside, Label, join, tlp
from mithaq.model.labels import pap as read_pap
from mithaq.model.markings import classify, is_forgery, marking_refs, object_label
from mithaq.model.objects import from_body
from mithaq.policy.agreement import Agreement, digest_of
from mithaq.policy.agreement import _convert as convert
from mithaq.policy.decide import decide
from mithaq.policy.decision import Hold, Release, View, Withhold
from mithaq.policy.lifecycle import Instants, Signed, in_force
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
from mithaq.policy.views import draft, reading, view

World = dict[str, Any]


def agreement_of(written: dict[str, Any], parties: dict[str, Any]) -> Agreement:
    clauses = []
    for clause in written["clauses"]:
        made = {
            key: clause[key]
            for key in (
                "id", "kinds", "max_tlp", "named_levels", "max_pap", "labels_any", "labels_none", "purposes",
                "onward", "keep", "attribution",
            )
        }  # fmt: skip
        made["direction"] = clause["direction"]
        made["embargo"] = clause["embargo"] or ""
        made["expiry"] = clause["expiry"] or ""
        made["duties"] = [{"kind": "receipt"}] if clause["receipt_duty"] else []
        clauses.append(made)
    return convert(
        {
            "id": written["id"],
            "version": written["version"],
            "title": written["id"],
            "kind": written["kind"],
            "parties": [
                {
                    "name": name,
                    "country": parties[name]["country"],
                    "organisation": parties[name]["organisation"],
                    "joined": written["joined"].get(name, ""),
                }
                for name in written["parties"]
            ],
            "clauses": clauses,
            "community": written["community"] or [],
            "start": written["start"],
            "effective": written["effective"],
            "end": written["end"] or "",
            "shadow": written["shadow"],
            "history": written["history"],
            "versions": written["versions"],
            "recall": written["recall"]
            if written["recall"] in {"receipts", "best-effort"}
            else "none",
        }
    )


class Adapter:
    """One world, read once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.parties = {p["name"]: p for p in world["parties"]}
        self.sources = {s["name"]: s for s in world["sources"]}
        self.us = world["self"]
        self.instants = Instants(**world["instants"])
        self.table = {m["id"]: classify(m) for m in world["markings"]}
        self.identities = {i: p["name"] for p in world["parties"] for i in p["identities"]}
        self.versions: dict[str, list[Signed]] = defaultdict(list)
        for written in world["agreements"]:
            self.versions[written["id"]].append(
                Signed(
                    text=agreement_of(written, self.parties), by=frozenset(written["signatures"])
                )
            )
        self.acts = {
            id_: [(n["by"], n["act"]) for n in world["notices"] if n["agreement"] == id_]
            for id_ in self.versions
        }
        self.candidates = self._candidates()
        self.by_key = {c.key: c for c in self.candidates}

    def agreement(self, id_: str) -> Agreement | None:
        return in_force(self.versions[id_], self.acts[id_], self.instants)

    def _candidates(self) -> list[Candidate]:
        forged = {
            (m["bundle"], m["stix"]["id"])
            for m in self.world["arrived_markings"]
            if is_forgery(m["stix"])
        }
        first = [self._candidate(o, forged) for o in self.world["objects"]]
        groups: dict[tuple[str, str], list[Candidate]] = defaultdict(list)
        for c in first:
            if not (c.forged or c.disowned):
                groups[c.voucher, c.object.id].append(c)
        return [self._aged(c, groups[c.voucher, c.object.id]) for c in first]

    def _aged(self, c: Candidate, group: list[Candidate]) -> Candidate:
        fields = {name: getattr(c, name) for name in Candidate.__struct_fields__}
        later = [o for o in group if o.object.version > c.object.version]
        before = [o for o in group if o.object.version < c.object.version]
        fields["newest"] = not later
        fields["label_floor"] = (
            join(*(object_label(o.object.body, o.beside, self.table) for o in later))
            if later
            else Label()
        )
        if before and c.own:
            last = max(before, key=lambda o: o.object.version)
            ours = object_label(c.object.body, c.beside, self.table).tlp
            theirs = object_label(last.object.body, last.beside, self.table).tlp
            fields["lowers"] = ours is not None and theirs is not None and ours < theirs
        return Candidate(**fields)

    def _candidate(self, o: dict[str, Any], forged: set[tuple[str, str]]) -> Candidate:
        stored = from_body(o["stix"])
        voucher = o["voucher"]
        source = self.sources.get(voucher)
        own = o["standing"] == "own"
        claimed = self.identities.get(
            stored.id if stored.type == "identity" else ""
        ) or self.identities.get(stored.created_by or "")
        party = voucher if voucher in self.parties else ""
        via = self.versions.get(o.get("via") or "", [])
        text = via[0].text if via else None
        community = (
            text.members
            if text
            else (frozenset(source["community"]) if source and source["community"] else None)
        )
        return Candidate(
            key=o["key"],
            object=stored,
            voucher=voucher,
            own=own,
            owner=self.us if own else (party if claimed == party else ""),
            sent_by=o.get("sent_by") or party,
            via=community,
            via_agreement=o.get("via") or "",
            via_parties=frozenset(text.names) if text else frozenset(),
            onward=o.get("onward") or (source["onward"] if source else "none"),
            from_client=source is not None and source["kind"] == "client",
            relayed=not own and bool(party),
            author=o.get("author") or "",
            beside=self._beside(o, stored),
            readers={name: frozenset(ids) for name, ids in (o.get("for") or {}).items()},
            forged=any((o.get("bundle"), ref) in forged for ref in marking_refs(stored.body)),
            disowned=claimed is not None and claimed != (self.us if own else party),
        )

    def _beside(self, o: dict[str, Any], stored: Any) -> Beside:
        given = o.get("beside") or {}
        level = tlp(given["tlp"]) if given.get("tlp") else None
        borne = object_label(stored.body, Beside(), self.table).tlp
        if borne is None and level is None and o["standing"] != "own":
            terms = self.sources.get(o["voucher"]) or self.parties[o["voucher"]]
            level = tlp(terms["default_tlp"]) if terms["default_tlp"] else None
        sets = {
            n: frozenset(given[n])
            for n in ("releasable_to", "purposes")
            if given.get(n) is not None
        }
        return Beside(
            tlp=level,
            pap=read_pap(given["pap"]) if given.get("pap") else None,
            originator_control=bool(given.get("originator_control")),
            embargo=given.get("embargo"),
            expiry=given.get("expiry"),
            **sets,
        )

    def shown(self, key: str, agreement: str, removed: list[str], peer: str) -> View:
        """The view of a version that lacks exactly ``removed``."""
        c = self.by_key[key]
        text = self.agreement(agreement) or self.versions[agreement][0].text
        clause = next(cl for cl in text.clauses if cl.covers(self.us, peer))
        plain = type(clause)(
            id="-",
            kinds=["*"],
            max_tlp="AMBER",
            named_levels=["AMBER+STRICT", "RED"],
            max_pap="RED",
        )
        return view(draft(reading(self.situation_bare(), c), plain), frozenset(removed))

    def situation_bare(self) -> Situation:
        return Situation(
            us=self.us, country="", identities=frozenset(), peers={}, purpose="", instants=self.instants,
            markings=self.table,
        )  # fmt: skip

    def situation(self) -> Situation:
        world = self.world
        peers = {
            p["name"]: Peer(
                name=p["name"],
                country=p["country"],
                node=p["node"],
                identities=frozenset(p["identities"]),
                readers=frozenset(r["id"] for r in p["readers"]),
                constituency_of=p["constituency_of"] or "",
                need_to_know=p["need_to_know"],
            )
            for p in world["parties"]
            if p["name"] != self.us
        }
        known: dict[str, set[str]] = defaultdict(set)
        for c in self.candidates:
            if not (c.forged or c.disowned):
                for name in {c.owner, c.sent_by, c.voucher} & peers.keys():
                    known[name].add(c.object.id)
        return Situation(
            us=self.us,
            country=self.parties[self.us]["country"],
            identities=frozenset(self.parties[self.us]["identities"]),
            peers=peers,
            purpose=world["purpose"],
            instants=self.instants,
            markings=self.table,
            reference_ids=frozenset(world["reference_sets"]),
            shelves=tuple(self._standing(row) for row in world["shelves"]),
            known={name: frozenset(ids) for name, ids in known.items()},
            approvals=tuple(self._approval(a) for a in world["approvals"]),
            consents=tuple(
                Consent(by=c["by"], id=c["id"], version=c["modified"], recipient=c["recipient"])
                for c in world["consents"]
            ),
            recalls=tuple(self._recall(r) for r in world["recalls"]),
        )

    def _standing(self, row: dict[str, Any]) -> Standing:
        c = self.by_key[row["key"]]
        seen = self.shown(row["key"], row["agreement"], row["removed"], row["peer"])
        return Standing(
            peer=row["peer"],
            agreement=row["agreement"],
            key=row["key"],
            id=c.object.id,
            version=c.object.version,
            view=seen.digest,
            removed=frozenset(row["removed"]),
            since=row["since"],
            body=seen.body,
        )

    def _approval(self, a: dict[str, Any]) -> Approval:
        person = next(p for p in self.world["persons"] if p["name"] == a["approver"])
        text = next(
            s.text
            for s in self.versions[a["agreement"]]
            if s.text.version == a["agreement_version"]
        )
        seen = self.shown(a["key"], a["agreement"], a["removed"], a["peers"][0])
        return Approval(
            key=a["key"],
            agreement_digest=digest_of(text),
            peers=frozenset(a["peers"]),
            view=seen.digest,
            proposer=a["proposer"],
            approver=Person(
                name=person["name"],
                roles=frozenset(person["roles"]),
                clearance=tlp(person["clearance"]),
            ),
        )

    def _recall(self, r: dict[str, Any]) -> Recall:
        seen = None
        if r["removed"] is not None:
            c = next(
                c
                for c in self.candidates
                if c.object.id == r["id"]
                and (r["modified"] is None or c.object.version == r["modified"])
            )
            seen = self.shown(str(c.key), r["agreement"] or "bil", r["removed"], "").digest
        return Recall(
            by=r["by"],
            id=r["id"],
            version=r["modified"],
            issued=r["issued"],
            agreement=r["agreement"],
            peers=None if r["peers"] is None else frozenset(r["peers"]),
            view=seen,
        )


def outcomes(world: World) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Decide a world; return by (agreement, peer, key) what a row of the table says."""
    adapter = Adapter(world)
    situation = adapter.situation()
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for id_ in adapter.versions:
        text = adapter.agreement(id_)
        if text is None:
            for peer in adapter.versions[id_][0].text.names:
                for c in adapter.candidates:
                    if peer != adapter.us:
                        found[id_, peer, str(c.key)] = {
                            "outcome": "withhold",
                            "rules": {"not-in-force"},
                        }
            continue
        for (peer, key), decision in decide(situation, text, adapter.candidates).items():
            found[id_, peer, str(key)] = _row(decision)
    return found


def _row(decision: Release | Hold | Withhold) -> dict[str, Any]:
    if isinstance(decision, Withhold):
        return {"outcome": "withhold", "rules": {str(r.rule) for r in decision.reasons}}
    made = decision.view
    row = {
        "outcome": "release" if isinstance(decision, Release) else "hold",
        "removed": set(made.removed),
        "added": set(made.added),
        "with": set(made.carries),
        "granular_markings": made.body.get("granular_markings"),
    }
    if isinstance(decision, Hold):
        row["needs"] = set(decision.needs)
    return row
