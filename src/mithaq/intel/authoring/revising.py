"""What people have to revise when a version of a reference set begins to count: what refers to what changed.

All is worked out from what the actor may read, and nothing of the sets themselves is in it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mithaq.auth.actors import Actor
from mithaq.border.us import Us
from mithaq.intel.finding import SECONDS, visible
from mithaq.intel.reference.changes import TO_REVISE, Became, Change, Changes
from mithaq.model.folding import folded
from mithaq.model.objects import Body
from mithaq.store import neighbours, sets, texts
from mithaq.store.bounds import within_seconds
from mithaq.store.objects import Copy
from mithaq.store.texts import Wanted

MOST = 2000  # copies that are named; how many refer to what only says something else is counted no further either
_TEXTS = ("name", "description", "pattern", "abstract", "content", "explanation")
_NO_REVISION = frozenset({Became.ADDED, Became.TOUCHED, Became.RESTORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Revisable:
    """A copy that refers to something that changed, and how."""

    copy: Copy
    change: Change
    how: str  # refers: by its id; bears: its number, as its own; label: in a label; says: in its text


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """All of them, the gravest first."""

    entries: Sequence[Revisable]
    more: bool  # there are more than are named


def to_revise(unit: Connection, us: Us, actor: Actor, changes: Changes) -> Revision:
    """Return what of ours, and of our partners', refers to what changed.

    Whatever refers to an object by its id counts. A number, such as T1086, or a name that is none any more is
    looked for also where it stands as text: in references, in labels, in the words of an object.

    Raises:
        Forbidden: the actor may read nothing. TookTooLong: it cannot be said in time.
    """
    changed = {c.id: c for c in changes.objects if c.became not in _NO_REVISION}
    grave = {folded(c.number): c for c in changed.values() if c.number and c.became in TO_REVISE}
    rows = sets.of_others(visible(us, actor))
    with within_seconds(unit, SECONDS):
        referring = neighbours.naming_any(unit, rows, changed, MOST + 1)
        numbered = texts.search(unit, rows, Wanted(mentions=sorted(grave)), (MOST + 1, 0))
    found = [*_referring(referring, changed), *(_numbered(numbered, grave) if grave else ())]
    entries = {(each.copy.seq, each.change.id): each for each in reversed(found)}
    order = list(Became)
    listed = sorted(
        entries.values(),
        key=lambda e: (order.index(e.change.became), e.change.number, e.change.id, -e.copy.seq),
    )
    more = len(listed) > MOST or max(len(referring), len(numbered)) > MOST
    return Revision(entries=listed[:MOST], more=more)


def _referring(some: Sequence[Copy], changed: Mapping[str, Change]) -> Iterable[Revisable]:
    for copy in some:
        for _, id_ in copy.object.references:
            if id_ in changed:
                yield Revisable(copy=copy, change=changed[id_], how="refers")


def _numbered(some: Sequence[Copy], grave: Mapping[str, Change]) -> Iterable[Revisable]:
    whole = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, grave))})(?!\w|\.\d)")
    for copy in some:
        for how, said in _said(copy.object.body):
            for number in dict.fromkeys(whole.findall(folded(said))):
                yield Revisable(copy=copy, change=grave[number], how=how)


def _said(body: Body) -> Iterator[tuple[str, str]]:
    """Yield where a number may stand as text, the plainest first, and what stands there."""
    refs, labels = body.get("external_references"), body.get("labels")
    known = refs if isinstance(refs, list) else ()
    yield "bears", " ".join(str(r.get("external_id", "")) for r in known if isinstance(r, dict))
    yield "label", " ".join(map(str, labels)) if isinstance(labels, list) else ""
    yield "says", " ".join(str(body.get(name, "")) for name in _TEXTS)
