"""What a text about an object bears at least: it may say whatever the object says (border.md 2.1, 2.2). Pure."""

from collections.abc import Iterable

from mithaq.border.local import join_beside
from mithaq.errors import Refused
from mithaq.model.labels import Beside, Label, Pap, Tlp, join
from mithaq.policy.situation import Candidate
from mithaq.policy.views import labels_of


class Unspeakable(Refused):
    """Nothing may be written about an object: who reads the text would read it."""

    code = "unspeakable"


def floor(targets: Iterable[Candidate]) -> Label:
    """Return the label that a text about ``targets`` bears at least: theirs, and for whom each may be passed on.

    Raises:
        Unspeakable: one bears a marking that nobody here can read, or is another's TLP:RED, which is for the persons
            it names alone: they would not be those who read the text.
    """
    return join(*map(_floor, targets))


def _floor(target: Candidate) -> Label:
    label = join(*labels_of(target))
    if label.unresolved:
        raise Unspeakable(
            f"{target.object.id} bears a marking that nobody here can read", object=target.object.id
        )
    if target.own:
        return label
    if label.tlp is Tlp.RED:
        raise Unspeakable(
            f"{target.object.id} is another's TLP:RED, for the persons it names alone: "
            "others would read what is written about it",
            object=target.object.id,
        )
    return join(label, Label(releasable_to=_reach(target, label.tlp)))


def _reach(target: Candidate, level: Tlp | None) -> frozenset[str] | None:
    """Return to whom what came at a level may go from here without its owner's consent; None: to all."""
    if level is Tlp.CLEAR:
        return None
    came_from = frozenset({target.owner, target.voucher, target.sent_by} - {""})
    if target.onward == "scope" and level is Tlp.AMBER:
        return came_from | target.via_parties
    if target.onward != "none" and level is Tlp.GREEN:
        return came_from | (target.via or frozenset())
    return came_from


def beside_of(label: Label) -> Beside:
    """Return what puts ``label`` beside an object."""
    return Beside(
        tlp=label.tlp,
        pap=label.pap if label.pap is not Pap.CLEAR else None,
        releasable_to=label.releasable_to,
        originator_control=label.originator_control,
        embargo=label.embargo,
        expiry=label.expiry,
        purposes=label.purposes,
    )


def at_least(given: Beside, least: Label) -> Beside:
    """Return what is as strict as what a person gives and as ``least``."""
    return join_beside(given, beside_of(least))


def is_below(given: Beside, least: Label) -> bool:
    """Say whether a person asks for a level below ``least``."""
    below = given.tlp is not None and least.tlp is not None and given.tlp < least.tlp
    return below or (given.pap is not None and given.pap < least.pap)
