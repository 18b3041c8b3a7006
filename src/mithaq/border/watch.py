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
from mithaq.policy.agreement import digest_of
from mithaq.store import releases
from mithaq.store.journal import keep, setting


def changed(unit: Connection, now: datetime) -> list[str]:
    """Return the agreements whose text in force is another than at the last look."""
    return [
        held.id
        for held in agreements.every(unit, now)
        if setting(unit, agreements.noted(held.id)) != _in_force(held)
    ]


def catch_up(unit: Connection, us: Us, agreement: str, now: datetime) -> None:
    """Bring one agreement's shelves and decisions to the text that holds now."""
    held = agreements.held(unit, agreement, now)
    keep(unit, agreements.noted(agreement), _in_force(held))
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


def _void(unit: Connection, agreement: str, text: str) -> None:
    """Take down what stands by an approval of another text: it waits for a person again (border.md 2.8)."""
    given = releases.approved_under(unit, agreement)
    stale = {copy for copy, of in given if of != text} - {copy for copy, of in given if of == text}
    for row in releases.rows_of_agreement(unit, agreement) if stale else ():
        if row.copy in stale:
            releases.take_away(unit, row.shelf, row.id, row.version)
            releases.show(unit, "remove", row.shelf, id=row.id, version=row.version)


def _in_force(held: agreements.Held) -> str:
    return digest_of(held.text) if held.text is not None else agreements.NOTHING
