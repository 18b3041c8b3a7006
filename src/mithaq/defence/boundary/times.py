"""How long a partner's warning takes to our firewalls: signed there, admitted here, on show, first fetched.

Pure but for reading. A share of something is told with how many it is of; what was not fetched is in no median, and
counts as waiting.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.kept import Proofs
from mithaq.border.us import Us
from mithaq.clock import parse, text
from mithaq.defence.boundary.blocking import firewalls
from mithaq.model.objects import moment
from mithaq.seal.envelope import read
from mithaq.seal.messages import Batch, decode
from mithaq.store import boundary as store
from mithaq.store import objects
from mithaq.store.boundary import Passage

SLOW = timedelta(minutes=15)  # from on show to fetched, in nine of ten
SILENT = timedelta(hours=1)  # that something waits, and nothing was fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One version on its way to one firewall; None: not known, or not yet."""

    partner: str
    client: str
    signed: datetime | None
    admitted: datetime
    shown: datetime
    fetched: datetime | None
    gone: bool = False  # from the lists: nobody waits for it any more

    @property
    def waits(self) -> bool:
        """Say whether it is there, and was not fetched."""
        return self.fetched is None and not self.gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Median and ninth tenth of some seconds, and of how many."""

    n: int
    median: float
    p90: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """How long it took from one partner to one firewall, or from all, or to all; None: nothing to say."""

    partner: str
    client: str
    n: int
    waiting: int  # on show and not fetched
    admitting: Share | None  # signed there to admitted here
    showing: Share | None  # admitted to on show
    fetching: Share | None  # on show to fetched
    whole: Share | None  # signed to fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """How a firewall polls."""

    client: str
    last: str  # when something was last fetched for the first time; empty: never
    waiting: int  # for longer than it may
    state: str  # ok | slow | silent | new: nothing was fetched yet, and need not be | idle


def ways(unit: Connection, us: Us, since: datetime, now: datetime) -> list[Way]:
    """Return what went towards the firewalls since an instant."""
    signed = _Signed(unit)
    passages = store.passages(unit, firewalls(unit), text(since))
    over = _over(unit, {e.copy for e in passages if not (e.fetched or e.gone)}, now)
    return [
        Way(
            partner=each.voucher,
            client=each.client,
            signed=parse(each.received) if each.voucher == us.party else signed.of(each),
            admitted=parse(each.received),
            shown=parse(each.shown),
            fetched=parse(each.fetched) if each.fetched else None,
            gone=each.gone or each.copy in over,
        )
        for each in passages
    ]


def _over(unit: Connection, numbers: Collection[int], now: datetime) -> set[int]:
    """Return which of some copies stand on no list, though they are on the shelf: what is revoked, or over."""
    found = set[int]()
    for rows in objects.numbered(objects.everything(), numbers):
        for copy in objects.load(unit, rows):
            until = copy.object.body.get("valid_until")
            ended = isinstance(until, str) and moment(until) <= moment(text(now))
            if ended or copy.object.body.get("revoked") is True:
                found.add(copy.seq)
    return found


def legs(some: Sequence[Way]) -> list[Leg]:
    """Return how long it took, by partner and firewall, the slowest whole way first."""
    pairs = sorted({(each.partner, each.client) for each in some})
    made = [
        _leg(pair, [each for each in some if (each.partner, each.client) == pair]) for pair in pairs
    ]
    return sorted(made, key=lambda leg: -(leg.whole.p90 if leg.whole else 0))


def polls(unit: Connection, actor: Actor, some: Sequence[Way], now: datetime) -> list[Poll]:
    """Say of each firewall how it polls.

    Raises:
        Forbidden: the actor reads no hits.
    """
    require(actor, Permission.HIT_READ)
    return [
        poll(name, [each for each in some if each.client == name], now) for name in firewalls(unit)
    ]


def poll(name: str, some: Sequence[Way], now: datetime) -> Poll:
    """Say how one firewall polls, by what went towards it."""
    fetched = sorted(each.fetched for each in some if each.fetched)
    waiting = [each for each in some if each.waits and now - each.shown > SILENT]
    took = _share(_between(some, lambda w: w.shown, lambda w: w.fetched))
    newer = any(not fetched or each.shown > fetched[-1] for each in waiting)
    if waiting and newer:
        state = "silent"
    elif took is None:
        state = "new" if any(each.waits for each in some) else "idle"
    else:
        state = "slow" if took.p90 > SLOW.total_seconds() else "ok"
    last = text(fetched[-1]) if fetched else ""
    return Poll(client=name, last=last, waiting=len(waiting), state=state)


class _Signed:
    """When partners signed what they gave, each of their batches read once."""

    def __init__(self, unit: Connection) -> None:
        self._proofs = Proofs(unit)
        self._known: dict[str, datetime] = {}

    def of(self, each: Passage) -> datetime | None:
        if not each.proof:
            return None
        batch = self._proofs.batch(each.proof)
        if batch not in self._known:
            self._known[batch] = parse(decode(read(batch.encode()).payload, Batch).issued)
        return self._known[batch]


_At = Callable[[Way], datetime | None]


def _leg(pair: tuple[str, str], some: Sequence[Way]) -> Leg:
    return Leg(
        partner=pair[0],
        client=pair[1],
        n=len(some),
        waiting=sum(each.waits for each in some),
        admitting=_share(_between(some, lambda w: w.signed, lambda w: w.admitted)),
        showing=_share(_between(some, lambda w: w.admitted, lambda w: w.shown)),
        fetching=_share(_between(some, lambda w: w.shown, lambda w: w.fetched)),
        whole=_share(_between(some, lambda w: w.signed, lambda w: w.fetched)),
    )


def _between(some: Iterable[Way], since: _At, until: _At) -> list[float]:
    """Return seconds; a partner's clock that is ahead makes none below nothing."""
    pairs = ((since(each), until(each)) for each in some)
    return [max(0.0, (b - a).total_seconds()) for a, b in pairs if a is not None and b is not None]


def _share(seconds: Sequence[float]) -> Share | None:
    if not seconds:
        return None
    ordered = sorted(seconds)
    return Share(n=len(ordered), median=_rank(ordered, 0.5), p90=_rank(ordered, 0.9))


def _rank(ordered: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` of all do not exceed (nearest rank)."""
    return ordered[ceil(share * len(ordered)) - 1]
