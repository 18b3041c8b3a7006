"""The balance of give and take with a partner: what was useful to whom, each way, and only last how much it was.

No figure here adds others up: what a sighting is worth beside a correction is for people to say. All of it is worked
out when somebody asks, from what they may read, and is kept and told nowhere.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection

from mithaq.auth.actors import Actor, Permission, may, require
from mithaq.border.us import Us
from mithaq.clock import parse
from mithaq.errors import InputError
from mithaq.intel.authoring import proposals
from mithaq.intel.finding import SECONDS, visible
from mithaq.intel.needs import requests
from mithaq.model.benign import Hit, findings, suppressing
from mithaq.model.canonical import Json
from mithaq.model.observed import mark, marks_of, values_of
from mithaq.model.proposals import read_answer
from mithaq.model.values import Value
from mithaq.model.worth import about
from mithaq.store import balance as store
from mithaq.store import objects, parties, sharing, texts
from mithaq.store.balance import First
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows
from mithaq.store.sharing import Wanted

LOOKED_AT = 5_000  # objects of each side, the newest, that are looked at one by one
UNREAD = 5_000  # copies that are looked through because nobody has read them out yet
ANSWERED = "answered"  # and not that nothing is known
_AGAINST = frozenset({"disagree", "strongly-disagree"})
Body = Mapping[str, Json]
Key = int | str  # of what an object tells: a value's number, or its id


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An object as one side gave it to the other."""

    id: str
    at: str  # when it came, or went
    seq: int
    body: Body = field(repr=False)

    @property
    def keys(self) -> frozenset[Key]:
        """What it tells: the values that it speaks of, or that there is such an object."""
        return frozenset(map(mark, values_of(self.body))) or frozenset((self.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one side gave the other, by what came of it. None: not known here, or not for this reader."""

    hits: int  # sightings of it by the other side
    hit_objects: int
    hit_times: int  # as often as these say that it was seen
    in_use: int | None  # objects that stand for our own tools
    in_use_read: int | None
    asked: int  # requests of the other side, and how many of them were answered with what was known
    answered: int
    taken: int  # proposals that the other side took into its objects
    corrections: int | None  # told by the giver that it was wrong
    recalls: int | None  # taken back for another cause
    new: int  # nobody else had told it before
    first: int  # and others told it later
    lead: float | None  # by how long, in the middle: seconds
    known_before: int
    harmless: int  # on lists of what is harmless
    disputed: int  # opinions against it, and looks that saw nothing
    age: float | None  # how old it was when it was given, in the middle: seconds
    age_late: float | None  # nine of ten were no older
    objects: int
    by_type: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Give and take with one partner from an instant on."""

    partner: str
    since: str
    theirs: Side  # what they gave us
    ours: Side  # what we gave them
    more: bool  # there was more than was looked at


def balance(unit: Connection, us: Us, actor: Actor, partner: str, since: str) -> Balance:
    """Return what a partner and we gave each other from an instant on, as far as the actor may read.

    Raises:
        Forbidden: the actor may not look at releases. TookTooLong: too much is asked for.
    """
    require(actor, Permission.RELEASE_PREVIEW)
    rows = visible(us, actor)
    work = _Work(unit=unit, us=us, rows=rows, partner=partner, since=since)
    with within_seconds(unit, SECONDS):
        came = sharing.came(unit, rows, Wanted(whom=[partner], since=since), (LOOKED_AT, 0))
        went = store.given_to(unit, rows, partner, since, LOOKED_AT)
        theirs = once(_given(copy, copy.received_at) for copy in came)
        ours = once(_given(copy, at) for copy, at in went)
        back = store.orders_of(unit, partner, since)
        told = back if may(actor, Permission.RELEASE_RECALL) else None  # what it was is gone
        heard = work.theirs(theirs, actor)
        return Balance(
            partner=partner,
            since=since,
            theirs=_side(work, theirs, heard, told),
            ours=_side(work, ours, work.ours(ours, actor), _readable(work)),
            more=heard.more or LOOKED_AT in (len(came), len(went)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """For whom, of whom and since when something is worked out."""

    unit: Connection
    us: Us
    rows: Rows
    partner: str
    since: str

    def theirs(self, given: Sequence[Given], actor: Actor) -> "_Heard":
        """Return what we say of what they gave us, and who told the same."""
        from_them, ours = store.of(self.partner), store.ours()
        used, read, more = store.in_use(self.unit, self.rows, self.partner, LOOKED_AT)
        return _Heard(
            said=self._said(ours, from_them),
            others=self._first(given, ~from_them),
            used=(len(used), len(read)),
            more=more,
            requests=self._requests_to_them(actor),
            taken=self._taken(actor, sent=False),
        )

    def ours(self, given: Sequence[Given], actor: Actor) -> "_Heard":
        """Return what they say of what is ours, and when they told the same."""
        from_them, ours = store.of(self.partner), store.ours()
        return _Heard(
            said=self._said(from_them, ours),
            others=self._first(given, from_them),
            used=None,
            requests=self._requests_to_us(actor),
            taken=self._taken(actor, sent=True),
        )

    def _requests_to_them(self, actor: Actor) -> tuple[int, int]:
        """Return how many requests of ours were for them, and how many they answered."""
        sent = requests.asked_of(self.unit, self.us, actor, self.partner, self.since)
        given = [each.replies.get(self.partner) for each in sent]
        return len(sent), sum(each is not None and each[0].outcome == ANSWERED for each in given)

    def _requests_to_us(self, actor: Actor) -> tuple[int, int]:
        """Return how many requests they made to us, and how many we answered."""
        came = requests.received(self.unit, self.us, actor, every=True)
        theirs = [
            each
            for each in came
            if each.note.sent_by == self.partner and each.note.received_at >= self.since
        ]
        return len(theirs), sum(each.state == ANSWERED for each in theirs)

    def _taken(self, actor: Actor, *, sent: bool) -> int:
        """Return how many proposals of one side the other took."""
        every = proposals.proposals(self.unit, self.us, actor, sent=sent, every=True)
        return sum(
            each.state == "taken"
            and each.party == self.partner
            and each.note.received_at >= self.since
            for each in every
        )

    def _said(
        self, by: ColumnElement[bool], of: ColumnElement[bool]
    ) -> list[tuple[Body, set[str]]]:
        """Return the sightings and opinions of one side, each with what of the other's it is about."""
        some = store.spoken(self.unit, self.rows, by, self.since, LOOKED_AT)
        bodies = [copy.object.body for copy in some]
        # an answer to a proposal is an opinion on the proposal, and on nothing that was given
        told = [(body, about(body)) for body in bodies if read_answer(body) is None]
        every = {id_ for _, ids in told for id_ in ids}
        theirs = store.among(self.unit, self.rows, of, every)
        return [(body, ids & theirs) for body, ids in told if ids & theirs]

    def _first(self, given: Sequence[Given], by: ColumnElement[bool]) -> dict[Key, First]:
        keys = {key for each in given for key in each.keys}
        marks = {key for key in keys if isinstance(key, int)}
        ids = {key for key in keys if isinstance(key, str)}
        found: dict[Key, First] = {
            **store.first_of_marks(self.unit, self.rows, by, marks),
            **store.first_of_ids(self.unit, self.rows, by, ids),
        }
        for copy in self._unread(by) if marks else ():
            for key in marks_of(copy.object.body) & marks:
                new = First(copy.received_at, copy.seq)
                found[key] = min(found.get(key, new), new)
        return found

    def _unread(self, by: ColumnElement[bool]) -> Iterable[Copy]:
        rest = texts.unread(self.unit, self.rows.where(by), objects.read_until(self.unit))
        return (copy for _, copy in zip(range(UNREAD), rest, strict=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What was said of what one side gave, and by whom else the same was told first."""

    said: Sequence[tuple[Body, set[str]]]
    others: Mapping[Key, First]
    used: tuple[int, int] | None
    requests: tuple[int, int]  # of the other side, and how many of them were answered
    taken: int  # proposals
    more: bool = False  # there was more in use than was looked at


def _given(copy: Copy, at: str) -> Given:
    return Given(id=copy.object.id, at=at, seq=copy.seq, body=copy.object.body)


def once(given: Iterable[Given]) -> list[Given]:
    """Return each object once, as it was given first: later versions of it are no other objects."""
    found: dict[str, Given] = {}
    for each in given:
        before = found.get(each.id)
        if before is None or (each.at, each.seq) < (before.at, before.seq):
            found[each.id] = each
    return list(found.values())


def _readable(work: _Work) -> list[tuple[str, str]]:
    """Return what we ordered back from them, of what the reader may read."""
    told = store.orders_to(work.unit, work.partner, work.us.party, work.since)
    here = store.among(work.unit, work.rows, store.ours(), {id_ for id_, _ in told})
    return [(id_, cause) for id_, cause in told if id_ in here]


# --- what comes of it: pure ------------------------------------------------------------------------------
def _side(
    work: _Work, given: Sequence[Given], heard: _Heard, orders: Sequence[tuple[str, str]] | None
) -> Side:
    hits = [(body, ids) for body, ids in heard.said if is_hit(body)]
    against = [body for body, _ in heard.said if is_against(body)]
    new, leads, before = precedence(given, heard.others)
    ages = sorted(old for each in given if (old := age(each)) is not None)
    causes = None if orders is None else Counter(cause for _, cause in orders)
    return Side(
        hits=len(hits),
        hit_objects=len(set[str]().union(*(ids for _, ids in hits))),
        hit_times=sum(times(body) for body, _ in hits),
        in_use=None if heard.used is None else heard.used[0],
        in_use_read=None if heard.used is None else heard.used[1],
        asked=heard.requests[0],
        answered=heard.requests[1],
        taken=heard.taken,
        corrections=None if causes is None else causes["wrong"],
        recalls=None if causes is None else causes.total() - causes["wrong"] - causes["replaced"],
        new=new,
        first=len(leads),
        lead=middle(leads),
        known_before=before,
        harmless=harmless(given, work.us.benign.match),
        disputed=len(against),
        age=middle(ages),
        age_late=ages[len(ages) * 9 // 10] if ages else None,
        objects=len(given),
        by_type=Counter(each.id.partition("--")[0] for each in given),
    )


def is_hit(body: Body) -> bool:
    """Say whether somebody saw it."""
    stands = body.get("type") == "sighting" and body.get("revoked") is not True
    return stands and body.get("count") != 0


def is_against(body: Body) -> bool:
    """Say whether somebody holds that it is not so, or looked and saw nothing."""
    if body.get("revoked") is True:
        return False
    return body.get("opinion") in _AGAINST or (
        body.get("type") == "sighting" and body.get("count") == 0
    )


def times(body: Body) -> int:
    """Return as often as a sighting says that it was seen."""
    count = body.get("count")
    return count if isinstance(count, int) and not isinstance(count, bool) else 1


def precedence(given: Iterable[Given], others: Mapping[Key, First]) -> tuple[int, list[float], int]:
    """Return how much nobody else had told before, by how many seconds others told of it later, and the rest.

    An object is known before if all that it tells was.
    """
    new, before, leads = 0, 0, []
    for each in given:
        told = [others[key] for key in each.keys if key in others]
        earlier = [first for first in told if first < First(each.at, each.seq)]
        if len(earlier) == len(each.keys):
            before += 1
            continue
        new += 1
        later = [first for first in told if first not in earlier]
        if later and not earlier:
            leads.append((parse(min(later).at) - parse(each.at)).total_seconds())
    return new, sorted(leads), before


def harmless(given: Iterable[Given], match: Callable[[Value], list[Hit]]) -> int:
    """Return how many name something that lists hold to be harmless."""
    return sum(bool(suppressing(findings(each.body, match))) for each in given)


def age(given: Given) -> float | None:
    """Return how many seconds old its version was when it was given; 0 if it claims to be younger."""
    written = given.body.get("modified", given.body.get("created"))
    if not isinstance(written, str):
        return None  # an observable has no date
    try:
        return max((parse(given.at) - parse(written)).total_seconds(), 0.0)
    except InputError:
        return None


def middle(values: Sequence[float]) -> float | None:
    """Return the median of what is sorted."""
    if not values:
        return None
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def partners(unit: Connection) -> list[str]:
    """Return with whom there is give and take: other nations, by name."""
    return sorted(peer.name for peer in parties.all_peers(unit) if peer.kind == "node")
