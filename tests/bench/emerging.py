"""How well bursts are found among real claims, and how often where there are none (docs/emerging.md).

The days of real sets of STIX objects (what one source said on one day, with all its heaps) are dealt to eight partners
at random, so nothing changes from day to day; then bursts are planted. Beside it stands what many would do: a Poisson
test of the counts, with the same bound on false alarms.
"""

import json
import random
import tarfile
from collections import Counter, defaultdict
from math import exp, lgamma, log

from mithaq.model.bursts import Stratum, alarms, loud_days
from mithaq.model.mentions import Family, day_of, keys_of
from mithaq.store.tallies import mark_of
from tests.bench.common import Figure
from tests.bench.imports import DETECTION

WORLDS = 40
BASELINE, PERIOD = 90, 7
PACE = (0.9, 0.7, 0.5, 0.3, 0.2, 0.15, 0.1, 0.1)  # how likely each partner speaks on a day
PLANTED = (4, 6, 8, 12)  # source-days
SHARES = (0.05, 0.1)
TODAY = "2026-11-30"


def emerging(_folder):
    days = [*_days().values()]
    draw = random.Random(5)
    false, noise = Counter(), 0
    found = {share: Counter() for share in SHARES}
    for _ in range(WORLDS):
        world = _world(days, draw)
        noise += len(_poisson(world, SHARES[-1]))
        for share in SHARES:
            false[share] += len(_found(world, share))
        names = sorted({name for said in world.values() for name in said})
        for planted in PLANTED:
            name = draw.choice(names)
            with_burst = _plant(world, name, planted, draw)
            for share in SHARES:
                found[share][planted] += name in _found(with_burst, share)
    for share in SHARES:
        told = ", ".join(f"{found[share][n] / WORLDS:.0%} of {n}" for n in PLANTED)
        yield Figure(
            f"bursts found among techniques, at most {share:.0%} of them false", told, "",
            f"planted source-days, of three to five partners of eight, in {WORLDS} weeks of {len(days)} real days, "
            f"dealt at random; false alarms a week where nothing changes: {false[share] / WORLDS:.2f}; "
            f"by a Poisson test of counts: {noise / WORLDS:.0f}",
        )  # fmt: skip


def _days():
    """Return what was said of techniques on each day of real sets, by how often."""
    found, seen = defaultdict(Counter), set()
    with tarfile.open(DETECTION / "stix-indicator-sets.tar.xz") as sets:
        for member in sets:
            if not member.name.endswith((".json", ".stix2")) or "pan-unit42" not in member.name:
                continue
            source = member.name.split("/")[-3:][0]
            for body in _objects(json.load(sets.extractfile(member))):
                if body["id"] in seen:
                    continue
                seen.add(body["id"])
                day = day_of(body, TODAY)
                for key in keys_of(body):
                    if key.family is Family.TECHNIQUES and key.kind != "called":
                        found[source, day][mark_of(key)] += 1
    return found


def _objects(value):
    if isinstance(value, list):
        for each in value:
            yield from _objects(each)
    elif isinstance(value, dict) and "--" in str(value.get("id")) and value.get("type") != "bundle":
        yield value
    elif isinstance(value, dict):
        yield from _objects(value.get("objects", []))


def _world(days, draw):
    return {
        (source, day): dict(draw.choice(days))
        for source, pace in enumerate(PACE)
        for day in range(BASELINE + PERIOD)
        if draw.random() < pace
    }


def _plant(world, name, count, draw):
    made = {at: dict(said) for at, said in world.items()}
    sources = draw.sample(range(len(PACE)), min(5, max(3, count // 3)))
    slots = [(s, BASELINE + day) for s in sources for day in range(PERIOD)]
    for at in draw.sample(slots, count):
        said = made.setdefault(at, {})
        said[name] = said.get(name, 0) + 3
    return made


def _found(world, share):
    spoke, named = defaultdict(dict), defaultdict(lambda: defaultdict(dict))
    for (source, day), said in world.items():
        spoke[source][day] = sum(said.values())
        for name, count in said.items():
            named[name][source][day] = count
    tested = {
        name: [_stratum(loud_days(days, spoke[s]), spoke[s]) for s, days in by_source.items()]
        for name, by_source in named.items()
    }
    return alarms(tested, share)[0]


def _stratum(loud, spoke):
    now, loud_now = (sum(day >= BASELINE for day in some) for some in (spoke, loud))
    return Stratum(now, len(spoke) - now, loud_now, len(loud) - loud_now)


def _poisson(world, share):
    """Return what a Poisson test of counts, with Benjamini and Hochberg's bound, would call a burst."""
    now, before = Counter(), Counter()
    for (_, day), said in world.items():
        (now if day >= BASELINE else before).update(said)
    ratio = now.total() / before.total()
    ranked = sorted(
        (_tail(count, max(before[name], 0.5) * ratio), name) for name, count in now.items()
    )
    passed = [at for at, (p, _) in enumerate(ranked, 1) if p <= share * at / len(ranked)]
    return ranked[: max(passed, default=0)]


def _tail(count, mean):
    below = sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(count))
    return max(0.0, 1.0 - below)
