"""What came of the trials, for people: survivors, and a table for docs/mutation.md."""

import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from mithaq import clock
from tests.mutation.mutants import Mutant

Verdicts = Mapping[str, Mapping[str, object]]
HERE = Path(__file__).parent


def equivalent(room: str) -> dict[str, str]:
    """Return the mutants that change nothing anybody could notice, each with the reason, as reviewed."""
    path = HERE / "equivalent.toml"
    listed = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    return {name: said["why"] for said in listed.get(room, []) for name in said["mutants"]}


def survivors(
    mutants: Sequence[Mutant], verdicts: Verdicts, equivalent: Mapping[str, str]
) -> Iterator[str]:
    """Yield the mutants that no test noticed, by line."""
    for m in mutants:
        if m.name not in equivalent and m.name in verdicts and not verdicts[m.name]["by"]:
            yield f"survived, line {m.line}: {m.name}"


def table(
    mutants: Sequence[Mutant], verdicts: Verdicts, equivalent: Mapping[str, str]
) -> list[str]:
    """Return a table: a line a module, and the whole."""
    rows = [
        "| module | mutants | tried | equivalent | killed | survived | score |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    modules = dict.fromkeys(m.module for m in mutants)
    for module in (*modules, ""):
        some = [m for m in mutants if not module or m.module == module]
        same = sum(m.name in equivalent for m in some)
        tried = [m for m in some if m.name not in equivalent and m.name in verdicts]
        killed = sum(bool(verdicts[m.name]["by"]) for m in tried)
        score = f"{100 * killed / len(tried):.1f} %" if tried else "-"
        name = f"`{module.rpartition('.')[2]}`" if module else "**all**"
        left = len(tried) - killed
        counts = (len(some), len(tried), same, killed, left, score)
        rows.append(" | ".join([f"| {name}", *map(str, counts)]) + " |")
    return rows


def write(page: Path, room: str, rows: Sequence[str]) -> None:
    """Put a room's table into the page, with the day and the commit."""
    git = ["git", "log", "-1", "--format=%h"]
    commit = subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()
    day = clock.text(clock.now())[:10]
    block = "\n".join([f"Measured on {day} at `{commit}`.", "", *rows])
    start, end = f"<!-- {room} -->", f"<!-- end of {room} -->"
    text = page.read_text("utf-8")
    part = re.compile(f"{re.escape(start)}.*?{re.escape(end)}", re.DOTALL)
    page.write_text(part.sub(lambda _: f"{start}\n{block}\n{end}", text), "utf-8")
