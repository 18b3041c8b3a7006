"""Looking back: a million indicators held against what was kept of a million events, from files that no cache holds.

The events are the recordings of attacks, again and again: each time at another hour of another day, with other hosts,
addresses, names and hashes, so that an index does not get away with what repeats. Some are given values of the lists.
What has to be found is what looking each value up as it goes by finds; the index is then read by a process of its own.
"""

import json
import lzma
import os
import random
import re
import subprocess
import sys
import time
from functools import lru_cache
from hashlib import sha256
from itertools import count, islice
from pathlib import Path

from mithaq.defence.past import back, note
from mithaq.detect import observables
from mithaq.detect.indicators import Indicators, Listed
from mithaq.errors import InputError
from mithaq.ingest import telemetry
from mithaq.model.telemetry import Event
from mithaq.model.values import of_kind
from mithaq.store.past import Past
from tests.bench.common import Figure, timed

DATA = Path(__file__).parents[2].parent / "shared/data/detection"
EVENTS = 1_000_000
INDICATORS = 1_000_000
DAYS = [f"2026-11-{day:02d}" for day in range(1, 31)]
BATCH = 2000
PLANTED = 997  # one event in so many says a value of the lists
TIMES = 5

_ADDRESS = re.compile(r"\b(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\b")
_DIGEST = re.compile(r"\b[0-9A-Fa-f]{32,128}\b")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{3,}")


def looking_back(folder, events=EVENTS, indicators=INDICATORS):
    known = listed(indicators)
    past = Past(folder / "past")
    done = build(past, known, events)
    sizes = sum(file.stat().st_size for file in (folder / "past").iterdir())
    yield Figure(
        "what is kept of the past", f"{sizes / done.raw:.2%} of the raw events", "2%",
        f"{done.events:,} events, {done.raw / 1e6:,.0f} MB, {done.values:,} different values; {sizes / 1e6:.1f} MB;"
        f" noting takes {done.took / done.events * 1e6:.0f} µs of one core an event",
    )  # fmt: skip
    (folder / "expected.json").write_text(json.dumps(sorted(done.expected)), "utf-8")
    command = [sys.executable, "-m", "tests.bench.past", str(folder), str(indicators)]
    told = subprocess.run(command, check=True, timeout=1200, capture_output=True, text=True)
    wall, cpu, found, again = json.loads(told.stdout)
    yield Figure(
        "looking back", f"{wall:.2f} s, {cpu:.2f} s of one core", "0.5 s",
        f"{len(known):,} indicators over {done.events:,} events, the index cold;"
        f" all {found:,} rows that a look-up of each value finds, and no other; once more, warm: {again:.2f} s",
    )  # fmt: skip


class Built:
    """What was noted, and what is to be found in it."""

    def __init__(self):
        self.events = self.raw = self.took = self.values = 0
        self.expected = []


def listed(most):
    """Return so many values of the published lists, compiled."""
    some = []
    for path in sorted((DATA / "iocs").glob("*.tsv.xz")):
        kind = path.name.partition(".")[0].rpartition("-")[2]
        with lzma.open(path, "rt", encoding="utf-8") as rows:
            some += [(kind, row.rstrip("\n").split("\t")[0]) for row in rows]
    random.Random(7).shuffle(some)
    return Indicators(islice(_values(some), most))


def _values(some):
    for number, (kind, text) in enumerate(some):
        try:
            yield Listed(of_kind("ip" if kind in {"ipv4", "cidr"} else kind, text), f"i-{number}")
        except InputError:
            continue


def build(past, known, most):
    """Note events until there are so many; count apart what is to be found."""
    done, expected, seen = Built(), {}, set()
    values = [
        found.value for each in islice(known.digests, 0, None, 997) for found in known.at(each)
    ]
    source = islice(_events(values), most)
    while batch := list(islice(source, BATCH)):
        for event in batch:
            done.raw += len(event.raw) + 1
            for value in observables.of(event):
                seen.add(value)
                for each in known.of(value):
                    row = (each.id, *value, event.at[:13], "/".join(event.source))
                    times, first, last = expected.get(row, (0, event.at, event.at))
                    expected[row] = (times + 1, min(first, event.at), max(last, event.at))
        begin = time.process_time()
        done.events += note(past, batch, (DAYS[0], DAYS[-1]))
        done.took += time.process_time() - begin
    begin = time.process_time()
    past.press("2027-01-01")  # as the worker does when days are over
    done.took += time.process_time() - begin
    done.values = len(seen)
    done.expected = [(*row, *what) for row, what in expected.items()]
    return done


def _events(planted):
    numbers = count()
    for turn in count():
        for recording, path in enumerate(sorted((DATA / "mordor").glob("*/**/*.zip"))):
            for event in telemetry.read(path):
                if isinstance(event, Event) and event.at:
                    yield _varied(event, turn, recording, next(numbers), planted)


def _varied(event, turn, recording, number, planted):
    """Return an event as it could have been on another day elsewhere."""
    fields = dict(event.fields)
    for names, _ in observables.named(event):
        for name in names:
            said = fields[name]
            if isinstance(said, str):
                fields[name] = other(said, turn)
    if number % PLANTED == 0:
        _plant(fields, planted[number // PLANTED % len(planted)])
    day = DAYS[(recording * 7 + turn * 11) % len(DAYS)]
    hour = (int(event.at[11:13]) + turn * 5 + recording) % 24
    return Event(
        fields=fields,
        source=event.source,
        at=f"{day}T{hour:02d}{event.at[13:]}",
        raw=b"%s %d" % (event.raw, number),
    )


def _plant(fields, value):
    if value.kind == "domain":
        fields["QueryName"] = f"www.{value.text}"
    elif value.kind == "url":
        fields["url"] = value.text
    elif value.kind.startswith("ipv"):
        fields["DestinationIp"] = value.text.partition("/")[0]
    else:
        fields["Hashes"] = f"{value.kind.upper()}={value.text}"


@lru_cache(maxsize=1 << 18)
def other(text, turn):
    """Return a text with other addresses, digests and names."""
    if not turn:
        return text
    text = _ADDRESS.sub(lambda m: f"{m[1]}.{m[2]}.{(int(m[3]) + turn) % 256}.{m[4]}", text)
    text = _DIGEST.sub(lambda m: sha256(f"{m[0]} {turn}".encode()).hexdigest()[: len(m[0])], text)
    return _NAME.sub(lambda m: m[0] if len(m[0]) >= 32 else f"{m[0][:-1]}{turn % 10}", text)


def alone(folder, most):
    """Look back, in a process that did not write the index, from files that no cache holds; print what came of it."""
    known = listed(most)
    past = Past(Path(folder) / "past")
    expected = {tuple(row) for row in json.loads((Path(folder) / "expected.json").read_bytes())}
    walls, cpus, found = [], [], []
    for _ in range(TIMES):
        for file in (Path(folder) / "past").iterdir():
            _drop(file)
        begin = time.process_time()
        took, found = timed(lambda: list(back(past, known, past.days())))
        walls.append(took)
        cpus.append(time.process_time() - begin)
    warm, _ = timed(lambda: list(back(past, known, past.days())))
    rows = {
        (each.listed.id, *each.value, s.hour, s.sensor, s.times, s.first, s.last)
        for each in found
        for s in [each.seen]
    }
    assert rows == expected, (len(rows), len(expected), sorted(rows ^ expected)[:4])
    sys.stdout.write(json.dumps([min(walls), min(cpus), len(rows), warm]))


def _drop(file):
    """Let the system forget what it read of a file."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    alone(sys.argv[1], int(sys.argv[2]))
