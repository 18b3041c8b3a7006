"""The oracle's rules for one candidate and one peer, whatever else is released (border.md 2, 3, 7, 8)."""

from typing import Any

from mithaq.model.labels import Label, Tlp, join, pap, tlp
from mithaq.model.markings import object_label, path_labels
from mithaq.policy.agreement import Agreement, Clause
from mithaq.policy.situation import Candidate, Peer, Situation


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
    wanted = (owner, c.object.id, c.object.version, p.name, s.purpose)
    return wanted in {(x.by, x.id, x.version, x.recipient, x.purpose) for x in s.consents}


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
    """Section 7: an owner's orders that touch this version for this peer, and ours of what no party gave us."""
    found = []
    fetched = not (c.own or c.sent_by or c.via_agreement)
    for o in s.recalls:
        mine = o.by == s.us
        under = {a.id} if mine else {a.id, c.via_agreement}
        towards = {peer} if mine else {peer, s.us}
        version = (
            c.object.version <= o.issued if o.version is None else c.object.version == o.version
        )
        if (
            o.id == c.object.id
            and (o.by == s.us if fetched and mine else o.by == (c.owner or c.voucher))
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
