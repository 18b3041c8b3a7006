"""What our people say is ours, or evil whatever lists have it: each with who, when and why, until it is undone.

It stands beside the table ``[benign]`` of the settings. Both are told to the listener, which prints what clients poll
and sees neither (border.md 4).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from sqlalchemy import Connection

from mithaq import config
from mithaq.border.peers import administrative
from mithaq.border.publish import reconsider
from mithaq.border.us import Us
from mithaq.clock import text
from mithaq.errors import NotFound
from mithaq.model.canonical import Json
from mithaq.store import releases
from mithaq.store.journal import keep, setting

KEY = "benign.rulings"  # under which they stand among the kept values
_SHOWN = "benign.shown"  # what the listener was told last
_NEED = "known-benign"
What = Literal["own", "evil"]


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """That a value is ours, or evil."""

    what: What
    value: str
    by: str
    at: str
    why: str


def rulings(written: str) -> list[Ruling]:
    """Read the rulings that stand, oldest first."""
    return msgspec.json.decode(written, type=list[Ruling]) if written else []


def standing(unit: Connection) -> list[Ruling]:
    """Return the rulings that stand, oldest first."""
    return rulings(setting(unit, KEY))


def merged(settings: config.Benign, some: Sequence[Ruling]) -> config.Benign:
    """Return what the settings say with what people said since; of one value the people have the last word."""
    own = dict.fromkeys(settings.own)
    evil = dict.fromkeys(settings.evil)
    for each in some:
        ours, other = (own, evil) if each.what == "own" else (evil, own)
        other.pop(each.value, None)
        ours[each.value] = None
    return msgspec.structs.replace(settings, own=tuple(own), evil=tuple(evil))


def rule(unit: Connection, ruling: Ruling, settings: config.Benign, now: datetime) -> None:
    """Let a ruling stand from now on, in place of any on that value."""
    rest = [each for each in standing(unit) if each.value != ruling.value]
    _keep(unit, [*rest, ruling], settings)
    facts: dict[str, Json] = {"by": ruling.by, "why": ruling.why}
    administrative(unit, now, f"benign-{ruling.what}", ruling.value, facts)


def undo(  # noqa: PLR0913 unit and now come with every act
    unit: Connection, value: str, settings: config.Benign, now: datetime, *, by: str, why: str
) -> Ruling:
    """Take a ruling back.

    Raises:
        NotFound: there is none on that value; the settings' own are changed in their file.
    """
    some = standing(unit)
    found = next((each for each in some if each.value == value), None)
    if found is None:
        raise NotFound(
            f"nobody ruled on {value!r}; `mithaq benign rulings` lists them", value=value
        )
    _keep(unit, [each for each in some if each is not found], settings)
    facts: dict[str, Json] = {"by": by, "why": why, "was": found.what}
    administrative(unit, now, "benign-undone", value, facts)
    return found


def _keep(unit: Connection, some: Sequence[Ruling], settings: config.Benign) -> None:
    keep(unit, KEY, msgspec.json.encode(some).decode())
    tell(unit, settings)


def tell(unit: Connection, settings: config.Benign) -> None:
    """Tell the listener what is ours and what is evil, unless it knows."""
    written = known(unit, settings)
    if setting(unit, _SHOWN) != written:
        keep(unit, _SHOWN, written)
        releases.show(unit, "benign", "", written=written)


def known(unit: Connection, settings: config.Benign) -> str:
    """Return what is ours and what is evil, as the listener is told it."""
    whole = merged(settings, standing(unit))
    return msgspec.json.encode(whole, order="sorted").decode() if whole != config.Benign() else ""


def untold(unit: Connection, settings: config.Benign) -> bool:
    """Say whether the listener is to be told anew, as after a change of the settings."""
    return setting(unit, _SHOWN) != known(unit, settings)


def decide_again(unit: Connection, us: Us, now: datetime) -> int:
    """Decide again what waits because it names something harmless; return how much that is."""
    held = releases.verdicts_where(unit, state="held")
    waiting: dict[str, set[int]] = {}
    for each in (v for v in held if _NEED in v.needs.split(",")):
        waiting.setdefault(each.agreement, set()).add(each.copy)
    for agreement, copies in waiting.items():
        reconsider(unit, us, agreement, sorted(copies), now)
    return sum(map(len, waiting.values()))


def made(what: What, value: str, by: str, why: str, now: datetime) -> Ruling:
    """Return a ruling of somebody now."""
    return Ruling(what=what, value=value, by=by, at=text(now), why=why)
