"""What of telemetry need not be read: lines of JSON that nothing that is looked for asks for."""

from collections.abc import Sequence

from mithaq.detect.engine import Engine
from mithaq.detect.indicators import Indicators
from mithaq.detect.screen import Screen
from mithaq.detect.sieve import Sieve
from mithaq.formats import telemetry
from mithaq.formats.telemetry import Sifting, windows


def sifting(engines: Sequence[Engine], values: Indicators | None) -> Sifting | None:
    """Return what passes over the events in which nothing can be found; none: all are read."""
    sieves: list[telemetry.Sieve] = []
    if values is not None and len(values):
        sieves.append(Sieve(values))
    renamed = {ours: (theirs,) for theirs, ours in windows.LIFTS}
    sieves += [Screen(engine, windows.kind, renamed) for engine in engines]
    if not sieves:
        return None
    return Sifting(sieve=sieves[0] if len(sieves) == 1 else _AnyOf(sieves))


class _AnyOf:
    """Lets through what one of several sieves does."""

    def __init__(self, sieves: Sequence[telemetry.Sieve]) -> None:
        self._sieves = sieves

    def through(self, lines: Sequence[bytes]) -> Sequence[int]:
        found: set[int] = set()
        for sieve in self._sieves:
            found.update(sieve.through(lines))
            if len(found) == len(lines):
                break
        return sorted(found)
