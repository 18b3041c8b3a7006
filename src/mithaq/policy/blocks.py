"""What stands above every agreement: a rupture with a partner, and the legal officer's restrictions.

Both are one thing: a standing no, by whom something goes to and by what it is. A block is judged before any
clause, and no clause, consent or approval lifts it. All that a block names must be met together; what it leaves
empty it does not ask for.
"""

from collections.abc import Iterable, Iterator

from mithaq.errors import InputError
from mithaq.model.labels import Label, Tlp, tlp
from mithaq.model.markings import FIXED, marking_refs
from mithaq.policy.decision import Reason, Rule
from mithaq.policy.lifecycle import Instants
from mithaq.policy.situation import Block, Candidate, Peer

EVERY = "*"  # as a kind: whatever it is


def stands(block: Block, instants: Instants) -> bool:
    """Say whether a block holds: by the cautious pair it begins as early and ends as late as it may (border.md 2.7)."""
    begun = not block.since or instants.closes >= block.since
    return begun and not over(block, instants)


def over(block: Block, instants: Instants) -> bool:
    """Say whether a block's time has passed."""
    return bool(block.until) and instants.opens >= block.until


def turns(block: Block) -> Iterator[str]:
    """Yield the instants at which what a block forbids may turn."""
    yield from (at for at in (block.since, block.until) if at)


def reaches(block: Block, name: str, country: str) -> bool:
    """Say whether a block is about what goes to a party of that name and country."""
    return not block.to or not block.to.isdisjoint({name, country})


def names(block: Block, candidate: Candidate, labels: Iterable[Label] = ()) -> bool:
    """Say whether a block is about this version, whoever it would go to.

    Args:
        labels: of the version as a whole and of its parts; a part that is named is enough.
    """
    seen = candidate.object
    return (
        (not block.kinds or EVERY in block.kinds or seen.type in block.kinds)
        and (not block.ids or seen.id in block.ids)
        and (not block.sources or not block.sources.isdisjoint(_sources(candidate)))
        and (not block.labels or not block.labels.isdisjoint(_labels(candidate)))
        and (not block.markings or _marked(block, candidate, labels))
    )


def against(
    blocks: Iterable[Block], candidate: Candidate, labels: Iterable[Label], peer: Peer
) -> Iterator[Reason]:
    """Yield why each of ``blocks``, which stand, keeps this version from ``peer``."""
    read = tuple(labels)
    for block in blocks:
        if reaches(block, peer.name, peer.country) and names(block, candidate, read):
            yield _reason(block, peer)


def level_named(marking: str) -> Tlp | None:
    """Return the level that a block's marking names, by word or by the fixed id; None: it names another marking."""
    if marking in FIXED:
        return FIXED[marking].label.tlp
    try:
        return tlp(marking)
    except InputError:
        return None


def _reason(block: Block, peer: Peer) -> Reason:
    if block.power is Rule.RUPTURE:
        facts = {"because": "theirs" if block.by == peer.name else "ours", "peer": peer.name}
        if block.sources:
            facts |= {"because": "owner", "by": block.by}
        return Reason(rule=Rule.RUPTURE, facts=facts)
    facts = {"number": block.name, "basis": block.basis or "-", "peer": peer.name}
    return Reason(rule=Rule.RESTRICTION, facts=facts)


def _sources(candidate: Candidate) -> frozenset[str]:
    """Return whoever the version comes from: its owner, who vouches for it, and who handed it to us."""
    return frozenset({candidate.owner, candidate.voucher, candidate.sent_by}) - {""}


def _labels(candidate: Candidate) -> frozenset[str]:
    """Return the words of ``labels``, without regard to case: a capital letter opens no way around."""
    found = candidate.object.body.get("labels")
    many = found if isinstance(found, list) else []
    return frozenset(each.casefold() for each in many if isinstance(each, str))


def _marked(block: Block, candidate: Candidate, labels: Iterable[Label]) -> bool:
    refs = frozenset(marking_refs(candidate.object.body))
    if not block.markings.isdisjoint(refs):
        return True
    lowest = min((at for m in block.markings if (at := level_named(m)) is not None), default=None)
    return lowest is not None and any(
        label.tlp is not None and label.tlp >= lowest for label in labels
    )
