"""What people decide: the second person and the policy owner (border.md 2.2, 2.8, 2.10)."""

from mithaq.model.labels import Tlp
from mithaq.policy.attribution import attributes
from mithaq.policy.decision import Reason, Rule, View
from mithaq.policy.situation import Approval, Situation
from mithaq.policy.views import Draft

NAMED = 3  # lists that a reason names


def needs_of(
    situation: Situation, terms: str, made: Draft, seen: View, peer: str
) -> frozenset[str]:
    """Return what the view still waits for: ``second-person``, ``policy-owner``, ``known-benign``, or nothing.

    Args:
        terms: digest of the agreement's exact text; an approval of another text is void.
    """
    candidate = made.reading.candidate
    needs: set[str] = set()
    if candidate.lowers or (seen.label.tlp or Tlp.CLEAR) >= Tlp.AMBER_STRICT:
        needs.add(str(Rule.SECOND_PERSON))
    if attributes(seen.body) and (made.clause.attribution == "hold" or not candidate.own):
        needs.add(str(Rule.POLICY_OWNER))
    if candidate.benign:
        needs.add(str(Rule.KNOWN_BENIGN))
    if not needs:
        return frozenset()
    good = [a for a in situation.approvals if _counts(a, terms, made, seen, peer)]
    if good:
        needs.discard(str(Rule.SECOND_PERSON))
    if any(not a.standing for a in good):  # somebody looked
        needs.discard(str(Rule.KNOWN_BENIGN))
    if any("policy-owner" in a.approver.roles and not a.standing for a in good):
        needs.discard(str(Rule.POLICY_OWNER))
    return frozenset(needs)


def because(need: str, made: Draft, seen: View) -> Reason:
    """Say why a view waits for ``need``."""
    facts: dict[str, str] = {}
    if need == Rule.SECOND_PERSON:
        high = (seen.label.tlp or Tlp.CLEAR) >= Tlp.AMBER_STRICT
        facts = {"because": "level", "is": str(seen.label.tlp)} if high else {"because": "lowers"}
    if need == Rule.KNOWN_BENIGN:
        facts = {"lists": ", ".join(made.reading.candidate.benign[:NAMED])}
    return Reason(rule=Rule(need), clause=made.clause.id, facts=facts)


def _counts(approval: Approval, terms: str, made: Draft, seen: View, peer: str) -> bool:
    """Say whether an approval is of these bytes for this peer under this text, by one who may give it."""
    candidate = made.reading.candidate
    bound = (approval.key, approval.agreement_digest, approval.view) == (
        candidate.key,
        terms,
        seen.digest,
    )
    another = approval.approver.name not in {approval.proposer, candidate.author}
    level = seen.label.tlp or Tlp.CLEAR
    cleared = approval.approver.clearance >= level
    # Given beforehand, it reaches neither RED nor a lowered marking, whatever is kept of it.
    seen_to = not approval.standing or (level < Tlp.RED and not candidate.lowers)
    return bound and peer in approval.peers and another and cleared and seen_to
