"""Hits as they come: what is set aside because it finds too much, and which tools of ours are told of a hit.

A tool is an audience like any other: it is told of what its level allows. Of what is RED no tool is told.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import msgspec
from sqlalchemy import Connection

from mithaq.auth.actors import Actor, Permission, require
from mithaq.border.peers import administrative
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.defence.seeing import levels, visible
from mithaq.detect.guard import SetAside
from mithaq.detect.matches import Match
from mithaq.errors import InputError, NotFound
from mithaq.model.canonical import Json
from mithaq.model.labels import Tlp
from mithaq.model.telemetry import Value
from mithaq.model.whose import Word
from mithaq.store import live
from mithaq.store.journal import record as journal
from mithaq.store.live import Aside
from mithaq.store.matches import Group

_LONGEST = 4000  # characters of what a person writes
_SHOWN = 4096  # characters of one value that a tool is told
_FIELDS = 32  # of one hit
NEW_VERSION = "new-version"  # who let something back that no person did


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A tool of ours that is told of hits."""

    name: str
    up_to: Tlp  # never RED
    most: int  # hits that wait for it


def tell(
    unit: Connection,
    audiences: Collection[Audience],
    fresh: Sequence[Match],
    ours: Collection[str],
) -> dict[str, int]:
    """Keep hits for those who may be told of them; return how many were dropped, by audience, because too many wait.

    Args:
        fresh: matches that are new here.
        ours: digests of rules of our own, which bear no marking: everybody here is told of what they find.
    """
    if not (fresh and audiences):
        return {}
    level = levels(unit, {match.word for match in fresh})
    rows: list[tuple[str, str]] = []
    told: set[tuple[str, str, str]] = set()
    for match in fresh:
        at = Tlp.CLEAR if match.digest in ours else level.get(match.word, Tlp.RED)
        at = at if match.giver or match.digest in ours else Tlp.RED
        for each in audiences if at < Tlp.RED else ():
            once = each.name, match.rule, match.event
            if at <= each.up_to and (once not in told or not match.giver):
                rows.append((each.name, msgspec.json.encode(as_told(match)).decode()))
                told.add(once)
    live.tell(unit, rows)
    named = {name for name, _ in rows}
    dropped = {
        each.name: live.drop(unit, each.name, each.most) for each in audiences if each.name in named
    }
    return {name: count for name, count in dropped.items() if count}


def waiting(unit: Connection, us: Us, actor: Actor, sink: Audience) -> int:
    """Return how many hits wait for a tool of ours, of those that an actor may see.

    Raises:
        Forbidden: they may see none.
    """
    counts = Counter(live.words_told(unit, sink.name))
    # What is no indicator is a rule of our own; of one that is gone nobody knows more than who might have been told.
    some = [
        _of_word(word, sink.up_to if word.giver else Tlp.CLEAR, seq)
        for seq, word in enumerate(counts)
    ]
    return sum(counts[each.word] for each in visible(unit, us, actor, some))


def as_told(match: Match) -> dict[str, object]:
    """Return what a tool of ours is told of a hit."""
    return {
        "id": match.id,
        "at": match.at,
        "severity": match.level,
        "title": match.title[:_SHOWN],
        "rule": match.rule,
        "giver": match.giver,
        "log_source": "/".join(filter(None, match.source)),
        "machine": match.asset[:_SHOWN],
        "found": _cut(match.found),
        "event": match.event,
    }


def _cut(found: Mapping[str, Value]) -> dict[str, Value]:
    """Return what was found, as far as a tool can be told: one hit that is too large would hold up all after it."""
    shown: dict[str, Value] = {}
    for name, value in islice(found.items(), _FIELDS):
        written = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        shown[name[:_SHOWN]] = written[:_SHOWN] if len(written) > _SHOWN else value
    return shown


# --- what is set aside --------------------------------------------------------------------------------
def set_aside(unit: Connection, what: SetAside, version: str, now: datetime) -> None:
    """Keep that something finds too much, or takes too long, and is no longer tried.

    Args:
        version: of the indicator that it is; empty: it is none that is here.
    """
    word = Word(what.rule, what.giver)
    kept = Aside(
        **word._asdict(),
        digest=what.digest,
        version=version,
        title=what.title,
        code=what.code,
        level=levels(unit, [word]).get(word, 0),
        after=what.after,
        at=text(now),
    )
    seq = live.put_aside(unit, kept)
    journal(unit, now, "set-aside", what.rule, number=seq, code=what.code, after=what.after)


def asides(unit: Connection, us: Us, actor: Actor, *, standing: bool = True) -> list[Aside]:
    """Return what is set aside that an actor may see, the newest first.

    Raises:
        Forbidden: they may see none.
    """
    some = live.asides(unit, standing=standing)
    seen = {group.seq for group in visible(unit, us, actor, [_group(each) for each in some])}
    return [each for each in some if each.seq in seen]


def let_back(  # noqa: PLR0913 unit, us, actor and now come with every act
    unit: Connection, us: Us, actor: Actor, seq: int, why: str, now: datetime
) -> Aside:
    """Let be tried again what was set aside; who did, and why, is on record.

    Raises:
        Forbidden: the actor may not. NotFound: nothing of that number is set aside that they may see.
        InputError: it has no reason, or too long a one.
    """
    require(actor, Permission.HIT_JUDGE)
    if not why.strip() or len(why) > _LONGEST:
        raise InputError(f"it has from 1 to {_LONGEST} characters")
    found = [each for each in asides(unit, us, actor) if each.seq == seq]
    if not found:
        raise NotFound(f"nothing {seq} is set aside that {actor.name} may see", number=seq)
    live.let_back(unit, seq, actor.name, text(now), why.strip())
    facts: dict[str, Json] = {"by": actor.name, "number": seq, "why": why.strip()}
    administrative(unit, now, "let-back", found[0].rule, facts)
    return found[0]


def renewed(unit: Connection, versions: Mapping[Word, str], now: datetime) -> list[Aside]:
    """Let back what is set aside of indicators that have another version now; return it.

    Args:
        versions: of some indicators, the newest.
    """
    over = [
        each
        for each in live.asides(unit)
        if each.version and versions.get(each.word, each.version) != each.version
    ]
    for each in over:
        live.let_back(unit, each.seq, NEW_VERSION, text(now), "")
        journal(unit, now, "let-back", each.rule, number=each.seq, by=NEW_VERSION)
    return over


def _group(each: Aside) -> Group:
    return _of_word(each.word, each.level, each.seq)


def _of_word(word: Word, level: int, seq: int) -> Group:
    """Return as a group what rests on one word: that decides who may see it."""
    return Group(
        seq=seq,
        rule=word.rule,
        giver=word.giver,
        day="",
        source="",
        title="",
        severity="",
        level=level,
        count=0,
        first="",
        last="",
    )
