"""What became of an object: its versions, who wrote them and when, what each changed, and to whom it went.

All of it is worked out from what the reader may read: a version that is hidden shows in no difference and no release.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, may, require
from mithaq.border.us import Us
from mithaq.intel.authoring.drafts import Change, changes
from mithaq.intel.keeping.service import versions
from mithaq.model.objects import moment
from mithaq.store import recalls, releases
from mithaq.store.objects import Copy
from mithaq.store.recalls import Released


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """A version as one voucher gave it, what it changed of the one before, and to whom it went."""

    copy: Copy
    first: bool  # nothing that the reader may read came before it
    changes: Sequence[Change]
    released: Sequence[Released]  # stands there or did


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """That a peer has an earlier version of ours, and not the newest; and what became of that, if it was asked for."""

    peer: str
    agreement: str
    version: str
    at: str
    state: str  # of the newest: unasked | held | withheld | shadow | declined


def history(unit: Connection, us: Us, actor: Actor, name: str) -> list[Past]:
    """Return the versions of an object, of each voucher by itself, oldest first.

    Raises:
        NotFound: there is none that the actor may read.
    """
    id_ = versions(unit, us, actor, name)[0].object.id
    found = sorted(
        versions(unit, us, actor, id_), key=lambda c: (c.voucher, moment(c.object.version), c.seq)
    )
    went = _went(unit, actor, id_)
    past: list[Past] = []
    last: dict[
        tuple[str, str], Copy
    ] = {}  # by voucher and agreement: each tells a story of its own
    for copy in found:
        before = last.get((copy.voucher, copy.agreement))
        last[copy.voucher, copy.agreement] = copy
        past.append(
            Past(
                copy=copy,
                first=before is None,
                changes=() if before is None else changes(before.object.body, copy.object.body),
                released=went.get(copy.seq, ()),
            )
        )
    return past


def _went(unit: Connection, actor: Actor, id_: str) -> Mapping[int, Sequence[Released]]:
    """Return to whom each copy went, for those who may know that."""
    found: dict[int, list[Released]] = defaultdict(list)
    for each in recalls.who_had(unit, id_) if may(actor, Permission.RELEASE_PREVIEW) else ():
        found[each.copy].append(each)
    return found


def waiting(unit: Connection, us: Us, actor: Actor, copy: Copy) -> list[Waiting]:
    """Return who has an earlier version on its shelf, and not this one: a new version takes a new proposal.

    Raises:
        Forbidden: the actor may not see what goes to whom.
    """
    require(actor, Permission.RELEASE_PREVIEW)
    if copy.standing != "own" or not copy.object.version:
        return []
    seen = {c.seq for c in versions(unit, us, actor, copy.object.id)}
    rows = [row for row in releases.rows_of_ids(unit, [copy.object.id]) if row.copy in seen]
    here = {(row.peer, row.agreement) for row in rows if row.version == copy.object.version}
    last = {
        (row.peer, row.agreement): row
        for row in sorted(rows, key=lambda row: moment(row.version))
        if (row.peer, row.agreement) not in here
    }
    states = {
        (verdict.peer, verdict.agreement): verdict.state
        for verdict in releases.verdicts_where(unit, copies=[copy.seq])
    }
    return [
        Waiting(
            peer=peer,
            agreement=agreement,
            version=row.version,
            at=row.released_at,
            state=states.get((peer, agreement), "unasked"),
        )
        for (peer, agreement), row in sorted(last.items())
    ]
