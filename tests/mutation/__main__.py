"""``./mithaq mutate policy`` and ``./mithaq mutate border``: would the tests notice if the code were wrong?

Each mutant is tried with the tests that run its line, those first that noticed its neighbours, then its module's own,
then the fastest, until one fails. What has been killed is remembered in ``.mutation/`` and tried again only with
``--all``.
"""

import argparse
import gc
import json
import os
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from tests.mutation import report
from tests.mutation.forks import Baseline, Server, Verdict, forked, serve, try_module
from tests.mutation.mutants import Mutant, compiled, function_in, mutants, optional_arguments

ROOT = Path(__file__).parents[2]
KEPT = ROOT / ".mutation"
TESTS = {
    "policy": ["tests/unit/policy", "tests/golden/test_world1.py"],
    "border": ["tests/rooms/border", "tests/federation"],
}
SLOW = ("test_after_the_storm",)  # ten seconds each, and no sentence that no other test says
MEASURING, A_DAY = 3600.0, 86400.0
SAID = os.dup(1)  # pytest takes the other for itself
QUICK = 0.1  # seconds: before a test that takes longer, all that take less are tried
PATIENCE = 40.0  # seconds of tests that one mutant is worth: a survivor costs all of them


def is_drawn(name: str, share: int) -> bool:
    """Say whether a mutant is among a share in a hundred, drawn by its name: the same each time."""
    return int(sha256(name.encode()).hexdigest()[:8], 16) % 100 < share


