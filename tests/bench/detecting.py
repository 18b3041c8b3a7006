"""Sigma's rules on recorded events, against Zircolite in the same run, one core, by CPU time.

Zircolite is on no package index: ``MITHAQ_ZIRCOLITE`` names a checkout of it, what it needs is installed from PyPI into
the measure's folder and goes with it. It has its own conversion of the same rules, made before the measure, its channel
filter, and no more workers than one; what it takes for one event is taken off. Ours is all from bytes to matches.
"""

import json
import os
import resource
import subprocess
import sys
import tarfile
import time
import zipfile
from itertools import islice
from pathlib import Path

from mithaq.detect.engine import Engine
from mithaq.detect.sigma.rules import compiled
from mithaq.formats.telemetry.lines import JsonLines
from mithaq.model.telemetry import Event
from tests.bench.common import Figure

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
WINDOWS = {"sysmon", "security", "powershell", "windows"}
EVENTS = 15_000
BATCH = 1000
TIMES = 3
NEEDS = (
    *(
        "orjson",
        "xxhash",
        "rich",
        "chardet<6",
        "RestrictedPython",
        "requests",
        "jinja2",
        "evtx",
        "lxml",
    ),
    *("pysigma-backend-sqlite", "pysigma-pipeline-sysmon", "pysigma-pipeline-windows"),
    *("pyyaml", "psutil", "py7zr"),
)


def detecting(folder):
    lines = _lines()
    texts = _texts()
    took, made = _cpu(lambda: [compiled(text, WINDOWS) for text in texts])
    rules = [rule for each in made for rule in each.rules]
    build, _ = _cpu(lambda: Engine(rules))
    yield Figure(
        f"making ready {len(rules):,} rules of SigmaHQ for Windows", f"{took + build:.1f} s", "-",
        f"of {len(texts):,}, reading and mapping {took:.1f} s, filing {build:.2f} s; no cache",
    )  # fmt: skip
    speeds = {count: _ours(rules[:: len(rules) // count][:count], lines) for count in (24, 240)}
    speeds[len(rules)] = ours = _ours(rules, lines)
    few, some, many = (each[0] for each in speeds.values())
    yield Figure(
        "cost of ten times the rules", f"{some / few:.1f}x, {many / some:.1f}x", "4x",
        "; ".join(f"{count:,} rules {len(lines) / took:,.0f} events a second" for count, (took, _) in speeds.items()),
    )  # fmt: skip
    said = (
        f"{len(rules):,} rules, {len(lines):,} events spread over the recordings:"
        f" {len(lines) / many:,.0f} a second from bytes to matches"
    )
    checkout = os.environ.get("MITHAQ_ZIRCOLITE")
    if checkout is None:
        yield Figure(
            "Sigma on one core, against Zircolite", "not measured", "30x",
            f"{said}; MITHAQ_ZIRCOLITE names no checkout of it",
        )  # fmt: skip
        return
    theirs, found = _theirs(folder, Path(checkout).resolve(), texts, lines)
    both = len(found & ours[1])
    yield Figure(
        "Sigma on one core, against Zircolite", f"{theirs / many:.0f}x", "30x",
        f"{said}, Zircolite {len(lines) / theirs:,.0f}; each by CPU, ours the best of {TIMES};"
        f" rules that found something: {both} both, {len(ours[1] - found)} ours alone,"
        f" {len(found - ours[1])} its alone",
    )  # fmt: skip


def _cpu(act):
    begin = time.process_time()
    made = act()
    return time.process_time() - begin, made


def _texts():
    with tarfile.open(DATA / "sigmahq-rules.tar.gz") as packed:
        texts = [
            packed.extractfile(each).read().decode()
            for each in sorted(packed, key=lambda each: each.name)
            if each.name.endswith(".yml") and "/rules" in f"/{each.name.partition('/')[2]}"
        ]
    return [text for text in texts if "product: windows" in text]


def _lines():
    """Return lines at equal distances through all recordings of Windows that are flat."""
    found = []
    for path in sorted(DATA.glob("mordor/*/**/*.zip")):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if name.endswith(".json") and "__MACOSX" not in name:
                    found += [
                        line for line in packed.read(name).splitlines() if b'"Channel"' in line
                    ]
    return list(islice(found, 0, None, max(1, len(found) // EVENTS)))[:EVENTS]


def _ours(rules, lines):
    """Return the best CPU time, and the titles of the rules that found something."""
    raw = b"\n".join(lines) + b"\n"
    engine = Engine(rules)

    def once():
        events = [each for each in JsonLines().feed(raw) if isinstance(each, Event)]
        return [
            match
            for at in range(0, len(events), BATCH)
            for match in engine.match(events[at : at + BATCH])
        ]

    timed = [_cpu(once) for _ in range(TIMES)]
    return min(took for took, _ in timed), {match.title for match in timed[0][1]}


def _theirs(folder, checkout, texts, lines):
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True, timeout=300)
    python = folder / "venv/bin/python"
    subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True, timeout=600)
    rules = folder / "rules"
    rules.mkdir()
    for number, text in enumerate(texts):
        (rules / f"{number:05}.yml").write_text(text, "utf-8")
    (folder / "one.json").write_bytes(lines[0])
    (folder / "all.json").write_bytes(b"\n".join(lines))

    def run(events, *rest):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [python, checkout / "zircolite.py", "-j", "-q", "-P", "-e", events]
        config = checkout / "config/config.yaml"
        subprocess.run([*command, "-c", config, *rest], cwd=folder, check=True, timeout=3600)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    run("one.json", "-sr", "-r", rules, "-p", "sysmon", "-p", "windows-logsources")
    (converted,) = folder.glob("ruleset-*.json")
    alone = run("one.json", "-r", converted, "-o", "one.out")
    took = run("all.json", "-r", converted, "-o", "all.out")
    found = json.loads((folder / "all.out").read_bytes())
    return took - alone, {each["title"] for each in found}
