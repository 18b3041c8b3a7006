"""What people do with matches: look, assign, note, suppress, and judge. Every act is on record (``audit``)."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Literal

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import people
from mithaq.border.peers import administrative
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.defence import sightings
from mithaq.defence.gate import No
from mithaq.defence.recording import active, suppressing
from mithaq.defence.seeing import givers, visible
from mithaq.defence.sightings import Said
from mithaq.defence.weighing import Weighed, weighed
from mithaq.detect.tallies import rank
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.model.canonical import Json
from mithaq.model.labels import Tlp
from mithaq.store import matches
from mithaq.store import suppressions as store
from mithaq.store.matches import (
    FALSE,
    JUDGED,
    OPEN,
    TRUE,
    UNSURE,
    Act,
    Group,
    Kept,
    Tally,
    Which,
)
from mithaq.store.objects import Copy
from mithaq.store.suppressions import Suppression

Verdict = Literal["true", "false", "unsure", "open"]
VERDICTS: tuple[Verdict, ...] = ("true", "false", "unsure", "open")
STATES = (OPEN, TRUE, FALSE, UNSURE)
_LONGEST = 4000  # characters of what a person writes
_SHOWN = 1000  # matches of a group that are shown
_PAGE = 200  # groups that are counted at once


class Suppressed(Conflict):
    """A suppression was undone already."""

    code = "undone-already"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """A group as people see it in a list."""

    group: Group
    tally: Tally


ANY = Which()


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A group with all that is known of it."""

    group: Group
    tally: Tally
    found: Sequence[Kept]  # the newest
    acts: Sequence[Act]
    said: Sequence[Copy]  # our sighting of it, and that it is wrong
    against: Sequence[No]  # why it is no sighting
    weighed: Weighed | None  # what a person weighs; None: it is of no indicator that is here


def hits(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection,
    us: Us,
    actor: Actor,
    now: datetime,
    which: Which = ANY,
    *,
    skip: int = 0,
    most: int | None = None,
) -> list[Hits]:
    """Return what an actor may see of what matched, by rule, day and log source.

    What needs a person comes first: what nobody judged, the gravest of it, the newest of that.

    Args:
        skip: so many are left out before.
        most: return so many at most.

    Raises:
        Forbidden: they may see none.
    """
    found = matches.asked(unit, which)
    found = sorted(visible(unit, us, actor, found), key=_waits, reverse=True)
    standing = {each.seq for each in active(unit, now)}
    counted = _counted(unit, found, standing)
    shown = (each for each in counted if which.suppressed or each.tally.count)
    return list(islice(shown, skip, None if most is None else skip + most))


def _waits(group: Group) -> tuple[bool, int, str, int]:
    return group.state == OPEN, rank(group.severity), group.last, group.seq


def _counted(unit: Connection, some: Sequence[Group], standing: set[int]) -> Iterator[Hits]:
    for at in range(0, len(some), _PAGE):
        part = some[at : at + _PAGE]
        told = matches.tallies(unit, [each.seq for each in part], standing)
        yield from (Hits(group=each, tally=told[each.seq]) for each in part)


def show(unit: Connection, us: Us, actor: Actor, seq: int, now: datetime) -> Detail:
    """Return all that is known of a group.

    Raises:
        Forbidden: the actor may see none. NotFound: there is none of that number that they may see.
    """
    group = _group(unit, us, actor, seq)
    standing = {each.seq for each in active(unit, now)}
    return Detail(
        group=group,
        tally=matches.tallies(unit, [seq], standing)[seq],
        found=matches.of_group(unit, seq, standing, _SHOWN),
        acts=matches.acts(unit, [seq]),
        said=sightings.said_of(unit, us, group),
        against=sightings.against(unit, us, group, now),
        weighed=weighed(unit, us, actor, group, now),
    )


def _group(unit: Connection, us: Us, actor: Actor, seq: int) -> Group:
    found = visible(unit, us, actor, matches.groups(unit, seqs=[seq]))
    if not found:
        raise NotFound(f"no hits {seq} that {actor.name} may see", number=seq)
    return found[0]


