"""What time and signatures change without anybody asking: texts that come into force, take over or end.

Each look compares the text that holds now with the one that held at the last look; where they differ the
shelves open or close, and everything ever proposed under that agreement is decided again (border.md 3.4).
"""

from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import agreements, outbox
from mithaq.border.peers import administrative
from mithaq.border.publish import reconsider
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.policy.agreement import digest_of
from mithaq.store import releases
from mithaq.store.journal import keep, setting

AT_ONCE = 500  # decisions that time has turned, made again in one unit; the next unit goes on


def turn(unit: Connection, us: Us, now: datetime) -> int:
    """Decide again some of what an embargo's end or an expiry has turned; return how many it was about.

    What is done is forgotten in the same unit, so whoever stops half way goes on where they were.
    """
    count = 0
    for agreement, seqs in releases.turned(unit, text(now), AT_ONCE).items():
        reconsider(unit, us, agreement, seqs, now)
        releases.forget_turn(unit, agreement, seqs, text(now))
        count += len(seqs)
    return count


def changed(unit: Connection, now: datetime) -> list[str]:
    """Return the agreements whose text in force, or which clauses of it time has opened, is another than noted."""
    return [
        held.id
        for held in agreements.every(unit, now)
        if setting(unit, agreements.noted(held.id)) != _in_force(held)
        or setting(unit, _open(held.id)) != _clauses(held)
    ]


def catch_up(unit: Connection, us: Us, agreement: str, now: datetime) -> None:
    """Bring one agreement's shelves and decisions to the text that holds now."""
    held = agreements.held(unit, agreement, now)
    keep(unit, agreements.noted(agreement), _in_force(held))
    keep(unit, _open(agreement), _clauses(held))
    agreements.refresh(unit, us, agreement, now, decided=True)
    version = held.text.version if held.text is not None else 0
    administrative(
        unit, now, "agreement-holds", agreement, {"state": str(held.state), "version": version}
    )
    if held.text is None:
        return
    _void(unit, agreement, digest_of(held.text))
    asked = {intent.copy for intent in releases.intents_where(unit, agreement=agreement)}
    if asked:
        reconsider(unit, us, agreement, sorted(asked), now)
    outbox.repeat(unit, us, held.text, now)


def _void(unit: Connection, agreement: str, current: str) -> None:
    """Take down what stands by an approval of another text: it waits for a person again (border.md 2.8)."""
    given = releases.approved_under(unit, agreement)
    stale = {copy for copy, of in given if of != current}
    stale -= {copy for copy, of in given if of == current}
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
    return digest_of(held.text) if held.text is not None else agreements.NOTHING
