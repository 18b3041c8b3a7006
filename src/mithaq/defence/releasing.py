"""What we say of partners' indicators goes to them: by a person the first time, and then by itself.

That a person looks at the first is the last clause of the gate: a list that is wrong is wrong at its first hit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import publish
from mithaq.border.publish import Outcome
from mithaq.border.us import Us
from mithaq.defence import sightings
from mithaq.defence.gate import No
from mithaq.defence.seeing import visible
from mithaq.errors import NotFound
from mithaq.store import matches
from mithaq.store.matches import TRUE
from mithaq.store.objects import Copy


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What came of a release: what each agreement decided, and what did not get so far, with why."""

    outcomes: Sequence[Outcome]
    copies: Sequence[Copy]
    against: Sequence[No] = ()


def release(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    seq: int,
    agreements: Sequence[str],
    now: datetime,
    *,
    preview: bool = False,
) -> Released:
    """Propose what we say of a group's indicator: its sighting of that day, or that it is wrong.

    The gate is asked again: what was no attack's name yesterday may be known to be harmless today.

    Args:
        agreements: under which; empty: those under which the indicator came here.
        preview: decide and release nothing.

    Raises:
        Forbidden: the actor may not propose. NotFound: there is no such group that they may see, or no agreement.
        Conflict: an agreement is not in force.
    """
    require(actor, Permission.RELEASE_PREVIEW if preview else Permission.RELEASE_PROPOSE)
    found = visible(unit, us, actor, matches.groups(unit, seqs=[seq]))
    if not found:
        raise NotFound(f"no hits {seq} that {actor.name} may see", number=seq)
    [group] = found
    copies = sightings.said_of(unit, us, group)
    if group.state == TRUE or not copies:
        against = sightings.against(unit, us, group, now)
        if against:
            return Released(outcomes=(), copies=copies, against=against)
    names = list(agreements) or sightings.came_under(unit, group.rule)
    if not names:
        raise NotFound("it came under no agreement: say under which it is to go", rule=group.rule)
    return Released(
        outcomes=[_go(unit, us, actor, copies, name, now, preview) for name in names if copies],
        copies=copies,
    )


def _go(  # noqa: PLR0913 as ``release``
    unit: Connection,
    us: Us,
    actor: Actor,
    copies: Sequence[Copy],
    agreement: str,
    now: datetime,
    preview: bool,  # noqa: FBT001 as ``release``
) -> Outcome:
    some = [copy.seq for copy in copies]
    if preview:
        text = publish.text_in_force(unit, agreement, now)
        return publish.preview(unit, us, text, some, now)
    return publish.publish(unit, us, actor.name, some, agreement, now)
