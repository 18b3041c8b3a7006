"""The morning after: each use of a standing approval is seen, or what went by it is taken back (border.md 2.8)."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.border import recall
from mithaq.border.orders import Asked
from mithaq.border.peers import administrative
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import Conflict, NotFound, Refused
from mithaq.model.canonical import Json
from mithaq.store import standings
from mithaq.store.standings import Use

SEEN, RECALLED = "seen", "recalled"


def review(  # noqa: PLR0913 unit, us and now come with every act
    unit: Connection,
    us: Us,
    number: int,
    verdict: str,
    now: datetime,
    *,
    by: str,
    basis: str = "",
) -> Use:
    """Say of a use that it was seen, or take back what went by it.

    Raises:
        NotFound: there is no such use; Conflict: it was reviewed; Refused: who proposed it does not review it.
    """
    used = standings.used(unit, number)
    if used is None:
        raise NotFound(f"no use of a standing approval by the number {number}", number=number)
    if used.verdict:
        raise Conflict(f"{used.reviewed_by} reviewed it at {used.reviewed_at}", number=number)
    if by == used.proposer:
        raise Refused("who proposed it cannot review it", actor=by)
    standings.review(unit, number, verdict, by, text(now))
    facts: dict[str, Json] = {"by": by, "standing": used.standing, "use": used.use}
    administrative(unit, now, f"standing-use-{verdict}", used.id, facts)
    if verdict == RECALLED:
        asked = Asked(
            id=used.id,
            version=used.version,
            agreement=used.agreement,
            peers=frozenset(used.peers.split(",")),
            cause="other",
            basis=basis,
        )
        recall.recall(unit, us, by, asked, now)
    return replace(used, verdict=verdict, reviewed_by=by, reviewed_at=text(now))
