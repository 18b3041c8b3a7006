"""What people say in the cycle: how much a threat matters, what is in place, whose a gap is, and what proves it.

Every act is on record (``audit``) with its reason. No figure is entered: figures follow from what is said here.
"""

from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import people
from mithaq.border.peers import administrative
from mithaq.clock import text
from mithaq.defence.cycle import reading
from mithaq.defence.cycle.near import near
from mithaq.detect.attack import Lore
from mithaq.detect.coverage import FIRST, LAST, State, Threat
from mithaq.errors import InputError, NotFound
from mithaq.model.canonical import Json
from mithaq.store import cycle
from mithaq.store.cycle import Assessment, GapRow, Noted, Priority

KINDS = (
    "hunt",
    "recording",
    "test",
    "drill",
)  # of proofs that people note; hits count by themselves
_LONGEST = 4000  # characters of what a person writes
_DAY = 10  # signs of an instant that are its day


class NoTechnique(NotFound):
    """No reference set that counts knows a technique by that number."""

    code = "no-technique"


class NoMitigation(NotFound):
    """No reference set that counts knows a mitigation by that number."""

    code = "no-mitigation"


# --- threats and mitigations ---------------------------------------------------------------------------
def prioritise(  # noqa: PLR0913 unit, actor and now come with every act
    unit: Connection, actor: Actor, threat: Threat, priority: int, why: str, now: datetime
) -> None:
    """Say how much a threat matters, from 1 (first) to 5; 0: what its reasons say counts again.

    Raises:
        Forbidden: the actor may not. InputError: it is no such number, or has no reason.
    """
    require(actor, Permission.HIT_JUDGE)
    if priority and not FIRST <= priority <= LAST:
        raise InputError("priorities are 1 (first) to 5", cause="priority")
    said = _written(why)
    if priority:
        row = Priority(threat=threat.key, priority=priority, why=said, by=actor.name, at=text(now))
        cycle.set_priority(unit, row)
    else:
        cycle.unset_priority(unit, threat.key)
    _log(unit, actor, now, "cycle-priority", threat.key, priority=priority, why=said)


def assess(  # noqa: PLR0913 as above
    unit: Connection,
    actor: Actor,
    mitigation: str,
    state: State,
    now: datetime,
    *,
    technique: str = "",
    why: str = "",
) -> str:
    """Say how far a mitigation is in place, for one technique or for whatever it mitigates; return its name.

    Raises:
        Forbidden: the actor may not. NoMitigation, NoTechnique: there is none of that number, or it mitigates it not.
        InputError: the reason is too long.
    """
    require(actor, Permission.HIT_JUDGE)
    known = reading.lore(unit)
    number = mitigation.upper()
    if number not in known.mitigations:
        like = near(mitigation, {each: [name] for each, name in known.mitigations.items()})
        raise NoMitigation(
            f"no mitigation {mitigation!r} in a reference set that counts; like it: {like}"
            if like
            else f"no mitigation {mitigation!r} in a reference set that counts",
            number=mitigation,
        )
    of = number_of(known, technique) if technique else ""
    if of and number not in known.mitigated.get(of, ()):
        raise NoMitigation(f"ATT&CK does not know that {number} mitigates {of}", number=number)
    said = _written(why) if why else ""
    row = Assessment(
        mitigation=number, technique=of, state=state, why=said, by=actor.name, at=text(now)
    )
    cycle.assess(unit, row)
    _log(unit, actor, now, "cycle-assessed", number, technique=of, state=str(state), why=said)
    return known.mitigations[number]


