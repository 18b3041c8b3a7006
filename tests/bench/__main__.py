"""``./mithaq bench [NAME…]``: measure, print, and write docs/benchmarks.md when all was measured."""

import os
import platform
import sys
from pathlib import Path

from mithaq import clock
from mithaq.node import collect_seldom
from tests.bench.measures import ATTACK, MEASURES, run

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

`./mithaq bench` writes this page. Each line is measured inside one run, on the whole of MITRE ATT&CK Enterprise,
against another implementation or what the same machine could do at best; absolute times are for orientation.

Machine: {machine}. Measured {at}.

| what | figure | at least | |
|---|---|---|---|
"""


def machine():
    """Describe the machine: processor, cores, memory, system, Python."""
    info = Path("/proc/cpuinfo").read_text("utf-8")
    model = next(
        (line.partition(": ")[2] for line in info.splitlines() if "model name" in line), "?"
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = f"{platform.system()} {platform.release().partition('-')[0]}"
    python = f"Python {platform.python_version()}"
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {system}, {python}"


def main(names):
    """Measure what is named, or all."""
    if not ATTACK.exists():
        sys.exit(
            "ATT&CK lies beside the checkout, in ../shared: without it there is nothing to measure on"
        )
    unknown = sorted(set(names) - MEASURES.keys())
    if unknown:
        sys.exit(f"no measure {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    collect_seldom()  # as every process of a node does
    lines = []
    for figure in run(names or MEASURES):
        lines.append(f"| {figure.what} | {figure.figure} | {figure.least} | {figure.detail} |")
        sys.stdout.write(lines[-1] + "\n")
        sys.stdout.flush()
    if not names:
        head = HEAD.format(machine=machine(), at=clock.text(clock.now())[:10])
        PAGE.write_text(head + "\n".join(lines) + "\n", "utf-8")


main(sys.argv[1:])
