"""What permits or forbids one candidate for one peer, before references are looked at (border.md 2.2, 2.7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mithaq.model.canonical import Json
from mithaq.model.labels import Label, Tlp
from mithaq.model.objects import Object
from mithaq.policy.agreement import (
    JUDICIAL,
    PURPOSES,
    Agreement,
    Clause,
    action_level,
    level,
    named,
)
from mithaq.policy.decision import Reason, Rule
from mithaq.policy.situation import Candidate, Peer, Situation

Body = Mapping[str, Json]
PRIVATE = "mithaq-"  # own object types; they never cross as intelligence


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """A clause's levels, read once."""

    tlp: Tlp
    named: frozenset[Tlp]

    def allows(self, at: Tlp) -> bool:
        """Say whether the clause permits the level."""
        return at <= self.tlp or at in self.named


def limits(clause: Clause) -> Limits:
    """Return the levels of ``clause``."""
    return Limits(tlp=level(clause), named=named(clause))


def permits_level(clause: Clause, label: Label) -> bool:
    """Say whether ``clause`` permits what bears ``label``."""
    if label.tlp is None or label.unresolved:
        return False
    return limits(clause).allows(label.tlp) and label.pap <= action_level(clause)


def permitting(
    situation: Situation,
    agreement: Agreement,
    candidate: Candidate,
    label: Label,
    peer: Peer,
) -> tuple[Clause | None, tuple[Reason, ...]]:
    """Return the first clause that permits the candidate for ``peer``, or why each covering clause does not."""
    why: list[Reason] = []
    for clause in agreement.clauses:
        if not clause.covers(situation.us, peer.name):
            continue
        against = _against(situation, clause, candidate.object, label, peer)
        if against is None:
            return clause, ()
        why.append(Reason(rule=Rule.NO_CLAUSE, clause=clause.id, facts=against))
    return None, tuple(why) or (Reason(rule=Rule.NO_CLAUSE, facts={"because": "direction"}),)


def _against(
    situation: Situation, clause: Clause, stored: Object, label: Label, peer: Peer
) -> Mapping[str, str] | None:
    """Return the first thing that speaks against ``clause``, None if nothing does."""
    if "*" not in clause.kinds and stored.type not in clause.kinds:
        return {"because": "kind", "kind": stored.type}
    return (
        _levels(clause, label)
        or _times(situation, clause)
        or _places(clause, peer)
        or (_content(clause, stored.body) if reads_content(clause) else None)
    )


def _levels(clause: Clause, label: Label) -> Mapping[str, str] | None:
    if permits_level(clause, label):
        return None
    if label.tlp is not None and limits(clause).allows(label.tlp) and not label.unresolved:
        return {"because": "pap", "is": str(label.pap), "most": clause.max_pap}
    most = ", ".join((clause.max_tlp, *clause.named_levels))
    readable = label.tlp is not None and not label.unresolved
    return {"because": "level", "is": str(label.tlp) if readable else "?", "most": most}


def _times(situation: Situation, clause: Clause) -> Mapping[str, str] | None:
    if situation.purpose not in clause.purposes:
        return {"because": "purpose", "purpose": situation.purpose}
    if clause.embargo and situation.instants.opens < clause.embargo:
        return {"because": "embargo", "until": clause.embargo}
    if clause.expiry and situation.instants.closes >= clause.expiry:
        return {"because": "expiry", "since": clause.expiry}
    return None


def _places(clause: Clause, peer: Peer) -> Mapping[str, str] | None:
    named_ = set(clause.releasable_to)
    if named_ and not {peer.name, peer.country} & named_:
        return {"because": "releasable-to", "to": ", ".join(sorted(named_))}
    return None


