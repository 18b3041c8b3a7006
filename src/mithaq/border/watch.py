"""What time and signatures change without anybody asking: texts that come into force, take over or end.

Each look compares the text that holds now with the one that held at the last look; where they differ the
shelves open or close, and everything ever proposed under that agreement is decided again (border.md 3.4).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import msgspec
from msgspec.json import decode, encode
from msgspec.structs import replace
from sqlalchemy import Connection

from mithaq.border import agreements, opening, outbox
from mithaq.border.clocks import instants
from mithaq.border.peers import administrative
from mithaq.border.publish import reconsider
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.policy.agreement import digest_of
from mithaq.policy.lifecycle import Instants
from mithaq.store import objects, pending, releases
from mithaq.store.journal import keep, setting, settings_under

_CLOSED = "closed-until"  # where it is noted up to which instant what closes was decided again
EVERY = 1 << 31
AT_ONCE = 500  # decisions that time has turned, made again in one unit; the next unit goes on


def turn(unit: Connection, us: Us, now: datetime) -> int:
    """Decide again some of what an embargo's end or an expiry has turned; return how many it was about.

    What is done is forgotten in the same unit, so whoever stops half way goes on where they were.
    """
    count = 0
    at = instants(unit, now)
    for agreement, seqs in pending.turned(unit, at.opens, AT_ONCE).items():
        reconsider(unit, us, agreement, seqs, now)
        pending.forget_turn(unit, agreement, seqs, at.opens)
        count += len(seqs)
    return count or _closing(unit, us, at, now)


def _closing(unit: Connection, us: Us, at: Instants, now: datetime) -> int:
    """Decide again, once, what may close by now though it may not open yet: a time witness is ahead of our clock."""
    found = _between(unit, at)
    for agreement, seqs in found.items():
        reconsider(unit, us, agreement, seqs, now)
    if found:
        keep(unit, _CLOSED, at.closes)
    return sum(map(len, found.values()))


def _between(unit: Connection, at: Instants) -> Mapping[str, Sequence[int]]:
    if at.closes == at.opens:
        return {}
    since = max(setting(unit, _CLOSED), at.opens)
    return pending.turned(unit, at.closes, EVERY, after=since)


def turned(unit: Connection, now: datetime) -> int:
    """Return how many decisions time may have turned and that were not made again yet."""
    at = instants(unit, now)
    return pending.count_turned(unit, at.opens) + sum(map(len, _between(unit, at).values()))


def changed(unit: Connection, now: datetime) -> list[str]:
    """Return the agreements whose text in force, or which clauses of it time has opened, is another than noted."""
    followed, opened = (settings_under(unit, name("")) for name in (opening.noted, _open))
    return [
        held.id
        for held in agreements.every(unit, now)
        if followed.get(held.id, "") != _in_force(held) or opened.get(held.id, "") != _clauses(held)
    ]


def catch_up(unit: Connection, us: Us, agreement: str, now: datetime) -> None:
    """Bring one agreement's shelves to the text that holds now, and queue what was proposed under it.

    A few decisions are made again in this unit, so that the shelves never close. Else they show nothing from here on
    until the last decision is made (``proceed``): never a part, and never what another text let be seen.
    """
    held = agreements.held(unit, agreement, now)
    asked = releases.asked_under(unit, agreement) if held.text is not None else []
    opening.refresh(unit, us, agreement, now, stale=len(asked) > AT_ONCE)
    keep(unit, opening.noted(agreement), _in_force(held))
    keep(unit, _open(agreement), _clauses(held))
    version = held.text.version if held.text is not None else 0
    administrative(
        unit, now, "agreement-holds", agreement, {"state": str(held.state), "version": version}
    )
    if held.text is not None:
        _void(unit, agreement, digest_of(held.text))
    pending.queue_afresh(unit, agreement, targets_first(asked, objects.links(unit, asked)))
    keep(unit, _progress(agreement), encode(Progress(total=len(asked), since=text(now))).decode())
    if len(asked) <= AT_ONCE:
        _some(unit, us, agreement, asked, now)


def proceed(unit: Connection, us: Us, now: datetime) -> int:
    """Decide again some of what is queued; return how many it was about. What is done is forgotten in the same unit."""
    agreement, seqs = pending.next_afresh(unit, AT_ONCE)
    if agreement:
        _some(unit, us, agreement, seqs, now)
    return len(seqs)


def _some(unit: Connection, us: Us, agreement: str, seqs: Sequence[int], now: datetime) -> None:
    if seqs:
        pending.done_afresh(unit, agreement, seqs)
        reconsider(unit, us, agreement, seqs, now)
    if agreement not in pending.left_afresh(unit):
        keep(unit, _progress(agreement), "")
        opening.refresh(unit, us, agreement, now, decided=True)
        terms = agreements.held(unit, agreement, now).text
        if terms is not None:
            outbox.repeat(unit, us, terms, now)


def targets_first(seqs: Sequence[int], links: Mapping[int, Collection[int]]) -> list[int]:
    """Return ``seqs`` so that what others refer to comes before them, as far as there are no circles.

    What is decided in parts then knows of each target whether it goes, as it would if all were decided together.
    """
    order: dict[int, None] = {}
    entered: set[int] = set()
    for start in seqs:
        todo = [start]
        while todo:
            seq = todo[-1]
            further = (
                [] if seq in entered else [to for to in links.get(seq, ()) if to not in entered]
            )
            entered.add(seq)
            if further:
                todo += further
            else:
                order[todo.pop()] = None
    return list(order)


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How much a change of an agreement has to decide again, and since when."""

    total: int
    since: str
    left: int = 0


def _progress(agreement: str) -> str:
    """Return where it is noted how much a change of an agreement has to decide again."""
    return f"afresh:{agreement}"


def progress(unit: Connection) -> dict[str, Progress]:
    """Return how far each agreement is whose change is being worked through."""
    return {
        agreement: replace(decode(setting(unit, _progress(agreement)), type=Progress), left=left)
        for agreement, left in pending.left_afresh(unit).items()
    }


def _void(unit: Connection, agreement: str, current: str) -> None:
    """Take down what stands by an approval of another text: it waits for a person again (border.md 2.8)."""
    given = releases.approved_under(unit, agreement)
    stale = {copy for copy, _ in given} - {copy for copy, of in given if of == current}
    for row in releases.rows_of_agreement(unit, agreement) if stale else ():
        if row.copy in stale:
            releases.take_away(unit, row.shelf, row.id, row.version)
            releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)


def _open(agreement: str) -> str:
    """Return where it is noted which clauses of the text were open at the last look."""
    return f"clauses-open:{agreement}"


def _clauses(held: agreements.Held) -> str:
    """Return the clauses of the text in force whose embargo is over and whose expiry has not come."""
    clauses = held.text.clauses if held.text is not None else ()
    at = held.instants
    return " ".join(
        clause.id
        for clause in clauses
        if (not clause.embargo or clause.embargo <= at.opens)
        and (not clause.expiry or at.closes < clause.expiry)
    )


def _in_force(held: agreements.Held) -> str:
    return digest_of(held.text) if held.text is not None else opening.NOTHING
