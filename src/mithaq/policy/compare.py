"""What a drafted text would change against the text in force, over the same candidates; most sensitive first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mithaq.model.labels import Tlp
from mithaq.policy.attribution import attributes
from mithaq.policy.decision import Decision, Hold, Release, View, Withhold
from mithaq.policy.explain import Language, fill, wording
from mithaq.policy.situation import Key
from mithaq.policy.views import below

Decisions = Mapping[tuple[str, Key], Decision]
_ONWARD = ("none", "scope", "open")  # from narrow to wide


class Move(StrEnum):
    """What becomes of one candidate for one peer; in order of how much it opens."""

    NEWLY_GOES = "newly-goes"
    NO_LONGER_WAITS = "no-longer-waits"  # it waited for a person, and would go without one
    NEWLY_WAITS = "newly-waits"  # it stayed, and would go once a person has decided
    WIDER = "wider"  # the same version with more in it
    OTHER = "other"  # with more here and less there
    FURTHER = "further"  # the receiver may pass it on further
    LESS_FAR = "less-far"
    NARROWER = "narrower"
    NOW_WAITS = "now-waits"  # it went, and would wait for a person
    NO_LONGER_GOES = "no-longer-goes"  # it went or waited, and would stay


_ORDER = tuple(Move)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One candidate for one peer under both texts."""

    peer: str
    key: Key
    move: Move
    kind: str  # STIX type
    tlp: Tlp  # of what would be seen, or was
    attribution: bool  # what would be seen, or was, attributes something to a State
    gained: tuple[str, ...] = ()  # pointers that would be seen and were not
    lost: tuple[str, ...] = ()
    before: Decision | None  # None: no text was in force for it
    after: Decision | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Changes that are alike."""

    peer: str
    move: Move
    kind: str
    tlp: Tlp
    attribution: bool
    changes: tuple[Change, ...]

    @property
    def gained(self) -> tuple[str, ...]:
        """The properties that would be seen and were not, by name."""
        return _properties(pointer for change in self.changes for pointer in change.gained)

    @property
    def lost(self) -> tuple[str, ...]:
        """The properties that were seen and would not be, by name."""
        return _properties(pointer for change in self.changes for pointer in change.lost)


def compare(before: Decisions, after: Decisions) -> tuple[Group, ...]:
    """Return what ``after`` changes against ``before``, most sensitive first: TLP, attribution, count.

    What a shadow agreement would do counts as done, so that a draft can be compared before it runs.
    """
    found: dict[tuple[str, Move, str, Tlp, bool], list[Change]] = defaultdict(list)
    for peer, key in dict.fromkeys((*before, *after)):
        change = _change(peer, key, before.get((peer, key)), after.get((peer, key)))
        if change is not None:
            alike = (change.peer, change.move, change.kind, change.tlp, change.attribution)
            found[alike].append(change)
    groups = (
        Group(peer=p, move=move, kind=kind, tlp=tlp, attribution=state, changes=tuple(changes))
        for (p, move, kind, tlp, state), changes in found.items()
    )
    return tuple(sorted(groups, key=_sensitivity))


def _sensitivity(group: Group) -> tuple[object, ...]:
    """Order: the level, attribution, how many; then how much it opens, so that the order is one."""
    return (
        -group.tlp,
        not group.attribution,
        -len(group.changes),
        _ORDER.index(group.move),
        group.peer,
        group.kind,
    )


def _change(peer: str, key: Key, before: Decision | None, after: Decision | None) -> Change | None:
    was, is_ = _going(before), _going(after)
    seen = is_ or was
    if seen is None:
        return None
    gained, lost = _parts(was, is_)
    move = _move(was, is_, gained=bool(gained), lost=bool(lost))
    if move is None:
        return None
    views = [going.view for going in (was, is_) if going is not None]
    return Change(
        peer=peer,
        key=key,
        move=move,
        kind=str(seen.view.body.get("type")),
        tlp=max(view.label.tlp or Tlp.CLEAR for view in views),
        attribution=any(attributes(view.body) for view in views),
        gained=gained,
        lost=lost,
        before=before,
        after=after,
    )


def _going(decision: Decision | None) -> Release | Hold | None:
    return decision.would if isinstance(decision, Withhold) else decision


def _parts(
    was: Release | Hold | None, is_: Release | Hold | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pointers gained and lost between two views of one version."""
    if was is None or is_ is None:
        return (), ()
    return _missing(was.view, is_.view), _missing(is_.view, was.view)


def _missing(one: View, other: View) -> tuple[str, ...]:
    """Return what ``one`` lacks and ``other`` shows."""
    gone = frozenset(other.removed)
    return tuple(pointer for pointer in one.removed if not below(pointer, gone))


def _move(
    was: Release | Hold | None, is_: Release | Hold | None, *, gained: bool, lost: bool
) -> Move | None:
    if was is None:
        return Move.NEWLY_GOES if isinstance(is_, Release) else Move.NEWLY_WAITS
    if is_ is None:
        return Move.NO_LONGER_GOES
    if type(was) is not type(is_):
        return Move.NO_LONGER_WAITS if isinstance(is_, Release) else Move.NOW_WAITS
    if gained or lost:
        return Move.OTHER if gained and lost else Move.WIDER if gained else Move.NARROWER
    further = _ONWARD.index(is_.onward) - _ONWARD.index(was.onward)
    if further:
        return Move.FURTHER if further > 0 else Move.LESS_FAR
    return None


def _properties(pointers: Iterable[str]) -> tuple[str, ...]:
    names = {pointer.split("/")[1].replace("~1", "/").replace("~0", "~") for pointer in pointers}
    return tuple(sorted(names))


def sentences(groups: Sequence[Group], language: Language = "en") -> list[str]:
    """Return what a comparison found, one sentence a group, in the same order."""
    says = wording(language, "compare")
    if not groups:
        return [fill(says["nothing"], language)]
    return [_sentence(group, says, language) for group in groups]


def _sentence(group: Group, says: Mapping[str, str], language: Language) -> str:
    said = fill(
        says[group.move],
        language,
        peer=group.peer,
        kind=group.kind,
        count=str(len(group.changes)),
        tlp=f"TLP:{group.tlp}",
        gained=", ".join(group.gained),
        lost=", ".join(group.lost),
    )
    return f"{said} {fill(says['attribution'], language)}" if group.attribution else said