def _content(clause: Clause, body: Body) -> Mapping[str, str] | None:
    tests = (
        ("labels", _texts(body.get("labels")), clause.labels_any, clause.labels_none),
        (
            "sectors",
            _texts(body.get("sectors")),
            clause.sectors_any,
            clause.sectors_none,
        ),
        ("attack", attack_ids(body), clause.attack_any, clause.attack_none),
    )
    for name, has, wanted, unwanted in tests:
        if wanted and not has & set(wanted):
            return {"because": f"{name}-wanted", "which": ", ".join(wanted)}
        hit = sorted(has & set(unwanted))
        if hit:
            return {"because": f"{name}-excluded", "which": hit[0]}
    return None


def reads_content(clause: Clause) -> bool:
    """Say whether ``clause`` looks at what an object says, besides its kind and label."""
    return bool(
        clause.labels_any
        or clause.labels_none
        or clause.sectors_any
        or clause.sectors_none
        or clause.attack_any
        or clause.attack_none
    )


def _texts(value: Json) -> set[str]:
    return {v for v in value if isinstance(v, str)} if isinstance(value, list) else set()


def attack_ids(body: Body) -> set[str]:
    """Return the ATT&CK ids an object bears; a sub-technique also counts as its technique."""
    found: set[str] = set()
    refs = body.get("external_references")
    for ref in refs if isinstance(refs, list) else []:
        if isinstance(ref, dict) and str(ref.get("source_name", "")).startswith("mitre"):
            name = str(ref.get("external_id", ""))
            found |= {name, name.partition(".")[0]}
    return found - {""}


def caveats(situation: Situation, label: Label, peer: Peer) -> Iterator[Reason]:
    """Yield what the object's own label forbids (border.md 2.1)."""
    if label.unresolved:
        yield Reason(rule=Rule.MARKING_UNKNOWN, facts={"marking": min(label.unresolved)})
    if label.tlp is None:
        yield Reason(rule=Rule.UNMARKED)
    if label.releasable_to is not None and not {peer.name, peer.country} & label.releasable_to:
        yield Reason(
            rule=Rule.RELEASABLE_TO,
            facts={"to": ", ".join(sorted(label.releasable_to)) or "-"},
        )
    if label.purposes is not None and situation.purpose not in label.purposes:
        purposes = ", ".join(sorted(label.purposes))
        yield Reason(
            rule=Rule.PURPOSE, facts={"purpose": situation.purpose, "for": purposes or "-"}
        )
    if label.embargo is not None and situation.instants.opens < label.embargo:
        yield Reason(rule=Rule.EMBARGO, facts={"until": label.embargo})
    if label.expiry is not None and situation.instants.closes >= label.expiry:
        yield Reason(rule=Rule.EXPIRY, facts={"since": label.expiry})


def origin(candidate: Candidate, peer: Peer) -> Iterator[Reason]:
    """Yield what speaks against the candidate whatever its label: what it is, whose, and how it came."""
    if candidate.object.type.startswith(PRIVATE):
        yield Reason(rule=Rule.PRIVATE_KIND, facts={"kind": candidate.object.type})
    if candidate.forged:
        yield Reason(rule=Rule.MARKING_FORGED)
    if candidate.disowned:
        yield Reason(rule=Rule.OWNERSHIP)
    if candidate.from_client:
        yield Reason(rule=Rule.NOT_ADOPTED)
    if peer.name in {candidate.owner, candidate.sent_by, candidate.voucher}:
        yield Reason(rule=Rule.ECHO)


def consented(situation: Situation, candidate: Candidate, peer: Peer) -> bool:
    """Say whether the owner has signed that this version may go to ``peer`` for this purpose."""
    owner = candidate.owner or candidate.voucher
    return any(
        (c.by, c.id, c.version, c.recipient, c.purpose)
        == (owner, candidate.object.id, candidate.object.version, peer.name, situation.purpose)
        for c in situation.consents
    )


