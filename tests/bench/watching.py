"""What it costs to hold what comes against hundreds of saved searches, and to ask what met them."""

import random
import time
from contextlib import ExitStack

from mithaq.model import found as by
from mithaq.model.observed import read
from mithaq.store import noticing, objects, texts, watching
from mithaq.store.matching import Query
from mithaq.store.noticing import Reader, Watched
from tests.bench.common import Figure
from tests.bench.search import FAMILIES, READER, fill, sqlite

OBJECTS = 30_000
SEARCHES = 300
MOST = 20_000  # notices counted of one search


def watches(folder):
    with ExitStack() as stack:
        rates = []
        for count in (0, SEARCHES):
            (folder / str(count)).mkdir()
            core = stack.enter_context(sqlite(folder / str(count)))
            with core.begin() as unit:
                for query in _queries(count):
                    watching.watch(unit, query)
            rate, _ = fill(core, OBJECTS)
            rates.append(rate)
        took, hits = _asked(core)
    alone, with_all = (OBJECTS / rate for rate in rates)
    yield Figure(
        f"reading out with {SEARCHES} saved searches, against none", f"{with_all / alone:.2f}x", "",
        f"{OBJECTS:,} objects, a fifth of them ATT&CK's: {with_all:.1f} s, {alone:.1f} s, one core;"
        f" {(with_all - alone) / OBJECTS * 1e6:.0f} µs an object; SQLite",
    )  # fmt: skip
    yield Figure(
        f"notices of {SEARCHES} saved searches", f"{took:.2f} s", "",
        f"all counted for one person, at most {MOST:,} of each, and 20 of each listed: {hits:,} in all",
    )  # fmt: skip


def _queries(count):
    chance = random.Random(3)
    made = [
        lambda: Query(words=f"{chance.choice(FAMILIES)}{chance.randrange(1000)}"),
        lambda: Query(words=chance.choice(FAMILIES)[:4], types=("indicator",)),
        lambda: Query(value=tuple(read(f"{chance.getrandbits(36):x}.example"))),
        lambda: Query(topics=(by.of_number(f"T{1000 + chance.randrange(650)}"),)),
        lambda: Query(labels=("phishing",), words=chance.choice(FAMILIES)),
    ]
    return [made[n % len(made)]() for n in range(count - 1)] + [Query(types=("indicator",))] * (
        count > 0
    )


def _asked(core):
    with core.read() as unit:
        reader = Reader("ana", texts.newest(objects.visible_to(READER, "aurelia")))
        began, hits = time.process_time(), 0
        for number in range(1, SEARCHES + 1):
            one = Watched({number: None})
            hits += noticing.unread(unit, reader, one, MOST)
            noticing.told(unit, reader, one, 20)
        return time.process_time() - began, hits
