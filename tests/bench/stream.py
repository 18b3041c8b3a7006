"""Ten million events of Windows through a pipe into ``mithaq hunt``, none of them like another: how large it grows.

The events are those of the recordings, each time under other machines, accounts, processes and names, so that nothing
that is remembered serves for what follows. They are looked through by the rules that ship and by 100,000 indicators,
and one event in ten thousand names one of these. ``BENCH_STREAM`` asks for another number of events.
"""

import json
import os
import random
import re
import subprocess
import sys
import threading
import time
from itertools import chain, cycle, islice
from pathlib import Path

from mithaq import samples
from tests.bench.common import Figure
from tests.bench.detecting import recordings
from tests.bench.indicators import listed

COUNT = int(os.environ.get("BENCH_STREAM", "10_000_000"))
INDICATORS = 100_000
RARELY = 10  # of the recordings so many lines apart
EVERY = 10_000  # events of which one names an indicator
_VARIED = re.compile(
    rb'("(?:Hostname|Image|CommandLine|TargetFilename|QueryName|User|ServiceName)": ?")'
)


def stream(folder):
    values = [each.value.text for each in listed() if each.value.kind == "domain"][:INDICATORS]
    (folder / "names.txt").write_text("\n".join(values) + "\n")
    pipe = folder / "log.json"
    os.mkfifo(pipe)
    hunt = subprocess.Popen(
        [
            *(sys.executable, "-m", "mithaq.cli", "hunt", pipe, "--json", "--rules", samples.path("hunt-rules.yml")),
            *("--indicators", folder / "names.txt"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    sizes = []
    watcher = threading.Thread(target=_watch, args=(hunt, sizes), daemon=True)
    watcher.start()
    begin = time.monotonic()
    planted = _write(pipe, values)
    said = json.loads(hunt.communicate()[0])
    took = time.monotonic() - begin
    found = {row["rule"] for row in said["hits"]}
    assert said["events"] == COUNT, said["events"]
    assert (
        sum(row["count"] for row in said["hits"] if row["title"] in planted) >= COUNT // EVERY - 1
    )
    tenth, most = sizes[len(sizes) // 10], max(sizes)
    yield Figure(
        f"{COUNT:,} events streamed, memory", f"{most / 1024:,.0f} MiB", "1 GiB",
        f"the process of `mithaq hunt`, {said['rules']:,} rules and indicators, {len(found):,} found; after a tenth of"
        f" the events {tenth / 1024:,.0f} MiB; {COUNT / took:,.0f} a second, the writer of the events beside it",
    )  # fmt: skip


def _watch(process, sizes):
    """Note how many KiB a process holds, each half second."""
    while process.poll() is None:
        try:
            with Path(f"/proc/{process.pid}/status").open() as status:
                sizes += [int(line.split()[1]) for line in status if line.startswith("VmRSS")]
        except OSError:
            return
        time.sleep(0.5)


def _write(pipe, values):
    """Write the events; return the titles of the indicators that were planted."""
    chance = random.Random(7)
    lines = [_VARIED.split(line) for line in islice(chain(*recordings()), 0, None, RARELY)]
    planted = set()
    with pipe.open("wb", buffering=1 << 20) as out:
        for number, parts in enumerate(islice(cycle(lines), COUNT)):
            mark = b"%x-" % chance.getrandbits(40)
            # Every second part is the name of a field, up to where its value begins.
            line = b"".join(part + mark if at % 2 else part for at, part in enumerate(parts))
            if number % EVERY == EVERY - 1:
                name = chance.choice(values)
                planted.add(name)
                line = line[:-1] + b',"QueryName":"%s"}' % name.encode()
            out.write(line + b"\n")
    return planted
