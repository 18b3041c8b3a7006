"""The legal officer's restriction list: what goes to whom under no agreement, from the moment it is written."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import blocks, consent, peers, touched
from mithaq.border.clocks import instants
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.countries import is_country, looks_like_one
from mithaq.errors import Conflict, InputError, NotFound
from mithaq.model.canonical import Json
from mithaq.model.ids import NAME
from mithaq.model.kinds import IDENTIFIER, TYPE_NAME
from mithaq.policy import blocks as policy
from mithaq.store import blocks as store
from mithaq.store.blocks import RestrictionRow

_MARKING = "marking-definition--"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry as a person writes it; all that it names is meant together."""

    to: Sequence[str] = ()
    kinds: Sequence[str] = ()
    ids: Sequence[str] = ()
    sources: Sequence[str] = ()
    markings: Sequence[str] = ()
    labels: Sequence[str] = ()
    since: str = ""
    until: str = ""
    reason: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an entry comes to now: rows that are taken down, by peer, and consents of ours taken back."""

    row: RestrictionRow
    gone: dict[str, int]
    consents: int


def preview(unit: Connection, us: Us, entry: Entry, now: datetime) -> Effect:
    """Say what an entry would take down now; nothing is written.

    Raises:
        InputError: it names nothing, or what it names is no party, country, kind, id, marking or time.
    """
    row = _row(entry, "", now)
    block = blocks.of_restriction(row)
    holds = policy.stands(block, instants(unit, now))
    gone = touched.standing_against(unit, block) if holds else []
    against = consent.against(unit, us, block)
    return Effect(row=row, gone=dict(Counter(r.peer for r in gone)), consents=len(against))


def add(unit: Connection, us: Us, entry: Entry, now: datetime, *, by: str) -> Effect:
    """Put an entry on the list: what stands against it is off the shelves with this unit.

    Raises:
        InputError: as ``preview``.
    """
    row = store.add_restriction(unit, _row(entry, by, now))
    block = blocks.of_restriction(row)
    gone: Counter[str] = Counter()
    if policy.stands(block, instants(unit, now)):
        gone.update(each.peer for each in touched.take_down(unit, block, now))
    taken = consent.withdraw(unit, us, block, now, by=by)
    later = [at for at in policy.turns(block) if at > text(now)]
    touched.decide_again(unit, block, [parse(at) for at in later])
    facts: dict[str, Json] = {
        **_named(row),
        "reason": row.reason,
        "basis": row.basis,
        "by": by,
        "rows": gone.total(),
    }
    peers.administrative(unit, now, "restriction", str(row.seq), facts)
    return Effect(row=row, gone=dict(gone), consents=len(taken))


def lift(unit: Connection, number: int, because: str, now: datetime, *, by: str) -> RestrictionRow:
    """Take an entry off the list: what it kept back is decided again, as if it were proposed now.

    Raises:
        NotFound: there is no such entry; Conflict: it is lifted already; InputError: no reason is given.
    """
    row = standing(unit, number)
    if not because.strip():
        raise InputError("say why it is lifted", cause="reason")
    store.lift_restriction(unit, number, (text(now), by, because))
    touched.decide_again(unit, blocks.of_restriction(row), [now])
    facts: dict[str, Json] = {"by": by, "reason": because}
    peers.administrative(unit, now, "restriction-lifted", str(number), facts)
    return replace(row, lifted_at=text(now), lifted_by=by, lifted_because=because)


def standing(unit: Connection, number: int) -> RestrictionRow:
    """Return an entry that is on the list.

    Raises:
        NotFound: there is no such entry; Conflict: it is lifted already.
    """
    row = store.restriction(unit, number)
    if row is None:
        raise NotFound(f"no restriction {number}", number=number)
    if row.lifted_at:
        raise Conflict(f"restriction {number} was lifted at {row.lifted_at}", number=number)
    return row


def _row(entry: Entry, by: str, now: datetime) -> RestrictionRow:
    row = RestrictionRow(
        to=_each(entry.to),
        kinds=_each(entry.kinds),
        ids=_each(entry.ids),
        sources=_each(entry.sources),
        markings=_each(entry.markings),
        labels=tuple(each.casefold() for each in _each(entry.labels)),
        since=entry.since,
        until=entry.until,
        reason=entry.reason.strip(),
        basis=entry.basis.strip(),
        person=by,
        at=text(now),
    )
    _check(row, text(now))
    return row


def _each(written: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.strip() for each in written if each.strip()))


def _check(row: RestrictionRow, now: str) -> None:
    if not any(_named(row)[name] for name in _TESTS):
        raise InputError("it would forbid everything to everybody: name something", cause="empty")
    if not row.reason or not row.basis:
        raise InputError("a restriction says why, and which law it rests on", cause="basis")
    for name, (test, what) in _TESTS.items():
        for each in getattr(row, name):
            if not test(each):
                raise InputError(f"{each!r} is no {what}", cause=name)
    if row.until and row.until <= max(row.since, now):
        raise InputError("it would end before it begins", cause="until")


def _place(one: str) -> bool:
    """Say whether it is a country or may be a party; a code that is none would be taken for a party that is none."""
    return is_country(one) or (NAME.fullmatch(one) is not None and not looks_like_one(one))


_TESTS: Mapping[str, tuple[Callable[[str], object], str]] = {
    "to": (_place, "party and no country"),
    "kinds": (lambda one: one == policy.EVERY or TYPE_NAME.fullmatch(one), "type of STIX object"),
    "ids": (IDENTIFIER.fullmatch, "id of a STIX object"),
    "sources": (str.isprintable, "name of a source"),
    "markings": (
        lambda one: policy.level_named(one) is not None or one.startswith(_MARKING),
        "TLP level and no marking's id",
    ),
    "labels": (str.isprintable, "label"),
}


def _named(row: RestrictionRow) -> dict[str, Json]:
    return {
        "to": [*row.to],
        "kinds": [*row.kinds],
        "ids": [*row.ids],
        "sources": [*row.sources],
        "markings": [*row.markings],
        "labels": [*row.labels],
        "since": row.since,
        "until": row.until,
    }
