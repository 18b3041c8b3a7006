"""What a constituent's kit found is kept as hits of a constituent, and goes the way of all hits: judged, then told.

Who it was is a pseudonym of this node's, unless somebody names them. A row of a result counts once: the same result
taken twice changes nothing, and of two results of one site the greater count of a line and day stands, for a log that
is hunted again tells the same again.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border import peers
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.defence.kits.making import secret_of
from mithaq.defence.kits.result import Asked, Result, Row, name_in, unsealed
from mithaq.defence.recording import active, suppressing
from mithaq.defence.seeing import levels
from mithaq.model.canonical import Json, digest
from mithaq.model.whose import Word
from mithaq.seal.messages import encode
from mithaq.store import kits, matches
from mithaq.store.kits import Given, Taken
from mithaq.store.matches import KITS, Group, Kept
from mithaq.store.suppressions import Suppression


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """What came of a result."""

    kit: Given
    constituent: str  # the pseudonym, or the name
    result: Result
    new: int = 0  # rows that were not here
    more: int = 0  # rows that say a greater count
    known: int = 0
    again: bool = False  # the very result was taken before


@dataclass(frozen=True, slots=True, kw_only=True)
class _Of:
    """Whose rows they are."""

    kit: Given
    site: int
    who: str
    level: dict[Word, int]
    standing: Sequence[Suppression]


def take(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection, us: Us, actor: Actor, raw: bytes, now: datetime, *, named: bool = False
) -> Took:
    """Take a result, which whoever has the kit may have written.

    Args:
        named: hits show the client's name in place of its pseudonym.

    Raises:
        Forbidden: the actor judges no hits. BadResult: it is no result of a kit of ours. NotFound: that kit was not
            made here.
    """
    require(actor, Permission.HIT_JUDGE)
    kit = kits.given(unit, name_in(raw))
    held = kit.held()
    asked = Asked(digest=kit.digest, lines=len(held), made=kit.made)
    result = unsealed(raw, secret_of(us, kit.name), asked, now)
    who = kit.client if named else pseudonym(us, kit.client)
    mark = digest(encode(result))
    if any(each.digest == mark for each in kits.taken(unit, kit.name)):
        return Took(kit=kit, constituent=who, result=result, known=len(result.rows), again=True)
    took = _record(unit, (kit, who), result, held, now)
    facts = {"events": result.events, "refused": result.refused, "left": result.left,
             "struck": result.struck, "sources": result.sources, "rows": len(result.rows),
             "new": took.new, "more": took.more, "mithaq": result.mithaq}  # fmt: skip
    taken = Taken(
        digest=mark,
        kit=kit.name,
        site=result.site,
        at=result.at,
        taken=text(now),
        by=actor.name,
        facts=msgspec.json.encode(facts).decode(),
    )
    kits.take(unit, taken)
    about: dict[str, Json] = {"by": actor.name, "digest": mark, "rows": len(result.rows)}
    peers.administrative(unit, now, "kit-taken", kit.name, {**about, "new": took.new})
    return took


def pseudonym(us: Us, client: str) -> str:
    """Return what a client is called in hits: always the same here, and nothing to anybody else."""
    return f"constituent-{us.derive('constituent', client).hex()[:8]}"


def _record(
    unit: Connection,
    whose: tuple[Given, str],
    result: Result,
    held: Sequence[tuple[Word, str]],
    now: datetime,
) -> Took:
    kit, who = whose
    words = {held[row.line - 1][0] for row in result.rows}
    level, standing = levels(unit, words), active(unit, now)
    of = _Of(kit=kit, site=result.site, who=who, level=level, standing=standing)
    kept = {row: _kept(of, row, held[row.line - 1][0]) for row in result.rows}
    here = matches.counted(unit, [each.id for each in kept.values()])
    count = Counter[str]()
    fresh: dict[tuple[Word, str], list[Kept]] = defaultdict(list)
    for row, each in kept.items():
        before = here[each.id].times if each.id in here else 0
        said = "known" if before >= row.count else "more" if before else "new"
        count[said] += 1
        if said != "known":
            fresh[held[row.line - 1][0], row.day].append(each)
    titles = dict(held)
    for (word, day), some in fresh.items():
        _join(unit, of, (word, day, titles[word]), some, here)
    return Took(
        kit=kit,
        constituent=who,
        result=result,
        new=count["new"],
        more=count["more"],
        known=count["known"],
    )


def _join(
    unit: Connection,
    of: _Of,
    place: tuple[Word, str, str],
    some: Sequence[Kept],
    here: dict[str, Kept],
) -> None:
    """Put rows of one indicator and day into their group."""
    word, day, title = place
    instants = [at for each in some for at in (each.at, each.last) if at]
    before = sum(here[each.id].times for each in some if each.id in here)
    group = Group(
        rule=word.rule,
        giver=word.giver,
        day=day,
        source=KITS,
        title=title,
        severity="",
        level=of.level.get(word, 0),
        count=sum(each.times for each in some) - before,
        first=min(instants, default=""),
        last=max(instants, default=""),
    )
    seq = matches.join(unit, group)
    matches.grow(unit, (each for each in some if each.id in here))
    new = (each for each in some if each.id not in here)
    hidden = ((each, suppressing(word, each, of.standing)) for each in new)
    matches.put(unit, [replace(each, grouped=seq, suppressed=by) for each, by in hidden])


def _kept(of: _Of, row: Row, word: Word) -> Kept:
    where = f"{of.kit.name} {of.site} {row.line} {row.day}"
    return Kept(
        id=sha256(where.encode()).hexdigest(),
        grouped=0,
        digest=word.digest,
        event=f"{KITS}:{of.kit.name}",
        at=row.first or "",
        last=row.last or "",
        asset=of.who,
        found={"kit": of.kit.name, "line": row.line, "site": of.site},
        times=row.count,
    )
