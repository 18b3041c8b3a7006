"""Who else has an object and under which agreement, and what came from whom; as far as the reader may read.

Who has what we released stands in our own records. Who else has what came to us is known of its owner, of whoever
brought it, and of the parties whom the owner says it shares it with; that others of an agreement may have it is said
as no more than that.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from mithaq.audit import subjects
from mithaq.audit.log import Record
from mithaq.auth.actors import Actor, Permission, may, require
from mithaq.border import agreements
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.intel import rules
from mithaq.intel.finding import SECONDS, visible
from mithaq.model.labels import tlp
from mithaq.model.objects import moment
from mithaq.store import neighbours, objects, parties, recalls, releases, sharing
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy, Rows
from mithaq.store.recalls import OrderRow, ReceiptRow, Released
from mithaq.store.releases import ShelfRow, Verdict
from mithaq.store.sharing import Counted, Wanted

SPEAKERS = 500  # of those that refer to an object: whoever speaks of it knows it


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """That a version went to a peer, and what became of it."""

    peer: str
    kind: str  # node | client
    agreement: str
    agreement_version: int
    clause: str
    id: str
    version: str
    number: int  # of the copy
    at: str
    removed: Sequence[str]  # what of it was withheld: JSON pointers
    arrived: str  # acknowledged | fetched | on-the-way | unread
    arrived_at: str
    state: str  # on-show | corrected | recalled | replaced | newer | expired | taken-down
    state_at: str
    cause: str  # of the recall
    order: str
    answer: str  # to the recall; empty: none yet
    answer_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Somebody else who has what came to us, or may have it, and how we know."""

    who: str
    how: str  # owner | voucher | sender | source | scope | speaks | may
    agreement: str
    id: str
    version: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabouts:
    """Where some objects are: what went, what waits or stays, and who else has what came."""

    went: Sequence[Holding]
    stays: Sequence[Verdict]
    others: Sequence[Other]


# --- who has it ------------------------------------------------------------------------------------------
def who_has(
    unit: Connection, us: Us, actor: Actor, copies: Sequence[Copy], now: datetime
) -> Whereabouts:
    """Return where the objects of some copies are, that the actor may read: the newest release first.

    Raises:
        Forbidden: the actor may not look at releases. TookTooLong: too much is asked for.
    """
    require(actor, Permission.RELEASE_PREVIEW)
    rows = visible(us, actor)
    ids = list(dict.fromkeys(copy.object.id for copy in copies))
    with within_seconds(unit, SECONDS):
        readable = {
            copy.seq: copy for some in objects.named(rows, ids) for copy in objects.load(unit, some)
        }
        went = [each for id_ in ids for each in _went(unit, id_, readable, now)]
        stays = releases.verdicts_where(unit, copies=sorted(readable))
        others = _others(unit, us, rows, list(readable.values()))
    went.sort(key=lambda each: (each.at, each.peer), reverse=True)
    return Whereabouts(went=went, stays=stays, others=others)


def _went(unit: Connection, id_: str, readable: Mapping[int, Copy], now: datetime) -> list[Holding]:
    had = [each for each in recalls.who_had(unit, id_) if each.copy in readable]
    if not had:
        return []
    standing = {
        (row.peer, row.agreement, row.version): row for row in releases.rows_of_ids(unit, [id_])
    }
    told = subjects.find(unit, id_)
    work = _Work(
        had=had,
        standing=standing,
        releases=[record for _, record in told if record.get("kind") == "release"],
        withheld=[record for _, record in told if record.get("kind") == "withheld"],
        cuts={
            str(r["view"]): tuple(map(str, _list(r, "removed")))
            for _, r in told
            if r.get("kind") == "cut"
        },
        orders=[
            (order, recalls.receipts_to(unit, order)) for order in recalls.orders_on(unit, [id_])
        ],
        kinds={peer.name: peer.kind for peer in parties.all_peers(unit)},
        arrived=sharing.acknowledged(unit, had),
        readable=readable,
        now=text(now),
    )
    return [_holding(work, each) for each in had]


