"""The examination: which parts, in which order, and what ends it early."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mithaq.exchange.conform import (
    admission,
    paging,
    reading,
    recall,
    seals,
    server,
    writing,
)
from mithaq.exchange.conform.pair import Line, Pair
from mithaq.exchange.conform.probe import EnoughSeen, Probe
from mithaq.exchange.conform.report import Book, Report, Why
from mithaq.exchange.conform.rules import ADMISSION, BETWEEN, WRITING, Part
from mithaq.exchange.wire import PeerUnreachable, Wire

_MOST_PLACES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is examined and by whom; ``writes`` only with the consent of whom it is about."""

    url: str
    parts: Sequence[Part] = tuple(Part)
    credential: str | None = field(default=None, repr=False)  # an Authorization header
    pair: Pair | None = None  # of us and the node examined, if we are peers
    writes: bool = False
    seconds: float = 300.0


def examine(
    wire: Wire,
    scope: Scope,
    *,
    monotonic: Callable[[], float],
    pause: Callable[[float], None],
) -> Report:
    """Examine a server; whatever it does is a finding, and never an error of ours.

    Raises:
        PeerUnreachable: nobody answers there at all.
    """
    until = monotonic() + scope.seconds
    book = Book()
    probe = Probe(
        wire=wire,
        base=scope.url.rstrip("/").removesuffix("/taxii2"),
        book=book,
        pause=pause,
        seconds_left=lambda: until - monotonic(),
        credential=scope.credential,
    )
    try:
        if Part.TAXII in scope.parts:
            _taxii(probe, scope)
        if set(scope.parts) - {Part.TAXII}:
            _between(probe, scope)
        book.judge("answers", probe.last(), holds=True)
    except EnoughSeen:
        pass  # what was not reached says so
    except PeerUnreachable as error:
        if not probe.answered:
            raise
        book.judge("answers", probe.last(error.code), holds=False)
    return book.close(scope.url, scope.parts)


def _taxii(probe: Probe, scope: Scope) -> None:
    places = server.examine(probe)
    filled = [place for place in places[:_MOST_PLACES] if reading.examine(probe, place)]
    for place in filled:
        paging.examine(probe, place)
    if scope.writes:
        writing.examine(probe, places)
    else:
        probe.book.pass_over(WRITING, Why.NO_CONSENT)


def _between(probe: Probe, scope: Scope) -> None:
    """Examine what only nodes do; without a pair, what anybody may see of it."""
    seals.key_document(probe, scope.pair)
    if scope.pair is None:
        probe.book.pass_over(BETWEEN, Why.NO_NODE)
        return
    line = Line(probe=probe, pair=scope.pair)
    seen = seals.examine(line)
    if Part.RECALL in scope.parts:
        recall.examine(line, seen)
    if Part.ADMISSION not in scope.parts:
        return
    if scope.writes:
        admission.examine(line)
    else:
        probe.book.pass_over(ADMISSION, Why.NO_CONSENT)
