"""How the defence stands for whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mithaq import intel
from mithaq.auth.actors import Actor, Permission
from mithaq.cli.desk import Desk
from mithaq.defence import cycle as cycles
from mithaq.defence.cycle import Cycle
from mithaq.detect.coverage import Threat
from mithaq.errors import NotFound
from mithaq.intel import Horizon
from mithaq.model.labels import Tlp, tlp
from mithaq.model.mentions import Family
from mithaq.model.named import spelling

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from mithaq.node import Node


@contextmanager
def standing(desk: Desk, up_to: str = "") -> Iterator[tuple["Node", "Connection", Actor, Cycle]]:
    """Yield the node, a snapshot, who asks, and how the defence stands for them."""
    with desk.node() as node:
        cycles.read_all_out(node.core)
        with node.core.read() as unit:
            actor = desk.actor(unit, Permission.OBJECT_READ)
            yield node, unit, actor, stood(node, unit, actor, up_to)


def stood(node: "Node", unit: "Connection", actor: Actor, up_to: str = "") -> Cycle:
    """Return how the defence stands by what somebody may read, with what is emerging."""
    now, level = node.clock(), tlp(up_to) if up_to else Tlp.RED
    asked = Horizon(until=now, families=(Family.MALWARE,), up_to=level, evidence=0, most=50)
    found = intel.emerging(unit, node.us, actor, asked)
    rising = [each.entity.name for family in found.families for each in family.findings]
    terms = node.config.settings.cycle
    return cycles.stand(unit, node.us, actor, now, terms, rising=rising, up_to=level)


def threat_of(stands: Cycle, named: str) -> Threat:
    """Return the threat that a person names by its number, its id, or its name.

    Raises:
        NotFound: there is none that they may see.
    """
    asked = spelling(named)
    for each in (*stands.threats, *stands.others):
        if named.upper() == each.key.upper() or named in each.ids or asked == spelling(each.name):
            return each
    raise NotFound(f"no threat {named!r} that you may see", name=named)
