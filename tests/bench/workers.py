"""Workers on one log of 20,000 recorded events, with some of SigmaHQ's rules, a correlation and patterns.

Each number of workers must keep exactly what one process finds alone, also with one that is killed in the middle of a
chunk: a figure is told only then. Rates are of events by the CPU time of all workers together, their part in store and
server included, and with what each takes to make its rules ready. The clock says little on a machine that others use.
"""

import json
import time

from mithaq.store.engine import open_store
from mithaq.store.migrate import upgrade
from tests import streams
from tests.bench.common import Figure
from tests.bench.detecting import _spread, _texts, recordings

EVENTS = 20_000
SOME = 32  # one of so many of SigmaHQ's rules


def workers(folder):
    log, rules = folder / "events.jsonl", folder / "rules"
    log.write_bytes(
        b"\n".join(_spread([line for each in recordings() for line in each], EVENTS)) + b"\n"
    )
    rules.mkdir()
    for number, text in enumerate([*_texts()[::SOME], streams.RULES]):
        (rules / f"{number}.yml").write_text(text, "utf-8")
    looked_for = streams.content(rules)
    begin = time.process_time()
    alone = streams.alone([log], looked_for)
    took = time.process_time() - begin
    yield Figure(
        "recorded events held against some rules by one process", f"{EVENTS / took:,.0f} a second", "-",
        f"{len(alone[0]):,} hits of {looked_for.count:,} rules, from a file, by CPU, nothing kept",
    )  # fmt: skip
    for number, killed in ((1, False), (2, False), (4, False), (2, True)):
        place = folder / f"{number}-{killed}"
        spent, wall, kept = _together(place, log, rules, number, killed=killed)
        assert kept == alone, (number, killed, len(kept[0] ^ alone[0]))
        named = f"{number} workers on one log" if number > 1 else "one worker on a log"
        yield Figure(
            f"{named}, one of them killed" if killed else named, "the same hits", "the same hits",
            f"{EVENTS / spent:,.0f} events a second of CPU, {EVENTS / wall:,.0f} by the clock; kept in SQLite",
        )  # fmt: skip


def _together(place, log, rules, number, *, killed):
    """Return CPU and wall seconds of some workers, and what they kept."""
    place.mkdir()
    url = f"sqlite:///{place / 'core.db'}"
    store = open_store(url, "core")
    upgrade(store)
    store.close()
    with streams.nats_server(place / "nats") as server:
        streams.publish(server.address(wait=5), [log], 1 << 20)
        crew = streams.Crew(server.address(wait=5), url, rules)
        told = [place / f"told-{each}" for each in range(number)]
        if killed:
            victim, stopped = crew.hire(stop=(3, False))
            assert stopped.wait(120)
        for each in told:
            crew.hire(told=each)
        if killed:
            victim.kill()
            crew.hired.remove(victim)
        crew.wait(600)
    each = [json.loads(path.read_text()) for path in told]
    wall = max(end for *_, end in each) - min(begin for _, _, begin, _ in each)
    return sum(spent for _, spent, _, _ in each), wall, crew.hits()
