"""The projection: what releases queued in core becomes what peers may read (border.md 4, 10.2).

Two files cannot be committed as one, so the shelf follows core: changes are applied in their order, each
batch with its cursor in one transaction of the shelf, and doing it again changes nothing. A row is placed
only while core still holds it, so a release taken back in the meantime is never shown for an instant.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection

from mithaq.model.canonical import digest
from mithaq.model.markings import FIXED
from mithaq.store import blobs, channels, releases, shelf
from mithaq.store.engine import Store, append_lock
from mithaq.store.releases import Op
from mithaq.store.shelf import Caller, Frame, Shelf, Shown

CURSOR = "ops"
AHEAD = "ahead:"  # and a shelf's name: up to which change it was shown before the others
BATCH = 64  # changes; one of them may place some thousand rows
REMEMBERED = timedelta(days=1)  # where a row stood that was taken away
AT_ONCE = frozenset(
    {"remove", "caller", "no-caller", "withdraw", "until", "benign", "worth"}
)  # what must stop being seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """A frame newly on show, that its peer may be told of."""

    peer: str
    channel: str
    seq: int


Facts = Mapping[str, str]


def project(
    core: Store, peers_store: Store, now: datetime, *, additions: bool = True
) -> list[Nudge]:
    """Show what core has queued; return the frames newly shown, the last of each channel.

    Args:
        peers_store: the room ``shelf``.
        now: the tick: rows shown by this call bear it as ``date_added``.
        additions: False shows removals and closed or blocked shelves alone, at once; the rest waits for its tick.
    """
    found: dict[str, Nudge] = {}
    with peers_store.begin() as unit:
        append_lock(unit, "projection")  # before the snapshot below, so that none sees less than it
        with core.read() as truth:
            position = int(shelf.mark(unit, CURSOR) or 0)
            ahead = _ahead(unit)
            narrower = releases.ops_since(truth, position, kinds=AT_ONCE | {"shelf"})
            _remove(unit, _beyond(narrower, ahead), now)
            while additions and (ops := releases.ops_since(truth, position, limit=BATCH)):
                for nudge in _apply(unit, truth, _beyond(ops, ahead), now):
                    found[nudge.channel] = nudge
                position = ops[-1].seq
                shelf.set_mark(unit, CURSOR, str(position))
            for name, at in ahead.items():
                if at <= position:
                    shelf.drop_mark(unit, AHEAD + name)
    return list(found.values())


def hurry(core: Store, peers_store: Store, now: datetime) -> list[Nudge]:
    """Show what waits for no tick: an urgent frame, with all that its shelf and channel have before it.

    No other shelf is touched, so that nobody sees by the hour of its own rows that somebody else was in a hurry.
    """
    with peers_store.read() as unit, core.read() as truth:
        if not _urgent(unit, truth):
            return []
    found: dict[str, Nudge] = {}
    with peers_store.begin() as unit:
        append_lock(unit, "projection")
        with core.read() as truth:
            position, ahead = int(shelf.mark(unit, CURSOR) or 0), _ahead(unit)
            for name, end in _urgent(unit, truth).items():
                start = max(position, ahead.get(name, 0))
                queued = releases.ops_since(truth, start, shelf=name)
                ops = [op for op in queued if op.seq <= end]
                _remove(unit, ops, now)
                for nudge in _apply(unit, truth, ops, now):
                    found[nudge.channel] = nudge
                _remove(unit, queued[len(ops) :], now)  # may be narrowed already, and stays so
                shelf.set_mark(unit, AHEAD + name, str(end))
    return list(found.values())


def _urgent(unit: Connection, truth: Connection) -> dict[str, int]:
    """Return the shelves on which something urgent waits, and the last such change of each."""
    position, ahead = int(shelf.mark(unit, CURSOR) or 0), _ahead(unit)
    waiting = releases.ops_since(truth, position, kinds=["hurry"])
    return {op.shelf: op.seq for op in _beyond(waiting, ahead)}


def _ahead(unit: Connection) -> dict[str, int]:
    return {name: int(at) for name, at in shelf.marks_of(unit, AHEAD).items()}


def _beyond(ops: Sequence[Op], ahead: Mapping[str, int]) -> list[Op]:
    """Leave out what a shelf has shown already."""
    return [op for op in ops if op.seq > ahead.get(op.shelf, 0)]


def forget(peers_store: Store, now: datetime) -> None:
    """Forget where rows stood that were taken away long ago: what was read of them is noted by now."""
    with peers_store.begin() as unit:
        shelf.forget_gone(unit, _micro(now - REMEMBERED))


def behind(core: Store, peers_store: Store) -> int:
    """Return how many changes are still to be shown."""
    with peers_store.read() as unit, core.read() as truth:
        return releases.count_ops(truth, int(shelf.mark(unit, CURSOR) or 0))


def narrow(core: Store, peers_store: Store, now: datetime, done: int = 0) -> int:
    """Show at once that something must be seen no longer, if anything is: that waits for no tick.

    Args:
        done: what the last call returned: what was narrowed by then stays so, whatever is shown meanwhile.

    Returns:
        the newest change that is queued.
    """
    with core.read() as truth:
        newest = releases.newest_op(truth)
        if newest <= done:
            return newest
        with peers_store.read() as unit:
            position = max(done, int(shelf.mark(unit, CURSOR) or 0))
        ops = releases.ops_since(truth, position, kinds=AT_ONCE | {"shelf"})
    if any(op.op != "shelf" or op.facts["state"] != "open" for op in ops):
        project(core, peers_store, now, additions=False)
    return newest


def about_to_move(core: Store, peers_store: Store) -> set[str]:
    """Return the peers for whom frames are queued."""
    with peers_store.read() as unit, core.read() as truth:
        position = int(shelf.mark(unit, CURSOR) or 0)
        ops = releases.ops_since(truth, position, kinds=["frame"])
    return {str(op.facts["peer"]) for op in ops}


def _remove(unit: Connection, ops: Sequence[Op], now: datetime) -> None:
    """Apply what takes away, before anything is added (border.md 10.2)."""
    for op in ops:
        facts = {key: str(value) for key, value in op.facts.items()}
        match op.op:
            case "shelf" if facts["state"] != "open":
                # What opens it again waits for its tick, so that nothing is shown in part (border.md 3.4).
                shelf.set_shelf_state(unit, op.shelf, facts["state"])
            case "until" if facts["until"]:
                # A later one comes with what it lets be seen.
                shelf.set_until(unit, op.shelf, facts["until"], sooner=True)
            case "remove":
                shelf.remove_row(unit, op.shelf, facts["id"], facts["version"], _micro(now))
            case "caller":
                left = msgspec.json.decode(facts["keys"], type=dict[str, str])
                shelf.narrow_caller(unit, facts["name"], left)
            case "no-caller":
                shelf.remove_caller(unit, facts["name"])
            case "benign" | "worth":
                _profile(unit, op.op, facts)
            case "withdraw":
                shelf.withdraw_from_inbox(unit, op.shelf, facts["id"], facts["versions"].split(","))
            case _:
                pass


def _apply(unit: Connection, truth: Connection, ops: Sequence[Op], now: datetime) -> list[Nudge]:
    placing: dict[str, list[Facts]] = defaultdict(list)
    inboxes: dict[str, list[Facts]] = defaultdict(list)
    nudges: list[Nudge] = []
    for op in ops:
        if op.op in ("place", "inbox"):
            (placing if op.op == "place" else inboxes)[op.shelf] += _rows(op)
            continue
        facts = {key: str(value) for key, value in op.facts.items()}
        match op.op:
            case "shelf":
                nudges += _reopened(unit, op, facts)
                placing[op.shelf] += _shelf(unit, op, facts)
            case "frame":
                nudges += _frame(unit, truth, op, now)
            case "withdraw":
                inboxes[op.shelf] = [f for f in inboxes[op.shelf] if not _withdrawn(facts, f)]
            case _:
                _single(unit, op, facts)
    for name, placed in placing.items():
        _place(unit, truth, name, placed, now)
    for name, placed in inboxes.items():
        _inbox(unit, truth, name, placed, now)
    return nudges


def _rows(op: Op) -> list[Facts]:
    """Return the rows that one change places, in their order."""
    names = ("id", "version", "type", "view")
    placed = msgspec.convert(op.facts["rows"], list[tuple[str, str, str, str]])
    return [dict(zip(names, each, strict=True)) for each in placed]


def _single(unit: Connection, op: Op, facts: Mapping[str, str]) -> None:
    match op.op:
        case "document":
            shelf.put_document(unit, facts["name"], facts["raw"].encode())
        case "heartbeat":
            shelf.put_heartbeat(unit, facts["peer"], facts["raw"].encode())
        case "status":
            shelf.put_status(unit, facts["id"], op.shelf, facts["raw"].encode())
        case "caller":
            keys = msgspec.json.decode(facts["keys"], type=dict[str, str])
            shelf.put_caller(
                unit,
                Caller(
                    name=facts["name"],
                    kind=facts["kind"],
                    keys=keys,
                    ends=msgspec.json.decode(facts["ends"], type=dict[str, str]),
                    token=facts["token"],
                    document=facts["document"],
                ),
            )
        case "until":
            shelf.set_until(unit, op.shelf, facts["until"])
        case "benign" | "worth":  # once more, in its turn: the last of several stays
            _profile(unit, op.op, facts)
        case "no-caller":  # once more, in its turn: it may follow a caller of this very batch
            shelf.remove_caller(unit, facts["name"])
        case _:  # a row that is taken away was applied before
            pass


def _profile(unit: Connection, what: str, facts: Facts) -> None:
    """Keep what exports are printed by: what is harmless here, and what a client is to be told at least."""
    if what == "benign":
        shelf.set_mark(unit, shelf.BENIGN, facts["written"])
    else:
        shelf.set_mark(unit, shelf.WORTH + facts["client"], facts["least"])


def _withdrawn(order: Facts, row: Facts) -> bool:
    return row["id"] == order["id"] and row["version"] in order["versions"].split(",")


def _reopened(unit: Connection, op: Op, facts: Facts) -> list[Nudge]:
    """Tell the peer of a shelf that opens again of what stood there unfetched."""
    held = shelf.any_shelf(unit, op.shelf)
    last = shelf.last_frame(unit, op.shelf)
    if held is None or held.state == "open" or facts["state"] != "open" or not last:
        return []
    return [Nudge(peer=held.peer, channel=op.shelf, seq=last)]


def _shelf(unit: Connection, op: Op, facts: Facts) -> list[Facts]:
    """Open or close a shelf; a new one holds all fixed markings from the start (border.md 4.3)."""
    held = shelf.any_shelf(unit, op.shelf)
    if held is not None:
        title = facts["title"] or held.title
        shelf.put_shelf(unit, replace(held, title=title, state=facts["state"]))
        return []
    new = Shelf(shelf=op.shelf, peer=facts["peer"], title=facts["title"], state=facts["state"])
    shelf.put_shelf(unit, new)
    fixed = [(id_, marking.raw) for id_, marking in FIXED.items() if marking.raw is not None]
    shelf.add_views(unit, {digest(raw): raw for _, raw in fixed})
    return [
        {
            "id": id_,
            "version": str(msgspec.json.decode(raw, type=dict[str, object])["created"]),
            "type": "marking-definition",
            "view": digest(raw),
        }
        for id_, raw in fixed
    ]


def _place(
    unit: Connection,
    truth: Connection,
    name: str,
    rows: Sequence[Facts],
    now: datetime,
) -> None:
    """Add rows in their order, as far as core still holds them."""
    held = shelf.any_shelf(unit, name)
    if held is None or not rows:
        return
    now_standing = releases.views_on(truth, name, [facts["id"] for facts in rows])
    going = list(
        {
            (facts["id"], facts["version"]): facts
            for facts in rows
            if facts["type"] == "marking-definition"
            or now_standing.get((facts["id"], facts["version"])) == facts["view"]
        }.values()
    )
    shelf.add_views(unit, blobs.some(truth, [facts["view"] for facts in going]))
    shown = _numbered(going, now, (held.position, held.last_added))
    stix = {row.position: facts["version"] for row, facts in zip(shown, going, strict=True)}
    shelf.add_rows(unit, name, shown, stix)
    if shown:
        end = shown[-1]
        shelf.put_shelf(unit, replace(held, last_added=end.date_added, position=end.position))


def _numbered(rows: Sequence[Facts], now: datetime, end: tuple[int, str]) -> list[Shown]:
    """Number rows on from where a shelf ends; an SCO's version is when it was first shown (border.md 4.1)."""
    position, last = end
    shown: list[Shown] = []
    for ordinal, facts in enumerate(rows):
        position += 1
        last = _next_instant(now, ordinal, last)
        shown.append(
            Shown(
                position=position,
                id=facts["id"],
                version=facts["version"] or last,
                type=facts["type"],
                view=facts["view"],
                date_added=last,
            )
        )
    return shown


