"""May this sender send this here? The receiver's side of a clause, by the version sealed (border.md 3.2, 6.7)."""

from dataclasses import replace

from mithaq.model.labels import Label, Tlp
from mithaq.model.objects import Object
from mithaq.policy.agreement import Agreement
from mithaq.policy.decision import Reason, Rule
from mithaq.policy.lifecycle import Instants
from mithaq.policy.permit import permitting
from mithaq.policy.situation import Candidate, Peer, Situation


def against_receiving(
    agreement: Agreement, sides: tuple[str, Peer], seen: Object, label: Label, instants: Instants
) -> Reason | None:
    """Return why no clause of ``agreement`` lets what bears ``label`` come in; None if one does.

    The purpose is the sender's to state in its own records, so any purpose a clause names will do.

    Args:
        sides: the sender's name, and ourselves as a peer of the sender.
        seen: the view that came.
    """
    sender, us = sides
    if label.unresolved:
        return Reason(rule=Rule.MARKING_UNKNOWN, facts={"marking": min(label.unresolved)})
    if label.tlp is None:
        # Any level above CLEAR enters the view (border.md 1.5), so one without is what its sender holds CLEAR.
        # For passing it on it stays unmarked here, and so withheld until somebody marks it.
        label = replace(label, tlp=Tlp.CLEAR)
    candidate = Candidate(key=0, object=seen, voucher=sender, own=True)
    why = Reason(rule=Rule.NO_CLAUSE, facts={"because": "direction"})
    for purpose in dict.fromkeys(p for clause in agreement.clauses for p in clause.purposes):
        situation = Situation(
            us=sender,
            country="",
            identities=frozenset(),
            peers={us.name: us},
            purpose=purpose,
            instants=instants,
            markings={},
        )
        clause, reasons = permitting(situation, agreement, candidate, label, us)
        if clause is not None:
            return None
        why = next((r for r in reasons if r.facts.get("because") != "purpose"), why)
    return why
