"""How a block is marked: no lower than the lowest of what is held that names its value.

A value that we know from a partner's AMBER alone is no GREEN because we wrote it anew. What nobody here names is the
blocker's own knowledge.
"""

from collections.abc import Collection

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.situation import candidates_of
from mithaq.border.us import Us
from mithaq.errors import Refused
from mithaq.model.labels import Pap, Tlp, join
from mithaq.model.values import Value
from mithaq.policy.views import labels_of
from mithaq.store import objects, values

_LOOKED_AT = 200  # of what names one value, the newest


class Marked(Refused):
    """All that names a value is marked higher than what a firewall acts on."""

    code = "block-marked"


def levels(unit: Connection, us: Us, actor: Actor, wanted: Collection[Value]) -> dict[Value, Tlp]:
    """Return the TLP at which each of some values may be blocked, by what the actor may read of it.

    Raises:
        Marked: of one of them, all is above AMBER, its PAP forbids to act where the other side sees it (above GREEN),
            or bears a marking that nobody here can read.
    """
    visible = objects.visible_to(actor.clearance, us.party)
    found = values.sharing(unit, visible, wanted, _LOOKED_AT)
    return {value: _level(unit, value, [copy.seq for copy in found[value]]) for value in wanted}


def _level(unit: Connection, value: Value, named: Collection[int]) -> Tlp:
    labels = [join(*labels_of(each)) for each in candidates_of(unit, named)]
    usable = [
        label.tlp or Tlp.AMBER
        for label in labels
        if not label.unresolved and label.pap <= Pap.GREEN and (label.tlp or Tlp.AMBER) <= Tlp.AMBER
    ]
    if labels and not usable:
        raise Marked(f"all that names {value.text} is marked higher than a firewall acts on",
                     value=value.text)  # fmt: skip
    return max(min(usable, default=Tlp.GREEN), Tlp.GREEN)
