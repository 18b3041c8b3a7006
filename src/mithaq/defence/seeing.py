"""Who sees what matched: nobody more of it than of the word that it rests on.

That a partner's indicator matched says what it is, so a match is shown to whoever may read all that its giver
said under that id. What another gave under the same id opens nothing and hides nothing. What is no indicator that is
held, such as a rule of a file, is everybody's who may look at matches at all.
"""

from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches

from sqlalchemy import Connection, func

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.us import Us
from mithaq.errors import NotFound
from mithaq.model.labels import Tlp
from mithaq.model.objects import IDENTIFIER
from mithaq.model.whose import Word
from mithaq.store import coverage, matches, objects
from mithaq.store.matches import Group
from mithaq.store.sql import chunks, fetched
from mithaq.store.tables import copies, provenance


def levels(unit: Connection, words: Iterable[Word]) -> dict[Word, int]:
    """Return the highest level of TLP of all that one giver each said under some ids, for those that are here.

    Of what an indicator of a file found, the lowest of those of whoever gave that id.
    """
    wanted = set(words)
    c, p = copies.c, provenance.c
    found: dict[Word, int] = {}
    files = {word.rule for word in wanted if not word.giver}
    whole = objects.columns_of(objects.everything(), c.id, p.voucher, func.max(p.tlp))
    for part in chunks(_ids(wanted)):
        rows = whole.where(objects.by_ids(unit, part), c.id.in_(part)).group_by(c.id, p.voucher)
        for id_, voucher, level in fetched(unit, rows):
            found[Word(id_, voucher)] = level
            if id_ in files:
                found[Word(id_)] = min(level, found.get(Word(id_), level))
    return {word: level for word, level in found.items() if word in wanted}


def visible(unit: Connection, us: Us, actor: Actor, some: Collection[Group]) -> list[Group]:
    """Return those of some groups that an actor may see.

    Raises:
        Forbidden: they may see none at all.
    """
    require(actor, Permission.HIT_READ)
    here, open_ = _copies(unit, us, actor, (each.word for each in some))
    return [each for each in some if _may(actor, each, here.get(each.rule, {}), open_)]


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
    if givers(unit, us, actor, rule):
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


def givers(unit: Connection, us: Us, actor: Actor, rule: str) -> set[str]:
    """Return who gave an indicator, of those of whom the actor may read all that they said under that id."""
    here, readable = _copies(unit, us, actor, [Word(rule)])
    return {giver for giver, seqs in here.get(rule, {}).items() if seqs <= readable}


def _may(actor: Actor, group: Group, here: Mapping[str, set[int]], open_: set[int]) -> bool:
    """Say whether all that is here of an indicator by one's word may be read.

    Of what is gone its level is left; who the readers of RED were is not known any more. What an indicator of a file
    found is shown to whoever may read anybody's of that id, if there is one here.

    Args:
        here: by giver, the numbers of what is here under that id.
    """
    said = [here[group.giver]] if group.giver in here else [] if group.giver else [*here.values()]
    if not said:
        return group.level <= actor.clearance.tlp and group.level < Tlp.RED
    return any(seqs <= open_ for seqs in said)


def _copies(
    unit: Connection, us: Us, actor: Actor, words: Iterable[Word]
) -> tuple[dict[str, dict[str, set[int]]], set[int]]:
    """Return the numbers of the copies of some indicators, by id and giver, and of those that the actor may read."""
    here: dict[str, dict[str, set[int]]] = {}
    open_: set[int] = set()
    c, whose = copies.c, provenance.c.voucher
    everything = objects.everything().where(provenance.c.standing != objects.FORMER)
    readable = objects.visible_to(actor.clearance, us.party)
    for part in chunks(_ids(words)):
        which = (objects.by_ids(unit, part), c.id.in_(part))
        rows = objects.columns_of(everything, c.id, whose, c.seq).where(*which)
        for id_, voucher, seq in fetched(unit, rows):
            here.setdefault(id_, {}).setdefault(voucher, set()).add(seq)
        rows = objects.columns_of(readable, c.seq).where(*which)
        open_ |= {seq for (seq,) in fetched(unit, rows)}
    return here, open_


def _ids(words: Iterable[Word]) -> list[str]:
    return sorted({word.rule for word in words if IDENTIFIER.fullmatch(word.rule)})