# --- gaps ----------------------------------------------------------------------------------------------
def assign(  # noqa: PLR0913 as above
    unit: Connection,
    actor: Actor,
    technique: str,
    now: datetime,
    *,
    owner: str | None = None,
    due: str | None = None,
    note: str | None = None,
) -> GapRow:
    """Say whose a gap is and by when it is to be closed; None: as before.

    Raises:
        Forbidden: the actor may not. NoTechnique: there is none of that number. NotFound: nobody has that name.
        InputError: nothing is said, or the day is none.
    """
    require(actor, Permission.HIT_JUDGE)
    said = {
        name: each
        for name, each in (("owner", owner), ("due", due), ("note", note))
        if each is not None
    }
    if not said:
        raise InputError("say an owner, a day or a note", cause="assign")
    if owner:
        people.named(unit, owner)
    if due:
        said["due"] = _as_day(due)
    if note:
        said["note"] = _written(note)
    number = number_of(reading.lore(unit), technique)
    row = replace(_gap(unit, number), **said, at=text(now))
    cycle.put_gap(unit, row)
    _log(unit, actor, now, "cycle-assigned", number, **said)
    return row


def accept(  # noqa: PLR0913 as above
    unit: Connection, actor: Actor, technique: str, until: str, why: str, now: datetime
) -> GapRow:
    """Take a gap upon oneself until a day; an empty day takes that back.

    Raises:
        Forbidden: the actor may not. NoTechnique: there is none of that number.
        InputError: there is no reason, or the day is none, or past.
    """
    require(actor, Permission.HIT_JUDGE)
    number, day, said = number_of(reading.lore(unit), technique), "", _written(why)
    if until:
        day = _as_day(until)
        if day < text(now)[:_DAY]:
            raise InputError("it would end before it begins", cause="until")
    row = replace(
        _gap(unit, number),
        accepted_until=day,
        accepted_why=said,
        accepted_by=actor.name,
        at=text(now),
    )
    cycle.put_gap(unit, row)
    _log(unit, actor, now, "cycle-accepted", number, until=day, why=said)
    return row


def _gap(unit: Connection, number: str) -> GapRow:
    return cycle.gaps(unit).get(number) or GapRow(technique=number, at="")


# --- proofs --------------------------------------------------------------------------------------------
def prove(  # noqa: PLR0913 as above
    unit: Connection,
    actor: Actor,
    technique: str,
    kind: str,
    what: str,
    now: datetime,
    *,
    day: str = "",
    found: bool = True,
) -> Noted:
    """Note that something showed that a technique is seen here, or that it was tried and not seen.

    Raises:
        Forbidden: the actor may not. NoTechnique: there is none of that number.
        InputError: it says nothing, is of no known kind, or of a day to come.
    """
    require(actor, Permission.HIT_JUDGE)
    if kind not in KINDS:
        raise InputError(f"a proof is one of {', '.join(KINDS)}", cause="kind")
    today = text(now)[:_DAY]
    when = _as_day(day) if day else today
    if when > today:
        raise InputError("what is to come proves nothing", cause="day")
    number = number_of(reading.lore(unit), technique)
    row = Noted(
        technique=number,
        kind=kind,
        what=_written(what),
        day=when,
        found=found,
        by=actor.name,
        at=text(now),
    )
    made = replace(row, seq=cycle.prove(unit, row))
    _log(unit, actor, now, "cycle-proved", number, proof=kind, found=found, day=when)
    return made


def number_of(known: Lore, written: str) -> str:
    """Return the number of a technique that counts, by its number, or by one that it replaced.

    Raises:
        NoTechnique: there is none.
    """
    number = known.number_of(written.upper())
    if number not in known.techniques:
        like = near(written, {each: [told.name] for each, told in known.techniques.items()})
        raise NoTechnique(
            f"no technique {written!r} in a reference set that counts; like it: {like}"
            if like
            else f"no technique {written!r} in a reference set that counts",
            number=written,
        )
    return number


def _as_day(written: str) -> str:
    try:
        return date.fromisoformat(written[:_DAY]).isoformat()
    except ValueError:
        raise InputError(f"no day: {written!r}", cause="day") from None


def _written(said: str) -> str:
    if not said.strip() or len(said) > _LONGEST:
        raise InputError(f"it has from 1 to {_LONGEST} characters")
    return said.strip()


def _log(
    unit: Connection, actor: Actor, now: datetime, kind: str, subject: str, **facts: Json
) -> None:
    administrative(unit, now, kind, subject, {"by": actor.name, **facts})
