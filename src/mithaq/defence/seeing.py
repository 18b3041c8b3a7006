"""Who sees what matched: nobody more of it than of the indicator that it is of.

That a partner's indicator matched says what the indicator is, so a match is shown to whoever may read all that is here
of it. What is no object here, such as a rule of a file, is everybody's who may look at matches at all.
"""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from sqlalchemy import Connection, func

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.errors import NotFound
from mithaq.model.labels import Tlp
from mithaq.model.objects import IDENTIFIER
from mithaq.store import coverage, matches, objects
from mithaq.store.matches import Group
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies, provenance


def levels(unit: Connection, ids: Iterable[str]) -> dict[str, int]:
    """Return the highest level of TLP at which each of some objects is here, for those that are."""
    found: dict[str, int] = {}
    whole = objects.columns_of(objects.everything(), copies.c.id, func.max(provenance.c.tlp))
    for part in chunks(_ids(ids)):
        rows = whole.where(objects.by_ids(unit, part), copies.c.id.in_(part))
        found |= dict(fetched(unit, rows.group_by(copies.c.id)))
    return found


def visible(unit: Connection, us: Us, actor: Actor, some: Collection[Group]) -> list[Group]:
    """Return those of some groups that an actor may see.

    Raises:
        Forbidden: they may see none at all.
    """
    require(actor, Permission.HIT_READ)
    here, open_ = _copies(unit, us, actor, {each.rule for each in some})
    return [each for each in some if _may(actor, each, here.get(each.rule), open_)]


class UnknownRule(NotFound):
    """No rule and no indicator has that name here, as far as the actor may know."""

    code = "unknown-rule"


def known(unit: Connection, us: Us, actor: Actor, rule: str) -> None:
    """Go on only if a rule or an indicator is known here by that id: it found something, was looked for, or is held.

    Raises:
        Forbidden: the actor may see no matches at all. UnknownRule: it is not, or they may not know of it.
    """
    open_ = visible(unit, us, actor, matches.groups(unit))
    if any(each.rule == rule for each in open_):
        return
    here, readable = _copies(unit, us, actor, [rule])
    if rule in here and here[rule] <= readable:
        return
    if not IDENTIFIER.fullmatch(rule) and any(each.rule == rule for each in coverage.used(unit)):
        return
    called = {name.lower(): each.rule for each in open_ for name in (each.title, each.rule)}
    near = dict.fromkeys(called[each] for each in get_close_matches(rule.lower(), called))
    like = ", ".join(near)
    raise UnknownRule(
        f"no rule and no indicator {rule!r} is known here; like it: {like}"
        if like
        else f"no rule and no indicator {rule!r} is known here",
        rule=rule,
    )


def _may(actor: Actor, group: Group, here: set[int] | None, open_: set[int]) -> bool:
    """Say whether all that is here of an indicator may be read.

    Of what is gone its level is left; who the readers of RED were is not known any more.
    """
    if here is None:
        return group.level <= actor.clearance.tlp and group.level < Tlp.RED
    return here <= open_


def _copies(
    unit: Connection, us: Us, actor: Actor, ids: Iterable[str]
) -> tuple[dict[str, set[int]], set[int]]:
    """Return the numbers of the copies of some objects, by id, and those of all of them that the actor may read."""
    here: dict[str, set[int]] = {}
    open_: set[int] = set()
    columns = (copies.c.id, copies.c.seq)
    everything = objects.everything().where(provenance.c.standing != objects.FORMER)
    readable = objects.visible_to(actor.clearance, us.party)
    for part in chunks(_ids(ids)):
        which = (objects.by_ids(unit, part), copies.c.id.in_(part))
        for id_, seq in fetched(unit, objects.columns_of(everything, *columns).where(*which)):
            here.setdefault(id_, set()).add(seq)
        rows = objects.columns_of(readable, *columns).where(*which)
        open_ |= {seq for _, seq in fetched(unit, rows)}
    return here, open_


def _ids(ids: Iterable[str]) -> list[str]:
    return sorted(each for each in set(ids) if IDENTIFIER.fullmatch(each))