def _list(record: Record, name: str) -> list[object]:
    found = record.get(name)
    return list(found) if isinstance(found, list) else []


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    """What is known of the releases of one object."""

    had: Sequence[Released]
    standing: Mapping[tuple[str, str, str], ShelfRow]
    releases: Sequence[Record]
    withheld: Sequence[Record]
    cuts: Mapping[str, Sequence[str]]  # what views leave out
    orders: Sequence[tuple[OrderRow, Sequence[ReceiptRow]]]
    kinds: Mapping[str, str]
    arrived: Mapping[Released, str]
    readable: Mapping[int, Copy]
    now: str


def _holding(work: _Work, had: Released) -> Holding:
    same = ("peer", "agreement", "version", "view", "at")
    wanted = {name: getattr(had, name) for name in same}
    leaf = next((r for r in work.releases if {n: r.get(n) for n in same} == wanted), {})
    version = leaf.get("agreement_version")
    bare = Holding(
        peer=had.peer,
        kind=work.kinds.get(had.peer, ""),
        agreement=had.agreement,
        agreement_version=version if isinstance(version, int) else 0,
        clause=str(leaf.get("clause", "")),
        id=had.id,
        version=had.version,
        number=had.copy,
        at=had.at,
        removed=work.cuts.get(had.view, ()),
        arrived=_arrived(work, had),
        arrived_at=had.fetched_at or work.arrived.get(had, ""),
        state="on-show",
        state_at="",
        cause="",
        order="",
        answer="",
        answer_at="",
    )
    return _ended(work, had, bare)


def _arrived(work: _Work, had: Released) -> str:
    if work.arrived.get(had):
        return "acknowledged"
    if had.fetched_at:
        return "fetched"
    return "on-the-way" if had in work.arrived else "unread"


def _ended(work: _Work, had: Released, bare: Holding) -> Holding:
    """Say what became of a release: what an order says goes before what the shelf says."""
    for order, receipts in reversed(work.orders):
        owed = [r for r in receipts if (r.agreement, r.peer) == (had.agreement, had.peer)]
        if owed and order.at >= had.at and order.names(had.version, had.view):
            state = {"wrong": "corrected", "replaced": "replaced"}.get(order.cause, "recalled")
            ended = replace(bare, state=state, state_at=order.at, cause=order.cause)
            said = owed[0]
            return replace(ended, order=order.name, answer=said.outcome, answer_at=said.at)
    row = work.standing.get((had.peer, had.agreement, had.version))
    if row is not None and (row.view, row.released_at) == (had.view, had.at):
        return bare
    later = [
        each.at
        for each in work.had
        if (each.peer, each.agreement) == (had.peer, had.agreement)
        and each.at > had.at
        and moment(each.version) >= moment(had.version)
    ]
    if later:
        return replace(bare, state="newer", state_at=min(later))
    expiry = work.readable[had.copy].beside.expiry
    if expiry and expiry <= work.now:
        return replace(bare, state="expired", state_at=expiry)
    when = [
        str(record.get("at", ""))
        for record in work.withheld
        if (record.get("agreement"), record.get("version")) == (had.agreement, had.version)
        and str(record.get("at", "")) >= had.at
    ]
    return replace(bare, state="taken-down", state_at=min(when, default=""))


def _others(unit: Connection, us: Us, rows: Rows, copies: Sequence[Copy]) -> list[Other]:
    nations = set(parties.parties_with_keys(unit)) - {us.party}
    found: dict[tuple[str, str, str], Other] = {}
    for copy in copies:
        for who, how in (*_known(copy, nations), *_of_agreement(unit, us, copy)):
            _note(found, copy, who, how)
    for id_ in dict.fromkeys(copy.object.id for copy in copies):
        for copy in neighbours.naming(unit, rows, id_, (SPEAKERS, 0)):
            if copy.sent_by:
                spoken = _other(copy, copy.sent_by, "speaks")
                found.setdefault((copy.sent_by, "speaks", id_), replace(spoken, id=id_, version=""))
    certain = {(each.who, each.id) for each in found.values() if each.how != "may"}
    return [
        each for each in found.values() if each.how != "may" or (each.who, each.id) not in certain
    ]


