"""``./mithaq bench [NAME…]``: measure, print, and write docs/benchmarks.md when all was measured."""

import os
import platform
import sys
from pathlib import Path

from mithaq import clock
from mithaq.node import collect_seldom
from tests.bench.measures import APART, ATTACK, GROUPS, MEASURES, run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = f"""# Benchmarks

`./mithaq bench` measures and writes this page; `./mithaq bench NAME` measures some and renews their lines; `detect`
names all that detection is held to. Only where they are named are measured
{", ".join(f"`{name}`" for name in sorted(APART))}. A figure is taken
inside one run, on the whole of MITRE ATT&CK Enterprise where it does not say otherwise, against another implementation
or what the same machine could do at best; absolute times are for orientation. The load is that of the machine before
the measure began: whatever is above nought is other people's work.

| what | figure | at least | | by | measured |
|---|---|---|---|---|---|
"""


def machine():
    """Describe the machine: processor, cores, memory, system, Python, and how busy it is."""
    info = Path("/proc/cpuinfo").read_text("utf-8")
    model = next(
        (line.partition(": ")[2] for line in info.splitlines() if "model name" in line), "?"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    python = f"Python {platform.python_version()}"
    load = f"load {os.getloadavg()[0]:.0f}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}, {python}, {load}"


def main(names):
    """Measure what is named, or all."""
    if not ATTACK.exists():
        sys.exit(
            "ATT&CK lies beside the checkout, in ../shared: without it there is nothing to measure on"
        )
    unknown = sorted(set(names) - MEASURES.keys() - GROUPS.keys())
    if unknown:
        known = ", ".join([*MEASURES, *GROUPS])
        sys.exit(f"no measure {', '.join(unknown)}; there are {known}")
    collect_seldom()  # as every process of a node does
    made, here = {}, f"{clock.text(clock.now())[:10]}, {machine()}"
    for name, figure in run(names or [each for each in MEASURES if each not in APART]):
        cells = (figure.what, figure.figure, figure.least, figure.detail)
        made[figure.what] = "| " + " | ".join((*cells, f"`{name}`", here)) + " |"
        sys.stdout.write(made[figure.what] + "\n")
        sys.stdout.flush()
    before = PAGE.read_text("utf-8").splitlines()
    kept = {line.split(" | ")[0].removeprefix("| "): line for line in before if line[:2] == "| "}
    lines = {what: line for what, line in (kept | made).items() if what != "what"}
    PAGE.write_text(HEAD + "\n".join(lines.values()) + "\n", "utf-8")


main(sys.argv[1:])