# --- acts ---------------------------------------------------------------------------------------------
def assign(  # noqa: PLR0913 as ``hits``
    unit: Connection, us: Us, actor: Actor, seq: int, to: str, now: datetime
) -> Group:
    """Say who looks at a group; empty: nobody in particular.

    Raises:
        Forbidden, NotFound: as ``show``; also where whoever is to look at it may not see it.
    """
    group = _judged_by(unit, us, actor, seq)
    if to:
        _group(unit, us, people.named(unit, to), seq)
    matches.change(unit, seq, assignee=to)
    _act(unit, actor, group, "assigned", to, now, to=to)
    return replace(group, assignee=to)


def note(  # noqa: PLR0913 as ``hits``
    unit: Connection, us: Us, actor: Actor, seq: int, said: str, now: datetime
) -> Group:
    """Write something beside a group, for those who look at it next.

    Raises:
        Forbidden, NotFound: as ``show``. InputError: it says nothing, or too much.
    """
    group = _judged_by(unit, us, actor, seq)
    _act(unit, actor, group, "noted", _written(said), now)
    return group


def judge(  # noqa: PLR0913 as ``hits``
    unit: Connection,
    us: Us,
    actor: Actor,
    seq: int,
    verdict: Verdict,
    now: datetime,
    *,
    why: str = "",
    level: Tlp | None = None,
) -> Said:
    """Say what a group is: an attack, a false positive, unsure, or open again; the last word stands.

    What we said of it before is made to agree: nothing is released by this, but what was released is brought up to
    date wherever it stands.

    Args:
        level: of TLP, where the sighting is to be marked higher than the indicator.

    Returns:
        the sighting, or that the indicator is wrong; or why we say neither.

    Raises:
        Forbidden, NotFound: as ``show``. InputError: the reason is too long.
    """
    group = _judged_by(unit, us, actor, seq)
    reason = _written(why) if why else ""
    matches.change(unit, seq, state=verdict)
    _act(unit, actor, group, JUDGED, f"{verdict}: {reason}" if reason else verdict, now,
         verdict=verdict, why=reason)  # fmt: skip
    group = replace(group, state=verdict)
    if verdict == TRUE:
        sightings.unsay(unit, us, actor.name, "opinion", group, now)
        return sightings.sighting(unit, us, actor.name, group, now, level=level)
    if verdict == FALSE:
        sightings.unsay(unit, us, actor.name, "sighting", group, now)
        return sightings.wrong(unit, us, actor.name, group, now)
    for type_ in ("sighting", "opinion"):
        sightings.unsay(unit, us, actor.name, type_, group, now)
    return Said(against=[No(code=UNSURE)] if verdict == UNSURE else ())


def _judged_by(unit: Connection, us: Us, actor: Actor, seq: int) -> Group:
    require(actor, Permission.HIT_JUDGE)
    return _group(unit, us, actor, seq)


def _written(said: str) -> str:
    if not said.strip() or len(said) > _LONGEST:
        raise InputError(f"it has from 1 to {_LONGEST} characters")
    return said.strip()


def _act(  # noqa: PLR0913 as ``hits``
    unit: Connection, actor: Actor, group: Group, kind: str, said: str, now: datetime, **facts: Json
) -> None:
    matches.act(unit, Act(grouped=group.seq, kind=kind, said=said, by=actor.name, at=text(now)))
    about: dict[str, Json] = {"by": actor.name, "number": group.seq, **facts}
    administrative(unit, now, f"hit-{kind}", group.rule, about)


