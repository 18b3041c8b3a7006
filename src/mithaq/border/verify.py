"""Check the whole node against itself: the log, every digest, and what peers may read against what was released."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from mithaq.audit import log, subjects
from mithaq.border.peers import every_key_of
from mithaq.border.shelf import behind
from mithaq.border.us import Us
from mithaq.model.canonical import digest
from mithaq.store import checks
from mithaq.store.engine import Store

NAMED = 100  # problems of one sort that are named at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was checked, and each (part, problem) found; ``padding`` of the leaves say nothing."""

    leaves: int
    padding: int
    bodies: int
    rows: int
    problems: Sequence[tuple[str, str]]


def everything(core: Store, peers_store: Store, us: Us) -> Verified:
    """Recompute the log, the digests of all bytes kept and shown, and the shelves.

    What is shown without a release behind it is a problem at any time; what is released and not yet shown is
    one only when the projection has caught up.

    Args:
        peers_store: the room ``shelf``.
    """
    late = behind(core, peers_store)
    with peers_store.read() as peer_side, core.read() as unit:
        leaves, padding = log.length(unit), subjects.padding(unit)
        wrong = [("log", each) for each in log.verify_all(unit, every_key_of(unit, us.party))]
        wrong += [("log", each) for each in subjects.wrong(unit)]
        kept, corrupt = _digests(checks.kept_bodies(unit))
        on_show, corrupt_views = _digests(checks.shown_bodies(peer_side))
        released, shown = checks.released(unit), checks.shown(peer_side)
        open_ = checks.open_shelves(peer_side)
    wrong += [("bodies", f"{name} holds other bytes") for name in corrupt]
    wrong += [("shelf", f"{name} holds other bytes") for name in corrupt_views]
    wrong += [
        ("shelf", f"{id_} {version} is shown on {shelf} and not released there")
        for shelf, id_, version, _ in _first(row for row in shown - released if row[0] in open_)
    ]
    if not late:
        wrong += [
            ("shelf", f"{id_} {version} is released on {shelf} and not shown there")
            for shelf, id_, version, _ in _first(row for row in released - shown if row[0] in open_)
        ]
    return Verified(
        leaves=leaves,
        padding=padding,
        bodies=kept + on_show,
        rows=sum(row[0] in open_ for row in released),
        problems=tuple(wrong),
    )


def _digests(blobs: Iterator[tuple[str, bytes]]) -> tuple[int, list[str]]:
    count = 0
    wrong: list[str] = []
    for name, body in blobs:
        count += 1
        if digest(body) != name:
            wrong.append(name)
    return count, wrong[:NAMED]


def _first(found: Iterable[checks.OnShelf]) -> list[checks.OnShelf]:
    return sorted(found)[:NAMED]
