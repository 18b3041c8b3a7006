"""How the defence stands for somebody here, with what is emerging; and that it is kept day by day."""

from sqlalchemy import Connection

from mithaq import intel
from mithaq.auth.actors import Actor
from mithaq.border import people
from mithaq.defence import cycle
from mithaq.defence.cycle import Cycle
from mithaq.intel import Horizon
from mithaq.model.labels import Tlp
from mithaq.model.mentions import Family
from mithaq.node.build import Node

_MOST = 50  # of what is emerging that lifts a threat


def stood(node: Node, unit: Connection, actor: Actor, up_to: Tlp = Tlp.RED) -> Cycle:
    """Return how the defence stands by what somebody may read, up to a marking."""
    now = node.clock()
    asked = Horizon(until=now, families=(Family.MALWARE,), up_to=up_to, evidence=0, most=_MOST)
    found = intel.emerging(unit, node.us, actor, asked)
    rising = [each.entity.name for family in found.families for each in family.findings]
    terms = node.config.settings.cycle
    return cycle.stand(unit, node.us, actor, now, terms, rising=rising, up_to=up_to)


def keep_up(node: Node) -> None:
    """Read out some of what the cycle rests on, and once a day keep how it stands for each level that people have.

    A node without ATT&CK does nothing.
    """
    with node.core.read() as unit:
        if not cycle.versions(unit):
            return
    if cycle.read_out(node.core):
        return  # not before all is read out
    day = f"{node.clock():%Y-%m-%d}"
    with node.core.read() as unit:
        levels = {min(each.clearance.tlp, cycle.HIGHEST) for each in people.everyone(unit)}
        missing = sorted(levels - cycle.kept_at(unit, day, levels))
    if missing:
        snapshot(node, missing[0])


def snapshot(node: Node, level: Tlp) -> Cycle:
    """Keep how the defence stands today, for who is cleared for a level."""
    with node.core.read() as unit:
        stands = stood(node, unit, cycle.reader(level), level)
    with node.core.begin() as unit:
        cycle.keep(unit, stands)
    return stands
