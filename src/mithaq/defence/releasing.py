"""What we say of partners' indicators goes to them: by a person the first time, and then by itself.

That a person looks at the first is the last clause of the gate: a list that is wrong is wrong at its first hit.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import publish
from mithaq.border.agreements import held
from mithaq.border.peers import administrative
from mithaq.border.publish import Outcome
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.defence import sightings
from mithaq.defence.gate import No
from mithaq.defence.seeing import visible
from mithaq.errors import NotFound
from mithaq.model.canonical import Json
from mithaq.model.whose import Word
from mithaq.store import matches, releases
from mithaq.store.matches import FALSE, OPEN, TRUE, UNSURE, Act, Group, OwnSighting
from mithaq.store.objects import Copy

_SAYS = {TRUE: "sighting", FALSE: "opinion"}  # what a judgement comes to


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
    kind = _SAYS.get(group.state, "")
    copies = [c for c in sightings.said_of(unit, us, group) if c.object.type == kind]
    if group.state != FALSE or not copies:
        against = sightings.against(unit, us, group, now)
        if against or not copies:
            return Released(outcomes=(), copies=copies, against=against or [No(code="unjudged")])
    names = list(agreements) or sightings.came_under(unit, group.word)
    if not names:
        raise NotFound("it came under no agreement: say under which it is to go", rule=group.rule)
    return Released(
        outcomes=[_go(unit, us, actor, copies, name, now, preview) for name in names],
        copies=copies,
    )


def go_on(unit: Connection, us: Us, now: datetime) -> int:
    """Tell of further days of indicators that a person let partners know of before; return how many are told.

    Of an indicator and a partner the first is a person's (``release``); who judged it false since, or is not sure, ends
    this. The gate is asked each time.
    """
    told = 0
    said = matches.own_sightings(unit, us.party)
    for groups in _told_of(unit, said):
        states = {each.state for each in groups}
        if OPEN in states and states.isdisjoint({FALSE, UNSURE}):
            agreements = _let_go(unit, us, groups, said)
            for group in groups if agreements else ():
                if group.state == OPEN:
                    told += _further(unit, us, group, agreements, now)
    return told


def _further(
    unit: Connection, us: Us, group: Group, agreements: Iterable[str], now: datetime
) -> int:
    """Say that a group is a sighting too, if nothing stands against it, and tell whom a person told of the first."""
    said = sightings.sighting(unit, us, "", group, now)
    if said.copy is None:
        return 0
    matches.change(unit, group.seq, state=TRUE)
    what = Act(grouped=group.seq, kind="followed", said="", by="", at=text(now))
    matches.act(unit, what)
    facts: dict[str, Json] = {"number": group.seq}
    administrative(unit, now, "hit-followed", group.rule, facts)
    for name in agreements:
        if held(unit, name, now).text is not None:
            publish.publish(unit, us, "", [said.copy.seq], name, now)
    return 1


def _told_of(unit: Connection, said: Iterable[OwnSighting]) -> Iterator[list[Group]]:
    """Yield the groups of each indicator that we ever made a sighting of, by whose word they rest on."""
    rules = {each.of for each in said}
    found: dict[Word, list[Group]] = {}
    for group in matches.groups(unit, rules=rules) if rules else ():
        found.setdefault(group.word, []).append(group)
    for word in sorted(found):
        yield found[word]


def _let_go(
    unit: Connection, us: Us, groups: Iterable[Group], said: Iterable[OwnSighting]
) -> set[str]:
    """Return under which agreements a person proposed a sighting of an indicator, as one gave it."""
    known = {each.id for each in said}
    days = {each.day: each for each in groups}
    ids = {
        id_
        for each in days.values()
        for id_ in takewhile(known.__contains__, sightings.ids(us, each))
    }
    seqs = [each.seq for each in said if each.id in ids]
    made = releases.intents_where(unit, copies=seqs) if seqs else []
    return {intent.agreement for intent in made if intent.proposer}


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
        terms = publish.text_in_force(unit, agreement, now)
        return publish.preview(unit, us, terms, some, now)
    return publish.publish(unit, us, actor.name, some, agreement, now)
