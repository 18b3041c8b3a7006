"""The life of an agreement, in one table, and which text of it holds now (border.md 3.1, 3.3, 2.7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mithaq.policy.agreement import Agreement


class State(StrEnum):
    """Where an agreement stands."""

    INTRODUCED = "introduced"  # here, signed by nobody we know of
    PROPOSED = "proposed"  # signed by some
    IN_FORCE = "in-force"
    SUSPENDED = "suspended"
    ENDED = "ended"


# act -> state before -> state after; what stands not here cannot happen
MOVES: Mapping[str, Mapping[State, State]] = {
    "sign": {
        State.INTRODUCED: State.PROPOSED,
        State.PROPOSED: State.PROPOSED,
        State.IN_FORCE: State.IN_FORCE,  # a new version; the old one holds until it is complete
        State.SUSPENDED: State.SUSPENDED,
    },
    "come-into-force": {State.PROPOSED: State.IN_FORCE},  # the last signature, or its start
    "suspend": {State.IN_FORCE: State.SUSPENDED, State.SUSPENDED: State.SUSPENDED},
    "resume": {State.SUSPENDED: State.IN_FORCE},  # once nobody holds it suspended
    "end": {  # by a party, or by its own end
        State.INTRODUCED: State.ENDED,
        State.PROPOSED: State.ENDED,
        State.IN_FORCE: State.ENDED,
        State.SUSPENDED: State.ENDED,
    },
}


def may(act: str, state: State) -> bool:
    """Say whether ``act`` can happen to an agreement that stands at ``state``."""
    return state in MOVES[act]


@dataclass(frozen=True, slots=True, kw_only=True)
class Instants:
    """The cautious pair of clocks: ``opens`` decides starts and embargoes, ``closes`` ends (border.md 2.7)."""

    opens: str
    closes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A text and the parties whose signature of it we hold."""

    text: Agreement
    by: frozenset[str]

    @property
    def complete(self) -> bool:
        """Say whether every signature it needs is there; a client cannot sign its grant (border.md 3.6)."""
        needed = self.text.names[:1] if self.text.kind == "grant" else self.text.names
        return self.by >= frozenset(needed)


Acts = Sequence[tuple[str, str]]  # (party, suspend | resume | end), oldest first


def narrowed(acts: Acts) -> State | None:
    """Return what the parties' one-sided acts have made of an agreement; None if they leave it open.

    Whoever suspended must resume; an end by any party is for good.
    """
    suspended: set[str] = set()
    for party, act in acts:
        if act == "end":
            return State.ENDED
        if act == "suspend":
            suspended.add(party)
        else:
            suspended.discard(party)
    return State.SUSPENDED if suspended else None


def holding(versions: Sequence[Signed], instants: Instants) -> Agreement | None:
    """Return the text that holds: the highest version fully signed, effective, started and not past its end."""
    live = [
        signed.text
        for signed in versions
        if signed.complete
        and instants.opens >= signed.text.start
        and instants.opens >= signed.text.takes_over
    ]
    newest = max(live, key=lambda text: text.version, default=None)
    if newest is None or (newest.end and instants.closes >= newest.end):
        return None
    return newest


def in_force(versions: Sequence[Signed], acts: Acts, instants: Instants) -> Agreement | None:
    """Return the text in force, or None: nothing leaves then."""
    return None if narrowed(acts) is not None else holding(versions, instants)


def state(versions: Sequence[Signed], acts: Acts, instants: Instants) -> State:
    """Return where the agreement stands, for people."""
    narrow = narrowed(acts)
    if narrow is State.ENDED:
        return State.ENDED
    if holding(versions, instants) is not None:
        return narrow or State.IN_FORCE
    if any(s.complete and s.text.end and instants.closes >= s.text.end for s in versions):
        return State.ENDED
    return State.PROPOSED if any(signed.by for signed in versions) else State.INTRODUCED