# --- suppressing --------------------------------------------------------------------------------------
def suppress(
    unit: Connection, us: Us, actor: Actor, wanted: Suppression, now: datetime
) -> tuple[Suppression, int]:
    """Show no more what a rule, an indicator or a value of a field finds, until an end or until it is allowed.

    Matches are kept all the same, and come back when it is allowed. Of an indicator it is about the words of those
    givers alone whose hits the actor may see: what another gave under that id goes on being shown.

    Args:
        wanted: the rule, the field with its value, or both; why; and until when.

    Returns:
        the suppression with its number, and how many of the matches that the actor may see it is about.

    Raises:
        Forbidden: the actor may not. NotFound: they may not see what that rule found.
        InputError: it names nothing, ends in the past, or has no reason.
    """
    require(actor, Permission.HIT_JUDGE)
    if not wanted.rule and not wanted.field:
        raise InputError("say what: a rule, an indicator, or the value of a field")
    if wanted.until and wanted.until <= text(now):
        raise InputError("it would end before it begins", cause="until")
    groups = matches.groups(unit, rules=[wanted.rule] if wanted.rule else ())
    seen = visible(unit, us, actor, groups)
    whose = {each.giver for each in seen} if wanted.rule else set[str]()
    whose |= givers(unit, us, actor, wanted.rule)
    if wanted.rule and groups and not whose:
        raise NotFound(f"no hits of {wanted.rule!r} that {actor.name} may see", rule=wanted.rule)
    made = replace(
        wanted,
        givers=tuple(sorted(whose)),
        why=_written(wanted.why),
        by=actor.name,
        at=text(now),
    )
    made = replace(made, seq=store.put(unit, made))
    count = _apply(unit, wanted.rule, now, {each.seq for each in seen}).get(made.seq, 0)
    facts: dict[str, Json] = {"by": actor.name, "number": made.seq, "why": made.why}
    facts |= {"field": made.field, "until": made.until}
    administrative(unit, now, "hit-suppressed", made.rule or "field", facts)
    return made, count


def allow(  # noqa: PLR0913 as ``hits``
    unit: Connection, us: Us, actor: Actor, seq: int, why: str, now: datetime
) -> Suppression:
    """Let a suppression count no more; it stays on record, and what it hid is shown again.

    Raises:
        Forbidden: the actor may not. NotFound: there is none that they may see. Suppressed: it was undone.
    """
    require(actor, Permission.HIT_JUDGE)
    found = [each for each in suppressions(unit, us, actor) if each.seq == seq]
    if not found:
        raise NotFound(f"no suppression {seq} that {actor.name} may see", number=seq)
    [standing] = found
    if standing.undone_at:
        raise Suppressed(f"suppression {seq} was undone", number=seq)
    reason, at = _written(why), text(now)
    store.undo(unit, seq, actor.name, at, reason)
    _apply(unit, standing.rule, now)
    facts: dict[str, Json] = {"by": actor.name, "number": seq, "why": reason}
    administrative(unit, now, "hit-allowed", standing.rule or "field", facts)
    return replace(standing, undone_by=actor.name, undone_at=at, undone_why=reason)


def suppressions(unit: Connection, us: Us, actor: Actor) -> list[Suppression]:
    """Return every suppression that an actor may see, the newest first.

    Raises:
        Forbidden: they may see none.
    """
    every = store.every(unit)
    named = {each.rule for each in every if each.rule}
    groups = matches.groups(unit, rules=named) if named else []
    open_ = {each.word for each in visible(unit, us, actor, groups)}
    shut = {each.word for each in groups} - open_
    return [
        each
        for each in every
        if any(each.about(word) for word in open_) or not any(each.about(word) for word in shut)
    ]


def _apply(
    unit: Connection, rule: str, now: datetime, groups: Collection[int] = ()
) -> dict[int, int]:
    """Say anew of the matches of a rule, or of all, by what they are suppressed.

    Returns:
        how many of some groups' matches each suppression is about.
    """
    standing = active(unit, now)
    by: dict[int, list[str]] = {}
    counts: dict[int, int] = {}
    for of, match in matches.of_rules(unit, [rule] if rule else ()):
        seq = suppressing(of, match, standing)
        if seq != match.suppressed:
            by.setdefault(seq, []).append(match.id)
        counts[seq] = counts.get(seq, 0) + (match.grouped in groups)
    for seq, ids in by.items():
        matches.suppress_matches(unit, seq, ids)
    return counts
