"""Marking many objects at once: what a search or a source gives, looked at before anything happens."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import local
from mithaq.border.local import Lowering, join_beside
from mithaq.border.us import Us
from mithaq.intel import finding, rules
from mithaq.intel.finding import visible
from mithaq.intel.keeping import service
from mithaq.intel.rules import Filters
from mithaq.model.labels import Beside
from mithaq.model.markings import object_label
from mithaq.store import objects, texts
from mithaq.store.bounds import within_seconds
from mithaq.store.engine import Store
from mithaq.store.objects import Copy
from mithaq.store.sql import chunks

AT_ONCE = 200  # marked in one transaction: each is decided again wherever it went
PAGE = 5_000  # looked at together
Effect = Literal["marked", "same", "lower"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An object that would be marked, how it is marked now, and what would come of it."""

    number: int
    marking: str
    effect: Effect  # lower: refused, for a marking is only ever raised


def targets(  # noqa: PLR0913 who looks for what, and with which marking
    unit: Connection,
    us: Us,
    actor: Actor,
    beside: Beside,
    *,
    names: Sequence[str] = (),
    words: str = "",
    filters: Filters = finding.NOTHING,
) -> list[Target]:
    """Return what ``names`` mean, or what a search finds, with what would come of marking it.

    Raises:
        NotFound: one of ``names`` has none that the actor may read. TookTooLong: a page of the search takes too long.
    """
    require(actor, Permission.OBJECT_ADD)
    if names:
        numbers = service.worked_on(unit, us, actor, names=names)
        some = objects.numbered(visible(us, actor), numbers)
        return [_target(copy, beside) for rows in some for copy in objects.load(unit, rows)]
    return [_target(copy, beside) for copy in _found(unit, us, actor, words, filters)]


def _found(unit: Connection, us: Us, actor: Actor, words: str, filters: Filters) -> Iterator[Copy]:
    rows = visible(us, actor)
    wanted = finding.looked_for(words, filters)
    wanted = replace(wanted, among=finding.among(unit, rows, finding.topics(filters)))
    before, some = 0, list[Copy]()
    while not before or len(some) == PAGE:
        with within_seconds(unit, finding.SECONDS):
            some = texts.search(unit, rows, wanted, (PAGE, before))
        yield from some
        before = some[-1].seq if some else -1


def _target(copy: Copy, beside: Beside) -> Target:
    shown = rules.marking(copy.object.body, copy.beside, copy.level)
    return Target(number=copy.seq, marking=shown, effect=effect(copy, beside))


def effect(copy: Copy, beside: Beside) -> Effect:
    """Say what would come of putting a label beside a copy."""
    now = object_label(copy.object.body, copy.beside, {}).tlp
    if now is not None and beside.tlp is not None and beside.tlp < now:
        return "lower"
    same_tlp = beside.tlp is None or beside.tlp == now
    rest = replace(beside, tlp=None)
    return "same" if same_tlp and join_beside(copy.beside, rest) == copy.beside else "marked"


def mark_all(  # noqa: PLR0913 where, who, what, how and when
    core: Store,
    us: Us,
    actor: Actor,
    numbers: Sequence[int],
    beside: Beside,
    now: datetime,
    progress: Callable[[int, int], None],
) -> tuple[int, int]:
    """Put a marking beside copies, some to a transaction; return how many were marked and refused."""
    require(actor, Permission.OBJECT_ADD)
    marked = refused = 0
    for part in chunks(numbers, AT_ONCE):
        with core.begin() as unit:
            readable = {
                copy.seq
                for rows in objects.numbered(visible(us, actor), part)
                for copy in objects.load(unit, rows)
            }
            for number in part:
                if number not in readable:  # gone, or marked above the actor's clearance meanwhile
                    refused += 1
                    continue
                try:
                    local.mark(unit, us, number, beside, author=actor.name, now=now)
                    marked += 1
                except Lowering:
                    refused += 1
        progress(marked + refused, len(numbers))
    return marked, refused