def onward(
    situation: Situation, candidate: Candidate, label: Label, peer: Peer
) -> Iterator[Reason]:
    """Yield what the terms it came under forbid (border.md 2.2, columns *received*; 5.5)."""
    if candidate.own or label.tlp is None:
        return
    yes = consented(situation, candidate, peer)
    facts = {"owner": candidate.owner or candidate.voucher}
    if label.originator_control and not yes:
        yield Reason(rule=Rule.ORIGINATOR_CONTROL, facts=facts)
    sink = peer.constituency_of == situation.us
    may = _to_sink(label.tlp, peer) if sink else _to_nation(label.tlp, candidate, peer, yes=yes)
    if not may:
        yield Reason(rule=_ONWARD[label.tlp], facts=facts)
    given_for = candidate.via_purposes
    if given_for is None:
        given_for = frozenset(PURPOSES) - {JUDICIAL}
    if situation.purpose not in given_for and not yes:
        listed = ", ".join(sorted(given_for)) or "-"
        yield Reason(rule=Rule.PURPOSE, facts={"purpose": situation.purpose, "for": listed})


_ONWARD = {
    Tlp.GREEN: Rule.ONWARD_GREEN,
    Tlp.AMBER: Rule.ONWARD_AMBER,
    Tlp.AMBER_STRICT: Rule.ONWARD_STRICT,
    Tlp.RED: Rule.ONWARD_RED,
}


def _to_nation(at: Tlp, candidate: Candidate, peer: Peer, *, yes: bool) -> bool:
    """Say whether a received level may pass to another nation's; ``yes`` is the owner's consent."""
    match at:
        case Tlp.CLEAR:
            return True
        case Tlp.GREEN:
            return yes or _green_may_pass(candidate, peer)
        case Tlp.AMBER:
            scoped = candidate.relayed and candidate.onward == "scope"
            return yes or (scoped and peer.name in candidate.via_parties)
        case _:
            return yes and at is Tlp.AMBER_STRICT  # RED was meant for the persons it names


def _green_may_pass(candidate: Candidate, peer: Peer) -> bool:
    community = candidate.via or frozenset()
    inside = peer.name in community or peer.constituency_of in community
    if candidate.relayed and candidate.onward == "scope":
        return inside and peer.name in candidate.via_parties
    return inside and candidate.onward != "none"


def _to_sink(at: Tlp, peer: Peer) -> bool:
    """Say whether a received level may pass to a client of our own constituency."""
    return at <= Tlp.GREEN or (at is Tlp.AMBER and peer.need_to_know)


def client(agreement: Agreement, clause: Clause, label: Label, peer: Peer) -> Iterator[Reason]:
    """Yield what an ordinary TAXII client cannot be bound to (border.md 8.1)."""
    if peer.node or label.tlp is None:
        return
    if label.tlp >= Tlp.AMBER_STRICT:
        yield Reason(
            rule=Rule.CLIENT,
            clause=clause.id,
            facts={"because": "level", "is": str(label.tlp)},
        )
    if label.originator_control:
        yield Reason(rule=Rule.CLIENT, clause=clause.id, facts={"because": "originator-control"})
    if clause.receipt_duty:
        yield Reason(rule=Rule.CLIENT, clause=clause.id, facts={"because": "receipt"})
    if label.tlp is Tlp.AMBER and agreement.recall != "best-effort":
        yield Reason(rule=Rule.CLIENT, clause=clause.id, facts={"because": "recall"})


def readers(candidate: Candidate, label: Label, peer: Peer) -> Iterator[Reason]:
    """Yield a reason unless RED goes to named persons of the peer's signed list (border.md 2.4)."""
    if label.tlp is not Tlp.RED:
        return
    chosen = candidate.readers.get(peer.name, frozenset())
    if not peer.node:
        yield Reason(rule=Rule.READERS, facts={"because": "client"})
    elif not chosen:
        yield Reason(rule=Rule.READERS, facts={"because": "none"})
    elif not chosen <= peer.readers:
        unknown = ", ".join(sorted(chosen - peer.readers))
        yield Reason(rule=Rule.READERS, facts={"because": "unknown", "unknown": unknown})