def _next_instant(tick: datetime, ordinal: int, last: str) -> str:
    """Return tick + ordinal in microseconds, or one past ``last`` if that is later (border.md 4.2)."""
    wished = _micro(tick + timedelta(microseconds=ordinal))
    if wished > last:
        return wished
    after = datetime.fromisoformat(last) + timedelta(microseconds=1)
    return _micro(after)


def _micro(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%S}.{instant.microsecond:06d}Z"


def _inbox(
    unit: Connection,
    truth: Connection,
    name: str,
    rows: Sequence[Facts],
    now: datetime,
) -> None:
    """Show a client what it wrote itself (border.md 8.4)."""
    shelf.add_views(unit, blobs.some(truth, [facts["view"] for facts in rows]))
    shelf.add_to_inbox(unit, name, _numbered(rows, now, shelf.inbox_end(unit, name)))


def _frame(unit: Connection, truth: Connection, op: Op, now: datetime) -> list[Nudge]:
    seq, peer = int(str(op.facts["seq"])), str(op.facts["peer"])
    [parcel] = channels.parcels(truth, op.shelf, seq, seq)
    channel = channels.by_id(truth, op.shelf)
    if channel is not None and not channel.agreement:
        # Documents stand on no shelf. A view comes with its row alone, else it was taken back by now.
        shelf.add_views(unit, blobs.some(truth, parcel.bodies))
    shelf.add_frame(
        unit,
        Frame(
            channel=op.shelf,
            seq=seq,
            peer=peer,
            envelope=parcel.envelope,
            bodies=parcel.bodies,
            size=int(str(op.facts["size"])),
            date_added=_micro(now),
        ),
    )
    return [Nudge(peer=peer, channel=op.shelf, seq=seq)]