def _known(copy: Copy, nations: set[str]) -> Iterable[tuple[str, str]]:
    """Yield who gave a copy, and who speaks for it."""
    if copy.standing != "received":
        return
    if copy.owner in nations:
        yield copy.owner, "owner"
    if copy.voucher in nations and copy.voucher != copy.owner:
        yield copy.voucher, "voucher"
    if copy.sent_by and copy.sent_by not in (copy.owner, copy.voucher):
        yield copy.sent_by, "sender"
    if copy.voucher not in nations and not copy.sent_by:
        yield copy.voucher, "source"


def _of_agreement(unit: Connection, us: Us, copy: Copy) -> Iterable[tuple[str, str]]:
    """Yield the parties of the agreement that a copy came under: they have it by its owner's word, or may have it."""
    if not copy.agreement:
        return
    texts = [signed.text for signed in agreements.versions(unit, copy.agreement)]
    [*named] = [each.names for each in texts if each.version == copy.agreement_version]
    how = "scope" if copy.onward == "scope" else "may"
    for who in named[0] if named else ():
        if who not in (us.party, copy.owner, copy.voucher, copy.sent_by):
            yield who, how


def _note(found: dict[tuple[str, str, str], Other], copy: Copy, who: str, how: str) -> None:
    """Keep one of each, of the newest version."""
    key, made = (who, how, copy.object.id), _other(copy, who, how)
    before = found.get(key)
    if before is None or moment(before.version) < moment(made.version):
        found[key] = made


def _other(copy: Copy, who: str, how: str) -> Other:
    return Other(
        who=who,
        how=how,
        agreement=copy.agreement,
        id=copy.object.id,
        version=copy.object.version,
        at=copy.received_at,
    )


# --- what came from whom ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What came from somebody: counted, with what of it is in quarantine, and some of it."""

    counts: Sequence[Counted]
    aside: Mapping[str, int]
    page: Sequence[Copy]
    after: int  # the number to go on after; 0: no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked of what came, as a person writes it; empty: nothing."""

    whom: str = ""  # a party or a source, with its kind before it or without
    since: str = ""
    until: str = ""
    type: str = ""
    marking: str = ""
    agreement: str = ""


def came(
    unit: Connection, us: Us, actor: Actor, asked: Asked, page: tuple[int, int] = (50, 0)
) -> Came:
    """Return what came from whom, as far as the actor may read; every version counts.

    Raises:
        InputError: an instant or a level is none. TookTooLong: it asks for too much.
    """
    rows = visible(us, actor)
    names = [asked.whom, *(f"{kind}:{asked.whom}" for kind in ("file", "feed", "client"))]
    wanted = Wanted(
        whom=names if asked.whom else (),
        since=rules.instant(asked.since) or "",
        until=rules.instant(asked.until) or "",
        type=asked.type,
        level=int(tlp(asked.marking)) if asked.marking else None,
        agreement=asked.agreement,
    )
    with within_seconds(unit, SECONDS):
        counts = sharing.counted(unit, rows, wanted)
        aside = sharing.set_aside(unit, wanted) if _may_look_aside(actor, asked) else {}
        some = sharing.came(unit, rows, wanted, page) if counts else []
    return Came(
        counts=counts,
        aside=aside,
        page=some,
        after=some[-1].seq if len(some) == page[0] else 0,
    )


def _may_look_aside(actor: Actor, asked: Asked) -> bool:
    """Say whether the actor is told what is in quarantine, which has no marking that anybody has read."""
    return may(actor, Permission.QUARANTINE_REVIEW) and not asked.marking


def by(counts: Iterable[Counted], what: str) -> dict[str, int]:
    """Add up counts by one of the facts that they are told apart by, the most first."""
    found: dict[str, int] = defaultdict(int)
    for each in counts:
        found[str(getattr(each, what))] += each.count
    return dict(sorted(found.items(), key=lambda pair: (-pair[1], pair[0])))
