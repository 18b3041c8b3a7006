"""Sigma's rules on recorded events that the engine has not seen, against Zircolite in the same run, by CPU time.

The recordings are two halves, each recording in one. An engine is made ready on some events of one half, as a node that
has run for a while is, and timed once over events of the other, then the halves change places: what is remembered of
values helps as far as other machines' values do. Lines are read as ``mithaq hunt`` reads them, which sets aside those
that no rule asks for; what it takes to read them all, as ``mithaq watch`` has to, is told of beside it. Zircolite is on
no package index: ``MITHAQ_ZIRCOLITE`` names a checkout of it, what it needs is installed from PyPI into the measure's
folder and goes with it. It has its own conversion of the same rules, made before the measure, its channel filter, and
no more workers than one; what it takes for one event is taken off. Ours is all from bytes to matches.
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
from typing import NamedTuple

from mithaq.detect.engine import Engine
from mithaq.detect.sigma.rules import compiled
from mithaq.formats.telemetry import PLAIN, Said
from mithaq.formats.telemetry.lines import JsonLines
from mithaq.garbage import collect_seldom
from mithaq.ingest.sifting import sifting
from mithaq.model.telemetry import Event
from tests.bench.common import Figure

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
WINDOWS = {"sysmon", "security", "powershell", "windows"}
EVENTS = 15_000  # of each half that are timed
BEFORE = 30_000  # of each half that an engine is made ready on
BATCH = 512
PIECE = 128 << 10  # bytes, as a file is read
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
    collect_seldom()  # as a hunt has it
    halves = _halves()
    events = sum(len(timed) for _, timed in halves)
    texts = _texts()
    took, made = _cpu(lambda: [compiled(text, WINDOWS) for text in texts])
    rules = [rule for each in made for rule in each.rules]
    build, _ = _cpu(lambda: Engine(rules))
    yield Figure(
        f"making ready {len(rules):,} rules of SigmaHQ for Windows", f"{took + build:.1f} s", "-",
        f"of {len(texts):,}, reading and mapping {took:.1f} s, filing {build:.2f} s; no cache",
    )  # fmt: skip
    speeds = {count: _ours(rules[:: len(rules) // count][:count], halves) for count in (24, 240)}
    speeds[len(rules)] = ours = _ours(rules, halves)
    few, some, many = (each.unseen for each in speeds.values())
    yield Figure(
        "cost of ten times the rules", f"{some / few:.1f}x, {many / some:.1f}x", "4x",
        "; ".join(f"{count:,} rules {events / each.unseen:,.0f} events a second" for count, each in speeds.items()),
    )  # fmt: skip
    said = (
        f"{len(rules):,} rules, {events:,} events of recordings that it had not seen: {events / ours.unseen:,.0f} a"
        f" second from bytes to matches, {events / ours.whole:,.0f} if every line is read"
    )
    checkout = os.environ.get("MITHAQ_ZIRCOLITE")
    if checkout is None:
        yield Figure(
            "Sigma on one core, against Zircolite", "not measured", "30x",
            f"{said}; MITHAQ_ZIRCOLITE names no checkout of it",
        )  # fmt: skip
        return
    lines = [line for _, timed in halves for line in timed]
    theirs, found = _theirs(folder, Path(checkout).resolve(), texts, lines)
    alone = sorted(ours.found - found)
    yield Figure(
        "Sigma on one core, against Zircolite", f"{theirs / ours.unseen:.0f}x", "30x",
        f"{said} ({theirs / ours.whole:.0f}x), Zircolite {events / theirs:,.0f}; each by CPU; rules that found"
        f" something: {len(found & ours.found)} both, {len(found - ours.found)} its alone, {len(alone)} ours alone"
        f" ({'; '.join(alone)})",
    )  # fmt: skip


class Ours(NamedTuple):
    """CPU time of ours over events that it had not seen, and if all are read; the titles of what found something."""

    unseen: float
    whole: float
    found: set[str]


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


def recordings():
    """Return of each recording of Windows its lines."""
    found = []
    for path in sorted(DATA.glob("mordor/*/**/*.zip")):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if name.endswith(".json") and "__MACOSX" not in name:
                    lines = packed.read(name).splitlines()
                    found.append([line for line in lines if b'"Channel"' in line])
    return found


def _halves():
    """Return, twice, lines that an engine is made ready on and those of other recordings that are timed."""
    some = recordings()
    even, odd = ([line for each in some[half::2] for line in each] for half in (0, 1))
    return [
        (_spread(even, BEFORE), _spread(odd, EVENTS)),
        (_spread(odd, BEFORE), _spread(even, EVENTS)),
    ]


def _spread(lines, count):
    """Return so many lines, at equal distances."""
    return lines[:: len(lines) // count][:count]


def _ours(rules, halves):
    unseen = whole = 0.0
    found = set()
    for before, lines in ([_pieces(each) for each in half] for half in halves):
        engine, other = Engine(rules), Engine(rules)
        said = Said(sifting=sifting([engine], None))
        _matched(engine, before, said)
        _matched(other, before, PLAIN)
        took, matches = _cpu(lambda: _matched(engine, lines, said))  # noqa: B023 called at once
        unseen += took
        took, same = _cpu(lambda: _matched(other, lines, PLAIN))  # noqa: B023 as above
        whole += took
        assert _keys(matches) == _keys(same)
        found |= {match.title for match in matches}
    return Ours(unseen, whole, found)


def _pieces(lines):
    """Return the bytes of lines, cut as those of a file are."""
    whole = b"\n".join(lines) + b"\n"
    return [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]


def _keys(matches):
    return sorted((match.digest, match.event) for match in matches)


def _matched(engine, pieces, said):
    reader = JsonLines("", said)
    read = (each for piece in pieces for each in reader.feed(piece))
    events = (each for each in read if isinstance(each, Event))
    found = []
    while batch := [*islice(events, BATCH)]:
        found += engine.match(batch)
    return found


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