class Room:
    """The mutants of one room, what is known of them, and how they are tried."""

    def __init__(self, name: str, modules: Sequence[str], patience: float, share: int) -> None:
        self.name = name
        self.patience = patience
        self.folder = ROOT / "src" / "mithaq" / name
        optional = optional_arguments(ROOT / "src" / "mithaq")
        self.mutants = [
            mutant
            for path in sorted(self.folder.glob("*.py"))
            for mutant in mutants(f"mithaq.{name}.{path.stem}", path, optional)
        ]
        self.chosen = [
            m
            for m in self.mutants
            if (not modules or self.stem(m) in modules) and is_drawn(m.name, share)
        ]
        self.file = KEPT / f"{name}.json"
        self.verdicts: dict[str, dict[str, object]] = (
            json.loads(self.file.read_text()) if self.file.exists() else {}
        )
        self.equivalent = report.equivalent(name)
        self.killers: dict[str, Counter[str]] = defaultdict(Counter)  # by function and by module
        self.base = Baseline()

    @staticmethod
    def stem(mutant: Mutant) -> str:
        return mutant.module.rpartition(".")[2]

    def path(self, mutant: Mutant) -> Path:
        return self.folder / f"{self.stem(mutant)}.py"

    def to_try(self, *, everything: bool) -> list[Mutant]:
        return [
            m
            for m in self.chosen
            if m.name not in self.equivalent
            and (everything or not self.verdicts.get(m.name, {}).get("by"))
        ]

    def runs_on_import(self, mutant: Mutant) -> bool:
        """Say whether a change bites when its module is imported: no function holds it, or one that no test calls."""
        return mutant.outermost is None or not self._running(mutant, _own_lines(mutant))

    def _running(self, mutant: Mutant, spread: Iterable[int] | None) -> set[str]:
        lines = self.base.lines.get(str(self.path(mutant)), {})
        return {test for line in spread or lines for test in lines.get(line, ())}

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the line, the likeliest to notice first, as many as patience allows."""
        able = self._running(mutant, _own_lines(mutant))
        if self.runs_on_import(mutant):
            # A module of types alone runs in no test, and any may notice.
            able = (
                self._running(mutant, mutant.uses)
                or self._running(mutant, None)
                or {*self.base.seconds}
            )
        here = self.killers[f"{mutant.module}:{mutant.where}"]
        near = self.killers[mutant.module]
        seconds, own = self.base.seconds, f"/test_{self.stem(mutant)}.py::"

        def rank(test: str) -> tuple[int, bool, bool, int, float]:
            return -here[test], own not in test, seconds[test] > QUICK, -near[test], seconds[test]

        order = sorted(able, key=rank)
        chosen: list[str] = []
        left = self.patience
        for test in order:
            left -= self.base.seconds[test]
            if left < 0 and chosen:
                break
            chosen.append(test)
        return chosen

    def count(self, mutant: Mutant, by: str) -> None:
        if by in self.base.seconds:
            self.killers[f"{mutant.module}:{mutant.where}"][by] += 1
            self.killers[mutant.module][by] += 1

    def note(self, mutant: Mutant, verdict: Verdict) -> None:
        self.count(mutant, verdict.by)
        self.verdicts[mutant.name] = asdict(verdict)
        mark = "killed  " if verdict.by else "SURVIVED"
        tell(f"{mark} {verdict.seconds:6.2f} s, line {mutant.line:3} of {mutant.name}")

    def keep(self) -> None:
        names = {m.name for m in self.mutants}
        kept = {name: v for name, v in self.verdicts.items() if name in names}
        self.file.write_text(json.dumps(kept, indent=1))

    def times(self, tests: Sequence[str]) -> dict[str, float]:
        """Return how many seconds of processor each test may take before it counts as endless."""
        return {t: 2 + 4 * self.base.seconds[t] for t in tests}

    @property
    def measured(self) -> Path:
        return KEPT / f"{self.name}-baseline.json"

    def read_baseline(self, tests: Container[str] | None = None) -> None:
        """Read what was measured, of these tests alone."""
        told = json.loads(self.measured.read_text())
        lines = {
            f: {int(n): [t for t in who if tests is None or t in tests] for n, who in at.items()}
            for f, at in told.pop("lines").items()
        }
        self.base = Baseline(**told, lines=lines)
        for mutant in self.mutants:
            self.count(mutant, str(self.verdicts.get(mutant.name, {}).get("by", "")))


def _own_lines(mutant: Mutant) -> range:
    return range(mutant.line, mutant.end + 1)


def try_functions(room: Room, *, everything: bool, measured: bool) -> None:
    """Measure the tests, then try what stands in functions; call it in a process of its own."""

    def work(server: Server) -> None:
        for name in [n for n in server.items if any(slow in n for slow in SLOW)]:
            del server.items[name]
        server.share("template")
        if measured and room.measured.exists():
            room.read_baseline(server.items)
        new = [name for name in server.items if name not in room.base.seconds]
        tell(f"measuring {len(new)} tests...")
        forked(lambda: measure(room, server, new), MEASURING)
        room.read_baseline(server.items)
        if room.base.failed:
            tell("\n".join(["these fail without a mutant:", *room.base.failed]))
            return
        gc.collect()
        gc.freeze()  # what stands is no rubbish in any fork, and its pages stay shared
        for number, mutant in enumerate(room.to_try(everything=everything)):
            if not room.runs_on_import(mutant):
                try_function(room, server, mutant)
            if number % 20 == 0:
                room.keep()
        room.keep()

    serve(TESTS[room.name], work)


def measure(room: Room, server: Server, names: Sequence[str]) -> str:
    made = server.baseline(room.folder, names)
    for file, lines in room.base.lines.items():
        here = made.lines.setdefault(file, {})
        for line, who in lines.items():
            here[line] = [*who, *here.get(line, ())]
    made.seconds |= room.base.seconds
    room.measured.write_text(json.dumps(asdict(made)))
    return ""


def try_function(room: Room, server: Server, mutant: Mutant) -> None:
    tests, path, at = room.tests_for(mutant), room.path(mutant), mutant.outermost
    assert at is not None, mutant.name
    code = function_in(compiled(mutant, path), *at)
    assert code is not None, mutant.name
    verdict = server.try_function((str(path), *at), code, room.times(tests))
    if verdict is not None:
        room.note(mutant, verdict)


def try_modules(room: Room, *, everything: bool) -> None:
    """Try what bites on import; nothing of the room is imported here yet."""
    room.read_baseline()
    for mutant in room.to_try(everything=everything):
        if not room.runs_on_import(mutant):
            continue
        tests, path = room.tests_for(mutant), room.path(mutant)
        most = 20 + 2 * sum(room.base.seconds[t] for t in tests)
        room.note(mutant, try_module(mutant.module, str(path), compiled(mutant, path), tests, most))
        room.keep()


def tell(line: str) -> None:
    os.write(SAID, f"{line}\n".encode())


def main() -> int:
    parser = argparse.ArgumentParser(prog="./mithaq mutate", description=__doc__)
    parser.add_argument("room", choices=sorted(TESTS))
    parser.add_argument("modules", nargs="*", help="these modules alone, such as `permit`")
    parser.add_argument("--all", action="store_true", help="try what was killed before as well")
    parser.add_argument(
        "--patience", type=float, default=PATIENCE, help="seconds a mutant is worth"
    )
    parser.add_argument("--share", type=int, default=100, help="draw so many of a hundred mutants")
    parser.add_argument(
        "--measured", action="store_true", help="measure none but tests that were not measured yet"
    )
    parser.add_argument("--list", action="store_true", help="show the survivors, try nothing")
    parser.add_argument("--write", action="store_true", help="write the table to docs/mutation.md")
    asked = parser.parse_args()
    os.chdir(ROOT)
    KEPT.mkdir(exist_ok=True)

    def room() -> Room:
        return Room(asked.room, asked.modules, asked.patience, asked.share)

    if not asked.list and room().to_try(everything=asked.all):
        began = time.monotonic()
        forked(
            lambda: try_functions(room(), everything=asked.all, measured=asked.measured) or "",
            A_DAY,
            quiet=False,
        )
        try_modules(room(), everything=asked.all)
        tell(f"{time.monotonic() - began:.0f} s")
    now = room()
    found = (now.chosen, now.verdicts, now.equivalent)
    rows = report.table(*found)
    tell("\n".join([*report.survivors(*found), *rows]))
    if asked.write:
        report.write(
            ROOT / "docs" / "mutation.md", asked.room, report.table(now.mutants, *found[1:])
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
