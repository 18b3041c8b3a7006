"""The boundary: what is ours and who names it, what is blocked on our firewalls, and how soon they know."""

from mithaq.defence.boundary.blocking import (
    Done,
    Rests,
    Wanted,
    block,
    feeds,
    fetched,
    firewalls,
    of_act,
    resting,
    set_firewall,
    unblock,
)
from mithaq.defence.boundary.space import (
    IMPORTANCE,
    Importance,
    drop_service,
    services,
    set_service,
)
from mithaq.defence.boundary.times import Leg, Poll, Share, legs, polls, ways
from mithaq.defence.boundary.view import Seen, look

__all__ = [
    "IMPORTANCE", "Done", "Importance", "Leg", "Poll", "Rests", "Seen", "Share", "Wanted", "block", "drop_service",
    "feeds", "fetched", "firewalls", "legs", "look", "of_act", "polls", "resting", "services", "set_firewall",
    "set_service", "unblock", "ways",
]  # fmt: skip
