"""How the defence stands for whoever asks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from mithaq.auth.actors import Actor, Permission, may
from mithaq.cli.desk import Desk
from mithaq.defence import cycle as cycles
from mithaq.defence.cycle import Change, Cycle, Technique
from mithaq.detect.coverage import Threat
from mithaq.errors import NotFound
from mithaq.model.labels import Tlp, tlp
from mithaq.model.named import spelling
from mithaq.node.defending import stood

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
            level = tlp(up_to) if up_to else Tlp.RED
            yield node, unit, actor, stood(node, unit, actor, level)


def threat_of(stands: Cycle, named: str) -> Threat:
    """Return the threat that a person names by its number, its id, or its name.

    Raises:
        NotFound: there is none that they may see.
    """
    asked = spelling(named)
    for each in (*stands.threats, *stands.others):
        if named.upper() == each.key.upper() or named in each.ids or asked == spelling(each.name):
            return each
    like = cycles.near(named, {each.key: [each.name] for each in (*stands.threats, *stands.others)})
    raise NotFound(
        f"no threat {named!r} that you may see; like it: {like}"
        if like
        else f"no threat {named!r} that you may see",
        name=named,
    )


def technique_of(stands: Cycle, number: str) -> Technique:
    """Return a technique by its number, or by one that it replaced.

    Raises:
        NoTechnique: there is none.
    """
    return stands.techniques[cycles.number_of(stands.lore, number)]


def changed_since(
    node: "Node", unit: "Connection", actor: Actor, stands: Cycle, since: str = ""
) -> Change | None:
    """Return what changed since a day, to whoever may see hits; what is above AMBER+STRICT is not kept."""
    if not may(actor, Permission.HIT_READ):
        return None
    if stands.level > cycles.HIGHEST and stands.marking <= cycles.HIGHEST:
        stands = replace(stands, level=cycles.HIGHEST)  # RED added nothing
    elif stands.level > cycles.HIGHEST:
        stands = stood(node, unit, cycles.reader(cycles.HIGHEST), cycles.HIGHEST)
    return cycles.change(unit, stands, since)
